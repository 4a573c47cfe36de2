"""Threads: each has its own grad mode, and gradients of several add up in shared leaves."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tinygrad_lite as tg


@pytest.fixture(autouse=True)
def frequent_switches():
    """Threads take turns so often that what is not atomic shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def together(*functions):
    """Run the functions at once, each in a thread, and return their results."""
    barrier = threading.Barrier(len(functions))

    def run(function):
        barrier.wait()
        return function()

    with ThreadPoolExecutor(len(functions)) as pool:
        return [f.result(60) for f in [pool.submit(run, function) for function in functions]]


def test_every_thread_starts_recording():
    with tg.no_grad():
        assert together(tg.is_grad_enabled, tg.is_grad_enabled) == [True, True]
        assert not tg.is_grad_enabled()


def test_modes_do_not_disturb_each_other():
    x = tg.ones(3, requires_grad=True)

    def watch(switch, expected):
        def run():
            wrong = 0
            for _ in range(300):
                with switch():
                    wrong += (x * 2).requires_grad is not expected
                    with tg.set_grad_enabled(not expected):
                        wrong += (x * 2).requires_grad is expected
                    wrong += tg.is_grad_enabled() is not expected
                wrong += not tg.is_grad_enabled()
            return wrong

        return run

    assert together(*[watch(tg.no_grad, False), watch(tg.enable_grad, True)] * 2) == [0] * 4


def test_one_switch_object_in_many_threads():
    off = tg.no_grad()

    @off
    def inside():
        return tg.is_grad_enabled()

    def run():
        seen = set()
        for _ in range(300):
            with off:
                seen.add(tg.is_grad_enabled())
                with tg.enable_grad(), off:
                    seen.add(tg.is_grad_enabled())
            seen.add(inside())
        return seen, tg.is_grad_enabled()

    assert together(*[run] * 4) == [({False}, True)] * 4


def test_a_pass_in_one_thread_while_others_record():
    """The pass itself switches recording off, in its own thread only."""
    x = tg.ones(50, dtype=tg.float64, requires_grad=True)
    ready = threading.Event()

    def passes():
        for _ in range(100):
            y = x
            for _ in range(10):
                y = y * 1.01
            tg.autograd.grad(y.sum(), x)
        ready.set()

    def records():
        lost = 0
        while not ready.is_set():
            lost += not (x * 2).requires_grad
        return lost

    assert together(passes, records, records)[1:] == [0, 0]


@pytest.mark.parametrize("size", [1, 70_000])
def test_gradients_add_up_in_shared_leaves(size):
    """Separate graphs, one leaf; large arrays let other threads run in the middle of an addition."""
    x, y = (tg.ones(size, dtype=tg.float64, requires_grad=True) for _ in range(2))
    rounds = 200 if size == 1 else 20

    def work(factor):
        def run():
            for _ in range(rounds):
                (x * factor + y * x).sum().backward()

        return run

    together(*(work(f) for f in (1.0, 2.0, 3.0, 4.0)))
    assert (x.grad.numpy() == rounds * (10 + 4)).all()
    assert (y.grad.numpy() == rounds * 4).all()


def test_first_gradients_of_a_shared_leaf():
    """The moment when the leaf has no gradient yet."""
    for _ in range(100):
        x = tg.ones(2, requires_grad=True)
        together(*[lambda x=x: (x * 2).sum().backward()] * 4)
        assert x.grad.tolist() == [8.0, 8.0]


def test_training_in_several_threads_is_training_one_after_the_other():
    def train(seed):
        rng = np.random.default_rng(seed)
        w = tg.tensor(rng.standard_normal((4, 3)), requires_grad=True)
        data, target = tg.tensor(rng.standard_normal((16, 4))), tg.tensor(rng.integers(0, 3, 16))
        for _ in range(30):
            w.grad = None
            tg.cross_entropy(tg.tanh(data @ w), target).backward()
            with tg.no_grad():
                w.sub_(w.grad, alpha=0.1)
        return w.detach().numpy()

    alone = [train(seed) for seed in range(4)]
    for a, b in zip(alone, together(*(lambda seed=seed: train(seed) for seed in range(4)))):
        np.testing.assert_array_equal(a, b)


def test_passes_over_one_retained_graph():
    x = tg.tensor(np.linspace(-1, 1, 20), requires_grad=True)
    y = (x.exp() * x.sin()).sum()
    (expected,) = tg.autograd.grad(y, x, retain_graph=True)

    def run():
        return [tg.autograd.grad(y, x, retain_graph=True)[0].numpy() for _ in range(50)]

    for results in together(*[run] * 4):
        for result in results:
            np.testing.assert_array_equal(result, expected.numpy())


def test_writes_of_many_threads_are_all_seen():
    """However many writes elsewhere, one to a saved value is not forgotten."""
    stop = threading.Event()

    def noise():
        t = tg.zeros(2)
        while not stop.is_set():
            t.add_(1.0)

    def check():
        missed = 0
        try:
            for _ in range(300):
                x = tg.ones(2, requires_grad=True)
                h = x * 1.0
                y = (h * h).sum()
                h.detach().mul_(2.0)
                try:
                    y.backward()
                    missed += 1
                except RuntimeError as error:
                    missed += "but mul_ at" not in str(error)
        finally:
            stop.set()
        return missed

    assert together(check, noise, noise)[0] == 0


def test_hooks_registered_by_many_threads():
    x = tg.ones(1, requires_grad=True)
    x.register_hook(lambda g: None)
    calls = []

    def run():
        return [x.register_hook(calls.append) for _ in range(200)]

    handles = [h for part in together(*[run] * 4) for h in part]
    assert len({h.id for h in handles}) == 800
    x.sum().backward()
    assert len(calls) == 800
    for handle in handles:
        handle.remove()
    x.sum().backward()
    assert len(calls) == 800


def test_first_use_of_an_operation_in_many_threads():
    """Rows prepare themselves on first use."""
    from tinygrad_lite.engine.fast_calls import elementwise
    from tinygrad_lite.rules import differentiable

    for _ in range(20):
        scale = differentiable(lambda a, b: a * b, name="scale", a=lambda g, b: g * b, b=lambda g, a: g * a)
        twice = elementwise(lambda x: 2 * x, name="twice", x=lambda g: 2 * g)

        def run(scale=scale, twice=twice):
            x = tg.tensor([1.0, 2.0], requires_grad=True)
            twice(scale(x, x)).sum().backward()
            return x.grad.tolist()

        assert together(*[run] * 4) == [[4.0, 8.0]] * 4


def test_an_interrupt_in_a_backward_pass_leaves_everything_usable():
    """Ctrl-C where Python code runs: no lock stays held, no mode changed, and what follows is right."""
    x = tg.tensor([1.0, 2.0], requires_grad=True)

    def interrupted(g):
        raise KeyboardInterrupt

    for place in ("an inner node", "the leaf"):
        y = x * 3
        handle = (y if place == "an inner node" else x).register_hook(interrupted)
        with pytest.raises(KeyboardInterrupt):
            (y * y).sum().backward()
        handle.remove()
        assert x.grad is None
        assert tg.is_grad_enabled()
    together(lambda: (x * 2).sum().backward(), lambda: (x * 5).sum().backward())
    assert x.grad.tolist() == [7, 7]

"""Launches that are over before a helper wakes up: who takes part, what they do, and what happens if they fail."""

import os
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import kernels, optim
from tinygrad_lite.kernels import kernel
from tinygrad_lite.kernels.native import threads
from tinygrad_lite.kernels.native.find_arrays import Collector
from tinygrad_lite.kernels.native.memory import claim, view
from tinygrad_lite.optim.kernels.step_in_one_call import Ready
from tinygrad_lite.optim.step.plan import parameter_batch as cohort

pytestmark = pytest.mark.skipif(kernels.backend() != "numba", reason="they are compiled")

SHAPES = [(300, 250), (7,), (), (0, 3), (170, 300), (1,)]  # four pieces, some of several tensors


@pytest.fixture
def several():
    """Four threads, and as many as there were afterwards."""
    before = kernels.get_num_threads()
    kernels.set_num_threads(4)
    yield
    kernels.set_num_threads(before)


def parameters(dtype=np.float32):
    rng = np.random.default_rng(0)
    found = [tg.from_numpy(np.asarray(rng.standard_normal(shape), dtype)).requires_grad_() for shape in SHAPES]
    for p in found:
        p.grad = tg.from_numpy(np.asarray(rng.standard_normal(p.shape), dtype))
    return found


def test_those_take_part_that_need_not_sleep(several, monkeypatch):
    now = 100.0
    monkeypatch.setattr(threads, "perf_counter", lambda: now)
    monkeypatch.setattr(threads, "_last", 0.0)
    assert threads.nearby(4)[1] == 0  # asleep for long
    for _ in range(threads.ROW - 1):  # as many as a step may have
        now += threads.LATELY / 2
        assert threads.nearby(4)[1] == 0
    now += threads.LATELY / 2
    assert threads.nearby(4)[1] == 3
    now += threads.LATELY / 2
    assert threads.nearby(2)[1] == 1
    assert threads.nearby(1)[1] == 0  # nothing to share
    now += 2 * threads.LATELY
    assert threads.nearby(4)[1] == 0
    kernels.set_num_threads(1)
    assert threads.nearby(4)[1] == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("arguments", [{}, {"max_grad_norm": 0.1}, {"ema": 0.9}], ids=["plain", "clipped", "averaged"])
def test_a_brief_step_is_the_same_with_helpers(dtype, arguments, several, monkeypatch):
    found = []
    for lately in (0.0, np.inf):
        monkeypatch.setattr(threads, "LATELY", lately)
        monkeypatch.setattr(threads, "ROW", 0)
        params = parameters(dtype)
        adam = optim.AdamW(params, lr=0.1, **arguments)
        for _ in range(30):
            adam.step()
        assert adam._stepper.plans[0].cohorts[0].brief
        assert adam._stepper.plans[0].cohorts[0].tables.pieces[0] == 4
        found.append(params)
    for p, q in zip(*found):
        np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


@kernel(lambda *args: 0)
def second_fails(table, offsets, bounds, first, values, factors, cursor):
    done = 0
    while True:
        piece = claim(cursor)
        if piece >= first.size:
            return done
        if piece == values[0]:
            raise ValueError("no such piece")
        view(table[0, 0], first.size, np.float32)[piece] += 1
        done += 1


def test_a_failure_is_told_and_what_does_not_fit_is_left(several, monkeypatch):
    monkeypatch.setattr(threads, "LATELY", np.inf)
    monkeypatch.setattr(threads, "ROW", 0)
    params = parameters()
    arrays = [p._data for p in params]
    tables = cohort.Tables([arrays, arrays])
    collector = Collector(params, arrays, tables.targets())
    ready = Ready(collector, second_fails.compiled, tables.pieces, np.dtype(np.float32))
    before = arrays[0].ravel()[:5].copy()
    assert ready.launch(params, np.array([-1], np.float32))
    np.testing.assert_array_equal(arrays[0].ravel()[:5], before + np.array([1, 1, 1, 1, 0], np.float32))
    for n, where in ((4, "one of 4 threads"), (1, "compiled code")):
        kernels.set_num_threads(n)
        with pytest.raises(RuntimeError, match=f"second_fails: failed in {where}; is there memory left"):
            ready.launch(params, np.array([2], np.float32))
    done = arrays[0].copy()
    params[1].grad = None
    assert not ready.launch(params, np.array([-1], np.float32))
    assert not ready.launch(params[:-1], np.array([-1], np.float32))
    np.testing.assert_array_equal(arrays[0], done)


@pytest.mark.parametrize("cls", [optim.SGD, optim.LAMB, optim.Adafactor])
@pytest.mark.parametrize("size", [100_000, cohort.SHARED])
@pytest.mark.parametrize("common", [False, True])
def test_parameters_with_memory_in_common_are_updated_in_turn(cls, size, common, several, monkeypatch):
    """By one thread; whether a second wakes up in time to do harm is a matter of luck, so that is asked instead."""
    asked, called = [], threads.called
    monkeypatch.setattr(threads, "called", lambda helpers: asked.append(helpers) or called(helpers))
    monkeypatch.setattr(threads, "LATELY", np.inf)
    monkeypatch.setattr(threads, "ROW", 0)
    memory = np.ones(2 * size, np.float32)
    second = memory[size - 64 : 2 * size - 64] if common else memory[size:]
    params = [tg.from_numpy(a).requires_grad_() for a in (second.reshape(-1, 16), memory[:size])]
    for p in params:
        p.grad = tg.from_numpy(np.full(p.shape, 0.1, np.float32))
    optimizer = cls(params, lr=0.1)
    for _ in range(3):
        optimizer.step()
    assert bool(max(asked, default=0)) != common


def test_memory_in_common():
    begins = np.array([40, 0, 100, 30])
    assert cohort.apart(begins, [10, 30, 5, 10])
    assert not cohort.apart(begins, [10, 31, 5, 10])
    assert not cohort.apart(begins, [10, 101, 5, 10])  # one around the others


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no forks")
def test_a_fork_while_another_thread_writes():
    """A lock that it holds is nobody's in the child."""
    program = """
import os, signal, threading
import numpy as np
import tinygrad_lite as tg
from tinygrad_lite import optim
def write(x=tg.ones(3)):
    while True:
        x.add_(1)
p = tg.ones(50_000, requires_grad=True)
p.grad = tg.ones(50_000)
sgd = optim.SGD([p])
sgd.step()
threading.Thread(target=write, daemon=True).start()
for _ in range(80):
    pid = os.fork()
    if not pid:
        signal.alarm(20)
        sgd.step()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

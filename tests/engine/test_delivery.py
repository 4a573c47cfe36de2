"""Gradients that are handed over while the pass goes on."""

from __future__ import annotations

import pytest

import tinygrad_lite as tg
from tinygrad_lite.engine.delivery import LEAVES


class Recorder:
    """Notes what comes, and when."""

    def __init__(self, *leaves):
        self.came, self.ends = [], 0
        self.names = {leaf._node: i for i, leaf in enumerate(leaves)}
        LEAVES.update((leaf._node, self) for leaf in leaves)

    def take(self, node, g):
        self.came.append((self.names[node], g.tolist()))

    def end(self):
        self.ends += 1
        self.came.append("end")

    def fail(self):
        self.came.append("failed")


@pytest.fixture(autouse=True)
def nobody_takes_gradients():
    yield
    LEAVES.clear()


def test_a_gradient_comes_before_older_operations_run():
    first, second, free = (tg.full((2,), float(i), requires_grad=True) for i in (2, 3, 5))
    recorder = Recorder(first, second)
    hidden = first * free
    hidden.register_hook(lambda g: recorder.came.append("hidden"))
    (hidden * second + second).sum().backward()
    assert recorder.came == [(1, [11.0, 11.0]), "hidden", (0, [15.0, 15.0]), "end"]
    assert first.grad is None
    assert second.grad is None
    assert free.grad.tolist() == [6.0, 6.0]  # nobody takes it


def test_hooks_on_the_leaf_run_once_and_before():
    x = tg.ones(2, requires_grad=True)
    recorder, calls = Recorder(x), []
    x.register_hook(lambda g: g * 10)
    x.register_post_accumulate_grad_hook(lambda t: calls.append(t))
    (x * 2).sum().backward()
    assert recorder.came == [(0, [20.0, 20.0]), "end"]
    assert calls == [x]


def test_parts_of_a_leaf_come_as_one():
    x = tg.ones(3, requires_grad=True)
    recorder = Recorder(x)
    (x[0] + 2 * x[1] + x.sum()).backward()
    assert recorder.came == [(0, [2.0, 3.0, 1.0]), "end"]


def test_a_pass_within_a_pass_belongs_to_it():
    from tinygrad_lite.utils.checkpoint import checkpoint

    x, w = tg.ones(2, requires_grad=True), tg.ones(2, requires_grad=True)
    recorder = Recorder(x, w)
    checkpoint(lambda a: a * w, x * 3, use_reentrant=True).sum().backward()
    assert recorder.ends == 1
    assert sorted(recorder.came[:-1]) == [(0, [3.0, 3.0]), (1, [3.0, 3.0])]


def test_an_error_is_told():
    x = tg.ones(2, requires_grad=True)
    y = tg.ones(2, requires_grad=True)
    recorder = Recorder(x)
    hidden = y * 1

    def fail(g):
        raise ArithmeticError

    hidden.register_hook(fail)
    with pytest.raises(ArithmeticError):
        (hidden * x).sum().backward()
    assert recorder.came == [(0, [1.0, 1.0]), "failed"]
    assert y.grad is None


@pytest.mark.parametrize("how", ["inputs", "leaf", "grad"])
def test_other_ways_to_a_gradient(how):
    x = tg.ones(1, requires_grad=True)
    recorder = Recorder(x)
    if how == "inputs":
        (x * 2).sum().backward(inputs=[x])
        assert recorder.came == [(0, [2.0]), "end"]
    elif how == "leaf":
        x.backward()
        assert recorder.came == [(0, [1.0]), "end"]
    else:
        (g,) = tg.autograd.grad((x * 2).sum(), x)
        assert g.item() == 2.0
        assert recorder.came == []


def test_a_recorded_pass_is_refused():
    x = tg.ones(1, requires_grad=True)
    Recorder(x)
    with pytest.raises(RuntimeError, match="records no sum over ranks"):
        (x * x).sum().backward(create_graph=True)

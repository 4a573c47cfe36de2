"""`autograd.graph`: gradient edges and counts of writes; hooks that return what nobody takes."""

from __future__ import annotations

import importlib
import importlib.util

import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim

GradientEdge, get_gradient_edge = tg.autograd.graph.GradientEdge, tg.autograd.graph.get_gradient_edge

LIBRARIES = ["tinygrad_lite", *(["torch"] if importlib.util.find_spec("torch") else [])]


def test_an_edge_stands_for_its_tensor():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    edge, leaf = get_gradient_edge(y), get_gradient_edge(x)
    z = (y * tg.tensor([3.0, 4.0])).sum()
    assert (edge.node, edge.output_nr, leaf.node.name()) == (y.grad_fn, y.output_nr, "AccumulateGrad")
    del y
    by_edge = tg.autograd.grad(z, (edge, leaf), retain_graph=True)
    assert [g.tolist() for g in by_edge] == [[3, 4], [6, 16]]
    assert tg.autograd.grad(edge, x, tg.ones(2), retain_graph=True)[0].tolist() == [2, 4]
    twice = tg.autograd.grad([edge, z], x, [tg.ones(2), None], retain_graph=True)[0]
    assert twice.tolist() == [8, 20]
    tg.autograd.backward(edge, tg.tensor([1.0, 10.0]), inputs=leaf)
    assert x.grad.tolist() == [2, 40]


def test_what_has_no_edge_is_refused():
    with pytest.raises(RuntimeError, match="get_gradient_edge: the tensor must require grad"):
        get_gradient_edge(tg.ones(2))
    with pytest.raises(TypeError, match="get_gradient_edge: tensor must be a Tensor, got 3"):
        get_gradient_edge(3)
    x = tg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="scalar outputs"):
        tg.autograd.grad(get_gradient_edge(x * 2), x)
    with pytest.raises(RuntimeError, match="was not used"):
        tg.autograd.grad((x * 2).sum(), get_gradient_edge(x * 3))
    assert isinstance(get_gradient_edge(x), GradientEdge)


@pytest.mark.parametrize("library", LIBRARIES)
def test_each_write_counts_as_one(library):
    T = importlib.import_module(library)
    x = T.ones(2, 3)
    found = [x._version]
    x.add_(1)
    found.append(x._version)
    y = x.view(6)
    y.mul_(2)
    found += [x._version, y._version, x.detach()._version, x.clone()._version, x[0]._version]
    x[0] = 5.0
    T.autograd.graph.increment_version(x)
    found += [x._version, y._version]
    assert found == [0, 1, 2, 2, 2, 0, 2, 4, 4]


def test_steps_of_an_optimizer_count():
    """Its parameters share one stamp, which another optimizer takes from them."""
    a, b = nn.Parameter(tg.ones(2)), nn.Parameter(tg.ones(3))
    with tg.no_grad():
        a.mul_(2)
    first = optim.SGD([a, b], lr=0.1)

    def step(optimizer):
        (a.sum() + b.sum()).backward()
        optimizer.step()
        return a._version, b._version

    assert [step(first), step(first)] == [(2, 1), (3, 2)]
    with tg.no_grad():
        b.mul_(2)
    second = optim.SGD([a], lr=0.1)
    assert [step(second), step(first)] == [(4, 3), (5, 4)]
    del first, second
    assert (a._version, b._version) == (5, 4)


def test_a_hook_after_accumulation_returns_nothing():
    x = tg.ones(2, requires_grad=True)
    handle = x.register_post_accumulate_grad_hook(lambda p: p.grad * 2)
    with pytest.raises(RuntimeError, match="grad_hook: the hook must return None.*got Tensor of float32"):
        x.sum().backward()
    handle.remove()
    x.sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_threads_of_a_pass_are_noted():
    assert tg.autograd.is_multithreading_enabled()
    with tg.autograd.set_multithreading_enabled(False):
        assert not tg.autograd.is_multithreading_enabled()
    tg.autograd.set_multithreading_enabled(False)
    assert not tg.autograd.is_multithreading_enabled()
    tg.autograd.set_multithreading_enabled(True)


def test_halves_of_a_symmetric_matrix_count_alike():
    """As in PyTorch, which multiplies by the whole matrix: one half alone would double the other's derivative."""
    a = tg.rand(9, 9, dtype=tg.float64)
    a = (a @ a.mT).requires_grad_()

    def largest(a):
        values, vectors = tg.lobpcg(a, k=2)
        return values, vectors * vectors[:1].sign()

    assert tg.gradcheck(largest, a)


def test_nodes_that_are_looked_at_bear_their_names():
    """As programs that draw graphs ask: by the name of the class."""
    x = tg.ones(2, requires_grad=True)
    y = (x * 3).exp()

    class Twice(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    z = Twice.apply(y).sum()
    names, node = [], z.grad_fn
    while node is not None:
        names.append(type(node).__name__)
        node = node.next_functions[0][0] if node.next_functions else None
    assert names == ["SumBackward0", "TwiceBackward", "ExpBackward0", "MulBackward0", "AccumulateGrad"]
    assert isinstance(z.grad_fn, tg.autograd.graph.Node)
    assert z.grad_fn.name() == type(z.grad_fn).__name__
    z.backward()
    assert x.grad.tolist() == pytest.approx([6 * 20.085537] * 2)

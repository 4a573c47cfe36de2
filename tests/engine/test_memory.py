"""Memory: long chains without recursion, reference counting alone, nothing grows, nothing is kept needlessly."""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import graph
from tinygrad_lite.compiler.lowering import native

LONG, SHORT = 12_000, 5_000  # calls that deep would overflow the stack of half a megabyte below


@pytest.fixture(scope="module", autouse=True)
def spared():
    """What earlier tests of this process have left is not looked through again and again: half of these tests' time."""
    gc.collect()
    gc.freeze()


@contextlib.contextmanager
def no_collector():
    """Whatever returns in here returns by reference counting, and no thread compiles meanwhile."""
    native.settle()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def nodes() -> int:
    return sum(isinstance(o, graph.Node) for o in gc.get_objects() if type(o).__module__ == graph.__name__)


# --- long chains ----------------------------------------------------------------------------------------------------


class Shift(tg.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x + 1

    @staticmethod
    def backward(ctx, g):
        return g


def by_index(x, i):
    return x[None][0]


def by_slice(x, i):
    return x[:]


def by_reshape(x, i):
    return x.reshape(1, 2) if i % 2 == 0 else x.reshape(2)


def in_place(x, i):
    return x.add_(1.0) if i else x * 1


def in_place_on_a_view(x, i):
    if not i:
        return x * 1
    x[:1].mul_(1.0)
    return x


CHAINS = {
    "add": (lambda x, i: x + 1, LONG), "view": (by_reshape, LONG), "Function": (lambda x, i: Shift.apply(x), LONG),
    "mul": (lambda x, i: x * 1.0, SHORT), "both": (lambda x, i: x + x * 0.0, SHORT), "slice": (by_slice, SHORT),
    "numpy": (lambda x, i: np.add(x, 1.0), SHORT), "sum": (lambda x, i: x.reshape(1, -1).sum(0), SHORT),
    "where": (lambda x, i: tg.where(x > -1, x, 0.0), SHORT), "cat": (lambda x, i: tg.cat([x[:1], x[1:]]), SHORT),
    "index": (by_index, SHORT), "in place": (in_place, SHORT), "in place on a view": (in_place_on_a_view, SHORT),
}  # fmt: skip


def on_a_small_stack(function):
    """Run in a thread whose C stack and recursion limit a recursion over the chain would exceed many times."""
    errors = []

    def run():
        try:
            function()
        except BaseException as error:
            errors.append(error)

    limit, size = sys.getrecursionlimit(), threading.stack_size(512 * 1024)
    thread = threading.Thread(target=run)
    try:
        sys.setrecursionlimit(400)
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)
    if errors:
        raise errors[0]


@pytest.mark.parametrize("name", CHAINS)
def test_long_chains_need_no_recursion(name):
    step, length = CHAINS[name]

    def run():
        before = nodes()
        x = tg.tensor([0.0, 0.5], requires_grad=True)
        y = x
        for i in range(length):
            y = step(y, i)
        assert nodes() - before >= length
        (g,) = tg.autograd.grad(y.sum(), x, retain_graph=True)
        assert g.tolist() == [1.0, 1.0]
        y.sum().backward(retain_graph=length < LONG)
        assert x.grad.tolist() == [1.0, 1.0]
        del y  # the whole graph at once, where it was retained
        assert nodes() - before == 1  # the leaf's

    with no_collector():
        on_a_small_stack(run)


def test_the_longest_chain_is_dropped_at_once():
    def run():
        y = tg.ones(2, requires_grad=True)
        for _ in range(LONG):
            y = y * 1.0
        watched = weakref.ref(y.grad_fn)
        del y
        assert watched() is None

    with no_collector():
        on_a_small_stack(run)


def test_a_long_chain_with_create_graph():
    x = tg.tensor([0.1, 0.2], dtype=tg.float64, requires_grad=True)
    y = x
    for _ in range(SHORT):
        y = y * 1.0
    (g,) = tg.autograd.grad((y * y).sum(), x, create_graph=True)
    (h,) = tg.autograd.grad(g.sum(), x)
    assert h.tolist() == [2.0, 2.0]
    del y, g


def test_a_pass_frees_the_chain_behind_it():
    """While it goes down, not after: each operation's saved values go as soon as they were used."""
    x = tg.ones(1000, dtype=tg.float64, requires_grad=True)
    y = x
    watched = []
    for _ in range(50):
        y = y.exp() * 0.1
        watched.append(weakref.ref(y.grad_fn.edges[0][0]))
    alive = []
    x.register_hook(lambda g: alive.append(sum(w() is not None and not isinstance(w().edges, str) for w in watched)))
    y.sum().backward()
    assert alive == [0]


# --- reference counting ---------------------------------------------------------------------------------------------


def test_graphs_go_by_reference_counting():
    with no_collector():
        before = nodes()
        x = tg.ones(3, 3, requires_grad=True)

        def build():
            h = (x @ x).relu()
            h.retain_grad()
            h.register_hook(lambda g: g * 2)
            h = h + 0.0
            v = h[0]
            v.mul_(2.0)
            a, b = h.split([1, 2])
            s = tg.softmax(h, 1)
            k = tg.cat([a, b]) * s + np.exp(h)
            return tg.cross_entropy(k, tg.tensor([0, 1, 2])), [weakref.ref(t) for t in (h, v, s, k)]

        loss, watched = build()
        assert nodes() - before > 10
        del loss
        assert nodes() - before == 1
        assert [w() for w in watched] == [None] * 4
        loss, watched = build()
        loss.backward()
        assert nodes() - before <= 3  # the leaf, the loss, and what the loss came from
        del loss
        assert nodes() - before == 1
        loss, watched = build()
        (g,) = tg.autograd.grad(loss, x, create_graph=True)
        (g * g).sum().backward()
        del loss, g
        assert nodes() - before == 1
        assert [w() for w in watched] == [None] * 4


def test_a_failed_pass_leaves_nothing_behind():
    with no_collector():
        before = nodes()
        x = tg.ones(3, requires_grad=True)
        for _ in range(3):
            h = x * 1.0
            y = (h * h).sum()
            h.detach().add_(1.0)
            with contextlib.suppress(RuntimeError):
                y.backward()
        del h, y
        assert nodes() - before == 1


# --- nothing grows --------------------------------------------------------------------------------------------------


def mlp_step(x, target, weights, hidden):
    """One step of training by hand: views, in-place updates, a hook, a buffer and a custom function on the way."""
    h = x
    for w in weights[:-1]:
        h = tg.relu(h @ w)
    h.register_hook(lambda g: g)
    h.retain_grad()
    hidden.copy_(h.detach())
    hidden[0] = 0.0
    loss = tg.cross_entropy(Shift.apply(h) @ weights[-1], target)
    for w in weights:
        w.grad = None
    loss.backward()
    with tg.no_grad():
        for w in weights:
            w.sub_(w.grad, alpha=0.01)
    return loss.item()


def test_a_thousand_training_steps_do_not_grow():
    rng = np.random.default_rng(0)
    x, target = tg.tensor(rng.random((8, 5), np.float32)), tg.tensor(rng.integers(0, 3, 8))
    sizes = [5, 6, 6, 3]
    weights = [tg.tensor(rng.random((a, b), np.float32), requires_grad=True) for a, b in zip(sizes, sizes[1:])]
    hidden = tg.zeros(8, 6)

    def steps(n):
        for _ in range(n):
            loss = mlp_step(x, target, weights, hidden)
        return loss

    first = steps(1)
    with no_collector():
        tracemalloc.start()
        try:
            steps(100)  # everything that is allocated once
            objects, (size, _) = len(gc.get_objects()), tracemalloc.get_traced_memory()
            last = steps(1000)
            grown_objects, grown = len(gc.get_objects()) - objects, tracemalloc.get_traced_memory()[0] - size
        finally:
            tracemalloc.stop()
    assert last < first
    assert grown_objects < 20  # the tools around this test may take some
    assert grown < 150_000  # Python's lists of free tuples fill up; a forgotten node would be 300 bytes each time
    assert len(graph._stamps) < 100


def test_a_tensor_written_for_ever_does_not_grow():
    t = tg.zeros(3)
    v = t[:2]
    with no_collector():
        t.add_(1.0)
        objects = len(gc.get_objects())
        for _ in range(1000):
            v.add_(1.0)
            t[2] = t[0]
        assert len(gc.get_objects()) - objects < 20
    assert t.tolist() == [1001.0, 1001.0, 1001.0]


def test_accumulation_needs_no_new_memory():
    x = tg.ones(100_000, requires_grad=True)
    (x * 1.0).sum().backward()
    kept = x.grad.numpy()
    for _ in range(3):
        (x * 1.0).sum().backward()
    assert x.grad.numpy() is kept
    assert (kept == 4.0).all()


# --- nothing kept but what is needed --------------------------------------------------------------------------------


def traced(build):
    """Bytes that `build` leaves allocated, and its result."""
    build()  # whatever is prepared on first use
    gc.collect()
    tracemalloc.start()
    try:
        result = build()
        return tracemalloc.get_traced_memory()[0], result
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_the_graph_of_an_mlp_keeps_what_it_needs(backend):
    if backend == "numba":
        pytest.importorskip("numba")
    batch, sizes = 128, [784, 100, 100, 100, 100, 10]
    rng = np.random.default_rng(0)
    x = tg.tensor(rng.random((batch, 784), np.float32))
    target = tg.tensor(rng.integers(0, 10, batch))
    layers = [
        (
            tg.tensor(rng.standard_normal((b, a)).astype(np.float32) * 0.05, requires_grad=True),
            tg.zeros(b, requires_grad=True),
        )
        for a, b in zip(sizes, sizes[1:])
    ]

    def forward():
        h = x
        for i, (w, b) in enumerate(layers):
            h = tg.linear(h, w, b)
            if i < len(layers) - 1:
                h = tg.relu(h)
        return tg.cross_entropy(h, target)

    with tg.kernels.use(backend):
        used, loss = traced(forward)
        # each relu's result, which is the next layer's input, and the probabilities
        needed = 4 * batch * (100 * 4 + 10)
        assert needed <= used <= 1.1 * needed
        loss.backward()
        assert np.isfinite(layers[0][0].grad.numpy()).all()


CASES = {
    # name: (operation, what it may keep, in units of x)
    "add": (lambda x: x + x, 0), "sub constant": (lambda x: 3.0 - x, 0), "sum": (lambda x: x.sum(), 0),
    "mean": (lambda x: x.mean(0), 0), "reshape": (lambda x: x.reshape(-1), 0), "transpose": (lambda x: x.T, 0),
    "mul constant": (lambda x: x * 3.0, 0), "neg": (lambda x: -x, 0), "cat": (lambda x: tg.cat([x, x]), 0),
    "pad": (lambda x: tg.pad(x, (1, 1)), 0), "clone": (lambda x: x.clone(), 0),
    "exp": (lambda x: x.exp(), 1), "tanh": (lambda x: x.tanh(), 1), "sigmoid": (lambda x: x.sigmoid(), 1),
    "relu": (lambda x: x.relu(), 1), "sqrt": (lambda x: x.sqrt(), 1), "softmax": (lambda x: x.softmax(1), 1),
    "log": (lambda x: x.log(), 0), "sin": (lambda x: x.sin(), 0), "mul": (lambda x: x * x, 0),
    "matmul": (lambda x: x @ x, 0),
    "square": (lambda x: x**2, 0), "index": (lambda x: x[3:], 0), "expand": (lambda x: x[:, :1].expand(300, 300), 0),
}  # fmt: skip


@pytest.mark.each("name", CASES)
def test_an_operation_keeps_what_its_rule_names(name):
    operation, units = CASES[name]
    x = tg.tensor(np.random.default_rng(0).random((300, 300)) + 0.5, requires_grad=True)

    def node_only():
        y = operation(x)
        return y.grad_fn  # and the result is dropped

    used, node = traced(node_only)
    assert node is not None
    assert units * x.nbytes <= used <= units * x.nbytes + 8_000


def test_a_view_keeps_its_base_only_as_long_as_it_lives():
    with no_collector():
        x = tg.ones(1000, requires_grad=True)
        h = x * 1.0
        watched = weakref.ref(h._data)
        v = h[:1]
        y = v + 0.0
        del h
        assert watched() is not None
        del v
        assert watched() is None
        y.backward()
        assert x.grad.numpy().sum() == 1.0

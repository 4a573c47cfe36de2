"""`tg.checkpoint`: the same gradients, less memory, and errors where the repetition would not be one."""

from __future__ import annotations

import contextlib
import itertools
import weakref

import numpy as np
import pytest
from makers import leaf
from oracle import agree

import tinygrad_lite as tg
from tinygrad_lite import nn


def block(x):
    h = x.sin() * x
    return (h.exp() + tg.softmax(h, -1)).relu() - x.mean()


def both(function, *values):
    """Gradients of all leaves without and with a checkpoint."""
    found = []
    for call in (lambda f, *a: f(*a), tg.checkpoint):
        leaves = [leaf(v) for v in values]
        function(call, *leaves).backward()
        found.append([x.grad.numpy() for x in leaves])
    return found


X = [[0.3, -1.2, 2.0], [0.7, 0.1, -0.4]]
W = [[0.5, 1.0], [-0.3, 0.2], [0.8, -0.6]]

PROGRAMS = {
    "one": lambda call, x: call(block, x).sum(),
    "between": lambda call, x: (call(block, x * 2) * x).sum(),
    "two arguments": lambda call, x, w: call(lambda a, b: (a @ b).tanh(), x, w).sum(),
    "two results": lambda call, x: sum(y.sum() * k for k, y in enumerate(call(lambda a: (a.exp(), block(a)), x), 1)),
    "tree": lambda call, x: call(lambda d: {"y": d["x"][0].exp()}, {"x": [x]})["y"].sum(),
    "closure": lambda call, x, w: call(lambda a: (a @ w).exp(), x).sum(),
    "closure only": lambda call, x, w: call(lambda: (x @ w).exp()).sum(),
    "chain": lambda call, x: call(block, call(block, call(block, x))).sum(),
    "nested": lambda call, x: call(lambda a: call(block, a.exp()) * call(block, a), x).sum(),
    "nested thrice": lambda call, x: call(lambda a: call(lambda b: call(block, b) * b, a) + a, x).sum(),
    "in place inside": lambda call, x: call(lambda a: (a * 2).add_(a).mul_(2).sin(), x).sum(),
    "in place on the result": lambda call, x: call(lambda a: a.sin() * 2, x).mul_(3).sin_().sum(),
    "joined": lambda call, x: call(lambda a: tg.cat([a, a.exp()]).max(0)[0], x).sum(),
    "split": lambda call, x: call(lambda a: a.exp().unbind(1)[1] * a.sin().split(1, 1)[0][:, 0], x).sum(),
    "fused": lambda call, x: call(lambda a: tg.cross_entropy(a, tg.tensor([0, 2])), x),
    "argument returned": lambda call, x: (call(lambda a: a, x * 2) ** 2).sum(),
    "part unused": lambda call, x: call(lambda a: (a.exp(), a.sin()), x)[0].sum(),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_gradients(name):
    program = PROGRAMS[name]
    count = program.__code__.co_argcount - 1
    for plain, again in zip(*both(program, *(X, W)[:count])):
        np.testing.assert_array_equal(plain, again)


def test_as_pytorchs():
    torch = pytest.importorskip("torch")
    from torch.utils.checkpoint import checkpoint

    x, w = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (X, W))
    f = lambda a: (a @ w).sin()  # noqa: E731
    checkpoint(lambda a: checkpoint(f, a, use_reentrant=False).exp(), x, use_reentrant=False).sum().backward()
    a, b = leaf(X), leaf(W)
    tg.checkpoint(lambda y: tg.checkpoint(lambda z: (z @ b).sin(), y).exp(), a, use_reentrant=False).sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), x.grad.numpy(), rtol=1e-12)
    np.testing.assert_allclose(b.grad.numpy(), w.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("nested", [False, True])
def test_higher_orders(nested):
    f = (lambda x: tg.checkpoint(lambda a: tg.checkpoint(block, a) * a, x)) if nested else block
    g = (lambda x: block(x) * x) if nested else block

    def third(function, call):
        x = leaf(X[0])
        found, value = [], call(function, x).sum()
        for _ in range(3):
            (value,) = tg.autograd.grad(value.sum(), x, create_graph=True)
            found.append(value.detach().numpy())
        return found

    for a, b in zip(third(g, lambda f, x: f(x)), third(f, tg.checkpoint)):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    assert tg.gradgradcheck(lambda x: tg.checkpoint(f, x), leaf(X[0]))


def test_twice_through_one_graph():
    x = leaf(X)
    y = tg.checkpoint(block, x).sum()
    y.backward(retain_graph=True)
    once = x.grad.numpy().copy()
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * once)
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


class Saved(tg.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * x * x * g


def test_custom_functions():
    x = leaf(X)
    y = tg.checkpoint(lambda a: Saved.apply(a.exp()).sin(), x).sum()
    (g,) = tg.autograd.grad(y, x, create_graph=True)
    (gg,) = tg.autograd.grad(g.sum(), x)
    z = (x.exp() ** 3).sin().sum()
    (h,) = tg.autograd.grad(z, x, create_graph=True)
    (hh,) = tg.autograd.grad(h.sum(), x)
    np.testing.assert_allclose(g.detach().numpy(), h.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(gg.numpy(), hh.numpy(), rtol=1e-9)


def test_calls_and_memory():
    calls, alive = [], []

    def part(a):
        calls.append(1)
        for _ in range(4):
            a = a.exp().sin()
            alive.append(weakref.ref(a._data))
        return a

    x = leaf(X)
    y = tg.checkpoint(part, x)
    assert len(calls) == 1
    assert [r() is not None for r in alive] == [False, False, False, True]
    y.sum().backward()
    assert len(calls) == 2
    del y
    assert not any(r() is not None for r in alive)


def test_nested_parts_keep_nothing_either():
    alive = []

    def inner(a):
        a = a.exp()
        alive.append(weakref.ref(a._data))
        return a.sin().exp()

    def outer(a):
        for _ in range(3):
            a = tg.checkpoint(inner, a)
            alive.append(weakref.ref(a._data))
        return a.sin()

    x = leaf(X)
    y = tg.checkpoint(outer, x)
    assert not any(r() is not None for r in alive)
    y.sum().backward()
    z = leaf(X)
    h = z
    for _ in range(3):
        h = h.exp().sin().exp()
    h.sin().sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), z.grad.numpy())
    assert not any(r() is not None for r in alive)


def test_nothing_is_repeated_where_nothing_is_recorded():
    calls = []
    f = lambda a: (calls.append(1), a.exp())[1]  # noqa: E731
    with tg.no_grad():
        assert not tg.checkpoint(f, leaf(X)).requires_grad
    assert not tg.checkpoint(f, tg.tensor(X)).requires_grad
    assert len(calls) == 2


def test_random_numbers_are_the_same_again():
    tg.manual_seed(0)
    x = leaf(np.ones(1000))
    y = tg.checkpoint(lambda a: nn.functional.dropout(a, 0.5).exp(), x)
    after = tg.rand(3)
    expected = np.where(y.detach().numpy() == 1.0, 0.0, 2 * np.exp(2.0))
    state = tg.get_rng_state()
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), expected)
    assert tg.equal(tg.get_rng_state(), state)
    tg.manual_seed(0)
    nn.functional.dropout(tg.ones(1000, dtype=tg.float64), 0.5)
    assert after.tolist() == tg.rand(3).tolist()

    x = leaf(np.ones(1000))
    y = tg.checkpoint(lambda a: nn.functional.dropout(a, 0.5).exp(), x, preserve_rng_state=False)
    y.sum().backward()
    assert (x.grad.numpy() != np.where(y.detach().numpy() == 1.0, 0.0, 2 * np.exp(2.0))).any()


def test_a_model_trains_alike():
    def train(call):
        tg.manual_seed(1)
        model = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 3))
        x, y = tg.randn(16, 4), tg.arange(16) % 3
        for _ in range(3):
            tg.cross_entropy(call(model, x), y).backward()
            with tg.no_grad():
                for p in model.parameters():
                    p.sub_(0.1 * p.grad)
                    p.grad = None
        return [p.detach().numpy() for p in model.parameters()]

    for a, b in zip(train(lambda m, x: m(x)), train(tg.checkpoint)):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(train(lambda m, x: m(x)), train(lambda m, x: tg.checkpoint_sequential(m, 2, x))):
        np.testing.assert_array_equal(a, b)


def test_sequential_segments():
    calls = []
    steps = [lambda a, i=i: (calls.append(i), (a * (i + 1)).sin())[1] for i in range(5)]
    x = leaf(X)
    y = tg.checkpoint_sequential(steps, 2, x)
    assert calls == [0, 1, 2, 3, 4]
    y.sum().backward()
    assert calls == [0, 1, 2, 3, 4, 0, 1]
    with pytest.raises(ValueError, match=r"segments must be in \[1, 5\], got 6"):
        tg.checkpoint_sequential(steps, 6, x)


def test_contexts():
    seen = []

    class Note:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            seen.append(self.name)

        def __exit__(self, *_):
            pass

    y = tg.checkpoint(tg.exp, leaf(X), context_fn=lambda: (Note("first"), Note("again"))).sum()
    assert seen == ["first"]
    y.backward()
    assert seen == ["first", "again"]


# --- refusals -------------------------------------------------------------------------------------------------------


def test_another_repetition_is_refused():
    calls = []

    def more(a):
        calls.append(1)
        return a.exp() if len(calls) % 2 else a.sin().exp()

    with pytest.raises(RuntimeError, match="must do the same when it is repeated, but did sin of shape"):
        tg.checkpoint(more, leaf(X)).sum().backward()

    def fewer(a):
        calls.append(1)
        return a.exp() if len(calls) % 2 == 0 else a.exp().exp()

    calls.clear()
    with pytest.raises(RuntimeError, match="but did 2 operations at first and fewer then"):
        tg.checkpoint(fewer, leaf(X)).sum().backward()

    def smaller(a):
        calls.append(1)
        return a[: len(calls)].exp().sum()

    calls.clear()
    with pytest.raises(RuntimeError, match=r"of shape \(2, 3\) instead of getitem of shape \(1, 3\)"):
        tg.checkpoint(smaller, leaf(X)).backward()


def test_overwritten_values_are_refused():
    x = leaf(X)
    h = x * 2
    y = tg.checkpoint(tg.exp, h)
    h.add_(1)
    with pytest.raises(RuntimeError, match=r"the function needs an argument again, but add_ at .* has overwritten"):
        y.sum().backward()
    w = leaf(W)
    y = tg.checkpoint(lambda a: a @ w, leaf(X))
    with tg.no_grad():
        w.sub_(1)
    with pytest.raises(RuntimeError, match=r"matmul at .*test_checkpoint.py:\d+ needs a value again, but sub_ at"):
        y.sum().backward()


def test_a_value_overwritten_inside_is_refused_as_without():
    def wrong(a):
        h = a.exp()
        h.add_(1)
        return h

    late = lambda f, x: tg.checkpoint(f, x, early_stop=False)  # noqa: E731
    for call, function in ((lambda f, x: f(x), wrong), (late, wrong), (tg.checkpoint, lambda a: wrong(a).sin())):
        with pytest.raises(RuntimeError, match="exp at .* but add_ at .* has overwritten it"):
            call(function, leaf(X)).sum().backward()
    x = leaf(X)
    tg.checkpoint(wrong, x).sum().backward()  # what overwrites it is not done again
    np.testing.assert_array_equal(x.grad, np.exp(X))


def test_wrong_options():
    with pytest.raises(ValueError, match="determinism_check must be 'default' or 'none', got 'x'"):
        tg.checkpoint(tg.exp, leaf(X), determinism_check="x")


def test_an_error_inside_leaves_no_trace():
    def fails(a):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        tg.checkpoint(fails, leaf(X))
    from tinygrad_lite.graph import OFF, mode

    assert not mode.packers
    assert not OFF


# --- where a repetition ends ----------------------------------------------------------------------------------------


def counted(seen):
    def part(a):
        b = (a.sin() * a).exp()
        seen.append("needed")
        b = b.reshape(-1).clone() + 1
        seen.append("not needed")
        return b

    return part


@pytest.mark.parametrize(("options", "forced", "ends"), [
    ({}, None, True), ({"early_stop": False}, None, False), ({}, False, False), ({"early_stop": False}, True, True),
])  # fmt: skip
def test_a_repetition_ends_where_nothing_more_is_needed(options, forced, ends):
    seen, x, y = [], leaf(X), leaf(X)
    with contextlib.nullcontext() if forced is None else tg.utils.checkpoint.set_checkpoint_early_stop(forced):
        out = tg.checkpoint(counted(seen), x, **options)
    out.sum().backward()
    counted([])(y).sum().backward()
    np.testing.assert_array_equal(x.grad, y.grad)
    assert seen == ["needed", "not needed"] + ["needed"] * (not ends) + ["not needed"] * (not ends)


@pytest.mark.parametrize("stops", list(itertools.product([False, True], repeat=3)))
def test_parts_in_parts_that_end_early(stops):
    """The repetition of one part leaves another in its middle, which is repeated itself later."""
    outer, inner, second = stops

    def whole(call, x):
        def around(a):
            b = call(lambda c: (c.exp() * c).reshape(-1).sin() + 0.5, a * a, early_stop=inner)
            c = call(lambda c: (c.tanh() * 2).clone() + 1, b, early_stop=second)
            return c.view(2, 3).clone()

        return call(around, x, early_stop=outer).sum()

    found = []
    for call in (lambda f, x, early_stop: f(x), tg.checkpoint):
        x = leaf(X)
        (g,) = tg.autograd.grad(whole(call, x), x, create_graph=True)
        (h,) = tg.autograd.grad((g * g).sum(), x)
        found.append((g.detach(), h))
    for ours, plain in zip(*found):
        np.testing.assert_allclose(ours, plain, rtol=1e-12)


@pytest.mark.parametrize("early_stop", [True, False])
def test_a_part_that_differentiates_itself_in_parts(early_stop):
    """It asks for values while it runs for the first time: of what it has done so far."""

    def program(m):
        def part(function):
            return lambda x: m.utils.checkpoint.checkpoint(function, x, use_reentrant=False)

        def slope(function):
            return lambda x: m.autograd.grad(function(x), inputs=(x,), create_graph=True)[0]

        x = m.tensor(0.3, requires_grad=True, dtype=m.float64)
        with m.utils.checkpoint.set_checkpoint_early_stop(early_stop):
            y = slope(part(slope(part(lambda x: x.sin().exp().sin()))))(x)
            y.backward()
        return y, x.grad

    pytest.importorskip("torch.utils.checkpoint")
    agree(program)


def test_early_stop_is_a_flag():
    with pytest.raises(TypeError, match="set_checkpoint_early_stop: enable must be a bool, got 1"):
        tg.utils.checkpoint.set_checkpoint_early_stop(1)

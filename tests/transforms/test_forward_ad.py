"""`autograd.forward_ad`: tangents are PyTorch's, through views, writes and gradients; nothing loses them unsaid."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from oracle import Programs, agree

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.autograd import forward_ad
from tinygrad_lite.graph import OFF, mode

RNG = np.random.default_rng(0)
X, T, Z = RNG.normal(size=(3, 3)), RNG.normal(size=(3, 3)), RNG.normal(size=(2, 3, 3))
PROGRAMS = Programs()


def duals(m: Any) -> Any:
    return m.autograd.forward_ad


def carried(m: Any, program: Any, x: Any = X, t: Any = T, leaf: bool = False) -> Any:
    """What a program makes of a dual tensor: values and tangents."""
    f = duals(m)
    with f.dual_level():
        out = program(f.make_dual(m.tensor(x, requires_grad=leaf), m.tensor(t)))
        return [list(f.unpack_dual(each)) for each in (out if isinstance(out, (tuple, list)) else [out])]


@PROGRAMS
def values(m: Any) -> Any:
    weight = m.tensor(Z)
    return carried(m, lambda d: [
        d, d * 2, d.sin() @ d.T, m.linalg.inv(d), d.softmax(0).log(), d.max(1)[0], d.cumsum(0)[1:], d.prod(),
        m.einsum("ij,bjk->bik", d, weight), m.nn.functional.layer_norm(d, (3,)), d.sort(0)[0], m.where(d > 0, d, d * d),
    ])  # fmt: skip


@PROGRAMS
def what_has_none(m: Any) -> Any:
    other = m.tensor(X)
    return carried(m, lambda d: [d > 0, d.argmax(), d.detach() * 2, other, other.clone().requires_grad_() * 2])


@PROGRAMS
def complex_numbers(m: Any) -> Any:
    x, t = X + 1j * T, T - 2j * X
    return carried(m, lambda d: [d.exp(), (d * d.conj()).real, d.abs().sum(), d.imag * 3, m.linalg.det(d)], x, t)


@PROGRAMS
def writes_and_views(m: Any) -> Any:
    def program(d: Any) -> Any:
        base, other = m.zeros(3, 3).double(), m.ones(3).double()
        base[1] = d[0]
        base.T[2] += d[:, 1]
        d[0] *= 2
        d.narrow(1, 0, 2).mul_(d[1, 0] * 3)
        other.add_(d[2])
        return [d, d[0], base, other, base.diagonal()]

    return carried(m, program)


@PROGRAMS
def gradients_with_tangents(m: Any) -> Any:
    f = duals(m)
    x = m.tensor(X, requires_grad=True)
    with f.dual_level():
        d = f.make_dual(x, m.tensor(T))
        (g,) = m.autograd.grad((d.exp() * d.sin()).sum(), x)
        return f.unpack_dual(g).tangent  # the Hessian times T


@PROGRAMS
def tangents_with_gradients(m: Any) -> Any:
    f = duals(m)
    x, t = m.tensor(X, requires_grad=True), m.tensor(T, requires_grad=True)
    with f.dual_level():
        d = f.make_dual(x, t)
        primal, tangent = f.unpack_dual(d.sin() * d)
        found = [f.unpack_dual(primal).tangent, tangent.requires_grad, f.unpack_dual(d).tangent is t]
        product = f.unpack_dual(primal * d)  # whose first factor is a constant
        return [*found, product.tangent, m.autograd.grad((tangent**2).sum(), (x, t), retain_graph=True),
                m.autograd.grad(product.tangent.sum(), (x, t))]  # fmt: skip


@PROGRAMS
def several_directions(m: Any) -> Any:
    f = duals(m)
    with f.dual_level():
        a, b = f.make_dual(m.tensor(X), m.tensor(T)), f.make_dual(m.tensor(T), m.tensor(X))
        return [f.unpack_dual(each).tangent for each in (a * b, a @ b, a.sum() + 0 * b.sum())]


@PROGRAMS
def a_level_that_has_ended(m: Any) -> Any:
    f = duals(m)
    with f.dual_level() as level:
        d = f.make_dual(m.tensor(X), m.tensor(T))
    after = f.unpack_dual(d)
    with f.dual_level():
        again = f.make_dual(m.tensor(X), m.tensor(2 * T))
        return [level, list(after), f.unpack_dual(d).tangent, f.unpack_dual(again * 1).tangent, f._current_level]


@PROGRAMS
def a_level_in_a_level(m: Any) -> Any:
    f = duals(m)
    with f.dual_level():
        try:
            return f.enter_dual_level()
        finally:
            assert f._current_level == 0


@PROGRAMS
def duals_of_integers(m: Any) -> Any:
    f = duals(m)
    with f.dual_level():
        return f.make_dual(m.ones(2), m.ones(2, dtype=m.int64))


@PROGRAMS
def another_shape(m: Any) -> Any:
    f = duals(m)
    with f.dual_level():
        return f.make_dual(m.ones(2), m.ones(3))


@PROGRAMS
def duals_of_duals(m: Any) -> Any:
    f = duals(m)
    with f.dual_level():
        return f.make_dual(m.ones(2), f.make_dual(m.ones(2), m.ones(2)))


@PROGRAMS
def outside(m: Any) -> Any:
    return duals(m).make_dual(m.ones(2), m.ones(2))


@PROGRAMS
def an_end_without_a_beginning(m: Any) -> Any:
    return duals(m).exit_dual_level()


@PROGRAMS.parameters()
def test_as_pytorchs(program):
    agree(program)
    assert not OFF
    assert mode.duals is None


# --- what is refused, and why it need not be elsewhere ----------------------------------------------------------------


REFUSED = {
    "an operation": lambda d: d * 2, "two": lambda d: tg.ones(3, 3) + d, "of several results": lambda d: d.unbind(),
    "a write": lambda d: d.mul_(2), "from it": lambda d: tg.zeros(3, 3).double().add_(d), "item": lambda d: d.max(0),
    "a part": lambda d: d.detach().__setitem__(0, d[0]), "a jvp": lambda d: tg.func.jvp(tg.sin, (d,), (d.detach(),)),
    "a function": lambda d: Cube.apply(d), "out": lambda d: tg.add(d, d, out=tg.zeros(3, 3).double()),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("off", [tg.no_grad, tg.inference_mode, lambda: tg.set_grad_enabled(False)])
def test_dual_tensors_are_refused_where_nothing_is_recorded(name, off):
    with forward_ad.dual_level():
        d = forward_ad.make_dual(tg.tensor(X), tg.tensor(T))
        with off(), pytest.raises(RuntimeError, match="must not be used"):
            REFUSED[name](d)
        with off():
            assert (d > 0).dtype is tg.bool  # what has no derivative loses none
            assert (tg.ones(2, requires_grad=True) * 2).requires_grad is False


class Cube(tg.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 3 * x * x * g


def test_a_function_of_ones_own():
    ((value, tangent),) = carried(tg, Cube.apply)
    np.testing.assert_allclose(value, X**3)
    np.testing.assert_allclose(tangent, 3 * X**2 * T)


def test_layers_and_compiled_functions():
    """Running statistics are written under `no_grad`; a compiled function is called as it is."""
    layer = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.0)).double()
    step = tg.compile(lambda x: layer(x).tanh())
    step(tg.tensor(X)), step(tg.tensor(X))
    for call in (lambda d: layer(d).tanh(), step, lambda d: tg.checkpoint(step, d)):
        ((_, tangent),) = carried(tg, call)
        _, expected = tg.func.jvp(lambda x: layer(x).tanh(), (tg.tensor(X),), (tg.tensor(T),))
        np.testing.assert_allclose(tangent.detach(), expected.detach(), rtol=1e-12)


def test_a_level_is_a_threads_own():
    seen = []
    with forward_ad.dual_level():
        thread = threading.Thread(target=lambda: seen.append(forward_ad._current_level))
        thread.start()
        thread.join()
    assert seen == [-1]


def test_arguments():
    with forward_ad.dual_level():
        with pytest.raises(TypeError, match="make_dual: the primal must be a Tensor, got int"):
            forward_ad.make_dual(1, tg.ones(2))
        with pytest.raises(ValueError, match=r"the tangent must be of shape \(2,\) and float32, as the primal, got"):
            forward_ad.make_dual(tg.ones(2), tg.ones(2).double())
        with pytest.raises(RuntimeError, match="must be called within dual_level"):
            forward_ad.make_dual(tg.ones(2), tg.ones(2), level=1)
    with pytest.raises(TypeError, match="unpack_dual: expected a Tensor, got int"):
        forward_ad.unpack_dual(1)
    with pytest.raises(AttributeError, match="has no attribute 'something'"):
        forward_ad.something  # noqa: B018

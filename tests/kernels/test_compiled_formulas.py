"""`fused`, ``compiled=True``, `loop_text`: loops that are made of the text of formulas."""

from __future__ import annotations

import ast
import inspect
import math

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.engine.fast_calls import elementwise
from tinygrad_lite.kernels.elementwise import float32_math, fused
from tinygrad_lite.kernels.elementwise.formula_codegen import loop_text
from tinygrad_lite.kernels.native.codegen.loop import compiled
from tinygrad_lite.kernels.native.source import SourceError, definition
from tinygrad_lite.rules import differentiable

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
HALF = 0.5


def _takes(formula):
    return len(inspect.signature(formula).parameters)


def test_every_formula_of_the_library_has_a_text():
    """None leaves what is known for one element, and every number is at working precision."""
    files = [
        f for f, loop in fused.FUSED if loop is None and not f.__code__.co_filename.startswith("<")
    ]  # no doctest's
    made = [f for f in files if f.__module__.startswith("tinygrad_lite.")]
    assert len(made) > 30
    for formula in made:
        text = loop_text(formula, (False,) * _takes(formula), F32)
        body = text[text.index("@inlined") :]
        assert [word for word in ("float64", "math.") if word in body] == [], formula


def _slope(x):
    """A helper of a formula, with a name of this module and a number of `math`."""
    return np.where(np.greater(x, 0), HALF * math.pi, 1 / (1 + np.exp(-x)))


def _lifted(x, low):
    return np.maximum(x * _slope(x), low) + 2


def _kinked(x, low=-1.0):
    return np.clip(x, low, 3) ** 2 - np.where(np.isnan(x), 0, np.abs(x))


@pytest.mark.parametrize(("formula", "dtype"), [(_lifted, F32), (_kinked, F32), (_kinked, F64)])
def test_a_loop_computes_what_its_formula_does(formula, dtype):
    x = np.concatenate([np.linspace(-9, 9, 3000), [0.0, -0.0, math.inf, -math.inf, math.nan]]).astype(dtype)
    with tg.kernels.use("numba"), np.errstate(all="ignore"):
        run = fused.fused(formula)
        found = run(x, -0.25)
        near = 3e-6 if dtype == F32 else 1e-14
        np.testing.assert_allclose(found, formula(x, -0.25), near, near)
        assert found.dtype == dtype
        np.testing.assert_array_equal(run(x[:100], -0.25), formula(x[:100], -0.25))  # small: the formula itself
        turned = np.ascontiguousarray(x[:3000].reshape(50, 60).T).T
        assert run(turned, -0.25).strides == turned.strides  # lies as the input does
        np.testing.assert_array_equal(run(turned, -0.25).ravel(), found[:3000])


def test_a_row_of_ones_own_by_lambdas():
    """Forward, slope and what the two share come from one text; its derivative of second order, too."""
    soft = differentiable(
        lambda x, k: x / (1 + k * np.abs(x)), x=lambda g, x, k: g / np.square(1 + k * np.abs(x)), compiled=True
    )
    x = np.linspace(-3, 3, 2500, dtype=np.float32)
    with tg.kernels.use("numba"):
        t = tg.tensor(x, requires_grad=True)
        (g,) = tg.autograd.grad(soft(t, 2.0).sum(), [t], create_graph=True)
        np.testing.assert_allclose(soft(t, 2.0).detach().numpy(), x / (1 + 2 * np.abs(x)), 1e-6)
        np.testing.assert_allclose(g.detach().numpy(), (1 + 2 * np.abs(x)) ** -2, 1e-6)
        (h,) = tg.autograd.grad(g.sum(), [t])
    np.testing.assert_allclose(h.numpy(), -4 * np.sign(x) * (1 + 2 * np.abs(x)) ** -3, 1e-5, 1e-6)


def test_a_row_calls_others():
    swish = elementwise(lambda x: x * tg.sigmoid(x), name="swish", x=lambda g, x: g * tg.sigmoid(x), compiled=True)
    with tg.kernels.use("numba"):
        found = swish(tg.linspace(-4, 4, 2048)).numpy()
    np.testing.assert_allclose(found, tg.silu(tg.linspace(-4, 4, 2048)).numpy(), 1e-6)


def test_lambdas_of_one_line_are_told_apart():
    one, other, k = (lambda x: HALF * x, lambda x: x * HALF, 3.0)
    inside = [lambda x: k - x, lambda x: x - k]
    wanted = ["HALF * x", "x * HALF", "k - x", "x - k"]
    found = [definition(f).body[0].value for f in (one, other, *inside)]
    assert [ast.unparse(v) for v in found] == wanted


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (lambda x: np.sort(x), "sort has no compiled form"),
        (lambda x: x * x.real, "a formula of one element has no x.real"),
        (lambda x: np.exp(x), "exp has a compiled form for float32 only"),
    ],
)
def test_refused(formula, message):
    with pytest.raises(SourceError, match=message):
        loop_text(formula, (False,), F64)


def test_float64_of_an_exponential_runs_in_numpy():
    x = np.linspace(-3, 3, 2048)
    with tg.kernels.use("numba"):
        np.testing.assert_array_equal(fused.fused(lambda x: 2 * np.exp(x))(x), 2 * np.exp(x))


def test_the_slope_of_sinc_in_float32_is_that_in_float64():
    parts = [np.linspace(-5, 5, 4001), np.geomspace(1e-30, 1e6, 4000), [0.0, -0.02, 0.0199999, 1e30]]
    x = np.concatenate(parts).astype(np.float32)

    def slope(dtype):
        t = tg.tensor(x, dtype=dtype, requires_grad=True)
        return tg.autograd.grad(tg.sinc(t).sum(), t)[0].numpy()

    np.testing.assert_allclose(slope(tg.float32)[:-1], slope(tg.float64)[:-1], rtol=2e-7, atol=1e-7)


def test_angles_of_float32_on_all_axes_and_in_all_quadrants():
    rng = np.random.default_rng(0)
    parts = np.concatenate([EDGES, -EDGES, rng.standard_normal(60), np.exp(10 * rng.standard_normal(60))])
    y, x = (v.ravel().astype(np.float32) for v in np.meshgrid(parts, parts))
    expected = np.arctan2(y.astype(np.float64), x.astype(np.float64)).astype(np.float32)
    found = tg.atan2(tg.tensor(y), tg.tensor(x)).numpy()
    np.testing.assert_allclose(found, expected, rtol=4e-7, atol=1e-45)
    some = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found[some]), np.signbit(expected[some]))


LINE = np.concatenate([np.linspace(-20, 20, 4001), np.geomspace(1e-30, 1e30, 400), np.geomspace(-1e-3, -1e-30, 100)])
EDGES = np.array([0.0, -0.0, math.inf, -math.inf, math.nan, -1.0, 1e-45, 3e38], np.float32)


@pytest.mark.parametrize(
    ("name", "exact", "rtol"),
    [
        ("log_single", np.log, 3e-7),
        ("log1p_single", np.log1p, 3e-7),
        ("tanh_single", np.tanh, 4e-7),
        ("sinh_single", np.sinh, 3e-7),
        ("cosh_single", np.cosh, 3e-7),
        ("erfc_single", np.vectorize(math.erfc), 2.5e-6),  # x * x, up to 36 in an exponent, is rounded at 2**-24
    ],
)
def test_functions_of_float32(name, exact, rtol):
    function = getattr(float32_math, name)

    def loop(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    x = np.concatenate([LINE.astype(np.float32), EDGES])
    if name == "erfc_single":
        x = x[~(x > 6)]
    out = np.empty_like(x)
    compiled(loop)(x, out)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(out, exact(x.astype(np.float64)).astype(np.float32), rtol, 1e-38)

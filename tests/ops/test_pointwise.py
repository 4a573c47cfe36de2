"""Element by element: where formulas end, mixed dtypes, and arguments that do not fit, as in PyTorch."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from oracle import agree

import tinygrad_lite as tg
from tinygrad_lite import rules
from tinygrad_lite.kernels.elementwise import erf as kernels
from tinygrad_lite.kernels.native.codegen.loop import compiled
from tinygrad_lite.ops.special import erf, erf_numpy, gamma

INF, NAN = math.inf, math.nan
LINE = [-INF, -100.5, -3.0, -2.5, -1.0, -0.5, -1e-30, -0.0, 0.0, 1e-30, 0.25, 0.5, 1.0, 1.5, 2.0, 30.0, 1e10, INF, NAN]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def slopes(m: Any, call: Callable[..., Any], *arrays: Any, dtype: str = "float64") -> list[Any]:
    """Values of a call, and its gradients; of what has none, zeros."""
    leaves = [m.tensor(a, dtype=getattr(m, dtype), requires_grad=True) for a in arrays]
    out = call(m, *leaves)
    if out.requires_grad:
        out.backward(m.ones_like(out))
    return [out.detach(), *(m.zeros_like(t) if t.grad is None else t.grad for t in leaves)]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "name",
    "asinh acosh atanh erfc erfinv lgamma sinc logit deg2rad rad2deg fix nan_to_num".split(),
)
def test_along_the_line(name: str, dtype: str) -> None:
    line = [x for x in LINE if name != "logit" or x or math.copysign(1, x) > 0]  # at -0.0 it has two slopes
    tolerance = 1e-10 if dtype == "float64" else 1e-5
    agree(lambda m: slopes(m, lambda m, x: getattr(m, name)(x), line, dtype=dtype), tolerance)


def test_digamma_along_the_line() -> None:
    """Without the poles: there PyTorch's slope is a large number, and ours infinite."""
    smooth = [x for x in LINE if math.isfinite(x) and (x > 0 or x != round(x))]
    agree(lambda m: m.digamma(m.tensor(LINE, dtype=m.float64)))
    agree(lambda m: slopes(m, lambda m, x: m.digamma(x), smooth), 1e-8)  # PyTorch's trigamma has nine digits


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_polygamma(n: int) -> None:
    finite = [-7.25, -2.5, -0.5, 1e-3, 0.5, 1.0, 2.0, 9.5, 30.0, 1e5]
    agree(lambda m: m.polygamma(n, m.tensor(finite, dtype=m.float64)), 1e-8 if n == 1 else 1e-11)


def test_frac_keeps_the_sign_of_numbers() -> None:
    agree(lambda m: slopes(m, lambda m, x: m.frac(x), LINE[1:-2]))


SEVEN = [-INF, -1.0, -0.0, 0.0, 2.0, INF, NAN]
PAIRS = [[a for a in SEVEN for _ in range(7)], SEVEN * 7]


@pytest.mark.parametrize("name", ["xlogy", "copysign", "clamp_min", "clamp_max"])
def test_pairs(name: str) -> None:
    pairs = PAIRS
    if name == "copysign":  # PyTorch divides by the input: its slope at infinity is NaN
        pairs = [list(p) for p in zip(*[(a, b) for a, b in zip(*PAIRS) if math.isfinite(a)])]
    agree(lambda m: slopes(m, lambda m, x, y: getattr(m, name)(x, y), *pairs))


@pytest.mark.parametrize("name", ["heaviside", "nextafter", "logaddexp2"])
def test_values_of_pairs(name: str) -> None:
    first, second = PAIRS if name != "heaviside" else (PAIRS[0][:-7], PAIRS[1][:-7])  # of NaN: NaN, and 0 in PyTorch
    agree(lambda m: getattr(m, name)(m.tensor(first), m.tensor(second)), 1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lerp_meets_both_ends(dtype: str) -> None:
    a, b = tg.tensor([0.1, 1e8, -7.3], dtype=getattr(tg, dtype)), tg.tensor([0.3, 1.0, 1e-9], dtype=getattr(tg, dtype))
    for weight in (0.0, 1.0):
        expected = (b if weight else a).tolist()
        assert tg.lerp(a, b, weight).tolist() == expected
        assert tg.lerp(a, b, tg.full((3,), weight, dtype=a.dtype)).tolist() == expected


def test_three_arguments_of_any_shapes() -> None:
    for shapes in [((), (3,), (2, 1)), ((0,), (1,), ()), ((2, 3), (2, 3), (2, 3)), ((), (), ())]:
        arrays = [np.random.default_rng(i).uniform(0.5, 2, s) for i, s in enumerate(shapes)]
        for name in ("lerp", "addcmul", "addcdiv"):
            agree(lambda m, n=name, a=arrays: slopes(m, lambda m, x, y, z: getattr(m, n)(x, y, z), *a))


def test_addcmul_writes_to_no_argument() -> None:
    x, y, z = (tg.tensor([1.0, 2.0]) for _ in range(3))
    tg.addcmul(x, y, z), tg.addcdiv(x, y, z, value=3)
    assert x.tolist() == y.tolist() == z.tolist() == [1.0, 2.0]


@pytest.mark.each(
    "call",
    [
        lambda m, i, f: m.addcmul(i, i, i, value=2), lambda m, i, f: m.addcmul(f, i, f), lambda m, i, f: m.xlogy(i, f),
        lambda m, i, f: m.xlogy(i, 2), lambda m, i, f: m.xlogy(2, i), lambda m, i, f: m.xlogy(i, 2.5),
        lambda m, i, f: m.copysign(i, -1), lambda m, i, f: m.copysign(f, i), lambda m, i, f: m.ldexp(f, i),
        lambda m, i, f: m.ldexp(i, i), lambda m, i, f: m.float_power(i, 2), lambda m, i, f: m.float_power(f, i),
        lambda m, i, f: m.rsub(i, 2.5), lambda m, i, f: m.rsub(f, i), lambda m, i, f: m.nan_to_num(i),
        lambda m, i, f: m.deg2rad(i), lambda m, i, f: m.erfc(i), lambda m, i, f: m.lgamma(i), lambda m, i, f: m.sinc(i),
        lambda m, i, f: m.logit(i), lambda m, i, f: m.gcd(i, i), lambda m, i, f: m.lcm(i, i * 2),
        lambda m, i, f: m.bitwise_left_shift(i, 2), lambda m, i, f: m.clamp_min(i, 1.5), lambda m, i, f: m.fix(i),
        lambda m, i, f: m.isin(i, f), lambda m, i, f: m.isposinf(i), lambda m, i, f: m.clamp(i, max=1.5),
    ],
)  # fmt: skip
def test_mixed_dtypes(call: Callable[..., Any]) -> None:
    """Integers beside floats, and alone: the dtypes are PyTorch's."""
    for wide in ("float32", "float64"):
        agree(lambda m, w=wide: call(m, m.tensor([1, 2, 3]), m.tensor([0.5, 1.5, 2.0], dtype=getattr(m, w))), 1e-6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tg.gcd(tg.ones(2), tg.ones(2)), TypeError, "gcd: the tensors must hold integers, got float32"),
        (lambda: tg.frexp(tg.ones(2).long()), TypeError, "frexp: the input must be floating point, got int64"),
        (lambda: tg.polygamma(-1, tg.ones(2)), RuntimeError, "polygamma: n must be an integer, and not negative"),
        (lambda: tg.digamma(tg.ones(2).to(tg.complex64)), TypeError, "digamma: the input must hold real numbers"),
        (lambda: tg.erfc(tg.ones(99).to(tg.complex64)), TypeError, "erfc: the input must hold real numbers"),
        (lambda: tg.mvlgamma(tg.ones(2), 0), RuntimeError, "mvlgamma: p must be an integer of at least 1, and below"),
        (lambda: tg.xlogy(tg.ones(2), tg.ones(3)), ValueError, "xlogy: operands could not be broadcast"),
        (lambda: tg.lerp(tg.ones(2), tg.ones(3), 0.5), ValueError, "lerp: operands could not be broadcast"),
        (lambda: tg.eq(tg.ones(2), tg.ones(3)), ValueError, "eq: operands could not be broadcast"),
        (lambda: tg.div(tg.ones(2), 2, rounding_mode="up"), ValueError, "rounding_mode must be None, 'trunc'"),
        (lambda: tg.ones(2).long().div_(2), RuntimeError, "div_: a result of dtype float32 cannot be written"),
    ],
)  # fmt: skip
def test_refused(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call()


# --- special functions ------------------------------------------------------------------------------------------


def test_error_functions_invert_and_complement() -> None:
    x = np.linspace(-5.5, 5.5, 4001)
    np.testing.assert_allclose(erf.erf(x) + erf.erfc(x), 1, rtol=0, atol=2e-16 * 4)
    inside = x[np.abs(x) < 3]
    np.testing.assert_allclose(erf.erfinv(erf.erf(inside)), inside, rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(erf.erfc(np.array([10.0, 26.0])), [2.0884875837625446e-45, 5.663192408856143e-296],
                               rtol=1e-13)  # DLMF 7.12.1  # fmt: skip


def test_gamma_satisfies_its_equations() -> None:
    x = np.concatenate([np.linspace(-20.3, 30.2, 3001), np.logspace(-12, 12, 400)])
    lg, psi = gamma._lgamma, gamma.digamma_series
    np.testing.assert_allclose(lg(x + 1), lg(x) + np.log(np.abs(x)), rtol=1e-12, atol=1e-12)
    near = x[(np.abs(x) < 1e3) & (np.abs(x) > 1e-3)]  # x + 1 is rounded beyond, and the sums at the pole
    np.testing.assert_allclose(psi(near + 1), psi(near) + 1 / near, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(lg(np.arange(1.0, 20)), [math.lgamma(n) for n in range(1, 20)], rtol=1e-14, atol=1e-15)
    near = near[np.abs(near) > 0.05]
    for n in (1, 2, 5):
        expected = gamma.polygamma_series(near, n) + (-1) ** n * math.factorial(n) * near ** -(n + 1.0)
        atol = 1e-6 * math.factorial(n)
        np.testing.assert_allclose(gamma.polygamma_series(near + 1, n), expected, rtol=1e-8, atol=atol)
    assert gamma.polygamma_series(np.array([1.0]), 1)[0] == pytest.approx(math.pi**2 / 6, rel=1e-15)


@pytest.mark.parametrize("name", ["erf", "erf_single", "erfc", "lgamma"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiled_and_plain_agree(name: str, dtype: Any) -> None:
    x = np.concatenate([np.linspace(-12, 12, 5001), [INF, -INF, NAN, 0.0, -0.0, 1e30]]).astype(dtype)
    found = np.empty_like(x)
    compiled(getattr(kernels, name))(x, found)
    plain = getattr(gamma if name == "lgamma" else erf_numpy, f"{name.removesuffix('_single')}_series")(x)
    single = name == "erf_single" or dtype == np.float32
    np.testing.assert_allclose(found, plain, rtol=3e-7 if single else 1e-11, atol=1e-37 if single else 1e-15)


@pytest.mark.parametrize("name", ["erf", "erfc", "lgamma"])
def test_few_and_many_numbers_agree(name: str) -> None:
    x = tg.tensor(np.linspace(-7.3, 9.1, 4096), dtype=tg.float64)
    function = getattr(tg, name)
    with tg.kernels.use("numpy"):
        plain = function(x)
    expected = [v for part in x.split(16) for v in function(part).tolist()]
    for found in (plain, function(x), tg.cat([function(part) for part in x.split(100)])):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-11, atol=1e-14)


def test_blocks_do_not_show() -> None:
    x = np.random.default_rng(0).normal(size=(3, 5000))
    np.testing.assert_array_equal(erf.erfc(x.T), erf.erfc(x).T)
    assert erf.erfc(np.zeros((0, 3), np.float32)).shape == (0, 3)
    assert erf.erfc(np.float32(0.5)).dtype == np.float32


# --- NumPy's names ----------------------------------------------------------------------------------------------


def test_questions_in_numpys_names() -> None:
    t, u = tg.tensor([1.0, 2.0]), tg.tensor([1.0, 2.1])
    assert np.allclose(t, u, atol=0.2)
    assert not np.allclose(t, [1.0, 2.1])
    assert np.array_equal(t, t)
    assert not np.array_equal(t, u)
    assert np.array_equal(tg.tensor([NAN]), [NAN], equal_nan=True)
    (where,) = np.where(t > 1)
    assert isinstance(where, tg.Tensor)
    assert where.tolist() == [1]
    with pytest.raises(TypeError, match="where: input and other must both be given"):
        np.where(t > 1, t)


def test_a_row_that_does_not_fit_shows_itself() -> None:
    op = rules.Op(lambda x: x, {"y": lambda g: g}, name="misnamed")
    assert repr(op) == "<differentiable misnamed(...)>"
    with pytest.raises(TypeError, match=r"misnamed: rules name \['y'\]"):
        op(tg.ones(2))

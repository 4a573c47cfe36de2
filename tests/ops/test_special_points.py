"""Derivatives of order 0 to 3 at the special points of functions: PyTorch's, or exact where PyTorch is wrong."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from special_points_table import CASES

import tinygrad_lite as tg
from tinygrad_lite import kernels

INF, NAN = np.inf, np.nan


def derivatives(m: Any, call: Any, points: list[Any]) -> dict[tuple[int, int], Any]:
    """By order and argument, what the sum of all lower derivatives' entries gives, the arguments' weighted 1, 2, ..."""
    array = lambda t: t.detach().numpy(force=True).copy()  # noqa: E731
    inputs = [m.tensor(np.array(p, np.float64), requires_grad=True) for p in points]
    outs = [call(m, *inputs)]
    found = {(0, 0): array(outs[0])}
    for order in range(1, 4):
        total = sum((i * out.sum() for i, out in enumerate(outs, 1)), m.zeros((), dtype=m.float64))
        if not total.requires_grad:
            break
        grads = m.autograd.grad(total, inputs, create_graph=True, allow_unused=True)
        outs = [m.zeros_like(x) if g is None else g for g, x in zip(grads, inputs)]
        found |= {(order, i): array(g) for i, g in enumerate(outs)}
    return found


KINK = "no such derivative: a joint, where PyTorch takes the other side"
EXACT: dict[tuple[str, int, int], tuple[str, list[Any]]] = {
    ("sinc", 2, 0): ("-pi^2 / 3 at 0", [None, -(np.pi**2) / 3, -(np.pi**2) / 3, *[None] * 4]),
    ("sinc", 3, 0): ("pi^4 x / 5 near 0", [-0.0194817953, 0.0, 0.0, 0.0194817953, *[None] * 3]),
    ("lgamma", 2, 0): ("a double pole", [None, None, INF, INF, *[None] * 6]),
    ("digamma", 1, 0): ("a double pole", [None, None, INF, INF, *[None] * 5]),
    ("i1", 3, 0): ("I1(x) = x / 2 + x^3 / 16 + ...", [None, 0.375, 0.375, *[None] * 3]),
    ("i1e", 3, 0): ("no such derivative: that of I1", [None, 0.375, 0.375, *[None] * 3]),
    ("softplus", 2, 0): (KINK, [*[None] * 5, 2.06115369e-9, *[None] * 3]),
    ("softplus", 3, 0): (KINK, [*[None] * 5, -2.06115368e-9, *[None] * 3]),
    ("softplus(2, 3)", 2, 0): (KINK, [None, 0.0903533194618, None]),
    ("softplus(2, 3)", 3, 0): (KINK, [None, -0.163566298644, None]),
    ("cosine_similarity", 2, 0): ("linear within eps of 0", [35777087.64, -17888543.82, None, None]),
    ("cosine_similarity", 3, 0): ("linear within eps of 0", [-93020427.864, 28621670.112, None, None]),
    ("soft_margin_loss", 0, 0): ("log(1 + exp(800))", [None, None, 800.0]),
    ("soft_margin_loss", 1, 0): ("-sigmoid(800)", [None, None, -1.0]),
    ("soft_margin_loss", 2, 0): ("flat", [None, None, 0.0]),
    ("soft_margin_loss", 3, 0): ("flat", [None, None, 0.0]),
}
"""Where PyTorch is wrong: why, and the right values, None where it is right."""

ZERO_WHERE_NAN = {
    "logaddexp": "one term is nothing beside the other",
    "atan2": "the first derivatives are taken for 0 at the origin",
    "pow by a tensor": "x^0 and x^1 have no more derivatives",
    "0.0 ** x": "0 for every x above 0",
    "vector_norm": "the norm has the derivative 0 at zero, which is constant",
    "norm": "as above",
    "normalize": "as above",
    "dist": "as above",
    "pairwise_distance": "as above",
    "renorm": "as above",
    "matrix_norm": "as above",
    "logcumsumexp": "what is -inf however it moves has no slope",
    "logsumexp": "what is -inf however it moves has no slope",
    "gelu tanh": "tanh(40) is 1",
    "mish": "tanh(800) is 1",
    "det, zero": "of 3 x 3 zeros also the cofactors' derivatives are zero",
}
"""Where PyTorch has NaN, and the derivative is zero: why."""

NAN_ALONE = {"det": "third derivatives of a singular matrix are not computed"}
NO_SECOND_THERE = ("hardsigmoid",)  # PyTorch has no second derivatives


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with kernels.use("numpy"), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("name", dict.fromkeys(name for name, _, _ in EXACT))
def test_exact_values(name: str) -> None:
    found = derivatives(tg, *CASES[name])
    for (case, order, i), (_, values) in EXACT.items():
        if case == name:
            known = [j for j, v in enumerate(values) if v is not None]
            np.testing.assert_allclose(found[order, i].ravel()[known], [values[j] for j in known], 1e-8, 1e-12)


@pytest.mark.each("name", CASES)
def test_derivatives_as_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    ours = derivatives(tg, *CASES[name])
    if name in NO_SECOND_THERE:
        return
    theirs = derivatives(torch, *CASES[name])
    for order, i in ours | theirs:
        a, b = np.broadcast_arrays(ours.get((order, i), 0.0), theirs.get((order, i), 0.0))
        _, values = EXACT.get((name, order, i), ("", [None] * a.size))
        left = np.array([v is None for v in values])
        if name.startswith(tuple(ZERO_WHERE_NAN)):
            other = np.isnan(b).ravel() & ~np.isnan(a).ravel()
            np.testing.assert_allclose(a.ravel()[other], 0.0, atol=1e-15)
            left &= ~other
        if name.startswith(tuple(NAN_ALONE)) and order == 3:
            left &= ~np.isnan(a).ravel()
        np.testing.assert_allclose(a.ravel()[left], b.ravel()[left], 1e-7, 1e-9, err_msg=f"order {order} argument {i}")


POLYNOMIALS = {
    "x ** 2": (lambda x: x**2, 2.0, 0.0), "x ** 3": (lambda x: x**3, 0.0, 6.0),
    "x ** 2.0 by a tensor": (lambda x: tg.pow(x, tg.tensor([2.0, 2.0])), 2.0, 0.0),
    "x * x": (lambda x: x * x, 2.0, 0.0), "expm1": (tg.expm1, 1.0, 1.0), "sinh": (tg.sinh, 0.0, 1.0),
    "log1p": (tg.log1p, -1.0, 2.0), "tanh": (tg.tanh, 0.0, -2.0), "sigmoid": (tg.sigmoid, 0.0, -0.125),
    "softplus": (tg.softplus, 0.25, 0.0), "asin": (tg.asin, 0.0, 1.0), "atanh": (tg.atanh, 0.0, 2.0),
    "i0": (tg.special.i0, 0.5, 0.0), "elu": (tg.nn.functional.elu, 0.0, 0.0),
    "gelu": (tg.gelu, 2 / np.sqrt(2 * np.pi), 0.0),
}  # fmt: skip


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_second_and_third_derivatives_at_zero(name: str) -> None:
    call, second, third = POLYNOMIALS[name]
    found = derivatives(tg, lambda m, x: call(x), [[0.0, -0.0]])
    np.testing.assert_allclose(found.get((2, 0), 0.0), [second] * 2, 1e-12, 1e-15)
    np.testing.assert_allclose(found.get((3, 0), [0.0] * 2), [third] * 2, 1e-12, 1e-15)


@pytest.mark.parametrize("backend", ["numba", "numpy"])
@pytest.mark.parametrize(("function", "x"), [(tg.special.log_ndtr, -88.0), (tg.special.erfcx, 104.0)])
def test_derivatives_far_out_in_float32(function: Any, x: float, backend: str) -> None:
    """Where the terms of the usual formulas are a million times as large as their sum."""
    found = []
    for dtype in (tg.float32, tg.float64):
        point = tg.tensor([x], dtype=dtype, requires_grad=True)
        with kernels.use(backend):
            (first,) = tg.autograd.grad(function(point), point, tg.ones_like(point), create_graph=True)
            (second,) = tg.autograd.grad(first, point, tg.ones_like(point))
        found.append([first.item(), second.item()])
    assert found[0] == pytest.approx(found[1], rel=2e-3)


def by_hand(x: Any) -> Any:
    """The determinant of a 3 x 3 matrix."""
    (a, b, c), (d, e, f), (g, h, i) = x
    return a * e * i + b * f * g + c * d * h - c * e * g - b * d * i - a * f * h


RANK_1, RANK_2 = (
    [[1.0, 2.0, 4.0], [2.0, 4.0, 8.0], [3.0, 6.0, 12.0]],
    [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 2.0]],
)


@pytest.mark.parametrize("dtype", [tg.float64, tg.complex128])
@pytest.mark.parametrize("rows", [RANK_1, RANK_2, np.zeros((3, 3)).tolist()])
def test_second_derivatives_of_determinants_of_singular_matrices(rows: Any, dtype: Any) -> None:
    def second(det: Any) -> Any:
        x = tg.tensor(rows, dtype=dtype, requires_grad=True)
        (first,) = tg.autograd.grad(det(x), x, tg.ones((), dtype=dtype), create_graph=True)
        return tg.autograd.grad(first, x, tg.arange(1.0, 10.0, dtype=dtype).reshape(3, 3))[0].numpy()

    np.testing.assert_allclose(second(tg.linalg.det), second(by_hand), 1e-12, 1e-12)


@pytest.mark.parametrize("call", [tg.linalg.inv, lambda a: tg.linalg.solve(a, tg.tensor([1.0, 2.0, 3.0]))])
def test_an_inverse_of_nan_is_nan_in_all(call: Any) -> None:
    a = tg.tensor([[1.0, 2.0, 3.0], [4.0, NAN, 6.0], [7.0, 8.0, 10.0]])
    assert np.isnan(call(a).numpy()).all()
    beside = call(tg.stack([a, tg.eye(3)])) if call is tg.linalg.inv else None
    assert beside is None or beside[1].tolist() == np.eye(3).tolist()


def test_the_number_after_another_has_its_slope_where_the_two_differ() -> None:
    x, y = (tg.tensor(values, requires_grad=True) for values in ([1.0, 2.0, 0.0], [1.0, 3.0, 0.0]))
    tg.nextafter(x, y).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([0.0, 1.0, 0.0], [0.0, 0.0, 0.0])

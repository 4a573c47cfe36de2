"""Rows of `tinygrad_lite.special`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ops_cases import Given, Row, array, fixed, integers, nonzero, normal, point, positive, probability, spread, unit

from tinygrad_lite import special

above_one = lambda *shape: Given(lambda rng, s: rng.uniform(1.2, 4.0, s), shape)  # noqa: E731
INF = np.inf


def of(name: str, *args: Any) -> Callable[..., Any]:
    return lambda m, *tensors: getattr(m.special, name)(*tensors, *args)


def _own() -> list[Row]:
    given = {
        "i0": nonzero, "i0e": nonzero, "i1": nonzero, "i1e": nonzero, "modified_bessel_i0": nonzero, "erfcx": normal,
        "modified_bessel_i1": nonzero, "ndtr": normal, "ndtri": probability, "log_ndtr": normal, "entr": positive,
    }  # fmt: skip
    no_gradient = ("modified_bessel_i0", "modified_bessel_i1")  # PyTorch's have none
    rows = [
        Row(f"special.{name}", of(name), (g(3, 4),), pointwise=name not in no_gradient,
            in_torch=name not in no_gradient)
        for name, g in given.items()
    ]  # fmt: skip
    rows += [Row(f"special.{name}", of(name), (spread(3, 4),)) for name in ("i0e", "i1e", "log_ndtr")]
    return rows + [
        Row("i0", lambda m, x: m.i0(x), (normal(3, 4),), np.i0),
        Row("special.i1", of("i1"), (point([0.0, 7.9, 8.1, -29.9, 30.1]),)),
        Row("special.ndtr", of("ndtr"), (point([-6.0, 6.0, 0.0]),)),
        Row("special.ndtri", of("ndtri"), (point([1e-9, 0.07, 0.08, 0.5, 0.93]),), numerical=False),
        Row("special.entr", of("entr"), (point([0.5, 1.0, 2.0, -1.0]),), numerical=False),
        Row("special.xlog1py", of("xlog1py"), (normal(2, 3), positive(3)), pointwise=True),
        Row("special.xlog1py", of("xlog1py"), (point([0.0, 0.0, 2.0]), point([0.5, -1.0, 0.5])), numerical=False),
        Row("special.xlog1py of a number", lambda m, y: m.special.xlog1py(2, y), (positive(3),)),
        Row("special.xlog1py with a number", lambda m, x: m.special.xlog1py(x, 0.5), (normal(3),)),
        Row("special.zeta", of("zeta"), (fixed(above_one(2, 3)), positive(3))),
        Row("special.zeta of a number", lambda m, q: m.special.zeta(2, q), (positive(3),)),
        Row("special.zeta", of("zeta"), (array([2.0, 3.0, 4.0]), point([-0.5, -2.7, -9.2]))),
        Row("igamma", lambda m, a, x: m.igamma(a, x), (fixed(positive(2, 3)), positive(3))),
        Row("igammac", lambda m, a, x: m.igammac(a, x), (fixed(positive(2, 3)), positive(3))),
        Row("igamma", lambda m, a, x: m.igamma(a, x), (array([0.3, 5.0, 30.0, 150.0]), point([2.0, 4.0, 45.0, 140.0]))),
        Row("igammac", lambda m, a, x: m.igammac(a, x),
            (array([0.3, 0.2, 30.0, 150.0]), point([2.0, 0.1, 45.0, 170.0]))),
        Row("special.gammainc", of("gammainc"), (fixed(positive(3)), positive(3))),
        Row("special.gammaincc", of("gammaincc"), (fixed(positive(3)), positive(3))),
    ]  # fmt: skip


def _polynomials() -> list[Row]:
    """PyTorch's have no gradient, so only values can be compared: see QUESTIONS."""
    return [
        Row(f"special.{name}", of(name, 3), (unit(2, 3),), in_torch=False) for name in special.__all__
        if "_polynomial" in name
    ] + [
        Row("special.legendre_polynomial_p of many", lambda m, x, n: m.special.legendre_polynomial_p(x, n),
            (unit(2, 1), integers(-1, 6, 5)), in_torch=False),
    ]  # fmt: skip


def _other_names() -> list[Row]:
    """What is an operation of another name, or of the same."""
    given = {
        "psi": positive, "gammaln": positive, "digamma": positive, "erf": normal, "erfc": normal, "erfinv": unit,
        "exp2": normal, "expm1": normal, "expit": normal, "log1p": positive, "logit": probability, "sinc": nonzero,
    }  # fmt: skip
    return [Row(f"special.{name}", of(name), (g(3, 4),), pointwise=True) for name, g in given.items()] + [
        Row("special.round", of("round"), (unit(3),), flat=True),
        Row("special.multigammaln", of("multigammaln", 2), (above_one(3),)),
        Row("special.polygamma", lambda m, x: m.special.polygamma(1, x), (positive(3),),
            unlike_torch="int64 int32 uint8 bool"),
        Row("special.xlogy", of("xlogy"), (normal(3), positive(3))),
        Row("special.softmax", of("softmax", 1), (normal(2, 3),)),
        Row("special.log_softmax", of("log_softmax", 1), (normal(2, 3),)),
        Row("special.logsumexp", of("logsumexp", 1), (normal(2, 3),)),
    ]  # fmt: skip


def _bessel() -> list[Row]:
    """PyTorch's have no gradients, and J, Y and Ai no more than 7 digits: see test_special.py for their values."""
    given = {"bessel_j0": nonzero, "bessel_j1": nonzero} | dict.fromkeys((
        "bessel_y0", "bessel_y1", "modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0",
        "scaled_modified_bessel_k1"), positive)  # fmt: skip
    return [Row(f"special.{name}", of(name), (g(3, 4),), in_torch=False) for name, g in given.items()] + [
        Row("special.bessel_j1", of("bessel_j1"), (point([0.0, 0.5]),), in_torch=False)]  # fmt: skip


ROWS: list[Row] = [*_bessel(), *_own(), *_polynomials(), *_other_names()]
QUESTIONS: list[Row] = [
    Row(f"special.{name}", of(name), (fixed(normal(4, 1)), integers(-1, 9, 5)))
    for name in special.__all__
    if "_polynomial" in name
]
QUESTIONS += [
    Row(f"special.{name}", of(name), (fixed(spread(9)),)) for name in ("modified_bessel_i0", "modified_bessel_i1")
]
QUESTIONS += [
    Row(f"special.{name}", of(name), (fixed(given),), in_torch=name != "airy_ai")
    for name, given in (("airy_ai", normal(9)), ("spherical_bessel_j0", spread(9)))
]

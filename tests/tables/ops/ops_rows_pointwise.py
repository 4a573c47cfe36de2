"""Rows of what works element by element: special functions, parts of numbers, several steps in one, bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ops_cases import (
    Given,
    Row,
    array,
    between,
    fixed,
    integers,
    mask,
    nonzero,
    normal,
    point,
    positive,
    probability,
    spread,
    unit,
)

above_one = lambda *shape: Given(lambda rng, s: rng.uniform(1.2, 3.0, s), shape)  # noqa: E731
not_whole = between
NAN, INF = np.nan, np.inf


def _one() -> list[Row]:
    table: dict[str, tuple[Callable[..., Given], Any]] = {
        "asinh": (normal, np.arcsinh), "acosh": (above_one, np.arccosh), "atanh": (unit, np.arctanh),
        "arcsinh": (normal, np.arcsinh), "arccosh": (above_one, np.arccosh), "arctanh": (unit, np.arctanh),
        "arcsin": (unit, np.arcsin), "arccos": (unit, np.arccos), "arctan": (normal, np.arctan),
        "deg2rad": (spread, np.deg2rad), "rad2deg": (normal, np.rad2deg), "erfc": (normal, None),
        "erfinv": (unit, None), "lgamma": (positive, None), "digamma": (positive, None), "logit": (probability, None),
        "sinc": (nonzero, np.sinc), "frac": (between, None),
    }  # fmt: skip
    rows = [
        Row(name, lambda m, x, n=name: getattr(m, n)(x), (given(3, 4),), numpy=spelled, pointwise=True,
            unlike_torch="bool" if name == "frac" else "")
        for name, (given, spelled) in table.items()
    ]  # fmt: skip
    return rows + [
        Row("lgamma", lambda m, x: m.lgamma(x), (not_whole(3, 4),)),
        Row("digamma", lambda m, x: m.digamma(x), (not_whole(3, 4),)),
        Row("polygamma", lambda m, x: x.polygamma(1), (positive(3, 4),), unlike_torch="int64 int32 uint8 bool"),
        Row("polygamma", lambda m, x: x.polygamma(0), (positive(3),)),
        Row("polygamma", lambda m, x: x.polygamma(2), (not_whole(3),), unlike_torch="int64 int32 uint8 bool"),
        Row("polygamma of order 3", lambda m, x: m.polygamma(3, x), (positive(3),), unlike_torch="bool uint8"),
        Row("mvlgamma", lambda m, x: m.mvlgamma(x, 3), (above_one(3, 4),)),
        Row("mvlgamma", lambda m, x: m.mvlgamma(x, p=1), (positive(3),)),
        Row("logit", lambda m, x: m.logit(x, eps=0.2), (probability(3, 4),)),
        Row("logit", lambda m, x: m.logit(x, 1e-6), (unit(3, 4),)),
        Row("sgn", lambda m, x: m.sgn(x), (between(3, 4),), np.sign, flat=True, in_torch=False),
        Row("fix", lambda m, x: m.fix(x), (between(3, 4),), np.trunc, flat=True, pointwise=True, unlike_torch="bool"),
        Row("cbrt", lambda m, x: np.cbrt(x), (nonzero(3, 4),), np.cbrt, pointwise=True, in_torch=False),
        Row("frexp", lambda m, x: m.frexp(x), (nonzero(3, 4),), np.frexp),
        Row("nan_to_num", lambda m, x: m.nan_to_num(x), (normal(3, 4),), np.nan_to_num, pointwise=True),
        Row("nan_to_num", lambda m, x: m.nan_to_num(x, nan=1.5, posinf=2.0, neginf=-3.0),
            (point([1.0, NAN, INF, -INF, 0.5]),), numerical=False),
        Row("clamp_min", lambda m, x: m.clamp_min(x, 0.1), (normal(3, 4),), lambda x: np.clip(x, 0.1, None)),
        Row("clamp_max", lambda m, x, y: m.clamp_max(x, y), (normal(3, 4), normal(4)), lambda x, y: np.clip(x, None, y),
            unlike_torch="bool"),
    ]  # fmt: skip


def _two() -> list[Row]:
    table: dict[str, tuple[Callable[..., Given], Callable[..., Given], Any]] = {
        "logaddexp2": (spread, spread, np.logaddexp2), "xlogy": (normal, positive, None),
        "arctan2": (nonzero, nonzero, np.arctan2),
    }  # fmt: skip
    rows = [
        Row(name, lambda m, x, y, n=name: getattr(m, n)(x, y), (a(2, 3), b(2, 3)), numpy=spelled, pointwise=True)
        for name, (a, b, spelled) in table.items()
    ]
    return rows + [
        Row("xlogy of a number", lambda m, y: m.xlogy(2, y), (positive(3),)),
        Row("xlogy", lambda m, x: m.xlogy(x, 2.5), (normal(3),)),
        Row("copysign", lambda m, x: m.copysign(x, -1), (nonzero(3),)),
        Row("copysign", lambda m, x, y: m.copysign(x, y), (nonzero(2, 3), fixed(nonzero(3))), np.copysign),
        Row("heaviside", lambda m, x, y: m.heaviside(x, y),
            (fixed(point([-1.0, 0.0, 2.0, 0.0])), normal(4)), np.heaviside, in_torch=False),
        Row("heaviside", lambda m, x: m.heaviside(x, m.tensor(0.5, dtype=x.dtype)), (nonzero(4),), in_torch=False,
            flat=True),
        Row("nextafter", lambda m, x, y: m.nextafter(x, y), (normal(3, 4), fixed(normal(4))), np.nextafter,
            in_torch=False),
        Row("ldexp", lambda m, x, y: m.ldexp(x, y), (normal(3, 4), integers(0, 4, 4)), np.ldexp),
        Row("ldexp", lambda m, x, y: m.ldexp(x, y), (normal(3, 4), integers(-4, 0, 4)), np.ldexp,
            in_torch=False),  # whose gradient is 0: it is computed with integers
        Row("ldexp", lambda m, x, y: m.ldexp(x, y), (normal(3, 4), normal(4)), unlike_torch="uint8"),
        Row("rsub", lambda m, x, y: m.rsub(x, y, alpha=2), (normal(3, 4), normal(4)), lambda x, y: y - 2 * x,
            unlike_torch="bool"),
        Row("float_power", lambda m, x, y: m.float_power(x, y).to(m.float64), (positive(3, 4), normal(4)), np.power),
        Row("float_power", lambda m, x: m.float_power(x, 2).to(m.float64), (normal(3),)),
        Row("float_power of a number", lambda m, x: m.float_power(2, x).to(m.float64), (normal(3),)),
    ]  # fmt: skip


def _three() -> list[Row]:
    three = (normal(3, 4), normal(4), nonzero(3, 1))
    return [
        Row("lerp", lambda m, x, y, w: m.lerp(x, y, w), (normal(3, 4), normal(4), unit(3, 1))),
        Row("lerp", lambda m, x, y: m.lerp(x, y, 0.3), (normal(3, 4), normal(4))),
        Row("lerp", lambda m, x, y: m.lerp(x, y, weight=1.5), (normal(4), normal(4))),
        Row("addcmul", lambda m, x, y, z: m.addcmul(x, y, z), three),
        Row("addcmul", lambda m, x, y, z: m.addcmul(x, y, z, value=3), three),
        Row("addcdiv", lambda m, x, y, z: m.addcdiv(x, y, z), three),
        Row("addcdiv", lambda m, x, y, z: m.addcdiv(x, y, z, value=-0.5), three),
    ]


def _written() -> list[Row]:
    """The in-place forms: every one of them, behind an operation that keeps the value before."""
    domain: dict[str, Callable[..., Given]] = {
        "exp2 log2 log10 lgamma digamma": positive, "logit": probability, "acosh arccosh": above_one,
        "asin acos arcsin arccos atanh arctanh erfinv": unit,
        "absolute negative atan sinh cosh arctan asinh arcsinh erfc sinc deg2rad rad2deg frac nan_to_num": nonzero,
    }  # fmt: skip
    refused = "acosh arccosh asinh arcsinh atanh arctanh"  # PyTorch has no gradient of them
    rows = [
        Row(f"{name}_", lambda m, x, n=name: getattr(x * 1, f"{n}_")(), (given(3),), in_torch=name not in refused)
        for names, given in domain.items() for name in names.split()
    ]  # fmt: skip
    rows += [
        Row(f"{name}_", lambda m, x, n=name: getattr(x * 1, f"{n}_")(), (between(3),), flat=True,
            in_torch=name == "fix")
        for name in ("fix", "sgn")
    ]  # fmt: skip
    rows += [
        Row(f"{name}_", lambda m, x, y, n=name: getattr(x * 1, f"{n}_")(y), (positive(3, 4), positive(4)))
        for name in "subtract multiply divide true_divide atan2 arctan2 hypot xlogy ldexp clamp_min clamp_max".split()
    ]
    rows += [
        Row(f"{name}_", lambda m, x, y, n=name: getattr(x * 1, f"{n}_")(y), (normal(3, 4), fixed(normal(4))),
            numerical=False, in_torch="logical" not in name)  # PyTorch lets the gradient through there
        for name in "eq ne lt le gt ge not_equal less less_equal greater greater_equal logical_and logical_or "
        "logical_xor".split()
    ]  # fmt: skip
    three = (normal(3, 4), normal(4), nonzero(3, 1))
    return rows + [
        Row("lerp_", lambda m, x, y, w: (x * 1).lerp_(y, w), three),
        Row("addcmul_", lambda m, x, y, z: (x * 1).addcmul_(y, z, value=2), three),
        Row("addcdiv_", lambda m, x, y, z: (x * 1).addcdiv_(y, z, value=2), three),
        Row("copysign_", lambda m, x: (x * 1).copysign_(-2.0), (nonzero(3),)),
        Row("logical_not_", lambda m, x: (x * 1).logical_not_(), (nonzero(3),), numerical=False, in_torch=False),
        Row("polygamma_", lambda m, x: (x * 1).polygamma_(1), (positive(3),)),
        Row("mvlgamma_", lambda m, x: (x * 1).mvlgamma_(2), (above_one(3),)),
        Row("float_power_", lambda m, x: (x.to(m.float64) * 1).float_power_(2), (normal(3),)),
        Row("div_", lambda m, x, y: (x * 1).div_(y, rounding_mode="floor"), (between(3), nonzero(3)), flat=True),
    ]


ROWS: list[Row] = [*_one(), *_two(), *_three(), *_written()]


def _questions() -> list[Row]:
    special = array([1.0, -0.0, NAN, INF, -INF, -2.0])
    numbers = (integers(-20, 20, 3, 4), integers(1, 9, 4))
    bits = (integers(-20, 20, 3, 4), integers(0, 5, 4))
    rows = [Row(name, lambda m, x, n=name: getattr(m, n)(x), (special,), getattr(np, name))
            for name in ("isposinf", "isneginf")]  # fmt: skip
    for name, pair in [("gcd", numbers), ("lcm", numbers), ("bitwise_left_shift", bits),
                       ("bitwise_right_shift", bits)]:  # fmt: skip
        rows += [
            Row(name, lambda m, x, y, n=name: getattr(m, n)(x, y), pair),
            Row(f"{name}_", lambda m, x, y, n=name: getattr(x * 1, f"{n}_")(y), pair),
        ]
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
        rows.append(Row(f"{name}_", lambda m, x, y, n=name: getattr(x * 1, f"{n}_")(y), bits))
    return rows + [
        Row("bitwise_not_", lambda m, x: (x * 1).bitwise_not_(), bits[:1]),
        Row("bitwise_left_shift", lambda m, x: m.bitwise_left_shift(x, 2), bits[:1], lambda x: np.left_shift(x, 2)),
        Row("bitwise_right_shift", lambda m, x, y: m.bitwise_right_shift(x, y), (array([-9, 9, 5]), array([70, 64, 1])),
            np.right_shift),
        Row("heaviside", lambda m, x, y: m.heaviside(x, y), (fixed(normal(3, 4)), fixed(normal(4))), np.heaviside),
        Row("nextafter", lambda m, x, y: m.nextafter(x, y), (fixed(normal(3, 4)), fixed(normal(4))), np.nextafter),
        Row("isin", lambda m, x, y: m.isin(x, y), (integers(0, 9, 3, 4), integers(0, 9, 4)), np.isin),
        Row("isin", lambda m, x: m.isin(x, 3, invert=True), (integers(0, 9, 3, 4),)),
        Row("isin", lambda m, x, y: m.isin(x, y, assume_unique=True), (array([3, 1, 7]), array([7, 2, 3]))),
        Row("logical_and", lambda m, x, c: m.logical_and(x, c), (special, mask(6)), np.logical_and),
    ]  # fmt: skip


QUESTIONS: list[Row] = _questions()

"""Rows of reductions and scans."""

from __future__ import annotations

from typing import Any

import numpy as np
from ops_cases import Row, array, distinct, fixed, integers, nonzero, normal, point, positive, probability

NAN, INF = np.nan, np.inf
holes = point([[0.5, NAN, -1.5, 2.0], [NAN, 3.0, 0.25, NAN], [1.0, -2.0, 4.0, 0.75]])


def _moments() -> list[Row]:
    rows = []
    for name in ("var_mean", "std_mean"):
        rows += [
            Row(name, lambda m, x, n=name: getattr(m, n)(x, correction=None), (normal(3, 4),)),
            Row(name, lambda m, x, n=name: getattr(m, n)(x), (normal(3, 4),)),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, dim=1, keepdim=True, correction=0), (normal(3, 4),)),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, dim=(0, 2), unbiased=False), (normal(3, 2, 2),)),
        ]
    for name, function in (("nansum", np.nansum), ("nanmean", np.nanmean)):
        rows += [
            Row(name, lambda m, x, n=name: getattr(m, n)(x), (holes,), function, numerical=False),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, dim=1, keepdim=True), (holes,),
                lambda x, f=function: f(x, axis=1, keepdims=True), numerical=False),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, dim=(0, 1)), (normal(3, 2),)),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, dim=0, dtype=m.float64), (normal(3, 2),)),
        ]  # fmt: skip
    weights = {"f": integers(1, 4, 5), "a": fixed(positive(5))}
    return rows + [
        Row("cov", lambda m, x: m.cov(x), (normal(3, 5),), np.cov),
        Row("cov", lambda m, x: m.cov(x, correction=0), (normal(5),), lambda x: np.cov(x, ddof=0)),
        Row("cov", lambda m, x, f: m.cov(x, fweights=f), (normal(3, 5), weights["f"]),
            lambda x, f: np.cov(x, fweights=f)),
        Row("cov", lambda m, x, a: m.cov(x, aweights=a, correction=0), (normal(3, 5), weights["a"])),
        Row("cov", lambda m, x, f, a: m.cov(x, correction=1, fweights=f, aweights=a),
            (normal(3, 5), weights["f"], weights["a"])),
        Row("corrcoef", lambda m, x: m.corrcoef(x), (normal(3, 5),), np.corrcoef),
        Row("trace", lambda m, x: m.trace(x), (normal(3, 4),), np.trace, unlike_torch="bool"),
        Row("trace", lambda m, x: m.trace(x), (normal(4, 2),), np.trace, unlike_torch="bool"),
        Row("aminmax", lambda m, x: m.aminmax(x), (distinct(3, 4),)),
        Row("aminmax", lambda m, x: m.aminmax(x, dim=1, keepdim=True), (distinct(3, 4),)),
        Row("aminmax", lambda m, x: m.aminmax(x, dim=0).max, (distinct(3, 4),)),
    ]  # fmt: skip


def _norms() -> list[Row]:
    rows = [
        Row("norm", lambda m, x, p=p: m.norm(x, p), (nonzero(3, 4),), flat=p == 0)
        for p in (0, 0.5, 1, 1.5, 2, 3, INF, -INF, -1, -2.5)
    ]
    return rows + [
        Row("norm", lambda m, x: m.norm(x), (normal(3, 4),)),
        Row("norm", lambda m, x: m.norm(x, dim=1), (normal(3, 4),)),
        Row("norm", lambda m, x: m.norm(x, p="fro", dim=(0, 2), keepdim=True), (normal(2, 3, 2),)),
        Row("norm", lambda m, x: m.norm(x, p=3.5, dim=-1, keepdim=True), (nonzero(2, 3),)),
        Row("norm", lambda m, x: m.norm(x, p=INF, dim=(0, 1)), (distinct(2, 3),)),
        Row("norm", lambda m, x: m.norm(x, dtype=m.float64), (normal(2, 3),)),
        Row("dist", lambda m, x, y: m.dist(x, y), (normal(3, 4), normal(4))),
        Row("dist", lambda m, x, y: m.dist(x, y, p=1), (normal(3, 4), normal(4))),
        Row("dist", lambda m, x, y: m.dist(x, y, 3), (positive(4), positive(4))),
        Row("renorm", lambda m, x: m.renorm(x, 2, 0, 1.5), (normal(4, 3),)),
        Row("renorm", lambda m, x: m.renorm(x, p=1, dim=-1, maxnorm=2.0), (nonzero(4, 3),)),
        Row("renorm", lambda m, x: m.renorm(x, 3, 1, 0.5), (nonzero(2, 4, 2),)),
        Row("renorm_", lambda m, x: (x * 1).renorm_(2, 1, 0.5), (normal(4, 3),)),
    ]


def _scans() -> list[Row]:
    zeros = point([[1.5, 0.0, 3.0, -0.5], [0.0, -2.0, 0.0, 1.0], [0.5, 2.0, 3.0, 0.0]])
    rows = [
        Row("cumprod", lambda m, x: m.cumprod(x, dim=1), (nonzero(3, 4),), lambda x: np.cumprod(x, axis=1)),
        Row("cumprod", lambda m, x: m.cumprod(x, 0), (normal(3, 4, 2),), lambda x: np.cumprod(x, 0)),
        Row("cumprod", lambda m, x: m.cumprod(x, dim=1), (zeros,)),
        Row("cumprod", lambda m, x: m.cumprod(x, dim=0), (zeros,)),
        Row("cumprod", lambda m, x: m.cumprod(x, dim=-1, dtype=m.float64), (normal(3),)),
        Row("cumprod", lambda m, x: np.cumprod(x), (normal(3, 2),), np.cumprod, in_torch=False),
        Row("cumprod_", lambda m, x: (x * 1).cumprod_(1), (normal(2, 3),)),
        Row("cumsum_", lambda m, x: (x * 1).cumsum_(1), (normal(2, 3),)),
        Row("logcumsumexp", lambda m, x: m.logcumsumexp(x, dim=1), (normal(3, 5),)),
        Row("logcumsumexp", lambda m, x: m.logcumsumexp(x, 0), (normal(4, 2, 2),)),
        Row("logcumsumexp", lambda m, x: m.logcumsumexp(x, -1), (point([-30.0, 200.0, 200.5, -1000.0, 199.0]),)),
    ]
    for name in ("cummax", "cummin"):
        rows += [
            Row(name, lambda m, x, n=name: getattr(m, n)(x, dim=1), (distinct(3, 6),)),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, -2), (distinct(5, 2, 2),)),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, 0), (point([2.0, 2.0, 1.0, 2.0, 1.0, 3.0]),),
                numerical=False),
        ]  # fmt: skip
    x, y = (normal(3, 4),), (normal(3, 4), normal(3, 2))
    return rows + [
        Row("diff", lambda m, x: m.diff(x), x, np.diff),
        Row("diff", lambda m, x: m.diff(x, n=2, dim=0), x, lambda x: np.diff(x, 2, 0)),
        Row("diff", lambda m, x, y: m.diff(x, dim=1, prepend=y), y, lambda x, y: np.diff(x, axis=1, prepend=y)),
        Row("diff", lambda m, x, y: m.diff(x, append=y, prepend=y), y, lambda x, y: np.diff(x, append=y, prepend=y)),
        Row("diff", lambda m, x: m.diff(x, 5), x, flat=True),
        Row("diff", lambda m, x: m.diff(x, 0, 1, m.ones(3, 1, dtype=x.dtype)), x),
        Row("trapezoid", lambda m, x: m.trapezoid(x), x, lambda x: np.trapezoid(x)),
        Row("trapezoid", lambda m, x: m.trapezoid(x, dx=0.3, dim=0), x, lambda x: np.trapezoid(x, dx=0.3, axis=0)),
        Row("trapezoid", lambda m, x, y: m.trapezoid(x, y), (normal(3, 4), normal(4)), lambda x, y: np.trapezoid(x, y),
            unlike_torch="uint8"),  # where PyTorch's integers wrap around
        Row("trapezoid", lambda m, x, y: m.trapezoid(x, y, dim=0), (normal(3, 4), normal(3, 4)), unlike_torch="uint8"),
        Row("trapezoid", lambda m, x, y: m.trapezoid(x, y, dim=0), (normal(3, 4), normal(3)), unlike_torch="uint8"),
        Row("trapz", lambda m, x: m.trapz(x, dim=-1), x),
        Row("cumulative_trapezoid", lambda m, x: m.cumulative_trapezoid(x), x),
        Row("cumulative_trapezoid", lambda m, x, y: m.cumulative_trapezoid(x, y, dim=-2), (normal(3, 4), normal(3)),
            unlike_torch="uint8"),
    ]  # fmt: skip


def _recurrence(m: Any, b: Any, c: Any) -> Any:
    from tinygrad_lite.ops.reduction.cumulative import recurrence

    return recurrence(b, c)


def _places() -> list[Row]:
    rows = []
    for name in ("median", "nanmedian"):
        rows += [
            Row(name, lambda m, x, n=name: getattr(m, n)(x), (distinct(3, 4),)),
            Row(name, lambda m, x, n=name: getattr(m, n)(x), (distinct(5),)),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, dim=1), (distinct(3, 4),),
                unlike_torch="int64 int32 uint8"),  # which one of equal ones
            Row(name, lambda m, x, n=name: getattr(m, n)(x, dim=0, keepdim=True), (distinct(3, 4),),
                unlike_torch="int64 int32 uint8"),
            Row(name, lambda m, x, n=name: getattr(m, n)(x), (holes,), numerical=False),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, 1), (holes,), numerical=False),
            Row(name, lambda m, x, n=name: getattr(m, n)(x), (point([1.0, 2.0, 2.0, 2.0, 5.0]),), numerical=False),
        ]  # fmt: skip
    for name, function in (("quantile", np.quantile), ("nanquantile", np.nanquantile)):
        rows += [
            Row(name, lambda m, x, n=name: getattr(m, n)(x, 0.4), (distinct(3, 4),),
                lambda x, f=function: f(x, 0.4)),
            Row(name, lambda m, x, q, n=name: getattr(m, n)(x, q, dim=1, keepdim=True),
                (distinct(3, 4), fixed(probability(3))),
                lambda x, q, f=function: f(x, q, axis=1, keepdims=True)),
            Row(name, lambda m, x, q, n=name: getattr(m, n)(x, q, keepdim=True),
                (distinct(3, 4), fixed(probability()))),
            Row(name, lambda m, x, q, n=name: getattr(m, n)(x, q), (distinct(7), point([0.1, 0.55]))),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, 0.3, 1), (holes,), numerical=False),
            Row(name, lambda m, x, q, n=name: getattr(m, n)(x, q), (holes, fixed(point([0.0, 0.5, 1.0]))),
                numerical=False),
        ]  # fmt: skip
        rows += [
            Row(name, lambda m, x, q, n=name, i=mode: getattr(m, n)(x, q, dim=0, interpolation=i),
                (distinct(4, 3), fixed(point([0.0, 0.1, 0.5, 0.7, 1.0]))))
            for mode in ("linear", "lower", "higher", "midpoint", "nearest")
        ]  # fmt: skip
    return rows + [
        Row("recurrence", _recurrence, (normal(3, 5), normal(3, 5)), in_torch=False),
        Row("recurrence", _recurrence, (normal(2, 150), nonzero(2, 150)), in_torch=False, numerical=False),
    ]


def _segments() -> list[Row]:
    lengths, batches = array([2, 0, 3]), array([[1, 3], [4, 0]])
    rows = []
    for how in ("sum", "mean", "prod", "max", "min"):
        rows += [
            Row("segment_reduce", lambda m, x, n, how=how: m.segment_reduce(x, how, lengths=n, initial=0.25),
                (distinct(5, 2), lengths)),
            Row("segment_reduce", lambda m, x, n, how=how: m.segment_reduce(x, how, lengths=n, axis=1, unsafe=True),
                (distinct(2, 4), array([[1, 3], [2, 2]]))),
            Row("segment_reduce", lambda m, x, n, how=how: m.segment_reduce(x, how, lengths=n, axis=1)[:, :1],
                (distinct(2, 4), batches)),
            Row("segment_reduce", lambda m, x, how=how: m.segment_reduce(x, how, offsets=m.tensor([0, 1, 4])),
                (distinct(4),)),
        ]  # fmt: skip
    return rows


ROWS: list[Row] = [*_moments(), *_norms(), *_scans(), *_places(), *_segments()]

QUESTIONS: list[Row] = [
    Row("trace", lambda m, x: m.trace(x), (integers(0, 9, 3, 3),)),
    Row("cumprod", lambda m, x: m.cumprod(x, 0), (array([True, True, False]),)),
    Row("diff", lambda m, x: m.diff(x), (array([True, True, False]),)),
    Row("nansum", lambda m, x: m.nansum(x), (integers(0, 9, 3, 3),)),
    Row("trapezoid", lambda m, x: m.trapezoid(x), (integers(0, 9, 3, 3),)),
]

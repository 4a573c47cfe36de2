"""Rows of `tinygrad_lite.masked`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ops_cases import Row, array, distinct, fixed, mask, nonzero, normal, positive

HALF = array([[True, False, True, True], [False, True, True, False], [True, True, False, True]])


INTEGERS = "int64 int32 uint8 bool"  # PyTorch cuts a logarithm to an integer, keeps uint8, and fails for bool


def of(name: str, *args: Any, **options: Any) -> Callable[..., Any]:
    return lambda m, x, k: getattr(m.masked, name)(x, *args, mask=k, **options)


def _rows() -> list[Row]:
    both = normal(3, 4), HALF
    rows = [
        Row(f"masked.{name}", of(name, *args), (given(3, 4), HALF),
            unlike_torch=INTEGERS if name == "logsumexp" else "")
        for name, given in {"sum": normal, "prod": nonzero, "amax": distinct, "amin": distinct, "mean": normal,
                            "logsumexp": normal, "var": normal, "std": normal}.items()
        for args in ((), (1,), ((0, 1),))
    ]  # fmt: skip
    rows += [Row(f"masked.{name}", of(name, 1), both, unlike_torch=INTEGERS[12:]) for name in (
        "cumsum", "cumprod", "softmax", "softmin")]  # fmt: skip
    return rows + [
        Row("masked.log_softmax", of("log_softmax", 1), both, numerical=False),  # -inf is no finite result
        Row("masked.sum", of("sum", 1, keepdim=True), (normal(3, 4), mask(4))),
        Row("masked.sum of all", lambda m, x: m.masked.sum(x, 1), (normal(3, 4),)),
        Row("masked.std", of("std", 1, correction=0.5, keepdim=True), both),
        Row("masked.var", of("var", 0, False), both),
        Row("masked.median", of("median", 1), (distinct(3, 4), HALF), unlike_torch=INTEGERS),
        Row("masked.median of all", lambda m, x: m.masked.median(x, 0), (distinct(5),), unlike_torch=INTEGERS),
        Row("masked.norm", of("norm", 2.0, 1), both),
        Row("masked.norm", of("norm", 1.0), (nonzero(3, 4), HALF)),
        Row("masked.norm", of("norm", -float("inf"), 0), (distinct(3, 4), HALF)),
        Row("masked.normalize", of("normalize", 2.0, 1), both),
        Row("masked.logaddexp", lambda m, x, y, k: m.masked.logaddexp(x, y, input_mask=k),
            (normal(3, 4), normal(3, 4), HALF)),
        Row("masked.logaddexp", lambda m, x, y, k, j: m.masked.logaddexp(x, y, input_mask=k, other_mask=j == k),
            (positive(3, 4), normal(3, 4), HALF, array([[True, False, False, True]] * 3)), numerical=False),
    ]  # fmt: skip


ROWS: list[Row] = _rows()
QUESTIONS: list[Row] = [
    Row(f"masked.{name}", of(name, *args), (fixed(normal(3, 4)), HALF))
    for name in ("argmax", "argmin")
    for args in ((), (1,))
]

"""Rows of order, counting and finding."""

from __future__ import annotations

import numpy as np
from ops_cases import Row, array, distinct, fixed, integers, normal, point

NAN, INF = np.nan, np.inf
repeated = point([3.0, 1.0, 3.0, 2.0, 1.0, 1.0])
with_nan = point([[2.0, NAN, 1.0, 2.0], [NAN, 0.5, NAN, 3.0]])


def _order() -> list[Row]:
    return [
        Row("msort", lambda m, x: m.msort(x), (distinct(4, 3),), lambda x: np.sort(x, axis=0)),
        Row("kthvalue", lambda m, x: m.kthvalue(x, 2), (distinct(3, 4),), unlike_torch="int64 int32 uint8"),
        Row("kthvalue", lambda m, x: m.kthvalue(x, k=3, dim=0, keepdim=True), (distinct(3, 4),),
            unlike_torch="int64 int32 uint8"),  # which one of equal ones
        Row("kthvalue", lambda m, x: m.kthvalue(x, 4).values, (with_nan,), numerical=False),
        Row("mode", lambda m, x: m.mode(x), (repeated,), numerical=False),
        Row("mode", lambda m, x: m.mode(x, dim=0, keepdim=True), (distinct(3, 4),)),
        Row("mode", lambda m, x: m.mode(x, 1), (point([[2.0, 1.0, 2.0, 1.0], [3.0, 3.0, 3.0, 0.0]]),), numerical=False),
        Row("sort", lambda m, x: m.sort(x, dim=1, stable=True), (with_nan,), numerical=False),
        Row("sort", lambda m, x: m.sort(x, stable=True, descending=True), (repeated,), numerical=False),
        Row("sort", lambda m, x: m.sort(x, dim=1, descending=True, stable=True), (with_nan,), numerical=False),
        Row("topk", lambda m, x: m.topk(x, 3, dim=1).values, (point([[2.0, NAN, 1.0, 3.0], [-INF, 0.5, INF, 3.0]]),),
            numerical=False),
        Row("topk", lambda m, x: m.topk(x, 3, largest=False), (distinct(2, 3000),), numerical=False,
            unlike_torch="int64 int32 uint8 bool"),
        Row("topk", lambda m, x: m.topk(x, 40, 0), (distinct(3000, 2),), numerical=False,
            unlike_torch="int64 int32 uint8 bool"),
    ]  # fmt: skip


def _unique() -> list[Row]:
    x = (distinct(3, 4),)
    return [
        Row("unique", lambda m, x: m.unique(x), x, in_torch=False),
        Row("unique", lambda m, x: m.unique(x, dim=1), x, in_torch=False),
        Row("unique_consecutive", lambda m, x: m.unique_consecutive(x), x, in_torch=False),
        Row("unique_consecutive", lambda m, x: m.unique_consecutive(x, dim=0), x, in_torch=False),
    ]


ROWS: list[Row] = [*_order(), *_unique()]
"""PyTorch has no gradient of `unique`."""


def _counted() -> list[Row]:
    few, rows = integers(0, 4, 3, 4), array([[1, 2], [0, 3], [1, 2], [1, 1]])
    runs = array([[1, 1, 2], [2, 1, 1], [1, 1, 1]])
    numbers = array([[0.5, 1.5, -1.0, 2.0], [2.0, 0.25, 7.0, 1.0]])
    return [
        Row("unique", lambda m, x: m.unique(x), (few,), np.unique),
        Row("unique", lambda m, x: m.unique(x, return_inverse=True), (few,)),
        Row("unique", lambda m, x: m.unique(x, return_counts=True), (few,)),
        Row("unique", lambda m, x: m.unique(x, True, True, True), (fixed(repeated),)),
        Row("unique", lambda m, x: m.unique(x, return_inverse=True, return_counts=True, dim=0), (rows,)),
        Row("unique", lambda m, x: m.unique(x, return_inverse=True, return_counts=True, dim=-1), (few,)),
        Row("unique", lambda m, x: m.unique(x, return_inverse=True, return_counts=True), (fixed(with_nan),)),
        Row("unique_consecutive", lambda m, x: m.unique_consecutive(x), (runs,)),
        Row("unique_consecutive", lambda m, x: m.unique_consecutive(x, True, True), (runs,)),
        Row("unique_consecutive", lambda m, x: m.unique_consecutive(x, return_counts=True), (fixed(with_nan),)),
        Row("unique_consecutive", lambda m, x: m.unique_consecutive(x, return_inverse=True, return_counts=True, dim=0),
            (array([[1, 1], [1, 1], [2, 1], [1, 1]]),)),
        Row("bincount", lambda m, x: m.bincount(x), (integers(0, 6, 9),), np.bincount),
        Row("bincount", lambda m, x: m.bincount(x, minlength=9), (integers(0, 6, 9),),
            lambda x: np.bincount(x, minlength=9)),
        Row("bincount", lambda m, x, w: m.bincount(x, w), (integers(0, 6, 9), fixed(normal(9)))),
        Row("bincount", lambda m, x, w: m.bincount(x, weights=w), (integers(0, 6, 9), integers(0, 6, 9))),
        Row("bincount", lambda m, x: m.bincount(x), (array(np.zeros(0, np.int64)),)),
        Row("histc", lambda m, x: m.histc(x, 4), (fixed(normal(3, 4)),)),
        Row("histc", lambda m, x: m.histc(x, bins=5, min=-1, max=2), (numbers,)),
        Row("histc", lambda m, x: m.histc(x, 4, 0, 2), (array([NAN, 0.0, 2.0, 1.0, 3.0, INF]),)),
        Row("histc", lambda m, x: m.histc(x, 2), (array([1.0, 1.0]),)),
        Row("histc", lambda m, x: m.histc(x, 3), (array(np.zeros(0)),)),
        Row("histogram", lambda m, x: m.histogram(x, 4), (numbers,)),
        Row("histogram", lambda m, x, e: m.histogram(x, e), (numbers, array([-1.0, 0.0, 1.5, 2.0]))),
        Row("histogram", lambda m, x, w: m.histogram(x, 3, range=(0.0, 3.0), weight=w, density=True),
            (numbers, array([[0.5, 1.5, -1.0, 2.0], [2.0, 0.25, 7.0, 1.0]]))),
        Row("histogram", lambda m, x: m.histogram(x, bins=2, density=True), (numbers,)),
        Row("histogram", lambda m, x: m.histogram(x, 2), (array(np.zeros(0)),)),
    ]  # fmt: skip


def _found() -> list[Row]:
    line, many = array([1, 3, 3, 5]), array([[1, 3, 5], [2, 4, 6]])
    values = integers(0, 7, 2, 4)
    return [
        Row("searchsorted", lambda m, s, x: m.searchsorted(s, x), (line, values), np.searchsorted),
        Row("searchsorted", lambda m, s, x: m.searchsorted(s, x, right=True, out_int32=True), (line, values)),
        Row("searchsorted", lambda m, s, x: m.searchsorted(s, x, side="right"), (many, values)),
        Row("searchsorted", lambda m, s, x: m.searchsorted(s, x), (many, values)),
        Row("searchsorted", lambda m, s: m.searchsorted(s, 3), (line,)),
        Row("searchsorted", lambda m, s, x, o: m.searchsorted(s, x, sorter=o),
            (array([3, 1, 2]), values, array([1, 2, 0]))),
        Row("bucketize", lambda m, x, b: m.bucketize(x, b), (values, line)),
        Row("bucketize", lambda m, x, b: m.bucketize(x, b, right=True, out_int32=True), (values, line)),
        Row("bucketize", lambda m, b: m.bucketize(3, b), (line,)),
        Row("bucketize", lambda m, x, b: m.bucketize(x, b), (array([NAN, 1.0, INF]), array([0.0, 1.0, 2.0]))),
        Row("msort", lambda m, x: m.msort(x), (integers(0, 7, 4, 3),)),
        Row("mode", lambda m, x: m.mode(x), (integers(0, 4, 5, 9),)),
        Row("mode", lambda m, x: m.mode(x, 0).values, (integers(0, 3, 20, 3),)),
        Row("median", lambda m, x: m.median(x), (integers(0, 4, 5, 9),)),
        Row("median", lambda m, x: m.median(x, 0).values, (integers(0, 4, 6, 9),)),
        Row("kthvalue", lambda m, x: m.kthvalue(x, 3).values, (integers(0, 4, 6, 9),)),
        Row("cummax", lambda m, x: m.cummax(x, 1), (integers(0, 4, 6, 9),)),
        Row("cummin", lambda m, x: m.cummin(x, 0), (integers(0, 4, 6, 9),)),
    ]  # fmt: skip


QUESTIONS: list[Row] = [*_counted(), *_found()]

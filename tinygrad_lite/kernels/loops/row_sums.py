"""Sums and maxima of one row, for kernels: many elements at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

BLOCK = 1024  # what is added up in the row's own precision; blocks are added in float64, and cost a slice each


def summing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function of kernels as a sum over elements, whose order is left to the compiler."""
    function.__dict__["decorator"] = "summing"
    return function


@summing
def _block(x: Any) -> Any:
    s = x.dtype.type(0)
    for i in range(x.size):
        s += x[i]
    return s


@summing
def _block_dot(x: Any, y: Any) -> Any:
    s = x.dtype.type(0)
    for i in range(x.size):
        s += x[i] * y[i]
    return s


@summing
def _block_spread(x: Any, mean: Any) -> Any:
    s = x.dtype.type(0)
    for i in range(x.size):
        d = x[i] - mean
        s += d * d
    return s


@summing
def _block_moment(x: Any, y: Any, mean: Any) -> Any:
    s = x.dtype.type(0)
    for i in range(x.size):
        s += x[i] * (y[i] - mean)
    return s


def total(x: Any) -> float:
    """The sum of a row."""
    if x.size <= BLOCK:
        return _block(x)
    s = 0.0
    for start in range(0, x.size, BLOCK):
        s += _block(x[start : start + BLOCK])
    return s


def dot(x: Any, y: Any) -> float:
    """The sum of the products of two rows."""
    if x.size <= BLOCK:
        return _block_dot(x, y)
    s = 0.0
    for start in range(0, x.size, BLOCK):
        s += _block_dot(x[start : start + BLOCK], y[start : start + BLOCK])
    return s


def spread(x: Any, mean: Any) -> float:
    """The sum of the squared distances from `mean`."""
    if x.size <= BLOCK:
        return _block_spread(x, mean)
    s = 0.0
    for start in range(0, x.size, BLOCK):
        s += _block_spread(x[start : start + BLOCK], mean)
    return s


def moment(x: Any, y: Any, mean: Any) -> float:
    """The sum of the products of a row and another's distances from `mean`."""
    if x.size <= BLOCK:
        return _block_moment(x, y, mean)
    s = 0.0
    for start in range(0, x.size, BLOCK):
        s += _block_moment(x[start : start + BLOCK], y[start : start + BLOCK], mean)
    return s


def largest_single(bits: Any) -> Any:
    """The maximum of a row of float32, NaN before all, given by its bits: maxima of integers vectorize."""
    top = np.int32(-2147483648)
    for i in range(bits.size):
        b = bits[i]
        k = np.int32(b ^ ((b >> np.int32(31)) & np.int32(0x7FFFFFFF)))  # integers in the order of the floats
        top = k if k > top else top
    return np.int32(top ^ ((top >> np.int32(31)) & np.int32(0x7FFFFFFF))).view(np.float32)

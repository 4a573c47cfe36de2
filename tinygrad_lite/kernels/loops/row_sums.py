"""`total`, `dot`, `largest_single`, `copy_row`, `fill_row`: one row, for kernels to call.

Sums take many elements at a time. ``target[:] = source`` takes numba ten times as long to compile as `copy_row`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

BLOCK = 1024  # what is added up in the row's own precision; blocks are added in float64, and cost a slice each


def summing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function of kernels as a sum over elements, whose order is left to the compiler."""
    function.__dict__["decorator"] = "summing"
    return function


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function of kernels as one to be put where it is called: a call takes as long as 64 elements."""
    function.__dict__["decorator"] = "inlined"
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


@inlined
def total(x: Any) -> float:
    """The sum of a row."""
    if x.size <= BLOCK:
        return _block(x)
    s = 0.0
    for start in range(0, x.size, BLOCK):
        s += _block(x[start : start + BLOCK])
    return s


@inlined
def dot(x: Any, y: Any) -> float:
    """The sum of the products of two rows."""
    if x.size <= BLOCK:
        return _block_dot(x, y)
    s = 0.0
    for start in range(0, x.size, BLOCK):
        s += _block_dot(x[start : start + BLOCK], y[start : start + BLOCK])
    return s


@inlined
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


def largest_single(x: Any) -> Any:
    """The maximum of a row of float32, NaN before all, found by bits: maxima of integers vectorize."""
    top = np.int32(-2147483648)
    for i in range(x.size):
        b = np.float32(x[i]).view(np.int32)  # one by one: to see a whole array so takes numba 0.4 s to compile
        k = np.int32(b ^ ((b >> np.int32(31)) & np.int32(0x7FFFFFFF)))  # integers in the order of the floats
        top = k if k > top else top
    return np.int32(top ^ ((top >> np.int32(31)) & np.int32(0x7FFFFFFF))).view(np.float32)


def copy_row(source: Any, target: Any) -> None:
    """``target[:] = source``, both one-dimensional."""
    for j in range(source.size):
        target[j] = source[j]


def add_row(source: Any, target: Any) -> None:
    """``target += source``."""
    for i in range(target.size):
        target[i] += source[i]


def fill_row(target: Any, value: Any) -> None:
    """``target[:] = value``, one-dimensional."""
    for j in range(target.size):
        target[j] = value

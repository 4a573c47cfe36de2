"""Cubes and the slopes of cubes and roots in float32, in one pass each: of many elements NumPy's passes are twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..kernel import kernel


def _into(formula: Callable[..., Any]) -> Callable[..., None]:
    """The twin: a formula in NumPy, its result in the last argument."""

    def plain(*args: Any) -> None:
        *inputs, out = args
        out[...] = formula(*inputs)

    return plain


def cube_of(x: Any) -> Any:
    """``x ** 3``."""
    return x * x * x


def cube_slope_of(g: Any, x: Any) -> Any:
    """`g` times the derivative of `cube_of`."""
    return g * (3 * (x * x))


def root_slope_of(g: Any, out: Any) -> Any:
    """`g` times the derivative of the square root, whose value is `out`."""
    return g / (2 * out)


@kernel(_into(cube_of))
def cube(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = x[i] * x[i] * x[i]


@kernel(_into(cube_slope_of))
def cube_slope(g: Any, x: Any, out: Any) -> None:
    three = x.dtype.type(3)
    for i in range(x.size):
        out[i] = g[i] * (three * (x[i] * x[i]))


@kernel(_into(root_slope_of))
def root_slope(g: Any, shown: Any, out: Any) -> None:
    two = shown.dtype.type(2)
    for i in range(shown.size):
        out[i] = g[i] / (two * shown[i])

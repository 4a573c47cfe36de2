"""Floating, Unary, Binary, WithIndices: what functions take and how they are called, for the door and for editors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol, TypeAlias, cast, overload

import numpy as np

from .tensor_type import Tensor

Operand: TypeAlias = "Tensor | np.ndarray[Any, Any] | np.generic | complex"  # complex: every number of Python's
Floating: TypeAlias = Any
"""A tensor, array or number that must be floating point: the door refuses integers and booleans."""
FloatingTensor: TypeAlias = Tensor
"""The same, where type checkers are to refuse arrays and numbers."""


class Unary(Protocol):
    """A function of one tensor."""

    __name__: str

    def __call__(self, input: Tensor, *, out: Tensor | None = None) -> Tensor: ...


class Binary(Protocol):
    """A function of two tensors, of which one may be a number."""

    __name__: str

    def __call__(self, input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor: ...


class WithIndices(Protocol):
    """A pooling that returns where the maxima lie, too, if it is asked to."""

    @overload
    def __call__(
        self, input: Any, *args: Any, return_indices: Literal[True], **options: Any
    ) -> tuple[Tensor, Tensor]: ...
    @overload
    def __call__(self, input: Any, *args: Any, return_indices: Literal[False] = False, **options: Any) -> Tensor: ...
    @overload
    def __call__(self, input: Any, *args: Any, return_indices: bool, **options: Any) -> Any: ...


def with_indices(function: Callable[..., Any]) -> WithIndices:
    """The function itself, typed by what `return_indices` is."""
    return cast(WithIndices, function)

"""InputError, RangeError, DtypeError: each of the class that NumPy has for its kind, and of PyTorch's.

PyTorch's engine raises RuntimeError for nearly all that can be wrong with an argument; its Python face and NumPy raise
ValueError, TypeError or IndexError. A program written for either catches these.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "ArgumentError",
    "DtypeError",
    "EmptyError",
    "InputError",
    "LinAlgError",
    "NumberError",
    "PaddingError",
    "RangeError",
    "SeveralError",
    "SizeError",
    "UnsupportedError",
]


class InputError(ValueError, RuntimeError):
    """An argument's value or shape does not fit."""


class DtypeError(TypeError, NotImplementedError):
    """A function is not defined for a dtype; a RuntimeError, as every NotImplementedError is."""


class ArgumentError(TypeError, RuntimeError):
    """An argument is not of the kind that a function takes, or the arguments do not fit together."""


class UnsupportedError(InputError, NotImplementedError):
    """Arguments that are right by themselves are not defined together."""


class RangeError(IndexError, RuntimeError):
    """An index in a tensor points outside of what it indexes."""


class NumberError(InputError, OverflowError, TypeError):
    """A number does not fit a dtype."""


class SizeError(InputError, IndexError):
    """A tensor has not the dimensions that a function looks at."""


class EmptyError(InputError, IndexError):
    """There is no extreme value of nothing."""


class PaddingError(InputError, AssertionError):
    """The padding row of a table is none of its rows, which PyTorch asserts."""


class LinAlgError(np.linalg.LinAlgError, RuntimeError):
    """A matrix is singular, or not positive definite."""


class SeveralError(InputError, TypeError):
    """A tensor of several elements is no number."""


def check_several(rule: Any, parents: tuple[Any, ...], gradients: Any) -> None:
    """Raise if a rule for several arguments did not return a gradient for each."""
    if not isinstance(gradients, (tuple, list)) or len(gradients) != len(parents):
        came = f"{len(gradients)}" if isinstance(gradients, (tuple, list)) else type(gradients).__name__
        raise TypeError(
            f"{rule.op.name}: the rule for {', '.join(rule.arg)} must return {len(parents)} gradients as it was given "
            f"{len(parents)} Tensors, got {came}; if the function takes a single Tensor there, stack() them first"
        )


# PyTorch's words, which programs look for
NEEDS_DETACH = "numpy: Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
NO_VALUES = "bool: Boolean value of Tensor with no values is ambiguous; use any() or all()"
NO_GRADIENT = (
    "requires_grad_: only floating point tensors can require grad, got {} (Only Tensors of floating point and complex "
    "dtype can require gradients)"
)
SEVERAL = (
    "bool: the truth of a Tensor with several elements is ambiguous; use any() or all() (Boolean value of Tensor with "
    "more than one value is ambiguous)"
)
UNUSED = (
    "grad: materialize_grads gives zeros for unused inputs, which allow_unused=False refuses (Expected allow_unused to "
    "be True or not passed when materialize_grads=True)"
)
MODIFIED = "(one of the variables needed for gradient computation has been modified by an inplace operation)"


def freed(name: str) -> RuntimeError:
    """The error for a second pass."""
    return RuntimeError(
        f"backward: Trying to backward through the graph a second time (at {name}), but its saved values have been "
        "freed. Specify retain_graph=True in the first backward"
    )

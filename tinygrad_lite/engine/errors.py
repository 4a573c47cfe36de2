"""InputError, RangeError, DtypeError: each of the class that NumPy has for its kind, and of PyTorch's.

PyTorch's engine raises RuntimeError for nearly all that can be wrong with an argument; its Python face and NumPy raise
ValueError, TypeError or IndexError. A program written for either catches these.
"""

from __future__ import annotations

import numpy as np

__all__ = ["DtypeError", "EmptyError", "InputError", "LinAlgError", "RangeError", "SeveralError"]


class InputError(ValueError, RuntimeError):
    """An argument's value or shape does not fit."""


class DtypeError(TypeError, NotImplementedError):
    """A function is not defined for a dtype; a RuntimeError, as every NotImplementedError is."""


class RangeError(IndexError, RuntimeError):
    """An index in a tensor points outside of what it indexes."""


class EmptyError(InputError, IndexError):
    """There is no extreme value of nothing."""


class LinAlgError(np.linalg.LinAlgError, RuntimeError):
    """A matrix is singular, or not positive definite."""


class SeveralError(InputError, TypeError):
    """A tensor of several elements is no number."""

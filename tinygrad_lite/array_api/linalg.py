"""Linear algebra of the array API standard: NumPy's functions, of Tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import linalg as _ours
from .functions import sum as _sum
from .lifting import described, lifted, meet, tensors

__all__ = [
    "cholesky", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "matmul", "matrix_norm", "matrix_power",
    "matrix_rank", "matrix_transpose", "outer", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot",
    "trace", "vecdot", "vector_norm",
]  # fmt: skip

_ALONE = described(
    """
cholesky     | x, /, *, upper=False
det          | x, /
eigh         | x, /
eigvalsh     | x, /
inv          | x, /
matrix_power | x, n, /
matrix_rank  | x, /, *, rtol=None
pinv         | x, /, *, rtol=None
qr           | x, /, *, mode="reduced"
slogdet      | x, /
svd          | x, /, *, full_matrices=True
svdvals      | x, /
""",
    np.linalg,
)
cholesky, det, eigh, eigvalsh = _ALONE["cholesky"], _ALONE["det"], _ALONE["eigh"], _ALONE["eigvalsh"]
inv, matrix_power, matrix_rank, pinv = _ALONE["inv"], _ALONE["matrix_power"], _ALONE["matrix_rank"], _ALONE["pinv"]
qr, slogdet, svd, svdvals = _ALONE["qr"], _ALONE["slogdet"], _ALONE["svd"], _ALONE["svdvals"]
_BOTH = lifted("matmul", np, two=True) | lifted("solve", np.linalg, two=True)
matmul, solve = _BOTH["matmul"], _BOTH["solve"]


def matrix_transpose(x: Any, /) -> Any:
    """The last two dimensions swapped."""
    return x.mT


def outer(x1: Any, x2: Any, /) -> Any:
    """All products of two vectors' entries."""
    x1, x2 = meet(x1, x2)
    return x1[:, None] * x2[None, :]


def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The vector product along an axis of three entries."""
    return _ours.cross(*np.broadcast_arrays(*meet(x1, x2)), dim=axis)


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The sum of products along an axis, the first one's conjugated."""
    x1, x2 = meet(x1, x2)
    if x1.shape[axis] != x2.shape[axis]:
        raise ValueError(f"vecdot: axis {axis} must have one size, got shapes {x1.shape} and {x2.shape}")
    return tensors(np.sum(np.conj(x1) * x2, axis=axis)).to(x1.dtype)


def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    """Sums of products over several axes of both."""
    x1, x2 = meet(x1, x2)
    return tensors(np.tensordot(x1, x2, axes))


def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """The diagonals of matrices."""
    return tensors(np.diagonal(x, offset, -2, -1))


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """The sums of the diagonals of matrices."""
    return _sum(diagonal(x, offset=offset), axis=-1, dtype=dtype)


def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """The norm of vectors along one axis, or of all entries along several."""
    return _ours.vector_norm(x, ord, axis, keepdims)


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """The norm of matrices."""
    return _ours.matrix_norm(x, ord, (-2, -1), keepdims)

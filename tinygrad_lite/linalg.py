"""Linear algebra, `torch.linalg`'s: what the files of `ops` list as `LINALG`, differentiable to any order."""

from __future__ import annotations

from typing import Any

import numpy as np

from .engine.namespaces import gather
from .ops.linalg import (
    decompositions,
    determinant,
    ex_variants,
    householder,
    ldl,
    least_squares,
    lu,
    matmul,
    matrix_products,
    norms,
    solve,
)
from .ops.linalg.matrix_products import cross as _cross
from .ops.linalg.matrix_products import vecdot as _vecdot
from .ops.linalg.norms import matrix_norm as _matrix_norm
from .ops.linalg.norms import vector_norm as _vector_norm
from .ops.shape.diagonals import diagonal as _diagonal
from .ops.signal import gradient_vander
from .rules import FAST
from .tensors.tensor_type import Tensor


def cross(input: Any, other: Any, *, dim: int = -1) -> Tensor:
    """Cross product of vectors of three: `tinygrad_lite.cross` along the last dimension."""
    return _cross(input, other, dim)


def diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices (a view): `tinygrad_lite.diagonal` of the last two dimensions."""
    return _diagonal(A, offset, dim1, dim2)


# --- NumPy's functions of the array API ---------------------------------------------------------------------------


def _np_vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Any:
    return _vector_norm(x, ord, axis, keepdims)


def _np_matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return _matrix_norm(x, ord, (-2, -1), keepdims)


def _np_vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return _vecdot(x1, x2, dim=axis)


def _np_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return cross(x1, x2, dim=axis)


def _np_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return diagonal(x, offset=offset)


FAST.update({np.linalg.vector_norm: _np_vector_norm, np.linalg.matrix_norm: _np_matrix_norm})
FAST.update({np.linalg.vecdot: _np_vecdot, np.linalg.cross: _np_cross, np.linalg.diagonal: _np_diagonal})
FAST[np.linalg.tensordot] = FAST[np.tensordot]
FAST.update(
    {np.linalg.matmul: matmul.matmul, np.linalg.outer: FAST[np.outer], np.linalg.matrix_transpose: lambda x: x.mT}
)

__all__ = gather(
    globals(), "LINALG", own=("cross", "diagonal"), rooms=(
        decompositions, determinant, ex_variants, householder, ldl, least_squares, lu, matmul, matrix_products, norms,
        solve, gradient_vander,
    ),
)  # fmt: skip

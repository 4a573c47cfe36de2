"""Linear algebra: `torch.linalg`'s functions, on batches of matrices, differentiable to any order."""

from __future__ import annotations

from typing import Any

import numpy as np

from .ops.linalg.decompositions import cholesky, eig, eigh, eigvals, eigvalsh, qr, svd, svdvals
from .ops.linalg.determinant import det, slogdet
from .ops.linalg.ex_variants import cholesky_ex, inv_ex, lu_factor_ex, solve_ex
from .ops.linalg.householder import householder_product
from .ops.linalg.ldl import ldl_factor, ldl_factor_ex, ldl_solve
from .ops.linalg.least_squares import lstsq, pinv
from .ops.linalg.lu import lu, lu_factor, lu_solve
from .ops.linalg.matmul import matmul
from .ops.linalg.matrix_products import cross as _cross
from .ops.linalg.matrix_products import multi_dot, vecdot
from .ops.linalg.norms import cond, matrix_exp, matrix_norm, matrix_power, matrix_rank, norm, vector_norm
from .ops.linalg.solve import LinAlgError, inv, solve, solve_triangular, tensorinv, tensorsolve
from .ops.shape.diagonals import diagonal as _diagonal
from .ops.signal.gradient_vander import powers as vander
from .rules import FAST
from .tensors.tensor_type import Tensor

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals",
    "eigvalsh", "householder_product", "inv", "inv_ex", "ldl_factor", "ldl_factor_ex", "ldl_solve", "lstsq", "lu",
    "lu_factor", "lu_factor_ex", "lu_solve", "matmul", "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank",
    "multi_dot", "norm", "pinv", "qr", "slogdet", "solve", "solve_ex", "solve_triangular", "svd", "svdvals",
    "tensorinv", "tensorsolve", "vander", "vecdot", "vector_norm",
]  # fmt: skip


def cross(input: Any, other: Any, *, dim: int = -1) -> Tensor:
    """Cross product of vectors of three: `tinygrad_lite.cross` along the last dimension."""
    return _cross(input, other, dim)


def diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices (a view): `tinygrad_lite.diagonal` of the last two dimensions."""
    return _diagonal(A, offset, dim1, dim2)


# --- NumPy's functions of the array API ---------------------------------------------------------------------------


def _np_vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Any:
    return vector_norm(x, ord, axis, keepdims)


def _np_matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return matrix_norm(x, ord, (-2, -1), keepdims)


def _np_vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return vecdot(x1, x2, dim=axis)


def _np_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return cross(x1, x2, dim=axis)


def _np_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return diagonal(x, offset=offset)


FAST.update({np.linalg.vector_norm: _np_vector_norm, np.linalg.matrix_norm: _np_matrix_norm})
FAST.update({np.linalg.vecdot: _np_vecdot, np.linalg.cross: _np_cross, np.linalg.diagonal: _np_diagonal})
FAST[np.linalg.tensordot] = FAST[np.tensordot]
FAST.update({np.linalg.matmul: matmul, np.linalg.outer: FAST[np.outer], np.linalg.matrix_transpose: lambda x: x.mT})

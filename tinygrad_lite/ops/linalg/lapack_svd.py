"""LAPACK's singular value decomposition, of finite matrices: of others it may run for ever, or print to the terminal."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.errors import LinAlgError


def lapack_svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """`numpy.linalg.svd`.

    Raises
    ------
    LinAlgError
        For infinities and NaN, as in PyTorch.
    """
    if not np.isfinite(a).all():
        raise LinAlgError("svd: the matrix must hold finite numbers, got infinities or NaN")
    return np.linalg.svd(a, full_matrices, compute_uv)


def svd_or_nan(a: Any) -> tuple[Any, Any, Any]:
    """The decomposition of square matrices; those that are not finite have singular values of NaN."""
    finite = np.isfinite(a).all((-2, -1))
    if finite.all():
        u, s, vh = np.linalg.svd(a)
        return u, s, vh
    u, s, vh = np.linalg.svd(np.where(finite[..., None, None], a, np.eye(a.shape[-1], dtype=a.dtype)))
    return u, np.where(finite[..., None], s, s.dtype.type(np.nan)), vh

"""`tinygrad_lite.sparse`: PyTorch's sparse tensors, as dense ones with the same numbers. Making one warns."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..engine.errors import InputError
from ..ops.creation.creation import as_tensor, zeros
from ..ops.indexing.index_put import index_put
from ..ops.linalg.matmul import matmul
from ..ops.linalg.matmul import mm as spmm
from ..ops.linalg.matrix_products import addmm as addmm
from ..ops.reduction.softmax import log_softmax as log_softmax
from ..ops.reduction.softmax import softmax as softmax
from ..ops.reduction.sums import sum as sum
from ..tensors.devices import only_cpu
from ..tensors.tensor_type import Tensor

__all__ = ["FloatTensor", "addmm", "log_softmax", "mm", "softmax", "sparse_coo_tensor", "spmm", "sum"]


def sparse_coo_tensor(
    indices: Any,
    values: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> Tensor:
    """A dense tensor of what a sparse one holds: values at indices, zero elsewhere. It warns that it is dense.

    Parameters
    ----------
    indices : Tensor or nested sequence, shape (ndim, count), integer
    values : Tensor or sequence, shape (count,)
        Those at the same place are added. Gradients reach them.
    size : sequence of int, optional
        By default the smallest that holds all indices.
    dtype : dtype, optional
        Default: that of the values.
    device : "cpu", optional
    requires_grad : bool
    check_invariants, is_coalesced : bool, optional
        Accepted and ignored: indices are checked in any case.

    Returns
    -------
    Tensor, shape `size`

    Raises
    ------
    ValueError
        Where indices and values are not of such shapes.

    Examples
    --------
    >>> import warnings
    >>> import tinygrad_lite as tg
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     tg.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3))
    tensor([[0., 0., 3.],
            [4., 0., 0.]])
    """
    only_cpu(device, "sparse_coo_tensor")
    warnings.warn("sparse_coo_tensor: it is stored densely here", UserWarning, stacklevel=2)
    where = np.asarray(as_tensor(indices).detach().numpy(), np.int64)
    held: Any = as_tensor(values, dtype=dtype)
    if where.ndim != 2 or held.ndim != 1 or where.shape[1] != held.shape[0]:
        raise InputError(
            "sparse_coo_tensor: indices must have shape (ndim, count) and values (count,), "
            f"got {where.shape} and {tuple(held.shape)}"
        )
    shape = tuple(size) if size is not None else tuple((where.max(axis=1) + 1).tolist())
    empty: Any = zeros(shape, dtype=held.dtype)
    made: Any = index_put(empty, tuple(as_tensor(row) for row in where), held, accumulate=True)
    return made.requires_grad_() if requires_grad else made


FloatTensor = sparse_coo_tensor


def mm(mat1: Any, mat2: Any) -> Tensor:
    """The product of two matrices."""
    return matmul(mat1, mat2)

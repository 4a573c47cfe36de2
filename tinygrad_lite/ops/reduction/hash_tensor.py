"""`hash_tensor`: the bits of all entries, by exclusive or."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.errors import DtypeError, InputError
from ...rules import unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..argument_names import numpy_names, one_dim, some_dims

__all__ = ["hash_tensor"]
METHODS = "hash_tensor"


@numpy_names
def hash_tensor(input: Any, dim: Any = None, *, keepdim: bool = False, mode: int = 0) -> Tensor:
    """A hash of all entries: the exclusive or of their bits in 64-bit floats or integers.

    Parameters
    ----------
    input : Tensor, real
    dim : int or tuple of int, optional
        Default: all.
    keepdim : bool
        Keep the dimensions, with size 1.
    mode : int
        Only 0, as in PyTorch.

    Returns
    -------
    Tensor, uint64

    Raises
    ------
    TypeError
        For complex numbers.
    ValueError
        For another mode.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.hash_tensor(tg.tensor([[1, 2], [3, 3]]), 1)
    tensor([3, 0], dtype=uint64)
    """
    x = unwrap(input)
    if x.dtype.kind == "c":
        raise DtypeError(f"hash_tensor: the input must hold real numbers, got {x.dtype}")
    if mode != 0:
        raise InputError(f"hash_tensor: mode must be 0, got {mode}")
    dims = some_dims(dim)
    if dims is not None:
        dims = tuple(one_dim(d, x.ndim, "hash_tensor") for d in ((dims,) if isinstance(dims, int) else dims))
        dims = dims if x.ndim else None
    elif not x.size:
        raise InputError(f"hash_tensor: dim must be given for an empty input, got shape {x.shape}")
    bits = x.astype(np.float64 if x.dtype.kind == "f" else np.int64).view(np.uint64)
    fold: Any = np.bitwise_xor.reduce
    return wrap(fold(bits, dims, keepdims=keepdim))

"""`from_dlpack`: memory shared with other libraries by the DLPack protocol, both ways without a copy.

The other way is ``torch.from_dlpack(t)``, ``jax.dlpack.from_dlpack(t)`` or ``np.from_dlpack(t)``, which call
`Tensor.__dlpack__`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import canonical
from ..ops.creation.creation import only_cpu
from ..rules import wrap
from ..tensors.tensor_type import Tensor

__all__ = ["from_dlpack"]


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor on the memory of another library's array.

    Parameters
    ----------
    ext_tensor : object with ``__dlpack__`` and ``__dlpack_device__``
        A PyTorch tensor, a JAX or NumPy array, a Tensor: on the CPU, and of a dtype that NumPy has.
    device : "cpu", optional
    copy : bool, optional
        True: copy. False and None: share the memory.

    Returns
    -------
    Tensor
        Without history. Where the other library says that the memory is read-only, so is the tensor: in-place
        operations refuse it.

    Raises
    ------
    TypeError
        For what has no ``__dlpack__``.
    BufferError
        For what cannot be shared: another device, a dtype unknown to NumPy (bfloat16).

    Examples
    --------
    >>> import numpy as np, tinygrad_lite as tg
    >>> array = np.zeros(2)
    >>> t = tg.from_dlpack(array)
    >>> array[0] = 7
    >>> t
    tensor([7., 0.], dtype=float64)
    """
    only_cpu(device, "from_dlpack")
    if not hasattr(ext_tensor, "__dlpack__") or not hasattr(ext_tensor, "__dlpack_device__"):
        raise TypeError(f"from_dlpack: expected an object with __dlpack__, got {type(ext_tensor).__name__}")
    kind, index = ext_tensor.__dlpack_device__()
    if int(kind) != 1:
        raise BufferError(f"from_dlpack: the memory must be the CPU's (device type 1), got device {(int(kind), index)}")
    try:
        array = np.from_dlpack(ext_tensor)
    except (BufferError, RuntimeError) as error:
        raise BufferError(f"from_dlpack: {error}") from error
    return wrap(canonical(array.copy() if copy else array))

"""Tensors out of numbers, by the names and arguments of the array API standard."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import Tensor
from .. import from_dlpack as _from_dlpack
from ..dtypes import get_default_dtype
from ..ops.creation.creation import only_cpu
from .lifting import described, signature, tensors

__all__ = [
    "arange", "asarray", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like", "linspace", "meshgrid",
    "ones", "ones_like", "tril", "triu", "zeros", "zeros_like",
]  # fmt: skip


def _of_default(array: Any) -> Any:
    """Floats and complex numbers in the default precision."""
    if array.dtype.kind not in "fc":
        return array
    default = np.dtype(get_default_dtype())
    return array.astype(np.result_type(default, np.complex64) if array.dtype.kind == "c" else default)


def _made(name: str, says: str) -> Any:
    """NumPy's function, whose dtype is the default one where none is given: float32, and that of indices, int64."""
    function: Any = getattr(np, name)

    def make(*args: Any, dtype: Any = None, device: Any = None, **options: Any) -> Tensor:
        only_cpu(device, name)
        made = function(*args, dtype=dtype, **options)
        found: Tensor = tensors(made if dtype is not None else _of_default(made))
        return found

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"NumPy's `{name}`, as a Tensor of the default dtype where none is given."
    make.__signature__ = signature(says)  # type: ignore[attr-defined]
    return make


def _like(name: str, says: str = "x, /, *, dtype=None, device=None") -> Any:
    function: Any = getattr(np, name)

    def make(x: Any, /, *args: Any, dtype: Any = None, device: Any = None, **options: Any) -> Tensor:
        only_cpu(device, name)
        found: Tensor = tensors(function(x.detach().numpy(), *args, dtype=dtype, **options))
        return found

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"NumPy's `{name}`, as a Tensor."
    make.__signature__ = signature(says)  # type: ignore[attr-defined]
    return make


arange = _made("arange", "start, /, stop=None, step=1, *, dtype=None, device=None")
empty = _made("empty", "shape, *, dtype=None, device=None")
eye = _made("eye", "n_rows, n_cols=None, /, *, k=0, dtype=None, device=None")
full = _made("full", "shape, fill_value, *, dtype=None, device=None")
linspace = _made("linspace", "start, stop, /, num, *, dtype=None, device=None, endpoint=True")
ones = _made("ones", "shape, *, dtype=None, device=None")
zeros = _made("zeros", "shape, *, dtype=None, device=None")
empty_like, ones_like, zeros_like = _like("empty_like"), _like("ones_like"), _like("zeros_like")
full_like = _like("full_like", "x, /, fill_value, *, dtype=None, device=None")
_triangles = described("tril | x, /, *, k=0\ntriu | x, /, *, k=0")
tril, triu = _triangles["tril"], _triangles["triu"]


def meshgrid(*arrays: Any, indexing: Any = "xy") -> list[Any]:
    """Grids of coordinates out of vectors of them."""
    return list(tensors(np.meshgrid(*arrays, indexing=indexing)))


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Tensor:
    """A Tensor of numbers, of a nested sequence, or of another array.

    Parameters
    ----------
    obj : number, nested sequence, array or Tensor
    dtype : dtype, optional
        Default: an array's own; of Python's numbers the default one, int64 or bool.
    device : "cpu", optional
    copy : bool, optional
        True: always a copy; False: never, or an error; None: where it is needed.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If `copy` is False and one is needed.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite import array_api as xp
    >>> xp.asarray([1.0, 2.0]), xp.asarray(np.ones(2)).dtype == xp.float64
    (tensor([1., 2.]), True)
    """
    only_cpu(device, "asarray")
    if isinstance(obj, Tensor):
        if dtype is not None and dtype != obj.dtype:
            if copy is False:
                raise ValueError(
                    f"asarray: copy must not be False where the dtype changes, from {obj.dtype} to {dtype}"
                )
            return obj.to(dtype)
        return obj.clone() if copy else obj
    made = np.asarray(obj, dtype, copy=copy)
    plain = not hasattr(obj, "dtype") and not hasattr(obj, "__array__")
    if plain and dtype is None and not _holds_arrays(obj):
        made = _of_default(made)
    found: Tensor = tensors(made)
    return found


def _holds_arrays(obj: Any) -> bool:
    return isinstance(obj, (list, tuple)) and any(hasattr(v, "dtype") or _holds_arrays(v) for v in obj)


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A Tensor in the memory of another library's array; see `tinygrad_lite.from_dlpack`."""
    return _from_dlpack(x, device=device, copy=copy)

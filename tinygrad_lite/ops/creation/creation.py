"""Making tensors from nothing, from numbers and from arrays."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np

from ... import promotion
from ...dtypes import as_dtype, canonical, get_default_dtype
from ...engine.errors import DtypeError, InputError
from ...rules import FAST, unwrap, wrap
from ...tensors.devices import only_cpu as only_cpu
from ...tensors.size import Size
from ...tensors.tensor_type import Tensor
from ..argument_names import built, sizes

__all__ = [
    "as_tensor", "asarray", "empty", "empty_like", "from_numpy", "full", "full_like", "ones", "ones_like",
    "scalar_tensor", "tensor", "zeros", "zeros_like",
]  # fmt: skip


_NUMBERS = {bool, int, float, complex}


def _finish(array: Any, requires_grad: bool, device: Any = None, who: str = "") -> Any:
    only_cpu(device, who)
    out = wrap(array)
    return out.requires_grad_() if requires_grad else out


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """A tensor that owns a copy of `data`.

    Parameters
    ----------
    data : number, nested sequence, array or Tensor
        Python floats become the default dtype (float32), ints int64; arrays, NumPy's scalars and all that is made of
        an array keep their dtype, also within a sequence. A Tensor of one element in a sequence is a number.
    dtype : dtype, optional
    requires_grad : bool
        Only floating tensors may.
    device : "cpu", optional

    Returns
    -------
    Tensor

    Raises
    ------
    TypeError
        For data that are not numbers, and for complex ones where the dtype is real.
    ValueError
        For nested sequences of different lengths, and integers that do not fit the dtype.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    return _finish(_array(data, dtype, copy=True), requires_grad, device, "tensor")


def _array(data: Any, dtype: Any, copy: bool) -> Any:
    target = None if dtype is None else as_dtype(dtype)
    read = getattr(data, "_numbers_of", None)  # of a storage
    given = _plain(data) if read is None else read(target)
    if isinstance(given, (np.ndarray, np.generic)):
        array = np.array(given, given.dtype.newbyteorder("=") if target is None else target, copy=copy or None)
    else:
        array = _of_numbers(given, target)
    if array.dtype.kind not in "biufc":
        raise DtypeError(f"tensor: data must be numbers, got {type(data).__name__} of dtype {array.dtype}")
    return canonical(array)


def construct(data: tuple[Any, ...], dtype: Any, device: Any) -> Any:
    """The array of ``Tensor(*data)`` in a dtype: of sizes, of numbers, or of another Tensor as it is."""
    only_cpu(device, "Tensor")
    if len(data) == 1 and isinstance(data[0], Size):  # one of no dimension is of one number; no size at all, of none
        return unwrap(empty(data[0], dtype=dtype))
    if all(isinstance(d, (int, np.integer)) and not isinstance(d, bool) for d in data):
        return unwrap(empty(*data or (0,), dtype=dtype))
    if len(data) > 1 or isinstance(data[0], (bool, float, complex)):
        kinds = ", ".join(type(d).__name__ for d in data)
        raise TypeError(
            f"Tensor: expected sizes, a sequence, an array or a Tensor, got {kinds}; tensor() takes numbers"
        )
    given = data[0]
    if hasattr(given, "_node"):
        return unwrap(given)
    if hasattr(given, "_numbers_of"):  # a storage, whose memory it is
        return given._numbers_of(as_dtype(dtype))
    if not hasattr(given, "__array__") and as_dtype(dtype).kind in "biu":  # fractions are cut off here
        return _array(given, None, True).astype(dtype)
    return _array(given, dtype, True)


def _plain(value: Any) -> Any:
    """Arrays in place of Tensors and of what is made of an array, as pandas' columns are."""
    value = value._data if hasattr(value, "_node") else value
    if hasattr(value, "__array__") and not isinstance(value, (np.ndarray, np.generic, list, tuple)):
        return np.asarray(value)
    return value


def _of_numbers(given: Any, target: np.dtype[Any] | None) -> Any:
    """Python's numbers, nested or not, as an array."""
    owned: set[Any] = set()
    nested = _unnested(given, owned)
    try:
        array = np.array(nested)
    except ValueError as error:
        raise InputError(f"tensor: data must be rectangular, got {error}") from None
    if array.dtype == object or (array.dtype == np.float64 and array.size and abs(array).max() >= 2**63):
        array = _beyond_64_bits(np.array(nested, object), array, target)
    kind = array.dtype.kind
    if kind not in "biufc":
        return array
    if kind == "c" and target is not None and target.kind not in "bc":
        raise DtypeError(f"tensor: numbers of dtype {target} must be real, got complex ones")
    if target is None and owned:  # some numbers come with a dtype of their own
        target = promotion.common([*(np.empty(0, d) for d in owned), *(np.empty(0, d) for d in _defaults(nested))])
    elif target is None and kind == "f":
        target = as_dtype(get_default_dtype())
    elif target is None and kind == "c":
        target = np.result_type(get_default_dtype(), np.complex64)
    elif target is None and array.dtype == np.uint64:
        target = np.dtype(np.int64)
    _in_range(array, target)
    with np.errstate(over="ignore"):  # numbers beyond float32 are infinite, in silence
        return array if target is None else array.astype(target)


def _defaults(nested: Any) -> set[Any]:
    """The dtypes of the Python numbers in a nested list."""
    if isinstance(nested, list):
        return set().union(*map(_defaults, nested))
    found = promotion.common([nested]) if type(nested) in _NUMBERS else None
    return set() if found is None else {found}


def _beyond_64_bits(numbers: Any, array: Any, target: np.dtype[Any] | None) -> Any:
    """Integers too large for NumPy's are floats where floats are wanted or among them, and refused else."""
    if not all(isinstance(v, (int, float)) for v in numbers.flat):
        return array
    if target is None and all(isinstance(v, int) for v in numbers.flat):
        raise InputError(f"tensor: integers must fit int64, got {max(numbers.flat, key=abs)}")
    return array.astype(np.float64)


def _in_range(array: Any, dtype: np.dtype[Any] | None) -> None:
    """Refuse numbers that an integer dtype does not hold."""
    if dtype is None or dtype.kind not in "iu" or not array.size or array.dtype.kind == "c":
        return
    low, high, most = array.min(), array.max(), np.iinfo(dtype).max  # NaN, if there is one
    least = np.iinfo(dtype).min or -most  # negative ones count from the end, as in PyTorch
    if not (low >= least and high <= most):
        raise InputError(f"tensor: integers must fit {dtype}, got {high if low >= least else low}")


def _unnested(data: Any, owned: set[Any]) -> Any:
    """Lists and plain arrays; a Tensor of one element is a number. `owned` takes the dtypes of all that have one."""
    if isinstance(data, (list, tuple)):
        return [d if type(d) in _NUMBERS else _unnested(d, owned) for d in data]
    value = _plain(data)
    if isinstance(value, (np.ndarray, np.generic)):
        owned.add(value.dtype)
        return value.reshape(()) if hasattr(data, "_node") and value.size == 1 else value
    return value


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of `data`, sharing its memory (and graph) where possible.

    Parameters
    ----------
    data : number, nested sequence, array or Tensor
    dtype : dtype, optional
    device : "cpu", optional

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import numpy as np, tinygrad_lite as tg
    >>> a = np.zeros(2)
    >>> t = tg.as_tensor(a)
    >>> a[0] = 5.0
    >>> t
    tensor([5., 0.], dtype=float64)
    """
    only_cpu(device, "as_tensor")
    if hasattr(data, "_node"):
        return data if dtype is None else data.to(dtype)
    return wrap(_array(data, dtype, copy=False))


class _Capsule:
    """A DLPack capsule as NumPy takes it."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **options: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0  # the CPU


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of anything, sharing its memory where possible, or never, or always.

    Parameters
    ----------
    obj : number, nested sequence, array, Tensor, DLPack capsule or buffer
        The bytes of a buffer are taken for numbers of `dtype`, by default `get_default_dtype`.
    dtype : dtype, optional
    device : "cpu", optional
    copy : bool, optional
        True: always a copy. False: never one. Default: where it is needed.
    requires_grad : bool

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        Where a copy is needed and none wanted.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.asarray([1, 2])
    tensor([1, 2])
    """
    if type(obj).__name__ == "PyCapsule":
        obj = np.from_dlpack(_Capsule(obj))
    elif isinstance(obj, (memoryview, bytearray, bytes, array)):
        obj = np.frombuffer(obj, as_dtype(dtype) if dtype is not None else get_default_dtype())
    out = as_tensor(obj, dtype, device)
    shared = isinstance(unwrap(obj), np.ndarray) and np.may_share_memory(unwrap(out), unwrap(obj))
    if copy is False and not shared:
        raise InputError(f"asarray: copy=False needs memory to share, got {type(obj).__name__} for dtype {dtype}")
    if copy and shared:
        out = out.clone()
    if requires_grad and not out.requires_grad:
        out = (out.detach() if out is obj else out).requires_grad_()
    return out


def scalar_tensor(s: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A number as a tensor of 0 dimensions, of the default dtype.

    Parameters
    ----------
    s : number
    dtype : dtype, optional
        Default: `get_default_dtype`.
    device : "cpu", optional
    requires_grad : bool

    Returns
    -------
    Tensor, 0 dimensions

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.scalar_tensor(3)
    tensor(3.)
    """
    return full((), s, dtype=_dtype(dtype), device=device, requires_grad=requires_grad)


def from_numpy(array: Any) -> Tensor:
    """A tensor that shares the array's memory.

    Parameters
    ----------
    array : np.ndarray

    Returns
    -------
    Tensor

    Raises
    ------
    TypeError
        For anything but an array.

    Examples
    --------
    >>> import numpy as np, tinygrad_lite as tg
    >>> tg.from_numpy(np.arange(3))
    tensor([0, 1, 2])
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy: expected np.ndarray, got {type(array).__name__}")
    if not array.dtype.isnative:
        raise InputError(f"from_numpy: the array must have this machine's byte order, got {array.dtype.str}")
    return wrap(_array(array, None, copy=False))


def _dtype(dtype: Any) -> Any:
    return get_default_dtype() if dtype is None else as_dtype(dtype)


# --- constants --------------------------------------------------------------------------------------------------

_SIZED = """{summary}

Parameters
----------
*shape : int
    Or one sequence of int.
size : sequence of int
    The same by name.
dtype : dtype, optional
    Default: `get_default_dtype`.
device : "cpu", optional
requires_grad : bool

Returns
-------
Tensor

Examples
--------
>>> import tinygrad_lite as tg
>>> tg.{name}(2, 3){shown}
"""

_LIKE = """`{name}` with another tensor's shape.

Parameters
----------
input : Tensor
dtype : dtype, optional
    Default: the input's.
device : "cpu", optional
requires_grad : bool

Returns
-------
Tensor

Examples
--------
>>> import tinygrad_lite as tg
>>> tg.{name}_like(tg.tensor([[1, 2, 3], [4, 5, 6]])){shown}
"""


def _sized(fill: Callable[..., Any], summary: str, shown: str) -> Callable[..., Tensor]:
    name = fill.__name__

    def make(
        *shape: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        chosen = sizes(shape if size is None else (size,), name)
        if min(chosen, default=0) < 0:
            raise RuntimeError(f"{name}: sizes must not be negative, got {chosen}")
        return _finish(built(fill, chosen, _dtype(dtype)), requires_grad, device, name)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = _SIZED.format(name=name, summary=summary, shown=shown)
    return make


def _like(fill: Callable[..., Any], shown: str) -> Callable[..., Tensor]:
    name = f"{fill.__name__}_like"

    def make(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
        x = unwrap(input)
        return _finish(built(fill, x.shape, as_dtype(x.dtype if dtype is None else dtype)), requires_grad, device, name)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = _LIKE.format(name=fill.__name__, shown=shown)
    return make


zeros = _sized(np.zeros, "Zeros.", "\ntensor([[0., 0., 0.],\n        [0., 0., 0.]])")
ones = _sized(np.ones, "Ones.", "\ntensor([[1., 1., 1.],\n        [1., 1., 1.]])")
empty = _sized(np.empty, "Memory as it is found.", ".shape\n(2, 3)")
zeros_like = _like(np.zeros, "\ntensor([[0, 0, 0],\n        [0, 0, 0]])")
ones_like = _like(np.ones, "\ntensor([[1, 1, 1],\n        [1, 1, 1]])")
empty_like = _like(np.empty, ".shape\n(2, 3)")
__test__ = {f.__name__: f.__doc__ for f in (zeros, ones, empty, zeros_like, ones_like, empty_like)}


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """One value everywhere.

    Parameters
    ----------
    size : int or sequence of int
    fill_value : number
    dtype : dtype, optional
        Default: that of `tensor` for Python's number of this value.
    device : "cpu", optional
    requires_grad : bool

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.full((2, 2), 7)
    tensor([[7, 7],
            [7, 7]])
    """
    number = unwrap(fill_value)  # of a tensor without dimensions, too
    number = number[()] if isinstance(number, np.ndarray) else number
    if dtype is not None:
        number = promotion.held(number, as_dtype(dtype), "full")
    elif isinstance(number, np.generic):  # in PyTorch, a number tells its kind, and NumPy's truths are floats
        number = float(number) if isinstance(fill_value, np.bool_) else number.item()
    value = _array(number, dtype, copy=False)
    if value.ndim:
        raise TypeError(f"full: fill_value must be one number, got shape {value.shape}")
    return _finish(built(np.full, sizes((size,), "full"), value, value.dtype), requires_grad, device, "full")


def full_like(
    input: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`full` with another tensor's shape.

    Parameters
    ----------
    input : Tensor
    fill_value : number
    dtype : dtype, optional
        Default: the input's.
    device : "cpu", optional
    requires_grad : bool

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.full_like(tg.zeros(3), 7)
    tensor([7., 7., 7.])
    """
    x, chosen = unwrap(input), unwrap(input).dtype if dtype is None else dtype
    return full(x.shape, fill_value, dtype=chosen, device=device, requires_grad=requires_grad)


def _np_like(fill: Any) -> Any:
    """NumPy's form, of which order and subclasses mean nothing here."""

    def like(a: Any, dtype: Any = None, *_: Any, shape: Any = None, **__: Any) -> Any:
        return fill(a if shape is None else empty(shape, dtype=unwrap(a).dtype), dtype=dtype)

    return like


FAST.update({
    np.zeros_like: _np_like(zeros_like), np.ones_like: _np_like(ones_like), np.empty_like: _np_like(empty_like),
    np.full_like: lambda a, fill_value, dtype=None, *_, shape=None, **__: full_like(
        a if shape is None else empty(shape, dtype=unwrap(a).dtype), fill_value, dtype=dtype
    ),
})  # fmt: skip

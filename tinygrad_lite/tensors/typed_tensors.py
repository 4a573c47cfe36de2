"""`FloatTensor`, `LongTensor` and their like: PyTorch's older names of tensors of one dtype."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from .. import rules
from ..dtypes import SCALAR_TYPES, as_dtype, bfloat16, get_default_dtype
from ..engine.errors import DtypeError
from ..ops.creation.creation import construct
from ..rules import wrap

__all__ = [
    "BoolTensor", "ByteTensor", "CharTensor", "ComplexDoubleTensor", "ComplexFloatTensor", "DoubleTensor",
    "FloatTensor", "HalfTensor", "IntTensor", "LongTensor", "ShortTensor",
]  # fmt: skip

_DTYPES = {f"{name}Tensor": str(d.dtype) for name, d in SCALAR_TYPES.items() if not name.startswith("UInt")}


_DOC = """Tensors of {dtype}.

Parameters
----------
*data : int, sequence, array or Tensor
    Sizes, of memory as it is found; or numbers, which are converted.
device : "cpu", optional

Raises
------
TypeError
    For other data, and for the types of `tinygrad_lite.cuda`, which need a GPU.

Examples
--------
>>> import tinygrad_lite as tg
>>> x = tg.{name}([[1, 0, 1]])
>>> x.shape, x.type(), isinstance(x, tg.{name}), isinstance(x, tg.cuda.{name})
((1, 3), 'torch.{name}', True, False)
"""


class TensorType(type):
    """A class whose instances are the tensors of one dtype, wherever they were made; a call makes one."""

    dtype: np.dtype[Any]

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, rules.Tensor) and value._data.dtype == cls.dtype

    def __call__(cls, *data: Any, device: Any = None) -> Any:
        """Sizes, of memory as it is found; or a sequence, an array or a Tensor, whose numbers are converted."""
        return wrap(construct(data, cls.dtype, device).astype(cls.dtype, copy=False))

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


def _named(name: str, kind: type[TensorType] = TensorType) -> Any:
    made = kind(name, (), {"__doc__": _DOC.format(name=name, dtype=_DTYPES[name]), "__module__": __name__})
    made.dtype = as_dtype(_DTYPES[name])
    return made


FloatTensor, DoubleTensor, HalfTensor = _named("FloatTensor"), _named("DoubleTensor"), _named("HalfTensor")
ByteTensor, CharTensor, ShortTensor = _named("ByteTensor"), _named("CharTensor"), _named("ShortTensor")
IntTensor, LongTensor, BoolTensor = _named("IntTensor"), _named("LongTensor"), _named("BoolTensor")
ComplexFloatTensor, ComplexDoubleTensor = _named("ComplexFloatTensor"), _named("ComplexDoubleTensor")

_NAMES = {as_dtype(dtype): name for name, dtype in _DTYPES.items()}


class _OnGpu(TensorType):
    """A class without instances."""

    def __instancecheck__(cls, value: Any) -> bool:
        return False

    def __call__(cls, *data: Any, device: Any = None) -> NoReturn:
        """An error: there is no GPU."""
        raise TypeError(f"cuda.{cls.__name__}: needs a GPU, and tinygrad_lite computes on the CPU only")


ON_GPU = {name: _named(name, _OnGpu) for name in _DTYPES}


def type_name(dtype: Any) -> str:
    """What ``x.type()`` says: "torch.FloatTensor". Dtypes that PyTorch has no such name for are their own."""
    return f"torch.{_NAMES.get(dtype, dtype)}"


def tensor_type(value: Any, who: str) -> np.dtype[Any]:
    """The dtype that a dtype, a typed tensor or the name of either stands for.

    Raises
    ------
    TypeError
        For anything else, and for the tensors of a GPU.
    """
    if isinstance(value, str):
        name = value.removeprefix("torch.").removeprefix("tinygrad_lite.")
        value = ON_GPU.get(name.removeprefix("cuda."), name) if name.startswith("cuda.") else name
        value = globals()[name] if name in _DTYPES else bfloat16 if name == "bfloat16" else value
    if isinstance(value, _OnGpu):
        raise DtypeError(f"{who}: cuda.{value.__name__} needs a GPU, and tinygrad_lite computes on the CPU only")
    if isinstance(value, TensorType):
        return value.dtype
    if value is rules.Tensor:  # the class stands for what it makes
        return as_dtype(get_default_dtype())
    try:
        if value is None:  # NumPy's float64
            raise TypeError
        return as_dtype(value)
    except DtypeError:
        raise
    except TypeError:
        raise DtypeError(f"{who}: expected a dtype or the name of a typed tensor, got {value!r}") from None

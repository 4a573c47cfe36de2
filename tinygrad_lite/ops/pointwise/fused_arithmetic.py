"""Several steps of arithmetic in one function."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import rules
from ...engine.arguments import refuse_numbers
from ...engine.door import with_factors
from ...engine.errors import DtypeError
from ...engine.views import write
from ...kernels.elementwise.scalar_forms import in_loops
from ...rules import differentiable, unwrap
from ...tensors.row_types import Floating
from ...tensors.tensor_type import Tensor
from ..argument_names import one_dtype
from .arithmetic import power, sub
from .clamp_round_where import clamp

__all__ = ["addcdiv", "addcmul", "clamp_max", "clamp_min", "float_power", "lerp", "rsub"]
METHODS = "addcdiv_ addcmul_ clamp_max_ clamp_min_ float_power_ lerp_"


def _lerp_of_one(start: Any, end: Any, weight: Any) -> Any:
    d = end - start
    return np.where(weight < 0.5, start + weight * d, end - (1 - weight) * d)


@in_loops(_lerp_of_one)
def _lerp(start: Any, end: Any, weight: Any) -> Any:
    """Both ends are met exactly: rounding would miss the second one."""
    d = end - start
    if type(weight) in (int, float):
        return start + weight * d if weight < 0.5 else end - (1 - weight) * d
    out = np.asarray(_plus(d * weight, start))
    np.copyto(out, end, where=np.equal(weight, 1), casting="same_kind")
    return out


_lerp_op = differentiable(
    _lerp,
    name="lerp",
    single="each",
    complex=True,
    promotes=("start", "end", "weight"),
    start=lambda g, weight: g * (1 - weight),
    end=lambda g, weight: g * weight,
    weight=lambda g, start, end: g * (end - start),
)


def lerp(input: Floating, end: Floating, weight: Any) -> Tensor:
    """Linear interpolation, ``input + weight * (end - input)``.

    Parameters
    ----------
    input, end : Tensor, floating or complex
    weight : Tensor or number
        All of one dtype, and of shapes that broadcast. A weight of shape () may have any dtype.

    Returns
    -------
    Tensor, of the broadcast shape

    Raises
    ------
    TypeError
        For different dtypes.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.lerp(tg.tensor([1.0, 2.0]), tg.tensor([3.0, 10.0]), 0.25)
    tensor([1.5000, 4.0000])
    """
    if isinstance(weight, rules.Tensor) and weight.ndim == 0 < unwrap(input).ndim and not weight.is_complex():
        weight = weight.to(unwrap(input).dtype)
    one_dtype("lerp", input=input, end=end, weight=weight)
    return _lerp_op.record((input, end, weight))


@in_loops(lambda t, a: t + a)
def _plus(t: Any, a: Any) -> Any:
    """``t + a``, in the memory of `t`, a value in between, where it fits."""
    if type(t) is np.ndarray and np.shape(a) in ((), t.shape) and np.result_type(t, a) == t.dtype:
        return np.add(t, a, out=t)
    return t + a


@in_loops(lambda t, value: t * value)
def _times(t: Any, value: Any) -> Any:
    return t if type(value) in (int, float) and value == 1 else t * value


@differentiable(
    a=lambda g: g,
    x=lambda g, y, value: _times(g * y, value),
    y=lambda g, x, value: _times(g * x, value),
    name="addcmul",
    single="each",
    complex=True,
    promotes=("a", "x", "y"),
)
def _addcmul(a: Any, x: Any, y: Any, value: Any) -> Any:
    return _plus(_times(x * y, value), a)


@with_factors("value")
def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Tensor:
    """``input + value * tensor1 * tensor2``.

    Parameters
    ----------
    input, tensor1, tensor2 : Tensor, of shapes that broadcast
    value : number

    Returns
    -------
    Tensor, of the broadcast shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.addcmul(tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0]), tg.tensor(5.0), value=2)
    tensor([31., 42.])
    """
    return _addcmul.record((input, tensor1, tensor2, value))


@differentiable(
    a=lambda g: g,
    x=lambda g, y, value: _times(g / y, value),
    y=lambda g, x, y, value: _times(-g * x / (y * y), value),
    name="addcdiv",
    single="each",
    complex=True,
    promotes=("a", "x", "y"),
)
def _addcdiv(a: Any, x: Any, y: Any, value: Any) -> Any:
    return _plus(_times(x / y, value), a)


@with_factors("value")
def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Tensor:
    """``input + value * tensor1 / tensor2``; of integers, which PyTorch refuses, the quotient is floating.

    Parameters
    ----------
    input, tensor1, tensor2 : Tensor, of shapes that broadcast
    value : number

    Returns
    -------
    Tensor, of the broadcast shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.addcdiv(tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0]), tg.tensor(2.0), value=10)
    tensor([16., 22.])
    """
    kinds = {unwrap(t).dtype.kind for t in (input, tensor1, tensor2) if hasattr(unwrap(t), "dtype")}
    if not kinds & {"f", "c"}:
        raise DtypeError(
            "addcdiv: integers are not divided here; use input + value * (tensor1 // tensor2), or floats (Integer "
            "division with addcdiv is no longer supported)"
        )
    return _addcdiv.record((input, tensor1, tensor2, value))


def rsub(input: Any, other: Any, alpha: Any = 1) -> Tensor:
    """``other - alpha * input``.

    Parameters
    ----------
    input, other : Tensor or number, of shapes that broadcast
    alpha : number

    Returns
    -------
    Tensor, of the broadcast shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.rsub(tg.tensor([1.0, 2.0]), 10, alpha=2)
    tensor([8., 6.])
    """
    refuse_numbers("rsub", "second", input, other)
    return sub(other, input, alpha=alpha)


def _double(x: Any) -> Any:
    if isinstance(x, (bool, int, float, complex)):
        return 1.0 * x
    target = np.complex128 if rules.unwrap(x).dtype.kind == "c" else np.float64
    return x.to(target) if isinstance(x, rules.Tensor) else np.asarray(x, target)


def float_power(input: Any, exponent: Any) -> Tensor:
    """Power computed in double precision, also of integers.

    Parameters
    ----------
    input, exponent : Tensor or number, of shapes that broadcast

    Returns
    -------
    Tensor, of the broadcast shape, float64 or complex128

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.float_power(tg.tensor([2, 3]), -1)
    tensor([0.5000, 0.3333], dtype=float64)
    """
    return power(_double(input), _double(exponent))


def _in_place(self: Any, exponent: Any) -> Tensor:
    """`float_power`, in place: the tensor must be float64 or complex128."""
    if self.dtype not in (np.float64, np.complex128):
        raise DtypeError(f"float_power_: the tensor must be float64 or complex128, as the result is, got {self.dtype} "
                         "(the operation's result requires dtype Double or ComplexDouble)")  # fmt: skip
    return write(self, float_power, (exponent,), "float_power_")


_in_place.__name__ = _in_place.__qualname__ = "float_power_"
float_power.in_place = _in_place  # type: ignore[attr-defined]


def clamp_min(input: Any, min: Any) -> Tensor:
    """`clamp` from below.

    Parameters
    ----------
    input : Tensor
    min : Tensor or number

    Returns
    -------
    Tensor, of the broadcast shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.clamp_min(tg.tensor([-1.0, 2.0]), 0)
    tensor([0., 2.])
    """
    return clamp(input, min, None)


def clamp_max(input: Any, max: Any) -> Tensor:
    """`clamp` from above.

    Parameters
    ----------
    input : Tensor
    max : Tensor or number

    Returns
    -------
    Tensor, of the broadcast shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.clamp_max(tg.tensor([-1.0, 2.0]), 0)
    tensor([-1.,  0.])
    """
    return clamp(input, None, max)

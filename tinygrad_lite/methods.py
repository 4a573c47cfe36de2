"""The functions as methods: `t.exp()` is `tg.exp(t)`, `t + 1` is `tg.add(t, 1)`, `t.exp_()` writes to `t`.

Nothing is computed here. A name stands beside the function it means, grouped as the files in `ops`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import rules, views
from .ops import elementwise, linalg, random, reduce
from .ops import index as indexing
from .ops import shape as shaping
from .rules import wrap


def _inplace(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return views.write(self, function, args, name, kwargs)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"`{name[:-1]}`, in place."
    return method


def _in_place(*functions: Callable[..., Any]) -> tuple[Any, ...]:
    return tuple(_inplace(f"{f.__name__}_", f) for f in functions)


def _arithmetic(name: str, function: Callable[..., Any]) -> tuple[Any, Any, Any]:
    """An operator, its reflection, and its in-place form."""

    def reflected(self: Any, other: Any) -> Any:
        return function(other, self)

    reflected.__name__ = reflected.__qualname__ = f"__r{name}__"
    return function, reflected, _inplace(f"__i{name}__", function)


def _equality(function: Callable[..., Any]) -> Callable[..., Any]:
    """`==` or `!=` element by element, but with None and texts as Python has it: they equal no tensor."""

    def method(self: Any, other: Any) -> Any:
        return NotImplemented if other is None or isinstance(other, str) else function(self, other)

    method.__name__ = method.__qualname__ = f"__{function.__name__}__"
    return method


def _copy_from(old: Any, src: Any) -> Any:
    """`src` in the shape and dtype of `old`."""
    source = src if isinstance(src, rules.Tensor) else wrap(np.asarray(src))
    return source.to(old.dtype).broadcast_to(old.shape).clone()


class Methods:
    """PyTorch's methods, for `Tensor` to inherit."""

    __slots__ = ()

    _data: Any

    # --- sizes ------------------------------------------------------------------------------------------------------

    def size(self, dim: Any = None) -> Any:
        """The shape, or the size of one dimension."""
        return self._data.shape if dim is None else self._data.shape[dim]

    def dim(self) -> Any:
        """Number of dimensions."""
        return self._data.ndim

    def numel(self) -> Any:
        """Number of elements."""
        return self._data.size

    nelement = numel
    ndimension = dim

    def element_size(self) -> Any:
        """Bytes of one element."""
        return self._data.itemsize

    def stride(self) -> Any:
        """Strides in elements."""
        return tuple(s // self._data.itemsize for s in self._data.strides)

    def data_ptr(self) -> Any:
        """Address of the first element."""
        return self._data.ctypes.data

    # --- shape ------------------------------------------------------------------------------------------------------

    @property
    def T(self) -> Any:
        """All dimensions reversed (a view)."""
        return shaping._transpose.record((self, None))

    @property
    def mT(self) -> Any:
        """The last two dimensions swapped (a view)."""
        return shaping.transpose(self, -2, -1)

    reshape, flatten, unflatten = shaping.reshape, shaping.flatten, shaping.unflatten
    transpose, swapaxes, swapdims = shaping.transpose, shaping.transpose, shaping.transpose
    permute, movedim, moveaxis = shaping.permute, shaping.movedim, shaping.movedim
    squeeze, unsqueeze, expand, expand_as = shaping.squeeze, shaping.unsqueeze, shaping.expand, shaping.expand_as
    split, chunk, unbind, narrow = shaping.split, shaping.chunk, shaping.unbind, shaping.narrow
    t, flip, roll = shaping.t, shaping.flip, shaping.roll
    tile, repeat, broadcast_to = shaping.tile, shaping.repeat, shaping.broadcast_to

    def view(self, *size: Any) -> Any:
        """`reshape` that never copies."""
        return shaping.view(self, *size)

    def reshape_as(self, other: Any) -> Any:
        """The shape of another tensor."""
        return shaping.reshape(self, other.shape)

    view_as = reshape_as

    def ravel(self) -> Any:
        """As a vector."""
        return shaping.reshape(self, -1)

    # --- brackets ---------------------------------------------------------------------------------------------------

    gather, index_select, take_along_dim = indexing.gather, indexing.index_select, indexing.take_along_dim
    masked_fill, masked_select, tril, triu = indexing.masked_fill, indexing.masked_select, indexing.tril, indexing.triu

    # --- arithmetic -------------------------------------------------------------------------------------------------

    add, sub, subtract = elementwise.add, elementwise.sub, elementwise.sub
    mul, multiply = elementwise.mul, elementwise.mul
    div, divide, true_divide, floor_divide = elementwise.div, elementwise.div, elementwise.div, elementwise.floor_divide
    pow, remainder, fmod, neg, negative = (
        elementwise.pow, elementwise.remainder, elementwise.fmod, elementwise.neg, elementwise.neg,
    )  # fmt: skip
    abs, absolute, sign, square, sqrt, rsqrt, reciprocal = (
        elementwise.abs, elementwise.abs, elementwise.sign, elementwise.square, elementwise.sqrt, elementwise.rsqrt,
        elementwise.reciprocal,
    )  # fmt: skip
    exp, exp2, expm1, log, log2, log10, log1p = (
        elementwise.exp, elementwise.exp2, elementwise.expm1, elementwise.log, elementwise.log2, elementwise.log10,
        elementwise.log1p,
    )  # fmt: skip
    sin, cos, tan, sinh, cosh, tanh, asin, acos, atan, atan2 = (
        elementwise.sin, elementwise.cos, elementwise.tan, elementwise.sinh, elementwise.cosh, elementwise.tanh,
        elementwise.asin, elementwise.acos, elementwise.atan, elementwise.atan2,
    )  # fmt: skip
    erf, sigmoid, relu, logaddexp, hypot = (
        elementwise.erf, elementwise.sigmoid, elementwise.relu, elementwise.logaddexp, elementwise.hypot,
    )  # fmt: skip
    maximum, minimum, fmax, fmin, clamp, clip = (
        elementwise.maximum, elementwise.minimum, elementwise.fmax, elementwise.fmin, elementwise.clamp,
        elementwise.clamp,
    )  # fmt: skip
    floor, ceil, round, trunc = elementwise.floor, elementwise.ceil, elementwise.round, elementwise.trunc
    eq, ne, lt, le, gt, ge = (
        elementwise.eq, elementwise.ne, elementwise.lt, elementwise.le, elementwise.gt, elementwise.ge,
    )  # fmt: skip
    not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge
    isnan, isinf, isfinite, isclose = elementwise.isnan, elementwise.isinf, elementwise.isfinite, elementwise.isclose
    allclose, equal = elementwise.allclose, elementwise.equal
    bitwise_and, bitwise_or, bitwise_xor, bitwise_not = (
        elementwise.bitwise_and, elementwise.bitwise_or, elementwise.bitwise_xor, elementwise.bitwise_not,
    )  # fmt: skip
    signbit, positive = elementwise.signbit, elementwise.positive
    logical_and, logical_or, logical_not, logical_xor = (
        elementwise.logical_and, elementwise.logical_or, elementwise.logical_not, elementwise.logical_xor,
    )  # fmt: skip

    def where(self, condition: Any, other: Any) -> Any:
        """Itself where the condition holds, `other` elsewhere."""
        return elementwise.where(condition, self, other)

    # --- reductions -------------------------------------------------------------------------------------------------

    sum, mean, var, std, prod = reduce.sum, reduce.mean, reduce.var, reduce.std, reduce.prod
    max, min, amax, amin, argmax, argmin = (
        reduce.max, reduce.min, reduce.amax, reduce.amin, reduce.argmax, reduce.argmin,
    )  # fmt: skip
    all, any, count_nonzero = reduce.all, reduce.any, reduce.count_nonzero
    logsumexp, softmax, log_softmax, cumsum = reduce.logsumexp, reduce.softmax, reduce.log_softmax, reduce.cumsum

    argsort, sort, topk = reduce.argsort, reduce.sort, reduce.topk

    # --- products ---------------------------------------------------------------------------------------------------

    matmul, mm, bmm, mv, dot, outer = linalg.matmul, linalg.mm, linalg.bmm, linalg.mv, linalg.dot, linalg.outer
    __matmul__ = linalg.matmul

    def __rmatmul__(self, other: Any) -> Any:
        return linalg.matmul(other, self)

    # --- operators and in place -------------------------------------------------------------------------------------

    __add__, __radd__, __iadd__ = _arithmetic("add", elementwise._add)
    __sub__, __rsub__, __isub__ = _arithmetic("sub", elementwise._subtract)
    __mul__, __rmul__, __imul__ = _arithmetic("mul", elementwise.mul)
    __truediv__, __rtruediv__, __itruediv__ = _arithmetic("truediv", elementwise.true_divide)
    __pow__, __rpow__, __ipow__ = _arithmetic("pow", elementwise.power)
    __mod__, __rmod__, __imod__ = _arithmetic("mod", elementwise.remainder)
    __floordiv__, __rfloordiv__, __ifloordiv__ = _arithmetic("floordiv", elementwise.floor_divide)
    __and__, __rand__, __iand__ = _arithmetic("and", elementwise.bitwise_and)
    __or__, __ror__, __ior__ = _arithmetic("or", elementwise.bitwise_or)
    __xor__, __rxor__, __ixor__ = _arithmetic("xor", elementwise.bitwise_xor)
    __lshift__, __rlshift__, __ilshift__ = _arithmetic("lshift", elementwise.left_shift)
    __rshift__, __rrshift__, __irshift__ = _arithmetic("rshift", elementwise.right_shift)
    __eq__, __ne__ = _equality(eq), _equality(ne)
    __lt__, __le__, __gt__, __ge__ = lt, le, gt, ge
    __neg__, __pos__, __abs__, __invert__ = neg, elementwise.positive, abs, elementwise.bitwise_not

    add_, sub_, mul_, div_, pow_, remainder_, fmod_ = _in_place(add, sub, mul, div, pow, remainder, fmod)
    neg_, abs_, sign_, square_, sqrt_, rsqrt_, reciprocal_ = _in_place(neg, abs, sign, square, sqrt, rsqrt, reciprocal)
    exp_, expm1_, log_, log1p_, sin_, cos_, tan_, tanh_ = _in_place(exp, expm1, log, log1p, sin, cos, tan, tanh)
    erf_, sigmoid_, relu_, clamp_, clip_ = _in_place(erf, sigmoid, relu, clamp, clip)
    floor_, ceil_, round_, trunc_ = _in_place(floor, ceil, round, trunc)
    masked_fill_, tril_, triu_ = _in_place(masked_fill, tril, triu)

    # --- fills ------------------------------------------------------------------------------------------------------

    def _overwrite(self, values: Any, name: str) -> Any:
        """Replace all values by new ones that do not depend on the old."""
        return views.write(self, lambda _, new: rules.wrap(new), (values,), name)

    def copy_(self, src: Any) -> Any:
        """Take the values of `src`, broadcast and cast."""
        return views.write(self, _copy_from, (src,), "copy_")

    def fill_(self, value: Any) -> Any:
        """Set all elements."""
        return views.write(self, _copy_from, (value,), "fill_")

    def zero_(self) -> Any:
        """Set all elements to zero."""
        return views.write(self, _copy_from, (0,), "zero_")

    uniform_, normal_, bernoulli_ = random.uniform_, random.normal_, random.bernoulli_

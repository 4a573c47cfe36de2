"""`Methods`: `t.exp()` is `tg.exp(t)`, `t + 1` is `tg.add(t, 1)`, `t.exp_()` writes to `t`.

Which functions are methods, and which have an in-place form, their own files say: `METHODS`, beside `__all__`. Here are
the operators, and the methods that are no functions or take their arguments in another order.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, overload

import numpy as np

from . import rules
from .engine import views
from .engine.door import numpy_names, open_doors_of, other_names
from .engine.errors import ArgumentError, DtypeError, InputError
from .ops.argument_names import built, one_dim
from .ops.creation import new_like, strided
from .ops.indexing import index, index_put, nonzero_take, scatter
from .ops.linalg import householder, matmul, matrix_products, toplevel_names
from .ops.neural.activation import piecewise, smooth
from .ops.operators import arithmetic_of, equality_of, operator_of, writing
from .ops.pointwise import (
    arithmetic,
    clamp_round_where,
    comparison,
    complex_numbers,
    exp_log_trig,
    floating_point,
    fused_arithmetic,
    gcd_lcm,
)
from .ops.random import in_place, multinomial_bernoulli
from .ops.reduction import (
    cumulative,
    hash_tensor,
    min_max,
    quantiles,
    softmax,
    sort_topk,
    statistics,
    sums,
    unique_histogram,
)
from .ops.shape import (
    as_strided,
    broadcasting,
    clone,
    diagonals,
    flip_roll_repeat,
    reshape_transpose,
    split,
    storage,
    view_copies,
)
from .ops.signal import stft
from .ops.special import bessel, erf, gamma, incomplete_gamma
from .promotion import held
from .rules import wrap
from .tensors.device_methods import DeviceMethods
from .tensors.size import Size, row_major, size_of
from .tensors.tensor_type import Tensor


def _own_dtype(self, dtype: Any, who: str) -> Any:
    """The tensor's dtype, which is the only one that may be asked for in place."""
    if dtype is not None and dtype != self._data.dtype:
        raise DtypeError(f"{who}: dtype must be the tensor's, {self._data.dtype}, got {dtype}")
    return self._data.dtype


def _turning(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The in-place form of a function that makes views."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return views.turn(self, lambda x: function(x, *args, **kwargs), name)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"The tensor itself becomes `{name[:-1]}` of it; its memory stays."
    return method


def _copy_from(old: Any, src: Any) -> Any:
    """`src` in the shape and dtype of `old`, to which a gradient of zeros goes."""
    given = src if isinstance(src, rules.Tensor) else wrap(built(np.asarray, src))
    source = given.to(old.dtype).broadcast_to(old.shape)
    return index.index_put(old, source, ...) if old.requires_grad and source.requires_grad else source.clone()


def _store(tensor: Any, src: Any, name: str) -> Any:
    """Take other values: at once where neither the history nor a cast has a say."""
    data = tensor._data
    if isinstance(src, rules.Tensor):
        new, plain = src._data, src._data.shape == data.shape
    else:
        new, plain = (src := held(src, data.dtype, name)), not getattr(src, "ndim", 1)
        data = views.once(tensor) if plain and name != "copy_" else data  # one number, for all of its places
    if not plain or new.dtype != data.dtype or (data is tensor._data and views.begin(tensor, (src,), name)):
        return views.write(tensor, _copy_from, (src,), name)
    views.store(data, new, name)
    return tensor


class Methods(DeviceMethods):
    """PyTorch's methods, for `Tensor` to inherit: what is no function, or not called as the function is."""

    __slots__ = ()

    _data: Any

    # --- sizes ------------------------------------------------------------------------------------------------------

    @overload
    def size(self, dim: None = None) -> Size: ...
    @overload
    def size(self, dim: int) -> int: ...
    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        return size_of[self._data.shape] if dim is None else self._data.shape[dim]

    def dim(self) -> int:
        """Number of dimensions."""
        return self._data.ndim

    def numel(self) -> int:
        """Number of elements."""
        return self._data.size

    nelement = numel
    ndimension = dim

    def is_nonzero(self) -> bool:
        """Whether the only element is not zero."""
        return bool(self)

    def is_signed(self) -> bool:
        """Whether the dtype has negative numbers."""
        return self._data.dtype.kind in "ifc"

    def is_same_size(self, other: Tensor) -> bool:
        """Whether another tensor is of the same shape."""
        return self._data.shape == other._data.shape

    def apply_(self, callable: Any) -> Tensor:
        """Each element replaced by what a Python function of its value returns; slow, and without gradient."""
        if views.node_of(self) is not None:
            raise RuntimeError("apply_: it has no gradient; detach() the tensor, or use it under no_grad() on a copy")
        flat = [callable(v) for v in self._data.reshape(-1).tolist()]
        if strange := [type(v).__name__ for v in flat if isinstance(v, (str, bytes)) or v is None]:
            raise ArgumentError(f"apply_: the function must return numbers, got {strange[0]}")
        return self._overwrite(np.array(flat, self._data.dtype).reshape(self._data.shape), "apply_")

    def map_(self, other: Any, callable: Any) -> Tensor:
        """Each element replaced by ``callable(element, other's)``; slow, and without gradient."""
        if views.node_of(self) is not None or other.requires_grad:
            raise RuntimeError("map_: it has no gradient; detach() the tensors")
        return self._mapped("map_", callable, other)

    def map2_(self, x: Any, y: Any, callable: Any) -> Tensor:
        """Each element replaced by ``callable(element, x's, y's)``; slow, and without gradient."""
        if views.node_of(self) is not None or x.requires_grad or y.requires_grad:
            raise RuntimeError("map2_: it has no gradient, and a tensor requires grad; detach() the tensors")
        return self._mapped("map2_", callable, x, y)

    def _mapped(self, who: str, function: Any, *others: Tensor) -> Tensor:
        shape = self._data.shape
        columns = [np.broadcast_to(each._data, shape).reshape(-1).tolist() for each in (self, *others)]
        return self._overwrite(np.array([*map(function, *columns)], self._data.dtype).reshape(shape), who)

    @overload
    def stride(self, dim: None = None) -> tuple[int, ...]: ...
    @overload
    def stride(self, dim: int) -> int: ...
    def stride(self, dim: int | None = None) -> Any:
        """Strides in elements, of all dimensions or one."""
        data = self._data
        strides = tuple(s // data.itemsize for s in data.strides) if data.size else row_major(data.shape)
        return strides if dim is None else strides[one_dim(dim, self._data.ndim, "stride")]

    # --- shape ------------------------------------------------------------------------------------------------------

    @property
    def T(self) -> Tensor:
        """All dimensions reversed (a view)."""
        return reshape_transpose._transpose.record((self, None))

    @property
    def mT(self) -> Tensor:
        """The last two dimensions swapped (a view); a number as it is."""
        if self._data.ndim == 1:
            raise InputError(f"mT: only supported on matrices or batches of matrices, got shape {self.shape}")
        return reshape_transpose.transpose(self, -2, -1) if self._data.ndim else self

    @numpy_names
    def split(self, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
        """Cut along a dimension (views); see `tinygrad_lite.split`."""
        return split.split(self, split_size, dim)

    def reshape_as(self, other: Tensor) -> Tensor:
        """The shape of another tensor."""
        return reshape_transpose.reshape(self, other.shape)

    def view_as(self, other: Tensor) -> Tensor:
        """A view of the shape of another tensor."""
        return reshape_transpose.view(self, other.shape)

    @property
    def H(self) -> Tensor:
        """The conjugate transpose of a matrix."""
        if self._data.ndim not in (0, 2):
            raise RuntimeError(f"H: only supported on matrices, got shape {self._data.shape}; there is also mH")
        return reshape_transpose.adjoint(self) if self._data.ndim else self

    # --- arithmetic -------------------------------------------------------------------------------------------------

    def polygamma(self, n: Any) -> Tensor:
        """The n-th derivative of `digamma`."""
        return gamma.polygamma(n, self)

    def where(self, condition: Any, other: Any) -> Tensor:
        """Itself where the condition holds, `other` elsewhere."""
        return clamp_round_where.where(condition, self, other)

    # --- complex numbers --------------------------------------------------------------------------------------------

    conj_physical = complex_numbers.conj
    real = property(complex_numbers.real, complex_numbers.write_real, doc="Real part (a view), or itself.")
    imag = property(complex_numbers.imag, complex_numbers.write_imag, doc="Imaginary part (a view).")
    mH = property(reshape_transpose.adjoint, doc="Conjugate transposes of matrices.")

    # --- products ---------------------------------------------------------------------------------------------------

    __matmul__ = matmul.times

    def __rmatmul__(self, other: Any) -> Tensor:
        return matmul.matmul(other, self)

    # --- operators and in place -------------------------------------------------------------------------------------

    __add__, __radd__, __iadd__ = arithmetic_of("add", arithmetic._add)
    __sub__, __rsub__, __isub__ = arithmetic_of("sub", arithmetic._subtract)
    __mul__, __rmul__, __imul__ = arithmetic_of("mul", arithmetic.mul)
    __truediv__, __rtruediv__, __itruediv__ = arithmetic_of("truediv", arithmetic.true_divide)
    __rdiv__ = __rtruediv__
    __pow__, __rpow__, __ipow__ = arithmetic_of("pow", arithmetic.power)
    __mod__, __rmod__, __imod__ = arithmetic_of("mod", arithmetic.remainder)
    __floordiv__, __rfloordiv__, __ifloordiv__ = arithmetic_of("floordiv", arithmetic.floor_divide)
    __and__, __rand__, __iand__ = arithmetic_of("and", comparison.bitwise_and)
    __or__, __ror__, __ior__ = arithmetic_of("or", comparison.bitwise_or)
    __xor__, __rxor__, __ixor__ = arithmetic_of("xor", comparison.bitwise_xor)
    __lshift__, __rlshift__, __ilshift__ = arithmetic_of("lshift", comparison.left_shift)
    __rshift__, __rrshift__, __irshift__ = arithmetic_of("rshift", comparison.right_shift)
    __eq__, __ne__ = equality_of(comparison.eq), equality_of(comparison.ne)
    __lt__, __le__ = operator_of(comparison.lt), operator_of(comparison.le)
    __gt__, __ge__ = operator_of(comparison.gt), operator_of(comparison.ge)
    __neg__, __pos__, __abs__, __invert__ = arithmetic.neg, arithmetic.positive, arithmetic.abs, comparison.bitwise_not

    def cumsum_(self, dim: Any, *, dtype: Any = None) -> Tensor:
        """`cumsum`, in place, and in the tensor's dtype."""
        return views.write(self, sums.cumsum, (dim,), "cumsum_", {"dtype": _own_dtype(self, dtype, "cumsum_")})

    def cumprod_(self, dim: Any, *, dtype: Any = None) -> Tensor:
        """`cumprod`, in place, and in the tensor's dtype."""
        return views.write(self, cumulative.cumprod, (dim,), "cumprod_", {"dtype": _own_dtype(self, dtype, "cumprod_")})

    # --- fills ------------------------------------------------------------------------------------------------------

    def _overwrite(self, values: Any, name: str) -> Tensor:
        """Replace all values by new ones that do not depend on the old."""
        return views.write(self, lambda _, new: rules.wrap(new), (values,), name)

    @other_names(src="other")
    def copy_(self, other: Any, non_blocking: bool = False) -> Tensor:
        """Take the values of `other`, broadcast and cast."""
        return _store(self, other, "copy_")

    def fill_(self, value: Any) -> Tensor:
        """Set all elements.

        Parameters
        ----------
        value : number
            Or a Tensor that has no dimensions.
        """
        return _store(self, value, "fill_")

    def zero_(self) -> Tensor:
        """Set all elements to zero."""
        return _store(self, 0, "zero_")


def _add(module: ModuleType, word: str) -> None:
    """Add a function of a module as a method; as ``name_`` in place, too, where no function is called so."""
    functions, name = vars(module), word if word in vars(module) else word.removesuffix("_")
    setattr(Methods, name, functions[name])
    if name != word:
        setattr(Methods, word, getattr(functions[name], "in_place", None) or writing(word, functions[name]))


ROOMS = (
    reshape_transpose, broadcasting, split, flip_roll_repeat, view_copies, as_strided, diagonals, clone, index,
    nonzero_take, index_put, scatter, arithmetic, clamp_round_where, exp_log_trig, erf, smooth, comparison,
    floating_point, fused_arithmetic, gamma, gcd_lcm, bessel, incomplete_gamma, complex_numbers, sums, min_max,
    piecewise, softmax, sort_topk, cumulative, statistics, quantiles, unique_histogram, hash_tensor, toplevel_names,
    matmul, matrix_products, householder, stft, in_place, multinomial_bernoulli, new_like, strided, storage,
)  # fmt: skip
for _module, _word in ((module, word) for module in ROOMS for word in module.METHODS.split()):
    _add(_module, _word)
for _word in ("squeeze", "unsqueeze", "t", "transpose", "swapaxes", "swapdims"):
    setattr(Methods, f"{_word}_", _turning(f"{_word}_", vars(reshape_transpose)[_word]))
Methods.as_strided_ = _turning("as_strided_", as_strided.as_strided)  # type: ignore[attr-defined]
Methods.__reversed__ = lambda self: self.flip(0) if self.ndim else self  # type: ignore[attr-defined]
Methods.polygamma_ = writing("polygamma_", Methods.polygamma)  # type: ignore[attr-defined]
open_doors_of(Methods)

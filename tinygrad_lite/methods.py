"""The functions as methods: `t.exp()` is `tg.exp(t)`, `t + 1` is `tg.add(t, 1)`, `t.exp_()` writes to `t`.

Nothing is computed here. A name stands beside the function it means, grouped as the files in `ops`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import numpy as np

from . import rules
from .engine import views
from .engine.blame import blame
from .engine.door import numpy_names, open_doors_of
from .engine.errors import InputError
from .graph import written
from .ops.creation import new_like, strided
from .ops.indexing import index as indexing
from .ops.indexing import index_put as putting
from .ops.indexing import nonzero_take
from .ops.indexing import scatter as scattering
from .ops.linalg import householder, matrix_products, toplevel_names
from .ops.linalg import matmul as matmul_ops
from .ops.neural.activation import piecewise, smooth
from .ops.pointwise import (
    arithmetic,
    clamp_round_where,
    comparison,
    exp_log_trig,
    floating_point,
    fused_arithmetic,
    gcd_lcm,
)
from .ops.pointwise import complex_numbers as complexes
from .ops.random import distributions, in_place
from .ops.reduction import cumulative, min_max, quantiles, sort_topk, statistics, sums, unique_histogram
from .ops.reduction import softmax as softmax_ops
from .ops.reduction.hash_tensor import hash_tensor as _hash_tensor
from .ops.shape import as_strided as as_strided_ops
from .ops.shape import broadcasting, clone, diagonals, flip_roll_repeat, reshape_transpose, view_copies
from .ops.shape import split as split_ops
from .ops.signal import stft as stft_ops
from .ops.special import bessel, gamma, incomplete_gamma
from .ops.special import erf as erf_ops
from .rules import wrap
from .tensors.device_methods import DeviceMethods
from .tensors.size import Size, size_of
from .tensors.tensor_type import Tensor


def _inplace(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return views.write(self, function, args, name, kwargs)
        except Exception as error:
            raise blame(error, name, ("self", *kwargs), (self, *kwargs.values()), function) from None

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"`{name[:-1]}`, in place."
    return method


def _in_place(*functions: Callable[..., Any], names: str = "") -> tuple[Any, ...]:
    """In-place forms, under the functions' names, or under others where these are a second name."""
    called = names.split() or [f.__name__ for f in functions]
    return tuple(_inplace(f"{name}_", f) for name, f in zip(called, functions))


def _turning(function: Callable[..., Any], name: str = "") -> Callable[..., Any]:
    """The in-place form of a function that makes views."""
    name = f"{name or function.__name__}_"

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return views.turn(self, lambda x: function(x, *args, **kwargs), name)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"The tensor itself becomes `{name[:-1]}` of it; its memory stays."
    return method


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


def _store(tensor: Any, src: Any, name: str) -> Any:
    """Take other values: at once where neither the history nor a cast has a say."""
    data = tensor._data
    if isinstance(src, rules.Tensor):
        new_like = src._data
        plain = new_like.dtype == data.dtype and new_like.shape == data.shape
    else:
        new_like, plain = src, data.dtype.char in "fd" and type(src) in (int, float) and -3e38 < src < 3e38
    if not plain or views.begin(tensor, (src,), name):
        return views.write(tensor, _copy_from, (src,), name)
    data[...] = new_like
    written(data, name, 3)
    return tensor


class Methods(DeviceMethods):
    """PyTorch's methods, for `Tensor` to inherit."""

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
        return self._overwrite(np.array(flat, self._data.dtype).reshape(self._data.shape), "apply_")

    def map_(self, other: Any, callable: Any) -> Tensor:
        """Each element replaced by ``callable(element, other's)``; slow, and without gradient."""
        if views.node_of(self) is not None or other.requires_grad:
            raise RuntimeError("map_: it has no gradient; detach() the tensors")
        theirs = np.broadcast_to(other._data, self._data.shape).reshape(-1).tolist()
        new_like = np.array(
            [callable(*pair) for pair in zip(self._data.reshape(-1).tolist(), theirs)], self._data.dtype
        )
        return self._overwrite(new_like.reshape(self._data.shape), "map_")

    def element_size(self) -> int:
        """Bytes of one element."""
        return self._data.itemsize

    def stride(self) -> tuple[int, ...]:
        """Strides in elements."""
        return tuple(s // self._data.itemsize for s in self._data.strides)

    def data_ptr(self) -> int:
        """Address of the first element."""
        return self._data.ctypes.data

    # --- shape ------------------------------------------------------------------------------------------------------

    @property
    def T(self) -> Tensor:
        """All dimensions reversed (a view)."""
        return reshape_transpose._transpose.record((self, None))

    @property
    def mT(self) -> Tensor:
        """The last two dimensions swapped (a view); a number as it is."""
        if self._data.ndim == 1:
            raise InputError(f"mT: the tensor must hold matrices, got shape {self.shape}")
        return reshape_transpose.transpose(self, -2, -1) if self._data.ndim else self

    reshape, flatten, unflatten, ravel = (
        reshape_transpose.reshape,
        reshape_transpose.flatten,
        reshape_transpose.unflatten,
        reshape_transpose.ravel,
    )
    transpose, swapaxes, swapdims = (
        reshape_transpose.transpose,
        reshape_transpose.transpose,
        reshape_transpose.transpose,
    )
    permute, movedim, moveaxis = reshape_transpose.permute, reshape_transpose.movedim, reshape_transpose.movedim
    squeeze, unsqueeze, expand, expand_as = (
        reshape_transpose.squeeze,
        reshape_transpose.unsqueeze,
        broadcasting.expand,
        broadcasting.expand_as,
    )

    @numpy_names
    def split(self, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
        """Cut along a dimension (views); see `tinygrad_lite.split`."""
        return split_ops.split(self, split_size, dim)

    chunk, unbind, narrow = split_ops.chunk, split_ops.unbind, split_ops.narrow
    t, flip, roll = reshape_transpose.t, flip_roll_repeat.flip, flip_roll_repeat.roll
    tile, repeat, broadcast_to = broadcasting.tile, broadcasting.repeat, broadcasting.broadcast_to
    select, split_with_sizes, tensor_split = split_ops.select, split_ops.split_with_sizes, split_ops.tensor_split
    narrow_copy, unsafe_chunk = view_copies.narrow_copy, view_copies.unsafe_chunk
    unsafe_split, unsafe_split_with_sizes = view_copies.unsafe_split, view_copies.unsafe_split_with_sizes
    hsplit, vsplit, dsplit, unfold = split_ops.hsplit, split_ops.vsplit, split_ops.dsplit, as_strided_ops.unfold
    as_strided, storage_offset = as_strided_ops.as_strided, as_strided_ops.storage_offset
    fliplr, flipud, rot90, repeat_interleave = (
        flip_roll_repeat.fliplr,
        flip_roll_repeat.flipud,
        flip_roll_repeat.rot90,
        flip_roll_repeat.repeat_interleave,
    )
    diag, diagonal = diagonals.diag, diagonals.diagonal
    diag_embed, diagflat, fill_diagonal_ = diagonals.diag_embed, diagonals.diagflat, diagonals.fill_diagonal_
    select_scatter, slice_scatter = as_strided_ops.select_scatter, as_strided_ops.slice_scatter
    diagonal_scatter, as_strided_scatter = diagonals.diagonal_scatter, as_strided_ops.as_strided_scatter

    view = reshape_transpose.view
    squeeze_, unsqueeze_, t_ = _turning(squeeze), _turning(unsqueeze), _turning(t)
    transpose_, swapaxes_ = _turning(transpose), _turning(transpose, "swapaxes")
    swapdims_ = _turning(transpose, "swapdims")

    def reshape_as(self, other: Tensor) -> Tensor:
        """The shape of another tensor."""
        return reshape_transpose.reshape(self, other.shape)

    def view_as(self, other: Tensor) -> Tensor:
        """A view of the shape of another tensor."""
        return reshape_transpose.view(self, other.shape)

    sum_to_size = clone.sum_to_size

    @property
    def H(self) -> Tensor:
        """The conjugate transpose of a matrix."""
        if self._data.ndim not in (0, 2):
            raise RuntimeError(f"H: the tensor must be a matrix, got shape {self._data.shape}; there is also mH")
        return complexes.adjoint(self) if self._data.ndim else self

    # --- brackets ---------------------------------------------------------------------------------------------------

    gather, index_select, take_along_dim = indexing.gather, indexing.index_select, indexing.take_along_dim
    masked_fill, masked_select, tril, triu = indexing.masked_fill, indexing.masked_select, indexing.tril, indexing.triu
    take, nonzero, argwhere = nonzero_take.take, nonzero_take.nonzero, nonzero_take.argwhere
    nonzero_static = nonzero_take.nonzero_static
    index_add, index_copy, index_fill = putting.index_add, putting.index_copy, putting.index_fill
    index_put, masked_scatter, put = putting.index_put, putting.masked_scatter, putting.put
    scatter, scatter_add = scattering.scatter, scattering.scatter_add
    scatter_reduce, index_reduce = scattering.scatter_reduce, scattering.index_reduce

    # --- arithmetic -------------------------------------------------------------------------------------------------

    add, sub, subtract = arithmetic.add, arithmetic.sub, arithmetic.sub
    mul, multiply = arithmetic.mul, arithmetic.mul
    div, divide, true_divide, floor_divide = arithmetic.div, arithmetic.div, arithmetic.div, arithmetic.floor_divide
    pow, remainder, fmod, neg, negative = (
        arithmetic.pow, arithmetic.remainder, arithmetic.fmod, arithmetic.neg, arithmetic.neg,
    )  # fmt: skip
    abs, absolute, sign, square, sqrt, rsqrt, reciprocal = (
        arithmetic.abs, arithmetic.abs, clamp_round_where.sign, arithmetic.square, arithmetic.sqrt, arithmetic.rsqrt,
        arithmetic.reciprocal,
    )  # fmt: skip
    exp, exp2, expm1, log, log2, log10, log1p = (
        exp_log_trig.exp,
        exp_log_trig.exp2,
        exp_log_trig.expm1,
        exp_log_trig.log,
        exp_log_trig.log2,
        exp_log_trig.log10,
        exp_log_trig.log1p,
    )
    sin, cos, tan, sinh, cosh, tanh, asin, acos, atan, atan2 = (
        exp_log_trig.sin, exp_log_trig.cos, exp_log_trig.tan, exp_log_trig.sinh, exp_log_trig.cosh, exp_log_trig.tanh,
        exp_log_trig.asin, exp_log_trig.acos, exp_log_trig.atan, exp_log_trig.atan2,
    )  # fmt: skip
    erf, sigmoid, relu, logaddexp, hypot = (
        erf_ops.erf, exp_log_trig.sigmoid, smooth.relu, exp_log_trig.logaddexp, exp_log_trig.hypot,
    )  # fmt: skip
    maximum, minimum, fmax, fmin, clamp, clip = (
        clamp_round_where.maximum,
        clamp_round_where.minimum,
        clamp_round_where.fmax,
        clamp_round_where.fmin,
        clamp_round_where.clamp,
        clamp_round_where.clamp,
    )
    floor, ceil, round, trunc = (
        clamp_round_where.floor,
        clamp_round_where.ceil,
        clamp_round_where.round,
        clamp_round_where.trunc,
    )
    eq, ne, lt, le, gt, ge = (
        comparison.eq, comparison.ne, comparison.lt, comparison.le, comparison.gt, comparison.ge,
    )  # fmt: skip
    not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge
    isnan, isinf, isfinite, isclose = comparison.isnan, comparison.isinf, comparison.isfinite, comparison.isclose
    allclose, equal = comparison.allclose, comparison.equal
    bitwise_and, bitwise_or, bitwise_xor, bitwise_not = (
        comparison.bitwise_and, comparison.bitwise_or, comparison.bitwise_xor, comparison.bitwise_not,
    )  # fmt: skip
    signbit, positive = comparison.signbit, arithmetic.positive
    logical_and, logical_or, logical_not, logical_xor = (
        comparison.logical_and, comparison.logical_or, comparison.logical_not, comparison.logical_xor,
    )  # fmt: skip

    asinh, acosh, atanh, arcsin, arccos, arctan, arcsinh, arccosh, arctanh, arctan2 = (
        exp_log_trig.asinh, exp_log_trig.acosh, exp_log_trig.atanh, exp_log_trig.arcsin, exp_log_trig.arccos,
        exp_log_trig.arctan, exp_log_trig.arcsinh, exp_log_trig.arccosh, exp_log_trig.arctanh, exp_log_trig.arctan2,
    )  # fmt: skip
    erfc, erfinv, logit, sinc, xlogy, logaddexp2, deg2rad, rad2deg = (
        erf_ops.erfc, erf_ops.erfinv, exp_log_trig.logit, exp_log_trig.sinc, exp_log_trig.xlogy,
        exp_log_trig.logaddexp2, exp_log_trig.deg2rad, exp_log_trig.rad2deg,
    )  # fmt: skip
    isposinf, isneginf = comparison.isposinf, comparison.isneginf
    bitwise_left_shift, bitwise_right_shift = comparison.bitwise_left_shift, comparison.bitwise_right_shift
    frac, fix, sgn, copysign, nextafter, heaviside, ldexp, frexp, nan_to_num = (
        floating_point.frac,
        floating_point.fix,
        floating_point.sgn,
        floating_point.copysign,
        floating_point.nextafter,
        floating_point.heaviside,
        floating_point.ldexp,
        floating_point.frexp,
        floating_point.nan_to_num,
    )
    lerp, addcmul, addcdiv, float_power, clamp_min, clamp_max = (
        fused_arithmetic.lerp,
        fused_arithmetic.addcmul,
        fused_arithmetic.addcdiv,
        fused_arithmetic.float_power,
        fused_arithmetic.clamp_min,
        fused_arithmetic.clamp_max,
    )
    lgamma, digamma, mvlgamma, gcd, lcm = gamma.lgamma, gamma.digamma, gamma.mvlgamma, gcd_lcm.gcd, gcd_lcm.lcm
    i0, igamma, igammac = bessel.i0, incomplete_gamma.igamma, incomplete_gamma.igammac

    def polygamma(self, n: Any) -> Tensor:
        """The n-th derivative of `digamma`."""
        return gamma.polygamma(n, self)

    def where(self, condition: Any, other: Any) -> Tensor:
        """Itself where the condition holds, `other` elsewhere."""
        return clamp_round_where.where(condition, self, other)

    # --- complex numbers --------------------------------------------------------------------------------------------

    conj = conj_physical = complexes.conj
    resolve_neg = complexes.resolve_neg
    resolve_conj, adjoint, angle, isreal = complexes.resolve_conj, complexes.adjoint, complexes.angle, complexes.isreal
    real = property(complexes.real, doc="Real part (a view); of a real tensor itself.")
    imag = property(complexes.imag, doc="Imaginary part (a view).")
    mH = property(complexes.adjoint, doc="Conjugate transposes of matrices.")

    # --- reductions -------------------------------------------------------------------------------------------------

    sum, mean, var, std, prod = sums.sum, sums.mean, sums.var, sums.std, sums.prod
    max, min, amax, amin, argmax, argmin = (
        min_max.max, min_max.min, min_max.amax, min_max.amin, min_max.argmax, min_max.argmin,
    )  # fmt: skip
    all, any, count_nonzero = min_max.all, min_max.any, min_max.count_nonzero
    hardshrink, prelu = piecewise.hardshrink, piecewise.prelu
    logsumexp, softmax, log_softmax, cumsum = (
        softmax_ops.logsumexp,
        softmax_ops.softmax,
        softmax_ops.log_softmax,
        sums.cumsum,
    )

    argsort, sort, topk = sort_topk.argsort, sort_topk.sort, sort_topk.topk
    msort, aminmax, trace = sort_topk.msort, min_max.aminmax, sums.trace
    cumprod, cummax, cummin, logcumsumexp, diff = (
        cumulative.cumprod, cumulative.cummax, cumulative.cummin, cumulative.logcumsumexp, cumulative.diff,
    )  # fmt: skip
    nansum, nanmean, cov, corrcoef = statistics.nansum, statistics.nanmean, statistics.cov, statistics.corrcoef
    kthvalue, median, mode, nanmedian, nanquantile, quantile = (
        quantiles.kthvalue, quantiles.median, quantiles.mode, quantiles.nanmedian, quantiles.nanquantile,
        quantiles.quantile,
    )  # fmt: skip
    bincount, histc, histogram, unique, unique_consecutive = (
        unique_histogram.bincount,
        unique_histogram.histc,
        unique_histogram.histogram,
        unique_histogram.unique,
        unique_histogram.unique_consecutive,
    )
    hash_tensor = _hash_tensor
    dist, norm, renorm = toplevel_names.dist, toplevel_names.norm, toplevel_names.renorm

    # --- products ---------------------------------------------------------------------------------------------------

    matmul, mm, bmm, mv, dot, outer = (
        matmul_ops.matmul,
        matmul_ops.mm,
        matmul_ops.bmm,
        matmul_ops.mv,
        matmul_ops.dot,
        matmul_ops.outer,
    )
    ger, inner, vdot, kron, cross = (
        matrix_products.ger,
        matrix_products.inner,
        matrix_products.vdot,
        matrix_products.kron,
        matrix_products.cross,
    )
    addmm, addmv, addr, addbmm, baddbmm = (
        matrix_products.addmm,
        matrix_products.addmv,
        matrix_products.addr,
        matrix_products.addbmm,
        matrix_products.baddbmm,
    )
    lu_solve, triangular_solve = toplevel_names.lu_solve, toplevel_names.triangular_solve
    det, slogdet, logdet, inverse, pinverse, matrix_exp, matrix_power, cholesky, cholesky_solve, cholesky_inverse = (
        toplevel_names.det,
        toplevel_names.slogdet,
        toplevel_names.logdet,
        toplevel_names.inverse,
        toplevel_names.pinverse,
        toplevel_names.matrix_exp,
        toplevel_names.matrix_power,
        toplevel_names.cholesky,
        toplevel_names.cholesky_solve,
        toplevel_names.cholesky_inverse,
    )
    lu, qr, svd = toplevel_names.lu, toplevel_names.qr, toplevel_names.svd
    geqrf, orgqr, ormqr = householder.geqrf, householder.orgqr, householder.ormqr
    stft, istft = stft_ops.stft, stft_ops.istft
    __matmul__ = matmul_ops.matmul

    def __rmatmul__(self, other: Any) -> Tensor:
        return matmul_ops.matmul(other, self)

    # --- operators and in place -------------------------------------------------------------------------------------

    __add__, __radd__, __iadd__ = _arithmetic("add", arithmetic._add)
    __sub__, __rsub__, __isub__ = _arithmetic("sub", arithmetic._subtract)
    __mul__, __rmul__, __imul__ = _arithmetic("mul", arithmetic.mul)
    __truediv__, __rtruediv__, __itruediv__ = _arithmetic("truediv", arithmetic.true_divide)
    __rdiv__ = __rtruediv__
    __pow__, __rpow__, __ipow__ = _arithmetic("pow", arithmetic.power)
    __mod__, __rmod__, __imod__ = _arithmetic("mod", arithmetic.remainder)
    __floordiv__, __rfloordiv__, __ifloordiv__ = _arithmetic("floordiv", arithmetic.floor_divide)
    __and__, __rand__, __iand__ = _arithmetic("and", comparison.bitwise_and)
    __or__, __ror__, __ior__ = _arithmetic("or", comparison.bitwise_or)
    __xor__, __rxor__, __ixor__ = _arithmetic("xor", comparison.bitwise_xor)
    __lshift__, __rlshift__, __ilshift__ = _arithmetic("lshift", comparison.left_shift)
    __rshift__, __rrshift__, __irshift__ = _arithmetic("rshift", comparison.right_shift)
    __eq__, __ne__ = _equality(eq), _equality(ne)
    __lt__, __le__, __gt__, __ge__ = lt, le, gt, ge
    __neg__, __pos__, __abs__, __invert__ = neg, arithmetic.positive, abs, comparison.bitwise_not

    add_, sub_, mul_, div_, pow_, remainder_, fmod_ = _in_place(add, sub, mul, div, pow, remainder, fmod)
    addmm_, addmv_, addr_, addbmm_, baddbmm_ = _in_place(addmm, addmv, addr, addbmm, baddbmm)
    neg_, abs_, sign_, square_, sqrt_, rsqrt_, reciprocal_ = _in_place(neg, abs, sign, square, sqrt, rsqrt, reciprocal)
    exp_, expm1_, log_, log1p_, sin_, cos_, tan_, tanh_ = _in_place(exp, expm1, log, log1p, sin, cos, tan, tanh)
    erf_, sigmoid_, relu_, clamp_, clip_ = _in_place(erf, sigmoid, relu, clamp, clip)
    floor_, ceil_, round_, trunc_ = _in_place(floor, ceil, round, trunc)
    absolute_, negative_, subtract_, multiply_, divide_, true_divide_ = _in_place(
        absolute, negative, subtract, multiply, divide, true_divide,
        names="absolute negative subtract multiply divide true_divide",
    )  # fmt: skip
    exp2_, log2_, log10_, asin_, acos_, atan_, sinh_, cosh_, atan2_, hypot_, floor_divide_ = _in_place(
        exp2, log2, log10, asin, acos, atan, sinh, cosh, atan2, hypot, floor_divide,
    )  # fmt: skip
    asinh_, acosh_, atanh_ = _in_place(asinh, acosh, atanh)
    arcsin_, arccos_, arctan_, arctan2_, arcsinh_, arccosh_, arctanh_ = _in_place(
        arcsin, arccos, arctan, arctan2, arcsinh, arccosh, arctanh,
        names="arcsin arccos arctan arctan2 arcsinh arccosh arctanh",
    )  # fmt: skip
    erfc_, erfinv_, logit_, sinc_, xlogy_, deg2rad_, rad2deg_ = _in_place(
        erfc, erfinv, logit, sinc, xlogy, deg2rad, rad2deg,
    )  # fmt: skip
    fix_, sgn_ = _in_place(fix, sgn, names="fix sgn")
    frac_, copysign_, nextafter_, heaviside_, ldexp_, nan_to_num_ = _in_place(
        frac, copysign, nextafter, heaviside, ldexp, nan_to_num,
    )  # fmt: skip
    lerp_, addcmul_, addcdiv_, float_power_, clamp_min_, clamp_max_ = _in_place(
        lerp, addcmul, addcdiv, float_power, clamp_min, clamp_max,
    )  # fmt: skip
    lgamma_, digamma_, mvlgamma_, polygamma_, gcd_, lcm_ = _in_place(lgamma, digamma, mvlgamma, polygamma, gcd, lcm)
    i0_, igamma_, igammac_ = _in_place(i0, igamma, igammac)
    eq_, ne_, lt_, le_, gt_, ge_ = _in_place(eq, ne, lt, le, gt, ge)
    not_equal_, less_, less_equal_, greater_, greater_equal_ = _in_place(
        ne, lt, le, gt, ge, names="not_equal less less_equal greater greater_equal"
    )
    logical_and_, logical_or_, logical_not_, logical_xor_ = _in_place(logical_and, logical_or, logical_not, logical_xor)
    bitwise_and_, bitwise_or_, bitwise_xor_, bitwise_not_, bitwise_left_shift_, bitwise_right_shift_ = _in_place(
        bitwise_and, bitwise_or, bitwise_xor, bitwise_not, bitwise_left_shift, bitwise_right_shift,
    )  # fmt: skip
    renorm_ = _inplace("renorm_", renorm)
    masked_fill_, tril_, triu_ = _in_place(masked_fill, tril, triu)
    index_add_, index_copy_, index_fill_ = index_add.in_place, index_copy.in_place, index_fill.in_place
    index_put_, put_, masked_scatter_ = index_put.in_place, put.in_place, putting.masked_scatter_
    scatter_, scatter_add_ = scatter.in_place, scatter_add.in_place
    scatter_reduce_, index_reduce_ = scatter_reduce.in_place, index_reduce.in_place

    def cumsum_(self, dim: Any) -> Tensor:
        """`cumsum`, in place, and in the tensor's dtype."""
        return views.write(self, sums.cumsum, (dim,), "cumsum_", {"dtype": self._data.dtype})

    def cumprod_(self, dim: Any) -> Tensor:
        """`cumprod`, in place, and in the tensor's dtype."""
        return views.write(self, cumulative.cumprod, (dim,), "cumprod_", {"dtype": self._data.dtype})

    # --- fills ------------------------------------------------------------------------------------------------------

    def _overwrite(self, values: Any, name: str) -> Tensor:
        """Replace all values by new ones that do not depend on the old."""
        return views.write(self, lambda _, new: rules.wrap(new), (values,), name)

    def copy_(self, src: Any) -> Tensor:
        """Take the values of `src`, broadcast and cast."""
        return _store(self, src, "copy_")

    def fill_(self, value: Any) -> Tensor:
        """Set all elements."""
        return _store(self, value, "fill_")

    def zero_(self) -> Tensor:
        """Set all elements to zero."""
        return _store(self, 0, "zero_")

    uniform_, normal_, bernoulli_, random_ = in_place.uniform_, in_place.normal_, in_place.bernoulli_, in_place.random_
    exponential_, geometric_, log_normal_ = in_place.exponential_, in_place.geometric_, in_place.log_normal_
    cauchy_, bernoulli, multinomial = in_place.cauchy_, distributions.bernoulli, distributions.multinomial

    # --- new ones ---------------------------------------------------------------------------------------------------

    new_tensor, new_full, new_empty = new_like.new_tensor, new_like.new_full, new_like.new_empty
    new_zeros, new_ones, new_empty_strided = new_like.new_zeros, new_like.new_ones, strided.new_empty_strided
    resize_, resize_as_ = strided.resize_, strided.resize_as_


open_doors_of(Methods)

"""The functions as methods: `t.exp()` is `tg.exp(t)`, `t + 1` is `tg.add(t, 1)`, `t.exp_()` writes to `t`.

Nothing is computed here. A name stands beside the function it means, grouped as the files in `ops`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import rules, views
from .graph import written
from .ops import (
    algebra,
    bent,
    bessel,
    combined,
    copies,
    counting,
    elementwise,
    fills,
    floats,
    gamma,
    incomplete,
    integers,
    lengths,
    linalg,
    new,
    places,
    products,
    quantiles,
    random,
    reduce,
    reflections,
    scans,
    signal,
    statistics,
)
from .ops import complex as complexes
from .ops import index as indexing
from .ops import put as putting
from .ops import scatter as scattering
from .ops import shape as shaping
from .rules import wrap


def _inplace(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return views.write(self, function, args, name, kwargs)

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
        new = src._data
        plain = new.dtype == data.dtype and new.shape == data.shape
    else:
        new, plain = src, data.dtype.char in "fd" and type(src) in (int, float) and -3e38 < src < 3e38
    if not plain or views.begin(tensor, (src,), name):
        return views.write(tensor, _copy_from, (src,), name)
    data[...] = new
    written(data, name, 3)
    return tensor


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

    def is_nonzero(self) -> Any:
        """Whether the only element is not zero."""
        return bool(self)

    def is_signed(self) -> Any:
        """Whether the dtype has negative numbers."""
        return self._data.dtype.kind in "ifc"

    def is_same_size(self, other: Any) -> Any:
        """Whether another tensor is of the same shape."""
        return self._data.shape == other._data.shape

    def apply_(self, callable: Any) -> Any:
        """Each element replaced by what a Python function of its value returns; slow, and without gradient."""
        if views.node_of(self) is not None:
            raise RuntimeError("apply_: it has no gradient; detach() the tensor, or use it under no_grad() on a copy")
        flat = [callable(v) for v in self._data.reshape(-1).tolist()]
        return self._overwrite(np.array(flat, self._data.dtype).reshape(self._data.shape), "apply_")

    def map_(self, other: Any, callable: Any) -> Any:
        """Each element replaced by ``callable(element, other's)``; slow, and without gradient."""
        if views.node_of(self) is not None or other.requires_grad:
            raise RuntimeError("map_: it has no gradient; detach() the tensors")
        theirs = np.broadcast_to(other._data, self._data.shape).reshape(-1).tolist()
        new = np.array([callable(*pair) for pair in zip(self._data.reshape(-1).tolist(), theirs)], self._data.dtype)
        return self._overwrite(new.reshape(self._data.shape), "map_")

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
        """The last two dimensions swapped (a view); a number as it is."""
        return shaping.transpose(self, -2, -1) if self._data.ndim else self

    reshape, flatten, unflatten, ravel = shaping.reshape, shaping.flatten, shaping.unflatten, shaping.ravel
    transpose, swapaxes, swapdims = shaping.transpose, shaping.transpose, shaping.transpose
    permute, movedim, moveaxis = shaping.permute, shaping.movedim, shaping.movedim
    squeeze, unsqueeze, expand, expand_as = shaping.squeeze, shaping.unsqueeze, shaping.expand, shaping.expand_as
    split, chunk, unbind, narrow = shaping.split, shaping.chunk, shaping.unbind, shaping.narrow
    t, flip, roll = shaping.t, shaping.flip, shaping.roll
    tile, repeat, broadcast_to = shaping.tile, shaping.repeat, shaping.broadcast_to
    select, split_with_sizes, tensor_split = shaping.select, shaping.split_with_sizes, shaping.tensor_split
    hsplit, vsplit, dsplit, unfold = shaping.hsplit, shaping.vsplit, shaping.dsplit, shaping.unfold
    as_strided, storage_offset = shaping.as_strided, shaping.storage_offset
    fliplr, flipud, rot90, repeat_interleave = shaping.fliplr, shaping.flipud, shaping.rot90, shaping.repeat_interleave
    diag, diagonal = shaping.diag, shaping.diagonal
    diag_embed, diagflat, fill_diagonal_ = shaping.diag_embed, shaping.diagflat, shaping.fill_diagonal_
    select_scatter, slice_scatter = shaping.select_scatter, shaping.slice_scatter
    diagonal_scatter, as_strided_scatter = shaping.diagonal_scatter, shaping.as_strided_scatter

    view = shaping.view
    squeeze_, unsqueeze_, t_ = _turning(squeeze), _turning(unsqueeze), _turning(t)
    transpose_, swapaxes_ = _turning(transpose), _turning(transpose, "swapaxes")
    swapdims_ = _turning(transpose, "swapdims")

    def reshape_as(self, other: Any) -> Any:
        """The shape of another tensor."""
        return shaping.reshape(self, other.shape)

    def view_as(self, other: Any) -> Any:
        """A view of the shape of another tensor."""
        return shaping.view(self, other.shape)

    sum_to_size = copies.sum_to_size

    @property
    def H(self) -> Any:
        """The conjugate transpose of a matrix."""
        if self._data.ndim not in (0, 2):
            raise RuntimeError(f"H: the tensor must be a matrix, got shape {self._data.shape}; there is also mH")
        return complexes.adjoint(self) if self._data.ndim else self

    # --- brackets ---------------------------------------------------------------------------------------------------

    gather, index_select, take_along_dim = indexing.gather, indexing.index_select, indexing.take_along_dim
    masked_fill, masked_select, tril, triu = indexing.masked_fill, indexing.masked_select, indexing.tril, indexing.triu
    take, nonzero, argwhere = places.take, places.nonzero, places.argwhere
    nonzero_static = places.nonzero_static
    index_add, index_copy, index_fill = putting.index_add, putting.index_copy, putting.index_fill
    index_put, masked_scatter, put = putting.index_put, putting.masked_scatter, putting.put
    scatter, scatter_add = scattering.scatter, scattering.scatter_add
    scatter_reduce, index_reduce = scattering.scatter_reduce, scattering.index_reduce

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

    asinh, acosh, atanh, arcsin, arccos, arctan, arcsinh, arccosh, arctanh, arctan2 = (
        elementwise.asinh, elementwise.acosh, elementwise.atanh, elementwise.arcsin, elementwise.arccos,
        elementwise.arctan, elementwise.arcsinh, elementwise.arccosh, elementwise.arctanh, elementwise.arctan2,
    )  # fmt: skip
    erfc, erfinv, logit, sinc, xlogy, logaddexp2, deg2rad, rad2deg = (
        elementwise.erfc, elementwise.erfinv, elementwise.logit, elementwise.sinc, elementwise.xlogy,
        elementwise.logaddexp2, elementwise.deg2rad, elementwise.rad2deg,
    )  # fmt: skip
    isposinf, isneginf = elementwise.isposinf, elementwise.isneginf
    bitwise_left_shift, bitwise_right_shift = elementwise.bitwise_left_shift, elementwise.bitwise_right_shift
    frac, fix, sgn, copysign, nextafter, heaviside, ldexp, frexp, nan_to_num = (
        floats.frac, floats.fix, floats.sgn, floats.copysign, floats.nextafter, floats.heaviside, floats.ldexp,
        floats.frexp, floats.nan_to_num,
    )  # fmt: skip
    lerp, addcmul, addcdiv, float_power, clamp_min, clamp_max = (
        combined.lerp, combined.addcmul, combined.addcdiv, combined.float_power, combined.clamp_min,
        combined.clamp_max,
    )  # fmt: skip
    lgamma, digamma, mvlgamma, gcd, lcm = gamma.lgamma, gamma.digamma, gamma.mvlgamma, integers.gcd, integers.lcm
    i0, igamma, igammac = bessel.i0, incomplete.igamma, incomplete.igammac

    def polygamma(self, n: Any) -> Any:
        """The n-th derivative of `digamma`."""
        return gamma.polygamma(n, self)

    def where(self, condition: Any, other: Any) -> Any:
        """Itself where the condition holds, `other` elsewhere."""
        return elementwise.where(condition, self, other)

    # --- complex numbers --------------------------------------------------------------------------------------------

    conj = conj_physical = complexes.conj
    resolve_conj, adjoint, angle, isreal = complexes.resolve_conj, complexes.adjoint, complexes.angle, complexes.isreal
    real = property(complexes.real, doc="Real part (a view); of a real tensor itself.")
    imag = property(complexes.imag, doc="Imaginary part (a view).")
    mH = property(complexes.adjoint, doc="Conjugate transposes of matrices.")

    # --- reductions -------------------------------------------------------------------------------------------------

    sum, mean, var, std, prod = reduce.sum, reduce.mean, reduce.var, reduce.std, reduce.prod
    max, min, amax, amin, argmax, argmin = (
        reduce.max, reduce.min, reduce.amax, reduce.amin, reduce.argmax, reduce.argmin,
    )  # fmt: skip
    all, any, count_nonzero = reduce.all, reduce.any, reduce.count_nonzero
    hardshrink, prelu = bent.hardshrink, bent.prelu
    logsumexp, softmax, log_softmax, cumsum = reduce.logsumexp, reduce.softmax, reduce.log_softmax, reduce.cumsum

    argsort, sort, topk = reduce.argsort, reduce.sort, reduce.topk
    msort, aminmax, trace = reduce.msort, reduce.aminmax, reduce.trace
    cumprod, cummax, cummin, logcumsumexp, diff = (
        scans.cumprod, scans.cummax, scans.cummin, scans.logcumsumexp, scans.diff,
    )  # fmt: skip
    nansum, nanmean, cov, corrcoef = statistics.nansum, statistics.nanmean, statistics.cov, statistics.corrcoef
    kthvalue, median, mode, nanmedian, nanquantile, quantile = (
        quantiles.kthvalue, quantiles.median, quantiles.mode, quantiles.nanmedian, quantiles.nanquantile,
        quantiles.quantile,
    )  # fmt: skip
    bincount, histc, histogram, unique, unique_consecutive = (
        counting.bincount, counting.histc, counting.histogram, counting.unique, counting.unique_consecutive,
    )  # fmt: skip
    dist, norm, renorm = lengths.dist, lengths.norm, lengths.renorm

    # --- products ---------------------------------------------------------------------------------------------------

    matmul, mm, bmm, mv, dot, outer = linalg.matmul, linalg.mm, linalg.bmm, linalg.mv, linalg.dot, linalg.outer
    ger, inner, vdot, kron, cross = products.ger, products.inner, products.vdot, products.kron, products.cross
    addmm, addmv, addr, addbmm, baddbmm = (
        products.addmm, products.addmv, products.addr, products.addbmm, products.baddbmm,
    )  # fmt: skip
    det, slogdet, logdet, inverse, pinverse, matrix_exp, matrix_power, cholesky, cholesky_solve, cholesky_inverse = (
        algebra.det, algebra.slogdet, algebra.logdet, algebra.inverse, algebra.pinverse, algebra.matrix_exp,
        algebra.matrix_power, algebra.cholesky, algebra.cholesky_solve, algebra.cholesky_inverse,
    )  # fmt: skip
    qr, svd = algebra.qr, algebra.svd
    geqrf, orgqr, ormqr = reflections.geqrf, reflections.orgqr, reflections.ormqr
    stft, istft = signal.stft, signal.istft
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

    def cumsum_(self, dim: Any) -> Any:
        """`cumsum`, in place, and in the tensor's dtype."""
        return views.write(self, reduce.cumsum, (dim,), "cumsum_", {"dtype": self._data.dtype})

    def cumprod_(self, dim: Any) -> Any:
        """`cumprod`, in place, and in the tensor's dtype."""
        return views.write(self, scans.cumprod, (dim,), "cumprod_", {"dtype": self._data.dtype})

    # --- fills ------------------------------------------------------------------------------------------------------

    def _overwrite(self, values: Any, name: str) -> Any:
        """Replace all values by new ones that do not depend on the old."""
        return views.write(self, lambda _, new: rules.wrap(new), (values,), name)

    def copy_(self, src: Any) -> Any:
        """Take the values of `src`, broadcast and cast."""
        return _store(self, src, "copy_")

    def fill_(self, value: Any) -> Any:
        """Set all elements."""
        return _store(self, value, "fill_")

    def zero_(self) -> Any:
        """Set all elements to zero."""
        return _store(self, 0, "zero_")

    uniform_, normal_, bernoulli_, random_ = fills.uniform_, fills.normal_, fills.bernoulli_, fills.random_
    exponential_, geometric_, log_normal_ = fills.exponential_, fills.geometric_, fills.log_normal_
    cauchy_, bernoulli, multinomial = fills.cauchy_, random.bernoulli, random.multinomial

    # --- new ones ---------------------------------------------------------------------------------------------------

    new_tensor, new_full, new_empty = new.new_tensor, new.new_full, new.new_empty
    new_zeros, new_ones = new.new_zeros, new.new_ones

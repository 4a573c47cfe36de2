"""`Tensor`: an array, the node it came from, and PyTorch's face on both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import autograd, printing, rules, views
from .dtypes import as_dtype
from .graph import mode, new_leaf, written
from .ops import creation, elementwise, linalg, random, reduce
from .ops import index as indexing
from .ops import shape as shaping
from .rules import FAST, TABLE, differentiable, unwrap, wrap


@differentiable(a=lambda g: g, name="clone", numpy=np.copy)
def _clone(a: Any) -> Any:
    return a.copy()


@differentiable(a=lambda g: g, name="to")
def _cast(a: Any, dtype: np.dtype[Any]) -> Any:
    return a.astype(dtype)


FAST[np.astype if hasattr(np, "astype") else np.ndarray.astype] = lambda x, dtype, **_: x.to(dtype)
_real = rules.elementwise(np.real, name="real", x=lambda g: g)


def _inplace(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return views.write(self, (lambda *a: function(*a, **kwargs)) if kwargs else function, args, name)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"`{name[:-1]}`, in place."
    return method


def _arithmetic(name: str, function: Callable[..., Any]) -> tuple[Any, Any, Any]:
    """An operator, its reflection, and its in-place form."""

    def reflected(self: Any, other: Any) -> Any:
        return function(other, self)

    reflected.__name__ = reflected.__qualname__ = f"__r{name}__"
    return function, reflected, _inplace(f"__i{name}__", function)


class Tensor:
    """A multi-dimensional array that remembers how it was made.

    Parameters
    ----------
    data : number, nested sequence, array or Tensor
        Copied; see `tinygrad_lite.tensor`, which is the usual way to make one.
    dtype : dtype, optional
    requires_grad : bool

    Attributes
    ----------
    grad : Tensor or None
        The accumulated gradient of a leaf.
    requires_grad : bool
        Whether operations on it are recorded.
    grad_fn : Node or None
        The operation it came from; None for leaves.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4., 6.])
    """

    __slots__ = ("_data", "_node", "_base", "_kept", "__weakref__")

    _data: np.ndarray[Any, Any]
    _node: Any
    _base: Any
    _kept: Any
    __array_priority__ = 1000

    def __new__(cls, data: Any = None, dtype: Any = None, requires_grad: bool = False) -> Tensor:
        self = object.__new__(cls)
        self._data = creation._array(() if data is None else data, dtype, True)
        self._node = self._base = None
        if requires_grad:
            self.requires_grad_()
        return self

    # --- what it is -------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the dimensions."""
        return self._data.shape

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return self._data.ndim

    @property
    def dtype(self) -> np.dtype[Any]:
        """Element type, a NumPy dtype."""
        return self._data.dtype

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self._data.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self._data.nbytes

    @property
    def device(self) -> str:
        """Always "cpu"."""
        return "cpu"

    @property
    def is_leaf(self) -> bool:
        """Made by the user, not by a recorded operation."""
        return self._node is None or self.grad_fn is None

    @property
    def grad_fn(self) -> Any:
        """The operation it came from; None for leaves."""
        node = views.node_of(self)
        return None if node is None or node.edges == () else node

    @property
    def requires_grad(self) -> bool:
        """Whether operations on it are recorded; settable on leaves."""
        return self._node is not None if self._base is None else views.current(self) is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set `requires_grad` of a leaf, and return it."""
        if requires_grad and self._node is None:
            if self._data.dtype.kind not in "fc":
                raise RuntimeError(f"requires_grad_: only floating point tensors can require grad, got {self.dtype}")
            kept, self._node = self.grad, new_leaf(self._data)
            self._node.grad = kept
        elif not requires_grad and self._node is not None:
            if not self.is_leaf:
                raise RuntimeError("requires_grad_: only leaves can be changed; use detach() for a result")
            self._kept, self._node = self._node.grad, None
        return self

    @property
    def grad(self) -> Tensor | None:
        """The accumulated gradient of a leaf, or of a tensor that retains it; None before."""
        node = self._node
        found: Tensor | None = getattr(self, "_kept", None) if node is None else getattr(node, "grad", None)
        return found

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad: must be a Tensor or None, got {type(value).__name__}")
            if value.shape != self.shape or value.dtype != self.dtype:
                raise RuntimeError(
                    f"grad: must have shape {self.shape} and dtype {self.dtype}, got {value.shape} and {value.dtype}"
                )
        if self._node is None:
            self._kept = value
        else:
            self._node.grad = value

    @property
    def data(self) -> Tensor:
        """The values without history, sharing memory; assigning replaces them."""
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        array = value._data if isinstance(value, Tensor) else np.asarray(value)
        if self._node is not None:
            if array.dtype.kind not in "fc":
                raise RuntimeError(f"data: a tensor that requires grad must stay floating point, got {array.dtype}")
            if self._node.edges == ():
                self._node.shape, self._node.dtype = array.shape, array.dtype
        self._data = array

    # --- values out ---------------------------------------------------------------------------------------------------

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """The array itself, sharing memory; an error for a tensor that requires grad, unless forced."""
        if self.requires_grad and not force:
            raise RuntimeError("numpy: can't be called on a Tensor that requires grad; use detach().numpy()")
        return self._data

    def item(self) -> Any:
        """The only element, as a Python number."""
        if self._data.size != 1:
            raise RuntimeError(f"item: a Tensor with {self._data.size} elements cannot be converted to a number")
        return self._data.item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return self._data.tolist()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __bool__(self) -> bool:
        if self._data.size != 1:
            raise RuntimeError("bool: the truth of a Tensor with several elements is ambiguous; use any() or all()")
        return bool(self._data.item())

    def __index__(self) -> int:
        if self._data.size != 1 or self._data.dtype.kind not in "iub":
            raise TypeError(f"index: only an integer Tensor of one element can be an index, got {self.dtype}")
        return int(self._data.item())

    def __format__(self, spec: str) -> str:
        return format(self._data.item(), spec) if self._data.ndim == 0 and spec else format(str(self), spec)

    def __len__(self) -> int:
        if self._data.ndim == 0:
            raise TypeError("len: a 0-d Tensor has no length")
        return len(self._data)

    def __iter__(self) -> Iterator[Tensor]:
        if self._data.ndim == 0:
            raise TypeError("iter: a 0-d Tensor cannot be iterated over")
        return iter(shaping.unbind(self))

    def __contains__(self, value: Any) -> bool:
        return bool((self._data == unwrap(value)).any())

    def __repr__(self) -> str:
        return printing.represent(self)

    __hash__ = object.__hash__

    # --- history ------------------------------------------------------------------------------------------------------

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Accumulate gradients into the leaves this tensor depends on.

        Parameters
        ----------
        gradient : Tensor, the tensor's shape, optional
            The gradient with respect to this tensor; may be missing for a scalar.
        retain_graph : bool, optional
            Keep what is needed for another pass. Default: the value of `create_graph`.
        create_graph : bool
            Record the pass, for higher derivatives.
        inputs : Tensor or sequence of Tensor, optional
            Accumulate into these only.
        """
        autograd.backward(self, gradient, retain_graph, create_graph, inputs)

    def detach(self) -> Tensor:
        """The same memory without history."""
        return wrap(self._data)  # type: ignore[no-any-return]

    def detach_(self) -> Tensor:
        """Forget the history."""
        if self._base is not None:
            raise RuntimeError("detach_: cannot detach a view in place; use detach()")
        self._node = None
        return self

    def retain_grad(self) -> None:
        """Keep the gradient of a result in its `grad`, too."""
        node = views.node_of(self)
        if node is None:
            raise RuntimeError("retain_grad: the tensor does not require grad")
        if node.edges != ():

            def keep(g: Tensor) -> None:
                before = getattr(node, "grad", None)
                node.grad = g.clone() if before is None else before + g

            _add_hook(node, keep)

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was called."""
        node = self._node
        return node is not None and any(getattr(h, "__name__", "") == "keep" for h in (node.hooks or {}).values())

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call `hook` with the gradient of this tensor when it is computed; what it returns replaces the gradient.

        Returns
        -------
        RemovableHandle
            Whose `remove()` undoes it.
        """
        node = views.node_of(self)
        if node is None:
            raise RuntimeError("register_hook: the tensor does not require grad")
        return _add_hook(node, hook)

    # --- copies and types -----------------------------------------------------------------------------------------------

    def clone(self) -> Tensor:
        """A copy, differentiably."""
        return _clone.record((self,))  # type: ignore[no-any-return]

    def contiguous(self) -> Tensor:
        """Itself where its memory is in order, else a copy."""
        return self if self._data.flags.c_contiguous else self.clone()

    def is_contiguous(self) -> bool:
        """Whether the memory is in C order."""
        return bool(self._data.flags.c_contiguous)

    def to(self, *args: Any, dtype: Any = None, copy: bool = False, **_: Any) -> Tensor:
        """Another dtype, or that of another tensor; devices are accepted and ignored."""
        for a in args:
            if isinstance(a, Tensor):
                dtype = a.dtype
            elif not (isinstance(a, (bool, int)) or (isinstance(a, str) and a.split(":")[0] in ("cpu", "cuda"))):
                dtype = a
        target = self.dtype if dtype is None else as_dtype(dtype)
        if target == self._data.dtype:
            return self.clone() if copy else self
        return _cast.record((self, target))  # type: ignore[no-any-return]

    def type_as(self, other: Tensor) -> Tensor:
        """The dtype of another tensor."""
        return self.to(other.dtype)

    def astype(self, dtype: Any) -> Tensor:
        """NumPy's name of `to`."""
        return self.to(dtype)

    def float(self) -> Tensor:
        """To float32."""
        return self.to(np.float32)

    def double(self) -> Tensor:
        """To float64."""
        return self.to(np.float64)

    def half(self) -> Tensor:
        """To float16."""
        return self.to(np.float16)

    def long(self) -> Tensor:
        """To int64."""
        return self.to(np.int64)

    def int(self) -> Tensor:
        """To int32."""
        return self.to(np.int32)

    def bool(self) -> Tensor:
        """To bool."""
        return self.to(np.bool_)

    def cpu(self) -> Tensor:
        """Itself: everything lives on the CPU."""
        return self

    def is_floating_point(self) -> Any:
        """Whether the dtype is a float."""
        return self._data.dtype.kind == "f"

    def is_complex(self) -> Any:
        """Whether the dtype is complex."""
        return self._data.dtype.kind == "c"

    # --- shape --------------------------------------------------------------------------------------------------------

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

    @property
    def T(self) -> Tensor:
        """All dimensions reversed (a view)."""
        return shaping._transpose.record((self, None))  # type: ignore[no-any-return]

    @property
    def mT(self) -> Tensor:
        """The last two dimensions swapped (a view)."""
        return shaping.transpose(self, -2, -1)  # type: ignore[no-any-return]

    reshape, flatten, unflatten = shaping.reshape, shaping.flatten, shaping.unflatten
    transpose, swapaxes, t, permute, movedim = shaping.transpose, shaping.transpose, shaping.t, shaping.permute, shaping.movedim
    squeeze, unsqueeze, expand, expand_as = shaping.squeeze, shaping.unsqueeze, shaping.expand, shaping.expand_as
    split, chunk, unbind, narrow, flip, roll = shaping.split, shaping.chunk, shaping.unbind, shaping.narrow, shaping.flip, shaping.roll
    tile, repeat, broadcast_to = shaping.tile, shaping.repeat, shaping.broadcast_to

    def view(self, *size: Any) -> Tensor:
        """`reshape` that never copies."""
        return shaping.view(self, *size)  # type: ignore[no-any-return]

    def reshape_as(self, other: Tensor) -> Tensor:
        """The shape of another tensor."""
        return shaping.reshape(self, other.shape)  # type: ignore[no-any-return]

    view_as = reshape_as

    def ravel(self) -> Tensor:
        """As a vector."""
        return shaping.reshape(self, -1)  # type: ignore[no-any-return]

    # --- brackets -----------------------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Tensor:
        return indexing.take.record((self, indexing.plain_index(key)))  # type: ignore[no-any-return]

    def __setitem__(self, key: Any, value: Any) -> None:
        key = indexing.plain_index(key)
        if not (mode.enabled and (self.requires_grad or isinstance(value, Tensor) and value.requires_grad)):
            views._check_writable(self, "setitem")
            self._data[key] = unwrap(value)
            written(self._data, "setitem", 2)
            return
        views.write(self, lambda old, new: indexing.index_put(old, new, key), (value,), "setitem")

    gather, index_select, take_along_dim = indexing.gather, indexing.index_select, indexing.take_along_dim
    masked_fill, masked_select, tril, triu = indexing.masked_fill, indexing.masked_select, indexing.tril, indexing.triu

    # --- arithmetic -----------------------------------------------------------------------------------------------------

    add, sub, subtract, mul, multiply = elementwise.add, elementwise.sub, elementwise.sub, elementwise.mul, elementwise.mul
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
    isnan, isinf, isfinite, isclose = elementwise.isnan, elementwise.isinf, elementwise.isfinite, elementwise.isclose
    logical_and, logical_or, logical_not, logical_xor = (
        elementwise.logical_and, elementwise.logical_or, elementwise.logical_not, elementwise.logical_xor,
    )  # fmt: skip

    def where(self, condition: Any, other: Any) -> Tensor:
        """Itself where the condition holds, `other` elsewhere."""
        return elementwise.where(condition, self, other)  # type: ignore[no-any-return]

    # --- reductions -----------------------------------------------------------------------------------------------------

    sum, mean, var, std, prod = reduce.sum, reduce.mean, reduce.var, reduce.std, reduce.prod
    max, min, amax, amin, argmax, argmin = (
        reduce.max, reduce.min, reduce.amax, reduce.amin, reduce.argmax, reduce.argmin,
    )  # fmt: skip
    all, any, count_nonzero = reduce.all, reduce.any, reduce.count_nonzero
    logsumexp, softmax, log_softmax, cumsum = reduce.logsumexp, reduce.softmax, reduce.log_softmax, reduce.cumsum

    def argsort(self, dim: Any = -1, descending: Any = False) -> Tensor:
        """Indices that sort along a dimension (stable)."""
        keys = -self._data if descending else self._data
        return wrap(np.argsort(keys, axis=dim, kind="stable"))  # type: ignore[no-any-return]

    # --- products -------------------------------------------------------------------------------------------------------

    matmul, mm, bmm, mv, dot, outer = linalg.matmul, linalg.mm, linalg.bmm, linalg.mv, linalg.dot, linalg.outer
    __matmul__ = linalg.matmul

    def __rmatmul__(self, other: Any) -> Tensor:
        return linalg.matmul(other, self)  # type: ignore[no-any-return]

    # --- operators and in place -----------------------------------------------------------------------------------------

    __add__, __radd__, __iadd__ = _arithmetic("add", elementwise._add)
    __sub__, __rsub__, __isub__ = _arithmetic("sub", elementwise._subtract)
    __mul__, __rmul__, __imul__ = _arithmetic("mul", elementwise.mul)
    __truediv__, __rtruediv__, __itruediv__ = _arithmetic("truediv", elementwise.true_divide)
    __pow__, __rpow__, __ipow__ = _arithmetic("pow", elementwise.pow)
    __mod__, __rmod__, __imod__ = _arithmetic("mod", elementwise.remainder)
    __floordiv__, __rfloordiv__, __ifloordiv__ = _arithmetic("floordiv", elementwise.floor_divide)
    __and__, __rand__, __iand__ = _arithmetic("and", elementwise.bitwise_and)
    __or__, __ror__, __ior__ = _arithmetic("or", elementwise.bitwise_or)
    __xor__, __rxor__, __ixor__ = _arithmetic("xor", elementwise.bitwise_xor)
    __lshift__, __rlshift__, __ilshift__ = _arithmetic("lshift", elementwise.left_shift)
    __rshift__, __rrshift__, __irshift__ = _arithmetic("rshift", elementwise.right_shift)
    __eq__, __ne__, __lt__, __le__, __gt__, __ge__ = eq, ne, lt, le, gt, ge
    __neg__, __pos__, __abs__, __invert__ = neg, elementwise.positive, abs, elementwise.bitwise_not

    add_, sub_, mul_, div_ = _inplace("add_", add), _inplace("sub_", sub), _inplace("mul_", mul), _inplace("div_", div)
    pow_, remainder_, fmod_ = _inplace("pow_", pow), _inplace("remainder_", remainder), _inplace("fmod_", fmod)
    neg_, abs_, sign_, square_ = _inplace("neg_", neg), _inplace("abs_", abs), _inplace("sign_", sign), _inplace("square_", square)
    sqrt_, rsqrt_, reciprocal_ = _inplace("sqrt_", sqrt), _inplace("rsqrt_", rsqrt), _inplace("reciprocal_", reciprocal)
    exp_, expm1_, log_, log1p_ = _inplace("exp_", exp), _inplace("expm1_", expm1), _inplace("log_", log), _inplace("log1p_", log1p)
    sin_, cos_, tan_, tanh_ = _inplace("sin_", sin), _inplace("cos_", cos), _inplace("tan_", tan), _inplace("tanh_", tanh)
    erf_, sigmoid_, relu_ = _inplace("erf_", erf), _inplace("sigmoid_", sigmoid), _inplace("relu_", relu)
    clamp_, clip_, floor_, ceil_ = _inplace("clamp_", clamp), _inplace("clip_", clamp), _inplace("floor_", floor), _inplace("ceil_", ceil)
    round_, trunc_ = _inplace("round_", round), _inplace("trunc_", trunc)
    masked_fill_, tril_, triu_ = _inplace("masked_fill_", masked_fill), _inplace("tril_", tril), _inplace("triu_", triu)

    def _overwrite(self, values: Any, name: str) -> Tensor:
        """Replace all values by new ones that do not depend on the old."""
        return views.write(self, lambda _, new: rules.wrap(new), (values,), name)  # type: ignore[no-any-return]

    def copy_(self, src: Any) -> Tensor:
        """Take the values of `src`, broadcast and cast."""
        return views.write(self, _copy_from, (src,), "copy_")  # type: ignore[no-any-return]

    def fill_(self, value: Any) -> Tensor:
        """Set all elements."""
        return views.write(self, _copy_from, (value,), "fill_")  # type: ignore[no-any-return]

    def zero_(self) -> Tensor:
        """Set all elements to zero."""
        return self.fill_(0)

    uniform_, normal_, bernoulli_ = random.uniform_, random.normal_, random.bernoulli_

    # --- NumPy ----------------------------------------------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        if self.requires_grad:
            raise RuntimeError("numpy: can't be called on a Tensor that requires grad; use detach().numpy()")
        if dtype is None and not copy:
            return self._data
        return np.array(self._data, dtype, copy=copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        if method == "reduce" and ufunc in _REDUCTIONS:
            function = _REDUCTIONS[ufunc]
            axis = kwargs.pop("axis", 0)
            return _put_out(function(*inputs, axis=axis, **kwargs), out)
        if method != "__call__" or kwargs:
            extra = f".{method}" if method != "__call__" else f" with {', '.join(kwargs)}"
            raise NotImplementedError(f"np.{ufunc.__name__}{extra} is not supported on Tensors; use .detach().numpy()")
        function = FAST.get(ufunc) or TABLE.get(ufunc)
        if function is None:
            raise _unknown(ufunc)
        return _put_out(function(*inputs), out)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        function = FAST.get(func) or TABLE.get(func)
        if function is None:
            raise _unknown(func)
        return function(*args, **kwargs)

    def __deepcopy__(self, memo: Any) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError("deepcopy: only leaves can be copied deeply; detach() first")
        copied: Tensor = object.__new__(type(self))
        memo[id(self)] = copied
        self._restore(copied, self._data.copy(), self.requires_grad, self.grad.clone() if self.grad is not None else None)
        if hasattr(self, "__dict__"):
            import copy

            copied.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return copied

    def __reduce_ex__(self, protocol: Any) -> Any:
        if not self.is_leaf:
            raise RuntimeError("pickle: only leaves can be pickled; detach() first")
        return _rebuild, (type(self), self._data, self.requires_grad, self.grad, getattr(self, "__dict__", None))

    @staticmethod
    def _restore(into: Any, data: Any, requires_grad: Any, grad: Any) -> Any:
        into._data, into._node, into._base = data, None, None
        if requires_grad:
            into.requires_grad_()
        if grad is not None:
            into.grad = grad
        return into


def _rebuild(cls: type, data: Any, requires_grad: bool, grad: Any, attributes: Any) -> Any:
    out = Tensor._restore(object.__new__(cls), data, requires_grad, grad)
    if attributes:
        out.__dict__.update(attributes)
    return out


class RemovableHandle:
    """Undoes a registration: `remove()`, or leave a ``with`` block."""

    __slots__ = ("_hooks", "_key")
    _count = [0]

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self._count[0] += 1
        self._hooks, self._key = hooks, self._count[0]
        hooks[self._key] = hook

    @property
    def id(self) -> int:
        """The key of the registration."""
        return self._key

    def remove(self) -> None:
        """Take the hook off; a second time does nothing."""
        self._hooks.pop(self._key, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def _add_hook(node: Any, hook: Any) -> RemovableHandle:
    if node.hooks is None:
        node.hooks = {}
    return RemovableHandle(node.hooks, hook)


def _copy_from(old: Any, src: Any) -> Any:
    """`src` in the shape and dtype of `old`."""
    source = src if isinstance(src, Tensor) else wrap(np.asarray(src))
    return source.to(old.dtype).broadcast_to(old.shape).clone()


def _put_out(result: Any, out: Any) -> Any:
    """NumPy's ``out=``: into a Tensor or an array, but never by dropping a graph."""
    if out is None:
        return result
    target = out[0] if isinstance(out, tuple) else out
    if result.requires_grad or (isinstance(target, Tensor) and target.requires_grad):
        raise RuntimeError("out=: not possible where a gradient is needed; use the result instead")
    unwrap(target)[...] = result._data
    written(unwrap(target), "out=", 3)
    return target


def _unknown(function: Any) -> Exception:
    name = getattr(function, "__name__", str(function))
    return NotImplementedError(
        f"np.{name} has no row in the table, so its gradient is not known; add one with "
        f"tinygrad_lite.rules.differentiable(np.{name}, argument=lambda g, ...: ...), or call it on .detach().numpy()"
    )


_REDUCTIONS = {
    np.add: reduce._sum, np.multiply: reduce._prod, np.maximum: reduce._amax, np.minimum: reduce._amin,
    np.logical_and: reduce._all, np.logical_or: reduce._any,
}  # fmt: skip

rules.bind(Tensor, views.current, views.view_of)

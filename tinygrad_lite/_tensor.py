"""`Tensor`: an array, the node it came from, and PyTorch's face on both."""

from __future__ import annotations

import builtins
import copy
import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import autograd, rules
from .dtypes import as_dtype, canonical, get_default_dtype, of
from .dtypes import dtype as DType
from .engine import blame, fast_calls, hooks, views
from .engine.door import open_doors_of
from .engine.errors import NEEDS_DETACH, NO_GRADIENT, NO_VALUES, SEVERAL, InputError, NumberError, SeveralError
from .engine.hooks import RemovableHandle as RemovableHandle
from .engine.out import into
from .graph import RETAIN, mode, named, new_leaf, uncounted, written
from .kernels.elementwise import half_precision
from .methods import Methods
from .ops.creation import creation
from .ops.indexing import index as indexing
from .ops.reduction import min_max, sums
from .ops.shape import split as split_ops
from .promotion import held
from .rules import FAST, TABLE, differentiable, unwrap, wrap
from .tensors import printing
from .tensors.devices import placement
from .tensors.memory_formats import check_format, copy_order, lies_in, order_in
from .tensors.numpy_calls import inputs_of_loop, lists_as_arrays, on_arrays, otherwise_on_arrays, unsupported
from .tensors.size import Size, size_of


@differentiable(a=lambda g: g, name="clone", numpy=np.copy, complex=True)
def _clone(a: Any, order: str = "K") -> Any:
    if order == "channels_last":
        return np.moveaxis(np.moveaxis(a, 1, -1).copy("C"), -1, 1)
    return a.copy("C" if 0 in a.strides else order)


_cast = differentiable(half_precision.cast, a=lambda g: g, name="to", complex=True)
FAST[np.astype if hasattr(np, "astype") else np.ndarray.astype] = lambda x, dtype, **_: x.to(dtype)


class Tensor(Methods):
    """A multi-dimensional array that remembers how it was made.

    Parameters
    ----------
    *data : nested sequence, array, Tensor or int
        Numbers, of the default dtype; a Tensor, whose memory is shared; or sizes, of memory as it is found. This is
        PyTorch's oldest constructor; `tinygrad_lite.tensor` is the usual way to make one.
    dtype : dtype, optional
        With it, `data` is taken as by `tinygrad_lite.tensor`; PyTorch has neither this nor the next argument here.
    requires_grad : bool
    device : "cpu", optional

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

    __slots__ = ("_data", "_node", "_view", "_kept", "__weakref__", "__dict__")

    _data: Any
    _node: Any
    _view: Any
    _kept: Any
    __array_priority__ = 1000

    def __new__(cls, *data: Any, dtype: Any = None, requires_grad: builtins.bool = False, device: Any = None) -> Tensor:
        self = object.__new__(cls)
        if dtype is None:
            self._data = creation.construct(data, get_default_dtype(), device)
        else:
            self._data = creation.tensor(data[0] if data else (), dtype, device=device)._data
        self._node = self._view = None
        if requires_grad:
            self.requires_grad_()
        return self

    # --- what it is -------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """Sizes of the dimensions."""
        return size_of[self._data.shape]

    @property
    def ndim(self) -> builtins.int:
        """Number of dimensions."""
        return self._data.ndim

    @property
    def dtype(self) -> DType:
        """Element type, which is equal to NumPy's."""
        return of(self._data.dtype)

    @property
    def itemsize(self) -> builtins.int:
        """Bytes of one element."""
        return self._data.itemsize

    @property
    def strides(self) -> tuple[builtins.int, ...]:
        """Bytes from one element to the next along each dimension, NumPy's; `stride` counts elements."""
        return self._data.strides

    @property
    def nbytes(self) -> builtins.int:
        """Bytes of all elements."""
        return self._data.nbytes

    @property
    def is_leaf(self) -> builtins.bool:
        """Made by the user, not by a recorded operation."""
        return self.grad_fn is None

    @property
    def grad_fn(self) -> Any:
        """The operation it came from; None for leaves."""
        node = views.node_of(self)
        return None if node is None or node.edges == () else named(node)

    @property
    def requires_grad(self) -> builtins.bool:
        """Whether operations on it are recorded; settable on leaves."""
        return self._node is not None if self._view is None else views.current(self) is not None

    @requires_grad.setter
    def requires_grad(self, value: builtins.bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: builtins.bool = True) -> Tensor:
        """Set `requires_grad` of a leaf, and return it."""
        node = views.node_of(self)
        if requires_grad and node is None:
            if self._data.dtype.kind not in "fc":
                raise RuntimeError(NO_GRADIENT.format(self.dtype))
            kept, self._node = self.grad, new_leaf(self._data)
            self._node.grad = kept
        elif not requires_grad and node is not None:
            if not self.is_leaf:
                raise RuntimeError("requires_grad_: only leaves can be changed; use detach() for a result")
            self._kept, self._node = self._node.grad, None
        return self

    @property
    def grad(self) -> Tensor | None:
        """The accumulated gradient of a leaf, or of a tensor that retains it; None before."""
        node = views.node_of(self)
        found: Tensor | None = getattr(self, "_kept", None) if node is None else getattr(node, "grad", None)
        return found

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad: must be a Tensor or None, got {type(value).__name__}")
            if value is self:
                raise RuntimeError("grad: a tensor cannot be its own gradient")
            if value.shape != self.shape or value.dtype != self.dtype:
                raise RuntimeError(
                    f"grad: must have shape {self.shape} and dtype {self.dtype}, got {value.shape} and {value.dtype}"
                )
        node = views.node_of(self)
        if node is None:
            self._kept = value
        else:
            node.grad = value

    @grad.deleter
    def grad(self) -> None:
        self.grad = None

    @property
    def data(self) -> Tensor:
        """The values without history, sharing memory; assigning replaces them.

        As in PyTorch, a write through it is not noticed by a backward pass that needs the old values: it computes with
        the new ones. A write through `detach` is.
        """
        return wrap(uncounted(self._data))

    @data.setter
    def data(self, value: Any) -> None:
        array = value._data if isinstance(value, Tensor) else canonical(value)
        if array.dtype.kind not in "biufc":
            raise TypeError(f"data: must be a Tensor or an array of numbers, got {type(value).__name__}")
        node = views.node_of(self)
        if node is not None:
            if array.dtype.kind not in "fc":
                raise RuntimeError(f"data: a tensor that requires grad must stay floating point, got {array.dtype}")
            if node.edges == ():
                node.shape, node.dtype = array.shape, array.dtype
            elif array.shape != self.shape or array.dtype != self.dtype:
                raise RuntimeError(
                    f"data: a result must keep its shape {self.shape} and dtype {self.dtype}, "
                    f"got {array.shape} and {array.dtype}"
                )
        self._data, self._view = array, None

    # --- values out -------------------------------------------------------------------------------------------------

    def numpy(self, *, force: builtins.bool = False) -> np.ndarray[Any, Any]:
        """The array itself, sharing memory; an error while recording if it requires grad, unless forced."""
        if not force and mode.enabled and self.requires_grad:
            raise RuntimeError(NEEDS_DETACH)
        return self._data

    def item(self) -> Any:
        """The only element, as a Python number."""
        if self._data.size != 1:
            raise SeveralError(f"item: a Tensor with {self._data.size} elements cannot be converted to a number")
        return self._data.item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return self._data.tolist()

    def __float__(self) -> builtins.float:
        return float(self._real("float"))

    def __int__(self) -> builtins.int:
        return int(self._real("int"))

    def _real(self, who: str) -> Any:
        """The number, which must be real or have no imaginary part."""
        value = self.item()
        if type(value) is complex and value.imag:
            raise NumberError(f"{who}: {value} is no real number; take its real part, imag or abs before")
        return value.real if type(value) is complex else value

    def __complex__(self) -> complex:
        return complex(self.item())

    def __bool__(self) -> builtins.bool:
        if self._data.size != 1:
            raise RuntimeError(SEVERAL if self._data.size else NO_VALUES)
        return bool(self._data.item())

    def __index__(self) -> builtins.int:
        if self._data.size != 1 or self._data.dtype.kind not in "iub":
            raise TypeError(f"index: only an integer Tensor of one element can be an index, got {self.dtype}")
        return int(self._data.item())

    def __format__(self, spec: str) -> str:
        return format(self._data.item() if self._data.ndim == 0 else str(self), spec)

    def __len__(self) -> builtins.int:
        if self._data.ndim == 0:
            raise TypeError("len: a 0-d Tensor has no length")
        return len(self._data)

    def __iter__(self) -> Iterator[Tensor]:
        if self._data.ndim == 0:
            raise TypeError("iter: a 0-d Tensor cannot be iterated over")
        return iter(split_ops.unbind(self))

    def __contains__(self, value: Any) -> builtins.bool:
        """Whether any element is equal to `value`, a number or a Tensor that broadcasts."""
        if not isinstance(value, (Tensor, np.ndarray, np.generic, builtins.complex, builtins.float, builtins.int)):
            raise InputError(f"in: a Tensor holds numbers and Tensors, not {type(value).__name__}")
        return bool((self._data == unwrap(value)).any())

    def __repr__(self) -> str:
        return printing.represent(self)

    __hash__ = object.__hash__

    # --- history ----------------------------------------------------------------------------------------------------

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: builtins.bool | None = None,
        create_graph: builtins.bool = False,
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
        autograd.backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def detach(self) -> Tensor:
        """The same memory without history."""
        return wrap(self._data)

    def detach_(self) -> Tensor:
        """Forget the history."""
        if self._view is not None:
            raise RuntimeError("detach_: cannot detach a view in place; use detach()")
        if self._node is not None:
            self._kept, self._node = self.grad, None
        return self

    def retain_grad(self) -> None:
        """Keep the gradient of a result in its `grad`, too."""
        node = views.node_of(self)
        if node is None:
            raise RuntimeError("retain_grad: the tensor does not require grad")
        if node.edges != ():
            views.retain(node)

    def _is_view(self) -> bool:
        """Whether it shares another Tensor's memory, as the result of an operation that makes views."""
        return self._view is not None and views.link(self) is not None

    @property
    def _base(self) -> Tensor | None:
        """The tensor whose memory a view shares; None for others."""
        view = views.link(self)
        base: Tensor | None = None if view is None else view.base
        return base

    @property
    def retains_grad(self) -> builtins.bool:
        """Whether `retain_grad` was called."""
        node = views.node_of(self)
        return node is not None and RETAIN in (node.hooks or ())

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
        return RemovableHandle(hooks.of(node), hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], Any]) -> RemovableHandle:
        """Call `hook` with this leaf once `backward` has added to its `grad`; its result is ignored.

        Returns
        -------
        RemovableHandle
            Whose `remove()` undoes it.
        """
        node = views.node_of(self)
        if node is None or node.edges != ():
            raise RuntimeError("register_post_accumulate_grad_hook: the tensor must be a leaf that requires grad")
        return hooks.on_accumulation(self, node, hook)

    # --- copies and types -------------------------------------------------------------------------------------------

    def clone(self, *, memory_format: Any = None) -> Tensor:
        """A copy, differentiably; the dimensions stay in their order in memory, or get that which is asked for."""
        return _clone.record((self, "K" if memory_format is None else order_in(memory_format, self._data, "clone")))

    def contiguous(self, memory_format: Any = None) -> Tensor:
        """Itself where its memory is in C order, or in the format that is asked for; else a copy that is."""
        order = copy_order(memory_format, self._data, "contiguous")
        return self if order is None else _clone.record((self, order))

    def is_contiguous(self, memory_format: Any = None) -> builtins.bool:
        """Whether the memory is in C order; with `channels_last`, in that of ``(N, ..., C)``."""
        check_format(memory_format, "is_contiguous")
        return lies_in(memory_format, self._data)

    def to(
        self,
        *args: Any,
        dtype: Any = None,
        device: Any = None,
        non_blocking: builtins.bool = False,
        copy: builtins.bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        """Another dtype, or that of another tensor; of devices there is only "cpu".

        Parameters
        ----------
        *args : dtype, device or Tensor, then `non_blocking` and `copy`
        dtype : dtype, optional
        device : "cpu", optional
        non_blocking : bool
            Accepted and ignored.
        copy : bool
            A copy also where nothing changes.
        memory_format : memory_format, optional
            The order in memory; a tensor that lies in another one is copied.

        Returns
        -------
        Tensor
        """
        dtype, copies = placement("to", args, dtype, device)
        target = self.dtype if dtype is None else as_dtype(dtype)
        if target == self._data.dtype:
            found = self.clone() if copy or copies else self
        else:
            found = _cast.record((self, target))
        return found if memory_format is None else _formatted(found, memory_format)

    def type_as(self, other: Tensor) -> Tensor:
        """The dtype of another tensor."""
        return self.to(other.dtype)

    def astype(self, dtype: Any) -> Tensor:
        """NumPy's name of `to`."""
        return self.to(dtype)

    def copy(self, order: str = "K") -> Tensor:
        """NumPy's name of `clone`, which SciPy calls on what NumPy's functions return."""
        return self.clone()

    def conjugate(self) -> Tensor:
        """NumPy's name of `conj`."""
        return self.conj()

    def float(self, memory_format: Any = None) -> Tensor:
        """To float32."""
        return _cast_to(self, np.float32, memory_format)

    def double(self, memory_format: Any = None) -> Tensor:
        """To float64."""
        return _cast_to(self, np.float64, memory_format)

    def half(self, memory_format: Any = None) -> Tensor:
        """To float16."""
        return _cast_to(self, np.float16, memory_format)

    def long(self, memory_format: Any = None) -> Tensor:
        """To int64."""
        return _cast_to(self, np.int64, memory_format)

    def int(self, memory_format: Any = None) -> Tensor:
        """To int32."""
        return _cast_to(self, np.int32, memory_format)

    def short(self, memory_format: Any = None) -> Tensor:
        """To int16."""
        return _cast_to(self, np.int16, memory_format)

    def char(self, memory_format: Any = None) -> Tensor:
        """To int8."""
        return _cast_to(self, np.int8, memory_format)

    def byte(self, memory_format: Any = None) -> Tensor:
        """To uint8."""
        return _cast_to(self, np.uint8, memory_format)

    def cfloat(self, memory_format: Any = None) -> Tensor:
        """To complex64."""
        return _cast_to(self, np.complex64, memory_format)

    def cdouble(self, memory_format: Any = None) -> Tensor:
        """To complex128."""
        return _cast_to(self, np.complex128, memory_format)

    def bool(self, memory_format: Any = None) -> Tensor:
        """To bool."""
        return _cast_to(self, np.bool_, memory_format)

    def is_floating_point(self) -> builtins.bool:
        """Whether the dtype is a float."""
        return self._data.dtype.kind == "f"

    def is_complex(self) -> builtins.bool:
        """Whether the dtype is complex."""
        return self._data.dtype.kind == "c"

    # --- brackets ---------------------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Tensor:
        key = indexing.plain_index(key)
        if type(key) is int:
            key = (key, ...)  # with the ellipsis NumPy gives a view even of one element
        elif type(key) is tuple:
            kinds = {*map(type, key)}
            if kinds <= _INTEGERS and len(key) == self._data.ndim:  # all of them, or none of no dimensions
                key = (*key, ...)
            elif not kinds <= _BASIC and (two := indexing.in_two(key, self._data.ndim)):
                return self[two[0]][two[1]]
        return indexing.take.record((self, key))

    def __setitem__(self, key: Any, value: Any) -> None:
        key = indexing.plain_index(key)
        if type(key) is int and isinstance(value, Tensor) and value._view is not None:
            indexing.refuse_shuffle()
        if not isinstance(value, Tensor):
            value = _numbers(value) if type(value) in (list, tuple) else held(value, self._data.dtype, "setitem")
        elif value._data.ndim and value._data.shape[0] == 1:  # more dimensions than the place may have
            value = value.reshape(indexing.without_ones(value._data.shape))
        if type(key) is tuple and (two := indexing.in_two(key, self._data.ndim)):
            self[two[0]][two[1]] = value
            return
        try:
            if not views.begin(self, (value,), "setitem"):
                indexing.overwrite(self._data, key, unwrap(value), "setitem")
                return
            views.write(self, lambda old, new: indexing.index_put(old, new, key), (value,), "setitem")
        except ValueError as error:
            raise error if isinstance(error, InputError) else InputError(f"setitem: {error}") from None

    # --- NumPy ------------------------------------------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        if mode.enabled and self.requires_grad:
            raise RuntimeError(NEEDS_DETACH)
        if dtype is None and not copy:
            return self._data
        return np.array(self._data, dtype, copy=copy)

    def __dlpack__(
        self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: Any = None
    ) -> Any:
        """The memory, for another library's ``from_dlpack``; see the DLPack protocol."""
        options = {"stream": stream, "max_version": max_version, "dl_device": dl_device, "copy": copy}
        if self.requires_grad:
            raise BufferError("__dlpack__: can't be shared by a Tensor that requires grad; use detach()")
        return self._data.__dlpack__(**{name: value for name, value in options.items() if value is not None})

    def __dlpack_device__(self) -> tuple[Any, Any]:
        """Where the memory is: ``(1, 0)``, the CPU."""
        return self._data.__dlpack_device__()

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        """A copy of a vector, for tables such as polars'; see Arrow's C data interface."""
        return importlib.import_module(f"{__package__}.kernels.native.arrow").c_array(self.numpy())

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        if method == "reduce" and ufunc in _REDUCTIONS:
            return _put_out(_REDUCTIONS[ufunc](*inputs, **{"axis": 0, **kwargs}), out)
        if method == "__call__" and "dtype" in kwargs and kwargs.keys() <= {"dtype", "casting"}:
            return _put_out(ufunc(*inputs_of_loop(ufunc, inputs, **kwargs)), out)
        if method != "__call__" or kwargs:
            refusal = unsupported(ufunc, method, kwargs)
            if out is not None:  # what `where` leaves out stays
                kwargs["out"] = tuple(None if target is None else np.array(unwrap(target)) for target in out)
            return _put_out(on_arrays(getattr(ufunc, method), refusal, inputs, kwargs), out)
        function: Any = FAST.get(ufunc) or TABLE.get(ufunc)
        if function is None:
            return _put_out(on_arrays(ufunc, _unknown(ufunc), inputs, {}), out)
        return _put_out(function(*inputs), out)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if (function := FAST.get(func) or TABLE.get(func)) is None:
            out = kwargs.pop("out", None)
            return _put_out(on_arrays(func, _unknown(func), args, kwargs), out)
        given, options = lists_as_arrays(func, args, kwargs)
        try:
            return function(*given, **options)
        except (TypeError, NotImplementedError) as refusal:  # an argument that NumPy's function takes, and the row not
            return _put_out(otherwise_on_arrays(func, refusal, args, kwargs), kwargs.get("out"))

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """The functions of the array API standard, `tinygrad_lite.array_api`."""
        return importlib.import_module(f"{__package__}.array_api").for_version(api_version)

    def __deepcopy__(self, memo: Any) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError("deepcopy: only leaves can be copied deeply; detach() first")
        grad = self.grad if self.grad is None or self.grad.is_leaf else self.grad.clone()
        data, grad = views.copy_with_others(self._data, memo), copy.deepcopy(grad, memo)
        copied: Tensor = rebuild(type(self), data, self.requires_grad, grad, None)
        memo[id(self)] = copied
        if hasattr(self, "__dict__"):
            copied.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return copied

    def __reduce_ex__(self, protocol: Any) -> Any:
        return rebuild, (type(self), self._data, self.requires_grad, self.grad, getattr(self, "__dict__", None))


open_doors_of(Tensor)

_INTEGERS, _BASIC = {int}, {int, slice, type(None), type(Ellipsis)}  # kinds of parts of an index


def _cast_to(tensor: Tensor, dtype: Any, memory_format: Any) -> Tensor:
    target = as_dtype(dtype)
    found = tensor if tensor._data.dtype is target else _cast.record((tensor, target))
    return found if memory_format is None else _formatted(found, memory_format)


def _formatted(tensor: Tensor, memory_format: Any) -> Tensor:
    order = copy_order(memory_format, tensor._data, "to")
    return tensor if order is None else _clone.record((tensor, order))


def rebuild(cls: type, data: Any, requires_grad: bool, grad: Any = None, attributes: Any = None) -> Any:
    """A leaf of a class on an array, without copying: what pickling, copying and `nn.Parameter` make."""
    out: Any = object.__new__(cls)
    out._data, out._node, out._view = canonical(data), None, None
    if requires_grad:
        out.requires_grad_()
    if grad is not None:
        out.grad = grad
    if attributes:
        out.__dict__.update(attributes)
    return out


def _numbers(value: Any) -> Any:
    """A nested sequence as an array. Inside it the graph of a Tensor would be lost."""
    stack = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, (list, tuple)):
            stack.extend(part)
        elif isinstance(part, Tensor) and part.requires_grad:
            raise TypeError("setitem: a list must hold no Tensor that requires grad; stack() them first")
    return np.asarray(unwrap(value))


def _put_out(result: Any, out: Any) -> Any:
    """NumPy's ``out=``: into a Tensor or an array, but never by dropping a graph."""
    if out is None:
        return result
    target = out[0] if isinstance(out, tuple) else out
    result = result if isinstance(result, Tensor) else wrap(result)
    if mode.enabled and (result.requires_grad or (isinstance(target, Tensor) and target.requires_grad)):
        raise RuntimeError("out=: not possible where a gradient is needed; use the result instead")
    np.copyto(unwrap(target), result._data, casting="same_kind")
    written(unwrap(target), "out=", 3)
    return target


def _unknown(function: Any) -> Exception:
    module = (getattr(function, "__module__", None) or "numpy").replace("numpy", "np", 1)
    name = f"{module}.{getattr(function, '__name__', function)}"
    return NotImplementedError(
        f"{name} has no row in the table, so its gradient is not known; add one with "
        f"tinygrad_lite.rules.differentiable({name}, argument=lambda g, ...: ...), or call it on .detach().numpy()"
    )


def _reductions() -> dict[Any, Any]:
    return {
        np.add: sums._sum, np.multiply: sums._prod, np.maximum: min_max._amax, np.minimum: min_max._amin,
        np.logical_and: min_max._all, np.logical_or: min_max._any,
    }  # fmt: skip


_REDUCTIONS = _reductions()

rules.bind(Tensor, views.current, views.view_of, into)
fast_calls.bind(Tensor, views.current)
blame.bind(Tensor)

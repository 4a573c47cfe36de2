"""Where a module is and of what dtype: `to`, `half`, `cuda`, `share_memory` ..., for `Module` to inherit."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tinygrad_lite import Tensor, float16, float32, float64, no_grad
from tinygrad_lite.dtypes import as_dtype
from tinygrad_lite.engine.errors import DtypeError
from tinygrad_lite.tensors.devices import device as device_of
from tinygrad_lite.tensors.devices import names_device, only_cpu, placement
from tinygrad_lite.tensors.memory_formats import check_format
from tinygrad_lite.tensors.typed_tensors import tensor_type

from .parameter import Parameter, Uninitialized
from .state_dict import BUFFER, VOLATILE

_M = TypeVar("_M", bound="Placed")
_BUFFERS = (BUFFER, VOLATILE)


def _parse_to(*args: Any, **options: Any) -> tuple[Any, Any, bool, Any]:
    """The device, dtype, `non_blocking` and memory format that arguments of `Module.to` ask for, by PyTorch's name."""
    dtype, _ = placement("to", args, options.get("dtype"), options.get("device"))
    places = ("cpu" if isinstance(each, Tensor) else each for each in args)
    place = next(filter(names_device, places), options.get("device"))
    flags = [each for each in args if isinstance(each, bool)]
    blocking = bool(options.get("non_blocking", flags[:1] == [True]))
    return None if place is None else device_of(place), dtype, blocking, options.get("memory_format")


class Placed:
    """A tree of modules whose parameters and buffers are converted, and stay where they are."""

    if TYPE_CHECKING:
        parameters: Callable[..., Iterator[Parameter]]
        buffers: Callable[..., Iterator[Tensor]]
        children: Callable[..., Iterator[Any]]
        _members: Callable[..., list[tuple[str, Any]]]
        _place_of: Callable[[str], tuple[dict[str, Any], str]]

    def to(
        self: _M,
        *args: Any,
        device: Any = None,
        dtype: Any = None,
        non_blocking: bool = False,
        memory_format: Any = None,
    ) -> _M:
        """Convert the floating-point and complex parameters and buffers, in place.

        Parameters
        ----------
        *args
            Any of: a floating or complex dtype, a Tensor whose dtype is taken, the device "cpu" or "meta"; then
            `non_blocking`.
        device : device, optional
            Only the CPU's exists; and "meta", where parameters and buffers keep their shapes without memory, and floats
            are NaN, for a module that is called with those of another (`func.functional_call`).
        dtype : dtype, optional
        non_blocking : bool
            Accepted and ignored.
        memory_format : memory_format, optional
            The same.

        Raises
        ------
        TypeError
            If the dtype is neither a floating nor a complex one.
        ValueError
            If the device is neither the CPU nor "meta".
        """
        who = f"{type(self).__name__}.to"
        check_format(memory_format, who)
        if any(_is_meta(each) for each in (*args, device)):
            args, device = tuple(each for each in args if not _is_meta(each)), None if _is_meta(device) else device
            self._apply(_without_memory)
        dtype, _ = placement(who, args, dtype, device)
        return self._apply(_same) if dtype is None else self._convert(as_dtype(dtype), "fc")

    def float(self: _M) -> _M:
        """Convert the floating-point parameters and buffers to float32, in place."""
        return self._convert(as_dtype(float32))

    def double(self: _M) -> _M:
        """Convert the floating-point parameters and buffers to float64, in place."""
        return self._convert(as_dtype(float64))

    def half(self: _M) -> _M:
        """Convert the floating-point parameters and buffers to float16, in place."""
        return self._convert(as_dtype(float16))

    def type(self: _M, dst_type: Any) -> _M:
        """Convert all parameters and buffers, those of integers too, to a dtype as `Tensor.type` takes it, in place."""
        dtype = np.dtype(as_dtype(tensor_type(dst_type, f"{type(self).__name__}.type")))
        return self._apply(functools.partial(_cast, dtype, "biufc"))

    def bfloat16(self: _M) -> _M:
        """Raise an error: NumPy has no such numbers."""
        return self._convert(tensor_type("bfloat16", f"{type(self).__name__}.bfloat16"))

    def to_empty(self: _M, *, device: Any = None, recurse: bool = True) -> _M:
        """Give memory to what has none after ``to("meta")``, or take it; the values may be anything."""
        if _is_meta(device):
            return self._apply(_without_memory, recurse)
        only_cpu(device, f"{type(self).__name__}.to_empty")
        return self._apply(_with_memory, recurse)

    def cpu(self: _M) -> _M:
        """Return the module: everything is in the CPU's memory."""
        return self._apply(_same)

    def cuda(self: _M, device: Any = None) -> _M:
        """Raise an error: there is no GPU."""
        raise RuntimeError(f"{type(self).__name__}.cuda: needs a GPU, and tinygrad_lite computes on the CPU only")

    def xpu(self: _M, device: Any = None) -> _M:
        """Raise an error: there is no GPU."""
        raise RuntimeError(f"{type(self).__name__}.xpu: needs a GPU, and tinygrad_lite computes on the CPU only")

    def share_memory(self: _M) -> _M:
        """Move the parameters and buffers to memory that forked processes share; see `Tensor.share_memory_`."""
        for tensor in [*self.parameters(), *self.buffers()]:
            tensor.share_memory_()
        return self

    def compile(self, *args: Any, **options: Any) -> None:
        """Nothing: `tinygrad_lite.compile` gives back what it is given, and this module stays what it is."""

    def _apply(self: _M, fn: Any, recurse: bool = True) -> _M:
        """Put ``fn(tensor)`` in the place of each parameter's, gradient's and buffer's values.

        All conversions come here, and to that of each child, so that a class may have its own and keep more in step.
        """
        if recurse:
            for child in self.children():
                child._apply(fn)
        for parameter in self.parameters(recurse=False):
            grad = parameter.grad
            with no_grad():
                made = fn(parameter)
                if made is not parameter:
                    parameter.grad = None
                    parameter.data = made  # the same object: an optimizer that holds it still does
                if grad is not None:
                    parameter.grad = fn(grad)
        for name, buffer in self._members(*_BUFFERS):
            if buffer is not None and (made := fn(buffer)) is not buffer:
                own, key = self._place_of(name)
                own[key] = made
        return self

    def _get_name(self) -> str:
        return type(self).__name__

    def _convert(self: _M, dtype: np.dtype[Any], kinds: str = "f") -> _M:
        if dtype.kind not in kinds:
            raise DtypeError(
                f"{type(self).__name__}.to: dtype must be a floating or a complex one, got {dtype} (nn.Module.to only "
                f"accepts floating point or complex dtypes)"
            )
        return self._apply(functools.partial(_cast, dtype, kinds))


def _cast(dtype: np.dtype[Any], kinds: str, tensor: Any) -> Any:
    """A tensor in another dtype, or itself where its kind of dtype is not one of those that are converted."""
    if tensor.dtype.kind not in kinds or tensor.dtype == dtype:
        return tensor
    if isinstance(tensor, Uninitialized):
        tensor.convert(dtype)
        return tensor
    return tensor.to(dtype)


def _same(tensor: Any) -> Any:
    return tensor


def _is_meta(value: Any) -> bool:
    return names_device(value) and str(value) == "meta"


def _without_memory(tensor: Any) -> Any:
    """A tensor of the same shape: one NaN at each place, so that nothing computed from it passes for a number."""
    if isinstance(tensor, Uninitialized) or tensor.dtype.kind not in "fc":
        return tensor
    return tensor.new_full((), np.nan).expand(tensor.shape)


def _with_memory(tensor: Any) -> Any:
    return tensor if isinstance(tensor, Uninitialized) or tensor._data.flags.writeable else tensor.clone()

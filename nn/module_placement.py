"""Where a module is and of what dtype: `to`, `half`, `cuda`, `share_memory` ..., for `Module` to inherit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tinygrad_lite import Tensor, float16, float32, float64
from tinygrad_lite.dtypes import as_dtype
from tinygrad_lite.engine.errors import DtypeError
from tinygrad_lite.tensors.devices import only_cpu, placement
from tinygrad_lite.tensors.memory_formats import check_format
from tinygrad_lite.tensors.typed_tensors import tensor_type

from .parameter import Parameter, Uninitialized
from .state_dict import BUFFER, VOLATILE

_M = TypeVar("_M", bound="Placed")
_BUFFERS = (BUFFER, VOLATILE)


class Placed:
    """A tree of modules whose parameters and buffers are converted, and stay where they are."""

    if TYPE_CHECKING:
        parameters: Callable[..., Iterator[Parameter]]
        buffers: Callable[..., Iterator[Tensor]]
        modules: Callable[..., Iterator[Any]]

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
            Any of: a floating or complex dtype, a Tensor whose dtype is taken, the device "cpu"; then `non_blocking`.
        device : device, optional
            Only the CPU's exists.
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
            If the device is not the CPU.
        """
        who = f"{type(self).__name__}.to"
        check_format(memory_format, who)
        dtype, _ = placement(who, args, dtype, device)
        return self if dtype is None else self._convert(as_dtype(dtype), "fc")

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
        """Convert the floating-point parameters and buffers to a dtype, given as `Tensor.type` takes it, in place."""
        return self._convert(tensor_type(dst_type, f"{type(self).__name__}.type"), "fc")

    def bfloat16(self: _M) -> _M:
        """Raise an error: NumPy has no such numbers."""
        return self._convert(tensor_type("bfloat16", f"{type(self).__name__}.bfloat16"))

    def to_empty(self: _M, *, device: Any = None, recurse: bool = True) -> _M:
        """Return the module: it is where it is to be, and its values may be anything."""
        only_cpu(device, f"{type(self).__name__}.to_empty")
        return self

    def cpu(self: _M) -> _M:
        """Return the module: everything is in the CPU's memory."""
        return self

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
        """Put ``fn(tensor)`` in the place of each parameter's, gradient's and buffer's values."""
        modules: list[Any] = list(self.modules()) if recurse else [self]
        for module in modules:
            for parameter in module.parameters(recurse=False):
                grad, parameter.grad = parameter.grad, None
                parameter.data = fn(parameter.data)
                parameter.grad = None if grad is None else fn(grad)
            for name, buffer in module._members(*_BUFFERS):
                if buffer is not None:
                    module.__dict__[name] = fn(buffer)
        return self

    def _get_name(self) -> str:
        return type(self).__name__

    def _convert(self: _M, dtype: np.dtype[Any], kinds: str = "f") -> _M:
        if dtype.kind not in kinds:
            raise DtypeError(
                f"{type(self).__name__}.to: dtype must be a floating or a complex one, got {dtype} (nn.Module.to only "
                f"accepts floating point or complex dtypes)"
            )
        for parameter in self.parameters():
            if isinstance(parameter, Uninitialized):
                parameter.convert(dtype)
            elif parameter.dtype.kind in kinds and parameter.dtype != dtype:
                grad, parameter.grad = parameter.grad, None
                parameter.data = parameter.data.to(dtype)  # the same object: an optimizer that holds it still does
                parameter.grad = None if grad is None else grad.to(dtype)
        for module in self.modules():
            for name, buffer in module._members(*_BUFFERS):
                if buffer is None or buffer.dtype.kind not in kinds:
                    continue
                if isinstance(buffer, Uninitialized):
                    buffer.convert(dtype)
                else:
                    module.__dict__[name] = buffer.to(dtype)
        return self

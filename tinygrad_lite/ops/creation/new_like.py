"""Methods that make a new tensor of another one's dtype."""

from __future__ import annotations

from typing import Any

from ...tensors.tensor_type import Tensor
from ..argument_names import sizes
from . import creation
from .creation import only_cpu

METHODS = "new_empty new_full new_ones new_tensor new_zeros"

__all__: list[str] = []


def _sized(name: str) -> Any:
    fill = getattr(creation, name)

    def method(
        self: Any, *shape: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Any:
        only_cpu(device, f"new_{name}")
        return fill(*shape, size=size, dtype=self.dtype if dtype is None else dtype, requires_grad=requires_grad)

    method.__name__ = method.__qualname__ = f"new_{name}"
    method.__doc__ = f"`{name}` of this tensor's dtype."
    return method


new_empty, new_zeros, new_ones = _sized("empty"), _sized("zeros"), _sized("ones")


def new_full(
    self: Any, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`full` of this tensor's dtype."""
    shape, chosen = sizes((size,), "new_full"), self.dtype if dtype is None else dtype
    return creation.full(shape, fill_value, dtype=chosen, device=device, requires_grad=requires_grad)


def new_tensor(self: Any, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """`tensor` of this tensor's dtype."""
    return creation.tensor(data, self.dtype if dtype is None else dtype, requires_grad, device)

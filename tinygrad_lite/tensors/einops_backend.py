"""einops on Tensors: the backend that it asks each library for, told to it when it is imported."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from .. import rules

_ROOM = "einops._backends"


def register_when_imported() -> None:
    """Tell einops about Tensors, now or when it is imported. Without it, nothing happens."""
    if _ROOM in sys.modules:
        _define(sys.modules[_ROOM])
    elif not any(isinstance(finder, _Watch) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Watch())


class _Watch:  # as import asks for; MetaPathFinder would load 30 modules
    """Waits for einops, finds nothing itself, and goes once that is there."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _ROOM:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            execute = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                _define(module)

            loader.exec_module = exec_module
        return spec


def _define(einops: Any) -> None:
    """A subclass is known to einops by being one."""
    if hasattr(einops, "TensorBackend"):
        return
    library: Any = sys.modules[__name__.partition(".")[0]]

    class TensorBackend(einops.AbstractBackend):  # type: ignore[misc]
        framework_name = library.__name__

        def is_appropriate_type(self, tensor: Any) -> bool:
            return isinstance(tensor, rules.Tensor)

        def from_numpy(self, x: Any) -> Any:
            return library.from_numpy(x)

        def to_numpy(self, x: Any) -> Any:
            return x.detach().numpy()

        def arange(self, start: int, stop: int) -> Any:
            return library.arange(start, stop)

        def transpose(self, x: Any, axes: Any) -> Any:
            return x.permute(axes)

        def reduce(self, x: Any, operation: str, axes: Any) -> Any:
            for axis in sorted(axes, reverse=True) if operation in ("prod", "any", "all") else ():
                x = getattr(x, operation)(axis)
            names = {"min": "amin", "max": "amax", "sum": "sum", "mean": "mean"}
            return getattr(x, names[operation])(tuple(axes)) if operation in names else x

        def stack_on_zeroth_dimension(self, tensors: Any) -> Any:
            return library.stack(tensors)

        def add_axis(self, x: Any, new_position: int) -> Any:
            return x.unsqueeze(new_position)

        def add_axes(self, x: Any, n_axes: int, pos2len: dict[int, int]) -> Any:
            sizes = [-1] * n_axes
            for position, length in pos2len.items():
                x, sizes[position] = x.unsqueeze(position), length
            return x.expand(sizes)

        def tile(self, x: Any, repeats: Any) -> Any:
            return x.repeat(repeats)

        def concat(self, tensors: Any, axis: int) -> Any:
            return library.cat(tensors, axis)

        def is_float_type(self, x: Any) -> bool:
            return bool(x.is_floating_point())

        def einsum(self, pattern: str, *x: Any) -> Any:
            return library.einsum(pattern, *x)

    einops.TensorBackend = TensorBackend  # what it knows of its subclasses does not keep them alive

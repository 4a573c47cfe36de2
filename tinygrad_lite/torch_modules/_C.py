"""``torch._C``, `_LinAlgError` in it: the few names of PyTorch's compiled part that scripts mention."""

from __future__ import annotations

from typing import Any

from ..engine.errors import LinAlgError
from ..ops.random.generator import Generator as Generator
from ..tensors.size import Size as Size
from ..transforms.overloads import disabled, nobody_asked

_LinAlgError = LinAlgError
has_lapack = True  # NumPy's


class _Idle:
    """A ``with`` block that switches off what is not there."""

    def __init__(self, *args: Any) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


_ExcludeDispatchKeyGuard = _Idle
DisableTorchFunction = DisableTorchFunctionSubclass = nobody_asked
_disabled_torch_function_impl = disabled


def _log_api_usage_once(event: str) -> None:
    """Nothing: nobody is told."""


def _get_tracing_state() -> None:
    """None: nothing is traced."""


class _Keys(type):
    """Any name is a key."""

    def __getattr__(cls, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        return name


class DispatchKey(metaclass=_Keys):
    """PyTorch's names of what a call passes through, of which nothing is here."""


class DispatchKeySet(frozenset[str]):
    """Some of these names."""

    def __new__(cls, *keys: str) -> DispatchKeySet:
        """The set of them."""
        return super().__new__(cls, keys)

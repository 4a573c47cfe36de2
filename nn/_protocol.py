"""`AnyModule`: what hooks and state dicts ask of a `Module`, for type checkers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol


class AnyModule(Protocol):
    """The members of `Module` that are called by what `Module` is made of."""

    _hooks: Any
    _kinds: dict[str, str]

    @property
    def forward(self) -> Callable[..., Any]: ...

    @property
    def get_extra_state(self) -> Callable[..., Any]: ...

    @property
    def set_extra_state(self) -> Callable[..., Any]: ...

    @property
    def state_dict(self) -> Callable[..., Any]: ...

    def _members(self, kind: str) -> Any: ...

    def _upgrade_state(self, state: dict[str, Any], prefix: str) -> None: ...

    @property
    def named_modules(self) -> Callable[..., Iterator[tuple[str, Any]]]: ...

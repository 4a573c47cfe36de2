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

    @property
    def _version(self) -> Any: ...

    @property
    def _save_to_state_dict(self) -> Callable[..., None]: ...

    @property
    def _load_from_state_dict(self) -> Callable[..., None]: ...

    @property
    def register_state_dict_post_hook(self) -> Callable[..., Any]: ...

    @property
    def register_load_state_dict_pre_hook(self) -> Callable[..., Any]: ...

    def _upgrade_state(self, state: dict[str, Any], prefix: str) -> None: ...

    @property
    def named_modules(self) -> Callable[..., Iterator[tuple[str, Any]]]: ...

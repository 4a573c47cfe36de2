"""`AnyModule`: what hooks and state dicts ask of a `Module`, for type checkers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol


class AnyModule(Protocol):
    """The members of `Module` that are called by what `Module` is made of."""

    _hooks: Any
    forward: Callable[..., Any]
    get_extra_state: Callable[..., Any]
    set_extra_state: Callable[..., Any]
    state_dict: Callable[..., Any]

    def _members(self, kind: str) -> Any: ...

    def _upgrade_state(self, state: dict[str, Any], prefix: str) -> None: ...

    def named_modules(self, *, remove_duplicate: bool = True) -> Iterator[tuple[str, Any]]: ...

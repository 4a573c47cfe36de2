"""`Members`: what of a module is registered as one kind, name -> value, as a mapping that can be written to."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from ._protocol import AnyModule


class Members(MutableMapping[str, Any]):
    """A view of a module's attributes: what is put into it is registered, unchecked, and what is deleted is gone.

    Parameters
    ----------
    module : Module
    *kinds : str
        Those that belong to it; what is new is of the first.
    """

    __slots__ = ("_kinds", "_module")

    def __init__(self, module: AnyModule, *kinds: str) -> None:
        self._module, self._kinds = module, kinds

    def __getitem__(self, name: str) -> Any:
        if self._module._kinds.get(name) not in self._kinds:
            raise KeyError(name)
        return self._module.__dict__[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self:
            self._module._kinds.pop(name, None)
            self._module._kinds[name] = self._kinds[0]
        self._module.__dict__[name] = value

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        del self._module._kinds[name]
        del self._module.__dict__[name]

    def __contains__(self, name: object) -> bool:
        return self._module._kinds.get(name) in self._kinds  # type: ignore[call-overload]

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, kind in self._module._kinds.items() if kind in self._kinds])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def copy(self) -> dict[str, Any]:
        """A dict of the same content, which is no view."""
        return dict(self)

    def __repr__(self) -> str:
        return repr(dict(self))

"""Modules that hold parameters in a list or a dict."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn, TypeVar

from tinygrad_lite import Tensor
from tinygrad_lite.engine.errors import InputError

from ...module import Module
from ...parameter import Parameter

_L = TypeVar("_L", bound="ParameterList")
_D = TypeVar("_D", bound="ParameterDict")


class _Holder(Module):
    """A container that is not called, and shows what it holds."""

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(f"{type(self).__name__} should not be called.")

    def _put(self, name: str, value: Any) -> None:
        """Set an attribute; a Tensor becomes a Parameter."""
        plain = isinstance(value, Tensor) and not isinstance(value, Parameter)
        setattr(self, name, Parameter(value.detach()) if plain else value)

    @staticmethod
    def _line(name: object, value: Any) -> str:
        if not isinstance(value, Tensor):
            return f"  ({name}): Object of type: {type(value).__name__}"
        kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
        return f"  ({name}): {kind} containing: [{value.dtype} of size {'x'.join(map(str, value.shape))}]"


class ParameterList(_Holder):
    """A list of parameters that are registered.

    Parameters
    ----------
    values : iterable, optional
        Tensors become parameters; anything else is kept as it is.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> weights = nn.ParameterList([tg.ones(2), tg.ones(3)])
    >>> [name for name, _ in weights.named_parameters()], weights[-1].shape
    (['0', '1'], (3,))
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def _name_at(self, index: int) -> str:
        position = operator.index(index)
        if not -self._size <= position < self._size:
            raise IndexError(f"index {position} is out of range for ParameterList of length {self._size}")
        return str(position % self._size)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return getattr(self, self._name_at(index))

    def __setitem__(self, index: int, value: Any) -> None:
        self._put(self._name_at(index), value)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return iter([getattr(self, str(i)) for i in range(self._size)])

    def __iadd__(self: _L, values: Iterable[Any]) -> _L:
        return self.extend(values)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]

    def append(self: _L, value: Any) -> _L:
        """Add a value at the end and return the list."""
        self._put(str(self._size), value)
        self._size += 1
        return self

    def extend(self: _L, values: Iterable[Any]) -> _L:
        """Add several values at the end and return the list."""
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(f"ParameterList.extend: values must be an iterable, got {type(values).__name__}")
        for value in list(values):
            self.append(value)
        return self

    def extra_repr(self) -> str:
        """Show a line for each value."""
        return "\n".join([self._line(i, value) for i, value in enumerate(self)])


class ParameterDict(_Holder):
    """A dict of parameters that are registered.

    Parameters
    ----------
    parameters : mapping of str to value, or iterable of such pairs, optional
        Tensors become parameters; anything else is kept as it is.

    Raises
    ------
    KeyError
        If a key is the name of one of the class's own attributes, such as "keys".

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> weights = nn.ParameterDict({"left": tg.ones(2), "right": tg.ones(3)})
    >>> list(weights), weights["right"].shape
    (['left', 'right'], (3,))
    """

    def __init__(self, parameters: Mapping[str, Any] | Iterable[Any] | None = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(f"ParameterDict: keys must be strings, got {key!r}")
        if hasattr(self, key) and key not in self._keys:
            raise KeyError(f"ParameterDict: {key!r} is an attribute of the dict itself")
        self._put(key, value)
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._keys))

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self._keys))

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __or__(self, other: Mapping[str, Any] | ParameterDict) -> ParameterDict:
        joined = self.copy()
        joined.update(other)
        return joined

    def __ior__(self: _D, other: Mapping[str, Any] | ParameterDict) -> _D:
        self.update(other)
        return self

    def copy(self) -> ParameterDict:
        """Return a dict that holds the same parameters."""
        return ParameterDict(self.items())

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, which is set to `default` where it is missing."""
        if key not in self:
            self[key] = default
        return self[key]

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or `default` where it is missing."""
        return getattr(self, key) if key in self else default

    def clear(self) -> None:
        """Remove everything."""
        for key in self:
            del self[key]

    def pop(self, key: str) -> Any:
        """Remove a key and return its value."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Remove what was added last and return it as a pair."""
        if not self._keys:
            raise KeyError("ParameterDict.popitem: the dict is empty")
        key = next(reversed(self))
        return key, self.pop(key)

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """Return a new dict with these keys, all with the same value."""
        return ParameterDict([(key, default) for key in keys])

    def keys(self) -> list[str]:
        """Return the names."""
        return list(self._keys)

    def items(self) -> list[tuple[str, Any]]:
        """Return pairs of name and value."""
        return [(key, self[key]) for key in self]

    def values(self) -> list[Any]:
        """Return the values."""
        return [self[key] for key in self]

    def update(self, parameters: Mapping[str, Any] | Iterable[Any]) -> None:
        """Add or replace values.

        Parameters
        ----------
        parameters : mapping of str to value, or iterable of pairs
        """
        if not isinstance(parameters, Iterable):
            raise TypeError(
                f"ParameterDict.update: parameters must be a mapping or an iterable of pairs, "
                f"got {type(parameters).__name__}"
            )
        pairs = parameters.items() if isinstance(parameters, Mapping | ParameterDict) else parameters
        for position, pair in enumerate(pairs):
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                kind = InputError if isinstance(pair, Iterable) else TypeError
                raise kind(f"ParameterDict.update: element {position} must be a pair (name, value), got {pair!r}")
            self[pair[0]] = pair[1]

    def extra_repr(self) -> str:
        """Show a line for each value."""
        return "\n".join([self._line(key, value) for key, value in self.items()])

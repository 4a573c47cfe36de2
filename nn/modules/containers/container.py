"""Modules that hold other modules: in a row (`Sequential`), in a list, in a dict."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from itertools import chain
from typing import Any, TypeVar, overload

from tinygrad_lite.engine.errors import InputError, RangeError

from ...module import Module
from ...module_text import bracketed, indented
from ...state_dict import MODULE

_N = TypeVar("_N", bound="_Numbered")
_S = TypeVar("_S", bound="Sequential")
_L = TypeVar("_L", bound="ModuleList")


class _Numbered(Module):
    """What `Sequential` and `ModuleList` share: submodules in order, named by their position."""

    def _children(self) -> list[tuple[str, Module]]:
        return self._members(MODULE)

    def _renumber(self, modules: Iterable[Module]) -> None:
        """Hold exactly these modules under the names "0", "1", ..."""
        modules = list(modules)
        for name, _ in self._children():
            delattr(self, name)
        self.extend(modules)

    def _name_at(self, index: int) -> str:
        children = self._children()
        position = operator.index(index)
        if not -len(children) <= position < len(children):
            raise IndexError(f"index {position} is out of range for {type(self).__name__} of length {len(children)}")
        return children[position][0]

    def _get_abs_string_index(self, idx: int) -> str:
        return self._name_at(idx)

    def __len__(self) -> int:
        return len(self._children())

    def __iter__(self) -> Iterator[Module]:
        return iter([module for _, module in self._children()])

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._name_at(index), module)

    def __delitem__(self, index: int | slice) -> None:
        modules = list(self)
        if not isinstance(index, slice):
            self._name_at(index)  # raises where there is nothing to delete
        del modules[index]
        self._renumber(modules)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]

    def append(self: _N, module: Module) -> _N:
        """Add a module at the end and return the container."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self: _N, modules: Iterable[Module]) -> _N:
        """Add several modules at the end and return the container."""
        if not isinstance(modules, Iterable):
            raise TypeError(f"{type(self).__name__}.extend: modules must be an iterable, got {type(modules).__name__}")
        for module in list(modules):
            self.append(module)
        return self

    def insert(self: _N, index: int, module: Module) -> _N:
        """Put a module before the given position, as `list.insert` does; all are numbered anew."""
        if not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        modules = list(self)
        if not -len(modules) <= index <= len(modules):
            raise RangeError(
                f"{type(self).__name__}.insert: index must be in [{-len(modules)}, {len(modules)}], got {index}"
            )
        modules.insert(index, module)
        self._renumber(modules)
        return self


class Sequential(_Numbered):
    """Modules in a row: each is called with what the one before returned.

    Parameters
    ----------
    *args : Module, or one OrderedDict of str to Module
        The modules in order; with a dict they get its names.

    Notes
    -----
    Deviations from PyTorch: `insert` numbers named modules anew instead of failing.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> model = nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10))
    >>> model
    Sequential(
      (0): Linear(in_features=784, out_features=100, bias=True)
      (1): ReLU()
      (2): Linear(in_features=100, out_features=10, bias=True)
    )
    >>> model[-1]
    Linear(in_features=100, out_features=10, bias=True)
    """

    @overload
    def __init__(self, *args: Module) -> None: ...

    @overload
    def __init__(self, arg: OrderedDict[str, Module], /) -> None: ...

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for index, module in enumerate(args):
                self.add_module(str(index), module)

    def forward(self, input: Any) -> Any:
        """Send the input through all modules."""
        for module in self:
            input = module(input)
        return input

    @overload
    def __getitem__(self, index: int) -> Module: ...

    @overload
    def __getitem__(self: _S, index: slice) -> _S: ...

    def __getitem__(self: _S, index: int | slice) -> Module | _S:
        if isinstance(index, slice):
            return type(self)(OrderedDict(self._children()[index]))
        return getattr(self, self._name_at(index))

    def pop(self, index: int) -> Module:
        """Remove the module at a position and return it."""
        module = self[index]
        del self[index]
        return module

    def __add__(self, other: object) -> Sequential:
        return Sequential(*self, *other) if isinstance(other, Sequential) else NotImplemented

    def __iadd__(self: _S, other: object) -> _S:
        return self.extend(other) if isinstance(other, Sequential) else NotImplemented

    def __mul__(self, times: int) -> Sequential:
        return Sequential(*list(self) * self._times(times)) if isinstance(times, int) else NotImplemented

    __rmul__ = __mul__

    def __imul__(self: _S, times: int) -> _S:
        return self.extend(list(self) * (self._times(times) - 1)) if isinstance(times, int) else NotImplemented

    def _times(self, times: int) -> int:
        if times <= 0:
            raise InputError(f"{type(self).__name__}: must be multiplied by a positive integer, got {times}")
        return times


class ModuleList(_Numbered):
    """A list of modules that are registered; its owner decides how they are called.

    Parameters
    ----------
    modules : iterable of Module, optional

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> nn.ModuleList(nn.Linear(3, 3) for _ in range(2))
    ModuleList(
      (0-1): 2 x Linear(in_features=3, out_features=3, bias=True)
    )
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    @overload
    def __getitem__(self, index: int) -> Module: ...

    @overload
    def __getitem__(self: _L, index: slice) -> _L: ...

    def __getitem__(self: _L, index: int | slice) -> Module | _L:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return getattr(self, self._name_at(index))

    def pop(self: _L, index: int | slice) -> Module | _L:
        """Remove the module (or the slice) and return it."""
        found = self[index]
        del self[index]
        return found

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList(chain(self, other)) if isinstance(other, Iterable) else NotImplemented

    def __iadd__(self: _L, other: Iterable[Module]) -> _L:
        return self.extend(other)

    def __repr__(self) -> str:
        """Show equal neighbours once: ``(0-2): 3 x Linear(...)``."""
        blocks: list[tuple[int, str]] = []  # first index, text
        texts = [repr(module) for module in self]
        for index, text in enumerate(texts):
            if not blocks or text != blocks[-1][1]:
                blocks.append((index, text))
        ends = [start for start, _ in blocks[1:]] + [len(texts)]
        lines = []
        for (start, text), end in zip(blocks, ends):  # an empty list has no block, but an end
            label = f"({start}): " if end == start + 1 else f"({start}-{end - 1}): {end - start} x "
            lines.append(label + indented(text))
        return bracketed(type(self).__name__, [], lines)


class ModuleDict(Module):
    """A dict of modules that are registered; its owner decides how they are called.

    Parameters
    ----------
    modules : mapping of str to Module, or iterable of such pairs, optional

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> choices = nn.ModuleDict({"relu": nn.ReLU(), "tanh": nn.Tanh()})
    >>> choices["tanh"]
    Tanh()
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def _as_dict(self) -> dict[str, Module]:
        return dict(self._members(MODULE))

    def __getitem__(self, key: str) -> Module:
        return self._as_dict()[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._as_dict())

    def __iter__(self) -> Iterator[str]:
        return iter(self._as_dict())

    def __contains__(self, key: object) -> bool:
        return key in self._as_dict()

    def clear(self) -> None:
        """Remove all modules."""
        for key in self:
            delattr(self, key)

    def pop(self, key: str) -> Module:
        """Remove a module and return it."""
        module = self[key]
        delattr(self, key)
        return module

    def keys(self) -> KeysView[str]:
        """Return the names."""
        return self._as_dict().keys()

    def items(self) -> ItemsView[str, Module]:
        """Return pairs of name and module."""
        return self._as_dict().items()

    def values(self) -> ValuesView[Module]:
        """Return the modules."""
        return self._as_dict().values()

    def update(self, modules: Mapping[str, Module] | ModuleDict | Iterable[tuple[str, Module]]) -> None:
        """Add or replace modules.

        Parameters
        ----------
        modules : mapping of str to Module, ModuleDict, or iterable of such pairs
        """
        if not isinstance(modules, Iterable):
            raise TypeError(
                f"ModuleDict.update: modules must be a mapping or an iterable of pairs, got {type(modules).__name__}"
            )
        pairs = modules.items() if isinstance(modules, Mapping | ModuleDict) else modules
        for position, pair in enumerate(pairs):
            if not isinstance(pair, Iterable) or len(pair := tuple(pair)) != 2:
                kind = InputError if isinstance(pair, tuple) else TypeError
                raise kind(f"ModuleDict.update: element {position} must be a pair (name, module), got {pair!r}")
            self[pair[0]] = pair[1]

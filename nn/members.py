"""The members of a module: mappings of them that can be written to, and PyTorch's layout, in which they are pickled."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from types import FunctionType
from typing import Any

from ._protocol import AnyModule
from .hooks import Hook, Hooks, registered
from .state_dict import BUFFER, MODULE, PARAMETER, VOLATILE

_TABLES = {PARAMETER: "_parameters", BUFFER: "_buffers", VOLATILE: "_buffers", MODULE: "_modules"}
_HOOKS = {  # the kind of hooks -> the attribute that holds them in PyTorch
    "forward_pre": "_forward_pre_hooks", "forward": "_forward_hooks", "backward_pre": "_backward_pre_hooks",
    "backward": "_backward_hooks", "save_pre": "_state_dict_pre_hooks", "save": "_state_dict_hooks",
    "load_pre": "_load_state_dict_pre_hooks", "load_post": "_load_state_dict_post_hooks",
}  # fmt: skip
_MARKS = {"with_kwargs": "_with_kwargs", "always_call": "_always_called"}  # what a hook wants, and PyTorch's suffix
_MARKED = {"forward_pre": ("with_kwargs",), "forward": ("with_kwargs", "always_call")}
_VOLATILES, _FULL = "_non_persistent_buffers_set", "_is_full_backward_hook"
_FUNCTIONS = "tinygrad_lite.ops."
_HIDDEN = "."  # which no registered name ends with


def key_of(cls: type, name: str) -> str:
    """Where the ``__dict__`` of a module has a member: under its name, unless something else is to find it.

    What a class has wins in PyTorch: a child called ``parameters`` hides no method, and is reached by what goes through
    the children alone. And a ``__getattr__`` of a class's own is called for each member, which pyro's classes rely on.
    """
    return name + _HIDDEN if asks(cls) or _has(cls, name) else name


def _has(cls: type, name: str) -> bool:
    return hasattr(cls, name) and any(name in vars(base) for base in cls.__mro__)


def asks(cls: type) -> bool:
    """Whether a class finds its members by a ``__getattr__`` of its own."""
    return getattr(cls, "__getattr__", getattr_of_members) is not getattr_of_members


def arrange(module: Any) -> None:
    """Have all members where the module's class finds them, which is another class than before."""
    own = module.__dict__
    for name in own.get("_kinds", ()):
        own[key_of(type(module), name)] = own.pop(kept(own, name))


def kept(own: Mapping[str, Any], name: str) -> str:
    """The key under which the ``__dict__`` of a module has a member already."""
    return name if name in own else name + _HIDDEN


def register(module: Any, name: str, value: Any, kind: str) -> None:
    """Give a module a member of some kind, unless its class decides otherwise.

    Raises
    ------
    AttributeError
        If the module has not been initialized.
    KeyError
        For a name that is empty or has a dot, and for a parameter or buffer that would hide what the class has.
    """
    cls, own = type(module), module.__dict__
    kinds = own.get("_kinds")
    if kinds is None:
        raise AttributeError(f"{cls.__name__}: call super().__init__() before assigning {kind} {name!r}")
    if not name or "." in name:
        raise KeyError(f"{kind} name must not be empty or contain a dot, got {name!r}")
    key = key_of(cls, name)
    if key != name and _has(cls, name):
        if getattr(getattr(cls, name), "fset", None):
            object.__setattr__(module, name, value)  # a property that can be set decides what is done with it
            return
        if kind != MODULE and kinds.get(name) != kind:
            if hasattr(module, name):
                raise KeyError(f"{cls.__name__}: attribute {name!r} already exists")
            read_by_getattr()  # a property of that name that has no value yet, and hands on to what is registered
    if key != name:
        own.pop(name, None)
    if kinds.get(name) != kind:
        kinds.pop(name, None)  # of another kind before: it goes to the end, as a new name does
        kinds[name] = kind
    own[key] = registered(module, kind, name, value)


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
        own = self._module.__dict__
        return own[kept(own, name)]

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self:
            self._module._kinds.pop(name, None)
            self._module._kinds[name] = self._kinds[0]
        self._module.__dict__[key_of(type(self._module), name)] = value

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        del self._module._kinds[name]
        del self._module.__dict__[kept(self._module.__dict__, name)]

    def __contains__(self, name: object) -> bool:
        return self._module._kinds.get(name) in self._kinds  # type: ignore[call-overload]

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, kind in self._module._kinds.items() if kind in self._kinds])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self))

    def items(self) -> Any:
        """Names and members as they are now, which can be gone through in either order."""
        return dict(self).items()

    def values(self) -> Any:
        """The members as they are now."""
        return dict(self).values()

    def replace(self, members: Mapping[str, Any]) -> None:
        """Have these in place of all that are there."""
        given = dict(members)
        for name in [each for each in self if each not in given]:
            del self[name]
        self.update(given)

    def copy(self) -> dict[str, Any]:
        """A dict of the same content, which is no view."""
        return dict(self)

    def __repr__(self) -> str:
        return repr(dict(self))


class HookTable(MutableMapping[int, Callable[..., Any]]):
    """A view of a module's hooks of one kind: their numbers and the functions, which can be deleted.

    Parameters
    ----------
    table : dict
        Where the hooks are kept.
    """

    __slots__ = ("_table",)

    def __init__(self, table: MutableMapping[int, Hook]) -> None:
        self._table = table

    def __getitem__(self, key: int) -> Callable[..., Any]:
        return self._table[key].hook

    def __setitem__(self, key: int, hook: Callable[..., Any]) -> None:
        self._table[key] = Hook(hook)

    def __delitem__(self, key: int) -> None:
        del self._table[key]

    def __iter__(self) -> Iterator[int]:
        return iter(list(self._table))

    def __len__(self) -> int:
        return len(self._table)

    def items(self) -> Any:
        """Numbers and functions as they are now: hooks may be deleted on the way."""
        return dict(self).items()


def _hooks_of(kind: str) -> property:
    def read(module: Any) -> HookTable:
        return HookTable(module._all_hooks().tables[kind])

    def write(module: Any, hooks: Mapping[int, Callable[..., Any]]) -> None:
        table = read(module)
        table.clear()
        table.update(hooks)

    def forget(module: Any) -> None:
        read(module).clear()

    return property(read, write, forget, doc=f"The hooks of the kind {kind!r}, by PyTorch's name of them.")


def _marked(kind: str, mark: str) -> property:
    def read(module: Any) -> dict[int, bool]:
        return {key: True for key, each in module._all_hooks().tables[kind].items() if getattr(each, mark)}

    return property(read, doc=f"The numbers of the hooks of the kind {kind!r} that were registered with {mark}=True.")


def to_pytorchs(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """PyTorch's layout of a module's ``__dict__``."""
    plain = dict(attributes)
    kinds, hooks = plain.pop("_kinds", {}), plain.pop("_hooks", None)
    state: dict[str, Any] = {"training": plain.pop("training", True), "_parameters": {}, "_buffers": {}}
    state[_VOLATILES] = {name for name, kind in kinds.items() if kind == VOLATILE}
    for kind, table in _HOOKS.items():
        found = OrderedDict(hooks.tables[kind]) if hooks else OrderedDict()
        state[table] = OrderedDict((key, each.hook) for key, each in found.items())
        for mark in _MARKED.get(kind, ()):
            state[table + _MARKS[mark]] = OrderedDict((key, True) for key, each in found.items() if getattr(each, mark))
    state[_FULL] = True if state["_backward_hooks"] else None
    state["_modules"] = {}
    for name, kind in kinds.items():
        state[_TABLES[kind]][name] = plain.pop(kept(plain, name))
    return {**state, **plain}


def from_pytorchs(cls: type, state: Mapping[str, Any]) -> dict[str, Any]:
    """The ``__dict__`` of a class's module of PyTorch's layout; one of our own is returned as it is."""
    plain = dict(state)
    if "_parameters" not in plain:
        return plain
    kinds: dict[str, str] = {}
    volatile = plain.pop(_VOLATILES, ())
    for kind in (PARAMETER, BUFFER, MODULE):
        for name, value in plain.pop(_TABLES[kind], {}).items():
            kinds[name] = VOLATILE if kind == BUFFER and name in volatile else kind
            plain[key_of(cls, name)] = value
    hooks = Hooks()
    for kind, table in _HOOKS.items():
        marks = {mark: plain.pop(table + _MARKS[mark], {}) for mark in _MARKED.get(kind, ())}
        for key, hook in plain.pop(table, {}).items():
            hooks.add(kind, Hook(hook, **{mark: key in keys for mark, keys in marks.items()}))
    plain.pop(_FULL, None)
    if any(hooks.tables.values()):
        plain["_hooks"] = hooks
    return {"_kinds": kinds, **plain}


class Pickled:
    """What is pickled in PyTorch's layout, and has its tables of hooks: a base of `Module`."""

    _forward_pre_hooks, _forward_hooks = _hooks_of("forward_pre"), _hooks_of("forward")
    _backward_pre_hooks, _backward_hooks = _hooks_of("backward_pre"), _hooks_of("backward")
    _state_dict_pre_hooks, _state_dict_hooks = _hooks_of("save_pre"), _hooks_of("save")
    _forward_pre_hooks_with_kwargs = _marked("forward_pre", "with_kwargs")
    _forward_hooks_with_kwargs = _marked("forward", "with_kwargs")
    _forward_hooks_always_called = _marked("forward", "always_call")
    _load_state_dict_pre_hooks, _load_state_dict_post_hooks = _hooks_of("load_pre"), _hooks_of("load_post")

    @property
    def _non_persistent_buffers_set(self) -> set[str]:
        return {name for name, kind in self.__dict__["_kinds"].items() if kind == VOLATILE}

    @_non_persistent_buffers_set.deleter
    def _non_persistent_buffers_set(self) -> None:
        """Nothing: older programs take it out of what they pickle, where it is made anew."""

    def __getstate__(self) -> dict[str, Any]:
        return {**to_pytorchs(self.__dict__), **self._pytorchs_attributes()}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(from_pytorchs(type(self), state))
        for name in self._pytorchs_attributes():
            self.__dict__.pop(name, None)

    def _place_of(self, name: str) -> tuple[dict[str, Any], str]:
        """Where a member is: what holds it, and under which key."""
        own = self.__dict__
        return own, kept(own, name)

    def __copy__(self: Any) -> Any:
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__dict__, _kinds=dict(self._kinds))
        return copied

    def __dir__(self: Any) -> list[str]:
        names = {*object.__dir__(self), *self.__dict__.get("_kinds", ())}
        return sorted(name for name in names if name.isidentifier())

    def _pytorchs_attributes(self) -> dict[str, Any]:
        """What PyTorch's layer of this name keeps besides, and needs when it is loaded."""
        return {}


# --- PyTorch's way to members ----------------------------------------------------------------------


def getattr_of_members(module: Any, name: str) -> Any:
    """`Module.__getattr__`, there once a class calls it: with it every attribute of a module is read slower."""
    own = vars(module)
    if (key := kept(own, name)) in own:
        return own[key]
    raise AttributeError(f"{type(module).__name__!r} object has no attribute {name!r}")


def unbound(cls: type) -> None:
    """Have the engine's functions that a class has as attributes take what they are given: PyTorch's are no methods.

    ``conv = F.conv2d`` in a class, called as ``self.conv(x, weight)``, gets no `self` there.
    """
    for name, value in list(vars(cls).items()):
        if type(value) is FunctionType and value.__module__.startswith(_FUNCTIONS) and "." not in value.__qualname__:
            setattr(cls, name, staticmethod(value))


def read_by_getattr() -> None:
    """Have all modules read by `getattr_of_members` what is found nowhere else, from now on."""
    Pickled.__getattr__ = getattr_of_members  # type: ignore[attr-defined]


def calls_getattr(cls: type) -> bool:
    """Whether a class has a ``__getattr__`` of its own, or a function that names it."""
    return asks(cls) or any(
        type(f) is FunctionType and "__getattr__" in f.__code__.co_names for f in vars(cls).values()
    )

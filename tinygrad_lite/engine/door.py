"""The door of every public function: NumPy's keywords, ``out=``, ``layout=`` and its like, and the words of an error.

A door is a function with the parameters of the one behind it. It is compiled when it is called first, since hundreds of
them would make the import slow, and costs 0.05 us, where one that collects ``*args, **kwargs`` would cost 0.2.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from types import CodeType, FunctionType
from typing import Any, TypeVar

import numpy as np

from .. import rules
from ..rules import TABLE
from ..tensors.memory_formats import check_placement
from ..transforms.overloads import answer_or_refuse, overloading
from .arguments import ABSENT, FACTORS, IN_FUNCTIONS, RULES, Rule, as_given, check
from .blame import blame, fits, kinds, misfit
from .errors import DtypeError
from .out import into

PAIRS = (("dim", "axis"), ("dims", "axis"), ("keepdim", "keepdims"))  # PyTorch's name, NumPy's name
PLACEMENT = ("layout", "pin_memory", "memory_format")  # of functions with `device`: checked, and not passed on
_NONE: Mapping[str, str] = {}
_F = TypeVar("_F", bound=Callable[..., Any])
_DOORS: dict[Any, FunctionType] = {}  # function or door -> door


def _closed(*args: Any, **kwargs: Any) -> Any:
    """What a door is before its first call."""
    return _build()(*args, **kwargs)  # type: ignore[call-arg]  # in the door's own globals


def door(
    function: Any,
    out: bool = False,
    numpy: bool = False,
    names: Mapping[str, str] = _NONE,
    factors: tuple[str, ...] = (),
) -> Any:
    """A function's public form.

    Parameters
    ----------
    function : callable
    out : bool
        Whether the result may be written to ``out=``.
    numpy : bool
        Whether ``axis=`` and ``keepdims=`` stand for ``dim=`` (or ``dims=``) and ``keepdim=``.
    names : mapping of str to str
        Other names of parameters, and the parameters.
    factors : tuple of str
        The keywords that PyTorch's older forms have as numbers among the tensors: see `with_factors`.

    Returns
    -------
    callable
    """
    made = _DOORS.get(function)
    if made is None:
        made = FunctionType(_closed.__code__, {"__name__": __name__}, function.__name__)
        functools.update_wrapper(made, function)
        made.__globals__["_plan"] = {"out": False, "numpy": numpy, "names": {}, "factors": factors}
        made.__globals__["_build"] = functools.partial(_build, made, function)
        _DOORS[function] = _DOORS[made] = made
    plan = made.__globals__["_plan"]
    if (out and not plan["out"]) or (numpy and not plan["numpy"]) or names or factors:
        plan |= {"out": plan["out"] or out, "numpy": plan["numpy"] or numpy, "names": {**plan["names"], **names}}
        plan["factors"] = plan["factors"] or factors
        made.__code__ = _closed.__code__
    return made


def numpy_names(function: _F) -> _F:
    """Let a function with ``dim=``, ``dims=`` or ``keepdim=`` accept NumPy's ``axis=`` and ``keepdims=`` as well."""
    opened: _F = door(function, numpy=True)
    return opened


def other_names(**names: str) -> Callable[[_F], _F]:
    """Let a function accept other names of its arguments, too, as PyTorch does where a function has several forms.

    Parameters
    ----------
    **names : str
        Such as ``sections="indices_or_sections"``.

    Returns
    -------
    callable
        A decorator.
    """

    def named(function: _F) -> _F:
        opened: _F = door(function, names=names)
        return opened

    return named


def with_factors(*factors: str) -> Callable[[_F], _F]:
    """Let a function accept factors in PyTorch's older places, too: ``addcmul(a, 0.5, b, c)``, ``add(a, 2, b)``.

    Parameters
    ----------
    *factors : str
        The keywords that they have now, in their order.

    Returns
    -------
    callable
        A decorator.
    """

    def taking(function: _F) -> _F:
        opened: _F = door(function, factors=factors)
        return opened

    return taking


def older_order(function: Any, who: str, factors: tuple[str, ...], given: tuple[Any, ...], out: Any = None) -> Any:
    """Call a function whose factors were given in PyTorch's older places as it is called now.

    Parameters
    ----------
    function : callable
    who : str
    factors : tuple of str
        The keywords that the factors have now.
    given : tuple
        All that was given by position.
    out : Tensor, optional
    """
    given = tuple(value for value in given if value is not ABSENT)
    numbers = [value for value in given if isinstance(value, (Real, complex, np.number))]
    tensors = [value for value in given if not isinstance(value, (Real, complex, np.number))]
    count = inspect.unwrap(function).__code__.co_argcount
    if not numbers or len(tensors) != count:
        raise TypeError(f"{who}() takes {count} positional arguments but {len(given)} were given")
    now = dict(zip(factors, numbers))
    warnings.warn(
        f"This overload of {who} is deprecated: give {' and '.join(now)} by name, {who}(..., {next(iter(now))}=...)",
        stacklevel=3,
    )
    keywords = now if out is None else {**now, "out": out}
    return function(*tensors, **keywords)


def open_doors(
    namespace: dict[str, Any], names: Iterable[str], out: bool = False, first: Mapping[str, str] = _NONE
) -> None:
    """Put the doors of a namespace's functions in their places, there and where they come from.

    Parameters
    ----------
    namespace : dict
        Such as ``globals()``.
    names : iterable of str
        The public ones.
    out : bool
        Whether results may be written to ``out=``.
    first : mapping of str to str
        Other names of first parameters, by these: PyTorch's manual and its functions do not always have the same.
    """
    for name in names:
        function: Any = namespace.get(name)
        if type(function) is not FunctionType or function in TABLE or function.__module__.partition(".")[0] != _ROOT:
            continue
        other = first.get(_first(function)) if first else None
        opened = namespace[name] = door(function, out, names={other: _first(function)} if other else _NONE)
        home, called = vars(sys.modules[function.__module__]), function.__name__
        if home.get(called) is function:  # or it could not be pickled
            home[called] = opened


def _first(function: FunctionType) -> str:
    return inspect.unwrap(function).__code__.co_varnames[0]


def open_doors_of(cls: type) -> None:
    """Put doors before the methods of a class, except for those that operators call, and those without arguments.

    Parameters
    ----------
    cls : type
    """
    for name, method in list(vars(cls).items()):
        if type(method) is FunctionType and method not in TABLE and not name.startswith("__") and _takes_more(method):
            setattr(cls, name, door(method))


def _takes_more(method: FunctionType) -> bool:
    code = method.__code__
    flags = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
    return code.co_argcount + code.co_kwonlyargcount > 1 or bool(code.co_flags & flags)


def open_rooms(package: str) -> None:
    """Open the doors of all modules of a package that are loaded.

    Parameters
    ----------
    package : str
    """
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{package}.") and hasattr(module, "__all__"):
            open_doors(vars(module), module.__all__)


_ROOT = __name__.partition(".")[0]


def doors() -> list[FunctionType]:
    """All that have been opened, each once."""
    return list(dict.fromkeys(_DOORS.values()))


def built(function: FunctionType) -> tuple[CodeType, dict[str, Any] | None]:
    """The code and the keywords of a public function; a door that was not called yet is compiled."""
    if function.__code__ is _closed.__code__:
        function.__globals__["_build"]()
    return function.__code__, function.__kwdefaults__


def _build(made: FunctionType, function: FunctionType) -> FunctionType:
    """Compile a door that is called for the first time."""
    source, defaults, keywords = _written(function, **made.__globals__["_plan"])
    namespace: dict[str, Any] = {}
    exec(compile(source, __file__, "exec"), namespace)  # the file's name: its frames count as the library's
    helpers = {"ABSENT": ABSENT, "_chosen": _chosen, "_missing": _missing, "_check": check, "_kind": _kind}
    helpers |= {"Tensor": rules.Tensor, "_ARRAYS": (rules.Tensor, np.ndarray)} | {
        f"_{name}": rule for name, rule in _RULES.items()
    }
    helpers |= {"_check_placement": check_placement, "_not_floating": _not_floating}
    helpers |= {"_overloading": overloading, "_answer": answer_or_refuse, "_as_given": as_given}
    made.__globals__.update(helpers, _behind=function, _into=into, _blame=blame, _door=made, _older=older_order)
    made.__defaults__, made.__kwdefaults__ = defaults, keywords
    made.__code__ = namespace["opened"].__code__.replace(co_name=function.__name__, co_qualname=function.__qualname__)
    return made


def _written(
    function: FunctionType, out: bool, numpy: bool, names: Mapping[str, str], factors: tuple[str, ...]
) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """The text of a door, and its defaults."""
    who = function.__name__
    within = inspect.unwrap(function)  # a decorated one takes what the one within it does
    code, given, given_by_name = within.__code__, within.__defaults__ or (), within.__kwdefaults__ or {}
    variables = code.co_varnames
    positional, rest = variables[: code.co_argcount], variables[code.co_argcount :]
    keywords, rest = rest[: code.co_kwonlyargcount], rest[code.co_kwonlyargcount :]
    some = [rest[0]] if code.co_flags & inspect.CO_VARARGS else []
    others = [rest[len(some)]] if code.co_flags & inspect.CO_VARKEYWORDS else []
    defaults, defaults_of_keywords = given, dict(given_by_name)
    before: list[str] = []
    extra: list[str] = []
    pairs = [(ours, theirs) for ours, theirs in PAIRS if numpy and ours in positional + keywords]
    pairs += [(ours, theirs) for theirs, ours in names.items()]
    if pairs:
        first = min([positional.index(ours) for ours, _ in pairs if ours in positional], default=len(positional))
        needed = positional[first : len(positional) - len(defaults)]  # `axis=` may stand for one without a default
        defaults = (ABSENT,) * len(needed) + defaults
        extra += [theirs for _, theirs in pairs]
        before += [
            f"if {theirs} is not ABSENT: {ours} = _chosen(_behind, {ours!r}, {ours}, {theirs!r}, {theirs})"
            for ours, theirs in pairs
        ] + [f"if {name} is ABSENT: _missing(_behind, {name!r})" for name in needed]
    if out and "out" not in positional + keywords:
        extra.append("out")
    if "device" in keywords + positional:
        placement = [name if name not in positional + keywords else None for name in PLACEMENT]
        extra += [name for name in placement if name]
        before.append(
            f"if {' or '.join(f'{name} is not None' for name in placement if name)}: "
            f"_check_placement({who!r}, {', '.join(map(str, placement))})"
        )
    others_of = {theirs for _, theirs in pairs}
    defaults_of_keywords |= {name: ABSENT if name in others_of else None for name in extra}
    before += _checks(function, positional, given, defaults_of_keywords)
    plain = len(positional) - len(defaults)
    head = [f"{p}=None" if i >= plain else p for i, p in enumerate(positional)]
    if code.co_posonlyargcount:
        head.insert(code.co_posonlyargcount, "/")
    older = [f"_older{i}" for i in range(len(factors))]
    if factors:
        head += [f"{name}=None" for name in older]
        defaults = (*defaults, *(ABSENT for _ in older))
        shown_now = f"({', '.join([*positional, *older])})"
        before.insert(0, f"if _older0 is not ABSENT: return _older(_door, {who!r}, {factors!r}, {shown_now}, "
                         f"{'out' if 'out' in extra else None})")  # fmt: skip
    if some or keywords or extra:
        head.append(f"*{some[0]}" if some else "*")
    head += [f"{k}=None" if k in defaults_of_keywords else k for k in (*keywords, *extra)]
    head += [f"**{others[0]}"] if others else []
    passed = [*positional, *(f"*{s}" for s in some), *(f"{k}={k}" for k in keywords), *(f"**{o}" for o in others)]
    call = ", ".join(passed)
    if "out" in extra:
        before.append(f"if out is not None: return _into(out, {who!r}, _behind, {call})")
    known = [*positional, *some, *keywords]
    named, by_name = (f"({''.join(f'{n}, ' for n in names)})" for names in (positional, keywords))
    listed = f"{named}, {some[0] if some else ()}, {by_name}, {others[0] if others else None}"
    shown = f"{tuple(known)!r}, ({''.join(f'{n}, ' for n in known)})"
    lines = [
        f"def opened({', '.join(head)}):",
        "    try:",
        *(f"        {line}" for line in before),
        f"        return _behind({call})",
        "    except Exception as _error:",
        f"        if _asked := _overloading(_door, ({''.join(f'{name}, ' for name in known)})):",
        f"            return _answer(_door, _asked, *_as_given(_behind, {listed}))",
        f"        raise _blame(_error, {who!r}, {shown}, _behind)",
    ]
    return "\n".join(lines) + "\n", defaults, defaults_of_keywords


def _checks(
    function: FunctionType, positional: tuple[str, ...], defaults: tuple[Any, ...], keywords: dict[str, Any]
) -> list[str]:
    """Lines for the arguments that would work silently whatever they are: their names, annotations, docstring and
    defaults say what they are to be.
    """
    who, lines, described, within = function.__name__, [], kinds(function), inspect.unwrap(function)
    given = dict(zip(positional[len(positional) - len(defaults) :], defaults)) | keywords
    for name in positional[: len(positional) - len(defaults)]:
        kind = described.get(name, "")
        if name in IN_FUNCTIONS and kind.startswith("float"):
            lines.append(f"_check({who!r}, {name!r}, {name}, _{name})")
        elif _ONE_NUMBER.match(kind):
            lines.append(f"if type({name}) is not float and type({name}) is not int: "
                         f"_check({who!r}, {name!r}, {name}, _number)")  # fmt: skip
        elif kind.startswith("Tensor"):
            none = f"{name} is not None and " if "None" in kind or "optional" in kind else ""
            lines.append(f"if {none}type({name}) is not Tensor and not isinstance({name}, _ARRAYS): "
                         f"_kind({who!r}, {name!r}, {name}, {kind!r})")  # fmt: skip
            if within.__annotations__.get(name) in FLOATING:
                lines.append(f"if type({name}) is Tensor and {name}._data.dtype.kind in 'iub': "
                             f"_not_floating({who!r}, {name!r}, {name})")  # fmt: skip
        elif kind in _PLAIN:
            lines.append(f"if type({name}) is not {kind}: _check({who!r}, {name!r}, {name}, _{_PLAIN[kind]})")
    for name, default in given.items():
        kind = described.get(name, "")
        none = f"{name} is not None and " if default is None or "None" in kind else ""
        check = f"_check({who!r}, {name!r}, {name}, _"
        if type(default) is bool or _FLAGS.match(kind):
            lines.append(f"if {none}{name} is not True and {name} is not False: {check}flag)")
        elif name in FACTORS and not kind and type(default) in (int, float):
            lines.append(f"if type({name}) is not int and type({name}) is not float: {check}factor)")
        elif kind.startswith("Tensor") and "or " not in kind:
            lines.append(f"if {name} is not None and not isinstance({name}, _ARRAYS): "
                         f"_kind({who!r}, {name!r}, {name}, 'Tensor')")  # fmt: skip
        elif name in IN_FUNCTIONS:
            lines.append(f"if {none}(type({name}) is not float or not {name} > 0): {check}{name})")
        elif (one := _ONE_NUMBER.match(kind)) or type(default) is float:
            rule = "real" if not one else "float" if type(default) is float else "number"
            lines.append(f"if {none}type({name}) is not float and type({name}) is not int: {check}{rule})")
        elif type(default) is int and kind == "int":
            lines.append(f"if type({name}) is not int: {check}integer)")
    return lines


FLOATING = ("Floating", "FloatingTensor")  # of `tensors.row_types`: what a row declares its argument to be
_PLAIN = {"int": "integer", "bool": "flag"}
_FLAGS = re.compile(r"^bool(, optional| or None)?$")
_REAL = Rule("a real number", lambda v: isinstance(v, (Real, np.number)) or hasattr(v, "dtype"))
_FLOAT = Rule("a real number", lambda v: isinstance(v, (Real, np.number)) or getattr(v, "ndim", 1) == 0)
_ONE_NUMBER = re.compile(r"^(number|float)\b(?!.* or (?!None))(?!.*(Tensor|sequence|tuple|list))")
_RULES = {**RULES, "float": _FLOAT, "real": _REAL}


def _kind(who: str, name: str, value: Any, kind: str) -> None:
    if not isinstance(value, rules.Tensor) and not fits(kind, value):  # a Parameter comes this way, and often
        raise TypeError(f"{who}: {misfit(name, value, kind)}")


def _not_floating(who: str, name: str, value: Any) -> None:
    raise DtypeError(f"{who}: the {name} must be floating point, got {value.dtype}")


def _chosen(function: FunctionType, ours: str, value: Any, theirs: str, alias: Any) -> Any:
    default = inspect.signature(function).parameters[ours].default
    if value is not ABSENT and value is not default:
        raise TypeError(f"{function.__name__}: give {ours} or {theirs}, not both")
    return alias


def _missing(function: FunctionType, name: str) -> None:
    raise TypeError(f"{function.__name__}() missing 1 required argument: {name!r}")

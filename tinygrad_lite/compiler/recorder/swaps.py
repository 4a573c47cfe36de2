"""What stands in the engine's places while anything is recorded: the same functions, which tell the recorder.

Eager calls pay nothing for it, since outside of recordings the engine is as it was. The places: the rows of the table
and their rules, the few helpers of the engine that compute on arrays between them, draws of random numbers, methods
that change Python objects (`effects`: they are called again in a replay), and the doors through which values of arrays
get into Python, where they might decide what happens next.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from itertools import chain
from types import FunctionType
from typing import Any, Protocol

from ... import rules
from ...kernels.elementwise.half_precision import SCALING
from ...kernels.native.forks import lock
from ...kernels.single_precision import half_rules
from ...ops.indexing import index_keys
from ...ops.random.generator import Generator
from ...rules import FAST, TABLE, Op
from ...tensors import numpy_calls
from ...transforms.effects import WATCH
from . import watching
from .recording import LOCAL, Recorder, recorded
from .tables import DOORS, DRAWS, EFFECTS, HELPERS, SHAPED_BY_VALUES, STORES

_PACKAGE = __name__.partition(".")[0]
Place = tuple[Callable[[Any], None], Any, Any]  # how to set it, what stands there, what is to stand there


def _attribute(holder: Any, name: str, value: Any, plain: Any = None) -> Place:
    return functools.partial(setattr, holder, name), getattr(holder, name) if plain is None else plain, value


def ops() -> Iterator[Op]:
    """The rows of the table, once each."""
    for op in {id(op): op for op in TABLE.values() if isinstance(op, Op)}.values():
        op._bound()
        yield op


def fast_calls() -> Iterator[tuple[Any, Place]]:
    """The fast calls, and the place where each keeps its function."""
    for call in {id(c): c for c in (*TABLE, *FAST.values())}.values():
        code = getattr(call, "__code__", None)
        if code is not None and "function" in code.co_freevars:
            cell = call.__closure__[code.co_freevars.index("function")]  # type: ignore[index]  # as it has such names
            if callable(cell.cell_contents):
                yield call, (functools.partial(setattr, cell, "cell_contents"), cell.cell_contents, None)


def _rows() -> Iterator[Place]:
    """Functions and rules of the table, and what the fast calls keep of them."""
    for op in ops():
        traced = recorded(op.function, op.name)
        if op.function in SCALING:
            traced = watching.scaling(op.function, traced, recorded(watching.in_half(op.function), op.name))
        yield _attribute(op, "function", traced)
        if op.together is not None:
            yield _attribute(op, "together", recorded(op.together, f"{op.name}'", "rule"))
        for rule in chain(op.rules, *half_rules(op)):
            yield _attribute(rule, "vjp", recorded(rule.vjp, f"{op.name}'", "rule"))
    for call, (put, plain, _) in fast_calls():
        name = call.__name__
        yield put, plain, watching.fast(recorded(plain, name), recorded(watching.in_half(plain), name))


def everywhere(values: dict[int, Any]) -> Iterator[Place]:
    """All names of the package's modules that mean one of some functions, or the door before it: id -> what comes."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] != _PACKAGE or module is None or name.startswith(f"{_PACKAGE}.compiler"):
            continue
        for called, what in list(vars(module).items()):
            if callable(what) and not isinstance(what, type):
                value = values.get(id(what)) or values.get(id(getattr(what, "__wrapped__", None)))
                if value is not None:
                    yield _attribute(module, called, value, what)


def _helpers() -> Iterator[Place]:
    values: dict[int, Any] = {}
    for module, names in HELPERS.items():
        home = sys.modules.get(f"{_PACKAGE}.{module}")
        for name in names if home is not None else ():  # some are imported late
            plain = getattr(home, name)
            kind = "draw" if name in DRAWS else "store" if name in STORES else "helper"
            traced = recorded(plain, name.strip("_"), kind)
            value = watching.helper(plain, traced, name) if module.startswith(("ops.", "masked")) else traced
            values[id(plain)] = values[id(getattr(plain, "__wrapped__", plain))] = value  # there may be a door
    for module, names in SHAPED_BY_VALUES.items():
        home = sys.modules.get(f"{_PACKAGE}.{module}")
        for name in names if home is not None else ():
            plain = getattr(home, name)
            values[id(plain)] = watching.refusing(plain, f"{name}, whose shapes depend on values,")
    on_arrays = numpy_calls.on_arrays
    values[id(rules.unwrap)] = watching.unwrap_watched
    values[id(rules.conjugate)] = watching.conjugate_watched
    values[id(index_keys._plain)] = watching.index_part
    values[id(on_arrays)] = watching.refusing(on_arrays, "a NumPy function without a row")
    yield from everywhere(values)
    autograd = sys.modules[f"{_PACKAGE}.autograd"]
    yield _attribute(Op, "_of_arrays", watching.of_arrays_watched)
    yield functools.partial(setattr, WATCH, "call"), None, watching.again
    yield _attribute(autograd, "accumulate", watching.accumulate_watched)
    yield _attribute(autograd, "own", watching.own_watched)
    yield _attribute(autograd, "_call_hooks", watching.refusing(autograd._call_hooks, "a hook on a gradient"))
    yield _attribute(autograd, "_seeds", watching.seeds_watched)
    yield _attribute(autograd, "add", watching.added)
    yield _attribute(autograd, "_tensor", watching.tensor_watched)
    yield _attribute(autograd, "_through_graph", watching.through_graph_watched)


def _tensors() -> Iterator[Place]:
    for name in DOORS:
        yield _attribute(rules.Tensor, name, watching.door(getattr(rules.Tensor, name), name))
    yield _attribute(rules.Tensor, "__setitem__", watching.set_item)
    yield _attribute(rules.Tensor, "grad", property(watching.get_grad, watching.set_grad))


def _effects() -> Iterator[Place]:
    for path, names in EFFECTS.items():
        module, _, name = path.rpartition(".")
        home = sys.modules.get(f"{_PACKAGE}.{module}")
        if home is not None:
            for cls in below(getattr(home, name)):
                for method in names:
                    if isinstance(vars(cls).get(method), FunctionType):
                        yield _attribute(cls, method, watching.effect(vars(cls)[method], f"{cls.__name__}.{method}"))
    for name in ("get_state", "state_dict", "load_state_dict", "initial_seed"):
        yield _attribute(Generator, name, watching.random_state(getattr(Generator, name)))
    hooks = sys.modules.get(f"{_PACKAGE}.nn.module")
    if hooks is not None:
        yield _attribute(
            hooks,
            "call_with_hooks",
            watching.hooks_refused(hooks.call_with_hooks, sys.modules[f"{_PACKAGE}.nn.hooks"].hooks_of),
        )


def below(cls: type) -> Iterator[type]:
    yield cls
    children: list[type] = cls.__subclasses__()
    for child in children:
        yield from below(child)


# --- putting them there -----------------------------------------------------------------------------------------------


class Guest(Protocol):
    """Who else puts something in places of the engine, and takes it away while anything is recorded."""

    def put(self) -> None: ...

    def take_away(self) -> None: ...


_lock = lock()
_places: list[Place] = []
_guests: list[Guest] = []
_work: dict[str, Any] = {"recordings": 0, "sizes": None}


def _sizes() -> Any:
    """What changes when there are new places."""
    optimizer = sys.modules.get(f"{_PACKAGE}.optim.optimizer")
    classes = 0 if optimizer is None else sum(1 for _ in below(optimizer.Optimizer))
    return len(sys.modules), len(TABLE), len(FAST), classes


def _find() -> None:
    sizes = _sizes()
    if _work["sizes"] != sizes:
        _places[:] = [*_rows(), *_helpers(), *_tensors(), *_effects()]
        _work["sizes"] = sizes


def enter(recorder: Recorder) -> None:
    """Record what this thread does, until `leave`."""
    with _lock:
        if _work["recordings"] == 0:
            for guest in _guests:
                guest.take_away()
            _find()
            for put, _, ours in _places:
                put(ours)
        _work["recordings"] += 1
    LOCAL.recorder = recorder


def restore(places: list[Place], loaded: bool = True) -> None:
    """Have what stood in the places there again, also in modules that were `loaded` meanwhile and have taken ours."""
    for put, plain, _ in places:
        put(plain)
    if loaded:
        ours = {id(value): plain for _, plain, value in places if callable(value)}
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] == _PACKAGE and not name.startswith(f"{_PACKAGE}.compiler"):
                for called, what in list(vars(module).items()):
                    if id(what) in ours:
                        setattr(module, called, ours[id(what)])


def leave() -> bool:
    """End this thread's recording; returns whether modules were loaded meanwhile, of which it could see nothing."""
    LOCAL.recorder = None
    with _lock:
        loaded = _work["sizes"] != _sizes()
        _work["recordings"] -= 1
        if _work["recordings"] == 0:
            restore(_places, loaded)
            for guest in _guests:
                guest.put()
    return loaded


def invite(guest: Guest) -> None:
    """Let somebody else put something there, until `dismiss`."""
    with _lock:
        _guests.append(guest)
        if _work["recordings"] == 0:
            guest.put()


def dismiss(guest: Guest) -> None:
    """Have it taken away."""
    with _lock:
        _guests.remove(guest)
        if _work["recordings"] == 0:
            guest.take_away()

"""What a module is made of: `loads`, `pickles`, `shares`, `hides`."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import Any

from ... import rules
from ...autograd import no_grad
from ..modules import is_module
from .breach import Breach
from .trial import Call, Trial, same


def _disturb(module: Any) -> None:
    with no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.dtype.kind in "fc":
                tensor._data[...] += 0.5


def loads(trial: Trial) -> Iterator[Breach]:
    """A module that has loaded the state dict of another is the same to the bit."""
    call = trial.copied()
    before = call.plain()
    other = Call(copy.deepcopy(call.module), call.args, call.keywords)
    _disturb(other.module)
    other.module.load_state_dict(call.module.state_dict())
    if not same(before, other.plain()):
        yield Breach("state dict", "a copy that has loaded the state dict gives other results")
    one, two = call.module.state_dict(), other.module.state_dict()
    if list(one) != list(two) or not same(*([d[k] for k in one] for d in (one, two))):
        yield Breach("state dict", "a copy that has loaded the state dict has another")


def pickles(trial: Trial) -> Iterator[Breach]:
    """A module comes back from pickle and deepcopy the same to the bit, if its class can be found at all."""
    call = trial.copied()
    before = call.plain()
    local = not all(_can_be_found(type(m)) for m in call.module.modules())
    ways: dict[str, Callable[[Any], Any]] = {
        "deepcopy": copy.deepcopy,
        "pickle": lambda m: pickle.loads(pickle.dumps(m)),
    }
    for kind, way in list(ways.items())[: 1 if local else 2]:
        try:
            other = Call(way(call.module), call.args, call.keywords)
        except Exception as error:
            yield Breach(kind, f"{type(error).__name__}: {error}")
            continue
        if not same(before, other.plain()):
            yield Breach(kind, f"what comes back from {kind} gives other results")


def _can_be_found(kind: type) -> bool:
    """Whether a class stands where its name says: not inside of a function."""
    found: Any = sys.modules.get(kind.__module__)
    for name in kind.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is kind


def shares(trial: Trial) -> Iterator[Breach]:
    """What is done to a copy does not reach the module."""
    call = trial.copied()
    before = call.plain()
    other = Call(copy.deepcopy(call.module).train(), call.args, call.keywords)
    _disturb(other.module)
    other.plain()
    if not same(before, call.plain()):
        yield Breach("shared between copies", "training a copy of the module changes the module: they share memory")


def hides(trial: Trial) -> Iterator[Breach]:
    """Parameters and modules that lie where `parameters()` does not see them."""
    module = trial.module
    known = {id(x) for x in (*module.modules(), *module.parameters(), *module.buffers())}
    for path, owner in module.named_modules():
        for name, value in vars(owner).items():
            if name in ("_parameters", "_buffers", "_modules"):
                continue
            place = f"{path}.{name}" if path else name
            for inside in value.values() if isinstance(value, dict) else _inside(value):
                if id(inside) not in known and _learns(inside):
                    what = "a module" if is_module(inside) else "a tensor that requires grad"
                    yield Breach(
                        "not registered", f"{place} holds {what} that parameters() and state_dict() do not see"
                    )
                    break


def _inside(value: Any) -> Any:
    return value if isinstance(value, (list, tuple, set)) else (value,)


def _learns(value: Any) -> bool:
    if is_module(value):
        return any(True for _ in value.parameters())
    return isinstance(value, rules.Tensor) and value.requires_grad and value.is_leaf

"""`Compiled.check`: one call both ways from the same state."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from .. import rules
from ..ops.random.generator import default_generator
from ..transforms import pytree
from .guards.python_state import Python
from .recorder.calls import CompileError


class Moment:
    """The values that a function's state has, to be put back.

    Parameters
    ----------
    state : Python
        What the function's state leads to.
    arguments : list of Tensor
    """

    def __init__(self, state: Python, arguments: list[Any]) -> None:
        named = {f"argument {i}": t for i, t in enumerate(arguments)} | state.tensors
        self._tensors = [(path, t, t._data.copy(), _copied(t.grad)) for path, t in named.items()]
        objects = [v for v in state.kept if hasattr(type(v), "load_state_dict") and hasattr(type(v), "state_dict")]
        self._objects = [(v, copy.deepcopy(v.state_dict())) for v in objects if not hasattr(v, "named_modules")]
        self._random = default_generator.state_dict()

    def restore(self) -> None:
        """Put them back."""
        for _, tensor, data, grad in self._tensors:
            tensor._data[...] = data
            tensor.grad = _copied(grad)
        for held, state in self._objects:
            held.load_state_dict(copy.deepcopy(state))
        default_generator.load_state_dict(self._random)

    def values(self) -> dict[str, Any]:
        """All bits, by name."""
        found: dict[str, Any] = {"random numbers": repr(default_generator.state_dict())}
        for path, tensor, _, _ in self._tensors:
            found[path] = bits(tensor)
            found[f"{path}.grad"] = bits(tensor.grad)
        return found


def _copied(grad: Any) -> Any:
    return None if grad is None else rules.wrap(grad._data.copy())


def bits(value: Any) -> Any:
    """What two results have in common if they are equal in every bit."""
    if isinstance(value, rules.Tensor):
        return value._data.shape, value._data.dtype.str, value._data.tobytes()
    return repr(value)


def both_ways(compiled: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Compare an eager and a replayed call from one state, and leave the eager one's."""
    tensors = [v for v in pytree.leaves((args, kwargs)) if isinstance(v, rules.Tensor)]
    moment = Moment(Python(compiled._roots(args, kwargs), compiled._names), tensors)

    def run(call: Callable[..., Any]) -> dict[str, Any]:
        out = pytree.leaves(call(*args, **kwargs))
        return {f"result {i}": bits(v) for i, v in enumerate(out)} | moment.values()

    replayed: dict[str, Any] = {}
    for _ in range(4):  # until there is a program
        before = compiled.hits()
        replayed = run(compiled)
        moment.restore()
        if compiled.hits() > before:
            break
    else:
        why = next(iter(compiled.explain().refusals), "its recordings differ")
        raise CompileError(f"{compiled.name}: there is no program to check: {why}")
    eager = run(compiled.wrapped)
    wrong = [name for name in eager if eager[name] != replayed.get(name)]
    if wrong:
        raise AssertionError(f"{compiled.name}: the replay differs in {', '.join(wrong[:5])}")

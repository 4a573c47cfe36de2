"""What watches the engine while a profile is made: its own functions, with a clock around them.

While none is made the engine is as it was, and pays nothing. The places are those of `compiler.recorder.swaps`: rows of
the table, their rules, and what the fast calls keep of them; and the steps of optimizers, replays of compiled
functions, the adding up of gradients, random draws and writes in place.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import chain
from time import perf_counter_ns
from types import FunctionType
from typing import Any

import numpy as np

from .. import autograd
from ..compiler.compiled import Compiled
from ..compiler.recorder import swaps
from ..compiler.recorder.tables import HELPERS
from ..graph import OFF, caller, memory
from ..kernels.single_precision import half_rules
from .events import Event
from .multiply_adds import multiply_adds

_HELPERS = {  # functions beside the rows that take time, and what they are called in a profile
    "uniform": "random uniform", "gaussian": "random normal", "mask_of": "random mask", "store": "write in place",
}  # fmt: skip
_TOKEN = "profiler"  # its place among those who are asked at every operation: then all nodes know their lines
_RUN, _SUM = autograd._run.__code__, autograd.Pieces.sum.__code__


class _Local(threading.local):
    def __init__(self) -> None:
        self.inside: list[int] = []  # of each call that is running: the time of the calls in it


_local = _Local()


class Watch:
    """Notes what the engine calls, in all threads, between `start` and `stop`.

    Parameters
    ----------
    shapes : bool
        Note the shapes of arguments.
    """

    def __init__(self, shapes: bool) -> None:
        self.events: list[Event] = []
        self._shapes = shapes
        self._places: list[swaps.Place] = []
        self._since = 0

    def start(self) -> None:
        """Begin."""
        OFF.add(_TOKEN)
        swaps.invite(self)

    def stop(self) -> None:
        """End; the engine is as it was."""
        swaps.dismiss(self)
        OFF.discard(_TOKEN)

    def put(self) -> None:
        """Put the clocks in their places."""
        if self._since:
            thread = threading.get_ident()
            self.events.append(Event("compile: recording", self._since, perf_counter_ns(), 0, thread, 0, (), None))
        self._places = list(self._find())
        for place, _, ours in self._places:
            place(ours)

    def take_away(self) -> None:
        """Have the engine as it was, at the end or while a function is recorded."""
        self._since = perf_counter_ns()
        swaps.restore(self._places)
        self._places.clear()

    # --- places -----------------------------------------------------------------------------------------------------

    def _find(self) -> Iterator[swaps.Place]:
        for op in swaps.ops():
            yield self._attribute(op, "function", op.name, caller)
            if op.together is not None:
                yield self._attribute(op, "together", f"{op.name} backward", None)
            for rule in chain(op.rules, *half_rules(op)):
                yield self._attribute(rule, "vjp", f"{op.name} backward", _forward_line)
        for call, (put, plain, _) in swaps.fast_calls():
            yield put, plain, self.timed(plain, call.__name__, caller)
        yield from swaps.everywhere(
            {
                id(plain): self.timed(plain, _HELPERS[name], caller)
                for module, names in HELPERS.items() for name in names
                if name in _HELPERS and (plain := getattr(sys.modules[f"tinygrad_lite.{module}"], name))
            }
        )  # fmt: skip
        yield self._attribute(autograd, "accumulate", "accumulate", None)
        yield self._attribute(Compiled, "_replay", "compiled", caller, lambda self, *_: f"compiled {self.name}")
        optimizer = sys.modules.get("tinygrad_lite.optim.optimizer")
        for cls in () if optimizer is None else swaps.below(optimizer.Optimizer):
            if isinstance(vars(cls).get("step"), FunctionType):
                yield self._attribute(cls, "step", "step", caller, lambda self, *_: f"{type(self).__name__}.step")

    def _attribute(
        self, holder: Any, name: str, called: str, line: Any, namer: Callable[..., str] | None = None
    ) -> swaps.Place:
        plain = getattr(holder, name)
        return functools.partial(setattr, holder, name), plain, self.timed(plain, called, line, namer)

    # --- the clock --------------------------------------------------------------------------------------------------

    def timed(
        self, function: Any, name: str, line: Callable[[int], Any] | None, namer: Callable[..., str] | None = None
    ) -> Any:
        """The function, of which each call is noted."""

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            inside = _local.inside
            inside.append(0)
            out = None
            begin = perf_counter_ns()
            try:
                out = function(*args, **kwargs)
                return out
            finally:
                end = perf_counter_ns()
                below = inside.pop()
                if inside:
                    inside[-1] += end - begin
                where = None if line is None else line(2)
                shapes = tuple(np.shape(a) for a in args if isinstance(a, np.ndarray)) if self._shapes else ()
                called = name if namer is None else namer(*args)
                thread = threading.get_ident()
                size, work = _new_bytes(out, args), multiply_adds(called, out, args)
                self.events.append(Event(called, begin, end, below, thread, size, shapes, where, work))

        return call

    def mark(self, name: str, begin: int) -> None:
        """Note a block that has a name."""
        end, below, inside = perf_counter_ns(), _local.inside.pop(), _local.inside
        if inside:
            inside[-1] += end - begin
        self.events.append(Event(name, begin, end, below, threading.get_ident(), 0, (), caller(2)))

    @staticmethod
    def enter() -> int:
        """Begin such a block."""
        _local.inside.append(0)
        return perf_counter_ns()


def _forward_line(depth: int) -> Any:
    """The line of the operation whose rule is called: the backward pass has its node at hand."""
    frame: Any = sys._getframe(depth)
    while frame is not None and frame.f_code is not _RUN:
        if frame.f_code is _SUM:  # of many
            return None
        frame = frame.f_back
    return None if frame is None else frame.f_locals["node"].where


def _new_bytes(out: Any, args: tuple[Any, ...]) -> int:
    """The memory that a call's results have and its arguments have not."""
    if isinstance(out, (tuple, list)):
        return sum(_new_bytes(part, args) for part in out)
    if not isinstance(out, np.ndarray):
        return out.nbytes if isinstance(out, np.generic) else 0
    owner = memory(out)
    return 0 if any(isinstance(a, np.ndarray) and memory(a) is owner for a in args) else out.nbytes

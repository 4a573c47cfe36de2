"""`Compiled`: a function that is recorded, and replayed where all is as it was in the recording."""

from __future__ import annotations

import functools
import os
import threading
import warnings
from collections.abc import Callable
from types import MethodType
from typing import Any

from .. import rules
from ..engine.quiet import SILENT, restore, silence
from ..graph import Mode, memory, mode, outside
from ..kernels.native.forks import lock
from ..transforms import pytree
from .check import both_ways
from .explain import Explanation, report
from .gradients import backward_of, needed_from_forward
from .guards.keys import PLAIN, key_of, modes_now
from .guards.names import Names
from .guards.python_state import Python
from .lowering import native
from .program import Outline, Program, Recording, foreign_leaves, foreign_tensors, unexplained
from .recorder import swaps
from .recorder.calls import CompileError, Refused
from .recorder.recording import LOCAL, Recorder
from .replay import Results

OFF: set[Any] = set() if os.environ.get("TINYGRAD_LITE_COMPILE", "1") != "0" else {"environment"}
_recording = lock()


class Compiled:
    """What `compile` makes of a function: called as the function is.

    Parameters
    ----------
    function : callable
        Kept as ``wrapped``.
    fullgraph : bool
        An error where it would have to run eagerly.
    programs : int
        How many are kept for one kind of arguments.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> double = tg.compile(lambda x: x * 2)
    >>> [double(tg.full((1,), i)).item() for i in range(4)]
    [0, 2, 4, 6]
    >>> double.hits()
    2
    """

    def __init__(self, function: Callable[..., Any], fullgraph: bool = False, programs: int = 8) -> None:
        self.wrapped, self.fullgraph, self.limit = function, fullgraph, programs
        self.name = getattr(function, "__qualname__", type(function).__name__)
        functools.update_wrapper(self, function, updated=())
        self._reset()

    def _reset(self) -> None:
        self._programs: dict[Any, list[Program]] = {}
        self._pending: dict[Any, list[Outline]] = {}
        self._tries: dict[Any, int] = {}
        self._refused: dict[Any, str] = {}
        self._names = Names()
        self.reasons: list[str] = []
        self.misses = 0

    # --- what it is ----------------------------------------------------------------------------------------------

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> Any:
        return Compiled, (self.wrapped, self.fullgraph, self.limit)

    def __repr__(self) -> str:
        return f"<compiled {self.name}: {sum(map(len, self._programs.values()))} programs>"

    # --- calls ---------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if OFF and (OFF & {"environment", threading.get_ident()}):
            return self.wrapped(*args, **kwargs)
        if LOCAL.recorder is not None or Mode.watcher is not None or mode.packers:
            return self.wrapped(*args, **kwargs)
        tensors: list[Any] = []
        try:
            key = key_of(args, kwargs, tensors)
        except Refused as why:
            return self._eagerly(None, str(why), args, kwargs)
        arrays = [t._data for t in tensors]
        for program in self._programs.get(key, ()):
            if program.holds(arrays):
                return self._replay(program, arrays, tensors)
        if key in self._refused:
            return self.wrapped(*args, **kwargs)
        return self._miss(key, args, kwargs, tensors, arrays)

    def _replay(self, program: Program, arrays: list[Any], tensors: list[Any]) -> Any:
        program.hits += 1
        token = silence(SILENT)
        try:
            return program.run(arrays, tensors)
        finally:
            restore(token)

    def _eagerly(self, key: Any, why: str, args: Any, kwargs: Any) -> Any:
        self._refuse(key, why)
        return self.wrapped(*args, **kwargs)

    def _refuse(self, key: Any, why: str) -> None:
        """Say once that it runs eagerly, and why."""
        if self.fullgraph:
            raise CompileError(f"{self.name}: {why}")
        if self._refused.get(key) != why:
            self._refused[key] = why
            text = f"tg.compile: {self.name} runs eagerly: {why}"
            warnings.warn(text, RuntimeWarning, stacklevel=outside())

    def _roots(self, args: Any, kwargs: Any) -> list[tuple[str, Any]]:
        leaves = pytree.leaves((args, kwargs))
        objects = [v for v in leaves if not isinstance(v, (rules.Tensor, *PLAIN))]
        return [(self.name, self.wrapped), *((f"argument {type(v).__name__}", v) for v in objects)]

    def _miss(self, key: Any, args: Any, kwargs: Any, tensors: list[Any], arrays: list[Any]) -> Any:
        if not _recording.acquire(blocking=False):
            return self.wrapped(*args, **kwargs)
        try:
            roots = self._roots(args, kwargs)
            try:
                state = Python(roots, self._names)
            except Refused as why:
                return self._eagerly(key, str(why), args, kwargs)
            known = self._programs.get(key, [])
            for program in known:
                if program.state.tokens == state.tokens:
                    program.adopt(state)
                    if program.holds(arrays):
                        return self._replay(program, arrays, tensors)
            if known:
                self.reasons += known[-1].state.differences(state)[:3]
            if len(known) >= self.limit or self._tries.get(key, 0) >= self.limit + 2:
                changed = "; ".join(self._changes(key, state)[:2]) or "its recordings differ"
                return self._eagerly(key, f"{changed}; what changes in every call should be an argument", args, kwargs)
            return self._record(key, args, kwargs, tensors, arrays, state, roots)
        finally:
            _recording.release()

    def _changes(self, key: Any, state: Python) -> list[str]:
        before = [p.state for p in self._programs.get(key, ())] + [r.state for r in self._pending.get(key, ())]
        return before[-1].differences(state) if before else []

    # --- recording -----------------------------------------------------------------------------------------------

    def _record(
        self, key: Any, args: Any, kwargs: Any, tensors: list[Any], arrays: list[Any], state: Python, roots: Any
    ) -> Any:
        self.misses += 1
        self._tries[key] = self._tries.get(key, 0) + 1
        modes, shape = modes_now(), pytree.structure((args, kwargs))
        nodes = [t._node for t in tensors]
        recorder = Recorder(arrays, nodes, bool(self._pending.get(key)) and native.possible())
        swaps.enter(recorder)
        try:
            out = self.wrapped(*args, **kwargs)
            back = backward_of(recorder, out) if mode.enabled and not recorder.problems else None
        finally:
            loaded = swaps.leave()
        problems = recorder.problems
        try:
            after = Python(roots, self._names)
            problems += [f"it changes Python's objects: {text}" for text in state.differences(after)[:2]]
            problems += recorder.unexplained_writes()
            problems += unexplained(recorder, after)
            if any(id(memory(a)) in after.arrays for a in arrays):
                problems.append("an argument lies in memory that the function's state has, too")
            problems += foreign_tensors(recorder, after) + foreign_leaves(recorder, after)
            if recorder.consumed and any(n is not None and n.edges != () for n in nodes):
                problems.append("backward() goes through an argument's graph")
            if modes != modes_now() or shape != pytree.structure((args, kwargs)):
                problems.append("it changes modes or its arguments")
            if any(a is not t._data for t, a in zip(tensors, arrays)):
                problems.append("it gives an argument other memory")
            known = {id(t): f"tensors[{i}]" for i, t in reversed(list(enumerate(tensors)))}
            if any(id(t) in recorder.gradients_seen for t in tensors):
                problems.append("it asks whether an argument has a gradient")
            saved = [] if back is None else needed_from_forward(recorder, back)
            results = Results(out, known, after, recorder, back and back.tensor, saved)
        except Refused as why:
            problems.append(str(why))
        if problems:
            if not loaded:  # else the next recording sees what modules do that were not there yet
                self._refuse(key, problems[0])
            return out
        self._publish(key, Recording(recorder, state, results, back))
        return out

    def _publish(self, key: Any, found: Recording) -> None:
        """Make a program where two recordings agree."""
        pending, outline = self._pending.setdefault(key, []), Outline(found)
        for other in pending:
            if other.state.tokens == found.state.tokens:
                if why := other.differs(outline):
                    self.reasons.append(why)
                    pending.remove(other)
                    break
                known = {id(t) for t in found.state.tensors.values()}
                seen = [s for i, s in found.recorder.gradients_seen.items() if i in known]
                try:
                    program = Program(found, seen, self.name)
                except Refused as refusal:
                    self._refuse(key, str(refusal))
                    return
                self._programs.setdefault(key, []).insert(0, program)
                self._tries[key] = 0
                pending.remove(other)
                return
        if self.reasons and self._tries[key] > self.limit:
            self._refuse(key, self.reasons[-1])
        pending.append(outline)
        del pending[:-2]

    def hits(self) -> int:
        """How many calls were replayed."""
        return sum(p.hits for programs in self._programs.values() for p in programs)

    # --- for people ----------------------------------------------------------------------------------------------

    def explain(self) -> Explanation:
        """What was recorded: programs, operations, guards, hits, and why something runs eagerly.

        Returns
        -------
        Explanation
            Print it.
        """
        return report(self.name, self._programs, self._refused, self.misses, self.reasons)

    def check(self, *args: Any, **kwargs: Any) -> None:
        """Run one call both ways from the same state, and compare every bit; the eager state is left.

        Raises
        ------
        AssertionError
            Where the replay differs.
        CompileError
            Where there is no program for these arguments, because the function runs eagerly.
        """
        both_ways(self, args, kwargs)

    def clear(self) -> None:
        """Forget all programs."""
        self._reset()

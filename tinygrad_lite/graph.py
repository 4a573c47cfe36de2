"""The graph: what a tensor remembers of its making, and the clock that dates it.

A tensor that needs a gradient carries a `Node`. A node holds *edges* to the nodes of the operation's inputs, never the
tensors themselves, so that memory returns by reference counting alone. Nodes and in-place writes are stamped by one
clock: a saved value is stale exactly if its memory was written after the node that saved it was made. That costs
nothing on the way forward.
"""

from __future__ import annotations

import importlib
import itertools
import os
import sys
import threading
import weakref
from collections.abc import Callable
from functools import cache
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

from .kernels.native.forks import lock

tick = itertools.count(1).__next__  # atomic under the GIL: one clock for nodes and writes


OFF: set[Any] = set()  # threads that do not record at present (one may die while it is in here), and who watches


class Mode(threading.local):
    """Per-thread switches. Every thread starts with recording on.

    A thread's own attribute takes 0.08 us to read. So whoever is in a hurry asks ``OFF`` first: while it is empty
    every thread records and nobody watches, and otherwise `records` knows.
    """

    watcher: Any = None  # of all threads: looks at results and gradients, see `anomaly`

    def __init__(self) -> None:
        self._enabled = True
        self.duals: Any = None  # who carries derivatives along, see `forward_ad`
        self.inference = False  # within `inference_mode`
        self.stack: list[tuple[bool, bool]] = []  # what `with no_grad():` blocks go back to
        self.endings: Any = None  # what to call at the end of the backward pass that runs, if one does
        self.quiet = False  # a rule is being recorded: its results are looked at as gradients
        self.packers: list[Callable[[Node], None]] = []  # see `hooks.saved_tensors_hooks`

    @property
    def enabled(self) -> bool:
        """Whether this thread records."""
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._enabled = value
        (OFF.discard if value else OFF.add)(threading.get_ident())

    def records(self, name: str, sources: Any, *results: Any) -> bool:
        """Whether this thread records an operation of these results: whoever watches sees them. `sources` are the nodes
        that they come from, in any nest of tuples and dicts, and None.
        """
        if self.duals is not None and not self._enabled:
            self.duals.refuse(name, sources)
        if self._enabled and self.watcher is not None and not self.quiet:
            self.watcher.forward(name, results)
        return self._enabled

    def made(self, node: Node) -> None:
        """Announce a node that is complete, to whoever wants to keep its values elsewhere."""
        if self.packers:
            self.packers[-1](node)


mode = Mode()


RETAIN = 0
_metadata: weakref.WeakKeyDictionary[Any, dict[str, Any]] = weakref.WeakKeyDictionary()


class Node:
    """One recorded operation, or a leaf.

    Attributes
    ----------
    edges : tuple of (parent, rule, saved)
        One entry for each gradient to compute: the node that receives it, the rule that computes it, and the values
        the rule needs. Empty for a leaf; only the operation's name once a backward pass has freed it.
    seq : int
        When it was made; a parent's is always smaller, so descending order is a topological order.
    shape, dtype
        Of the tensor it stands for: what its gradient must have. `shape` is None for an operation of several results.
    hooks : dict or None
        Functions called with the gradient before it is used; under the key `RETAIN`, None: keep it in `grad`, too.
    where : (code, instruction) or None
        The caller's line, resolved only when it is printed.
    grad : Tensor or None
        The accumulated gradient of a leaf, or of a tensor that retains it; unset elsewhere.
    """

    __slots__ = ("edges", "seq", "shape", "dtype", "hooks", "where", "grad", "__weakref__")

    edges: Any
    seq: int
    shape: tuple[int, ...] | None
    dtype: Any
    hooks: dict[int, Any] | None
    where: tuple[CodeType, int] | None
    grad: Any

    @property
    def op_name(self) -> str:
        """The operation's name, empty for a leaf."""
        if isinstance(self.edges, str):
            return self.edges
        return self.edges[0][1].op.name if self.edges else ""

    def name(self) -> str:
        """PyTorch's name of the kind: `LogSoftmaxBackward0`, and `AccumulateGrad` for a leaf."""
        op = self.op_name
        if not op or op[0].isupper():  # a custom Function's is that of its class
            return f"{op}Backward" if op else "AccumulateGrad"
        return "".join(part[:1].upper() + part[1:] for part in op.split("_")) + "Backward0"

    def register_hook(self, fn: Callable[[tuple[Any, ...], tuple[Any, ...]], Any]) -> Any:
        """Call ``fn(grad_inputs, grad_outputs)`` when this node has run; what it returns replaces `grad_inputs`.

        `grad_inputs` are the gradients for `next_functions`, in this order. The gradient of a leaf is the output: its
        hook is called with an empty tuple and the gradient once that is accumulated.
        """
        return importlib.import_module(".engine.hooks", __package__).after(self, fn)

    def register_prehook(self, fn: Callable[[tuple[Any, ...]], Any]) -> Any:
        """Call ``fn(grad_outputs)`` before this node runs; what it returns replaces them."""
        return importlib.import_module(".engine.hooks", __package__).before(self, fn)

    @property
    def metadata(self) -> dict[str, Any]:
        """A dictionary for whatever a program wants to note about the node; it lives as long as the node."""
        return _metadata.setdefault(self, {})

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes this one sends gradients to, in PyTorch's form ``((node, 0), ...)``."""
        found: list[tuple[Any, int]] = []
        for parent, _, _ in () if isinstance(self.edges, str) else self.edges:
            found.extend((named(p), 0) for p in (parent if type(parent) is tuple else (parent,)))
        return tuple(found)

    def __repr__(self) -> str:
        return f"<{self.name()}>"


class AccumulateGrad(Node):
    """A leaf, whose gradient is accumulated."""

    __slots__ = ()


@cache
def _kind(name: str) -> type[Node]:
    return type(name, (Node,), {"__slots__": (), "__module__": Node.__module__})


def named(node: Any) -> Any:
    """The node, from now on of a class that bears its name, which programs that draw graphs ask for.

    All others are plain nodes: a class for each operation would cost every call.
    """
    if type(node) is Node and not isinstance(node.edges, str) and node.edges:
        node.__class__ = _kind(node.name())
    return node


class GradientEdge(NamedTuple):
    """Where a tensor's gradient arrives, kept without the tensor: see `autograd.graph.get_gradient_edge`.

    Parameters
    ----------
    node : Node
    output_nr : int
        0, since each result has a node of its own.
    ownership_token : Node, optional
        PyTorch's, and unused.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> y = tg.ones(2, requires_grad=True) * 3
    >>> tg.autograd.graph.get_gradient_edge(y)
    GradientEdge(node=<MulBackward0>, output_nr=0, ownership_token=None)
    """

    node: Node
    output_nr: int = 0
    ownership_token: Node | None = None


def new_leaf(array: np.ndarray[Any, Any]) -> Node:
    """A node without edges, for a tensor whose gradient is accumulated."""
    node = AccumulateGrad()
    node.edges, node.hooks, node.where, node.grad = (), None, None, None
    node.seq, node.shape, node.dtype = tick(), array.shape, array.dtype
    return node


# --- where: the caller's line ---------------------------------------------------------------------------------------

_HERE = os.path.dirname(os.path.abspath(__file__))
_ROOTS = tuple(os.path.join(*p, "") for p in ((_HERE,), (_HERE, "..", "nn"), (_HERE, "..", "optim")))
_ROOTS = tuple(os.path.normpath(root) + os.sep for root in _ROOTS)


class _Library(dict[str, bool]):
    """Does a source file belong to the library? Remembered by file name."""

    def __missing__(self, filename: str) -> bool:
        inside = self[filename] = filename.startswith(_ROOTS) or filename.startswith("<__array_function__")
        return inside


library = _Library()
_getframe = sys._getframe


def outside() -> int:
    """How far up from its caller the nearest line outside the library is: what `warnings` calls a stack level."""
    depth, frame = 1, _getframe(1)
    while frame.f_back is not None and library[frame.f_code.co_filename]:
        depth, frame = depth + 1, frame.f_back
    return depth


def caller(depth: int = 1) -> tuple[CodeType, int] | None:
    """The nearest line outside the library: cheap to note (two references), resolved by `line_of` when needed."""
    frame = _getframe(depth)
    while library[frame.f_code.co_filename]:
        back = frame.f_back
        if back is None:
            break
        frame = back
    return frame.f_code, frame.f_lasti


def line_of(where: tuple[CodeType, int] | None) -> str:
    """``file:line`` of what `caller` noted."""
    if where is None:
        return "an unknown line"
    code, instruction = where
    line = next((n for start, stop, n in code.co_lines() if start <= instruction < stop), code.co_firstlineno)
    return f"{code.co_filename}:{line}"


# --- writes: which memory was overwritten, and when -----------------------------------------------------------------


_writing = lock()  # a stamp that one thread makes must not replace another's


class Stamp:
    """The last in-place write to one piece of memory, or to many that are written `Together`."""

    __slots__ = ("clock", "count", "name", "where", "shared", "_alive")

    clock: int
    count: int
    name: str
    where: tuple[CodeType, int] | None
    shared: Stamp | None
    _alive: Any

    def __init__(self) -> None:
        self.clock, self.count, self.name, self.where, self.shared = 0, 0, "", None, None

    def latest(self) -> Stamp:
        """The later of its own write and the one it shares."""
        shared = self.shared
        return self if shared is None or shared.clock <= self.clock else shared

    def writes(self) -> int:
        """How many there were, of its own and of those it shares since it does."""
        return self.count if self.shared is None else self.count + self.shared.count


_stamps: dict[int, Stamp] = {}


class _Last:
    """When anything was last written: a backward pass over younger nodes need not look further."""

    __slots__ = ("clock",)

    def __init__(self) -> None:
        self.clock = 0


last_write = _Last()


def memory(array: Any) -> Any:
    """The object that owns the memory an array looks at."""
    while True:
        array = counted(array)
        exporter: Any = array.obj if type(array) is memoryview else None
        if type(exporter) is not np.ndarray:
            return array
        array = exporter


def counted(array: Any) -> Any:
    """What the writes to an array are counted for: the owner of its memory, or what `uncounted` made."""
    while True:
        base = getattr(array, "base", None)
        if base is None or isinstance(base, (bytes, str)):
            return array
        array = base


def uncounted(array: Any) -> np.ndarray[Any, Any]:
    """The same memory, but writes to it or its views are not counted as writes to the array: see `Tensor.data`."""
    root = counted(array)
    if type(root) is not memoryview:
        return np.asarray(memoryview(array))
    whole: Any = root.obj  # looked at anew, or a chain would grow in ``p.data = p.data``
    same = type(whole) is np.ndarray and (whole.shape, whole.strides) == (array.shape, array.strides)
    return np.asarray(memoryview(root)) if same and whole.dtype == array.dtype else array[...]


def stamp(array: np.ndarray[Any, Any]) -> Stamp:
    """The write record of an array's memory, shared by all its views. Made on demand, gone with the memory."""
    root = counted(array)
    key = id(root)
    found = _stamps.get(key)
    if found is None:
        found = Stamp()
        try:
            found._alive = weakref.ref(root, lambda _: _stamps.pop(key, None))
        except TypeError:  # memory owned by something that takes no weak reference: keep it, its id stays unique
            found._alive = root
        _stamps[key] = found
    return found


def written(array: np.ndarray[Any, Any], name: str = "an in-place write", depth: int = 2) -> None:
    """Announce that `array`'s memory was overwritten, so that no backward pass uses its old value unawares."""
    where = caller(depth)
    with _writing:
        mark = stamp(array)
        mark.name, mark.where = name, where
        mark.clock = last_write.clock = tick()
        mark.count += 1


def stamped(array: Any) -> Stamp | None:
    """The last write to an array's memory, if there was one."""
    mark = _stamps.get(id(counted(array)))
    return None if mark is None else mark.latest()


def writes_to(array: Any) -> int:
    """How many writes to an array's memory there were."""
    mark = _stamps.get(id(counted(array)))
    return 0 if mark is None else mark.writes()


def stale(array: Any, seq: int) -> Stamp | None:
    """The write that made a value saved at time `seq` stale, if there was one."""
    mark = stamped(array)
    return mark if mark is not None and mark.clock > seq else None


class Together:
    """Many arrays that are always written at once: one stamp says so for all of them.

    Parameters
    ----------
    arrays : list of arrays
        Those whose memory shares a stamp with others already are stamped one by one.
    """

    def __init__(self, arrays: list[Any]) -> None:
        self._common = Stamp()
        with _writing:
            marks = list({id(s): s for s in map(stamp, arrays)}.values())
            self._alone = [m for m in marks if m.shared is not None]
            self._members = [m for m in marks if m.shared is None]
            for mark in self._members:
                mark.shared = self._common

    def written(self, name: str, depth: int = 2) -> None:
        """Announce a write to all of them, as `written` does for one."""
        where, common = caller(depth), self._common
        with _writing:
            now = common.clock = last_write.clock = tick()
            common.name, common.where = name, where
            common.count += 1
            for mark in self._alone:
                mark.clock, mark.name, mark.where = now, name, where
                mark.count += 1

    def part(self) -> None:
        """Let every piece of memory have its own stamp again."""
        common = self._common
        with _writing:
            for mark in self._members:
                if mark.shared is common:
                    latest, mark.count = mark.latest(), mark.writes()
                    mark.clock, mark.name, mark.where, mark.shared = latest.clock, latest.name, latest.where, None
            self._members.clear()

    __del__ = part

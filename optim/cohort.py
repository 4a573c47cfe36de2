"""What every step does again, prepared once: parameters that are updated together, and their tables."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from operator import attrgetter, is_
from typing import Any, Literal, NamedTuple

import numpy as np

from tinygrad_lite.graph import caller, last_write, stamp, tick
from tinygrad_lite.kernels import backend
from tinygrad_lite.kernels.threads import launch

from .fuse import PIECE, Fused

Array = np.ndarray[Any, Any]

# Below this many elements a launch stays on one core: waking another takes 20 us, in which one core updates
# that many elements in cache, and next to matrix products the other core is busy anyway.
SHARED = 1 << 20

COMPILED = (np.dtype(np.float32), np.dtype(np.float64))


class Cohort:
    """Parameters of one group that have the same dtype and have made the same number of steps.

    Parameters
    ----------
    keys : list
        What the parameters are known by: Tensors, or names.
    arrays : list of arrays
        The parameters' values.
    states : list of lists of arrays
        For each state the formula uses, an array for each parameter, in the parameter's memory order.
    fused : Fused
    t : int
        Steps made so far.
    """

    def __init__(self, keys: list[Any], arrays: list[Array], states: list[list[Array]], fused: Fused, t: int) -> None:
        self.keys, self.arrays, self.states, self.fused, self.t = keys, arrays, states, fused, t
        self.dtype = arrays[0].dtype
        # A parameter that is a view with gaps is updated in a copy without them, and written back.
        self._dense = [a if is_dense(a) else np.ascontiguousarray(a) for a in arrays]
        self._gaps = [(a, d) for a, d in zip(arrays, self._dense) if a is not d]
        self._stamps = list({id(s): s for s in map(stamp, arrays)}.values())
        self._values = np.empty(len(fused.scalars), self.dtype)
        self._format = f"{len(fused.scalars)}{self.dtype.char}"
        self._run: Callable[[list[Array]], None] | None = None
        self._backend = ""

    def step(self, grads: list[Array], scalars: Sequence[float], who: str) -> None:
        """Update all parameters in place."""
        try:
            struct.pack_into(self._format, self._values.data, 0, *scalars)  # 0.3 us; `[:] = scalars` takes 1
        except (OverflowError, struct.error):  # too large for float32, or a dtype that `struct` has not
            self._values[:] = [float(s) for s in scalars]
        for array, dense in self._gaps:
            dense[...] = array
        if backend() != self._backend or self._run is None:
            self._prepare(who)
        self._run(grads)  # type: ignore[misc]
        for array, dense in self._gaps:
            array[...] = dense
        self.t += 1
        self._announce(who)

    def _announce(self, who: str) -> None:
        """Tell the engine that memory was overwritten, so that no backward pass uses old values unawares."""
        now, where = tick(), caller(3)
        for mark in self._stamps:
            mark.clock, mark.name, mark.where = now, who, where
        last_write.clock = now

    def _prepare(self, who: str) -> None:
        self._backend = backend()
        self._run = self._plain
        if self._backend == "numba" and self.fused.compiled and self.dtype in COMPILED:
            self._run = self._compiled()

    def _plain(self, grads: list[Array]) -> None:
        for p, g, *states in zip(self._dense, self._fitting(grads), *self.states):
            self.fused.plain(p, g, states, self._values)

    def _compiled(self) -> Callable[[list[Array]], None]:
        """Return a function that updates all parameters in one launch."""
        from tinygrad_lite.kernels.memory import Expected

        kernel = self.fused.kernel(self.dtype)
        expected = Expected(self._dense)
        addresses = [[a.ctypes.data for a in row] for row in (self._dense, self._dense, *self.states)]
        table = np.array(addresses, np.intp)
        gradients = table[1]  # written anew at every step
        offsets = np.cumsum([0, *(a.size for a in self._dense)], dtype=np.intp)
        first = np.searchsorted(offsets, np.arange(0, offsets[-1], PIECE), "right") - 1
        values, pieces = self._values, first.size
        helpers = 0 if offsets[-1] < SHARED else None

        def run(grads: list[Array]) -> None:
            if expected.locate(grads, gradients) >= 0:
                grads = self._fitting(grads)
                assert expected.locate(grads, gradients) < 0
            launch(kernel, pieces, table, offsets, first, values, helpers=helpers)

        return run

    def _fitting(self, grads: list[Array]) -> list[Array]:
        """Gradients in the dtype and memory order of their parameters: copies where they are not."""
        found = []
        canonical = np.dtype(self.dtype.char)
        for key, p, g in zip(self.keys, self._dense, grads):
            if g.shape != p.shape:
                raise ValueError(f"the gradient of {name_of(key)} must have its shape, {p.shape}, got {g.shape}")
            if not in_order(g, order_of(p)) or g.dtype != canonical or not g.flags.aligned:
                g = g.astype(
                    canonical, order=order_of(p)
                )  # np.array would keep an equivalent dtype object, such as numba makes
            found.append(g)
        return found


def is_dense(array: Array) -> bool:
    """Whether an array's elements lie side by side, in C or Fortran order."""
    flags = array.flags
    return bool((flags.c_contiguous or flags.f_contiguous) and flags.aligned and array.dtype.isnative)


def order_of(array: Array) -> Literal["C", "F"]:
    """The memory order of a dense array."""
    return "C" if array.flags.c_contiguous or not array.flags.f_contiguous else "F"


def in_order(array: Array, order: str) -> bool:
    """Whether an array's elements lie side by side in that order."""
    return bool(array.flags.c_contiguous if order == "C" else array.flags.f_contiguous)


def name_of(key: Any) -> str:
    """What to call a parameter in a message."""
    return repr(key) if isinstance(key, str) else f"a parameter of shape {tuple(key.shape)}"


class Access(NamedTuple):
    """How to get from what a parameter is known by to its array and its gradient's."""

    array: Callable[[Any], Array]
    grad: Callable[[Any], Array]  # AttributeError or KeyError if there is none
    has_grad: Callable[[Any], bool]
    same: Callable[[Any, Any], bool]


def tensor_access(params: list[Any]) -> Access:
    """Return how to read Tensors.

    A gradient lies in the node of a tensor that requires one: reading it there costs 0.04 us, the property
    0.1.
    """
    recorded = all(p.requires_grad for p in params if p.grad is not None)
    grad = attrgetter("_node.grad._data" if recorded else "grad._data")
    return Access(attrgetter("_data"), grad, lambda p: p.grad is not None, is_)


class Plan(NamedTuple):
    """How one group is stepped while nothing changes, and what must not have changed.

    Parameters
    ----------
    params : list
        The group's parameters when the plan was made.
    idle : list
        Those without a gradient.
    cohorts : list of Cohort
        The others.
    access : Access
    """

    params: list[Any]
    idle: list[Any]
    cohorts: list[Cohort]
    access: Access

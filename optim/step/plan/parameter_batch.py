"""What every step does again, prepared once: parameters that are updated together, and their tables."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from tinygrad_lite.graph import Together
from tinygrad_lite.kernels import backend
from tinygrad_lite.kernels.native.threads import launch

from ..bind.loop_codegen import Fused

Array = np.ndarray[Any, Any]

# A launch over so many parameters and their gradients, or over as many numbers in all, wakes helpers, which takes
# them 25 to 45 us. One over less takes those that are awake, see `nearby`.
SHARED = 1 << 20

# What a thread takes at a time: an eighth of what is left, within these bounds. Long pieces first, since memory is read
# fastest in order; short ones last, so that all threads end at about the same time.
LONGEST, SHORTEST = 1 << 20, 1 << 15

COMPILED = (np.dtype(np.float32), np.dtype(np.float64))


class Cohort:
    """Parameters of one group that have the same dtype and have made the same number of steps.

    Complex ones are updated as the real numbers that they are made of, as in PyTorch (`as_real`).

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
    kept : dict of str to float
        Numbers that the parameters keep between steps.

    Attributes
    ----------
    whole : callable or None
        ``whole(grads, t)`` updates the parameters in place of the formula.
    dtype : dtype
        Of the real numbers that the formula is computed in.
    values : sequence of float
        The scalars of the coming step.
    factors : dict of str to array of shape (number of parameters,)
        The numbers that each tensor has of its own, in the coming step.
    located : bool
        Whether the tables say already where the gradients of the coming step lie.
    """

    def __init__(
        self,
        keys: list[Any],
        arrays: list[Array],
        states: list[list[Array]],
        fused: Fused,
        t: int,
        kept: Mapping[str, float],
    ) -> None:
        self.keys, self.arrays, self.fused, self.t = keys, arrays, fused, t
        self.kept, self.next_kept = dict(kept), dict(kept)
        self.whole: Callable[[list[Array], int], None] | None = None
        self.values: Sequence[float] = ()
        self.factors: dict[str, Any] = {}
        self.located = False
        self.is_complex = arrays[0].dtype.kind == "c"
        self.dtype = arrays[0].real.dtype
        # A parameter that is a view with gaps is updated in a copy without them, and written back.
        dense = [a if is_dense(a) else np.ascontiguousarray(a) for a in arrays]
        self._gaps = [(a, d) for a, d in zip(arrays, dense) if a is not d]
        self.dense, self._orders = list(map(as_real, dense)), list(map(order_of, dense))
        self.states = [list(map(as_real, row)) for row in states]
        self._no_factors = np.zeros((0, 0), self.dtype)
        self._together = Together(arrays)
        self._packed = np.empty(len(fused.scalars), self.dtype)
        self._packed_from: Sequence[float] | None = None
        self._format = f"{len(fused.scalars)}{self.dtype.char}"
        self._tables: Tables | None = None

    @property
    def compiled(self) -> bool:
        """Whether it runs a compiled loop at present."""
        return self.has_loops and self.fused.compiled and self.whole is None

    @property
    def has_loops(self) -> bool:
        """Whether compiled loops can serve its arrays at present."""
        return backend() == "numba" and self.dtype in COMPILED

    @property
    def tables(self) -> Tables:
        """Where its arrays lie."""
        if self._tables is None:
            self._tables = Tables([self.dense, self.dense, *self.states])
        return self._tables

    @property
    def in_place(self) -> bool:
        """Whether a compiled loop runs over the parameters and gradients themselves at present."""
        return self.compiled and not self._gaps and not self.is_complex

    @property
    def brief(self) -> bool:
        """Whether all of it is updated in a call that finds the gradients as well, and is over soon."""
        return self.in_place and self.tables.brief

    def pack(self) -> Array:
        """Return the scalars in the parameters' dtype."""
        if self.values is self._packed_from:
            return self._packed
        try:
            struct.pack_into(self._format, self._packed.data, 0, *self.values)  # 0.3 us; `[:] = values` takes 1
        except (OverflowError, struct.error):  # too large for float32, or a dtype that `struct` has not
            with np.errstate(over="ignore"):
                self._packed[:] = [float(s) for s in self.values]
        self._packed_from = self.values  # not before: an interrupt can come in between
        return self._packed

    def pack_factors(self) -> Array:
        """Return the tensors' own numbers, shape (number of them, number of tensors)."""
        if not self.factors:
            return self._no_factors
        rows = [np.broadcast_to(self.factors[name], len(self.keys)) for name in self.fused.factors]
        with np.errstate(over="ignore"):
            return np.array(rows, self.dtype)

    def update(self, grads: list[Array]) -> None:
        """Update all parameters in place."""
        for array, dense in self._gaps:
            dense[...] = array
        if self.whole is not None:
            with np.errstate(all="ignore"):
                self.whole(grads, self.t + 1)
                if self.fused.averaged:
                    for p, average in zip(self.dense, *self.states):
                        average[...] = self.fused.average(p, average, self.values)
        elif self.compiled:
            grads = self._located(grads)
            self.launch()
        else:
            self._plain(grads)
        for array, dense in self._gaps:
            array[...] = dense

    def launch(self) -> None:
        """Update all parameters in place, by gradients that are located and kept alive."""
        kernel, tables = self.fused.kernel("update", self.dtype), self.tables
        launch(kernel, *tables.pieces, self.pack(), self.pack_factors(), **tables.sharing)

    def _plain(self, grads: list[Array]) -> None:
        values, factors = self.pack(), dict(zip(self.fused.factors, self.pack_factors()))
        with np.errstate(all="ignore"):  # as a compiled loop
            for i, (p, g, *states) in enumerate(zip(self.dense, self.fitting(grads), *self.states)):
                new = self.fused.plain(p, g, states, values, {name: row[i] for name, row in factors.items()})
                apart = [np.array(v) if any(v is a for a in (p, *states)) else v for v in new]
                for old, value in zip((p, *states), apart):
                    old[...] = value

    def sums(self, grads: list[Array], fused: Fused | None = None, values: Array | None = None) -> Array:
        """Return what ``fused.measure`` gives, summed over each tensor: shape (parameters, sums)."""
        fused = fused or self.fused
        values = self.pack() if values is None else values
        if self.has_loops and fused.compiled:
            grads = self._located(grads)
            return self.tables.sums(fused.kernel("sums", self.dtype), fused.n_sums, values)
        states = zip(*self.states) if fused is self.fused and self.states else ((),) * len(self.dense)
        with np.errstate(all="ignore"):
            each = zip(self.dense, self.fitting(grads), states)
            return np.array([fused.plain_sums(p, g, list(s), values) for p, g, s in each])

    def commit(self, who: str) -> None:
        """Count the step, and tell the engine of the write: no backward pass may use old values unawares."""
        self.t += 1
        self.kept = self.next_kept
        self._together.written(who, 5)  # never fewer calls deep in the library

    def part(self) -> None:
        """Leave the arrays to others."""
        self._together.part()

    def _located(self, grads: list[Array]) -> list[Array]:
        """Write where the gradients lie to the table; return them, copied where they did not fit."""
        tables = self.tables
        if self.located:
            return grads
        if tables.expected.locate(grads, tables.table[1]) >= 0:
            grads = self.fitting(grads)
            misfit = tables.expected.locate(grads, tables.table[1])
            assert misfit < 0
        return grads

    def require_shapes(self, grads: list[Array]) -> None:
        """Refuse gradients that have not their parameters' shapes."""
        for key, p, g in zip(self.keys, self.arrays, grads):
            if g.shape != p.shape:
                raise ValueError(f"the gradient of {name_of(key)} must have its shape, {p.shape}, got {g.shape}")

    def fitting(self, grads: list[Array]) -> list[Array]:
        """Gradients in the dtype and memory order of their parameters: copies where they are not."""
        found = []
        canonical = np.dtype(self.arrays[0].dtype.char)
        self.require_shapes(grads)
        for order, g in zip(self._orders, map(np.asarray, grads)):
            if not in_order(g, order) or g.dtype != canonical or not g.flags.aligned:
                # np.array would keep an equivalent dtype object, such as numba makes
                g = g.astype(canonical, order=order)
            found.append(as_real(g))
        return found


class Tables:
    """Where arrays lie that one launch walks over.

    Parameters
    ----------
    rows : list of lists of arrays
        Parameters, gradients (or what is like them), and states: dense, of one dtype.
    """

    def __init__(self, rows: list[list[Array]]) -> None:
        from tinygrad_lite.kernels.native.find_arrays import Expected

        first = rows[0]
        self.expected = Expected(first)
        self.table = np.array([[a.ctypes.data for a in row] for row in rows], np.intp)
        self.offsets = np.cumsum([0, *(a.size for a in first)], dtype=np.intp)
        self.size = int(self.offsets[-1])
        self._apart = apart(self.table[0], [a.nbytes for a in first])
        self._bounds = bounds(self.size)
        begins_in = np.searchsorted(self.offsets, self._bounds[:-1], "right") - 1
        self.pieces = (begins_in.size, self.table, self.offsets, self._bounds, begins_in)
        self._segments: tuple[Array, Array] | None = None

    @property
    def brief(self) -> bool:
        """Whether a launch over them is over too soon to wake helpers."""
        return self._apart and self.size * len(self.table) < 2 * SHARED

    @property
    def sharing(self) -> dict[str, Any]:
        """How a launch over them is shared; not at all where the order of updates matters."""
        return {"brief": self.brief, "helpers": None if self._apart else 0}

    def targets(self) -> list[int]:
        """The places in the table where the gradients' addresses stand."""
        row = self.table[1]
        return [int(row.ctypes.data) + i * row.itemsize for i in range(row.size)]

    def sums(self, kernel: Any, n: int, values: Array) -> Array:
        """Run a kernel that adds up `n` quantities over each tensor."""
        if self._segments is None:  # a segment: the part of a tensor in a piece
            starts = np.union1d(self._bounds[:-1], self.offsets[:-1])
            starts = starts[starts < self.size]
            owners = np.searchsorted(self.offsets, starts, "right") - 1
            self._segments = np.searchsorted(starts, self._bounds[:-1]), owners
        slots, owners = self._segments
        out = np.zeros((owners.size, n))
        launch(kernel, *self.pieces, values, slots, out, **self.sharing)
        count = self.offsets.size - 1
        return np.stack([np.bincount(owners, out[:, k], count) for k in range(n)], 1)


def apart(addresses: Array, sizes: list[int]) -> bool:
    """Whether no two arrays have memory in common."""
    begins, ends = addresses, addresses + sizes
    order = np.argsort(begins, kind="stable")
    return bool((begins[order][1:] >= np.maximum.accumulate(ends[order])[:-1]).all())


def bounds(size: int) -> Array:
    """Where the pieces of so many elements begin, and the last one ends."""
    found = [0]
    while found[-1] < size:
        left = size - found[-1]
        found.append(min(size, found[-1] + min(max(left // 8 // SHORTEST * SHORTEST, SHORTEST), LONGEST)))
    return np.array(found, np.intp)


def as_real(array: Array) -> Array:
    """A dense array; the real and imaginary parts of a complex one, side by side as in memory: shape (2 size,)."""
    return array.ravel("A").view(array.real.dtype) if array.dtype.kind == "c" else array


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

"""Many arrays found, checked and located in one compiled call.

Asking Python for the address of an array's data costs 1.1 us, and for a parameter's gradient 0.1; a loop over the
objects' memory costs 0.02. Where CPython and NumPy keep what is read here is part of their public C interfaces
(PyListObject, PyArrayObject_fields, PyArray_Descr), and the places of slots are found out by looking. Elsewhere than in
CPython the same is done in Python.

Compiled as kernels are; the GIL is held meanwhile, which keeps the objects alive. Imported by whoever runs compiled
code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="call-arg, var-annotated"

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np

from .codegen.loop import compiled_holding
from .codegen.raw_memory import put, put_item, use
from .memory import half, view, word
from .object_layout import (
    ALIGNED,
    BYTEORDER,
    C_ORDER,
    DATA,
    DESCR,
    DIMS,
    F_ORDER,
    FLAGS,
    HEAD,
    ITEMS,
    LENGTH,
    NDIM,
    TYPE,
    TYPE_NUMBER,
    known,
)  # fmt: skip

Array = np.ndarray[Any, Any]

FACT = 5 * 8  # bytes of a row of what `collect` reads


def fits(array: int, kind: int, wanted: int, dtype: int, shape: int) -> Any:
    """Whether an object is an array (of no subclass), with the flags, the dtype and the shape (ndim first) wanted."""
    if word(array + TYPE) != kind or half(array + FLAGS) & wanted != wanted:
        return False
    its = word(array + DESCR)
    if its != dtype:  # equal ones may be two objects
        if half(its + TYPE_NUMBER) != half(dtype + TYPE_NUMBER):
            return False
        if view(its + BYTEORDER, 1, np.int8)[0] != view(dtype + BYTEORDER, 1, np.int8)[0]:
            return False
    ndim, sizes = half(array + NDIM), word(array + DIMS)
    if ndim != word(shape):
        return False
    for d in range(ndim):  # noqa: SIM110  kernels know no generators
        if word(sizes + d * 8) != word(shape + 8 + d * 8):
            return False
    return True


def locate(ids: Any, kind: int, dtype: int, flags: Any, shapes: Any, out: Any) -> int:
    """Write the addresses of arrays' data; -1, or the first index where something is not as expected."""
    for i in range(ids.size):
        if not fits(ids[i], kind, flags[i], dtype, shapes.ctypes.data + i * 8 * shapes.shape[1]):
            return i
        out[i] = word(ids[i] + DATA)
    return -1


def collect(members: int, record: int, holder: int) -> int:
    """Check that the Tensors in a list are the expected ones, and write the addresses of their gradients' data.

    The objects are looked through in one go: a step over many megabytes has left none of them in the cache, and
    waiting for one after the other, as Python does, takes 1 us for each Tensor. Needs the GIL.

    Parameters
    ----------
    members : int
        Address of the list.
    record : int
        Address of `Collector.record`, as an array of intp.
    holder : int
        Address of a list of as many objects, which the gradients' arrays take the place of; 0 for none.

    Returns
    -------
    int
        -1, or the first index where something is not as expected.
    """
    facts, count, shapes, width = word(record), word(record + 8), word(record + 16), word(record + 24)
    tensor, node_type, none, kind = word(record + 32), word(record + 40), word(record + 48), word(record + 96)
    data, node = word(record + 56), word(record + 64)
    base, kept, grad = word(record + 72), word(record + 80), word(record + 88)
    if word(members + LENGTH) != count:
        return 0
    items = word(members + ITEMS)
    for i in range(count):
        fact = facts + i * FACT
        it, flags = word(fact), word(fact + 16)
        if word(items + i * 8) != it or word(it + data) != word(fact + 8) or word(it + base) != none:
            return i
        its = word(it + node)
        if its != none and word(its + TYPE) != node_type:
            return i
        found = word(it + kept) if its == none else word(its + grad)
        absent = found == 0 or found == none
        if flags == 0:
            if not absent:
                return i
            continue
        if absent or word(found + TYPE) != tensor:
            return i
        g = word(found + data)
        if not fits(g, kind, flags, word(fact + 24), shapes + width * i * 8):
            return i
        put(word(fact + 32), word(g + DATA))
        if holder != 0:
            use(g)  # the list takes this reference over; it lives as long as that does
            put_item(holder, i, g)
    return -1


def _shapes(arrays: list[Array]) -> Array:
    table = np.zeros((len(arrays), 1 + max((a.ndim for a in arrays), default=0)), np.intp)
    for row, array in zip(table, arrays):
        row[: 1 + array.ndim] = array.ndim, *array.shape
    return table


def _flags(array: Array) -> int:
    return ALIGNED | (C_ORDER if array.flags.c_contiguous else F_ORDER)


class Expected:
    """What the arrays handed to a launch must be like: as given ones, in dtype, shape and order of elements.

    Parameters
    ----------
    like : list of arrays
        Contiguous, in C or Fortran order, all of one dtype.
    """

    def __init__(self, like: list[Array]) -> None:
        self._n = len(like)
        self._dtype = np.dtype(like[0].dtype.char)  # the object that NumPy gives to its own arrays
        self._wanted, self._shapes = np.array([_flags(a) for a in like], np.intp), _shapes(like)
        self._again = False  # what is done once is not worth being compiled

    def locate(self, arrays: list[Array], out: Array) -> int:
        """Write the address of each array's data to `out`; return the index of the first misfit, or -1.

        Parameters
        ----------
        arrays : list of arrays
        out : array of intp, shape (len(arrays),)
        """
        again, self._again = self._again, known()
        if again:
            ids = np.fromiter(map(id, arrays), np.intp, self._n)
            return int(compiled_holding(locate)(ids, id(np.ndarray), id(self._dtype), self._wanted, self._shapes, out))
        return self._locate_slowly(arrays, out)

    def _locate_slowly(self, arrays: list[Array], out: Array) -> int:
        for i, array in enumerate(arrays):
            if type(array) is not np.ndarray:
                return i
            ndim, *shape = self._shapes[i]
            fits = array.dtype == self._dtype and array.shape == tuple(shape[:ndim]) and array.flags.aligned
            in_order = array.flags.c_contiguous if self._wanted[i] & C_ORDER else array.flags.f_contiguous
            if not (fits and in_order):
                return i
            out[i] = array.ctypes.data
        return -1


def slot(example: Any, name: str) -> int:
    """Where an object keeps a slot, in bytes from its address."""
    marker = object()
    setattr(example, name, marker)
    words = (ctypes.c_ssize_t * (type(example).__basicsize__ // 8)).from_address(id(example))
    return 8 * list(words).index(id(marker), HEAD // 8)


class Collector:
    """The Tensors of a list, and where their gradients' addresses are to be written.

    Parameters
    ----------
    tensors : list of Tensor
    arrays : list of arrays
        Theirs.
    targets : list of int
        For each the address at which to write its gradient's; 0 if it is to have none.

    Attributes
    ----------
    record : list of int
        What `collect` reads: the address of a table with, for each Tensor, its address, its array's, the flags its
        gradient's array must have (0: none), the address of the dtype that must have, and the target; the number of
        rows; the address of the table of shapes, ndim first; that one's width; the addresses of the types Tensor and
        Node, and of None; the slots of a Tensor and of a Node; the address of the type ndarray.
    """

    def __init__(self, tensors: list[Any], arrays: list[Array], targets: list[int]) -> None:
        self._shapes = _shapes(arrays)
        self._dtypes = [np.dtype(a.dtype.char) for a in arrays]  # kept alive: their addresses are in the table
        facts = [
            (id(t), id(a), _flags(a) if target else 0, id(d), target)
            for t, a, d, target in zip(tensors, arrays, self._dtypes, targets)
        ]
        self._facts = np.array(facts, np.intp)
        tables = (self._facts.ctypes.data, len(facts), self._shapes.ctypes.data, self._shapes.shape[1])
        self.record = [*tables, *_places()]
        self._record = np.array(self.record, np.intp)

    def collect(self, tensors: list[Any]) -> list[Array | None] | None:
        """Write the addresses; return the gradients' arrays, or None if something is not as expected."""
        found: list[Array | None] = [None] * len(self._facts)
        misfit = compiled_holding(collect)(id(tensors), self._record.ctypes.data, id(found))
        return found if misfit < 0 else None


@cache
def _places() -> tuple[int, ...]:
    from ..._tensor import Tensor
    from ...graph import AccumulateGrad

    tensor = [slot(object.__new__(Tensor), name) for name in ("_data", "_node", "_view", "_kept")]
    return (id(Tensor), id(AccumulateGrad), id(None), *tensor, slot(AccumulateGrad(), "grad"), id(np.ndarray))

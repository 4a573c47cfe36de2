"""Many arrays found, checked and located in one compiled call.

Asking Python for the address of an array's data costs 1.1 us, and for a parameter's gradient 0.1; a loop over the
objects' memory costs 0.02. Where CPython and NumPy keep what is read here is part of their public C interfaces
(PyListObject, PyArrayObject_fields, PyArray_Descr), and the places of slots are found out by looking. Elsewhere than in
CPython the same is done in Python.

Imported by whoever runs compiled code, hence never before numba is needed.
"""

# numba has types for little of itself
# mypy: disable-error-code="no-untyped-call, call-arg, var-annotated"

from __future__ import annotations

import ctypes
import sys
from functools import cache, partial
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .memory import word
from .source import compiled
from .worker_threads import INTP

Array = np.ndarray[Any, Any]

HEAD = object.__basicsize__  # reference count and type
KNOWN = sys.implementation.name == "cpython" and HEAD == 16  # elsewhere `id` is no address, or the head is another
TYPE = 8
LENGTH, ITEMS = HEAD, HEAD + 8  # of a list
DATA, NDIM, SHAPE, DTYPE, FLAGS = (HEAD + 8 * k for k in (0, 1, 2, 5, 6))  # of an array; NDIM and FLAGS are ints
ORDER, NUMBER = HEAD + 10, HEAD + 12  # of a dtype: four characters, the third the byte order, and the type's number
FACT = 5 * 8  # bytes of a row of what `collect` reads

_compiled = partial(compiled, decorator="holding")  # the GIL keeps the objects alive

_BIT, _BYTE, _INT = ir.IntType(1), ir.IntType(8), ir.IntType(32)
C_ORDER, F_ORDER, ALIGNED = 0x1, 0x2, 0x100  # bits of an array's flags


class _Reader:
    """Writes code that reads objects' memory, in a function of its own, which may end early.

    numba would take a third of a second for what these functions do: LLVM's language is written as it is.

    Parameters
    ----------
    module : LLVM's module
    name : str
    result : LLVM's type
    arguments : int
        How many, all words.
    """

    def __init__(self, module: Any, name: str, result: Any, arguments: int) -> None:
        self.function = ir.Function(module, ir.FunctionType(result, [INTP] * arguments), name)
        self.function.linkage = "internal"
        self.builder = ir.IRBuilder(self.function.append_basic_block())

    def read(self, address: Any, offset: int, kind: Any = INTP) -> Any:
        """The number at an address; a short one as a word."""
        place = self.builder.add(address, ir.Constant(INTP, offset))
        found = self.builder.load(self.builder.inttoptr(place, ir.PointerType(kind)))
        return found if kind is INTP else self.builder.sext(found, INTP)

    def moved(self, address: Any, index: Any, size: int) -> Any:
        """The address of the element with an index."""
        distance = self.builder.mul(ir.Constant(INTP, size), index)
        return self.builder.add(address, distance)

    def require(self, relation: str, x: Any, y: Any, otherwise: Any) -> None:
        """Return something where two words are not in a relation."""
        with self.builder.if_then(self.builder.not_(self.builder.icmp_signed(relation, x, y))):
            self.builder.ret(otherwise)


def _written(builder: Any, name: str, write: Any) -> Any:
    """A function of the module, written there once."""
    return builder.module.globals.get(name) or write(builder.module, name)


def _write_fits(module: Any, name: str) -> Any:
    """Whether an object is an array (of no subclass), with the flags, the dtype and the shape (ndim first) wanted."""
    reader = _Reader(module, name, _BIT, 5)
    builder, (array, kind, wanted, dtype, shape), no = reader.builder, reader.function.args, ir.Constant(_BIT, 0)
    reader.require("==", reader.read(array, TYPE), kind, no)
    reader.require("==", builder.and_(reader.read(array, FLAGS, _INT), wanted), wanted, no)
    its = reader.read(array, DTYPE)
    with builder.if_then(builder.icmp_signed("!=", its, dtype)):  # equal ones may be two objects, as numba's own are
        reader.require("==", reader.read(its, NUMBER, _INT), reader.read(dtype, NUMBER, _INT), no)
        reader.require("==", reader.read(its, ORDER, _BYTE), reader.read(dtype, ORDER, _BYTE), no)
    ndim, sizes = reader.read(array, NDIM, _INT), reader.read(array, SHAPE)
    reader.require("==", ndim, reader.read(shape, 0), no)
    with cgutils.for_range(builder, ndim) as loop:
        here, there = (reader.moved(start, loop.index, 8) for start in (sizes, shape))
        reader.require("==", reader.read(here, 0), reader.read(there, 8), no)
    builder.ret(ir.Constant(_BIT, 1))
    return reader.function


@intrinsic
def _fits(typingctx: Any, array: Any, kind: Any, wanted: Any, dtype: Any, shape: Any) -> Any:
    """See `_write_fits`; all are addresses, or numbers of 64 bits."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.call(_written(builder, "fits", _write_fits), args)

    return types.boolean(*(types.intp,) * 5), codegen


def _locate(ids: Any, kind: int, dtype: int, flags: Any, shapes: Any, out: Any) -> int:
    for i in range(ids.size):
        if not _fits(ids[i], kind, flags[i], dtype, shapes.ctypes.data + i * 8 * shapes.shape[1]):
            return i
        out[i] = word(ids[i] + DATA)
    return -1


def _write_collect(module: Any, name: str, context: Any) -> Any:
    """See `collect`."""
    fits = module.globals.get("fits") or _write_fits(module, "fits")
    reader = _Reader(module, name, INTP, 3)
    builder, (members, record, holder), read = reader.builder, reader.function.args, reader.read
    facts, count, shapes, width, tensor, node_type, none, *slots, kind = (read(record, 8 * k) for k in range(13))
    data, node, base, kept, grad = slots
    nothing = ir.Constant(INTP, 0)
    reader.require("==", read(members, LENGTH), count, nothing)
    items, python = read(members, ITEMS), context.get_python_api(builder)
    found_at = cgutils.alloca_once(builder, INTP)
    with cgutils.for_range(builder, count) as loop:
        i = loop.index
        fact = reader.moved(facts, i, FACT)
        it, flags = read(fact, 0), read(fact, 16)
        reader.require("==", read(reader.moved(items, i, 8), 0), it, i)
        reader.require("==", read(builder.add(it, data), 0), read(fact, 8), i)
        reader.require("==", read(builder.add(it, base), 0), none, i)
        its = read(builder.add(it, node), 0)
        with builder.if_else(builder.icmp_signed("==", its, none)) as (leaf, other):
            with leaf:
                builder.store(read(builder.add(it, kept), 0), found_at)
            with other:
                reader.require("==", read(its, TYPE), node_type, i)
                builder.store(read(builder.add(its, grad), 0), found_at)
        found = builder.load(found_at)
        absent = builder.or_(*(builder.icmp_signed("==", found, empty) for empty in (nothing, none)))
        with builder.if_else(builder.icmp_signed("==", flags, nothing)) as (without, with_gradient):
            with without, builder.if_then(builder.not_(absent)):
                builder.ret(i)
            with with_gradient:
                with builder.if_then(absent):
                    builder.ret(i)
                reader.require("==", read(found, TYPE), tensor, i)
                g = read(builder.add(found, data), 0)
                shape = builder.add(shapes, builder.mul(builder.mul(width, i), ir.Constant(INTP, 8)))
                fitting = builder.call(fits, [g, kind, flags, read(fact, 24), shape])
                with builder.if_then(builder.not_(fitting)):
                    builder.ret(i)
                target = builder.inttoptr(read(fact, 32), ir.PointerType(INTP))
                builder.store(read(g, DATA), target)
                with builder.if_then(builder.icmp_signed("!=", holder, nothing)):
                    held = builder.inttoptr(g, python.pyobj)
                    python.incref(held)  # the list takes this reference over; it lives as long as that does
                    python.list_setitem(builder.inttoptr(holder, python.pyobj), i, held)
    builder.ret(ir.Constant(INTP, -1))
    return reader.function


@intrinsic
def _collect(typingctx: Any, members: Any, record: Any, holder: Any) -> Any:
    """See `collect`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.call(_written(builder, "collect", partial(_write_collect, context=context)), args)

    return types.intp(*(types.intp,) * 3), codegen


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
    return _collect(members, record, holder)


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
        again, self._again = self._again, KNOWN
        if again:
            ids = np.fromiter(map(id, arrays), np.intp, self._n)
            return int(_compiled(_locate)(ids, id(np.ndarray), id(self._dtype), self._wanted, self._shapes, out))
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
        misfit = _compiled(collect)(id(tensors), self._record.ctypes.data, id(found))
        return found if misfit < 0 else None


@cache
def _places() -> tuple[int, ...]:
    from ..._tensor import Tensor
    from ...graph import Node

    tensor = [slot(object.__new__(Tensor), name) for name in ("_data", "_node", "_view", "_kept")]
    return (id(Tensor), id(Node), id(None), *tensor, slot(Node(), "grad"), id(np.ndarray))

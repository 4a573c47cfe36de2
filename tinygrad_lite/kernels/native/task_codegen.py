"""What a launch hands from thread to thread: a kernel's machine code, and what it is called with.

A task is compiled for the types of a kernel's arguments, not for the kernel, whose address is one of its numbers. It
either calls the kernel once, which claims its pieces itself, or claims pieces and calls the kernel on each.

Imported by whoever runs compiled code, hence never before numba is needed.
"""

# numba has types for little of itself
# mypy: disable-error-code="no-untyped-call, call-arg"

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import typeof, types
from numba._dispatcher import compute_fingerprint
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from .compile import build
from .memory import contiguous
from .source import Source, compiled
from .worker_threads import INTP, ORDER, TASK_TYPE, conduct

_WORD = ir.PointerType(INTP)


def _conducted(context: Any, builder: Any, where: list[Any], values: list[Any], body: Callable[..., None]) -> Any:
    """Have `conduct` run a task of some values; 0, or 1 if it failed.

    What is prepared lies on the caller's stack, and holds no references: that is the matter of whoever calls this.

    Parameters
    ----------
    context, builder
    where : list
        `conduct`'s machine code and the slots, by address, and the number of helpers.
    values : list
    body : callable
        ``body(builder, failed, places)`` writes the task, which finds the values at these places and notes at `failed`
        if it has.
    """
    form = ir.LiteralStructType([INTP, *(value.type for value in values)])  # whether it failed comes first
    job = cgutils.alloca_once(builder, form, zfill=True)
    for k, value in enumerate(values, 1):
        builder.store(value, cgutils.gep_inbounds(builder, job, 0, k))
    task = ir.Function(builder.module, TASK_TYPE, builder.module.get_unique_name("task"))
    task.linkage = "internal"
    inside = ir.IRBuilder(task.append_basic_block())
    its = inside.inttoptr(task.args[0], ir.PointerType(form))
    failed, *places = (cgutils.gep_inbounds(inside, its, 0, k) for k in range(1 + len(values)))
    body(inside, failed, places)
    inside.ret_void()
    conductor, crew, helpers = where
    numbers = [crew, helpers, builder.ptrtoint(task, INTP), builder.ptrtoint(job, INTP)]
    return call_at(context, builder, conductor, types.intp, (types.intp,) * 4, numbers)[1]


def call_at(context: Any, builder: Any, address: Any, result: Any, kinds: Any, values: list[Any]) -> tuple[Any, Any]:
    """The status and the result of a compiled function that is given by address."""
    kind = ir.PointerType(context.call_conv.get_function_type(result, kinds))
    found: tuple[Any, Any] = context.call_conv.call_function(
        builder, builder.inttoptr(address, kind), result, kinds, values
    )
    return found


@intrinsic
def claiming(
    typingctx: Any, kernel: Any, conductor: Any, crew: Any, helpers: Any, cursor: Any, args: Any
) -> Any:  # fmt: skip
    """Have a kernel run that claims its work from the cursor: its last argument, and its result is an integer."""
    kinds = (*args, cursor)

    def codegen(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        address, *where, cursor, args = given
        return claimed(context, builder, address, where, kinds, [*cgutils.unpack_tuple(builder, args), cursor])

    return types.intp(*(types.intp,) * 4, cursor, args), codegen


def claimed(context: Any, builder: Any, address: Any, where: list[Any], kinds: Any, given: list[Any]) -> Any:
    """Have a kernel run that claims its work from its last argument, given its address; 0, or 1 if it failed."""
    values = [address, *_borrowed(context, builder, kinds, given)]

    def body(inside: Any, failed: Any, places: list[Any]) -> None:
        address, *values = map(inside.load, places)
        status, _ = call_at(context, inside, address, types.intp, kinds, values)
        with inside.if_then(status.is_error):
            inside.store(ir.Constant(INTP, 1), failed)

    return _conducted(context, builder, where, values, body)


@intrinsic
def launch_over(typingctx: Any, record: Any, values: Any, crew: Any, helpers: Any) -> Any:
    """Launch an optimizer's kernel over what a record names, and count that; 0, or 1 if it failed.

    The record is 11 words: rows and columns of a table, pieces; the addresses of the table, offsets, bounds and first
    ones, of the kernel and of `conduct`; the number of launches, and the cursor. Written for LLVM, since numba would
    take a fifth of a second for so many arrays.
    """
    line, plane = (types.Array(types.intp, ndim, "C") for ndim in (1, 2))
    kinds = (plane, line, line, line, values, types.Array(values.dtype, 2, "C"), line)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        record, values, crew, helpers = args
        zero, one = ir.Constant(INTP, 0), ir.Constant(INTP, 1)
        places = [builder.inttoptr(builder.add(record, ir.Constant(INTP, 8 * k)), _WORD) for k in range(11)]
        rows, columns, pieces, *starts, kernel, conductor, launches, _ = map(builder.load, places)
        builder.store(zero, places[-1])
        starts += [record, builder.ptrtoint(places[-1], INTP)]
        several = [builder.add(n, one) for n in (columns, pieces)]
        shapes = [[rows, columns], [several[0]], [several[1]], [pieces], [zero, zero], [one]]
        array_kinds = (*kinds[:4], *kinds[5:])
        arrays = [contiguous(context, builder, *each) for each in zip(array_kinds, starts, shapes)]
        given = [*arrays[:4], values, *arrays[4:]]
        failed = claimed(context, builder, kernel, [conductor, crew, helpers], kinds, given)
        with builder.if_then(builder.icmp_signed("==", failed, zero)):
            builder.store(builder.add(launches, one), places[-2])
        return failed

    return types.intp(types.intp, values, types.intp, types.intp), codegen


def _borrowed(context: Any, builder: Any, kinds: Any, values: list[Any]) -> list[Any]:
    """Arrays that are not counted: wherever one is cut, threads would wait for each other, 75 ns at a time."""
    found = []
    for kind, value in zip(kinds, values):
        if isinstance(kind, types.Array):
            array = context.make_array(kind)(context, builder, value=value)
            array.meminfo = cgutils.get_null_value(array.meminfo.type)
            value = array._getvalue()
        found.append(value)
    return found


def _part(context: Any, builder: Any, kind: Any, value: Any, first: Any, count: Any) -> Any:
    """Some rows of an array; with no count, one."""
    array = context.make_array(kind)(context, builder, value=value)
    shape, strides = (cgutils.unpack_tuple(builder, each, kind.ndim) for each in (array.shape, array.strides))
    data = builder.add(builder.ptrtoint(array.data, INTP), builder.mul(first, strides[0]))
    shape, strides, kind = (
        (shape[1:], strides[1:], _row(kind)) if count is None else ([count, *shape[1:]], strides, kind)
    )
    found = context.make_array(kind)(context, builder)
    populate_array(
        found, builder.inttoptr(data, array.data.type), shape, strides, array.itemsize, array.meminfo, array.parent
    )
    return found._getvalue()


def _row(kind: Any) -> Any:
    """The type of a row of an array."""
    return kind.copy(ndim=kind.ndim - 1)


@intrinsic(prefer_literal=True)
def parted(
    typingctx: Any, cut: Any, each: Any, ranged: Any, kernel: Any, conductor: Any, crew: Any, helpers: Any, total: Any,
    size: Any, args: Any,
) -> Any:  # fmt: skip
    """Have a kernel run on pieces of `size` rows, of `total`.

    It gets these rows of its first `cut` arguments, the row of the `each` next that belongs to the piece, the other
    arguments, and, if `ranged` is not 0, the first row's number and the end's.
    """
    whole, rows = cut.literal_value, each.literal_value
    kinds = [_row(kind) if whole <= k < whole + rows else kind for k, kind in enumerate(args)]
    kinds += [types.intp] * (2 * bool(ranged.literal_value))

    def codegen(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        address, *where, total, size, args = given[3:]
        start = ir.Constant(INTP, 0)
        kinds_given = signature.args[-1]
        values = [start, address, total, size,
                  *_borrowed(context, builder, kinds_given, cgutils.unpack_tuple(builder, args))]  # fmt: skip

        def body(inside: Any, failed: Any, places: list[Any]) -> None:
            address, total, size, *values = map(inside.load, places[1:])
            claim, work, end = (inside.append_basic_block(name) for name in ("claim", "work", "end"))
            inside.branch(claim)
            inside.position_at_end(claim)
            piece = inside.atomic_rmw("add", places[0], ir.Constant(INTP, 1), ORDER)
            first = inside.mul(piece, size)
            inside.cbranch(inside.icmp_signed("<", first, total), work, end)
            inside.position_at_end(work)
            last = inside.add(first, size)
            last = inside.select(inside.icmp_signed("<", last, total), last, total)
            count = inside.sub(last, first)
            for k in range(whole + rows):
                begins, many = (first, count) if k < whole else (piece, None)
                values[k] = _part(context, inside, kinds_given[k], values[k], begins, many)
            values += [first, last] * (len(kinds) > len(values))
            status, _ = call_at(context, inside, address, types.none, kinds, values)
            with inside.if_then(status.is_error):
                inside.store(ir.Constant(INTP, 1), failed)
            inside.branch(claim)
            inside.position_at_end(end)

        return _conducted(context, builder, where, values, body)

    return types.intp(cut, each, ranged, *(types.intp,) * 6, args), codegen


def share(kernel: int, conductor: int, crew: int, helpers: int, cursor: Any, *args: Any) -> Any:
    """`claiming`, with these arguments: all that is compiled anew for each kernel, in 0.1 s."""
    return claiming(kernel, conductor, crew, helpers, cursor, args)


CUT = EACH = RANGED = 0  # replaced in the text that is compiled


def share_parts(kernel: int, conductor: int, crew: int, helpers: int, total: int, size: int, *args: Any) -> Any:
    """`parted`, with these arguments."""
    return parted(CUT, EACH, RANGED, kernel, conductor, crew, helpers, total, size, args)


# --- what prepares them -----------------------------------------------------------------------------------------------


def fingerprint(args: tuple[Any, ...]) -> Any:
    """What is the same for arguments of the same types: as numba tells them apart, only faster."""
    try:
        return compute_fingerprint(args)
    except NotImplementedError:  # something rare
        return tuple(map(typeof, args))


@cache
def address_of(kernel: Any, kinds: tuple[Any, ...], result: Any = types.intp) -> int:
    """Where a kernel's machine code lies, for arguments of these types."""
    kernel.compile(kinds)
    found = kernel.overloads[kinds]
    if found.signature.return_type != result:
        raise TypeError(f"{kernel.__name__}: must return {result}, not {found.signature.return_type}")
    address: int = found.library.get_pointer_to_function(found.fndesc.llvm_func_name)
    return address


def _built(function: Callable[..., Any], kernel: Any, **constants: int) -> Callable[..., int]:
    """One of the `share`s, to be compiled for a kernel; a file for each, since numba reads all that a file has."""
    source = Source()
    source.put("of", f'of = "{kernel.py_func.__module__}"')
    for name, value in constants.items():
        source.put(name, f"{name} = {value}")
    name = source.add(function, "jit")
    found: Callable[..., int] = build(f"{name}_{kernel.__name__}", source.text())[name]
    return found


@cache
def conductor() -> int:
    """Where the machine code of `conduct` lies."""
    return address_of(compiled(conduct), (types.intp,) * 4)


def native(kernel: Any, args: tuple[Any, ...]) -> tuple[Callable[..., int], int, int]:
    """Return `share`, to be compiled for arguments like these, and its own first two.

    The kernel is compiled here, for arguments of just these types.
    """
    address = address_of(kernel, tuple(map(typeof, (*args, np.zeros(1, np.intp)))))
    return _built(share, kernel), address, conductor()


def native_parts(
    kernel: Any, args: tuple[Any, ...], cut: int, each: int, ranged: bool
) -> tuple[Callable[..., int], int, int]:
    """As `native`, `share_parts`."""
    kinds = list(map(typeof, args))
    if any(kind.layout == "F" and kind.ndim > 1 for kind in kinds[: cut + each]):
        raise TypeError(f"{kernel.__name__}: what is cut into rows must not be in Fortran order")
    kinds[cut : cut + each] = map(_row, kinds[cut : cut + each])
    address = address_of(kernel, (*kinds, *[types.intp] * (2 * ranged)), types.none)
    return _built(share_parts, kernel, CUT=cut, EACH=each, RANGED=int(ranged)), address, conductor()

"""Work handed from thread to thread without Python.

A helper waits in compiled code, where it needs no GIL: it starts within a microsecond, and whoever waits for it learns
as soon that it has ended. Through Python both took 15 to 20 us, as much as 100,000 additions. It sleeps there, too: a
thread that needed the GIL to fall asleep would take it while the calling one is in compiled code, which could be as
long in getting it back.

Each helper has a slot: in a cache line its state, what it is to run, and what that runs on; then what it sleeps by. A
launch posts itself there, does what it can, and takes back what nobody has started.

Imported by whoever runs compiled code, hence never before numba is needed.
"""

# numba has types for little of itself
# mypy: disable-error-code="no-untyped-call, call-arg"

from __future__ import annotations

import os
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
from .source import Source

ASLEEP, IDLE, POSTED, RUNNING, GONE = range(5)  # a helper's states
BUSY = 1  # what stands in the first slot, which is no helper's, while a launch has them all
LINE = 64
SLOT = 5 * LINE  # bytes
TASK, JOB, BEFORE = 8, 16, 24  # what stands where in it, behind the state
MUTEX, SIGNAL = LINE, 3 * LINE  # with room for those of any system

NAPS = os.name == "posix"  # elsewhere a helper that falls asleep goes back to Python for it
CALLS = (
    ("pthread_mutex_init", 2), ("pthread_cond_init", 2), ("pthread_mutex_lock", 1), ("pthread_mutex_unlock", 1),
    ("pthread_cond_wait", 2), ("pthread_cond_signal", 1),
)  # fmt: skip
INIT_MUTEX, INIT_SIGNAL, LOCK, UNLOCK, AWAIT, RING = range(6)  # of these, with how many arguments

PATIENCE = 400  # rounds of giving way, half a microsecond each, before whoever waits for a helper sleeps in between

INTP = ir.IntType(64)
_TASK = ir.FunctionType(ir.VoidType(), [INTP])
_ORDER = "seq_cst"


def _at(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, ir.PointerType(INTP))


@intrinsic
def swap(typingctx: Any, address: Any, old: Any, new: Any) -> Any:
    """Where `old` stands, put `new`; return whether it stood there."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found = builder.cmpxchg(_at(builder, args[0]), args[1], args[2], _ORDER, _ORDER)
        return builder.extract_value(found, 1)

    return types.boolean(types.intp, types.intp, types.intp), codegen


@intrinsic
def exchange(typingctx: Any, address: Any, new: Any) -> Any:
    """Put `new` at an address; return what stood there."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.atomic_rmw("xchg", _at(builder, args[0]), args[1], _ORDER)

    return types.intp(types.intp, types.intp), codegen


@intrinsic
def peek(typingctx: Any, address: Any) -> Any:
    """What stands at an address now, whoever has written it."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(_at(builder, args[0]), _ORDER, 8)

    return types.intp(types.intp), codegen


def _system(builder: Any, name: str, *args: int) -> None:
    kind = ir.FunctionType(ir.IntType(32), [ir.IntType(32)] * len(args))
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    builder.call(function, [ir.Constant(ir.IntType(32), arg) for arg in args])


@intrinsic
def give_way(typingctx: Any) -> Any:
    """Let any other thread that is ready have this core: half a microsecond where there is none."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _system(builder, "SwitchToThread" if os.name == "nt" else "sched_yield")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def nap(typingctx: Any) -> Any:
    """Sleep for a moment."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _system(builder, *(("Sleep", 1) if os.name == "nt" else ("usleep", 50)))
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic(prefer_literal=True)
def posix(typingctx: Any, call: Any, first: Any, second: Any) -> Any:
    """One of `CALLS`, with addresses; the second is left out where it takes one."""
    name, count = CALLS[call.literal_value]

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = ir.PointerType(ir.IntType(8))
        kind = ir.FunctionType(ir.IntType(32), [pointer] * count)
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        builder.call(function, [builder.inttoptr(arg, pointer) for arg in args[1 : 1 + count]])
        return context.get_dummy_value()

    return types.void(call, types.intp, types.intp), codegen


@intrinsic
def run(typingctx: Any, task: Any, job: Any) -> Any:
    """Run a task, which notes on the job if it fails; both by address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.call(builder.inttoptr(args[0], ir.PointerType(_TASK)), [args[1]])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), codegen


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
    task = ir.Function(builder.module, _TASK, builder.module.get_unique_name("task"))
    task.linkage = "internal"
    inside = ir.IRBuilder(task.append_basic_block())
    its = inside.inttoptr(task.args[0], ir.PointerType(form))
    failed, *places = (cgutils.gep_inbounds(inside, its, 0, k) for k in range(1 + len(values)))
    body(inside, failed, places)
    inside.ret_void()
    conductor, crew, helpers = where
    numbers = [crew, helpers, builder.ptrtoint(task, INTP), builder.ptrtoint(job, INTP)]
    return _called(context, builder, conductor, types.intp, (types.intp,) * 4, numbers)[1]


def _called(context: Any, builder: Any, address: Any, result: Any, kinds: Any, values: list[Any]) -> tuple[Any, Any]:
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
        values = [address, *_borrowed(context, builder, kinds, [*cgutils.unpack_tuple(builder, args), cursor])]

        def body(inside: Any, failed: Any, places: list[Any]) -> None:
            address, *values = map(inside.load, places)
            status, _ = _called(context, inside, address, types.intp, kinds, values)
            with inside.if_then(status.is_error):
                inside.store(ir.Constant(INTP, 1), failed)

        return _conducted(context, builder, where, values, body)

    return types.intp(*(types.intp,) * 4, cursor, args), codegen


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
            piece = inside.atomic_rmw("add", places[0], ir.Constant(INTP, 1), _ORDER)
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
            status, _ = _called(context, inside, address, types.none, kinds, values)
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


def conduct(crew: int, helpers: int, task: int, job: int) -> int:
    """Have a job done that claims its work, with helpers if they are free.

    Parameters
    ----------
    crew : int
        The address of the slots.
    helpers : int
        How many.
    task, job : int
        By address.

    Returns
    -------
    int
        1 if it failed in any thread, else 0.
    """
    posted = 0
    if helpers > 0 and swap(crew, 0, BUSY):
        posted = helpers
        for h in range(1, posted + 1):
            slot = crew + h * SLOT
            exchange(slot + TASK, task)
            exchange(slot + JOB, job)
            before = exchange(slot, POSTED)
            exchange(slot + BEFORE, before)
            if NAPS and before == ASLEEP:
                posix(LOCK, slot + MUTEX, 0)
                posix(RING, slot + SIGNAL, 0)
                posix(UNLOCK, slot + MUTEX, 0)
    run(task, job)
    for h in range(1, posted + 1):
        slot = crew + h * SLOT
        if not swap(slot, POSTED, peek(slot + BEFORE)):  # it has started
            rounds = 0
            while peek(slot) == RUNNING:
                rounds += 1
                if rounds < PATIENCE:
                    give_way()
                else:
                    nap()
    if posted > 0:
        exchange(crew, 0)
    return peek(job)  # which says whether it failed


def enlist(slot: int) -> int:
    """Prepare a helper's slot."""
    if NAPS:
        posix(INIT_MUTEX, slot + MUTEX, 0)
        posix(INIT_SIGNAL, slot + SIGNAL, 0)
    return 0


def serve(crew: Any, h: int, rounds: int) -> Any:
    """Do what is posted for a helper, and sleep when nothing has been for some rounds of giving way.

    Parameters
    ----------
    crew : array of intp
        The slots.
    h : int
        The helper's.
    rounds : int

    Returns
    -------
    bool
        Whether it is asleep and must be woken; False if it is dismissed. Where it sleeps here, only then.
    """
    slot = crew.ctypes.data + h * SLOT
    swap(slot, ASLEEP, IDLE)
    left = rounds
    while True:
        if swap(slot, POSTED, RUNNING):
            run(peek(slot + TASK), peek(slot + JOB))
            swap(slot, RUNNING, IDLE)
            left = rounds
        elif peek(slot) == GONE:
            return False
        elif left > 0:
            give_way()
            left -= 1
        elif swap(slot, IDLE, ASLEEP):
            if not NAPS:
                return True
            posix(LOCK, slot + MUTEX, 0)
            if peek(slot) == ASLEEP:
                posix(AWAIT, slot + SIGNAL, slot + MUTEX)
            posix(UNLOCK, slot + MUTEX, 0)
            swap(slot, ASLEEP, IDLE)  # what woke it may be taken back already: then it looks out for the next
            left = rounds


def dismiss(crew: int, helpers: int) -> int:
    """Let helpers go: those that do nothing at present."""
    for h in range(1, helpers + 1):
        slot = crew + h * SLOT
        if not swap(slot, IDLE, GONE) and swap(slot, ASLEEP, GONE) and NAPS:
            posix(LOCK, slot + MUTEX, 0)
            posix(RING, slot + SIGNAL, 0)
            posix(UNLOCK, slot + MUTEX, 0)
    return 0


# --- what prepares them -----------------------------------------------------------------------------------------------


def slots(helpers: int) -> Any:
    """Return the slots of so many helpers, all asleep, and one before them: rows of words, which begin cache lines."""
    words = SLOT // 8
    flat = np.zeros((helpers + 2) * words, np.intp)
    start = -flat.ctypes.data % LINE // 8
    return flat[start : start + (helpers + 1) * words].reshape(-1, words)


def fingerprint(args: tuple[Any, ...]) -> Any:
    """What is the same for arguments of the same types: as numba tells them apart, only faster."""
    try:
        return compute_fingerprint(args)
    except NotImplementedError:  # something rare
        return tuple(map(typeof, args))


@cache
def compiled(function: Callable[..., Any]) -> Any:
    """A function of this module, compiled."""
    source = Source()
    name = source.add(function, "jit")
    return build(name, source.text())[name]


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

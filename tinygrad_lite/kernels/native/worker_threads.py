"""Work handed from thread to thread without Python.

A helper waits in compiled code, where it needs no GIL: it starts within a microsecond, and whoever waits for it learns
as soon that it has ended. Through Python both took 15 to 20 us, as much as 100,000 additions. It sleeps there, too: a
thread that needed the GIL to fall asleep would take it while the calling one is in compiled code, which could be as
long in getting it back.

Each helper has a slot: in a cache line its state, what it is to run, and what that runs on; then what it sleeps by. A
launch posts itself there, does what it can, and takes back what nobody has started.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="no-untyped-call, call-arg"

from __future__ import annotations

import os
from typing import Any

import numpy as np
from llvmlite import ir

from .codegen.instructions import get_or_insert_function
from .codegen.language.intrinsics import intrinsic, intrinsic_of_literals, types

ASLEEP, IDLE, POSTED, RUNNING, GONE = range(5)  # a helper's states
BUSY = 1  # what stands in the first slot, which is no helper's, while a launch has them all
LINE = 64
SLOT = 5 * LINE  # bytes
TASK, JOB, BEFORE = 8, 16, 24  # what stands where in it, behind the state
RECORD = 32  # where there is room for 4 words of whoever posts
MUTEX, STARTED, SIGNAL = (
    LINE,
    2 * LINE,
    3 * LINE,
)  # with room for those of any system; and whether it has begun to serve

NAPS = os.name == "posix"  # elsewhere a helper that falls asleep goes back to Python for it
CALLS = (
    ("pthread_mutex_init", 2), ("pthread_cond_init", 2), ("pthread_mutex_lock", 1), ("pthread_mutex_unlock", 1),
    ("pthread_cond_wait", 2), ("pthread_cond_signal", 1),
)  # fmt: skip
INIT_MUTEX, INIT_SIGNAL, LOCK, UNLOCK, AWAIT, RING = range(6)  # of these, with how many arguments

PATIENCE = 400  # rounds of giving way, half a microsecond each, before whoever waits for a helper sleeps in between

INTP = ir.IntType(64)
TASK_TYPE = ir.FunctionType(ir.VoidType(), [INTP])
ORDER = "seq_cst"


def _at(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, ir.PointerType(INTP))


@intrinsic
def swap(typingctx: Any, address: Any, old: Any, new: Any) -> Any:
    """Where `old` stands, put `new`; return whether it stood there."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found = builder.cmpxchg(_at(builder, args[0]), args[1], args[2], ORDER, ORDER)
        return builder.extract_value(found, 1)

    return types.boolean(types.intp, types.intp, types.intp), codegen


@intrinsic
def exchange(typingctx: Any, address: Any, new: Any) -> Any:
    """Put `new` at an address; return what stood there."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.atomic_rmw("xchg", _at(builder, args[0]), args[1], ORDER)

    return types.intp(types.intp, types.intp), codegen


@intrinsic
def peek(typingctx: Any, address: Any) -> Any:
    """What stands at an address now, whoever has written it."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(_at(builder, args[0]), ORDER, 8)

    return types.intp(types.intp), codegen


def _system(builder: Any, name: str, *args: int) -> None:
    kind = ir.FunctionType(ir.IntType(32), [ir.IntType(32)] * len(args))
    function = get_or_insert_function(builder.module, kind, name)
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


@intrinsic_of_literals
def posix(typingctx: Any, call: Any, first: Any, second: Any) -> Any:
    """One of `CALLS`, with addresses; the second is left out where it takes one."""
    name, count = CALLS[call.literal_value]

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = ir.PointerType(ir.IntType(8))
        kind = ir.FunctionType(ir.IntType(32), [pointer] * count)
        function = get_or_insert_function(builder.module, kind, name)
        builder.call(function, [builder.inttoptr(arg, pointer) for arg in args[1 : 1 + count]])
        return context.get_dummy_value()

    return types.void(call, types.intp, types.intp), codegen


@intrinsic
def run(typingctx: Any, task: Any, job: Any) -> Any:
    """Run a task, which notes on the job if it fails; both by address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.call(builder.inttoptr(args[0], ir.PointerType(TASK_TYPE)), [args[1]])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), codegen


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
    exchange(slot + STARTED, 1)
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

"""`jobs`: OpenBLAS has the parts of a large product done by the helpers of compiled loops, not by threads of its own.

So a core has one thread that computes on it. With a pool each, the threads of one would look out for work where those
of the other one have some: a product beside compiled loops took up to twice as long as with one thread.

The parts of a product wait for each other, so all of them must run at once: a part for which there is no helper gets a
thread of its own, for as long as it takes.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import ctypes
from typing import Any

from llvmlite import ir

from ..codegen.instructions import alloca_once, alloca_once_value, for_range, get_or_insert_function
from ..walk.machine_code import Words, compile_function, number
from ..worker_threads import (
    ASLEEP,
    BUSY,
    INTP,
    JOB,
    MUTEX,
    ORDER,
    POSTED,
    RECORD,
    RUNNING,
    SIGNAL,
    SLOT,
    STARTED,
    TASK,
    TASK_TYPE,
)

MOST = 128  # jobs at a time: more than OpenBLAS has threads
PATIENCE = 400  # rounds of giving way in which another launch may return the helpers
_INT, _BYTES = ir.IntType(32), ir.PointerType(ir.IntType(8))
_JOB_TYPE = ir.FunctionType(ir.VoidType(), [_INT, _BYTES, _INT])  # number, data, what all jobs have in common
_JOBS_TYPE = ir.FunctionType(ir.VoidType(), [_INT, _BYTES, _INT, INTP, _BYTES, _INT])
_Jobs = ctypes.CFUNCTYPE(
    None, ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_int
)


def jobs(crew: int, helpers: int) -> int:
    """Return the address of what OpenBLAS is to call with the jobs of a product; helpers are lent to it.

    Parameters
    ----------
    crew : int
        Where the slots of helpers lie.
    helpers : int
        How many there are.

    Returns
    -------
    int
    """
    address = code()
    _Jobs(address)(0, crew, 0, helpers, None, 0)
    return address


def code() -> int:
    """Compile it, or load what was compiled before; returns its address."""
    return compile_function("jobs of products", _JOBS_TYPE, _write)


def _write(builder: Any, given: Any) -> None:
    """``jobs(wait, function, count, size, data, common)``: call ``function(i, data + i * size, common)`` for each i.

    With a count of 0, note where the slots are and how many helpers there are, in place of the function and the size.
    """
    crew, helpers = (_variable(builder.module, name) for name in ("crew", "helpers"))
    _, function, count, size, data, common = given
    with builder.if_then(builder.icmp_signed("==", count, ir.Constant(_INT, 0))):
        builder.store(builder.ptrtoint(function, INTP), crew)
        builder.store(size, helpers)
        builder.ret_void()
    others = builder.sub(builder.sext(count, INTP), number(1))
    taken = _take(builder, builder.load(crew))
    free = builder.select(taken, builder.load(helpers), number(0))
    lent = _ready(builder, builder.load(crew), builder.select(builder.icmp_signed("<", free, others), free, others))
    values = [builder.ptrtoint(function, INTP), size, builder.ptrtoint(data, INTP), builder.zext(common, INTP)]
    task = _task(builder.module)
    _post(builder, builder.load(crew), lent, task, values)
    threads = _start(builder, lent, builder.sub(others, lent), task, values)
    builder.call(builder.bitcast(function, ir.PointerType(_JOB_TYPE)), [ir.Constant(_INT, 0), data, common])
    _await(builder, builder.load(crew), lent)
    with for_range(builder, builder.sub(others, lent)) as each:
        thread = builder.load(Words(builder).place(threads, each.index))
        _system(builder, "pthread_join", thread, ir.Constant(_BYTES, None))
    with builder.if_then(taken):
        builder.atomic_rmw("xchg", Words(builder).pointer(builder.load(crew)), number(0), ORDER)
    builder.ret_void()


def _variable(module: Any, name: str) -> Any:
    found = ir.GlobalVariable(module, INTP, name)
    found.initializer, found.linkage = number(0), "internal"
    return found


def _system(builder: Any, name: str, *args: Any) -> Any:
    kind = ir.FunctionType(_INT, [arg.type for arg in args])
    return builder.call(get_or_insert_function(builder.module, kind, name), args)


def _task(module: Any) -> Any:
    """What a helper runs on a job: the four words of a record."""
    task = ir.Function(module, TASK_TYPE, "job_of_a_product")
    task.linkage = "internal"
    builder = ir.IRBuilder(task.append_basic_block())
    words = Words(builder)
    function, index, data, common = (words.load(words.pointer(task.args[0]), k) for k in range(4))
    given = [builder.trunc(index, _INT), builder.inttoptr(data, _BYTES), builder.trunc(common, _INT)]
    builder.call(builder.inttoptr(function, ir.PointerType(_JOB_TYPE)), given)
    builder.ret_void()
    return task


def _take(builder: Any, crew: Any) -> Any:
    """Whether the helpers are this product's: they may be another thread's, for longer than it is worth waiting."""
    again, waiting, ended = (builder.function.append_basic_block(name) for name in ("take", "give_way", "ended"))
    start = builder.block
    builder.branch(again)
    builder.position_at_end(again)
    rounds = builder.phi(INTP)
    rounds.add_incoming(number(0), start)
    found = builder.cmpxchg(Words(builder).pointer(crew), number(0), number(BUSY), ORDER, ORDER)
    taken = builder.extract_value(found, 1)
    enough = builder.icmp_signed(">=", rounds, number(PATIENCE))
    builder.cbranch(builder.or_(taken, enough), ended, waiting)
    builder.position_at_end(waiting)
    _system(builder, "sched_yield")
    rounds.add_incoming(builder.add(rounds, number(1)), waiting)
    builder.branch(again)
    builder.position_at_end(ended)
    return taken


def _ready(builder: Any, crew: Any, helpers: Any) -> Any:
    """So many helpers, or none if one has not begun to serve: it needs Python for that."""
    words, found = Words(builder), alloca_once_value(builder, helpers)
    with for_range(builder, helpers) as each:
        slot = words.add(crew, builder.mul(words.add(each.index, 1), number(SLOT)), STARTED)
        begun = builder.load_atomic(words.pointer(slot), ORDER, 8)
        with builder.if_then(builder.icmp_signed("==", begun, number(0))):
            builder.store(number(0), found)
    return builder.load(found)


def _fill(builder: Any, record: Any, index: Any, values: list[Any]) -> None:
    words, (function, size, data, common) = Words(builder), values
    for k, value in enumerate((function, index, words.add(data, builder.mul(index, size)), common)):
        words.store(value, record, k)


def _post(builder: Any, crew: Any, lent: Any, task: Any, values: list[Any]) -> None:
    """Give each helper a job, as `conduct` does."""
    words = Words(builder)
    with for_range(builder, lent) as each:
        index = words.add(each.index, 1)
        slot = words.add(crew, builder.mul(index, number(SLOT)))
        record = words.add(slot, RECORD)
        _fill(builder, words.pointer(record), index, values)
        words.store(builder.ptrtoint(task, INTP), words.pointer(words.add(slot, TASK)))
        words.store(record, words.pointer(words.add(slot, JOB)))
        before = builder.atomic_rmw("xchg", words.pointer(slot), number(POSTED), ORDER)
        with builder.if_then(builder.icmp_signed("==", before, number(ASLEEP))):
            mutex, signal = (builder.inttoptr(words.add(slot, k), _BYTES) for k in (MUTEX, SIGNAL))
            _system(builder, "pthread_mutex_lock", mutex)
            _system(builder, "pthread_cond_signal", signal)
            _system(builder, "pthread_mutex_unlock", mutex)


def _start(builder: Any, lent: Any, own: Any, task: Any, values: list[Any]) -> Any:
    """Start a thread for each job that is left; returns where these are.

    Where the system has no thread left it is asked again: the jobs wait for each other, so none may be left out.
    """
    words = Words(builder)
    threads, records = (alloca_once(builder, INTP, n * MOST) for n in (1, 4))
    with for_range(builder, own) as each:
        record = words.place(records, builder.mul(each.index, number(4)))
        _fill(builder, record, words.add(each.index, lent, 1), values)
        given = [ir.Constant(_BYTES, None), *(builder.bitcast(what, _BYTES) for what in (task, record))]
        again, waiting, started = (builder.function.append_basic_block(name) for name in ("start", "rest", "started"))
        builder.branch(again)
        builder.position_at_end(again)
        failed = _system(builder, "pthread_create", words.place(threads, each.index), *given)
        builder.cbranch(builder.icmp_signed("==", failed, ir.Constant(_INT, 0)), started, waiting)
        builder.position_at_end(waiting)
        _system(builder, "usleep", ir.Constant(_INT, 1000))
        builder.branch(again)
        builder.position_at_end(started)
    return threads


def _await(builder: Any, crew: Any, lent: Any) -> None:
    """Wait until the helpers are done: none may be taken back, since the others wait for its part."""
    words = Words(builder)
    with for_range(builder, lent) as each:
        slot = words.pointer(words.add(crew, builder.mul(words.add(each.index, 1), number(SLOT))))
        again, waiting, done = (builder.function.append_basic_block(name) for name in ("look", "wait", "done"))
        builder.branch(again)
        builder.position_at_end(again)
        state = builder.load_atomic(slot, ORDER, 8)
        left = builder.or_(*(builder.icmp_signed("==", state, number(s)) for s in (POSTED, RUNNING)))
        builder.cbranch(left, waiting, done)
        builder.position_at_end(waiting)
        _system(builder, "sched_yield")
        builder.branch(again)
        builder.position_at_end(done)

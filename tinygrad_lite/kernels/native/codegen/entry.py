"""`enter`, `launch`, `launch_parts`: from a call in Python to a kernel's machine code, as kernels are written.

A kernel has a record for every kind of arguments that it was compiled for: words that say where the next record is,
where the machine code, how many arguments there are, of which kinds, and what the results are. What is called reads the
arguments as CPython and NumPy keep them in memory, writes them as the kernel's words, and runs it without the GIL. If
no record fits, a function of Python is called instead, which makes one.

Addresses are integers here, and so is everything that Python calls an object.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="call-arg, var-annotated"

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ..memory import half, view, word
from ..object_layout import (
    ALIGNED,
    BYTEORDER,
    C_ORDER,
    DATA,
    DESCR,
    DIMS,
    FLAGS,
    HEAD,
    NDIM,
    STRIDES,
    TYPE,
    TYPE_NUMBER,
    WRITABLE,
)  # fmt: skip
from ..worker_threads import conduct
from .language.values import NO_MEMORY
from .raw_memory import (
    add_word,
    call,
    clear_error,
    error_occurred,
    integer_of,
    new_tuple,
    no_memory,
    object_of_float,
    object_of_integer,
    object_of_truth,
    object_of_unsigned,
    put,
    put_in_tuple,
    release_gil,
    stack,
    take_gil,
    use,
    vectorcall,
)  # fmt: skip

MOST = 512  # words that a kernel's arguments take
WORDS = 8  # bytes of a word
FAILED, RESULT, ARGUMENTS = 0, 8, 32  # bytes, in a kernel's words

NEXT, ADDRESS, COUNT, LENGTH, RETURNS, KINDS = 0, 8, 16, 24, 32, 40  # bytes, in a record
KIND = 24  # bytes: what an argument is, and two words that say more
ARRAY, INTEGER, TRUTH, FLOAT, NOTHING, SCALAR, UNSIGNED = range(7)
TUPLE = 1 << 12  # times how many results there are, whose kinds stand in the bits below, four for each

FOREIGN = ord(">" if sys.byteorder == "little" else "<")  # a byte order that is not the machine's

ARRAYS, INTEGERS, TRUTHS, FLOATS, TRUE, NONE, PART = (8 * k for k in range(7))  # bytes, in the table of Python's


def fits(record: int, given: int, count: int, python: int, words: int, whole: int, rows: int, moves: int) -> Any:
    """Write arguments as words, if they are of a record's kinds; return whether they are.

    Of the first `whole` arguments the kernel gets some rows, of the `rows` next one; where these stand in the words,
    how far they lie apart, and whether one is meant is written to `moves`.
    """
    at = words + ARGUMENTS
    for k in range(count):
        value, kind = word(given + k * WORDS), record + KINDS + k * KIND
        what, of = word(kind), word(value + TYPE)
        if what == ARRAY:
            if of != word(python + ARRAYS):
                return False
            ndim, descr, flags = half(value + NDIM), word(value + DESCR), half(value + FLAGS)
            one = 1 if whole <= k < whole + rows else 0
            if ndim - one != word(kind + 8) or flags & (C_ORDER | ALIGNED | WRITABLE) != half(kind + 20):
                return False
            if half(descr + TYPE_NUMBER) != half(kind + 16):
                return False
            if view(descr + BYTEORDER, 1, np.int8)[0] == FOREIGN:
                return False
            dims, strides = word(value + DIMS), word(value + STRIDES)
            if k < whole + rows:
                put(moves, at - words)
                put(moves + WORDS, word(strides))
                put(moves + 2 * WORDS, one)
                moves += 3 * WORDS
            put(at, word(value + DATA))
            at += WORDS
            for d in range(one, ndim):
                put(at, word(dims + d * WORDS))
                at += WORDS
            for d in range(one, ndim):
                put(at, word(strides + d * WORDS))
                at += WORDS
        elif what == INTEGER:
            if of != word(python + INTEGERS):
                return False
            integer = integer_of(value)
            if integer == -1 and error_occurred() != 0:
                clear_error()
                return False
            put(at, integer)
            at += WORDS
        elif what == TRUTH:
            if of != word(python + TRUTHS):
                return False
            put(at, 1 if value == word(python + TRUE) else 0)
            at += WORDS
        elif what == FLOAT:
            if of != word(python + FLOATS):
                return False
            put(at, word(value + HEAD))
            at += WORDS
        elif what == NOTHING:
            if value != word(python + NONE):
                return False
        else:
            if of != word(kind + 8):
                return False
            size = word(kind + 16)
            if size == 8:
                put(at, word(value + HEAD))
            elif size == 4:
                put(at, half(value + HEAD))
            elif size == 2:
                put(at, view(value + HEAD, 1, np.int16)[0])
            else:
                put(at, view(value + HEAD, 1, np.int8)[0])
            at += WORDS
    return True


def result(kind: int, words: int, python: int) -> Any:
    """The object that a kernel's result is, of one kind, or a tuple: see `TUPLE`."""
    if kind < TUPLE:
        return number(kind, words + RESULT, python)
    count = kind // TUPLE
    found = new_tuple(count)
    for k in range(count):
        put_in_tuple(found, k, number(kind >> 4 * k & 15, words + RESULT + k * WORDS, python))
    return found


def number(kind: int, place: int, python: int) -> Any:
    """The object for a word."""
    if kind == INTEGER:
        return object_of_integer(word(place))
    if kind == UNSIGNED:
        return object_of_unsigned(word(place))
    if kind == FLOAT:
        return object_of_float(view(place, 1, np.float64)[0])
    if kind == TRUTH:
        return object_of_truth(word(place))
    use(word(python + NONE))
    return word(python + NONE)


def enter(plan: int, given: int, count: int) -> Any:
    """Call a kernel.

    `plan` is an array of words: the first record, what is called if none fits, Python's objects, what is called in
    place of the two functions below, and whether the kernel holds the GIL.
    """
    plan = word(plan + DATA)
    record, python = word(plan), word(plan + 2 * WORDS)
    words = stack(MOST)
    while record != 0:
        if word(record + COUNT) == count and fits(record, given, count, python, words, 0, 0, 0):
            put(words, 0)
            if word(plan + 5 * WORDS) != 0:  # it holds the GIL
                call(word(record + ADDRESS), words)
            else:
                state = release_gil()
                call(word(record + ADDRESS), words)
                take_gil(state)
            if word(words) == NO_MEMORY:
                return no_memory()
            if word(words) != 0:
                return vectorcall(word(plan + WORDS), given, count, 0)  # which fails again, and says why
            return result(word(record + RETURNS), words, python)
        record = word(record)
    return vectorcall(word(plan + WORDS), given, count, 0)


def launch(plan: int, given: int, count: int) -> Any:
    """Have threads run a kernel that claims its work: the first arguments are where helpers are, and how many.

    Returns whether it has failed.
    """
    plan = word(plan + DATA)
    record, python = word(plan), word(plan + 2 * WORDS)
    words = stack(MOST)
    crew, helpers = integer_of(word(given)), integer_of(word(given + WORDS))
    while record != 0:
        if word(record + COUNT) == count - 2 and fits(record, given + 2 * WORDS, count - 2, python, words, 0, 0, 0):
            put(words, 0)
            state = release_gil()
            failed = conduct(crew, helpers, word(record + ADDRESS), words)
            take_gil(state)
            return object_of_truth(failed)
        record = word(record)
    return vectorcall(word(plan + 3 * WORDS), given, count, 0)


# what parts of a launch know, in bytes: whether one failed, the next piece, how many rows there are, how many a piece
# has, the kernel, its words and how many, whether it gets the rows' numbers, and of how many arguments rows are taken
PIECE, TOTAL, SIZE, KERNEL, TEMPLATE, LONG, RANGED, MOVES, MOVED = (8 * k for k in range(1, 10))
OWN = 7  # arguments before the kernel's


def part(job: int) -> Any:
    """Run a kernel on pieces of the rows of a launch until none is left."""
    words, template, long = stack(MOST), word(job + TEMPLATE), word(job + LONG)
    total, size, moves = word(job + TOTAL), word(job + SIZE), word(job + MOVES)
    while True:
        piece = add_word(job + PIECE, 1)
        first = piece * size
        if first >= total:
            return 0
        last = min(first + size, total)
        for k in range(long):
            put(words + k * WORDS, word(template + k * WORDS))
        for m in range(moves):
            move = job + MOVED + m * 3 * WORDS
            place = words + word(move)
            if word(move + 2 * WORDS) != 0:
                put(place, word(place) + piece * word(move + WORDS))
            else:
                put(place, word(place) + first * word(move + WORDS))
                put(place + WORDS, last - first)
        if word(job + RANGED) != 0:
            put(words + (long - 2) * WORDS, first)
            put(words + (long - 1) * WORDS, last)
        call(word(job + KERNEL), words)
        if word(words) != 0:
            put(job, 1)


def launch_parts(plan: int, given: int, count: int) -> Any:
    """Have threads run a kernel on pieces of rows.

    The first arguments are where helpers are, and how many; how many rows, and how many a piece has; and as the kernel
    takes them `whole`, `rows` of `fits`, and whether it gets the rows' numbers. Returns whether it has failed.
    """
    plan = word(plan + DATA)
    record, python = word(plan), word(plan + 2 * WORDS)
    words, job = stack(MOST), stack(MOST)
    crew, helpers = integer_of(word(given)), integer_of(word(given + WORDS))
    whole, rows = integer_of(word(given + 4 * WORDS)), integer_of(word(given + 5 * WORDS))
    ranged = integer_of(word(given + 6 * WORDS))
    args, many = given + OWN * WORDS, count - OWN
    while record != 0:
        fit = word(record + COUNT) == many + 2 * ranged
        if fit and fits(record, args, many, python, words, whole, rows, job + MOVED):
            put(words, 0)
            put(job, 0)
            put(job + PIECE, 0)
            put(job + TOTAL, integer_of(word(given + 2 * WORDS)))
            put(job + SIZE, integer_of(word(given + 3 * WORDS)))
            put(job + KERNEL, word(record + ADDRESS))
            put(job + TEMPLATE, words)
            put(job + LONG, word(record + LENGTH))
            put(job + RANGED, ranged)
            put(job + MOVES, whole + rows)
            state = release_gil()
            failed = conduct(crew, helpers, word(python + PART), job)
            take_gil(state)
            return object_of_truth(failed)
        record = word(record)
    return vectorcall(word(plan + 4 * WORDS), given, count, 0)


STOPPED = 1 << 62  # what a step of a recorded program returns where its kernel has failed


def step(words: int) -> Any:
    """Run a kernel whose address and words stand there; return its result."""
    put(words + WORDS, 0)
    call(word(words), words + WORDS)
    return word(words + WORDS + RESULT) if word(words + WORDS) == 0 else STOPPED


def shared_step(words: int) -> int:
    """Launch a kernel; return 0.

    The words say where it stands who may help, how many at most, the kernel's address, and what it takes.
    """
    put(words + 3 * WORDS, 0)
    failed = conduct(word(word(words)), present(words), word(words + 2 * WORDS), words + 3 * WORDS)
    return 0 if failed == 0 else STOPPED


def parted_step(words: int) -> int:
    """Launch a kernel on pieces of rows; return 0.

    The words say where it stands who may help, how many at most, where `part` lies, what it knows of a launch, and what
    the kernel takes.
    """
    job = words + 3 * WORDS
    put(job, 0)
    put(job + PIECE, 0)
    put(job + TEMPLATE, job + MOVED + word(job + MOVES) * 3 * WORDS)
    failed = conduct(word(word(words)), present(words), word(words + 2 * WORDS), job)
    return 0 if failed == 0 else STOPPED


def present(words: int) -> int:
    """How many helpers there are of those that are wanted."""
    return min(word(words + WORDS), word(word(words) + WORDS))

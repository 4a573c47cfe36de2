"""`walk`: the loop that goes through a table of steps.

A step is a row of integers: its kind, its length, and what it needs. Places in memory are a register, which holds an
address, and an offset, so that a table serves whatever memory the arguments of a call have.

    LOOP      loop, data, arrays k, dimensions d, inner length, d lengths; for each array: register, offset, inner
              stride, d strides. NumPy's inner loop is called for each index of the outer dimensions.
    PRODUCT   cblas, doubles, transposed a, transposed b, n, m, k, register, offset and leading dimension of a, b, c.
    FILL      like LOOP with one array: bits to write and their size in place of loop and data.
    CAST      like LOOP with two arrays: from and to, as numbers of `KINDS`, in place of loop and data.
    CHOOSE    like LOOP with four arrays (condition, x, y, result); 0 and the size of an element.
    ADDRESS   target register, source register: the address of the elements of an array object.
    CALL      caller, the result that is expected, arrays k, words n; for each array: register, offset, and which word;
              the words of `caller`. Another result ends the walk.
    MATMUL    like LOOP, then n, m, p and the strides of rows and columns of the three arrays: NumPy's own loop.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from .addresses import DATA

LOOP, PRODUCT, FILL, CAST, CHOOSE, ADDRESS, CALL, MATMUL = range(8)
KINDS = "?fdlihIL"  # what is cast
MOST = 6  # outer dimensions
LONGEST = 448  # words of a call
WORDS = 64 + LONGEST  # of scratch memory

_SOURCE = '''
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from tinygrad_lite.kernels.native.compile import jit


@intrinsic
def call_loop(context, f, args, count, steps, data):
    def code(context, builder, signature, v):
        word = ir.IntType(64)
        kind = ir.FunctionType(ir.VoidType(), [word] * 4)
        builder.call(builder.inttoptr(v[0], ir.PointerType(kind)), v[1:])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, types.intp, types.intp), code


@intrinsic
def call_kernel(context, caller, words):
    def code(context, builder, signature, v):
        word = ir.IntType(64)
        kind = ir.PointerType(ir.FunctionType(word, [word]))
        return builder.call(builder.inttoptr(v[0], kind), [v[1]])

    return types.int64(types.intp, types.intp), code


def gemm_of(number):
    @intrinsic
    def gemm(context, f, ta, tb, m, n, k, a, lda, b, ldb, c, ldc):
        def code(context, builder, signature, v):
            word, short = ir.IntType(64), ir.IntType(32)
            f, ta, tb, m, n, k, a, lda, b, ldb, c, ldc = v
            given = [*[short] * 3, *[word] * 3, number, *[word] * 4, number, *[word] * 2]
            kind = ir.PointerType(ir.FunctionType(ir.VoidType(), given))
            one, zero = ir.Constant(number, 1.0), ir.Constant(number, 0.0)
            order = [ir.Constant(short, 101), builder.trunc(ta, short), builder.trunc(tb, short)]
            builder.call(builder.inttoptr(f, kind), [*order, m, n, k, one, a, lda, b, ldb, zero, c, ldc])
            return context.get_dummy_value()

        return types.void(*[types.intp] * 12), code

    return gemm


sgemm, dgemm = gemm_of(ir.FloatType()), gemm_of(ir.DoubleType())


def access(kind, bits):
    @intrinsic
    def load(context, address):
        def code(context, builder, signature, v):
            return builder.load(builder.inttoptr(v[0], ir.PointerType(bits)))

        return kind(types.intp), code

    @intrinsic
    def store(context, address, value):
        def code(context, builder, signature, v):
            builder.store(v[1], builder.inttoptr(v[0], ir.PointerType(bits)))
            return context.get_dummy_value()

        return types.void(types.intp, kind), code

    return load, store


load1, store1 = access(types.int8, ir.IntType(8))
load2, store2 = access(types.int16, ir.IntType(16))
load4, store4 = access(types.int32, ir.IntType(32))
load8, store8 = access(types.int64, ir.IntType(64))
loadf, storef = access(types.float32, ir.FloatType())
loadd, stored = access(types.float64, ir.DoubleType())


@jit
def fill(address, step, n, bits, size):
    if size == 4:
        for i in range(n):
            store4(address + i * step, np.int32(bits))
    elif size == 8:
        for i in range(n):
            store8(address + i * step, bits)
    else:
        for i in range(n):
            store1(address + i * step, np.int8(bits))


@jit
def choose(c, cs, x, xs, y, ys, o, os, n, size):
    if size == 4:
        for i in range(n):
            store4(o + i * os, load4(x + i * xs) if load1(c + i * cs) else load4(y + i * ys))
    elif size == 8:
        for i in range(n):
            store8(o + i * os, load8(x + i * xs) if load1(c + i * cs) else load8(y + i * ys))
    else:
        for i in range(n):
            store1(o + i * os, load1(x + i * xs) if load1(c + i * cs) else load1(y + i * ys))


@jit
def cast(x, xs, o, os, n, source, target):
    if source == target:
        if source == 0:
            for i in range(n):
                store1(o + i * os, load1(x + i * xs))
        elif source == 5:
            for i in range(n):
                store2(o + i * os, load2(x + i * xs))
        elif source == 1 or source == 4 or source == 6:
            for i in range(n):
                store4(o + i * os, load4(x + i * xs))
        else:
            for i in range(n):
                store8(o + i * os, load8(x + i * xs))
    elif source == 1 and target == 2:
        for i in range(n):
            stored(o + i * os, np.float64(loadf(x + i * xs)))
    elif source == 2 and target == 1:
        for i in range(n):
            storef(o + i * os, np.float32(loadd(x + i * xs)))
    elif source == 0 and target == 1:
        for i in range(n):
            storef(o + i * os, np.float32(load1(x + i * xs)))
    elif source == 0 and target == 2:
        for i in range(n):
            stored(o + i * os, np.float64(load1(x + i * xs)))
    elif source == 0 and (target == 4 or target == 6):
        for i in range(n):
            store4(o + i * os, np.int32(load1(x + i * xs)))
    elif source == 0 and (target == 3 or target == 7):
        for i in range(n):
            store8(o + i * os, np.int64(load1(x + i * xs)))
    elif source == 3 and target == 1:
        for i in range(n):
            storef(o + i * os, np.float32(load8(x + i * xs)))
    elif source == 3 and target == 2:
        for i in range(n):
            stored(o + i * os, np.float64(load8(x + i * xs)))


@jit
def walk(table, registers, w):
    """Returns 0, or 1 + where the step is at which the walk ended.

    w: addresses from 0, strides from 8, lengths from 24, indices from 32, the words of a call from 64.
    """
    base = w.ctypes.data
    p, end = 0, table.shape[0]
    while p < end:
        kind = table[p]
        if kind == 5:
            registers[table[p + 2]] = load8(registers[table[p + 3]] + DATA)
        elif kind == 6:
            k, n = table[p + 4], table[p + 5]
            q = p + 6 + 3 * k
            for j in range(n):
                w[64 + j] = table[q + j]
            for j in range(k):
                r = p + 6 + 3 * j
                w[64 + table[r + 2]] = registers[table[r]] + table[r + 1]
            if call_kernel(table[p + 2], base + 512) != table[p + 3]:
                return p + 1
        elif kind == 1:
            q = p + 9
            a = registers[table[q]] + table[q + 1]
            b = registers[table[q + 3]] + table[q + 4]
            c = registers[table[q + 6]] + table[q + 7]
            if table[p + 3]:
                dgemm(table[p + 2], table[p + 4], table[p + 5], table[p + 6], table[p + 7], table[p + 8],
                      a, table[q + 2], b, table[q + 5], c, table[q + 8])
            else:
                sgemm(table[p + 2], table[p + 4], table[p + 5], table[p + 6], table[p + 7], table[p + 8],
                      a, table[q + 2], b, table[q + 5], c, table[q + 8])
        else:
            f, data, k, d, n = table[p + 2], table[p + 3], table[p + 4], table[p + 5], table[p + 6]
            q, total = p + 7 + d, 1
            for j in range(d):
                total *= table[p + 7 + j]
                w[32 + j] = 0
            for j in range(k):
                r = q + j * (3 + d)
                w[j] = registers[table[r]] + table[r + 1]
                w[8 + j] = table[r + 2]
            if kind == 7:
                for j in range(3):
                    w[25 + j] = table[q + k * (3 + d) + j]
                for j in range(6):
                    w[11 + j] = table[q + k * (3 + d) + 3 + j]
            for i in range(total):
                w[24] = n
                if kind == 0:
                    call_loop(f, base, base + 192, base + 64, data)
                elif kind == 7:
                    a, b, c = w[0], w[1], w[2]
                    call_loop(f, base, base + 192, base + 64, data)
                    w[0], w[1], w[2] = a, b, c  # which the loop moves on
                elif kind == 2:
                    fill(w[0], w[8], n, f, data)
                elif kind == 3:
                    cast(w[0], w[8], w[1], w[9], n, f, data)
                else:
                    choose(w[0], w[8], w[1], w[9], w[2], w[10], w[3], w[11], n, data)
                j = d - 1
                while j >= 0:
                    w[32 + j] += 1
                    for m in range(k):
                        w[m] += table[q + m * (3 + d) + 3 + j]
                    if w[32 + j] < table[p + 7 + j]:
                        break
                    for m in range(k):
                        w[m] -= table[q + m * (3 + d) + 3 + j] * table[p + 7 + j]
                    w[32 + j] = 0
                    j -= 1
        p += table[p + 1]
    return 0
'''


@cache
def walker() -> Any:
    """Compile `walk`, or load it: ``walk(table, registers, scratch)``, three arrays of integers."""
    from ..compile import build

    return build("walk", _SOURCE.replace("DATA", str(DATA)))["walk"]


def start() -> Any:
    """The walker, ready to be called: what calls it skips numba's look at the arguments' types.

    Returns
    -------
    callable
    """
    walk, nothing = walker(), np.zeros(0, np.int64)
    walk(nothing, np.zeros(1, np.int64), np.zeros(WORDS, np.int64))
    return walk.overloads[walk.signatures[0]].entry_point

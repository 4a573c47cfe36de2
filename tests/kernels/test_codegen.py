"""The compiler of kernels: what it makes of a loop is what Python does; what it does not know numba compiles."""

from __future__ import annotations

import ctypes
import importlib
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fresh_process import run

pytest.importorskip("numba", reason="kernels are compiled by numba")

from llvmlite import ir

import tinygrad_lite as tg
from tinygrad_lite.kernels import kernel
from tinygrad_lite.kernels.native.codegen import loop as loops
from tinygrad_lite.kernels.native.codegen.language.arithmetic import Writer
from tinygrad_lite.kernels.native.codegen.language.intrinsics import call_intrinsic, intrinsic_of_literals, types
from tinygrad_lite.kernels.native.codegen.language.kinds import INT64
from tinygrad_lite.kernels.native.codegen.language.values import Constant, Scalar
from tinygrad_lite.kernels.native.codegen.machine import Module, _Machine
from tinygrad_lite.kernels.native.source import Source, SourceError

WHOLE = [-9, -7, -4, -1, 0, 1, 2, 3, 5, 8, 64]
REAL = [-math.inf, -3.5, -1.0, -0.0, 0.0, 0.25, 2.0, 1e30, math.inf, math.nan]
SIZE = 3
INTP = ir.IntType(64)


def integers(a, b, out):
    for i in range(a.size):
        x, y = a[i], b[i]
        out[i, 0], out[i, 1], out[i, 2] = x + y, x - y, x * y
        out[i, 3] = x // y if y != 0 else 0
        out[i, 4] = x % y if y != 0 else 0
        out[i, 5], out[i, 6], out[i, 7] = x & y, x | y, x ^ y
        out[i, 8], out[i, 9] = x << 2, x >> 1
        out[i, 10], out[i, 11], out[i, 12] = min(x, y), max(x, y, 1), abs(x)
        out[i, 13] = -x + (not x)
        out[i, 14] = x**2 if x < y else y**3
        out[i, 15] = 1 if 0 <= x < y else 2
        out[i, 16] = 1 if (x > 0 and y > 0) or x == y else 0
        out[i, 17] = x // 4 + x % 4 + 100 // (abs(y) + 1)


def floats(a, b, out):
    for i in range(a.size):
        x, y = a[i], b[i]
        out[i, 0], out[i, 1], out[i, 2] = x + y, x - y, x * y
        out[i, 3] = x / y if y != 0 else 0.0
        out[i, 4], out[i, 5], out[i, 6] = min(x, y), max(x, y), abs(x)
        out[i, 7] = 1 if x < y else 2 if x == y else 3
        out[i, 8] = (x != x) + 2 * (x <= y) + 4 * (x != y)
        out[i, 9] = np.sqrt(abs(x)) + math.copysign(1.0, x)
        out[i, 10] = np.maximum(x, y)
        out[i, 11] = np.minimum(x, y)
        out[i, 12] = np.sign(x)
        out[i, 13] = -x
        out[i, 14] = x**3


def places(x, out):
    n = len(x)
    out[0], out[1], out[2] = x[-1], x[-n], x[n - 1]
    some = x[2:-1]
    out[3], out[4] = some.size, some[0] + some[-1]
    out[5], out[6] = len(x[5:3]), len(x[-2:])
    out[7] = len(x[: 10 * n])
    square = x[: n // 2 * 2].reshape(2, -1)
    out[8], out[9] = square[1, 0], square.shape[1]
    out[10] = square[:, 1].size + square[0].size
    square[1, :2] = 7.0
    square[0, 1:3] = square[1, 1:3]
    total = 0.0
    for value in square[0]:
        total += value
    out[11] = total


def flow(n, out):
    k = 0
    while True:
        k += 1
        if k == 3:
            continue
        if k > n:
            break
        for i in range(k, 0, -2):
            out[k] += i
            if i == 2:
                break
        else_ = out[k]
        if else_ > 8 or k % 2:
            out[k] = -else_
    scratch = np.zeros(SIZE, np.int64)
    for i in range(out.size):
        scratch[i % SIZE] += out[i]
    low, high = bounds(scratch)
    return low * 1000 + high


def bounds(x):
    low = high = x[0]
    for i in range(1, len(x)):
        low, high = min(low, x[i]), max(high, x[i])
    return low, high


@pytest.mark.parametrize("dtype", [np.int64, np.int32])
def test_integers_are_pythons(dtype: Any) -> None:
    a, b = np.array(list(itertools.product(WHOLE, WHOLE)), dtype).T
    found, expected = (np.zeros((len(a), 18), np.int64) for _ in range(2))
    loops.compiled(integers)(a, b, found)
    integers(*([int(v) for v in each] and np.array([int(v) for v in each], object) for each in (a, b)), expected)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_floats_are_numpys(dtype: Any) -> None:
    a, b = np.array(list(itertools.product(REAL, REAL)), dtype).T
    found, expected = (np.zeros((len(a), 15)) for _ in range(2))
    loops.compiled(floats)(a, b, found)
    with np.errstate(all="ignore"):
        floats(a, b, expected)
    np.testing.assert_array_equal(found[:, :9], expected[:, :9])
    np.testing.assert_allclose(found[:, 9:], expected[:, 9:], rtol=1e-6)


def test_elements_and_parts_are_numpys() -> None:
    for x in (np.arange(9.0), np.arange(9, dtype=np.float32), np.arange(18.0)[::2].copy()):
        found, expected, twin = np.zeros(12), np.zeros(12), x.copy()
        loops.compiled(places)(x, found)
        places(twin, expected)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(x, twin)


def test_loops_and_branches_are_pythons() -> None:
    for n in range(9):
        found, expected = np.zeros(12, np.int64), np.zeros(12, np.int64)
        assert loops.compiled(flow)(n, found) == flow(n, expected)
        np.testing.assert_array_equal(found, expected)
    assert not next(iter(loops.compiled(flow)._compiled.values())).by_numba
    other = loops.compiled(flow, SIZE=5)
    assert other(8, np.zeros(12, np.int64)) != loops.compiled(flow)(8, np.zeros(12, np.int64))


@kernel(lambda x: x[x > 0])
def chosen(x):
    """What this compiler does not know: an array is returned."""
    return x[x > 0]


@kernel(lambda x, out: None)
def squares(x, out):
    for i in range(x.size):
        if x[i] < 0:
            raise ValueError("a negative number")
        out[i] = x[i] ** 2


def test_numba_compiles_what_is_not_known() -> None:
    for _ in range(2):
        np.testing.assert_array_equal(chosen(np.array([-1.0, 2.0])), [2.0])
    out = np.zeros(2)
    for _ in range(2):
        squares(np.array([1.0, 3.0]), out)
        assert out.tolist() == [1, 9]
        with pytest.raises(ValueError, match="a negative number"):
            squares(np.array([-1.0, 3.0]), out)
        complex_ = np.zeros(1, np.complex64)
        doubled(np.array([2j], np.complex64), complex_)
        assert complex_[0] == 4j


@kernel(lambda x: next((i for i, v in enumerate(x) if v < 0), None))
def first_negative(x):
    """Returns nothing where there is none, which numba knows."""
    for i in range(x.size):
        if x[i] < 0:
            return i


def test_what_may_return_nothing_does() -> None:
    for _ in range(2):
        assert first_negative(np.array([1.0, -1.0])) == 1
        assert first_negative(np.array([1.0, 2.0])) is None


@kernel(lambda x, out: None)
def doubled(x, out):
    for i in range(x.size):
        out[i] = x[i] + x[i]


def test_every_kind_of_argument_is_met() -> None:
    """Numbers of Python and of NumPy, arrays of all orders, subclasses and None, and those of another thread."""
    x, out = np.arange(6.0), np.zeros(6)
    for given in (x, x[::-1], np.asfortranarray(x.reshape(2, 3)).ravel(), x.view(np.recarray), np.arange(6)):
        for _ in range(2):
            doubled(given, out)
            np.testing.assert_array_equal(out, 2 * np.asarray(given))
    read_only = np.zeros(6)
    read_only.flags.writeable = False
    with pytest.raises(Exception, match="(?i)read.?only"):
        doubled(x, read_only)
    assert not read_only.any()
    with pytest.raises(Exception, match="unicode_type"):  # as numba says it
        doubled("no array", out)
    with pytest.raises(TypeError):
        doubled(x)


def test_memory_that_is_not_aligned_is_read_and_written() -> None:
    """As a file's may be, or a message's."""

    def of(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        found = np.zeros(values.nbytes + 1, np.uint8)[1:].view(values.dtype).reshape(values.shape)
        found[...] = values
        assert not found.flags.aligned
        return found

    x, out = of(np.arange(6.0)), of(np.zeros(6))
    for _ in range(2):
        doubled(x, out)
        assert out.tolist() == [0, 2, 4, 6, 8, 10]
    rng = np.random.default_rng(0)
    images, weight = (rng.standard_normal(s).astype(np.float32) for s in ((8, 8, 16, 16), (8, 8, 3, 3)))
    pairs = [
        (lambda i, w: tg.nn.functional.conv2d(i, w, padding=1), (images, weight)),
        (lambda i: tg.nn.functional.max_pool2d(i, 2), (images,)),
        (lambda i: tg.nn.functional.batch_norm(i, None, None, training=True), (images,)),
    ]
    for function, given in pairs:
        np.testing.assert_array_equal(function(*map(tg.from_numpy, map(of, given))), function(*map(tg.tensor, given)))


def test_what_is_written_by_hand_stands_once_if_it_is_long() -> None:
    """And is called; what is short stands in the place of each call."""

    @intrinsic_of_literals
    def add_many(typingctx: Any, times: Any, x: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            found = args[1]
            for _ in range(times.literal_value):
                found = builder.add(found, args[1])
            return found

        return types.intp(times, types.intp), codegen

    machine = _Machine()
    for times, functions in ((10, 0), (200, 1)):
        module = Module(f"module_{times}")
        function = ir.Function(module, ir.FunctionType(INTP, [INTP]), f"twice_{times}")
        write = Writer(ir.IRBuilder(function.append_basic_block()), None, ())
        for _ in range(2):
            found = call_intrinsic(write, add_many, [Constant(times), Scalar(INT64, function.args[0])])
        write.builder.ret(found.ir)
        names = [f.name for f in module.by_hand.functions]
        assert sum(name in module.globals for name in names) == functions
        address = machine.load(machine.compile(module, 2), function.name)
        assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)(7) == 7 * (times + 1)


def test_a_name_with_two_meanings_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two modules, whose constants would otherwise be taken for each other."""
    (tmp_path / "of_one.py").write_text("STEP = 1\n\n\ndef inside(x):\n    return x + STEP\n")
    text = "from of_one import inside\n\nSTEP = 2\n\n\ndef outside(x):\n    return inside(x) + STEP\n"
    (tmp_path / "of_two.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SourceError, match="the name 'STEP' means two things"):
        Source().add(importlib.import_module("of_two").outside)


def test_no_kernel_of_the_library_needs_numba() -> None:
    """In a process of its own, where no loop knows yet who compiles it."""
    code = """
    import sys
    import numpy as np
    from tinygrad_lite.command_line import warm as operations
    from tinygrad_lite.optim import warm as optimizers
    operations.warm(dtypes=[np.float32, np.float64])
    optimizers.warm()
    print("numba" in sys.modules)
    """
    assert run(code).strip() == "False"

"""What kernels mean at their corners: the same as in Python and NumPy, or an error that says why not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba", reason="kernels are compiled by numba")

from tinygrad_lite.kernels import kernel
from tinygrad_lite.kernels.native.codegen import loop as loops

TINY = np.finfo(np.float64).eps
THIRD, THREE, YES, NONE = np.float32(1 / 3), np.int32(3), np.bool_(True), np.float64("nan")
LEAST = np.iinfo(np.int64).min


def both(function: Any, *given: Any) -> None:
    """A function compiled does to its arguments what it does as Python, at every call."""

    def copied() -> list[Any]:
        return [a.copy() if isinstance(a, np.ndarray) else a for a in given]

    with np.errstate(all="ignore"):
        expected = copied()
        returned = function(*expected)
    compiled = loops.compiled(function)
    for _ in range(2):  # the second finds the record that the first has made
        found = copied()
        assert compiled(*found) == returned
        for f, e in zip(found, expected):
            np.testing.assert_array_equal(f, e)


def compiler_of(function: Any) -> list[bool]:
    return [found.by_numba for found in loops.compiled(function)._compiled.values()]


def either(x, out):
    out[0] = x[0] or 5
    out[1] = x[0] and 7
    out[2] = x[1] or x[0] or 9
    out[3] = x[0] and x[1] and 3


def test_and_and_or_give_one_of_their_values() -> None:
    for given in ([0, 0], [3, 0], [0, 4], [3, 4]):
        both(either, np.array(given), np.zeros(4, np.int64))
        both(either, np.array(given, np.float64), np.zeros(4))


def shifted(x):
    x[1:] = x[:-1]


def shifted_rows(x, y):
    x[1:, 1:] = x[:-1, :-1]
    y[:] = x[0]
    x[:] = y


def written(x, y):
    x[:] = y


def test_a_part_is_assigned_what_another_held_before() -> None:
    both(shifted, np.arange(5.0))
    both(shifted_rows, np.arange(12.0).reshape(3, 4), np.zeros(4))

    x = np.arange(6.0)
    loops.compiled(written)(x, x[::-1])
    assert x.tolist() == [5, 4, 3, 2, 1, 0]
    assert compiler_of(shifted) == compiler_of(written) == [False]


def test_rows_and_single_elements_are_spread() -> None:
    for shape in ((2,), (1,), (2, 2), (1, 2), (2, 1), (1, 1)):
        both(written, np.zeros((2, 2)), np.arange(1.0, 1 + np.prod(shape)).reshape(shape))
    for _ in range(2):
        with pytest.raises(ValueError, match="written: .* other lengths"):
            loops.compiled(written)(np.zeros(5), np.ones(3))


def alternating(n, out):
    before = np.zeros(4)
    for _ in range(n):
        now = np.zeros(4)
        for j in range(4):
            now[j] = before[j] + 1.0
        before = now
    for j in range(4):
        out[j] = before[j]


def started(n):
    x = np.zeros(n)
    x[0] = n
    return x


def two_started(out):
    first = started(4)
    second = started(4)
    second[0] = 7.0
    out[0], out[1] = first[0], second[0]


def scratch_of_each(n, out):
    for i in range(n):
        scratch = np.zeros(3)
        scratch[1] = i
        for j in range(3):
            out[i, j] = scratch[j]


def test_memory_lives_as_long_as_its_array() -> None:
    both(alternating, 5, np.zeros(4))
    both(two_started, np.zeros(2))
    both(scratch_of_each, 4, np.zeros((4, 3)))
    assert compiler_of(scratch_of_each) == [False]


def hashed(x):
    h = np.uint64(14695981039346656037)
    for i in range(x.size):
        h = (h ^ x[i]) * np.uint64(1099511628211)
    return h


def kept(k, out):
    out[0] = k


def test_numbers_come_and_go_whole() -> None:
    """Of 64 bits without a sign as results, and NumPy's of 16 bits as arguments."""
    with np.errstate(over="ignore"):
        expected = int(hashed(np.arange(3, dtype=np.uint64)))
    assert expected >= 1 << 63
    for _ in range(2):
        assert loops.compiled(hashed)(np.arange(3, dtype=np.uint64)) == expected
    for number in (np.int16(300), np.int16(-300), np.uint16(60000), np.int8(-3), np.uint8(200), np.uint32(1 << 31)):
        both(kept, number, np.zeros(1, np.int64))


def divided(x, y, out):
    for i in range(x.size):
        out[i, 0], out[i, 1] = x[i] // y[i], x[i] % y[i]
        out[i, 2], out[i, 3], out[i, 4] = x[i] // 0, x[i] % 0, x[i] // -1


def test_no_division_stops_the_program() -> None:
    x = np.array([LEAST, LEAST, 7, -7, LEAST])
    y = np.array([-1, 0, -1, 0, 3])
    both(divided, x.copy(), y.copy(), np.zeros((5, 5), np.int64))


def left_over(x, y, out):
    for i in range(x.size):
        for j in range(y.size):
            out[i, j] = np.fmod(x[i], y[j]) + 10 * np.fmod(x[i], 3) + 100 * np.fmod(7, y[j])


def test_what_is_left_of_whole_numbers_is_numpys() -> None:
    """With the sign of the first, exact, and 0 where the second is 0."""
    for dtype in (np.int64, np.int32):
        x = np.array([0, 1, 5, -5, -1, 2**53 + 1, LEAST]).astype(dtype)
        both(left_over, x, np.array([0, 1, -1, 2, 3, -3]).astype(dtype), np.zeros((x.size, 6), np.int64))


def of_own_type(x, out):
    out[0], out[1], out[2], out[3] = -x[0], abs(x[0]), np.square(x[0]), np.sign(x[0])
    out[4] = np.int64(x[0]) % 10
    out[5] = int(np.int8(x[0])) % 7


def test_a_number_keeps_its_type() -> None:
    for number in (np.int8(-128), np.uint8(200), np.uint64((1 << 64) - 1), np.int32(-5), np.int64(LEAST)):
        both(of_own_type, np.array([number]), np.zeros(6))


def with_constants(x, out):
    out[0], out[1], out[2], out[3] = x * TINY, THIRD, x * THREE, NONE
    out[4] = 1.0 if YES else 2.0
    out[5] = float(0xCBF29CE484222325)


def abs(x):  # another than Python's
    return x + 100.0


def with_own_abs(x, out):
    out[0] = abs(x)


def with_lambda(x, out):
    twice = lambda v: v * 2.0  # noqa: E731
    out[0] = twice(x)


def test_names_mean_what_they_mean_in_their_module() -> None:
    both(with_constants, 3.0, np.zeros(6))
    both(with_own_abs, 3.0, np.zeros(1))
    both(with_lambda, 3.0, np.zeros(1))


@kernel(lambda n, step: len(range(0, n, step)))
def steps(n, step):
    count = 0
    for _ in range(0, n, step):
        count += 1
    return count


def test_a_step_of_0_is_an_error() -> None:
    for _ in range(2):
        assert steps(5, 2) == 3
        with pytest.raises(ValueError, match="steps: the step of a range is 0"):
            steps(5, 0)


def with_known(x, out):
    out[0], out[1] = np.sign(-2.5) * x, abs((-1.0) ** 2)


def known_or_none(x):
    x[0] = x @ x
    return 5


def test_numbers_that_are_known() -> None:
    both(with_known, 3.0, np.zeros(2))
    assert loops.compiled(known_or_none)(np.ones(2)) == 5


def nested(n):
    return n, (n + 1, n + 2)


def product(x, y):
    return x @ y


def of_three(x):
    return (1, 2, 3)[5] + x


def too_many(x):
    return x[0, 1]


def unreached(x, out):
    if x[0] > 5:
        out[0] = 0.0**-1
    out[1] = x[0] + 1


def test_known_numbers_without_a_result_are_no_error_before_they_are_reached() -> None:
    both(unreached, np.ones(1), np.zeros(2))


def test_what_this_compiler_does_not_know_is_left_to_numba() -> None:
    assert loops.compiled(nested)(1) == (1, (2, 3))
    assert loops.compiled(product)(np.arange(3.0), np.arange(3.0)) == 5
    for function, given in ((of_three, 1), (too_many, np.zeros(3))):
        with pytest.raises(Exception, match="(?i)pipeline"):  # as numba says it
            loops.compiled(function)(given)

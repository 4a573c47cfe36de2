"""The table of steps that one compiled loop walks, and the inner loops of our own that stand beside NumPy's."""

import numpy as np
import pytest

from tinygrad_lite.compiler.lowering.steps import dimensions, loops
from tinygrad_lite.kernels.native.walk import addresses, table, walker

pytestmark = pytest.mark.skipif(not addresses.readable(), reason="needs objects that lie in memory as CPython's do")


def walked(row):
    return walker.start()(np.array(table.ended(row), np.int64), np.zeros(2, np.int64))


def row(loop, arrays, shape, core=0):
    """A row of loops over arrays that are broadcast; the last `core` dimensions are the loop's own."""
    whole = [a.__array_interface__ for a in arrays]
    strides = [np.broadcast_to(a, shape).strides if a.shape != shape else a.strides for a in arrays]
    lengths, steps = dimensions(shape, strides) if not core else (list(shape), [list(s) for s in strides])
    inner = tuple(each.pop() for each in steps) if core else ()
    found = [(0, each["data"][0]) for each in whole]
    return loops(loop, found, lengths[:-1] if core else lengths, steps, (lengths[-1],) if core else (), inner)


def samples(dtype, shape, rng):
    if dtype == "?":
        return rng.random(shape) > 0.5
    return (rng.standard_normal(shape) * 100).astype(dtype)


@pytest.mark.parametrize("pair", [*table.CASTS, *(2 * kind for kind in table.KINDS)])
def test_casts_and_copies_are_numpys(pair):
    rng = np.random.default_rng(0)
    whole, target = samples(pair[0], (6, 50), rng), np.zeros((6, 70), pair[1])
    name = f"cast_{pair}" if pair[0] != pair[1] else f"copy{target.itemsize}"
    for x, out in ((whole, target[:, :50]), (whole[:, ::2], target[:, 25:50]), (whole[::-1, :7], target[:, 1:29:4]),
                   (whole[:1, :1], target), (whole[:, :0], target[:, :0])):  # fmt: skip
        if out.size:
            assert walked(row(walker.own_loop(name), (x, out), out.shape)) == 0
        np.testing.assert_array_equal(out, np.broadcast_to(x, out.shape).astype(pair[1]))


@pytest.mark.parametrize("dtype", ["?", "f", "d", "i"])
def test_choices_are_numpys(dtype):
    rng = np.random.default_rng(1)
    x, y, out = (samples(dtype, (5, 40), rng) for _ in range(3))
    chosen = rng.random((5, 40)) > 0.5
    for part in (slice(None), slice(None, None, 3)):
        c, a, b, o = chosen[:, part], x[:, part], y[:, part], out[:, part]
        walked(row(walker.own_loop(f"choose{o.itemsize}"), (c, a, b, o), o.shape))
        np.testing.assert_array_equal(o, np.where(c, a, b))


@pytest.mark.parametrize("function", [np.add, np.subtract, np.multiply])
@pytest.mark.parametrize("dtype", ["f", "d"])
def test_arithmetic_of_rows_is_numpys(function, dtype):
    rng = np.random.default_rng(2)
    loop = walker.own_loop(f"{function.__name__}_{dtype}")
    for n in (1, 7, 8, 21, 64):
        x, bias, column, out = (samples(dtype, shape, rng) for shape in ((9, n), (n,), (9, 1), (9, n)))
        for a, b in ((x, bias), (x, column), (bias, x), (x[::-1], x[:, ::-1]), (x, x[:1])):
            assert walked(row(loop, (a, b, out), out.shape, core=1)) == 0
            assert out.tobytes() == function(a, b).tobytes()


def test_sums_over_rows_add_them_one_after_the_other():
    x, total = np.random.default_rng(3).standard_normal((500, 21)).astype("f"), np.zeros(21, "f")
    onto = np.broadcast_to(total, x.shape)
    walked(row(walker.own_loop("add_f"), (onto, x, onto), x.shape, core=1))
    assert total.tobytes() == np.add.reduce(x, 0).tobytes()


def test_loops_over_many_dimensions_of_arrays_that_are_given_as_objects():
    x = np.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5).transpose(3, 1, 0, 2)
    out = np.zeros((5, 3, 2, 4))
    moved = loops(addresses.loop(np.negative, "dd"), [(2, 0), (4, 0)], *dimensions(x.shape, [x.strides, out.strides]))
    registers = np.array([0, 0, 0, id(x), 0, id(out)], np.int64)
    rows = [table.ADDRESS, 4, 2, 3, table.ADDRESS, 4, 4, 5, *moved]
    assert walker.start()(np.array(table.ended(rows), np.int64), registers) == 0
    np.testing.assert_array_equal(out, -x)

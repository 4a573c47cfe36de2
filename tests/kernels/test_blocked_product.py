"""Products of matrices and of stacks of them, in blocks: right from whatever memory, and the same on any threads."""

from __future__ import annotations

import os

import numpy as np
import pytest
from fresh_process import run

import tinygrad_lite as tg
from tinygrad_lite import kernels
from tinygrad_lite.kernels.linalg import blocked_product as blocks
from tinygrad_lite.kernels.linalg import matrix_product
from tinygrad_lite.kernels.linalg.blocked_product import blocked_product
from tinygrad_lite.kernels.native import openblas

needs_openblas = pytest.mark.skipif(openblas.get_num_threads() is None, reason="NumPy uses another BLAS")
pytestmark = pytest.mark.skipif(kernels.backend() != "numba", reason="NumPy's own matmul runs there")
SHAPES = [
    ((3, 2, 17, 8), (3, 2, 8, 17)),
    ((3, 2, 5, 5), (2, 5, 7)),
    ((1, 7, 5, 3), (6, 1, 3, 4)),
    ((9, 16, 16), (16, 16)),
    ((5, 1, 3), (5, 3, 2)),
    ((6, 3, 1), (6, 1, 3)),
    ((33, 300), (300, 97)),  # longer than a panel is; columns that fill no vector
    ((8, 64), (64, 96)),
    ((70, 20), (20, 300)),
    ((600, 70), (70, 501)),
    ((65, 800), (800, 130)),
    ((1100, 40), (40, 41)),
    ((3, 129, 200), (200, 100)),
]
LAYOUTS = {
    "C": lambda x: x,
    "matrices turned": lambda x: np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2),
    "stack turned": lambda x: np.ascontiguousarray(x.swapaxes(0, -2)).swapaxes(0, -2),
    "every second": lambda x: np.repeat(x, 2, -1)[..., ::2],
    "backwards": lambda x: x[..., ::-1],
}


@pytest.fixture
def two_threads():
    before = kernels.get_num_threads()
    tg.set_num_threads(2)
    yield
    kernels.set_num_threads(before)


def nearly(found, x, y, dtype):
    """Whether entries are off by no more than a sum of as many terms, each of which is rounded."""
    x, y = x.astype("f8"), y.astype("f8")
    bound = (16 + x.shape[-1] ** 0.5) * np.finfo(dtype).eps * np.matmul(abs(x), abs(y))
    return bool((abs(found - np.matmul(x, y)) <= bound).all())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("x_shape", "y_shape"), SHAPES)
@pytest.mark.usefixtures("two_threads")
def test_products_are_right_and_the_same_on_any_threads(x_shape, y_shape, dtype):
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal(shape).astype(dtype) for shape in (x_shape, y_shape))
    for x_lay in LAYOUTS.values():
        for y_lay in LAYOUTS.values():
            left, right = x_lay(x), y_lay(y)
            kernels.set_num_threads(2)
            found = blocked_product(left, right)
            assert nearly(found, left, right, dtype)
            assert found.flags.c_contiguous
            assert found.dtype == dtype
            into = np.full(found.shape, np.nan, dtype)
            assert blocked_product(left, right, None, into) is into
            for threads in (1, 3, 5):  # which cut it otherwise
                kernels.set_num_threads(threads)
                np.testing.assert_array_equal(blocked_product(left, right), into)
            np.testing.assert_array_equal(found, into)
            some = slice(x_shape[-2] // 2, None)  # whatever the other rows are
            np.testing.assert_array_equal(blocked_product(left[..., some, :], right), found[..., some, :])


@pytest.mark.usefixtures("two_threads")
def test_nothing_is_written_beside_the_result():
    rng = np.random.default_rng(0)
    for n in range(2, 20):
        for m in (2, 15, 16, 17, 47, 48, 49, 63, 65, 96, 97):
            x, y = rng.standard_normal((n, 9)), rng.standard_normal((9, m))
            room = np.full(n * m + 200, np.nan)
            out = room[100:-100].reshape(n, m)
            blocked_product(x, y, None, out)
            assert nearly(out, x, y, np.float64)
            assert np.isnan(room[:100]).all()
            assert np.isnan(room[-100:]).all()


@pytest.mark.usefixtures("two_threads")
def test_numbers_that_are_not_finite_stay_in_their_rows_and_columns():
    x, y = np.ones((20, 300), np.float32), np.ones((300, 70), np.float32)
    x[3, 299], y[299, 69] = np.nan, np.inf
    found = blocked_product(x, y)
    assert np.isnan(found[3]).all()
    assert np.isinf(np.delete(found[:, 69], 3)).all()
    assert (np.delete(found, 3, 0)[:, :69] == 300).all()


@pytest.mark.usefixtures("two_threads")
def test_what_blocks_are_for():
    serves = matrix_product._blocked
    ones = lambda *shape: np.ones(shape, np.float32)  # noqa: E731
    assert serves(ones(64, 32, 32), ones(64, 32, 32))
    assert serves(ones(64, 32, 32), ones(32, 32))
    assert not serves(ones(2, 32, 32), ones(2, 32, 32))  # little work
    assert serves(ones(2, 128, 128), ones(2, 128, 128))
    assert serves(ones(64, 256), ones(256, 32))
    assert serves(ones(2, 1024), ones(1024, 1024))
    assert not serves(ones(64, 64), ones(64, 32))
    assert not serves(ones(64, 32, 32), ones(64, 32, 32).astype(np.float64))
    assert not serves(ones(64, 256).astype(">f4"), ones(256, 32).astype(">f4"))  # another byte order
    assert not serves(ones(64, 32, 32).astype(complex), ones(64, 32, 32).astype(complex))
    assert not serves(ones(64, 32, 32), ones(32))
    assert not serves(ones(64, 256, 256), ones(64, 256, 1))  # vectors
    assert not serves(ones(500, 4, 32), ones(500, 32, 32))  # half of a strip
    x = ones(64, 32, 32)
    assert not serves(x, x.swapaxes(1, 2))  # a matrix with itself
    with pytest.raises(ValueError, match="mismatch"):
        matrix_product.matrix_product(ones(64, 32, 32), ones(64, 31, 32))


@pytest.mark.usefixtures("two_threads")
def test_a_bias_is_added_at_the_end():
    rng = np.random.default_rng(0)
    x, y, bias = (rng.standard_normal(shape).astype(np.float32) for shape in ((300, 400), (400, 61), 61))
    for wide in (bias, bias[:1], np.repeat(bias, 2)[::2]):
        np.testing.assert_array_equal(matrix_product.product_plus(x, y, wide), blocked_product(x, y) + wide)


GUARDED = """
import ctypes, mmap
import numpy as np
from tinygrad_lite.kernels.linalg.blocked_product import blocked_product
libc, page, rooms = ctypes.CDLL(None), mmap.PAGESIZE, []
def at_the_end(values):  # of a page, behind which nobody may read
    size = -(-values.nbytes // page) * page
    room = mmap.mmap(-1, size + page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(room))
    assert libc.mprotect(ctypes.c_void_p(start + size), page, 0) == 0
    rooms.append(room)
    found = np.frombuffer(room, values.dtype, values.size, size - values.nbytes).reshape(values.shape)
    found[...] = values
    return found
rng = np.random.default_rng(0)
for dtype in "fd":
    for n in (2, 7, 8, 9, 70):
        for k in (2, 9, 300):
            for m in (2, 4, 8, 15, 16, 17, 32, 33, 48, 49, 64, 130):
                x, y = rng.standard_normal((n, k)).astype(dtype), rng.standard_normal((k, m)).astype(dtype)
                bias, expected = at_the_end(np.ones(m, dtype)), x.astype("f8") @ y.astype("f8") + 1
                for left in (at_the_end(x), at_the_end(np.ascontiguousarray(x.T)).T):
                    for right in (at_the_end(y), at_the_end(np.ascontiguousarray(y.T)).T):
                        out = at_the_end(np.zeros((n, m), dtype))
                        assert np.allclose(blocked_product(left, right, bias, out), expected, 1e-3, 1e-3)
print("done")
"""


@pytest.mark.skipif(os.name != "posix", reason="pages are protected by mprotect")
def test_nothing_is_read_behind_the_end():
    assert run(GUARDED) == "done\n"


SHARED = """
import os, threading
import numpy as np
import tinygrad_lite as tg
from tinygrad_lite.kernels.linalg.matrix_product import matrix_product
from tinygrad_lite.kernels.native import openblas
tg.set_num_threads(2)
rng = np.random.default_rng(0)
x, y = rng.standard_normal((300, 200)), rng.standard_normal((200, 250))
expected = matrix_product(x, y)
wrong, running = [], threading.Event()
def work():
    for _ in range(200):
        if not np.array_equal(matrix_product(x, y), expected):
            wrong.append(1)
        running.set()
users = [threading.Thread(target=work) for _ in range(4)]
for user in users: user.start()
running.wait()
for _ in range(5):
    child = os.fork()
    if not child:
        well = openblas.get_num_threads() == 2 and np.array_equal(matrix_product(x, y), expected)
        os._exit(0 if well and openblas.get_num_threads() == 2 else 1)
    assert os.waitpid(child, 0)[1] == 0, "a child"
for user in users: user.join()
assert not wrong
assert openblas.get_num_threads() == 2
print("done")
"""


@needs_openblas
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_users_threads_and_children_multiply_at_once():
    assert run(SHARED, OPENBLAS_NUM_THREADS="2") == "done\n"


def test_attention_is_the_same_on_one_thread_and_on_two(monkeypatch):
    launched = []
    launch = blocks.launch
    monkeypatch.setattr(blocks, "launch", lambda *args: launched.append(1) or launch(*args))

    def run(threads):
        kernels.set_num_threads(threads)
        tg.manual_seed(0)
        q, k, v = (tg.randn(16, 4, 65, 32, requires_grad=True) for _ in range(3))
        tg.scaled_dot_product_attention(q, k, v, is_causal=True).square().sum().backward()
        return [x.grad.numpy() for x in (q, k, v)]

    before = kernels.get_num_threads()
    try:
        for one, two in zip(run(1), run(2)):
            np.testing.assert_array_equal(one, two)
        assert len(launched) == 12  # two products, and two for the gradients of each, both times
    finally:
        kernels.set_num_threads(before)

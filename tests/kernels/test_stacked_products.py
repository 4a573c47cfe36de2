"""Products of stacks of matrices, shared between threads: NumPy's bits, from whatever memory."""

from __future__ import annotations

import os

import numpy as np
import pytest
from fresh_process import run

import tinygrad_lite as tg
from tinygrad_lite import kernels
from tinygrad_lite.kernels.linalg import matrix_product, stacked_products
from tinygrad_lite.kernels.linalg.product_in_parts import product_in_parts
from tinygrad_lite.kernels.linalg.stacked_products import stacked_product
from tinygrad_lite.kernels.native import openblas

needs_openblas = pytest.mark.skipif(openblas.get_num_threads() is None, reason="NumPy uses another BLAS")
pytestmark = pytest.mark.skipif(kernels.backend() != "numba", reason="NumPy's own matmul runs there")
SHAPES = [
    ((3, 2, 17, 8), (3, 2, 8, 17)),
    ((3, 2, 5, 5), (2, 5, 7)),
    ((1, 7, 5, 3), (6, 1, 3, 4)),
    ((9, 16, 16), (16, 16)),
    ((5, 1, 3), (5, 3, 2)),  # NumPy hands these to other functions of BLAS
    ((6, 3, 1), (6, 1, 3)),
    ((4, 0), (3, 0, 2)),
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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("x_shape", "y_shape"), SHAPES)
@pytest.mark.usefixtures("two_threads")
def test_bits_are_numpys(x_shape, y_shape, dtype):
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal(shape).astype(dtype) for shape in (x_shape, y_shape))
    for x_lay in LAYOUTS.values():
        for y_lay in LAYOUTS.values():
            found, expected = stacked_product(x_lay(x), y_lay(y)), np.matmul(x_lay(x), y_lay(y))
            np.testing.assert_array_equal(found, expected)
            assert found.flags.c_contiguous
            assert found.dtype == dtype


@pytest.mark.usefixtures("two_threads")
def test_products_of_a_stack_with_itself():
    x = np.random.default_rng(0).standard_normal((6, 9, 9))
    np.testing.assert_array_equal(stacked_product(x, x.swapaxes(1, 2)), np.matmul(x, x.swapaxes(1, 2)))


@pytest.mark.usefixtures("two_threads")
def test_what_is_shared():
    serves = matrix_product._shared
    ones = lambda *shape: np.ones(shape, np.float32)  # noqa: E731
    assert serves(ones(64, 32, 32), ones(64, 32, 32))
    assert serves(ones(64, 32, 32), ones(32, 32))
    assert not serves(ones(2, 32, 32), ones(2, 32, 32))  # little work
    assert serves(ones(2, 128, 128), ones(2, 128, 128))  # each of which BLAS would share
    assert serves(ones(64, 256), ones(256, 32))
    assert not serves(ones(64, 64), ones(64, 32))
    assert not serves(ones(64, 32, 32), ones(64, 32, 32).astype(np.float64))
    assert not serves(ones(64, 32, 32).astype(complex), ones(64, 32, 32).astype(complex))
    assert not serves(ones(64, 32, 32), ones(32))
    assert not serves(ones(64, 256, 256), ones(64, 256, 1))  # BLAS shares those with vectors earlier
    x = ones(64, 32, 32)
    assert not serves(x, x.swapaxes(1, 2))  # and those of a matrix with itself
    with pytest.raises(ValueError, match="mismatch"):
        matrix_product.matrix_product(ones(64, 32, 32), ones(64, 31, 32))
    kernels.set_num_threads(1)
    assert not serves(ones(64, 32, 32), ones(64, 32, 32))


@needs_openblas
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("x_shape", "y_shape"),
    [
        ((300, 70), (70, 501)),
        ((65, 800), (800, 130)),
        ((1000, 40), (40, 41)),
        ((3, 129, 200), (200, 100)),
        ((2, 3), (3, 4)),
    ],
)
@pytest.mark.usefixtures("two_threads")
def test_few_products_are_cut(x_shape, y_shape, dtype):
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal(shape).astype(dtype) for shape in (x_shape, y_shape))
    expected = np.matmul(x.astype("f8"), y.astype("f8"))
    multiply = stacked_product if x.ndim > 2 else product_in_parts
    for x_lay in LAYOUTS.values():
        for y_lay in (LAYOUTS["C"], LAYOUTS["matrices turned"]):
            for found in (multiply(x_lay(x), y_lay(y)), matrix_product.matrix_product(x_lay(x), y_lay(y))):
                right = np.matmul(x_lay(x).astype("f8"), y_lay(y).astype("f8"))
                np.testing.assert_allclose(found, right, rtol=0, atol=expected.std() * 40 * np.finfo(dtype).eps)
                assert found.flags.c_contiguous
    if x.ndim == 2:
        bias = rng.standard_normal(y.shape[1]).astype(dtype)
        for wide in (bias, bias[:1], np.repeat(bias, 2)[::2]):
            np.testing.assert_array_equal(matrix_product.product_plus(x, y, wide), multiply(x, y) + wide)
    else:
        into = np.full(expected.shape, np.nan, dtype)
        assert stacked_product(x, y, into) is into
        np.testing.assert_array_equal(into, stacked_product(x, y))
    assert openblas.get_num_threads() == 2


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
def test_a_users_threads_and_children_keep_blas_as_it_was():
    assert run(SHARED, OPENBLAS_NUM_THREADS="2") == "done\n"


def test_attention_is_the_same_on_one_thread_and_on_two(monkeypatch):
    launched = []
    launch = stacked_products.launch
    monkeypatch.setattr(stacked_products, "launch", lambda *args: launched.append(1) or launch(*args))

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
        assert len(launched) == 6  # two products, and two for the gradients of each
    finally:
        kernels.set_num_threads(before)

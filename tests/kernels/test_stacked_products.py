"""Products of stacks of matrices, shared between threads: NumPy's bits, from whatever memory."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import kernels
from tinygrad_lite.kernels.linalg import matrix_product, stacked_products
from tinygrad_lite.kernels.linalg.stacked_products import stacked_product

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
    kernels.set_num_threads(2)
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
    serves = matrix_product._many_small
    ones = lambda *shape: np.ones(shape, np.float32)  # noqa: E731
    assert serves(ones(64, 32, 32), ones(64, 32, 32))
    assert serves(ones(64, 32, 32), ones(32, 32))
    assert not serves(ones(2, 32, 32), ones(2, 32, 32))  # little work
    assert not serves(ones(2, 128, 128), ones(2, 128, 128))  # BLAS shares each
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

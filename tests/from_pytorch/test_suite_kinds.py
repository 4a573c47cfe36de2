"""Kinds of differences that PyTorch's own test files showed, each in a line or two of ours."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
import tinygrad_lite.nn.functional as F

# --- images of bytes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("antialias", [False, True])
def test_bytes_are_resized_and_rounded(mode: str, antialias: bool) -> None:
    """Columns first, then rows, bytes in between: by the float's interpolation, a dimension after the other."""
    image = tg.tensor(np.random.default_rng(0).integers(0, 256, (2, 3, 10, 20), dtype=np.uint8))
    expected = image
    for size in ((10, 31), (7, 31)):
        smooth = F.interpolate(expected.double(), size, mode=mode, antialias=antialias)
        expected = (smooth + 0.5).floor().clamp(0, 255).to(tg.uint8)
    found = F.interpolate(image, (7, 31), mode=mode, antialias=antialias)
    assert found.dtype is tg.uint8
    assert (found.int() - expected.int()).abs().max() <= 1  # weights of float32


@pytest.mark.parametrize("dtype", [tg.int64, tg.int8, tg.bool])
def test_other_integers_are_no_images(dtype: tg.dtype) -> None:
    x = tg.ones(1, 1, 4, 4, dtype=dtype)
    with pytest.raises(TypeError, match="interpolate: the input must be floating point, got"):
        F.interpolate(x, (2, 2), mode="bilinear")
    with pytest.raises(TypeError, match="interpolate: the input must be floating point, got"):
        tg._upsample_bilinear2d_aa(x, (2, 2), False)


# --- numbers --------------------------------------------------------------------------------------------------------


def test_masked_fill_keeps_all_of_a_value() -> None:
    """An imaginary part is not dropped, and a vector is no number."""
    mask = tg.tensor([True, False])
    with pytest.raises(RuntimeError, match="masked_fill: int64 does not hold 1j"):
        tg.zeros(2, dtype=tg.int64).masked_fill(mask, tg.tensor(1j))
    with pytest.raises(RuntimeError, match=r"masked_fill: value must be a number or .*, got shape \(1,\)"):
        tg.zeros(2).masked_fill(mask, tg.ones(1))
    assert tg.zeros(2, dtype=tg.int64).masked_fill(mask, tg.tensor(1.5)).tolist() == [1, 0]


def test_gradient_at_places_of_float64() -> None:
    """Differences of neighbours are of the wider dtype, so that near places do not cost digits."""
    rng = np.random.default_rng(0)
    values, places = rng.uniform(-9, 9, 1000).astype(np.float32), rng.standard_normal(1000)
    found = tg.gradient(tg.tensor(values), spacing=[tg.tensor(places)])[0]
    expected = np.gradient(values.astype(np.float64), places)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-11)


# --- empty and of one dimension -------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.0, 1.0, 2.0, 3.0, float("inf")])
def test_distances_from_nothing(p: float) -> None:
    for n, m, k in ((2, 0, 3), (0, 3, 3), (0, 0, 3), (2, 3, 0), (0, 0, 0)):
        x, y = tg.ones(n, k, requires_grad=True), tg.zeros(m, k, requires_grad=True)
        far = tg.cdist(x, y, p)
        far.sum().backward()
        assert far.shape == (n, m)
        assert x.grad is not None
        assert x.grad.shape == (n, k)


def test_transposes_of_vectors() -> None:
    for name in ("mT", "mH"):
        with pytest.raises(RuntimeError, match="only supported on matrices"):
            getattr(tg.ones(2), name)
    with pytest.raises(RuntimeError, match="only supported on matrices"):
        tg.ones(2).adjoint()


# --- copies, layouts, derivatives of functions ----------------------------------------------------------------------


def test_storages_are_copied_with_their_tensors() -> None:
    a = tg.zeros(4)
    b, memory, view, raw = copy.deepcopy([a, a.storage(), a.view(2, 2), a.untyped_storage()])
    b.add_(1)
    assert memory[0] == 1
    assert view.tolist() == [[1, 1], [1, 1]]
    assert raw.data_ptr() == memory.data_ptr() == b.data_ptr()
    assert a.tolist() == [0, 0, 0, 0]


def test_sparse_layouts_can_be_asked_for() -> None:
    """Programs compare a tensor's layout with them; nothing can be made in one."""
    assert tg.ones(2).layout not in (tg.sparse_coo, tg.sparse_csr, tg.sparse_csc, tg.sparse_bsr, tg.sparse_bsc)
    with pytest.raises(RuntimeError, match=r"zeros: tensors are dense here.*sparse_coo"):
        tg.zeros(2, layout=tg.sparse_coo)


def test_hessian_without_grad_mode() -> None:
    """``create_graph=True`` holds under ``no_grad``; strict and vectorize are refused together."""

    def cubes(x: tg.Tensor) -> tg.Tensor:
        return (x**3).sum()

    x, functional = tg.ones(2), tg.autograd.functional
    with tg.no_grad():
        assert functional.hessian(cubes, x, create_graph=True).grad_fn is not None
        assert functional.jacobian(cubes, x, create_graph=True).grad_fn is not None
        assert functional.hessian(cubes, x).grad_fn is None
    with pytest.raises(RuntimeError, match="hessian: strict and vectorize are not supported together"):
        functional.hessian(cubes, x, strict=True, vectorize=True)


# --- complex numbers, of which none is the largest ------------------------------------------------------------------


def _z() -> tg.Tensor:
    return tg.arange(16.0).reshape(1, 1, 4, 4).to(tg.complex64)


UNORDERED = [
    (lambda: F.max_pool1d(_z()[0], 2), "max_pool1d"),
    (lambda: F.max_pool2d(_z(), 2, return_indices=True), "max_pool2d"),
    (lambda: F.max_pool3d(_z(), 2), "max_pool3d"),
    (lambda: F.adaptive_max_pool2d(_z(), 2), "adaptive_max_pool2d"),
    (lambda: F.fractional_max_pool2d(_z(), 2, 2), "fractional_max_pool2d"),
    (lambda: tg.searchsorted(_z().flatten(), tg.ones(1)), "searchsorted"),
    (lambda: tg.searchsorted(tg.arange(3.0), tg.tensor(1j)), "searchsorted"),
    (lambda: tg.bucketize(_z(), tg.arange(3.0)), "searchsorted"),
    (lambda: F.mse_loss(_z(), _z()), "mse_loss"),
    (lambda: F.mse_loss(_z().real, _z()), "mse_loss"),
]


@pytest.mark.parametrize(("call", "who"), UNORDERED)
def test_complex_numbers_have_no_order(call: Callable[[], Any], who: str) -> None:
    """Neither NumPy's, by the real part, nor squares for distances, which come out complex or negative."""
    with pytest.raises(TypeError, match=f"{who}: the input must hold real numbers, got complex"):
        call()


# --- integers that a dtype does not hold ----------------------------------------------------------------------------


def _refuses(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call()


def test_random_integers_stay_within_their_dtype() -> None:
    """They neither wrap around, which would make some more frequent than others, nor overflow."""
    for dtype, low, high, which in (
        (tg.uint8, 0, 257, "to - 1"), (tg.int8, -129, 3, "from"), (tg.bool, 0, 3, "to - 1"),
        (tg.float16, 0, 65506, "to - 1"), (tg.uint8, -1, 3, "from"),
    ):  # fmt: skip
        message = f"randint: {which} is out of bounds for {dtype}, got .{low}, {high}"
        _refuses(lambda: tg.randint(low, high, (8,), dtype=dtype), message)  # noqa: B023  # called at once
        _refuses(lambda: tg.empty(8, dtype=dtype).random_(low, high), "random_: .* is out of bounds")  # noqa: B023
    _refuses(lambda: tg.randint_like(tg.ones(2, dtype=tg.int8), 0, 200), "randint: to - 1 is out of bounds for int8")
    _refuses(lambda: tg.randperm(257, dtype=tg.uint8), "randperm: n is too large for uint8")
    _refuses(lambda: tg.randperm(2050, dtype=tg.float16), "randperm: n is too large for float16")
    _refuses(lambda: tg.linspace(0, 300, 4, dtype=tg.uint8), "linspace: uint8 does not hold 300")
    assert tg.randint(0, 256, (4000,), dtype=tg.uint8).max() == 255
    assert sorted(tg.randperm(2049, dtype=tg.float16).tolist()) == list(range(2049))
    assert tg.linspace(0, 255, 4, dtype=tg.uint8).tolist() == [0, 85, 170, 255]


def test_random_numbers_stay_below_their_bound() -> None:
    """Rounding to the dtype does not make the bound itself, of which the interval is open."""
    half = tg.empty(100_000, dtype=tg.float16)
    for drawn, bound in (
        (half.clone().random_(4100), 4100), (tg.randint_like(half, 0, 4099), 4099),
        (half.clone().uniform_(1000, 1001), 1001), (tg.empty(1_000_000).uniform_(1e6, 1e6 + 1), 1e6 + 1),
    ):  # fmt: skip
        assert drawn.double().max() < bound
    assert (half.clone().uniform_(3, 3) == 3).all()


def test_factors_are_not_cut_silently() -> None:
    """A fraction beside integers, and an imaginary part beside real numbers."""
    one, v = tg.ones(2, 2, dtype=tg.int32), tg.ones(2, dtype=tg.int32)
    _refuses(lambda: tg.addr(one, v, v, alpha=2.5), "addr: alpha must be an integer as the Tensors are, got 2.5")
    _refuses(lambda: tg.addr(one, v, v, beta=0.5), "addr: beta must be an integer as the Tensors are, got 0.5")
    assert tg.addr(one, v, v, alpha=2, beta=3).tolist() == [[5, 5], [5, 5]]
    assert tg.addr(one.float(), v, v, alpha=0.5).tolist() == [[1.5, 1.5], [1.5, 1.5]]
    place = tg.tensor([0, 1])
    _refuses(lambda: tg.index_add(v, 0, place, v, alpha=1j), "index_add: int32 does not hold 1j")
    _refuses(lambda: tg.ones(2).index_add_(0, place, tg.ones(2), alpha=1j), "index_add.*: float32 does not hold 1j")

"""Kinds of differences that PyTorch's own test files showed, each in a line or two of ours."""

from __future__ import annotations

import copy

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

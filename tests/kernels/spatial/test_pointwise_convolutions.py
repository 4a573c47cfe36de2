"""Convolutions whose windows are single pixels: products of matrices against the sums of the plain twins."""

from __future__ import annotations

import math
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_lite as tg
from tinygrad_lite.kernels.spatial import conv_numpy, loops, pointwise
from tinygrad_lite.kernels.spatial.conv_numpy import Geometry

RNG = np.random.default_rng(0)


def geometry_of(small: tuple[int, ...], stride: tuple[int, ...], more: tuple[int, ...]) -> Geometry:
    ones, zeros = (1,) * len(small), (0,) * len(small)
    large = tuple((m - 1) * s + 1 + min(e, s - 1) if m else 0 for m, s, e in zip(small, stride, more))
    return Geometry(large, small, ones, stride, zeros, tuple(e + 1 for e in more))


@st.composite
def geometries(draw: Any) -> Geometry:
    dims = draw(st.integers(1, 3))
    several = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(dims))  # noqa: E731
    return geometry_of(several(0 if draw(st.booleans()) else 1, 6), several(1, 3), several(0, 2))


def numbers(*shape: int, dtype: Any, turned: bool) -> Any:
    """In C order, or not."""
    if turned and len(shape) > 1:
        return numbers(*shape[::-1], dtype=dtype, turned=False).T
    return RNG.integers(-4, 5, shape).astype(dtype)  # all sums are exact


@pytest.mark.parametrize(("few", "near"), [(16, 1 << 19), (1 << 30, 0), (0, 0)])
@given(geometries(), st.integers(0, 3), st.integers(1, 9), st.integers(1, 9), st.sampled_from("fdl"), st.booleans())
@settings(max_examples=40, deadline=None)
def test_products_equal_the_sums(
    few: int, near: int, geometry: Geometry, n: int, a: int, c: int, dtype: str, turned: bool
) -> None:
    """However the images lie: as they are, or turned."""
    ones = (1,) * len(geometry.small)
    x, w = numbers(n, c, *geometry.large, dtype=dtype, turned=turned), numbers(a, c, *ones, dtype=dtype, turned=turned)
    y, bias = numbers(n, a, *geometry.small, dtype=dtype, turned=turned), numbers(a, dtype=dtype, turned=False)
    of_c = numbers(c, dtype=dtype, turned=False)
    with mock.patch.multiple(pointwise, FEW_PIXELS=few, NEAR=near):
        for compute, plain, arguments, added in (
            (pointwise.convolve, conv_numpy.convolve_plain, (x, w), bias),
            (pointwise.spread, conv_numpy.spread_plain, (y, w), of_c),
        ):
            like = y if compute is pointwise.convolve else x
            for some in (None, added):
                found, expected = np.full(like.shape, 99, dtype), np.empty(like.shape, dtype)
                compute(*arguments, some, geometry, found)
                plain(*arguments, geometry, expected)
                if some is not None:
                    expected += some.reshape(-1, *ones)
                np.testing.assert_array_equal(found, expected)
        found, expected = np.full(w.shape, 99, dtype), np.empty(w.shape, dtype)
        pointwise.correlate(y, x, geometry, found)
        conv_numpy.correlate_plain(y, x, geometry, expected)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("changed", [{"kernel": (1, 2)}, {"padding": (0, 1)}, {"groups": 2}])
def test_other_windows_are_none_of_these(changed: dict[str, Any]) -> None:
    geometry = geometry_of((3, 4), (1, 2), (0, 0))
    assert pointwise.pixels(geometry) == (slice(0, 3, 1), slice(0, 7, 2))
    assert pointwise.pixels(geometry._replace(**changed)) is None


@pytest.mark.parametrize("size", [1, 3, 12])
@pytest.mark.parametrize("narrow", [False, True])
def test_whoever_computes(size: int, narrow: bool) -> None:
    """Where BLAS has short vectors only, compiled loops multiply the larger images."""
    pytest.importorskip("numba")
    x, w, b = (RNG.standard_normal(s) for s in ((3, 20, size, size), (18, 20, 1, 1), (18,)))
    with mock.patch.object(loops, "is_narrow", return_value=narrow):
        tensors = [tg.tensor(v).requires_grad_() for v in (x, w, b)]
        y = tg.conv2d(*tensors)
        gradients = tg.autograd.grad((y * y).sum(), tensors)
    expected = np.einsum("nchw,ac->nahw", x, w[:, :, 0, 0]) + b[:, None, None]
    g = 2 * expected
    np.testing.assert_allclose(y.detach().numpy(), expected, atol=1e-12)
    for found, wanted in zip(
        gradients, (np.einsum("nahw,ac->nchw", g, w[:, :, 0, 0]), np.einsum("nahw,nchw->ac", g, x), g.sum((0, 2, 3)))
    ):
        np.testing.assert_allclose(found.numpy().reshape(wanted.shape), wanted, rtol=1e-10, atol=1e-10)


def test_weights_that_many_pixels_add_up_to_are_accurate() -> None:
    """BLAS alone would add up 2^20 terms of one sign one after the other, block by block."""
    count = 1 << 20
    x, g = (RNG.uniform(1, 2, (1, 2, count)).astype(np.float32) for _ in range(2))
    w = np.empty((2, 2, 1), np.float32)
    pointwise.correlate(g, x, Geometry((count,), (count,), (1,), (1,), (0,), (1,)), w)
    exact = g[0].astype(np.float64) @ x[0].T.astype(np.float64)
    assert np.abs(w[..., 0] / exact - 1).max() < 4 * np.finfo(np.float32).eps * math.sqrt(20)

"""Convolutions of groups of few channels: compiled against plain, in bands and threads, and their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_spatial import all_three, draw

import tinygrad_lite as tg
from tinygrad_lite import kernels
from tinygrad_lite.kernels.spatial.conv_numpy import Geometry

pytest.importorskip("numba")
depthwise = pytest.importorskip("tinygrad_lite.kernels.spatial.depthwise.depthwise")


@st.composite
def geometries(draw: Any) -> Geometry:
    dims = draw(st.integers(1, 3))
    several = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(dims))  # noqa: E731
    large, kernel, stride = several(1, (60, 24, 8)[dims - 1]), several(1, 5), several(1, 3)
    padding, dilation = several(0, 3), several(1, 3)
    small = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in zip(large, kernel, stride, padding, dilation)
    )
    assume(min(small) > 0)
    return Geometry(large, small, kernel, stride, padding, dilation, draw(st.sampled_from([1, 5, 8, 16, 19, 40])))


def compare(geometry: Geometry, n: int, inner: int, rows: int, dtype: Any) -> None:
    groups = geometry.groups
    x = draw(n, groups * inner, *geometry.large, dtype=dtype)
    w = draw(groups * rows, inner, *geometry.kernel, dtype=dtype)
    all_three(x, w, draw(n, groups * rows, *geometry.small, dtype=dtype), geometry)


@pytest.mark.parametrize("near", [depthwise.NEAR, 1 << 12])
@given(geometries(), st.integers(1, 9), st.integers(1, 3), st.integers(1, 3), st.booleans())
@settings(max_examples=40, deadline=None)
def test_groups_of_few_channels_equal_plain_ones(
    near: int, geometry: Geometry, n: int, inner: int, rows: int, single: bool
) -> None:
    """Whether an image is laid out whole, or in bands."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(depthwise, "NEAR", near)
        depthwise._plan.cache_clear()
        compare(geometry, n, inner, rows, np.float32 if single else np.float64)
    depthwise._plan.cache_clear()


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("groups", [12, 16, 50])
def test_groups_from_several_threads(monkeypatch: pytest.MonkeyPatch, threads: int, groups: int) -> None:
    """With fewer groups than lanes, those of all images are taken together; sums are made in parts."""
    monkeypatch.setattr(depthwise, "helpers_for", lambda work: threads - 1)
    monkeypatch.setattr(depthwise, "NEAR", 1 << 14)
    depthwise._plan.cache_clear()
    before = kernels.get_num_threads()
    kernels.set_num_threads(threads)
    try:
        for stride in (1, 2, 3):
            size = (27 + 4 - 5) // stride + 1
            geometry = Geometry((27, 27), (size, size), (5, 5), (stride,) * 2, (2, 2), (1, 1), groups)
            compare(geometry, 7, 1, 1, np.float32)
            compare(geometry, 3, 2, 2, np.float32)
    finally:
        kernels.set_num_threads(before)
        depthwise._plan.cache_clear()


def test_what_is_not_finite_stays_where_it_is() -> None:
    """Neither another channel nor a result whose window does not meet it becomes NaN."""
    x, w = np.ones((2, 20, 9, 9), np.float32), np.ones((20, 1, 3, 3), np.float32)
    x[1, 3, 0, 8] = np.nan
    y = tg.conv2d(tg.tensor(x), tg.tensor(w), padding=1, groups=20).numpy()
    expected = np.zeros(y.shape, bool)
    expected[1, 3, :2, 7:] = True
    np.testing.assert_array_equal(np.isnan(y), expected)


@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize("stride", [1, 2])
def test_derivatives_of_depthwise_convolutions(stride: int, multiplier: int) -> None:
    """Of both orders, by finite differences; the loops serve eight groups and more."""
    x, w = tg.tensor(draw(1, 8, 4, 5)), tg.tensor(draw(8 * multiplier, 1, 3, 2))
    x.requires_grad_(), w.requires_grad_()
    run = lambda x, w: tg.conv2d(x, w, None, stride, 1, 1, 8)  # noqa: E731
    assert depthwise.serves(Geometry((4, 5), (1, 1), (3, 2), (1, 1), (1, 1), (1, 1), 8), 1, 1, multiplier)
    assert tg.gradcheck(run, (x, w))
    assert tg.gradgradcheck(run, (x, w))

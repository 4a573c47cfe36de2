"""Convolutions, pools and resampling: compiled against plain, what rows cannot say, and refusals."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle import agree

import tinygrad_lite as tg
import tinygrad_lite.nn.functional as F
from tinygrad_lite import kernels
from tinygrad_lite.kernels.spatial import conv_numpy
from tinygrad_lite.kernels.spatial.conv_numpy import Geometry

numba = pytest.importorskip("numba")

RNG = np.random.default_rng(0)


def draw(*shape: int, dtype: Any = np.float64) -> Any:
    return RNG.standard_normal(shape).astype(dtype)


# --- compiled against plain -----------------------------------------------------------------------------------------


def all_three(x: Any, w: Any, y: Any, geometry: Geometry) -> None:
    """The three functions of a convolution, compiled, equal their plain twins."""
    from tinygrad_lite.kernels.spatial import conv

    tolerance = 1e-10 if x.dtype == np.float64 else 1e-4
    for compiled, plain, arguments, like in (
        (lambda *a: conv.convolve(a[0], a[1], None, *a[2:]), conv_numpy.convolve_plain, (x, w), y),
        (lambda *a: conv.spread(a[0], a[1], None, *a[2:]), conv_numpy.spread_plain, (y, w), x),
        (conv.correlate, conv_numpy.correlate_plain, (y, x), w),
    ):
        ours, expected = np.full_like(like, np.nan), np.empty_like(like)
        compiled(*arguments, geometry, ours)
        plain(*arguments, geometry, expected)
        np.testing.assert_allclose(ours, expected, rtol=tolerance, atol=tolerance * max(1, w[0].size) ** 0.5)


@st.composite
def geometries(draw: Any) -> Geometry:
    dims = draw(st.integers(1, 3))
    several = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(dims))  # noqa: E731
    large, kernel, stride = several(1, (40, 20, 7)[dims - 1]), several(1, 4), several(1, 4)
    padding, dilation = several(0, 3), several(1, 3)
    small = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in zip(large, kernel, stride, padding, dilation)
    )
    assume(min(small) > 0)
    return Geometry(large, small, kernel, stride, padding, dilation, draw(st.sampled_from([1, 1, 2, 3])))


@pytest.mark.parametrize("gathers", [False, True])
@given(geometries(), st.integers(1, 3), st.integers(1, 11), st.sampled_from([1, 2, 7, 17, 40]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_compiled_convolutions_equal_plain_ones(
    gathers: bool, geometry: Geometry, n: int, a: int, c: int, single: bool
) -> None:
    """Whether lines are read where they are, or gathered first."""
    from tinygrad_lite.kernels.spatial import conv

    dtype, groups = np.float32 if single else np.float64, geometry.groups
    x, w = draw(n, c * groups, *geometry.large, dtype=dtype), draw(a * groups, c, *geometry.kernel, dtype=dtype)
    with mock.patch.object(conv, "LINE_ROWS", -1 if gathers else math.inf):
        all_three(x, w, draw(n, a * groups, *geometry.small, dtype=dtype), geometry)


@pytest.mark.parametrize("gathers", [False, True])
@pytest.mark.parametrize("threads", [1, 3])
def test_convolutions_in_several_pieces(monkeypatch: pytest.MonkeyPatch, threads: int, gathers: bool) -> None:
    """Little room: every image is laid out alone, and met by the weights in parts."""
    from tinygrad_lite.kernels.spatial import conv, conv_gathered, padded_layout

    monkeypatch.setattr(padded_layout, "SLAB", 1 << 10)
    monkeypatch.setattr(conv, "NEAR", 1 << 10)
    monkeypatch.setattr(conv, "LINE", 1 << 11)
    monkeypatch.setattr(conv, "LINE_ROWS", -1 if gathers else math.inf)
    monkeypatch.setattr(conv_gathered, "NEAR", 1 << 13)
    monkeypatch.setattr(conv_gathered, "DEPTH", 20)
    for module in (conv, conv_gathered, padded_layout):
        monkeypatch.setattr(module, "helpers_for", lambda work: threads - 1)
    conv_gathered.shares.cache_clear()
    before = kernels.get_num_threads()
    kernels.set_num_threads(threads)
    try:
        for c in (3, 33):
            geometry = Geometry((30, 31), (15, 16), (3, 3), (2, 2), (1, 1), (1, 1))
            all_three(draw(5, c, 30, 31), draw(19, c, 3, 3), draw(5, 19, 15, 16), geometry)
    finally:
        kernels.set_num_threads(before)
        conv_gathered.shares.cache_clear()


@pytest.mark.parametrize("width", [16, 32])
def test_convolutions_on_processors_with_short_vectors(width: int) -> None:
    code = f"""
        import numpy as np
        from tinygrad_lite.kernels.native.simd import vectors as tile  # before those that take its names
        tile.WIDTH = {width}
        tile.COLUMNS_8, tile.COLUMNS_6, tile.COLUMNS_4, tile.COLUMNS_2, tile.COLUMNS_1 = 1, 2, 3, 4, 8
        tile.ROWS, tile.PANEL = 6, 2
        from tinygrad_lite.kernels.spatial import conv as convolve
        from test_spatial import draw, all_three, Geometry, compare_max_pools
        for c in (3, 17):
            geometry = Geometry((12, 13), (6, 13), (3, 3), (2, 1), (1, 1), (1, 1))
            x, w, y = draw(2, c, 12, 13), draw(15, c, 3, 3), draw(2, 15, 6, 13)
            for convolve.LINE_ROWS in (-1, 1000):
                all_three(x.astype("f"), w.astype("f"), y.astype("f"), geometry)
        compare_max_pools(np.float32)
        print("fine")
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(Path(__file__).parent), *filter(None, sys.path)))}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.stdout == "fine\n", done.stderr


POOLS: list[tuple[Any, ...]] = [
    (2, 2), (3, 2, 1), (3, 1, 1, 1, True), (2, 1, 0, 2), (3, 3, 1, 1, True), ((1, 3), (3, 2), (0, 1), (1, 2), True),
    ((3, 2), (1, 2), (1, 0)),
]  # fmt: skip


def compare_max_pools(dtype: Any) -> None:
    for shape in ((2, 3, 5, 6), (2, 2, 17, 37), (1, 1, 1, 70), (0, 2, 4, 4)):
        x = np.rint(draw(*shape) * 2).astype(dtype)  # ties
        if np.dtype(dtype).kind == "f":
            x[RNG.random(shape) < 0.05] = np.nan
            x[RNG.random(shape) < 0.05] = -np.inf
        for options in POOLS:
            if min(shape[2:]) < 5 and options != (3, 2, 1):
                continue
            t = tg.tensor(x)
            values, indices = tg.max_pool2d(t, *(*options, *(None, 0, 1, False)[len(options) - 1 :]), True)
            with kernels.use("numpy"):
                others, places = tg.max_pool2d(t, *(*options, *(None, 0, 1, False)[len(options) - 1 :]), True)
            np.testing.assert_array_equal(values.numpy(), others.numpy(), strict=True)
            np.testing.assert_array_equal(indices.numpy(), places.numpy(), strict=True)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8"])
def test_compiled_maxima_equal_plain_ones(dtype: str) -> None:
    compare_max_pools(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiled_blends_and_scatters_equal_plain_ones(dtype: Any) -> None:
    from tinygrad_lite.kernels.spatial import max_pool, stencil
    from tinygrad_lite.kernels.spatial.max_pool_numpy import scatter_plain
    from tinygrad_lite.kernels.spatial.stencil_numpy import blend_plain
    from tinygrad_lite.ops.shape.stencil import Stencil

    stencils: list[tuple[list[int], list[int], list[float]]] = [
        ([2, 0, 3], [0, 1, 1, 1, 3], [0.5, 2.0, -1.0, 0.25, 1.0]), ([1, 1], [3, 0], [1.0, 2.0]),
        ([2, 2], [3, 2, 0, 1], [1.0, 0.5, 2.0, -1.0]), ([], [], []),
    ]  # fmt: skip
    for rows in stencils:
        for inner in (1, 5):
            x, out = draw(3, 4, inner, dtype=dtype), np.full((2, 3, len(rows[0]), inner), np.nan, dtype)
            table = Stencil(4, *rows).table(np.dtype(dtype))
            stencil.blend(x, *table, out[0])
            blend_plain(x, *table, out[1])
            np.testing.assert_allclose(out[0], out[1], rtol=1e-6)
    y, index = draw(3, 20, dtype=dtype), RNG.integers(0, 7, (3, 20)).astype(np.int32)
    out = np.full((2, 3, 7), np.nan, dtype)
    max_pool.scatter(y, index, out[0])
    scatter_plain(y, index, out[1])
    np.testing.assert_allclose(out[0], out[1], rtol=1e-4)


def test_without_numba() -> None:
    """The same functions on the plain backend."""
    x, w, b = (tg.tensor(draw(*s)).requires_grad_() for s in ((2, 4, 7, 6), (6, 2, 3, 2), (6,)))

    def everything() -> list[Any]:
        y = tg.conv2d(x, w, b, stride=2, padding=1, groups=2)
        z = tg.conv_transpose2d(y, tg.ones(6, 1, 2, 2, dtype=tg.float64), stride=2)
        p = tg.max_pool2d(z, 2) + tg.avg_pool2d(z, 2) + tg.interpolate(z, scale_factor=0.5, mode="bilinear")
        return [p, *tg.autograd.grad((p * p).sum(), (x, w, b))]

    expected = everything()
    with kernels.use("numpy"):
        for a, e in zip(everything(), expected):
            np.testing.assert_allclose(a.detach().numpy(), e.detach().numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    "shape", [(2, 64, 20, 21, 24, 3, 1, 1), (1, 3, 50, 47, 16, 7, 2, 3), (3, 128, 7, 7, 40, 3, 1, 1)]
)
def test_float32_is_accurate(shape: tuple[int, ...]) -> None:
    n, c, h, w, a, k, stride, padding = shape
    x, weight = draw(n, c, h, w), draw(a, c, k, k) / np.sqrt(c * k * k)
    found = []
    for dtype in (np.float32, np.float64):
        tensors = [tg.tensor(v.astype(dtype)).requires_grad_() for v in (x, weight)]
        y = tg.conv2d(*tensors, stride=stride, padding=padding)
        found.append([y, *tg.autograd.grad(y.sum() + (y * y).sum(), tensors)])
    for single, double in zip(*found):
        scale = np.abs(double.detach().numpy()).max()
        np.testing.assert_allclose(single.detach().numpy() / scale, double.detach().numpy() / scale, atol=5e-6)


def test_second_derivatives_of_a_convolution_in_float32() -> None:
    def program(m: Any) -> Any:
        rng = np.random.default_rng(1)
        x, w = (m.tensor(rng.standard_normal(s), requires_grad=True) for s in ((2, 18, 9, 8), (5, 18, 3, 3)))
        y = m.conv2d(x, w, stride=2, padding=1)
        gx, gw = m.autograd.grad((y * y).sum(), (x, w), create_graph=True)
        return m.autograd.grad((gx * gx).sum() + (gw * gw * gw).sum(), (x, w))

    agree(program)


# --- edges ----------------------------------------------------------------------------------------------------------


def test_an_empty_batch() -> None:
    def program(m: Any) -> Any:
        x, w, b = m.zeros(0, 3, 5, 5, requires_grad=True), m.ones(4, 3, 3, 3, requires_grad=True), m.ones(4)
        y = m.conv2d(x, w, b)
        return [y, *m.autograd.grad(y.sum(), (x, w))]

    agree(program)
    for pool in (lambda x: tg.max_pool2d(x, 2), lambda x: tg.avg_pool2d(x, 2), lambda x: tg.interpolate(x, 2)):
        x = tg.zeros(0, 3, 4, 4, requires_grad=True)
        y = pool(x)
        assert y.shape == (0, 3, 2, 2)
        y.sum().backward()
        assert x.grad is not None
        assert x.grad.shape == x.shape


def test_not_a_number_and_infinity_stay_where_they_are() -> None:
    x = tg.ones(1, 1, 6, 20)
    x[0, 0, 3, 4] = float("nan")
    y = tg.conv2d(x, tg.ones(2, 1, 3, 3), padding=1).isnan().numpy()
    assert y.sum() == 18
    assert y[:, :, 2:5, 3:6].all()
    y = tg.interpolate(x, scale_factor=2, mode="bilinear").isnan().numpy()
    assert y.sum() == 16
    assert tg.avg_pool2d(x, 2).isnan().sum().item() == 1


@pytest.mark.parametrize("channels", [3, 20])
def test_room_kept_from_an_earlier_call_holds_nothing(channels: int) -> None:
    """Memory is used again: what one call has left there must not reach the next one."""
    for value, n in ((float("nan"), 5), (1.0, 2), (1.0, 3)):
        x, w = tg.full((n, channels, 9, 7), value), tg.ones(4, channels, 3, 3, requires_grad=True)
        x.requires_grad_()
        y = tg.conv2d(x, w, padding=1)
        found = [y, *tg.autograd.grad(y.sum(), (x, w))]
        if value == 1.0:
            assert all(tg.isfinite(t).all().item() for t in found)


@pytest.mark.parametrize("name", ["max_pool2d", "adaptive_max_pool2d"])
def test_maxima_of_ties_and_infinities(name: str) -> None:
    def program(m: Any) -> Any:
        x = m.tensor([[[0.0, 0, 0, 1], [0, 0, 1, 1], [-np.inf] * 4, [-np.inf] * 4]], requires_grad=True)
        pool = getattr(m.nn.functional, name)
        values, indices = pool(x, 2, return_indices=True)
        return [values, indices, *m.autograd.grad(pool(x, 2).sum(), x)]

    agree(program)


def test_unpooling_undoes_pooling() -> None:
    x = tg.tensor(draw(2, 3, 6, 8))
    values, indices = tg.max_pool2d(x, 2, return_indices=True)
    back = tg.max_unpool2d(values, indices, 2)
    assert back.shape == x.shape
    again, places = tg.max_pool2d(back.abs(), 2, return_indices=True)
    np.testing.assert_array_equal(again.numpy(), values.abs().numpy())
    np.testing.assert_array_equal(places.numpy(), indices.numpy())


def test_where_an_index_is_repeated_the_last_value_stands_and_all_get_the_gradient() -> None:
    y = tg.tensor([[1.0, 2.0]], requires_grad=True)
    out = tg.max_unpool1d(y, tg.tensor([[3, 3]]), 2)
    assert out.tolist() == [[0, 0, 0, 2]]
    out.sum().backward()
    assert y.grad is not None
    assert y.grad.tolist() == [[1, 1]]


def test_fractional_pools_repeat_with_their_generator() -> None:
    x = tg.tensor(draw(2, 3, 9, 9))
    first, second, other = (
        tg.fractional_max_pool2d(x, 2, output_size=4, generator=tg.Generator().manual_seed(s)) for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.numpy(), second.numpy())
    assert not np.array_equal(first.numpy(), other.numpy())


def test_fold_divides_by_what_unfold_repeats() -> None:
    x, ones = tg.tensor(draw(2, 3, 7, 8)), tg.ones(2, 3, 7, 8, dtype=tg.float64)
    both = [F.fold(F.unfold(t, 3, padding=1), (7, 8), 3, padding=1) for t in (x, ones)]
    np.testing.assert_allclose((both[0] / both[1]).numpy(), x.numpy(), rtol=1e-12)


def test_shuffles_are_inverses() -> None:
    x = tg.tensor(draw(2, 8, 3, 5))
    np.testing.assert_array_equal(tg.pixel_unshuffle(tg.pixel_shuffle(x, 2), 2).numpy(), x.numpy())
    np.testing.assert_array_equal(tg.channel_shuffle(tg.channel_shuffle(x, 2), 4).numpy(), x.numpy())


def test_the_identity_grid_reads_the_image() -> None:
    x = tg.tensor(draw(2, 3, 4, 5))
    identity = tg.tensor([[[1.0, 0, 0], [0, 1, 0]]] * 2, dtype=tg.float64)
    for align in (False, True):
        grid = tg.affine_grid(identity, x.shape, align)
        for mode in ("bilinear", "nearest", "bicubic"):
            found = tg.grid_sample(x, grid, mode, align_corners=align)
            np.testing.assert_allclose(found.numpy(), x.numpy(), atol=1e-12)


def test_a_grid_far_outside_reads_zeros() -> None:
    grid = tg.tensor([[[[0.0, -1e30], [1e30, 0.0], [-3.0, 9.0]]]])
    assert tg.grid_sample(tg.ones(1, 2, 3, 3), grid).tolist() == [[[[0, 0, 0]], [[0, 0, 0]]]]


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_padding_modes(mode: str) -> None:
    def program(m: Any) -> Any:
        rng = np.random.default_rng(2)
        found = []
        for shape, widths in (((2, 3, 5), (2, 3)), ((2, 3, 4, 5), (1, 2, 3, 0)), ((1, 2, 3, 4, 3), (2, 1, 1, 1, 2, 0))):
            x = m.tensor(rng.standard_normal(shape), requires_grad=True)
            y = m.nn.functional.pad(x, widths, mode=mode)
            found += [y, *m.autograd.grad((y * y * y).sum(), x)]
        return found

    agree(program)


# --- refusals -------------------------------------------------------------------------------------------------------

X, W = tg.ones(2, 4, 6, 6), tg.ones(3, 4, 3, 3)

REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: tg.conv2d(tg.ones(4), W), ValueError,
     r"conv2d: input must have 3 \(unbatched\) or 4 dimensions, got shape"),
    (lambda: tg.conv2d(X, tg.ones(3, 4, 3)), ValueError,
     r"conv2d: weight must have 4 dimensions, got shape \(3, 4, 3\)"),
    (lambda: tg.conv2d(X, tg.ones(3, 5, 3, 3)), ValueError, "conv2d: input must have 5 channels for weight"),
    (lambda: tg.conv2d(X, tg.ones(3, 2, 3, 3), groups=2), ValueError, "a first one that groups 2 divides"),
    (lambda: tg.conv2d(X, W, tg.ones(4)), ValueError, r"conv2d: bias must have shape \(3,\), got \(4,\)"),
    (lambda: tg.conv2d(X, W.double()), TypeError, "must be numbers of one dtype, got float32, float64"),
    (lambda: tg.conv2d(X, W, stride=0), ValueError,
     "conv2d: stride must be an integer of at least 1, or 2 of them, got 0"),
    (lambda: tg.conv2d(X, W, padding=(1, 2, 3)), ValueError, "conv2d: padding must be an integer of at least 0"),
    (lambda: tg.conv2d(X, W, padding="same", stride=2), ValueError, "conv2d: padding 'same' must go with stride 1"),
    (lambda: tg.conv2d(X, W, padding="full"), ValueError,
     "conv2d: padding must be 'valid', 'same' or numbers, got 'full'"),
    (lambda: tg.conv2d(X, W, dilation=3), ValueError,
     r"conv2d: windows of size \(3, 3\) and dilation \(3, 3\) must fit"),
    (lambda: tg.conv2d(X, W, groups=0), ValueError, "conv2d: groups must be at least 1, got 0"),
    (lambda: tg.conv2d(X, W, dilation=1.5), TypeError, "conv2d: dilation must be an integer or 2 of them, got 1.5"),
    (lambda: tg.conv_transpose2d(X, W), ValueError, "conv_transpose2d: input must have 3 channels for weight"),
    (lambda: tg.conv_transpose2d(X, tg.ones(4, 3, 3, 3), output_padding=1), ValueError,
     "output_padding must be smaller"),
    (lambda: tg.conv_transpose2d(X, tg.ones(4, 3, 1, 1), padding=5), ValueError, "the result must not be empty"),
    (lambda: tg.max_pool2d(X, 2, padding=2), ValueError,
     r"max_pool2d: padding must be at most half of the kernel's size"),
    (lambda: tg.max_pool2d(X, 7), ValueError, r"max_pool2d: windows of size \(7, 7\) must fit the input"),
    (lambda: tg.avg_pool2d(X, 2, divisor_override=0), ValueError, "avg_pool2d: divisor_override must not be 0"),
    (lambda: tg.avg_pool2d(X.int(), 2), TypeError, "avg_pool2d: the input must be floating point, got int32"),
    (lambda: tg.adaptive_avg_pool2d(X, (1, 2, 3)), ValueError, "adaptive_avg_pool2d: output_size must be"),
    (lambda: tg.adaptive_max_pool2d(X, 0.5), TypeError, "adaptive_max_pool2d: output_size must be an integer"),
    (lambda: tg.max_unpool2d(X, X, 2), ValueError, "max_unpool2d: indices must be integers of the input's shape"),
    (lambda: tg.max_unpool2d(X, X.long() * 144, 2), ValueError, r"indices must be in \[0, 143\], got 144 to 144"),
    (lambda: tg.max_unpool2d(X, X.long(), 2, output_size=(9, 12)), ValueError, "output_size must differ from"),
    (lambda: tg.fractional_max_pool2d(X, 2), ValueError, "give either output_size or output_ratio"),
    (lambda: tg.fractional_max_pool2d(X, 2, output_ratio=1.5), ValueError, r"2 numbers in \(0, 1\), got 1.5"),
    (lambda: tg.fractional_max_pool2d(X, 3, output_size=6), ValueError, "must fit the input"),
    (lambda: F.fold(tg.ones(2, 8, 3), 4, 2), ValueError, r"fold: input must have shape \(N, C \* 4, 9\)"),
    (lambda: F.unfold(X, 8), ValueError, r"unfold: windows of size \(8, 8\)"),
    (lambda: tg.pixel_shuffle(X, 3), ValueError, "pixel_shuffle: the channels must be divisible by 9"),
    (lambda: tg.pixel_unshuffle(X, 4), ValueError, "pixel_unshuffle: height and width must be divisible by 4"),
    (lambda: tg.channel_shuffle(X, 3), ValueError,
     "channel_shuffle: the channels must be divisible by groups 3, got 4"),
    (lambda: tg.interpolate(X), ValueError, "interpolate: give either size or scale_factor"),
    (lambda: tg.interpolate(X, 3, 2.0), ValueError, "interpolate: give either size or scale_factor"),
    (lambda: tg.interpolate(X, 3, mode="linear"), ValueError, "interpolate: mode must be one of"),
    (lambda: tg.interpolate(X, 3, align_corners=True), ValueError, "interpolate: align_corners is for"),
    (lambda: tg.interpolate(X, 0), ValueError, "interpolate: input and output sizes must be positive"),
    (lambda: tg.interpolate(X, (1, 2, 3)), ValueError, "must be a number or 2 of them"),
    (lambda: tg.interpolate(X, 3, antialias=True), ValueError, "antialias is for modes bilinear and bicubic"),
    (lambda: tg.interpolate(X.long(), 3, mode="bilinear"), TypeError, "the input must be floating point, got int64"),
    (lambda: tg.grid_sample(X, tg.ones(1, 2, 2, 2)), ValueError, "grid_sample: input and grid must have shapes"),
    (lambda: tg.grid_sample(X, tg.ones(2, 2, 2, 2), "cubic"), ValueError, "grid_sample: mode must be"),
    (lambda: tg.grid_sample(X, tg.ones(2, 2, 2, 2), padding_mode="wrap"), ValueError,
     "grid_sample: padding_mode must be"),
    (lambda: tg.affine_grid(tg.ones(2, 3, 3), (2, 1, 4, 4)), ValueError, "affine_grid: theta must have shape"),
]  # fmt: skip


@pytest.mark.each(("call", "error", "message"), REFUSED)
def test_refusals(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_batch_without_images_goes_both_ways():
    x, w, b = (tg.ones(*shape, requires_grad=True) for shape in ((0, 2, 5, 5), (3, 2, 3, 3), (3,)))
    turned = lambda x, w, b: tg.conv_transpose2d(x, w.transpose(0, 1), b)  # noqa: E731
    for call, shape in ((tg.conv2d, (0, 3, 3, 3)), (turned, (0, 3, 7, 7))):
        for leaf in (x, w, b):
            leaf.grad = None
        out = call(x, w, b)
        assert out.shape == shape
        out.sum().backward()
        assert x.grad.shape == x.shape
        assert not w.grad.any()
        assert not b.grad.any()


def test_few_tables_of_long_lengths_are_kept() -> None:
    """Of short ones many are, for the sizes of a network; long ones take memory, and sounds have all lengths."""
    from tinygrad_lite.ops.shape.stencil import remembered

    made: list[int] = []
    table = remembered(lambda size, count: made.append(size) or [size])
    first = [table(n, 1) for n in (*range(100), *range(10_000, 10_100))]
    assert all(table(n, 1) is first[n] for n in range(100))
    assert len(made) == 200
    assert table(10_099, 1) is first[-1]
    assert table(10_000, 1) is not first[100]
    assert table(1, 10_000) == [1]
    assert len(made) == 202


@pytest.mark.parametrize("longest", [3, 63, 64, 65, 129, 200])
def test_long_windows_are_sums_of_sums(longest: int) -> None:
    """A stencil, its pieces one after the other, and its transpose are one matrix."""
    from tinygrad_lite.ops.shape.stencil import Stencil

    rng = np.random.default_rng(longest)
    lengths = [longest, 0, 1, 64, min(longest, 7)]
    index = rng.integers(0, 9, sum(lengths))
    stencil = Stencil(9, lengths, index, rng.standard_normal(sum(lengths)))

    def matrix(of: Stencil) -> Any:
        starts, places, weights = of.table(np.float64)
        found = np.zeros((of.count, of.size))
        for o in range(of.count):
            np.add.at(found[o], places[starts[o] : starts[o + 1]], weights[starts[o] : starts[o + 1]])
        return found

    whole = matrix(stencil)
    product = np.eye(9)
    for step in stencil.steps:
        assert step.lengths.max() <= 64
        product = matrix(step) @ product
    np.testing.assert_allclose(product, whole, atol=1e-12)
    np.testing.assert_allclose(matrix(stencil.transposed), whole.T, atol=1e-12)
    assert stencil.transposed.transposed is stencil

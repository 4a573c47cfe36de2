"""Winograd's convolutions: against their twins and the direct way, where they serve, how exact they are, and NaN."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from itertools import product
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_lite as tg
from tinygrad_lite import kernels
from tinygrad_lite.kernels.native.simd.toom_cook import matrices
from tinygrad_lite.kernels.spatial import conv_numpy
from tinygrad_lite.kernels.spatial.conv_numpy import Geometry
from tinygrad_lite.kernels.spatial.winograd import winograd_numpy

pytest.importorskip("numba")

RNG = np.random.default_rng(0)
sides = pytest.mark.parametrize("m", [2, 4])


def draw(*shape: int, dtype: Any = np.float64) -> Any:
    return RNG.standard_normal(shape).astype(dtype)


@sides
def test_the_matrices_are_a_filter(m: int) -> None:
    f, d, g = matrices(m), draw(m + 2), draw(3)
    np.testing.assert_allclose(f["AT"] @ ((f["G"] @ g) * (f["BT"] @ d)), np.correlate(d, g), rtol=1e-12, atol=1e-12)


def of_a_case(n: int, c: int, a: int, size: Any, padding: Any, dtype: Any) -> tuple[Any, Any, Any, Geometry]:
    small = tuple(s + 2 * p - 2 for s, p in zip(size, padding))
    geometry = Geometry(size, small, (3, 3), (1, 1), padding, (1, 1))
    return draw(n, c, *size, dtype=dtype), draw(a, c, 3, 3, dtype=dtype), draw(n, a, *small, dtype=dtype), geometry


def agree(x: Any, w: Any, y: Any, geometry: Geometry, m: int, tolerance: float) -> None:
    """Compiled, plain and direct are the same, in all three arrays."""
    from tinygrad_lite.kernels.spatial.winograd import winograd

    (a, c), pads = w.shape[:2], geometry.padding
    back = tuple(2 - p for p in pads)
    for compiled, plain, direct, given_, like, shift in (
        (winograd.filter, winograd_numpy.filter_plain, conv_numpy.convolve_plain, (x, w, draw(a), pads, False), y, 2),
        (winograd.filter, winograd_numpy.filter_plain, conv_numpy.spread_plain, (y, w, draw(c), back, True), x, 2),
        (winograd.correlate, winograd_numpy.correlate_plain, conv_numpy.correlate_plain, (y, x, pads), w, None),
    ):
        args = tuple(arg.astype(x.dtype) if isinstance(arg, np.ndarray) else arg for arg in given_)
        ours, twin, expected = (np.full_like(like, np.nan) for _ in range(3))
        compiled(*args, m, ours)
        plain(*args, m, twin)
        direct(*args[:2], geometry, expected)
        if shift:
            expected += args[shift][:, None, None]
        size = max(float(np.abs(expected).max(initial=0)), 1e-3)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=tolerance * size)
        np.testing.assert_allclose(twin, expected, rtol=0, atol=tolerance * size)


@sides
@given(
    st.integers(1, 3), st.sampled_from([1, 5, 16, 17, 50]), st.sampled_from([1, 8, 9, 33]),
    st.tuples(st.integers(2, 21), st.integers(2, 60)), st.tuples(st.integers(0, 2), st.integers(0, 2)), st.booleans(),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_compiled_plain_and_direct_are_the_same(
    m: int, n: int, c: int, a: int, size: Any, pads: Any, single: bool
) -> None:
    pads = tuple(max(p, int(s < 3)) for p, s in zip(pads, size))
    dtype, tolerance = (np.float32, 1e-4) if single else (np.float64, 1e-11)
    agree(*of_a_case(n, c, a, size, pads, dtype), m, tolerance)


@sides
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("room", ["filters ahead", "tiles ahead", "little"])
def test_pieces_of_any_kind(monkeypatch: pytest.MonkeyPatch, m: int, threads: int, room: str) -> None:
    """Filters are transformed once, or with some tiles at a time; sums of products are gone on with."""
    from tinygrad_lite.kernels.spatial.winograd import winograd

    monkeypatch.setattr(winograd, "SHARES", 0 if room == "filters ahead" else 10**9)
    if room == "little":
        monkeypatch.setattr(winograd, "TILES", 1 << 10)
    monkeypatch.setattr(winograd, "helpers_for", lambda work: threads - 1)
    before = kernels.get_num_threads()
    kernels.set_num_threads(threads)
    try:
        agree(*of_a_case(3, 20, 35, (19, 23), (1, 0), np.float64), m, 1e-11)
    finally:
        kernels.set_num_threads(before)


def same_bits(threads: int) -> list[bytes]:
    from tinygrad_lite.kernels.spatial import conv

    global RNG
    RNG = np.random.default_rng(1)
    before = kernels.get_num_threads()
    kernels.set_num_threads(threads)
    try:
        x, w, y, geometry = of_a_case(4, 48, 40, (21, 21), (1, 1), np.float32)
        conv.convolve(x, w, None, geometry, y)
        conv.spread(y, w, None, geometry, x)
        conv.correlate(y, x, geometry, w)
    finally:
        kernels.set_num_threads(before)
    return [array.tobytes() for array in (x, w, y)]


def test_results_do_not_depend_on_threads_or_chance() -> None:
    first = same_bits(1)
    for threads in (1, 2, 3, 3):
        assert same_bits(threads) == first


@pytest.mark.parametrize("width", [16, 32])
def test_processors_with_short_vectors(width: int) -> None:
    code = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from tinygrad_lite.kernels.native.simd import vectors
        vectors.WIDTH, vectors.MANY = {width}, False
        import numpy as np
        from test_winograd import agree, of_a_case
        for m in (2, 4):
            agree(*of_a_case(2, 18, 21, (13, 22), (1, 1), np.float32), m, 1e-4)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


# --- where it serves ------------------------------------------------------------------------------------------------


def side(n: int, c: int, size: int, **others: Any) -> int:
    from tinygrad_lite.kernels.spatial.winograd import winograd

    dtype = others.pop("dtype", np.float32)
    fields = {"kernel": (3, 3), "stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1, **others}
    geometry = Geometry((size,) * 2, (size,) * 2, **fields)
    found = {winograd.side(geometry, np.dtype(dtype), n, c, forward) for forward in (True, False)}
    assert len(found) == 1
    return found.pop()


def test_shapes_decide_where_it_serves() -> None:
    assert side(16, 64, 32) == side(4, 64, 56) == side(16, 512, 4) == side(4, 16, 64) == 4
    assert side(32, 256, 2) == side(16, 128, 5) == 2
    assert side(1, 512, 7) == side(16, 8, 32) == side(64, 64, 1) == side(1, 64, 8) == 0
    for others in (
        {"dtype": np.float64}, {"kernel": (5, 5)}, {"stride": (2, 2)}, {"dilation": (2, 2)}, {"groups": 2},
        {"padding": (3, 3)}, {"kernel": (3,)}, {"kernel": (3, 3, 3)},
    ):  # fmt: skip
        assert side(16, 64, 32, **others) == 0


def test_a_variable_switches_it_off() -> None:
    code = "from tinygrad_lite.kernels.spatial.winograd import winograd; print(winograd.SERVED)"
    for value, expected in (("0", "False"), ("1", "True")):
        environment = {**__import__("os").environ, "TINYGRAD_LITE_WINOGRAD": value}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected


# --- how exact ------------------------------------------------------------------------------------------------------


def errors(x: Any, w: Any, served: bool) -> list[float]:
    """The largest error of results and both gradients, as part of their deviation."""
    from tinygrad_lite.kernels.spatial.winograd import winograd

    def all_of(dtype: Any) -> list[Any]:
        tx, tw = (tg.tensor(v.astype(dtype), requires_grad=True) for v in (x, w))
        out = tg.conv2d(tx, tw, padding=1)
        out.backward(tg.tensor(seed.astype(dtype)))
        return [out.detach().numpy(), tx.grad.numpy(), tw.grad.numpy()]

    seed = np.random.default_rng(2).standard_normal((len(x), len(w), *x.shape[2:]))
    with mock.patch.object(winograd, "SERVED", served):
        found, expected = all_of(np.float32), all_of(np.float64)
    return [float(np.abs(a - b).max() / b.std()) for a, b in zip(found, expected)]


@pytest.mark.parametrize("shape", [(4, 64, 32), (8, 128, 16), (16, 256, 4)])
def test_it_is_as_exact_as_the_direct_sum(shape: Any) -> None:
    n, c, size = shape
    x, w = draw(n, c, size, size, dtype=np.float32), draw(c, c, 3, 3, dtype=np.float32)
    for ours, direct in zip(errors(x, w, True), errors(x, w, False)):
        assert ours < 3 * direct
        assert ours < 5e-5


def test_forward_and_gradients_are_adjoint() -> None:
    from tinygrad_lite.kernels.spatial import conv

    x, w, y, geometry = of_a_case(4, 48, 40, (21, 21), (1, 1), np.float32)
    out, back, weights = np.empty_like(y), np.empty_like(x), np.empty_like(w)
    conv.convolve(x, w, None, geometry, out)
    conv.spread(y, w, None, geometry, back)
    conv.correlate(y, x, geometry, weights)
    products = [float(np.vdot(a.astype(float), b)) for a, b in ((out, y), (back, x), (weights, w))]
    assert np.ptp(products) < 1e-6 * np.linalg.norm(out) * np.linalg.norm(y)


def test_nan_stays_within_the_tiles_that_meet_it() -> None:
    from tinygrad_lite.kernels.spatial import conv

    x, w, y, geometry = of_a_case(4, 32, 32, (24, 24), (1, 1), np.float32)
    clean, found = np.empty_like(y), np.empty_like(y)
    conv.convolve(x, w, None, geometry, clean)
    x[1, 3, 8, 13] = np.nan
    conv.convolve(x, w, None, geometry, found)
    meets = np.zeros(y.shape, bool)
    for row, column in product((7, 8, 9), (12, 13, 14)):
        meets[1, :, row // 4 * 4 : row // 4 * 4 + 4, column // 4 * 4 : column // 4 * 4 + 4] = True
    assert np.isnan(found[1, :, 7:10, 12:15]).all()
    np.testing.assert_array_equal(found[~meets], clean[~meets])

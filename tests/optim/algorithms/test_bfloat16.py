"""Newton and Schulz' iteration in bfloat16: the kernels, their twins in NumPy, and when which of them runs."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from test_muon import COEFFICIENTS, iterated, normal, spread

from tinygrad_lite import kernels
from tinygrad_lite.kernels.native.simd import bfloat16_dot as dot_pairs
from tinygrad_lite.optim.first_order import muon
from tinygrad_lite.optim.kernels import bfloat16, matrix_forms
from tinygrad_lite.optim.kernels import symmetric_products as symmetric

ROUNDING = 2.0**-8  # at most by so much, relatively, a number changes
SIZES = [1, 2, 3, 15, 16, 47, 48, 49, 97, 100, 130]  # around the widths of vectors and of panels
SHAPES = [(m, n) for m in SIZES for n in sorted({m, m + 1, 2 * m - 1, 4 * m})]
BACKENDS = ["numba", "numpy"]

instruction = pytest.mark.skipif(
    not (matrix_forms.has_pairs() and dot_pairs.compilable()), reason="the processor does not multiply bfloat16"
)


@np.errstate(over="ignore", invalid="ignore")  # some NaN are announced wherever they are met
def by_definition(x: np.ndarray) -> np.ndarray:
    """The nearest bfloat16, of eight binary digits, without a look at any bits of `x`; NaN stays NaN."""
    wide = np.asarray(x, np.float64)
    _, exponent = np.frexp(np.where(np.isfinite(wide), wide, 0))
    unit = np.ldexp(1.0, np.maximum(exponent, -125) - 8)  # denormal numbers are as far apart as the smallest others
    return np.where(np.isfinite(wide), np.rint(wide / unit) * unit, wide).astype(np.float32)


def awkward() -> np.ndarray:
    """Ties to both sides, what carries into the exponent and into infinity, the ends of the range, NaN of all kinds."""
    tops = np.array([0, 1, 2, 0x7F, 0x80, 0x3F80, 0x3F81, 0x3FFE, 0x3FFF, 0x7F7E, 0x7F7F, 0x7F80, 0x7F81, 0x7FFF])
    bits = (tops[:, None] << 16) + np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF])
    return np.concatenate([bits, bits + 0x80000000]).astype(np.uint32).view(np.float32)


def matrix(panels: np.ndarray, depth: int, columns: int) -> np.ndarray:
    """What stands in panels of pairs; behind an odd depth there must be zeros."""
    words = np.concatenate(list(panels), axis=1)[:, :columns]
    rows = np.empty((2 * len(words), columns), np.uint32)
    rows[::2], rows[1::2] = words << 16, words & 0xFFFF0000
    assert len(rows) == depth + depth % 2
    assert not rows[depth:].any()
    return rows.view(np.float32)[:depth]


def contents(x: bfloat16.Pairs) -> np.ndarray:
    """A matrix, of which both layouts must tell the same."""
    found = matrix(x.straight, *x.shape)
    np.testing.assert_array_equal(matrix(x.turned, *x.shape[::-1]), found.T)
    return found


def assert_rounded(found: np.ndarray, expected: np.ndarray, size: np.ndarray, depth: int) -> None:
    """As far from it as a sum in float32 and one rounding may be; `size` is the sum of magnitudes."""
    assert (abs(found - expected) <= ROUNDING * abs(expected) + (depth + 4) * 2.0**-23 * size).all()


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """In units of a rounding to bfloat16."""
    return float(np.linalg.norm(np.asarray(a, np.float64) - b) / np.linalg.norm(b)) / ROUNDING


@pytest.fixture(params=[1, 2, 3])
def threads(request, monkeypatch):
    """Products of any size are shared, by so many threads."""
    monkeypatch.setattr(symmetric, "SHARED", 0)
    before = kernels.get_num_threads()
    kernels.set_num_threads(request.param)
    yield request.param
    kernels.set_num_threads(before)


@pytest.fixture(params=[True, False], ids=["pairs", "no pairs"])
def pairs(request, monkeypatch):
    """A processor that has the instruction, if this one has, and one that has not."""
    if not request.param:
        monkeypatch.setattr(matrix_forms, "has_pairs", lambda: False)
        monkeypatch.setattr(bfloat16, "launch", None)  # to compile what it runs would end the process there
    return request.param


# Rounding


def test_rounding_is_to_the_nearest_and_then_to_even():
    x = np.concatenate([awkward().ravel(), normal(0, 1000, np.float32)])
    found = matrix_forms.nearest(x)
    assert found.dtype == np.float32
    assert not (found.view(np.uint32) & 0xFFFF).any()
    np.testing.assert_array_equal(found, by_definition(x))
    np.testing.assert_array_equal(np.signbit(found), np.signbit(x))


def test_rounding_as_in_pytorch():
    torch = pytest.importorskip("torch", reason="compares with PyTorch: pip install 'tinygrad_lite[oracle]'")
    np.testing.assert_array_equal(
        matrix_forms.nearest(awkward()), torch.from_numpy(awkward()).bfloat16().float().numpy()
    )


@instruction
@pytest.mark.parametrize("order", ["C", "F"])
def test_matrices_are_rounded_into_panels(order):
    x = np.asarray(awkward(), order=order)
    np.testing.assert_array_equal(contents(bfloat16.rounded(x, 1.0)), by_definition(x))
    with np.errstate(invalid="ignore"):
        third = x / np.float32(3)
    np.testing.assert_array_equal(contents(bfloat16.rounded(x, 3.0)), by_definition(third))


# Products


@instruction
@pytest.mark.parametrize(("m", "n"), SHAPES)
def test_products_of_pairs(m, n, threads):
    x = bfloat16.rounded(normal(0, (m, n), np.float32), 1.5)
    a = contents(x).astype(np.float64)
    gram = bfloat16.gram(x)
    g = contents(gram).astype(np.float64)
    assert_rounded(g, a @ a.T, abs(a) @ abs(a).T, n)
    np.testing.assert_array_equal(g, g.T)
    for alpha, beta in [(2.0, -4.75), (1.0, 0.0), (-0.5, 0.0)]:
        found = contents(bfloat16.polynomial(gram, alpha, beta))
        assert_rounded(found, alpha * g @ g + beta * g, abs(alpha) * abs(g) @ abs(g) + abs(beta * g), m)
        np.testing.assert_array_equal(found, found.T)
    q = bfloat16.polynomial(gram, 2.0, -4.75)
    b = contents(q).astype(np.float64)
    expected, size = b @ a + 3.5 * a, abs(b) @ abs(a) + 3.5 * abs(a)
    found = bfloat16.finished(q, x, 3.5)
    assert found.dtype == np.float32
    assert (abs(found - expected) <= (m + 4) * 2.0**-23 * size).all()
    again = bfloat16.applied(q, x, 3.5)
    np.testing.assert_array_equal(contents(again), matrix_forms.nearest(found))
    expected = matrix_forms.nearest(bfloat16.finished(q, again, 3.5))
    np.testing.assert_array_equal(contents(bfloat16.applied(q, again, 3.5)), expected)


@instruction
@pytest.mark.parametrize("shape", [(15, 47), (49, 97), (130, 130)])
def test_what_stood_in_the_room_before_is_not_seen(shape):
    x, found = normal(0, shape, np.float32), []
    for _ in range(2):
        found.append(muon.orthogonalized(x, COEFFICIENTS, 5, 1e-7, "bfloat16"))
        with np.errstate(all="ignore"):
            muon.orthogonalized(np.full((150, 150), np.nan, np.float32), COEFFICIENTS, 2, 1e-7, "bfloat16")
    np.testing.assert_array_equal(*found)


@instruction
@pytest.mark.parametrize("shape", [(1, 1), (15, 17), (47, 99), (50, 61), (130, 131)])
def test_what_stands_beyond_the_matrix_stays_there(shape):
    found = []
    for beyond in (0, 0x7FC07FC0):  # zeros, NaN
        x = bfloat16.rounded(normal(0, shape, np.float32), 1.0)
        gram = bfloat16.gram(x)
        for each, columns in [(x.straight, shape[1]), (x.turned, shape[0]), (gram.straight, shape[0])]:
            each[-1, :, columns - (len(each) - 1) * each.shape[2] :] = beyond
        q = bfloat16.polynomial(gram, 2.0, -4.75)
        found.append((contents(bfloat16.gram(x)), contents(q), bfloat16.finished(q, x, 3.5)))
        found[-1] += (contents(bfloat16.applied(q, x, 3.5)),)
    for clean, other in zip(*found):
        assert np.isfinite(clean).all()
        np.testing.assert_array_equal(clean, other)


# The iteration


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("steps", "units"), [(1, 3), (2, 3), (5, 5)])  # a step multiplies by 3.4 what is off
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (5, 7), (48, 48), (49, 160), (160, 49), (130, 131)])
def test_as_near_to_the_textbook_as_bfloat16_is(shape, steps, units, backend, pairs):
    x = normal(0, shape, np.float32)
    before = x.copy()
    with kernels.use(backend):
        found = muon.orthogonalized(x, COEFFICIENTS, steps, 1e-7, "bfloat16")
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    assert difference(found, iterated(x, COEFFICIENTS, steps, 1e-7)) < units
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize(("steps", "units"), [(1, 0.5), (2, 0.5), (5, 4)])
@pytest.mark.parametrize("shape", [(5, 7), (49, 160), (160, 49), (130, 131), (200, 300)])
def test_compiled_as_in_numpy(shape, steps, units):
    found, x = [], normal(1, shape, np.float32)
    for backend in BACKENDS:
        with kernels.use(backend):
            found.append(muon.orthogonalized(x, COEFFICIENTS, steps, 1e-7, "bfloat16"))
    assert difference(*found) < units


@pytest.mark.parametrize("make", [normal, spread])
@pytest.mark.parametrize("shape", [(48, 48), (49, 160), (160, 49), (130, 131)])
def test_no_further_from_the_textbook_than_pytorch(shape, make, pairs):
    torch = pytest.importorskip("torch", reason="compares with PyTorch: pip install 'tinygrad_lite[oracle]'")
    x = np.asarray(make(0, shape, np.float32))
    p = torch.zeros(shape, requires_grad=True)
    p.grad = torch.from_numpy(x)
    torch.optim.Muon([p], lr=1.0, weight_decay=0.0, momentum=0.0, adjust_lr_fn="original").step()
    theirs = -p.detach().numpy() / muon.length(*shape, "original")
    found, expected = muon.orthogonalized(x, COEFFICIENTS, 5, 1e-7, "bfloat16"), iterated(x, COEFFICIENTS, 5, 1e-7)
    off = difference(theirs, expected)
    assert difference(found, expected) < 1.5 * off
    assert difference(found, theirs) < 2.5 * off


@instruction
def test_threads_change_no_bit(threads):
    for shape in [(100, 250), (131, 97)]:
        x = normal(0, shape, np.float32)
        found = [muon.orthogonalized(x, COEFFICIENTS, 5, 1e-7, "bfloat16") for _ in range(10)]  # a helper may be late
        kernels.set_num_threads(1)
        expected = muon.orthogonalized(x, COEFFICIENTS, 5, 1e-7, "bfloat16")
        kernels.set_num_threads(threads)
        for each in found:
            np.testing.assert_array_equal(each, expected)


@pytest.mark.parametrize("shape", [(40, 130), (130, 40), (61, 61)])
def test_in_any_memory_order(shape, pairs):
    x = normal(0, shape, np.float32)
    wider = np.zeros((shape[0], 2 * shape[1]), np.float32)
    wider[:, ::2] = x
    expected = muon.orthogonalized(x, COEFFICIENTS, 3, 1e-7, "bfloat16")
    for each in (np.asfortranarray(x), wider[:, ::2], x[::-1].copy()[::-1]):
        found = muon.orthogonalized(each, COEFFICIENTS, 3, 1e-7, "bfloat16")
        assert difference(found, expected) < (0.5 if pairs else 2)  # the sum of squares is another; of BLAS, others are
    turned = muon.orthogonalized(x.T, COEFFICIENTS, 3, 1e-7, "bfloat16")
    assert difference(turned.T, expected) < (3 if shape[0] == shape[1] else 2)


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_stays_nothing(backend, pairs):
    with kernels.use(backend):
        assert not muon.orthogonalized(np.zeros((50, 3), np.float32), COEFFICIENTS, 5, 1e-7, "bfloat16").any()
        for shape in [(0, 3), (3, 0), (0, 0)]:
            assert muon.orthogonalized(np.ones(shape, np.float32), COEFFICIENTS, 5, 1e-7, "bfloat16").shape == shape
        x = normal(0, (5, 3), np.float32)
        np.testing.assert_allclose(
            muon.orthogonalized(x, COEFFICIENTS, 0, 1e-7, "bfloat16"), x / np.linalg.norm(x), rtol=1e-6
        )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", [(1, 5), (49, 61), (61, 49)])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_leaves_nothing_finite(value, shape, backend, pairs):
    x = normal(0, shape, np.float32)
    x[-1, -1] = value
    with kernels.use(backend), np.errstate(all="ignore"):
        assert np.isnan(muon.orthogonalized(x, COEFFICIENTS, 5, 1e-7, "bfloat16")).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_squares_that_overflow_and_numbers_below_eps(backend, pairs):
    x = normal(0, (60, 70), np.float32)
    expected = iterated(x, COEFFICIENTS, 2, 1e-7)
    with kernels.use(backend), np.errstate(over="ignore"):
        huge = muon.orthogonalized(np.ldexp(x, 125), COEFFICIENTS, 2, 1e-7, "bfloat16")
        assert 0.1 < difference(huge, expected) < 3
        tiny = muon.orthogonalized(np.ldexp(x, -80), COEFFICIENTS, 1, 1e-7, "bfloat16")
    assert difference(tiny, COEFFICIENTS[0] * np.ldexp(x.astype(float), -80) / 1e-7) < 2


# What runs when


@pytest.mark.parametrize(
    ("shape", "steps", "cheaper"),
    # multiplications of products: 5 (1.5 r + 0.5) / 2 < 1.5 r + 8.5 for a ratio r of the sides below 29/9
    [((9, 28), 5, True), ((9, 29), 5, False), ((9, 30), 5, False), ((28, 9), 5, True), ((30, 9), 5, False),
     ((7, 7), 5, True), ((1, 900), 1, True), ((3, 900), 2, True), ((3, 900), 3, False), ((7, 7), 0, False)],
)  # fmt: skip
def test_which_precision_is_chosen(shape, steps, cheaper, monkeypatch):
    x = np.ones(sorted(shape), np.float32)
    for has in (True, False):
        monkeypatch.setattr(matrix_forms, "has_pairs", lambda has=has: has)
        for backend in BACKENDS:
            with kernels.use(backend):
                assert muon.rounds(x, steps, None) is (cheaper and has)
        assert muon.rounds(x, steps, "bfloat16") is (steps > 0)
        for other in (x.astype(np.float64), x.astype(np.float16)):
            assert not muon.rounds(other, steps, None)
            assert not muon.rounds(other, steps, "bfloat16")
        assert not muon.rounds(x, steps, "float32")


def test_pairs_are_multiplied_only_where_they_can_be(monkeypatch):
    monkeypatch.setattr(matrix_forms, "has_pairs", lambda: True)
    for able, backend, expected in [
        (True, "numba", bfloat16),
        (False, "numba", matrix_forms.Rounded),
        (True, "numpy", None),
    ]:
        monkeypatch.setattr(dot_pairs, "compilable", lambda able=able: able)
        with kernels.use(backend):
            assert matrix_forms.rounding_form() is (expected or matrix_forms.Rounded)
    monkeypatch.setattr(matrix_forms, "has_pairs", lambda: False)
    monkeypatch.setattr(dot_pairs, "compilable", lambda: True)
    with kernels.use("numba"):
        assert matrix_forms.rounding_form() is matrix_forms.Rounded


def test_a_processor_is_asked_and_no_instruction_is_made_up(monkeypatch):
    binding = pytest.importorskip("llvmlite.binding")
    for features, expected in [({"avx512bf16": True}, True), ({"avx512bf16": False}, False), ({}, False)]:
        monkeypatch.setattr(binding, "get_host_cpu_features", lambda features=features: features)
        assert matrix_forms.has_pairs.__wrapped__() is expected
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    assert matrix_forms.has_pairs.__wrapped__() is False


def test_numba_that_compiles_for_another_processor(tmp_path):
    """Where LLVM would end the process."""
    code = """
import numpy as np
from tinygrad_lite.kernels.native.simd import bfloat16_dot as dot_pairs
from tinygrad_lite.optim import muon
assert not dot_pairs.compilable()
x = np.eye(5, 7, dtype=np.float32)
assert abs(muon.orthogonalized(x, (2.0, -1.5, 0.5), 3, 1e-7, "bfloat16") - 0.9 * x).max() < 0.2
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True,
        env={**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "TINYGRAD_LITE_CACHE": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_importing_asks_for_nothing():
    code = """
import sys
import tinygrad_lite.optim
assert not {"numba", "llvmlite"} & sys.modules.keys()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

"""Muon's mathematics where it is compiled: symmetric products in panels, and what the iteration makes of them.

The optimizer itself is tested in test_factored.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from makers import normal

import tinygrad_lite as tg
from tinygrad_lite import kernels, optim
from tinygrad_lite.optim.first_order import muon
from tinygrad_lite.optim.kernels import matrix_forms
from tinygrad_lite.optim.kernels import symmetric_products as symmetric
from tinygrad_lite.optim.kernels.packed_products import pack, shape_of

DTYPES = [np.float32, np.float64]
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
SIZES = [1, 2, 7, 16, 17, 47, 48, 49, 52, 96, 101, 144, 190]  # around the widths of vectors and of panels
THREADS = [1, 2, 3]
BACKENDS = ["numba", "numpy"]


def in_panels(w: np.ndarray, beyond: float = 0.0) -> np.ndarray:
    """A matrix in panels; `beyond` stands in the last one where the matrix ends."""
    panels = np.empty(shape_of(*w.shape, w.itemsize), w.dtype)
    pack.compiled(np.ascontiguousarray(w), panels)
    last = w.shape[1] - (len(panels) - 1) * panels.shape[2]
    panels[-1, :, last:] = beyond
    return panels


def matrix(panels: np.ndarray) -> np.ndarray:
    """A square matrix out of its panels."""
    return np.concatenate(panels, axis=1)[:, : panels.shape[1]]


def commuting(m: int, dtype) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two symmetric matrices whose product is symmetric, and a third."""
    a, c = (x + x.T for x in (normal(0, (m, m)), normal(1, (m, m))))
    b = a @ a / m - 2 * a + np.eye(m)
    return tuple(np.asarray((x + x.T) / 2, dtype) for x in (a, b, c))


def assert_product(found, a, b, alpha=1.0, beta=0.0, add=None, gamma=0.0, roundings=4) -> None:
    """As far from the product in float64 as sums in any order may be (Higham, "Accuracy and stability", 3.5)."""
    a, b, add = (np.asarray(x, np.float64) for x in (a, b, np.zeros(found.shape) if add is None else add))
    expected = alpha * (a.T @ b) + beta * add + gamma * np.eye(len(found))
    size = abs(alpha) * (abs(a).T @ abs(b)) + abs(beta * add) + abs(gamma)
    assert (abs(found - expected) <= (len(a) + roundings) * np.finfo(found.dtype).eps * size).all()
    np.testing.assert_array_equal(found, found.T)


@pytest.fixture(params=THREADS)
def threads(request, monkeypatch):
    """Products of any size are shared, by so many threads."""
    monkeypatch.setattr(symmetric, "SHARED", 0)
    before = kernels.get_num_threads()
    kernels.set_num_threads(request.param)
    yield request.param
    kernels.set_num_threads(before)


# Products


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.each("m", SIZES)
@pytest.mark.parametrize(
    ("alpha", "beta", "gamma"), [(1, 0, 0), (-2, 0, 0), (0.25, 0, 1), (0.5, 3, 0), (1, -1, 2.5), (0, 2, 1)]
)
def test_products_of_matrices_that_commute(m, dtype, alpha, beta, gamma):
    a, b, c = commuting(m, dtype)
    out = np.full(shape_of(m, m, a.itemsize), np.nan, dtype)
    add = in_panels(c) if beta else None
    assert symmetric.product(in_panels(a), in_panels(b), out, alpha, beta, add, gamma) is out
    assert_product(matrix(out), a, b, alpha, beta, c, gamma)
    np.testing.assert_array_equal(symmetric.diagonal(out), matrix(out).diagonal())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.each("n", [1, 5, 127, 128, 129, 300])
@pytest.mark.parametrize("m", [1, 16, 50, 101])
def test_gram_matrices_of_any_depth_and_memory_order(m, n, dtype):
    x = normal(0, (m, n), dtype)
    wider = np.zeros((m, 2 * n), dtype)
    wider[:, ::2] = x
    found = []
    for each in (x, np.asfortranarray(x), wider[:, ::2], x[::-1, ::-1].copy()[::-1, ::-1], x.T.copy().T):
        out = np.full(shape_of(m, m, x.itemsize), np.nan, dtype)
        found.append(matrix(symmetric.gram(each, out)))
        np.testing.assert_array_equal(found[-1], found[0])
    assert_product(found[0], x.T, x.T)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("m", [3, 100, 301])
def test_threads_change_no_bit(m, dtype, threads):
    a, b, c = commuting(m, dtype)
    given = in_panels(a), in_panels(b)
    expected, out = (np.empty(shape_of(m, m, a.itemsize), dtype) for _ in range(2))
    kernels.set_num_threads(1)
    symmetric.product(*given, expected, 0.5, 2.0, in_panels(c), 1.0)
    kernels.set_num_threads(threads)
    for _ in range(20):  # a helper may be late
        out[...] = np.nan
        symmetric.product(*given, out, 0.5, 2.0, in_panels(c), 1.0)
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("m", [1, 17, 50, 101])
def test_what_stands_beyond_the_matrix_stays_there(m, dtype):
    found = []
    for beyond in (0.0, np.nan):
        a, b, c = (in_panels(x, beyond) for x in commuting(m, dtype))
        out = symmetric.product(a, b, np.full_like(a, beyond), 0.5, 2.0, c, 1.0)
        found.append(matrix(symmetric.product(out, out, np.full_like(a, beyond))))
    assert np.isfinite(found[0]).all()
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 5, 48, 130, 300])
@pytest.mark.parametrize("m", [1, 16, 50, 101])
def test_applied_to_matrices_in_any_memory_order(m, n, dtype, threads):
    q, x = commuting(m, dtype)[0], normal(2, (m, n), dtype)
    wider = np.zeros((m, 2 * n), dtype)
    wider[:, ::2] = x
    expected, size = (np.asarray(f(q), float) @ f(x) for f in (np.positive, np.abs))
    for each in (x, np.asfortranarray(x), wider[:, ::2]):
        found = symmetric.applied(in_panels(q, np.nan), each)
        assert found.shape == x.shape
        assert found.flags.c_contiguous or found.T.flags.c_contiguous
        if m > 1 and n > 1:
            assert found.T.flags.c_contiguous == each.T.flags.c_contiguous
        assert (abs(found - expected) <= (m + 4) * np.finfo(dtype).eps * size).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_reaches_what_it_is_a_part_of(value):
    x = np.ones((60, 9))
    x[50, 3] = value
    found = matrix(symmetric.gram(x, np.zeros(shape_of(60, 60, 8))))
    np.testing.assert_array_equal(found, x @ x.T)


def test_products_refuse_what_does_not_fit():
    a = in_panels(np.eye(60))
    out = np.empty_like(a)
    for arguments, message in [
        ((a, in_panels(np.ones((61, 60))), out), "a, b and out must be panels of matrices that fit, got shapes"),
        ((a, a, in_panels(np.eye(80))), "must be panels of matrices that fit"),
        ((a, a, out, 1.0, 1.0, in_panels(np.eye(80))), r"add must have out's shape \(\d+, 60, \d+\), got \(\d+, 80"),
        ((a, a, a), "out must be no part of a, b or add"),
        ((in_panels(np.eye(60)), a, a), "out must be no part of"),
        ((in_panels(np.eye(60)), in_panels(np.eye(60)), out, 1.0, 1.0, out), "out must be no part of"),
        ((np.asfortranarray(a), a, out), "must be contiguous, and of float32 or of float64"),
        ((a.astype(np.int64), a, out), "must be contiguous, and of float32 or of float64"),
        ((a.astype(">f8"), a.astype(">f8"), out.astype(">f8")), "must be contiguous, and of float32 or of float64"),
    ]:
        with pytest.raises(ValueError, match=f"^symmetric.product: .*{message}"):
            symmetric.product(*arguments)


NARROW = """
import sys
import llvmlite.binding as binding
import numba

features, triple = {features}, binding.get_process_triple()
kept = binding.get_host_cpu_features, binding.get_process_triple
binding.get_host_cpu_features, binding.get_process_triple = lambda: features, lambda: {triple}
from tinygrad_lite.kernels.native.simd import blocks as tile
binding.get_host_cpu_features, binding.get_process_triple = kept

import numpy as np
import test_muon as tests
assert (tile.WIDTH, tile.ROWS, tile.PANEL) == {expected}, (tile.WIDTH, tile.ROWS, tile.PANEL)
for dtype in (np.float32, np.float64):
    for m in (1, 3, 5, 13, 31, 47, 70):
        tests.test_products_of_matrices_that_commute(m, dtype, 0.5, 3, 1.0)
        tests.test_gram_matrices_of_any_depth_and_memory_order(m, 133, dtype)
        tests.test_applied_to_matrices_in_any_memory_order(m, 29, dtype, 2)
        tests.test_what_stands_beyond_the_matrix_stays_there(m, dtype)
"""


@pytest.mark.parametrize(
    ("features", "triple", "expected"),
    [("{'avx': True}", "'x86_64'", (32, 6, 2)), ("{}", "'x86_64'", (16, 6, 2)), ("{}", "'aarch64'", (16, 8, 3))],
)
def test_narrower_vectors(features, triple, expected, tmp_path):
    """As on a machine that has no others: panels are no multiple of the rows of a tile there."""
    code = NARROW.format(features=features, triple=triple, expected=expected)
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    place = {**os.environ, "TINYGRAD_LITE_CACHE": str(tmp_path), "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", code], env=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# Newton and Schulz' iteration

GROWN = 2000  # times one rounding: small singular values grow by 3.4 a step, and so does what is off in them
SHAPES = [(1, 1), (1, 9), (9, 1), (5, 7), (48, 48), (49, 160), (160, 49), (130, 131), (200, 200)]


def iterated(x, coefficients, steps, eps):
    """The iteration as Jordan et al. write it: on the whole matrix, in float64."""
    a, b, c = coefficients
    x = np.asarray(x, np.float64)
    x = x / max(np.linalg.norm(x), eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x


def spread(seed: int, shape, dtype) -> np.ndarray:
    """A matrix with singular values from 1 to 1e-3: none so small that float32 would not know it of the others."""
    u, _, v = np.linalg.svd(normal(seed, shape), full_matrices=False)
    return np.asarray((u * np.geomspace(1, 1e-3, len(v))) @ v, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.each("steps", [0, 1, 2, 5])
@pytest.mark.parametrize("shape", SHAPES)
def test_orthogonalized_compiled_and_plain_as_in_the_textbook(shape, steps, dtype):
    x = spread(0, shape, dtype)
    before, expected, found = x.copy(), iterated(x, COEFFICIENTS, steps, 1e-7), {}
    for backend in BACKENDS:
        with kernels.use(backend):
            found[backend] = muon.orthogonalized(x, COEFFICIENTS, steps, 1e-7)
        assert found[backend].dtype == dtype
        np.testing.assert_allclose(found[backend], expected, atol=GROWN * np.finfo(dtype).eps)
        np.testing.assert_array_equal(x, before)


@pytest.fixture
def compiled():
    """With numba, whatever the environment says."""
    with kernels.use("numba"):
        yield


@pytest.mark.parametrize("shape", [(40, 130), (130, 40), (60, 60)])
def test_orthogonalized_in_any_memory_order(shape, compiled):
    x = spread(0, shape, np.float32)
    wider = np.zeros((shape[0], 2 * shape[1]), np.float32)
    wider[:, ::2] = x
    expected = muon.orthogonalized(x, COEFFICIENTS, 5, 1e-7)
    for each in (np.asfortranarray(x), wider[:, ::2]):
        np.testing.assert_array_equal(muon.orthogonalized(each, COEFFICIENTS, 5, 1e-7), expected)
    turned = muon.orthogonalized(x.T, COEFFICIENTS, 5, 1e-7)  # of a square matrix, from its other Gram matrix
    np.testing.assert_allclose(turned, expected.T, atol=GROWN * np.finfo(x.dtype).eps)


def test_orthogonalized_by_threads_bit_for_bit(threads, compiled):
    x = normal(0, (160, 250), np.float32)
    found = muon.orthogonalized(x, COEFFICIENTS, 5, 1e-7)
    kernels.set_num_threads(1)
    np.testing.assert_array_equal(found, muon.orthogonalized(x, COEFFICIENTS, 5, 1e-7))


def test_what_an_earlier_matrix_left_behind_is_not_seen(compiled):
    x = normal(0, (70, 90), np.float32)
    expected = muon.orthogonalized(x, COEFFICIENTS, 5, 1e-7)
    with np.errstate(all="ignore"):
        muon.orthogonalized(np.full((100, 200), np.nan, np.float32), COEFFICIENTS, 5, 1e-7)
    np.testing.assert_array_equal(muon.orthogonalized(x, COEFFICIENTS, 5, 1e-7), expected)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_squares_that_overflow(dtype, backend):
    x = spread(0, (60, 70), np.float64)
    huge = (x / abs(x).max() * float(np.finfo(dtype).max) / 2).astype(dtype)
    with kernels.use(backend), np.errstate(over="ignore", invalid="ignore"):
        found = muon.orthogonalized(huge, COEFFICIENTS, 2, 1e-7)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, iterated(x, COEFFICIENTS, 2, 1e-7), atol=30 * np.finfo(dtype).eps)


def test_a_sum_of_ones_may_overflow_in_float16():
    ones = np.ones((1, 70_000), np.float16)
    with np.errstate(over="ignore"):
        found = muon.orthogonalized(ones, COEFFICIENTS, 1, 1e-7)
    np.testing.assert_allclose(found, iterated(ones, COEFFICIENTS, 1, 1e-7), rtol=1e-2)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_leaves_nothing_finite(value, backend):
    x = normal(0, (50, 60), np.float32)
    x[3, 5] = value
    with kernels.use(backend), np.errstate(all="ignore"):
        assert np.isnan(muon.orthogonalized(x, COEFFICIENTS, 5, 1e-7)).all()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_matrices_without_entries(shape, backend):
    with kernels.use(backend):
        assert muon.orthogonalized(np.empty(shape, np.float32), COEFFICIENTS, 5, 1e-7).shape == shape


# What the iteration is computed in


def stepped(shape, dtype=np.float32, **arguments) -> np.ndarray:
    """What one step subtracts from zeros; of no momentum, with the gradient `normal(0, shape)`."""
    p = tg.zeros(shape, dtype=dtype, requires_grad=True)
    p.grad = tg.tensor(normal(0, shape, dtype))
    optim.Muon([p], lr=1.0, momentum=0.0, **arguments).step()
    return -p.detach().numpy()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("has", [True, False])
@pytest.mark.parametrize("shape", [(40, 60), (10, 200)])
def test_a_step_is_computed_in_what_is_asked_for(shape, has, backend, monkeypatch):
    if not has:
        monkeypatch.setattr(matrix_forms, "has_pairs", lambda: False)
    with kernels.use(backend):
        exact, rounded = (stepped(shape, ns_precision=name) for name in ("float32", "bfloat16"))
        expected = iterated(normal(0, shape, np.float32), COEFFICIENTS, 5, 1e-7)
        assert 1e-3 < np.linalg.norm(rounded - expected) / np.linalg.norm(expected) < 2e-2
        np.testing.assert_allclose(exact, expected, atol=GROWN * np.finfo(np.float32).eps)
        x = normal(0, shape, np.float32)
        np.testing.assert_array_equal(exact, muon.orthogonalized(x, COEFFICIENTS, 5, 1e-7))
        chosen = rounded if matrix_forms.has_pairs() and shape == (40, 60) else exact
        np.testing.assert_array_equal(stepped(shape), chosen)
        for dtype in (np.float16, np.float64):
            found = [stepped(shape, dtype, ns_precision=name) for name in (None, "float32", "bfloat16")]
            assert found[0].dtype == dtype
            np.testing.assert_array_equal(found[0], found[1])
            np.testing.assert_array_equal(found[0], found[2])


def test_each_group_has_its_precision_and_others_are_refused():
    params = [tg.zeros(40, 60, requires_grad=True) for _ in range(2)]
    for p in params:
        p.grad = tg.tensor(normal(0, (40, 60), np.float32))
    groups = [{"params": [p], "ns_precision": name} for p, name in zip(params, ("float32", "bfloat16"))]
    optim.Muon(groups, lr=1.0, momentum=0.0).step()
    for p, name in zip(params, ("float32", "bfloat16")):
        np.testing.assert_array_equal(-p.detach().numpy(), stepped((40, 60), ns_precision=name))
    for bad in ("float64", "bf16", 16, np.float32):
        with pytest.raises((TypeError, ValueError), match="^Muon: ns_precision must be "):
            optim.Muon(params, ns_precision=bad)


def test_a_state_dict_without_a_precision_leaves_what_there_is():
    p = tg.zeros(3, 5, requires_grad=True)
    p.grad = tg.tensor(normal(0, (3, 5), np.float32))
    old, new = optim.Muon([p]), optim.Muon([p], ns_precision="bfloat16")
    old.step()
    saved = old.state_dict()
    del saved["param_groups"][0]["ns_precision"]  # as PyTorch's
    new.load_state_dict(saved)
    assert new.param_groups[0]["ns_precision"] == "bfloat16"
    old.load_state_dict(new.state_dict())
    assert old.param_groups[0]["ns_precision"] == "bfloat16"


@pytest.mark.parametrize(("precision", "dtype"), [("float32", np.float32), (None, np.float64)])
def test_what_is_not_rounded_agrees_as_any_product_does(precision, dtype):
    """`verify` lets Muon pass with what a rounding to bfloat16 makes of a difference."""
    report = optim.verify(optim.Muon, ns_precision=precision, dtypes=[dtype], steps=2, allowed=1024.0, show=False)
    assert report.passed, report
    assert optim.verify(optim.Muon, dtypes=[np.float32], steps=1, show=False).allowed == optim.Muon.allowed_ulps > 1024

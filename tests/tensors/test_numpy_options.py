"""NumPy's functions with arguments that their rows do not take: on the arrays, where nothing requires grad."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg

A = np.arange(12.0).reshape(3, 4) / 7 + 0.1
V, B, S = A[0], A > 0.5, A[:, :3] + 3 * np.eye(3)
CALLS = """
np.sum(a, where=b)
np.sum(a, initial=1.0)
np.mean(a, where=b)
np.max(a, where=b, initial=0.0)
np.prod(a, where=b)
np.std(a, mean=a.mean())
np.std(a, where=b)
np.quantile(a, [0.1, 0.5], axis=0)
np.diff(v, prepend=0.0)
np.pad(a, 1, "linear_ramp", end_values=5)
np.pad(a, 1, "mean")
np.pad(a, ((1, 2), (0, 1)), "median")
np.pad(a, 1, "minimum")
np.pad(a, 1, "reflect", reflect_type="odd")
np.pad(a, 1, constant_values=(1, 2))
np.pad(a, ((1, 2), (0, 1)), constant_values=((1, 2), (3, 4)))
np.zeros_like(a, shape=(2, 5))
np.full_like(a, 2.0, shape=3)
np.ones_like(a, dtype=np.float32, shape=4)
np.dot(2.0, v)
np.inner(v, 2.0)
np.linalg.norm(a, "nuc")
np.linalg.qr(s, "r")
np.unique(a, axis=0)
np.concatenate([a, a], axis=None)
np.average(a, axis=0, weights=v[:3])
np.histogram(v, bins=5, range=(0, 1), density=True)[0]
np.take(a, [0, 9], mode="clip")
np.median(a, axis=0, keepdims=True)
np.count_nonzero(b, axis=0, keepdims=True)
np.nanpercentile(a, [5, 50], axis=0)
np.insert(a, [0, 2], 7.0, axis=1)
np.cov(a, rowvar=False)
np.select([b], [a], default=7.0)
np.transpose(a)
a.transpose()
"""


@pytest.mark.each("call", CALLS.strip().splitlines())
def test_values_are_numpys(call):
    arrays = {"a": A, "v": V, "b": B, "s": S}
    expected = eval(call, {"np": np, **arrays})
    found = eval(call, {"np": np, **{name: tg.tensor(value) for name, value in arrays.items()}})
    assert isinstance(found, tg.Tensor)
    np.testing.assert_allclose(found.numpy(), expected, 1e-12, strict=True)


@pytest.mark.parametrize(
    "call",
    [
        lambda t: np.sum(t, where=t > 1), lambda t: np.pad(t, 1, "mean"),
        lambda t: np.pad(t, 1, constant_values=(1, 2)),
        lambda t: np.std(t, mean=1.0), lambda t: np.diff(t, prepend=0.0),
    ],
)  # fmt: skip
def test_no_gradient_is_dropped(call):
    leaf = tg.ones(3, requires_grad=True)
    with pytest.raises((TypeError, NotImplementedError)):
        call(leaf)
    with tg.no_grad():
        assert isinstance(call(leaf), tg.Tensor)


def test_what_numpy_refuses_too_is_refused_in_our_words():
    with pytest.raises(TypeError, match=r"sum\(\) got an unexpected keyword argument 'nothing'"):
        np.sum(tg.ones(2), nothing=1)


def test_results_are_written_to_out():
    into = tg.zeros(())
    assert np.sum(tg.ones(3), where=np.array([True, False, True]), out=into) is into
    assert into.item() == 2.0


def test_rows_by_name():
    assert tg.special.bessel_j0(input=tg.zeros(2)).tolist() == [1.0, 1.0]


def test_products_with_matrices_of_other_libraries():
    sparse = pytest.importorskip("scipy.sparse")
    found = tg.tensor(A).T @ sparse.csr_matrix(A)
    np.testing.assert_allclose(found, A.T @ A)
    np.testing.assert_allclose(sparse.csr_matrix(A) @ tg.tensor(A).T, A @ A.T)

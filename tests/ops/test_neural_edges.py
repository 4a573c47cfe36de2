"""Empty batches, indices from the end, paddings that crop, and derivatives at removable points."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracle import agree

import tinygrad_lite as tg
import tinygrad_lite.nn.functional as F
from tinygrad_lite import nn


@pytest.mark.parametrize("x", [0.0, 1e-8, 1e-4, 0.01, 0.6, 1.0, 1.7, -3.3])
def test_sinc_to_the_fourth_order(x: float) -> None:
    """The n-th derivative is ``pi^n integral of t^n cos(pi x t + n pi / 2)``; the second at 0 is -pi^2 / 3."""
    t, w = np.polynomial.legendre.leggauss(60)
    t, w = (t + 1) / 2, w / 2
    point = tg.tensor(x, dtype=tg.float64, requires_grad=True)
    found = tg.sinc(point)
    for n in range(5):
        exact = math.pi**n * np.sum(w * t**n * np.cos(math.pi * x * t + n * math.pi / 2))
        assert found.item() == pytest.approx(exact, rel=1e-11, abs=1e-11)
        (found,) = tg.autograd.grad(found, point, create_graph=True)


def test_circular_padding_crops_first() -> None:
    x = tg.arange(5.0).reshape(1, 1, 5).requires_grad_()
    out = F.pad(x, (-1, 2), "circular")
    assert out.tolist() == [[[1, 2, 3, 4, 1, 2]]]
    assert F.pad(x, (3, -2), "circular").tolist() == [[[0, 1, 2, 0, 1, 2]]]
    assert tg.autograd.grad(out.sum(), x)[0].tolist() == [[[0, 2, 2, 1, 1]]]


def test_hermitian_pseudoinverse_reads_the_lower_triangle() -> None:
    a = tg.tensor([[2.0, 7.0], [1.0, 3.0]], dtype=tg.float64, requires_grad=True)
    out = tg.linalg.pinv(a, hermitian=True)
    np.testing.assert_allclose(out.detach().numpy(), [[0.6, -0.2], [-0.2, 0.4]], rtol=1e-12)
    symmetric = tg.tensor([[2.0, 1.0], [1.0, 3.0]], dtype=tg.float64, requires_grad=True)
    above = tg.tensor([[1.0, 3.0], [-2.0, 5.0]], dtype=tg.float64)  # not symmetric: nor is the gradient, as in PyTorch
    expected = tg.autograd.grad(tg.linalg.pinv(symmetric), symmetric, above)[0]
    np.testing.assert_allclose(tg.autograd.grad(out, a, above)[0].numpy(), expected.numpy(), rtol=1e-10)


def test_slogdet_of_a_singular_matrix_has_an_infinite_gradient() -> None:
    a = tg.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    tg.linalg.slogdet(a)[1].backward()
    assert np.isinf(a.grad.numpy()).all()


def test_gather_of_nothing_and_of_numbers() -> None:
    x, first = tg.tensor(3.0), tg.tensor([0])
    assert tg.gather(x, 0, first).tolist() == [3]
    assert tg.gather(x.reshape(1), 0, first.reshape(())).item() == 3
    assert tg.gather(tg.ones(2, 3), 0, tg.zeros(0, dtype=tg.int64)).shape == (0,)


@pytest.mark.parametrize(
    "call",
    [
        lambda x, i: tg.gather(x, 0, i.reshape(1, 2)), lambda x, i: tg.index_select(x, 0, i),
        lambda x, i: F.embedding(i, x), lambda x, i: F.embedding_bag(i.reshape(1, 2), x),
        lambda x, i: tg.scatter(x, 0, i.reshape(1, 2), x), lambda x, i: tg.index_add(x, 0, i, x),
        lambda x, i: F.cross_entropy(x, i), lambda x, i: F.nll_loss(x, i), lambda x, i: F.multi_margin_loss(x, i),
    ],
)  # fmt: skip
def test_indices_from_the_end_are_refused(call: Callable[..., Any]) -> None:
    with pytest.raises((IndexError, RuntimeError, ValueError), match=r"must be|in \["):
        call(tg.ones(2, 2), tg.tensor([0, -1]))


def test_empty_and_unusual_arguments() -> None:
    assert tg.isclose(tg.ones(2), tg.ones(2) + 0.01, rtol=tg.tensor(0.1)).tolist() == [True, True]
    values, inverse, counts = tg.unique(tg.zeros(0, 3), dim=0, return_inverse=True, return_counts=True)
    assert (values.shape, inverse.shape, counts.shape) == ((0, 3), (0,), (0,))
    with pytest.raises(RuntimeError, match="unique: only dim 1 may be empty"):
        tg.unique(tg.zeros(0, 3), dim=1)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True), (0, 3, 4)),
        (lambda: nn.FractionalMaxPool2d(2, output_size=2), (0, 2, 5, 5)), (lambda: nn.BatchNorm1d(3), (0, 3)),
        (lambda: nn.FractionalMaxPool3d(2, output_size=2), (0, 2, 5, 5, 5)),
        (lambda: nn.BatchNorm2d(3), (0, 3, 2, 2)),
    ],
)  # fmt: skip
def test_batches_of_nothing(layer: Callable[[], Any], shape: tuple[int, ...]) -> None:
    x = tg.zeros(*shape, requires_grad=True)
    module = layer()
    out = module(x)
    out.sum().backward()
    assert (out.shape[0], x.grad.shape) == (0, shape)
    for p in module.parameters():
        assert not p.grad.numpy().any()
    for name, b in module.named_buffers():
        assert name == "num_batches_tracked" or b.tolist() == [float("var" in name)] * 3


def test_attention_of_an_empty_batch() -> None:
    x = tg.zeros(0, 3, 4)
    out, weights = nn.MultiheadAttention(4, 2, batch_first=True)(x, x, x)
    assert (out.shape, weights.shape) == ((0, 3, 4), (0, 3, 3))


def test_results_of_nothing_depend_on_their_arguments() -> None:
    a, tau = tg.zeros(0, 0, requires_grad=True), tg.zeros(0, requires_grad=True)
    assert tg.linalg.householder_product(a, tau).requires_grad
    wide, b = tg.rand(2, 3, requires_grad=True), tg.rand(2, 1)
    assert tg.linalg.lstsq(wide, b).residuals.requires_grad
    nothing = tg.zeros(0, requires_grad=True)
    out = F.batch_norm(nothing, tg.zeros(0), tg.ones(0), training=True)
    assert out.shape == (0,)
    assert tg.autograd.grad(out.sum(), nothing)[0].shape == (0,)


@pytest.mark.parametrize(("center", "shape"), [(True, (7, 5)), (False, (5, 7)), (True, (2, 6, 4))])
def test_low_rank(center: bool, shape: tuple[int, ...]) -> None:
    """Of a matrix of low rank the projections find all there is."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((*shape[:-1], 2)) @ rng.standard_normal((2, shape[-1]))
    expected = x - x.mean(-2, keepdims=True) if center else x
    U, S, V = tg.pca_lowrank(tg.tensor(x), q=3, center=center)
    np.testing.assert_allclose(((U * S[..., None, :]) @ V.mT).numpy(), expected, atol=1e-10)
    np.testing.assert_allclose(S.numpy(), np.linalg.svd(expected, compute_uv=False)[..., :3], atol=1e-10)
    given = tg.tensor(x, requires_grad=True)
    tg.svd_lowrank(given, 2, M=tg.zeros(shape[-1], dtype=tg.float64)).S.sum().backward()
    u, _, vh = np.linalg.svd(x, full_matrices=False)
    np.testing.assert_allclose(given.grad.numpy(), u[..., :2] @ vh[..., :2, :], atol=1e-9)
    with pytest.raises(RuntimeError, match=r"svd_lowrank: q must be from 0 to \d and niter not negative, got 9 and 2"):
        tg.svd_lowrank(given, 9)


def test_without_gradient_they_say_so() -> None:
    a = tg.eye(2, requires_grad=True)
    with pytest.raises(NotImplementedError, match="ldl_factor: it has no gradient"):
        tg.linalg.ldl_factor(a)
    with pytest.raises(RuntimeError, match="ldl_solve: pivots must be from 1 to 2 or their negatives, got 0 to 0"):
        tg.linalg.ldl_solve(tg.eye(2), tg.tensor([0, 0]), tg.eye(2))
    with pytest.raises(np.linalg.LinAlgError, match="ldl_factor: a block of the diagonal is zero"):
        tg.linalg.ldl_factor(tg.zeros(2, 2))


@pytest.mark.each(
    "name", [f"{kind}_pool{d}d" for kind in ("adaptive_avg", "adaptive_max", "avg", "max") for d in (1, 2, 3)]
)
def test_pools_of_nothing(name: str) -> None:
    dims = int(name[-2])

    def shape_of(m: Any, *shape: int) -> Any:
        return list(getattr(m.nn.functional, name)(m.zeros(shape), 2).shape)

    for lead in ((0, 2), (2, 0), (2,), (0,)):
        for spatial in ((4,) * dims, (*(4,) * (dims - 1), 0)):
            agree(lambda m, shape=(*lead, *spatial): shape_of(m, *shape))


def test_fractional_pools_of_no_windows() -> None:
    """An output size of 0 is nothing, and no gradient."""
    x = tg.ones(2, 3, 4, 5, requires_grad=True)
    out, index = F.fractional_max_pool2d(x, 2, (0, 1), return_indices=True)
    assert out.shape == index.shape == (2, 3, 0, 1)
    assert F.fractional_max_pool3d(x, (2, 2, 2), (0, 1, 0)).shape == (2, 0, 1, 0)
    out.sum().backward()
    assert x.grad is not None
    assert not x.grad.any()


def test_sort_takes_none_for_stable() -> None:
    """As PyTorch's does."""
    assert tg.sort(tg.tensor([2.0, 1.0]), stable=None).values.tolist() == [1.0, 2.0]
    assert tg.tensor([2.0, 1.0]).sort(dim=0, stable=None).indices.tolist() == [1, 0]

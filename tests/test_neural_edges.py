"""Empty batches, indices from the end, paddings that crop, and derivatives at removable points."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tinygrad_lite.nn.functional as F

import tinygrad_lite as tg
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
    expected = tg.autograd.grad(tg.linalg.pinv(symmetric).sum(), symmetric)[0]
    np.testing.assert_allclose(tg.autograd.grad(out.sum(), a)[0].numpy(), expected.numpy(), rtol=1e-10)


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

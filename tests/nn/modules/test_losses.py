"""What losses do with shapes that differ, empty batches, and values at and beyond the edge of their domain."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_lite as tg
import tinygrad_lite.nn.functional as F
from tinygrad_lite import kernels, nn

COLUMN, ROW = tg.tensor([[0.5], [0.5], [0.25]]), tg.tensor([0.25, 0.5, 1.0])
DISTANCES = {"mse_loss": 1.25 / 9, "l1_loss": 2.5 / 9, "smooth_l1_loss": 1.25 / 18, "huber_loss": 1.25 / 18}
OTHERS = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "soft_margin_loss", "multilabel_soft_margin_loss",
    "margin_ranking_loss",
]  # fmt: skip
SMALLER = ["kl_div", "poisson_nll_loss", "hinge_embedding_loss", "gaussian_nll_loss"]  # the target often is


@pytest.mark.parametrize("name", DISTANCES)
def test_distances_of_shapes_that_differ_warn(name):
    with pytest.warns(UserWarning, match=rf"{name}: input and target should have the same shape, got \(3, 1\) and"):
        loss = getattr(F, name)(COLUMN, ROW)
    assert loss.item() == pytest.approx(DISTANCES[name])
    with pytest.raises(ValueError, match=rf"{name}: input and target shapes must broadcast, got \(3,\) and \(2,\)"):
        getattr(F, name)(ROW, ROW[:2])


@pytest.mark.parametrize("name", OTHERS)
def test_other_losses_refuse_targets_that_widen_the_input(name):
    more = (ROW,) if name == "margin_ranking_loss" else ()
    with pytest.raises(ValueError, match=f"^{name}: ") as caught:
        getattr(F, name)(COLUMN, ROW, *more)
    assert isinstance(caught.value, RuntimeError)


@pytest.mark.parametrize("name", SMALLER)
def test_targets_that_widen_the_input_warn(name):
    loss = getattr(F, name)
    more = [(tg.ones(n, n),) if name == "gaussian_nll_loss" else () for n in (1, 3)]
    with pytest.warns(UserWarning, match=rf"^{name}: .*, got \(3, 1\) and \(3,\), which broadcast"):
        found = loss(COLUMN, ROW, *[m.expand(3, 1) for m in more[0]], reduction="none")
    expected = loss(COLUMN.expand(3, 3), ROW, *more[1], reduction="none")
    np.testing.assert_array_equal(found.numpy(), expected.numpy())
    with pytest.raises(ValueError, match=rf"{name}: input and target shapes must broadcast, got \(3,\) and \(2,\)"):
        loss(ROW, ROW[:2], *[m[0] for m in more[1]])


def test_every_loss_is_of_one_of_these_kinds():
    of_indices_or_vectors = {
        "cross_entropy", "nll_loss", "ctc_loss", "multi_margin_loss", "multilabel_margin_loss",
        "cosine_embedding_loss", "triplet_margin_loss", "triplet_margin_with_distance_loss",
    }  # fmt: skip
    losses = {name for name in F.__all__ if name.endswith("_loss")} | {"kl_div", "cross_entropy"}
    losses |= {"binary_cross_entropy", "binary_cross_entropy_with_logits"}
    assert losses == {*DISTANCES, *OTHERS, *SMALLER} | of_indices_or_vectors


def test_targets_that_broadcast_to_the_input_are_taken():
    x, one = tg.tensor([[0.5, 1.5]]), tg.ones(1)
    assert F.hinge_embedding_loss(x, one).item() == 1.0
    assert F.poisson_nll_loss(x, one, log_input=False, eps=0.0).item() == pytest.approx(1 - math.log(0.75) / 2)
    with pytest.warns(UserWarning, match="kl_div: 'mean' divides by the number of all elements"):
        assert F.kl_div(x, one).item() == pytest.approx(-1.0)


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}], ids=["plain", "smoothed"])
def test_the_mean_cross_entropy_of_nothing_is_nan(options):
    x, labels = tg.zeros(0, 3, requires_grad=True), tg.zeros(0, dtype=tg.int64)
    for target in (labels, tg.zeros(0, 3)):
        loss = F.cross_entropy(x, target, **options)
        assert math.isnan(loss.item())
        loss.backward()
        assert x.grad.shape == (0, 3)
        assert F.cross_entropy(x, target, reduction="sum", **options).item() == 0.0
        assert F.cross_entropy(x, target, reduction="none", **options).shape == (0,)
    assert math.isnan(F.nll_loss(x, labels).item())
    assert F.nll_loss(x, labels, reduction="sum").item() == 0.0


def test_targets_of_binary_cross_entropy_are_probabilities():
    p = tg.tensor([0.25, 0.5])
    for target, range_ in (([0.0, 1.5], "0.0 to 1.5"), ([-0.5, 1.0], "-0.5 to 1.0"), ([math.nan, 0.0], "nan to nan")):
        with pytest.raises(RuntimeError, match=rf"binary_cross_entropy: target must be in \[0, 1\], got {range_}"):
            F.binary_cross_entropy(p, tg.tensor(target))


def derivatives(m, function, x, target):
    x, target = m.tensor([x], dtype=m.float64, requires_grad=True), m.tensor([target], dtype=m.float64)
    (slope,) = m.autograd.grad(function(x, target), x, create_graph=True)
    (curvature,) = m.autograd.grad(slope.sum(), x)
    return slope.item(), curvature.item()


def test_second_derivatives_of_binary_cross_entropy():
    """``t / x**2 + (1 - t) / (1 - x)**2``, and PyTorch's values where the logarithm is cut off."""
    for x, t in ((0.25, 0.0), (0.25, 0.75), (0.5, 1.0)):
        slope, curvature = derivatives(tg, F.binary_cross_entropy, x, t)
        assert slope == pytest.approx((1 - t) / (1 - x) - t / x, rel=1e-12)
        assert curvature == pytest.approx(t / x**2 + (1 - t) / (1 - x) ** 2, rel=1e-10)
    assert derivatives(tg, F.binary_cross_entropy, 0.0, 0.0) == (0.0, 0.0)
    assert derivatives(tg, F.binary_cross_entropy, 1.0, 1.0) == (0.0, 0.0)
    assert derivatives(tg, F.binary_cross_entropy, 0.0, 1.0) == pytest.approx((-1e12, 1e24))
    assert derivatives(tg, F.binary_cross_entropy, 1.0, 0.0) == pytest.approx((1e12, 1e24))


def test_second_derivatives_of_binary_cross_entropy_are_pytorchs():
    torch = pytest.importorskip("torch")
    for x in (0.0, 0.125, 0.5, 1.0):
        for t in (0.0, 0.5, 1.0):
            ours = derivatives(tg, F.binary_cross_entropy, x, t)
            theirs = derivatives(torch, torch.nn.functional.binary_cross_entropy, x, t)
            np.testing.assert_allclose(ours, theirs, rtol=1e-8, err_msg=f"{x}, {t}")


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
def test_softmax_is_told_its_dimension(name):
    x, function = tg.tensor([[0.0, 1.0], [3.0, 2.0]]), getattr(F, name)
    layer = {"softmax": nn.Softmax, "log_softmax": nn.LogSoftmax, "softmin": nn.Softmin}[name]()
    for shape, dim in (((2, 2), 1), ((4,), 0), ((1, 2, 2), 0), ((1, 1, 2, 2), 1)):
        given = x.reshape(shape)
        for call in (function, layer):
            with pytest.warns(UserWarning, match=f"dim should be given; of {len(shape)} dimensions it is {dim}"):
                assert call(given).tolist() == function(given, dim).tolist()


@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_ctc_of_texts_without_letters(backend: str) -> None:
    """The losses, and their gradients of two orders, are those of blanks alone."""
    with kernels.use(backend):
        x = tg.randn(4, 2, 3, dtype=tg.float64, requires_grad=True)
        loss = F.ctc_loss(x, tg.zeros(2, 0, dtype=tg.int64), [4, 2], [0, 0], reduction="none")
        assert tg.allclose(loss, -tg.stack([x[:, 0, 0].sum(), x[:2, 1, 0].sum()]))
        (slope,) = tg.autograd.grad(loss.sum(), x, create_graph=True)
        assert slope.sum().item() == pytest.approx(-6)
        assert tg.autograd.grad(slope.square().sum(), x)[0].abs().max().item() < 1e-12

"""What rows of the table cannot say of `nn.functional`: edges, kernels beside their twins, statistics, refusals."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

import tinygrad_lite as tg
import tinygrad_lite.nn.functional as F
from tinygrad_lite import kernels
from tinygrad_lite.kernels.elementwise.float32_math import exp_single
from tinygrad_lite.kernels.loops import row_loops
from tinygrad_lite.kernels.losses import cross_entropy

NAN, INF = math.nan, math.inf


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch, the oracle, is an optional extra")


def numbers(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def both(torch, call, *arrays):
    """Values and gradients of a scalar or tensor, here and there."""
    found = []
    for library, make in ((tg, tg.tensor), (torch.nn.functional, torch.tensor)):
        given = [make(a) for a in arrays]
        for t in given:
            if t.numpy().dtype.kind == "f":
                t.requires_grad_()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            out = call(library, *given)
        out.sum().backward()
        grads = [t.grad.numpy() for t in given if t.grad is not None]
        found.append([out.detach().numpy(), *grads])
    return found


def same(torch, call, *arrays, tolerance=1e-12):
    for a, b in zip(*both(torch, call, *arrays)):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, strict=True)


# Activations at their edges

EDGES = {
    "hardtanh": [-1.0, 1.0, 0.5, NAN, INF, -INF], "relu6": [0.0, 6.0, 3.0, NAN, INF, -INF],
    "hardswish": [-3.0, 3.0, 0.0, NAN], "softshrink": [-0.5, 0.5, 0.2, NAN, INF],
    "hardshrink": [-0.5, 0.5, 0.2, NAN, INF], "selu": [0.0, -0.0, NAN, INF, -INF], "celu": [0.0, NAN, INF, -INF],
    "elu": [0.0, NAN, INF, -INF], "softsign": [0.0, NAN, 1e30], "mish": [0.0, 30.0, -100.0, NAN],
    "leaky_relu": [0.0, NAN, INF, -INF], "tanhshrink": [0.0, NAN, 40.0],
}  # fmt: skip


@pytest.mark.parametrize("name", EDGES)
def test_activations_at_their_edges(name, torch):
    with np.errstate(all="ignore"):
        same(torch, lambda m, x: getattr(m, name)(x), np.array(EDGES[name]))


def test_hardsigmoid_as_pytorch(torch):
    x = np.array([-4.0, -3.0, -1.0, 0.0, 2.0, 3.0, 5.0, NAN], np.float32)
    same(torch, lambda m, x: m.hardsigmoid(x), x, tolerance=1e-6)


def test_threshold_and_prelu_at_their_edges(torch):
    same(torch, lambda m, x: m.threshold(x, 0.5, 9.0), np.array([0.5, 0.6, NAN, -1.0]))
    same(torch, lambda m, x, w: m.prelu(x, w), np.array([[0.0, -1.0], [2.0, NAN]]), np.array([0.2, 0.3]))


def test_rrelu_draws_slopes_between_its_limits():
    x = tg.full((2000,), -1.0)
    slopes = -tg.rrelu(x, 0.2, 0.4, training=True).numpy()
    assert 0.2 <= slopes.min() < 0.21
    assert 0.39 < slopes.max() <= 0.4
    assert abs(slopes.mean() - 0.3) < 0.01
    assert (tg.rrelu(-x, 0.2, 0.4, training=True).numpy() == 1).all()


def test_gumbel_softmax_draws_the_classes_probabilities():
    p = np.array([0.1, 0.2, 0.7])
    drawn = tg.gumbel_softmax(
        tg.tensor(np.tile(np.log(p), (20000, 1))), hard=True, generator=tg.Generator().manual_seed(0)
    )
    np.testing.assert_allclose(drawn.numpy().mean(0), p, atol=0.015)
    x = tg.tensor(numbers(3, 4), requires_grad=True)
    grads = []
    for hard in (True, False):
        weights = tg.tensor(numbers(3, 4, seed=1))
        out = tg.gumbel_softmax(x, hard=hard, generator=tg.Generator().manual_seed(2))
        (out * weights).sum().backward()
        grads.append(x.grad.numpy().copy())
        x.grad = None
    np.testing.assert_allclose(*grads)  # the hard sample has the gradient of the soft one


@pytest.mark.parametrize(
    "name", ["selu", "celu", "mish", "relu6", "hardtanh", "hardsigmoid", "hardswish", "rrelu", "elu"]
)
def test_in_place_forms(name):
    function = getattr(tg, name)
    x = tg.tensor(numbers(3, 4), requires_grad=True)
    y = x * 1.0
    out = function(y, inplace=True)
    assert out is y
    out.sum().backward()
    z = x.detach().requires_grad_()
    expected = function(z)
    expected.sum().backward()
    np.testing.assert_array_equal(out.detach().numpy(), expected.detach().numpy())
    np.testing.assert_array_equal(x.grad.numpy(), z.grad.numpy())


# Kernels beside their twins


def test_exponentials_of_float32():
    @kernels.kernel(lambda x, out: np.exp(x, out=out))
    def exponentials(x, out):
        for i in range(x.size):
            out[i] = exp_single(x[i])

    x = np.linspace(-87, 88, 100_001).astype(np.float32)
    out = np.empty_like(x)
    exponentials.compiled(x, out)
    np.testing.assert_allclose(out, np.exp(x.astype(np.float64)), rtol=3e-7)
    edges = np.array([0.0, -INF, -200.0, 200.0, INF, NAN], np.float32)
    out = np.empty_like(edges)
    exponentials.compiled(edges, out)
    np.testing.assert_array_equal(out, np.array([1.0, 0.0, 0.0, INF, INF, NAN], np.float32))


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_row_kernels_agree_with_their_twins(name):
    x, g = numbers(7, 33, dtype=np.float32) * 5, numbers(7, 33, seed=1, dtype=np.float32)
    x[1, 3], x[2, :5], x[3, 0], x[4] = NAN, -INF, 1e4, -INF
    outs = []
    for run in ("compiled", "plain"):
        with np.errstate(all="ignore"):
            out, back = np.empty_like(x), np.empty_like(x)
            getattr(getattr(row_loops, name), run)(x, out)
            getattr(getattr(row_loops, f"{name}_backward"), run)(g, out, back)
        outs.append((out, back))
    for a, b in zip(*outs):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-5)


def test_softmax_in_place_is_softmax():
    x, g = numbers(70, 33, dtype=np.float32), numbers(70, 33, seed=1, dtype=np.float32)
    out, back = np.empty_like(x), np.empty_like(x)
    row_loops.softmax.compiled(x, out)
    row_loops.softmax_backward.compiled(g, out, back)
    for run in ("compiled", "plain"):
        here, slope = x.copy(), g.copy()
        getattr(row_loops.softmax_here, run)(here)
        getattr(row_loops.softmax_backward_here, run)(slope, here)
        np.testing.assert_allclose(here, out, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(slope, back, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize("affine", [(0, 0), (9, 0), (9, 9), (0, 9)])
def test_normalization_kernels_agree_with_their_twins(dtype, centered, affine):
    x, g = numbers(5, 9, dtype=dtype) + dtype(3), numbers(5, 9, seed=1, dtype=dtype)
    w, b = numbers(affine[0], seed=2, dtype=dtype), numbers(affine[1], seed=3, dtype=dtype)
    found = []
    for run in ("compiled", "plain"):
        out, mean, scale = np.empty_like(x), np.empty(5, dtype), np.empty(5, dtype)
        getattr(row_loops.normalize, run)(x, out, mean, scale, w, b, 1e-5, centered)
        back, gw, gb = np.empty_like(x), np.ones(9, dtype), np.ones(9, dtype)
        getattr(row_loops.normalize_backward, run)(x, g, mean, scale, back, gw, gb, w, centered)
        found.append((out, mean, scale, back, gw, gb))
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=1e-4 if dtype == np.float32 else 1e-10, atol=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("share", [1.0, 0.25, NAN])
def test_cross_entropy_rows_agree_with_their_twin(weighted, share):
    x, t = numbers(8, 5, dtype=np.float32), np.array([0, 4, -100, 2, 1, -100, 3, 0])
    w = np.linspace(0.5, 2, 5).astype(np.float32) if weighted else np.empty(0, np.float32)
    for mean in (True, False):
        shares = np.empty((2, 1))
        for run, into in zip(("compiled", "plain"), shares):
            targets = getattr(cross_entropy.targets, run)
            assert targets(t, w, -100, 5, mean, into) == -1
            assert targets(t, w, -100, 4, mean, np.empty(1)) == 1
        assert shares[0] == pytest.approx(shares[1])
        assert (shares[0, 0] == 1) == (not mean)
    found = []
    for run in ("compiled", "plain"):
        losses, slope = np.empty(8, np.float32), np.empty_like(x)
        getattr(cross_entropy.rows, run)(x, t, losses, slope, w, -100, np.array([share]))
        found.append((losses, slope))
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_large_layers_as_pytorch(backend, torch):
    x, w, b = (
        numbers(64, 100, dtype=np.float32),
        numbers(100, seed=1, dtype=np.float32),
        numbers(100, seed=2, dtype=np.float32),
    )
    t = np.random.default_rng(0).integers(0, 100, 64)
    calls = (
        lambda m, x, w, b: m.layer_norm(x, (100,), w, b), lambda m, x, w, b: m.gelu(x * w) + m.silu(x + b),
        lambda m, x, w, b: m.softmax(x * w, -1) + m.log_softmax(x + b, -1),
        lambda m, x, w, b: m.gelu(x * w, approximate="tanh") * m.mish(x),
        lambda m, x, w, b: m.rms_norm(x, (100,), w) + m.group_norm(x, 5, b),
    )  # fmt: skip
    with kernels.use(backend):
        for call in calls:
            same(torch, call, x, w, b, tolerance=2e-4)
        for options in ({}, {"ignore_index": 5}, {"label_smoothing": 0.2}, {"reduction": "sum"}):
            same(torch, lambda m, x, t, o=options: m.cross_entropy(x, t, **o), x, t, tolerance=2e-4)


# Norms


def test_running_statistics_of_instance_norm(torch):
    x = numbers(3, 2, 5)
    ours, theirs = (
        [tg.zeros(2, dtype=tg.float64), tg.ones(2, dtype=tg.float64)],
        [torch.zeros(2).double(), torch.ones(2).double()],
    )
    for _ in range(2):
        a = F.instance_norm(tg.tensor(x), *ours, momentum=0.3)
        b = torch.nn.functional.instance_norm(torch.tensor(x), *theirs, momentum=0.3)
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-10)
    for mine, other in zip(ours, theirs):
        np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-12)


def test_normalize_of_zeros_and_cosines_of_zeros(torch):
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    same(torch, lambda m, x: m.normalize(x), x)
    same(torch, lambda m, x, y: m.cosine_similarity(x, y), x, numbers(2, 2))
    same(torch, lambda m, x, y: m.pairwise_distance(x, y, eps=0.0), x, np.array([[0.0, 0.0], [1.0, 1.0]]))


def test_empty_inputs(torch):
    same(torch, lambda m, x: m.layer_norm(x, (3,)), np.zeros((0, 3)))
    same(torch, lambda m, x: m.group_norm(x, 2), np.zeros((0, 4, 2)))
    same(torch, lambda m, x: m.scaled_dot_product_attention(x, x, x), np.zeros((2, 0, 4)))
    same(torch, lambda m, w, i: (F if m is tg else m).embedding(i, w), np.ones((3, 2)), np.zeros((0, 2), np.int64))


# Dropout


CHANNELS = [
    ("dropout1d", (200, 20, 3), 2), ("dropout2d", (200, 20, 2, 2), (2, 3)), ("dropout1d", (4000, 3), 1),
    ("dropout3d", (200, 20, 2, 1, 2), (2, 3, 4)), ("dropout3d", (4000, 2, 2, 1), (1, 2, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "shape", "axes"), CHANNELS)
def test_channels_are_dropped_whole(name, shape, axes):
    y = getattr(tg, name)(tg.ones(*shape), 0.25, generator=tg.Generator().manual_seed(0)).numpy()
    low, high = y.min(axes), y.max(axes)
    np.testing.assert_array_equal(low, high)
    assert abs((low == 0).mean() - 0.25) < 0.03
    np.testing.assert_allclose(low[low > 0], 4 / 3, rtol=1e-6)


@pytest.mark.parametrize("name", ["alpha_dropout", "feature_alpha_dropout"])
def test_alpha_dropout_keeps_mean_and_variance(name):
    x = numbers(3000, 30)
    y = getattr(tg, name)(tg.tensor(x), 0.3, True, generator=tg.Generator().manual_seed(0)).numpy()
    assert abs(y.mean()) < 0.02
    assert abs(y.std() - 1) < 0.02
    values, counts = np.unique(y, return_counts=True)
    a = 1 / math.sqrt((1.7580993408473766**2 * 0.3 + 1) * 0.7)
    assert values[counts.argmax()] == pytest.approx(-1.7580993408473766 * a * 0.7)
    assert 0.28 < counts.max() / y.size < 0.32


@pytest.mark.parametrize("name", ["dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"])
def test_inplace_dropout_writes(name):
    x = tg.ones(20, 30, 4)
    assert getattr(tg, name)(x, 0.5, True, True) is x
    assert len(np.unique(x.numpy())) == 2


# Tables


def test_embeddings_are_shortened_in_place(torch):
    weight, index = numbers(5, 3) * 3, np.array([[1, 3], [3, 4]])
    for norm in (2.0, 1.0):
        ours, theirs = tg.tensor(weight), torch.tensor(weight)
        a = F.embedding(tg.tensor(index), ours, max_norm=1.5, norm_type=norm)
        b = torch.nn.functional.embedding(torch.tensor(index), theirs, max_norm=1.5, norm_type=norm)
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-12)
        assert (ours.numpy()[[0, 2]] == weight[[0, 2]]).all()


def test_the_shortened_table_still_has_a_gradient():
    weight = tg.tensor(numbers(5, 3) * 3, requires_grad=True)
    F.embedding(tg.tensor([1, 1]), weight, max_norm=1.0).sum().backward()
    np.testing.assert_array_equal(weight.grad.numpy(), np.array([0, 2, 0, 0, 0])[:, None] * np.ones(3))


def test_bags_scale_gradients_by_frequency():
    weight = tg.tensor(numbers(4, 2), requires_grad=True)
    index, offsets = tg.tensor([1, 1, 2, 1]), tg.tensor([0, 3])
    F.embedding_bag(index, weight, offsets, mode="sum", scale_grad_by_freq=True).sum().backward()
    np.testing.assert_allclose(weight.grad.numpy()[:, 0], [0, 1, 1, 0])


# Attention


def test_a_query_that_may_look_at_nothing_gets_zeros(torch):
    q, k, v = numbers(3, 4), numbers(5, 4, seed=1), numbers(5, 2, seed=2)
    mask = np.ones((3, 5), bool)
    mask[1] = False
    same(torch, lambda m, q, k, v, x: m.scaled_dot_product_attention(q, k, v, x), q, k, v, mask)
    inputs = [tg.tensor(a, requires_grad=True) for a in (q, k, v)]
    assert tg.gradgradcheck(lambda q, k, v: tg.scaled_dot_product_attention(q, k, v, tg.tensor(mask)), inputs)


def test_attention_drops_weights():
    q, v = tg.zeros(1, 50, 4), tg.ones(1, 400, 1)
    out = tg.scaled_dot_product_attention(
        q, tg.zeros(1, 400, 4), v, dropout_p=0.5, generator=tg.Generator().manual_seed(0)
    )
    assert abs(out.numpy().mean() - 1) < 0.02
    assert out.numpy().std() > 0.02


# Losses


def test_losses_at_their_edges(torch):
    same(torch, lambda m, x, t: m.poisson_nll_loss(x, t, full=True), np.array([0.5, 1.0, 2.0]), np.array([0, 1, 2]))
    same(
        torch,
        lambda m, x, t: m.gaussian_nll_loss(x, t, m.relu(x), eps=0.1),
        np.array([0.01, 1.0]),
        np.array([1.0, 2.0]),
    )
    same(torch, lambda m, x, t: m.hinge_embedding_loss(x, t), np.array([1.0, 0.5, 2.0]), np.array([-1, 1, -1]))
    same(torch, lambda m, x, y, t: m.margin_ranking_loss(x, y, t), np.zeros(3), np.zeros(3), np.array([1, -1, 1]))
    same(torch, lambda m, x, t: m.multi_margin_loss(x, t), np.array([[1.0, 0.0, 2.0]]), np.array([0]))
    same(torch, lambda m, x, t: m.kl_div(x, t, reduction="sum"), np.array([-1.0, -2.0]), np.array([0.0, 1.0]))
    same(torch, lambda m, x, t: m.smooth_l1_loss(x, t, reduction="sum"), np.array([1.0, -1.0, 0.0]), np.zeros(3))
    same(torch, lambda m, x, t: m.huber_loss(x, t, reduction="sum"), np.array([1.0, -1.0, 0.0]), np.zeros(3))


def test_soft_margin_loss_does_not_overflow():
    x = tg.tensor([-1000.0, 1000.0], requires_grad=True)
    tg.soft_margin_loss(x, tg.tensor([1.0, 1.0]), reduction="sum").backward()
    np.testing.assert_allclose(x.grad.numpy(), [-1.0, 0.0])


def test_ctc_of_texts_that_do_not_fit(torch):
    x, t = numbers(3, 2, 4), np.array([[1, 1, 2], [1, 2, 3]])

    def call(m, x, zero):
        lengths = torch.tensor([3, 3]) if m is torch.nn.functional else [3, 3]
        target = torch.tensor(t) if m is torch.nn.functional else tg.tensor(t)
        return m.ctc_loss(m.log_softmax(x, -1), target, lengths, lengths, zero_infinity=zero, reduction="none")

    same(torch, lambda m, x: call(m, x, True), x)
    with np.errstate(all="ignore"):
        assert call(tg, tg.tensor(x), False).numpy()[0] == INF


def test_ctc_is_the_sum_over_all_ways():
    logits = tg.log_softmax(tg.tensor(numbers(4, 3)), -1).numpy()
    total = 0.0
    for way in np.ndindex(3, 3, 3, 3):
        letters = [c for i, c in enumerate(way) if c and (i == 0 or c != way[i - 1])]
        if letters == [1, 2]:
            total += math.exp(sum(logits[t, c] for t, c in enumerate(way)))
    found = tg.ctc_loss(tg.tensor(logits), tg.tensor([1, 2]), 4, 2, reduction="sum").item()
    assert found == pytest.approx(-math.log(total))


# Refusals

x3, x23, labels = tg.zeros(3), tg.zeros(2, 3), tg.tensor([0, 1])
REFUSED = [
    (lambda: tg.celu(x3, 0.0), "celu: alpha must not be 0"),
    (lambda: tg.softshrink(x3, -1.0), "softshrink: lambd must not be negative, got -1.0"),
    (lambda: tg.hardtanh(x3, 1.0, -1.0), "hardtanh: min_val must not exceed max_val, got 1.0 and -1.0"),
    (lambda: tg.rrelu(x3, 0.5, 0.1), "rrelu: lower must not exceed upper, got 0.5 and 0.1"),
    (lambda: tg.prelu(x23, tg.zeros(2)), r"prelu: weight must have shape \(1,\) or \(3,\), got \(2,\)"),
    (lambda: tg.glu(x3), "glu: the dimension must be of even size, got 3"),
    (lambda: tg.layer_norm(x23, (2,)), r"layer_norm: .* must be normalized_shape \(2,\), got shape \(2, 3\)"),
    (lambda: tg.layer_norm(x23, 3, tg.zeros(2)), r"layer_norm: weight must have shape \(3,\), got \(2,\)"),
    (lambda: tg.group_norm(x23, 2), "group_norm: num_groups must divide the 3 channels, got 2"),
    (lambda: F.instance_norm(tg.zeros(2, 3, 1)), "instance_norm: expected more than 1 value"),
    (lambda: tg.local_response_norm(x23, 2), "local_response_norm: input must have at least 3 dimensions"),
    (lambda: tg.dropout1d(x3), "dropout1d: input must have 2 or 3 dimensions"),
    (lambda: tg.alpha_dropout(x3, 1.5), r"alpha_dropout: .* must be in \[0, 1\], got 1.5"),
    (lambda: F.embedding(tg.tensor([3]), x23), r"embedding: index out of range in self: .* in \[0, 1\], got 3 to 3"),
    (lambda: F.embedding(x3, x23), "embedding: input must hold integers, got float32"),
    (lambda: F.embedding(labels, x23, 2), r"embedding: padding_idx must be within .*, in \[-2, 1\], got 2"),
    (lambda: F.embedding_bag(labels, x23), "embedding_bag: offsets must be given"),
    (lambda: F.embedding_bag(labels, x23, tg.tensor([1])), "embedding_bag: offsets must rise from 0"),
    (lambda: F.embedding_bag(labels, x23, tg.tensor([0]), mode="min"), "mode must be .* got 'min'"),
    (lambda: F.embedding_bag(labels, x23, tg.tensor([0]), per_sample_weights=tg.ones(2)), "for mode 'sum', got"),
    (lambda: tg.scaled_dot_product_attention(x23, x3, x3), "query, key and value must be"),
    (lambda: tg.scaled_dot_product_attention(x23, x23, x23, tg.ones(2, 2), is_causal=True), "attn_mask must be None"),
    (lambda: tg.multi_margin_loss(x23, labels, p=3), "multi_margin_loss: p must be 1 or 2, got 3"),
    (lambda: tg.multi_margin_loss(x23, tg.tensor([0, 3])), r"class indices must be in \[0, 2\], got 0 to 3"),
    (lambda: tg.multilabel_margin_loss(x3, labels), "multilabel_margin_loss: target must hold class indices"),
    (lambda: tg.triplet_margin_loss(x3, x3, x3, margin=0.0), "triplet_margin_loss: margin must be positive, got 0.0"),
    (lambda: tg.cosine_embedding_loss(x23, x23, tg.tensor(1)), "cosine_embedding_loss: target must have"),
    (lambda: tg.margin_ranking_loss(x23, x3, x3), "margin_ranking_loss: all tensors must have the same number"),
    (lambda: tg.gaussian_nll_loss(x3, x3, -x3 - 1), "gaussian_nll_loss: var must not be negative, got -1.0"),
    (lambda: tg.gaussian_nll_loss(x23, x23, tg.ones(3)), "gaussian_nll_loss: var must have shape"),
    (lambda: tg.ctc_loss(x23, tg.tensor([5]), 2, 1), r"ctc_loss: targets must be in \[0, 2\], got 5 to 5"),
    (lambda: tg.ctc_loss(x23, tg.tensor([1]), 3, 1), r"ctc_loss: input_lengths must be in \[0, 2\], got 3 to 3"),
    (lambda: tg.hinge_embedding_loss(x3, x3, reduction="no"), "hinge_embedding_loss: reduction must be"),
]  # fmt: skip


@pytest.mark.each(("call", "message"), REFUSED)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises((ValueError, TypeError, IndexError), match=message):
        call()


@pytest.mark.parametrize("weighted", [False, True])
def test_root_mean_square_normalization_of_complex_numbers(weighted):
    z = np.array([[1 + 2j, 3 - 1j, 0.5j], [1, 2, 1j]])
    w = np.array([1j, 2, 3 - 1j]) if weighted else np.ones(3)
    out = F.rms_norm(tg.tensor(z), (3,), tg.tensor(w) if weighted else None, eps=0.1)
    np.testing.assert_allclose(out.numpy(), z / np.sqrt((z * z).mean(1, keepdims=True) + 0.1) * w)
    given = [tg.tensor(v, requires_grad=True) for v in ((z, w) if weighted else (z,))]
    assert tg.autograd.gradcheck(lambda z, w=None: F.rms_norm(z, (3,), w, eps=0.1), given)

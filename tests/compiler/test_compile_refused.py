"""`tg.compile`: public functions of several steps, whose checks and masks are recorded, too; and late imports."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.compiler.recorder import layout_only

F = nn.functional
SIGNS, CLASSES = tg.tensor([1.0, -1.0, 1.0, -1.0]), tg.tensor([1, 0, 3, 2])
LABELS = tg.tensor([[3, 0, -1, 1, 2], [0, -1, 1, 2, 3], [4, 3, 2, 1, 0], [-1, 0, 0, 0, 0]])
MASK = tg.tensor([[True, True, False, True, False], [True] * 5, [False] * 5, [False, True] * 2 + [True]])
PICTURE, WINDOW = tg.linspace(0, 1, 60).reshape(1, 3, 4, 5).square(), tg.hann_window(4)
COLUMN, WEIGHTS = tg.tensor([0.1, 0.5, 0.9]), tg.linspace(0.5, 1.5, 5)


def with_nan(x: tg.Tensor) -> tg.Tensor:
    return tg.where(x > 1, tg.full_like(x, float("nan")), x)


def grid(x: tg.Tensor, dims: int = 2) -> tg.Tensor:
    return (x.reshape(-1)[: 6 * dims] * 0.7).reshape(1, *(1,) * (dims - 2), 2, 3, dims)


def solved(x: tg.Tensor) -> tg.Tensor:
    square = x[:, :4] + 4 * tg.eye(4)
    return tg.linalg.lu_solve(*tg.linalg.lu_factor(square), x)


FUNCTIONS = {
    "cosine_embedding_loss": lambda x: F.cosine_embedding_loss(x, x.flip(0) + 1, SIGNS, margin=0.1),
    "hinge_embedding_loss": lambda x: F.hinge_embedding_loss(x, SIGNS[:, None].expand(4, 5)),
    "multi_margin_loss": lambda x: F.multi_margin_loss(x, CLASSES, weight=WEIGHTS),
    "multilabel_margin_loss": lambda x: F.multilabel_margin_loss(x, LABELS),
    "poisson_nll_loss": lambda x: F.poisson_nll_loss(x, x.detach().abs() * 2, full=True),
    "quantile": lambda x: tg.quantile(x, 0.3, 1),
    "quantile of several": lambda x: tg.quantile(with_nan(x), COLUMN, 0, interpolation="nearest"),
    "nanquantile": lambda x: tg.nanquantile(with_nan(x), 0.5, 1, interpolation="higher"),
    "nansum": lambda x: tg.nansum(with_nan(x), 0),
    "nanmean": lambda x: tg.nanmean(with_nan(x)),
    "cov": lambda x: tg.cov(x),
    "cov with weights": lambda x: tg.cov(x, aweights=WEIGHTS),
    "corrcoef": lambda x: tg.corrcoef(x),
    "logdet": lambda x: tg.logdet(x @ x.mT + tg.eye(4)),
    "lu": lambda x: tg.linalg.lu(x)[1],
    "lu_solve": solved,
    "masked.mean": lambda x: tg.masked.mean(x, 1, mask=MASK),
    "masked.std": lambda x: tg.masked.std(x, 0, unbiased=False, mask=MASK),
    "slice_scatter": lambda x: tg.slice_scatter(x, x[:2] * 2, 0, 1, 3),
    "diagonal_scatter": lambda x: tg.diagonal_scatter(x, x[:, 1]),
    "scatter_reduce": lambda x: x.scatter_reduce(1, CLASSES[:, None], x[:, :1] * 3, "mean"),
    "addmm": lambda x: tg.addmm(x[:, :4], x, x.mT, beta=0),
    "pdist": lambda x: F.pdist(x, 3),
    "combinations": lambda x: tg.combinations(x[0], 2),
    "addr": lambda x: tg.addr(x, x[:, 1], x[2], beta=2),
    "frexp": lambda x: tg.frexp(x)[0],
    "stft without a window": lambda x: tg.stft(x.reshape(-1), 4, return_complex=True).abs(),
    "istft": lambda x: tg.istft(tg.complex(x[:3], x[1:].abs()), 4, 1, window=WINDOW),
    "grid_sample": lambda x: F.grid_sample(PICTURE, grid(x), "bicubic", "reflection", False),
    "grid_sample, nearest": lambda x: F.grid_sample(PICTURE * x[0, 0], grid(x), "nearest", "border", True),
    "grid_sample in space": lambda x: F.grid_sample(PICTURE[:, :, None], grid(x, 3), padding_mode="zeros"),
    "affine_grid": lambda x: F.affine_grid(x[:2, :3].expand(2, 2, 3), (2, 1, 3, 4)),
    "ldexp": lambda x: tg.ldexp(x, CLASSES[:, None]),
    "xlogy": lambda x: tg.special.xlog1py(2.0, x.abs()),
    "mse_loss": lambda x: F.mse_loss(x, x.detach() + 1, weight=x.detach().abs()),
    "gaussian_nll_loss": lambda x: F.gaussian_nll_loss(x, x.detach() * 2, 0.5),
    "legendre_polynomial_p": lambda x: tg.special.legendre_polynomial_p(x, 4),
    "vander": lambda x: tg.linalg.vander(x[0], N=3),
    "matrix_power": lambda x: tg.linalg.matrix_power(x[:, :4], 0),
    "householder_product": lambda x: tg.linalg.householder_product(x[:, :3], COLUMN),
    "cholesky_inverse": lambda x: tg.cholesky_inverse(tg.linalg.cholesky(x @ x.mT + tg.eye(4))),
}


@pytest.mark.each("name", FUNCTIONS)
def test_functions_of_several_steps_are_replayed(name):
    importlib.import_module("tinygrad_lite.masked")
    function = FUNCTIONS[name]

    def with_gradient(x):
        out = function(x)
        finite = tg.where(out.isfinite(), out, tg.zeros_like(out))
        return out.detach(), tg.autograd.grad((finite * finite).sum(), x)[0]

    compiled = tg.compile(with_gradient, fullgraph=True)
    rng = np.random.default_rng(0)
    for _ in range(4):
        x = rng.standard_normal((4, 5)).astype(np.float32)
        found, expected = (f(tg.from_numpy(x.copy()).requires_grad_()) for f in (compiled, with_gradient))
        assert all(a.numpy().tobytes() == b.numpy().tobytes() for a, b in zip(found, expected))
    assert compiled.hits() >= 1


class Unpooled(nn.Module):
    """Maxima, put back."""

    def __init__(self) -> None:
        super().__init__()
        self.pool, self.unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)

    def forward(self, x):
        return self.unpool(*self.pool(x))


LAYERS = {
    "EmbeddingBag": (lambda: nn.EmbeddingBag(9, 4, scale_grad_by_freq=True), (3, 4), 9),
    "EmbeddingBag with a sum": (lambda: nn.EmbeddingBag(9, 4, mode="sum", max_norm=1.0), (3, 4), 9),
    "AlphaDropout": (lambda: nn.AlphaDropout(0.4), (4, 6), 0),
    "FeatureAlphaDropout": (lambda: nn.FeatureAlphaDropout(0.4), (2, 5, 6), 0),
    "MaxUnpool2d": (Unpooled, (2, 3, 4, 6), 0),
    "weight_norm": (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(6, 3)), (4, 6), 0),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_replayed(name):
    make, shape, classes = LAYERS[name]

    def losses(through):
        tg.manual_seed(0)
        rng, layer, factor = np.random.default_rng(0), make(), nn.Parameter(tg.ones(1))
        sgd = tg.optim.SGD([*layer.parameters(), factor], lr=0.1)

        def step(x):
            sgd.zero_grad()
            loss = (layer(x) * factor).square().sum()
            loss.backward()
            sgd.step()
            return loss.detach()

        run, found = through(step), []
        for _ in range(5):
            x = rng.integers(0, classes, shape) if classes else rng.standard_normal(shape).astype(np.float32)
            found.append(run(tg.from_numpy(x)).numpy().tobytes())
        return found + [p.detach().numpy().tobytes() for p in layer.parameters()], run

    (expected, _), (found, compiled) = losses(lambda step: step), losses(tg.compile)
    assert found == expected
    assert compiled.hits() == 3


def test_hooks_of_calls_are_seen_and_those_of_state_dicts_do_not_matter():
    layer, x = nn.Linear(2, 2), tg.ones(1, 2)
    layer.register_state_dict_pre_hook(lambda *_: None)
    compiled = tg.compile(lambda x: layer(x).detach(), fullgraph=True)
    for _ in range(3):
        compiled(x)
    assert compiled.hits() == 1
    layer.register_forward_hook(lambda module, args, out: out * 2)
    with pytest.raises(tg.compiler.CompileError, match="has hooks"):
        compiled(x)


def test_a_name_of_a_recorded_function_must_mean_it():
    """Other functions of that name may look at values, and no recording sees them."""
    text = layout_only._Text(ast.parse("def public(x):\n    return wrap(integers(x))\n"))
    scope = text.function(1)

    def reads_layout(integers):
        return layout_only._Reader(text, scope, {"integers": integers}, frozenset({"integers"})).bind("x")

    def other(x):
        return x + 1

    assert not reads_layout(other)
    other.recorded = other
    assert reads_layout(other)


LATE = """
import tinygrad_lite as tg
x, mask = tg.linspace(0, 1, 6).reshape(2, 3), tg.tensor([[True, False, True], [True, True, False]])
mean = tg.compile(lambda x: tg.masked.mean(x, 1, mask=mask), fullgraph=True)
for i in range(5):
    assert mean(x + i).tolist() == tg.masked.mean(x + i, 1, mask=mask).tolist()
assert mean.hits() >= 1, mean.explain()
"""


def test_a_module_that_is_loaded_by_the_first_call_is_recorded_by_the_next():
    subprocess.run([sys.executable, "-W", "error", "-c", LATE], check=True)


def test_numbers_of_numpy_are_the_same_if_their_bits_are():
    x = tg.ones(3)
    filled = tg.compile(lambda x: x + tg.full_like(x, float("nan")), fullgraph=True)
    for _ in range(4):
        filled(x)
    assert filled.hits() == 2
    zero = np.float32(0.0)
    signs = tg.compile(lambda x: tg.copysign(x, tg.full_like(x, zero)))
    for _ in range(3):
        assert signs(x).tolist() == [1, 1, 1]
    zero = np.float32(-0.0)
    assert signs(x).tolist() == [-1, -1, -1]

"""Where formulas end: ties, zeros, limits, infinities, NaN, and arguments that do not fit. PyTorch's conventions."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from ops_cases import Oracle

import tinygrad_lite as tg

INF, NAN = np.inf, np.nan
LINE = [-INF, -1000.0, -100.0, -1.0, -1e-30, -0.0, 0.0, 1e-30, 1.0, 20.5, 100.0, 1000.0, INF, NAN]
PAIRS = [
    [a for a in (-INF, -1.0, -0.0, 0.0, 2.0, INF, NAN) for _ in range(7)],
    [-INF, -1.0, -0.0, 0.0, 2.0, INF, NAN] * 7,
]
TIES = [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [NAN, 1.0, NAN], [-INF, -INF, -INF], [INF, 0.0, INF]]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def both(call: Callable[..., Any], arrays: list[Any], seed: float, oracle: Any) -> tuple[list[Any], list[Any]]:
    """Value and gradients of the call, in both libraries."""

    def run(m: Any, make: Callable[[Any], Any]) -> list[Any]:
        inputs = [make(a) for a in arrays]
        for t in inputs:
            if t.dtype in (m.float64, m.float32):
                t.requires_grad_()
        out = call(m, *inputs)
        leaves = [t for t in inputs if t.requires_grad]
        seeds = make(np.full(tuple(out.shape), seed, str(out.dtype).rpartition(".")[2]))
        grads = m.autograd.grad(out, leaves, seeds, allow_unused=True)
        return [out.detach().numpy(), *(None if g is None else g.numpy() for g in grads)]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = run(oracle, oracle.tensor)
    return run(tg, tg.tensor), theirs


Edge = tuple[Callable[..., Any], list[Any]]
one_argument = (
    "abs relu sigmoid logsigmoid tanh exp expm1 log log1p log2 sqrt rsqrt reciprocal square sign floor ceil trunc "
    "round erf softplus leaky_relu elu atan asin acos sin cos neg silu gelu exp2 log10"
).split()
EDGES: dict[str, Edge] = {
    **{
        # PyTorch has sign(NaN) = 0 and elu'(NaN) = 1, which NaN everywhere contradicts, and gelu(inf) = NaN in float32
        name: (lambda m, x, n=name: getattr(m, n)(x),
            [LINE[1:-2] if name in ("abs", "sign", "elu", "gelu") else LINE])
        for name in one_argument
    },
    **{
        name: (lambda m, x, y, n=name: getattr(m, n)(x, y), PAIRS)
        for name in "add sub mul div maximum minimum fmax fmin pow atan2 hypot remainder fmod".split()
    },
    **{
        f"{name}{'' if dim is None else f' dim={dim}'}": (lambda m, x, n=name, d=dim: getattr(m, n)(x, dim=d), [TIES])
        for name in ("sum", "mean", "prod", "softmax", "log_softmax", "cumsum", "std", "var")
        for dim in (0, 1)
    },
    "logsumexp": (lambda m, x: m.logsumexp(x, dim=1), [[*TIES[:3], *TIES[4:]]]),
    "amax": (lambda m, x: m.amax(x, dim=1), [[*TIES[:2], *TIES[3:]]]),
    "amin": (lambda m, x: m.amin(x, dim=1), [[*TIES[:2], *TIES[3:]]]),
    "max ties": (lambda m, x: m.max(x), [[[1.0, 3.0], [3.0, 2.0]]]),
    "min ties": (lambda m, x: m.min(x), [[[1.0, 3.0], [1.0, 2.0]]]),
    "max NaN": (lambda m, x: m.max(x), [[1.0, NAN, 3.0, NAN]]),
    "max dim ties": (lambda m, x: m.max(x, dim=1).values, [TIES]),
    "min dim ties": (lambda m, x: m.min(x, dim=1).values, [TIES]),
    "maximum ties": (lambda m, x, y: m.maximum(x, y), [[1.0, 2.0, 0.0], [1.0, 1.0, -0.0]]),
    "minimum ties": (lambda m, x, y: m.minimum(x, y), [[1.0, 2.0, 0.0], [1.0, 1.0, -0.0]]),
    "clamp": (lambda m, x: m.clamp(x, -1.0, 1.0), [LINE]),
    "clamp min": (lambda m, x: m.clamp(x, min=0.0), [LINE]),
    "clamp max": (lambda m, x: m.clamp(x, max=0.0), [LINE]),
    "clamp crossed": (lambda m, x: m.clamp(x, 1.0, -1.0), [[-2.0, -1.0, 0.0, 1.0, 2.0]]),
    "clamp tensors": (lambda m, x, a, b: m.clamp(x, a, b),
        [[0.0, 1.0, 2.0, 3.0], [1.0, 1.0, 4.0, 3.0], [2.0, 1.0, 3.0, 3.0]]),
    "prod zeros": (lambda m, x: m.prod(x), [[2.0, 0.0, 3.0]]),
    "prod two zeros": (lambda m, x: m.prod(x), [[2.0, 0.0, 3.0, 0.0]]),
    "prod dim zeros": (lambda m, x: m.prod(x, dim=1), [[[2.0, 0.0, 3.0], [0.0, 0.0, 3.0], [1.0, 2.0, 3.0]]]),
    "std of a constant": (lambda m, x: m.std(x), [[2.0, 2.0, 2.0]]),
    "std of one": (lambda m, x: m.std(x), [[2.0]]),
    "var of one": (lambda m, x: m.var(x, dim=0), [[[2.0, 1.0]]]),
    "mean of nothing": (lambda m, x: m.mean(x), [[]]),
    "sum of nothing": (lambda m, x: m.sum(x, dim=0), [np.zeros((0, 3))]),
    "prod of nothing": (lambda m, x: m.prod(x, dim=1), [np.zeros((2, 0))]),
    "prod beside nothing": (lambda m, x: m.prod(x, dim=1), [np.zeros((0, 3))]),
    "mean beside nothing": (lambda m, x: m.mean(x, dim=1), [np.zeros((0, 3))]),
    "mean of empty rows": (lambda m, x: m.mean(x, dim=1), [np.zeros((2, 0))]),
    "amax beside nothing": (lambda m, x: m.amax(x, dim=1), [np.zeros((0, 3))]),
    "logsumexp of nothing": (lambda m, x: m.logsumexp(x, dim=1), [np.zeros((2, 0))]),
    "softmax of nothing": (lambda m, x: m.softmax(x, dim=1), [np.zeros((2, 0))]),
    "softmax beside nothing": (lambda m, x: m.softmax(x, dim=1), [np.zeros((0, 2))]),
    "cumsum of nothing": (lambda m, x: m.cumsum(x, dim=0), [[]]),
    "cat with nothing": (lambda m, x, y: m.cat([x, y], dim=1), [np.zeros(0), np.ones((2, 3))]),
    "matmul of nothing": (lambda m, x, y: x @ y, [np.zeros((2, 0)), np.zeros((0, 3))]),
    "einsum of nothing": (lambda m, x, y: m.einsum("ij,jk->ik", x, y), [np.zeros((2, 0)), np.zeros((0, 3))]),
    "** 0": (lambda m, x: x**0, [[0.0, 2.0, -1.0, INF]]),
    "** 1": (lambda m, x: x**1, [[0.0, 2.0, -1.0]]),
    "** 0.5": (lambda m, x: x**0.5, [[0.0, 2.0, -1.0]]),
    "** 2": (lambda m, x: x**2, [[0.0, 2.0, -1.0, INF, NAN]]),
    "** -1": (lambda m, x: x**-1, [[0.0, 2.0, -1.0]]),
    "0 **": (lambda m, x: 0**x, [[0.0, 2.0, -1.0]]),
    "2 **": (lambda m, x: 2**x, [[0.0, INF, -INF]]),
    "triu of infinities": (lambda m, x: m.triu(x, diagonal=1), [np.full((3, 3), -INF)]),
    "tril of infinities": (lambda m, x: m.tril(x), [np.full((3, 3), INF)]),
    "where NaN": (lambda m, x: m.where(x > 0, m.sqrt(x), 0.0), [[-1.0, 4.0]]),
    "masked_fill": (lambda m, x: x.masked_fill(x < 0, -INF), [[-1.0, 4.0]]),
    "softmax masked": (lambda m, x: m.softmax(x.masked_fill(x < 0, -INF), dim=0), [[-1.0, 4.0, 5.0]]),
    "bce at 0 and 1": (lambda m, x, y: m.binary_cross_entropy(x, y, reduction="none"),
        [[0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]]),
    "bce logits": (
        lambda m, x, y: m.binary_cross_entropy_with_logits(x, y, reduction="none"), [[-1000.0, 1000.0, 0.0],
            [1.0, 0.5, 0.0]]
    ),
    "l1 at 0": (lambda m, x, y: m.l1_loss(x, y), [[1.0, 2.0], [1.0, 3.0]]),
    "0-d softmax": (lambda m, x: m.softmax(x, dim=0), [2.0]),
    "0-d log_softmax": (lambda m, x: m.log_softmax(x, dim=-1), [2.0]),
    "0-d cumsum": (lambda m, x: m.cumsum(x, dim=0), [2.0]),
    "0-d max": (lambda m, x: m.max(x, dim=0).values, [2.0]),
    "0-d sum": (lambda m, x: m.sum(x, dim=-1), [2.0]),
    "0-d flip": (lambda m, x: x.flip(0) if x.ndim else x.flip(()), [2.0]),
    "0-d transpose": (lambda m, x: x.transpose(0, -1) * 1, [2.0]),
    "0-d flatten": (lambda m, x: m.flatten(x), [2.0]),
    "0-d squeeze": (lambda m, x: m.squeeze(x, dim=0) * 1, [2.0]),
    "0-d unbind": (lambda m, x: m.stack([x, x]).unbind(0)[1], [2.0]),
    "0-d sort": (lambda m, x: m.sort(x, dim=0).values * 1, [2.0]),
    "0-d index_select": (lambda m, x, i: m.index_select(x, 0, i), [2.0, [0]]),
    **{
        f"nearest pixels, {padding}": (
            lambda m, x, g, p=padding: m.grid_sample(x, g, mode="nearest", padding_mode=p, align_corners=False),
            [np.arange(24.0).reshape(1, 2, 3, 4), np.linspace(-1.3, 1.2, 20).reshape(1, 2, 5, 2)],
        )
        for padding in ("zeros", "border", "reflection")
    },
    "0-d gather": (lambda m, x, i: m.gather(x, 0, i), [2.0, 0]),
    "bce of infinite logits": (
        lambda m, x, t: m.binary_cross_entropy_with_logits(x, t, reduction="none"), [[INF, INF, 0.0], [0.0, 0.5, 1.0]]
    ),
    "angle of -0": (lambda m, x: m.angle(x), [[-0.0, 0.0, -1.0, 2.0, INF, -INF]]),
    "slopes of fmod": (
        lambda m, x, y: m.autograd.grad(m.fmod(x, y * 1).sum(), y, create_graph=True)[0] * 1, [[1.0, 5.0], [0.0, 3.0]]
    ),
}  # fmt: skip


def arrays_of(values: list[Any], dtype: Any) -> list[Any]:
    arrays = [np.array(v) for v in values]
    return [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]


@pytest.mark.each("name", EDGES)
def test_edges(name: str, oracle: Oracle) -> None:
    call, values = EDGES[name]
    for dtype, tolerance in ((np.float64, 1e-8), (np.float32, 1e-5)):
        ours, theirs = both(call, arrays_of(values, dtype), 1.0, oracle)
        for a, b in zip(ours, theirs):
            a = np.zeros_like(b) if a is None else a
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, strict=True)


LARGE: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda x, n: x + n, "n +": lambda x, n: n + x, "-": lambda x, n: x - n, "n -": lambda x, n: n - x,
    "*": lambda x, n: x * n, "/": lambda x, n: x / n, "n /": lambda x, n: n / x, "//": lambda x, n: x // n,
    "n //": lambda x, n: n // x, "%": lambda x, n: x % n, "n %": lambda x, n: n % x, "&": lambda x, n: x & n,
    "|": lambda x, n: x | n, "^": lambda x, n: x ^ n, "add_": lambda x, n: x.clone().add_(n),
    "mul_": lambda x, n: x.clone().mul_(n),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64"])
@pytest.mark.each("name", LARGE)
def test_numbers_that_integers_do_not_hold(name: str, dtype: str, oracle: Oracle) -> None:
    """What is left of them, as in PyTorch; quotients are those of the numbers themselves."""
    torch: Any = pytest.importorskip("torch")
    for number in (300, 129, -3, -200, 40_001, 2**33 + 5, -(2**40), 2**63 - 1):
        for values in ([7, 100, 1], 5):
            x, theirs = (m.tensor(values, dtype=getattr(m, dtype)) for m in (tg, torch))
            try:
                expected = LARGE[name](theirs, number)
            except RuntimeError:  # nothing is left
                with pytest.raises(RuntimeError, match="ZeroDivisionError"):
                    LARGE[name](x, number)
                continue
            found = LARGE[name](x, number)
            np.testing.assert_allclose(found, expected.numpy(), rtol=2e-7, strict=True, err_msg=f"{number}")


def test_comparisons_with_numbers_that_integers_do_not_hold() -> None:
    """PyTorch compares with what is left of them: 100 < 300 is False there in uint8."""
    x = tg.tensor([7, 100, 1], dtype=tg.uint8)
    for holds in (x < 300, x != 263, x > -1, x >= -300):
        assert holds.all()


def test_a_grid_has_no_slope_at_nearest_pixels() -> None:
    x, grid = tg.ones(1, 2, 3, 4), tg.zeros(1, 5, 2, 2, requires_grad=True)
    tg.grid_sample(x, grid, mode="nearest", align_corners=False).sum().backward()
    np.testing.assert_array_equal(grid.grad, np.zeros((1, 5, 2, 2)))


def test_condition_of_nothing(oracle: Oracle) -> None:
    torch: Any = pytest.importorskip("torch")
    for shape in ((0, 0), (2, 0, 0), (0, 2, 2), (3, 0, 2)):
        for p in (None, 2, -2, "fro"):
            if p == "fro" and shape[-1] != shape[-2]:
                continue
            found, expected = (m.linalg.cond(m.zeros(shape), p) for m in (tg, torch))
            np.testing.assert_array_equal(found, expected.numpy(), strict=True)


SELECTIVE: dict[str, Edge] = {
    "relu": (lambda m, x: m.relu(x), [LINE]),
    "relu by compiled loops": (lambda m, x: m.relu(x), [LINE * 200]),
    "leaky_relu": (lambda m, x: m.leaky_relu(x), [LINE]),
    "clamp": (lambda m, x: m.clamp(x, -1.0, 1.0), [LINE]),
    "clamp tensors": (lambda m, x, a: m.clamp(x, min=a), [[0.0, 1.0], [0.5, 0.5]]),
    "where": (lambda m, x, y: m.where(x > 0, x, y), [[-1.0, 1.0], [2.0, 3.0]]),
    "maximum": (lambda m, x, y: m.maximum(x, y), [[-1.0, 1.0, 2.0], [2.0, -3.0, 2.0]]),
    "minimum": (lambda m, x, y: m.minimum(x, y), [[-1.0, 1.0, 2.0], [2.0, -3.0, 2.0]]),
    "fmax": (lambda m, x, y: m.fmax(x, y), [[-1.0, 1.0, NAN], [2.0, -3.0, 2.0]]),
    "max dim": (lambda m, x: m.max(x, dim=0).values, [[-1.0, 1.0, 2.0]]),
    "tril": (lambda m, x: m.tril(x), [np.ones((3, 3))]),
    "masked_fill": (lambda m, x: x.masked_fill(x < 0, 0.0), [[-1.0, 4.0]]),
    "getitem": (lambda m, x: x[1:], [[-1.0, 4.0]]),
    "sign": (lambda m, x: m.sign(x), [[-1.0, 4.0]]),
    "floor": (lambda m, x: m.floor(x), [[-1.5, 4.0]]),
    "index_put": (lambda m, x: (y := x * 1, y.__setitem__(0, 1.0))[0], [[-1.5, 4.0]]),
}


@pytest.mark.parametrize("seed", [INF, NAN])
@pytest.mark.each("name", SELECTIVE)
def test_what_is_not_selected_gets_zero(name: str, seed: float, oracle: Oracle) -> None:
    """Whatever the gradient is: zero times infinity would be NaN."""
    call, values = SELECTIVE[name]
    for dtype in (np.float64, np.float32):
        ours, theirs = both(call, arrays_of(values, dtype), seed, oracle)
        for a, b in zip(ours, theirs):
            np.testing.assert_allclose(a, b, rtol=1e-6, strict=True)


def test_where_we_differ_from_pytorch() -> None:
    """NaN shows; and what is -inf however it moves has no slope."""
    x = tg.tensor([NAN, 1.0], requires_grad=True)
    np.testing.assert_array_equal(tg.sign(x).detach(), [NAN, 1.0])
    (g,) = tg.autograd.grad(tg.abs(x).sum(), x)
    np.testing.assert_array_equal(g, [NAN, 1.0])
    (g,) = tg.autograd.grad(tg.amax(x), x)
    np.testing.assert_array_equal(g, [1.0, 0.0])
    x = tg.full((2,), -INF, requires_grad=True)
    (g,) = tg.autograd.grad(tg.logsumexp(x, 0), x)
    np.testing.assert_array_equal(g, [0.0, 0.0])


KINDS = ("bool", "uint8", "int8", "int32", "int64", "float16", "float32", "float64")
PROMOTING: dict[str, Callable[..., Any]] = {
    "add": lambda m, x, y: x + y,
    "mul": lambda m, x, y: y * x,
    "div": lambda m, x, y: x / y,
    "pow": lambda m, x, y: x**y,
    "maximum": lambda m, x, y: m.maximum(x, y),
    "where": lambda m, x, y: m.where(x > 0, x, y),
    "atan2": lambda m, x, y: m.atan2(x, y),
    "cat": lambda m, x, y: m.cat([x, y]),
    "stack": lambda m, x, y: m.stack([y, x]),
    "clamp": lambda m, x, y: m.clamp(x, y, y),
    "remainder": lambda m, x, y: x % y,
    "x + 2": lambda m, x, y: x + 2,
    "x * 2.5": lambda m, x, y: x * 2.5,
    "x / 2": lambda m, x, y: x / 2,
    "2.5 / x": lambda m, x, y: 2.5 / x,
    "x ** 2.0": lambda m, x, y: x**2.0,
    "x + True": lambda m, x, y: x + True,
    "x if, else 1.5": lambda m, x, y: m.where(x > 0, x, 1.5),
    "x if 1, else 0": lambda m, x, y: m.where(x > 0, 1, 0),
    "x if 1., else 0.": lambda m, x, y: m.where(x > 0, 1.0, 0.0),
    "sum(x)": lambda m, x, y: m.sum(x),
    "prod(x)": lambda m, x, y: m.prod(x, dim=0),
    "cumsum(x)": lambda m, x, y: m.cumsum(x, dim=0),
}


@pytest.mark.parametrize("name", PROMOTING)
def test_dtypes_of_mixed_arguments(name: str, oracle: Oracle) -> None:
    """Integers never widen a float, and what is floating only of nothing but integers is float32."""
    compared = 0
    for a in KINDS:
        for b in KINDS if name.isalnum() else ("bool",):
            x, y = np.ones(2, a), np.ones(2, b)
            try:
                expected = PROMOTING[name](oracle, oracle.tensor(x), oracle.tensor(y)).numpy().dtype
            except (RuntimeError, TypeError):  # refused by PyTorch, which need not bind us
                continue
            found = PROMOTING[name](tg, tg.tensor(x), tg.tensor(y)).dtype
            assert found == expected, f"{a} and {b}: expected {expected}, got {found}"
            compared += 1
    assert compared >= 7


# --- arguments that do not fit ----------------------------------------------------------------------------------

a23, a34, a4, line = tg.zeros(2, 3), tg.zeros(3, 4), tg.zeros(4), tg.zeros(5)
labels = tg.tensor([0, 1])
REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: a23 + a4, ValueError, "add: operands could not be broadcast together with shapes (2,3) (4,)"),
    (lambda: tg.maximum(a23, a4), ValueError, "maximum: .*shapes (2,3) (4,)"),
    (lambda: tg.atan2(a23, a4), ValueError, "atan2: "),
    (lambda: a23 + "x", TypeError, "unsupported operand type.*Tensor.*str"),
    (lambda: tg.div(a23, 2, rounding_mode="up"), ValueError,
     "div: rounding_mode must be None, 'trunc' or 'floor', got 'up'"),
    (lambda: tg.clamp(a23), ValueError, "clamp: At least one of 'min' or 'max' must not be None"),
    (lambda: tg.where(a23, a23, a23), TypeError, "where: condition must be boolean, got dtype float32"),
    (lambda: tg.where(a23 > 0, a23), TypeError, "where: input and other must both be given"),
    (lambda: tg.where(a23 > 0, a23, a4), ValueError, "where: "),
    (lambda: tg.gelu(a23, approximate="no"), ValueError, "gelu: approximate must be 'none' or 'tanh', got 'no'"),
    (lambda: a23.sum(2), IndexError, "sum: dim must be in [-2, 1], got 2"),
    (lambda: a23.mean(dim=(0, -3)), IndexError, "mean: dim must be in [-2, 1], got -3"),
    (lambda: a23.sum((0, 0)), ValueError, "sum: duplicate value in 'axis'"),
    (lambda: a23.sum(1.5), TypeError, "sum: dim must be an int or sequence of int"),
    (lambda: labels.mean(), TypeError, "mean: the input must be floating point, got int64"),
    (lambda: labels.var(), TypeError, "var: the input must be floating point, got int64"),
    (lambda: labels.softmax(0), TypeError, "softmax: the input must be floating point, got int64"),
    (lambda: a23.softmax(2), IndexError, "softmax: dim must be in [-2, 1], got 2"),
    (lambda: a23.log_softmax(-3), IndexError, "log_softmax: dim must be in [-2, 1], got -3"),
    (lambda: a23.logsumexp(5), IndexError, "logsumexp: dim must be in [-2, 1], got 5"),
    (lambda: a23.cumsum(2), IndexError, "cumsum: dim must be in [-2, 1], got 2"),
    (lambda: a23.argmax(2), IndexError, "argmax: dim must be in [-2, 1], got 2"),
    (lambda: a23.all(2), IndexError, "all: dim must be in [-2, 1], got 2"),
    (lambda: a23.max(2), IndexError, "max: dim must be in [-2, 1], got 2"),
    (lambda: a23.max((0, 1)), TypeError, "max: dim must be one integer, got (0, 1); amax takes several"),
    (lambda: tg.zeros(0).max(), ValueError, "max: zero-size array"),
    (lambda: tg.zeros(0, 3).max(0), IndexError, "max: the size of dim 0 must not be 0, got shape (0, 3)"),
    (lambda: a23.sort(2), IndexError, "sort: dim must be in [-2, 1], got 2"),
    (lambda: a23.argsort(2), IndexError, "argsort: dim must be in [-2, 1], got 2"),
    (lambda: a23.topk(4), ValueError, "topk: k must be in [0, 3], the size of dim 1, got 4"),
    (lambda: a23.reshape(4, 2), ValueError, "reshape: shape (4, 2) must hold 6 elements like (2, 3)"),
    (lambda: a23.reshape(-1, -1), ValueError, "reshape: shape (-1, -1) must hold"),
    (lambda: a23.reshape(2.0, 3), TypeError, "reshape: sizes must be integers, got (2.0, 3)"),
    (lambda: a23.T.view(6), RuntimeError, "view: shape (6,) does not fit the order of the input's memory"),
    (lambda: a23.flatten(1, 0), RuntimeError, "flatten: start_dim 1 must not come after end_dim 0"),
    (lambda: a23.flatten(2), IndexError, "flatten: dim must be in [-2, 1], got 2"),
    (lambda: a23.unflatten(1, (2, 2)), RuntimeError, "unflatten: sizes (2, 2) must multiply to 3, the size of dim 1"),
    (lambda: a23.transpose(0, 2), IndexError, "transpose: dim must be in [-2, 1], got 2"),
    (lambda: tg.zeros(1, 2, 3).t(), RuntimeError, "t: the input must have at most 2 dimensions, got shape (1, 2, 3)"),
    (lambda: a23.permute(0), RuntimeError, "permute: dims must name each of the 2 dimensions once, got (0,)"),
    (lambda: a23.permute(0, 2), IndexError, "permute: dim must be in [-2, 1], got 2"),
    (lambda: a23.movedim(2, 0), IndexError, "movedim: dim must be in [-2, 1], got 2"),
    (lambda: a23.movedim((0, 1), 0), ValueError, "movedim: "),
    (lambda: a23.unsqueeze(3), IndexError, "unsqueeze: dim must be in [-3, 2], got 3"),
    (lambda: a23.squeeze(2), IndexError, "squeeze: dim must be in [-2, 1], got 2"),
    (lambda: a23.expand(2, 4), RuntimeError,
     "expand: sizes other than 1 must stay, got (2, 3) to be expanded to (2, 4)"),
    (lambda: a23.expand(3), RuntimeError, "expand: sizes other than 1 must stay"),
    (lambda: a23.tile(-1), ValueError, "tile: repetitions must not be negative, got (-1,)"),
    (lambda: a23.repeat(2), RuntimeError, "repeat: must name at least the 2 dimensions, got (2,)"),
    (lambda: tg.cat([]), ValueError, "cat: expected a non-empty sequence of Tensors, got none"),
    (lambda: tg.cat([a23, a34]), RuntimeError,
     "cat: the tensors must have the same sizes but in dimension 0, got shapes (2, 3) and (3, 4)"),
    (lambda: tg.cat([a23, a4]), ValueError, "in dimension 0, got shapes (2, 3) and (4,)"),
    (lambda: tg.zeros([1] * 65), RuntimeError, "zeros: maximum supported dimension for an ndarray is"),
    (lambda: tg.ones(1).expand([1] * 65), RuntimeError, "only tensors with up to 64 dims are supported"),
    (lambda: tg.empty(2**40, 2**40), RuntimeError, "empty: array is too big"),
    (lambda: tg.randn(2**40, 2**40), ValueError, "Storage size calculation overflowed"),
    (lambda: tg.ones(1, dtype=tg.uint8) ** 300, RuntimeError, "pow: uint8 does not hold 300"),
    (lambda: tg.ones(1, dtype=tg.int8) + 2**70, RuntimeError, "add: numbers beside integers must have 64 bits, got"),
    (lambda: tg.gt(line, (2, 3)), TypeError, "gt: other must be a Tensor or number, of shapes that broadcast"),
    (lambda: tg.bitwise_and((2, 3), -5), TypeError, "bitwise_and: input must be a Tensor or number, of shapes"),
    (lambda: line.take_along_dim((2, 3)), TypeError, "take_along_dim: indices must be a Tensor"),
    (lambda: tg.nn.init.normal_((2, 3)), TypeError, "normal_: tensor must be a Tensor, floating, got (2, 3)"),
    (lambda: tg.nn.init.xavier_normal_({}), TypeError, "xavier_normal_: tensor must be a Tensor, floating"),
    (lambda: tg.nn.init.zeros_(tg.float32), TypeError, "zeros_: tensor must be a Tensor"),
    (lambda: tg.dstack([tg.ones(2), tg.ones(3)]), RuntimeError, "Sizes of tensors must match except in dimension 2"),
    (lambda: np.hsplit(tg.ones(3), 2), ValueError, "hsplit: size 3 of dim 0 must divide into equal sections, got 2"),
    (lambda: tg.frombuffer([1, 2], dtype=tg.int8), ValueError, "frombuffer: buffer must be an object with the buffer"),
    (lambda: tg.frombuffer(b"", dtype=tg.int8), ValueError, "frombuffer: both buffer length (0) and count (-1) must"),
    (lambda: tg.frombuffer(b"ab", dtype=tg.int8, count=0), ValueError, "both buffer length (2) and count (0) must"),
    (lambda: tg.frombuffer(b"ab", dtype=tg.int8, offset=-1), ValueError, "offset (-1 bytes) must be non-negative"),
    (lambda: tg.frombuffer(b"ab", dtype=tg.int8, offset=2), ValueError, "offset (2 bytes) must be non-negative and no"),
    (lambda: tg.frombuffer(b"abc", dtype=tg.int16), ValueError, "frombuffer: buffer length (3 bytes) after offset (0"),
    (lambda: tg.frombuffer(b"abc", dtype=tg.int16, count=2), ValueError, "requested buffer length (2 * 2 bytes) after"),
    (lambda: tg.cat([a23, a23], 2), IndexError, "cat: dim must be in [-2, 1], got 2"),
    (lambda: tg.stack([]), ValueError, "stack: expected a non-empty sequence of Tensors, got none"),
    (lambda: tg.stack([a23, a34]), ValueError, "stack: all shapes must be equal, got (2, 3), (3, 4)"),
    (lambda: tg.stack([a23, a23], 3), IndexError, "stack: dim must be in [-3, 2], got 3"),
    (lambda: line.narrow(0, 3, 3), RuntimeError, "narrow: start 3 and length 3 must lie within size 5 of dim 0"),
    (lambda: line.split(0), RuntimeError, "split: the size must be positive, got 0"),
    (lambda: line.split([2, 2]), RuntimeError, "split: sizes must add up to 5, the size of dim 0, got [2, 2]"),
    (lambda: line.split([6, -1]), RuntimeError, "split: sizes must add up to 5"),
    (lambda: line.chunk(0), RuntimeError, "chunk: chunk expects `chunks` to be greater than 0, got: 0"),
    (lambda: line.unbind(1), IndexError, "unbind: dim must be in [-1, 0], got 1"),
    (lambda: a23.flip(2), IndexError, "flip: dim must be in [-2, 1], got 2"),
    (lambda: a23.flip(0, 0), ValueError, "flip: each dimension may be named once, got (0, 0)"),
    (lambda: a23.roll((1, 2), 0), ValueError, "roll: shifts and dims must be as many, got (1, 2) and 0"),
    (lambda: a23.roll(1, 2), IndexError, "roll: dim must be in [-2, 1], got 2"),
    (lambda: tg.pad(a23, (1,)), ValueError, "pad: must hold a pair for at most 2 dimensions, got (1,)"),
    (lambda: tg.pad(a23, (1,) * 6), ValueError, "pad: must hold a pair for at most 2 dimensions"),
    (lambda: tg.pad(a23, (-2, -2)), ValueError,
     "pad: widths for mode 'constant' must fit shape (2, 3), got (-2, -2)"),
    (lambda: tg.pad(a23, (3, 0), mode="reflect"), ValueError,
     "pad: widths for mode 'reflect' must fit shape (2, 3), got (3, 0)"),
    (lambda: tg.pad(a23, (1, 1), mode="symmetric"), ValueError,
     "pad: mode must be 'constant', 'reflect', 'replicate', 'circular'"),
    (lambda: tg.pad(a23, (1, 1), mode="reflect", value=1.0), ValueError,
     "pad: mode 'reflect' takes no value, got 1.0"),
    (lambda: line[5], IndexError, "index 5 is out of bounds for dimension 0 with size 5"),
    (lambda: line[line], IndexError, "getitem: indices must be integers or booleans, got float32"),
    (lambda: line[[0.5]], IndexError, "getitem: indices must be integers or booleans, got float64"),
    (lambda: line[labels > 5], IndexError, "boolean index did not match"),
    (lambda: line["a"], IndexError, "only integers, slices"),
    (lambda: a23.gather(2, labels), IndexError, "gather: dim must be in [-2, 1], got 2"),
    (lambda: a23.gather(0, labels), RuntimeError,
     "gather: index of shape (2,) must fit into (2, 3) in all dimensions but 0"),
    (lambda: a23.gather(0, tg.tensor([[2]])), IndexError, "gather: indices must be in [0, 1], got 2 to 2"),
    (lambda: a23.gather(0, tg.tensor([[0.0]])), TypeError, "gather: index must hold integers, got float32"),
    (lambda: a23.take_along_dim(labels, 0), RuntimeError,
     "take_along_dim: indices must have the input's 2 dimensions, got shape (2,)"),
    (lambda: a23.take_along_dim(tg.zeros(3, 2, dtype=tg.int64), 1), RuntimeError,
     "take_along_dim: indices and input must broadcast"),
    (lambda: a23.index_select(2, labels), IndexError, "index_select: dim must be in [-2, 1], got 2"),
    (lambda: a23.index_select(0, a23), RuntimeError,
     "index_select: index must be a vector of integers, got float32 of shape (2, 3)"),
    (lambda: a23.masked_fill(a23, 1.0), TypeError, "masked_fill: mask must be boolean, got float32"),
    (lambda: a23.masked_fill(a23 > 0, a4), RuntimeError,
     "masked_fill: value must be a number or a 0-dimensional value tensor, got shape (4,)"),
    (lambda: a23.masked_select(a23), TypeError, "masked_select: mask must be boolean, got float32"),
    (lambda: line.tril(), RuntimeError, "tril: the input must have at least 2 dimensions, got shape (5,)"),
    (lambda: line.triu(), RuntimeError, "triu: the input must have at least 2 dimensions, got shape (5,)"),
    (lambda: a23 @ a23, RuntimeError, "matmul: inner sizes must agree, got shapes (2, 3) and (2, 3)"),
    (lambda: a23 @ 2.0, RuntimeError, "matmul: inner sizes must agree, got shapes (2, 3) and ()"),
    (lambda: tg.zeros(2, 2, 3) @ tg.zeros(3, 3, 2), ValueError, "matmul: "),
    (lambda: tg.mm(a4, a4), RuntimeError, "mm: expected 2 dimensions, got shape (4,)"),
    (lambda: tg.mm(a23, a23), RuntimeError, "mm: inner sizes must agree, got shapes (2, 3) and (2, 3)"),
    (lambda: tg.bmm(tg.zeros(1, 2, 3), tg.zeros(2, 3, 2)), RuntimeError,
     "bmm: batches must be of one size, got shapes"),
    (lambda: tg.mv(a23, a4), RuntimeError, "mv: inner sizes must agree, got shapes (2, 3) and (4,)"),
    (lambda: tg.dot(a23, a23), RuntimeError, "dot: expected 1 dimensions, got shape (2, 3)"),
    (lambda: tg.outer(a23, a4), RuntimeError, "outer: expected 1 dimensions, got shape (2, 3)"),
    (lambda: tg.linear(a23, a23, a4), RuntimeError, "linear: bias must have shape (2,) or broadcast"),
    (lambda: tg.linear(a4, a23), RuntimeError,
     "linear: input (4,) must end in the weight's in_features, weight is (2, 3)"),
    (lambda: tg.einsum("ij,jk", a23), ValueError, "einsum: 'ij,jk' names 2 operands, got 1"),
    (lambda: tg.einsum("ijk", a23), ValueError, "einsum: 'ijk' does not fit an operand of 2 dimensions"),
    (lambda: tg.einsum("ij,jk", a23, a23), ValueError, "einsum: "),
    (lambda: tg.tensordot(a23, a34, 2), RuntimeError, "tensordot: dims 2 must pair equal sizes of (2, 3) and (3, 4)"),
    (lambda: tg.tensordot(a23, a34, 3), RuntimeError, "tensordot: dims must be in [0, 2], got 3"),
    (lambda: tg.tensordot(a23, a34, ([2], [0])), IndexError, "tensordot: dim must be in [-2, 1], got 2"),
    (lambda: tg.cross_entropy(a23, tg.tensor([0, 3])), IndexError,
     "cross_entropy: class indices must be in [0, 2], got 3"),
    (lambda: tg.cross_entropy(a23, tg.tensor([0])), ValueError,
     "cross_entropy: target must hold class indices of shape (2,)"),
    (lambda: tg.cross_entropy(a23, labels, reduction="max"), ValueError,
     "cross_entropy: reduction must be 'none', 'mean' or 'sum', got 'max'"),
    (lambda: tg.cross_entropy(a23, labels, weight=a4), ValueError,
     "cross_entropy: weight must have shape (3,), got (4,)"),
    (lambda: tg.cross_entropy(a23, labels, label_smoothing=2.0), ValueError,
     "cross_entropy: label_smoothing must be in [0, 1], got 2.0"),
    (lambda: tg.cross_entropy(a23.requires_grad_(False).long(), labels), TypeError,
     "cross_entropy: the input must be floating point, got int64"),
    (lambda: tg.cross_entropy(a23, labels, tg.ones(3, requires_grad=True)), NotImplementedError,
     "cross_entropy: no gradient is known with respect to 'weight'"),
    (lambda: tg.nll_loss(a23, tg.tensor([0, -1])), IndexError,
     "nll_loss: class indices must be in [0, 2], got -1 to 0"),
    (lambda: tg.nll_loss(a23, a23), ValueError,
     "nll_loss: target must hold class indices of shape (2,), got float32 of shape (2, 3)"),
    (lambda: tg.nll_loss(a23, labels, reduction="no"), ValueError, "nll_loss: reduction must be"),
    (lambda: tg.nll_loss(a23, labels, weight=a4), ValueError, "nll_loss: weight must have shape (3,), got (4,)"),
    (lambda: tg.mse_loss(a23, a4), ValueError,
     "mse_loss: input and target shapes must broadcast, got (2, 3) and (4,)"),
    (lambda: tg.l1_loss(a23, a4), ValueError, "l1_loss: input and target shapes must broadcast, got (2, 3) and (4,)"),
    (lambda: tg.mse_loss(a23, a23, reduction="no"), ValueError, "mse_loss: reduction must be"),
    (lambda: tg.binary_cross_entropy(a23 + 2, a23), ValueError,
     "binary_cross_entropy: input must be in [0, 1], got 2.0 to 2.0"),
    (lambda: tg.binary_cross_entropy(a23, a34), ValueError,
     "binary_cross_entropy: target must have the input's shape (2, 3), got (3, 4)"),
    (lambda: tg.binary_cross_entropy_with_logits(a23, a34), ValueError,
     "binary_cross_entropy_with_logits: target must have"),
    (lambda: tg.nn.functional.batch_norm(a4, None, None, training=True), ValueError,
     "batch_norm: input must have at least 2 dimensions"),
    (lambda: tg.nn.functional.batch_norm(a23, None, None), ValueError,
     "batch_norm: running_mean and running_var must be given in evaluation"),
    (lambda: tg.nn.functional.batch_norm(a23, a4, None, training=True), ValueError,
     "batch_norm: running_mean must have shape (3,), got (4,)"),
    (lambda: tg.nn.functional.batch_norm(tg.zeros(1, 3), None, None, training=True), ValueError,
     "batch_norm: expected more than 1 value per channel"),
    (lambda: tg.dropout(a23, 1.5), ValueError, "dropout: the dropout probability p must be in [0, 1], got 1.5"),
    (lambda: tg.one_hot(a23), TypeError, "one_hot: class indices must be integers, got float32"),
    (lambda: tg.one_hot(labels, 1), ValueError, "one_hot: class indices must be in [0, 0], got 0 to 1"),
]  # fmt: skip


@pytest.mark.each("index", range(len(REFUSED)))
def test_refused(index: int) -> None:
    call, kind, text = REFUSED[index]
    pattern = ".*".join(re.escape(part) for part in text.split(".*"))
    with pytest.raises(kind, match=pattern):
        call()


def test_comparisons_of_whole_tensors() -> None:
    x = tg.tensor([1.0, NAN], requires_grad=True)
    y = tg.tensor([1.0 + 1e-6, NAN])
    for allclose in (tg.allclose, tg.Tensor.allclose, np.allclose):
        assert allclose(x, y, equal_nan=True) is True
        assert allclose(x, y) is False
        assert allclose(x, y, atol=0.0, rtol=1e-8, equal_nan=True) is False
    assert tg.equal(y[:1], y[:1]) is y[:1].equal(y[:1]) is np.array_equal(y[:1], y[:1]) is True
    assert tg.equal(x, x) is tg.equal(x[:1], y[:1]) is tg.equal(x[:1], x[:1, None]) is False
    assert np.array_equal(x, x, equal_nan=True)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: np.apply_along_axis(np.sum, 0, x), "apply_along_axis"),
        (lambda x: np.roots(x[0]), "roots"),
        (lambda x: np.add.accumulate(x), "add.accumulate"),
        (lambda x: np.spacing(x), "spacing"),
        (lambda x: np.exp(x, where=np.ones(3, bool)), "exp with where"),
    ],
)
def test_unknown_numpy_functions_are_named(call: Callable[[Any], Any], name: str) -> None:
    with pytest.raises(NotImplementedError, match=re.escape(f"np.{name}")):
        call(tg.ones(2, 3, requires_grad=True))


@pytest.mark.parametrize(
    ("call", "shape", "expected"),
    [
        (lambda x: tg.nn.functional.linear(x, tg.ones(0, 3), tg.ones(0)), (2, 4, 3), (2, 4, 0)),
        (lambda x: tg.nn.functional.linear(x, tg.ones(2, 3), tg.ones(2)), (0, 4, 3), (0, 4, 2)),
        (lambda x: tg.nn.functional.adaptive_avg_pool2d(x, 1), (0, 3, 5, 6), (0, 3, 1, 1)),
        (tg.fft.fftshift, (0, 4), (0, 4)),
        (lambda x: tg.trapezoid(x, dim=0), (0, 4), (4,)),
        (lambda x: tg.trapezoid(x, dim=0), (1, 4), (4,)),
        (lambda x: tg.cumulative_trapezoid(x, dim=0), (0, 4), (0, 4)),
    ],
)
def test_what_has_no_elements_has_a_shape_and_a_gradient(call, shape, expected):
    x = tg.ones(*shape, requires_grad=True)
    out = call(x)
    assert out.shape == expected
    out.sum().backward()
    assert x.grad.shape == shape


@pytest.mark.parametrize("dtype", [tg.uint8, tg.int8, tg.int64, tg.bool])
def test_areas_over_integer_points_are_those_over_floats(dtype):
    y, x = tg.tensor([100, 27, 120, 3]).to(dtype), tg.tensor([1, 4, 2, 0]).to(dtype)
    for area in (tg.trapezoid, tg.cumulative_trapezoid):
        assert tg.equal(area(y, x), area(y.float(), x.float()))
        assert tg.equal(area(y.double(), x), area(y.double(), x.double()))


@pytest.mark.parametrize(("shape", "row"), [((2, 0), (0,)), ((0, 2), (2,)), ((0, 0), (0,)), ((3, 2, 0), (2, 0))])
def test_rows_without_elements_are_normalized(shape, row):
    x, w, b = (tg.ones(s, requires_grad=True) for s in (shape, row, row))
    F = tg.nn.functional
    for out in (F.layer_norm(x, row, w, b), F.rms_norm(x, row, w)):
        assert out.shape == shape
        out.sum().backward()
        assert x.grad.shape == shape
        assert tg.equal(w.grad, tg.zeros(row))


@pytest.mark.parametrize("order", [-1, -1.5, -INF])
@pytest.mark.parametrize("dim", [None, 0, (0, 1)])
def test_negative_norms_of_nothing_are_refused(order, dim):
    with pytest.raises(IndexError, match="norm"):
        tg.linalg.vector_norm(tg.ones(0, 3), order, dim)
    with pytest.raises(RuntimeError, match="norm"):
        tg.ones(0, 3).norm(order, dim)
    assert tg.linalg.vector_norm(tg.ones(0, 3), order, 1).shape == (0,)
    assert tg.linalg.vector_norm(tg.ones(2, 3), order, dim).isfinite().all()


@pytest.mark.parametrize("dtype", [tg.float64, tg.float16, tg.int64])
def test_a_weight_without_dimensions_does_not_decide_the_dtype(dtype):
    x, end = tg.ones(2, requires_grad=True), tg.zeros(2)
    w = tg.tensor(1, dtype=dtype).requires_grad_(dtype.is_floating_point)
    out = tg.lerp(x, end, w)
    assert out.dtype is tg.float32
    out.sum().backward()
    assert x.grad.tolist() == [0, 0]
    assert not w.requires_grad or (w.grad.dtype is dtype and w.grad.item() == -2)
    with pytest.raises(TypeError, match="one dtype"):
        tg.lerp(x, end, tg.ones(2, dtype=dtype))


@pytest.mark.parametrize("order", [-INF, -1, 0, 1, 2, 3, INF])
@pytest.mark.parametrize("dim", [None, 0, -1])
def test_norms_of_one_number(order, dim):
    x = tg.tensor(-3.0)
    for found in (tg.linalg.vector_norm(x, order, dim), tg.norm(x, order, dim)):
        tg.testing.assert_close(found, tg.tensor(3.0 if order else 1.0))

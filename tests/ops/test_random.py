"""Random numbers: every draw is repeatable, of the right distribution, and what cannot be is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracle import agree

import tinygrad_lite as tg

# --- repeatable -------------------------------------------------------------------------------------------------

DRAWS: dict[str, Callable[[Any], Any]] = {
    "randint_like": lambda g: tg.randint_like(tg.zeros(9), 100, generator=g),
    "poisson": lambda g: tg.poisson(tg.full((9,), 30.0), generator=g),
    "binomial": lambda g: tg.binomial(tg.full((9,), 30.0), tg.full((9,), 0.5), generator=g),
    "bernoulli": lambda g: tg.bernoulli(tg.zeros(40), 0.5, generator=g),
    "multinomial": lambda g: tg.ones(5, 9).multinomial(4, generator=g),
    "randn": lambda g: tg.randn(3000, generator=g),
    "complex": lambda g: tg.randn(3, dtype=tg.complex64, generator=g),
    "random_": lambda g: tg.zeros(9).random_(generator=g),
    "exponential_": lambda g: tg.zeros(9).exponential_(generator=g),
    "geometric_": lambda g: tg.zeros(30).geometric_(0.1, generator=g),
    "log_normal_": lambda g: tg.zeros(9).log_normal_(generator=g),
    "cauchy_": lambda g: tg.zeros(9).cauchy_(generator=g),
    "bernoulli_": lambda g: tg.zeros(40).bernoulli_(tg.full((40,), 0.5), generator=g),
}


@pytest.mark.parametrize("name", DRAWS)
def test_seeds(name: str) -> None:
    draw = DRAWS[name]
    tg.manual_seed(5)
    first, second = draw(None), draw(None)
    np.testing.assert_array_equal(draw(tg.Generator().manual_seed(5)), first)
    np.testing.assert_array_equal(draw(tg.Generator().manual_seed(tg.tensor(5))), first)
    assert not np.array_equal(first, second)
    tg.manual_seed(5)
    np.testing.assert_array_equal(draw(None), first)


def test_states() -> None:
    generator = tg.Generator("cpu").manual_seed(3)
    tg.rand(4, generator=generator)
    state, twin = generator.get_state(), generator.clone_state()
    expected = tg.rand(4, generator=generator)
    np.testing.assert_array_equal(tg.rand(4, generator=twin), expected)
    assert twin.initial_seed() == 3
    generator.set_state(state)
    np.testing.assert_array_equal(tg.rand(4, generator=generator), expected)
    assert generator.device == "cpu"


@pytest.mark.parametrize("error", [None, KeyError])
def test_fork_rng(error: type[Exception] | None) -> None:
    tg.manual_seed(1)
    expected = tg.rand(3)
    tg.manual_seed(1)
    try:
        with tg.fork_rng():
            assert np.array_equal(tg.rand(3), expected)
            tg.manual_seed(9)
            if error:
                raise error
    except KeyError:
        pass
    np.testing.assert_array_equal(tg.rand(3), expected)
    with tg.fork_rng(enabled=False):
        inside = tg.manual_seed(2).initial_seed()
    assert tg.initial_seed() == inside == 2
    assert tg.seed() == tg.initial_seed() != 2


# --- shapes and dtypes ------------------------------------------------------------------------------------------

SAME: list[Callable[[Any], Any]] = [
    lambda m: m.rand(2, 3, device="cpu"),
    lambda m: m.randn((2, 3), dtype=m.complex64),
    lambda m: m.rand(2, dtype=m.complex128),
    lambda m: m.randn(0),
    lambda m: m.randint(5, (2, 3)),
    lambda m: m.randint(2, 5, (2,), dtype=m.float32),
    lambda m: m.randint(2, 5, size=(0, 2)),
    lambda m: m.randint(high=5, size=(2,), low=1),
    lambda m: m.randint_like(m.zeros(2, 3), 5),
    lambda m: m.randint_like(m.zeros(2, 3), 1, 5, dtype=m.int64),
    lambda m: m.randperm(5),
    lambda m: m.randperm(0, dtype=m.int32),
    lambda m: m.normal(m.zeros(3, 1), m.ones(2)),
    lambda m: m.normal(m.zeros(3, dtype=m.float64), 2.0),
    lambda m: m.normal(mean=1.0, std=m.ones(3)),
    lambda m: m.normal(1.0, 2.0, (2, 3)),
    lambda m: m.normal(1.0, 2.0, size=(2, 3), dtype=m.float64),
    lambda m: m.bernoulli(m.full((2, 3), 0.5, dtype=m.float64)),
    lambda m: m.bernoulli(m.zeros(2, 3, dtype=m.int64), 0.5),
    lambda m: m.full((3,), 0.5).bernoulli(),
    lambda m: m.full((3,), 0.5).bernoulli(0.5),
    lambda m: m.poisson(m.ones(2, 3, dtype=m.float64)),
    lambda m: m.binomial(m.full((2, 3), 4.0), m.full((2, 3), 0.5)),
    lambda m: m.multinomial(m.ones(4), 3),
    lambda m: m.multinomial(m.ones(2, 4), 7, replacement=True),
    lambda m: m.multinomial(m.ones(2, 4), 4),
    lambda m: m.rand_like(m.zeros(2, 3, dtype=m.float64)),
    lambda m: m.randn_like(m.zeros(2, dtype=m.int64), dtype=m.float32, requires_grad=True),
    *[
        lambda m, name=name, args=args, dtype=dtype: getattr(m.zeros(2, 3, dtype=getattr(m, dtype)), name)(*args)
        for name, args in [("random_", ()), ("random_", (7,)), ("random_", (3, 7)), ("geometric_", (0.5,)),
                           ("bernoulli_", ()), ("bernoulli_", (0.5,))]
        for dtype in ("float32", "float64", "int64", "uint8")
    ],
    *[
        lambda m, name=name, dtype=dtype: getattr(m.zeros(2, 3, dtype=getattr(m, dtype)), name)()
        for name in ("uniform_", "normal_", "exponential_", "log_normal_", "cauchy_")
        for dtype in ("float16", "float32", "float64")
    ],
]  # fmt: skip


@pytest.mark.each("index", range(len(SAME)))
def test_shapes_and_dtypes_as_pytorch(index: int, oracle: Any) -> None:
    ours, theirs = SAME[index](tg), SAME[index](oracle)
    assert tuple(ours.shape) == tuple(theirs.shape)
    assert ours.dtype == theirs.detach().numpy().dtype
    assert ours.requires_grad == theirs.requires_grad


PARAMETERS: dict[str, Callable[[Any, Any], Any]] = {
    "normal of means": lambda m, p: m.normal(p, 2.0),
    "normal of deviations": lambda m, p: m.normal(1.0, p),
    "normal of both": lambda m, p: m.normal(p, p * 2),
    "normal that broadcasts": lambda m, p: m.normal(p[:, None], p),
    "bernoulli": lambda m, p: m.bernoulli(p),
    "method": lambda m, p: p.bernoulli(),
    "poisson": lambda m, p: m.poisson(p),
}


@pytest.mark.each("name", PARAMETERS)
def test_parameters_of_what_is_drawn_have_gradients_of_zero(name: str, oracle: Any) -> None:
    for m in (tg, pytest.importorskip("torch")):
        p = m.full((3,), 0.5, dtype=m.float64, requires_grad=True)
        drawn = PARAMETERS[name](m, p)
        assert drawn.requires_grad
        drawn.sum().backward()
        np.testing.assert_array_equal(p.grad.numpy(), np.zeros(3))


@pytest.mark.each("dtype", "bool uint8 int16 int64 float16 float32 float64 complex64".split())
def test_ones_drawn_into_any_dtype(dtype: str) -> None:
    agree(lambda m: m.bernoulli(m.tensor([1.0, 0.0, 1.0]), out=m.empty(3, dtype=getattr(m, dtype))))


# --- distributions ----------------------------------------------------------------------------------------------

N = 100_000
MOMENTS: dict[str, tuple[Callable[[], Any], float, float]] = {
    "randn, one by one": (lambda: tg.randn(N, dtype=tg.float64), 0, 1),
    "randn, in pairs": (lambda: tg.randn(N), 0, 1),
    "randn, in pairs of an odd number": (lambda: tg.randn(N + 1), 0, 1),
    "randn of 16 bits": (lambda: tg.randn(N, dtype=tg.float16).double(), 0, 1),
    "fourth powers": (lambda: tg.randn(N) ** 4, 3, 96),
    "products of pairs": (lambda: (lambda x: x[:8192] * x[8192:])(tg.randn(16384)), 0, 1),
    "real part": (lambda: tg.from_numpy(tg.randn(N, dtype=tg.complex64).numpy().real), 0, 0.5),
    "imaginary part": (lambda: tg.from_numpy(tg.randn(N, dtype=tg.complex64).numpy().imag), 0, 0.5),
    "rand of 16 bits": (lambda: tg.rand(N, dtype=tg.float16).double(), 1 / 2, 1 / 12),
    "randint_like": (lambda: tg.randint_like(tg.zeros(N), 1, 7), 3.5, 35 / 12),
    "poisson": (lambda: tg.poisson(tg.full((N,), 2.5)), 2.5, 2.5),
    "binomial": (lambda: tg.binomial(tg.full((N,), 8.0), tg.full((N,), 0.25)), 2, 1.5),
    "bernoulli": (lambda: tg.bernoulli(tg.empty(N), 0.2), 0.2, 0.16),
    "bernoulli_ of a tensor": (lambda: tg.empty(N, 2).bernoulli_(tg.tensor([0.2, 0.2])), 0.2, 0.16),
    "exponential_": (lambda: tg.empty(N).exponential_(2.0), 0.5, 0.25),
    "geometric_": (lambda: tg.empty(N).geometric_(0.25), 4, 12),
    "log_normal_": (lambda: tg.empty(N).log_normal_(0.5, 0.25).log(), 0.5, 1 / 16),
    "cauchy_": (lambda: (tg.empty(N).cauchy_(1.0, 2.0) < 3.0).double(), 0.75, 3 / 16),  # the third quartile
    "random_": (lambda: tg.empty(N).random_(3, 9), 5.5, 35 / 12),
    "random_ of one bound": (lambda: tg.empty(N).random_(6), 2.5, 35 / 12),
    "random_ of bytes": (lambda: tg.empty(N, dtype=tg.uint8).random_().double(), 127.5, (256**2 - 1) / 12),
    "random_ of floats": (lambda: tg.empty(N).random_() / 2**24, 0.5, 1 / 12),
    "random_ of bools": (lambda: tg.empty(N, dtype=tg.bool).random_().double(), 0.5, 0.25),
    "the second of two without replacement": (
        lambda: tg.multinomial(tg.tensor([[1.0, 0.0, 3.0]]).expand(N, 3), 2)[:, 1].double(), 0.5, 0.75,
    ),
    "the first of two without replacement": (
        lambda: tg.multinomial(tg.tensor([[1.0, 0.0, 3.0]]).expand(N, 3), 2)[:, 0].double(), 1.5, 0.75,
    ),
    "with replacement, by row": (
        lambda: tg.multinomial(tg.tensor([[3.0, 1.0], [3.0, 1.0]]), N, True).double().mean(0), 0.25, 3 / 32,
    ),
}  # fmt: skip


@pytest.mark.each("name", MOMENTS)
def test_moments(name: str) -> None:
    """Mean and variance of many draws, the mean within five standard errors."""
    tg.manual_seed(1)
    draw, mean, variance = MOMENTS[name]
    x = draw().double()
    assert x.mean().item() == pytest.approx(mean, abs=5 * (variance / x.numel()) ** 0.5)
    assert x.var().item() == pytest.approx(variance, rel=0.2 if "fourth" in name else 0.05)


def test_normal_numbers_in_pairs_are_normal() -> None:
    """Their whole distribution, by the largest distance from it (Kolmogorov and Smirnov; 0.1 % lie above 1.95)."""
    tg.manual_seed(3)
    x = np.sort(tg.randn(N).numpy().astype(np.float64))
    expected = 0.5 * (1 + tg.erf(tg.from_numpy(x / 2**0.5)).numpy())
    assert np.abs(expected - (np.arange(N) + 0.5) / N).max() * N**0.5 < 1.95


def test_ranges() -> None:
    assert tg.rand(100_000, dtype=tg.float16).max().item() < 1
    assert tg.empty(1000).geometric_(0.9).min().item() == 1
    assert set(tg.empty(200, dtype=tg.int64).random_(2, 4).tolist()) == {2, 3}
    assert tg.multinomial(tg.tensor([0.0, 1e-30, 0.0]), 50, replacement=True).unique().tolist() == [1]
    rows = tg.multinomial(tg.rand(40, 7) + 0.1, 7)
    assert all(sorted(row) == list(range(7)) for row in rows.tolist())
    assert tg.multinomial(tg.ones(0, 3), 2).shape == (0, 2)


@pytest.mark.parametrize("name", ["uniform_", "normal_", "exponential_", "log_normal_", "cauchy_", "random_"])
def test_fills_write_in_place_and_forget_the_past(name: str) -> None:
    x = tg.ones(4, requires_grad=True)
    y = x * 2
    memory = y.detach().numpy()
    assert getattr(y[1:], name)().shape == (3,)
    assert memory[0] == 2
    assert (memory[1:] != 2).all()
    y.sum().backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad, [2.0, 0.0, 0.0, 0.0])
    with pytest.raises(RuntimeError, match=f"{name}: a leaf Tensor that requires grad"):
        getattr(x, name)()


REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: tg.rand(2, device="cuda"), RuntimeError, "rand: everything lives on the CPU, .* got 'cuda'"),
    (lambda: tg.Generator("cuda"), RuntimeError, "Generator: everything lives on the CPU, .* got 'cuda'"),
    (lambda: tg.Generator().set_state(3), TypeError, "set_state: expected what get_state returns, got int"),  # type: ignore[arg-type]
    (lambda: tg.set_rng_state({"a": 1}), TypeError, "set_state: expected what get_state returns, got dict"),
    (lambda: tg.randperm(-1), ValueError, "randperm: n must not be negative, got -1"),
    (lambda: tg.randint(0, 5), TypeError, "randint: size must be a tuple of integers, got None"),
    (lambda: tg.bernoulli(tg.tensor([1])), TypeError, "bernoulli: probabilities must be floating point, got int64"),
    (lambda: tg.bernoulli(tg.zeros(2), 2.0), ValueError, r"bernoulli: p must be in \[0, 1\], got 2.0"),
    (lambda: tg.bernoulli(tg.tensor([float("nan")])), ValueError, "bernoulli: probabilities must be"),
    (lambda: tg.poisson(tg.tensor([-1.0])), ValueError, "poisson: rates must not be negative, got -1.0"),
    (lambda: tg.poisson(tg.tensor([1])), TypeError, "poisson: the input must be floating point, got int64"),
    (lambda: tg.binomial(tg.tensor([-1.0]), tg.tensor([0.5])), ValueError, "binomial: count must not be negative"),
    (lambda: tg.binomial(tg.ones(1), tg.tensor([1.5])), ValueError, "binomial: probabilities must be"),
    (lambda: tg.multinomial(tg.ones(2, 2, 2), 1), ValueError, "multinomial: the input must have 1 or 2 dimensions"),
    (lambda: tg.multinomial(tg.ones(2), 0), ValueError, "num_samples be positive, got shape .* and 0"),
    (lambda: tg.multinomial(tg.tensor([1.0, float("nan")]), 1), ValueError, "multinomial: weights must be finite"),
    (lambda: tg.zeros(2).exponential_(0), ValueError, "exponential_: lambd must be positive, got 0"),
    (lambda: tg.zeros(2).exponential_(float("nan")), ValueError, "exponential_: lambd must be positive, got nan"),
    (lambda: tg.zeros(2).cauchy_(sigma=-1), ValueError, "cauchy_: sigma must be positive, got -1"),
    (lambda: tg.zeros(2).log_normal_(std=0), ValueError, "log_normal_: std must be positive, got 0"),
    (lambda: tg.zeros(2).geometric_(1), ValueError, r"geometric_: p must be in \(0, 1\), got 1"),
    (lambda: tg.zeros(2).random_(3, 3), ValueError, r"random_: .* got from=3 >= to=3"),
    (lambda: tg.zeros(2).random_(1, 2, 3), TypeError, "random_: takes at most 2 bounds, got 3"),
    (lambda: tg.zeros(2, dtype=tg.int64).normal_(), TypeError, "normal_: the tensor must be floating point, got int64"),
    (lambda: tg.zeros(2, dtype=tg.int64).uniform_(), TypeError, "uniform_: the tensor must be floating point"),
]


@pytest.mark.each("index", range(len(REFUSED)))
def test_refused(index: int) -> None:
    call, kind, text = REFUSED[index]
    with pytest.raises(kind, match=text):
        call()


@pytest.mark.parametrize("dtype", [tg.float64, tg.float32, tg.float16, tg.complex64])
@pytest.mark.parametrize("draw", [tg.rand, tg.randn])
def test_out_decides_the_dtype_of_what_is_drawn(draw, dtype):
    """And so its digits: a float64 that was drawn as float32 has only half of them."""
    tg.manual_seed(3)
    expected = draw(4, 5, dtype=dtype)
    tg.manual_seed(3)
    out = tg.empty(0, dtype=dtype)
    assert draw(4, 5, out=out) is out
    assert (out == expected).all()
    with pytest.raises(RuntimeError, match=f"{draw.__name__}: out must have the dtype that is asked for"):
        draw(2, dtype=tg.float64 if dtype is not tg.float64 else tg.float32, out=out)


def test_integers_drawn_into_a_tensor():
    tg.manual_seed(3)
    expected = tg.randint(0, 100, (20,))
    for dtype in (tg.int64, tg.uint8, tg.float32):
        tg.manual_seed(3)
        out = tg.randint(0, 100, (20,), out=tg.empty(4, 5, dtype=dtype)[:0])
        assert out.dtype is dtype
        assert out.shape == (20,)
        assert (out.long() == expected).all() or dtype is not tg.int64
    assert sorted(tg.randperm(5, out=tg.empty(0, dtype=tg.int32)).tolist()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("shape", [(), (0,), (2000,)])
def test_both_parts_of_complex_numbers_are_uniform(shape):
    for dtype in (tg.complex64, tg.complex128):
        drawn = tg.view_as_real(tg.empty(shape, dtype=dtype).uniform_(2, 3)).numpy()
        assert drawn.shape == (*shape, 2)
        assert ((drawn >= 2) & (drawn < 3)).all()
        if drawn.shape[0] > 2:
            np.testing.assert_allclose(drawn.mean(0), 2.5, atol=0.03)
            assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.1

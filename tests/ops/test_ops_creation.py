"""Making tensors: from data, from nothing, at random."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ops_cases import Oracle

import tinygrad_lite as tg

# one expression for both libraries: values, shape and dtype are PyTorch's
SAME: list[Callable[[Any], Any]] = [
    lambda m: m.tensor(1.5),
    lambda m: m.tensor(3),
    lambda m: m.tensor(True),
    lambda m: m.tensor([]),
    lambda m: m.tensor([[]]),
    lambda m: m.tensor([1, 2.5]),
    lambda m: m.tensor([[1, 2], [3, 4]]),
    lambda m: m.tensor([[True, False]]),
    lambda m: m.tensor(((1.0, 2.0), (3.0, 4.0))),
    lambda m: m.tensor([1, 2], dtype=m.float64),
    lambda m: m.tensor([1.7, 2.2], dtype=m.int64),
    lambda m: m.tensor([0.0, 2.0], dtype=m.bool),
    lambda m: m.tensor(np.arange(3.0)),
    lambda m: m.tensor(np.arange(3, dtype=np.int32)),
    lambda m: m.tensor(np.float32(2)),
    lambda m: m.tensor([np.float64(2.5), np.float64(1)]),
    lambda m: m.tensor([m.tensor(1.0), m.tensor(2.0)]),
    lambda m: m.as_tensor([1.0, 2.0]),
    lambda m: m.as_tensor(np.arange(3), dtype=m.float32),
    lambda m: m.from_numpy(np.ones((2, 2), np.float32)),
    lambda m: m.zeros(2, 3),
    lambda m: m.zeros((2, 3)),
    lambda m: m.zeros([2, 3], dtype=m.int64),
    lambda m: m.zeros(size=(2,)),
    lambda m: m.zeros(()),
    lambda m: m.zeros(0),
    lambda m: m.ones(3, dtype=m.bool),
    lambda m: m.ones(2, 1, requires_grad=True),
    lambda m: m.full((2, 2), 7),
    lambda m: m.full((2,), 7.5),
    lambda m: m.full((2,), True),
    lambda m: m.full((2,), np.float64(1.5)),
    lambda m: m.full((2,), np.float16(1.5)),
    lambda m: m.full((), np.complex128(1j)),
    lambda m: m.full((2,), np.int32(3)),
    lambda m: m.full((2,), np.bool_(True)),
    lambda m: m.full((2,), np.float64(1.5), dtype=m.float64),
    lambda m: m.full((2,), m.tensor(1.5, dtype=m.float64)),
    lambda m: m.full((2,), m.tensor(3, dtype=m.int32)),
    lambda m: m.full((2,), m.tensor(True)),
    lambda m: m.full((), 1.0, dtype=m.float64),
    lambda m: m.arange(5),
    lambda m: m.arange(2, 5),
    lambda m: m.arange(5, 2, -1),
    lambda m: m.arange(0, 1, 0.3),
    lambda m: m.arange(3.0),
    lambda m: m.arange(0),
    lambda m: m.arange(3, dtype=m.float64),
    lambda m: m.linspace(0, 1, 5),
    lambda m: m.linspace(-1.0, 1.0, 1),
    lambda m: m.linspace(1, 0, steps=4, dtype=m.float64),
    lambda m: m.eye(3),
    lambda m: m.eye(2, 3, dtype=m.int64),
    lambda m: m.zeros_like(m.ones(2, 3)),
    lambda m: m.ones_like(m.arange(3)),
    lambda m: m.ones_like(m.arange(3), dtype=m.float32),
    lambda m: m.full_like(m.arange(3), 7),
    lambda m: m.full_like(m.ones(2), 7, dtype=m.float64),
    lambda m: m.full_like(m.ones(2), np.float64(7)),
    lambda m: m.ones(2, dtype=m.float64).new_full((2,), np.float32(7)),
    lambda m: m.scalar_tensor(np.float64(7)),
    lambda m: m.empty(2, 3).zero_(),
    lambda m: m.empty_like(m.ones(2, 3)).fill_(2),
    lambda m: m.one_hot(m.tensor([[0, 2]]), 4),
]


@pytest.mark.each("index", range(len(SAME)))
def test_as_pytorch(index: int, oracle: Oracle) -> None:
    ours, theirs = SAME[index](tg), SAME[index](oracle)
    assert ours.requires_grad == theirs.requires_grad
    a, b = ours.detach().numpy(), theirs.detach().numpy()
    assert a.dtype == b.dtype
    np.testing.assert_allclose(a, b, rtol=1e-6, strict=True)


def test_tensor_copies_and_as_tensor_shares() -> None:
    a = np.zeros(3)
    copied, shared, also = tg.tensor(a), tg.as_tensor(a), tg.from_numpy(a)
    a[0] = 1
    assert copied[0].item() == 0
    assert shared[0].item() == also[0].item() == 1
    t = tg.ones(2, requires_grad=True)
    assert tg.as_tensor(t) is t
    assert not tg.tensor(t).requires_grad


@pytest.mark.parametrize(
    "function", [np.zeros_like, np.ones_like, np.empty_like, lambda t, **o: np.full_like(t, 3, **o)]
)
def test_numpy_spelling(function: Callable[..., Any]) -> None:
    t = tg.ones(2, 3)
    assert isinstance(function(t), tg.Tensor)
    assert function(t).dtype == tg.float32
    assert function(t, dtype=np.int64).dtype == tg.int64


REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: tg.tensor("text"), TypeError, "tensor: data must be numbers, got str"),
    (lambda: tg.tensor([[1, 2], [3]]), ValueError, "tensor: data must be rectangular"),
    (lambda: tg.tensor([1, None]), TypeError, "tensor: data must be numbers"),
    (lambda: tg.tensor([1, 2], requires_grad=True), RuntimeError, "only floating point tensors can require grad"),
    (lambda: tg.from_numpy([1]), TypeError, "from_numpy: expected np.ndarray, got list"),
    (lambda: tg.zeros(2.5), TypeError, "zeros: sizes must be integers"),
    (lambda: tg.zeros("a"), TypeError, "zeros: sizes must be integers"),
    (lambda: tg.full((2,), [1, 2]), TypeError, r"full: fill_value must be one number, got shape \(2,\)"),
    (lambda: tg.arange(0, 5, -1), ValueError, "arange: step must lead from 0 to 5, got -1"),
    (lambda: tg.arange(0, 5, 0), ValueError, "arange: step must lead from 0 to 5, got 0"),
    (lambda: tg.one_hot(tg.tensor([-1])), ValueError, r"one_hot: class indices must be in \[0, -1\], got -1 to -1"),
    (lambda: tg.rand(2, dtype=tg.int64), TypeError, "rand: dtype must be floating point, got int64"),
    (lambda: tg.randn(2, dtype=tg.int64), TypeError, "randn: dtype must be floating point, got int64"),
    (lambda: tg.randint(3, 3, (2,)), ValueError, r"randint: high must be greater than low, got \[3, 3\)"),
    (lambda: tg.randint(3), TypeError, "randint: size must be a tuple of integers, got None"),
    (lambda: tg.normal(0.0, -1.0, (2,)), ValueError, "normal: std must not be negative, got -1.0"),
    (
        lambda: tg.bernoulli(tg.tensor([1.5])),
        ValueError,
        r"bernoulli: probabilities must be in \[0, 1\], got 1.5 to 1.5",
    ),
    (lambda: tg.multinomial(tg.tensor([1.0, 0.0]), 2), ValueError, "multinomial: cannot draw 2 without replacement"),
    (
        lambda: tg.multinomial(tg.tensor([-1.0, 2.0]), 1),
        ValueError,
        "multinomial: weights must be finite, not negative",
    ),
    (lambda: tg.zeros(2).uniform_(1, 0), ValueError, r"uniform_: a must not exceed b, got \[1, 0\)"),
    (lambda: tg.zeros(2).normal_(0, -1), ValueError, "normal_: std must not be negative, got -1"),
    (lambda: tg.zeros(2).bernoulli_(2), ValueError, r"bernoulli_: p must be in \[0, 1\], got 2"),
    (lambda: tg.manual_seed(1.5), TypeError, "manual_seed: seed must be an integer, got 1.5"),
]


@pytest.mark.parametrize("index", range(len(REFUSED)))
def test_refused(index: int) -> None:
    call, kind, text = REFUSED[index]
    with pytest.raises(kind, match=text):
        call()


# --- random -----------------------------------------------------------------------------------------------------

DRAWS: dict[str, Callable[[Any], Any]] = {
    "rand": lambda g: tg.rand(2, 3, generator=g),
    "randn": lambda g: tg.randn((2, 3), generator=g),
    "randint": lambda g: tg.randint(0, 1000, (2, 3), generator=g),
    "randperm": lambda g: tg.randperm(6, generator=g),
    "normal": lambda g: tg.normal(1.0, 2.0, (2, 3), generator=g),
    "bernoulli": lambda g: tg.bernoulli(tg.full((40,), 0.5), generator=g),
    "multinomial": lambda g: tg.multinomial(tg.ones(3, 8), 4, generator=g),
    "rand_like": lambda g: tg.rand_like(tg.zeros(3), generator=g),
    "randn_like": lambda g: tg.randn_like(tg.zeros(3), generator=g),
    "uniform_": lambda g: tg.zeros(3).uniform_(generator=g),
    "normal_": lambda g: tg.zeros(3).normal_(generator=g),
    "bernoulli_": lambda g: tg.zeros(40).bernoulli_(generator=g),
    "dropout": lambda g: tg.dropout(tg.ones(40), generator=g),
}


@pytest.mark.parametrize("name", DRAWS)
def test_seeds(name: str) -> None:
    """The same numbers from the same seed, by the global generator or one's own; others from another."""
    draw = DRAWS[name]
    tg.manual_seed(5)
    first, second = draw(None), draw(None)
    own = draw(tg.Generator().manual_seed(5))
    np.testing.assert_array_equal(first, own)
    assert not np.array_equal(first, second)
    tg.manual_seed(5)
    np.testing.assert_array_equal(draw(None), first)
    state = tg.get_rng_state()
    third = draw(None)
    tg.set_rng_state(state)
    np.testing.assert_array_equal(draw(None), third)
    generator = tg.Generator().manual_seed(9)
    twin = pickle.loads(pickle.dumps(copy.deepcopy(generator)))
    np.testing.assert_array_equal(draw(generator), draw(twin))
    assert not np.array_equal(draw(generator), first)


def test_generators() -> None:
    assert tg.Generator().initial_seed() != tg.Generator().initial_seed()
    generator = tg.Generator().manual_seed(3)
    assert generator.initial_seed() == 3
    a = tg.rand(4, generator=generator)
    seed = generator.seed()
    assert generator.initial_seed() == seed != 3
    assert not np.array_equal(a, tg.rand(4, generator=generator))
    tg.manual_seed(3)
    assert tg.default_generator.seed() == tg.initial_seed() != 3
    assert isinstance(generator.numpy, np.random.Generator)


@pytest.mark.parametrize("dtype", [tg.float16, tg.float32, tg.float64], ids=str)
@pytest.mark.parametrize("name", ["rand", "randn", "uniform_", "normal_"])
def test_dtypes(name: str, dtype: Any) -> None:
    made = getattr(tg.empty(4, dtype=dtype), name)() if name.endswith("_") else getattr(tg, name)(4, dtype=dtype)
    assert made.dtype == dtype
    assert not made.requires_grad


def test_distributions() -> None:
    """Moments of 100,000 draws, within five standard errors."""
    tg.manual_seed(1)
    n = 100_000
    moments = {
        "rand": (tg.rand(n), 1 / 2, 1 / 12),
        "randn": (tg.randn(n), 0, 1),
        "randint": (tg.randint(0, 10, (n,)).double(), 4.5, 8.25),
        "randint from zero": (tg.randint(10, (n,)).double(), 4.5, 8.25),
        "normal": (tg.normal(3.0, 2.0, (n,)), 3, 4),
        "normal of tensors": (tg.normal(tg.zeros(n), tg.full((n,), 0.5)), 0, 0.25),
        "uniform_": (tg.empty(n).uniform_(-1, 3), 1, 4 / 3),
        "normal_": (tg.empty(n).normal_(-1, 0.5), -1, 0.25),
        "bernoulli": (tg.bernoulli(tg.full((n,), 0.3)), 0.3, 0.21),
        "bernoulli_": (tg.empty(n).bernoulli_(0.3), 0.3, 0.21),
        "dropout": (tg.dropout(tg.ones(n), 0.2), 1, 0.25),
        "multinomial": (tg.multinomial(tg.tensor([1.0, 0.0, 3.0]), n, replacement=True).double(), 1.5, 0.75),
    }
    for name, (draws, mean, variance) in moments.items():
        assert draws.mean().item() == pytest.approx(mean, abs=5 * (variance / n) ** 0.5), name
        assert draws.var().item() == pytest.approx(variance, rel=0.05), name


def test_ranges() -> None:
    tg.manual_seed(2)
    assert sorted(tg.randperm(50).tolist()) == list(range(50))
    assert set(tg.randint(-2, 2, (500,)).tolist()) == {-2, -1, 0, 1}
    assert set(tg.dropout(tg.ones(500), 0.75).tolist()) == {0.0, 4.0}
    assert not tg.dropout(tg.ones(50), 1.0).any()
    rows = tg.multinomial(tg.tensor([[1.0, 2.0, 0.0, 3.0]] * 50), 3)
    assert all(sorted(row) == [0, 1, 3] for row in rows.tolist())
    x = tg.ones(500)
    assert tg.dropout(x, 0.5, inplace=True) is x
    assert set(x.tolist()) == {0.0, 2.0}


def test_a_fill_forgets_the_past() -> None:
    x = tg.ones(3, requires_grad=True)
    y = x * 2
    y[1:].normal_()
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [2.0, 0.0, 0.0])


def test_threads_draw_from_the_global_generator() -> None:
    """However they take turns, together they draw what one thread would."""
    tg.manual_seed(4)
    alone = sorted(tg.rand(1, dtype=tg.float64).item() for _ in range(40))
    tg.manual_seed(4)
    drawn: list[float] = []
    threads = [threading.Thread(target=lambda: drawn.extend(tg.rand(1, dtype=tg.float64).item() for _ in range(10)))
               for _ in range(4)]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(drawn) == alone


# --- `out=`: where numbers go decides what they are -------------------------------------------------------------------


@pytest.mark.parametrize(("name", "arguments"), [
    ("zeros", (3,)), ("ones", (3,)), ("full", ((3,), 1.0)), ("arange", (3,)), ("linspace", (0, 2, 3)),
    ("logspace", (0, 2, 3)), ("eye", (3,)),
])  # fmt: skip
@pytest.mark.parametrize("dtype", ["float64", "int32", "complex64"])
def test_what_is_made_of_numbers_has_the_dtype_of_out(name, arguments, dtype):
    make, kind = getattr(tg, name), getattr(tg, dtype)
    out = tg.empty(0, dtype=kind)
    assert make(*arguments, out=out) is out
    assert out.dtype == kind
    assert out.tolist() == make(*arguments, dtype=kind).tolist()
    with pytest.raises(RuntimeError, match=f"{name}: out must have the dtype that is asked for"):
        make(*arguments, dtype=tg.int8, out=out)


@pytest.mark.parametrize(("name", "arguments"), [("arange", (4,)), ("linspace", (0, 3, 4)), ("logspace", (0, 3, 4))])
def test_ranges_fill_an_out_of_as_many_elements(name, arguments):
    whole = tg.zeros(2, 3)
    getattr(tg, name)(*arguments, out=whole[:, 1:])
    assert whole[:, 1:].flatten().tolist() == getattr(tg, name)(*arguments).tolist()
    assert whole[:, 0].tolist() == [0, 0]


def test_asarray_takes_capsules_and_buffers():
    x = tg.tensor([1.0, 2.0])
    for given in (x.__dlpack__(), memoryview(x.numpy()), x.numpy().data):
        found = tg.asarray(given)
        assert (found.tolist(), found.data_ptr()) == ([1.0, 2.0], x.data_ptr())
    assert tg.asarray(bytearray(b"\x01\x02"), dtype=tg.uint8).tolist() == [1, 2]


def test_range_has_its_end():
    assert tg.range(0, 3).dtype == tg.float32
    assert tg.range(3, 0, -1).tolist() == [3, 2, 1, 0]
    assert tg.range(1, 2.9, 0.5, dtype=tg.float64).tolist() == [1, 1.5, 2, 2.5]
    assert tg.range(tg.tensor(1), 1, dtype=tg.int64).tolist() == [1]
    for bounds in ((3, 0), (0, 3, 0), (0, float("inf"))):
        with pytest.raises(ValueError, match="range: "):
            tg.range(*bounds)

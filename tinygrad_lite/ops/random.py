"""Random numbers: a seeded generator behind every random function."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import as_dtype, get_default_dtype
from ..rules import unwrap, wrap
from .names import sizes

__all__ = [
    "Generator", "bernoulli", "default_generator", "get_rng_state", "initial_seed", "manual_seed",
    "multinomial", "normal", "rand", "rand_like", "randint", "randn", "randn_like", "randperm",
    "set_rng_state",
]  # fmt: skip


class Generator:
    """A stream of random numbers with its own state.

    Attributes
    ----------
    numpy : np.random.Generator
        The stream itself (PCG64).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> g = tg.Generator().manual_seed(0)
    >>> a = tg.rand(3, generator=g)
    >>> bool((a == tg.rand(3, generator=g.manual_seed(0))).all())
    True
    """

    def __init__(self, device: Any = None) -> None:
        self.manual_seed(int(np.random.SeedSequence().generate_state(1, np.uint64)[0]))

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream anew from `seed`."""
        if not isinstance(seed, (int, np.integer)):
            raise TypeError(f"manual_seed: seed must be an integer, got {type(seed).__name__}")
        self._seed = int(seed)
        self.numpy = np.random.Generator(np.random.PCG64(self._seed % 2**64))
        return self

    def initial_seed(self) -> int:
        """The seed the stream started from."""
        return self._seed

    def seed(self) -> int:
        """Start anew from fresh entropy, and return the seed."""
        self.__init__()  # type: ignore[misc]
        return self._seed

    def get_state(self) -> dict[str, Any]:
        """The state, for `set_state`."""
        return {"seed": self._seed, **self.numpy.bit_generator.state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from a state of `get_state`."""
        rest = dict(state)
        self._seed = rest.pop("seed", self._seed)
        self.numpy.bit_generator.state = rest


class _Default(Generator):
    """The global stream, seeded when it is first used: importing the library draws no entropy."""

    def __init__(self) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name in ("numpy", "_seed"):
            Generator.__init__(self)
            return self.__dict__[name]
        raise AttributeError(name)


default_generator: Generator = _Default()


def manual_seed(seed: int) -> Generator:
    """Seed the global generator; everything random follows from it."""
    return default_generator.manual_seed(seed)


def initial_seed() -> int:
    """The seed of the global generator."""
    return default_generator.initial_seed()


def get_rng_state() -> dict[str, Any]:
    """The state of the global generator."""
    return default_generator.get_state()


def set_rng_state(state: dict[str, Any]) -> None:
    """Continue the global generator from a state of `get_rng_state`."""
    default_generator.set_state(state)


def stream(generator: Any) -> np.random.Generator:
    """The NumPy generator behind `generator`, or behind the global one."""
    found: np.random.Generator = (default_generator if generator is None else generator).numpy
    return found


def _made(array: Any, dtype: Any, requires_grad: bool) -> Any:
    chosen = get_default_dtype() if dtype is None else as_dtype(dtype)
    out = wrap(np.asarray(array, chosen))
    return out.requires_grad_() if requires_grad else out


def uniform(shape: tuple[int, ...], dtype: Any, generator: Any = None) -> Any:
    """An array of uniform numbers in [0, 1), drawn in the dtype's own precision."""
    dtype = np.dtype(dtype)
    return stream(generator).random(shape, dtype if dtype.itemsize > 2 else np.float32).astype(dtype, copy=False)


def gaussian(shape: tuple[int, ...], dtype: Any, generator: Any = None) -> Any:
    """An array of standard normal numbers, drawn in the dtype's own precision."""
    dtype = np.dtype(dtype)
    drawn = stream(generator).standard_normal(shape, dtype if dtype.itemsize > 2 else np.float32)
    return drawn.astype(dtype, copy=False)


def _floating(dtype: Any, who: str) -> np.dtype[Any]:
    chosen = get_default_dtype() if dtype is None else as_dtype(dtype)
    if chosen.kind != "f":
        raise TypeError(f"{who}: dtype must be floating point, got {chosen}")
    return chosen


def rand(*size: Any, dtype: Any = None, requires_grad: bool = False, generator: Any = None) -> Any:
    """Uniform numbers in [0, 1)."""
    dtype = _floating(dtype, "rand")
    return _made(uniform(sizes(size, "rand"), dtype, generator), dtype, requires_grad)


def randn(*size: Any, dtype: Any = None, requires_grad: bool = False, generator: Any = None) -> Any:
    """Standard normal numbers."""
    dtype = _floating(dtype, "randn")
    return _made(gaussian(sizes(size, "randn"), dtype, generator), dtype, requires_grad)


def randint(low: int, high: Any = None, size: Any = None, *, dtype: Any = np.int64, generator: Any = None) -> Any:
    """Integers in ``[low, high)``; ``randint(high, size)`` starts at 0."""
    if size is None:
        low, high, size = 0, low, high
    if size is None or isinstance(size, int):
        raise TypeError("randint: size must be a tuple of integers")
    if high <= low:
        raise ValueError(f"randint: high must be greater than low, got [{low}, {high})")
    return wrap(stream(generator).integers(low, high, tuple(size)).astype(as_dtype(dtype)))


def randperm(n: int, *, dtype: Any = np.int64, generator: Any = None) -> Any:
    """The integers from 0 to ``n - 1`` in random order."""
    return wrap(stream(generator).permutation(n).astype(as_dtype(dtype)))


def normal(mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Any = None, dtype: Any = None) -> Any:
    """Normal numbers; `mean` and `std` numbers with a `size`, or Tensors."""
    m, s = unwrap(mean), unwrap(std)
    if np.any(np.asarray(s) < 0):
        raise ValueError(f"normal: std must not be negative, got {std}")
    shape = np.broadcast_shapes(np.shape(m), np.shape(s)) if size is None else tuple(size)
    chosen = _floating(dtype, "normal") if dtype is not None else None
    if chosen is None:
        given = [v.dtype for v in (m, s) if isinstance(v, np.ndarray)]
        chosen = given[0] if given else get_default_dtype()
    return _made(gaussian(shape, chosen, generator) * s + m, chosen, False)


def bernoulli(input: Any, *, generator: Any = None) -> Any:
    """Ones with the probabilities `input`, zeros else; same shape and dtype."""
    p = unwrap(input)
    if p.size and not ((p >= 0) & (p <= 1)).all():
        raise ValueError("bernoulli: probabilities must be in [0, 1]")
    return wrap((uniform(p.shape, np.float64, generator) < p).astype(p.dtype))


def multinomial(input: Any, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Any:
    """Indices drawn with probabilities proportional to the rows of `input`."""
    weights = np.atleast_2d(unwrap(input)).astype(np.float64)
    if (weights < 0).any() or not np.isfinite(weights).all() or (weights.sum(-1) <= 0).any():
        raise ValueError("multinomial: weights must be finite, not negative, and not all zero in a row")
    if not replacement and num_samples > (weights > 0).sum(-1).min():
        raise ValueError(f"multinomial: cannot draw {num_samples} without replacement")
    rows = [
        stream(generator).choice(len(w), num_samples, replacement, w / w.sum()) for w in weights
    ]
    return wrap(np.stack(rows).reshape(*unwrap(input).shape[:-1], num_samples).astype(np.int64))


def rand_like(input: Any, **options: Any) -> Any:
    """`rand` with the input's shape and dtype."""
    return rand(*unwrap(input).shape, **{"dtype": unwrap(input).dtype, **options})


def randn_like(input: Any, **options: Any) -> Any:
    """`randn` with the input's shape and dtype."""
    return randn(*unwrap(input).shape, **{"dtype": unwrap(input).dtype, **options})


# --- in-place fills ---------------------------------------------------------------------------------------------------------


def _filled(tensor: Any, values: Any, who: str) -> Any:
    return tensor._overwrite(np.asarray(values).astype(tensor.dtype, copy=False), who)


def uniform_(self: Any, a: float = 0.0, b: float = 1.0, *, generator: Any = None) -> Any:
    """Fill with uniform numbers in ``[a, b)``."""
    if a > b:
        raise ValueError(f"uniform_: a must not exceed b, got [{a}, {b})")
    return _filled(self, uniform(self.shape, self.dtype, generator) * (b - a) + a, "uniform_")


def normal_(self: Any, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Any:
    """Fill with normal numbers."""
    if std < 0:
        raise ValueError(f"normal_: std must not be negative, got {std}")
    return _filled(self, gaussian(self.shape, self.dtype, generator) * std + mean, "normal_")


def bernoulli_(self: Any, p: float = 0.5, *, generator: Any = None) -> Any:
    """Fill with ones with probability `p`, zeros else."""
    if not 0 <= p <= 1:
        raise ValueError(f"bernoulli_: p must be in [0, 1], got {p}")
    return _filled(self, uniform(self.shape, np.float64, generator) < p, "bernoulli_")

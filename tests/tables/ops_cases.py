"""What a row of `ops_table.OPS` is made of."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Given:
    """An argument: how it is drawn, and whether it is differentiated."""

    draw: Callable[[np.random.Generator, tuple[int, ...]], Array]
    shape: tuple[int, ...]
    differentiable: bool = True


def _given(draw: Callable[[np.random.Generator, tuple[int, ...]], Array]) -> Callable[..., Given]:
    return lambda *shape: Given(draw, shape)


def _distinct(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    size = int(np.prod(shape))
    return (rng.permutation(size).reshape(shape) - size / 2 + rng.uniform(0.1, 0.4)) * 0.3


def _signed(low: float, high: float) -> Callable[[np.random.Generator, tuple[int, ...]], Array]:
    return lambda rng, shape: rng.uniform(low, high, shape) * rng.choice([-1.0, 1.0], shape)


def _distribution(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    x = rng.uniform(0.1, 1.0, shape)
    return x / x.sum(1 if len(shape) > 1 else 0, keepdims=True)


normal = _given(lambda rng, shape: rng.standard_normal(shape))
positive = _given(lambda rng, shape: rng.uniform(0.3, 2.0, shape))
unit = _given(lambda rng, shape: rng.uniform(-0.9, 0.9, shape))
probability = _given(lambda rng, shape: rng.uniform(0.05, 0.95, shape))
distribution = _given(_distribution)
nonzero = _given(_signed(0.3, 2.0))  # away from the kink of abs and the pole of 1/x
distinct = _given(_distinct)  # no ties, none at 0 and none at an integer
between = _given(lambda rng, shape: rng.integers(-3, 3, shape) + rng.uniform(0.2, 0.8, shape))  # no integers
spread = _given(lambda rng, shape: rng.uniform(-30.0, 30.0, shape))


def fixed(given: Given) -> Given:
    """The same argument, not differentiated."""
    return Given(given.draw, given.shape, differentiable=False)


def integers(low: int, high: int, *shape: int) -> Given:
    return Given(lambda rng, s: rng.integers(low, high, s), shape, differentiable=False)


def mask(*shape: int) -> Given:
    return Given(lambda rng, s: rng.random(s) < 0.5, shape, differentiable=False)


def array(values: Any) -> Given:
    """These very values, not differentiated."""
    return Given(lambda rng, s: np.array(values), np.shape(values), differentiable=False)


def point(values: Any) -> Given:
    """These very values."""
    return Given(lambda rng, s: np.array(values), np.shape(values))


@dataclass(frozen=True)
class Row:
    """One way of calling one operation."""

    name: str
    call: Callable[..., Any]
    inputs: tuple[Given, ...]
    numpy: Callable[..., Any] | None = None
    in_torch: bool = True  # False: PyTorch has no such thing
    flat: bool = False  # the gradient is zero everywhere, and meant to be
    pointwise: bool = False  # works element by element: any shapes that broadcast will do
    numerical: bool = True  # False: finite differences cannot see it
    unlike_torch: str = ""  # dtypes ("int", "uint8", "bool") for which PyTorch's result is of another kind

    def draw(self, dtype: Any = np.float64, shapes: tuple[tuple[int, ...], ...] | None = None) -> list[Array]:
        """The arguments; the same ones in every call."""
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        drawn = [np.asarray(g.draw(rng, s)) for g, s in zip(self.inputs, shapes or [g.shape for g in self.inputs])]
        return [a.astype(dtype) if a.dtype.kind == "f" else a for a in drawn]


class Oracle:
    """PyTorch's functions, wherever they are."""

    def __init__(self, torch: Any) -> None:
        self.places = torch.nn.functional, torch, torch.special

    def __getattr__(self, name: str) -> Any:
        for place in self.places:
            if hasattr(place, name):
                return getattr(place, name)
        raise AttributeError(name)


def names(rows: list[Row]) -> list[str]:
    """A name for each row, numbered where several have the same."""
    count: dict[str, int] = {}
    found = []
    for row in rows:
        count[row.name] = count.get(row.name, 0) + 1
        found.append(f"{row.name}-{count[row.name]}")
    single = {name for name, n in count.items() if n == 1}
    return [name.rpartition("-")[0] if name.rpartition("-")[0] in single else name for name in found]

"""What a row of LAYERS is made of: inputs, and one way of building one layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Given:
    """An input: how it is drawn, and whether a gradient with respect to it is checked."""

    draw: Callable[[np.random.Generator], Array]
    differentiable: bool = True


def normal(*shape: int) -> Given:
    return Given(lambda rng: rng.standard_normal(shape))


def constant(given: Given) -> Given:
    return Given(given.draw, differentiable=False)


def labels(classes: int, *shape: int) -> Given:
    return Given(lambda rng: rng.integers(0, classes, shape), differentiable=False)


def inside(*shape: int) -> Given:
    """Numbers in (0.05, 0.95)."""
    return Given(lambda rng: rng.uniform(0.05, 0.95, shape))


def distributions(*shape: int) -> Given:
    """Probabilities that sum to 1 along dimension 1."""

    def draw(rng: np.random.Generator) -> Array:
        x = rng.uniform(0.1, 1.0, shape)
        return x / x.sum(1, keepdims=True)

    return Given(draw)


def logs(given: Given) -> Given:
    return Given(lambda rng: np.log(given.draw(rng)))


@dataclass(frozen=True)
class Row:
    """One way of building one layer."""

    layer: str
    build: Callable[[Any, Any], Any]
    inputs: tuple[Given, ...] | None = None  # None: a container that is not called
    in_torch: bool = True  # False: an extension that PyTorch does not have
    random: bool = False  # draws numbers in training, where no comparison with PyTorch is possible
    refused: tuple[tuple[int, ...], ...] | None = None  # shapes of inputs that do not fit
    flat: bool | tuple[str, ...] = False  # that, or these parameters, have a gradient of zero everywhere in training
    rtol: float = 1e-12  # of the comparison with PyTorch in float64

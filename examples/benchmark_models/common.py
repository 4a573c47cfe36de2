"""`training`, `classifying`, `numbers`, `labels`, `joined`: what the models have in common.

Functions take the library as `T`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Step = Callable[[], Any]


def numbers(T: Any, *shape: int) -> Any:
    """Normally distributed ones, the same in each library."""
    return T.tensor(np.random.default_rng(0).standard_normal(shape).astype("f"))


def labels(T: Any, below: int, *shape: int) -> Any:
    """Integers."""
    return T.tensor(np.random.default_rng(1).integers(0, below, shape))


def training(T: Any, model: Any, loss: Callable[[Any], Any], optimizer: str = "Adam") -> Step:
    """One whole step that lessens ``loss(model)``."""
    opt = getattr(T.optim, optimizer)(model.parameters(), lr=1e-3)

    def run() -> None:
        opt.zero_grad()
        loss(model).backward()
        opt.step()

    return run


def classifying(T: Any, model: Any, x: Any, classes: int = 10, optimizer: str = "Adam") -> Step:
    """One whole step of a classifier."""
    t = labels(T, classes, len(x))
    return training(T, model, lambda model: T.nn.functional.cross_entropy(model(x), t), optimizer)


def joined(T: Any, **parts: Any) -> Any:
    """A module of some modules."""
    module = T.nn.Module()
    for name, part in parts.items():
        setattr(module, name, part)
    return module

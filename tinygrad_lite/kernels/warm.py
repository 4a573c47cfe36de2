"""Compile the kernels of operations ahead: each is called once, forward and backward, on small arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

PROGRAMS: list[Callable[[Any, Any], Any]] = [  # of the library and a matrix that requires grad
    lambda tg, x: tg.relu(x),
    lambda tg, x: tg.cross_entropy(x, tg.tensor([0, 1, 2])),
    lambda tg, x: x[tg.tensor([0, 2, 2])],
]


def warm(dtypes: Iterable[Any] = (np.float32,)) -> None:
    """Run every program of the table with every dtype."""
    import tinygrad_lite as tg

    with tg.kernels.use("numba"):
        for dtype in dtypes:
            for program in PROGRAMS:
                program(tg, tg.ones(3, 4, dtype=dtype, requires_grad=True)).sum().backward()

"""`leaf`, `normal`, `assert_same`: tensors and arrays that tests begin with, and a comparison to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_lite as tg


def leaf(values: Any, dtype: Any = tg.float64) -> tg.Tensor:
    """A tensor that requires grad."""
    return tg.tensor(np.asarray(values, dtype), requires_grad=True)


def normal(seed: int, shape: Any, dtype: Any = np.float64) -> np.ndarray:
    """Standard normal numbers, always the same for a seed."""
    return np.asarray(np.random.default_rng(seed).standard_normal(shape), dtype)


def assert_same(first: Any, second: Any) -> None:
    """Two rows of arrays are equal, dtypes too."""
    for a, b in zip(first, second, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)

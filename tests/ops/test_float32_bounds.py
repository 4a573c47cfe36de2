"""How exact elementwise functions are in float32, over the whole line: few elements, which NumPy computes, and many."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
import tinygrad_lite.nn.functional as F

LINE = np.concatenate([
    np.linspace(-30, 30, 3001), np.geomspace(1e-30, 100, 1500), -np.geomspace(1e-30, 100, 1500), [0.0, -0.0]
]).astype(np.float32)  # fmt: skip
FEW = 500
SMALLEST = 1e-36  # 100 times the smallest normal number: below, loops may have zeros
SLOPES = 2e-6  # absolute: slopes of results near 1 are made of what is left to 1, as PyTorch's are

erf, erfc = (np.vectorize(f, otypes=[np.float64]) for f in (math.erf, math.erfc))


def phi(x: Any) -> Any:
    return 0.5 * erfc(-x / math.sqrt(2))


def bell(x: Any) -> Any:
    return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def tanh_argument(x: Any) -> Any:
    return 2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)


EXACT: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], float, Callable[[Any], Any] | None]] = {
    # in float64: the function, and its derivative; the relative error that float32 may have. Where exp or erfc is
    # taken of a square, the square's rounding is multiplied by the exponent: 1e-5 at the end of the line
    "erf": (tg.erf, erf, 1e-7, lambda x: 2 / math.sqrt(math.pi) * np.exp(-x * x)),
    "erfc": (tg.erfc, erfc, 1e-7, lambda x: -2 / math.sqrt(math.pi) * np.exp(-x * x)),
    "gelu": (F.gelu, lambda x: x * phi(x), 2e-5, lambda x: phi(x) + x * bell(x)),
    "gelu, tanh": (lambda x: F.gelu(x, approximate="tanh"), lambda x: x * sigmoid(tanh_argument(x)), 2e-5, None),
    "ndtr": (tg.special.ndtr, phi, 2e-5, bell),
    "sigmoid": (tg.sigmoid, sigmoid, 5e-7, lambda x: sigmoid(x) * sigmoid(-x)),
    "silu": (F.silu, lambda x: x * sigmoid(x), 5e-7, lambda x: sigmoid(x) * (1 + x * sigmoid(-x))),
    "softplus": (F.softplus, softplus, 5e-7, sigmoid),
    "logsigmoid": (F.logsigmoid, lambda x: -softplus(-x), 5e-7, lambda x: sigmoid(-x)),
    "mish": (F.mish, lambda x: x * np.tanh(softplus(x)), 2e-6, None),
    "tanh": (tg.tanh, np.tanh, 3e-7, lambda x: 1 - np.tanh(x) ** 2),
    "exp": (tg.exp, np.exp, 5e-7, np.exp),
    "expm1": (tg.expm1, np.expm1, 3e-7, np.exp),
    "elu": (F.elu, lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), 3e-7, None),
    "log1p": (lambda x: tg.log1p(x.abs()), lambda x: np.log1p(abs(x)), 3e-7, None),
    "log": (lambda x: tg.log(x.abs()), lambda x: np.log(abs(x)), 3e-7, None),
}


def values_and_slopes(function: Callable[[Any], Any], size: int) -> tuple[Any, Any]:
    """Of the whole line, so many elements at a time."""
    values, slopes = [], []
    for i in range(0, len(LINE), size):
        x = tg.tensor(LINE[i : i + size], requires_grad=True)
        y = function(x)
        y.backward(tg.ones_like(y))
        values.append(y.detach().numpy())
        slopes.append(x.grad.numpy())
    return np.concatenate(values), np.concatenate(slopes)


@pytest.mark.parametrize("size", [FEW, len(LINE)], ids=["few", "many"])
@pytest.mark.parametrize("name", EXACT)
def test_errors_in_float32_are_bounded(name: str, size: int) -> None:
    function, exact, bound, slope = EXACT[name]
    values, slopes = values_and_slopes(function, size)
    assert values.dtype == slopes.dtype == np.float32
    x = LINE.astype(np.float64)
    with np.errstate(all="ignore"):
        for found, wanted, atol in ((values, exact(x), SMALLEST), (slopes, slope and slope(x), SLOPES)):
            if wanted is None:
                continue
            fits = np.abs(wanted) < np.finfo(np.float32).max
            np.testing.assert_allclose(found[fits], wanted[fits], rtol=bound, atol=atol)
            np.testing.assert_array_equal(found[~fits], wanted[~fits].astype(np.float32))

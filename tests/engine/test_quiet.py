"""Infinities and NaN are results: NumPy's warnings about them never reach the user, whatever filters are set."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ops_cases import Row, names
from ops_table import OPS, QUESTIONS
from test_ops import given, listed

import tinygrad_lite as tg
import tinygrad_lite.nn.functional as F
from tinygrad_lite import kernels, nn, optim

EXTREMES: list[Callable[[Any], Any]] = [
    np.zeros_like,
    lambda a: np.full_like(a, np.inf),
    lambda a: np.full_like(a, np.nan),
    lambda a: np.full_like(a, 3e38),
    lambda a: np.resize(np.array([0, np.inf, -np.inf, np.nan, 1e38, -1e38, 1e-45, -1], a.dtype), a.shape),
]


def _forward_and_backward(row: Row, arrays: list[Any]) -> None:
    inputs = given(row, arrays)
    outs = [o for o in listed(row.call(tg, *inputs)) if isinstance(o, tg.Tensor) and o.requires_grad]
    if outs:
        tg.autograd.grad(
            outs, [t for t in inputs if t.requires_grad], [tg.ones_like(o) for o in outs], allow_unused=True
        )


@pytest.mark.each(
    "row", [pytest.param(row, id=name) for rows in (OPS, QUESTIONS) for row, name in zip(rows, names(rows))]
)
def test_no_operation_warns(row: Row) -> None:
    """Errors of other kinds are allowed: a singular matrix has no inverse."""
    drawn = row.draw(np.float32)
    for extreme in EXTREMES:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with contextlib.suppress(ValueError, IndexError, ArithmeticError, RuntimeError, NotImplementedError):
                _forward_and_backward(row, [extreme(a) if a.dtype.kind == "f" else a for a in drawn])
        assert not [w for w in caught if issubclass(w.category, RuntimeWarning)]


@pytest.mark.parametrize("action", ["always", "error"])
def test_whatever_filters_are_set(action: Any) -> None:
    x = tg.tensor([0.0, -1.0, np.inf], requires_grad=True)
    for reset in (warnings.resetwarnings, lambda: None):
        with warnings.catch_warnings(record=True) as caught:
            reset()
            warnings.simplefilter(action)
            y = x.log() + 1.0 / x - x * x
            z = F.softmax(tg.tensor([-np.inf, -np.inf]), 0)
            y.sum().backward()
            x.grad.add_(tg.tensor(np.inf)).sub_(np.inf)
            tg.tensor([1e300], dtype=tg.float64).float()
            x.detach()[0:1] = tg.tensor([1e300], dtype=tg.float64)
            tg.tensor([1e300], dtype=tg.float32)
        assert not caught
        assert z.isnan().all()
        assert y.isnan().all()
        x.grad = None
        with tg.no_grad():
            x[0] = 0.0


def test_numpy_warns_its_own_users_as_before() -> None:
    tg.tensor([0.0]).log()
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        np.log(np.zeros(1))
    before = np.geterr()
    (tg.zeros(2, requires_grad=True).log() * 0).sum().backward()
    assert np.geterr() == before
    with np.errstate(all="raise"):
        assert tg.tensor([0.0]).log().item() == -np.inf
        assert (1.0 / tg.tensor([0.0])).item() == np.inf
        assert tg.tensor([3e38, 3e38]).sum().item() == np.inf
        with pytest.raises(FloatingPointError):
            np.log(np.zeros(1))


@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_no_optimizer_warns(backend: str) -> None:
    with kernels.use(backend), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for value in (0.0, np.inf, np.nan, 3e38):
            p = nn.Parameter(tg.tensor([1.0, 2.0]))
            for make in (optim.SGD, optim.Adam, optim.RMSprop, optim.Adagrad):
                optimizer = make([p], lr=0.1)
                for _ in range(2):
                    p.grad = tg.full((2,), value)
                    optimizer.step()
    assert not [w for w in caught if issubclass(w.category, RuntimeWarning)]

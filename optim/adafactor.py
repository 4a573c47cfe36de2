"""Adafactor."""

# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lite.kernels.backend import Kernel
from tinygrad_lite.kernels.factored import descend, refresh
from tinygrad_lite.kernels.pieces import in_pieces

from . import hyper
from .cohort import COMPILED
from .optimizer import Optimizer

Array = np.ndarray[Any, Any]

PIECE = 1 << 16  # elements that a thread takes at a time: in its cache while a kernel passes over them twice


class Adafactor(Optimizer):
    r"""Adafactor: Adam's scale from one number for each row and column, and steps in proportion to the parameters.

    For a matrix, with ``b = t^beta2_decay``: ``r = r + b * (mean_j g_ij^2 - r)``,
    ``c = c + b * (mean_i g_ij^2 - c)``, ``v = r c^T / max(mean(r), eps1)``, ``u = g / max(sqrt(v), eps1)``,
    ``p = (1 - lr * weight_decay) * p - alpha * u / max(1, rms(u) / d)``, where
    ``alpha = max(eps2, rms(p)) * min(lr, 1 / sqrt(t))``. Of more dimensions the last two are the matrix's; what has
    fewer has a ``v`` of its own, ``v = v + b * (g^2 - v)``.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        The largest step relative to the parameters' size.
    beta2_decay : float
        How the second moments forget: at most 0.
    eps : (float or None, float)
        What ``sqrt(v)`` is at least (None: the dtype's), and the size that a parameter is taken to have at least.
    d : float
        The largest root mean square of ``u``: at least 1.
    weight_decay : float
        How much the parameter shrinks, times `lr`.
    maximize : bool
        Follow the gradient uphill.

    References
    ----------
    N. Shazeer and M. Stern, "Adafactor: Adaptive learning rates with sublinear memory cost", ICML 2018, algorithms
    4 to 6 (as in PyTorch, with means in place of sums, and `eps` where ``v`` is used).

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite import optim
    >>> params = {"w": np.ones((2, 2))}
    >>> optim.Adafactor(lr=0.1).update(params, {"w": np.array([[1.0, 2.0], [2.0, 4.0]])})
    >>> params["w"]
    array([[0.9, 0.9],
           [0.9, 0.9]])
    """

    lr: float = 1e-2
    beta2_decay: float = -0.8
    eps: tuple[float | None, float] = (None, 1e-3)
    d: float = 1.0
    weight_decay: float = 0.0

    state = ("row_var", "col_var", "variance")
    elementwise = False
    own_decay = True
    ignored = ("foreach",)
    ranges = {"beta2_decay": (-math.inf, 0.0, "(]"), "d": (1.0, math.inf, "[)")}
    _ranges = {name: interval for name, interval in hyper.RANGES.items() if name != "eps"}  # a pair, with a None

    def check(self, group: dict[str, Any]) -> None:
        eps = group["eps"]
        if not isinstance(eps, (tuple, list)) or len(eps) != 2 or eps[1] is None:
            raise ValueError(f"Adafactor: eps must be (a number or None, a number), got {eps!r}")
        each = {f"eps[{i}]": value for i, value in enumerate(eps)}
        hyper.check(self._name, each, dict.fromkeys(each, hyper.NOT_NEGATIVE))

    def update_array(self, p: Array, g: Array, state: dict[str, Any], group: dict[str, Any], t: int) -> None:
        """Update one parameter and its second moments."""
        if not p.size:
            return
        eps1, eps2 = group["eps"]
        eps1 = float(np.finfo(p.dtype).eps) if eps1 is None else eps1
        b, shrink = t ** group["beta2_decay"], 1 - group["lr"] * group["weight_decay"]
        x, g = np.asarray(p, order="C"), np.asarray(g, order="C")
        alpha = max(eps2, rms(float(x.ravel() @ x.ravel()), p.size)) * min(group["lr"], t**-0.5)
        if p.ndim < 2:
            v = state.setdefault("variance", np.zeros_like(p))
            v += b * (g * g - v)
            u = g / np.maximum(np.sqrt(v), eps1)
            rate = alpha / max(1.0, rms(float(u.ravel() @ u.ravel()), p.size) / group["d"])
            p[...] = shrink * p - rate * u
            return
        if "row_var" not in state:
            state["row_var"] = np.zeros((*p.shape[:-1], 1), p.dtype)
            state["col_var"] = np.zeros((*p.shape[:-2], 1, p.shape[-1]), p.dtype)
        matrices = Matrices(g, state["row_var"], state["col_var"], b, eps1)
        matrices.descend(x, shrink, alpha / max(1.0, rms(matrices.square_sum, p.size) / group["d"]))
        if x is not p:
            p[...] = x


def rms(square_sum: float, size: int) -> float:
    """The root mean square."""
    return math.sqrt(square_sum / size) if square_sum >= 0 else math.nan


class Matrices:
    """A stack of matrices' gradients, and their second moments moved on.

    Parameters
    ----------
    g : array, shape (..., M, N), contiguous
        Gradients.
    row_var, col_var : array, shape (..., M, 1) and (..., 1, N), contiguous
        Second moments, updated.
    b : float
        How far they move.
    eps1 : float
        What their square root is at least.

    Attributes
    ----------
    square_sum : float
        Of ``u``, the scaled gradients.
    """

    def __init__(self, g: Array, row_var: Array, col_var: Array, b: float, eps1: float) -> None:
        m, n = g.shape[-2:]
        kind = g.dtype.type
        self._compiled = g.dtype in COMPILED
        self._g = g.reshape(-1, m, n)
        self._top = kind(1) / kind(eps1)
        self._rows, self._cols = np.empty((len(self._g), m), g.dtype), np.empty((len(self._g), n), g.dtype)
        moments = row_var.reshape(self._rows.shape), col_var.reshape(self._cols.shape)
        run, parts = self._choose(refresh), []

        def work(first: int, last: int) -> None:
            found = run(self._g, kind(b), kind(eps1), self._top, *moments, self._rows, self._cols, first, last)
            parts.append((first, found))

        in_pieces(work, len(self._g), -(-PIECE // (m * n)))
        self.square_sum = sum(found for _, found in sorted(parts))  # in an order that does not depend on threads

    def _choose(self, kernel: Kernel) -> Any:
        return kernel.run if self._compiled else kernel.plain

    def descend(self, p: Array, shrink: float, rate: float) -> None:
        """``p = shrink * p - rate * u``, in place."""
        _, m, n = self._g.shape
        run, kind, x = self._choose(descend), p.dtype.type, p.reshape(self._g.shape)

        def work(first: int, last: int) -> None:
            run(x, self._g, kind(shrink), kind(rate), self._top, self._rows, self._cols, first, last)

        in_pieces(work, len(x) * m, -(-PIECE // n))

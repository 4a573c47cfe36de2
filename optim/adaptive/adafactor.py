"""Adafactor."""

# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite.kernels.native.threads import launch

from ..kernels.factored import descend, refresh
from ..optimizer import Optimizer
from ..step.declare import hyperparameters as hyper
from ..step.declare.hyperparameters import Group
from ..step.plan.parameter_batch import Cohort, Tables

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
    ranges = {"eps": None, "beta2_decay": (-math.inf, 0.0, "(]"), "d": (1.0, math.inf, "[)")}

    def check(self, group: dict[str, Any]) -> None:
        each = {f"eps[{i}]": value for i, value in enumerate(group["eps"]) if value is not None}
        hyper.check(self._name, each, dict.fromkeys(each, hyper.NOT_NEGATIVE))

    def update_array(self, p: Array, g: Array, state: dict[str, Any], group: dict[str, Any], t: int) -> None:
        """Update one parameter and its second moments."""
        first, second = moments(p, state)
        if not p.size:
            return
        eps, b = lower_bound(group, p.dtype), t ** group["beta2_decay"]
        if p.ndim < 2:
            first += b * (g * g - first)
            u = g / np.maximum(np.sqrt(first), eps)
            rate = rates(np.square(p).sum(), np.square(u).sum(), p.size, group, t)
            p[...] = (1 - group["lr"] * group["weight_decay"]) * p - p.dtype.type(rate) * u
            return
        one, (m, n) = p.dtype.type(1), p.shape[-2:]
        x, g = p.reshape(-1, m, n), g.reshape(-1, m, n)
        rows, cols = np.empty(x.shape[:2], p.dtype), np.empty((len(x), n), p.dtype)
        var = first.reshape(rows.shape), second.reshape(cols.shape)
        uu = refresh.plain(g, b * one, eps * one, one / (eps * one), *var, rows, cols, 0, len(x))
        rate = rates(np.square(x).sum(), uu, p.size, group, t)
        shrink = 1 - group["lr"] * group["weight_decay"]
        descend.plain(x, g, shrink * one, rate * one, one / (eps * one), rows, cols, 0, len(x) * m)
        if x.base is not p:
            p[...] = x.reshape(p.shape)

    def _update_together(
        self, cohort: Cohort, states: list[dict[str, Any]]
    ) -> Callable[[list[Array], Group, int], None]:
        one_by_one = super()._update_together(cohort, states)
        together: list[Together] = []

        def update(grads: list[Array], group: Group, t: int) -> None:
            if not cohort.has_loops:
                return one_by_one(grads, group, t)
            if not together:
                together.append(Together(cohort, states))
            return together[0].update(grads, group, t)

        return update


def lower_bound(group: Group, dtype: np.dtype[Any]) -> float:
    """What the square root of a second moment is taken to be at least."""
    eps = group["eps"][0]
    return float(np.finfo(dtype).eps) if eps is None else eps


def rates(pp: Any, uu: Any, sizes: Any, group: Group, t: int) -> Any:
    """``alpha / max(1, rms(u) / d)``, from the sums of ``p ** 2`` and ``u ** 2``; NaN is no maximum, as in PyTorch."""
    alpha = np.fmax(np.sqrt(pp / sizes), group["eps"][1]) * min(group["lr"], t**-0.5)
    return alpha / np.fmax(np.sqrt(uu / sizes) / group["d"], 1.0)


def moments(p: Array, state: dict[str, Any]) -> tuple[Array, Array]:
    """A parameter's second moments, of rows and of columns, or of elements and none; contiguous, as it is used to.

    Raises
    ------
    ValueError
        If they are there already, but not of the parameter's shape.
    """
    *many, n = p.shape or (1,)
    shapes = {"row_var": (*many, 1), "col_var": (*many[:-1], 1, n)} if p.ndim > 1 else {"variance": p.shape}
    for name, shape in shapes.items():
        found = state.get(name)
        if found is None:
            state[name] = np.zeros(shape, p.dtype)
        elif found.shape != shape:
            raise ValueError(
                f"Adafactor: {name} of a parameter of shape {p.shape} must have shape {shape}, got {found.shape}"
            )
        elif found.dtype != p.dtype or not found.flags.carray:
            state[name] = np.array(found, p.dtype, order="C")
    first, *rest = (state[name] for name in shapes)
    return first, rest[0] if rest else np.empty(0, p.dtype)


class Together:
    """The parameters of a cohort, updated in two launches: moments and sums, then the parameters.

    Parameters
    ----------
    cohort : Cohort
    states : list of dict
        Of each parameter.
    """

    def __init__(self, cohort: Cohort, states: list[dict[str, Any]]) -> None:
        self._cohort = cohort
        dense = cohort.dense
        self._arrays = [np.asarray(p, order="C") for p in dense]  # copies of those in Fortran's order
        self._turned = [(p, x) for p, x in zip(dense, self._arrays) if not p.flags.c_contiguous]
        self._shapes = np.array([stack(p) for p in dense], np.intp)
        pairs = [moments(p, state) for p, state in zip(dense, states)]
        self._kept = [[r for r, _ in pairs], [c for _, c in pairs]]  # alive, as long as the tables have their addresses
        scales = [[np.empty_like(a) if p.ndim > 1 else a for p, a in zip(dense, kept)] for kept in self._kept]
        self._kept += scales
        self._tables = Tables([self._arrays, self._arrays, *self._kept])
        count, m, n = self._shapes.T
        # matrices of a stack, or elements; then rows, or elements
        self._refreshed = in_ranges(np.where(m, count, n), np.where(m, m * n, 1))
        self._moved = in_ranges(np.where(m, count * m, n), np.where(m, n, 1))
        self._sizes = np.array([p.size for p in dense], np.float64)

    def update(self, grads: list[Array], group: Group, t: int) -> None:
        """Make a step."""
        from ..kernels.factored_tensors import descend_tensors, refresh_tensors

        table, shapes, dtype = self._tables.table, self._shapes, self._cohort.dtype
        if self._tables.expected.locate(grads, table[1]) >= 0:
            grads = [np.asarray(g, order="C") for g in self._cohort.fitting(grads)]
            misfit = self._tables.expected.locate(grads, table[1])
            assert misfit < 0
        for p, x in self._turned:
            x[...] = p
        shrink = 1 - group["lr"] * group["weight_decay"]
        numbers = np.array([t ** group["beta2_decay"], lower_bound(group, dtype), shrink], dtype)
        sharing = self._tables.sharing
        sums = np.empty((len(self._refreshed), 2))
        launch(refresh_tensors.compiled, len(sums), table, shapes, self._refreshed, numbers, sums, **sharing)
        # added up in an order that does not depend on threads
        pp, uu = (np.bincount(self._refreshed[:, 0], column, len(shapes)) for column in sums.T)
        rate = rates(pp, uu, self._sizes, group, t).astype(dtype)
        launch(descend_tensors.compiled, len(self._moved), table, shapes, self._moved, numbers, rate, **sharing)
        for p, x in self._turned:
            p[...] = x


def stack(p: Array) -> tuple[int, int, int]:
    """How many matrices a parameter has, and their shape; 0, 0 and its size where it has none, or nothing in them."""
    if p.ndim < 2 or not p.size:
        return 0, 0, p.size
    m, n = p.shape[-2:]
    return p.size // (m * n), m, n


def in_ranges(counts: Array, weights: Array) -> Array:
    """Pieces of work: tensor, first, last. Of each tensor `counts`, of so many elements each; those with most first."""
    steps = -(-PIECE // np.maximum(weights, 1))
    pieces = [(t, first, min(first + step, count)) for t, (count, step) in enumerate(zip(counts, steps))
              for first in range(0, count if weights[t] else 0, step)]  # fmt: skip
    found = np.array(pieces, np.intp).reshape(-1, 3)
    size = (found[:, 2] - found[:, 1]) * weights[found[:, 0]]
    return found[np.argsort(-size, kind="stable")]

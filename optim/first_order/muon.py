"""Muon."""

# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_lite.kernels import kernel

from ..kernels import matrix_forms as forms
from ..optimizer import Optimizer

Array = np.ndarray[Any, Any]

CHOICES = {
    "adjust_lr_fn": (None, "original", "match_rms_adamw"),
    "ns_precision": (None, "bfloat16", "float32"),
}


class Muon(Optimizer):
    r"""Muon: momentum, orthogonalized: a step of about the same length in every direction of a matrix.

    ``m = momentum * m + (1 - momentum) * g``; ``x = (1 - momentum) * g + momentum * m`` with Nesterov's momentum,
    else ``x = m``; ``p = (1 - lr * weight_decay) * p - lr * s * NS(x)``. ``NS`` takes all singular values of
    ``x`` close to 1 by `ns_steps` times ``x = a x + b (x x^T) x + c (x x^T)^2 x``, from ``x / max(|x|, eps)``;
    ``s`` makes up for the matrix's shape.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize: matrices, of hidden layers; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate.
    weight_decay : float
        How much the parameter shrinks, times `lr`.
    momentum : float
        How much of the running mean of the gradient stays.
    nesterov : bool
        Look ahead: mix the gradient in once more.
    ns_coefficients : (float, float, float)
        ``a, b, c``.
    eps : float
        What the norm of ``x`` is taken to be at least.
    ns_steps : int
        Less than 100.
    adjust_lr_fn : {None, "original", "match_rms_adamw"}
        For a matrix of shape (M, N), ``s = sqrt(max(1, M / N))`` by default, or ``0.2 sqrt(max(M, N))``, with which
        Adam's learning rates fit.
    ns_precision : {None, "bfloat16", "float32"}
        What ``NS`` is computed in for parameters of float32: in float32, or with factors rounded to bfloat16, which
        have two to three digits, and sums in float32. By default bfloat16 if this processor multiplies it faster and
        the shape of the matrix does not outweigh that; see Notes.
    maximize : bool
        Follow the gradient uphill.

    Raises
    ------
    ValueError
        If a parameter is no matrix.

    References
    ----------
    K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024.
    J. Liu et al., "Muon is scalable for LLM training", 2025 ("match_rms_adamw").

    Notes
    -----
    `ns_precision` is not in PyTorch, which computes ``NS`` in bfloat16 as it is written above: three products a step,
    two of which are symmetric, so that here half of each is computed. It is done so where the processor multiplies
    bfloat16 at twice the rate of float32 (``avx512_bf16``), for matrices of float32 of which, at five steps, one side
    is at most three times the other; unlike PyTorch's, the norm and the result are not rounded.

    Deviation from PyTorch in all other cases: ``NS`` is computed in the parameters' dtype. All matrices of the
    iteration are ``Q x`` with polynomials ``Q`` of ``x x^T``, so it runs on the smaller side of the matrix alone: for
    five steps that takes 17 halves of products of this size, and with all of the matrix only ``x x^T``, a half, and
    the last.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite import optim
    >>> params = {"w": np.zeros((2, 2))}
    >>> optim.Muon(lr=1.0).update(params, {"w": np.array([[3.0, 0.0], [0.0, 100.0]])})
    >>> np.diag(params["w"]).round(1)
    array([-1.1, -0.7])
    """

    lr: float = 1e-3
    weight_decay: float = 0.1
    momentum: float = 0.95
    nesterov: bool = True
    ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315)
    eps: float = 1e-7
    ns_steps: int = 5
    adjust_lr_fn: str | None = None
    ns_precision: str | None = None

    state = ("momentum_buffer",)
    elementwise = False
    own_decay = True
    counted = False
    ignored = ()
    allowed_ulps = 2.0**14  # where a sum in another order is rounded to another bfloat16, 2^16 ulps away
    ranges = {"ns_steps": (0, 100, "[)"), "ns_coefficients": (-math.inf, math.inf, "()")}

    def check(self, group: dict[str, Any]) -> None:
        for name, choices in CHOICES.items():
            if group[name] not in choices:
                raise ValueError(f"Muon: {name} must be one of {', '.join(map(repr, choices))}, got {group[name]!r}")

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of matrices; see `Optimizer.add_param_group`."""
        super().add_param_group(param_group)
        for p in self.param_groups[-1]["params"]:
            if p.ndim != 2:
                del self.param_groups[-1]
                raise ValueError(f"Muon: parameters must be matrices, got one of shape {p.shape}")

    def update_array(self, p: Array, g: Array, state: dict[str, Any], group: dict[str, Any], t: int) -> None:
        """Update one matrix and its momentum."""
        if p.ndim != 2:
            raise ValueError(f"Muon: parameters must be matrices, got one of shape {p.shape}")
        if not p.size:
            return
        kind, mu, lr = p.dtype.type, group["momentum"], group["lr"]
        m = state.setdefault("momentum_buffer", np.zeros_like(p))
        c, ahead, keep = (1 - mu, 1 - mu, mu) if group["nesterov"] else (1 - mu, 0.0, 1.0)
        x = np.empty(p.shape, p.dtype)
        blend.run(m, g, kind(c), kind(ahead), kind(keep), x)
        o = orthogonalized(x, group["ns_coefficients"], group["ns_steps"], group["eps"], group["ns_precision"])
        shrink, rate = 1 - lr * group["weight_decay"], lr * length(p.shape[0], p.shape[1], group["adjust_lr_fn"])
        walk.run(p, o, kind(shrink), kind(rate))


def length(rows: int, cols: int, adjust: str | None) -> float:
    """What the learning rate is multiplied by for a matrix of this shape."""
    return 0.2 * math.sqrt(max(rows, cols)) if adjust == "match_rms_adamw" else math.sqrt(max(1.0, rows / cols))


def orthogonalized(
    x: Array, coefficients: tuple[float, float, float], steps: int, eps: float, precision: str | None = "float32"
) -> Array:
    """Return ``NS(x)``: the same singular vectors, singular values close to 1.

    Parameters
    ----------
    x : array, shape (M, N)
    coefficients : (float, float, float)
        ``a, b, c``.
    steps : int
    eps : float
    precision : {"float32", "bfloat16", None}
        Of float32 only.

    Returns
    -------
    array, shape (M, N)
    """
    wide, form = x if len(x) <= x.shape[1] else x.T, forms.form_of(x.dtype)
    narrow = rounds(wide, steps, precision)
    if narrow:
        squares = float(np.vdot(x, x))
    else:
        gram, *spare = form.matrices(4, len(wide), x.dtype)
        squares = float(np.sum(form.diagonal(form.gram(wide, gram)), dtype=np.float64))
    if not math.isfinite(squares) and math.isfinite(largest := float(np.abs(x).max())):
        # Its squares alone are too large. Scaled by the root of their number, too: in float16 70,000 ones overflow.
        return orthogonalized(x / largest / math.sqrt(wide.shape[1]), coefficients, steps, eps, precision)
    norm = max(math.sqrt(squares), eps)
    if not steps:
        return x / norm
    if narrow:
        found: Array = as_written(forms.rounding_form(), wide, norm, coefficients, steps)
    else:
        gram /= norm
        gram /= norm
        q = newton_schulz(form.product, gram, spare, coefficients, steps)
        q /= norm
        found = form.applied(q, wide)
    return found if wide is x else found.T


def newton_schulz(
    product: Callable[..., Array],
    gram: Array,
    spare: Sequence[Array],
    coefficients: tuple[float, float, float],
    steps: int,
) -> Array:
    """Return the symmetric ``Q`` for which ``Q x`` is what `steps` iterations make of ``x``.

    One takes ``x`` to ``P x`` and hence ``x x^T`` to ``P (x x^T) P``, with ``P = a I + b x x^T + c (x x^T)^2``. All
    these matrices are symmetric and commute, so all their products are symmetric, too.

    Parameters
    ----------
    product : callable
        ``product(a, b, out, alpha, beta, add, gamma)`` writes ``alpha * a b + beta * add + gamma * I``: a form's.
    gram : array
        ``x x^T``, as the form keeps matrices; overwritten.
    spare : three arrays
        Room for such matrices; overwritten.
    coefficients : (float, float, float)
    steps : int
        At least 1.

    Returns
    -------
    array
        One of `spare`.
    """
    a, b, c = coefficients
    p, q, free = spare
    for k in range(steps):
        product(gram, gram, p, c, b, gram, a)
        if k + 1 < steps:
            product(product(p, gram, free), p, gram)
        if k == 0:
            p, q = q, p
        else:
            q, free = product(p, q, free), q
    return q


# --- in bfloat16 ------------------------------------------------------------------------------------------------------


def rounds(wide: Array, steps: int, precision: str | None) -> bool:
    """Whether the iteration takes factors that are rounded to bfloat16."""
    if wide.dtype != np.float32 or not wide.size or not steps or precision == "float32":
        return False
    m, n = wide.shape
    # how many m^2 multiplications there are; of bfloat16 two take the time of one
    rounded, exact = steps * (1.5 * n + 0.5 * m) / 2, 1.5 * n + (4 * steps - 3) * 0.5 * m
    return precision == "bfloat16" or (rounded < exact and forms.has_pairs())


def as_written(form: Any, wide: Array, norm: float, coefficients: tuple[float, float, float], steps: int) -> Array:
    """Return what `steps` iterations make of ``x / norm``, every matrix rounded to bfloat16, but for the result.

    Parameters
    ----------
    form : object
        How matrices of bfloat16 are kept and multiplied.
    wide : array, shape (M, N)
        ``x``, with M at most N.
    norm : float
    coefficients : (float, float, float)
    steps : int
        At least 1.

    Returns
    -------
    array, shape (M, N)
    """
    a, b, c = coefficients
    x = form.rounded(wide, norm)
    for k in range(steps):
        q = form.polynomial(form.gram(x), c, b)
        x = (form.applied if k + 1 < steps else form.finished)(q, x, a)
    found: Array = x
    return found


# --- in NumPy ---------------------------------------------------------------------------------------------------------


def blend_plain(m: Array, g: Array, c: Any, ahead: Any, keep: Any, out: Array) -> None:
    """``m = m + c * (g - m)``; ``out = ahead * g + keep * m``."""
    m += c * (g - m)
    np.add(ahead * g, keep * m, out=out)


@kernel(blend_plain, dtypes="fd")
def blend(m: Any, g: Any, c: Any, ahead: Any, keep: Any, out: Any) -> None:
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            m[i, j] += c * (g[i, j] - m[i, j])
            out[i, j] = ahead * g[i, j] + keep * m[i, j]


def walk_plain(p: Array, o: Array, shrink: Any, rate: Any) -> None:
    """``p = shrink * p - rate * o``."""
    p *= shrink
    p -= rate * o


@kernel(walk_plain, dtypes="fd")
def walk(p: Any, o: Any, shrink: Any, rate: Any) -> None:
    for i in range(p.shape[0]):
        for j in range(p.shape[1]):
            p[i, j] = shrink * p[i, j] - rate * o[i, j]

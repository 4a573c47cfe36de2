"""Scaled dot product attention as one operation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....engine.errors import DtypeError, InputError
from ....kernels.linalg.matrix_product import matrix_product
from ....rules import differentiable, unwrap
from ....tensors.row_types import Floating
from ....tensors.tensor_type import Tensor
from ...reduction import softmax
from ...shape.flip_roll_repeat import repeat_interleave
from ..dropout import _keep, mask_of

__all__ = ["scaled_dot_product_attention"]
FUNCTIONAL = __all__


def _blind(bias: Any) -> Any:
    """Queries that may look at nothing; they get zeros rather than NaN, as in PyTorch."""
    return np.all(np.equal(bias, -np.inf), axis=-1, keepdims=True)


def _twin(q: Any, k: Any, v: Any, bias: Any, kept: Any, scale: float, seeing: bool) -> Any:
    scores = matrix_product(q * scale, np.swapaxes(k, -1, -2))
    if bias is not None:
        scores = np.where(_blind(bias), 0.0, scores + bias)
    p: Any = softmax.softmax(scores, -1)
    if bias is not None:
        p = np.where(_blind(bias), 0.0, p)
    return matrix_product(p if kept is None else p * kept, v)


def _vjp(g: Any, q: Any, k: Any, v: Any, bias: Any, kept: Any, scale: float, p: Any) -> Any:
    gv = matrix_product(np.swapaxes(p if kept is None else p * kept, -1, -2), g)
    gp = matrix_product(g, np.swapaxes(v, -1, -2))
    if kept is not None:
        gp *= kept
    softmax.softmax_slope_here(gp, p)
    gq, gk = matrix_product(gp, k), matrix_product(np.swapaxes(gp, -1, -2), q)
    gq *= scale
    gk *= scale
    return gq, gk, gv, None if bias is None else gp


@differentiable(
    joint=[(("q", "k", "v", "bias"), _vjp)],
    aux=("p",),
    twin=_twin,
    name="scaled_dot_product_attention",
    contiguous=True,
    single=True,
)
def _attention(q: Any, k: Any, v: Any, bias: Any, kept: Any, scale: float, seeing: bool) -> Any:
    """``softmax(scale q k^T + bias) v``, some of the weights dropped, and all the weights.

    `seeing`: it is known that every query may look at something.
    """
    p = matrix_product(q * scale, np.swapaxes(k, -1, -2))
    blind = None if bias is None or seeing or not (found := _blind(bias)).any() else found
    if bias is not None:
        p = np.add(p, bias, out=p) if np.broadcast_shapes(p.shape, bias.shape) == p.shape else p + bias
    if blind is not None:
        p[np.broadcast_to(blind, p.shape)] = 0
    softmax.softmax_here(p)
    if blind is not None:
        p[np.broadcast_to(blind, p.shape)] = 0
    return matrix_product(p if kept is None else p * kept, v), p


def causal(rows: int, columns: int, dtype: Any) -> Any:
    """What is added to scores so that no query looks at keys behind it."""
    return np.triu(np.full((rows, columns), -np.inf, dtype), 1)


def additive(mask: Any, dtype: Any, seen: bool) -> Any:
    """What is added to scores, where True says that a query may look (or, without `seen`, that it may not)."""
    at, elsewhere = (0, -np.inf) if seen else (-np.inf, 0)
    return np.where(mask, dtype.type(at), dtype.type(elsewhere))


def _mask(attn_mask: Any, is_causal: bool, rows: int, columns: int, dtype: Any) -> Any:
    """What is added to the scores: 0 where a query may look, -inf where not."""
    if is_causal:
        return causal(rows, columns, dtype)
    if attn_mask is None:
        return None
    m = unwrap(attn_mask)
    if m.dtype.kind == "b":
        return additive(m, dtype, True)
    if m.dtype.kind != "f":
        raise DtypeError(f"scaled_dot_product_attention: attn_mask must be bool or floating point, got {m.dtype}")
    return attn_mask if m.dtype == dtype else attn_mask.to(dtype)


def scaled_dot_product_attention(
    query: Floating,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    *,
    generator: Any = None,
) -> Tensor:
    r"""Attention, :math:`\mathrm{softmax}(s\, Q K^T + M) V`, as one operation.

    Parameters
    ----------
    query : Tensor, shape (..., L, E), floating
    key : Tensor, shape (..., S, E)
    value : Tensor, shape (..., S, Ev)
    attn_mask : Tensor, of a shape that broadcasts to (..., L, S), optional
        True where a query may look at a key; or numbers that are added to the scores. A query that may look at nothing
        gets zeros.
    dropout_p : float in [0, 1]
        The probability with which a weight is dropped; in evaluation, too.
    is_causal : bool
        Query i may look at the keys up to i.
    scale : float, optional
        Default: 1 / sqrt(E).
    enable_gqa : bool
        Key and value have fewer heads (dimension -3), each of which serves several of the query.
    generator : Generator, optional
        Of the dropout. Default: the global one.

    Returns
    -------
    Tensor, shape (..., L, Ev)

    Raises
    ------
    ValueError
        For shapes that do not fit, a mask beside `is_causal`, and a probability outside [0, 1].

    References
    ----------
    Vaswani et al., "Attention is all you need", 2017, eq. (1); Ainslie et al., "GQA", 2023.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> q, k, v = tg.zeros(1, 2), tg.ones(2, 2), tg.tensor([[1.0], [3.0]])
    >>> tg.scaled_dot_product_attention(q, k, v)
    tensor([[2.]])
    """
    who = "scaled_dot_product_attention"
    q, k, v = unwrap(query), unwrap(key), unwrap(value)
    if min(q.ndim, k.ndim, v.ndim) < 2 or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise InputError(
            f"{who}: query, key and value must be (..., L, E), (..., S, E) and (..., S, Ev), "
            f"got {q.shape}, {k.shape} and {v.shape}"
        )
    if q.dtype.kind != "f" or not q.dtype == k.dtype == v.dtype:
        raise DtypeError(
            f"{who}: query, key and value must be of one floating dtype, got {q.dtype}, {k.dtype}, {v.dtype}"
        )
    if is_causal and attn_mask is not None:
        raise InputError(f"{who}: attn_mask must be None where is_causal is set")
    keep = _keep(dropout_p, who)
    if enable_gqa:
        key, value = _for_each_head(key, q, who), _for_each_head(value, q, who)
    bias = _mask(attn_mask, is_causal, q.shape[-2], k.shape[-2], q.dtype)
    kept = None
    if keep < 1:
        shape = np.broadcast_shapes(q.shape[:-2], unwrap(key).shape[:-2], () if bias is None else bias.shape[:-2])
        kept = mask_of((*shape, q.shape[-2], k.shape[-2]), q.dtype, keep, generator)
    factor = 1 / math.sqrt(q.shape[-1] or 1) if scale is None else float(scale)
    seeing = is_causal and k.shape[-2] > 0  # at the first key, at least
    return _attention.record((query, key, value, bias, kept, factor, seeing))


def _for_each_head(x: Any, q: Any, who: str) -> Any:
    heads = unwrap(x).shape[-3] if unwrap(x).ndim > 2 else 0
    if q.ndim < 3 or not heads or q.shape[-3] % heads:
        raise InputError(
            f"{who}: the query's heads must be a multiple of the others', got {q.shape} and {unwrap(x).shape}"
        )
    return x if heads == q.shape[-3] else repeat_interleave(x, q.shape[-3] // heads, -3)

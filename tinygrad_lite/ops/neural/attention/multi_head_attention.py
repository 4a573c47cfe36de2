"""Multi-head attention with its projections, as PyTorch's function has it: all parameters are arguments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....engine.errors import InputError
from ....rules import unwrap, wrap
from ....tensors.row_types import Floating
from ....tensors.tensor_type import Tensor
from ...argument_names import built
from ...linalg.matmul import linear
from ...reduction.softmax import softmax
from ...reduction.sums import mean
from ...shape.cat_pad import cat, pad
from ...shape.split import chunk
from ..dropout import dropout
from .attention import additive, scaled_dot_product_attention

__all__ = ["multi_head_attention_forward"]
FUNCTIONAL = __all__

_WHO = "multi_head_attention_forward"


def _require(holds: bool, text: str) -> None:
    if not holds:
        raise InputError(f"{_WHO}: {text}")


def _additive(mask: Any, dtype: Any, name: str) -> Any:
    """A mask as numbers that are added to scores; here True says where *not* to look."""
    if mask is None:
        return None
    m = unwrap(mask)
    _require(m.dtype.kind in "bf", f"{name} must be bool or floating point, got {m.dtype}")
    if m.dtype.kind == "b":
        return wrap(additive(m, dtype, False))
    return mask if m.dtype == dtype else mask.to(dtype)


def _projected(query: Any, key: Any, value: Any, packed: Any, bias: Any, separate: Any) -> list[Any]:
    """Queries, keys and values; from one input by one product."""
    if separate is None:
        if query is key and key is value:
            return list(chunk(linear(query, packed, bias), 3, -1))
        separate = chunk(packed, 3)
    biases = (None,) * 3 if bias is None else chunk(bias, 3)
    return [linear(x, w, b) for x, w, b in zip((query, key, value), separate, biases)]


def _heads(x: Any, count: int, width: int) -> Any:
    """(L, N, E) as (N * heads, L, width)."""
    return x.reshape(unwrap(x).shape[0], count, width).transpose(0, 1)


def _merged(attn_mask: Any, padding: Any, heads: int, batch: int, rows: int, columns: int) -> Any:
    """Both masks as one of (N, heads, L, S), or of sizes 1 there."""
    if attn_mask is not None:
        shape = unwrap(attn_mask).shape
        _require(
            shape in ((rows, columns), (batch * heads, rows, columns)),
            f"attn_mask must have shape {(rows, columns)} or {(batch * heads, rows, columns)}, got {shape}",
        )
        attn_mask = attn_mask.reshape(*((1, 1) if len(shape) == 2 else (batch, heads)), rows, columns)
    if padding is None:
        return attn_mask
    shape = unwrap(padding).shape
    _require(shape == (batch, columns), f"key_padding_mask must have shape {(batch, columns)}, got {shape}")
    padding = padding.reshape(batch, 1, 1, columns)
    return padding if attn_mask is None else attn_mask + padding


def _longer(k: Any, v: Any, masks: list[Any], more_k: Any, more_v: Any, dim: int) -> tuple[Any, Any, list[Any]]:
    """One more key and value, which every query may look at."""
    return cat([k, more_k], dim), cat([v, more_v], dim), [m if m is None else pad(m, (0, 1)) for m in masks]


def multi_head_attention_forward(
    query: Floating,
    key: Any,
    value: Any,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Any,
    in_proj_bias: Any,
    bias_k: Any,
    bias_v: Any,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Any,
    out_proj_bias: Any,
    training: bool = True,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Any = None,
    k_proj_weight: Any = None,
    v_proj_weight: Any = None,
    static_k: Any = None,
    static_v: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Multi-head attention: projections in, attention of each head, projection out.

    Parameters
    ----------
    query : Tensor, shape (L, N, E) or (L, E), floating
    key, value : Tensor, shape (S, N, E) or (S, E)
    embed_dim_to_check : int
        E.
    num_heads : int
        A divisor of E.
    in_proj_weight : Tensor, shape (3 * E, E), optional
        Of the projections of query, key and value, one below the other.
    in_proj_bias : Tensor, shape (3 * E,), optional
    bias_k, bias_v : Tensor, shape (1, 1, E), optional
        One more key and value.
    add_zero_attn : bool
        One more key and value, of zeros.
    dropout_p : float
        The probability with which a weight is dropped in training.
    out_proj_weight : Tensor, shape (E, E)
    out_proj_bias : Tensor, shape (E,), optional
    training : bool
    key_padding_mask : Tensor, shape (N, S) or (S,), optional
        True where a key is to be ignored, or numbers that are added to the scores.
    need_weights : bool
        Return the weights of the heads, too.
    attn_mask : Tensor, shape (L, S) or (N * num_heads, L, S), optional
        True where a query may *not* look at a key, or numbers that are added to the scores.
    use_separate_proj_weight : bool
        Take the three weights that follow instead of `in_proj_weight`.
    q_proj_weight, k_proj_weight, v_proj_weight : Tensor, optional
    static_k, static_v : Tensor, shape (N * num_heads, S, E / num_heads), optional
        Keys and values of the heads, in place of the projected ones.
    average_attn_weights : bool
        Return the mean over the heads.
    is_causal : bool
        A promise that `attn_mask` is the causal one.

    Returns
    -------
    output : Tensor, shape (L, N, E) or (L, E)
    weights : Tensor, shape (N, L, S) or (L, S); with a dimension of heads before L if not averaged; or None

    Raises
    ------
    ValueError
        For shapes that do not fit.

    References
    ----------
    Vaswani et al., "Attention is all you need", 2017, section 3.2.2.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x, one = tg.ones(3, 2), tg.eye(2)
    >>> out, weights = tg.multi_head_attention_forward(
    ...     x, x, x, 2, 1, tg.cat([one, one, one]), None, None, None, False, 0.0, one, None)
    >>> out.shape, weights[0]
    ((3, 2), tensor([0.3333, 0.3333, 0.3333]))
    """
    batched = unwrap(query).ndim == 3
    _check_shapes(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    if is_causal:
        _require(attn_mask is not None, "attn_mask must be given where is_causal is set")
    if not batched:
        same, apart = query is key and key is value, query.unsqueeze(1)
        query, key, value = apart, apart if same else key.unsqueeze(1), apart if same else value.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, batch, size = unwrap(query).shape
    width, dtype = size // num_heads, unwrap(query).dtype
    masks = [_additive(attn_mask, dtype, "attn_mask"), _additive(key_padding_mask, dtype, "key_padding_mask")]
    separate = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else None
    needed = (in_proj_weight,) if separate is None else separate
    _require(all(w is not None for w in needed), "the weights of the projections must be given")
    q, k, v = _projected(query, key, value, in_proj_weight, in_proj_bias, separate)
    _require((bias_k is None) == (bias_v is None), "bias_k and bias_v must both be given or both be None")
    if bias_k is not None:
        _require(static_k is None and static_v is None, "bias_k cannot be added to static keys and values")
        k, v, masks = _longer(k, v, masks, bias_k.expand(1, batch, size), bias_v.expand(1, batch, size), 0)
    q = _heads(q, batch * num_heads, width)
    k = _heads(k, batch * num_heads, width) if static_k is None else static_k
    v = _heads(v, batch * num_heads, width) if static_v is None else static_v
    for name, x in (("static_k", k), ("static_v", v)):
        shape = unwrap(x).shape
        _require(shape[0] == batch * num_heads and shape[2] == width,
                 f"{name} must have shape ({batch * num_heads}, S, {width}), got {shape}")  # fmt: skip
    if add_zero_attn:
        zeros = wrap(built(np.zeros, (batch * num_heads, 1, width), dtype))
        k, v, masks = _longer(k, v, masks, zeros, zeros, 1)
    source = unwrap(k).shape[1]
    mask = _merged(masks[0], masks[1], num_heads, batch, length, source)
    q, k, v = (x.reshape(batch, num_heads, unwrap(x).shape[1], width) for x in (q, k, v))
    p = dropout_p if training else 0.0
    weights = None
    if need_weights:
        scores = (q * math.sqrt(1 / width)) @ k.transpose(-2, -1)
        weights = dropout(softmax(scores if mask is None else scores + mask, -1), p)
        out = weights @ v
    else:
        out = scaled_dot_product_attention(q, k, v, mask, p)
    out = linear(out.permute(2, 0, 1, 3).reshape(length, batch, size), out_proj_weight, out_proj_bias)
    if weights is not None and average_attn_weights:
        weights = mean(weights, 1)
    if batched:
        return out, weights
    return out.squeeze(1), None if weights is None else weights.squeeze(0)


def _check_shapes(query: Any, key: Any, value: Any, size: int, heads: int, separate: bool) -> None:
    q, k, v = unwrap(query).shape, unwrap(key).shape, unwrap(value).shape
    got = f"got {q}, {k} and {v}"
    _require(
        len(q) in (2, 3) and len(q) == len(k) == len(v), f"query, key and value must be (L, N, E) or (L, E), {got}"
    )
    _require(q[-1] == size, f"the query's last dimension must be embed_dim_to_check {size}, {got}")
    _require(heads >= 1 and size % heads == 0, f"num_heads must divide {size}, got {heads}")
    _require(k[:-1] == v[:-1] and (separate or k == v), f"key and value must agree in shape, {got}")
    _require(q[1:-1] == k[1:-1], f"query and key must have the same batch size, {got}")

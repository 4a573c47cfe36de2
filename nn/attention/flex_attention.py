"""`flex_attention`: attention whose scores a function changes, or a mask made by a function; in plain form."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import tinygrad_lite as tg
from tinygrad_lite import Tensor
from tinygrad_lite.engine.errors import InputError
from tinygrad_lite.ops.neural.native_names import _safe_softmax

__all__ = [
    "and_masks", "create_block_mask", "create_mask", "flex_attention",
    "noop_mask", "or_masks",
]  # fmt: skip

Mod = Callable[..., Any]


class AuxRequest(NamedTuple):
    """What is asked for beside the result."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """What was asked for: the logarithms of the rows' sums of exponentials, and their largest scores."""

    lse: Tensor | None = None
    max_scores: Tensor | None = None


def noop_mask(batch: Any, head: Any, token_q: Any, token_kv: Any) -> Tensor:
    """A mask that hides nothing."""
    return tg.ones((), dtype=tg.bool)


def _joined(masks: tuple[Mod, ...], how: Callable[[Any, Any], Any], who: str) -> Mod:
    if not masks or not all(callable(mask) for mask in masks):
        raise RuntimeError(f"{who}: all masks must be functions, got {masks}")

    def joined(b: Any, h: Any, q: Any, kv: Any) -> Any:
        found = masks[0](b, h, q, kv)
        for mask in masks[1:]:
            found = how(found, mask(b, h, q, kv))
        return found

    return joined


def and_masks(*mask_mods: Mod) -> Mod:
    """A mask that shows what all masks show."""
    return _joined(mask_mods, lambda one, other: one & other, "and_masks")


def or_masks(*mask_mods: Mod) -> Mod:
    """A mask that shows what any of the masks shows."""
    return _joined(mask_mods, lambda one, other: one | other, "or_masks")


def _places(B: int | None, H: int | None, Q: int, KV: int) -> tuple[Tensor, ...]:
    """The numbers of samples, heads, queries and keys, of shapes that broadcast to (B, H, Q, KV)."""
    sizes = (B or 1, H or 1, Q, KV)
    return tuple(tg.arange(n).reshape([n if i == d else 1 for i in range(4)]) for d, n in enumerate(sizes))


def create_mask(mod_fn: Mod, B: int | None, H: int | None, Q_LEN: int, KV_LEN: int, device: Any = None) -> Tensor:
    """A function's mask as a tensor.

    Parameters
    ----------
    mod_fn : callable
        ``mod_fn(b, h, q_idx, kv_idx)``, True where the key is seen. It gets tensors of all numbers that broadcast,
        where PyTorch's gets tensors without dimensions, one for each place.
    B, H : int, optional
        Samples and heads; 1 where the mask is the same for all.
    Q_LEN, KV_LEN : int
    device : "cpu", optional

    Returns
    -------
    Tensor, bool, shape (B, H, Q_LEN, KV_LEN)

    Examples
    --------
    >>> from tinygrad_lite.nn.attention.flex_attention import create_mask
    >>> create_mask(lambda b, h, q, kv: q >= kv, None, None, 2, 2)
    tensor([[[[ True, False],
              [ True,  True]]]])
    """
    tg.empty(0, device=device)
    found = mod_fn(*_places(B, H, Q_LEN, KV_LEN))
    return tg.as_tensor(found).bool().expand(B or 1, H or 1, Q_LEN, KV_LEN)


class BlockMask:
    """A mask made by `create_block_mask`, which computes nothing until attention asks for it.

    Parameters
    ----------
    mask_mod : callable
    shape : tuple of int
        (B, H, Q_LEN, KV_LEN).
    BLOCK_SIZE : tuple of two int
    """

    def __init__(self, mask_mod: Mod, shape: tuple[int, ...], BLOCK_SIZE: tuple[int, int]) -> None:
        self.mask_mod, self.shape, self.BLOCK_SIZE = mask_mod, tuple(shape), BLOCK_SIZE
        self.seq_lengths = self.shape[-2:]

    def to(self, *args: Any, **options: Any) -> BlockMask:
        """Itself: the CPU is where it is."""
        return self

    def size(self, dim: int | None = None) -> Any:
        """Its shape, or one of its sizes."""
        return self.shape if dim is None else self.shape[dim]

    def numel(self) -> int:
        """How many places there are."""
        return math.prod(self.shape)

    def to_dense(self) -> Tensor:
        """Which blocks have anything to show: 1 and 0, shape (B, H, blocks of queries, blocks of keys)."""
        B, H, Q, KV = self.shape
        q, kv = self.BLOCK_SIZE
        mask = create_mask(self.mask_mod, B, H, Q, KV)
        mask = tg.nn.functional.pad(mask.int(), (0, -KV % kv, 0, -Q % q))
        return mask.reshape(B, H, -(-Q // q), q, -(-KV // kv), kv).amax((3, 5))

    def sparsity(self) -> float:
        """The share of blocks, in per cent, that have nothing to show."""
        return 100 * (1 - self.to_dense().float().mean().item())


def create_block_mask(
    mask_mod: Mod,
    B: int | None,
    H: int | None,
    Q_LEN: int,
    KV_LEN: int,
    device: Any = None,
    BLOCK_SIZE: int | tuple[int, int] = 128,
    _compile: bool = False,
    **options: Any,
) -> BlockMask:
    """A function's mask for `flex_attention`.

    Parameters
    ----------
    mask_mod : callable
        See `create_mask`.
    B, H : int, optional
    Q_LEN, KV_LEN : int
    device : "cpu", optional
    BLOCK_SIZE : int or two of them
        What `BlockMask.to_dense` counts by; attention here has no blocks.
    _compile : bool
    **options
        PyTorch's others, for its kernels.

    Returns
    -------
    BlockMask

    Examples
    --------
    >>> from tinygrad_lite.nn.attention.flex_attention import create_block_mask
    >>> create_block_mask(lambda b, h, q, kv: q >= kv, None, None, 4, 4, BLOCK_SIZE=2).to_dense()
    tensor([[[[1, 0],
              [1, 1]]]], dtype=int32)
    """
    tg.empty(0, device=device)
    blocks = BLOCK_SIZE if isinstance(BLOCK_SIZE, tuple) else (BLOCK_SIZE, BLOCK_SIZE)
    return BlockMask(mask_mod, (B or 1, H or 1, Q_LEN, KV_LEN), blocks)


def flex_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    score_mod: Mod | None = None,
    block_mask: BlockMask | None = None,
    scale: float | None = None,
    enable_gqa: bool = False,
    return_lse: bool = False,
    kernel_options: Any = None,
    *,
    return_aux: AuxRequest | None = None,
) -> Any:
    r"""Attention :math:`\mathrm{softmax}(f(s q k^\top)) v`, with a function of the scores and a mask.

    Parameters
    ----------
    query : Tensor, shape (B, H, L, E), floating
    key : Tensor, shape (B, G, S, E)
        G is H, or divides it with `enable_gqa`.
    value : Tensor, shape (B, G, S, Ev)
    score_mod : callable, optional
        ``score_mod(score, b, h, q_idx, kv_idx)``, the score that counts. All scores come at once, with tensors of
        numbers that broadcast to their shape; PyTorch's gets one score at a time.
    block_mask : BlockMask, optional
        What `create_block_mask` makes. Rows that see nothing are 0.
    scale : float, optional
        Default: ``1 / sqrt(E)``.
    enable_gqa : bool
        Several heads of queries share one of keys.
    return_lse : bool
        Also the logarithms of the rows' sums of exponentials.
    kernel_options : optional
        For PyTorch's kernels.
    return_aux : AuxRequest, optional

    Returns
    -------
    Tensor, shape (B, H, L, Ev); with `return_lse` or `return_aux` a tuple

    Raises
    ------
    ValueError
        For shapes that do not fit.

    References
    ----------
    Dong, Feng, Guessous, Liang and He, "Flex Attention", 2024.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn.attention.flex_attention import flex_attention
    >>> x = tg.eye(2).reshape(1, 1, 2, 2)
    >>> flex_attention(x, x, x, lambda score, b, h, q, kv: tg.where(q >= kv, score, -float("inf")), scale=0.0)
    tensor([[[[1.0000, 0.0000],
              [0.5000, 0.5000]]]])
    """
    if not query.ndim == key.ndim == value.ndim == 4:
        raise InputError(
            f"flex_attention: query, key and value must have 4 dimensions, got shapes {tuple(query.shape)}, "
            f"{tuple(key.shape)} and {tuple(value.shape)}"
        )
    B, H, L, E = query.shape
    G, S = key.shape[1:3]
    if H != G:
        if not enable_gqa or H % G:
            raise InputError(f"flex_attention: heads of query and key must be as many, got {H} and {G}; see enable_gqa")
        key, value = key.repeat_interleave(H // G, 1), value.repeat_interleave(H // G, 1)
    scores = query @ key.transpose(-2, -1) * (1 / math.sqrt(E) if scale is None else scale)
    if score_mod is not None:
        scores = score_mod(scores, *_places(B, H, L, S))
    if block_mask is not None:
        if block_mask.shape[-2] < L or block_mask.shape[-1] < S:
            raise InputError(f"flex_attention: block_mask must be of at least {(L, S)}, got {block_mask.shape[-2:]}")
        mask = create_mask(block_mask.mask_mod, block_mask.shape[0], block_mask.shape[1], L, S)
        scores = tg.where(mask, scores, -math.inf)
    lse = tg.logsumexp(scores, -1)
    out = _safe_softmax(scores, -1).to(value.dtype) @ value
    if return_aux is not None:
        largest = scores.detach().amax(-1) if return_aux.max_scores else None
        return out, AuxOutput(lse if return_aux.lse else None, largest)
    return (out, lse) if return_lse else out

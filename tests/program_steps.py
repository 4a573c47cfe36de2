"""The instructions of random programs: a name, and what it does with a tensor and with choices of its own.

Each is a function ``(m, t, p)`` of the library, a tensor of the pool, and a `Pick` for other tensors, dimensions,
indices and options. Views share memory with `t`, writes change it, all others give a new tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from programs import Pick

Step = Callable[[Any, Any, "Pick"], Any]
NUMBERS = (-1.5, -0.25, 0.5, 2.0, 0, 3)
KINK = 0.0371  # not at 0, where last digits would decide


def broadcasts(*shapes: Sequence[int]) -> tuple[int, ...] | None:
    """The common shape, or None."""
    try:
        return np.broadcast_shapes(*map(tuple, shapes))
    except ValueError:
        return None


def shared(a: Any, b: Any) -> bool:
    """Whether two tensors of either library lie in the same memory."""
    return a is b or bool(np.may_share_memory(a.detach().numpy(), b.detach().numpy()))


# --- instructions of several lines ----------------------------------------------------------------------------


def indexed(t: Any, p: Pick, call: Callable[[int, int], Any]) -> Any:
    """Call with a dimension and its size."""
    dim = p.dim(t)
    return call(dim, p.size(t, dim))


def without(t: Any, dim: int) -> list[int]:
    return [n for i, n in enumerate(t.shape) if i != dim % max(t.ndim, 1)]


def product_partner(t: Any, p: Pick) -> Any:
    if not t.ndim:
        return p.tensor()
    n = t.shape[-1]
    return p.fitting(lambda u: u.ndim > 0 and u.dtype == t.dtype and u.shape[max(u.ndim - 2, 0)] == n
                     and broadcasts(u.shape[:-2], t.shape[:-2]) is not None)  # fmt: skip


def cat(m: Any, t: Any, p: Pick) -> Any:
    dim = p.dim(t)
    other = p.fitting(lambda u: u.ndim == t.ndim and without(u, dim) == without(t, dim))
    return m.cat([t, other, t][: p((2, 3, 1))], dim)


def basic(t: Any, p: Pick) -> tuple[Any, ...]:
    """A key that makes a view."""
    parts: list[Any] = []
    for n in t.shape:
        kind = p(("all", "slice", "slice", "int", "none", "dots"))
        if kind == "dots":
            return (*parts, ...)
        parts += [None] if kind == "none" else []
        ends = (None, 0, 1, -1, int(n), 2)
        parts.append(p.place(int(n)) if kind == "int" else slice(None) if kind == "all" else
                     slice(p(ends), p(ends), p((None, 2))))  # fmt: skip
    return (*parts, *[None] * p((0, 0, 1)))


def piece(t: Any, parts: Any, p: Pick) -> Any:
    """One of several views. PyTorch refuses writes near them, though they are views as others are; so make it one."""
    part = p(parts) if parts else t
    if part is not t and hasattr(part, "untyped_storage"):
        return t.as_strided(part.shape, part.stride(), part.storage_offset())
    return part


def requires_grad(t: Any, p: Pick) -> None:
    """Not of constants: in PyTorch their views claim to require grad too, and what was kept of them begins to."""
    if t.requires_grad:
        t.requires_grad_(p((True, False)))


def gather(m: Any, t: Any, p: Pick) -> Any:
    dim = p.dim(t)
    shape = [p(range(1, n + 1)) if n else 0 for n in t.shape]
    return m.gather(t, dim, p.integers(p.size(t, dim), shape, negative=False))


def along(m: Any, t: Any, p: Pick) -> Any:
    if not t.ndim or p.byte() % 4 == 3:
        return m.take_along_dim(t.contiguous(), p.integers(t.numel(), (2,), negative=False))
    dim = p.dim(t)
    shape = [2 if i == dim % t.ndim else p((1, n)) for i, n in enumerate(t.shape)]
    return m.take_along_dim(t, p.integers(p.size(t, dim), shape, negative=False), dim)


def along_dim(t: Any, p: Pick, name: str, repeats: bool = True) -> Any:
    """`index_add` and `index_copy`."""
    dim = p.dim(t)
    n, k = p.size(t, dim), p((1, 2, 3))
    k = k if repeats and n else min(k, n)
    shape = [k if i == dim % t.ndim else s for i, s in enumerate(t.shape)]
    return getattr(t, name)(dim, p.integers(n, (k,), repeats, negative=False), p.exact(t, shape))


def scattered(t: Any, p: Pick, name: str, repeats: bool = True) -> Any:
    """`scatter` and `scatter_add`."""
    dim = p.dim(t)
    n = p.size(t, dim)
    shape = [p(range(1, s + 1)) if s else 0 for s in t.shape]
    if repeats:
        index = p.integers(n, shape, negative=False)
    else:
        at = dim % max(t.ndim, 1)
        ones = [s if i == at else 1 for i, s in enumerate(shape)]
        index = p.integers(n, ones, repeats=False, negative=False).expand(shape)
    return getattr(t, name)(dim, index, p.exact(t, shape))


def put(t: Any, p: Pick, name: str) -> Any:
    accumulate = p((False, True))
    count = p((1, 2))
    if not t.ndim:
        return put(t.view(1), p, name)
    index = tuple(p.integers(int(n), (count,), accumulate or n < count) for n in t.shape[: p((1, 1, 2))])
    if not accumulate and any(n < count for n in t.shape[: len(index)]):
        accumulate = True
    return getattr(t, name)(index, p.exact(t, (count, *t.shape[len(index) :])), accumulate)


def masked_scatter(t: Any, p: Pick, name: str) -> Any:
    return getattr(t, name)(p.mask(t.shape[p((0, 1)) :]), as_tensor(t, p).expand(t.shape).clone())


def as_tensor(t: Any, p: Pick) -> Any:
    found = p.source(t)
    return found if hasattr(found, "detach") else p.m.tensor(found, dtype=t.dtype)


def setitem(t: Any, p: Pick) -> Any:
    key = p.key(t, write=True)
    t[key] = p.source(t, t.detach()[key].shape)


def item_iadd(t: Any, p: Pick) -> Any:
    """Nothing that requires grad is added to a constant: PyTorch then refuses to put back what is all of a view."""
    key = p.key(t, write=True)
    value = p.source(t, t.detach()[key].shape)
    t[key] += value if t.requires_grad or not hasattr(value, "detach") else value.detach()


# --- the table ------------------------------------------------------------------------------------------------

SMOOTH: dict[str, Step] = {  # new tensors, differentiable as often as one likes
    "neg": lambda m, t, p: -t, "sin": lambda m, t, p: t.sin(), "tanh": lambda m, t, p: m.tanh(t),
    "sigmoid": lambda m, t, p: t.sigmoid(), "square": lambda m, t, p: t**2, "bell": lambda m, t, p: (-t * t).exp(),
    "root": lambda m, t, p: (t * t + 1).sqrt(), "witch": lambda m, t, p: (t.square() + 0.5).reciprocal(),
    "softmax": lambda m, t, p: t.softmax(p.dim(t)), "logsumexp": lambda m, t, p: m.logsumexp(t, p.dim(t)),
    "cumsum": lambda m, t, p: t.cumsum(p.dim(t)), "cumprod": lambda m, t, p: t.cumprod(p.dim(t)),
    "add": lambda m, t, p: t + p.operand(t), "rsub": lambda m, t, p: p.operand(t) - t,
    "mul": lambda m, t, p: t * p.operand(t), "div": lambda m, t, p: t / (p.operand(t) ** 2 + 1),
    "atan2": lambda m, t, p: m.atan2(t, p.tensor().sum().to(t.dtype) ** 2 + 1),
    "lerp": lambda m, t, p: m.lerp(t, p.exact(t, t.shape), 0.3),
    "addcmul": lambda m, t, p: m.addcmul(t, p.like(t), p.like(t), value=0.5),
    "sum": lambda m, t, p: t.sum(p.dims(t), keepdim=p((False, True))) if p.byte() % 4 else t.sum(),
    "mean": lambda m, t, p: t.mean(p.dims(t), keepdim=p((False, True))),
    "prod": lambda m, t, p: t.prod(p.dim(t), keepdim=p((False, True))) if p.byte() % 4 else t.prod(),
    "var": lambda m, t, p: m.var(t, p.dims(t), correction=0, keepdim=p((False, True))),
    "matmul": lambda m, t, p: t @ product_partner(t, p),
    "outer": lambda m, t, p: m.outer(t.ravel(), p.tensor().ravel()[:2].to(t.dtype)),
    "einsum": lambda m, t, p: m.einsum("...i,i->...", t, p.fitting(lambda u: u.shape == t.shape[-1:]).to(t.dtype)),
    "cat": lambda m, t, p: cat(m, t, p),
    "stack": lambda m, t, p: m.stack([t, p.fitting(lambda u: u.shape == t.shape)], p.dim(t, 1)),
    "where": lambda m, t, p: m.where(p.mask(t.shape), t, p.operand(t)),
    "getitem": lambda m, t, p: t[p.key(t)],
    "gather": lambda m, t, p: gather(m, t, p), "take_along_dim": lambda m, t, p: along(m, t, p),
    "index_select": lambda m, t, p: indexed(t, p, lambda d, n: t.index_select(d, p.integers(n, (2,), negative=False))),
    "take": lambda m, t, p: t.take(p.integers(t.numel(), (2, 2))),
    "masked_select": lambda m, t, p: t.masked_select(p.mask(t.shape[-1:])),
    "masked_fill": lambda m, t, p: t.masked_fill(p.mask(t.shape), p((0.5, -2))),
    "flip": lambda m, t, p: t.flip(p.some(range(t.ndim))), "roll": lambda m, t, p: t.roll(p((1, -1, 2)), p.dim(t)),
    "repeat": lambda m, t, p: t.repeat([2] * p((0, 0, 1)) + [p((1, 1, 2)) for _ in range(t.ndim)]),
    "repeat_interleave": lambda m, t, p: t.repeat_interleave(p((1, 2)), p.dim(t) if t.ndim else None),
    "tril": lambda m, t, p: t.tril(p((0, 1, -1))), "diff": lambda m, t, p: t.diff(dim=p.dim(t)),
    "diag_embed": lambda m, t, p: m.diag_embed(t, p((0, 1, -1))),
    "select_scatter": lambda m, t, p: indexed(
        t, p, lambda d, n: m.select_scatter(t.contiguous(), p.exact(t, without(t, d)), d, p.place(n))
    ),
    "diagonal_scatter": lambda m, t, p: m.diagonal_scatter(t.contiguous(), p.exact(t, t.diagonal().shape)),
    "clone": lambda m, t, p: t.clone(),
    "detach": lambda m, t, p: t.detach(),
    "contiguous": lambda m, t, p: t.contiguous(),
    "fresh": lambda m, t, p: m.zeros(tuple(t.shape), dtype=t.dtype),
}  # fmt: skip

VIEWS: dict[str, Step] = {
    "slice": lambda m, t, p: t[basic(t, p)],
    "view": lambda m, t, p: t.view(p.shape_of(t.numel())), "reshape": lambda m, t, p: t.reshape(p.shape_of(t.numel())),
    "flatten": lambda m, t, p: t.flatten(p.dim(t), p.dim(t)), "ravel": lambda m, t, p: t.ravel(),
    "transpose": lambda m, t, p: t.transpose(p.dim(t), p.dim(t)),
    "permute": lambda m, t, p: t.permute(p.some(range(t.ndim), t.ndim)), "mT": lambda m, t, p: t.mT,
    "movedim": lambda m, t, p: t.movedim(p.dim(t), p.dim(t)),
    "expand": lambda m, t, p: t.expand([2] * p((0, 1)) + [p((-1, -1, 2)) if n == 1 else n for n in t.shape]),
    "unsqueeze": lambda m, t, p: t.unsqueeze(p.dim(t, 1)),
    "squeeze": lambda m, t, p: t.squeeze(p.dim(t)) if p.byte() % 2 else t.squeeze(),
    "narrow": lambda m, t, p: indexed(t, p, lambda d, n: t.narrow(d, p.place(n), p((1, 1, 2, 0)))),
    "select": lambda m, t, p: indexed(t, p, lambda d, n: t.select(d, p.place(n))),
    "diagonal": lambda m, t, p: t.diagonal(p((0, 1, -1)), p.dim(t), p.dim(t)),
    "unfold": lambda m, t, p: t.unfold(p.dim(t), p((1, 2, 0)), p((1, 2))),
    "split": lambda m, t, p: piece(t, t.split(p((1, 2)), p.dim(t)), p),
    "chunk": lambda m, t, p: piece(t, t.chunk(p((2, 1, 3)), p.dim(t)), p),
    "unbind": lambda m, t, p: piece(t, t.unbind(p.dim(t)), p),
    "tensor_split": lambda m, t, p: piece(t, t.tensor_split(p((2, 3, (1,))), p.dim(t)), p),
    "view_as": lambda m, t, p: t.view_as(p.fitting(lambda u: u.numel() == t.numel())),
    "expand_as": lambda m, t, p: t.expand_as(p.fitting(lambda u: broadcasts(t.shape, u.shape) == tuple(u.shape))),
}  # fmt: skip

ROUGH: dict[str, Step] = {  # with kinks, or between dtypes
    "abs": lambda m, t, p: (t - KINK).abs(), "relu": lambda m, t, p: (t - KINK).relu(),
    "sign": lambda m, t, p: (t.nan_to_num() - KINK).sign(),  # PyTorch has 0 for NaN
    "clamp": lambda m, t, p: t.clamp(-0.31, p((0.41, None))), "maximum": lambda m, t, p: m.maximum(t, p.like(t)),
    "minimum": lambda m, t, p: m.minimum(t, p.like(t)),
    "amax": lambda m, t, p: t.amax(p.dims(t) or (), keepdim=p((False, True))),
    "amin": lambda m, t, p: t.amin(p.dims(t) or ()),
    "max": lambda m, t, p: t.max() if p.byte() % 2 else t.max(p.dim(t))[0],
    "sort": lambda m, t, p: t.sort(p.dim(t))[0], "compare": lambda m, t, p: m.where(t > KINK, t * 2, p.operand(t)),
    "float": lambda m, t, p: t.float(), "double": lambda m, t, p: t.double(),
    "index_add": lambda m, t, p: along_dim(t, p, "index_add"),
    "index_copy": lambda m, t, p: along_dim(t, p, "index_copy", repeats=False),
    "scatter": lambda m, t, p: scattered(t, p, "scatter", repeats=False),
    "scatter_add": lambda m, t, p: scattered(t, p, "scatter_add"),
    "index_put": lambda m, t, p: put(t, p, "index_put"),
    "masked_scatter": lambda m, t, p: masked_scatter(t, p, "masked_scatter"),
    "leaf": lambda m, t, p: t.detach().requires_grad_(),
    "own_leaf": lambda m, t, p: t.detach().contiguous().clone().requires_grad_(),
}  # fmt: skip

WRITES: dict[str, Step] = {  # to `t`; what they return is `t` again, or nothing
    "add_": lambda m, t, p: t.add_(p.source(t), alpha=p((1, 2))), "sub_": lambda m, t, p: t.sub_(p.source(t)),
    "mul_": lambda m, t, p: t.mul_(p.source(t)), "div_": lambda m, t, p: t.div_(p((2.0, -4.0))),
    "pow_": lambda m, t, p: t.pow_(p((2, 3, 1))),
    "addcmul_": lambda m, t, p: t.addcmul_(p.exact(t, t.shape), p.exact(t, t.shape)),
    "lerp_": lambda m, t, p: t.lerp_(p.exact(t, t.shape), 0.25), "copy_": lambda m, t, p: t.copy_(as_tensor(t, p)),
    "fill_": lambda m, t, p: t.fill_(p(NUMBERS)), "fill_tensor": lambda m, t, p: t.fill_(p.tensor().sum()),
    "zero_": lambda m, t, p: t.zero_(),
    "sin_": lambda m, t, p: t.sin_(), "tanh_": lambda m, t, p: t.tanh_(), "neg_": lambda m, t, p: t.neg_(),
    "sigmoid_": lambda m, t, p: t.sigmoid_(), "abs_": lambda m, t, p: t.abs_(), "relu_": lambda m, t, p: t.relu_(),
    "clamp_": lambda m, t, p: t.clamp_(-0.31, p((0.41, None))), "tril_": lambda m, t, p: t.tril_(p((0, 1))),
    "masked_fill_": lambda m, t, p: t.masked_fill_(p.mask(t.shape[p((0, 1)):]), p((0.5, -2))),
    "cumsum_": lambda m, t, p: t.cumsum_(p.dim(t)), "fill_diagonal_": lambda m, t, p: t.fill_diagonal_(0.75),
    "index_add_": lambda m, t, p: along_dim(t, p, "index_add_"),
    "index_copy_": lambda m, t, p: along_dim(t, p, "index_copy_", repeats=False),
    "index_fill_": lambda m, t, p: indexed(
        t, p, lambda d, n: t.index_fill_(d, p.integers(n, (2,), negative=False), 0.3)
    ),
    "scatter_": lambda m, t, p: scattered(t, p, "scatter_", repeats=False),
    "scatter_add_": lambda m, t, p: scattered(t, p, "scatter_add_"),
    "index_put_": lambda m, t, p: put(t, p, "index_put_"),
    "masked_scatter_": lambda m, t, p: masked_scatter(t, p, "masked_scatter_"),
    "setitem": lambda m, t, p: setitem(t, p), "setitem+": lambda m, t, p: setitem(t, p),
    "item_iadd": lambda m, t, p: item_iadd(t, p), "iadd": lambda m, t, p: t.__iadd__(p.source(t)),
    "imul": lambda m, t, p: t.__imul__(p.source(t)),
    "requires_grad_": lambda m, t, p: requires_grad(t, p),
}  # fmt: skip

TABLE = {**SMOOTH, **VIEWS, **ROUGH, **WRITES}
NAMES = {"smooth": [*SMOOTH, *VIEWS, *VIEWS], "all": [*SMOOTH, *ROUGH, *VIEWS, *VIEWS, *WRITES, *WRITES, "grad_mode"]}

"""`cat`, `stack`, `pad`: joining, and padding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import promotion, rules
from ...engine.errors import InputError
from ...rules import FAST, TABLE, Tensor, differentiable, unwrap
from ..argument_names import numpy_names, one_dim, sizes
from .stencil import Stencil, along, remembered

__all__ = ["cat", "concat", "concatenate", "pad", "stack"]
FUNCTIONAL = "pad"
__all__ += ["_chunk_cat"]  # PyTorch's name within

# --- rows -------------------------------------------------------------------------------------------------------


def common_dtype(arrays: Sequence[Any]) -> Any:
    """The dtype of arrays joined."""
    dtypes = {a.dtype for a in arrays}
    if len(dtypes) == 1:
        return dtypes.pop()
    return promotion.common(arrays)


def _cut(g: Any, shapes: Any, axis: int) -> list[Any]:
    pieces, start = [], 0
    before = (slice(None),) * (axis % len(shapes[0]))
    for shape in shapes:
        stop = start + shape[axis]
        pieces.append(g[(*before, slice(start, stop))])
        start = stop
    return pieces


def _uncat(g: Any, arrays_shape: Any, axis: int | None) -> list[Any]:
    if axis is None:
        flat = _cut(g, [(math.prod(s),) for s in arrays_shape], 0)
        return [np.reshape(p, s) for p, s in zip(flat, arrays_shape)]
    return _cut(g, arrays_shape, axis)


@differentiable(arrays=_uncat, numpy=np.concatenate, name="cat", complex=True, contiguous=True)
def _concatenate(arrays: Any, axis: int | None = 0, dtype: Any = None) -> Any:
    return np.concatenate(arrays, axis, dtype=common_dtype(arrays) if dtype is None else dtype)


if hasattr(np, "concat"):
    TABLE[np.concat] = _concatenate


def _unstack(g: Any, arrays_shape: Any, axis: int) -> list[Any]:
    before = (slice(None),) * (axis % g.ndim)
    return [g[(*before, i)] for i in range(len(arrays_shape))]


@differentiable(arrays=_unstack, numpy=np.stack, name="stack", complex=True, contiguous=True)
def _stack(arrays: Any, axis: int = 0, dtype: Any = None) -> Any:
    dtype, first = common_dtype(arrays) if dtype is None else dtype, arrays[0]
    if axis == 0 and first.ndim and len({a.shape for a in arrays}) == 1:  # a third of the time
        return np.concatenate(arrays, dtype=dtype).reshape(len(arrays), *first.shape)
    if len({a.shape for a in arrays}) > 1 or axis < 0:
        return np.stack(arrays, axis, dtype=dtype)
    place = (slice(None),) * axis + (None,)  # np.stack makes it of more general parts
    return np.concatenate([a[place] for a in arrays], axis, dtype=dtype)


def _crop(g: Any, array_shape: tuple[int, ...], pad_width: Any) -> Any:
    return g[tuple([slice(before, before + n) for n, (before, _) in zip(array_shape, pad_width)])]


@differentiable(array=_crop, name="pad", complex=True)
def _pad(array: Any, pad_width: tuple[tuple[int, int], ...], value: float) -> Any:
    out = np.full([n + a + b for n, (a, b) in zip(array.shape, pad_width)], value, array.dtype)
    _crop(out, array.shape, pad_width)[...] = array
    return out


# --- NumPy functions made of these ------------------------------------------------------------------------------


def _np_pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: float = 0) -> Any:
    if np.ndim(constant_values) or (mode != "constant" and mode not in _REPEATING):
        raise NotImplementedError(f"np.pad: no gradient with mode={mode!r} and constant_values={constant_values}")
    pairs = tuple((int(a), int(b)) for a, b in np.broadcast_to(pad_width, (array.ndim, 2)))
    return _pad.record((array, pairs, constant_values)) if mode == "constant" else _pad_by_index(array, pairs, mode)


_REPEATING = ("edge", "reflect", "symmetric", "wrap")  # NumPy's modes that pad with entries, and not with new numbers
FAST[np.pad] = _np_pad


# --- PyTorch's face ---------------------------------------------------------------------------------------------


def _parts(tensors: Any, who: str) -> tuple[Any, ...]:
    if isinstance(tensors, rules.Tensor):  # its rows, which would be joined as they are
        raise TypeError(f"{who}: expected a sequence of Tensors, got one Tensor; unbind() or flatten it "
                        f"(the argument must be tuple of Tensors, not Tensor)")  # fmt: skip
    parts = tuple(tensors)
    if not parts:
        raise InputError(
            f"{who}: expected a non-empty sequence of Tensors, got none ({who} expects a non-empty TensorList)"
        )
    for part in parts:
        if type(part) is not Tensor and not isinstance(unwrap(part), np.ndarray):
            raise TypeError(f"{who}: expected a sequence of Tensors, got {type(part).__name__} in it")
    return parts


@numpy_names
def cat(tensors: Sequence[Any], dim: int = 0) -> Tensor:
    """Join along an existing dimension.

    Parameters
    ----------
    tensors : sequence of Tensor
        Equal in all dimensions but `dim`. Those of shape (0,) are left out, as in PyTorch.
    dim : int

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        For shapes that do not fit, and for an empty sequence.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.cat([tg.tensor([1, 2]), tg.tensor([3])])
    tensor([1, 2, 3])
    """
    parts = _parts(tensors, "cat")
    shape = next((s for s in (unwrap(p).shape for p in parts) if s != (0,)), (0,))
    if shape == (0,):
        dim = 0  # they have no place among the others, whatever the dimension
    dim = one_dim(dim, len(shape), "cat")
    if len({p.ndim for p in parts}) > 1:  # those have a say in the dtype, and a gradient
        none = (*shape[:dim], 0, *shape[dim + 1 :])
        parts = tuple([p.reshape(none) if unwrap(p).shape == (0,) else p for p in parts])
    try:
        return _concatenate.record((parts, dim, None))
    except ValueError:  # NumPy's, or what it is told as
        shapes = dict.fromkeys(unwrap(p).shape for p in parts)
        if len({(*s[:dim], *s[dim + 1 :]) for s in shapes}) == 1:
            raise
    raise InputError(f"cat: the tensors must have the same sizes but in dimension {dim}, got shapes "
                     f"{' and '.join(map(str, shapes))} "
                     f"(Sizes of tensors must match except in dimension {dim})")  # fmt: skip


concat = concatenate = cat


@numpy_names
def stack(tensors: Sequence[Any], dim: int = 0) -> Tensor:
    """Join along a new dimension.

    Parameters
    ----------
    tensors : sequence of Tensor, of equal shapes
    dim : int
        Where the new dimension will be.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        For shapes that differ, and for an empty sequence.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.stack([tg.tensor([1, 2]), tg.tensor([3, 4])], dim=1)
    tensor([[1, 3],
            [2, 4]])
    """
    parts = _parts(tensors, "stack")
    shapes = {p.shape for p in parts}
    if len(shapes) > 1:
        raise InputError(f"stack: all shapes must be equal, got {', '.join(map(str, sorted(shapes)))}")
    return _stack.record((parts, one_dim(dim, parts[0].ndim + 1, "stack"), None))


_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}  # PyTorch's name, NumPy's name


@remembered
def _repeating(size: int, before: int, after: int, mode: Any) -> Stencil:
    """Which entry each result repeats: an index that NumPy has padded."""
    index = np.pad(np.arange(size), (before, after), mode)
    return Stencil(size, np.ones_like(index), index, 1.0)


def _pad_by_index(input: Any, pairs: tuple[tuple[int, int], ...], mode: str) -> Any:
    """Padding that repeats entries, along one dimension after the other; never the input itself."""
    if not any(map(any, pairs)):
        return _pad.record((input, pairs, 0))
    for dim, (before, after) in enumerate(pairs):
        if before or after:
            input = along.record((input, _repeating(unwrap(input).shape[dim], before, after, mode), dim))
    return input


def pad(input: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Add to the ends of dimensions, or take away from them.

    Parameters
    ----------
    input : Tensor
    pad : sequence of int
        PyTorch's order: a pair for each dimension, the last dimension first, ``(left, right, top, bottom, ...)``.
        Negative widths crop.
    mode : "constant", "reflect", "replicate" or "circular"
        For any dimension, where PyTorch wants the last ones.
    value : float, optional
        What is added by "constant". Default: 0.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        For widths that do not fit the input, and another mode.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.pad(tg.tensor([1.0, 2.0, 3.0]), (1, 2))
    tensor([0., 1., 2., 3., 0., 0.])
    >>> tg.pad(tg.tensor([1.0, 2.0, 3.0]), (1, -1), mode="reflect")
    tensor([2., 1., 2.])
    """
    shape, widths = unwrap(input).shape, sizes((pad,), "pad")
    if len(widths) % 2 or len(widths) > 2 * len(shape):
        raise InputError(f"pad: must hold a pair for at most {len(shape)} dimensions, got {widths}")
    if mode != "constant" and mode not in _MODES:
        raise InputError(f"pad: mode must be 'constant', {', '.join(map(repr, _MODES))}, got {mode!r}")
    if mode != "constant" and value is not None:
        raise InputError(f"pad: mode {mode!r} takes no value, got {value}")
    pairs = [(0, 0)] * (len(shape) - len(widths) // 2)
    pairs += [(widths[i], widths[i + 1]) for i in range(len(widths) - 2, -2, -2)]
    wide = tuple([(max(a, 0), max(b, 0)) for a, b in pairs])
    limit = {"reflect": 1, "circular": 0}.get(mode)
    for n, (a, b) in zip(shape, pairs):
        least = 1 if mode == "circular" and max(a, b) > 0 else 0
        if n + min(a, 0) + min(b, 0) < least or (limit is not None and max(a, b, 0) > max(n - limit, 0)):
            raise InputError(f"pad: widths for mode {mode!r} must fit shape {shape}, got {widths}")
    if mode == "circular" and wide != tuple(pairs):  # what is cut off is no part of the circle
        kept = input[tuple([slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(shape, pairs)])]
        return _pad_by_index(kept.contiguous(), wide, _MODES[mode])
    if mode == "constant":
        out = _pad.record((input, wide, 0 if value is None else promotion.held(value, unwrap(input).dtype, "pad")))
    else:
        out = _pad_by_index(input, wide, _MODES[mode])
    if wide == tuple(pairs):
        return out
    return out[tuple([slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(unwrap(out).shape, pairs)])].contiguous()


def _chunk_cat(tensors: Sequence[Any], dim: int, num_chunks: int) -> Tensor:
    """Each tensor cut along `dim` into chunks, the last filled up with zeros; chunks with the same number joined.

    Parameters
    ----------
    tensors : sequence of Tensor, equal in shape before `dim`
    dim : int
    num_chunks : int

    Returns
    -------
    Tensor, shape (*before, num_chunks, entries of a chunk of each)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg._chunk_cat([tg.tensor([1, 2, 3]), tg.tensor([4, 5])], 0, 2)
    tensor([[1, 2, 4],
            [3, 0, 5]])
    """
    if num_chunks < 1:
        raise InputError(f"_chunk_cat: num_chunks must be positive, got {num_chunks}")
    rows = []
    for x in tensors:
        shape = unwrap(x).shape
        axis = one_dim(dim, len(shape), "_chunk_cat")
        behind = (0, 0) * (len(shape) - 1 - axis)
        rows.append(pad(x, (*behind, 0, -shape[axis] % num_chunks)).reshape(*shape[:axis], num_chunks, -1))
    return cat(rows, -1)

"""Rows of a table by their numbers: one each, or bags of them reduced to one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.errors import DtypeError, InputError, PaddingError, RangeError, UnsupportedError
from ...graph import written
from ...kernels.loops import scatter
from ...kernels.single_precision import rounded_once
from ...rules import differentiable, unwrap, wrap
from ...tensors.row_types import Floating
from ...tensors.tensor_type import Tensor
from ..creation.arange_eye import arange
from ..indexing.index import index_sum, take
from ..pointwise.clamp_round_where import masked

__all__: list[str] = []  # at the top level they are in `toplevel_names`
FUNCTIONAL = ["embedding", "embedding_bag"]


# --- rows -------------------------------------------------------------------------------------------------------


def _table(g: Any, weight_shape: Any, index: Any, factors: Any) -> Any:
    if factors is not None:
        scale = np.asarray(factors, g.dtype)[..., None]
        g = masked(g * scale, scale != 0)  # a padding row's gradient is 0, and not 0 * inf
    if type(g) is not np.ndarray:
        return index_sum(g, weight_shape, (index,))
    out = np.zeros(weight_shape, g.dtype)
    values = np.ascontiguousarray(g).reshape(1, index.size, weight_shape[1])
    scatter.scatter_add(out[None], index.reshape(-1).astype(np.intp, copy=False), values)
    return out


@differentiable(weight=_table, name="embedding")
def _embedding(weight: Any, index: Any, factors: Any) -> Any:
    """Rows of a table; `factors`, for each place or None, scale the gradients."""
    return scatter.rows_at(weight, index)


def _checked(input: Any, weight: Any, padding_idx: int | None, who: str) -> tuple[Any, int | None]:
    """The indices as an array, and the row that counts for nothing, counted from the front."""
    index, w = np.asarray(unwrap(input)), unwrap(weight)
    if index.dtype.kind not in "iu":
        raise DtypeError(f"{who}: input must hold integers, got {index.dtype}")
    if w.ndim != 2:
        raise InputError(
            f"{who}: weight must have shape (number of rows, features), got {w.shape} ('weight' must be 2-D)"
        )
    count = len(w)
    if index.size and (index.min() < 0 or index.max() >= count):
        words = "index out of range in self" if who == "embedding" else "Expected idx >= 0 && idx < num_embeddings"
        raise RangeError(f"{who}: {words}: indices must be in [0, {count - 1}], got {index.min()} to {index.max()}")
    if padding_idx is not None:
        if not -count <= padding_idx < count:
            raise PaddingError(
                f"{who}: padding_idx must be within the number of embeddings, in [{-count}, {count - 1}], "
                f"got {padding_idx}"
            )
        padding_idx %= count
    return index, padding_idx


def renormalize(weight: Any, index: Any, max_norm: float, norm_type: float, who: str) -> None:
    """Shorten, in place, the rows that are used and too long."""
    w, used = unwrap(weight), np.unique(index)
    chosen = w[used]
    norms = np.linalg.norm(chosen.astype(np.result_type(chosen, np.float32)), norm_type, axis=1)
    long = norms > max_norm
    w[used[long]] = chosen[long] * (max_norm / (norms[long] + 1e-7))[:, None].astype(w.dtype)
    written(w, who, 4)


def _frequencies(index: Any, count: int) -> Any:
    """For each place, 1 over how often its index occurs."""
    return 1 / np.bincount(index.reshape(-1), minlength=count)[index]


def factors_of(index: Any, padding: int | None, count: int | None) -> Any:
    """What the gradient at each place is multiplied with: nothing at `padding`, less for frequent ones of `count`."""
    factors = None if count is None else _frequencies(index, count)
    if padding is None:
        return factors
    used = index != padding
    return used if factors is None else factors * used


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Rows of a table by their numbers.

    Parameters
    ----------
    input : Tensor, any shape, integer
        Numbers of rows.
    weight : Tensor, shape (V, D), floating or integer
    padding_idx : int, optional
        A row that gets no gradient.
    max_norm : float, optional
        Rows that are used and longer than that are shortened to it, in place.
    norm_type : float
        Of that norm.
    scale_grad_by_freq : bool
        Divide the gradient of a row by how often it is used.
    sparse : bool
        Without effect: gradients are dense.

    Returns
    -------
    Tensor, shape (*input.shape, D)

    Raises
    ------
    IndexError
        For a number that is no row's.
    TypeError
        For numbers that are no integers.
    ValueError
        For a weight of another number of dimensions, and a padding row that does not exist.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.nn.functional.embedding(tg.tensor([2, 0]), tg.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]))
    tensor([[4., 5.],
            [0., 1.]])
    """
    index, padding = _checked(input, weight, padding_idx, "embedding")
    if max_norm is not None:
        renormalize(weight, index, max_norm, norm_type, "embedding")
    count = len(unwrap(weight)) if scale_grad_by_freq else None
    factors = None if count is None and padding_idx is None else factors_of(index, padding, count)
    return _embedding.record((weight, index, factors))


# --- bags -------------------------------------------------------------------------------------------------------


def bags_of(index: Any, offsets: Any, include_last: bool) -> tuple[Any, Any, int]:
    """The indices in one row, the bag of each, and how many bags there are."""
    if index.ndim == 2:
        if offsets is not None:
            raise InputError("embedding_bag: offsets must be None where input has 2 dimensions")
        return index.reshape(-1), np.repeat(np.arange(len(index)), index.shape[1]), len(index)
    if index.ndim != 1:
        raise InputError(f"embedding_bag: input must have 1 or 2 dimensions, got shape {index.shape}")
    if offsets is None:
        raise InputError("embedding_bag: offsets must be given where input has 1 dimension")
    starts = np.asarray(unwrap(offsets))
    if starts.ndim != 1 or starts.dtype.kind not in "iu":
        raise InputError(f"embedding_bag: offsets must be integers of 1 dimension, got {starts.dtype} {starts.shape}")
    if include_last and not len(starts):
        raise InputError("embedding_bag: include_last_offset needs at least 1 offset")
    if len(starts) and (starts[0] != 0 or starts[-1] > len(index) or (np.diff(starts) < 0).any()):
        raise InputError(f"embedding_bag: offsets must rise from 0 to at most {len(index)}, got {starts.tolist()}")
    ends = starts[1:] if include_last else np.append(starts[1:], len(index))
    lengths = ends - starts[: len(ends)]
    return index[: lengths.sum()], np.repeat(np.arange(len(ends)), lengths), len(ends)


def bags_of_some(index: Any, offsets: Any) -> tuple[Any, Any, int]:
    """As `bags_of`, up to the last offset, which may be before the last index."""
    return bags_of(index, offsets, True)


def without_padding(padding: int, index: Any, bag: Any, *others: Any) -> list[Any]:
    """The indices that are not padding, their bags, and what else is given for each."""
    used = np.flatnonzero(index != padding)
    return [None if each is None else each[used] for each in (index, bag, *others)] + [used]


def one_over_sizes(bag: Any, count: int, dtype: Any) -> Any:
    """1 over the number of entries of each bag, in a column."""
    return (1 / np.maximum(np.bincount(bag, minlength=count), 1))[:, None].astype(dtype)


def first_largest(values: Any, bag: Any) -> tuple[Any, Any]:
    """Where the largest entry of each column stands in each bag that is not empty, and which bags these are."""
    values = unwrap(values)
    filled, starts = np.unique(bag, return_index=True)
    top = np.maximum.reduceat(values, starts, axis=0) if len(starts) else values
    which = np.repeat(np.arange(len(filled)), np.diff(np.append(starts, len(bag))))
    reached = (values == top[which]) | (values != values)  # a NaN is the largest
    place = np.where(reached, np.arange(len(bag))[:, None], len(bag))
    first = np.minimum.reduceat(place, starts, axis=0) if len(starts) else place
    return np.minimum(first, len(bag) - 1), filled


def _largest(rows: Any, bag: Any, count: int) -> Any:
    """The largest entry of each column in each bag, the first where several are or NaN; 0 for an empty bag."""
    features = unwrap(rows).shape[1]
    first, filled = first_largest(rows, bag)
    chosen = take(rows, (wrap(first), arange(features)))
    return index_sum(chosen, (count, features), (wrap(filled),))


@rounded_once
def _mean_of_bags(rows: Any, bag: Any, count: int) -> Any:
    total = index_sum(rows, (count, unwrap(rows).shape[1]), (bag,))
    return total * wrap(one_over_sizes(bag, count, unwrap(rows).dtype))


def embedding_bag(
    input: Any,
    weight: Floating,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Sums, means or maxima of bags of rows of a table; of an empty bag, zeros.

    Parameters
    ----------
    input : Tensor, shape (B, L) or (N,), integer
        Numbers of rows: a bag a row, or one bag after the other.
    weight : Tensor, shape (V, D), floating
    offsets : Tensor, shape (B,), integer
        Where each bag begins in an input of 1 dimension.
    max_norm : float, optional
        Rows that are used and longer than that are shortened to it, in place.
    norm_type : float
        Of that norm.
    scale_grad_by_freq : bool
        Divide the gradient of a row by how often it is used.
    mode : "sum", "mean" or "max"
    sparse : bool
        Without effect: gradients are dense.
    per_sample_weights : Tensor, of the input's shape, optional
        Factors of the rows; for sums only.
    include_last_offset : bool
        The last offset is the end of the last bag, whatever comes after it. PyTorch counts what comes after it for
        some dtypes and modes.
    padding_idx : int, optional
        A row that counts for nothing, and gets no gradient.

    Returns
    -------
    Tensor, shape (B, D)

    Raises
    ------
    IndexError
        For a number that is no row's.
    ValueError
        For shapes that do not fit, offsets that do not rise from 0, another mode, and weights outside of sums.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> table = tg.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    >>> tg.nn.functional.embedding_bag(tg.tensor([0, 2, 1]), table, tg.tensor([0, 2]), mode="sum")
    tensor([[4., 6.],
            [2., 3.]])
    """
    if mode not in ("sum", "mean", "max"):
        raise InputError(f"embedding_bag: mode must be 'sum', 'mean' or 'max', got {mode!r}")
    index, padding = _checked(input, weight, padding_idx, "embedding_bag")
    if per_sample_weights is not None:
        if unwrap(per_sample_weights).dtype != unwrap(weight).dtype:
            raise DtypeError(
                f"embedding_bag: per_sample_weights must have the same type as weight, {unwrap(weight).dtype}, "
                f"got {unwrap(per_sample_weights).dtype}"
            )
        if mode != "sum":
            raise UnsupportedError(f"embedding_bag: per_sample_weights are for mode 'sum', got {mode!r}")
        if unwrap(per_sample_weights).shape != index.shape:
            raise InputError(
                f"embedding_bag: per_sample_weights must have the same shape as the input, {index.shape}, "
                f"got {unwrap(per_sample_weights).shape}"
            )
    index, bag, count = bags_of_some(index, offsets) if include_last_offset else bags_of(index, offsets, False)
    shape = unwrap(weight).shape
    if max_norm is not None:
        renormalize(weight, index, max_norm, norm_type, "embedding_bag")
    factors = _frequencies(index, shape[0]) if scale_grad_by_freq else None
    each = None if per_sample_weights is None else per_sample_weights.reshape(-1)[: len(index)]
    if padding is not None:
        index, bag, factors, used = without_padding(padding, index, bag, factors)
        each = None if each is None else each[wrap(used)]
    rows = _embedding.record((weight, index, factors))
    if mode == "max":
        return _largest(rows, bag, count)
    if each is not None:
        rows = rows * each.unsqueeze(-1)
    if mode == "sum":
        return index_sum(rows, (count, shape[1]), (bag,))
    return _mean_of_bags(rows, bag, count)

"""`flip`, `roll`, `rot90`, `repeat_interleave`: the same values in another order, and several times."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...engine.errors import InputError
from ...kernels.loops.pairwise_sum import pairwise_sum
from ...kernels.loops.take_along import flipped
from ...rules import FAST, differentiable, unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..argument_names import numpy_names, one_dim, sizes
from ..indexing.index import index_select
from .reshape_transpose import transpose

__all__ = ["flip", "fliplr", "flipud", "repeat_interleave", "roll", "rot90"]
METHODS = "flip fliplr flipud repeat_interleave roll rot90"

# --- rows -------------------------------------------------------------------------------------------------------


def _flip_m(g: Any, axis: Any) -> Any:
    return _flip(g, axis)


@differentiable(m=_flip_m, numpy=np.flip, name="flip", complex=True)
@flipped.otherwise
def _flip(m: Any, axis: Any = None) -> Any:
    return np.flip(m, axis).copy("C" if 0 in m.strides else "K")  # PyTorch copies


def _back(shift: Any) -> Any:
    return tuple(-s for s in shift) if isinstance(shift, (tuple, list)) else -shift


@differentiable(
    a=lambda g, shift, axis: np.roll(g, _back(shift), axis), numpy=np.roll, name="roll", complex=True, contiguous=True
)
def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    return np.roll(a, shift, axis)


def _repeat_a(g: Any, a_shape: tuple[int, ...], repeats: int, axis: int) -> Any:
    groups: Any = np.reshape(g, (*a_shape[: axis + 1], repeats, *a_shape[axis + 1 :]))
    if not 0 < repeats <= 8:
        return pairwise_sum(groups, axis + 1)
    lead: tuple[Any, ...] = (slice(None),) * (axis + 1)
    total = groups[(*lead, 0)]
    for i in range(1, repeats):  # a sum over so short a dimension takes NumPy several times as long
        total = total + groups[(*lead, i)]
    return total


@differentiable(a=_repeat_a, name="repeat_interleave", complex=True)
def _repeat(a: Any, repeats: int, axis: int) -> Any:
    return np.repeat(a, repeats, axis)


# --- PyTorch's face ---------------------------------------------------------------------------------------------


def flip(input: Any, *order: Any, dims: Any = None, axis: Any = None) -> Tensor:
    """Reverse along dimensions (a copy).

    Parameters
    ----------
    input : Tensor
    *order : int
        Or one sequence of int: the dimensions.
    dims, axis : int or sequence of int
        The same by name.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.flip(tg.tensor([1, 2, 3]), dims=(0,))
    tensor([3, 2, 1])
    """
    named = dims if axis is None else axis
    if named is None and not order:
        raise TypeError("flip: dims must be given")
    given = sizes(order if named is None else (named,), "flip")
    turned = tuple([one_dim(d, unwrap(input).ndim, "flip") for d in given])
    if len(set(turned)) < len(turned):
        raise InputError(f"flip: each dimension may be named once, got {given}")
    return _flip.record((input, turned)) if unwrap(input).ndim else input.clone()


@numpy_names
def roll(input: Any, shifts: Any, dims: Any = None) -> Tensor:
    """Shift along dimensions; what leaves at one end enters at the other.

    Parameters
    ----------
    input : Tensor
    shifts : int or sequence of int
    dims : int or sequence of int, optional
        Default: shift the flattened input.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.roll(tg.arange(5), 2)
    tensor([3, 4, 0, 1, 2])
    """
    dims = None if dims == () else dims
    count = [len(v) if isinstance(v, (tuple, list)) else 1 for v in (shifts, 0 if dims is None else dims)]
    if count[0] != count[1] or not count[0]:
        raise InputError(f"roll: shifts and dims must be as many, got {shifts} and {dims}")
    plain = tuple(shifts) if isinstance(shifts, (tuple, list)) else operator.index(shifts)
    return _roll.record((input, plain, tuple(dims) if isinstance(dims, list) else dims))


def fliplr(input: Any) -> Tensor:
    """Reverse the second dimension (a copy).

    Parameters
    ----------
    input : Tensor, at least 2 dimensions

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.fliplr(tg.tensor([[1, 2], [3, 4]]))
    tensor([[2, 1],
            [4, 3]])
    """
    if unwrap(input).ndim < 2:
        raise RuntimeError(
            f"fliplr: the input must have at least 2 dimensions, got shape {unwrap(input).shape} "
            "(Input must be >= 2-d.)"
        )
    return flip(input, 1)


def flipud(input: Any) -> Tensor:
    """Reverse the first dimension (a copy).

    Parameters
    ----------
    input : Tensor, at least 1 dimension

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.flipud(tg.tensor([[1, 2], [3, 4]]))
    tensor([[3, 4],
            [1, 2]])
    """
    if unwrap(input).ndim < 1:
        raise RuntimeError("flipud: the input must have at least 1 dimension, got shape () (Input must be >= 1-d.)")
    return flip(input, 0)


@numpy_names
def rot90(input: Any, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """Turn by 90 degrees, from the first of two dimensions towards the second (a copy).

    Parameters
    ----------
    input : Tensor, at least 2 dimensions
    k : int
        How often; negative ones turn the other way.
    dims : pair of int

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        For anything but two different dimensions.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.rot90(tg.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    named = sizes((dims,), "rot90")
    plane = tuple([one_dim(d, unwrap(input).ndim, "rot90") for d in named])
    if len(plane) != 2 or plane[0] == plane[1] or unwrap(input).ndim < 2:
        raise RuntimeError(f"rot90: dims must be two different ones of the input's {unwrap(input).ndim}, got {named}")
    k = operator.index(k) % 4
    turned = {0: (), 1: plane[1:], 2: plane, 3: plane[:1]}[k]
    out = flip(input if k else input.contiguous(), turned)
    return transpose(out, *plane) if k % 2 else out


@numpy_names
def repeat_interleave(
    input: Any = None, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each slice along a dimension several times in a row. NumPy's `repeat`.

    Parameters
    ----------
    input : Tensor
        With nothing else, the repetitions: the result holds each index so many times.
    repeats : int or integer Tensor of at most 1 dimension
        How often; one number, or one for each slice.
    dim : int, optional
        Default: the input is flattened.
    output_size : int, optional
        The size that `dim` will have: PyTorch is faster if it knows, here it is checked.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        For repetitions that are negative or not as many as there are slices.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.repeat_interleave(tg.tensor([1, 2]), 2), tg.repeat_interleave(tg.tensor([1, 2]), tg.tensor([0, 3]))
    (tensor([1, 1, 2, 2]), tensor([2, 2, 2]))
    """
    if repeats is None or input is None:
        counts = _counts(input if repeats is None else repeats)
        return wrap(np.repeat(np.arange(counts.size), counts))
    if dim is None:
        input, dim = input.reshape(-1), 0
    elif not unwrap(input).ndim:
        input = input.reshape(1)
    dim = one_dim(dim, unwrap(input).ndim, "repeat_interleave")
    n, counts = unwrap(input).shape[dim], _counts(repeats)
    if counts.size not in (1, n):
        raise RuntimeError(f"repeat_interleave: repeats must be 1 or {n} numbers for dim {dim}, got {counts.size}")
    total = int(counts.sum()) if counts.size == n else int(counts[0]) * n
    if output_size not in (None, total):
        raise RuntimeError(f"repeat_interleave: output_size must be {total}, got {output_size}")
    if counts.size != 1:
        return index_select(input, dim, np.repeat(np.arange(n), counts))
    return _repeat.record((input, int(counts[0]), dim))


def _counts(repeats: Any) -> Any:
    counts = np.atleast_1d(unwrap(repeats))
    if counts.ndim > 1 or counts.dtype.kind not in "iu":
        raise RuntimeError(
            f"repeat_interleave: repeats must be integers of at most 1 dimension, got {counts.dtype} of shape "
            f"{counts.shape}"
        )
    if counts.size and counts.min() < 0:
        raise RuntimeError(f"repeat_interleave: repeats must not be negative, got {counts.min()}")
    return counts


FAST.update({
    np.fliplr: lambda m: fliplr(m), np.flipud: lambda m: flipud(m),
    np.rot90: lambda m, k=1, axes=(0, 1): rot90(m, k, axes),
    np.repeat: lambda a, repeats, axis=None: repeat_interleave(a, np.asarray(repeats), axis),
})  # fmt: skip

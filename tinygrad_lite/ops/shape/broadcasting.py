"""`expand`, `broadcast_to`, `repeat`, `tile`: values repeated along dimensions, without copying and by copying."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.accumulate import unbroadcast
from ...engine.errors import InputError
from ...kernels.loops.pairwise_sum import pairwise_sum
from ...rules import FAST, differentiable, unwrap
from ...tensors.tensor_type import Tensor
from ..argument_names import sizes

__all__ = ["broadcast_to", "expand_as", "tile"]
METHODS = "broadcast_to expand expand_as repeat tile"


def unexpand(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum over what broadcasting stretched."""
    return unbroadcast(g, shape)


@differentiable(
    a=lambda g, a_shape: g if g.shape == a_shape else unexpand(g, a_shape),
    numpy=np.broadcast_to,
    view=True,
    name="expand",
    complex=True,
)
def expand_to(a: Any, shape: tuple[int, ...]) -> Any:
    """`np.broadcast_to` without its overhead for the common cases."""
    if a.shape == shape:
        return a
    if a.ndim == 0 and isinstance(a, (np.ndarray, np.generic)):
        return np.ndarray(shape, a.dtype, np.asarray(a), 0, (0,) * len(shape))
    stretched = np.broadcast_to(a, shape)
    # where nothing is repeated, it may be written to: `eye(4).expand(1, 4, 4).contiguous()` is no copy
    return np.reshape(a, shape) if stretched.size == a.size else stretched


def _led(shape: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    return (1,) * (ndim - len(shape)) + shape


def _tile_a(g: Any, a_shape: tuple[int, ...], reps: tuple[int, ...]) -> Any:
    pairs = zip(reps, _led(a_shape, len(reps)))
    blocks = np.reshape(g, tuple(n for pair in pairs for n in pair))  # (reps[0], size[0], reps[1], size[1], ...)
    return np.reshape(pairwise_sum(blocks, tuple(range(0, 2 * len(reps), 2))), a_shape)


@differentiable(a=_tile_a, name="tile", complex=True)
def _tile(a: Any, reps: tuple[int, ...]) -> Any:
    return np.tile(a, reps)


def _np_tile(A: Any, reps: Any) -> Any:
    return tile(A, reps)


FAST[np.tile] = _np_tile


# --- PyTorch's face ---------------------------------------------------------------------------------------------


def _mismatch(given: tuple[int, ...], full: tuple[int, ...], lead: int) -> str:
    """The first size that would change, in PyTorch's words."""
    for i, (m, n) in enumerate(zip(given, full[max(lead, 0) :])):
        if lead >= 0 and m not in (1, n):
            return (
                f" (The expanded size of the tensor ({n}) must match the existing size ({m}) at dimension {lead + i})"
            )
    return ""


def expand(input: Any, *size: Any, shape: Any = None) -> Tensor:
    """Repeat along new dimensions and those of size 1, without copying (a view).

    Parameters
    ----------
    input : Tensor
    *size : int
        Or one sequence of int; -1 keeps a size.
    shape : sequence of int
        The same by name.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        Where another size than 1 would change.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.tensor([[1], [2]]).expand(-1, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    given, target = unwrap(input).shape, sizes(size if shape is None else (shape,), "expand")
    lead = len(target) - len(given)
    full = tuple([given[i - lead] if n == -1 and i >= lead else n for i, n in enumerate(target)])
    if lead < 0 or any(m not in (1, n) for m, n in zip(given, full[lead:])) or min(full, default=0) < 0:
        raise RuntimeError(
            f"expand: sizes other than 1 must stay, got {given} to be expanded to {target}"
            f"{_mismatch(given, full, lead)}"
        )
    return expand_to.record((input, full))


def broadcast_to(input: Any, size: Any, *more: int) -> Tensor:
    """`expand`, under NumPy's name.

    Parameters
    ----------
    input : Tensor
    size : sequence of int, or the first of some
    *more : int
        The others.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.broadcast_to(tg.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return expand(input, shape=(size, *more) if more else size)


def expand_as(input: Any, other: Any) -> Tensor:
    """`expand` to another tensor's shape.

    Parameters
    ----------
    input, other : Tensor

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.expand_as(tg.tensor([1, 2]), tg.zeros(3, 2)).shape
    (3, 2)
    """
    return expand(input, *other.shape)


def tile(input: Any, *reps: Any, dims: Any = None) -> Tensor:
    """Repeat the whole.

    Parameters
    ----------
    input : Tensor
    *reps : int
        Or one sequence of int: how often along each dimension, the last one last.
    dims : sequence of int
        The same by name.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.tile(tg.tensor([1, 2]), (2, 2))
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    times = sizes(reps if dims is None else (dims,), "tile")
    if min(times, default=0) < 0:
        raise InputError(f"tile: repetitions must not be negative, got {times}")
    return _tile.record((input, _led(times, unwrap(input).ndim)))


def repeat(input: Any, *repeats: Any) -> Tensor:
    """PyTorch's `Tensor.repeat`: `tile` that names every dimension. Not ``np.repeat``.

    Parameters
    ----------
    input : Tensor
    *repeats : int
        Or one sequence of int.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        For fewer repetitions than dimensions.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.tensor([1, 2]).repeat(2)
    tensor([1, 2, 1, 2])
    """
    times = sizes(repeats, "repeat")
    if len(times) < unwrap(input).ndim:
        raise RuntimeError(f"repeat: must name at least the {unwrap(input).ndim} dimensions, got {times}")
    return tile(input, times)

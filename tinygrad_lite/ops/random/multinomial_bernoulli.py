"""`multinomial`, `bernoulli`, `poisson`, `binomial`: random tensors whose distributions are given by tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.errors import DtypeError, InputError
from ...rules import Op, differentiable, unwrap, wrap
from ...tensors.row_types import Floating
from ...tensors.tensor_type import Tensor
from ..pointwise.arithmetic import flat
from .random_streams import stream, uniform

__all__ = ["bernoulli", "binomial", "multinomial", "poisson"]
METHODS = "bernoulli multinomial"


def drawn(name: str) -> Op:
    """The row of what is drawn with one or two parameters, ``(first, second, numbers)``: their gradients are zero."""

    def numbers(first: Any, second: Any, values: Any) -> Any:
        return values

    row: Op = differentiable(numbers, name=name, complex=True, first=flat, second=flat)
    return row


_bernoulli, _poisson = drawn("bernoulli"), drawn("poisson")


def probabilities(p: Any, who: str) -> Any:
    """Numbers that are probabilities, as an array."""
    given = np.asarray(unwrap(p))
    if given.size and not (given.min() >= 0 and given.max() <= 1):
        what = f"probabilities must be in [0, 1], got {given.min()} to {given.max()}"
        raise InputError(f"{who}: {what if given.ndim else f'p must be in [0, 1], got {given}'}")
    return given


def bernoulli(input: Any, p: Any = None, *, generator: Any = None) -> Tensor:
    """Ones and zeros, with the ones' probabilities.

    Parameters
    ----------
    input : Tensor
        Probabilities, of a floating dtype; or any values, of which only shape and dtype are taken, if `p` is given.
    p : number, optional
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor, of the input's shape and dtype

    Raises
    ------
    ValueError
        For numbers that are no probabilities.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.bernoulli(tg.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    x = unwrap(input)
    if p is None and x.dtype.kind != "f":
        raise DtypeError(f"bernoulli: probabilities must be floating point, got {x.dtype}")
    given = probabilities(input if p is None else p, "bernoulli")
    ones = successes(given, x.shape, x.dtype, generator)
    return _bernoulli.record((input, None, ones)) if p is None else wrap(ones)


def successes(chance: Any, shape: tuple[int, ...], dtype: Any, generator: Any) -> Any:
    """Ones with a probability, else zeros."""
    return (uniform(shape, np.float64, generator) < np.broadcast_to(chance, shape)).astype(dtype)


def poisson(input: Floating, generator: Any = None) -> Tensor:
    """Numbers of events, with the rates given.

    Parameters
    ----------
    input : Tensor, floating, not negative
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor, of the input's shape and dtype

    Raises
    ------
    ValueError
        For negative rates.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.poisson(tg.zeros(3))
    tensor([0., 0., 0.])
    """
    rate = unwrap(input)
    if rate.dtype.kind != "f":
        raise DtypeError(f"poisson: rates must be floating point, got {rate.dtype}")
    return _poisson.record((input, None, _events(rate, generator)))


def _events(rate: Any, generator: Any) -> Any:
    if rate.size and not rate.min() >= 0:
        raise InputError(f"poisson: rates must not be negative, got {rate.min()}")
    return np.asarray(stream(generator).poisson(rate)).astype(rate.dtype)


def binomial(count: Floating, prob: Any, generator: Any = None) -> Tensor:
    """Numbers of successes among trials.

    Parameters
    ----------
    count : Tensor, floating, whole numbers
        How many trials.
    prob : Tensor, of a shape that broadcasts, in [0, 1]
        The probability of each success.
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor, of the broadcast shape and `count`'s dtype

    Raises
    ------
    ValueError
        For negative counts and numbers that are no probabilities.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.binomial(tg.tensor([3.0, 5.0]), tg.tensor([0.0, 1.0]))
    tensor([0., 5.])
    """
    return wrap(_of_trials(unwrap(count), probabilities(prob, "binomial"), generator))


def _of_trials(trials: Any, p: Any, generator: Any) -> Any:
    if trials.size and not trials.min() >= 0:
        raise InputError(f"binomial: count must not be negative, got {trials.min()}")
    return np.asarray(stream(generator).binomial(trials.astype(np.int64), p)).astype(trials.dtype)


def multinomial(input: Floating, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Tensor:
    """Indices drawn with given weights.

    Parameters
    ----------
    input : Tensor, shape (n,) or (m, n), floating
        Weights, which need not add up to 1.
    num_samples : int
        How many to draw from each row.
    replacement : bool
        Whether an index can be drawn again.
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor, shape (num_samples,) or (m, num_samples), int64

    Raises
    ------
    ValueError
        For weights that are negative, not finite or all zero, and for more samples than there are weights, of which
        PyTorch counts those that are zero.

    References
    ----------
    Efraimidis and Spirakis (2006), Weighted random sampling with a reservoir: without replacement.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.multinomial(tg.tensor([0.0, 3.0, 0.0]), 2, replacement=True)
    tensor([1, 1])
    """
    given = unwrap(input)
    if given.ndim not in (1, 2) or num_samples < 1:
        raise InputError(
            f"multinomial: the input must have 1 or 2 dimensions and num_samples be positive, got shape {given.shape} "
            f"and {num_samples}"
        )
    return wrap(_places_drawn(given, num_samples, replacement, generator))


def _places_drawn(given: Any, count: int, replacement: bool, generator: Any) -> Any:
    weights = np.atleast_2d(given).astype(np.float64)
    total = weights.sum(-1)
    if not (weights.min(initial=0) >= 0 and (total < np.inf).all() and (total > 0).all()):
        raise InputError("multinomial: weights must be finite, not negative, and not all zero in a row")
    if not replacement and count > (weights > 0).sum(-1).min(initial=count):
        raise InputError(f"multinomial: cannot draw {count} without replacement from fewer positive weights")
    draw = _with_replacement if replacement else _without_replacement
    return draw(weights, count, stream(generator)).reshape(*given.shape[:-1], count)


def _with_replacement(weights: Any, count: int, rng: np.random.Generator) -> Any:
    """Where uniform numbers fall among the sums of weights: of all rows in one sequence, the rows 1 apart."""
    m, n = weights.shape
    if m == 1:
        sums = np.cumsum(weights[0])
        found = np.searchsorted(sums, rng.random((1, count)) * sums[-1], "right")
        return np.minimum(found, np.searchsorted(sums, sums[-1]))  # the last one that has a weight
    rows = np.arange(m)[:, None]
    sums = np.cumsum(weights, axis=1)
    found = np.searchsorted((sums / sums[:, -1:] + rows).reshape(-1), rng.random((m, count)) + rows, "right") - rows * n
    last = n - 1 - np.argmax(weights[:, ::-1] > 0, axis=1)[:, None] if m else rows
    return np.minimum(found, last)  # rounding must not lead past the last one that has a weight


def _without_replacement(weights: Any, count: int, rng: np.random.Generator) -> Any:
    """Waiting times with the weights as rates: those that come first, in their order."""
    with np.errstate(divide="ignore"):
        times = rng.standard_exponential(weights.shape) / weights
    first = np.argpartition(times, count - 1, axis=-1)[:, :count]
    order = np.argsort(np.take_along_axis(times, first, -1), axis=-1)
    return np.take_along_axis(first, order, -1)

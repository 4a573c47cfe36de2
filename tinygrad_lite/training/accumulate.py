"""`accumulate`: the gradient of many rows from parts of them, exact for parts of unequal size."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Any

import numpy as np

from .. import Tensor
from ..engine.errors import InputError
from ..graph import written

__all__ = ["accumulate"]


class accumulate:
    """A ``with`` block of several backward passes that leaves the gradient of one over all their rows.

    The mean of means is wrong where parts differ in size. Here each part weighs as many rows as it has.

    Parameters
    ----------
    parameters : Module or iterable of Tensor
        Their gradients are forgotten at the beginning of the block; after an error in it they are None. Those of a
        `DistributedDataParallel` are summed over all rows of all ranks, which may have any number of parts.

    Attributes
    ----------
    rows : float
        How many rows there were.
    loss : float
        The mean loss over all of them.

    Raises
    ------
    InputError
        At the end of the block if there were no rows.

    Examples
    --------
    >>> from tinygrad_lite import nn, training
    >>> x, model = tg.randn(10, 3), nn.Linear(3, 1)
    >>> with training.accumulate(model) as parts:
    ...     for part in x.split([6, 3, 1]):
    ...         parts.backward(model(part).square().mean(), rows=len(part))
    >>> at_parts = model.weight.grad
    >>> model.zero_grad()
    >>> model(x).square().mean().backward()
    >>> bool(tg.allclose(at_parts, model.weight.grad))
    True
    """

    def __init__(self, parameters: Any) -> None:
        found: Iterable[Any] = parameters.parameters() if hasattr(parameters, "parameters") else parameters
        self._parameters = [parameters] if isinstance(parameters, Tensor) else list(found)
        if not all(isinstance(p, Tensor) for p in self._parameters):
            raise TypeError("accumulate: parameters must be a Module or Tensors")
        self._over_ranks = parameters if hasattr(parameters, "sum_over_ranks") else None
        self._quiet: Any = None
        self.rows = self._total = 0.0

    @property
    def loss(self) -> float:
        return self._total / self.rows if self.rows else float("nan")

    def backward(self, loss: Any, rows: float) -> None:
        """Send a part's loss back.

        Parameters
        ----------
        loss : Tensor, shape ()
            A mean over rows.
        rows : float
            How many: samples, or whatever the loss is the mean of, such as tokens that count. A part of none adds
            nothing, whatever its loss.

        Raises
        ------
        InputError
            If `rows` is negative or not finite, or the loss no single number.

        Examples
        --------
        >>> from tinygrad_lite import training
        >>> w = tg.ones(1, requires_grad=True)
        >>> with training.accumulate([w]) as parts:
        ...     parts.backward((w * 2.0).sum(), rows=3)
        ...     parts.backward((w * 6.0).sum(), rows=1)
        >>> w.grad, parts.loss
        (tensor([3.]), 3.0)
        """
        if not 0 <= rows < np.inf:
            raise InputError(f"accumulate: rows must be a finite number of at least 0, got {rows}")
        if loss.numel() != 1:
            raise InputError(
                f"accumulate: the loss must be one number, a mean over rows, got shape {tuple(loss.shape)}"
            )
        if rows:
            (loss * rows).sum().backward()
            self._total += loss.item() * rows
            self.rows += rows

    def __enter__(self) -> accumulate:
        self._forget()
        self.rows = self._total = 0.0
        if self._over_ranks is not None:
            self._quiet = self._over_ranks.no_sync()
            self._quiet.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        if self._quiet is not None:
            self._quiet.__exit__(kind, error, trace)
        if kind is not None:
            self._forget()
            return
        own = self.rows
        if self._over_ranks is not None:
            self.rows, self._total = self._over_ranks.sum_over_ranks(self.rows, self._total)
        if not self.rows:
            raise InputError("accumulate: there must be parts with rows, got none")
        if self._over_ranks is not None:
            self._over_ranks.reduce(own, sums=True)
            return
        for p in self._parameters:
            if p.grad is not None:
                p.grad._data[...] /= self.rows
                written(p.grad._data, "accumulate")

    def _forget(self) -> None:
        for p in self._parameters:
            p.grad = None

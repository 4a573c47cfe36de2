"""`EarlyStopping`: whether a score has stopped getting better."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..engine.errors import InputError

__all__ = ["EarlyStopping"]


class EarlyStopping:
    """Says when a score has not got better for a while; a `Checkpoint` can save it, and keep the best weights.

    Parameters
    ----------
    patience : int
        How many scores in a row may be no better.
    mode : {"min", "max"}
        Whether small scores (losses) or large ones (accuracies) are good.
    min_delta : float
        By how much a score must be better to count.

    Attributes
    ----------
    best : float
        The best score; nan before the first.
    bad : int
        How many scores came since.
    improved : bool
        Whether the last one was the best.

    Raises
    ------
    InputError
        For an option out of range.

    Examples
    --------
    >>> from tinygrad_lite import training
    >>> stopping = training.EarlyStopping(patience=2)
    >>> for epoch, loss in enumerate([0.9, 0.5, 0.6, 0.7, 0.1]):
    ...     if stopping(loss):
    ...         break
    >>> epoch, stopping.best
    (3, 0.5)
    """

    def __init__(self, patience: int = 10, mode: str = "min", min_delta: float = 0.0) -> None:
        if not isinstance(patience, int) or patience < 1:
            raise InputError(f"EarlyStopping: patience must be an integer of at least 1, got {patience!r}")
        if mode not in ("min", "max"):
            raise InputError(f"EarlyStopping: mode must be 'min' or 'max', got {mode!r}")
        if not 0 <= min_delta < math.inf:
            raise InputError(f"EarlyStopping: min_delta must be finite and at least 0, got {min_delta}")
        self.patience, self.mode, self.min_delta = patience, mode, min_delta
        self.best, self.bad, self.improved = math.nan, 0, False

    def __call__(self, score: Any) -> bool:
        """Take a score, and say whether to stop. One that is nan is no better than any.

        Parameters
        ----------
        score : float or Tensor, shape ()

        Returns
        -------
        bool

        Examples
        --------
        >>> from tinygrad_lite import training
        >>> training.EarlyStopping(patience=1)(0.5)
        False
        """
        value = float(score)
        gain = self.best - value if self.mode == "min" else value - self.best
        first = math.isnan(self.best) and not math.isnan(value)
        self.improved = first or gain > self.min_delta
        self.best, self.bad = (value, 0) if self.improved else (self.best, self.bad + 1)
        return self.bad >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """What is known so far."""
        return {"best": self.best, "bad": self.bad, "improved": self.improved}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.best, self.bad = float(state_dict["best"]), int(state_dict["bad"])
        self.improved = bool(state_dict["improved"])

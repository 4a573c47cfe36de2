"""Running metrics: Accuracy, ConfusionMatrix, Precision, Recall, F1, AUC, Perplexity, Mean.

Each takes batches with `update` and tells of all of them with `compute`; it keeps counts, sums in double precision, or
(the AUC) the scores themselves. Classes are the last dimension of scores, as layers put them out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import Tensor
from ..engine.errors import InputError

__all__ = ["AUC", "Accuracy", "ConfusionMatrix", "F1", "Mean", "Metric", "Perplexity", "Precision", "Recall"]

Array = np.ndarray[Any, Any]


class Metric:
    """The base of running metrics: `update` takes a batch, `compute` tells of all since `reset`.

    A subclass names what it keeps in `state`, with its beginning, and defines `update` and `compute`. `update` puts new
    values in place of these, and does not write to them. A `Checkpoint` can save a metric.

    Examples
    --------
    >>> from tinygrad_lite import training
    >>> class Largest(training.Metric):
    ...     state = {"largest": float("-inf")}
    ...     def update(self, values):
    ...         self.largest = max(self.largest, values.max().item())
    ...     def compute(self):
    ...         return self.largest
    >>> largest = Largest()
    >>> largest.update(tg.tensor([1.0, 3.0]))
    >>> largest.compute()
    3.0
    """

    state: Mapping[str, Any] = {}

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        for name, begin in self.state.items():
            setattr(self, name, begin)

    def update(self, *batch: Any) -> None:
        """Take a batch."""
        raise NotImplementedError(f"{type(self).__name__} must define update")

    def compute(self) -> Any:
        """The metric of all batches since the last `reset`."""
        raise NotImplementedError(f"{type(self).__name__} must define compute")

    def state_dict(self) -> dict[str, Any]:
        """What was counted so far."""
        return {name: getattr(self, name) for name in self.state}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from there."""
        if state_dict.keys() != self.state.keys():
            raise InputError(f"{type(self).__name__}: the state must have {[*self.state]}, got {[*state_dict]}")
        for name, value in state_dict.items():
            setattr(self, name, value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.compute()})"


def _array(value: Any, who: str, name: str) -> Array:
    found = value._data if isinstance(value, Tensor) else np.asarray(value)
    if found.dtype.kind not in "biuf":
        raise TypeError(f"{who}: {name} must be numbers, got dtype {found.dtype}")
    if found.dtype.kind == "f" and np.isnan(found).any():
        raise InputError(f"{who}: {name} must be numbers, got nan among them")
    return found


def _labels(value: Any, who: str, name: str, classes: int) -> Array:
    found = _array(value, who, name)
    if found.dtype.kind not in "biu":
        raise TypeError(f"{who}: {name} must be integers, got dtype {found.dtype}")
    if found.size and not (found.min() >= 0 and found.max() < classes):
        raise InputError(f"{who}: {name} must be in [0, {classes - 1}], got {found.min()} to {found.max()}")
    return found.reshape(-1)


def _scores(value: Any, target: Any, who: str) -> tuple[Array, Array]:
    """Scores as rows, and the labels beside them."""
    scores = _array(value, who, "scores")
    if scores.ndim < 1 or scores.shape[:-1] != np.shape(target):
        shapes = f"{scores.shape} and {np.shape(target)}"
        raise InputError(f"{who}: scores must be of the targets' shape, and a last dimension of classes; got {shapes}")
    rows = scores.reshape(-1, scores.shape[-1])
    return rows, _labels(target, who, "target", scores.shape[-1])


class Mean(Metric):
    """The mean of numbers, such as losses of batches, each with its weight.

    Examples
    --------
    >>> from tinygrad_lite import training
    >>> loss = training.Mean()
    >>> loss.update(2.0, 32)
    >>> loss.update(5.0, 16)
    >>> loss.compute()
    3.0
    """

    state: Mapping[str, Any] = {"total": 0.0, "weight": 0.0}
    total: float
    weight: float

    def update(self, value: Any, weight: float = 1.0) -> None:
        """Take a number, or all numbers of a tensor, with the weight of each.

        Parameters
        ----------
        value : Tensor, array or float
        weight : float
            How many rows a mean loss is the mean of.

        Examples
        --------
        >>> from tinygrad_lite import training
        >>> mean = training.Mean()
        >>> mean.update([1.0, 2.0])
        >>> mean.compute()
        1.5
        """
        values = np.asarray(value._data if isinstance(value, Tensor) else value, np.float64)
        if not 0 <= weight < np.inf:
            raise InputError(f"Mean: weight must be finite and at least 0, got {weight}")
        self.total += float(values.sum()) * weight
        self.weight += values.size * weight

    def compute(self) -> float:
        """The weighted mean; nan of nothing."""
        return self.total / self.weight if self.weight else float("nan")


class Perplexity(Mean):
    """The exponential of the mean negative log-likelihood of the targets.

    Parameters
    ----------
    ignore_index : int, optional
        Targets that do not count, as in `cross_entropy`.

    Examples
    --------
    >>> from tinygrad_lite import training
    >>> perplexity = training.Perplexity()
    >>> perplexity.update(tg.zeros(2, 5, 27), tg.ones(2, 5, dtype=tg.int64))  # all 27 letters are as likely
    >>> round(perplexity.compute(), 6)
    27.0
    """

    def __init__(self, ignore_index: int | None = -100) -> None:
        self.ignore_index = ignore_index
        super().__init__()

    def update(self, logits: Any, target: Any) -> None:  # type: ignore[override]  # of other things than its base
        """Take logits and what came.

        Parameters
        ----------
        logits : Tensor or array, shape (..., C), floating
        target : Tensor or array, shape (...), integer

        Examples
        --------
        >>> from tinygrad_lite import training
        >>> training.Perplexity().update(tg.randn(4, 3), tg.tensor([0, 2, 1, -100]))
        """
        rows = np.asarray(logits._data if isinstance(logits, Tensor) else logits)
        where = np.asarray(target._data if isinstance(target, Tensor) else target)
        if rows.shape[:-1] == where.shape:
            counted = where != self.ignore_index
            rows, where = rows[counted], where[counted]
        rows, where = _scores(rows, where, "Perplexity")
        rows = rows.astype(np.float64)
        rows -= rows.max(axis=1, keepdims=True, initial=-np.inf)
        super().update(np.log(np.exp(rows).sum(axis=1)) - rows[np.arange(len(rows)), where])

    def compute(self) -> float:
        """Of everything; nan of nothing."""
        return float(np.exp(super().compute()))


class Accuracy(Metric):
    """The share of targets that are among the `top_k` classes of the highest scores.

    Parameters
    ----------
    top_k : int
        Among classes of equal scores the first come first, as in `argmax`.

    Examples
    --------
    >>> from tinygrad_lite import training
    >>> accuracy = training.Accuracy()
    >>> accuracy.update(tg.tensor([[0.1, 0.9], [0.8, 0.2]]), tg.tensor([1, 1]))
    >>> accuracy.update(tg.tensor([0, 1]), tg.tensor([0, 1]))  # labels
    >>> accuracy.compute()
    0.75
    """

    state: Mapping[str, Any] = {"right": 0, "count": 0}
    right: int
    count: int

    def __init__(self, top_k: int = 1) -> None:
        if not isinstance(top_k, int) or top_k < 1:
            raise InputError(f"Accuracy: top_k must be an integer of at least 1, got {top_k!r}")
        self.top_k = top_k
        super().__init__()

    def update(self, scores: Any, target: Any) -> None:
        """Take a batch.

        Parameters
        ----------
        scores : Tensor or array, shape (..., C); or labels, shape (...), integer
        target : Tensor or array, shape (...), integer

        Examples
        --------
        >>> from tinygrad_lite import training
        >>> training.Accuracy(top_k=2).update(tg.randn(2, 3), tg.tensor([0, 2]))
        """
        if self.top_k == 1 and np.shape(scores) == np.shape(target):
            pair = (_labels(v, "Accuracy", n, 2**63) for v, n in ((scores, "scores"), (target, "target")))
            hits = np.equal(*pair)
        else:
            rows, labels = _scores(scores, target, "Accuracy")
            own = rows[np.arange(len(rows)), labels][:, None]
            before = (rows == own) & (np.arange(rows.shape[1]) < labels[:, None])
            hits = ((rows > own) | before).sum(axis=1) < self.top_k
        self.right += int(hits.sum())
        self.count += hits.size

    def compute(self) -> float:
        """Of everything; nan of nothing."""
        return self.right / self.count if self.count else float("nan")


class ConfusionMatrix(Metric):
    """How often each class was taken for each.

    Parameters
    ----------
    num_classes : int

    Examples
    --------
    >>> from tinygrad_lite import training
    >>> confusion = training.ConfusionMatrix(2)
    >>> confusion.update(tg.tensor([1, 1, 0]), tg.tensor([1, 0, 0]))
    >>> confusion.compute()  # a row for each true class
    array([[1, 1],
           [0, 1]])
    """

    counts: Array

    def __init__(self, num_classes: int) -> None:
        if not isinstance(num_classes, int) or num_classes < 2:
            raise InputError(f"{type(self).__name__}: num_classes must be an integer of at least 2, got {num_classes}")
        self.num_classes = num_classes
        self.state = {"counts": np.zeros((num_classes, num_classes), np.int64)}
        super().__init__()

    def update(self, scores: Any, target: Any) -> None:
        """Take a batch.

        Parameters
        ----------
        scores : Tensor or array, shape (..., C); or labels, shape (...), integer
        target : Tensor or array, shape (...), integer

        Examples
        --------
        >>> from tinygrad_lite import training
        >>> training.ConfusionMatrix(3).update(tg.randn(2, 3), tg.tensor([0, 2]))
        """
        who, n = type(self).__name__, self.num_classes
        if np.shape(scores) == np.shape(target):
            taken, labels = _labels(scores, who, "scores", n), _labels(target, who, "target", n)
        else:
            rows, labels = _scores(scores, target, who)
            if rows.shape[1] != n:
                raise InputError(f"{who}: scores must be of {n} classes, got shape {np.shape(scores)}")
            taken = rows.argmax(axis=1)
        self.counts = self.counts + np.bincount(labels.astype(np.int64) * n + taken, minlength=n * n).reshape(n, n)

    def compute(self) -> Any:
        """Counts, shape (num_classes, num_classes): a row for each true class, a column for what it was taken for."""
        return self.counts.copy()


class _Rate(ConfusionMatrix):
    """A rate of each class, ``hits / possible``, and means of them.

    Parameters
    ----------
    num_classes : int
    average : {"binary", "macro", "micro", "weighted"} or None
        "binary": of class 1, there being two; "macro": the mean of all classes; "weighted": by how often they are
        true; "micro": of all samples together; None: an array with that of each class. Default: "binary" where there
        are two classes, else "macro".
    """

    possible: Callable[[Array, Array, Array], Array]  # of hits, times taken, times true

    def __init__(self, num_classes: int = 2, average: str | None = "default") -> None:
        super().__init__(num_classes)
        self.average = average if average != "default" else "binary" if num_classes == 2 else "macro"
        if self.average not in (None, "binary", "macro", "micro", "weighted"):
            raise InputError(f"{type(self).__name__}: average must be 'binary', 'macro', 'micro', 'weighted' or None, "
                             f"got {average!r}")  # fmt: skip
        if self.average == "binary" and num_classes != 2:
            raise InputError(f"{type(self).__name__}: average='binary' is for 2 classes, got {num_classes}")

    def compute(self) -> Any:
        """The mean that was chosen, or an array of each class's; where nothing was possible, a rate is 0."""
        hits, taken, true = np.diagonal(self.counts), self.counts.sum(axis=0), self.counts.sum(axis=1)
        if self.average == "micro":
            hits, taken, true = (part.sum(keepdims=True) for part in (hits, taken, true))
        possible = type(self).possible(hits, taken, true)
        rates = np.divide(hits, possible, out=np.zeros(len(hits)), where=possible != 0)
        if self.average is None:
            return rates
        if self.average == "binary":
            return float(rates[1])
        if self.average == "weighted":
            return float(rates @ true / true.sum()) if true.sum() else 0.0
        return float(rates.mean())


class Precision(_Rate):
    """Of what was taken for a class, the share that is of it.

    Examples
    --------
    >>> from tinygrad_lite import training
    >>> precision = training.Precision()
    >>> precision.update(tg.tensor([1, 1, 0, 0]), tg.tensor([1, 0, 0, 1]))
    >>> precision.compute()
    0.5
    """

    possible = staticmethod(lambda hits, taken, true: taken)


class Recall(_Rate):
    """Of what is of a class, the share that was taken for it.

    Examples
    --------
    >>> from tinygrad_lite import training
    >>> recall = training.Recall(3, average=None)
    >>> recall.update(tg.tensor([1, 1, 0, 2]), tg.tensor([1, 0, 0, 2]))
    >>> recall.compute()
    array([0.5, 1. , 1. ])
    """

    possible = staticmethod(lambda hits, taken, true: true)


class F1(_Rate):
    """The harmonic mean of precision and recall.

    Examples
    --------
    >>> from tinygrad_lite import training
    >>> f1 = training.F1(average="micro")
    >>> f1.update(tg.tensor([1, 1, 0, 0]), tg.tensor([1, 0, 0, 0]))
    >>> f1.compute()
    0.75
    """

    possible = staticmethod(lambda hits, taken, true: (taken + true) / 2)


class AUC(Metric):
    """The area under the receiver operating characteristic: how likely a positive has a higher score than a negative.

    Exact, for which all scores are kept. Equal scores count half. Of more than two classes it is the mean of each
    against the rest.

    References
    ----------
    J. A. Hanley and B. J. McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC)
    curve", Radiology 143, 1982.

    Examples
    --------
    >>> from tinygrad_lite import training
    >>> auc = training.AUC()
    >>> auc.update(tg.tensor([0.1, 0.4, 0.35, 0.8]), tg.tensor([0, 0, 1, 1]))
    >>> auc.compute()
    0.75
    """

    state: Mapping[str, Any] = {"scores": (), "targets": ()}
    scores: tuple[Array, ...]
    targets: tuple[Array, ...]

    def update(self, scores: Any, target: Any) -> None:
        """Take a batch.

        Parameters
        ----------
        scores : Tensor or array, shape (N,), of class 1; or shape (..., C), C above 2
        target : Tensor or array, shape (N,) or (...), integer

        Examples
        --------
        >>> from tinygrad_lite import training
        >>> training.AUC().update(tg.rand(4, 3), tg.tensor([0, 1, 2, 0]))
        """
        if np.shape(scores) == np.shape(target):
            rows, labels = _array(scores, "AUC", "scores").reshape(-1, 1), _labels(target, "AUC", "target", 2)
        else:
            rows, labels = _scores(scores, target, "AUC")
            if rows.shape[1] < 3:
                raise InputError("AUC: of two classes give the scores of class 1 only, of the targets' shape")
        if self.scores and rows.shape[1] != self.scores[0].shape[1]:
            raise InputError(f"AUC: scores must be of as many classes as before, got shape {np.shape(scores)}")
        self.scores, self.targets = (*self.scores, rows.copy()), (*self.targets, labels.copy())

    def compute(self) -> float:
        """Of everything; nan where a class is missing."""
        if not self.scores:
            return float("nan")
        rows, labels = np.concatenate(self.scores), np.concatenate(self.targets)
        if rows.shape[1] == 1:
            return _area(rows[:, 0], labels == 1)
        return float(np.mean([_area(rows[:, c], labels == c) for c in range(rows.shape[1])]))


def _area(scores: Array, positive: Array) -> float:
    """By ranks, equal scores sharing their mean rank."""
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return float("nan")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return float((ranks[place[positive]].sum() - positives * (positives + 1) / 2) / (positives * negatives))

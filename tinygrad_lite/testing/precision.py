"""`digits`: how many digits of a loss and of gradients can be trusted, by a second pass in float64."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autograd import backward, enable_grad
from ..graph import OFF, Mode, Node, caller, line_of
from ..ops.random.generator import default_generator
from ..rules import Rule, Tensor, unwrap, wrap
from ..transforms import pytree
from .modules import cast, restored

__all__ = ["Digits", "digits"]

_WATCHED = "digits"  # its place among those who are asked at every operation
_FEW = 3.0  # digits: less is told
_JUMP = 30.0  # times as large as any error before it


@dataclass(frozen=True)
class Digits:
    """How many digits can be trusted.

    Parameters
    ----------
    loss : float
        Decimal digits of the loss.
    gradients : dict
        Of each parameter's gradient, by name, measured by norms; None where there is none.
    operation, line : str
        Where the most digits are lost, and ``file:line`` of it; empty where none are.
    backward : bool
        Whether that is in the backward pass of the operation.
    finite : bool
        Whether the pass in float64 is finite.
    dtype : str
        Of the pass that is judged.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.testing.digits(tg.nn.Linear(3, 2), tg.randn(4, 3)).operation
    ''
    """

    loss: float
    gradients: dict[str, float | None]
    operation: str = ""
    line: str = ""
    backward: bool = False
    finite: bool = True
    dtype: str = "float32"

    @property
    def verdict(self) -> str:
        """One sentence: an unstable formula, numbers that are too large in any precision, or neither."""
        least = min([self.loss, *(d for d in self.gradients.values() if d is not None)])
        if not self.finite:
            return (
                "in float64 the numbers are not finite either: not rounding, but weights or a learning rate too large"
            )
        if self.operation:
            where = f"the backward pass of {self.operation}" if self.backward else self.operation
            return f"an unstable formula: {where} at {self.line} loses the digits; {max(least, 0):.1f} are left"
        if least < _FEW:
            return f"only {max(least, 0):.1f} digits are left, lost little by little"
        return f"{least:.1f} digits or more can be trusted: if training fails, it is not for rounding"

    def __str__(self) -> str:
        rows = [("loss", self.loss), *self.gradients.items()]
        width = max(len(name) for name, _ in rows)
        lines = [f"{name:{width}}  {'none' if d is None else f'{d:4.1f}'}" for name, d in rows]
        return "\n".join([f"{'digits':{width}}  {self.dtype}", *lines, self.verdict])

    __repr__ = __str__


def digits(
    model: Any,
    *inputs: Any,
    loss: Callable[[Any], Any] | None = None,
    dtype: Any = np.float32,
    **keywords: Any,
) -> Digits:
    """Compare a pass in float32 (or half precision) with one in float64, operation by operation.

    Both see the same weights, inputs and random numbers, so that what differs is rounding. Where an operation's error
    is far larger than all before it, its formula cancels or overflows, and its line is named.

    Parameters
    ----------
    model : Module
        It is copied, and not changed.
    *inputs : Tensor
        Of its call.
    loss : callable, optional
        Makes a number of the model's result; by default the results' sum with random weights.
    dtype : dtype
        Which precision is judged: float32, or float16.
    **keywords
        Of the model's call.

    Returns
    -------
    Digits

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> class Variance(nn.Linear):
    ...     def forward(self, x):
    ...         y = super().forward(x) + 1000
    ...         return (y * y).mean(0) - y.mean(0) ** 2
    >>> report = tg.digits(Variance(3, 2), tg.randn(100, 3))
    >>> report.operation, report.loss < 2
    ('sub', True)
    """
    state = default_generator.state_dict()
    passes = []
    for kind in (np.dtype(dtype), np.dtype(np.float64)):
        copied = copy.deepcopy(model).to(kind)
        trace = _Trace()
        before, Mode.watcher = Mode.watcher, trace
        OFF.add(_WATCHED)
        try:
            with restored(state), enable_grad(), np.errstate(all="ignore"):
                out = copied(*cast(list(inputs), kind), **cast(dict(keywords), kind))
                total = _total(out) if loss is None else loss(out)
                backward([total])
        finally:
            Mode.watcher = before
            if before is None:
                OFF.discard(_WATCHED)
        passes.append((trace, total, dict(copied.named_parameters())))
    (low, a, ours), (high, b, exact) = passes
    finite = all(np.isfinite(v).all() for _, _, v in high.steps) and bool(np.isfinite(_array(b)).all())
    gradients = {
        name: None if p.grad is None or exact[name].grad is None else _agree(_array(p.grad), _array(exact[name].grad))
        for name, p in ours.items()
    }
    worst = _jump(low, high, float(np.finfo(dtype).eps)) if finite else ("", "", False)
    return Digits(_agree(_array(a), _array(b)), gradients, *worst, finite, str(np.dtype(dtype)))


def _array(value: Any) -> np.ndarray[Any, Any]:
    found: np.ndarray[Any, Any] = np.asarray(unwrap(value)).astype(
        np.complex128 if value.dtype.kind == "c" else np.float64
    )
    return found


def _total(out: Any) -> Any:
    parts = [t for t in pytree.leaves(out) if isinstance(t, Tensor) and t.dtype.kind == "f"]
    random = np.random.default_rng(0)
    weights = [wrap(random.uniform(0.5, 1.0, t.shape).astype(t.dtype)) for t in parts]
    return sum((t * w).sum() for t, w in zip(parts, weights))


def _error(a: Any, b: Any) -> float:
    """The norm of the difference, relative to that of the exact one."""
    if a.shape != b.shape or not np.isfinite(a).all():
        return np.inf
    size, apart = float(np.linalg.norm(b)), float(np.linalg.norm(a - b))
    return apart / size if size else float(apart > 0)


def _agree(a: Any, b: Any) -> float:
    """Decimal digits that two arrays share, at most 16."""
    return float(-np.log10(min(max(_error(a, b), 1e-16), 1.0)))


class _Trace:
    """The results and gradients of all recorded operations, in order."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, str, Any]] = []
        self.forwards = 0

    def forward(self, name: str, results: tuple[Any, ...]) -> None:
        for out in results:
            if isinstance(out, np.ndarray) and out.dtype.kind == "f":
                self.steps.append((name, line_of(caller(2)), out.astype(np.float64)))
        self.forwards = len(self.steps)

    def backward(self, how: Callable[..., Any] | None) -> Callable[..., Any]:
        def look(node: Node, rule: Rule, g: Any, saved: tuple[Any, ...]) -> Any:
            found = rule.vjp(g, *saved) if how is None else how(node, rule, g, saved)
            if isinstance(found, np.ndarray) and found.dtype.kind == "f":
                self.steps.append((rule.op.name, line_of(node.where), found.astype(np.float64)))
            return found

        return look


def _jump(low: _Trace, high: _Trace, eps: float) -> tuple[str, str, bool]:
    """Name and line of the operation whose error first exceeds all before it by far, and whether on the way back."""
    largest = 8 * eps
    for k, ((name, line, a), (other, _, b)) in enumerate(zip(low.steps, high.steps)):
        if name != other:
            break
        error = _error(a, b)
        if error > _JUMP * largest and error > 10.0**-_FEW:
            return name, line, k >= low.forwards
        largest = max(largest, error)
    return "", "", False

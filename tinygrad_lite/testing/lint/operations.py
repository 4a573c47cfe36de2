"""`Watcher`: what recorded operations and backward passes show, while a `lint` block is on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import rules
from ...graph import Node, caller, line_of, mode
from ...rules import Rule
from .mistakes import LintReport

Array = np.ndarray[Any, Any]
_NEAR = 4  # operations between the root of a backward pass and what compares with the targets
_TAKES_SCORES = {
    "cross_entropy": ("softmax", "log_softmax", "sigmoid", "relu"),
    "binary_cross_entropy_with_logits": ("sigmoid", "softmax", "relu"),
    "nll_loss": ("softmax", "sigmoid"),
}
_COMPARES = {"squared_error", "sub", "huber_loss", "binary_cross_entropy_with_logits", "binary_cross_entropy"}


class Watcher:
    """Stands among those who are asked at every operation, see `graph.Mode.watcher`.

    Parameters
    ----------
    report : LintReport
    single : bool
        All parameters are float32.
    begin : callable
        Called before each backward pass.
    """

    def __init__(self, report: LintReport, single: bool, begin: Callable[[str], None]) -> None:
        self.report, self.single, self.begin = report, single, begin
        self.step = 0
        self.stepped_at = 0  # by the graph's clock
        self.loss = np.nan
        self.relus: dict[tuple[str, int], tuple[int, Array]] = {}  # line, which one: samples seen, alive units
        self.order: dict[str, int] = {}
        self.classes: list[set[int]] = []

    def forward(self, name: str, results: tuple[Any, ...]) -> None:
        """Look at the results of a recorded operation."""
        out = results[0]
        if isinstance(out, (tuple, list)) or not hasattr(out, "dtype"):
            return
        if self.single and out.dtype == np.float64:
            text = f"{name} has a result of float64, though all parameters are float32"
            self.report.add("float64", text, line_of(caller(2)), self.step)
        if out.size == 1:
            self.loss = float(np.real(out.reshape(())))
        if name == "relu" and out.ndim > 1:
            line = line_of(caller(2))
            count = self.order[line] = self.order.get(line, -1) + 1
            seen, alive = self.relus.get((line, count), (0, np.zeros(out.shape[1:], bool)))
            now = (out > 0).any(axis=0)
            if alive.shape == now.shape:
                self.relus[line, count] = seen + len(out), alive | now

    def backward(self, how: Callable[..., Any] | None) -> Callable[..., Any]:
        """Look at each node that a backward pass goes through."""
        self.begin(line_of(caller(2)))
        self.order.clear()
        depth: dict[Node, int] = {}

        def look(node: Node, rule: Rule, g: Any, saved: tuple[Any, ...]) -> Any:
            before, mode.quiet = mode.quiet, True
            try:
                far = depth.get(node, 0)
                for parent, _, _ in node.edges:
                    for p in parent if type(parent) is tuple else (parent,):
                        if p is not None:
                            depth.setdefault(p, far + 1)
                if far <= _NEAR:
                    self._loss(node, rule, saved)
                if self.stepped_at > node.seq:
                    text = f"the gradient of {rule.op.name} goes back to before the last step()"
                    self.report.add("graph of a former step", text, line_of(node.where), self.step)
                return rule.vjp(g, *saved) if how is None else how(node, rule, g, saved)
            finally:
                mode.quiet = before

        return look

    def _loss(self, node: Node, rule: Rule, saved: tuple[Any, ...]) -> None:
        """Look at an operation that may be a loss."""
        name, line = rule.op.name, line_of(node.where)
        parents = [parent for parent, _, _ in node.edges if isinstance(parent, Node)]
        values = {k: v._data if isinstance(v, rules.Tensor) else v for k, v in zip(rule.names, rule.unpacked(saved))}
        for parent in parents:
            if parent.op_name in _TAKES_SCORES.get(name, ()):
                if name == "nll_loss":
                    text = f"nll_loss is given the result of {parent.op_name}, which it takes for log-probabilities"
                    self.report.add("probabilities where logs are expected", text, line, self.step)
                elif (name, parent.op_name) != ("cross_entropy", "log_softmax"):  # which changes nothing
                    text = f"{name} is given the result of {parent.op_name}, where it takes scores"
                    self.report.add("activation in front of the loss", text, line, self.step)
        if name in _COMPARES and len(parents) == 1 and node.shape is not None and parents[0].shape is not None:
            shape, given = node.shape, parents[0].shape
            if len(shape) == 2 and shape[0] == shape[1] > 1 and int(np.prod(given)) == shape[0]:
                text = f"{name} of predictions of shape {given} has shape {shape}: each is compared with all targets"
                self.report.add("shapes that only broadcast", text, line, self.step)
        target = values.get("target")
        if not isinstance(target, np.ndarray) or not target.size:
            return
        if name.startswith("binary_cross_entropy") and (target.min() < 0 or target.max() > 1):
            text = f"{name} is given targets from {target.min():.3g} to {target.max():.3g}"
            self.report.add("targets outside of [0, 1]", text, line, self.step)
        if name in ("cross_entropy", "nll_loss") and target.dtype.kind in "iu":
            found = {int(t) for t in np.unique(target)} - {int(values.get("ignore", -100))}
            if not found:
                self.report.add("all targets ignored", f"{name} has no target that counts", line, self.step)
            elif target.size >= 8:
                self.classes.append(found)
            if len(self.classes) >= 3 and all(len(c) == 1 for c in self.classes) and len(set.union(*self.classes)) > 1:
                text = f"in each of {len(self.classes)} batches all targets are the same, but not the same in all"
                self.report.add("one class in each batch", text, line, self.step)

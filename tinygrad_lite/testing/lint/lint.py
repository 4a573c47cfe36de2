"""`lint`: a block around the first steps of a training loop that tells what is wrong in it."""

from __future__ import annotations

from typing import Any

from ...graph import OFF, Mode, caller, line_of, mode, tick
from .data import Batches
from .mistakes import LintReport
from .operations import Watcher
from .parameters import Leftovers, Parameters

__all__ = ["lint"]

_WATCHED = "lint"  # its place among those who are asked at every operation


class lint:
    """A ``with`` block around some steps of a training loop, at whose end the mistakes in it are told.

    It looks at calls of the model, at each recorded operation, at backward passes, and at parameters before and after
    the optimizer's steps: gradients that accumulate, steps without backward, evaluation and training mode mixed up,
    parameters that no optimizer holds or that no model has, gradients that are missing or zero, an activation in front
    of a loss that has its own, shapes that only broadcast, targets that do not fit, float64, dead units, vanishing and
    exploding gradients, a learning rate far off, data that is not shuffled, repeated, or of a large scale. Each kind
    is told once, with the line, and with what to do.

    Parameters
    ----------
    model : Module or sequence of Module
    optimizer : Optimizer or sequence of Optimizer
    warn : bool
        Warn of each (`LintWarning`) at the end of the block; or only return the report.

    Returns
    -------
    LintReport
        What ``as`` gives: filled while the block runs, true as long as there are no mistakes.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn, optim
    >>> model = nn.Linear(3, 2)
    >>> sgd = optim.SGD(model.parameters(), lr=0.1)
    >>> with tg.lint(model, sgd, warn=False) as report:
    ...     for _ in range(2):
    ...         model(tg.randn(4, 3)).square().mean().backward()
    ...         sgd.step()
    >>> [mistake.kind for mistake in report]
    ['gradients accumulate']
    """

    def __init__(self, model: Any, optimizer: Any, *, warn: bool = True) -> None:
        self.models = list(model) if type(model) in (list, tuple) else [model]
        self.optimizers = list(optimizer) if type(optimizer) in (list, tuple) else [optimizer]
        for what, names in ((self.models, ("named_parameters", "train")), (self.optimizers, ("param_groups", "step"))):
            for each in what:
                if not all(hasattr(each, name) for name in names):
                    raise TypeError(f"lint: takes a model and its optimizer, got {type(each).__name__}")
        self.warn, self.report = warn, LintReport()
        self.parameters = Parameters(self.models, self.optimizers, self.report)
        self.batches = Batches(self.report)
        single = all(str(p.dtype) == "float32" for m in self.models for p in m.parameters())
        self.watcher = Watcher(self.report, single, self._begin)
        self.steps = self.rounds = self.passes = 0  # rounds: steps of the first optimizer
        self.stepped: dict[int, int] = {}  # optimizer: the backward passes before its last step
        self.wrong_mode = ""  # line of a backward pass in evaluation since the last step
        self.leftovers = {id(o): Leftovers(o) for o in self.optimizers}
        self.line = ""
        self._handles: list[Any] = []
        self._before: Any = None

    def __enter__(self) -> LintReport:
        for optimizer in self.optimizers:
            self._handles.append(optimizer.register_step_pre_hook(self._before_step))
            self._handles.append(optimizer.register_step_post_hook(self._after_step))
        for model in self.models:
            self._handles.append(model.register_forward_pre_hook(self._called))
        self._before = Mode.watcher
        Mode.watcher = self.watcher
        OFF.add(_WATCHED)
        return self.report

    def __exit__(self, kind: Any, *_: object) -> None:
        Mode.watcher = self._before
        OFF.discard(_WATCHED)
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        if kind is not None:
            return
        line = self.line or line_of(caller(1))
        self.parameters.compare(line, self.steps)
        self.parameters.finish(line, self.steps)
        self._dead_units()
        if self.warn:
            self.report.warn()

    def _has_modes(self, model: Any) -> bool:
        """Whether training and evaluation differ."""
        return any("Dropout" in type(m).__name__ or "running_mean" in m._buffers for m in model.modules())

    # --- what happens ------------------------------------------------------------------------------------------------

    def _called(self, model: Any, args: Any) -> None:
        if model is not self.models[0] or mode.quiet:
            return
        line = line_of(caller(1))
        if not model.training:
            return
        if mode.enabled:
            self.batches.look(args, line, self.rounds)
        elif self._has_modes(model):
            text = "the model is called in training mode without gradients"
            self.report.add("evaluation in training mode", text, line, self.steps)

    def _begin(self, line: str) -> None:
        """Look at gradients and modes before a backward pass."""
        for leftovers in self.leftovers.values():
            leftovers.before_backward(line)
        self.passes += 1
        if any(not m.training and self._has_modes(m) for m in self.models):
            self.wrong_mode = line

    def _before_step(self, optimizer: Any, args: Any, keywords: Any) -> None:
        self.line = line_of(caller(1))
        self.parameters.compare(self.line, self.steps)
        leftovers = self.leftovers[id(optimizer)]
        if count := leftovers.before_step():
            text = f"backward() adds to the gradients of the last step, in {count} parameters"
            self.report.add("gradients accumulate", text, leftovers.line, self.steps)
        self.parameters.remember()
        if args or keywords.get("closure") is not None:
            return  # which does all that is looked for
        if self.stepped.get(id(optimizer), 0) == self.passes:
            text = "step() had no new gradients" if self.steps else "step() came before the first backward()"
            self.report.add("step without backward", text, self.line, self.steps)
        elif all(p.grad is None for p in self.parameters.held().values()):
            text = "between backward() and step() all gradients were forgotten"
            self.report.add("step without gradients", text, self.line, self.steps)

    def _after_step(self, optimizer: Any, args: Any, keywords: Any) -> None:
        self.steps += 1
        self.rounds += optimizer is self.optimizers[0]
        if self.wrong_mode:
            text = "the model is in evaluation mode: no dropout, no statistics of the batch"
            self.report.add("backward in evaluation mode", text, self.wrong_mode, self.steps)
        self.parameters.after_step(self.watcher.loss, self.line, self.steps)
        self.stepped[id(optimizer)], self.wrong_mode = self.passes, ""
        self.leftovers[id(optimizer)].stepped()
        self.watcher.step, self.watcher.stepped_at = self.steps, tick()

    def _dead_units(self) -> None:
        for (line, _), (samples, alive) in self.watcher.relus.items():
            if samples >= 64 and alive.size and alive.mean() < 0.1:
                text = f"{1 - alive.mean():.0%} of the ReLUs were 0 for all of {samples} samples"
                self.report.add("dead units", text, line, self.steps)

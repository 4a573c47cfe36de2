"""`check`: the gradients of a module as a function without memory, its parameters included, in both modes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import rules
from ..ops.random.generator import default_generator
from ..rules import unwrap, wrap
from ..transforms import pytree
from .gradients.report import VACUOUS, Finding, GradcheckError, Report

_DRAWS = 4  # of random layers that happen to let nothing through


def is_module(value: Any) -> bool:
    """Whether something has parameters, buffers and two modes. The engine knows no modules."""
    names = ("named_parameters", "named_buffers", "train", "eval")
    return not isinstance(value, type) and all(callable(getattr(value, name, None)) for name in names)


def cast(tree: Any, dtype: Any = np.float64) -> Any:
    """The same arguments, in which floating Tensors and arrays are copies of this precision, also complex ones."""

    def one(value: Any) -> Any:
        if not isinstance(value, (rules.Tensor, np.ndarray)) or value.dtype.kind not in "fc":
            return value
        kind = np.result_type(dtype, np.complex64) if value.dtype.kind == "c" else dtype
        made = wrap(np.array(unwrap(value), kind, order="C"))
        return made.requires_grad_() if getattr(value, "requires_grad", False) else made

    return pytree.mapped(one, tree)


def check(
    run: Callable[..., Report],
    module: Any,
    args: Sequence[Any],
    keywords: Mapping[str, Any],
    *,
    only_marked: bool,
    loss: Callable[[Any], Any] | None = None,
    train: bool = True,
    evaluate: bool = True,
    dtype: Any = np.float64,
) -> Report:
    """The report on a copy of a module, in one or both modes.

    Parameters
    ----------
    run : callable
        ``(function, leaves, names) -> Report``.
    module : Module
    args, keywords
        Of the call; they are copied.
    only_marked : bool
        Of floating inputs check those that require grad only.
    loss : callable, optional
        Applied to the module's output.
    train, evaluate : bool
    dtype : dtype
        Of the copy.

    Returns
    -------
    Report
    """
    module = copy.deepcopy(module).to(dtype)
    args, keywords = cast(list(args), dtype), cast(dict(keywords), dtype)
    leaves, names = [], []
    for name, tree in (*((f"input {i}", a) for i, a in enumerate(args)), *keywords.items()):
        inside = [t for t in pytree.leaves(tree) if isinstance(t, rules.Tensor) and t.dtype.kind in "fc"]
        for k, value in enumerate(inside):
            if value.requires_grad or not only_marked:
                leaves.append(value.requires_grad_())
                names.append(name if len(inside) == 1 else f"{name}, tensor {k}")
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            leaves.append(parameter)
            names.append(name)
    findings: list[Finding] = []
    for chosen, title in ((train, "train"), (evaluate, "eval")):
        if chosen:
            module.train(title == "train")
            state = default_generator.state_dict()
            try:
                for _ in range(_DRAWS):
                    function = Pure(module, args, keywords, loss)
                    report = run(function, leaves, names)
                    if not function.random or all(f.verdict != VACUOUS or f.passed for f in report):
                        break
                    function.redraw()
                findings += report.titled(title).findings
            except GradcheckError as error:
                raise GradcheckError(f"{type(module).__name__} in {title} mode: {error}") from None
            finally:
                default_generator.load_state_dict(state)
    return Report(findings)


class Pure:
    """A module as a function without memory: same random numbers, same buffers, every time."""

    def __init__(
        self, module: Any, args: Sequence[Any], keywords: Mapping[str, Any], loss: Callable[[Any], Any] | None = None
    ) -> None:
        self.module, self.args, self.keywords, self.loss = module, args, keywords, loss
        self.buffers = [
            (owner, name, b, np.array(b._data))
            for owner in module.modules()
            for name, b in owner._buffers.items()
            if b is not None
        ]
        self.before = self.after = default_generator.state_dict()

    @property
    def random(self) -> bool:
        """Whether the last call drew numbers."""
        return self.before != self.after

    def redraw(self) -> None:
        """Let what is made next see other random numbers."""
        default_generator.load_state_dict(self.after)

    def __call__(self) -> Any:
        try:
            with restored(self.before):
                out = self.module(*self.args, **self.keywords)
                self.after = default_generator.state_dict()
                return out if self.loss is None else self.loss(out)
        finally:
            for owner, name, buffer, value in self.buffers:
                if getattr(owner, name, None) is not buffer:  # replaced rather than written to
                    setattr(owner, name, buffer)
                buffer._data[...] = value


@contextmanager
def restored(state: dict[str, Any]) -> Iterator[None]:
    before = default_generator.state_dict()
    default_generator.load_state_dict(state)
    try:
        yield
    finally:
        default_generator.load_state_dict(before)

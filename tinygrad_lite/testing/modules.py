"""`check`: the gradients of a module as a function without memory, its parameters included, in both modes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import rules
from ..ops.random.generator import get_rng_state, set_rng_state
from ..rules import wrap
from ..transforms import pytree
from .report import Finding, GradcheckError, Report


def is_module(value: Any) -> bool:
    """Whether something has parameters, buffers and two modes. The engine knows no modules."""
    names = ("named_parameters", "named_buffers", "train", "eval")
    return not isinstance(value, type) and all(callable(getattr(value, name, None)) for name in names)


def double(tree: Any) -> Any:
    """The same arguments, in which floating Tensors are float64 copies, and complex ones complex128."""

    def one(value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.dtype.kind in "fc":
            return wrap(np.array(value, np.result_type(value.dtype, np.float64)))
        if not isinstance(value, rules.Tensor) or value.dtype.kind not in "fc":
            return value
        made = wrap(np.array(value._data, np.result_type(value.dtype, np.float64), order="C"))
        return made.requires_grad_() if value.requires_grad else made

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
) -> Report:
    """The report on a float64 copy of a module, in one or both modes.

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

    Returns
    -------
    Report
    """
    module = copy.deepcopy(module).double()
    args, keywords = double(list(args)), double(dict(keywords))
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
            try:
                findings += run(pure(module, args, keywords, loss), leaves, names).titled(title).findings
            except GradcheckError as error:
                raise GradcheckError(f"{type(module).__name__} in {title} mode: {error}") from None
    return Report(findings)


def pure(
    module: Any, args: Sequence[Any], keywords: Mapping[str, Any], loss: Callable[[Any], Any] | None = None
) -> Callable[[], Any]:
    """The module as a function without memory: same random numbers, same buffers, every time."""
    buffers = [
        (owner, name, b, np.array(b._data))
        for owner in module.modules()
        for name, b in owner._buffers.items()
        if b is not None
    ]
    state = get_rng_state()

    def call() -> Any:
        try:
            with _restored(state):
                out = module(*args, **keywords)
                return out if loss is None else loss(out)
        finally:
            for owner, name, buffer, value in buffers:
                if getattr(owner, name, None) is not buffer:  # replaced rather than written to
                    setattr(owner, name, buffer)
                buffer._data[...] = value

    return call


@contextmanager
def _restored(state: dict[str, Any]) -> Iterator[None]:
    before = get_rng_state()
    set_rng_state(state)
    try:
        yield
    finally:
        set_rng_state(before)

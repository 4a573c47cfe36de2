"""`tg.compile`: what a function computes is recorded, and replayed without the graph and without Python in between.

What may differ between two calls is an argument or is guarded, and what cannot be replayed is refused by its line:
then the function runs eagerly. Either way every bit of its results is what eager calls give.

    recorder/    one call of a function, as a list of calls on arrays: what stands in the engine's places, and
                 which lines of the library look at layouts, and which at values
    guards/      arguments, globals, closures and attributes that a program depends on
    replay       from a recording to a function
    compiled     `Compiled`, which decides what a call does
    check, explain, modules, pytorch_names
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from ..engine.errors import InputError
from .compiled import OFF, Compiled
from .explain import Explanation
from .pytorch_names import (
    allow_in_graph,
    assume_constant_result,
    graph_break,
    is_dynamo_compiling,
    is_exporting,
    list_backends,
    mark_dynamic,
    mark_static,
    optimize,
    reset,
    set_stance,
)
from .pytorch_names import config as config
from .recorder.calls import CompileError
from .recorder.recording import LOCAL

__all__ = [
    "CompileError", "Compiled", "Explanation", "allow_in_graph", "assume_constant_result", "compile", "disable",
    "graph_break", "is_compiling", "is_dynamo_compiling", "is_exporting", "list_backends", "mark_dynamic",
    "mark_static", "optimize", "reset", "set_stance",
]  # fmt: skip

_BACKENDS = (None, "inductor", "eager", "aot_eager", "tinygrad_lite")
_MODES = (None, "default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")


def compile(
    model: Callable[..., Any] | None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: str | None = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Any:
    """Record what a function computes in its first calls, and replay it from then on: the same bits in less time.

    The first two calls with each kind of arguments run eagerly and are recorded; where the recordings agree, later
    calls replay what they have in common: no graph is built, and no Python runs between the operations. That is right
    as long as all is as it was, which is asked at every call: shapes, strides and dtypes of the arguments, their
    numbers and strings, grad mode, default dtype and kernels, and all that the function's code leads to: globals,
    closures, attributes, `training`, which parameters there are and which memory they have. If something else is found,
    that is recorded as well. What a replay cannot do runs eagerly as before, and one warning says why, with the line:
    values that steer Python (``if loss > 1``, `item()`), arrays that NumPy makes in between, numbers that change in
    every call, hooks, printing.

    Optimizers' and schedulers' `step`, `zero_grad`, and `nn.utils.clip_grad_norm_` are called again in a replay. So
    their hyperparameters may change freely, as may the values of parameters.

    Parameters
    ----------
    model : callable, optional
        A function of Tensors, such as a whole training step: zero_grad, forward, backward, optimizer.step(). Its
        arguments and results are Tensors, numbers, strings, None, and (named) tuples, lists and dicts of these; other
        objects are taken for the same while they are the same. A Module comes back as one with the same parameters.
        Without it, `compile` is a decorator.
    fullgraph : bool
        An error where it would have to run eagerly.
    dynamic : bool, optional
        PyTorch's, and without effect: each shape has its own program.
    backend : str, optional
        PyTorch's ``"inductor"`` means the only one there is; ``"eager"`` calls the function as it is.
    mode : str, optional
        PyTorch's; all are the same here.
    options : dict, optional
        ``{"programs": n}``: how many programs are kept for one kind of arguments, 8 by default.
    disable : bool
        Call the function as it is.

    Returns
    -------
    Compiled, or a Module
        With `explain()`, `check(*args)` and `clear()`.

    Raises
    ------
    CompileError
        With `fullgraph`, by a call that would run eagerly. One that was being recorded has been made then.
    ValueError
        For what there is not.

    Notes
    -----
    Deviations from PyTorch: results whose graph was gone through inside have no graph; Python's side effects other than
    on tensors, gradients and optimizers are refused; one result may need its graph outside, which is one node then, and
    cannot be differentiated twice.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn, optim
    >>> model = nn.Linear(3, 1)
    >>> optimizer = optim.Adam(model.parameters())
    >>> @tg.compile
    ... def step(x, y):
    ...     optimizer.zero_grad()
    ...     loss = nn.functional.mse_loss(model(x), y)
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss
    >>> for _ in range(5):
    ...     loss = step(tg.ones(4, 3), tg.ones(4, 1))
    >>> step.explain().programs[0]["hits"]
    3
    """
    if backend not in _BACKENDS or mode not in _MODES:
        raise InputError(f"compile: backend must be one of {_BACKENDS} and mode one of {_MODES}, got {backend!r} and "
                         f"{mode!r}")  # fmt: skip
    options = {"programs": 8} | (options or {})
    if options.keys() != {"programs"} or type(options["programs"]) is not int or options["programs"] < 1:
        raise InputError(f"compile: options must be {{'programs': a positive int}}, got {options}")
    if model is None:
        return functools.partial(compile, fullgraph=fullgraph, backend=backend, options=options, disable=disable)
    if not callable(model):
        raise TypeError(f"compile: expected a function or a Module, got {type(model).__name__}")
    if disable or backend in ("eager", "aot_eager"):
        return model
    if hasattr(model, "named_parameters"):
        from .modules import compiled_module

        return compiled_module(model, fullgraph, options["programs"])
    return Compiled(model, fullgraph, options["programs"])


class disable:
    """Run compiled functions eagerly: in a ``with`` block, or in what this decorates.

    Parameters
    ----------
    function : callable, optional
        Decorated, it runs as it is; a function that calls it is not replayed.
    recursive : bool
    reason : str, optional
        PyTorch's; without effect.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> double = tg.compile(lambda x: x * 2)
    >>> with tg.compiler.disable():
    ...     double(tg.ones(2))
    tensor([2., 2.])
    """

    def __new__(
        cls, function: Callable[..., Any] | None = None, recursive: bool = True, *, reason: str | None = None
    ) -> Any:
        if function is None:
            return object.__new__(cls)

        @functools.wraps(function)
        def eagerly(*args: Any, **kwargs: Any) -> Any:
            if LOCAL.recorder is not None and not LOCAL.recorder.depth:
                LOCAL.recorder.refuse(f"{eagerly.__qualname__} is excluded by compiler.disable")
            with cls():
                return function(*args, **kwargs)

        return eagerly

    def __call__(self, function: Callable[..., Any]) -> Any:
        return type(self)(function)

    def __enter__(self) -> None:
        self._was = threading.get_ident() in OFF
        OFF.add(threading.get_ident())

    def __exit__(self, *_: object) -> None:
        if not self._was:
            OFF.discard(threading.get_ident())


def is_compiling() -> bool:
    """Whether this thread records.

    Returns
    -------
    bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.compiler.is_compiling()
    False
    """
    return LOCAL.recorder is not None

"""Modules as functions of their state. The engine knows no modules: these take whatever has their methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..ops.shape.cat_pad import stack

__all__ = ["functional_call", "stack_module_state"]


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other parameters and buffers than its own, which stay as they are.

    Parameters
    ----------
    module : Module
    parameter_and_buffer_dicts : dict or sequence of dict
        Names, as in `named_parameters` and `named_buffers`, with the Tensors to use.
    args : tuple or object, optional
        Positional arguments of the module; what is no tuple is the only one.
    kwargs : mapping, optional
        Keyword arguments of the module.
    tie_weights : bool
        What the module holds under several names is replaced under all of them, if one is given.
    strict : bool
        Refuse if a parameter or buffer is not given.

    Returns
    -------
    object
        What the module returns.

    Raises
    ------
    RuntimeError
        For names that the module does not have (PyTorch takes them unless `strict`), and for missing ones if `strict`.
    ValueError
        For a name in two dicts, and for different values under names of one tied tensor.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> model = nn.Linear(2, 1, bias=False)
    >>> tg.func.functional_call(model, {"weight": tg.tensor([[1.0, 2.0]])}, tg.ones(2))
    tensor([3.])
    """
    given = _merged(parameter_and_buffer_dicts)
    own = {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }
    unknown, missing = sorted(given.keys() - own.keys()), sorted(own.keys() - given.keys())
    if tie_weights:
        given = _tied(given, own)
        missing = sorted(own.keys() - given.keys())
    if unknown or (strict and missing):
        raise RuntimeError(
            f"functional_call: names must be those of the module, got unexpected {unknown}"
            + (f", missing {missing}" if strict else "")
        )
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    before: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for name, value in given.items():
            path, _, attribute = name.rpartition(".")
            state, key = module.get_submodule(path)._place_of(attribute)
            before.append((state, key, state[key]))
            state[key] = value
        return module(*args, **(kwargs or {}))
    finally:
        for state, key, value in reversed(before):
            state[key] = value


def _merged(dicts: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in (dicts,) if isinstance(dicts, Mapping) else dicts:
        twice = sorted(found.keys() & part.keys())
        if twice:
            raise ValueError(f"functional_call: each name must be in one dict only, got {', '.join(twice)} in several")
        found.update(part)
    return found


def _tied(given: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    values: dict[int, tuple[str, Any]] = {}
    for name, value in given.items():
        if name in own:
            first, other = values.setdefault(id(own[name]), (name, value))
            if other is not value:
                raise ValueError(
                    f"functional_call: {first} and {name} are one tensor of the module, got different values for them"
                )
    return {**given, **{n: values[id(t)][1] for n, t in own.items() if id(t) in values}}


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the buffers of several modules of one architecture, stacked: an ensemble for `vmap`.

    Parameters
    ----------
    models : sequence of Module

    Returns
    -------
    parameters, buffers : dict of Tensor
        With a new first dimension; the parameters are leaves that require grad if those of the models do.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> params, buffers = tg.func.stack_module_state([nn.Linear(2, 3) for _ in range(5)])
    >>> {name: p.shape for name, p in params.items()}
    {'weight': (5, 3, 2), 'bias': (5, 3)}
    """
    if not models:
        raise RuntimeError("stack_module_state: models must hold at least one module, got none")
    if len({type(m) for m in models}) > 1 or len({m.training for m in models}) > 1:
        raise RuntimeError("stack_module_state: models must be of one class and all in the same mode, got different")
    states = []
    for kind in ("named_parameters", "named_buffers"):
        each = [dict(getattr(m, kind)()) for m in models]
        stacked = {}
        for name, first in each[0].items():
            _alike(name, first, [state[name] for state in each])
            whole = stack([state[name].detach() for state in each])
            stacked[name] = whole.requires_grad_() if first.requires_grad else whole
        states.append(stacked)
    return states[0], states[1]


def _alike(name: str, first: Any, others: Sequence[Any]) -> None:
    """Refuse tensors that differ in more than their values."""
    for other in others:
        for what in ("requires_grad", "dtype", "shape"):
            mine, theirs = getattr(first, what), getattr(other, what)
            if mine != theirs:
                raise RuntimeError(
                    f"stack_module_state: {name} must have the same {what} in all models, got {mine} and {theirs} "
                    "(Expected all parameters and buffers to have the same .requires_grad, dtype and shape)"
                )

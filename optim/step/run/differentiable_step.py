"""A step that is recorded: the formula on Tensors, so that what comes after can be differentiated through it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite import Tensor, enable_grad, from_numpy, view_as_complex, view_as_real
from tinygrad_lite.engine.views import retain

from ..bind.prologue_epilogue import AVERAGE
from ..declare.contract import Contract
from ..declare.hyperparameters import Group, resolved
from ..interrupts import uninterrupted
from ..plan.states import constants_of, loop_of, progress, require_dtype


def step(optimizer: Contract) -> None:
    """Do `optimizer.step()` on Tensors.

    Parameters are not written to but get new arrays and the history of their values, so that graphs made before stay
    whole; their ``grad`` is retained from then on, as a leaf's is.
    """
    if optimizer.max_grad_norm is not None or optimizer.on_nonfinite is not None:
        raise ValueError(f"{optimizer._name}: max_grad_norm and on_nonfinite are not differentiable")
    found = []
    with enable_grad():
        for group in optimizer.param_groups:
            resolved_group, _ = resolved(group, optimizer._steps)
            optimizer._rule.check_values(resolved_group)
            constants = constants_of(optimizer, resolved_group, optimizer.grad_scale)
            found += [
                (p, *_updated(optimizer, p, resolved_group, constants)) for p in group["params"] if p.grad is not None
            ]
    with uninterrupted():
        for p, new, state in found:
            optimizer._state.setdefault(p, {}).update(state)
            _rebind(p, new)
        optimizer._steps += 1


def _updated(optimizer: Contract, p: Tensor, group: Group, constants: Group) -> tuple[Tensor, dict[str, Any]]:
    """Return the new value of a parameter that has a gradient, and what changes in its state."""
    assert p.grad is not None
    require_dtype(optimizer, p, p.dtype)
    t, kept = progress(optimizer, p)
    kept = {name: optimizer._state.get(p, {}).get(name, first) for name, first in kept.items()}  # Tensors stay such
    values = {**constants, **optimizer.scalars(group, t + 1, **kept)}
    values = {k: bool(v) if isinstance(v, Tensor) and v.dtype == np.bool_ else v for k, v in values.items()}
    fused = loop_of(optimizer, values)
    found = dict(optimizer._state.get(p, {}))
    labels = ["ema" if name == AVERAGE else optimizer._rule.states[name] for name in fused.states]
    value, grad = _as_real(p), _as_real(p.grad)
    states = [_state(optimizer, value, name, group, found.get(label)) for name, label in zip(fused.states, labels)]
    scalars = [values[name] for name in fused.scalars]
    factors: dict[str, Any] = {}
    if fused.measure is not None:
        sums = fused.plain_sums(value, grad, states, scalars)
        factors = optimizer.ratios(group, t + 1, **dict(zip(optimizer._rule.sums, sums)))
    new, *after = fused.plain(value, grad, states, scalars, factors)
    if value is not p:
        new, *after = map(view_as_complex, (new, *after))
    found.update(zip(labels, after))
    if optimizer._rule.counted:
        found["step"] = t + 1
    found.update({name: values[name] for name in kept})
    return new, found


def _as_real(x: Tensor) -> Tensor:
    return view_as_real(x) if x.dtype.kind == "c" else x


def _state(optimizer: Contract, p: Tensor, name: str, group: Group, found: Any) -> Tensor:
    """Return a state as the formula takes it, as real numbers, like the parameter's given."""
    if found is None:
        first = p._data if name == AVERAGE else optimizer.start(group).get(name, 0)
        if isinstance(first, Tensor):
            return first.to(p.dtype).expand(p.shape)
        found = np.array(np.broadcast_to(first, p.shape), p.dtype)
    return _as_real(found if isinstance(found, Tensor) else from_numpy(found))


def _rebind(p: Tensor, new: Tensor) -> None:
    if new.dtype != p.dtype:
        new = new.to(p.dtype)
    p._data, p._node, p._view = new._data, new._node, None
    if new._node is not None:
        retain(new._node)

"""`differs`: a module against another one that is known to be right, of this library or of PyTorch."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from ... import rules
from ...autograd import backward
from ...rules import wrap
from ...transforms import pytree
from .breach import Breach
from .trial import Array, Call, Trial, close

_RTOL = 1e-7


def _is_pytorch(module: Any) -> bool:
    return any(kind.__module__.startswith("torch.") for kind in type(module).__mro__)


def differs(trial: Trial) -> Iterator[Breach]:
    """State dict, results and gradients that differ from the twin's, in training (unless random) and evaluation."""
    for training in (False, True):
        call = trial.copied(training)
        if training and not _repeats(trial):
            return
        ours = {k: np.array(v._data) for k, v in call.module.state_dict().items()}  # as they are before the call
        twin = copy.deepcopy(trial.twin).double().train(training)
        theirs = {k: tuple(v.shape) for k, v in twin.state_dict().items()}
        here = {k: tuple(v.shape) for k, v in ours.items()}
        if here != theirs:
            only = sorted(set(here.items()) ^ set(theirs.items()))
            yield Breach("twin", f"the state dicts have not the same names and shapes: {only}")
            return
        mode = "training" if training else "evaluation"
        for a, b, what in zip(_run(call), _run_twin(twin, ours, call), ("result", "gradient", "buffer")):
            for name in b:
                if name not in a or not close(a[name], b[name], _RTOL):
                    yield Breach("twin", f"in {mode}, {what} {name} is not the twin's")
                    return


def _repeats(trial: Trial) -> bool:
    one, two = (trial.copied(True).plain() for _ in range(2))
    return all(np.array_equal(a._data, b._data, equal_nan=True) for a, b in zip(one, two))


Numbers = tuple[dict[str, Array], dict[str, Array], dict[str, Array]]


def _weights(k: int, shape: Any) -> Array:
    return np.random.default_rng(k).standard_normal(shape)


def _run(call: Call) -> Numbers:
    inputs = call.leaves()
    outs = [t for t in pytree.leaves(call()) if isinstance(t, rules.Tensor) and t.dtype.kind == "f"]
    roots = [(k, t) for k, t in enumerate(outs) if t.requires_grad]
    if roots:
        backward([t for _, t in roots], [wrap(_weights(k, t.shape)) for k, t in roots])
    leaves = {**{f"of input {i}": t for i, t in enumerate(inputs)}, **dict(call.module.named_parameters())}
    return (
        {str(k): t._data for k, t in enumerate(outs)},
        {n: t.grad._data for n, t in leaves.items() if t.grad is not None},
        {n: np.array(b._data) for n, b in call.module.named_buffers()},
    )


def _run_twin(twin: Any, ours: dict[str, Array], call: Call) -> Numbers:
    if not _is_pytorch(twin):
        twin.load_state_dict({k: wrap(v) for k, v in ours.items()})
        other = Call(twin, *_fresh(call))
        return _run(other)
    torch = importlib.import_module("torch")
    twin.load_state_dict({k: torch.tensor(v) for k, v in ours.items()})
    inputs: list[Any] = []

    def moved(value: Any) -> Any:
        if not isinstance(value, rules.Tensor):
            return value
        made = torch.tensor(np.array(value._data))
        if value.dtype.kind in "fc":
            inputs.append(made.requires_grad_())
        return made

    args, keywords = pytree.mapped(moved, call.args), pytree.mapped(moved, call.keywords)
    tree = pytree.leaves(twin(*args, **keywords))
    outs = [t for t in tree if isinstance(t, torch.Tensor) and t.is_floating_point()]
    roots = [(k, t) for k, t in enumerate(outs) if t.requires_grad]
    if roots:
        torch.autograd.backward([t for _, t in roots], [torch.tensor(_weights(k, t.shape)) for k, t in roots])
    leaves = {**{f"of input {i}": t for i, t in enumerate(inputs)}, **dict(twin.named_parameters())}
    return (
        {str(k): t.detach().numpy() for k, t in enumerate(outs)},
        {n: t.grad.numpy() for n, t in leaves.items() if t.grad is not None},
        {n: b.numpy() for n, b in twin.named_buffers()},
    )


def _fresh(call: Call) -> tuple[list[Any], dict[str, Any]]:
    def one(value: Any) -> Any:
        return wrap(np.array(value._data)) if isinstance(value, rules.Tensor) else value

    return pytree.mapped(one, call.args), pytree.mapped(one, call.keywords)

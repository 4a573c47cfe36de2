"""`check_module`: the contract of a layer, point by point."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from ...ops.random.generator import default_generator
from ..modules import restored
from . import dependence, recorded, state, training, twin, values
from .breach import Breach, ContractError, ContractReport
from .trial import Trial

__all__ = ["check_module"]

Point = Callable[[Trial], Iterator[Breach]]

_ALWAYS: dict[str, Point] = {
    "nothing written to": values.writes,
    "deterministic and finite": values.varies,
    "non-contiguous inputs": values.needs_order,
    "float32 and float64": values.changes_precision,
    "state dict": state.loads,
    "pickle and deepcopy": state.pickles,
    "copies": state.shares,
    "registration": state.hides,
    "eager and recorded": recorded.replays,
    "unused parameters": training.forgets_parameters,
    "gradients": training.errs,
    "training scale": training.scales_noise,
}
_BATCH: dict[str, Point] = {
    "batch leakage": dependence.leaks,
    "batch size": values.needs_size,
    "randomness of each sample": training.shares_noise,
}


def check_module(
    module: Any,
    *inputs: Any,
    batch_dim: int | None = 0,
    causal: int | None = None,
    mask: Any = None,
    twin: Any = None,
    allow: Collection[str] = (),
    allow_zero: bool | Collection[str] = False,
    report: bool = False,
    seed: int = 0,
    keywords: Mapping[str, Any] | None = None,
    **further: Any,
) -> Any:
    """Check what a layer promises: gradients, independent samples, determinism, state dicts, inputs left alone.

    Which part of the output depends on which part of an input is read off derivatives in float64, one backward pass for
    each row with random weights: zeros there are a proof. Nothing has to be declared for a layer that takes samples
    along dimension 0.

    Parameters
    ----------
    module : Module
        It is copied, and not changed.
    *inputs : Tensor or array
        Of its call.
    batch_dim : int or None
        The dimension of inputs and outputs that counts samples, which must not see each other in evaluation, and of
        which there may be 0 or 1; None if there is none.
    causal : int, optional
        The dimension of time: no output may depend on later inputs.
    mask : Tensor or array, bool, optional
        Of the leading shape of an input, such as (B, T): True where positions do not count (padding). Results at the
        other positions must not depend on those; of results that have no such positions, none may.
    twin : Module, optional
        Of PyTorch or of this library: state dict, results, gradients and buffers must be the same.
    allow : collection of str
        Kinds of breach that are meant: "batch leakage", "batch size", "buffer written in evaluation", "call",
        "causal order", "deepcopy", "dtype", "gradients", "input written to", "mask", "memory order",
        "not deterministic in evaluation", "not finite", "not registered", "parameter written to", "pickle",
        "precision", "recorded", "shared between copies", "shared randomness", "state dict", "training scale", "twin",
        "unused parameter".
    allow_zero : bool or collection of str
        Names of parameters and inputs whose gradient may be zero everywhere.
    report : bool
        Return the report, whatever it says.
    seed : int
        Of the random weights and directions.
    keywords : mapping, optional
        Further arguments of its call, whose names may be those above.
    **further
        The same.

    Returns
    -------
    ContractReport
        True, and without breaches; or with them, if `report`.

    Raises
    ------
    ContractError
        With all breaches.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> bool(tg.testing.check_module(nn.Linear(3, 2), tg.randn(4, 3)))
    True
    >>> class Centred(nn.Module):
    ...     def forward(self, x):
    ...         return x - x.mean(0)
    >>> print(tg.testing.check_module(Centred(), tg.randn(4, 3), report=True))
    Centred breaks the contract of a layer:
      batch leakage: in evaluation, row 0 of the output depends on row 1 of input 0
      batch leakage: in evaluation, a sample alone gives another result than in its batch
    """
    trial = Trial(
        module, inputs, {**(keywords or {}), **further}, batch_dim, causal, mask, allow_zero, twin, seed
    )  # fmt: skip
    found: list[Breach] = []
    points = _points(trial)
    for point in points.values():
        try:
            with restored(default_generator.state_dict()):
                found.extend(point(trial))
        except Exception as error:
            found.append(Breach("call", f"{type(error).__name__}: {error}"))
    found = [breach for breach in dict.fromkeys(found) if breach.kind not in allow]
    result = ContractReport(type(module).__name__, found, points)
    if found and not report:
        raise ContractError(str(result), found)
    return result


def _points(trial: Trial) -> dict[str, Point]:
    points = dict(_ALWAYS)
    if trial.batch_dim is not None:
        points |= _BATCH
    for name, point, wanted in (
        ("causal order", dependence.anticipates, trial.causal),
        ("mask", dependence.sees_masked, trial.mask),
        ("twin", twin.differs, trial.twin),
    ):
        if wanted is not None:
            points[name] = point
    return points

"""`verify`: is an optimizer what its formula says, however it is run?"""

from __future__ import annotations

import importlib
import importlib.util
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from tinygrad_lite import Tensor, from_numpy, kernels
from tinygrad_lite.kernels.backend import has_numba

from .optimizer import Optimizer
from .step.declare.hyperparameters import resolved
from .step.declare.rule import has_rule
from .step.plan import parameter_batch as cohort
from .step.plan.states import constants_of, loop_of, progress

Array = np.ndarray[Any, Any]
Result = dict[str, Array]

SHAPE = 230, 285  # more than two pieces, for three threads
# In ulps. A formula of ten operations loses half an ulp in each; of a product of matrices some entries are nearly zero,
# and lose hundreds of their own where the others lose a few. A class that knows better says so: `allowed_ulps`.
ALLOWED, ALLOWED_WHOLE = 16.0, 1024.0
LEAST = 0.1  # the part of the numbers that must be comparable; of the awkward ones, which come first, about half are


@dataclass
class Report:
    """What `verify` found: for each way of running a step, the largest difference from plain NumPy.

    Attributes
    ----------
    name : str
        The optimizer's.
    rows : list of (str, str, float)
        The dtype, the way, and the difference in ulps.
    steps, elements : int
        How many steps were compared, and how many elements in each.
    allowed : float
        The difference up to which it passes.
    compared : dict of (str, str) to float
        For each row but a reference's, which part of the numbers could be compared: the others were not finite, or
        might have overflowed.
    """

    name: str
    steps: int
    elements: int
    allowed: float
    rows: list[tuple[str, str, float]] = field(default_factory=list)
    compared: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def worst(self) -> float:
        """The largest difference of all, in ulps."""
        return max((ulps for *_, ulps in self.rows), default=0.0)

    @property
    def passed(self) -> bool:
        """Whether all differences are as small as they may be, and enough numbers were compared to say so."""
        return bool(self.rows) and self.worst <= self.allowed and not self.blind

    @property
    def blind(self) -> list[str]:
        """The ways in which next to nothing could be compared."""
        return [f"{dtype}, {way}" for (dtype, way), share in self.compared.items() if share < LEAST]

    def __str__(self) -> str:
        blind = f"FAILED: compared nothing, for too few numbers are finite ({'; '.join(self.blind)})"
        verdict = "passed" if self.passed else blind if self.blind else f"FAILED: more than {self.allowed:g} ulps"
        lines = [f"{self.name}: {self.steps} steps on {self.elements} elements, {verdict}"]
        return "\n".join([*lines, *(f"  {dtype:8} {way:34} {ulps:10.2f} ulps" for dtype, way, ulps in self.rows)])


@np.errstate(all="ignore")
def verify(
    optimizer: type[Optimizer],
    reference: Callable[..., Any] | None = None,
    *,
    steps: int = 20,
    dtypes: Sequence[Any] = (np.float32, np.float64),
    allowed: float | None = None,
    seed: int = 0,
    show: bool = True,
    **hyperparameters: Any,
) -> Report:
    """Run an optimizer's step in every way there is, and compare.

    The ways: the formula on single numbers in Python, on arrays in plain NumPy, compiled by numba in one thread and
    shared between threads; the optimizer of the same name in PyTorch, where it has one and is installed; and a
    reference of the caller's. All begin each step with the same parameters and states, taken from the plain way, so
    that what is compared is the rounding of a single step. Parameters and gradients are random numbers of all sizes,
    and every pair of awkward ones: zeros of both signs, denormal and huge numbers, infinities, NaN.

    Parameters
    ----------
    optimizer : type
        A subclass of `Optimizer`.
    reference : callable, optional
        ``reference(p, g, state, t, **hyperparameters)`` returns the new parameter; ``state`` is a dict that it may
        use, empty at first, and everything is float64. It runs on its own, from the first step to the last, without
        the awkward numbers, and must agree to 1e-9 in float64 (shown in ulps of 1e-9 / 16).
    steps : int
    dtypes : sequence of dtype
    allowed : float, optional
        The largest difference that passes, in ulps. Default: 16 for a formula; 1024 where whole arrays are computed
        with, which takes sums of hundreds of terms, or products of matrices; or what the class has as `allowed_ulps`.
    seed : int
    show : bool
        Print the report.
    **hyperparameters
        For the optimizer's constructor.

    Returns
    -------
    Report

    Notes
    -----
    A difference is measured in ulps of the result; or, where that is more, in units of what a change of the arguments
    by one ulp makes of the result: where a formula subtracts nearly equal numbers, no way of running it knows better.
    Results that overflow in one way and just not in another are left out. Where that leaves next to nothing, the report
    says that it compared nothing, and does not pass.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> optim.verify(optim.Lion, show=False).passed
    True
    """
    if not (isinstance(optimizer, type) and issubclass(optimizer, Optimizer)):
        raise TypeError(f"verify: optimizer must be a class derived from Optimizer, got {optimizer!r}")
    if not has_rule(optimizer):
        raise TypeError(f"verify: {optimizer.__name__} has a step of its own, which no formula describes")
    if allowed is None:
        allowed = optimizer.allowed_ulps or (ALLOWED_WHOLE if optimizer._rule.whole else ALLOWED)
    report = Report(optimizer.__name__, steps, 0, allowed)
    for dtype in map(np.dtype, dtypes):
        worst: dict[str, float] = {}
        counts: dict[str, tuple[int, int]] = {}
        for p, g, found, before in _steps(optimizer, hyperparameters, dtype, steps, seed):
            report.elements = p.size
            units = _wobble(optimizer, hyperparameters, p, g, before, found)
            for way, run in _ways(optimizer, hyperparameters, dtype):
                n = 160 if way.startswith("single") else p.size
                ulps, compared, of = _difference(found, run(p[:n], g[:n], _cut(before, n)), units, n)
                worst[way] = max(worst.get(way, 0.0), ulps)
                before_this = counts.get(way, (0, 0))
                counts[way] = before_this[0] + compared, before_this[1] + of
        report.rows += [(dtype.name, way, ulps) for way, ulps in worst.items()]
        report.compared.update({(dtype.name, way): n / max(of, 1) for way, (n, of) in counts.items()})
    if reference is not None:
        report.rows.append(("float64", "the reference", _against(reference, optimizer, hyperparameters, steps, seed)))
    if show:
        print(report)
    return report


# --- the numbers ----------------------------------------------------------------------------------------------------


def _numbers(dtype: np.dtype[Any], seed: int, *, tame: bool) -> tuple[Array, Array]:
    """Parameters and gradients: the awkward in all pairs, and random ones of many sizes.

    Tame ones are small and finite: the others would drown a sum over the tensor, and all that depends on it.
    """
    info = np.finfo(dtype)
    huge = float(info.max) ** 0.45
    awkward = [0.0, -0.0, 1.0, -1.0, float(info.smallest_subnormal), float(info.tiny) / 4, huge, -huge, 1e-6]
    awkward = [x for x in awkward if abs(x) <= 1] if tame else [*awkward, math.inf, -math.inf, math.nan]
    pairs = np.array(np.meshgrid(awkward, awkward), dtype).reshape(2, -1)
    rng = np.random.default_rng(seed)
    n = SHAPE[0] * SHAPE[1]
    sizes = 10.0 ** rng.uniform(-6, 2, (2, n - pairs.shape[1]))
    rest = (rng.standard_normal(sizes.shape) * sizes).astype(dtype)
    p, g = np.concatenate([pairs, rest], axis=1)
    return np.ascontiguousarray(p), np.ascontiguousarray(g)


def _steps(
    optimizer: type[Optimizer], options: dict[str, Any], dtype: np.dtype[Any], steps: int, seed: int
) -> Iterator[tuple[Array, Array, Result, dict[str, Any]]]:
    """Run the plain way; yield the parameter, the gradient, the result, and the state before each step."""
    p, g = _numbers(dtype, seed, tame=optimizer.measure is not None or optimizer._rule.whole)
    rng = np.random.default_rng(seed + 1)
    state: dict[str, Any] = {}
    for _ in range(steps):
        before = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in state.items()}
        with kernels.use("numpy"):
            found = _stepped(optimizer, options, p, g, before)
        yield p, g, found, before
        state = {k: v for k, v in found.items() if k != "p"}
        p, g = found["p"].copy(), rng.permuted(g)
        broken = ~np.isfinite(p)
        p[broken], g[: broken.size // 2] = dtype.type(1), g[: broken.size // 2] * dtype.type(0.5)


def _stepped(optimizer: type[Optimizer], options: dict[str, Any], p: Array, g: Array, state: dict[str, Any]) -> Result:
    """One step of an optimizer on Tensors, from a given state."""
    shape = SHAPE if optimizer._rule.whole else (-1,)
    tensor: Tensor = from_numpy(p.copy().reshape(shape)).requires_grad_()
    tensor.grad = from_numpy(g.copy().reshape(shape))
    made = optimizer([tensor], **options)
    made.state = {tensor: {k: v.copy().reshape(shape) if _like(v, p) else v for k, v in state.items()}} if state else {}
    made.step()
    found = {k: v.reshape(-1) if _like(v, p) else v for k, v in made.state.get(tensor, {}).items()}
    return {"p": tensor.detach().numpy().reshape(-1), **found}


def _like(value: Any, p: Array) -> bool:
    return isinstance(value, np.ndarray) and value.size == p.size


def _cut(state: dict[str, Any], n: int) -> dict[str, Any]:
    return {k: v[:n] if isinstance(v, np.ndarray) and v.ndim else v for k, v in state.items()}


# --- the ways -------------------------------------------------------------------------------------------------------


def _ways(
    optimizer: type[Optimizer], options: dict[str, Any], dtype: np.dtype[Any]
) -> list[tuple[str, Callable[..., Result]]]:
    found: list[tuple[str, Callable[..., Result]]] = []
    if optimizer.elementwise and optimizer.measure is None:
        found.append(("single numbers in Python", lambda p, g, s: _singly(optimizer, options, p, g, s)))
    if has_numba():
        for way, threads in (("numba, one thread", 1), ("numba, shared between threads", 3)):
            found.append((way, partial(_compiled, optimizer, options, threads=threads)))
    if importlib.util.find_spec("torch") is not None:
        torch = importlib.import_module("torch")
        theirs = getattr(torch.optim, optimizer.__name__, None)
        half = optimizer.__name__ == "Muon"  # of which PyTorch computes the most part in bfloat16
        ours = getattr(sys.modules[__package__], optimizer.__name__, None) is optimizer  # no namesake of a user's
        if theirs is not None and ours and not half:
            found.append((f"PyTorch {torch.__version__}", partial(_in_torch, theirs, options, optimizer._rule.whole)))
    return found


@contextmanager
def _sharing(threads: int) -> Iterator[None]:
    before, size = kernels.get_num_threads(), cohort.SHARED
    kernels.set_num_threads(threads)
    cohort.SHARED = 0 if threads > 1 else size
    try:
        yield
    finally:
        kernels.set_num_threads(before)
        cohort.SHARED = size


def _compiled(
    optimizer: type[Optimizer], options: dict[str, Any], p: Array, g: Array, state: dict[str, Any], *, threads: int
) -> Result:
    with kernels.use("numba"), _sharing(threads):
        return _stepped(optimizer, options, p, g, state)


def _singly(optimizer: type[Optimizer], options: dict[str, Any], p: Array, g: Array, state: dict[str, Any]) -> Result:
    """The formula on one number at a time."""
    made = optimizer(**options)
    group, _ = resolved(made.param_groups[0], made._steps)
    made._state = {"p": state} if state else {}
    t, kept = progress(made, "p")
    values = {**constants_of(made, group, 1.0), **made.scalars(group, t + 1, **kept)}
    fused = loop_of(made, values)
    labels = [made._rule.states[name] for name in fused.states]
    first = {made._rule.states[name]: value for name, value in made.start(group).items()}
    scalars = [p.dtype.type(values[name]) for name in fused.scalars]
    columns = [state.get(label, np.full_like(p, first.get(label, 0))) for label in labels]
    with np.errstate(all="ignore"):
        rows = [fused.plain(x, y, s, scalars, {}) for x, y, *s in zip(p, g, *columns)]
    return {name: np.array(column, p.dtype) for name, column in zip(("p", *labels), zip(*rows))}


def _in_torch(theirs: Any, options: dict[str, Any], matrix: bool, p: Array, g: Array, state: dict[str, Any]) -> Result:
    torch = importlib.import_module("torch")
    shape = SHAPE if matrix else (-1,)
    tensor = torch.from_numpy(p.reshape(shape).copy()).requires_grad_()
    grad = torch.from_numpy(g.reshape(shape).copy())
    tensor.grad = grad.to_sparse() if theirs is torch.optim.SparseAdam else grad  # which takes no others
    default = torch.get_default_dtype()
    torch.set_default_dtype(tensor.dtype)  # of the numbers that some of its optimizers keep in tensors
    try:
        made = theirs([tensor], **options)
        if state:
            made.load_state_dict({**made.state_dict(), "state": {0: {k: torch.tensor(v) for k, v in state.items()}}})
        made.step()
    finally:
        torch.set_default_dtype(default)
    found = {k: np.asarray(v).reshape(-1) for k, v in made.state[tensor].items() if v is not None}
    return {"p": tensor.detach().numpy().reshape(-1), **{k: v for k, v in found.items() if v.shape == p.shape}}


def _against(reference: Any, optimizer: type[Optimizer], options: dict[str, Any], steps: int, seed: int) -> float:
    """The largest difference from a reference over the whole run, in sixteenths of 1e-9."""
    rng = np.random.default_rng(seed)
    p, worst, made = rng.standard_normal(50), 0.0, optimizer(**options)
    state: dict[str, Any] = {}
    params = {"p": p.copy()}
    for t in range(1, steps + 1):
        g = rng.standard_normal(50)
        made.update(params, {"p": g})
        p = np.asarray(reference(p, g, state, t, **options))
        worst = max(worst, float(np.max(np.abs(params["p"] - p) / np.maximum(np.abs(p), 1e-3))))
    return ALLOWED * worst / 1e-9


# --- the differences ------------------------------------------------------------------------------------------------


def _wobble(
    optimizer: type[Optimizer], options: dict[str, Any], p: Array, g: Array, state: dict[str, Any], plain: Result
) -> Result:
    """What the plain way's result changes by if each argument changes by an ulp: the sum over all arguments.

    It is taken from changes by eight ulps, since those by one can vanish in the rounding of what follows. Where squares
    underflow, that is by a change of the gradient whose square is the smallest number there is.
    """
    least = np.sqrt(np.finfo(p.dtype).smallest_subnormal)
    arrays = {"p": p, "g": g, **{k: v for k, v in state.items() if _like(v, p)}}
    units = {k: np.spacing(np.abs(v)).astype(np.float64) for k, v in plain.items() if _like(v, p)}
    for name, array in arrays.items():
        step = 8 * np.spacing(np.abs(array))
        moves = [(array - step, 8), (array + step, 8)]
        if name == "g":
            moves += [(array - least, 1), (array + least, 1)]
        widest = {k: np.zeros(p.size) for k in units}
        for moved, times in moves:
            changed = {**arrays, name: np.where(np.isfinite(array), moved, array)}
            rest = {k: v for k, v in changed.items() if k not in ("p", "g")}
            with kernels.use("numpy"):
                found = _stepped(optimizer, options, changed["p"], changed["g"], {**state, **rest})
            for k, wide in widest.items():
                np.maximum(wide, np.abs(found[k].astype(np.float64) - plain[k]) / times, out=wide)
        for k, unit in units.items():
            unit += widest[k]
    return units


def _difference(plain: Result, other: Result, units: Result, n: int) -> tuple[float, int, int]:
    """The largest difference of two results, in their units; how many numbers were compared, and how many there are."""
    worst, compared = 0.0, 0
    for name, unit in units.items():
        a, b = plain[name][:n], other[name][:n]
        same = (np.isnan(a) & np.isnan(b)) | (a == b)
        unsure = ~np.isfinite(unit[:n]) | np.isinf(a) | np.isinf(b)  # may overflow, or lose its sense
        compared += int((~unsure & ~np.isnan(a)).sum())
        if (~same & ~unsure & (np.isnan(a) | np.isnan(b))).any():
            return math.inf, compared, n * len(units)
        ulps = np.abs(a.astype(np.float64) - b) / unit[:n]
        worst = max(worst, float(np.max(np.where(same | unsure, 0.0, ulps), initial=0.0)))
    return worst, compared, n * len(units)

"""`compare`: the classic check, entries of the Jacobian against central differences with a given step and tolerance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from . import report as say
from .probe import Array, Probe, locate, places
from .report import Finding, Report

_DIRECTIONS = 4  # random ones for each leaf


class _Kink(Exception):
    """A kink or a jump that the check could not get around; its argument is the flat index, or None."""


def compare(
    probe: Probe,
    *,
    eps: float,
    atol: float,
    rtol: float,
    entries: bool = True,
    allow_zero: bool | Collection[str] = False,
    allow_kinks: bool = True,
    joint: bool = False,
    nondet_tol: float = 0.0,
    seed: int = 0,
) -> Report:
    """Compare gradients with central differences.

    Parameters
    ----------
    probe : Probe
        Of float64 or complex128 leaves.
    eps : float
        Step of the differences.
    atol, rtol : float
        An entry fails where ``|analytical - numerical| > atol + rtol * |numerical|``.
    entries : bool
        Every entry of the Jacobian, or random directions.
    allow_zero, joint, nondet_tol, seed
        As for `examine`.
    allow_kinks : bool
        Move away from a kink at the point, or report it.

    Returns
    -------
    Report
    """
    names = probe.names
    calls = [probe.outputs() for _ in range(2)]
    base, again = map(probe.flat, calls)
    if not np.array_equal(base, again, equal_nan=True):
        note = "two calls gave different results"
        return Report(Finding(name, say.NOT_DETERMINISTIC, note=note) for name in names)
    if not np.isfinite(base).all():
        return Report(Finding(name, say.NOT_FINITE) for name in names)
    ones = np.ones(base.size)
    first, second = (probe.gradients(ones, outputs) for outputs in calls)
    check = _Comparison(probe, eps, atol, rtol, allow_kinks, np.random.default_rng(seed))
    findings, zero = [], []
    apart = [float(np.abs(a - b).max(initial=0.0)) for a, b in zip(first, second)]
    try:
        if entries:
            check.measure([i for i, by in enumerate(apart) if by <= nondet_tol])
        for i, name in enumerate(names):
            if apart[i] > nondet_tol:
                note = f"two backward passes differ by {apart[i]:.3g}"
                findings.append(Finding(name, say.NOT_DETERMINISTIC, note=note))
                continue
            try:
                finding, largest = check.full(i) if entries else check.random_directions(i)
            except _Kink as kink:
                at = None if kink.args[0] is None else check.probe.index(i, kink.args[0])
                note = "a kink or a jump wherever it was tried near the point" if allow_kinks else ""
                findings.append(Finding(name, say.KINK, at, note=note))
                continue
            if finding.verdict == say.RIGHT and largest <= atol:
                zero.append(len(findings))
                finding = Finding(name, say.VACUOUS, note=f"within atol={atol:g}", of=finding.of)
            findings.append(finding)
    finally:
        probe.restore()
    for k in zero:
        spared = allow_zero if isinstance(allow_zero, bool) else findings[k].name in allow_zero
        if spared or (joint and len(zero) < len(findings)):
            findings[k] = Finding(**{**findings[k].__dict__, "passed": True})
    return Report(findings)


class _Comparison:
    def __init__(self, probe: Probe, eps: float, atol: float, rtol: float, steer: bool, random: Any) -> None:
        self.probe, self.eps, self.atol, self.rtol, self.steer, self.random = probe, eps, atol, rtol, steer, random
        self._jacobians: dict[int, tuple[Array, Array] | _Kink] = {}  # numerical and analytical, (inputs, outputs)
        self._outputs: list[Any] | None = None
        self._weighted: dict[int, tuple[Array, list[Array]]] = {}

    def _move(self, i: int, step: Array) -> None:
        self.probe.base[i] += step
        self.probe._put(i, self.probe.base[i])
        self._outputs = None
        self._weighted = {}

    def _recorded(self) -> list[Any]:
        """The results at the point and the graph behind them, computed once for each point."""
        if self._outputs is None:
            self._outputs = self.probe.outputs()
        return self._outputs

    def _pull(self, k: int) -> tuple[Array, list[Array]]:
        """The k-th random weights of the results, and the gradients of all leaves, computed once for each point."""
        if k not in self._weighted:
            outputs = self._recorded()
            weights = self.random.standard_normal(self.probe.flat(outputs).size)
            self._weighted[k] = weights, self.probe.gradients(weights, outputs, retain=True)
        return self._weighted[k]

    def _sides(self, i: int, step: Array, here: Array) -> tuple[Array, Array, bool]:
        """Results ahead and behind, and whether a kink or a jump lies between: more than curvature can explain."""
        ahead, behind = self.probe.moved({i: step})[0], self.probe.moved({i: -step})[0]
        right, left = (ahead - here) / self.eps, (here - behind) / self.eps
        limit = 1e-3 * np.maximum(np.maximum(np.abs(right), np.abs(left)), 1.0)
        return ahead, behind, bool((~(np.abs(right - left) <= limit)).any())  # NaN counts as bent

    def _fails(self, got: Any, expected: Any) -> Any:
        return ~(np.abs(got - expected) <= self.atol + self.rtol * np.abs(expected))

    def measure(self, leaves: Sequence[int]) -> None:
        """Find the Jacobians with respect to some leaves, all at one point: what is moved off a kink moves for all."""
        kinks: dict[int, _Kink] = {}
        moves: Counter[int] = Counter()
        while True:
            here, numerical = self.probe.flat(self._recorded()), dict[int, Array]()
            for i in (i for i in leaves if i not in kinks):
                try:
                    rows = self._differences(i, here)
                except _Kink as kink:
                    kinks[i] = kink
                    continue
                if rows is None:
                    moves[i] += 1
                    if moves[i] == 8:
                        kinks[i] = _Kink(None)
                    break
                numerical[i] = rows
            else:
                break
        analytical = {i: np.zeros(rows.shape) for i, rows in numerical.items()}
        for k in range(here.size if numerical else 0):
            unit = np.zeros(here.size)
            unit[k] = 1
            gradients = self.probe.gradients(unit, self._recorded(), retain=True)
            for i, columns in analytical.items():
                columns[:, k] = gradients[i]
        self._jacobians = {**kinks, **{i: (rows, analytical[i]) for i, rows in numerical.items()}}

    def full(self, i: int) -> tuple[Finding, float]:
        """Compare the Jacobians with respect to one leaf, entry by entry; also the largest magnitude."""
        found = self._jacobians[i]
        if isinstance(found, _Kink):
            raise found
        numerical, analytical = found
        name, size = self.probe.names[i], self.probe.base[i].size
        wrong = self._fails(analytical, numerical)
        largest = float(np.abs(analytical).max(initial=0.0))
        if not wrong.any():
            return Finding(name, say.RIGHT, of=size, passed=True), largest
        away = np.where(wrong, np.nan_to_num(np.abs(analytical - numerical), nan=np.inf), -1)
        e, k = map(int, np.unravel_index(np.argmax(away), wrong.shape))
        where, index = locate(k, [places(o) for o in self._recorded()])
        expected, got = float(numerical[e, k]), float(analytical[e, k])
        count = int(wrong.any(axis=1).sum())
        finding = Finding(
            name, say.WRONG, self.probe.index(i, e), where, index, expected, got,
            abs(expected - got) / float(np.spacing(abs(expected))), None, count, size,
        )  # fmt: skip
        return finding, largest

    def _differences(self, i: int, here: Array) -> Array | None:
        """Central differences for each entry; or, where some sit on a kink, these are moved off it."""
        size = self.probe.base[i].size
        rows = np.zeros((size, here.size))
        moved = False
        for e in range(size):
            step = np.zeros(size)
            step[e] = self.eps
            ahead, behind, bent = self._sides(i, step, here)
            if bent:
                if not self.steer:
                    raise _Kink(e)
                far = self.random.choice((-1, 1)) * self.random.uniform(20, 200) * max(1.0, abs(self.probe.base[i][e]))
                self._move(i, far * step)
                here, moved = self.probe.flat(self._recorded()), True
            rows[e] = (ahead - behind) / (2 * self.eps)
        return None if moved else rows

    def random_directions(self, i: int) -> tuple[Finding, float]:
        """Compare along random directions; also the largest magnitude of the gradient."""
        name, size, largest = self.probe.names[i], self.probe.base[i].size, 0.0
        for k in range(_DIRECTIONS):
            direction, (ahead, behind) = self._smooth(i)
            weights, gradients = self._pull(k)
            gradient = gradients[i]
            largest = max(largest, float(np.abs(gradient).max(initial=0.0)))
            expected = float(weights @ (ahead - behind)) / (2 * self.eps)
            got = float(gradient @ direction)
            if self._fails(got, expected):
                ulps = abs(expected - got) / float(np.spacing(abs(expected)))
                return Finding(name, say.WRONG, expected=expected, got=got, ulps=ulps, of=size), largest
        return Finding(name, say.RIGHT, of=size, passed=True), largest

    def _smooth(self, i: int) -> tuple[Array, Sequence[Array]]:
        """A random direction without a kink between the two steps."""
        for _ in range(12):
            direction = self.random.standard_normal(self.probe.base[i].size)
            direction /= max(float(np.linalg.norm(direction)), 1e-12)
            ahead, behind, bent = self._sides(i, direction * self.eps, self.probe.flat(self._recorded()))
            if not bent:
                return direction, (ahead, behind)
            if not self.steer:
                break
            self._move(i, direction * (self.random.uniform(20, 200) * self.eps))
        raise _Kink(None)

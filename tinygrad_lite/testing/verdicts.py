"""`examine`: the verdict on each leaf of a function: all at once, then one by one, then by entries where it is bad."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..engine.anomaly import detect_anomaly
from . import report as say
from .convergence import Verdict, judge
from .probe import Array, Probe, locate, places
from .report import Finding, GradcheckError, Report

_DIRECTIONS = 2
_COLUMN = 4096  # results for which the worst entry is compared one by one


def examine(
    probe: Probe,
    *,
    allow_zero: bool | Collection[str] = False,
    allow_kinks: bool = True,
    joint: bool = False,
    entries: bool = True,
    nondet_tol: float = 0.0,
    seed: int = 0,
) -> Report:
    """Judge the gradients of a function by the order of convergence of the remainder.

    Parameters
    ----------
    probe : Probe
    allow_zero : bool or collection of str
        Names of leaves whose gradient may be zero everywhere.
    allow_kinks : bool
        Accept a kink at the point if the gradient lies between the slopes on its two sides.
    joint : bool
        Zero everywhere is accepted for some leaves, but not for all.
    entries : bool
        Look for the worst entry where the verdict is bad.
    nondet_tol : float
        How far two backward passes may differ.
    seed : int
        Of the directions.

    Returns
    -------
    Report
    """
    try:
        return _Examination(probe, allow_kinks, entries, np.random.default_rng(seed)).run(allow_zero, joint, nondet_tol)
    finally:
        probe.restore()


class _Examination:
    def __init__(self, probe: Probe, allow_kinks: bool, entries: bool, random: Any) -> None:
        self.probe, self.allow_kinks, self.entries, self.random = probe, allow_kinks, entries, random
        self.sizes = [b.size for b in probe.base]

    def run(self, allow_zero: bool | Collection[str], joint: bool, nondet_tol: float) -> Report:
        probe = self.probe
        here = probe.values()
        if not np.array_equal(here, probe.values(), equal_nan=True):
            return self._all(say.NOT_DETERMINISTIC, note="two calls gave different results")
        if not np.isfinite(here).all():
            return self._all(say.NOT_FINITE, **_line(lambda: probe.values()))
        weights = self._weights(here)
        gradients = probe.gradients(weights)
        again = probe.gradients(weights)
        findings: dict[int, Finding] = {}
        for i, (a, b) in enumerate(zip(gradients, again)):
            if not np.isfinite(a).all():
                at = self._index(i, int(np.argmax(~np.isfinite(a))))
                kind = say.NAN_BACKWARD if np.isnan(a).any() else say.INFINITE
                extra: dict[str, Any] = _line(lambda: probe.gradients(weights))
                findings[i] = Finding(probe.names[i], kind, at, of=a.size, **extra)
            elif np.abs(a - b).max(initial=0.0) > nondet_tol:
                note = f"two backward passes differ by {np.abs(a - b).max():.3g}"
                findings[i] = Finding(probe.names[i], say.NOT_DETERMINISTIC, note=note)
        open_ = [i for i in range(len(self.sizes)) if i not in findings]
        together = self._together(open_, weights, gradients)
        for i in open_:
            findings[i] = together.get(i) or self._leaf(i, weights, gradients)
        report = [findings[i] for i in range(len(self.sizes))]
        vacuous = [f.name for f in report if f.verdict == say.VACUOUS]
        spared = allow_zero if isinstance(allow_zero, bool) else False
        spared = spared or (joint and len(vacuous) < len(report))
        allowed = () if isinstance(allow_zero, bool) else tuple(allow_zero)
        return Report(self._settle(f, spared or f.name in allowed) for f in report)

    def _settle(self, finding: Finding, zero: bool) -> Finding:
        passed = {say.RIGHT: True, say.KINK: finding.passed and self.allow_kinks, say.VACUOUS: zero}
        return replace(finding, passed=passed.get(finding.verdict, False))

    def _all(self, verdict: str, **extra: Any) -> Report:
        return Report(Finding(name, verdict, **extra) for name in self.probe.names)

    # --- directions -------------------------------------------------------------------------------------------------

    def _direction(self, i: int, floor: float) -> Array:
        """A random direction whose entries are as large as the leaf's: each as itself, or at least as all in the mean.

        Zeros have no size of their own: they move as far as the others, or by 1.
        """
        base = np.abs(self.probe.base[i].astype(np.float64))
        mean = float(np.sqrt(np.mean(base * base))) if base.size else 0.0
        size = np.where(base == 0.0, mean or 1.0, np.maximum(base, floor * mean))
        signs = self.random.choice((-1.0, 1.0), base.size)
        return np.asarray(size * signs * self.random.uniform(0.5, 1.0, base.size))

    def _weights(self, here: Array) -> Array:
        """Random weights for the results, such that a step changes each of them about as much."""
        probe, change = self.probe, np.zeros(here.size)
        for floor in (0.0, 1.0, 1.0):
            there, _ = probe.moved({i: 2.0**-10 * self._direction(i, floor) for i in range(len(self.sizes))})
            moved = np.abs(there - here)
            change = np.fmax(change, np.where(np.isfinite(moved), moved, 0.0))
        eps = probe.rounding()
        change = np.maximum(change, 2.0**4 * eps * np.abs(here))
        some = change > 0.0
        weights = self.random.choice((-1.0, 1.0), here.size) * self.random.uniform(0.5, 1.0, here.size)
        weights = np.where(some, weights / np.where(some, change, 1.0), weights)
        if some.any():
            weights[~some] *= float(np.abs(weights[some]).min())
        weights /= np.abs(weights).max(initial=0.0) or 1.0
        single = eps > 1e-10
        weights[single] = weights[single].astype(np.float32)
        return weights

    def _together(self, which: Sequence[int], weights: Array, gradients: Sequence[Array]) -> dict[int, Finding]:
        """Those of several leaves that two common directions show to be right."""
        if len(which) < 2:
            return {}
        shares, precision = dict.fromkeys(which, 1.0), 0.0
        for floor in (0.0, 1.0):
            v = {i: self._direction(i, floor) for i in which}
            parts = {i: float(np.abs(gradients[i] * d).sum()) for i, d in v.items()}
            verdict = judge(self.probe, v, weights, gradients)
            if verdict.kind != say.RIGHT or verdict.size == 0.0:
                return {}
            for i in which:
                shares[i] = min(shares[i], parts[i] / verdict.size)
            precision = max(precision, verdict.precision)
        return {
            i: Finding(self.probe.names[i], say.RIGHT, precision=precision / share, of=self.sizes[i])
            for i, share in shares.items()
            if share > 0.01
        }

    # --- one leaf ---------------------------------------------------------------------------------------------------

    def _leaf(self, i: int, weights: Array, gradients: Sequence[Array]) -> Finding:
        """The verdict on one leaf; on a kink, also on its neighbourhood."""
        name, size = self.probe.names[i], self.sizes[i]
        if size == 0:
            return Finding(name, say.RIGHT, note="no entries")
        kink: Finding | None = None
        base = self.probe.base[i].copy()
        try:
            for _ in range(5):
                verdict, v = self._directions(i, weights, gradients)
                if verdict.kind == say.WRONG:
                    return self._wrong(i, verdict, v, weights, gradients)
                if verdict.kind not in (say.KINK, say.JUMP):
                    found = Finding(name, verdict.kind, precision=verdict.precision, of=size)
                    return kink if kink is not None and verdict.kind != say.LOST else found
                found, marked = self._kink(i, verdict, weights, gradients)
                kink = kink or found
                self.probe.base[i][marked] = self._beside(i)[marked]
                self.probe._put(i, self.probe.base[i])
                weights = self._weights(self.probe.values())
                gradients = self.probe.gradients(weights)
            return Finding(name, say.KINK, note="a kink or a jump wherever it was tried near the point", of=size)
        finally:
            self.probe.base[i][...] = base
            self.probe._put(i, base)

    def _directions(self, i: int, weights: Array, gradients: Sequence[Array]) -> tuple[Verdict, dict[int, Array]]:
        """The worst verdict of several directions."""
        order = (say.WRONG, say.JUMP, say.KINK, say.LOST, say.RIGHT, say.VACUOUS)
        found = []
        for k in range(_DIRECTIONS):
            v = {i: self._direction(i, float(k > 0))}
            verdict = judge(self.probe, v, weights, gradients)
            found.append((verdict, v))
            if verdict.kind in order[:3]:
                break
        kinds = [verdict.kind for verdict, _ in found]
        if say.RIGHT in kinds and say.LOST in kinds:  # what one scale cannot see another can
            found = [pair for pair in found if pair[0].kind != say.LOST or pair[0].blur < pair[0].precision / 4]
        return min(found, key=lambda pair: order.index(pair[0].kind))

    def _beside(self, i: int) -> Array:
        base = self.probe.base[i]
        return np.asarray(base + self._direction(i, 1.0) * self.random.uniform(0.01, 0.03)).astype(base.dtype)

    def _index(self, i: int, flat: int) -> tuple[int, ...]:
        return tuple(map(int, np.unravel_index(flat, places(self.probe.leaves[i]))))

    def _remainders(self, i: int, step: float, weights: Array, gradients: Sequence[Array]) -> tuple[Array, Array]:
        """Error of the slope, and half the difference of the slopes on both sides, for each entry."""
        scale = np.abs(self._direction(i, 1.0))
        here, odd, even = self.probe.values(), np.zeros(scale.size), np.zeros(scale.size)
        for e in range(scale.size):
            unit = np.zeros(scale.size)
            unit[e] = step * scale[e]
            ahead, s = self.probe.moved({i: unit})
            behind, t = self.probe.moved({i: -unit})
            width = s[i][e] - t[i][e]
            plus = float(weights @ (ahead - here)) - gradients[i][e] * s[i][e]
            minus = float(weights @ (behind - here)) - gradients[i][e] * t[i][e]
            odd[e], even[e] = (plus - minus) / (width or 1.0), (plus + minus) / (width or 1.0)
        return odd, even

    def _kink(self, i: int, verdict: Verdict, weights: Array, gradients: Sequence[Array]) -> tuple[Finding, Array]:
        """What is said of a kink or a jump, and the entries that sit on it: all, where they are not looked for."""
        name, size = self.probe.names[i], self.sizes[i]
        if verdict.kind == say.JUMP:
            return Finding(name, say.JUMP, of=size, note="the function jumps at this point"), np.ones(size, bool)
        if not self.entries:
            return Finding(name, say.KINK, of=size, passed=True), np.ones(size, bool)
        odd, even = np.abs(self._remainders(i, verdict.step, weights, gradients))
        bends = even * np.abs(self._direction(i, 1.0))
        marked = bends >= bends.max() / 64
        outside = marked & (odd > 1.05 * even)
        at = self._index(i, int(np.argmax(outside if outside.any() else bends)))
        note = "the gradient does not lie between the slopes on the two sides" if outside.any() else ""
        finding = Finding(name, say.KINK, at, entries=int(marked.sum()), of=size, note=note, passed=not note)
        return finding, marked

    def _wrong(
        self, i: int, verdict: Verdict, v: dict[int, Array], weights: Array, gradients: Sequence[Array]
    ) -> Finding:
        """The worst entry, with what was expected there."""
        name, size = self.probe.names[i], self.sizes[i]
        if not self.entries:
            expected = verdict.slope + verdict.error
            return Finding(name, say.WRONG, expected=expected, got=verdict.slope, precision=verdict.precision, of=size)
        odd, _ = self._remainders(i, verdict.step, weights, gradients)
        scale = np.abs(self._direction(i, 1.0))
        worst = int(np.argmax(np.abs(odd) * scale))
        wrong = np.abs(odd) * scale > max(np.abs(odd * scale).max() / 64, 0.0)
        output, output_index, expected, got = self._column(i, worst, verdict.step * scale[worst], weights)
        if output is None:
            expected, got = gradients[i][worst] + odd[worst], float(gradients[i][worst])
        spacing = float(np.spacing(self.probe.base[i].dtype.type(abs(expected))))
        return Finding(
            name, say.WRONG, self._index(i, worst), output, output_index, float(expected), float(got),
            abs(expected - got) / spacing, verdict.precision, int(wrong.sum()), size,
        )  # fmt: skip

    def _column(
        self, i: int, entry: int, step: float, weights: Array
    ) -> tuple[int | None, tuple[int, ...] | None, float, float]:
        """The result for which the derivative by one entry is most wrong: which, its index, expected, got."""
        outputs = self.probe.outputs()
        shapes = [places(o) for o in outputs]
        total = sum(int(np.prod(s)) for s in shapes)
        if total > _COLUMN:
            return None, None, 0.0, 0.0
        unit = np.zeros(self.sizes[i])
        unit[entry] = step
        ahead, s = self.probe.moved({i: unit})
        behind, t = self.probe.moved({i: -unit})
        numerical = (ahead - behind) / (s[i][entry] - t[i][entry])
        computed = np.zeros(total)
        for k in range(total):
            one = np.zeros(total)
            one[k] = 1.0
            computed[k] = self.probe.gradients(one, outputs, retain=True)[i][entry]
        worst = int(np.argmax(np.abs((numerical - computed) * weights)))
        which, index = locate(worst, shapes)
        return which, index, float(numerical[worst]), float(computed[worst])


_PLACE = re.compile(r"(\S+) at (\S+:\d+)")


def _line(run: Callable[[], Any]) -> dict[str, str]:
    """Where a NaN comes from, by `detect_anomaly`."""
    try:
        with detect_anomaly():
            run()
    except GradcheckError:
        raise
    except RuntimeError as error:
        found = _PLACE.search(str(error))
        return {"line": found.group(2), "note": str(error)} if found else {"note": str(error)}
    return {}

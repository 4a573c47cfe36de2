"""`examine`: the verdict on each leaf of a function: all at once, then in halves, then by entries where it is bad."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...engine.anomaly import detect_anomaly
from . import report as say
from .complex_step import complex_slope
from .convergence import Verdict, judge
from .entries import Slopes
from .probe import Array, Probe
from .report import Finding, GradcheckError, Report

_DIRECTIONS = 2
_SEARCHES = 8  # wrong leaves whose worst entry is looked for: what is wrong at the end is wrong all the way back
_BY_COMPLEX_STEP = "by the complex step alone: real ones are lost in rounding"
_SHARE = 0.005  # of a common slope: leaves that contribute less are looked at again


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
        self.sizes, self.searches = [b.size for b in probe.base], 0
        self.holomorphic = True  # until it is seen not to take complex numbers

    def run(self, allow_zero: bool | Collection[str], joint: bool, nondet_tol: float) -> Report:
        probe = self.probe
        here = probe.here()
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
                at = self.probe.index(i, int(np.argmax(~np.isfinite(a))))
                kind = say.NAN_BACKWARD if np.isnan(a).any() else say.INFINITE
                extra: dict[str, Any] = _line(lambda: probe.gradients(weights))
                findings[i] = Finding(probe.names[i], kind, at, of=a.size, **extra)
            elif np.abs(a - b).max(initial=0.0) > nondet_tol:
                note = f"two backward passes differ by {np.abs(a - b).max():.3g}"
                findings[i] = Finding(probe.names[i], say.NOT_DETERMINISTIC, note=note)
        left = [i for i in range(len(self.sizes)) if i not in findings]
        for group in ([i for i in left if not self.sizes[i]], [i for i in left if self.sizes[i]]):
            findings |= self._group(group, weights, gradients)
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
        change[change < 1e-200 * change.max(initial=0.0)] = 0.0  # its reciprocal would overflow
        some = change > 0.0
        weights = self.random.choice((-1.0, 1.0), here.size) * self.random.uniform(0.5, 1.0, here.size)
        weights = np.where(some, weights / np.where(some, change, 1.0), weights)
        if some.any():
            weights[~some] *= float(np.abs(weights[some]).min())
        weights /= np.abs(weights).max(initial=0.0) or 1.0
        single = eps > 1e-10
        weights[single] = weights[single].astype(np.float32)
        return weights

    def _judge(self, v: dict[int, Array], weights: Array, gradients: Sequence[Array]) -> Verdict:
        """The verdict by real steps; where these confirm the gradient, or are lost, the complex step is asked too."""
        verdict = judge(self.probe, v, weights, gradients)
        if verdict.kind in (say.RIGHT, say.LOST) and self.holomorphic:
            slope = complex_slope(self.probe, v, weights)
            self.holomorphic = slope is not None
            size = sum(float(np.abs(gradients[i] * d).sum()) for i, d in v.items())
            if slope is not None and size > 0.0:
                apart = abs(slope - sum(float(gradients[i] @ d) for i, d in v.items())) / size
                if apart < 1e-9:
                    verdict.note = _BY_COMPLEX_STEP if verdict.kind == say.LOST else ""
                    apart = max(apart, 2.0**-52)
                    verdict.kind, verdict.sees = say.RIGHT, min(verdict.sees, apart)
                    verdict.bound = min(verdict.bound, apart)
        return verdict

    def _group(self, which: Sequence[int], weights: Array, gradients: Sequence[Array]) -> dict[int, Finding]:
        """The findings on several leaves: by common directions where these are right, or else on each half."""
        if len(which) < 2 or not self.sizes[which[0]]:
            return {i: self._leaf(i, weights, gradients) for i in which}
        shares, verdicts = dict.fromkeys(which, np.inf), []
        seen = dict.fromkeys(which, np.inf)  # of each leaf, how large its error can be
        for floor in (0.0, 1.0):
            v = {i: self._direction(i, floor) for i in which}
            parts = {i: float(np.abs(gradients[i] * d).sum()) for i, d in v.items()}
            level = float(np.median([p for p in parts.values() if p] or [0.0]))
            for i in which:  # those that count for more are moved less
                if parts[i] > level > 0.0:
                    v[i] = v[i] * (level / parts[i])
                    parts[i] = level
            verdicts.append(self._judge(v, weights, gradients))
            if verdicts[-1].kind not in (say.RIGHT, say.VACUOUS):
                break
            total = sum(parts.values()) or 1.0
            shares = {i: min(share, parts[i] / total) for i, share in shares.items()}
            scale = verdicts[-1].size / total  # it may have gone further
            slopes = {i: scale * float(gradients[i] @ v[i]) for i in which}
            seen = {i: min(error, verdicts[-1].precision_of(slopes[i])) for i, error in seen.items()}
        kinds = {verdict.kind for verdict in verdicts}
        precision = max(verdict.sees for verdict in verdicts)
        names, sizes = self.probe.names, self.sizes
        if kinds == {say.VACUOUS}:
            return {i: Finding(names[i], say.VACUOUS, of=sizes[i]) for i in which}
        note, found = verdicts[-1].note, dict[int, Finding]()
        if kinds == {say.RIGHT}:
            for i in which:
                if shares[i] > max(_SHARE, precision):
                    found[i] = Finding(names[i], say.RIGHT, precision=seen[i], of=sizes[i], note=note)
        left = [i for i in which if i not in found]
        if found:
            return {**found, **self._group(left, weights, gradients)}
        half = len(left) // 2
        return {**self._group(left[:half], weights, gradients), **self._group(left[half:], weights, gradients)}

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
                    precision = verdict.precision_of(verdict.slope)
                    found = Finding(name, verdict.kind, precision=precision, of=size, note=verdict.note)
                    return kink if kink is not None and verdict.kind != say.LOST else found
                found, marked = self._kink(i, verdict, weights, gradients)
                kink = kink or found
                self.probe.shift(i, np.where(marked, self._beside(i), self.probe.base[i]))
                weights = self._weights(self.probe.here())
                gradients = self.probe.gradients(weights)
            return Finding(name, say.KINK, note="a kink or a jump wherever it was tried near the point", of=size)
        finally:
            self.probe.shift(i, base)

    def _directions(self, i: int, weights: Array, gradients: Sequence[Array]) -> tuple[Verdict, dict[int, Array]]:
        """The worst verdict of several directions."""
        order = (say.WRONG, say.JUMP, say.KINK, say.LOST, say.RIGHT, say.VACUOUS)
        found = []
        for k in range(_DIRECTIONS):
            v = {i: self._direction(i, float(k > 0))}
            verdict = self._judge(v, weights, gradients)
            found.append((verdict, v))
            if verdict.kind in order[:3]:
                break
        kinds = [verdict.kind for verdict, _ in found]
        if say.RIGHT in kinds and say.LOST in kinds:  # what one scale cannot see another can
            found = [pair for pair in found if pair[0].kind != say.LOST or pair[0].blur < pair[0].precision / 4]
        return min(found, key=lambda pair: (order.index(pair[0].kind), pair[0].precision_of(pair[0].slope)))

    def _beside(self, i: int) -> Array:
        base = self.probe.base[i]
        return np.asarray(base + self._direction(i, 1.0) * self.random.uniform(0.01, 0.03)).astype(base.dtype)

    def _kink(self, i: int, verdict: Verdict, weights: Array, gradients: Sequence[Array]) -> tuple[Finding, Array]:
        """What is said of a kink or a jump, and the entries that sit on it: all, where they are not looked for."""
        name, size = self.probe.names[i], self.sizes[i]
        if verdict.kind == say.JUMP:
            return Finding(name, say.JUMP, of=size, note="the function jumps at this point"), np.ones(size, bool)
        if not self.entries:
            return Finding(name, say.KINK, of=size, passed=True), np.ones(size, bool)
        scale = np.abs(self._direction(i, 1.0))
        some, odd, even = Slopes(self.probe, i, scale, verdict.step, weights, gradients).each(1, self.random)
        odd, even = np.abs(odd), np.abs(even)
        bent = even >= even.max() / 64
        outside = bent & (odd > 1.05 * even)
        at = self.probe.index(i, int(some[np.argmax(np.where(outside, even, 0.0) if outside.any() else even)]))
        note = "the gradient does not lie between the slopes on the two sides" if outside.any() else ""
        finding = Finding(name, say.KINK, at, entries=int(bent.sum()), of=size, note=note, passed=not note)
        marked = np.ones(size, bool)
        if some.size == size:
            marked[...] = bent
        return finding, marked

    def _wrong(
        self, i: int, verdict: Verdict, v: dict[int, Array], weights: Array, gradients: Sequence[Array]
    ) -> Finding:
        """The worst entry, with what was expected there."""
        name, size = self.probe.names[i], self.sizes[i]
        precision = verdict.precision_of(verdict.slope)
        self.searches += 1
        if not self.entries or self.searches > _SEARCHES:
            expected = verdict.slope + verdict.error
            return Finding(name, say.WRONG, expected=expected, got=verdict.slope, precision=precision, of=size)
        scale = np.abs(self._direction(i, 1.0))
        slopes = Slopes(self.probe, i, scale, verdict.step, weights, gradients)
        some, odd, _ = slopes.each(0, self.random)
        worst = int(np.argmax(np.abs(odd)))
        wrong = np.abs(odd) > np.abs(odd).max() / 64
        output, output_index, expected, got = slopes.column(int(some[worst]), self.random)
        spacing = float(np.spacing(self.probe.base[i].dtype.type(abs(expected))))
        note = "" if some.size == size else f"looked for by halving {size} entries"
        return Finding(
            name, say.WRONG, self.probe.index(i, int(some[worst])), output, output_index, expected, got,
            abs(expected - got) / spacing, precision, int(wrong.sum()), some.size, note=note,
        )  # fmt: skip


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

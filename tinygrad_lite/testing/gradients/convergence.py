"""`judge`: whether a gradient is right along one direction, by the order at which the remainder vanishes.

With L(x) a weighted sum of the results and g its gradient, the remainders ``r+ = L(x + h v) - L(x) - h g.v`` and
``r- = L(x - h v) - L(x) + h g.v`` are split into an odd part ``(r+ - r-) / 2`` and an even one ``(r+ + r-) / 2``. At
each halving of h

- the odd part falls by 8 if g is right, and by 2 if it is not: what is left is h times the error of g;
- the even part falls by 4 where L is smooth, by 2 on a kink (h times half the difference of the two slopes), and not at
  all at a jump.

How large rounding is, is measured by the even part at steps of a few units in the last place. Steps whose remainders
are not well above that say nothing, and no tolerance has to be chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .probe import Array, Probe
from .report import JUMP, KINK, LOST, RIGHT, VACUOUS, WRONG

_CLEAR = 16.0  # a remainder that many times above rounding is believed
_ALIKE = 1.3  # slopes at steps that differ by a factor of 4, of one straight line: within that factor


@dataclass
class Verdict:
    """What one direction shows."""

    kind: str
    step: float = 0.0  # at which it was seen best
    error: float = 0.0  # of the slope
    bend: float = 0.0  # half the difference of the slopes on the two sides
    slope: float = 0.0  # the computed one
    size: float = 0.0  # the sum of the magnitudes that the slope is made of
    precision: float = np.inf  # relative to that size, or to the largest slope seen
    sees: float = np.inf  # relative to that size, or to the slope at the step: which errors would be found
    blur: float = np.inf  # what rounding contributes to it
    bound: float = np.inf  # the error of the slope is smaller, relative to that size
    note: str = ""

    def precision_of(self, slope: float) -> float:
        """How large the relative error of this part of the slope can be, by the remainders that were seen."""
        bound = self.bound * self.size
        return bound / (abs(slope) - bound) if bound < abs(slope) else np.inf


@dataclass
class _Level:
    step: float
    odd: float
    even: float
    signal: float  # how much L changed
    floor: float  # rounding of the results that were subtracted


class _Direction:
    """L along one direction."""

    def __init__(self, probe: Probe, v: dict[int, Array], weights: Array, gradients: Sequence[Array]) -> None:
        self.probe, self.v, self.weights, self.gradients = probe, v, weights, gradients
        self.here = probe.here()
        self.spacing = weights * probe.rounding()
        self.slope = float(sum(gradients[i] @ d for i, d in v.items()))
        self.size = float(sum(np.abs(gradients[i] * d).sum() for i, d in v.items()))
        self.steepest = max(float(np.abs(gradients[i]).max(initial=0.0)) for i in v)
        self.coarse = 2.0**8 * float(np.linalg.norm(self.spacing) * np.abs(self.here).max(initial=1.0))
        self.eps = max(float(np.finfo(probe.base[i].dtype).eps) for i in v)

    def _side(self, step: float) -> tuple[Array, float, float]:
        there, taken = self.probe.moved({i: step * d for i, d in self.v.items()})
        straight = sum(float(self.gradients[i] @ t) for i, t in taken.items())
        floor = float(np.linalg.norm(self.spacing * np.maximum(np.abs(there), np.abs(self.here))))
        return there, straight, floor

    def level(self, step: float) -> _Level | None:
        """The remainders at one step; None where the function is not finite there."""
        (ahead, right, a), (behind, left, b) = self._side(step), self._side(-step)
        if not (np.isfinite(ahead).all() and np.isfinite(behind).all()):
            return None
        plus = float(self.weights @ (ahead - self.here)) - right
        minus = float(self.weights @ (behind - self.here)) - left
        changes = np.abs(ahead - self.here) + np.abs(behind - self.here)
        signal = float(np.abs(self.weights) @ changes) / 2
        straight = abs(right) * float(np.finfo(np.float64).eps)
        return _Level(step, (plus - minus) / 2, (plus + minus) / 2, signal, 2 * max(a, b) + 4 * straight)

    def levels(self, first: int, last: int) -> list[_Level]:
        """The remainders at steps of ``2**-first`` to ``2**-last``, each a quarter of the one before."""
        found = [self.level(2.0**-k) for k in range(first, last + 1, 2)]
        return [level for level in found if level is not None]


def judge(probe: Probe, v: dict[int, Array], weights: Array, gradients: Sequence[Array]) -> Verdict:
    """Say what the remainders along a direction tell about the gradients there.

    Parameters
    ----------
    probe : Probe
    v : dict of array
        The direction for each leaf that is moved, as large as the leaf's numbers.
    weights : array
        Of the results, in L.
    gradients : sequence of array
        Those of L, for each leaf.

    Returns
    -------
    Verdict
    """
    largest = max([1.0, *(float(np.abs(b).max(initial=0.0)) for b in probe.base)])
    found = _at_scale(probe, v, weights, gradients)
    for _ in range(8):  # numbers far below what the function responds to: 1e-12 in exp
        scale = max(float(np.abs(d).max(initial=0.0)) for d in v.values())
        if found.kind in (WRONG, KINK, JUMP) or found.precision < 1e-4 or scale >= largest or not scale:
            break
        v = {i: d * min(2.0**16, largest / scale) for i, d in v.items()}
        wider = _at_scale(probe, v, weights, gradients)
        if wider.kind in (WRONG, KINK) or wider.precision < found.precision or found.kind == VACUOUS:
            found = wider
    return found


def _at_scale(probe: Probe, v: dict[int, Array], weights: Array, gradients: Sequence[Array]) -> Verdict:
    line = _Direction(probe, v, weights, gradients)
    digits = round(-np.log2(line.eps))  # 52, or 23
    tiny = line.levels(digits - 7, digits - 3)
    if not tiny:
        return Verdict(LOST, slope=line.slope, size=line.size)
    floor = max(level.floor for level in tiny)
    noise = max(floor, *(abs(level.even) for level in tiny))
    out = Verdict(RIGHT, slope=line.slope, size=line.size)
    evens = [level.even for level in tiny]
    if noise > 2.0**12 * floor and max(evens) - min(evens) < 1e-3 * noise and _jumps(line, evens[0], digits):
        out.kind, out.bend = JUMP, noise
        return out
    near = line.levels(9, min(21, digits - 9))
    if _settled(near, noise, out, line.eps) and _straight(near, "odd", noise, line) is None:
        return out
    if _plain(near, noise):
        out.kind, out.step, out.error = WRONG, near[3].step, near[3].odd / near[3].step
        return out
    near = [*line.levels(1, 7), *near, *line.levels(23, digits - 9)]
    settled = _settled(near, noise, out, line.eps)
    resolution = 2.0**9 * line.eps * line.size
    bend, error = (_straight(near, part, noise, line) for part in ("even", "odd"))
    out.error = error[1] if error is not None and abs(error[1]) > resolution else 0.0
    out.bend = bend[1] if bend is not None and abs(bend[1]) > resolution else 0.0
    if out.error and abs(out.error) > 1.05 * abs(out.bend):
        out.kind, out.step = WRONG, error[0] if error else 0.0
    elif out.bend:
        out.kind, out.step = KINK, bend[0] if bend else 0.0
    elif line.size <= 64 * noise and line.steepest <= 2.0**10 * line.eps * float(np.abs(weights).max(initial=0.0)):
        out.kind = VACUOUS
    elif not settled and out.precision > max(0.02, 4 * line.eps**0.5):
        out.kind = LOST
    return out


def _jumps(line: _Direction, even: float, digits: int) -> bool:
    """Whether an even part that tiny steps share is there at larger ones, too, and not the rounding of the point."""
    return all(abs(level.even - even) < abs(even) / 8 for level in line.levels(digits - 19, digits - 9))


def _settled(levels: Sequence[_Level], noise: float, out: Verdict, eps: float) -> bool:
    """Note the precision, and tell whether it is so good that no more steps are needed."""
    scale = max([out.size, *(level.signal / level.step for level in levels)], default=0.0)
    if scale == 0.0:
        return False
    bends = []
    for level in levels:
        blur = 4 * max(noise, level.floor) / (level.step * scale)
        out.blur = min(out.blur, blur)
        out.precision = min(out.precision, abs(level.odd) / (level.step * scale) + blur)
        near = max(out.size, level.signal / level.step)
        if near:
            out.sees = min(out.sees, (abs(level.odd) / level.step + blur * scale) / near)
        bends.append((abs(level.even) + 4 * noise) / (level.step * scale))
    for a, b in zip(levels, levels[1:]):  # at one step e - c h**2 may vanish, at two the larger is 15 / 17 e at least
        error = 17 / 15 * max(abs(a.odd) / a.step, abs(b.odd) / b.step) + 4 * max(noise, a.floor) / a.step
        out.bound = min(out.bound, error / out.size) if out.size else np.inf
    return out.precision < min(4 * eps**0.5, 1e-4) and min(bends) < 8 * eps ** (1 / 3)


def _plain(levels: Sequence[_Level], noise: float) -> bool:
    """Whether the gradient is wrong by so much that no more steps are needed."""
    slopes = [level.odd / level.step for level in levels]
    large = all(abs(v.odd) > max(_CLEAR * noise, 1.05 * abs(v.even), v.signal / 64) for v in levels)
    pairs = list(zip(levels, levels[1:]))
    resolved = all(3 * b.signal < a.signal < 5 * b.signal for a, b in pairs)
    return len(levels) >= 6 and large and resolved and all(_alike(a, b) for a, b in zip(slopes, slopes[1:]))


def _straight(levels: Sequence[_Level], part: str, noise: float, line: _Direction) -> tuple[float, float] | None:
    """Step and slope of the line through 0 that a part lies on at the smallest steps above rounding, if it does.

    Where L itself does not change in proportion to the step, or by no more than what looks like rounding but is far
    larger, it is not resolved (a sine over many periods). Where it does not change at all since a number inside of it
    has no digits left for the step, the line ends below the rounding of that number, and larger steps are looked at.
    Where the line ends well above rounding, it began at a kink beside the point, and smaller steps know better.
    """
    clear = [level for level in levels if abs(getattr(level, part)) > _CLEAR * noise]
    slopes = [getattr(level, part) / level.step for level in clear]
    if len(clear) < 3 or not all(_alike(a, b) for a, b in zip(slopes[-3:], slopes[-2:])):
        return None
    if any(abs(slopes[-1]) * below.step > 2 * _CLEAR * noise for below in levels if below.step < clear[-1].step):
        return None
    signals = [level.signal for level in clear[-4:]]
    if any(a > _CLEAR * noise and a < 3 * b for a, b in zip(signals, signals[1:])):
        return None
    if max(signals) <= _CLEAR * noise and noise > 2.0**6 * max(level.floor for level in clear[-3:]):
        return None
    top = len(clear) - 1
    while top and _alike(slopes[top - 1], slopes[top]):
        top -= 1
    small = [abs(getattr(level, part)) / level.step < abs(slopes[-1]) / 8 for level in levels]
    lost = abs(getattr(clear[top], part))
    if lost < line.coarse and any(a and b for a, b in zip(small, small[1:])):
        above = [level for level in levels if level.step > clear[top].step]
        return _straight(above, part, max(noise, lost), line)
    best = min(range(len(clear) - 1), key=lambda k: abs(slopes[k] - slopes[k + 1]))
    return clear[best + 1].step, slopes[best + 1]


def _alike(a: float, b: float) -> bool:
    return a * b > 0 and max(a / b, b / a) < _ALIKE

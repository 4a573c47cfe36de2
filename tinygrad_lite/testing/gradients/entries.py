"""`halve` and `worst_entry`: where a gradient is wrong, found in as many passes as the number of entries has digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .probe import Array, Probe, locate, places

_ALL = 64  # entries that are looked at one by one
_FEW = 16  # of more than these
_DRAWS = 2  # random signs for each half


def halve(size: int, error: Callable[[Array], float], random: Any) -> Array:
    """All of at most 64 entries, or of more at most 16 neighbours among which the largest error is.

    Parameters
    ----------
    size : int
        Of what is searched.
    error : callable
        Takes a vector of that size, returns its product with the errors.
    random : numpy.random.Generator

    Returns
    -------
    array of int
    """
    low, high = 0, size
    while size > _ALL and high - low > _FEW:
        middle = (low + high) // 2
        first, second = (_norm(size, a, b, error, random) for a, b in ((low, middle), (middle, high)))
        low, high = (low, middle) if first >= second else (middle, high)
    return np.arange(low, high)


def _norm(size: int, low: int, high: int, error: Callable[[Array], float], random: Any) -> float:
    """About the norm of the errors in a range: their products with random signs."""
    found = 0.0
    for _ in range(_DRAWS):
        v = np.zeros(size)
        v[low:high] = random.choice((-1.0, 1.0), high - low)
        found += error(v) ** 2
    return found


class Remainders(NamedTuple):
    """Errors of the slope, and half the difference of the slopes on both sides, for the entries looked at."""

    entries: Array
    odd: Array
    even: Array


class Slopes:
    """Differences of L by the entries of one leaf, at a step at which a verdict was clear.

    Parameters
    ----------
    probe : Probe
    i : int
        Which leaf.
    scale : array
        How far each entry moves.
    step : float
        That many times.
    weights : array
        Of the results, in L.
    gradients : sequence of array
        Those of L.
    """

    def __init__(
        self, probe: Probe, i: int, scale: Array, step: float, weights: Array, gradients: Sequence[Array]
    ) -> None:
        self.probe, self.i, self.scale, self.step, self.weights = probe, i, scale, step, weights
        self.gradient = gradients[i]

    def along(self, v: Array) -> tuple[float, float]:
        """Error of the slope, and half the difference of the slopes, along a direction."""
        step = self.step * self.scale * v
        ahead, s = self.probe.moved({self.i: step})
        behind, t = self.probe.moved({self.i: -step})
        here, i = self.probe.here(), self.i
        plus = float(self.weights @ (ahead - here)) - float(self.gradient @ s[i])
        minus = float(self.weights @ (behind - here)) - float(self.gradient @ t[i])
        return (plus - minus) / (2 * self.step), (plus + minus) / (2 * self.step)

    def each(self, part: int, random: Any) -> Remainders:
        """Those of each entry; where there are many, of those around the largest odd (0) or even (1) one."""
        size = self.scale.size
        some = halve(size, lambda v: self.along(v)[part], random)
        odd, even = np.zeros(some.size), np.zeros(some.size)
        for k, e in enumerate(some):
            unit = np.zeros(size)
            unit[e] = 1.0
            odd[k], even[k] = self.along(unit)
        return Remainders(some, odd, even)

    def column(self, entry: int, random: Any) -> tuple[int, tuple[int, ...], float, float]:
        """The result whose derivative by one entry is most wrong: which, its index, expected, got."""
        probe, i = self.probe, self.i
        outputs = probe.outputs()
        shapes = [places(o) for o in outputs]
        total = sum(int(np.prod(s)) for s in shapes)
        unit = np.zeros(self.scale.size)
        unit[entry] = self.step * self.scale[entry]
        ahead, s = probe.moved({i: unit})
        behind, t = probe.moved({i: -unit})
        numerical = (ahead - behind) / (s[i][entry] - t[i][entry])

        def computed(weights: Array) -> float:
            return float(probe.gradients(weights, outputs, retain=True)[i][entry])

        def error(v: Array) -> float:
            return float((numerical * self.weights) @ v) - computed(self.weights * v)

        some = halve(total, error, random)
        found = np.zeros(some.size)
        for k, e in enumerate(some):
            one = np.zeros(total)
            one[e] = 1.0
            found[k] = computed(one)
        worst = int(np.argmax(np.abs((numerical[some] - found) * self.weights[some])))
        which, index = locate(int(some[worst]), shapes)
        return which, index, float(numerical[some[worst]]), float(found[worst])

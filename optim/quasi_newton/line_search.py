"""How far to go along a direction: the line search of Nocedal and Wright's chapter 3, on phi(t) = f(x + t d)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

C1, C2 = 1e-4, 0.9  # the Wolfe conditions' constants, as Nocedal and Wright recommend for quasi-Newton methods


class Trial(NamedTuple):
    """A step along the direction: its length, the loss there, the gradient, and the loss' slope along the direction."""

    t: float
    f: float
    g: Array
    slope: float


Phi = Callable[[float], Trial]


def sufficient(start: Trial, trial: Trial) -> bool:
    """Whether the loss decreased enough: the first Wolfe condition (Nocedal and Wright, 3.7a)."""
    return trial.f <= start.f + C1 * trial.t * start.slope


def flat_enough(start: Trial, trial: Trial) -> bool:
    """Whether the slope decreased enough: the second, strong Wolfe condition (Nocedal and Wright, 3.7b)."""
    return abs(trial.slope) <= -C2 * start.slope


def cubic_minimum(a: Trial, b: Trial, low: float, high: float) -> float:
    """Return where the cubic through two trials' losses and slopes is smallest, between two bounds.

    Nocedal and Wright, equation 3.59; the middle where the cubic has no minimum.
    """
    if a.t > b.t:
        a, b = b, a
    width = b.t - a.t
    d1 = a.slope + b.slope + 3 * (a.f - b.f) / width if width else math.nan
    square = d1 * d1 - a.slope * b.slope
    if square >= 0:
        d2 = math.sqrt(square)
        curvature = b.slope - a.slope + 2 * d2
        found = b.t - width * ((b.slope + d2 - d1) / curvature) if curvature else math.nan
        if found == found:
            return min(max(found, low), high)
    return (low + high) / 2


def strong_wolfe(phi: Phi, start: Trial, t: float, max_evals: int, tolerance: float) -> tuple[Trial, int]:
    """Find a step that satisfies the strong Wolfe conditions, or the best within the bounds.

    Nocedal and Wright, algorithm 3.5: the step grows until it, or an interval that it ends, will do.

    Parameters
    ----------
    phi : callable
        ``phi(t)`` makes the trial of length `t`.
    start : Trial
        Of length 0.
    t : float
        The first length to try.
    max_evals : int
        How often `phi` is called at most, but once at least.
    tolerance : float
        No interval shorter than this is divided.

    Returns
    -------
    trial : Trial
    evals : int
        How often `phi` was called.
    """
    last, trial = start, phi(t)
    evals = 0  # after the first
    while evals < max_evals:
        if not sufficient(start, trial) or (evals > 1 and trial.f >= last.f):
            return zoom(phi, start, [last, trial], evals, max_evals, tolerance)
        if flat_enough(start, trial):
            return trial, evals + 1
        if trial.slope >= 0:
            return zoom(phi, start, [last, trial], evals, max_evals, tolerance)
        t = cubic_minimum(last, trial, trial.t + 0.01 * (trial.t - last.t), 10 * trial.t)
        last, trial = trial, phi(t)
        evals += 1
    return (start if start.f <= trial.f else trial), evals + 1


def zoom(phi: Phi, start: Trial, ends: list[Trial], evals: int, max_evals: int, tolerance: float) -> tuple[Trial, int]:
    """Divide an interval until a step in it satisfies the strong Wolfe conditions.

    Nocedal and Wright, algorithm 3.6. The end with the smaller loss stays the best step so far.
    """
    low = best_of(ends)
    stuck = False
    while evals < max_evals and not abs(ends[1].t - ends[0].t) < tolerance:
        t, stuck = divide(ends[0], ends[1], stuck)
        trial = phi(t)
        evals += 1
        if not sufficient(start, trial) or trial.f >= ends[low].f:
            ends[1 - low] = trial
            low = best_of(ends)
            continue
        done = flat_enough(start, trial)
        if not done and trial.slope * (ends[1 - low].t - ends[low].t) >= 0:
            ends[1 - low] = ends[low]
        ends[low] = trial
        if done:
            break
    return ends[low], evals + 1


def best_of(ends: list[Trial]) -> int:
    """Which end of an interval has the smaller loss."""
    return 0 if ends[0].f <= ends[1].f else 1


def divide(a: Trial, b: Trial, stuck: bool) -> tuple[float, bool]:
    """Return where to divide an interval, and whether that is close to an end.

    At the cubic's minimum; but a tenth of the interval away from its ends if it would be close to one the
    second time in a row.
    """
    low, high = min(a.t, b.t), max(a.t, b.t)
    t, margin = cubic_minimum(a, b, low, high), 0.1 * (high - low)
    if min(high - t, t - low) >= margin:
        return t, False
    if stuck or t >= high or t <= low:
        return (high - margin if abs(t - high) < abs(t - low) else low + margin), False
    return t, True

"""`warmup_cosine`, `one_cycle` and kin: the customary schedules, composed of others."""

from __future__ import annotations

from ..step.declare import hyperparameters as hyper
from .formulas import POSITIVE, Ramp, cosine, linear, root
from .schedule import Schedule, constant, lifted


def warmup(schedule: Schedule | float, steps: float, start: float = 0.0) -> Schedule:
    """Return a schedule that is preceded by a straight line up to its first value.

    Parameters
    ----------
    schedule : Schedule or float
        What follows, from its own step 0.
    steps : int
        The length of the warm-up; 0 for none.
    start : float
        The value at step 0.

    Returns
    -------
    Schedule

    Examples
    --------
    >>> from tinygrad_lite.optim import schedules
    >>> schedule = schedules.warmup(schedules.exponential(1.0, 0.5), 2)
    >>> [schedule(step) for step in range(6)]
    [0.0, 0.5, 1.0, 0.5, 0.25, 0.125]
    """
    schedule = lifted(schedule)
    return schedule if steps == 0 else linear(start, schedule(0), steps).then(schedule)


def warmup_cosine(
    peak: float, warmup_steps: float, total_steps: float, start: float = 0.0, end: float = 0.0
) -> Schedule:
    """Return a straight line from `start` to `peak`, then half a wave of the cosine to `end`.

    Parameters
    ----------
    peak : float
        The largest value.
    warmup_steps : int
        The number of steps from `start` to `peak`.
    total_steps : int
        The number of all steps, warm-up included.
    start, end : float
        The values at step 0, and from step `total_steps` on.

    Returns
    -------
    Schedule

    Raises
    ------
    ValueError
        If the warm-up takes all the steps.

    Examples
    --------
    >>> from tinygrad_lite.optim import schedules
    >>> schedule = schedules.warmup_cosine(1.0, 2, 6)
    >>> [round(schedule(step), 3) for step in range(8)]
    [0.0, 0.5, 1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    if not 0 <= warmup_steps < total_steps:
        raise ValueError(f"warmup_cosine: warmup_steps must be in [0, total_steps), got {warmup_steps}, {total_steps}")
    return warmup(cosine(peak, end, total_steps - warmup_steps), warmup_steps, start)


def warmup_stable_decay(
    peak: float,
    warmup_steps: float,
    decay_steps: float,
    total_steps: float,
    start: float = 0.0,
    end: float = 0.0,
    shape: str = "linear",
) -> Schedule:
    """Return a trapezoid: a straight line up, the same value for most of the steps, and down at the end.

    Parameters
    ----------
    peak : float
        The largest value.
    warmup_steps : int
        The number of steps from `start` to `peak`.
    decay_steps : int
        The number of steps at the end in which it falls from `peak` to `end`.
    total_steps : int
        The number of all steps.
    start, end : float
        The values at step 0, and from step `total_steps` on.
    shape : {"linear", "cosine", "root"}
        The way down.

    Returns
    -------
    Schedule

    Raises
    ------
    ValueError
        If warm-up and decay take more than all the steps, or the shape is unknown.

    References
    ----------
    S. Hu et al., "MiniCPM: Unveiling the potential of small language models with scalable training strategies",
    2024, section 4 (WSD).

    Examples
    --------
    >>> from tinygrad_lite.optim import schedules
    >>> schedule = schedules.warmup_stable_decay(1.0, 2, 4, 8)
    >>> [schedule(step) for step in range(10)]
    [0.0, 0.5, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """
    shapes: dict[str, type[Ramp]] = {"linear": linear, "cosine": cosine, "root": root}
    if shape not in shapes:
        raise ValueError(f"warmup_stable_decay: shape must be one of {', '.join(shapes)}, got {shape!r}")
    stable = total_steps - warmup_steps - decay_steps
    if stable < 0:
        raise ValueError(
            "warmup_stable_decay: warmup_steps + decay_steps must be at most total_steps, "
            f"got {warmup_steps} + {decay_steps} of {total_steps}"
        )
    down = shapes[shape](peak, end, decay_steps)
    return warmup(constant(peak).then(down, at=stable) if stable else down, warmup_steps, start)


def one_cycle(
    peak: float, total_steps: float, pct_start: float = 0.3, div_factor: float = 25.0, final_div_factor: float = 1e4
) -> Schedule:
    """Return half a wave up and half a wave down, as PyTorch's OneCycleLR: step ``total_steps - 1`` is the end.

    Parameters
    ----------
    peak : float
        The largest value.
    total_steps : int
        The number of all steps.
    pct_start : float
        The share of the steps that go up.
    div_factor : float
        It starts at ``peak / div_factor``,
    final_div_factor : float
        and ends at ``peak / div_factor / final_div_factor``.

    Returns
    -------
    Schedule

    Raises
    ------
    ValueError
        If one of the ways would take no step, or a factor is not positive.

    References
    ----------
    L. N. Smith and N. Topin, "Super-convergence: Very fast training of neural networks using large learning rates",
    2018; with two phases, as fastai has it.

    Examples
    --------
    >>> from tinygrad_lite.optim import schedules
    >>> schedule = schedules.one_cycle(1.0, 7, pct_start=3 / 7, div_factor=10)
    >>> [round(schedule(step), 3) for step in range(8)]
    [0.1, 0.55, 1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    factors = {"div_factor": div_factor, "final_div_factor": final_div_factor}
    hyper.check("one_cycle", factors, dict.fromkeys(factors, POSITIVE))
    up = pct_start * total_steps - 1
    if not 0 < up < total_steps - 1:
        raise ValueError(f"one_cycle: pct_start must be in (1 / total_steps, 1), got {pct_start} of {total_steps}")
    start = peak / div_factor
    return cosine(start, peak, up).then(cosine(peak, start / final_div_factor, total_steps - 1 - up))

"""Schedules: values, composition, and what can be saved."""

from __future__ import annotations

import copy
import itertools
import json
import math
import pickle
from collections.abc import Sequence
from dataclasses import FrozenInstanceError, dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lite as tg
from tinygrad_lite import optim
from tinygrad_lite.optim import lr_scheduler, schedules

REASON = "compares with PyTorch: pip install 'tinygrad_lite[oracle]'"
STEPS = 64

SOME: list[schedules.Schedule] = [
    schedules.constant(0.1),
    schedules.linear(0.1, 0.0, 50),
    schedules.polynomial(0.3, 0.01, 40, power=1.7),
    schedules.cosine(0.1, 0.001, 30),
    schedules.root(0.1, 0.0, 30),
    schedules.exponential(0.1, 0.5, 10),
    schedules.exponential(0.1, 0.5, 10, staircase=True),
    schedules.piecewise([0.1, 0.05, 0.01], [10, 30]),
    schedules.piecewise([0.1], []),
    schedules.inverse_sqrt(0.1, 16),
    schedules.cyclic(0.01, 0.2, 7),
    schedules.cyclic(0.01, 0.2, 7, 3, decay=0.5),
    schedules.warm_restarts(0.1, 0.0, 10),
    schedules.warm_restarts(0.1, 0.001, 3, stretch=2, decay=0.8),
    schedules.join([schedules.linear(0, 1, 5), schedules.constant(1), schedules.cosine(1, 0, 9)], [5, 20]),
    0.5 * schedules.cosine(1.0, 0.1, 20) * schedules.exponential(1.0, 0.9),
    schedules.linear(0.1, 0.0, 20) + schedules.linear(0.0, 0.2, 60) + 0.01,
    schedules.warmup(schedules.inverse_sqrt(0.1, 16), 5, start=0.01),
    schedules.warmup(0.1, 10),
    schedules.warmup_cosine(1e-3, 10, 60, end=1e-5),
    schedules.warmup_stable_decay(1e-3, 10, 20, 60, shape="root"),
    schedules.one_cycle(0.1, 60),
]
EACH = pytest.mark.parametrize("schedule", SOME, ids=[f"{type(s).__name__}-{i}" for i, s in enumerate(SOME)])


# Values


def values(schedule: schedules.Schedule, steps: int = STEPS) -> list[float]:
    return [schedule(step) for step in range(steps)]


@EACH
def test_calls_give_python_floats(schedule):
    for step in (0, 1, 10**9, np.int64(3), 2.5):
        assert type(schedule(step)) is float
        assert math.isfinite(schedule(step))
    with pytest.raises(ValueError, match=r"step must be at least 0, got -1"):
        schedule(-1)


@EACH
def test_length_is_where_it_stays_the_same(schedule):
    if schedule.length is None:
        with pytest.raises(ValueError, match=r"\.then: at, the step to go on at, must be given"):
            schedule.then(0.5)
    else:
        end = schedule(schedule.length)
        assert all(schedule(schedule.length + more) == end for more in (0.5, 1, 2, 17, 10**6))


REAL = st.floats(-10, 10)


@given(REAL, REAL, st.integers(1, 1000), st.sampled_from(["linear", "polynomial", "cosine", "root"]))
def test_ramps_start_and_end_exactly_and_stay_between(start, end, steps, name):
    ramp = getattr(schedules, name)(start, end, steps)
    assert ramp(0) == start
    assert ramp(steps) == ramp(steps + 1) == end
    middle = ramp(steps / 3)
    slack = 1e-12
    assert min(start, end) - slack <= middle <= max(start, end) + slack


def test_formulas():
    """Each against its definition, at a step in the middle."""
    t = 7
    assert schedules.linear(2.0, 1.0, 10)(t) == pytest.approx(2 - t / 10)
    assert schedules.polynomial(2.0, 1.0, 10, 3)(t) == pytest.approx(1 + (1 - t / 10) ** 3)
    assert schedules.cosine(2.0, 1.0, 10)(t) == pytest.approx(1 + (1 + math.cos(math.pi * t / 10)) / 2)
    assert schedules.root(2.0, 1.0, 10)(t) == pytest.approx(2 - math.sqrt(t / 10))
    assert schedules.exponential(2.0, 0.5, 4)(t) == pytest.approx(2 * 0.5 ** (t / 4))
    assert schedules.exponential(2.0, 0.5, 4, True)(t) == 1.0
    d, w = 512, 4000
    noam = schedules.inverse_sqrt((d * w) ** -0.5, w)
    for step in (0, 10, w - 1, w, 100 * w):
        s = step + 1
        assert noam(step) == pytest.approx(d**-0.5 * min(s**-0.5, s * w**-1.5))
    assert values(schedules.cyclic(1.0, 3.0, 2, 4, decay=0.5), 12) == [1, 2, 3, 2.5, 2, 1.5, 1, 1.5, 2, 1.75, 1.5, 1.25]
    assert values(schedules.warm_restarts(1.0, 0.0, 1, 3, decay=0.5), 5) == pytest.approx([1, 0.5, 0.375, 0.125, 0.25])


@given(st.integers(1, 9), st.integers(1, 4), st.integers(0, 400))
def test_a_restart_is_where_the_lengths_add_up(first, stretch, step):
    begin, length, cycle = 0, first, 0
    while step >= begin + length:
        begin, length, cycle = begin + length, length * stretch, cycle + 1
    assert schedules.formulas.cycle_of(step, first, stretch) == (cycle, step - begin, length)


def test_recipes():
    wsd = schedules.warmup_stable_decay(2.0, 4, 10, 20, start=1.0, end=0.5)
    assert values(wsd, 24) == pytest.approx([1, 1.25, 1.5, 1.75, *[2] * 7, *np.linspace(1.85, 0.5, 10), *[0.5] * 3])
    assert wsd.length == 20
    triangle = schedules.warmup_stable_decay(1.0, 4, 4, 8)
    assert values(triangle, 9) == [0, 0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25, 0]
    for shape in ("linear", "cosine", "root"):
        down = schedules.warmup_stable_decay(1.0, 0, 10, 10, shape=shape)
        assert down == getattr(schedules, shape)(1.0, 0.0, 10)
    assert schedules.warmup_cosine(1.0, 0, 10) == schedules.cosine(1.0, 0.0, 10)
    assert schedules.warmup(0.1, 0) == schedules.constant(0.1)
    rising = schedules.warmup_cosine(1.0, 10, 100, start=0.2, end=0.1)
    assert (rising(0), rising(10), rising(100), rising(1000)) == (0.2, 1.0, 0.1, 0.1)
    assert rising(9) < rising(10) > rising(11)


# As PyTorch's schedulers

Made = tuple[schedules.Schedule, str, dict[str, object]]
SAME: list[Made] = [
    (schedules.linear(0.01, 0.1, 20), "LinearLR", {"start_factor": 0.1, "total_iters": 20}),
    (schedules.polynomial(0.1, 0.0, 40, 2), "PolynomialLR", {"total_iters": 40, "power": 2}),
    (schedules.exponential(0.1, 0.95), "ExponentialLR", {"gamma": 0.95}),
    (schedules.exponential(0.1, 0.5, 7, staircase=True), "StepLR", {"step_size": 7, "gamma": 0.5}),
    (schedules.piecewise([0.1, 0.01, 0.001], [9, 30]), "MultiStepLR", {"milestones": [9, 30]}),
    (schedules.piecewise([0.05, 0.1], [9]), "ConstantLR", {"factor": 0.5, "total_iters": 9}),
    (schedules.cosine(0.1, 0.01, STEPS), "CosineAnnealingLR", {"T_max": STEPS, "eta_min": 0.01}),
    (schedules.warm_restarts(0.1, 0.01, 5, 2), "CosineAnnealingWarmRestarts", {"T_0": 5, "T_mult": 2, "eta_min": 0.01}),
    (schedules.warm_restarts(0.1, 0.0, 9), "CosineAnnealingWarmRestarts", {"T_0": 9}),
    (schedules.cyclic(0.1, 0.3, 5), "CyclicLR", {"base_lr": 0.1, "max_lr": 0.3, "step_size_up": 5}),
    (schedules.cyclic(0.1, 0.3, 5, 8, decay=0.5), "CyclicLR",
     {"base_lr": 0.1, "max_lr": 0.3, "step_size_up": 5, "step_size_down": 8, "mode": "triangular2"}),
    (0.1 + schedules.cyclic(0.0, 0.2, 5) * schedules.exponential(1.0, 0.97), "CyclicLR",
     {"base_lr": 0.1, "max_lr": 0.3, "step_size_up": 5, "mode": "exp_range", "gamma": 0.97}),
    (schedules.one_cycle(0.3, STEPS), "OneCycleLR", {"max_lr": 0.3, "total_steps": STEPS}),
    (schedules.one_cycle(0.3, 70, 0.4, 10, 100), "OneCycleLR",
     {"max_lr": 0.3, "total_steps": 70, "pct_start": 0.4, "div_factor": 10.0, "final_div_factor": 100.0}),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(SAME)), ids=[f"{name}-{i}" for i, (_, name, _) in enumerate(SAME)])
def test_as_pytorchs_scheduler(number):
    torch = pytest.importorskip("torch", reason=REASON)
    schedule, name, arguments = SAME[number]
    sgd = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
    scheduler = getattr(torch.optim.lr_scheduler, name)(sgd, **arguments)
    for step in range(STEPS):
        assert schedule(step) == pytest.approx(sgd.param_groups[0]["lr"], rel=1e-9, abs=1e-15), step
        sgd.step()
        scheduler.step()


def test_a_schedule_is_a_factor_for_lambda_lr():
    sgd = optim.SGD([tg.tensor(0.0, requires_grad=True)], lr=0.5)
    factor = schedules.warmup_cosine(1.0, 3, 9)
    scheduler = lr_scheduler.LambdaLR(sgd, factor)
    for step in range(12):
        assert scheduler.get_last_lr() == [0.5 * factor(step)]
        sgd.step()
        scheduler.step()
    other = lr_scheduler.LambdaLR(sgd, schedules.warmup_cosine(1.0, 3, 9))
    other.load_state_dict(scheduler.state_dict())
    assert other.lr_lambdas == [factor]


# Composition


def test_join_restarts_each_part_at_its_boundary():
    first, second, third = schedules.exponential(1.0, 0.5), schedules.linear(5.0, 7.0, 2), schedules.constant(9.0)
    schedule = schedules.join([first, second, third], [3, 5])
    assert values(schedule, 7) == [1, 0.5, 0.25, 5, 6, 9, 9]
    assert schedule.length == 5
    assert schedules.join([first], []).length is None
    assert first.then(second, at=3).then(third, at=5) == schedules.join(
        [schedules.join([first, second], [3]), third], [5]
    )
    assert values(first.then(second, at=3).then(third, at=5), 7) == values(schedule, 7)
    assert second.then(0.5) == schedules.join([second, schedules.constant(0.5)], [2])


@pytest.mark.parametrize("number", [2, 2.5, np.float64(2.5), np.float32(2.5), np.int64(2)])
def test_numbers_from_either_side(number):
    ramp = schedules.linear(1.0, 0.0, 4)
    for step in range(6):
        assert (number * ramp)(step) == (ramp * number)(step) == float(number) * ramp(step)
        assert (number + ramp)(step) == (ramp + number)(step) == float(number) + ramp(step)
    for wrong in ("2", None, [2.0], np.ones(2), tg.tensor(2.0)):
        with pytest.raises(TypeError):
            ramp * wrong
        with pytest.raises(TypeError):
            ramp + wrong


def test_products_and_sums_are_stepwise():
    a, b = schedules.cosine(1.0, 0.5, 10), schedules.exponential(0.1, 0.9)
    assert values(a * b) == [a(t) * b(t) for t in range(STEPS)]
    assert values(a + b) == [a(t) + b(t) for t in range(STEPS)]


# Identity


@EACH
def test_repr_evaluates_back(schedule):
    again = eval(repr(schedule), vars(schedules))
    assert again == schedule
    assert hash(again) == hash(schedule)


@EACH
def test_copies_are_equal(schedule):
    for again in (pickle.loads(pickle.dumps(schedule)), copy.deepcopy(schedule)):
        assert again == schedule
        assert values(again) == values(schedule)


def test_different_ones_are_not_equal():
    for a, b in itertools.combinations(SOME, 2):
        assert a != b
    assert schedules.linear(1, 0, 5) != schedules.cosine(1, 0, 5)


def test_they_do_not_change():
    schedule = schedules.linear(1.0, 0.0, 5)
    with pytest.raises(FrozenInstanceError):
        schedule.start = 2.0
    boundaries = [1, 2]
    pieces = schedules.piecewise([1, 2, 3], boundaries)
    boundaries[0] = 7
    assert pieces.boundaries == (1, 2)


# Saving


@EACH
def test_saved_as_json(schedule):
    saved = schedule.to_dict()
    again = schedules.from_dict(json.loads(json.dumps(saved, allow_nan=False)))
    assert again == schedule
    assert again.to_dict() == saved
    assert values(schedules.Schedule.from_dict(saved)) == values(schedule)


def test_what_is_saved_is_plain():
    schedule = np.float32(0.5) * schedules.linear(np.float64(1.0), np.int64(0), 10)
    assert schedule.to_dict() == {
        "schedule": "product",
        "factors": [
            {"schedule": "constant", "value": 0.5},
            {"schedule": "linear", "start": 1.0, "end": 0, "steps": 10},
        ],
    }
    assert repr(schedule) == "product(factors=(constant(value=0.5), linear(start=1.0, end=0, steps=10)))"


def test_every_schedule_is_saved_somewhere_above():
    shown = json.dumps([schedule.to_dict() for schedule in SOME])
    for name in schedules.__all__:
        cls = getattr(schedules, name)
        if isinstance(cls, type) and cls is not schedules.Schedule:
            assert f'"schedule": "{name}"' in shown, name


LINEAR = {"schedule": "linear", "start": 1.0, "end": 0.0, "steps": 5}


@pytest.mark.parametrize(
    ("saved", "error", "message"),
    [
        ({}, ValueError, "no schedule is called None"),
        ({"schedule": "os.system", "command": "true"}, ValueError, "no schedule is called 'os.system'"),
        ({"schedule": "Schedule"}, ValueError, "no schedule is called 'Schedule'"),
        ({"schedule": "from_dict", "saved": LINEAR}, ValueError, "no schedule is called 'from_dict'"),
        ({"schedule": ["linear"]}, ValueError, "no schedule is called"),
        ({"schedule": "Ramp", "start": 1.0, "end": 0.0, "steps": 5}, TypeError, "abstract"),
        ({**LINEAR, "more": 1}, ValueError, "linear must have the fields .* got .*'more'"),
        ({"schedule": "linear", "start": 1.0}, ValueError, r"linear must have the fields .* got \['start'\]"),
        ({**LINEAR, "steps": 0}, ValueError, "linear: steps must be greater than 0, got 0"),
        ({**LINEAR, "start": "1.0"}, TypeError, "linear: start must be a number, got str"),
        ({**LINEAR, "start": LINEAR}, TypeError, "linear: start must be a number, got linear"),
    ],
)
def test_what_cannot_be_loaded(saved, error, message):
    with pytest.raises(error, match=message):
        schedules.from_dict(saved)


def test_one_of_ones_own():
    @dataclass(frozen=True)
    class alternating(schedules.Schedule):
        levels: Sequence[float]
        then_what: schedules.Schedule
        shift: int = 0

        ranges = {"shift": (0, math.inf, "[)")}  # noqa: RUF012

        def at(self, step):
            return self.levels[(step + self.shift) % len(self.levels)] + self.then_what(step)

    schedule = alternating([1, 2, 3], schedules.constant(0.5), 1)
    assert values(schedule, 4) == [2.5, 3.5, 1.5, 2.5]
    assert schedules.from_dict(json.loads(json.dumps(schedule.to_dict()))) == schedule
    assert values(2 * schedule, 3) == [5, 7, 3]
    with pytest.raises(ValueError, match="alternating: shift must be at least 0, got -1"):
        alternating([1], schedules.constant(0.5), -1)
    with pytest.raises(TypeError, match="alternating: then_what must be a Schedule, got float"):
        alternating([1], 0.5)


def test_annotations_need_not_be_texts():
    name = "fading"
    fields = {"start": float, "rates": Sequence[float], "parts": Sequence[schedules.Schedule], "end": float | None}
    body = {"__annotations__": fields, "at": lambda self, step: self.start * self.rates[0], "__module__": __name__}
    fading = dataclass(frozen=True)(type(schedules.Schedule)(name, (schedules.Schedule,), body))
    schedule = fading(2.0, [0.5], [], None)
    assert schedule(3) == 1.0
    assert schedules.from_dict(schedule.to_dict()) == schedule
    with pytest.raises(TypeError, match=r"fading: rates must be a sequence, got float"):
        fading(2.0, 0.5, [], None)


def test_ones_own_that_are_refused():
    @dataclass(frozen=True)
    class texts(schedules.Schedule):
        name: str

        def at(self, step):
            return 0.0

    with pytest.raises(TypeError, match="texts: name must be annotated as float, .*, got str"):
        texts("x")
    with pytest.raises(TypeError, match="linear: tinygrad_lite.optim.schedules.formulas has a schedule of this name"):

        class linear(schedules.Schedule):
            pass


# Values at the door


@pytest.mark.each(
    ("make", "error", "message"),
    [
        (lambda: schedules.constant(math.nan), ValueError, "constant: value must be finite, got nan"),
        (lambda: schedules.constant("1"), TypeError, "constant: value must be a number, got str"),
        (lambda: schedules.constant(True), TypeError, "constant: value must be a number, got bool"),
        (lambda: schedules.constant(tg.tensor(1.0)), TypeError, "constant: value must be a number, got Tensor"),
        (lambda: schedules.linear(0, math.inf, 3), ValueError, "linear: end must be finite, got inf"),
        (lambda: schedules.linear(0, 1, 0), ValueError, "linear: steps must be greater than 0, got 0"),
        (lambda: schedules.cosine(0, 1, -3), ValueError, "cosine: steps must be greater than 0, got -3"),
        (lambda: schedules.polynomial(0, 1, 3, 0), ValueError, "polynomial: power must be greater than 0, got 0"),
        (lambda: schedules.exponential(1, 0.0), ValueError, "exponential: decay must be greater than 0, got 0.0"),
        (lambda: schedules.exponential(1, 0.5, 2, 1), TypeError, "staircase must be True or False, got 1"),
        (lambda: schedules.piecewise([1, 2], [3, 4]), ValueError, "must be one more than boundaries, got 2 and 2"),
        (lambda: schedules.piecewise([1, 2, 3], [4, 4]), ValueError, r"boundaries must be positive and increase"),
        (lambda: schedules.piecewise([1, 2], [0]), ValueError, r"boundaries must be positive and increase, got \(0,\)"),
        (lambda: schedules.piecewise([1, "2"], [3]), TypeError, r"piecewise: values\[1\] must be a number, got str"),
        (lambda: schedules.piecewise(1.0, []), TypeError, "piecewise: values must be a sequence, got float"),
        (lambda: schedules.inverse_sqrt(1, 0), ValueError, "warmup_steps must be greater than 0, got 0"),
        (lambda: schedules.cyclic(0, 1, 0), ValueError, "cyclic: up must be greater than 0, got 0"),
        (lambda: schedules.cyclic(0, 1, 5, 0), ValueError, "cyclic: down must be greater than 0, got 0"),
        (lambda: schedules.warm_restarts(1, 0, 5, 0.5), ValueError, "stretch must be at least 1, got 0.5"),
        (lambda: schedules.join([1.0], []), TypeError, r"join: parts\[0\] must be a Schedule, got float"),
        (lambda: schedules.join([math.sqrt], []), TypeError, r"join: parts\[0\] must be a Schedule, got builtin"),
        (lambda: schedules.join(schedules.constant(1), []), TypeError, "join: parts must be a sequence, got constant"),
        (lambda: schedules.join([], []), ValueError, "parts must be one more than boundaries, got 0 and 0"),
        (lambda: schedules.constant(1).then(2), ValueError, r"boundaries must be positive and increase, got \(0,\)"),
        (lambda: schedules.warmup_cosine(1, 10, 10), ValueError, r"must be in \[0, total_steps\), got 10, 10"),
        (lambda: schedules.warmup_stable_decay(1, 5, 6, 10), ValueError, "at most total_steps, got 5 [+] 6 of 10"),
        (lambda: schedules.warmup_stable_decay(1, 5, 0, 10), ValueError, "steps must be greater than 0, got 0"),
        (lambda: schedules.warmup_stable_decay(1, 1, 1, 9, shape="x"), ValueError, "shape must be one of .*, got 'x'"),
        (lambda: schedules.warmup(0.1, -1), ValueError, "linear: steps must be greater than 0, got -1"),
        (lambda: schedules.one_cycle(1, 10, 0.1), ValueError, r"must be in \(1 / total_steps, 1\), got 0.1 of"),
        (lambda: schedules.one_cycle(1, 10, div_factor=0), ValueError, "div_factor must be greater than 0, got 0"),
    ],
)  # fmt: skip
def test_bad_values(make, error, message):
    with pytest.raises(error, match=message):
        make()

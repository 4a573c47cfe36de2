"""Learning-rate schedulers: the same numbers as PyTorch's, to the last bit, and state dicts that go both ways."""

from __future__ import annotations

import copy
import inspect
import json
import math
import pickle
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import optim
from tinygrad_lite.optim import lr_scheduler

# PyTorch warns of the steps that its own constructor of a nested SequentialLR makes.
pytestmark = pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step:UserWarning")
REASON = "compares with PyTorch: pip install 'tinygrad_lite[oracle]'"
STEPS = 64
NUMBERS = ("lr", "momentum", "betas", "initial_lr", "max_lr", "min_lr", "base_momentum", "max_momentum")


class Slowing:
    """A callable with attributes, which are saved."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, t: float) -> float:
        return 1 / (1 + self.rate * t)


def half(t: float) -> float:
    return 0.5 + 0.5 / (t + 1)


# Name -> how a module's scheduler is made for an optimizer of two groups.
ALONE: dict[str, Callable[[Any, Any], Any]] = {
    "lambda": lambda m, o: m.LambdaLR(o, half),
    "lambda-each": lambda m, o: m.LambdaLR(o, [half, lambda t: 0.95**t]),
    "lambda-object": lambda m, o: m.LambdaLR(o, [Slowing(0.1), Slowing(0.3)]),
    "multiplicative": lambda m, o: m.MultiplicativeLR(o, lambda t: 0.95 if t % 3 else 1.02),
    "multiplicative-object": lambda m, o: m.MultiplicativeLR(o, (Slowing(0.01), half)),
    "step": lambda m, o: m.StepLR(o, 7),
    "step-1": lambda m, o: m.StepLR(o, 1, gamma=0.93),
    "step-up": lambda m, o: m.StepLR(o, step_size=10, gamma=1.7),
    "multistep": lambda m, o: m.MultiStepLR(o, [5, 17, 40]),
    "multistep-twice": lambda m, o: m.MultiStepLR(o, [40, 5, 5, 17, 0], gamma=0.7),
    "constant": lambda m, o: m.ConstantLR(o),
    "constant-long": lambda m, o: m.ConstantLR(o, factor=0.7, total_iters=30),
    "constant-none": lambda m, o: m.ConstantLR(o, factor=0.7, total_iters=0),
    "linear": lambda m, o: m.LinearLR(o),
    "linear-down": lambda m, o: m.LinearLR(o, start_factor=1.0, end_factor=0.0, total_iters=50),
    "linear-long": lambda m, o: m.LinearLR(o, 0.1, 0.9, total_iters=37),
    "linear-none": lambda m, o: m.LinearLR(o, 0.1, total_iters=0),
    "exponential": lambda m, o: m.ExponentialLR(o, 0.9),
    "exponential-up": lambda m, o: m.ExponentialLR(o, gamma=1.01),
    "polynomial": lambda m, o: m.PolynomialLR(o),
    "polynomial-square": lambda m, o: m.PolynomialLR(o, total_iters=50, power=2.0),
    "polynomial-root": lambda m, o: m.PolynomialLR(o, total_iters=100, power=0.5),
    "polynomial-none": lambda m, o: m.PolynomialLR(o, total_iters=0),
    "cosine": lambda m, o: m.CosineAnnealingLR(o, 50),
    "cosine-again": lambda m, o: m.CosineAnnealingLR(o, T_max=7, eta_min=0.01),
    "cosine-1": lambda m, o: m.CosineAnnealingLR(o, T_max=1),
    "restarts": lambda m, o: m.CosineAnnealingWarmRestarts(o, 10),
    "restarts-1": lambda m, o: m.CosineAnnealingWarmRestarts(o, T_0=1, T_mult=1),
    "restarts-longer": lambda m, o: m.CosineAnnealingWarmRestarts(o, 4, T_mult=2, eta_min=0.002),
    "cyclic": lambda m, o: m.CyclicLR(o, 0.01, 0.2, step_size_up=7),
    "cyclic-each": lambda m, o: m.CyclicLR(o, [0.01, 0.02], [0.2, 0.1], 6, step_size_down=11, mode="triangular2"),
    "cyclic-exp": lambda m, o: m.CyclicLR(o, 0.01, 0.2, 5, mode="exp_range", gamma=0.97, base_momentum=[0.5, 0.6]),
    "cyclic-plain": lambda m, o: m.CyclicLR(o, 0.01, 0.2, 5, 4, cycle_momentum=False, mode="triangular2"),
    "cyclic-own": lambda m, o: m.CyclicLR(o, 0.01, 0.2, 5, scale_fn=half, scale_mode="iterations", max_momentum=0.99),
    "cyclic-object": lambda m, o: m.CyclicLR(o, 0.01, 0.2, 5, scale_fn=Slowing(0.2), scale_mode="cycle"),
    "one-cycle": lambda m, o: m.OneCycleLR(o, 0.3, total_steps=70),
    "one-cycle-each": lambda m, o: m.OneCycleLR(o, [0.3, 0.1], epochs=9, steps_per_epoch=9, anneal_strategy="linear"),
    "one-cycle-three": lambda m, o: m.OneCycleLR(o, 0.3, 80, three_phase=True, pct_start=0.25, base_momentum=0.7),
    "one-cycle-short": lambda m, o: m.OneCycleLR(o, 0.3, total_steps=66, pct_start=0.0, div_factor=10.0),
    "one-cycle-plain": lambda m, o: m.OneCycleLR(o, 0.3, total_steps=99, cycle_momentum=False, final_div_factor=10.0),
}


def nested(m: Any, o: Any) -> Any:
    first = m.SequentialLR(o, [m.ConstantLR(o, 0.5, 4), m.StepLR(o, 3, 0.9)], [6])
    return m.SequentialLR(o, [first, m.ExponentialLR(o, 0.97)], milestones=[20])


TOGETHER: dict[str, Callable[[Any, Any], Any]] = {
    "chained": lambda m, o: m.ChainedScheduler([m.ConstantLR(o, 0.1, 20), m.ExponentialLR(o, 0.9)], optimizer=o),
    "chained-all": lambda m, o: m.ChainedScheduler(
        (m.LinearLR(o, 0.5, total_iters=9), m.CosineAnnealingLR(o, 13), m.PolynomialLR(o, 60),
         m.StepLR(o, 6, 0.9), m.MultiStepLR(o, [3, 30], 0.5), m.MultiplicativeLR(o, half))
    ),
    "chained-absolute": lambda m, o: m.ChainedScheduler([m.ExponentialLR(o, 0.9), m.CyclicLR(o, 0.01, 0.2, 5)]),
    "sequential": lambda m, o: m.SequentialLR(o, [m.ConstantLR(o, 0.1, 20), m.ExponentialLR(o, 0.9)], [20]),
    "sequential-warm": lambda m, o: m.SequentialLR(
        o, schedulers=[m.LinearLR(o, 0.01, total_iters=10), m.CosineAnnealingLR(o, 40), m.ConstantLR(o, 0.3)],
        milestones=[10, 50],
    ),
    "sequential-cold": lambda m, o: m.SequentialLR(o, [m.LinearLR(o, total_iters=0), m.CosineAnnealingLR(o, 9)], [0]),
    "sequential-all": lambda m, o: m.SequentialLR(
        o,
        [m.PolynomialLR(o, 8, 2.0), m.StepLR(o, 3), m.MultiStepLR(o, [2, 4], 0.4), m.LambdaLR(o, half),
         m.MultiplicativeLR(o, half), m.CosineAnnealingWarmRestarts(o, 5, 2), m.LinearLR(o, 0.2)],
        [8, 16, 22, 28, 34, 50],
    ),
    "sequential-cycles": lambda m, o: m.SequentialLR(
        o, [m.ExponentialLR(o, 0.9), m.CyclicLR(o, 0.01, 0.2, 5), m.OneCycleLR(o, 0.3, 30)], [10, 40]
    ),
    "sequential-nested": nested,
    "sequential-chained": lambda m, o: m.SequentialLR(
        o,
        [m.ChainedScheduler([m.CosineAnnealingWarmRestarts(o, 4), m.ConstantLR(o, 0.5, 3)]), m.StepLR(o, 5, 0.5)],
        [15],
    ),
    "chained-sequential": lambda m, o: m.ChainedScheduler(
        [m.SequentialLR(o, [m.LinearLR(o, 0.1), m.StepLR(o, 7)], [5]), m.ExponentialLR(o, 0.99)]
    ),
}  # fmt: skip
CASES = {**ALONE, **TOGETHER}


def make(library: Any, kind: str) -> Any:
    """An optimizer with two groups, of ours (`tg`) or PyTorch's."""
    p, q = (library.tensor([1.0, 2.0]).requires_grad_() for _ in range(2))
    groups = [{"params": [p]}, {"params": [q], "lr": 0.03}]
    if kind == "sgd":
        return library.optim.SGD(groups, lr=0.1, momentum=0.9)
    return library.optim.Adam(groups, lr=0.1, betas=(0.8, 0.99))


def stepped(kind: str) -> Any:
    """An optimizer whose schedulers may step."""
    optimizer = make(tg, kind)
    optimizer.step()
    return optimizer


def schedulers_of(library: Any) -> Any:
    return lr_scheduler if library is tg else library.optim.lr_scheduler


def pair(name: str, kind: str, torch: Any) -> list[tuple[Any, Any]]:
    """(optimizer, scheduler) of ours and of PyTorch's."""
    found = []
    for library in (tg, torch):
        optimizer = make(library, kind)
        found.append((optimizer, CASES[name](schedulers_of(library), optimizer)))
    return found


def seen(optimizer: Any, scheduler: Any) -> Any:
    groups = [{key: group[key] for key in NUMBERS if key in group} for group in optimizer.param_groups]
    return groups, list(scheduler.get_last_lr()), getattr(scheduler, "last_epoch", None)


def advance(optimizer: Any, scheduler: Any) -> Any:
    optimizer.step()
    scheduler.step()
    return seen(optimizer, scheduler)


def saved(scheduler: Any) -> Any:
    """A state dict without the schedulers' tuples, which ours makes lists."""
    state = scheduler.state_dict()
    return {key: list(value) if isinstance(value, tuple) else value for key, value in state.items()}


# The same numbers


@pytest.mark.parametrize("kind", ["sgd", "adam"])
@pytest.mark.each("name", CASES)
def test_numbers_are_pytorchs(name, kind):
    torch = pytest.importorskip("torch", reason=REASON)
    ours, theirs = pair(name, kind, torch)
    assert seen(*ours) == seen(*theirs)
    for _ in range(STEPS):
        assert advance(*ours) == advance(*theirs)
        assert saved(ours[1]) == saved(theirs[1])


@pytest.mark.each("name", CASES)
def test_numbers_are_pytorchs_where_the_user_interferes(name):
    torch = pytest.importorskip("torch", reason=REASON)
    ours, theirs = pair(name, "sgd", torch)
    for t in range(STEPS):
        if t % 11 == 4:
            for optimizer, _ in (ours, theirs):
                optimizer.param_groups[t % 2]["lr"] *= 1.5
        assert advance(*ours) == advance(*theirs)


@pytest.mark.each("name", CASES)
def test_states_go_both_ways(name):
    """Steps here, then in fresh ones of either library that took over the states of the other."""
    torch = pytest.importorskip("torch", reason=REASON)
    ours, theirs = pair(name, "sgd", torch)
    for _ in range(23):
        advance(*ours)
        advance(*theirs)
    here, there = pair(name, "sgd", torch)
    for to, source in ((here, theirs), (there, ours)):
        to[0].load_state_dict(source[0].state_dict())
        to[1].load_state_dict(copy.deepcopy(source[1].state_dict()))
    for _ in range(STEPS - 23):
        expected = advance(*ours)
        assert expected == advance(*theirs)
        assert advance(*here) == expected
        assert advance(*there) == expected


@pytest.mark.each("name", CASES)
def test_a_state_continues(name):
    """Without PyTorch, and through pickle: the rest of the run is the same."""
    optimizer = make(tg, "adam")
    scheduler = CASES[name](lr_scheduler, optimizer)
    for _ in range(23):
        advance(optimizer, scheduler)
    state = pickle.dumps((optimizer.state_dict(), scheduler.state_dict()))
    expected = [advance(optimizer, scheduler) for _ in range(STEPS - 23)]
    again = make(tg, "adam")
    other = CASES[name](lr_scheduler, again)
    groups, numbers = pickle.loads(state)
    again.load_state_dict(groups)
    other.load_state_dict(numbers)
    assert [advance(again, other) for _ in range(STEPS - 23)] == expected


@pytest.mark.parametrize("name", [name for name in ALONE if name != "restarts-longer"])
def test_made_with_a_last_epoch(name, monkeypatch):
    """As PyTorch, which is one step ahead or not, from class to class."""
    torch = pytest.importorskip("torch", reason=REASON)
    runs = []
    for library in (tg, torch):
        optimizer = make(library, "sgd")
        module = schedulers_of(library)
        scheduler = CASES[name](module, optimizer)
        for _ in range(13):
            advance(optimizer, scheduler)
        again = make(library, "sgd")
        again.load_state_dict(optimizer.state_dict())
        other = CASES[name](Later(module, scheduler.last_epoch), again)
        runs.append([seen(again, other), *(advance(again, other) for _ in range(40))])
    assert runs[0] == runs[1]


class Later:
    """A module whose schedulers are made with another `last_epoch`."""

    def __init__(self, module: Any, last_epoch: int) -> None:
        self.module, self.last_epoch = module, last_epoch

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: getattr(self.module, name)(*args, **kwargs, last_epoch=self.last_epoch)


@pytest.mark.each("name", [name for name in ALONE if name not in ("linear-none", "polynomial-none")])
def test_sent_to_an_epoch(name):
    """The two left out divide by zero in PyTorch; here they follow their closed formula as the others do, below."""
    torch = pytest.importorskip("torch", reason=REASON)
    ours, theirs = pair(name, "sgd", torch)
    epochs = [3, 0, 7, None, None, 40, 12, None, 57]
    if name.startswith(("restarts", "cosine", "exponential")):
        epochs += [2.5, 13.75, None, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for epoch in epochs:
            for optimizer, scheduler in (ours, theirs):
                optimizer.step()
                scheduler.step(epoch)
            assert seen(*ours) == seen(*theirs), epoch


# Sequences that no library needs to confirm


FOLLOWED = "step multistep-twice constant-long linear-long linear-down exponential polynomial-square polynomial cosine"


@pytest.mark.parametrize("name", [*FOLLOWED.split(), "linear-none", "polynomial-none"])
def test_steps_follow_the_closed_formula(name):
    optimizer = make(tg, "sgd")
    scheduler = CASES[name](lr_scheduler, optimizer)
    for _ in range(STEPS):
        np.testing.assert_allclose(scheduler.get_last_lr(), scheduler._get_closed_form_lr(), rtol=1e-11, atol=1e-15)
        advance(optimizer, scheduler)


def test_warm_restarts_know_their_cycle():
    """Made with a last epoch, or sent to it, the position is the one that single steps come to."""
    optimizer = make(tg, "sgd")
    scheduler = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 1, T_mult=10)
    walked = {0: scheduler.get_last_lr()}
    for t in range(1, 130):
        advance(optimizer, scheduler)
        walked[t] = scheduler.get_last_lr()
    assert walked[111] == [0.1, 0.03]
    for t in (1, 10, 11, 12, 60, 110, 111, 112, 129):
        scheduler.step(t)
        assert scheduler.get_last_lr() == walked[t]
        later = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 1, T_mult=10, last_epoch=t - 1)
        assert later.get_last_lr() == walked[t]
        assert later.T_cur == scheduler.T_cur


def test_constant_lr_comes_back_from_zero():
    optimizer = make(tg, "sgd")
    scheduler = lr_scheduler.ConstantLR(optimizer, factor=0, total_iters=2)
    assert [scheduler.get_last_lr(), *(advance(optimizer, scheduler)[1] for _ in range(3))] == [
        [0, 0], [0, 0], [0.1, 0.03], [0.1, 0.03],
    ]  # fmt: skip


def test_one_cycle_whose_way_up_is_one_step():
    optimizer = make(tg, "sgd")
    scheduler = lr_scheduler.OneCycleLR(optimizer, 0.5, total_steps=10, pct_start=0.1)
    assert scheduler.get_last_lr() == [0.5, 0.5]
    assert advance(optimizer, scheduler)[1][0] < 0.5


def test_one_cycle_ends():
    optimizer = stepped("sgd")
    scheduler = lr_scheduler.OneCycleLR(optimizer, 0.5, total_steps=5)
    for _ in range(5):
        scheduler.step()
    with pytest.raises(ValueError, match=r"OneCycleLR.step: step 6 of 5"):
        scheduler.step()


def test_milestones_survive_json():
    optimizer = make(tg, "sgd")
    scheduler = lr_scheduler.MultiStepLR(optimizer, [2, 4])
    state = json.loads(json.dumps(scheduler.state_dict()))
    other = lr_scheduler.MultiStepLR(optimizer, [1])
    other.load_state_dict(state)
    assert other.milestones == {2: 1, 4: 1}


# ReduceLROnPlateau

PLATEAUS: dict[str, dict[str, Any]] = {
    "default": {},
    "quick": {"factor": 0.5, "patience": 2},
    "max": {"mode": "max", "factor": 0.3, "patience": 1, "cooldown": 3},
    "abs": {"threshold_mode": "abs", "threshold": 0.2, "patience": 3, "min_lr": 0.001},
    "max-abs": {"mode": "max", "threshold_mode": "abs", "threshold": 0.1, "patience": 0, "min_lr": [0.01, 0.001]},
    "eps": {"factor": 0.9, "patience": 0, "eps": 0.005},
}


@pytest.mark.parametrize("arguments", PLATEAUS.values(), ids=PLATEAUS)
def test_plateau(arguments):
    torch = pytest.importorskip("torch", reason=REASON)
    metrics = np.random.default_rng(3).standard_normal(80).cumsum() / 4
    metrics[[9, 30]] = math.nan, math.inf
    optimizers = [make(library, "sgd") for library in (tg, torch) for _ in range(2)]
    modules = [lr_scheduler] * 2 + [torch.optim.lr_scheduler] * 2
    schedulers = [module.ReduceLROnPlateau(o, **arguments) for module, o in zip(modules, optimizers)]
    ours, here, theirs, there = schedulers
    changes = set()
    for t, metric in enumerate(metrics):
        if t == 40:  # each other's state
            here.load_state_dict(theirs.state_dict())
            there.load_state_dict(ours.state_dict())
        for optimizer, scheduler in zip(optimizers, schedulers):
            optimizer.step()
            scheduler.step(metric)
        lrs = [seen(optimizer, scheduler) for optimizer, scheduler in zip(optimizers, schedulers)]
        assert lrs[0] == lrs[1] == lrs[2] == lrs[3]
        assert saved(ours) == saved(theirs)
        changes.add(tuple(ours.get_last_lr()))
    assert len(changes) > 2


def test_plateau_takes_tensors_and_new_groups():
    optimizer = make(tg, "sgd")
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
    scheduler.step(tg.tensor(1.0))
    optimizer.add_param_group({"params": [tg.tensor(0.0, requires_grad=True)], "lr": 0.8})
    scheduler.step(tg.tensor(1.0))
    assert scheduler.get_last_lr() == [0.05, 0.015, 0.4]
    fixed = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0, min_lr=[0, 0, 0])
    optimizer.add_param_group({"params": [tg.tensor(0.0, requires_grad=True)]})
    fixed.step(1.0)
    with pytest.raises(RuntimeError, match="min_lrs has 3 values for 4 groups"):
        fixed.step(1.0)


# The face


def test_every_scheduler_of_pytorch_is_here_with_its_arguments():
    torch = pytest.importorskip("torch", reason=REASON)
    theirs = torch.optim.lr_scheduler
    assert set(theirs.__all__) == set(lr_scheduler.__all__)
    for name in theirs.__all__:
        for method in ("__init__", "step", "state_dict", "load_state_dict", "get_last_lr"):
            a, b = (inspect.signature(getattr(getattr(m, name), method)) for m in (lr_scheduler, theirs))
            assert [(p.name, p.default) for p in a.parameters.values()] == [
                (p.name, p.default) for p in b.parameters.values()
            ], f"{name}.{method}"


BAD: list[tuple[Callable[[Any, Any], Any], type[Exception], str, bool]] = [  # the last: PyTorch refuses it, too
    (lambda m, o: m.StepLR("sgd", 3), TypeError, "StepLR: optimizer must be an Optimizer, got str", True),
    (lambda m, o: m.CyclicLR(3, 0, 1), TypeError, "CyclicLR: optimizer must be an Optimizer, got int", True),
    (lambda m, o: m.OneCycleLR(3, 1, 10), TypeError, "OneCycleLR: optimizer must be an Optimizer", True),
    (lambda m, o: m.ReduceLROnPlateau(3), TypeError, "ReduceLROnPlateau: optimizer must be", True),
    (lambda m, o: m.StepLR(o, 3, last_epoch=4), KeyError, "group 0 must have 'initial_lr'", True),
    (lambda m, o: m.StepLR(o, 0), ValueError, "StepLR: step_size must be greater than 0, got 0", False),
    (lambda m, o: m.StepLR(o, None), TypeError, "StepLR: step_size must be a number, got NoneType", False),
    (lambda m, o: m.ExponentialLR(o, half), TypeError, "ExponentialLR: gamma must be a number, got function", False),
    (lambda m, o: m.CosineAnnealingLR(o, 5, math.nan), ValueError, "eta_min must be .*, got nan", False),
    (lambda m, o: m.LambdaLR(o, [half]), ValueError, "lr_lambda must have one value for each of 2 groups, got 1", True),
    (lambda m, o: m.LambdaLR(o, 0.5), TypeError, "LambdaLR: lr_lambda must be callable, got float", True),
    (lambda m, o: m.MultiplicativeLR(o, [half] * 3), ValueError, "MultiplicativeLR: lr_lambda must have", True),
    (lambda m, o: m.MultiplicativeLR(o, 0.5), TypeError, "MultiplicativeLR: lr_lambda must be callable", True),
    (lambda m, o: m.MultiStepLR(o, [2.5]), TypeError, r"milestones must be integers, got \[2.5\]", False),
    (lambda m, o: m.ConstantLR(o, 1.5), ValueError, r"ConstantLR: factor must be in \[0, 1\], got 1.5", True),
    (lambda m, o: m.LinearLR(o, 0.0), ValueError, r"LinearLR: start_factor must be in \(0, 1\], got 0.0", True),
    (lambda m, o: m.LinearLR(o, end_factor=2.0), ValueError, r"end_factor must be in \[0, 1\], got 2.0", True),
    (lambda m, o: m.PolynomialLR(o, -1), ValueError, "PolynomialLR: total_iters must be at least 0, got -1", False),
    (lambda m, o: m.CosineAnnealingLR(o, 0), ValueError, "T_max must be greater than 0, got 0", False),
    (lambda m, o: m.CosineAnnealingWarmRestarts(o, 0), ValueError, "T_0 must be a positive integer, got 0", True),
    (lambda m, o: m.CosineAnnealingWarmRestarts(o, 2.5), ValueError, "T_0 must be a positive integer, got 2.5", True),
    (lambda m, o: m.CosineAnnealingWarmRestarts(o, 2, 0), ValueError, "T_mult must be a positive integer", True),
    (lambda m, o: m.CosineAnnealingWarmRestarts(o, 5).step(-1), ValueError, "epoch must be at least 0, got -1", True),
    (lambda m, o: m.CyclicLR(o, 0, 1, mode="square"), ValueError, "mode must be one of .*, got 'square'", True),
    (lambda m, o: m.CyclicLR(o, 0, 1, scale_mode="x"), ValueError, "scale_mode must be", False),
    (lambda m, o: m.CyclicLR(o, [0, 0, 0], 1), ValueError, "base_lr must have one value for each of 2", True),
    (lambda m, o: m.CyclicLR(o, 0, 1, base_momentum=[0.5]), ValueError, "base_momentum must have one value", True),
    (lambda m, o: m.CyclicLR(o, 0, 1, step_size_up=0), ValueError, "step_size_up must be greater than 0, got 0", False),
    (lambda m, o: m.OneCycleLR(o, 1.0), ValueError, "OneCycleLR: either total_steps must be given, or", True),
    (lambda m, o: m.OneCycleLR(o, 1.0, 0), ValueError, "total_steps must be a positive integer, got 0", True),
    (lambda m, o: m.OneCycleLR(o, 1.0, epochs=2, steps_per_epoch=0), ValueError, "steps_per_epoch must be a", True),
    (lambda m, o: m.OneCycleLR(o, 1.0, 9, pct_start=1.5), ValueError, r"pct_start must be in \[0, 1\], got 1.5", True),
    (lambda m, o: m.OneCycleLR(o, 1.0, 9, anneal_strategy="x"), ValueError, "anneal_strategy must be", True),
    (lambda m, o: m.OneCycleLR(o, [1.0], 9), ValueError, "max_lr must have one value for each of 2 groups", True),
    (lambda m, o: m.ReduceLROnPlateau(o, factor=1.0), ValueError, r"factor must be in \[0, 1\), got 1.0", True),
    (lambda m, o: m.ReduceLROnPlateau(o, "least"), ValueError, "mode must be 'min' or 'max', got 'least'", True),
    (lambda m, o: m.ReduceLROnPlateau(o, threshold_mode="x"), ValueError, "threshold_mode must be", True),
    (lambda m, o: m.ReduceLROnPlateau(o, min_lr=[0.1]), ValueError, "min_lr must have one value for each", True),
    (lambda m, o: m.ChainedScheduler([]), ValueError, "schedulers must be at least one, got none", True),
    (lambda m, o: m.ChainedScheduler([half], o), TypeError, r"schedulers\[0\] must be a scheduler, got function", True),
    (lambda m, o: m.ChainedScheduler([m.ReduceLROnPlateau(o)]), ValueError, "whose step needs metrics", True),
    (lambda m, o: m.ChainedScheduler([m.StepLR(o, 2)], copy.copy(o)), ValueError, "of the same optimizer", True),
    (lambda m, o: m.SequentialLR(o, [], []), ValueError, "schedulers must be at least one, got none", True),
    (lambda m, o: m.SequentialLR(o, [m.StepLR(o, 2)], [3]), ValueError, "milestones must be one less", True),
    (lambda m, o: m.SequentialLR(o, [m.StepLR(o, 2)] * 3, [5, 3]), ValueError, "milestones must be in order", False),
    (lambda m, o: m.SequentialLR(o, [m.StepLR(o, 2), m.ChainedScheduler([m.StepLR(o, 2)])], [3]), ValueError,
     "a combined scheduler can only come first", False),
]  # fmt: skip


@pytest.mark.each("number", range(len(BAD)))
def test_bad_arguments(number):
    program, error, message, _ = BAD[number]
    with pytest.raises(error, match=message):
        program(lr_scheduler, make(tg, "sgd"))


@pytest.mark.each("number", [i for i, row in enumerate(BAD) if row[3]])
def test_pytorch_refuses_them_by_the_same_error(number):
    torch = pytest.importorskip("torch", reason=REASON)
    program, error, _, _ = BAD[number]
    with pytest.raises(error):
        program(torch.optim.lr_scheduler, make(torch, "sgd"))


@pytest.mark.parametrize("name", ["CyclicLR", "OneCycleLR"])
def test_momentum_needs_an_optimizer_that_has_some(name):
    sgd = optim.Adagrad([tg.tensor(1.0, requires_grad=True)])
    with pytest.raises(ValueError, match=f"{name}: cycle_momentum=True needs an optimizer with momentum or betas"):
        getattr(lr_scheduler, name)(sgd, 0.1, 10)


def test_bad_states():
    optimizer = make(tg, "sgd")
    scheduler = lr_scheduler.StepLR(optimizer, 3)
    before = scheduler.state_dict()
    with pytest.raises(ValueError, match=r"StepLR.load_state_dict: the state lacks step_size"):
        scheduler.load_state_dict(lr_scheduler.ExponentialLR(optimizer, 0.9).state_dict())
    single = optim.SGD([tg.tensor(1.0, requires_grad=True)], lr=0.1)
    with pytest.raises(ValueError, match=r"StepLR.load_state_dict: the state must be of 2 groups, got 1"):
        scheduler.load_state_dict(lr_scheduler.StepLR(single, 5).state_dict())
    chained = lr_scheduler.ChainedScheduler([scheduler])
    two = lr_scheduler.ChainedScheduler([scheduler, scheduler])
    with pytest.raises(ValueError, match="the state must be of 1 schedulers, got 2"):
        chained.load_state_dict(two.state_dict())
    with pytest.raises(
        ValueError, match="StepLR.load_state_dict: the state lacks _last_lr, _step_count, base_lrs, gamma"
    ):
        chained.load_state_dict({"_last_lr": [1, 1], "_schedulers": [{"last_epoch": 3, "step_size": 4}]})
    assert chained.get_last_lr() == [0.1, 0.03]
    own = lr_scheduler.CyclicLR(optimizer, 0, 1, scale_fn=Slowing(0.5)).state_dict()
    with pytest.raises(ValueError, match="the state is that of a scheduler with a scale_fn"):
        lr_scheduler.CyclicLR(optimizer, 0, 1).load_state_dict(own)
    assert scheduler.state_dict() == before


def test_a_group_that_came_later_is_no_obstacle_to_a_state():
    optimizer = stepped("sgd")
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.add_param_group({"params": [tg.tensor(0.0, requires_grad=True)], "lr": 0.8})
    scheduler.step()
    later = lr_scheduler.ExponentialLR(optimizer, 0.1)
    later.load_state_dict(scheduler.state_dict())
    later.step()
    assert later.get_last_lr() == [0.025, 0.0075, 0.2]


def test_a_state_of_an_older_pytorch():
    optimizer = make(tg, "sgd")
    scheduler = lr_scheduler.StepLR(optimizer, 3)
    state = scheduler.state_dict()
    del state["_is_initial"], state["_get_lr_called_within_step"]
    scheduler.load_state_dict({**state, "verbose": False, "last_epoch": 2})
    assert advance(optimizer, scheduler)[1] == [0.1 * 0.1, 0.03 * 0.1]


def test_a_new_group_is_noticed():
    optimizer = stepped("sgd")
    per_group, common = lr_scheduler.LambdaLR(optimizer, half), lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.add_param_group({"params": [tg.tensor(0.0, requires_grad=True)], "lr": 0.8})
    common.step()
    assert common.get_last_lr() == [0.05, 0.015, 0.4]
    with pytest.raises(ValueError, match="LambdaLR: got 2 learning rates for 3 groups"):
        per_group.step()


@contextmanager
def no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_warns_where_the_optimizer_has_not_stepped():
    optimizer = make(tg, "sgd")
    scheduler = nested(lr_scheduler, optimizer)
    with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)`: StepLR skips"):
        lr_scheduler.StepLR(optimizer, 3).step()
    optimizer.step()
    scheduler.step()
    lr_scheduler.StepLR(optimizer, 3).step()
    by_name = optim.SGD(lr=0.1)
    scheduler = lr_scheduler.StepLR(by_name, 3)
    by_name.update({"w": np.ones(3)}, {"w": np.ones(3)})
    scheduler.step()


@pytest.mark.filterwarnings("ignore:StepLR.step:UserWarning")
def test_warns_once_and_only_of_optimizers_that_count():
    optimizer = make(tg, "sgd")
    scheduler = lr_scheduler.StepLR(optimizer, 3)
    scheduler.step()
    with no_warning():
        scheduler.step()
        other = SimpleNamespace(param_groups=[{"lr": 0.1}], defaults={})
        lr_scheduler.StepLR(other, 3).step()


def test_warns_of_epochs_and_of_get_lr():
    optimizer = stepped("sgd")
    scheduler = lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    with pytest.warns(UserWarning, match=r"StepLR.step: epoch is deprecated") as caught:
        scheduler.step(1)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match=r"StepLR: get_last_lr\(\) tells the learning rates") as caught:
        assert scheduler.get_lr() == [0.025, 0.0075]
    assert caught[0].filename == __file__
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer)
    with pytest.warns(UserWarning, match=r"ReduceLROnPlateau.step: epoch is deprecated"):
        plateau.step(1.0, 7)
    assert plateau.last_epoch == 7


def test_a_scheduler_of_ones_own():
    """PyTorch's way: `get_lr`, and `_get_closed_form_lr` for who asks for an epoch; both may look at the flags."""

    class Own(lr_scheduler.LRScheduler):
        def __init__(self, optimizer, rate):
            self.rate = rate
            super().__init__(optimizer)

        def get_lr(self):
            assert self._get_lr_called_within_step
            if self._is_initial:
                return [group["lr"] for group in self.optimizer.param_groups]
            return [group["lr"] * self.rate for group in self.optimizer.param_groups]

        def _get_closed_form_lr(self):
            return [lr * self.rate**self.last_epoch for lr in self.base_lrs]

    optimizer = stepped("sgd")
    with no_warning():
        scheduler = Own(optimizer, 0.5)
        scheduler.step()
        scheduler.step()
    assert scheduler.get_last_lr() == [0.025, 0.0075]
    other = Own(make(tg, "sgd"), 0.1)
    other.load_state_dict(scheduler.state_dict())
    assert (other.rate, other.last_epoch) == (0.5, 2)
    with pytest.warns(UserWarning, match="Own.step: epoch is deprecated"):
        scheduler.step(3)
    assert scheduler.get_last_lr() == [0.0125, 0.00375]
    with pytest.raises(NotImplementedError, match="LRScheduler.get_lr"):
        lr_scheduler.LRScheduler(optimizer)


def test_a_learning_rate_that_is_a_tensor_stays_the_same_tensor():
    optimizer = stepped("sgd")
    rate = optimizer.param_groups[0]["lr"] = tg.tensor(0.1, dtype=tg.float64)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=-1)
    scheduler.step()
    assert scheduler.get_last_lr() == [0.05, 0.015]
    assert scheduler.base_lrs == [0.1, 0.03]
    plateau.step(math.nan)
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.025


def test_a_learning_rate_that_is_a_schedule_is_refused():
    optimizer = make(tg, "sgd")
    optimizer.param_groups[1]["lr"] = optim.schedules.linear(1.0, 0.0, 10)
    for make_one in (lambda: lr_scheduler.StepLR(optimizer, 3), lambda: lr_scheduler.ReduceLROnPlateau(optimizer)):
        with pytest.raises(TypeError, match=r"the optimizer's lr is a schedule already: linear\("):
            make_one()


def test_copies_are_independent():
    optimizer = stepped("adam")
    scheduler = lr_scheduler.CyclicLR(optimizer, 0.1, 0.5, 4)
    other = copy.deepcopy(scheduler)
    other.step()
    assert scheduler.get_last_lr() == [0.1, 0.1]
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert other.optimizer.param_groups[0]["lr"] == other.get_last_lr()[0] == pytest.approx(0.2)
    assert pickle.loads(pickle.dumps(other)).get_last_lr() == other.get_last_lr()


def test_training_follows_the_schedule():
    """The optimizer uses what the scheduler sets: plain descent with a known gradient."""
    p = tg.tensor([0.0], dtype=tg.float64, requires_grad=True)
    sgd = optim.SGD([p], lr=1.0)
    scheduler = lr_scheduler.SequentialLR(
        sgd, [lr_scheduler.LinearLR(sgd, 0.25, total_iters=3), lr_scheduler.ExponentialLR(sgd, 0.5)], [3]
    )
    moved = []
    for _ in range(6):
        p.grad = tg.tensor([-1.0], dtype=tg.float64)
        before = p.item()
        sgd.step()
        scheduler.step()
        moved.append(p.item() - before)
    assert moved == pytest.approx([0.25, 0.5, 0.75, 1.0, 0.5, 0.25])


@pytest.mark.parametrize("name", ["cyclic", "one-cycle"])
@pytest.mark.filterwarnings("ignore:.*before the optimizer.s first step:UserWarning")
def test_momenta_have_no_limits(name):
    torch = pytest.importorskip("torch")
    found = []
    for library, optimizers in ((tg, optim), (torch, torch.optim)):
        sgd = optimizers.SGD([library.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
        if name == "cyclic":
            scheduler = optimizers.lr_scheduler.CyclicLR(sgd, 1, 5, 4, base_momentum=1, max_momentum=5)
        else:
            scheduler = optimizers.lr_scheduler.OneCycleLR(sgd, 35, 9, base_momentum=-11, max_momentum=22)
        momenta = []
        for _ in range(8):
            momenta.append(sgd.param_groups[0]["momentum"])
            scheduler.step()
        found.append(momenta)
    np.testing.assert_allclose(*found, rtol=1e-12)

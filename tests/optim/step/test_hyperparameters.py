"""Every hyperparameter of every optimizer, and every argument of every scheduler: what is no such thing is refused."""

from __future__ import annotations

import inspect
import math
import re

import numpy as np
import pytest
from optimizers_table import ELSEWHERE, OPTIMIZERS

import tinygrad_lite as tg
from tinygrad_lite import kernels, nn, optim
from tinygrad_lite.optim import lr_scheduler, swa_utils, textbook

WRAPPERS = (optim.Lookahead, optim.SAM, optim.ZeroRedundancyOptimizer)
EVERY = [row.cls for row in OPTIMIZERS] + [cls for cls in ELSEWHERE if not issubclass(cls, WRAPPERS)]
JUNK = [None, "0.1", math.nan, [0.1], [0.1, 0.2, 0.3, 0.4, 0.5], object(), True, tg.ones(2), np.ones(3), 1j, {}]


def name_of(cls) -> str:
    return f"textbook.{cls.__name__}" if cls.__module__.endswith("textbook") else cls.__name__


def may_be(default, value, annotation: str) -> bool:
    """Whether a value is of a hyperparameter's kind after all."""
    if value is None:
        return "None" in annotation
    if isinstance(value, bool):
        return isinstance(default, bool) or "bool" in annotation
    return isinstance(value, str) and "str" in annotation


@pytest.mark.each("cls", EVERY, ids=name_of)
def test_every_hyperparameter_is_refused_where_it_is_none(cls):
    fields = {n: p.default for n, p in cls.__signature__.parameters.items() if n != "params"}
    for name, default in fields.items():
        annotation = cls._rule.kinds.get(name, "float | str | None")
        for junk in JUNK:
            if may_be(default, junk, annotation) or (name in ("max_grad_norm", "on_nonfinite") and junk is None):
                continue
            with pytest.raises((TypeError, ValueError), match=rf"^{cls.__name__}: {name}(\[\d\])? ") as caught:
                cls(**{name: junk})
            assert "got" in str(caught.value), name
        if cls._rule.ranges.get(name, (1,))[0] == 0:
            bad = -1 if isinstance(default, int) else (-1.0,) * len(default) if isinstance(default, tuple) else -1.0
            with pytest.raises(ValueError, match=rf"{cls.__name__}: {name}(\[0\])? must be (at least|greater than|in)"):
                cls(**{name: bad})


@pytest.mark.each("cls", EVERY, ids=name_of)
def test_every_hyperparameter_of_a_group_is_looked_at_before_the_step(cls):
    params = [tg.tensor(np.full((2, 2), 3.0), requires_grad=True) for _ in range(2)]
    optimizer = cls([{"params": [p]} for p in params] if cls is not optim.LBFGS else params)
    for p in params:
        p.grad = tg.tensor(np.ones((2, 2)))
    step = (lambda: optimizer.step(lambda: tg.tensor(1.0))) if cls is optim.LBFGS else optimizer.step
    step()
    before = [p.detach().numpy().copy() for p in params]
    for name, default in cls._rule.fields.items():
        group = optimizer.param_groups[-1]
        kept = group[name]
        for junk in ("0.1", math.nan, [0.1, 0.2, 0.3, 0.4, 0.5], np.ones(3)):
            if may_be(default, junk, cls._rule.kinds[name]):
                continue
            group[name] = junk
            for _ in range(2):  # the second time, too
                with pytest.raises((TypeError, ValueError), match=rf"{cls.__name__}: {name}(\[\d\])? "):
                    step()
        group[name] = kept
    for p, old in zip(params, before):  # a step is whole or not made: the first group, too, is as it was
        np.testing.assert_array_equal(p.detach().numpy(), old)
    step()
    assert all((p.detach().numpy() != old).any() for p, old in zip(params, before)) or cls is optim.LBFGS


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_what_a_schedule_says_is_looked_at_at_every_step(backend):
    p = tg.tensor([1.0], requires_grad=True)
    p.grad = tg.tensor([1.0])
    said = [0.5, "a", math.nan, -1.0, None, 0.5]
    with kernels.use(backend):
        sgd = optim.SGD([p], lr=lambda step: said[0])
        sgd.step()
        messages = ["got str", "got nan", "at least 0, got -1.0", "got NoneType"]
        for message in messages:
            said.pop(0)
            with pytest.raises((TypeError, ValueError), match=f"SGD: lr must be .*{message}"):
                sgd.step()
        said.pop(0)
        sgd.step()
    assert p.item() == 0.0


# Parameters


def test_what_is_given_in_the_parameters_place_is_named():
    model = nn.Linear(2, 3)
    cases = {
        "got the module Linear; its parameters are what its method parameters": model,
        r"got the method parameters itself; call it: parameters\(\)": model.parameters,
        r"got the method named_parameters itself; call it": model.named_parameters,
        r"got OrderedDict; its parameters are its values\(\)": model.state_dict(),
        "got Parameter; a single one goes into a list": model.weight,
        "got ndarray": np.ones(3),
    }
    for cls in (optim.SGD, optim.Adam, optim.Muon, optim.LBFGS, optim.Adafactor, textbook.AdaGrad):
        for message, given in cases.items():
            for args, options in (((given,), {}), ((given,), {"lr": 0.1}), ((), {"params": given})):
                with pytest.raises(TypeError, match=f"{cls.__name__}: params must be an ordered iterable .*{message}"):
                    cls(*args, **options)
            if not isinstance(given, tg.Tensor):
                with pytest.raises(TypeError, match=f"{cls.__name__}: a group's params must be Tensors in a list"):
                    cls([{"params": given}])
        with pytest.raises(ValueError, match=f"{cls.__name__}: a group of parameters needs 'params', got 'lr'"):
            cls([{"lr": 0.1}])
    assert optim.SGD(lambda step: 0.25).param_groups[0]["lr"](0) == 0.25  # a schedule is none of these


@pytest.mark.parametrize("cls", [optim.Adam, optim.AdamW])
def test_tensors_as_hyperparameters_of_adam_are_refused_where_pytorch_refuses_them(cls):
    p = tg.tensor([1.0], requires_grad=True)
    b1, b2, lr = tg.tensor(0.9), tg.tensor(0.99), tg.tensor(0.1)
    for mixed in ((0.9, b2), (b1, 0.99)):
        for make in (lambda b=mixed: cls([p], betas=b), lambda b=mixed: cls([{"params": [p], "betas": b}])):
            with pytest.raises(ValueError, match=rf"{cls.__name__}: betas must be either both floats or both Tensors"):
                make()
    for name, given in (("lr", {"lr": lr}), (r"betas\[0\]", {"betas": (b1, b2)})):
        with pytest.raises(
            ValueError, match=rf"{cls.__name__}: {name} as a Tensor is not supported for capturable=Fal"
        ):
            cls([p], foreach=True, **given)
        for allowed in ({"capturable": True, "foreach": True}, {"foreach": False}, {}):
            assert len(cls([p], **given, **allowed).param_groups) == 1
    assert cls([p], betas=(b1, b2), lr=lr).lr == pytest.approx(0.1)


# Schedulers

NEEDED = {
    "lr_lambda": lambda t: 1.0, "step_size": 2, "milestones": [2], "T_max": 5, "T_0": 3, "base_lr": 0.01, "max_lr": 0.1,
    "gamma": 0.5, "total_steps": 10, "swa_lr": 0.05,
}  # fmt: skip
NOT_SCHEDULERS = {"LRScheduler"}
SCHEDULERS = [name for name in lr_scheduler.__all__ if name not in NOT_SCHEDULERS] + ["SWALR"]


def made(name: str, **given):
    cls = getattr(lr_scheduler, name, None) or getattr(swa_utils, name)
    sgd = optim.SGD(lr=0.1, momentum=0.9)
    if name in ("SequentialLR", "ChainedScheduler"):
        parts = [lr_scheduler.ConstantLR(sgd), lr_scheduler.ConstantLR(sgd)]
        if name == "ChainedScheduler":
            return cls(**{"schedulers": parts, **given})
        return cls(sgd, **{"schedulers": parts, "milestones": [2], **given})
    arguments = inspect.signature(cls.__init__).parameters.values()
    wanted = {a.name for a in arguments if a.default is a.empty or a.name == "total_steps"}
    return cls(sgd, **{**{n: v for n, v in NEEDED.items() if n in wanted}, **given})


ANY_NUMBER = {"threshold", "base_momentum", "max_momentum"}  # as in PyTorch


@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_argument_of_a_scheduler_is_refused_where_it_is_none(name):
    made(name)
    cls = getattr(lr_scheduler, name, None) or getattr(swa_utils, name)
    arguments = [a for a in inspect.signature(cls.__init__).parameters.values() if a.name not in ("self", "optimizer")]
    for argument in arguments:
        for junk in (None, "a", math.nan, [0.1, 0.2], object()):
            if junk is None and argument.default is None:
                continue
            with pytest.raises((TypeError, ValueError), match=re.escape(name)) as caught:
                made(name, **{argument.name: junk})
            assert argument.name in str(caught.value), str(caught.value)
        if isinstance(argument.default, float) and argument.name not in ANY_NUMBER:
            with pytest.raises(ValueError, match=f"{name}: {argument.name} must be"):
                made(name, **{argument.name: -1.0})

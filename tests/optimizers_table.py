"""OPTIMIZERS: one row for each optimizer; test_optim.py applies every check to every row."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tinygrad_lite.optim import textbook

from tinygrad_lite import optim

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """What the checks need to know about an optimizer.

    Attributes
    ----------
    cls
        The optimizer.
    variants
        Arguments that between them set every switch and change every number.
    quadratic
        Arguments with which it comes to rest in the minimum of a quadratic, and in how many steps.
    rosenbrock
        Arguments and steps that take it through Rosenbrock's valley, and the loss it must get below (from 24.2).
    reference
        The rule as its paper or text has it, written for one number: ``reference(p, g, state, t, **arguments)``. Those
        with an `oracle` are compared with that instead.
    bad
        Arguments it must refuse, with a part of the message.
    oracle
        The name of the same optimizer in `torch.optim`, if there is one.
    """

    cls: type[optim.Optimizer]
    variants: list[Arguments]
    quadratic: tuple[Arguments, int]
    rosenbrock: tuple[Arguments, int, float]
    bad: list[tuple[Arguments, str]] = field(default_factory=list)
    oracle: str | None = None
    reference: Callable[..., float] | None = None

    @property
    def name(self) -> str:
        """The class's name, with its module where two have the same."""
        return f"textbook.{self.cls.__name__}" if self.cls.__module__.endswith("textbook") else self.cls.__name__


# The texts' rules, word for word, for one number.


def momentum(p, g, s, t, lr=0.01, momentum=0.9):
    s["v"] = momentum * s.get("v", 0.0) - lr * g
    return p + s["v"]


def nesterov(p, g, s, t, lr=0.01, momentum=0.9):
    v = s.get("v", 0.0)
    p += momentum * momentum * v
    p -= (1 + momentum) * lr * g
    s["v"] = momentum * v - lr * g
    return p


def adagrad(p, g, s, t, lr=0.01, eps=1e-7, eps_inside=False):
    s["h"] = s.get("h", 0.0) + g * g
    return p - lr * g / (math.sqrt(s["h"] + eps) if eps_inside else math.sqrt(s["h"]) + eps)


def rmsprop(p, g, s, t, lr=0.01, decay_rate=0.99, eps=1e-7, eps_inside=False):
    s["h"] = decay_rate * s.get("h", 0.0) + (1 - decay_rate) * g**2
    return p - lr * g / (math.sqrt(s["h"] + eps) if eps_inside else math.sqrt(s["h"]) + eps)


def adadelta(p, g, s, t, decay=0.99, eps=1e-6):
    s["s"] = s.get("s", 0.0) * decay + g**2 * (1 - decay)
    step = (math.sqrt(s.get("d", 0.0)) + eps) / (math.sqrt(s["s"]) + eps) * g
    s["d"] = s.get("d", 0.0) * decay + step**2 * (1 - decay)
    return p - step


def adam(p, g, s, t, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-7):
    m, v = s.get("m", 0.0), s.get("v", 0.0)
    s["m"], s["v"] = m + (1 - beta1) * (g - m), v + (1 - beta2) * (g**2 - v)
    lr_t = lr * math.sqrt(1.0 - beta2**t) / (1.0 - beta1**t)
    return p - lr_t * s["m"] / (math.sqrt(s["v"]) + eps)


_LR = ({"lr": -0.1}, "lr must be at least 0, got -0.1")
_DECAY = ({"weight_decay": -1.0}, "weight_decay must be at least 0, got -1.0")
_EPS = ({"eps": -1e-8}, "eps must be at least 0, got -1e-08")
_BETAS = [
    ({"betas": (1.0, 0.999)}, r"betas\[0\] must be in \[0, 1\), got 1.0"),
    ({"betas": (0.9, -0.1)}, r"betas\[1\] must be in \[0, 1\), got -0.1"),
]
_ADAM = [
    {},
    {"lr": 0.05, "betas": (0.8, 0.99), "eps": 1e-4},
    {"amsgrad": True},
    {"weight_decay": 0.1},
    {"weight_decay": 0.1, "amsgrad": True, "maximize": True},
    {"weight_decay": 0.0},
]

OPTIMIZERS = [
    Row(
        optim.SGD,
        [
            {},
            {"lr": 0.05, "weight_decay": 0.1},
            {"lr": 0.05, "momentum": 0.9},
            {"lr": 0.05, "momentum": 0.9, "dampening": 0.3},
            {"lr": 0.05, "momentum": 0.9, "nesterov": True},
            {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1, "maximize": True},
            {"lr": 0.01, "momentum": 0.5, "dampening": 0.1, "weight_decay": 0.01, "maximize": True},
        ],
        ({"lr": 0.3, "momentum": 0.5}, 200),
        ({"lr": 1e-3, "momentum": 0.9}, 4000, 1e-9),
        [
            _LR,
            _DECAY,
            ({"momentum": -0.5}, "momentum must be at least 0, got -0.5"),
            ({"nesterov": True}, "nesterov needs momentum above 0"),
            ({"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "no dampening"),
        ],
        oracle="SGD",
    ),
    Row(
        optim.Adam,
        [*_ADAM, {"weight_decay": 0.1, "decoupled_weight_decay": True}],
        ({"lr": 0.1}, 600),
        ({"lr": 0.02}, 4000, 1e-9),
        [_LR, _DECAY, _EPS, *_BETAS],
        oracle="Adam",
    ),
    Row(
        optim.AdamW,
        _ADAM,
        ({"lr": 0.1, "weight_decay": 0.0}, 600),
        ({"lr": 0.02, "weight_decay": 0.0}, 4000, 1e-9),
        [_LR, _DECAY, _EPS, *_BETAS],
        oracle="AdamW",
    ),
    Row(
        optim.Adagrad,
        [
            {},
            {"lr": 0.1, "lr_decay": 0.05, "initial_accumulator_value": 0.5, "eps": 1e-5},
            {"lr": 0.1, "weight_decay": 0.1},
            {"lr": 0.1, "weight_decay": 0.1, "maximize": True},
        ],
        ({"lr": 1.0}, 200),
        ({"lr": 0.5}, 5000, 1e-3),
        [
            _LR,
            _DECAY,
            _EPS,
            ({"lr_decay": -1.0}, "lr_decay must be at least 0"),
            ({"initial_accumulator_value": -1.0}, "initial_accumulator_value must be at least 0"),
        ],
        oracle="Adagrad",
    ),
    Row(
        optim.RMSprop,
        [
            {},
            {"alpha": 0.9, "eps": 1e-5, "weight_decay": 0.1},
            {"centered": True},
            {"momentum": 0.9, "lr": 0.001},
            {"momentum": 0.9, "centered": True, "weight_decay": 0.1, "maximize": True},
        ],
        ({"lr": 0.01, "eps": 0.1}, 1500),
        ({"lr": 1e-3, "eps": 0.1}, 5000, 1e-3),
        [
            _LR,
            _DECAY,
            _EPS,
            ({"alpha": -0.1}, "alpha must be at least 0"),
            ({"momentum": -0.1}, "momentum must be at least 0"),
        ],
        oracle="RMSprop",
    ),
    Row(
        optim.Adadelta,
        [
            {},
            {"lr": 0.5, "rho": 0.8, "eps": 1e-3},
            {"weight_decay": 0.1},
            {"weight_decay": 0.1, "maximize": True},
        ],
        ({"eps": 1e-3}, 1000),
        ({"eps": 1e-6}, 2000, 1.0),
        [_LR, _DECAY, _EPS, ({"rho": 1.5}, r"rho must be in \[0, 1\], got 1.5")],
        oracle="Adadelta",
    ),
    Row(
        textbook.Momentum,
        [{}, {"lr": 0.05, "momentum": 0.5}, {"maximize": True}],
        ({"lr": 0.1, "momentum": 0.5}, 400),
        ({"lr": 1e-3}, 4000, 1e-9),
        [_LR, ({"momentum": -0.5}, "momentum must be at least 0")],
        reference=momentum,
    ),
    Row(
        textbook.Nesterov,
        [{}, {"lr": 0.05, "momentum": 0.5}, {"maximize": True}],
        ({"lr": 0.1, "momentum": 0.5}, 400),
        ({"lr": 1e-3}, 4000, 1e-9),
        [_LR, ({"momentum": -0.5}, "momentum must be at least 0")],
        reference=nesterov,
    ),
    Row(
        textbook.AdaGrad,
        [{}, {"lr": 0.1, "eps": 1e-6}, {"eps_inside": True}, {"maximize": True}],
        ({"lr": 1.0}, 200),
        ({"lr": 0.5}, 5000, 1e-3),
        [_LR, _EPS],
        reference=adagrad,
    ),
    Row(
        textbook.RMSProp,
        [{}, {"lr": 0.1, "decay_rate": 0.9, "eps": 1e-6}, {"eps_inside": True}, {"maximize": True}],
        ({"lr": 0.01, "eps": 0.1}, 1500),
        ({"lr": 1e-3, "eps": 0.1}, 5000, 1e-3),
        [_LR, _EPS, ({"decay_rate": 1.0}, r"decay_rate must be in \[0, 1\), got 1.0")],
        reference=rmsprop,
    ),
    Row(
        textbook.Adadelta,
        [{}, {"decay": 0.9, "eps": 1e-3}, {"maximize": True}],
        ({"eps": 1e-2}, 3000),
        ({"eps": 1e-4}, 5000, 1.0),
        [_EPS, ({"decay": 1.0}, r"decay must be in \[0, 1\), got 1.0")],
        reference=adadelta,
    ),
    Row(
        textbook.Adam,
        [{}, {"lr": 0.05, "beta1": 0.8, "beta2": 0.99, "eps": 1e-4}, {"maximize": True}],
        ({"lr": 0.1}, 600),
        ({"lr": 0.02}, 4000, 1e-9),
        [
            _LR,
            _EPS,
            ({"beta1": 1.0}, r"beta1 must be in \[0, 1\), got 1.0"),
            ({"beta2": -0.1}, r"beta2 must be in \[0, 1\), got -0.1"),
        ],
        reference=adam,
    ),
]

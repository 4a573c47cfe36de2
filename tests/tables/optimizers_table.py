"""OPTIMIZERS: one row for each optimizer; tests/optim/test_every_optimizer.py applies every check to every row."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tinygrad_lite import optim
from tinygrad_lite.optim import schedules, textbook

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


def descent(p, g, s, t, lr=0.01, momentum=0.0, nesterov=False):
    s["b"] = momentum * s.get("b", 0.0) + g
    return p - lr * (g + momentum * s["b"] if nesterov else s["b"])


def adam(p, g, s, t, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-7, eps_inside=False):
    m, v = s.get("m", 0.0), s.get("v", 0.0)
    s["m"], s["v"] = m + (1 - beta1) * (g - m), v + (1 - beta2) * (g**2 - v)
    lr_t = lr * math.sqrt(1.0 - beta2**t) / (1.0 - beta1**t)
    return p - lr_t * s["m"] / (math.sqrt(s["v"] + eps) if eps_inside else math.sqrt(s["v"]) + eps)


# Optimizers that PyTorch does not have, from their papers.


def lion(p, g, s, t, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
    c = betas[0] * s.get("m", 0.0) + (1 - betas[0]) * g
    s["m"] = betas[1] * s.get("m", 0.0) + (1 - betas[1]) * g
    return p - lr * (math.copysign(1.0, c) * (c != 0) + weight_decay * p)


def sparse_adam(p, g, s, t, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
    if g == 0:
        return p
    s["m"] = betas[0] * s.get("m", 0.0) + (1 - betas[0]) * g
    s["v"] = betas[1] * s.get("v", 0.0) + (1 - betas[1]) * g * g
    rate = lr * math.sqrt(1 - betas[1] ** t) / (1 - betas[0] ** t)
    return p - rate * s["m"] / (math.sqrt(s["v"]) + eps)


def rectified(t, beta2):
    """RAdam's factor (Liu et al. 2020, algorithm 2); None while the running mean is too short."""
    infinite = 2 / (1 - beta2) - 1
    rho = infinite - 2 * t * beta2**t / (1 - beta2**t)
    return math.sqrt((rho - 4) / (infinite - 4) * (rho - 2) / (infinite - 2) * infinite / rho) if rho > 5 else None


def adabelief(
    p, g, s, t, lr=1e-3, betas=(0.9, 0.999), eps=1e-16, weight_decay=0.0, amsgrad=False, decoupled_weight_decay=True,
    rectify=False,
):  # fmt: skip
    if decoupled_weight_decay:
        p = p - lr * weight_decay * p
    else:
        g = g + weight_decay * p
    s["m"] = betas[0] * s.get("m", 0.0) + (1 - betas[0]) * g
    s["s"] = betas[1] * s.get("s", 0.0) + (1 - betas[1]) * (g - s["m"]) ** 2 + eps
    s["top"] = max(s.get("top", 0.0), s["s"])
    m, scale = s["m"] / (1 - betas[0] ** t), (s["top"] if amsgrad else s["s"]) / (1 - betas[1] ** t)
    factor = rectified(t, betas[1]) if rectify else 1.0
    return p - lr * m if factor is None else p - lr * factor * m / (math.sqrt(scale) + eps)


def adan(p, g, s, t, lr=1e-3, betas=(0.98, 0.92, 0.99), eps=1e-8, weight_decay=0.0, no_prox=False):
    b1, b2, b3 = (1 - beta for beta in betas)  # as the paper writes them
    change = g - s.get("g", g)
    s["g"] = g
    s["m"] = (1 - b1) * s.get("m", 0.0) + b1 * g
    s["v"] = (1 - b2) * s.get("v", 0.0) + b2 * change
    s["n"] = (1 - b3) * s.get("n", 0.0) + b3 * (g + (1 - b2) * change) ** 2
    m, v, n = (s[k] / (1 - beta**t) for k, beta in zip("mvn", betas))
    step = lr / (math.sqrt(n) + eps) * (m + (1 - b2) * v)
    return (1 - lr * weight_decay) * p - step if no_prox else (p - step) / (1 + lr * weight_decay)


def ademamix(
    p, g, s, t, lr=1e-3, betas=(0.9, 0.999, 0.9999), alpha=2.0, beta3_warmup=None, alpha_warmup=None, eps=1e-8,
    weight_decay=0.0,
):  # fmt: skip
    beta1, beta2, beta3 = betas
    if alpha_warmup:
        alpha = min(t * alpha / alpha_warmup, alpha)
    if beta3_warmup:
        low, high, part = math.log(beta1), math.log(beta3), t / beta3_warmup
        beta3 = min(math.exp(low * high / ((1 - part) * high + part * low)), beta3) if part < 1 else beta3
    s["m1"] = beta1 * s.get("m1", 0.0) + (1 - beta1) * g
    s["m2"] = beta3 * s.get("m2", 0.0) + (1 - beta3) * g
    s["v"] = beta2 * s.get("v", 0.0) + (1 - beta2) * g**2
    direction = (s["m1"] / (1 - beta1**t) + alpha * s["m2"]) / (math.sqrt(s["v"] / (1 - beta2**t)) + eps)
    return p - lr * (direction + weight_decay * p)


_LR = ({"lr": -0.1}, "lr must be at least 0, got -0.1")
_DECAY = ({"weight_decay": -1.0}, "weight_decay must be at least 0, got -1.0")
_EPS = ({"eps": -1e-8}, "eps must be at least 0, got -1e-08")
_BETAS = [
    ({"betas": (1.0, 0.999)}, r"betas\[0\] must be in \[0, 1\), got 1.0"),
    ({"betas": (0.9, -0.1)}, r"betas\[1\] must be in \[0, 1\), got -0.1"),
]
_THREE_BETAS = [
    ({"betas": (1.0, 0.9, 0.999)}, r"betas\[0\] must be in \[0, 1\), got 1.0"),
    ({"betas": (0.9, -0.1, 0.999)}, r"betas\[1\] must be in \[0, 1\), got -0.1"),
    ({"betas": (0.9, 0.9)}, "betas must be 3 numbers, got"),
]
_ADAM = [
    {},
    {"lr": 0.05, "betas": (0.8, 0.99), "eps": 1e-4},
    {"amsgrad": True},
    {"weight_decay": 0.1},
    {"weight_decay": 0.1, "amsgrad": True, "maximize": True},
    {"weight_decay": 0.0},
]
_PLAIN_ADAM = [
    {},
    {"lr": 0.05, "betas": (0.8, 0.99), "eps": 1e-4},
    {"weight_decay": 0.1},
]

# Those that the checks of all rows do not fit, and where their own are.
ELSEWHERE = {
    optim.Muon: "test_factored.py",  # takes matrices only
    optim.LBFGS: "test_lbfgs.py",  # chooses its own points
    optim.Lookahead: "test_wrappers.py",
    optim.SAM: "test_wrappers.py",
    optim.ZeroRedundancyOptimizer: "../distributed/test_zero_redundancy.py",
}

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
        ({"lr": 1e-3, "momentum": 0.9}, 2000, 1e-7),
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
        ({"lr": 0.02}, 2000, 5e-3),
        [_LR, _DECAY, _EPS, *_BETAS],
        oracle="Adam",
    ),
    Row(
        optim.AdamW,
        _ADAM,
        ({"lr": 0.1, "weight_decay": 0.0}, 600),
        ({"lr": 0.02, "weight_decay": 0.0}, 2000, 5e-3),
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
        optim.Adamax,
        [*_PLAIN_ADAM, {"weight_decay": 0.1, "maximize": True}],
        ({"lr": 0.1}, 600),
        ({"lr": 0.02}, 4000, 1e-3),
        [_LR, _DECAY, _EPS, *_BETAS],
        oracle="Adamax",
    ),
    Row(
        optim.NAdam,
        [
            *_PLAIN_ADAM,
            {"momentum_decay": 0.1, "weight_decay": 0.1, "maximize": True},
            {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True},
        ],
        ({"lr": 0.1}, 600),
        ({"lr": 0.02}, 4000, 1e-3),
        [_LR, _DECAY, _EPS, *_BETAS, ({"momentum_decay": -1.0}, "momentum_decay must be at least 0, got -1.0")],
        oracle="NAdam",
    ),
    Row(
        optim.RAdam,
        [
            *_PLAIN_ADAM,
            {"betas": (0.5, 0.9), "weight_decay": 0.1, "maximize": True},
            {"betas": (0.5, 0.5)},  # a mean so short that it is never trusted
            {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True},
        ],
        ({"lr": 0.1}, 800),
        ({"lr": 2e-3}, 6000, 1.0),
        [_LR, _DECAY, _EPS, *_BETAS],
        oracle="RAdam",
    ),
    Row(
        optim.Rprop,
        [{}, {"lr": 0.1, "etas": (0.3, 1.5), "step_sizes": (1e-3, 0.2)}, {"lr": 0.05, "maximize": True}],
        ({"lr": 0.1, "step_sizes": (0.0, 50)}, 300),
        ({"step_sizes": (1e-12, 1.0)}, 2000, 1e-2),
        [
            _LR,
            ({"etas": (1.0, 1.2)}, r"etas must be below and above 1, got \(1.0, 1.2\)"),
            ({"etas": (0.5, 1.0)}, "etas must be below and above 1"),
            ({"step_sizes": (1.0, 0.5)}, "step_sizes must be in order"),
        ],
        oracle="Rprop",
    ),
    Row(
        optim.ASGD,
        [
            {},
            {"lr": 0.05, "lambd": 0.1, "alpha": 0.6, "t0": 5, "weight_decay": 0.1},
            {"lr": 0.05, "t0": 0, "weight_decay": 0.1, "maximize": True},
        ],
        ({"lr": 0.3, "lambd": 0.001}, 400),
        ({"lr": 2e-3, "lambd": 0.0}, 5000, 1e-3),
        [
            _LR,
            _DECAY,
            ({"lambd": -1.0}, "lambd must be at least 0"),
            ({"alpha": -1.0}, "alpha must be at least 0"),
            ({"t0": -1.0}, "t0 must be at least 0"),
        ],
        oracle="ASGD",
    ),
    Row(
        optim.SparseAdam,
        [{}, {"lr": 0.05, "betas": (0.8, 0.99), "eps": 1e-4}, {"lr": 0.05, "maximize": True}],
        ({"lr": 0.1}, 600),
        ({"lr": 0.02}, 5000, 1e-3),
        [_LR, *_BETAS, ({"eps": -1.0}, "eps must be at least 0")],
        reference=sparse_adam,
    ),
    Row(
        optim.Lion,
        [{}, {"lr": 0.05, "betas": (0.8, 0.95), "weight_decay": 0.1}, {"lr": 0.05, "maximize": True}],
        ({"lr": schedules.exponential(0.2, 0.97)}, 800),
        ({"lr": schedules.exponential(0.02, 0.997)}, 6000, 1e-6),
        [_LR, _DECAY, *_BETAS],
        reference=lion,
    ),
    Row(
        optim.AdaBelief,
        [
            *_ADAM,
            {"lr": 0.05, "betas": (0.5, 0.9), "rectify": True, "eps": 1e-8},
            {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": False},
            {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True, "rectify": True},
        ],
        ({"lr": 0.1}, 600),
        ({"lr": 0.02}, 2000, 5e-3),
        [_LR, _DECAY, _EPS, *_BETAS],
        reference=adabelief,
    ),
    Row(
        optim.Adan,
        [
            {},
            {"lr": 0.05, "betas": (0.9, 0.8, 0.95), "eps": 1e-4},
            {"weight_decay": 0.1, "maximize": True},
            {"weight_decay": 0.1, "no_prox": True},
        ],
        ({"lr": 0.1, "betas": (0.9, 0.9, 0.999)}, 600),
        ({"lr": 0.02, "betas": (0.9, 0.9, 0.999)}, 2000, 5e-3),
        [_LR, _DECAY, _EPS, *_THREE_BETAS, ({"betas": (0.9, 0.9, 1.0)}, r"betas\[2\] must be in \[0, 1\), got 1.0")],
        reference=adan,
    ),
    Row(
        optim.AdEMAMix,
        [
            {},
            {"lr": 0.05, "betas": (0.8, 0.99, 0.95), "alpha": 5.0, "eps": 1e-4},
            {"alpha_warmup": 10, "beta3_warmup": 30, "weight_decay": 0.1},
            {"beta3_warmup": 10, "weight_decay": 0.1, "maximize": True},
        ],
        ({"lr": 0.1, "betas": (0.9, 0.999, 0.95)}, 1000),
        ({"lr": 0.01, "betas": (0.9, 0.999, 0.99)}, 2000, 1e-3),
        [
            _LR,
            _DECAY,
            _EPS,
            *_THREE_BETAS,
            ({"alpha": -1.0}, "alpha must be at least 0"),
            ({"beta3_warmup": 0}, "beta3_warmup must be None or at least 1, got 0"),
            ({"alpha_warmup": -1}, "alpha_warmup must be None or at least 1, got -1"),
        ],
        reference=ademamix,
    ),
    # The rules of those below are about whole tensors: optim_references.py has them.
    Row(
        optim.LARS,
        [
            {},
            {"lr": 2.0, "momentum": 0.5, "weight_decay": 0.1, "trust_coefficient": 0.01, "eps": 1e-4},
            {"trust_coefficient": 0.05, "weight_decay": 0.1, "nesterov": True, "maximize": True},
            {"lr": 0.05, "weight_decay": 0.1, "adapt": False},
            {"trust_coefficient": 0.05, "momentum": 0.0, "adapt": True},
        ],
        ({"lr": 0.1, "trust_coefficient": 1.0, "momentum": 0.5}, 600),
        ({"lr": 1e-3, "trust_coefficient": 1.0}, 2000, 0.02),
        [
            _LR,
            _DECAY,
            _EPS,
            ({"momentum": -0.5}, "momentum must be at least 0"),
            ({"trust_coefficient": -1.0}, "trust_coefficient must be at least 0"),
        ],
    ),
    Row(
        optim.LAMB,
        [
            {},
            {"lr": 0.05, "betas": (0.8, 0.99), "eps": 1e-4, "weight_decay": 0.5},
            {"lr": 0.05, "weight_decay": 0.1, "maximize": True},
            {"lr": 0.05, "weight_decay": 0.1, "adapt": False},
            {"lr": 0.05, "adapt": True},
        ],
        ({"lr": 0.1}, 600),
        ({"lr": schedules.exponential(0.05, 0.9985)}, 6000, 1e-3),
        [_LR, _DECAY, _EPS, *_BETAS],
    ),
    Row(
        optim.Prodigy,
        [
            {"d_coef": 0.3},
            {"weight_decay": 0.1, "betas": (0.8, 0.99), "beta3": 0.9, "d0": 1e-3, "d_coef": 2.0, "eps": 1e-4},
            {"use_bias_correction": True, "growth_rate": 1.5, "d0": 1e-2, "maximize": True},
            {"weight_decay": 0.1, "decouple": False, "safeguard_warmup": True, "lr": 0.5, "d0": 1e-3},
            {"weight_decay": 0.1, "decouple": True, "d0": 1e-2, "d_coef": 0.2},
        ],
        ({}, 1000),
        ({"d0": 1e-3}, 2000, 1e-6),
        [
            _LR,
            _DECAY,
            _EPS,
            *_BETAS,
            ({"beta3": 1.0}, r"beta3 must be None or in \[0, 1\), got 1.0"),
            ({"d0": 0.0}, "d0 must be greater than 0, got 0.0"),
            ({"d_coef": 0.0}, "d_coef must be greater than 0"),
            ({"growth_rate": 0.5}, "growth_rate must be at least 1, got 0.5"),
        ],
    ),
    Row(
        optim.ScheduleFreeSGD,
        [
            {},
            {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.1, "warmup_steps": 5, "r": 1.0, "weight_lr_power": 1.0},
            {"lr": 0.1, "weight_decay": 0.1, "maximize": True},
        ],
        ({"lr": 0.5, "r": 20.0}, 600),
        ({"lr": 2e-3, "r": 4.0}, 2000, 0.05),
        [
            _LR,
            _DECAY,
            ({"momentum": 1.0}, r"momentum must be in \[0, 1\), got 1.0"),
            ({"momentum": 0.0}, "the momentum must be above 0"),
            ({"warmup_steps": -1}, "warmup_steps must be at least 0"),
            ({"r": -1.0}, "r must be at least 0"),
            ({"weight_lr_power": -1.0}, "weight_lr_power must be at least 0"),
        ],
    ),
    Row(
        optim.ScheduleFreeAdamW,
        [
            {},
            {"lr": 0.05, "betas": (0.8, 0.99), "eps": 1e-4, "warmup_steps": 5, "r": 1.0, "weight_lr_power": 1.0},
            {"lr": 0.05, "weight_decay": 0.1, "maximize": True},
        ],
        ({"lr": 0.1, "r": 20.0}, 1000),
        ({"lr": 0.02, "r": 4.0}, 2000, 1e-3),
        [_LR, _DECAY, _EPS, *_BETAS, ({"betas": (0.0, 0.9)}, "the momentum must be above 0")],
    ),
    Row(
        optim.Adafactor,
        [
            {},
            {"lr": 0.1, "weight_decay": 0.1},
            {"lr": 0.05, "beta2_decay": -0.5, "eps": (1e-3, 0.1), "d": 2.0},
            {"lr": 0.1, "eps": (0.5, 1e-3), "weight_decay": 0.1, "maximize": True},
        ],
        ({"lr": 0.1, "beta2_decay": -0.2, "eps": (None, 0.0)}, 1500),  # steps get smaller as 1 / sqrt(t), by definition
        ({"lr": 0.05}, 2000, 0.2),
        [
            _LR,
            _DECAY,
            ({"beta2_decay": 0.1}, r"beta2_decay must be in \(-inf, 0\], got 0.1"),
            ({"eps": (-1.0, 1e-3)}, r"eps\[0\] must be at least 0, got -1.0"),
            ({"eps": (None, -1e-3)}, r"eps\[1\] must be at least 0, got -0.001"),
            ({"d": 0.5}, "d must be at least 1, got 0.5"),
        ],
        oracle="Adafactor",
    ),
    Row(
        textbook.SGD,
        [{}, {"lr": 0.5}, {"maximize": True}, {"momentum": 0.9, "nesterov": True}],
        ({"lr": 0.4}, 200),
        ({"lr": 1e-3}, 5000, 1.0),
        [_LR],
        reference=descent,
    ),
    Row(
        textbook.Momentum,
        [{}, {"lr": 0.05, "momentum": 0.5}, {"maximize": True}],
        ({"lr": 0.1, "momentum": 0.5}, 400),
        ({"lr": 1e-3}, 2000, 1e-7),
        [_LR, ({"momentum": -0.5}, "momentum must be at least 0")],
        reference=momentum,
    ),
    Row(
        textbook.Nesterov,
        [{}, {"lr": 0.05, "momentum": 0.5}, {"maximize": True}],
        ({"lr": 0.1, "momentum": 0.5}, 400),
        ({"lr": 1e-3}, 2000, 1e-7),
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
        [{}, {"lr": 0.05, "beta1": 0.8, "beta2": 0.99, "eps": 1e-4}, {"eps_inside": True}, {"maximize": True}],
        ({"lr": 0.1}, 600),
        ({"lr": 0.02}, 2000, 5e-3),
        [
            _LR,
            _EPS,
            ({"beta1": 1.0}, r"beta1 must be in \[0, 1\), got 1.0"),
            ({"beta2": -0.1}, r"beta2 must be in \[0, 1\), got -0.1"),
        ],
        reference=adam,
    ),
]

"""Every optimizer against its paper, written a second time in plain float64 NumPy: optim_references.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from optim_references import REFERENCES

import tinygrad_lite as tg
from tinygrad_lite import optim

STEPS = 60
SHAPES = [(7,), (3, 5), (), (2, 3, 4)]
MATRICES = [(3, 5), (6, 2), (4, 4)]

# Which are compared in files of their own: LBFGS chooses its own points, wrappers have an optimizer inside.
ELSEWHERE = {"LBFGS", "Lookahead", "SAM", "ZeroRedundancyOptimizer"}

ADAM = [
    {},
    {"lr": 0.05, "betas": (0.8, 0.99), "eps": 1e-4},
    {"lr": 0.02, "weight_decay": 0.1, "maximize": True},
    {"lr": 0.02, "amsgrad": True},
    {"lr": 0.02, "weight_decay": 0.1, "amsgrad": True},
]
WARM = {"warmup_steps": 20, "r": 1.0, "weight_lr_power": 1.5}

# For each optimizer the arguments it is compared with. A name that the library does not have fails.
CASES = {
    "SGD": [
        {"lr": 0.05},
        {"lr": 0.05, "momentum": 0.9},
        {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1},
        {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        {"lr": 0.01, "momentum": 0.5, "weight_decay": 0.1, "maximize": True},
    ],
    "ASGD": [
        {},
        {"lr": 0.1, "lambd": 0.05, "alpha": 0.6, "t0": 10},
        {"lr": 0.05, "weight_decay": 0.1, "t0": 0, "maximize": True},
    ],
    "Rprop": [{}, {"lr": 0.1, "etas": (0.3, 1.5), "step_sizes": (1e-3, 0.5)}, {"maximize": True}],
    "SparseAdam": [{}, {"lr": 0.05, "betas": (0.8, 0.99), "eps": 1e-4}, {"lr": 0.05, "maximize": True}],
    "Lion": [{"lr": 0.01}, {"lr": 0.02, "betas": (0.7, 0.95), "weight_decay": 0.1}, {"lr": 0.01, "maximize": True}],
    "Adagrad": [
        {},
        {"lr": 0.1, "lr_decay": 0.05, "initial_accumulator_value": 0.5, "eps": 1e-5},
        {"lr": 0.1, "weight_decay": 0.1, "maximize": True},
    ],
    "Adadelta": [{}, {"lr": 0.5, "rho": 0.8, "eps": 1e-3, "weight_decay": 0.1}, {"eps": 1e-4, "maximize": True}],
    "RMSprop": [
        {},
        {"alpha": 0.9, "eps": 1e-5, "weight_decay": 0.1},
        {"centered": True},
        {"lr": 1e-3, "momentum": 0.9},
        {"lr": 1e-3, "momentum": 0.8, "centered": True, "weight_decay": 0.1, "maximize": True},
    ],
    "Adam": [*ADAM, {"lr": 0.02, "weight_decay": 0.1, "decoupled_weight_decay": True}],
    "AdamW": ADAM,
    "Adamax": ADAM[:3],
    "NAdam": [
        *ADAM[:3],
        {"lr": 0.02, "momentum_decay": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
    ],
    "RAdam": [*ADAM[:3], {"lr": 0.02, "weight_decay": 0.1, "decoupled_weight_decay": True}],
    "AdaBelief": [
        *ADAM,
        {"lr": 0.02, "weight_decay": 0.1, "decoupled_weight_decay": False},
        {"lr": 0.02, "weight_decay": 0.1, "rectify": True, "eps": 1e-8},
    ],
    "Adan": [
        {},
        {"lr": 0.02, "betas": (0.9, 0.8, 0.95), "eps": 1e-4, "weight_decay": 0.1},
        {"lr": 0.02, "weight_decay": 0.1, "no_prox": True, "maximize": True},
    ],
    "AdEMAMix": [
        {},
        {"lr": 0.02, "betas": (0.8, 0.99, 0.995), "alpha": 5.0, "eps": 1e-4, "weight_decay": 0.1},
        {"lr": 0.02, "alpha_warmup": 30, "beta3_warmup": 50, "weight_decay": 0.1, "maximize": True},
    ],
    "LARS": [
        {},
        {"lr": 2.0, "momentum": 0.5, "weight_decay": 0.1, "trust_coefficient": 0.01},
        {"weight_decay": 0.1, "nesterov": True, "maximize": True},
        {"lr": 0.02, "weight_decay": 0.1, "adapt": False},
    ],
    "LAMB": [*ADAM[:3], {"lr": 0.02, "weight_decay": 0.5, "adapt": False}],
    "Adafactor": [
        {},
        {"lr": 0.05, "beta2_decay": -0.5, "eps": (1e-6, 1e-2), "d": 2.0, "weight_decay": 0.1},
        {"weight_decay": 0.1, "maximize": True},
    ],
    "Muon": [
        {},
        {"lr": 0.02, "momentum": 0.8, "nesterov": False, "weight_decay": 0.0},
        {"lr": 0.02, "adjust_lr_fn": "match_rms_adamw", "ns_steps": 3, "ns_coefficients": (2.0, -1.5, 0.5)},
    ],
    "Prodigy": [
        {},
        {"weight_decay": 0.1, "betas": (0.8, 0.99), "d0": 1e-4, "d_coef": 2.0},
        {"use_bias_correction": True, "growth_rate": 1.5, "maximize": True},
        {"lr": 0.5, "weight_decay": 0.1, "decouple": False, "beta3": 0.9, "safeguard_warmup": True},
    ],
    "ScheduleFreeSGD": [{"lr": 0.1}, {"lr": 0.1, "momentum": 0.7, "weight_decay": 0.1, **WARM}],
    "ScheduleFreeAdamW": [
        {},
        {"lr": 0.05, "betas": (0.8, 0.99), "eps": 1e-4, "weight_decay": 0.1, **WARM},
    ],
}


def start(name: str) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [np.array(rng.standard_normal(shape)) for shape in (MATRICES if name == "Muon" else SHAPES)]


def gradient(t: int, params: list) -> list:
    """Noise, and a pull that depends on where the parameters are: an error in one step shows in all later ones."""
    rng = np.random.default_rng(t)
    return [np.array(rng.standard_normal(np.shape(p)) + 0.5 * p) for p in params]


def sparse(t: int, params: list) -> list:
    """As `gradient`, but rows, columns and single elements have none at any step: dead units, black pixels."""
    found = gradient(t, params)
    for g in found:
        if g.ndim:
            g[..., -1] = 0
        if g.ndim > 1:
            g[..., 1, :] = 0
    return found


def trained(
    name: str, arguments: dict, slope=gradient, dtype=np.float64, steps=STEPS
) -> tuple[optim.Optimizer, list[tg.Tensor]]:
    params = [tg.tensor(p.astype(dtype), requires_grad=True) for p in start(name)]
    optimizer = getattr(optim, name)(params, **arguments)
    for t in range(1, steps + 1):
        for p, g in zip(params, slope(t, [p.detach().numpy() for p in params])):
            p.grad = tg.tensor(np.asarray(g, dtype))
        optimizer.step()
    return optimizer, params


def assert_equal(found: list, expected: list) -> None:
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == np.float64
        assert np.isfinite(b).all()
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.each(
    ("name", "arguments"), [pytest.param(n, a, id=f"{n}-{a}") for n, cases in CASES.items() for a in cases]
)
def test_sixty_steps_as_in_the_paper(name, arguments):
    expected = REFERENCES[name](start(name), gradient, STEPS, **arguments)
    _, params = trained(name, arguments)
    assert_equal([p.detach().numpy() for p in params], expected)
    far = [np.abs(a - b).max() for a, b in zip(expected, start(name))]
    assert min(far) > 1e-8, "the comparison shows nothing where nothing moves"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.each("name", CASES)
def test_where_there_is_never_a_gradient(name, dtype):
    """What is 0 / 0 without its eps stays finite and right, in float32 too."""
    arguments = CASES[name][0]
    expected = REFERENCES[name](start(name), sparse, 20, **arguments)
    _, params = trained(name, arguments, sparse, dtype, 20)
    tolerance = 1e-4 if dtype == np.float32 else 1e-10
    for p, q in zip(params, expected, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("arguments", CASES["ASGD"], ids=str)
def test_asgd_averages_as_in_the_paper(arguments):
    optimizer, params = trained("ASGD", arguments)
    expected = REFERENCES["ASGD"](start("ASGD"), gradient, STEPS, averaged=True, **arguments)
    assert_equal([optimizer.state[p]["ax"] for p in params], expected)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [pytest.param(n, a, id=f"{n}-{a}") for n in ("ScheduleFreeSGD", "ScheduleFreeAdamW") for a in CASES[n]],
)
def test_schedule_free_evaluates_at_x_and_trains_at_y(name, arguments):
    optimizer, params = trained(name, arguments)
    x, y = (REFERENCES[name](start(name), gradient, STEPS, averaged=a, **arguments) for a in (True, False))
    optimizer.eval()
    assert_equal([p.detach().numpy() for p in params], x)
    optimizer.train()
    assert_equal([p.detach().numpy() for p in params], y)


def test_every_optimizer_has_a_reference():
    exported = {getattr(optim, name) for name in optim.__all__}
    found = {c.__name__ for c in exported if isinstance(c, type) and issubclass(c, optim.Optimizer)} - {"Optimizer"}
    assert found == CASES.keys() | ELSEWHERE
    assert CASES.keys() == REFERENCES.keys()
    here = Path(__file__)
    paths = [*here.parent.rglob("test_*.py"), *here.parents[1].glob("distributed/test_*.py")]
    others = [path.read_text(encoding="utf-8") for path in paths if path != here]
    for name in ELSEWHERE:
        assert any(f"optim.{name}(" in text for text in others), f"no file makes an optim.{name}"


def test_the_comparison_sees_a_wrong_constant():
    """A relative error of 1e-6 in one of Adam's numbers is far above the tolerance."""
    _, params = trained("Adam", {"lr": 0.02, "betas": (0.9, 0.99)})
    for wrong in ({"lr": 0.02 * (1 + 1e-6)}, {"betas": (0.9, 0.99 * (1 + 1e-6))}, {"eps": 1e-7}):
        other = REFERENCES["Adam"](start("Adam"), gradient, STEPS, **{"lr": 0.02, "betas": (0.9, 0.99), **wrong})
        assert max(np.abs(p.detach().numpy() - q).max() for p, q in zip(params, other)) > 1e-9

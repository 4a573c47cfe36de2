"""Gradient checks of one's own layers, written as tests, and what they report of broken layers.

The functions called test_... are the tests: `pytest examples/gradient_check.py` runs them. A wrong gradient needs
a test, because training does not reveal it: a network with a broken layer learns, too, only less. How far each
parameter's gradient is from the measured one is printed as a relative error, |a - n| / (|a| + |n|): in float64 1e-7 and
less means right, 1e-3 and more wrong.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from common import command_line, progress, pyplot, save_figure, setup

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.testing import gradcheck_module, numerical_gradient


class Standardize(tg.autograd.Function):
    """Shift and scale each row to mean 0 and deviation 1; the backward pass is written by hand."""

    @staticmethod
    def forward(ctx, x):
        y = (x - x.mean(dim=-1, keepdim=True)) / x.std(dim=-1, correction=0, keepdim=True)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        inner = g - g.mean(dim=-1, keepdim=True) - y * (g * y).mean(dim=-1, keepdim=True)
        return inner / x.std(dim=-1, correction=0, keepdim=True)


class HastyStandardize(Standardize):
    """Broken: takes mean and deviation for constants, though they depend on x."""

    @staticmethod
    def backward(ctx, g):
        x, _ = ctx.saved_tensors
        return g / x.std(dim=-1, correction=0, keepdim=True)


class Swish(nn.Module):
    """x sigmoid(beta x); beta is learnt."""

    def __init__(self, features: int):
        super().__init__()
        self.beta = nn.Parameter(tg.ones(features))

    def forward(self, x):
        return x * tg.sigmoid(self.beta * x)


class HastySwish(Swish):
    """Broken: on its way through NumPy, beta loses its gradient."""

    def forward(self, x):
        return x * tg.sigmoid(tg.tensor(self.beta.detach().numpy()) * x)


class Network(nn.Module):
    """Two inputs, one output, the layers in question in between."""

    def __init__(self, standardize=Standardize, swish=Swish, width: int = 32):
        super().__init__()
        self.into, self.out = nn.Linear(2, width), nn.Linear(width, 1)
        self.standardize, self.swish = standardize, swish(width)

    def forward(self, x):
        return self.out(self.swish(self.standardize.apply(self.into(x))))


def points(*shape: int) -> tg.Tensor:
    """Where a function is checked: random, and float64, because differences of float32 have no digits left."""
    return tg.randn(*shape, dtype=tg.float64, requires_grad=True)


def test_standardize():
    assert tg.gradcheck(Standardize.apply, points(4, 6))
    assert tg.gradgradcheck(Standardize.apply, points(4, 6))


def test_swish():
    assert gradcheck_module(Swish(3), tg.randn(5, 3))  # input and parameter, in training and in evaluation


def test_network():
    assert gradcheck_module(Network(width=8), tg.randn(5, 2), loss=lambda y: (y - 1).square().mean())


NETWORKS: dict[str, dict] = {
    "both layers right": {},
    "with HastySwish": {"swish": HastySwish},
    "with HastyStandardize": {"standardize": HastyStandardize},
}
RIGHT = "both layers right"

CHECKS: dict[str, Callable[[], object]] = {
    "Standardize": test_standardize,
    "Swish": test_swish,
    "Network": test_network,
    "HastyStandardize": lambda: tg.gradcheck(HastyStandardize.apply, points(4, 6)),
    "HastySwish": lambda: gradcheck_module(HastySwish(3), tg.randn(5, 3)),
    "sum of a Standardize": lambda: tg.gradcheck(lambda x: Standardize.apply(x).sum(), points(4, 6)),  # is always 0
}


def report(check: Callable[[], object]) -> str:
    try:
        check()
    except tg.GradcheckError as error:
        return str(error)
    return "passed"


def relative_errors(network: nn.Module, seed: int) -> dict[str, float]:
    """For each parameter the norm of the difference between both gradients, over the sum of their norms."""
    network, rng = network.double(), np.random.default_rng(seed)
    x, t = tg.tensor(rng.standard_normal((5, 2))), tg.tensor(rng.standard_normal((5, 1)))

    def loss(_=None):
        return nn.functional.mse_loss(network(x), t)

    loss().backward()
    errors = {}
    for name, parameter in network.named_parameters():
        measured = numerical_gradient(loss, parameter)
        found = np.zeros_like(measured) if parameter.grad is None else parameter.grad.numpy()
        errors[name] = float(np.linalg.norm(found - measured) / (np.linalg.norm(found) + np.linalg.norm(measured)))
    return errors


def jacobians(x: tg.Tensor, eps: float = 1e-6) -> dict[str, np.ndarray]:
    """Derivative of each output of the row x by each input: measured, and by the two backward passes."""
    shift, f = eps * tg.eye(len(x), dtype=x.dtype), Standardize.apply
    found = {"measured by differences": ((f(x + shift) - f(x - shift)) / (2 * eps)).detach().numpy().T}
    for function in (Standardize, HastyStandardize):
        rows = [tg.autograd.grad(function.apply(x)[i], x)[0].numpy() for i in range(len(x))]
        found[f"{function.__name__}.backward"] = np.stack(rows)
    return found


def train(steps: int, seed: int, title: str, **layers) -> np.ndarray:
    """Learn sin(6 x) y from 256 points with one choice of layers; return the losses."""
    setup(seed)
    x = 2 * tg.rand(256, 2) - 1
    t = tg.sin(6 * x[:, :1]) * x[:, 1:]
    network, losses = Network(**layers), np.empty(steps)
    adam = optim.Adam(network.parameters(), lr=0.01)
    for i in progress(range(steps), title):
        loss = nn.functional.mse_loss(network(x), t)
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses[i] = loss.item()
    return losses


def main(steps: int = 600, seed: int = 0, out: str = "out", backend: str | None = None) -> dict:
    setup(seed, backend)
    errors = {name: relative_errors(Network(width=8, **layers), seed) for name, layers in NETWORKS.items()}
    reports = {name: report(check) for name, check in CHECKS.items()}
    found = jacobians(points(6))
    losses = {name: train(steps, seed, name, **layers) for name, layers in NETWORKS.items()}
    for name, text in reports.items():
        print(f"{name:22}{text}")
    print(f"\n{'relative error of':22}" + "".join(f"{name:>14}" for name in errors[RIGHT]))
    for name, each in errors.items():
        print(f"{name:22}" + "".join(f"{error:14.1e}" for error in each.values()))
    print(f"\nloss after {steps} updates")
    for name, curve in losses.items():
        print(f"{name:22}{curve[-1]:.4f}")
    save_figure(draw(found, losses), out, "gradient_check")
    return {"reports": reports, "errors": errors, "jacobians": found, "losses": losses}


def draw(found: dict[str, np.ndarray], losses: dict[str, np.ndarray]):
    figure, axes = pyplot().subplots(1, 4, figsize=(15, 4.2), width_ratios=[1, 1, 1, 1.2])
    for ax, (name, jacobian) in zip(axes, found.items()):
        ax.imshow(jacobian, cmap="RdBu", vmin=-1.5, vmax=1.5)
        for (i, j), value in np.ndenumerate(jacobian):
            ax.text(j, i, f"{value:.2f}", ha="center", va="center", color="white" if value > 0.8 else "black")
        ax.set(title=name, xlabel="input", ylabel="output")
        ax.grid(False)
    for name, curve in losses.items():
        axes[3].semilogy(curve, label=name)
    axes[3].set(title="A network with a broken layer learns, too", xlabel="update", ylabel="mean squared error")
    axes[3].legend()
    figure.suptitle("Derivatives of a standardized row: the right backward pass, and one that forgets half of it")
    return figure


if __name__ == "__main__":
    command_line(main)

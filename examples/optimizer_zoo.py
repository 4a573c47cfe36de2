"""Every optimizer of the library on three surfaces and on handwritten digits, each at the best of five learning rates.

The surfaces are the long valley x^2/20 + y^2 of the teaching texts, Rosenbrock's bent one and Beale's plateau with
steep walls; the digits train a network of 784-32-10. On each of these four, every optimizer makes five whole runs, with
learning rates half a decade apart around the usual one. Shown is the run with the lowest mean of the logarithm of the
function along its path, and on the digits with the lowest mean loss of the second half. Nothing else is tuned.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from common import accuracy, batches, command_line, mlp, progress, pyplot, save_figure, setup, smooth_curve
from data import load_mnist

import tinygrad_lite as tg
from tinygrad_lite import nn, optim

FACTORS = 10.0 ** np.arange(-1, 1.1, 0.5)  # times the usual rate
FAR = 100.0  # whoever gets there has diverged
FLAT = 1e-12  # what is lower counts as the minimum


class Surface(NamedTuple):
    """A function of two variables, where the paths begin and where they should end, and what a panel shows."""

    f: Callable[[Any, Any], Any]
    start: tuple[float, float]
    minimum: tuple[float, float]
    window: tuple[float, float, float, float]


SURFACES = {
    "valley": Surface(lambda x, y: x**2 / 20 + y**2, (-7.0, 2.0), (0.0, 0.0), (-9, 5, -3, 3)),
    "Rosenbrock": Surface(
        lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2, (-1.2, 1.0), (1.0, 1.0), (-1.9, 1.9, -0.7, 2.4)
    ),
    "Beale": Surface(
        lambda x, y: (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2,
        (1.0, 1.0), (3.0, 0.5), (0.2, 4.2, -1.2, 1.5),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """An optimizer of the zoo: its class, its usual learning rates, and what else it is given.

    Attributes
    ----------
    name : str
        The class's in `tinygrad_lite.optim`.
    surface, digits : float
        The learning rates in the middle of those tried.
    arguments : dict
    inner : str
        The optimizer that a wrapper has inside.
    vectors : float
        Parameters that are no matrices are not adapted as tensors, with the learning rate times this.
    """

    name: str
    surface: float
    digits: float
    arguments: dict[str, Any] = field(default_factory=dict)
    inner: str | None = None
    vectors: float | None = None

    def make(self, params: list[tg.Tensor], lr: float) -> list[Any]:
        """The optimizers for these parameters: two for Muon, which leaves all but matrices to AdamW."""
        cls = getattr(optim, self.name)
        if self.inner:
            return [cls(getattr(optim, self.inner)(params, lr=lr), **self.arguments)]
        matrices, others = ([p for p in params if (p.ndim == 2) is wanted] for wanted in (True, False))
        if self.name == "Muon":
            return [cls(matrices, lr=lr, **self.arguments), *([optim.AdamW(others, lr=lr / 10)] if others else [])]
        if self.vectors and others:
            plain = {"params": others, "lr": lr * self.vectors, "adapt": False}
            return [cls([{"params": matrices}, plain], lr=lr, **self.arguments)]
        return [cls(params, lr=lr, **self.arguments)]


FAMILIES: dict[str, dict[str, Entry]] = {
    "gradient descent": {
        "SGD": Entry("SGD", 3e-2, 0.1),
        "momentum": Entry("SGD", 3e-3, 3e-2, {"momentum": 0.9}),
        "Nesterov": Entry("SGD", 3e-3, 3e-2, {"momentum": 0.9, "nesterov": True}),
        "ASGD": Entry("ASGD", 3e-2, 0.1),
        "Rprop": Entry("Rprop", 0.1, 1e-4),
        "Lion": Entry("Lion", 3e-2, 1e-3),
    },
    "a rate for each element": {
        "Adagrad": Entry("Adagrad", 0.5, 1e-2),
        "RMSprop": Entry("RMSprop", 1e-2, 1e-3),
        "Adadelta": Entry("Adadelta", 30.0, 3.0),
        "Adam": Entry("Adam", 0.1, 3e-3),
        "AdamW": Entry("AdamW", 0.1, 3e-3),
        "Adamax": Entry("Adamax", 0.1, 3e-3),
    },
    "after Adam": {
        "NAdam": Entry("NAdam", 0.1, 3e-3),
        "RAdam": Entry("RAdam", 3e-2, 1e-2),
        "AdaBelief": Entry("AdaBelief", 0.1, 3e-3),
        "Adan": Entry("Adan", 0.1, 3e-3),
        "AdEMAMix": Entry("AdEMAMix", 0.03, 1e-3, {"betas": (0.9, 0.999, 0.99)}),  # 0.9999 is for 10,000s of steps
        "Adafactor": Entry("Adafactor", 0.1, 3e-2),
    },
    "a rate for each tensor, or none": {
        "LARS": Entry("LARS", 30.0, 10.0, vectors=0.01),
        "LAMB": Entry("LAMB", 3e-2, 1e-2, vectors=1.0),
        "Muon": Entry("Muon", 3e-2, 1e-2, {"weight_decay": 0.0}),
        "Prodigy": Entry("Prodigy", 1.0, 1.0),
        "ScheduleFreeSGD": Entry("ScheduleFreeSGD", 3e-2, 1.0),
        "ScheduleFreeAdamW": Entry("ScheduleFreeAdamW", 0.1, 1e-2),
    },
    "more than a gradient": {
        "LBFGS": Entry("LBFGS", 1.0, 0.3, {"max_iter": 4, "line_search_fn": "strong_wolfe"}),
        "Lookahead": Entry("Lookahead", 0.1, 3e-3, inner="Adam"),
        "SAM": Entry("SAM", 3e-2, 0.1, inner="SGD"),
    },
}  # fmt: skip
BY_CLOSURE = {"LBFGS", "SAM"}  # ask for the loss and its gradient at points of their own


def zoo() -> dict[str, Entry]:
    """The entries whose classes the library has, by name."""
    entries = {name: entry for family in FAMILIES.values() for name, entry in family.items()}
    return {name: entry for name, entry in entries.items() if hasattr(optim, entry.name)}


class evaluating:
    """What a schedule-free optimizer would hand out: its average, not the point at which it takes gradients."""

    def __init__(self, optimizers: list[Any]) -> None:
        self.able = [each for each in optimizers if hasattr(each, "eval")]

    def __enter__(self) -> None:
        for each in self.able:
            each.eval()

    def __exit__(self, *_: object) -> None:
        for each in self.able:
            each.train()


def step(optimizers: list[Any], by_closure: bool, closure: Callable[[], tg.Tensor]) -> tuple[float, float]:
    """Make a step; return the loss before it, and the seconds it took without the gradient, where these part."""
    if by_closure:
        start = time.perf_counter()
        return float(optimizers[0].step(closure)), time.perf_counter() - start
    loss = closure().item()
    start = time.perf_counter()
    for each in optimizers:
        each.step()
    return loss, time.perf_counter() - start


# --- surfaces ---------------------------------------------------------------------------------------------------------


def descend(entry: Entry, lr: float, surface: Surface, steps: int) -> np.ndarray:
    """All points visited, the start among them: shape (steps + 1, 2), or shorter if the path leaves for infinity."""
    point = tg.tensor(np.array([surface.start]), requires_grad=True)  # (1, 2): a matrix, for Muon
    optimizers = entry.make([point], lr)

    def closure() -> tg.Tensor:
        point.grad = None
        value = surface.f(point[0, 0], point[0, 1])
        value.backward()
        return value

    path = [surface.start]
    for _ in range(steps):
        step(optimizers, entry.name in BY_CLOSURE, closure)
        with evaluating(optimizers):
            path.append(tuple(point.detach().numpy()[0].tolist()))
        if not np.abs(point.detach().numpy()).max() < FAR:
            break
    return np.array(path)


def height(surface: Surface, path: np.ndarray, steps: int) -> float:
    """Where a path ended; infinity, if it got lost before."""
    return float(surface.f(*path[-1])) if len(path) == steps + 1 and np.abs(path[-1]).max() < FAR else np.inf


def best_descent(entry: Entry, surface: Surface, steps: int) -> dict:
    """The run, of five learning rates, with the lowest mean logarithm of the function along the path."""
    runs = []
    for lr in entry.surface * FACTORS:
        path = descend(entry, lr, surface, steps)
        end, on_the_way = height(surface, path, steps), surface.f(*path.T)
        mean = np.log(np.maximum(on_the_way, FLAT)).mean() if np.isfinite(end) else np.inf
        runs.append({"lr": lr, "path": path, "f": end, "mean": mean})
    return min(runs, key=lambda run: run["mean"])


# --- digits -----------------------------------------------------------------------------------------------------------


def train(entry: Entry, lr: float, network: nn.Module, digits: tuple[np.ndarray, np.ndarray], order: list) -> dict:
    """Train the network on these mini-batches; what the evaluation needs, the losses, and the seconds of a step."""
    x, t = digits
    optimizers = entry.make(list(network.parameters()), lr)
    losses, seconds = np.full(len(order), np.inf), []
    for i, batch in enumerate(order):

        def closure(batch: np.ndarray = batch) -> tg.Tensor:
            loss = nn.functional.cross_entropy(network(tg.tensor(x[batch])), tg.tensor(t[batch]))
            network.zero_grad()
            loss.backward()
            return loss

        losses[i], took = step(optimizers, entry.name in BY_CLOSURE, closure)
        seconds.append(took)
        if not losses[i] < FAR:
            losses[i:] = np.inf
            break
    mean = losses[len(order) // 2 :].mean()
    return {
        "lr": lr, "network": network, "optimizers": optimizers, "losses": losses, "mean": mean,
        "seconds": float(np.median(seconds)),
    }  # fmt: skip


def main(
    steps: int = 200, digit_steps: int = 200, seed: int = 0, out: str = "out", backend: str | None = None,
    data: str | None = None, only: str | None = None,
) -> dict:  # fmt: skip
    rng = setup(seed, backend)
    entries = zoo()
    if only is not None:
        unknown = set(only.split(",")) - entries.keys()
        if unknown:
            raise ValueError(f"only must name optimizers of {', '.join(entries)}, got {', '.join(sorted(unknown))}")
        entries = {name: entry for name, entry in entries.items() if name in only.split(",")}
    digits, (x, t) = load_mnist(folder=data)
    beginning = mlp(784, 32, 10)
    order = list(batches(len(digits[0]), 128, digit_steps, rng))
    results: dict[str, dict] = {}
    for name, entry in progress(entries.items(), "the zoo"):
        results[name] = {title: best_descent(entry, surface, steps) for title, surface in SURFACES.items()}
        runs = (train(entry, lr, copy.deepcopy(beginning), digits, order) for lr in entry.digits * FACTORS)
        best = results[name]["digits"] = min(runs, key=lambda run: run["mean"])
        with evaluating(best.pop("optimizers")):
            best["accuracy"] = accuracy(best["network"], x, t)
    print_table(results)
    save_figure(draw_paths(results), out, "optimizer_zoo")
    save_figure(draw_digits(results), out, "optimizer_zoo_digits")
    return results


def print_table(results: dict[str, dict]) -> None:
    """A line for each: learning rates, where the paths ended, and what came of the digits."""
    print(f"{'':18}" + "".join(f"{title:>17}" for title in SURFACES) + f"{'digits':>12}")
    print(f"{'':18}" + f"{'lr':>8}{'f':>9}" * len(SURFACES) + f"{'lr':>10}{'loss':>8}{'held out':>10}{'us/step':>9}")
    for name, row in results.items():
        cells = "".join(f"{row[title]['lr']:8.1g}{row[title]['f']:9.1e}" for title in SURFACES)
        d = row["digits"]
        print(f"{name:18}{cells}{d['lr']:10.1g}{d['mean']:8.3f}{d['accuracy']:10.1%}{d['seconds'] * 1e6:9.0f}")


# --- figures ----------------------------------------------------------------------------------------------------------


def draw_paths(results: dict[str, dict]):
    """A strip of three panels for each optimizer, one for each surface; three strips side by side."""
    across = min(3, len(results))
    down = -(-len(results) // across)
    figure, axes = pyplot().subplots(
        down, 3 * across, figsize=(5.6 * across, 1.5 * down + 0.5), squeeze=False, gridspec_kw={"hspace": 0.04}
    )
    for ax in axes.flat:
        ax.set_axis_off()
    for k, (name, row) in enumerate(results.items()):
        for j, (title, surface) in enumerate(SURFACES.items()):
            ax = axes[k // across, 3 * (k % across) + j]
            draw_path(ax, surface, row[title])
            if j == 0:
                ax.set_title(name, fontsize=9, loc="left", pad=3, fontweight="bold")
            if k < across:
                ax.annotate(title, (1, 1), xycoords="axes fraction", fontsize=8, ha="right", va="bottom", color="0.4")
    return figure


def draw_path(ax: Any, surface: Surface, found: dict) -> None:
    left, right, bottom, top = surface.window
    x, y = np.meshgrid(np.linspace(left, right, 121), np.linspace(bottom, top, 121))
    ax.contour(x, y, np.log(surface.f(x, y) + 0.01), levels=9, cmap="Greys_r", linewidths=0.5)
    path = found["path"]
    ax.plot(*path.T, "-", color="tab:red", lw=0.9)
    ax.plot(*path[: 1 + len(path) // 10].T, ".", color="tab:red", ms=2.5)  # early steps one by one
    ax.plot(*path[-1], "o", color="tab:blue", ms=4)
    ax.plot(*surface.minimum, "k+", ms=8, mew=1.2)
    ax.text(0.97, 0.04, f"{found['f']:.0e}", transform=ax.transAxes, fontsize=7, ha="right",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1})  # fmt: skip
    ax.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])
    ax.set_axis_on()
    ax.grid(False)


def draw_digits(results: dict[str, dict]):
    """Losses, a panel for each family and one for the best of each; then held-out accuracy and the time of a step."""
    figure = pyplot().figure(figsize=(18, 8))
    grid = figure.add_gridspec(2, 5, width_ratios=(1, 1, 1, 0.75, 0.75))
    families = {title: [name for name in entries if name in results] for title, entries in FAMILIES.items()}
    families = {title: names for title, names in families.items() if names}
    families["the best of each"] = [
        min(names, key=lambda name: results[name]["digits"]["mean"]) for names in families.values()
    ]
    for k, (title, names) in enumerate(families.items()):
        ax = figure.add_subplot(grid[k // 3, k % 3])
        for name in names:
            d = results[name]["digits"]
            ax.plot(smooth_curve(np.minimum(d["losses"], FAR), 21), lw=1.2, label=f"{name} ({d['accuracy']:.1%})")
        ax.set(title=title, yscale="log", xlabel="iteration", ylabel="cross entropy, smoothed", ylim=(0.04, 3))
        ax.legend(fontsize=8, loc="upper right")
    draw_bars(figure.add_subplot(grid[:, 3]), results, "accuracy", 100, "accuracy on held-out digits, %", 75)
    ax = figure.add_subplot(grid[:, 4])
    draw_bars(ax, results, "seconds", 1e6, "microseconds of a step", 1)
    ax.set(xscale="log", xlabel="gray: gradients included")
    return figure


def draw_bars(ax: Any, results: dict[str, dict], key: str, unit: float, title: str, left: float) -> None:
    ordered = sorted(results, key=lambda name: results[name]["digits"][key])
    values = [unit * results[name]["digits"][key] for name in ordered]
    gray = BY_CLOSURE if key == "seconds" else ()
    bars = ax.barh(ordered, values, color=["0.6" if name in gray else "tab:blue" for name in ordered])
    ax.bar_label(bars, [f"{value:.3g}" for value in values], fontsize=7, padding=2)
    ax.set(title=title, xlim=(min(left, *values), None), ylim=(-0.7, len(ordered) - 0.3))
    ax.tick_params(axis="y", labelsize=8)
    ax.grid(axis="y", visible=False)


if __name__ == "__main__":
    command_line(main)

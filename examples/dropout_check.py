"""Dropout of both kinds against what it must be, and against PyTorch's where that is installed.

With a mask m that is 1 with probability `keep`, drawn for each element of each sample independently,

    inverted (PyTorch's)              y = m x / keep  in training,   y = x       in evaluation,
    vanilla (the original paper's)    y = m x         in training,   y = keep x  in evaluation,

so that the mean of what the next layer sees is the same in training and in evaluation. One mask for all samples has
that mean, too, and is wrong: a feature would be lost for the whole batch. What gives it away is how many elements a
mask keeps, whole columns at a time. By chance a right mask may lose a whole row or column as well; the default seed is
one whose pictures do not.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from math import comb

import numpy as np
from common import command_line, progress, pyplot, save_figure, setup

import tinygrad_lite as tg
from tinygrad_lite import nn

X = np.array([[5, 8, 9, 5], [0, 0, 1, 7], [6, 9, 2, 4], [5, 2, 4, 2], [4, 7, 7, 9]], np.float32)  # five samples
COLOURS = {"inverted": "tab:blue", "vanilla": "tab:orange", "PyTorch": "tab:red", "one mask": "black"}
WRONG = "one mask"  # for all samples

Layer = Callable[[np.ndarray, bool], tuple[np.ndarray, np.ndarray]]  # (x, training) -> y, d sum(y) / dx


def layers(keep: float, seed: int) -> dict[str, Layer]:
    """Two kinds of dropout here, and PyTorch's, as functions of arrays."""
    found = {kind: as_function(tg, nn.Dropout(1 - keep, mode=kind)) for kind in ("inverted", "vanilla")}
    if importlib.util.find_spec("torch"):
        import torch

        torch.manual_seed(seed)
        found["PyTorch"] = as_function(torch, torch.nn.Dropout(1 - keep))
    found[WRONG] = as_function(tg, SameForAll(keep))
    return found


class SameForAll(nn.Module):
    """Inverted dropout as it must not be: one mask for all samples."""

    def __init__(self, keep: float):
        super().__init__()
        self.keep = keep

    def forward(self, x):
        mask = (tg.rand(x.shape[1]) < self.keep).to(x.dtype)
        return x * mask / self.keep if self.training else x


def as_function(library, dropout) -> Layer:
    """Call the layer and go back: the same lines for this library and for PyTorch."""

    def call(array: np.ndarray, training: bool) -> tuple[np.ndarray, np.ndarray]:
        x = library.tensor(array, requires_grad=True)
        y = dropout.train(training)(x)
        y.sum().backward()
        return y.detach().numpy(), x.grad.numpy()

    return call


def measure(layer: Layer, steps: int, title: str) -> dict:
    """Draw `steps` masks for X, and see what they do."""
    y, gradient = map(np.stack, zip(*(layer(X, True) for _ in progress(range(steps), title))))
    kept = gradient != 0
    evaluated, slope = layer(X, False)
    return {
        "kept": kept.mean(),
        "factor": np.unique(gradient[kept]),
        "training": y.mean(axis=0).sum() / X.sum(),
        "evaluation": np.unique(slope),
        "error": max(np.abs(y - gradient * X).max(), np.abs(evaluated - slope * X).max()),
        "counts": np.bincount(kept.sum(axis=(1, 2)), minlength=X.size + 1) / steps,
        "mean": y.sum(axis=(1, 2)).cumsum() / X.sum() / np.arange(1, steps + 1),
    }


def main(steps: int = 5000, seed: int = 127, out: str = "out", backend: str | None = None, keep: float = 0.4) -> dict:
    setup(seed, backend)
    found = layers(keep, seed)
    for name, layer in found.items():
        y, gradient = layer(np.ones((2, 3), np.float32), True)
        print(f"{name} of ones:  y {y.tolist()}, gradient {gradient.tolist()}")
    pictures = {name: layer(X, True) for name, layer in found.items()}
    results = {name: measure(layer, steps, name) for name, layer in found.items()}
    print(f"\n{steps} masks    kept   times   mean in training   in evaluation   |y - factor x|")
    for name, r in results.items():
        row = f"{r['kept']:8.4f} {r['factor'].max():7.4f} {r['training']:14.4f} x {r['evaluation'].max():13.4f} x"
        print(f"{name:10}{row} {r['error']:14.1e}")
    for name, (y, gradient) in pictures.items():
        results[name]["first"] = y, gradient == 0
    save_figure(draw(results, keep), out, "dropout_check")
    return results


def draw(results: dict[str, dict], keep: float):
    figure = pyplot().figure(figsize=(14, 6.6))
    top, bottom = figure.subfigures(2, 1)
    axes = top.subplots(1, 1 + len(results))
    pictures = {"x": (X, X < 0), **{f"{name}: its first mask": r["first"] for name, r in results.items()}}
    for ax, (title, (picture, off)) in zip(axes, pictures.items()):
        ax.imshow(off, cmap="Greys", vmin=0, vmax=3, aspect="auto")
        for (i, j), value in np.ndenumerate(picture):
            ax.text(j, i, f"{value:g}", ha="center", va="center", color="tab:grey" if off[i, j] else "black")
        ax.set(title=title, xticks=[], yticks=[], xlabel="features")
    axes[0].set_ylabel("samples")
    axes[-1].set_title("what it must not look like:\none mask for all samples", color="tab:red", fontsize=10)
    counts, mean = bottom.subplots(1, 2)
    n, steps = X.size, len(results["inverted"]["mean"])
    chance = [comb(n, k) * keep**k * (1 - keep) ** (n - k) for k in range(n + 1)]
    counts.bar(range(n + 1), chance, color="lightgrey", label="independent elements")
    for shift, (name, r) in zip((-0.2, 0, 0.2, 0), results.items()):
        if name == WRONG:
            seen = np.flatnonzero(r["counts"])
            counts.plot(seen, r["counts"][seen], "x", ms=6, color=COLOURS[name], label="one mask for all samples")
            continue
        counts.plot(np.arange(n + 1) + shift, r["counts"], "o", ms=4, color=COLOURS[name], label=name)
        mean.semilogx(range(1, steps + 1), r["mean"], color=COLOURS[name], label=f"{name}, training")
        mean.axhline(r["evaluation"].max(), color=COLOURS[name], ls=":")
    counts.set(title="How many a mask keeps", xlabel=f"elements out of {n}", ylabel="frequency")
    mean.set(title="Mean in training, and evaluation (dotted)", xlabel="masks", ylabel="y / x")
    counts.legend()
    mean.legend()
    return figure


if __name__ == "__main__":
    command_line(main)

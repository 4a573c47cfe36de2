"""What the scale of the first random weights does: to the activations of a deep network, and to its training.

Left to themselves, activations die out or saturate from layer to layer: with weights of deviation 1 sigmoid and
tanh sit in their flat ends, with 0.01 every unit of a layer gives the same. Deviations of sqrt(1/n) (Xavier, for
sigmoid and tanh) and sqrt(2/n) (He, for ReLU) keep the spread through all layers; n is the number of inputs.
"""

from __future__ import annotations

import numpy as np
from common import batches, command_line, mlp, progress, pyplot, save_figure, setup, smooth_curve, train_step
from data import load_mnist

import tinygrad_lite as tg
from tinygrad_lite import nn, optim

LAYERS, WIDTH, SAMPLES, BATCH = 5, 100, 1000, 128
ACTIVATIONS = {"sigmoid": (nn.Sigmoid, (0, 1)), "tanh": (nn.Tanh, (-1, 1)), "ReLU": (nn.ReLU, (0, 3))}
SCALES = {"std 1": 1.0, "std 0.01": 0.01, "Xavier": "xavier", "He": "he"}
COLOURS = {"std 1": "tab:red", "std 0.01": "tab:grey", "Xavier": "tab:blue", "He": "tab:green"}


def activations(activation, std: str | float, seed: int) -> list[np.ndarray]:
    """What each layer makes of 1,000 samples from a standard normal distribution."""
    setup(seed)
    x = tg.randn(SAMPLES, WIDTH)
    found = []
    with tg.no_grad():
        for layer in mlp(*[WIDTH] * (LAYERS + 2), activation=activation, std=std):
            x = layer(x)
            if isinstance(layer, activation):
                found.append(x.numpy())
    return found


def train(std: str | float, digits, steps: int, seed: int, title: str) -> np.ndarray:
    """Losses of a network of four hidden layers; the same batches for every std."""
    x, t = digits
    rng = setup(seed)
    model = mlp(784, 100, 100, 100, 100, 10, std=std)
    sgd = optim.SGD(model.parameters(), lr=0.01)
    todo = progress(batches(len(x), BATCH, steps, rng), f"{title:8}")
    return np.array([train_step(model, sgd, x[i], t[i]) for i in todo])


def main(steps: int = 2000, seed: int = 0, out: str = "out", backend: str | None = None) -> dict:
    setup(seed, backend)
    found = {
        (name, scale): activations(activation, std, seed)
        for name, (activation, _) in ACTIVATIONS.items()
        for scale, std in SCALES.items()
    }
    print("standard deviation of the activations\n" + "".join(f"{f'layer {k + 1}':>12}" for k in range(LAYERS)))
    for (name, scale), layers in found.items():
        print("".join(f"{short(a.std()):>12}" for a in layers) + f"   {name}, {scale}")
    digits, _ = load_mnist()
    losses = {scale: train(SCALES[scale], digits, steps, seed, scale) for scale in ("std 0.01", "Xavier", "He")}
    print("\nloss after" + "".join(f"{scale:>12}" for scale in losses))
    for step in sorted({*range(0, steps, max(steps // 10, 1)), steps - 1}):
        print(f"{step:10}" + "".join(f"{curve[step]:12.4f}" for curve in losses.values()))
    save_figure(draw_activations(found), out, "weight_init_activations")
    save_figure(draw_losses(losses), out, "weight_init")
    return {"activations": found, "losses": losses}


def short(x: float) -> str:
    return f"{x:.2g}" if x < 10 else f"{x:.0f}"


def draw_activations(found: dict):
    """A panel for each activation and scale: its layers' histograms side by side, upright."""
    figure, axes = pyplot().subplots(len(ACTIVATIONS), len(SCALES), figsize=(13, 8.5), sharex=True, sharey="row")
    for ax, ((name, scale), layers) in zip(axes.flat, found.items()):
        low, high = ACTIVATIONS[name][1]
        edges = np.linspace(low, high, 41)
        for k, a in enumerate(layers, 1):
            counts, _ = np.histogram(np.clip(a, low, high), edges)
            full = max(np.sort(counts)[-2], counts.max() / 8)  # one bar, such as ReLU's zeros, may be cut off
            ax.barh(
                edges[:-1], 0.85 * np.minimum(counts / full, 1), np.diff(edges), k, align="edge", color=COLOURS[scale]
            )
            ax.text(k + 0.4, high + 0.03 * (high - low), short(a.std()), ha="center", va="bottom", fontsize=8)
        ax.grid(axis="x")
        ax.set(xticks=range(1, LAYERS + 1), xlim=(0.8, LAYERS + 1), ylim=(low, high))
    for ax, scale in zip(axes[0], SCALES):
        ax.set_title(scale, color=COLOURS[scale], fontweight="bold", pad=20)
    for ax, name in zip(axes[:, 0], ACTIVATIONS):
        ax.set_ylabel(name + ("\n(above 3: in the top bar)" if name == "ReLU" else ""))
    figure.supxlabel("hidden layer (above each histogram: its standard deviation; the bar at 0 of ReLU is cut)")
    figure.suptitle(f"Activations of {LAYERS} layers of {WIDTH} units, by the scale of their weights")
    return figure


def draw_losses(losses: dict[str, np.ndarray]):
    figure, ax = pyplot().subplots(figsize=(8, 5))
    for scale, curve in losses.items():
        ax.plot(curve, color=COLOURS[scale], alpha=0.15, lw=0.7)
        ax.plot(smooth_curve(curve), color=COLOURS[scale], label=f"{scale}: {curve[-100:].mean():.3f} at the end")
    ax.axhline(np.log(10), color="black", ls=":", lw=1)
    ax.text(0, np.log(10) + 0.03, "guessing: log 10 = 2.303", va="bottom", fontsize=9)
    ax.set(
        title="784-100-100-100-100-10, ReLU, SGD 0.01, batches of 128",
        xlabel="updates",
        ylabel="cross entropy",
        ylim=(0, 2.6),
        xlim=(0, None),
    )
    ax.legend(loc="upper right", bbox_to_anchor=(1, 0.85))
    return figure


if __name__ == "__main__":
    command_line(main)

"""SGD, Momentum, AdaGrad and Adam on handwritten digits: the same network, start and mini-batches for all.

784-100-100-100-100-10 with ReLU and He's initialization, mini-batches of 128; the loss is the one before the
update. Adam, which ends lowest, is not the fastest at first; plain SGD is far behind all the way.

The losses are lower than those the texts print (0.2 for SGD after 1,900 iterations), in the same order. Theirs are
of 60,000 digits, each of which is seen four times in 2,000 mini-batches. With the few thousand that this example
has without a download each is seen dozens of times and learnt by heart: after 700 mini-batches SGD stands at 0.32 with
8,000 digits and at 0.15 with 1,000. What counts is the last line, of digits that were not seen.
"""

from __future__ import annotations

import copy

import numpy as np
from common import accuracy, batches, command_line, mlp, progress, pyplot, save_figure, setup, smooth_curve, train_step
from data import load_mnist

from tinygrad_lite import optim

OPTIMIZERS = {
    "SGD": lambda params: optim.textbook.SGD(params, lr=0.01),
    "Momentum": lambda params: optim.textbook.Momentum(params, lr=0.01),
    "AdaGrad": lambda params: optim.textbook.AdaGrad(params, lr=0.01),
    "Adam": lambda params: optim.textbook.Adam(params, lr=0.001),
}
MARKERS = {"SGD": "o", "Momentum": "x", "AdaGrad": "s", "Adam": "D"}
EVERY, BATCH = 100, 128


def main(
    steps: int = 2000, seed: int = 0, out: str = "out", backend: str | None = None, data: str | None = None
) -> dict:
    rng = setup(seed, backend)
    (x, t), (x_test, t_test) = load_mnist(folder=data)
    beginning = mlp(784, 100, 100, 100, 100, 10, std="he")
    networks = {name: copy.deepcopy(beginning) for name in OPTIMIZERS}
    optimizers = {name: make(networks[name].parameters()) for name, make in OPTIMIZERS.items()}
    losses = {name: np.empty(steps) for name in OPTIMIZERS}

    print("iteration" + "".join(f"{name:>12}" for name in OPTIMIZERS))
    bar = progress(batches(len(x), BATCH, steps, rng), "four networks")
    for i, batch in enumerate(bar):
        for name, network in networks.items():
            losses[name][i] = train_step(network, optimizers[name], x[batch], t[batch])
        if i % EVERY == 0:
            bar.write(f"{i:9}" + "".join(f"{loss[i]:12.6f}" for loss in losses.values()))

    means = {name: loss.mean() for name, loss in losses.items()}
    accuracies = {name: accuracy(network, x_test, t_test) for name, network in networks.items()}
    print("mean     " + "".join(f"{mean:12.6f}" for mean in means.values()))
    seen = steps * BATCH / len(x)
    there = steps * BATCH / 60_000
    print(f"each of {len(x):,} digits was seen {seen:.1f} times; the texts' 60,000 were {there:.1f} times")
    print("held out " + "".join(f"{right:12.2%}" for right in accuracies.values()))
    save_figure(draw(losses, accuracies), out, "compare_optimizers")
    return {"losses": losses, "means": means, "accuracies": accuracies, "networks": networks}


def draw(losses: dict[str, np.ndarray], accuracies: dict[str, float]):
    figure, (linear, logarithmic) = pyplot().subplots(1, 2, figsize=(13, 5))
    for ax, length in ((linear, 11), (logarithmic, 51)):
        for name, loss in losses.items():
            label = f"{name}: {accuracies[name]:.1%} held out"
            smooth = smooth_curve(loss, length)
            ax.plot(smooth, marker=MARKERS[name], markevery=max(1, len(loss) // 20), ms=5, lw=1.2, label=label)
        ax.set(xlabel="iteration", ylabel="cross entropy of the mini-batch, smoothed")
    order = sorted(losses, key=lambda name: losses[name].mean())
    linear.set(title=f"Mean loss: {' < '.join(order)}", ylim=(0, 1))
    logarithmic.set(title="The same on a logarithmic scale", yscale="log")
    linear.legend()
    return figure


if __name__ == "__main__":
    command_line(main)

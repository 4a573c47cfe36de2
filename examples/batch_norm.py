"""Batch normalization makes a deep network learn from almost any first weights.

1,000 digits, five hidden layers of 100 units, ReLU, SGD with learning rate 0.01, batches of 100, and sixteen
scales for the first weights from 1 to 0.0001: with batch normalization behind every linear layer the network
learns from almost all of them, without it only where the scale happens to be right. Towards the ends it learns
less, for the gradient is the larger the smaller the weights are: a step turns large ones only a little and throws
tiny ones far. The variances of the very smallest fall under the normalization's eps besides.

Before that, the gradients of the whole network are checked, in training and in evaluation. In training one kind of
parameter has no gradient, rightly: a bias in front of a batch normalization only moves the mean that is subtracted.
Those five are named; any other gradient of zero would be an error.
"""

from __future__ import annotations

import numpy as np
from common import accuracy, batches, command_line, mlp, progress, pyplot, save_figure, setup, train_step
from data import load_mnist

import tinygrad_lite as tg
from tinygrad_lite import nn, optim

DIGITS, BATCH = 1000, 100
SIZES = (784, 100, 100, 100, 100, 100, 10)
SCALES = np.logspace(0, -4, 16)
LABELS = {True: "batch normalization", False: "without"}
COLOURS = {True: "tab:blue", False: "tab:red"}


def normalized_biases(model: nn.Sequential) -> list[str]:
    """The names of the biases that a batch normalization takes away again."""
    pairs = zip(model, list(model)[1:])
    return [f"{k}.bias" for k, (layer, then) in enumerate(pairs) if isinstance(then, nn.BatchNorm1d)]


def check_gradients(digits, seed: int, samples: int = 20) -> dict[str, float]:
    """Check the network of the experiment; return the largest gradient of each parameter in training."""
    x, t = (part[:samples] for part in digits)
    setup(seed)
    model = mlp(*SIZES, batch_norm=True)

    def loss(y):
        return nn.functional.cross_entropy(y, tg.tensor(t))

    tg.testing.gradcheck_module(model, tg.tensor(x), loss=loss, allow_zero=normalized_biases(model))
    model.double()
    loss(model(tg.tensor(x.astype(np.float64)))).backward()
    return {name: float(np.abs(p.grad.numpy()).max()) for name, p in model.named_parameters()}


def train(scale: float, batch_norm: bool, digits, steps: int, seed: int) -> np.ndarray:
    """Accuracies on the training digits before the first update and after each epoch."""
    x, t = digits
    rng = setup(seed)
    model = mlp(*SIZES, std=float(scale), batch_norm=batch_norm)
    sgd = optim.SGD(model.parameters(), lr=0.01)
    curve = [accuracy(model, x, t)]
    with np.errstate(over="ignore", invalid="ignore"):  # without normalization, large weights do overflow
        for step, i in enumerate(batches(len(x), BATCH, steps, rng), 1):
            train_step(model, sgd, x[i], t[i])
            if step % (len(x) // BATCH) == 0:
                curve.append(accuracy(model, x, t))
    return np.array(curve)


def main(steps: int = 200, seed: int = 0, out: str = "out", backend: str | None = None) -> dict:
    setup(seed, backend)
    digits = tuple(part[:DIGITS] for part in load_mnist()[0])
    gradients = check_gradients(digits, seed)
    zero = {name: g for name, g in gradients.items() if g < 1e-12}
    print(f"gradients agree with differences; zero in training: {', '.join(zero)} (below {max(zero.values()):.0e})")
    print(f"the others: {min(g for name, g in gradients.items() if name not in zero):.1e} and more\n")
    curves = {bn: [train(scale, bn, digits, steps, seed) for scale in progress(SCALES, LABELS[bn])] for bn in LABELS}
    print("training accuracy after the last epoch\nfirst weights" + "".join(f"{LABELS[bn]:>22}" for bn in curves))
    for scale, *pair in zip(SCALES, *curves.values()):
        print(f"{scale:13.5f}" + "".join(f"{curve[-1]:22.3f}" for curve in pair))
    save_figure(draw(curves), out, "batch_norm")
    return {"curves": curves, "gradients": gradients, "zero": sorted(zero)}


def draw(curves: dict[bool, list[np.ndarray]]):
    figure, axes = pyplot().subplots(4, 4, figsize=(12, 9), sharex=True, sharey=True)
    for k, (ax, scale) in enumerate(zip(axes.flat, SCALES)):
        for bn, style in ((True, "-"), (False, "--")):
            ax.plot(curves[bn][k], style, color=COLOURS[bn], lw=2, label=LABELS[bn])
        ax.set_title(f"weights of std {scale:.2g}", fontsize=10)
        ax.set(ylim=(0, 1.02))
    axes[0, 0].legend(loc="upper left")
    figure.supxlabel("epochs")
    figure.supylabel("training accuracy")
    figure.suptitle("1,000 digits, five hidden layers of 100 ReLU units, with and without batch normalization")
    return figure


if __name__ == "__main__":
    command_line(main)

"""A network learns 300 digits by heart; weight decay and dropout hinder it, each at a price.

Six hidden layers of 100 units, ReLU, SGD with learning rate 0.01, batches of 100. Weight decay (0.1 times the
weight, added to its gradient; biases are left alone) keeps the network from learning the 300 by heart, and from
much else: what is left is a smaller gap, not a better network. It has a sweet spot, here near 0.02: the 300 are still
learnt, and of what was not seen one to three more in a hundred are recognized than without any. Dropout (a fifth of
the units off in every update) slows learning down, and what is learnt holds better. Its two kinds differ in where they
scale: the inverted kind divides by 0.8 in training; the vanilla kind multiplies by 0.8 in evaluation, so that it trains
on smaller activations and, after six layers of that, takes longer.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from common import accuracy, batches, command_line, mlp, progress, pyplot, save_figure, setup, train_step
from data import load_mnist

from tinygrad_lite import nn, optim

DIGITS, BATCH, EPOCHS = 300, 100, 10  # accuracies are taken every 10 epochs
KINDS = {
    "nothing": {},
    "weight decay 0.02": {"weight_decay": 0.02},
    "weight decay 0.1": {"weight_decay": 0.1},
    "inverted dropout 0.2": {"dropout": partial(nn.Dropout, 0.2)},
    "vanilla dropout 0.2": {"dropout": partial(nn.Dropout, 0.2, mode="vanilla")},
}


def train(kind: str, digits, steps: int, seed: int, weight_decay: float = 0.0, dropout=None) -> dict:
    """Accuracies on the 300 digits and on the test set, every 10 epochs."""
    (x, t), test = digits
    x, t = x[:DIGITS], t[:DIGITS]
    rng = setup(seed)
    model = mlp(784, *[100] * 6, 10, dropout=dropout)
    weights = [p for p in model.parameters() if p.ndim == 2]
    biases = [p for p in model.parameters() if p.ndim == 1]
    sgd = optim.SGD([{"params": weights, "weight_decay": weight_decay}, {"params": biases}], lr=0.01)
    curves = [(0, accuracy(model, x, t), accuracy(model, *test))]
    for step, i in enumerate(progress(batches(DIGITS, BATCH, steps, rng), f"{kind:20}"), 1):
        train_step(model, sgd, x[i], t[i])
        if step % (EPOCHS * DIGITS // BATCH) == 0 or step == steps:
            curves.append((step, accuracy(model, x, t), accuracy(model, *test)))
    return dict(zip(("step", "train", "test"), np.array(curves).T))


def main(steps: int = 3000, seed: int = 0, out: str = "out", backend: str | None = None) -> dict:
    setup(seed, backend)
    digits = load_mnist()
    curves = {kind: train(kind, digits, steps, seed, **how) for kind, how in KINDS.items()}
    print(f"{f'after {steps} updates':22}{'train':>8}{'test':>8}{'gap':>8}")
    for kind, c in curves.items():
        print(f"{kind:22}{c['train'][-1]:8.3f}{c['test'][-1]:8.3f}{c['train'][-1] - c['test'][-1]:8.3f}")
    save_figure(draw(curves), out, "overfit")
    return curves


def draw(curves: dict[str, dict]):
    figure, axes = pyplot().subplots(1, len(curves), figsize=(16, 4), sharex=True, sharey=True)
    for ax, (kind, c) in zip(axes, curves.items()):
        epochs = c["step"] * BATCH / DIGITS
        ax.fill_between(epochs, c["test"], c["train"], color="tab:red", alpha=0.1)
        for part, colour in (("train", "tab:blue"), ("test", "tab:orange")):
            ax.plot(epochs, c[part], color=colour, label=f"{part} {c[part][-1]:.1%}")
        ax.set(title=kind, xlabel="epochs", ylim=(0, 1.02))
        ax.legend(loc="lower right")
    axes[0].set_ylabel("accuracy")
    figure.suptitle(f"{DIGITS} digits, six hidden layers: what is learnt and what is only remembered")
    return figure


if __name__ == "__main__":
    command_line(main)

"""One small model, eight ways to set the learning rate, each run until its validations say stop.

The model is one linear layer with ReLU behind it, weights uniform in (-0.1, 0.1), batches of 64. Every 938
updates, an epoch of MNIST's 60,000 digits, the held-out digits are classified, and training stops when

- the last 20 validations were all above 91 %: the goal is reached and held, or
- the last 20 validations brought no smaller error (smaller by 0.001, so that crawling counts as standing), or
- the limit of `steps` is reached, which is here for patience's sake: the slowest needs a million updates.

With a ReLU in front of the cross entropy, a class whose output is negative for every digit gets no gradient and
is lost. The large learning rate kills classes with its first leaps, and no later update can bring them back.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np
from common import batches, command_line, progress, pyplot, save_figure, setup, train_step
from data import load_mnist

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.optim import textbook

BATCH, PATIENCE, GOAL, SMALLEST_GAIN = 64, 20, 0.91, 0.001
REACHED, STUCK, LIMIT = "above 91 %", "no smaller error", "limit of updates"
STUDY = {
    "fixed 0.0001": lambda p: textbook.SGD(p, lr=0.0001),
    "fixed 0.2": lambda p: textbook.SGD(p, lr=0.2),
    "fixed 0.01": lambda p: textbook.SGD(p, lr=0.01),
    "Momentum 0.002": lambda p: textbook.Momentum(p, lr=0.002, momentum=0.9),
    "Adagrad 0.001": lambda p: textbook.AdaGrad(p, lr=0.001, eps=1e-6),
    "RMSProp 0.0001": lambda p: textbook.RMSProp(p, lr=0.0001, decay_rate=0.99, eps=1e-6),
    "Adadelta": lambda p: textbook.Adadelta(p, decay=0.99, eps=1e-6),
    "Adam 0.0001": lambda p: optim.Adam(p, lr=0.0001, betas=(0.9, 0.99)),
}


def build() -> nn.Module:
    model = nn.Sequential(nn.Linear(784, 10), nn.ReLU())
    nn.init.uniform_(model[0].weight, -0.1, 0.1)
    nn.init.zeros_(model[0].bias)
    return model


def verdict(errors: list[float], accuracies: list[float]) -> str | None:
    """Why to stop after these validations; None to go on."""
    if len(errors) <= PATIENCE:
        return None
    if min(accuracies[-PATIENCE:]) > GOAL:
        return REACHED
    if min(errors[-PATIENCE:]) > min(errors[:-PATIENCE]) - SMALLEST_GAIN:
        return STUCK
    return None


def train(name: str, digits, steps: int, interval: int, seed: int) -> dict:
    """Train with the optimizer of that name from the same start, until a rule or the limit stops it."""
    (x, t), (x_test, t_test) = digits
    rng = setup(seed)
    model = build()
    optimizer = STUDY[name](model.parameters())
    validations, losses, why, start = [], [], None, perf_counter()
    held_out = tg.tensor(x_test)
    for step, i in enumerate(progress(batches(len(x), BATCH, steps, rng), f"{name:14}"), 1):
        losses.append(train_step(model, optimizer, x[i], t[i]))
        if step % interval == 0:
            with tg.no_grad():
                y = model(held_out)
            error = nn.functional.cross_entropy(y, tg.tensor(t_test)).item()
            right = (y.numpy().argmax(axis=1) == t_test).mean()
            validations.append((step, np.mean(losses[-interval:]), error, right))
            why = verdict([v[2] for v in validations], [v[3] for v in validations])
            if why:
                break
    curves = dict(zip(("step", "loss", "error", "accuracy"), np.array(validations).T))
    return {**curves, "steps": step, "stopped": why or LIMIT, "seconds": perf_counter() - start}

"""One small model, eight ways to set the learning rate, each run until its validations say stop.

The model is one linear layer with a ReLU behind it, weights uniform in (-0.1, 0.1), batches of 64. Every 938
updates, an epoch of MNIST's 60,000 digits, the held-out digits are classified, and training stops when

- the last 20 validations were all above 91 %: the goal is reached and held; or
- the last 20 validations brought no smaller error (by 0.001 at least, so that crawling counts as standing); or
- the limit of `steps` is reached. It is here for patience's sake: the slowest two go on for hundreds of thousands.

The ReLU makes the start a lottery, whatever the learning rate: a class whose output is negative for every digit
has no gradient and is lost for good. Most seeds lose one or two, which the table names; seed 0 loses none, and there
the fixed rate of 0.2, of which the texts say that it diverges, comes out best. So one seed says nothing, and a second
table has several of them, each stopped after a fifth of the updates at the latest: between 70 and 90 % for the rate of
0.2, by how many classes a seed has lost, which the other seven lose as well. The 84 % that the texts print for it is a
seed that lost one. Without the ReLU (`--no-relu`) none is lost.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np
from common import batches, command_line, progress, pyplot, save_figure, setup, train_step
from data import load_mnist

import tinygrad_lite as tg
from tinygrad_lite import nn, optim

BATCH, PATIENCE, GOAL, SMALLEST_GAIN = 64, 20, 0.91, 0.001
ENDS = {"above 91 %": "o", "no smaller error": "X", "limit of updates": ">"}  # and how they are marked
REACHED, STUCK, LIMIT = ENDS
STUDY = {
    "fixed 0.0001": lambda p: optim.textbook.SGD(p, lr=0.0001),
    "fixed 0.2": lambda p: optim.textbook.SGD(p, lr=0.2),
    "fixed 0.01": lambda p: optim.textbook.SGD(p, lr=0.01),
    "Momentum 0.002": lambda p: optim.textbook.Momentum(p, lr=0.002, momentum=0.9),
    "Adagrad 0.001": lambda p: optim.textbook.AdaGrad(p, lr=0.001, eps=1e-6),
    "RMSProp 0.0001": lambda p: optim.textbook.RMSProp(p, lr=0.0001, decay_rate=0.99, eps=1e-6),
    "Adadelta": lambda p: optim.textbook.Adadelta(p, decay=0.99, eps=1e-6),
    "Adam 0.0001": lambda p: optim.Adam(p, lr=0.0001, betas=(0.9, 0.99)),
}


def verdict(errors: list[float], accuracies: list[float]) -> str | None:
    """Why to stop after these validations; None to go on."""
    if len(errors) <= PATIENCE:
        return None
    if min(accuracies[-PATIENCE:]) > GOAL:
        return REACHED
    return STUCK if min(errors[-PATIENCE:]) > min(errors[:-PATIENCE]) - SMALLEST_GAIN else None


def build(relu: bool) -> nn.Sequential:
    model = nn.Sequential(nn.Linear(784, 10), nn.ReLU() if relu else nn.Identity())
    nn.init.uniform_(model[0].weight, -0.1, 0.1)
    nn.init.zeros_(model[0].bias)
    return model


def train(name: str, digits, steps: int, interval: int, seed: int, relu: bool) -> dict:
    """Train with one of the optimizers, all from the same start, until a rule or the limit stops it."""
    (x, t), (x_test, t_test) = digits
    rng = setup(seed)
    model = build(relu)
    optimizer = STUDY[name](model.parameters())
    losses, curves, why, start = [], {"step": [], "loss": [], "error": [], "accuracy": []}, None, perf_counter()
    for step, i in enumerate(progress(batches(len(x), BATCH, steps, rng), f"{name:14}"), 1):
        losses.append(train_step(model, optimizer, x[i], t[i]))
        if step % interval == 0:
            with tg.no_grad():
                y = model(tg.tensor(x_test))
            answers = y.numpy().argmax(axis=1)
            error = nn.functional.cross_entropy(y, tg.tensor(t_test)).item()
            row = step, np.mean(losses[-interval:]), error, np.mean(answers == t_test)
            for curve, value in zip(curves.values(), row):
                curve.append(float(value))
            why = verdict(curves["error"], curves["accuracy"])
            if why:
                break
    hardly = np.bincount(answers, minlength=10) < 0.1 * np.bincount(t_test, minlength=10)
    return {
        **curves,
        "steps": step,
        "stopped": why or LIMIT,
        "lost": np.flatnonzero(hardly).tolist(),
        "seconds": perf_counter() - start,
    }


def main(
    steps: int = 50_000,
    seed: int = 0,
    out: str = "out",
    backend: str | None = None,
    interval: int = 938,
    relu: bool = True,
    seeds: int = 4,
) -> dict:
    if steps < interval:
        raise ValueError(f"learning_rates: steps must be at least one interval of {interval}, got {steps}")
    setup(seed, backend)
    digits = load_mnist()
    print(f"{'':16}{'updates':>8}   {'stopped by':18}{'smallest error':>14}{'best':>8}{'last':>8}   lost classes")
    runs = {}
    for name in STUDY:
        r = runs[name] = train(name, digits, steps, interval, seed, relu)
        print(
            f"{name:16}{r['steps']:8}   {r['stopped']:18}{min(r['error']):14.4f}{max(r['accuracy']):8.2%}"
            f"{r['accuracy'][-1]:8.2%}   {' '.join(map(str, r['lost'])) or 'none'}"
        )
    several = compare_seeds(digits, max(steps // 5, interval), interval, range(seed, seed + seeds), relu)
    for name, run in runs.items():
        save_figure(draw_one(name, run), out, f"learning_rates_{name.lower().replace(' ', '_')}")
    save_figure(draw_all(runs), out, "learning_rates")
    if seeds:
        save_figure(draw_seeds(several), out, "learning_rates_seeds")
    return {"runs": runs, "seeds": several}


def compare_seeds(digits, steps: int, interval: int, seeds: range, relu: bool) -> dict[str, list[dict]]:
    """The same eight with other first weights and mini-batches, in one table."""
    if not seeds:
        return {}
    print(f"\nlast accuracy after {steps:,} updates at most, and how many classes are lost")
    print(f"{'seed':16}" + "".join(f"{seed:>12}" for seed in seeds) + f"{'mean':>9}")
    several = {}
    for name in STUDY:
        several[name] = [train(name, digits, steps, interval, seed, relu) for seed in seeds]
        last = [r["accuracy"][-1] for r in several[name]]
        cells = (f"{right:9.1%} -{len(r['lost'])}" for right, r in zip(last, several[name]))
        print(f"{name:16}{''.join(cells)}{np.mean(last):9.1%}")
    return several


def draw_one(name: str, run: dict):
    figure, (errors, right) = pyplot().subplots(2, 1, figsize=(7, 6), sharex=True)
    errors.plot(run["step"], run["loss"], color="tab:blue", label=f"training, at last {run['loss'][-1]:.3f}")
    errors.plot(
        run["step"],
        run["error"],
        color="tab:orange",
        label=f"validation, smallest {min(run['error']):.3f}, at last {run['error'][-1]:.3f}",
    )
    errors.set(ylabel="cross entropy", ylim=(0, None))
    errors.set_title(f"{name}, stopped after {run['steps']:,} updates: {run['stopped']}")
    right.plot(
        run["step"],
        run["accuracy"],
        color="tab:green",
        label=f"best {max(run['accuracy']):.2%}, at last {run['accuracy'][-1]:.2%}",
    )
    right.axhline(GOAL, color="black", ls=":", lw=1, label=f"the goal, {GOAL:.0%}")
    right.set(xlabel="updates", ylabel="validation accuracy", ylim=(0.5, 1))
    errors.legend()
    right.legend(loc="lower right")
    return figure


def draw_all(runs: dict[str, dict]):
    """Errors and accuracies over the updates; the bars are the legend and say how each run ended."""
    figure, axes = pyplot().subplot_mosaic([["error", "accuracy"], ["bars", "bars"]], figsize=(12, 8.5))
    for k, r in enumerate(runs.values()):
        look = {"color": f"C{k}", "ls": "-"} if k != 7 else {"color": "black", "ls": "--"}  # it may lie on another
        for what in ("error", "accuracy"):
            axes[what].plot(r["step"], r[what], **look)
            axes[what].plot(r["step"][-1], r[what][-1], ENDS[r["stopped"]], color=look["color"], ms=9)
        axes["bars"].barh(k, r["steps"], color=look["color"], height=0.7)
        end = f"  {r['stopped']}, at last {r['accuracy'][-1]:.1%}"
        axes["bars"].text(r["steps"], k, end, va="center", fontsize=9)
    axes["error"].set(title="validation error", xlabel="updates", ylabel="cross entropy", xscale="log", ylim=(0.2, 1.4))
    axes["accuracy"].axhline(GOAL, color="black", ls=":", lw=1)
    for what, mark in ENDS.items():
        axes["accuracy"].plot([], [], mark, color="tab:grey", ms=9, label=what)
    axes["accuracy"].set(
        title="validation accuracy (dotted: the goal)", xlabel="updates", xscale="log", ylim=(0.7, 0.94)
    )
    axes["accuracy"].legend(loc="lower center")
    axes["bars"].set(
        yticks=range(len(runs)),
        yticklabels=list(runs),
        xlabel="updates until stopped, and why",
        xlim=(0, 1.25 * max(r["steps"] for r in runs.values())),
    )
    axes["bars"].invert_yaxis()
    axes["bars"].grid(axis="y")
    return figure


def draw_seeds(several: dict[str, list[dict]]):
    figure, ax = pyplot().subplots(figsize=(10, 4.6))
    for k, runs in enumerate(several.values()):
        last, lost = [r["accuracy"][-1] for r in runs], [len(r["lost"]) for r in runs]
        ax.plot(np.mean(last), k, "|", color="black", ms=22, mew=2)
        ax.scatter(
            last, np.full(len(last), k), c=lost, cmap="plasma", vmin=0, vmax=4, s=70, edgecolor="white", zorder=3
        )
    figure.colorbar(ax.collections[0], label="classes lost behind the ReLU", ticks=range(5))
    ax.set(yticks=range(len(several)), yticklabels=list(several), xlabel="last validation accuracy")
    ax.set_title(f"The same eight, {len(last)} seeds each, and their means (bars): one seed says nothing")
    ax.invert_yaxis()
    return figure


if __name__ == "__main__":
    command_line(main)

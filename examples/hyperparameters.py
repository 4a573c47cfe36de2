"""Random search for a learning rate and a weight decay, on a scale of powers of ten.

500 digits, a fifth of them set aside for validation, six hidden layers of 100 units, SGD, batches of 100. Each of
100 trials draws a learning rate between 1e-6 and 1e-2 and a weight decay between 1e-8 and 1e-4, both log-uniform,
and trains for 50 epochs. Trying at random beats a grid: every trial is a new value of the one that matters (here
the learning rate), whatever the other is doing.

The best lie at the upper edge of the learning rates searched, which the last lines say: the range was too low, and the
search should be made again with a higher one. So a search ends with a look at where in its ranges the best are.

References
----------
J. Bergstra and Y. Bengio, "Random search for hyper-parameter optimization", JMLR 13, 2012.
"""

from __future__ import annotations

import numpy as np
from common import accuracy, batches, command_line, mlp, progress, pyplot, save_figure, setup, train_step
from data import load_mnist

from tinygrad_lite import optim

DIGITS, VALIDATION, BATCH, BEST = 500, 100, 100, 20
LEARNING_RATES, WEIGHT_DECAYS = (1e-6, 1e-2), (1e-8, 1e-4)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number between low and high, every power of ten as likely as the next."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def edge(values: list[float], low: float, high: float) -> str:
    """At which end of its range the median of these values lies, within a fifth of its powers of ten, or neither."""
    place = (np.log(np.median(values)) - np.log(low)) / (np.log(high) - np.log(low))
    return "upper" if place > 0.8 else "lower" if place < 0.2 else "neither"


def train(lr: float, weight_decay: float, digits, validation, steps: int, seed: int) -> dict:
    """Accuracies on the digits trained on and on those set aside, after each epoch."""
    x, t = digits
    rng = setup(seed)
    model = mlp(784, *[100] * 6, 10)
    sgd = optim.SGD(model.parameters(), lr=lr, weight_decay=weight_decay)
    curves = []
    for step, i in enumerate(batches(len(x), BATCH, steps, rng), 1):
        train_step(model, sgd, x[i], t[i])
        if step % (len(x) // BATCH) == 0:
            curves.append((accuracy(model, x, t), accuracy(model, *validation)))
    return {"lr": lr, "weight_decay": weight_decay, **dict(zip(("train", "validation"), np.array(curves).T))}


def main(steps: int = 200, seed: int = 0, out: str = "out", backend: str | None = None, trials: int = 100) -> dict:
    rng = setup(seed, backend)
    x, t = (part[:DIGITS] for part in load_mnist()[0])
    split = (x[VALIDATION:], t[VALIDATION:]), (x[:VALIDATION], t[:VALIDATION])
    drawn = [(log_uniform(rng, *LEARNING_RATES), log_uniform(rng, *WEIGHT_DECAYS)) for _ in range(trials)]
    found = [train(lr, decay, *split, steps, seed) for lr, decay in progress(drawn, "trials")]
    found.sort(key=lambda trial: -trial["validation"][-1])
    print(f"rank  validation   train   learning rate   weight decay   (the best of {trials} trials)")
    for rank, r in enumerate(found[:BEST], 1):
        row = f"{rank:4}{r['validation'][-1]:12.2f}{r['train'][-1]:8.3f}"
        print(f"{row}{r['lr']:16.2e}{r['weight_decay']:15.2e}")
    last = [r["validation"][-1] for r in found]
    weight = {key: np.corrcoef(np.log([r[key] for r in found]), last)[0, 1] for key in ("lr", "weight_decay")}
    print(
        "correlation of the validation accuracy with the logarithm of the learning rate "
        f"{weight['lr']:.2f}, of the weight decay {weight['weight_decay']:.2f}"
    )
    few = found[: max(1, trials // 20)]
    edges = {
        key: edge([r[key] for r in few], *limits)
        for key, limits in (("lr", LEARNING_RATES), ("weight_decay", WEIGHT_DECAYS))
    }
    for key, name in (("lr", "learning rate"), ("weight_decay", "weight decay")):
        where = f"the best {len(few)} lie at the {edges[key]} edge of the range: search beyond it"
        if abs(weight[key]) < 0.3:
            where = "makes no difference here"
        elif edges[key] == "neither":
            where = "the best lie inside the range"
        print(f"{name}: {where}")
    save_figure(draw_best(found[:BEST]), out, "hyperparameters")
    save_figure(draw_search(found, edges["lr"]), out, "hyperparameters_search")
    return {"trials": found, "correlation": weight, "edges": edges}


def draw_best(best: list[dict]):
    figure, axes = pyplot().subplots(4, 5, figsize=(13, 9), sharex=True, sharey=True)
    for rank, (ax, r) in enumerate(zip(axes.flat, best), 1):
        epochs = np.arange(1, len(r["train"]) + 1)
        ax.plot(epochs, r["train"], color="tab:blue", ls="--", label="training")
        ax.plot(epochs, r["validation"], color="tab:orange", lw=2, label="validation")
        ax.set_title(f"{rank}: {r['validation'][-1]:.0%}", fontweight="bold", fontsize=10)
        ax.text(
            0.97,
            0.05,
            f"lr {r['lr']:.4f}\ndecay {r['weight_decay']:.0e}",
            transform=ax.transAxes,
            ha="right",
            fontsize=9,
        )
        ax.set(ylim=(0, 1.02))
    axes[0, 0].legend(loc="upper left", fontsize=8)
    figure.supxlabel("epochs")
    figure.supylabel("accuracy")
    figure.suptitle("Random search: the best trials by their last validation accuracy")
    return figure


def draw_search(found: list[dict], where: str):
    """Every trial as a point: where in the two ranges the good ones are."""
    figure, ax = pyplot().subplots(figsize=(8, 5))
    columns = ([r[key] for r in found] for key in ("lr", "weight_decay"))
    points = ax.scatter(
        *columns,
        c=[r["validation"][-1] for r in found],
        cmap="viridis",
        s=60,
        edgecolor="white",
        clip_on=False,
        zorder=3,
    )
    figure.colorbar(points, label="validation accuracy")
    ax.set(
        xscale="log",
        yscale="log",
        xlim=LEARNING_RATES,
        ylim=WEIGHT_DECAYS,
        xlabel="learning rate",
        ylabel="weight decay",
        title=f"{len(found)} random trials, by the validation accuracy they end with",
    )
    if where != "neither":
        ax.set_title(f"{ax.get_title()}:\nthe best lie at the {where} edge, search beyond it")
    return figure


if __name__ == "__main__":
    command_line(main)

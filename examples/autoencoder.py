"""Handwritten digits through a bottleneck of two numbers: a map of all digits, drawn by a network that saw no labels.

A convolutional encoder makes two numbers of an image's 784 pixels; a decoder of transposed convolutions draws the
image again from these two. The mean square of a held-out pixel's error is 0.039. Principal component analysis (PCA),
the best that is linear, has 0.056 with two components, and takes seven or eight to be as good.

A batch normalization without scale and shift closes the encoder: codes have mean 0 and variance 1, so that the map
is about the origin, and what lies between the digits on it can be decoded as well.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from common import batches, command_line, progress, pyplot, save_figure, setup
from data import load_mnist

import tinygrad_lite as tg
from tinygrad_lite import nn, optim

CODE = 2  # numbers that are left of an image
REACH = 2.5  # the plane is shown from -REACH to REACH


class Autoencoder(nn.Module):
    """Images (B, 1, 28, 28) to codes (B, 2), and back."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, padding=1),  # (B, 8, 14, 14)
            nn.GELU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1),  # (B, 16, 7, 7)
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(784, 256),
            nn.GELU(),
            nn.Linear(256, 64),
            nn.GELU(),
            nn.Linear(64, CODE),
            nn.BatchNorm1d(CODE, affine=False),
        )
        self.decoder = nn.Sequential(
            nn.Linear(CODE, 64),
            nn.GELU(),
            nn.Linear(64, 256),
            nn.GELU(),
            nn.Linear(256, 784),
            nn.GELU(),
            nn.Unflatten(1, (16, 7, 7)),
            nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1),  # (B, 8, 14, 14)
            nn.GELU(),
            nn.ConvTranspose2d(8, 1, 4, stride=2, padding=1),  # (B, 1, 28, 28)
            nn.Sigmoid(),
        )

    def forward(self, x: tg.Tensor) -> tg.Tensor:
        return self.decoder(self.encoder(x))


def evaluate(model: Autoencoder, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """The codes of the images, what the decoder makes of them, and the mean square of a pixel's error."""
    model.eval()
    with tg.no_grad():
        codes = model.encoder(tg.tensor(x))
        drawn = model.decoder(codes)
    model.train()
    return codes.numpy(), drawn.numpy(), nn.functional.mse_loss(drawn, tg.tensor(x)).item()


def pca(x_train: np.ndarray, x_test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Principal components of some images, applied to others.

    Returns
    -------
    drawn : array, shape of `x_test`
        What the first CODE components leave of the images.
    errors : array, (784,)
        The mean square of a pixel's error with 1, 2, ... components.
    """
    x, y = (images.reshape(len(images), -1) for images in (x_train, x_test))
    mean = x.mean(axis=0)
    _, _, components = (part.numpy() for part in tg.linalg.svd(tg.tensor(x - mean), full_matrices=False))
    codes = (y - mean) @ components.T  # (N, 784)
    drawn = mean + codes[:, :CODE] @ components[:CODE]
    explained = np.square(codes, dtype=np.float64).sum(axis=0) / y.size
    return drawn.reshape(x_test.shape), np.square(y - mean, dtype=np.float64).mean() - np.cumsum(explained)


def main(
    steps: int = 2000, seed: int = 0, out: str = "out", backend: str | None = None, data: str | None = None,
    batch_size: int = 128, lr: float = 3e-3,
) -> dict:  # fmt: skip
    rng = setup(seed, backend)
    (x_train, _), (x_test, t_test) = load_mnist(flatten=False, folder=data)  # the labels only colour the map
    print(f"{len(x_train)} digits to learn from, {len(x_test)} held out")
    print("update  error in training  held out")

    model = Autoencoder()
    mse = nn.MSELoss()
    adam = optim.Adam(model.parameters(), lr=optim.schedules.one_cycle(lr, steps))
    errors, start, every = [], time.perf_counter(), max(1, steps // 10)
    bar = progress(batches(len(x_train), batch_size, steps, rng), "training")
    for step, batch in enumerate(bar, 1):
        x = tg.tensor(x_train[batch])
        loss = mse(model(x), x)
        adam.zero_grad()
        loss.backward()
        adam.step()
        errors.append(loss.item())

        if step % every == 0 or step == steps:
            codes, drawn, error = evaluate(model, x_test)
            bar.write(f"{step:6}{np.mean(errors[-every:]):19.4f}{error:10.4f}")
    seconds = time.perf_counter() - start

    drawn_linearly, linear = pca(x_train, x_test)
    as_good = int((linear > error).sum()) + 1
    print(f"mean square error of a held-out pixel: {error:.4f}, {seconds:.1f} s")
    print(f"PCA with {CODE} components: {linear[CODE - 1]:.4f}; it needs {as_good} to be as good")
    rows = {"held out": x_test, f"{CODE} numbers": drawn, f"PCA, {CODE}": drawn_linearly}
    save_figure(draw(model, codes, t_test, rows, error, linear), out, "autoencoder")
    return {"error": error, "pca": linear, "components": as_good, "codes": codes, "model": model}


# --- the figure -------------------------------------------------------------------------------------------------------


def draw(
    model: Autoencoder, codes: np.ndarray, t: np.ndarray, rows: dict[str, np.ndarray], error: float, linear: np.ndarray
):  # fmt: skip
    figure = pyplot().figure(figsize=(14, 11.2))
    top, bottom = figure.subfigures(2, 1, height_ratios=(7.6, 3.4))
    left, right = top.subplots(1, 2)
    draw_map(left, codes, t)
    right.imshow(decoded_plane(model), cmap="Greys", extent=(-REACH, REACH, -REACH, REACH))
    right.set(title="What the decoder draws from the same plane", xlabel="first number", ylabel="second number")
    right.grid(False)

    left, right = bottom.subplots(1, 2, width_ratios=(10, 4.5))
    first = [np.flatnonzero(t == digit)[0] for digit in range(10)]
    left.imshow(tiled(np.stack([images[first, 0] for images in rows.values()])), cmap="Greys", vmin=0, vmax=1)
    left.set(title="The first held-out digit of each kind, and what is left of it", xticks=[])
    left.set_yticks(28 * np.arange(len(rows)) + 13.5, list(rows))
    left.grid(False)
    left.tick_params(length=0)
    left.spines[:].set_visible(False)
    draw_errors(right, error, linear[:12])
    return figure


def draw_map(ax: Any, codes: np.ndarray, t: np.ndarray) -> None:
    """The held-out digits where the encoder puts them; each digit's colour is named at the median of its places."""
    for digit in range(10):
        places = codes[t == digit]
        colour = f"C{digit}"
        ax.plot(*places.T, ".", ms=4, alpha=0.6, color=colour)
        ax.text(
            *np.median(places, axis=0), digit, size=16, weight="bold", ha="center", va="center", color=colour,
            bbox={"facecolor": "white", "edgecolor": colour, "alpha": 0.9, "boxstyle": "round,pad=0.15"},
        )  # fmt: skip
    ax.set(title=f"Where {len(t)} held-out digits lie", xlabel="first number", ylabel="second number")
    ax.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal")


def draw_errors(ax: Any, error: float, linear: np.ndarray) -> None:
    ax.plot(np.arange(1, len(linear) + 1), linear, "o-", color="tab:grey", label="PCA")
    ax.plot(CODE, error, "*", ms=16, color="tab:red", label=f"this network: {error:.4f}")
    ax.axhline(error, color="tab:red", ls=":")
    ax.set(title="Error held out", xlabel="numbers for an image", ylabel="mean square of a pixel", ylim=(0, None))
    ax.legend(loc="lower left")


def decoded_plane(model: Autoencoder, n: int = 20) -> np.ndarray:
    """The images (28 n, 28 n) that are decoded from the centres of n x n equal squares of the plane, y upwards."""
    centres = REACH * ((2 * np.arange(n, dtype=np.float32) + 1) / n - 1)
    places = np.stack(np.meshgrid(centres, centres[::-1]), axis=-1)  # (n, n, 2)
    with tg.no_grad():
        images = model.decoder(tg.tensor(places.reshape(-1, CODE)))
    return tiled(images.numpy().reshape(n, n, 28, 28))


def tiled(images: np.ndarray) -> np.ndarray:
    """Images (rows, columns, height, width) side by side, as one (rows height, columns width)."""
    rows, columns, height, width = images.shape
    return images.swapaxes(1, 2).reshape(rows * height, columns * width)


if __name__ == "__main__":
    command_line(main)

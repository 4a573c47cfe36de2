"""Seven optimizers on f(x, y) = x^2/20 + y^2, a long narrow valley, from (-7, 2).

The gradient hardly ever points at the minimum. Gradient descent therefore zigzags across the valley, momentum
swings through it, and a step size for each coordinate makes the path turn into it. Adadelta, which has no learning
rate, begins with steps of ten times its eps of 1e-6, and has hardly left its start after 30.
"""

from __future__ import annotations

import numpy as np
from common import command_line, progress, pyplot, save_figure, setup

import tinygrad_lite as tg
from tinygrad_lite import optim

START = {"x": -7.0, "y": 2.0}
OPTIMIZERS = {
    "SGD": lambda: optim.textbook.SGD(lr=0.95),
    "Momentum": lambda: optim.textbook.Momentum(lr=0.1),
    "Nesterov": lambda: optim.textbook.Nesterov(lr=0.1),
    "AdaGrad": lambda: optim.textbook.AdaGrad(lr=1.5),
    "RMSProp": lambda: optim.textbook.RMSProp(lr=0.01, decay_rate=0.99),
    "Adadelta": lambda: optim.textbook.Adadelta(decay=0.99),
    "Adam": lambda: optim.textbook.Adam(lr=0.3),
}
LEVELS = (0.05, 0.2, 0.6, 1.5, 3, 5, 8, 12)


def f(x, y):
    return x**2 / 20 + y**2


def gradient(x, y) -> list:
    """The slopes of f at points, in float64."""
    point = [tg.tensor(np.asarray(v, np.float64), requires_grad=True) for v in (x, y)]
    return [slope.numpy() for slope in tg.autograd.grad(f(*point).sum(), point)]


def descend(optimizer, steps: int) -> np.ndarray:
    """All points visited, the start among them: shape (steps + 1, 2)."""
    params = dict(START)
    path = [tuple(params.values())]
    for _ in range(steps):
        optimizer.update(params, dict(zip(params, gradient(**params))))
        path.append(tuple(params.values()))
    return np.array(path)


def main(steps: int = 30, seed: int = 0, out: str = "out", backend: str | None = None, later: int = 1000) -> dict:
    setup(seed, backend)  # nothing here is random
    paths = {name: descend(make(), max(steps, later)) for name, make in progress(OPTIMIZERS.items(), "optimizers")}
    print(f"{'':10}{f'after {steps - 1} updates: x':>23}{'y':>20}{f'f after {steps}':>16}{f'after {later}':>14}")
    for name, path in paths.items():
        (x, y), end, last = path[steps - 1], path[steps], path[later]
        print(f"{name:10}{x:23.12f}{y:20.12g}{f(*end):16.2g}{f(*last):14.2g}")
    save_figure(draw(paths, steps, later), out, "optimizer_trajectories")
    return {"paths": {name: path[: steps + 1] for name, path in paths.items()}}


def draw(paths: dict[str, np.ndarray], steps: int, later: int):
    figure = pyplot().figure(figsize=(14, 10))
    draw_surface(figure.add_subplot(3, 3, 1, projection="3d"))
    draw_field(figure.add_subplot(3, 3, 2))
    x, y = np.meshgrid(np.linspace(-9, 5, 141), np.linspace(-3, 3, 61))
    for place, (name, path) in enumerate(paths.items(), 3):
        ax = figure.add_subplot(3, 3, place)
        ax.contour(x, y, f(x, y), levels=LEVELS, cmap="Greys_r", vmax=12, linewidths=0.8)
        ax.plot(*path[: later + 1].T, color="tab:blue", lw=1, label=f"to update {later}")
        ax.plot(*path[: steps + 1].T, "o-", color="tab:red", ms=4, lw=1.2, label=f"{steps} updates")
        ax.plot(0, 0, "k+", ms=12, mew=2)
        ax.set(title=f"{name}: f = {f(*path[steps]):.2g} after {steps}", xlabel="x", ylabel="y")
        ax.set(xlim=(-9, 5), ylim=(-3, 3))
        ax.grid(False)
    figure.axes[2].legend(loc="lower right", frameon=True)
    return figure


def draw_surface(ax) -> None:
    x, y = np.meshgrid(np.linspace(-10, 10, 101), np.linspace(-10, 10, 101))
    ax.plot_surface(x, y, f(x, y), cmap="summer", alpha=0.9)
    ax.contour(x, y, f(x, y), levels=10, colors="black", linewidths=0.7, offset=-40)
    ax.set(title="f(x, y) = x²/20 + y²", xlabel="x", ylabel="y", zlim=(-40, 105))
    ax.set_box_aspect((4, 4, 2.6), zoom=1.15)


def draw_field(ax) -> None:
    x, y = np.meshgrid(np.linspace(-9, 9, 19), np.linspace(-4.5, 4.5, 11))
    dx, dy = (-slope for slope in gradient(x, y))
    ax.quiver(x, y, dx, dy, np.hypot(dx, dy), cmap="Reds", clim=(-3, 9), scale=110, width=0.005)
    ax.plot(0, 0, "k+", ms=12, mew=2)
    ax.set(title="-∇f: hardly ever towards the minimum", xlabel="x", ylabel="y")


if __name__ == "__main__":
    command_line(main)

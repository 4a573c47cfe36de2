"""Seven optimizers, Momentum with two values, on f(x, y) = x^2/20 + y^2, a long narrow valley, from (-7, 2).

The gradient hardly ever points at the minimum. Gradient descent therefore zigzags across the valley, momentum
swings through it, and a step size for each coordinate makes the path turn into it. Adadelta, which has no learning
rate, begins with steps of ten times its eps of 1e-6, and has hardly left its start after 30. With a momentum of 0.95
in place of 0.9 the path swings wider, and longer. Each learning rate is chosen for its optimizer: the paths compare
ways to move, not speeds.
"""

from __future__ import annotations

import numpy as np
from common import command_line, progress, pyplot, save_figure, setup

import tinygrad_lite as tg
from tinygrad_lite import optim

START = {"x": -7.0, "y": 2.0}
OPTIMIZERS = {
    "SGD": (optim.textbook.SGD, {"lr": 0.95}),
    "Momentum 0.9": (optim.textbook.Momentum, {"lr": 0.1, "momentum": 0.9}),
    "Momentum 0.95": (optim.textbook.Momentum, {"lr": 0.1, "momentum": 0.95}),
    "Nesterov": (optim.textbook.Nesterov, {"lr": 0.1}),
    "AdaGrad": (optim.textbook.AdaGrad, {"lr": 1.5}),
    "RMSProp": (optim.textbook.RMSProp, {"lr": 0.01, "decay_rate": 0.99}),
    "Adadelta": (optim.textbook.Adadelta, {"decay": 0.99}),
    "Adam": (optim.textbook.Adam, {"lr": 0.3}),
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
    paths = {
        name: descend(kind(**options), max(steps, later))
        for name, (kind, options) in progress(OPTIMIZERS.items(), "optimizers")
    }
    print(f"{'':14}{f'after {steps - 1} updates: x':>23}{'y':>20}{f'f after {steps}':>16}{f'after {later}':>14}")
    for name, path in paths.items():
        (x, y), end, last = path[steps - 1], path[steps], path[later]
        print(f"{name:14}{x:23.12f}{y:20.12g}{f(*end):16.2g}{f(*last):14.2g}")
    save_figure(draw(paths, steps, later), out, "optimizer_trajectories")
    return {"paths": {name: path[: steps + 1] for name, path in paths.items()}}


def title(name: str) -> str:
    """The optimizer and its learning rate, where it has one."""
    options = OPTIMIZERS[name][1]
    return f"{name}, " + (f"lr {options['lr']:g}" if "lr" in options else "no learning rate")


def draw(paths: dict[str, np.ndarray], steps: int, later: int):
    figure = pyplot().figure(figsize=(20, 7.6))
    draw_surface(figure.add_subplot(2, 5, 1, projection="3d"))
    draw_field(figure.add_subplot(2, 5, 6))
    places = [2, 3, 4, 5, 7, 8, 9, 10]
    for place, (name, path) in zip(places, paths.items(), strict=True):
        ax = figure.add_subplot(2, 5, place)
        draw_contours(ax, 5)
        ax.plot(*path[: later + 1].T, color="tab:blue", lw=1, label=f"to update {later}")
        ax.plot(*path[: steps + 1].T, "o-", color="tab:red", ms=4, lw=1.2, label=f"{steps} updates")
        ax.set(title=f"{title(name)}: f = {f(*path[steps]):.2g}", xlabel="x", ylabel="y")
    figure.axes[2].legend(loc="lower right", frameon=True)
    figure.suptitle(f"{steps} updates from (-7, 2) in a long narrow valley")
    return figure


def draw_contours(ax, right: float) -> None:
    x, y = np.meshgrid(np.linspace(-9, right, 141), np.linspace(-3, 3, 61))
    ax.contour(x, y, f(x, y), levels=LEVELS, cmap="Greys_r", vmax=12, linewidths=0.8)
    ax.plot(0, 0, "k+", ms=12, mew=2)
    ax.set(xlim=(-9, right), ylim=(-3, 3))
    ax.grid(False)


def draw_surface(ax) -> None:
    """Cut at one height, so that what is left is a bowl, and its contours are whole ellipses and no stripes."""
    radius, angle = np.meshgrid(np.linspace(0, 1, 30), np.linspace(0, 2 * np.pi, 90))
    top = 5.0
    x, y = radius * np.sqrt(20 * top) * np.cos(angle), radius * np.sqrt(top) * np.sin(angle)
    ax.plot_surface(x, y, f(x, y), cmap="summer", alpha=0.9, rcount=30, ccount=90)
    ax.contour(
        x, y, f(x, y), levels=[level for level in LEVELS if level < top], colors="black", linewidths=0.7, offset=-4
    )
    ax.set(title="f(x, y) = x²/20 + y²", xlabel="x", ylabel="y", ylim=(-5, 5), zlim=(-4, top))
    ax.set_box_aspect((4, 2.6, 2.6), zoom=1.1)


def draw_field(ax) -> None:
    """Where the arrows of the text would be one stripe beside the other: directions only, and the way to go."""
    draw_contours(ax, 9)
    x, y = np.meshgrid(np.linspace(-7.5, 7.5, 7), np.array([-2.5, -1.6, -0.7, 0.7, 1.6, 2.5]))
    for (dx, dy), colour, label in (((-x, -y), "silver", "to the minimum"), (gradient(-x, -y), "tab:red", "-∇f")):
        length = np.hypot(dx, dy)
        ax.quiver(x, y, dx / length, dy / length, color=colour, angles="xy", scale=16, width=0.006, label=label)
    ax.legend(loc="upper right", ncols=2, frameon=True, fontsize=8)
    ax.set(title="-∇f hardly ever points at the minimum", xlabel="x", ylabel="y")


if __name__ == "__main__":
    command_line(main)

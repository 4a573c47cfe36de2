"""What momentum carries a path across, and how long the steps of Adagrad and RMSProp stay.

Where the slope is zero plain gradient descent stops, be it a minimum, a saddle or a dip on the way; momentum, which
adds the last steps up, goes on.

- A dip: f(x) = x^2/8 + cos(3 x)/2, from 4. Plain descent ends in the first of three minima, momentum in the lowest.
- A saddle: f(x) = x^4/4 + x^3/3, from 1.5, which is flat at 0 and goes on down to its minimum at -1. Plain descent
  creeps up to 0 by ever smaller steps and stays; momentum does not notice. Both have the same real learning rate.
- The sum of the last steps: v = g1 + g g2 + g^2 g3 + ..., the weights of which add up to 1 / (1 - g). So the real
  learning rate is lr / (1 - g): a constant slope moves the parameter by that much. The last 1 / (1 - g) steps have
  1 - g^(1 / (1 - g)) of all the weight: 0.651 for g = 0.9, ten steps.
- On a slope of 1 that never ends Adagrad's k-th step is lr / sqrt(k), since it divides by the root of the sum of all
  squares: a hundred steps later it has nearly stopped. RMSProp forgets old squares; its steps come to rest at lr.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from common import command_line, pyplot, save_figure, setup

import tinygrad_lite as tg
from tinygrad_lite import optim

LR, MOMENTUM = 0.02, 0.9
REAL = LR / (1 - MOMENTUM)  # the learning rate with which plain descent goes as far as momentum on a constant slope


PLACES = {  # name -> f, where it begins, what is drawn of it
    "dip": (lambda x: x * x / 8 + np.cos(3 * x) / 2, 4.0, (-4.6, 4.6)),
    "saddle": (lambda x: x**4 / 4 + x**3 / 3, 1.5, (-1.6, 1.6)),
}


def descend(optimizer: optim.Optimizer, f: Callable, start: float, steps: int) -> np.ndarray:
    """All points visited, the start among them: shape (steps + 1,)."""
    point, path = {"x": start}, [start]
    for _ in range(steps):
        x = tg.tensor(point["x"], dtype=tg.float64, requires_grad=True)
        f(x).backward()
        optimizer.update(point, {"x": x.grad.item()})
        path.append(point["x"])
    return np.array(path)


def weights(momentum: float, steps: int) -> np.ndarray:
    """How much each of the last steps counts, the latest first; all that ever were add up to 1."""
    return (1 - momentum) * momentum ** np.arange(steps)


def main(steps: int = 400, seed: int = 0, out: str = "out", backend: str | None = None) -> dict:
    setup(seed, backend)  # nothing here is random
    kinds = {
        "plain descent": lambda: optim.textbook.SGD(lr=REAL),
        "momentum": lambda: optim.textbook.Momentum(lr=LR, momentum=MOMENTUM),
    }
    paths = {
        place: {name: descend(make(), f, start, steps) for name, make in kinds.items()}
        for place, (f, start, _) in PLACES.items()
    }
    slope = {
        "plain, lr": optim.textbook.SGD(lr=LR),
        "momentum, lr": optim.textbook.Momentum(lr=LR, momentum=MOMENTUM),
        "Adagrad": optim.textbook.AdaGrad(lr=LR),
        "RMSProp": optim.textbook.RMSProp(lr=LR, decay_rate=0.99),
    }
    lengths = {name: -np.diff(descend(o, lambda x: x, 0.0, steps)) for name, o in slope.items()}
    recent = round(1 / (1 - MOMENTUM))
    share = float(weights(MOMENTUM, recent).sum())

    print(f"after {steps} updates" + "".join(f"{place + ': x':>14}{'f':>9}" for place in PLACES))
    for name in kinds:
        ends = [(paths[place][name][-1], f) for place, (f, *_) in PLACES.items()]
        print(f"{name:17}" + "".join(f"{x:14.3f}{f(x):9.3f}" for x, f in ends))
    print(f"\nthe last {recent} of all steps have {share:.3f} of the weight for momentum {MOMENTUM}")
    print(f"\nlength of step{'1':>12}{'10':>9}{'100':>9}{steps:>9}   on a constant slope of 1")
    for name, length in lengths.items():
        print(f"{name:14}" + "".join(f"{length[min(k, steps) - 1]:9.4f}" for k in (1, 10, 100, steps)))
    print(f"lr {LR}, real learning rate of momentum lr / (1 - {MOMENTUM}) = {REAL:.2f}")
    save_figure(draw(paths, lengths, share), out, "momentum_and_steps")
    return {"paths": paths, "lengths": lengths, "share": share}


def draw(paths: dict, lengths: dict, share: float):
    figure, axes = pyplot().subplots(2, 2, figsize=(13, 9))
    for ax, place in zip(axes[0], PLACES):
        draw_place(ax, place, paths[place])
    axes[0, 0].set_title("A local minimum: plain descent stays, momentum crosses it")
    axes[0, 1].set_title("A saddle: plain descent stays, momentum crosses it")
    counts = np.arange(1, 41)
    recent = round(1 / (1 - MOMENTUM))
    axes[1, 0].bar(counts, weights(MOMENTUM, 40), color=np.where(counts <= recent, "tab:blue", "lightgrey"))
    axes[1, 0].set(title=f"Momentum {MOMENTUM}: the last {recent} steps have {share:.1%} of the weight")
    axes[1, 0].set(xlabel="steps ago", ylabel="weight of that step's gradient")
    for name, length in lengths.items():
        axes[1, 1].loglog(np.arange(1, len(length) + 1), length, lw=2, label=name)
    for value, text in ((LR, "lr"), (REAL, f"lr / (1 - {MOMENTUM}), the real learning rate")):
        axes[1, 1].axhline(value, color="black", ls=":", lw=1)
        axes[1, 1].text(len(length), value * 1.06, text, ha="right", fontsize=9)
    axes[1, 1].set(title="On a constant slope of 1", xlabel="step", ylabel="its length")
    axes[1, 1].legend()
    return figure


def draw_place(ax, place: str, paths: dict[str, np.ndarray]) -> None:
    """The curve once for each path, one above the other, or they would hide each other."""
    f, _, window = PLACES[place]
    x = np.linspace(*window, 400)
    gap = 0.3 * np.ptp(f(x))
    for height, colour, (name, path) in zip((gap, 0.0), ("tab:orange", "tab:blue"), paths.items()):
        ax.plot(x, f(x) + height, color="silver", lw=1)
        ax.plot(
            path, f(path) + height, ".-", color=colour, ms=5, lw=0.8, label=f"{name}, at last at x = {path[-1]:.2f}"
        )
        ax.plot(path[-1], f(path[-1]) + height, "o", color=colour, ms=10)
    ax.set(xlabel="x", ylabel="f", yticks=[])
    ax.legend(loc="upper center")


if __name__ == "__main__":
    command_line(main)

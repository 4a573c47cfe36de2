"""Whole training steps: eager, recorded by `tg.compile`, and PyTorch's, taking turns in one process.

    python examples/benchmark_compile.py --threads 1 --only chain

Each program is written once, for any library that has PyTorch's names. Printed are the times of one step, the lower
quartile of blocks that take turns, and ratios; before anything is timed, 20 recorded steps are compared with 20 eager
ones, bit by bit. With ``--others`` torch.compile runs as well, which needs a C++ compiler and some time.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Step = Callable[[], Any]
PROGRAMS: dict[str, Callable[[Any, Any], tuple[Any, Step]]] = {}


def program(name: str) -> Callable[[Any], Any]:
    """Register what makes (tensors to compare, step) from a library and random numbers."""

    def add(make: Any) -> Any:
        PROGRAMS[name] = make
        return make

    return add


def numbers(T: Any, rng: Any, *shape: int) -> Any:
    return T.tensor(rng.standard_normal(shape).astype("f"))


def training(T: Any, net: Any, optimizer: Any, loss_of: Callable[[], Any]) -> tuple[Any, Step]:
    """One step of an optimizer."""

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        return loss

    return net, step


def layers(T: Any, sizes: list[int], between: str) -> Any:
    """Linear layers with an activation between them."""
    made: list[Any] = []
    for a, b in zip(sizes, sizes[1:]):
        made += [T.nn.Linear(a, b), getattr(T.nn, between)()]
    return T.nn.Sequential(*made[:-1])


@program("chain of 20 operations on 10 elements")
def chain(T: Any, rng: Any) -> tuple[Any, Step]:
    a, b = (numbers(T, rng, 10).requires_grad_() for _ in range(2))

    def step() -> Any:
        a.grad = b.grad = None
        x = a
        for _ in range(5):
            x = T.relu(x * b + a) - b
        loss = x.sum()
        loss.backward()
        return loss

    return [a, b], step


@program("tanh layers 8-16-16-1, batch of 64, Adam")
def tanh_layers(T: Any, rng: Any) -> tuple[Any, Step]:
    net, x, y = layers(T, [8, 16, 16, 1], "Tanh"), numbers(T, rng, 64, 8), numbers(T, rng, 64, 1)
    return training(T, net, T.optim.Adam(net.parameters()), lambda: T.nn.functional.mse_loss(net(x), y))


@program("layers 784-100x4-10, batch of 128, Adam")
def digits(T: Any, rng: Any) -> tuple[Any, Step]:
    net, x = layers(T, [784, 100, 100, 100, 100, 10], "ReLU"), numbers(T, rng, 128, 784)
    y = T.tensor(rng.integers(0, 10, 128))
    return training(T, net, T.optim.Adam(net.parameters()), lambda: T.nn.functional.cross_entropy(net(x), y))


@program("Q-network of 4-32-2, batch of 64")
def q_network(T: Any, rng: Any) -> tuple[Any, Step]:
    net, old = layers(T, [4, 32, 2], "ReLU"), layers(T, [4, 32, 2], "ReLU")
    now, after, chosen = numbers(T, rng, 64, 4), numbers(T, rng, 64, 4), T.tensor(rng.integers(0, 2, (64, 1)))

    def loss_of() -> Any:
        with T.no_grad():
            target = 0.99 * old(after).amax(1)
        return T.nn.functional.smooth_l1_loss(net(now).gather(1, chosen).squeeze(1), target)

    return training(T, net, T.optim.Adam(net.parameters()), loss_of)


@program("physics-informed layers, second derivatives")
def physics(T: Any, rng: Any) -> tuple[Any, Step]:
    net, points = layers(T, [2, 20, 20, 20, 1], "Tanh"), numbers(T, rng, 64, 2)

    def loss_of() -> Any:
        x = points.detach().requires_grad_()
        u = net(x)
        (first,) = T.autograd.grad(u.sum(), x, create_graph=True)
        (second,) = T.autograd.grad(first[:, 0].sum(), x, create_graph=True)
        return (first[:, 1] - second[:, 0] + u[:, 0] * u[:, 0]).square().mean()

    return training(T, net, T.optim.Adam(net.parameters()), loss_of)


@program("neural differential equation, 10 steps of Runge-Kutta")
def equation(T: Any, rng: Any) -> tuple[Any, Step]:
    net, start, end, h = layers(T, [2, 16, 2], "Tanh"), numbers(T, rng, 32, 2), numbers(T, rng, 32, 2), 0.1

    def loss_of() -> Any:
        x = start
        for _ in range(10):
            a = net(x)
            b = net(x + h / 2 * a)
            c = net(x + h / 2 * b)
            x = x + h / 6 * (a + 2 * b + 2 * c + net(x + h * c))
        return T.nn.functional.mse_loss(x, end)

    return training(T, net, T.optim.Adam(net.parameters()), loss_of)


@program("LSTM cells in a Python loop of 20")
def cells(T: Any, rng: Any) -> tuple[Any, Step]:
    net = T.nn.ModuleList([T.nn.LSTMCell(16, 32), T.nn.Linear(32, 4)])
    x, y = numbers(T, rng, 8, 20, 16), numbers(T, rng, 8, 4)

    def loss_of() -> Any:
        h, c = T.zeros(8, 32), T.zeros(8, 32)
        for t in range(20):
            h, c = net[0](x[:, t], (h, c))
        return T.nn.functional.mse_loss(net[1](h), y)

    return training(T, net, T.optim.Adam(net.parameters()), loss_of)


@program("variational autoencoder 784-64-8")
def autoencoder(T: Any, rng: Any) -> tuple[Any, Step]:
    net = T.nn.ModuleList([layers(T, [784, 64, 16], "ReLU"), layers(T, [8, 64, 784], "ReLU")])
    x = T.tensor((rng.random((32, 784)) > 0.5).astype("f"))

    def loss_of() -> Any:
        mean, spread = net[0](x).chunk(2, 1)
        made = net[1](mean + T.randn_like(mean) * (0.5 * spread).exp())
        likely = T.nn.functional.binary_cross_entropy_with_logits(made, x, reduction="sum")
        return likely - 0.5 * (1 + spread - mean * mean - spread.exp()).sum()

    return training(T, net, T.optim.Adam(net.parameters()), loss_of)


@program("encoder of 2 layers, width 64, batch of 8 x 16")
def encoder(T: Any, rng: Any) -> tuple[Any, Step]:
    layer = T.nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True)
    net, x, y = T.nn.TransformerEncoder(layer, 2), numbers(T, rng, 8, 16, 64), numbers(T, rng, 8, 16, 64)
    return training(T, net, T.optim.Adam(net.parameters()), lambda: T.nn.functional.mse_loss(net(x), y))


@program("convolutions 1-8-16, batch of 16 x 28 x 28")
def images(T: Any, rng: Any) -> tuple[Any, Step]:
    nn = T.nn
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
                        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                        nn.Linear(784, 10))  # fmt: skip
    x, y = numbers(T, rng, 16, 1, 28, 28), T.tensor(rng.integers(0, 10, 16))
    return training(T, net, T.optim.SGD(net.parameters(), lr=0.1), lambda: nn.functional.cross_entropy(net(x), y))


def prepared(library: str, name: str) -> tuple[Any, Step]:
    """A program of a library, the same numbers each time."""
    T, np = importlib.import_module(library), importlib.import_module("numpy")
    T.manual_seed(0)
    return PROGRAMS[name](T, np.random.default_rng(0))


def equal(name: str, steps: int = 20) -> bool:
    """Whether recorded steps give the bits of eager ones: losses, parameters and gradients."""
    tg: Any = importlib.import_module("tinygrad_lite")
    found = []
    for recorded in (False, True):
        held, step = prepared("tinygrad_lite", name)
        call = tg.compile(step, fullgraph=True) if recorded else step
        losses = [call()._data.tobytes() for _ in range(steps)]
        tensors = held if isinstance(held, list) else list(held.parameters())
        found.append((losses, [(t._data.tobytes(), t.grad._data.tobytes()) for t in tensors]))
    return found[0] == found[1]


def measured(runs: dict[str, Step], rounds: int, seconds: float) -> dict[str, float]:
    """The lower quartile of each one's blocks, which take turns."""
    counts, times = {}, {name: list[float]() for name in runs}
    for name, run in runs.items():
        for _ in range(4):
            run()
        start = time.perf_counter()
        run()
        counts[name] = max(1, math.ceil(seconds / (time.perf_counter() - start)))
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            for _ in range(counts[name]):
                run()
            times[name].append((time.perf_counter() - start) / counts[name])
    return {name: sorted(found)[len(found) // 4] for name, found in times.items()}


def main(
    rounds: int = 9,
    seconds: float = 0.1,
    only: str = "",
    others: bool = False,
    threads: int = 1,
    out: str | None = None,
) -> dict[str, Any]:
    """Measure and print; returns, by program, seconds and whether the bits are equal."""
    tg: Any = importlib.import_module("tinygrad_lite")
    torch: Any = importlib.import_module("torch") if importlib.util.find_spec("torch") else None
    if torch is not None:
        torch.set_num_threads(threads)
    results: dict[str, Any] = {}
    print(f"{'microseconds of a step':<56}{'eager':>9}{'recorded':>9}{'PyTorch':>9}   recorded / eager, / PyTorch")
    for name in [name for name in PROGRAMS if only in name]:
        runs = {"eager": prepared("tinygrad_lite", name)[1]}
        runs["recorded"] = tg.compile(prepared("tinygrad_lite", name)[1], fullgraph=True)
        if torch is not None:
            runs["torch"] = prepared("torch", name)[1]
            if others:
                runs["torch.compile"] = torch.compile(prepared("torch", name)[1])
        bits = equal(name)
        row = measured(runs, rounds, seconds)
        results[name] = {"equal": bits, **row}
        theirs = row.get("torch", math.nan)
        more = f"   torch.compile {row['torch.compile'] * 1e6:.0f}" if others else ""
        print(f"{name:<56}{row['eager'] * 1e6:>9.1f}{row['recorded'] * 1e6:>9.1f}{theirs * 1e6:>9.1f}"
              f"   {row['recorded'] / row['eager']:.2f}, {row['recorded'] / theirs:.2f}"
              f"{'' if bits else '   OTHER BITS'}{more}", flush=True)  # fmt: skip
    ratios = [row["recorded"] / row["torch"] for row in results.values() if "torch" in row]
    if ratios:
        print(f"geometric mean of recorded / PyTorch: {math.exp(sum(map(math.log, ratios)) / len(ratios)):.2f}")
    if out:
        Path(out).write_text(json.dumps(results, indent=1), encoding="utf-8")
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="blocks of each kind")
    parser.add_argument("--seconds", type=float, default=0.1, help="length of a block")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="", help="programs whose names contain this")
    parser.add_argument("--others", action="store_true", help="torch.compile, too")
    parser.add_argument("--out", help="write the numbers to this JSON file")
    given = parser.parse_args()
    for limit in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[limit] = str(given.threads)  # before anything is imported
    os.environ["TINYGRAD_LITE_THREADS"] = str(given.threads)
    main(given.rounds, given.seconds, given.only, given.others, given.threads, given.out)

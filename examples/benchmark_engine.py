"""The engine's speed: the same training code under tinygrad_lite, PyTorch and NumPy by hand.

See `turns` for how libraries are compared; the table shows medians, and ratios of medians.
"""

from __future__ import annotations

import importlib
import json
import os
import statistics
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import turns

SIZES = [784, 100, 100, 100, 100, 10]
TARGETS = {"100 small operations": 0.55, "MLP 8 x 64": 0.8, "MLP 784: SGD": 0.7, "MLP 784: Adam": 0.7}


# --- the work: one text for both libraries, T is the module ---------------------------------------------------------


def small_operations(T: Any, np: Any) -> Callable[[], None]:
    """Forward and backward of 100 operations on 10 elements."""
    x, w, b = (T.tensor(np.linspace(a, a + 1, 10, dtype="f"), requires_grad=True) for a in (0.1, 0.5, -0.5))
    ones = T.ones(10)

    def run() -> None:
        x.grad = w.grad = b.grad = None
        y = x
        for _ in range(20):
            y = y * w
            y = y + b
            y = y.tanh()
            y = y - x
            y = y / 1.5
        y.backward(ones)

    return run


def mlp(T: Any, np: Any, sizes: list[int], batch: int, optimizer: str | None) -> Callable[[], None]:
    """Forward and backward of a network with ReLU; with an optimizer, the whole training step."""
    rng = np.random.default_rng(0)
    layers: list[Any] = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [T.nn.Linear(inputs, outputs), T.nn.ReLU()]
    model = T.nn.Sequential(*layers[:-1])
    x = T.tensor(rng.standard_normal((batch, sizes[0]), dtype="f"))
    t = T.tensor(rng.integers(0, sizes[-1], batch))
    opt = getattr(T.optim, optimizer or "SGD")(model.parameters(), lr=1e-3)

    def run() -> None:
        opt.zero_grad()
        loss = T.nn.functional.cross_entropy(model(x), t)
        loss.backward()
        if optimizer:
            opt.step()

    return run


def mlp_by_hand(np: Any, sizes: list[int], batch: int, optimizer: str | None) -> Callable[[], None]:
    """The same in plain NumPy, backward written out: what an engine would cost if recording were free."""
    rng = np.random.default_rng(0)
    ws = [rng.standard_normal((m, n), dtype="f") * np.float32((2 / n) ** 0.5) for n, m in zip(sizes, sizes[1:])]
    params = ws + [np.zeros(m, "f") for m in sizes[1:]]
    ms, vs = [np.zeros_like(p) for p in params], [np.zeros_like(p) for p in params]
    x, t, rows = rng.standard_normal((batch, sizes[0]), dtype="f"), rng.integers(0, sizes[-1], batch), np.arange(batch)
    zero, count = np.zeros((), "f"), len(ws)
    step = 0

    def run() -> None:
        nonlocal step
        hs = [x]
        for i in range(count):
            h = np.dot(hs[-1], params[i].T)
            h += params[count + i]
            hs.append(np.maximum(h, zero, out=h) if i < count - 1 else h)
        d = np.exp(h - h.max(1, keepdims=True))
        d /= d.sum(1, keepdims=True)
        d[rows, t] -= 1
        d /= np.float32(batch)
        grads: list[Any] = [None] * (2 * count)
        for i in reversed(range(count)):
            grads[i], grads[count + i] = np.dot(d.T, hs[i]), np.add.reduce(d, axis=0)
            if i:
                d = np.dot(d, params[i])
                d *= hs[i] > zero
        step += 1
        for p, g, m, v in zip(params, grads, ms, vs):
            if optimizer == "SGD":
                p -= np.float32(1e-3) * g
            elif optimizer == "Adam":
                m += np.float32(0.1) * (g - m)
                v += np.float32(0.001) * (g * g - v)
                root = np.sqrt(v / np.float32(1 - 0.999**step)) + np.float32(1e-8)
                p -= np.float32(1e-3 / (1 - 0.9**step)) * m / root

    return run


def cases(library: str) -> dict[str, Callable[[], Callable[[], None]]]:
    """What prepares each piece of work, by name."""
    shapes = {"MLP 8 x 64": ([64] * 9, 32, None)}
    shapes |= {f"MLP 784: {optimizer}": (SIZES, 128, optimizer) for optimizer in ("SGD", "Adam")}
    np = importlib.import_module("numpy")
    if library == "numpy":
        return {name: partial(mlp_by_hand, np, *shape) for name, shape in shapes.items()}
    T = importlib.import_module(library)
    found = {name: partial(mlp, T, np, *shape) for name, shape in shapes.items()}
    return {"100 small operations": partial(small_operations, T, np), **found}


# --- memory and import ----------------------------------------------------------------------------------------------


def graph_memory() -> tuple[int, int]:
    """Bytes that the forward pass of the network keeps, and bytes of the values that its backward pass needs."""
    import tinygrad_lite as tg

    np = importlib.import_module("numpy")
    net = tg.nn.Sequential(*[m for a, b in zip(SIZES, SIZES[1:]) for m in (tg.nn.Linear(a, b), tg.nn.ReLU())][:-1])
    x, t = tg.tensor(np.zeros((128, 784), "f")), tg.tensor(np.zeros(128, "i8"))
    tg.nn.functional.cross_entropy(net(x), t)  # compiles and loads what the first call does
    given = {id(a._data) for a in (x, t, *net.parameters())}
    tracemalloc.start()
    loss = tg.nn.functional.cross_entropy(net(x), t)
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    saved: dict[int, int] = {}
    stack = [loss.grad_fn]
    while stack:
        for parent, _, values in stack.pop().edges:
            saved.update((id(v), v.nbytes) for v in values if isinstance(v, np.ndarray) and id(v) not in given)
            stack.extend(parent if isinstance(parent, tuple) else (parent,))
    return kept, sum(saved.values())


def import_seconds(module: str, times: int = 9) -> float:
    """Median time of an import in a fresh process."""
    code = f"import time; s = time.perf_counter(); import {module}; print(time.perf_counter() - s)"
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}  # an installed package is compiled
    measured = [float(subprocess.check_output([sys.executable, "-c", code], env=env)) for _ in range(times + 1)]
    return statistics.median(measured[1:])


# --- the table ------------------------------------------------------------------------------------------------------


def main(
    rounds: int = 15, seconds: float = 0.1, threads: tuple[int, ...] = (1, 2), only: str = "", out: str | None = None
) -> dict[str, Any]:
    """Measure and print; returns the times in seconds."""
    libraries = turns.libraries("numpy")
    able = {name: [lib for lib in libraries if lib != "numpy" or name.startswith("MLP")]
            for name in TARGETS if only in name}  # fmt: skip
    print(f"{'microseconds, forward + backward [+ step]':<42}" + "".join(f"{lib:>15}" for lib in libraries)
          + f"{'/ PyTorch':>12}{'goal':>8}{'/ NumPy':>10}")  # fmt: skip
    results: dict[str, Any] = {}
    for n in threads:
        found: dict[str, dict[str, float]] = {}
        for name, row in turns.measure(__file__, able, n, rounds, seconds):
            found[name] = row
            ours = row["tinygrad_lite"]
            cells = "".join(f"{row[lib] * 1e6:>15.1f}" if lib in row else f"{'':>15}" for lib in libraries)
            peer = f"{ours / row['torch']:>12.2f}{'<= ' + str(TARGETS[name]):>8}" if "torch" in row else " " * 20
            hand = f"{ours / row['numpy']:>10.2f}" if "numpy" in row else ""
            print(f"{name + f', {n} thread' + 's' * (n > 1):<42}{cells}{peer}{hand}", flush=True)
        results[f"{n} threads"] = found
    kept, needed = graph_memory()
    print(f"\nGraph of MLP 784: {kept / 1e6:.3f} MB kept, {needed / 1e6:.3f} MB needed, "
          f"ratio {kept / needed:.3f} (<= 1.1)")  # fmt: skip
    ours, plain = (import_seconds(module, min(rounds, 9)) for module in ("tinygrad_lite", "numpy"))
    print(f"Import: {ours * 1e3:.0f} ms, numpy alone {plain * 1e3:.0f} ms, ratio {ours / plain:.2f} (<= 1.5)")
    results["memory"], results["import"] = kept / needed, ours / plain
    if out:
        Path(out).write_text(json.dumps(results, indent=1), encoding="utf-8")
    return results


if __name__ == "__main__":
    turns.run(main, cases, turns.parser(__doc__, rounds=15, seconds=0.1))

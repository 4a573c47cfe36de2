"""The speed of whole training steps of small models, beside PyTorch's; and the memory they take."""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import turns

GOALS = {
    "MLP 784-100x4-10, SGD, batch 128": 0.7, "MLP 784-100x4-10, Adam, batch 128": 0.7,
    "MLP 784-1024-1024-10, Adam, batch 128": 0.7, "LeNet, Adam, batch 64": 1.0,
    "GPT 2 x 128, context 64, AdamW, batch 16": 0.95, "LSTM 64-128, 64 steps, Adam, batch 32": 0.95,
}  # fmt: skip


def mlp(T: Any, sizes: list[int]) -> Any:
    """Linear layers with ReLU between them."""
    layers: list[Any] = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [T.nn.Linear(a, b), T.nn.ReLU()]
    return T.nn.Sequential(*layers[:-1])


def lenet(T: Any) -> Any:
    """LeNet-5 with max pooling and ReLU."""
    nn = T.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def gpt(T: Any, vocabulary: int = 65, width: int = 128, depth: int = 2, heads: int = 4, context: int = 64) -> Any:
    """A small GPT: causal attention, layer norm before, GELU."""
    nn, F = T.nn, T.nn.functional

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x: Any) -> Any:
            n, t, c = x.shape
            q, k, v = self.qkv(self.before(x)).split(c, dim=2)  # (N, T, C) each
            q, k, v = (y.view(n, t, heads, c // heads).transpose(1, 2) for y in (q, k, v))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(y.transpose(1, 2).reshape(n, t, c))
            return x + self.down(F.gelu(self.up(self.after(x))))

    class GPT(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
            self.blocks = nn.Sequential(*[Block() for _ in range(depth)])
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)

        def forward(self, i: Any) -> Any:
            x = self.tokens(i) + self.places(T.arange(i.shape[1]))
            return self.head(self.norm(self.blocks(x))).reshape(-1, vocabulary)

    return GPT()


def lstm(T: Any) -> Any:
    """One LSTM layer, and a linear one on its last output."""

    class Last(T.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.head = T.nn.LSTM(64, 128, batch_first=True), T.nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            return self.head(self.lstm(x)[0][:, -1])

    return Last()


def training(T: Any, model: Any, x: Any, t: Any, optimizer: str) -> Callable[[], Any]:
    """One whole step."""
    opt = getattr(T.optim, optimizer)(model.parameters(), lr=1e-3)

    def run() -> None:
        opt.zero_grad()
        T.nn.functional.cross_entropy(model(x), t).backward()
        opt.step()

    return run


def cases(library: str) -> dict[str, Callable[[], Callable[[], Any]]]:
    """What prepares each case."""
    T, np = importlib.import_module(library), importlib.import_module("numpy")

    def prepared(build: Callable[..., Any], shape: tuple[int, ...], optimizer: str, *, tokens: bool = False) -> Any:
        def prepare() -> Callable[[], Any]:
            T.manual_seed(0)
            rng = np.random.default_rng(0)
            x = T.tensor(rng.integers(0, 65, shape) if tokens else rng.standard_normal(shape).astype("f"))
            n = shape[0] * shape[1] if tokens else shape[0]
            return training(T, build(T), x, T.tensor(rng.integers(0, 65 if tokens else 10, n)), optimizer)

        return prepare

    seeds, wide = [784, 100, 100, 100, 100, 10], [784, 1024, 1024, 10]
    work = [
        prepared(lambda T: mlp(T, seeds), (128, 784), "SGD"), prepared(lambda T: mlp(T, seeds), (128, 784), "Adam"),
        prepared(lambda T: mlp(T, wide), (128, 784), "Adam"), prepared(lenet, (64, 1, 28, 28), "Adam"),
        prepared(gpt, (16, 64), "AdamW", tokens=True), prepared(lstm, (32, 64, 64), "Adam"),
    ]  # fmt: skip
    return dict(zip(GOALS, work))


def peak_memory(library: str, name: str) -> dict[str, int]:
    """Bytes a process takes at the most in ten steps: in all, and above what it took after its imports."""
    code = (
        "import resource, sys\nimport benchmark_nn as b\n"
        f"known = b.cases({library!r})\n"
        "import numpy\nbefore = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"run = known[{name!r}]()\nfor _ in range(10): run()\n"
        "print(before * 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)"
    )
    out = subprocess.check_output([sys.executable, "-c", code], cwd=Path(__file__).parent, text=True)
    before, peak = map(int, out.split())
    return {"process": peak, "above imports": peak - before}


def show_memory(only: str) -> dict[str, Any]:
    """Measure and print what the processes take; numba is imported by the first step, PyTorch's code before it."""
    found: dict[str, Any] = {}
    head = f"{'megabytes at the peak of ten steps':<52}" + "".join(f"{lib:>15}" for lib in turns.libraries())
    for what in ("process", "above imports"):
        print(f"\n{head}{'ratio':>8}   {'of the process' if what == 'process' else what}")
        for name in [name for name in GOALS if only in name]:
            if name not in found:
                found[name] = {lib: peak_memory(lib, name) for lib in turns.libraries()}
            row = {lib: numbers[what] for lib, numbers in found[name].items()}
            ratio = row["tinygrad_lite"] / row["torch"] if row.get("torch") else float("nan")  # it may need none
            print(f"{name:<52}" + "".join(f"{row[lib] / 1e6:>15.1f}" for lib in row) + f"{ratio:>8.2f}", flush=True)
    return found


def main(
    rounds: int = 7, seconds: float = 0.3, threads: tuple[int, ...] = (1, 2), only: str = "", out: str | None = None
) -> dict[str, Any]:
    """Measure and print; returns the times in seconds, and the memory in bytes."""
    results: dict[str, Any] = {}
    for n in threads:
        results[f"{n} threads"] = turns.compare(__file__, cases, n, rounds, seconds, only, GOALS)
    results["memory"] = show_memory(only)
    if out:
        Path(out).write_text(json.dumps(results, indent=1), encoding="utf-8")
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="blocks of each kind")
    parser.add_argument("--seconds", type=float, default=0.3, help="length of a block")
    parser.add_argument("--threads", type=int, nargs="+", default=(1, 2))
    parser.add_argument("--only", default="", help="cases whose names contain this")
    parser.add_argument("--out", help="write the numbers to this JSON file")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        turns.work(cases, given.worker, given.threads[0])
    else:
        main(given.rounds, given.seconds, tuple(given.threads), given.only, given.out)

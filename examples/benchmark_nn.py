"""The speed of whole training steps of many kinds of models, beside PyTorch's; and the memory they take.

``--pools`` measures this library alone, with threads of its own kernels and of NumPy's BLAS set apart.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import turns
from benchmark_models import common, dense, images, sequences
from networks import mlp


class Row(NamedTuple):
    """A model: what makes its step, and the ratios to PyTorch that are aimed at, for one thread and for two."""

    make: Callable[[Any], Callable[[], Any]]
    goals: tuple[float, float] = (1.0, 1.0)


def classified(sizes: list[int], optimizer: str) -> Callable[[Any], Callable[[], Any]]:
    """A step of an MLP."""
    return lambda T: common.classifying(T, mlp(T, sizes), common.numbers(T, 128, sizes[0]), optimizer=optimizer)


ROWS = {
    "MLP 784-100x4-10, SGD, batch 128": Row(classified([784, 100, 100, 100, 100, 10], "SGD"), (0.7, 0.7)),
    "MLP 784-100x4-10, Adam, batch 128": Row(dense.seeds_mlp, (0.7, 0.7)),
    "MLP 784-1024-1024-10, Adam, batch 128": Row(classified([784, 1024, 1024, 10], "Adam"), (0.7, 0.7)),
    "MLP 8-16-16-1, tanh, Adam, batch 64": Row(dense.tanh_mlp),
    "MLP 784-256x2-10, batch norm, dropout, batch 256": Row(dense.mlp_batch_norm_dropout),
    "DQN 4-64-64-2, batch 64": Row(dense.dqn),
    "PINN 2-20x3-1, second derivatives, 256 points": Row(dense.pinn),
    "neural ODE 2-50-2, 20 steps of Runge-Kutta": Row(dense.neural_ode),
    "VAE 784-400-20, batch 128": Row(dense.vae),
    "GAN 64-256-512-784, batch 128": Row(dense.gan),
    "word2vec 5000 x 100, batch 512": Row(dense.word2vec),
    "GCN 64-64-7, 1000 nodes, 5000 edges": Row(dense.gcn),
    "LSTM 64-128, 64 steps, batch 32": Row(sequences.lstm, (0.95, 0.95)),
    "GRU 32-64, 20 steps, batch 32": Row(sequences.gru),
    "LSTM cells 64-128, 50 steps in Python, batch 32": Row(sequences.lstm_cells),
    "LSTM language model 2 x 256, 35 steps, batch 16": Row(sequences.lstm_language_model, (0.8, 0.75)),
    "GPT 2 x 128, context 64, AdamW, batch 16": Row(lambda T: sequences.characters(T, 128, 2, 4, 64, 16), (0.8, 0.85)),
    "GPT 4 x 384, context 64, AdamW, batch 8": Row(lambda T: sequences.characters(T, 384, 4, 6, 64, 8), (0.8, 0.55)),
    "Transformer 2 + 2 x 128, 20 words, batch 16": Row(sequences.translating),
    "encoder 4 x 256, 64 words, batch 8, inference": Row(sequences.encoding, (0.9, 0.85)),
    "ViT 4 x 192, 32 pixels, AdamW, batch 16": Row(sequences.vit, (0.65, 0.6)),
    "LeNet, Adam, batch 64": Row(images.lenet, (0.35, 0.45)),
    "CNN 32-32-64-64, 32 pixels, batch 64": Row(images.cnn, (0.6, 0.7)),
    "UNet 16-32-64, 64 pixels, batch 4": Row(images.unet, (0.6, 0.65)),
    "MobileNet, 32 pixels, batch 16": Row(lambda T: images.mobilenet(T, 32, 16), (0.8, 0.75)),
    "EfficientNet-B0, 32 pixels, batch 16": Row(lambda T: images.efficientnet(T, 32, 16), (0.85, 0.85)),
    "ResNet-18, 32 pixels, batch 16": Row(lambda T: images.resnet18(T, 32, 16), (0.8, 0.9)),
    "MobileNet, 224 pixels, batch 4": Row(lambda T: images.mobilenet(T, 224, 4), (0.8, 0.75)),
    "EfficientNet-B0, 224 pixels, batch 4": Row(lambda T: images.efficientnet(T, 224, 4), (0.85, 0.85)),
    "ResNet-18, 224 pixels, batch 4": Row(lambda T: images.resnet18(T, 224, 4), (0.75, 0.8)),
}


def cases(library: str) -> dict[str, Callable[[], Callable[[], Any]]]:
    """What prepares each case."""
    T = importlib.import_module(library)

    def prepared(row: Row) -> Callable[[], Callable[[], Any]]:
        def prepare() -> Callable[[], Any]:
            T.manual_seed(0)
            return row.make(T)

        return prepare

    return {name: prepared(row) for name, row in ROWS.items()}


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
        for name in [name for name in ROWS if only in name]:
            if name not in found:
                found[name] = {lib: peak_memory(lib, name) for lib in turns.libraries()}
            row = {lib: numbers[what] for lib, numbers in found[name].items()}
            ratio = row["tinygrad_lite"] / row["torch"] if row.get("torch") else float("nan")  # it may need none
            print(f"{name:<52}" + "".join(f"{row[lib] / 1e6:>15.1f}" for lib in row) + f"{ratio:>8.2f}", flush=True)
    return found


def main(
    rounds: int = 7, seconds: float = 0.3, threads: tuple[int, ...] = (1, 2), only: str = "", out: str | None = None,
    pools: bool = False, memory: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """Measure and print; returns the times in seconds, and the memory in bytes."""
    results: dict[str, Any] = {}
    if pools:
        results["pools"] = turns.compare_pools(__file__, cases, rounds, seconds, only)
    else:
        for n in threads:
            goals = {name: row.goals[n > 1] for name, row in ROWS.items()}
            results[f"{n} threads"] = turns.compare(__file__, cases, n, rounds, seconds, only, goals)
        if memory:
            results["memory"] = show_memory(only)
    if out:
        Path(out).write_text(json.dumps(results, indent=1), encoding="utf-8")
    return results


if __name__ == "__main__":
    parser = turns.parser(__doc__, rounds=7, seconds=0.3)
    parser.add_argument("--pools", action="store_true", help="threads of kernels and of BLAS, one or two of each")
    parser.add_argument("--no-memory", dest="memory", action="store_false", help="leave the memory out")
    turns.run(main, cases, parser)

"""Whole training steps: eager, recorded by `tg.compile`, and PyTorch's, taking turns in one process.

    python examples/benchmark_compile.py --threads 1 --only chain

The programs stand in `training_steps.py`. Printed are the times of one step, the lower quartile of blocks that take
turns, and ratios; before anything is timed, 20 recorded steps are compared with 20 eager ones, bit by bit. The floor is
the time of the matrix products alone, by NumPy, of the shapes that PyTorch's step has. With ``--others`` torch.compile
runs as well, which needs a C++ compiler and some time, and jax.jit where it is installed, for those programs that
`training_steps_jax.py` has.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import math
import os
import time
from pathlib import Path
from typing import Any

import training_steps_images  # noqa: F401  # which adds its own
from training_steps import LARGE, PROGRAMS, Step


def prepared(library: str, name: str) -> tuple[Any, Step]:
    """A program of a library, the same numbers each time."""
    T, np = importlib.import_module(library), importlib.import_module("numpy")
    T.manual_seed(0)
    return PROGRAMS[name](T, np.random.default_rng(0))


def equal(name: str, steps: int = 20) -> bool:
    """Whether recorded steps give the bits of eager ones: results, parameters and gradients."""
    tg: Any = importlib.import_module("tinygrad_lite")
    found = []
    for recorded in (False, True):
        held, step = prepared("tinygrad_lite", name)
        call = tg.compile(step, fullgraph=True) if recorded else step
        results = [call()._data.tobytes() for _ in range(steps)]
        tensors = held if isinstance(held, list) else list(held.parameters())
        found.append((results, [(t._data.tobytes(), None if t.grad is None else t.grad._data.tobytes())
                                for t in tensors]))  # fmt: skip
    return found[0] == found[1]


def products(name: str) -> Step:
    """The matrix products of a step alone, in NumPy, with the shapes that PyTorch's step has."""
    np: Any = importlib.import_module("numpy")
    modes: Any = importlib.import_module("torch.utils._python_dispatch")
    shapes: list[tuple[Any, Any]] = []

    class Shapes(modes.TorchDispatchMode):  # type: ignore[misc, name-defined]
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if function.overloadpacket.__name__ in ("mm", "addmm", "bmm", "baddbmm"):
                shapes.append(tuple(tuple(a.shape) for a in args[-2:]))
            return function(*args, **(kwargs or {}))

    step = prepared("torch", name)[1]
    with Shapes():
        step()
    pairs = [[np.ones(shape, np.float32) for shape in pair] for pair in shapes]
    pairs = [(a, b, np.empty((*a.shape[:-1], b.shape[-1]), np.float32)) for a, b in pairs]

    def run() -> None:
        for a, b, out in pairs:
            np.matmul(a, b, out)

    return run


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


def runs_of(name: str, others: bool) -> dict[str, Step]:
    """What is timed of a program."""
    tg: Any = importlib.import_module("tinygrad_lite")
    runs = {"eager": prepared("tinygrad_lite", name)[1]}
    runs["recorded"] = tg.compile(prepared("tinygrad_lite", name)[1], fullgraph=True)
    if importlib.util.find_spec("torch"):
        torch: Any = importlib.import_module("torch")
        runs["torch"] = prepared("torch", name)[1]
        runs["products"] = products(name)
        if others:
            runs["torch.compile"] = torch.compile(prepared("torch", name)[1])
    if others and importlib.util.find_spec("jax"):
        step = importlib.import_module("training_steps_jax").STEPS.get(name)
        if step is not None:
            runs["jax.jit"] = step()
    return runs


def geometric_mean(ratios: list[float]) -> float:
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else math.nan


def main(
    rounds: int = 9,
    seconds: float = 0.1,
    only: str = "",
    others: bool = False,
    threads: int = 1,
    out: str | None = None,
    skip: int = 0,
    most: int = len(PROGRAMS),
) -> dict[str, Any]:
    """Measure and print; returns, by program, seconds and whether the bits are equal."""
    native: Any = importlib.import_module("tinygrad_lite.compiler.lowering.native")
    native.wait()  # for the loop that walks over steps
    if importlib.util.find_spec("torch"):
        importlib.import_module("torch").set_num_threads(threads)
    results: dict[str, Any] = {}
    print(f"{'microseconds of a step':<56}{'eager':>9}{'recorded':>9}{'PyTorch':>9}{'products':>9}"
          "   recorded / eager, / PyTorch")  # fmt: skip
    for name in [name for name in PROGRAMS if only in name][skip : skip + most]:
        runs = runs_of(name, others)
        bits = equal(name, 6 if name in LARGE else 20)
        row = measured(runs, rounds, seconds)
        results[name] = {"equal": bits, **row}
        theirs, floor = row.get("torch", math.nan), row.get("products", math.nan)
        more = [f"{each} {row[each] * 1e6:.0f}" for each in ("torch.compile", "jax.jit") if each in row]
        print(f"{name:<56}{row['eager'] * 1e6:>9.1f}{row['recorded'] * 1e6:>9.1f}{theirs * 1e6:>9.1f}"
              f"{floor * 1e6:>9.1f}   {row['recorded'] / row['eager']:.2f}, {row['recorded'] / theirs:.2f}"
              f"{'' if bits else '   OTHER BITS'}   {', '.join(more)}", flush=True)  # fmt: skip
    for name in ("eager", "recorded"):
        ratios = [row[name] / row["torch"] for row in results.values() if "torch" in row]
        print(f"geometric mean of {name} / PyTorch: {geometric_mean(ratios):.3f} of {len(ratios)} programs")
    if out:
        Path(out).write_text(json.dumps(results, indent=1), encoding="utf-8")
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="blocks of each kind")
    parser.add_argument("--seconds", type=float, default=0.1, help="length of a block")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="", help="programs whose names contain this")
    parser.add_argument("--skip", type=int, default=0, help="leave out so many programs at first")
    parser.add_argument("--most", type=int, default=len(PROGRAMS), help="so many programs")
    parser.add_argument("--others", action="store_true", help="torch.compile and jax.jit, too")
    parser.add_argument("--out", help="write the numbers to this JSON file")
    given = parser.parse_args()
    for limit in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[limit] = str(given.threads)  # before anything is imported
    os.environ["TINYGRAD_LITE_THREADS"] = str(given.threads)
    options = {key: value for key, value in vars(given).items() if key != "threads"}
    main(**options, threads=given.threads)

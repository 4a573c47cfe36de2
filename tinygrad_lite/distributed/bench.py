"""Times of sums over ranks, of what a backward pass hides of them, and of how work scales; and what that says of nodes.

    mpiexec -n 2 python -m tinygrad_lite.distributed.bench

Each time is the median of interleaved runs. The last table is a calculation, not a measurement.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import Tensor, kernels, randn
from ..kernels.native import openblas
from .collectives import barrier
from .world import destroy_process_group, init_process_group, world

SIZES = [1 << k for k in (10, 16, 20, 24)]  # bytes
WIDTH, LAYERS, ROWS = 512, 6, 256
NODES = (8, 16, 32, 64, 128, 256)


def times(functions: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """The median time of each, in seconds, one after the other again and again; all ranks begin together."""
    found: dict[str, list[float]] = {name: [] for name in functions}
    for k in range(repeats + 2):
        for name, function in functions.items():
            barrier()
            begin = time.perf_counter()
            function()
            if k >= 2:
                found[name].append(time.perf_counter() - begin)
    return {name: float(np.median(each)) for name, each in found.items()}


def bandwidth(say: Callable[[str], None]) -> tuple[float, float]:
    """Bare sums beside the library's; latency in seconds, and bytes a second of the largest."""
    found, state = [], world("bench")
    group, comm = state.default, state.default.dup()
    all_reduce = importlib.import_module("tinygrad_lite.distributed").all_reduce
    say("\nbytes        bare Allreduce   dist.all_reduce   ratio   GB/s")
    for size in SIZES:
        bare, ours = np.ones(size // 4, np.float32), randn(size // 4)

        def plain(array: Any = bare) -> None:
            if group.size() > 1:
                comm.Allreduce(group.IN_PLACE, array)

        def library(tensor: Tensor = ours) -> None:
            all_reduce(tensor)

        t = times({"bare": plain, "ours": library}, 200 if size < 1 << 20 else 30)
        found.append(t["bare"])
        ratio = t["ours"] / max(t["bare"], 1e-9)
        say(f"{size:9}    {t['bare'] * 1e6:11.1f} us    {t['ours'] * 1e6:11.1f} us   {ratio:5.2f}   "
            f"{size / t['ours'] / 1e9:5.2f}")  # fmt: skip
    return found[0], SIZES[-1] / max(found[-1], 1e-9)


def _model() -> Any:
    nn = importlib.import_module("tinygrad_lite.nn")
    layers = [layer for _ in range(LAYERS) for layer in (nn.Linear(WIDTH, WIDTH), nn.Tanh())]
    return nn.parallel.DistributedDataParallel(nn.Sequential(*layers), bucket_cap_mb=2)


def overlap(say: Callable[[str], None]) -> tuple[float, int]:
    """What a pass hides of the sum: its time with, without, and the sum's alone. Returns a step's and the bytes."""
    model, x = _model(), randn(ROWS, WIDTH)
    for _ in range(3):  # buckets follow the order of gradients now
        model(x).square().mean().backward()

    def without() -> None:
        with model.no_sync():
            model(x).square().mean().backward()

    t = times({
        "with": lambda: model(x).square().mean().backward(),
        "without": without,
        "sum": lambda: model.reduce(1.0),
    }, 20)  # fmt: skip
    size = sum(p._data.nbytes for p in model.parameters())
    hidden = 1 - (t["with"] - t["without"]) / t["sum"]
    say(f"\n{size / 1e6:.1f} MB of gradients: pass {t['without'] * 1e3:.2f} ms, sum alone {t['sum'] * 1e3:.2f} ms, "
        f"both {t['with'] * 1e3:.2f} ms: {hidden:.0%} of the sum is hidden")  # fmt: skip
    return t["without"], size


def scaling(say: Callable[[str], None], repeats: int = 10) -> None:
    """Rows a second of all ranks against those of one."""
    state, model, x = world("bench"), _model(), randn(ROWS, WIDTH)
    optim = importlib.import_module("tinygrad_lite.optim")
    adam = optim.Adam(model.parameters())

    def step() -> None:
        model(x).square().mean().backward()
        adam.step()

    def alone() -> None:
        if state.rank == 0:
            with model.no_sync():
                step()

    t = times({"all": step, "one": alone}, repeats)
    say(f"\na step of one rank {t['one'] * 1e3:.2f} ms, of {state.size} together {t['all'] * 1e3:.2f} ms: "
        f"{state.size * t['one'] / t['all']:.2f} x the rows a second")  # fmt: skip


def calculate(say: Callable[[str], None], latency: float, speed: float, compute: float, size: int) -> None:
    """A ring's sum, ``2 (n - 1) (latency + size / (n speed))``, beside a pass that hides what it is longer than."""
    say("\na calculation, not a measurement: rings of nodes as far from each other as these ranks "
        f"({latency * 1e6:.0f} us, {speed / 1e9:.1f} GB/s)\nnodes   sum ms   efficiency")  # fmt: skip
    for n in NODES:
        total = 2 * (n - 1) * (latency + size / (n * speed))
        say(f"{n:5}   {total * 1e3:6.2f}   {compute / max(compute, total + 0.1 * compute):7.0%}")


def main() -> None:
    """Print all of it, in rank 0."""
    init_process_group()
    state = world("bench")

    def say(text: str) -> None:
        if state.rank == 0:
            print(text, flush=True)

    threads = f"{kernels.get_num_threads()} threads of loops, {openblas.get_num_threads()} of products"
    say(f"{state.size} ranks, {state.local_size} on this machine, each with {threads}")
    latency, speed = bandwidth(say)
    compute, size = overlap(say)
    scaling(say)
    calculate(say, latency, speed, compute, size)
    barrier()
    destroy_process_group()


if __name__ == "__main__":
    main()

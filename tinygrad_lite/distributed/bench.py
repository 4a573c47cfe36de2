"""Times of sums over ranks, of what a backward pass hides of them, and of how work scales; and what that says of nodes.

    mpiexec -n 2 python -m tinygrad_lite.distributed.bench

Each time is the lower quartile of interleaved runs. The last table is a calculation, not a measurement.
"""

from __future__ import annotations

import functools
import importlib
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import Tensor, kernels, randn
from ..kernels.native import openblas
from .collectives import barrier
from .world import destroy_process_group, init_process_group, new_group, world

SIZES = [1 << k for k in (10, 16, 20, 24)]  # bytes
WIDTH, LAYERS, ROWS = 512, 6, 256
NODES = (8, 16, 32, 64, 128, 256)


def times(functions: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """The lower quartile of each, in seconds, one after the other again and again; all ranks begin together."""
    found: dict[str, list[float]] = {name: [] for name in functions}
    for k in range(repeats + 2):
        for name, function in functions.items():
            barrier()
            begin = time.perf_counter()
            function()
            if k >= 2:
                found[name].append(time.perf_counter() - begin)
    return {name: float(np.quantile(each, 0.25)) for name, each in found.items()}


def ring(ranks: int, size: int, hop: float, rate: float) -> float:
    """The model: a sum goes around a ring in ``2 (ranks - 1)`` messages of ``size / ranks`` bytes."""
    return 2 * (ranks - 1) * (hop + size / (ranks * rate))


def fitted(small: float, large: float) -> tuple[float, float]:
    """A message's own time, and bytes a second, of two ranks' times for the smallest and the largest sum."""
    rate = (SIZES[-1] - SIZES[0]) / max(large - small, 1e-9)
    return max(small - SIZES[0] / rate, 0.0) / 2, rate


def bare(group: Any, array: Any) -> None:
    """MPI's own sum; where ranks share cores one that lets others have their turn while it waits."""
    if group.size() == 1:
        return
    if not group.world.shares_cores:
        group.comm.Allreduce(group.IN_PLACE, array)
        return
    request = group.comm.Iallreduce(group.IN_PLACE, array)
    while not request.Test():
        os.sched_yield()


def bandwidth(say: Callable[[str], None]) -> dict[int, float]:
    """Bare sums beside the library's; the bare ones' seconds, by size."""
    found, group = {}, world("bench").default
    all_reduce = importlib.import_module("tinygrad_lite.distributed").all_reduce
    say("\nbytes        bare Allreduce   dist.all_reduce   ratio   GB/s")
    for size in SIZES:
        plain = functools.partial(bare, group, np.ones(size // 4, np.float32))
        ours = randn(size // 4)

        def library(tensor: Tensor = ours) -> None:
            all_reduce(tensor)

        t = times({"bare": plain, "ours": library}, 200 if size < 1 << 20 else 30)
        found[size] = t["bare"]
        ratio = t["ours"] / max(t["bare"], 1e-9)
        say(f"{size:9}    {t['bare'] * 1e6:11.1f} us    {t['ours'] * 1e6:11.1f} us   {ratio:5.2f}   "
            f"{size / t['ours'] / 1e9:5.2f}")  # fmt: skip
    return found


def check_model(say: Callable[[str], None], measured: dict[int, float]) -> tuple[float, float]:
    """Fit the model to sums of two ranks, and say what it makes of other sizes, and of all ranks."""
    state = world("bench")
    of_two = measured
    if state.size > 2:
        pair, of_two = new_group([0, 1]), {}
        for size in SIZES:
            plain = functools.partial(bare, pair, np.ones(size // 4, np.float32))
            function = plain if state.rank < 2 else lambda: None
            of_two[size] = times({"pair": function}, 200 if size < 1 << 20 else 30)["pair"]
    hop, rate = fitted(of_two[SIZES[0]], of_two[SIZES[-1]])
    say(f"\na model, fitted to the ends of two ranks' line: {hop * 1e6:.1f} us a message, {rate / 1e9:.2f} GB/s\n"
        "ranks   bytes        predicted     measured      predicted / measured")  # fmt: skip
    for ranks, each in {2: of_two, state.size: measured}.items():
        for size in SIZES if state.size > 1 else ():
            predicted = ring(ranks, size, hop, rate)
            say(f"{ranks:5}   {size:9}   {predicted * 1e6:9.1f} us  {each[size] * 1e6:9.1f} us   "
                f"{predicted / each[size]:6.2f}")  # fmt: skip
    return hop, rate


def _model() -> Any:
    nn = importlib.import_module("tinygrad_lite.nn")
    layers = [layer for _ in range(LAYERS) for layer in (nn.Linear(WIDTH, WIDTH), nn.Tanh())]
    return nn.parallel.DistributedDataParallel(nn.Sequential(*layers), bucket_cap_mb=2)


class Delayed:
    """A network of given speed before MPI's: a sum has arrived when its bytes had their time, one after the other.

    Nobody computes meanwhile, as where a card moves the bytes: what is hidden then is what the order of work hides.
    """

    def __init__(self, comm: Any) -> None:
        self._comm, self.rate, self._free = comm, np.inf, 0.0

    def Iallreduce(self, where: Any, array: Any, op: Any = None) -> Any:
        """MPI's request, late."""
        self._free = max(self._free, time.perf_counter()) + array.nbytes / self.rate
        return _Late(self._comm.Iallreduce(where, array, op=op), self._free)


class _Late:
    def __init__(self, request: Any, due: float) -> None:
        self._request, self._due = request, due

    def Test(self) -> bool:
        return bool(self._request.Test()) and time.perf_counter() >= self._due


def overlap(say: Callable[[str], None], shares: tuple[float, ...] = (0.3, 0.6)) -> tuple[float, int]:
    """What a pass hides of the sum, here and over made-up networks. Returns a pass's seconds and the bytes.

    Here, the cores that compute are those that copy: hidden is what the pass with the sum is shorter than both apart.
    A network of a card's is made up before MPI, over which a sum takes a share of a pass: hidden is what it does not
    add to the pass over one that takes no time.
    """
    model, x = _model(), randn(ROWS, WIDTH)
    for _ in range(3):  # buckets follow the order of gradients now
        model(x).square().mean().backward()

    def step() -> None:
        model(x).square().mean().backward()

    def without() -> None:
        with model.no_sync():
            step()
        barrier()  # a step without a sum, too, has the time of the slowest rank

    t = times({"with": step, "without": without, "sum": lambda: model.reduce(1.0)}, 20)
    size = sum(p._data.nbytes for p in model.parameters())
    say(f"{size / 1e6:.1f} MB of gradients: pass {t['without'] * 1e3:.2f} ms, sum alone {t['sum'] * 1e3:.2f} ms, "
        f"both {t['with'] * 1e3:.2f} ms: {1 - (t['with'] - t['without']) / t['sum']:.0%} is hidden")  # fmt: skip
    network = model._reducer._comm = Delayed(model._reducer._comm)

    def over(rate: float) -> None:
        network.rate = rate
        step()

    rates = [size / (share * t["with"]) for share in shares]
    made_up = times({str(rate): functools.partial(over, rate) for rate in (np.inf, *rates)}, 30)
    for rate in rates:
        added = made_up[str(rate)] - made_up["inf"]
        say(f"over a made-up network of {rate / 1e9:.2f} GB/s, which needs no core and {size / rate * 1e3:.2f} ms: "
            f"pass {made_up['inf'] * 1e3:.2f} ms, both {made_up[str(rate)] * 1e3:.2f} ms: "
            f"{1 - added * rate / size:.0%} is hidden")  # fmt: skip
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


def calculate(say: Callable[[str], None], hop: float, rate: float, compute: float, size: int) -> None:
    """What the model makes of many nodes, beside a pass that hides what it is longer than."""
    say("\na calculation, not a measurement: rings of nodes as far from each other as two of these ranks "
        f"({hop * 1e6:.1f} us, {rate / 1e9:.2f} GB/s)\nnodes   sum ms   efficiency")  # fmt: skip
    for n in NODES:
        total = ring(n, size, hop, rate)
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
    hop, rate = check_model(say, bandwidth(say))
    say("")
    compute, size = overlap(say)
    scaling(say)
    calculate(say, hop, rate, compute, size)
    barrier()
    destroy_process_group()


if __name__ == "__main__":
    main()

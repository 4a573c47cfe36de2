"""Train a network on handwritten digits by several processes, and show that they learn what one process learns.

    mpiexec -n 4 python examples/data_parallel.py

Each rank takes its rows of every mini-batch; where they do not come out even, some ranks have one more. The gradients
are the mean over all rows, and each rank keeps its part of Adam's state. Beside it rank 0 trains the same network
alone, with the whole mini-batch: the two curves lie on each other. Without mpiexec there is one rank, and one curve.
"""

from __future__ import annotations

import copy

import numpy as np
from common import batches, command_line, pyplot, save_figure, setup
from data import load_mnist

import tinygrad_lite as tg
import tinygrad_lite.distributed as dist
from tinygrad_lite import nn, optim


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(784, 64), nn.Tanh(), nn.Linear(64, 10))


def share(batch: np.ndarray, rank: int, ranks: int) -> np.ndarray:
    """The rows of a mini-batch that a rank takes."""
    return np.array_split(batch, ranks)[rank]


def main(
    steps: int = 300, seed: int = 0, out: str = "out", backend: str | None = None, data: str | None = None,
    batch_size: int = 100, lr: float = 2e-3,
) -> dict:  # fmt: skip
    began = not dist.is_initialized()
    if began:
        dist.init_process_group()
    rank, ranks = dist.get_rank(), dist.get_world_size()
    rng = setup(seed, backend)
    (x, t), (x_test, t_test) = load_mnist(folder=data)
    model, cross_entropy = network(), nn.CrossEntropyLoss()
    alone = copy.deepcopy(model)
    parallel = nn.parallel.DistributedDataParallel(model)
    adam = optim.ZeroRedundancyOptimizer(model.parameters(), optim.Adam, lr=lr)
    adam_alone = optim.Adam(alone.parameters(), lr=lr)

    losses: dict[str, list[float]] = {"ranks": [], "alone": []}
    for batch in batches(len(x), batch_size, steps, rng):
        mine = share(batch, rank, ranks)
        loss = cross_entropy(parallel(tg.tensor(x[mine])), tg.tensor(t[mine]))
        adam.zero_grad()
        loss.backward()
        adam.step()
        total, rows = parallel.sum_over_ranks(loss.item() * len(mine), len(mine))
        losses["ranks"].append(total / rows)
        if rank == 0:
            loss = cross_entropy(alone(tg.tensor(x[batch])), tg.tensor(t[batch]))
            adam_alone.zero_grad()
            loss.backward()
            adam_alone.step()
            losses["alone"].append(loss.item())

    found: dict = {"ranks": ranks, "losses": losses["ranks"]}
    if rank == 0:
        with tg.no_grad():
            found["accuracy"] = float((model(tg.tensor(x_test)).argmax(1) == tg.tensor(t_test)).float().mean())
        found["difference"] = max(abs(a - b) / b for a, b in zip(losses["ranks"], losses["alone"]))
        print(f"{ranks} ranks, {steps} updates of {batch_size} rows")
        print(f"largest difference between the curves: {found['difference']:.1e} of the loss")
        print(f"{found['accuracy']:.1%} of the held out digits recognised")
        plt = pyplot()
        figure, axes = plt.subplots(figsize=(7, 4))
        axes.plot(losses["alone"], color="0.7", linewidth=4, label="one process, whole mini-batches")
        axes.plot(losses["ranks"], linewidth=1, label=f"{ranks} ranks")
        axes.set(xlabel="update", ylabel="loss", yscale="log", title="Several processes learn what one does")
        axes.legend()
        save_figure(figure, out, "data_parallel")
    if began:
        dist.barrier()
        dist.destroy_process_group()
    return found


if __name__ == "__main__":
    command_line(main)

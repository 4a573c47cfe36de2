"""Kill a training with SIGKILL at random moments, resume it, and compare its last bit with a run that nobody killed.

    python -m tests.kill --kills 200
    python -m tests.kill --kills 20 --ranks 2
    python -m tests.kill --soak 20000

The run has dropout, batch normalization, a shuffling loader with workers and random transforms, a schedule, clipping
and a running average. Every second kill waits until a file is being written. After each the newest checkpoint must be
whole and none may have been lost; at the end of a run the weights must be those of the undisturbed one, and no other
file may be left than those that are kept. With ranks, each kill is of one of them, and the launcher ends the others:
there the batch normalization is of all ranks, the optimizer divided, and the checkpoint in parts. The soak is the same
run for many steps, in which memory, threads, open files and files on the disk must not grow.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

import tinygrad_lite as tg
from tinygrad_lite import nn, optim, training
from tinygrad_lite.optim import swa_utils
from tinygrad_lite.utils.data import DataLoader, Dataset

KEEP, EVERY = 2, 3


class Noisy(Dataset):
    """Samples that are never the same: their noise is drawn when they are fetched."""

    def __getitem__(self, i: int) -> tuple:
        x = tg.tensor([np.sin(i), np.cos(i), i / 50], dtype=tg.float32)
        return x + 0.1 * tg.randn(3), x.sum()

    def __len__(self) -> int:
        return 50


def train(
    folder: Path, steps: int, workers: int = 2, every: int = EVERY, look: Callable[[int], None] | None = None
) -> str:
    """Train, or go on, and return a hash of everything that was learned; `look` is called after each step."""
    tg.manual_seed(1)
    model = nn.Sequential(nn.Linear(3, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 1))
    adam = optim.AdamW(model.parameters(), lr=1e-2)
    schedule = optim.lr_scheduler.OneCycleLR(adam, max_lr=3e-2, total_steps=steps + 1)
    average = swa_utils.AveragedModel(model, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.9))
    loader = DataLoader(Noisy(), batch_size=8, shuffle=True, num_workers=workers)
    checkpoint = training.Checkpoint(
        folder, model=model, optimizer=adam, scheduler=schedule, loader=loader, ema=average, keep=KEEP, every=every,
        on_sigterm=False,
    )  # fmt: skip
    checkpoint.resume()
    while checkpoint.step < steps:
        for x, t in loader:
            adam.zero_grad()
            (model(x)[:, 0] - t).square().mean().backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            adam.step()
            schedule.step()
            average.update_parameters(model)
            checkpoint.after_step()
            if look is not None:
                look(checkpoint.step)
            if checkpoint.step == steps:
                break
    checkpoint.save()
    checkpoint.wait()
    found = hashlib.sha256()
    for part in (model, average):
        for name, value in part.state_dict().items():
            found.update(name.encode() + value.numpy().tobytes())
    return found.hexdigest()


class Forked:
    """The run in a process of its own, which leaves the hash in a file beside the folder."""

    def __init__(self, folder: Path, steps: int) -> None:
        self.code: int | None = None
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # of forks beside threads: none is in the middle of work
            self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                folder.with_suffix(".hash").write_text(train(folder, steps))
                code = 0
            finally:
                os._exit(code)

    def runs(self, options: int = os.WNOHANG) -> bool:
        if self.code is None and (found := os.waitpid(self.pid, options))[0]:
            self.code = os.waitstatus_to_exitcode(found[1])
        return self.code is None

    def kill(self) -> None:
        if self.runs():
            os.kill(self.pid, signal.SIGKILL)
            self.runs(0)


def is_writing(folder: Path) -> bool:
    return folder.exists() and any(name.endswith(".tmp") for name in os.listdir(folder))


def newest(folder: Path) -> int:
    """The step of the newest checkpoint, after a look whether all of them are whole."""
    from tinygrad_lite.training import checkpoint_files as files

    there = files.steps(folder)
    for step in there:
        path = files.path_of(folder, step)
        files.read(path, files.read_head(path))
    return there[-1] if there else 0


def torment(kills: int, steps: int, seed: int) -> dict[str, int]:
    """Kill, resume and compare until it has been done so often; what went wrong is an AssertionError."""
    rng = random.Random(seed)
    home = Path(tempfile.mkdtemp())
    begin = time.monotonic()
    undisturbed = train(home / "undisturbed", steps, workers=0)  # which also compiles what the others load
    assert train(home / "again", steps) == undisturbed, "two undisturbed runs differ"
    whole = time.monotonic() - begin
    done = {"kills": 0, "while writing": 0, "runs": 0}
    while done["kills"] < kills:
        folder = home / f"run{done['runs']}"
        while True:
            before, process = newest(folder), Forked(folder, steps)
            until = time.monotonic() + rng.uniform(0, whole / 4)
            while process.runs() and (done["kills"] == kills or time.monotonic() < until):
                time.sleep(0.0005)
            while done["kills"] % 2 and process.runs() and not is_writing(folder):
                pass
            process.kill()
            assert process.code in (0, -signal.SIGKILL), f"the run ended with {process.code}"
            done["while writing"] += process.code != 0 and is_writing(folder)
            assert newest(folder) >= before, "a checkpoint was lost"
            if process.code == 0:
                break
            done["kills"] += 1
        found = folder.with_suffix(".hash").read_text()
        assert found == undisturbed, f"run {done['runs']} has learned something else"
        left = sorted(os.listdir(folder))
        assert [name[:5] for name in left] == ["step-"] * KEEP, f"stray files: {left}"
        done["runs"] += 1
    return done


# --- one of several ranks ---------------------------------------------------------------------------------------------


def train_ranks(folder: Path, steps: int) -> None:
    """Train as one of several ranks, or go on, and leave a hash beside the folder."""
    import tinygrad_lite.distributed as dist
    from tinygrad_lite.utils.data import DistributedSampler

    dist.init_process_group(timeout=300)
    rank = dist.get_rank()
    folder.with_suffix(f".{rank}").write_text(str(os.getpid()))
    tg.manual_seed(1)
    model = nn.Sequential(nn.Linear(3, 16), nn.SyncBatchNorm(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 1))
    parallel = nn.parallel.DistributedDataParallel(model)
    adam = optim.ZeroRedundancyOptimizer(model.parameters(), optim.AdamW, lr=1e-2, max_grad_norm=1.0)
    sampler = DistributedSampler(Noisy())
    loader = DataLoader(Noisy(), batch_size=4, sampler=sampler)
    checkpoint = training.Checkpoint(
        folder, model=model, optimizer=adam, loader=loader, keep=KEEP, every=EVERY, on_sigterm=False
    )
    checkpoint.resume()
    while checkpoint.step < steps:
        sampler.set_epoch(checkpoint.epoch)
        for _ in checkpoint.epochs(checkpoint.epoch + 1):
            for x, t in loader:
                adam.zero_grad()
                (parallel(x)[:, 0] - t).square().mean().backward()
                adam.step()
                checkpoint.after_step()
                if checkpoint.step == steps:
                    break
    checkpoint.save()
    checkpoint.wait()
    adam.consolidate_state_dict()
    if rank == 0:
        found = hashlib.sha256()
        for value in (*model.state_dict().values(), *(s["exp_avg"] for s in adam.state_dict()["state"].values())):
            found.update(np.asarray(value).tobytes())
        folder.with_suffix(".hash").write_text(found.hexdigest())


def torment_ranks(kills: int, steps: int, ranks: int, seed: int) -> dict[str, int]:
    """Kill one rank of several again and again, until it has been done so often."""
    from tinygrad_lite.training import checkpoint_files as files

    rng = random.Random(seed)
    home = Path(tempfile.mkdtemp())
    beside = Path(sys.executable).parent / "mpiexec"
    launcher = str(beside) if beside.exists() else "mpiexec"

    def begin(folder: Path) -> subprocess.Popen[bytes]:
        command = [launcher, "-n", str(ranks), sys.executable, "-m", "tests.kill", "--rank-of", str(folder)]
        quiet = subprocess.DEVNULL
        return subprocess.Popen([*command, "--steps", str(steps)], stdout=quiet, stderr=quiet)

    def first_file(folder: Path, process: subprocess.Popen[bytes]) -> None:
        while process.poll() is None and not files.steps(folder):  # by name: it may be gone when it would be read
            time.sleep(0.01)

    process = begin(home / "undisturbed")
    first_file(home / "undisturbed", process)
    start = time.monotonic()
    assert process.wait() == 0, "the undisturbed run has failed"
    undisturbed, whole = (home / "undisturbed.hash").read_text(), time.monotonic() - start
    done = {"kills": 0, "runs": 0}
    while done["kills"] < kills:
        folder = home / f"run{done['runs']}"
        while True:
            before = newest(folder)
            victim = folder.with_suffix(f".{rng.randrange(ranks)}")
            victim.unlink(missing_ok=True)
            process = begin(folder)
            while process.poll() is None and not (victim.exists() and victim.read_text()):
                time.sleep(0.001)
            if done["kills"] % 2:  # while it trains, not while it begins
                first_file(folder, process)
            until = time.monotonic() + rng.uniform(0, whole)
            while process.poll() is None and (done["kills"] == kills or time.monotonic() < until):
                time.sleep(0.001)
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):  # it has ended, and the launcher has not
                    os.kill(int(victim.read_text()), signal.SIGKILL)
            code = process.wait()
            assert newest(folder) >= before, "a checkpoint was lost"
            if code == 0:
                break
            done["kills"] += 1
        assert folder.with_suffix(".hash").read_text() == undisturbed, f"run {done['runs']} has learned something else"
        for each in (folder, *folder.glob("rank-*")):
            left = sorted(path.name for path in each.iterdir() if path.is_file())
            assert [name[:5] for name in left] == ["step-"] * KEEP, f"stray files: {left}"
        done["runs"] += 1
    return done


# --- for long ---------------------------------------------------------------------------------------------------------


def soak(steps: int) -> str:
    """Train for long, and compare the second half of it with the first."""
    folder = Path(tempfile.mkdtemp()) / "soak"
    found: list[tuple[int, int, int, int]] = []

    def look(step: int) -> None:
        if step % (steps // 20) == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            opened, files = len(os.listdir("/proc/self/fd")), len(os.listdir(folder))
            found.append((pages * os.sysconf("SC_PAGESIZE") >> 10, threading.active_count(), opened, files))
            print(f"step {step}: %d KB, %d threads, %d open files, %d files" % found[-1], flush=True)

    train(folder, steps, every=20, look=look)
    halves = zip(*(map(max, zip(*half)) for half in (found[2:10], found[10:])))  # after what is made at first
    for what, (before, after) in zip(("memory", "threads", "open files", "files"), halves):
        assert after <= before * (1.03 if what == "memory" else 1) + (what == "files"), (
            f"{what}: {before}, then {after}"
        )
    return f"{steps} steps: memory, threads and files stay as they were"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--soak", type=int, help="so many steps instead, watched")
    parser.add_argument("--ranks", type=int, help="kill one of so many ranks each time")
    parser.add_argument("--rank-of", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.rank_of:
        train_ranks(given.rank_of, given.steps)
        return
    if given.ranks:
        done = torment_ranks(given.kills, given.steps, given.ranks, given.seed)
        print(", ".join(f"{count} {what}" for what, count in done.items()), "- all ended with the same bits")
        return
    if given.soak:
        print(soak(given.soak))
        return
    done = torment(given.kills, given.steps, given.seed)
    print(", ".join(f"{count} {what}" for what, count in done.items()), "- all ended with the same bits")


if __name__ == "__main__":
    main()

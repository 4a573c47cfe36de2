"""Measuring: contestants in processes of their own take turns, block by block, and medians are kept."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from .work import mlp

Results = dict[str, Any]


class Process:
    """A worker to ask.

    Parameters
    ----------
    kind : {"ours", "theirs"}
    threads : int
    """

    def __init__(self, kind: str, threads: int) -> None:
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TINYGRAD_LITE_THREADS")
        command = [sys.executable, "-m", "tinygrad_lite.optim.bench.contestants", kind, str(threads)]
        environment = {**os.environ, **dict.fromkeys(names, str(threads))}
        self.kind = kind
        self.process = subprocess.Popen(command, env=environment, stdin=-1, stdout=-1, text=True)
        self._answer()

    def ask(self, method: str, *arguments: Any) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([method, *arguments]) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.close()
            raise RuntimeError(f"bench: the process of {self.kind} ended, with code {self.process.returncode}")
        return json.loads(line)

    def close(self) -> None:
        """End the worker, by ending its input."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def take_turns(turns: dict[str, tuple[Process, str, bool]], rounds: int, seconds: float) -> dict[str, float]:
    """Median seconds of a step of each; in every round each has one block of about so many seconds.

    A turn is the process, the contestant in it, and whether its steps stand between matrix products.
    """
    counts: dict[str, int] = {}
    for name, (process, *what) in turns.items():
        process.ask("run", what[0], 1)  # compiles
        tries = [process.ask("run", what[0], 1)]
        while sum(tries) < 4 * seconds and len(tries) < 5:  # one may meet threads that are just waking up
            tries.append(process.ask("run", what[0], 1))
        counts[name] = max(1, int(seconds / min(tries)))
    times: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(rounds):
        for name, (process, *what) in turns.items():
            times[name].append(process.ask("run", what[0], counts[name], what[1]))
    return {name: statistics.median(found) for name, found in times.items()}


def built(processes: list[Process], name: str, shape: str, peers: Sequence[str]) -> tuple[dict[str, Process], Results]:
    """Have all processes prepare an optimizer; return who runs where, and what moves."""
    running: dict[str, Process] = {}
    about: Results = {}
    for process in processes:
        answer = process.ask("build", name, shape)
        running |= {peer: process for peer in answer.pop("peers") if peer.removeprefix("stream ") in peers}
        about |= answer
    return running, about


def measure_steps(processes: list[Process], name: str, shape: str, peers: Sequence[str], how: Any) -> Results:
    """One row: seconds of a step, GB/s, and the fraction of the stream's rate."""
    running, about = built(processes, name, shape, peers)
    turns = {peer: (process, peer, False) for peer, process in running.items()}
    seconds = take_turns(turns, how.rounds, how.seconds)
    for process in processes:
        process.ask("drop")
    row: Results = {"seconds": {peer: seconds[peer] for peer in peers if peer in seconds}, "bytes": about["bytes"]}
    row["rate"] = {peer: about["bytes"] / s for peer, s in row["seconds"].items()}
    for peer in row["seconds"].keys() & {"serial", "parallel"}:
        stream = about["stream bytes"] / seconds[f"stream {peer}"]
        row.setdefault("stream rate", {})[peer] = stream
        row.setdefault("of stream", {})[peer] = row["rate"][peer] / stream
    return row


def measure_between(processes: list[Process], name: str, peers: Sequence[str], how: Any) -> Results:
    """A step alone and between small matrix products, on the MLP's shapes."""
    running, _ = built(processes, name, "mlp", [p for p in peers if p in ("parallel", "torch", "fused")])
    running = {peer: process for peer, process in running.items() if not peer.startswith("stream")}
    turns = {f"{peer} {k}": (process, peer, bool(k)) for peer, process in running.items() for k in (0, 1)}
    seconds = take_turns(turns, how.rounds, how.seconds)
    for process in processes:
        process.ask("drop")
    pairs = {peer: (seconds[f"{peer} 0"], seconds[f"{peer} 1"]) for peer in running}
    return {peer: {"alone": a, "between": b, "ratio": b / a} for peer, (a, b) in pairs.items()}


FIRST = """
import json, sys, time
import numpy as np
import {library} as T
optim = T.optim
imported = time.time() - {begin}
params = [T.tensor(np.ones(shape, "f"), requires_grad=True) for shape in {shapes}]
for p in params:
    p.grad = T.tensor(np.ones(tuple(p.shape), "f"))
optim.Adam(params).step()
print(json.dumps([imported, time.time() - {begin}]))
"""


def measure_first(libraries: Sequence[str], rounds: int) -> Results:
    """Seconds from the interpreter's start to the end of the import, and of the first step, in new processes."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}  # as installed: compiled
    times: dict[str, list[list[float]]] = {library: [] for library in libraries}
    for _ in range(rounds + 1):
        for library in libraries:
            program = FIRST.format(library=library, begin=time.time(), shapes=mlp())
            output = subprocess.check_output([sys.executable, "-c", program], env=environment, text=True)
            times[library].append(json.loads(output))
    middle = {library: [statistics.median(column) for column in zip(*found[1:])] for library, found in times.items()}
    return {library: {"import": imported, "first step": step} for library, (imported, step) in middle.items()}

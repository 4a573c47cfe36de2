"""Benchmarks that are fair: every library in a process of its own, the processes taking turns.

Thread pools do not meet, a slow moment of the machine meets all libraries, and what is compared are medians.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Work = dict[str, Callable[[], Any]]
Times = dict[str, dict[str, float]]

LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "TINYGRAD_LITE_THREADS")


def libraries(*others: str) -> list[str]:
    """Our own, PyTorch where it is installed, and others."""
    return ["tinygrad_lite", *(["torch"] if importlib.util.find_spec("torch") else []), *others]


def work(cases: Callable[[str], dict[str, Callable[[], Callable[[], Any]]]], library: str, threads: int) -> None:
    """Run what is asked for on standard input, a name and a count; answer with the seconds of one run.

    Parameters
    ----------
    cases : callable
        ``cases(library)`` returns, by name, what prepares a case and returns what is to be timed.
    library : str
    threads : int
    """
    if library == "torch":
        importlib.import_module("torch").set_num_threads(threads)
    known, ready = cases(library), dict[str, Callable[[], Any]]()
    print("ready", flush=True)
    for line in sys.stdin:
        name, count = json.loads(line)
        if name not in ready:
            ready.clear()  # one at a time: arrays of all cases together would not fit
            ready[name] = known[name]()
            for _ in range(3):
                ready[name]()
        run = ready[name]
        start = time.perf_counter()
        for _ in range(count):
            run()
        print((time.perf_counter() - start) / count, flush=True)


class Worker:
    """A process that runs one library's cases; by default with as many threads of NumPy's BLAS as of its own."""

    def __init__(self, script: str, library: str, threads: int, blas: int | None = None) -> None:
        command = [sys.executable, script, "--worker", library, "--threads", str(threads)]
        environment = {
            **os.environ,
            **dict.fromkeys(LIMITS, str(threads)),
            "OPENBLAS_NUM_THREADS": str(blas or threads),
            "OPENBLAS_THREAD_TIMEOUT": "19",  # or they would look out for work in others' turns
        }
        self._process: Any = subprocess.Popen(command, env=environment, stdin=-1, stdout=-1, text=True)
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{script}: the worker for {library} did not start")

    def seconds(self, name: str, count: int) -> float:
        """Seconds of one run, the mean of `count`."""
        self._process.stdin.write(json.dumps([name, count]) + "\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End its input, and with it the process."""
        self._process.communicate()


def measure(
    script: str, names: dict[str, Sequence[str]], threads: int, rounds: int, seconds: float
) -> Iterable[tuple[str, dict[str, float]]]:
    """Yield, for each case, the median time in each library that has it.

    Parameters
    ----------
    script : str
        Calls `work` if it is given ``--worker LIBRARY --threads N``.
    names : dict
        The cases -> the libraries that have them.
    threads, rounds : int
    seconds : float
        About how long one block is.
    """
    everyone = dict.fromkeys(lib for libs in names.values() for lib in libs)
    yield from _measured({lib: Worker(script, lib, threads) for lib in everyone}, names, rounds, seconds)


def _measured(
    workers: dict[str, Worker], names: dict[str, Sequence[str]], rounds: int, seconds: float
) -> Iterable[tuple[str, dict[str, float]]]:
    """As `measure`, of workers, whom it closes."""
    try:
        for name, libs in names.items():
            counts = {lib: max(1, int(seconds / workers[lib].seconds(name, 3))) for lib in libs}
            times: dict[str, list[float]] = {lib: [] for lib in libs}
            for _ in range(rounds):
                for lib in libs:
                    times[lib].append(workers[lib].seconds(name, counts[lib]))
            yield name, {lib: statistics.median(found) for lib, found in times.items()}
    finally:
        for worker in workers.values():
            worker.close()


def compare(
    script: str, cases: Callable[[str], dict[str, Any]], threads: int, rounds: int, seconds: float,
    only: str = "", goals: dict[str, float] | None = None,
) -> Times:  # fmt: skip
    """Measure all cases, or those whose names contain a text; print a table, and the ratios' geometric mean."""
    present = libraries()
    names = {name: present for name in cases("tinygrad_lite") if only in name}
    print(f"\n{f'microseconds, {threads} thread' + 's' * (threads > 1):<52}" + "".join(f"{lib:>15}" for lib in present)
          + f"{'ratio':>8}")  # fmt: skip
    found: Times = {}
    for name, row in measure(script, names, threads, rounds, seconds):
        found[name] = row
        ratio = row["tinygrad_lite"] / row["torch"] if "torch" in row else math.nan
        goal = f"  goal {goals[name]:g}" if goals and name in goals else ""
        cells = "".join(f"{row[lib] * 1e6:>15.1f}" for lib in present)
        print(f"{name:<52}{cells}{ratio:>8.2f}{goal}", flush=True)
    ratios = [row["tinygrad_lite"] / row["torch"] for row in found.values() if "torch" in row]
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"geometric mean of {len(ratios)} ratios {mean:.2f}, largest {max(ratios):.2f}")
    return found


def compare_pools(
    script: str, cases: Callable[[str], dict[str, Any]], rounds: int, seconds: float, only: str = ""
) -> Times:
    """Measure this library with one and two threads of its own, and of NumPy's BLAS; print times, and how 2/2 does."""
    pools = {f"{own}/{blas}": (own, blas) for own in (1, 2) for blas in (1, 2)}
    names = {name: list(pools) for name in cases("tinygrad_lite") if only in name}
    print(f"{'microseconds, threads of kernels / of BLAS':<52}" + "".join(f"{pool:>12}" for pool in pools)
          + f"{'2/2 to the best':>18}")  # fmt: skip
    workers, found = {pool: Worker(script, "tinygrad_lite", *both) for pool, both in pools.items()}, Times()
    for name, row in _measured(workers, names, rounds, seconds):
        found[name] = row
        cells = "".join(f"{row[pool] * 1e6:>12.1f}" for pool in pools)
        print(f"{name:<52}{cells}{row['2/2'] / min(row.values()):>18.2f}", flush=True)
    return found


def parser(about: str | None, rounds: int, seconds: float) -> argparse.ArgumentParser:
    """The options that all benchmarks have, and their defaults."""
    made = argparse.ArgumentParser(description=(about or "").partition("\n")[0])
    made.add_argument("--rounds", type=int, default=rounds, help="blocks of each kind")
    made.add_argument("--seconds", type=float, default=seconds, help="length of a block")
    made.add_argument("--threads", type=int, nargs="+", default=(1, 2))
    made.add_argument("--only", default="", help="cases whose names contain this")
    made.add_argument("--out", help="write the numbers to this JSON file")
    made.add_argument("--worker", help=argparse.SUPPRESS)
    return made


def run(
    main: Callable[..., Any], cases: Callable[[str], dict[str, Callable[[], Callable[[], Any]]]],
    options: argparse.ArgumentParser,
) -> None:  # fmt: skip
    """Do what the command line asks for: measure, or be a `Worker`."""
    given = vars(options.parse_args())
    library, threads = given.pop("worker"), tuple(given.pop("threads"))
    if library:
        work(cases, library, threads[0])
    else:
        main(threads=threads, **given)

"""The command; `python -m tinygrad_lite.optim.bench --help`."""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_lite import kernels

from . import __doc__ as about
from .contestants import THEIRS
from .measure import Process, Results, measure_between, measure_first, measure_steps
from .report import PEERS, columns, head, line, plot, print_between, print_first
from .work import SHAPES, WITH_LOOP, known, shapes_for

PARTS = ("steps", "between", "first")


def options(arguments: Sequence[str] | None) -> Any:
    """Read the command line; what cannot work is refused here, before anything is measured."""
    summary, _, details = (about or "").partition("\n")
    parser = argparse.ArgumentParser(
        "python -m tinygrad_lite.optim.bench", description=summary, epilog=details,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add, names = parser.add_argument, [*known(), "all"]
    add("--optimizers", nargs="+", choices=names, default=list(WITH_LOOP), metavar="NAME", help=", ".join(names))
    add("--shapes", nargs="+", choices=list(SHAPES), default=["mlp", "resnet18", "small"], metavar="SHAPE",
        help="mlp, resnet18, small; and gpt2, which takes minutes and 12 GB")  # fmt: skip
    add("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="PEER",
        help="plain (the formula in NumPy), textbook (a loop as in a textbook), serial and parallel (compiled, on one "
        "thread and on all), torch (PyTorch's default), foreach, fused")  # fmt: skip
    add("--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    add("--threads", type=int, default=kernels.get_num_threads(), help="on each side (default: %(default)s)")
    add("--rounds", type=int, default=15, help="blocks of each contestant (default: %(default)s)")
    add("--seconds", type=float, default=0.05, help="length of a block (default: %(default)s)")
    add("--plot", metavar="PNG", help="draw the times into this file")
    add("--json", metavar="JSON", help="write all numbers to this file")
    chosen = parser.parse_args(arguments)
    for name in ("threads", "rounds", "seconds"):
        if not getattr(chosen, name) > 0:
            parser.error(f"--{name} must be above 0, got {getattr(chosen, name)}")
    if chosen.plot and not importlib.util.find_spec("matplotlib"):
        parser.error("--plot needs matplotlib: pip install matplotlib")
    if chosen.plot and "steps" not in chosen.parts:
        parser.error(f"--plot draws the part steps, got --parts {' '.join(chosen.parts)}")
    for path in filter(None, (chosen.plot, chosen.json)):
        if not Path(path).absolute().parent.is_dir():
            parser.error(f"{path}: there is no such folder")
    if "all" in chosen.optimizers:
        chosen.optimizers = known()
    return chosen


def available(peers: Sequence[str]) -> list[str]:
    """Those that are installed, in the tables' order; the others are named."""
    found = [peer for peer in PEERS if peer in peers]
    for needs, those in (("numba", {"serial", "parallel"}), ("torch", set(THEIRS))):
        if those & set(found) and not importlib.util.find_spec(needs):
            print(f"{needs} is not installed: without {', '.join(p for p in found if p in those)}")
            found = [peer for peer in found if peer not in those]
    return found


def main(arguments: Sequence[str] | None = None) -> Results:
    """Measure, print, and return all numbers: seconds, bytes, and bytes a second.

    Parameters
    ----------
    arguments : sequence of str, optional
        Of the command line.

    Returns
    -------
    dict
        What ``--json`` writes.
    """
    chosen = options(arguments)
    peers = available(chosen.peers)
    kinds = ["ours", *["theirs"] * bool(set(THEIRS) & set(peers))]
    names = columns(peers, chosen.threads)
    results: Results = {"threads": chosen.threads, "rounds": chosen.rounds, "numpy": np.__version__}
    processes = [Process(kind, chosen.threads) for kind in kinds] if set(chosen.parts) - {"first"} else []
    try:
        if "steps" in chosen.parts:
            results["steps"] = {}
            for shape in chosen.shapes:
                print(head(shape, names, chosen.threads), flush=True)
                rows = results["steps"][shape] = {}
                for name in chosen.optimizers:
                    if not shapes_for(name, shape):
                        print(f"{name:<18}steps matrices only, and here are none")
                        continue
                    rows[name] = measure_steps(processes, name, shape, peers, chosen)
                    print(line(name, rows[name], peers, names), flush=True)
        if "between" in chosen.parts:
            results["between"] = {n: measure_between(processes, n, peers, chosen) for n in chosen.optimizers}
            print_between(results["between"])
    finally:
        for process in processes:
            process.close()
    if "first" in chosen.parts:
        libraries = ["tinygrad_lite", *["torch"] * ("theirs" in kinds)]
        results["first"] = measure_first(libraries, min(chosen.rounds, 5))
        print_first(results["first"])
    if chosen.json:
        Path(chosen.json).write_text(json.dumps(results, indent=1), encoding="utf-8")
    if chosen.plot and any(results["steps"].values()):
        plot(results, chosen.plot)
    return results


if __name__ == "__main__":
    main()

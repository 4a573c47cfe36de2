"""``python -m tinygrad_lite run --compare script.py``: a program in this library and in PyTorch, loss by loss."""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from . import same_draws

USAGE = """python -m tinygrad_lite run --compare [--double] [--steps N] [--tolerance T] [--seconds S] SCRIPT [ARGUMENT]

Runs a program twice, in PyTorch and in this library, with the same random numbers and the same parameters to begin
with, and prints what each backward pass begins with, side by side. It needs PyTorch. The exit status is 0 where all
losses are the same. --double makes float64 the default dtype: what differs in float32 only is rounding.
"""


class Run(NamedTuple):
    """What came of a program in one library."""

    losses: list[float]
    failed: str
    seconds: float


class Comparison(NamedTuple):
    """What came of a program in both.

    Parameters
    ----------
    theirs, ours : Run
        In PyTorch, and in this library.
    tolerance : float
        How far losses may lie apart, relative to PyTorch's, or absolutely where that is below 1.
    """

    theirs: Run
    ours: Run
    tolerance: float

    @property
    def largest(self) -> float:
        """The largest difference of two losses, relative or absolute; infinite where only one is a finite number."""
        pairs = [(a, b) for a, b in zip(self.theirs.losses, self.ours.losses) if a != b and (a == a or b == b)]
        differences = [abs(a - b) / max(1.0, abs(a)) for a, b in pairs]
        return max((d if d == d else math.inf for d in differences), default=0.0)

    @property
    def verdict(self) -> str:
        """In a word: the same, other losses, fails here, fails in both, or no backward pass."""
        if self.theirs.failed and not self.theirs.losses:
            return "fails in both" if self.ours.failed else "fails in PyTorch"
        if len(self.ours.losses) < len(self.theirs.losses) or (self.ours.failed and not self.theirs.failed):
            return "fails here"
        if not self.theirs.losses:
            return "no backward pass"
        known = self.largest <= self.tolerance and len(self.ours.losses) == len(self.theirs.losses)
        return "the same" if known else "other losses"


def run_in(
    library: str, command: Sequence[str], steps: int, seconds: float, dtype: str = "float32", **options: Any
) -> Run:
    """Run a program in one library.

    Parameters
    ----------
    library : str
        "torch" or "tinygrad_lite".
    command : sequence of str
        The script and its arguments.
    steps : int
        After how many backward passes it ends.
    seconds : float
        How long it may take.
    dtype : str
        The default dtype at first.
    **options : object
        Of `subprocess.run`.

    Returns
    -------
    Run
    """
    instead = ["-m", "tinygrad_lite", "run", "--instead"] if library == "tinygrad_lite" else []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "losses.json"
        line = [sys.executable, "-W", "ignore", *instead, same_draws.__file__, str(file), str(steps), dtype, *command]
        try:
            done = subprocess.run(line, capture_output=True, text=True, timeout=seconds, errors="replace", **options)
        except subprocess.TimeoutExpired:
            return Run([], f"took longer than {seconds:g} s", seconds)
        if file.is_file():
            return Run(**json.loads(file.read_text(encoding="utf-8")))
        return Run([], (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1], 0.0)


def compared(
    command: Sequence[str],
    steps: int = 10,
    tolerance: float = 2e-4,
    seconds: float = 300.0,
    cwd: Any = None,
    path: Sequence[Any] = (),
    dtype: str = "float32",
) -> Comparison:
    """Run a program in both libraries.

    Parameters
    ----------
    command : sequence of str
        The script and its arguments.
    steps : int
        How many backward passes are compared.
    tolerance : float
        See `Comparison`.
    seconds : float
        How long each may take.
    cwd : path, optional
        Where it runs.
    path : sequence of path
        Where it finds modules besides its own folder.
    dtype : str
        The default dtype at first.

    Returns
    -------
    Comparison
    """
    ways = [*map(str, path), os.environ.get("PYTHONPATH", "")]
    where = {"MPLBACKEND": "agg", "PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join(filter(None, ways))}
    environment: Mapping[str, str] = {**os.environ, **where}
    options = {"cwd": cwd, "env": environment, "stdin": subprocess.DEVNULL}
    theirs, ours = (
        run_in(library, command, steps, seconds, dtype, **options) for library in ("torch", "tinygrad_lite")
    )
    return Comparison(theirs, ours, tolerance)


def table(comparison: Comparison) -> str:
    """The losses side by side, and the verdict."""
    theirs, ours, _ = comparison
    rows = [f"{'step':>4}  {'PyTorch':>14}  {'tinygrad_lite':>14}  {'difference':>10}"]
    for step in range(max(len(theirs.losses), len(ours.losses))):
        a, b = (run.losses[step] if step < len(run.losses) else None for run in (theirs, ours))
        difference = "" if a is None or b is None else f"{abs(a - b):.1e}"
        rows.append(f"{step:4}  {_number(a):>14}  {_number(b):>14}  {difference:>10}")
    rows += [f"in {name}: {run.failed}" for name, run in (("PyTorch", theirs), ("tinygrad_lite", ours)) if run.failed]
    seconds = f"{theirs.seconds:.1f} s and {ours.seconds:.1f} s of the processor"
    return "\n".join([*rows, f"{comparison.verdict}: largest difference {comparison.largest:.1e}, {seconds}"])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def main(arguments: list[str]) -> int:
    """Compare a program, and print the table; 0 where all losses are the same."""
    parser = argparse.ArgumentParser(usage=USAGE)
    parser.add_argument("--double", action="store_true")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--tolerance", type=float, default=2e-4)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args(arguments)
    if not given.command:
        parser.error("a SCRIPT is needed")
    if importlib.util.find_spec("torch") is None:
        print("run --compare: PyTorch is not installed, with which the program would be compared", file=sys.stderr)
        return 2
    dtype = "float64" if given.double else "float32"
    found = compared(given.command, given.steps, given.tolerance, given.seconds, dtype=dtype)
    print(table(found))
    return 0 if found.verdict == "the same" else 1

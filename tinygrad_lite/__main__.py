"""The command line: ``python -m tinygrad_lite`` says what is installed, ``ops`` prints the table of operations."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import tinygrad_lite as tg

from .command_line import run_script
from .io import torch_checkpoints

USES = """
python -m tinygrad_lite ops                   the table of operations
python -m tinygrad_lite ops --markdown        the same, written to docs/OPERATIONS.md
python -m tinygrad_lite ops NAME ...          only those whose name contains one of the words
python -m tinygrad_lite convert SOURCE TARGET  between PyTorch's and safetensors files, by their names
python -m tinygrad_lite run SCRIPT ...        a program written for PyTorch, as it is
python -m tinygrad_lite run --compare SCRIPT ...  the same in PyTorch, too: losses side by side
python -m tinygrad_lite.kernels               kernels: what is compiled, where it is kept
"""


def main(arguments: list[str] | None = None) -> int:
    """Run a command; see the top of this file."""
    parser = argparse.ArgumentParser("python -m tinygrad_lite", description="An autograd engine on NumPy and numba.")
    commands = parser.add_subparsers(dest="command")
    table = commands.add_parser("ops", help="print the table of operations")
    table.add_argument("words", nargs="*", help="only names that contain one of these")
    table.add_argument("--markdown", nargs="?", const="docs/OPERATIONS.md", metavar="FILE",
                       help="write a page instead (default: %(const)s; - prints it)")  # fmt: skip
    torch_checkpoints.add_command(commands)
    commands.add_parser("run", help="run a program written for PyTorch, as it is", add_help=False)
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["run"]:  # what follows is the program's
        return run_script.main(arguments[1:])
    given = parser.parse_args(arguments)
    if given.command == "ops":
        return _ops(given.words, given.markdown)
    if given.command == "convert":
        return given.run(given)
    print(environment() + USES, end="")
    return 0


def _ops(words: list[str], page: str | None) -> int:
    coverage = importlib.import_module("tinygrad_lite.command_line.op_table")
    found = [e for e in coverage.entries() if not words or any(w in e.name for w in words)]
    if page is None or page == "-":
        print(coverage.text(found) if page is None else coverage.markdown(found), end="\n" if page is None else "")
        return 0
    path = Path(page)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(coverage.markdown(found), encoding="utf-8")
    print(f"{path}: {coverage.summary(found)}")
    return 0


def environment() -> str:
    """Versions, and the settings that matter."""
    lines = [f"tinygrad_lite {tg.__version__}", f"python {platform.python_version()} on {platform.platform()}"]
    for name in ("numpy", "numba", "torch"):
        try:
            lines.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            lines.append(f"{name} is not installed")
    lines.append(f"{os.cpu_count()} processors")
    lines += [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("TINYGRAD_LITE_")]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())

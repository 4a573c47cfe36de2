"""Converting PyTorch's checkpoints to safetensors files and back, without PyTorch.

python -m tinygrad_lite convert model.pt model.safetensors
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from .serialization import load, save

__all__ = ["convert"]

_SUFFIX = ".safetensors"


def convert(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Convert a checkpoint: one of the two names ends with ``.safetensors``, the other file is PyTorch's.

    Parameters
    ----------
    source, target : str or path
        What `tinygrad_lite.load` reads, and what ``torch.load(..., weights_only=True)`` reads.

    Raises
    ------
    ValueError
        If neither or both names end with ``.safetensors``, or a file cannot be read.
    TypeError
        If something in the file cannot be stored in the other format.

    Notes
    -----
    PyTorch's file is read without executing any code in it. bfloat16 becomes float32. NumPy's arrays stay arrays, for
    which PyTorch needs ``weights_only=False``.

    Examples
    --------
    >>> from tinygrad_lite.io.torch_checkpoints import convert
    >>> convert("model.pt", "model.bin")
    Traceback (most recent call last):
    ValueError: convert: one of the names must end with .safetensors, got 'model.pt' and 'model.bin'
    """
    names = os.fspath(source), os.fspath(target)
    ours = [name.lower().endswith(_SUFFIX) for name in names]
    if ours[0] == ours[1]:
        raise ValueError(f"convert: one of the names must end with {_SUFFIX}, got {names[0]!r} and {names[1]!r}")
    save(load(source), target, format="torch" if ours[0] else "safetensors")


def add_command(commands: Any) -> None:
    """Add ``convert`` to the subcommands of ``python -m tinygrad_lite``: what `add_subparsers` returned."""
    parser: ArgumentParser = commands.add_parser("convert", help="convert between PyTorch's and safetensors files")
    parser.add_argument("source", help="the file to read")
    parser.add_argument("target", help="the file to write; one of the two names ends with .safetensors")
    parser.set_defaults(run=_run)


def _run(options: Namespace) -> int:
    try:
        convert(options.source, options.target)
    except (OSError, TypeError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{options.source} -> {options.target}")
    return 0

"""Converting PyTorch's pickled checkpoints to safetensors files and back, where PyTorch is installed.

python -m tinygrad_lite convert model.pt model.safetensors
"""

from __future__ import annotations

import importlib
import os
import sys
from argparse import ArgumentParser, Namespace
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from .rules import unwrap, wrap
from .saving import load, save

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
    ImportError
        If PyTorch or safetensors is not installed.
    ValueError
        If neither or both names end with ``.safetensors``, or a file cannot be read.

    Notes
    -----
    PyTorch's file is read without executing any code in it. bfloat16 becomes float32.

    Examples
    --------
    >>> from tinygrad_lite.convert import convert
    >>> convert("model.pt", "model.bin")
    Traceback (most recent call last):
    ValueError: convert: one of the names must end with .safetensors, got 'model.pt' and 'model.bin'
    """
    names = os.fspath(source), os.fspath(target)
    ours = [name.lower().endswith(_SUFFIX) for name in names]
    if ours[0] == ours[1]:
        raise ValueError(f"convert: one of the names must end with {_SUFFIX}, got {names[0]!r} and {names[1]!r}")
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError:
        raise ImportError("convert: needs PyTorch to read or write its files; pip install torch") from None
    if ours[0]:
        torch.save(_mapped(load(source), lambda leaf: _to_torch(torch, leaf)), target)
        return
    try:
        found = torch.load(source, map_location="cpu", weights_only=True)
    except Exception as error:  # many kinds, from pickle, zipfile and PyTorch itself
        raise ValueError(f"convert: PyTorch cannot read {names[0]} ({type(error).__name__}: {error})") from None
    save(_mapped(found, lambda leaf: _from_torch(torch, leaf)), target)


def _mapped(tree: Any, leaf: Callable[[Any], Any]) -> Any:
    """The same nested structure with other leaves."""
    if isinstance(tree, dict):
        kind = OrderedDict if isinstance(tree, OrderedDict) else dict
        return kind((key, _mapped(value, leaf)) for key, value in tree.items())
    if isinstance(tree, (list, tuple)):
        return (list if isinstance(tree, list) else tuple)([_mapped(value, leaf) for value in tree])
    return leaf(tree)


def _from_torch(torch: Any, leaf: Any) -> Any:
    if not isinstance(leaf, torch.Tensor):
        return leaf
    leaf = leaf.detach().to_dense()
    return wrap((leaf.float() if leaf.dtype == torch.bfloat16 else leaf).resolve_conj().resolve_neg().numpy())


def _to_torch(torch: Any, leaf: Any) -> Any:
    array = unwrap(leaf)
    if isinstance(array, np.ndarray):
        return torch.from_numpy(np.array(array, order="C"))
    return leaf.item() if isinstance(leaf, np.generic) else leaf


def add_command(commands: Any) -> None:
    """Add ``convert`` to the subcommands of ``python -m tinygrad_lite``: what `add_subparsers` returned."""
    parser: ArgumentParser = commands.add_parser("convert", help="convert between PyTorch's and safetensors files")
    parser.add_argument("source", help="the file to read")
    parser.add_argument("target", help="the file to write; one of the two names ends with .safetensors")
    parser.set_defaults(run=_run)


def _run(options: Namespace) -> int:
    try:
        convert(options.source, options.target)
    except (ImportError, OSError, TypeError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{options.source} -> {options.target}")
    return 0

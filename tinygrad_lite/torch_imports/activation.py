"""`activate`: from then on ``import torch`` is this library, in this process alone."""

from __future__ import annotations

import atexit
import importlib.util
import math
import multiprocessing
import os
import sys
from multiprocessing import spawn
from typing import Any

import tinygrad_lite as tg

from .finder import TorchFinder, present
from .missing_names import report, watch_errors
from .torch_version import TorchVersion

FOLLOWS = "2.13.0"  # the release whose names and meanings these are
VARIABLE = "TINYGRAD_LITE_AS_TORCH"


def activate(instead: bool = False) -> None:
    """Make ``import torch`` give this library, from now on and in this process.

    Parameters
    ----------
    instead : bool
        Also where PyTorch is installed.

    Raises
    ------
    ImportError
        Where PyTorch is installed and `instead` is False, and where it was imported already.
    """
    loaded = sys.modules.get("torch")
    if loaded is tg:
        return
    if loaded is not None:
        raise ImportError(f"as_torch: torch was imported before, from {getattr(loaded, '__file__', None)}")
    if not instead and (installed := importlib.util.find_spec("torch")) is not None:
        raise ImportError(
            f"as_torch: PyTorch is installed, in {installed.origin}; to run on tinygrad_lite all the same, use "
            f"`python -m tinygrad_lite run --instead`, or set {VARIABLE}=instead"
        )
    tg.__version__ = TorchVersion(f"{FOLLOWS}+tinygrad_lite.{tg.__version__}")
    sys.meta_path.insert(0, TorchFinder())
    present(tg, "torch")
    tg.__name__ = "torch"  # programs compare it
    vars(tg).update(torch=tg, math=math)  # PyTorch's file imports both, and `torch.math.pi` is written
    for kind, place in ((tg.Tensor, "torch"), (tg.nn.Parameter, "torch.nn.parameter")):
        kind.__module__ = place  # by which libraries choose the functions for an array (autoray, opt_einsum)
    watch_errors()
    atexit.register(report)
    _activate_in_processes(instead)


def _activate_in_processes(instead: bool) -> None:
    """Have processes that are started anew, and not forked, do the same before they import the program."""
    if instead:
        os.environ[VARIABLE] = "instead"
    command_line = spawn.get_command_line

    def get_command_line(**options: Any) -> list[Any]:
        first = "import tinygrad_lite.as_torch; from multiprocessing.spawn"
        parts: list[Any] = command_line(**options)  # the first is the interpreter's path, as bytes
        return [
            each if isinstance(each, bytes) else each.replace("from multiprocessing.spawn", first) for each in parts
        ]

    spawn.get_command_line = get_command_line
    multiprocessing.set_forkserver_preload([f"{tg.__package__}.as_torch", "__main__"])

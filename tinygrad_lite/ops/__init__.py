"""The operations, by family; every one a row of the table in `tinygrad_lite.rules`."""

from __future__ import annotations

from typing import NoReturn


def load_library(path: str) -> NoReturn:
    """An error: operators compiled for PyTorch cannot be loaded here. Libraries that can do without them catch it.

    Parameters
    ----------
    path : str
    """
    raise OSError(f"ops.load_library: {path!r} is compiled for PyTorch, and cannot be loaded here")

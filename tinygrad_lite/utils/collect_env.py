"""`get_pretty_env_info`, `show`, `parallel_info`: what a report of an error should say of the machine and of versions.

These are PyTorch's ``torch.utils.collect_env`` and ``torch.__config__``.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform

import numpy as np

from .. import kernels

__all__ = ["get_pretty_env_info", "main", "parallel_info", "show"]


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def show() -> str:
    """What computes here: the versions of the packages below, and NumPy's BLAS.

    Returns
    -------
    str, of several lines

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.utils.collect_env.show().splitlines()[0].partition(" ")[0]
    'tinygrad_lite'
    """
    config = np.show_config(mode="dicts") or {}
    blas = config.get("Build Dependencies", {}).get("blas", {})
    lines = [f"{name} {_version(name)}" for name in ("tinygrad_lite", "numpy", "numba", "safetensors")]
    return "\n".join([*lines, f"BLAS: {blas.get('name', 'unknown')} {blas.get('version', '')}".rstrip()])


def parallel_info() -> str:
    """How many threads compute, and how many cores there are."""
    return f"threads: {kernels.get_num_threads()}\ncores: {os.cpu_count()}"


def get_pretty_env_info() -> str:
    """All of it, and Python and the system."""
    python = f"Python {platform.python_version()} ({platform.python_implementation()})"
    return "\n".join([show(), parallel_info(), python, platform.platform()])


def main() -> None:
    """Print it, as ``python -m tinygrad_lite.utils.collect_env`` does."""
    print(get_pretty_env_info())


if __name__ == "__main__":
    main()

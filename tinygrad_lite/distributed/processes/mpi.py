"""`is_launched`, `load`: finds out whether an MPI launcher started this process, and imports mpi4py then."""

from __future__ import annotations

import importlib
import importlib.util
import os
from functools import cache
from typing import Any

# What launchers tell a process: MPICH's and Intel's, PMIx', Open MPI's, MVAPICH's.
RANKS = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK", "MPI_LOCALRANKID")
LIBRARY = "MPI4PY_LIBMPI"
EXTRA = "pip install 'tinygrad_lite[mpi]'"


def is_launched() -> bool:
    """Whether a launcher of MPI has started this process."""
    return any(name in os.environ for name in RANKS)


def is_installed() -> bool:
    """Whether mpi4py is there."""
    return importlib.util.find_spec("mpi4py") is not None


@cache
def load() -> Any:
    """Import `mpi4py.MPI`, which begins MPI; it ends when this library says so.

    Raises
    ------
    RuntimeError
        If mpi4py is missing, or finds no MPI.
    """
    try:
        mpi4py = importlib.import_module("mpi4py")
    except ImportError:
        raise RuntimeError(f"distributed: many processes need mpi4py and an MPI: {EXTRA}") from None
    mpi4py.rc.finalize = False  # which would wait for ranks that are gone: `world.leave` knows better
    mpi4py.rc.thread_level = "serialized"
    try:
        return importlib.import_module("mpi4py.MPI")
    except (RuntimeError, ImportError) as error:
        found = _library()
        if found is None or LIBRARY in os.environ:
            raise RuntimeError(f"distributed: mpi4py finds no MPI, {EXTRA} brings one ({error})") from error
        os.environ[LIBRARY] = found
        try:
            return importlib.import_module("mpi4py.MPI")
        finally:
            del os.environ[LIBRARY]


def _library() -> str | None:
    """The files of the MPI that pip has installed, where mpi4py does not look: in a folder above this environment."""
    from importlib import metadata  # which loads what reads e-mails, in a third of the time that `nn` takes

    for name in ("mpich", "openmpi", "impi-rt"):
        try:
            files = metadata.files(name) or []
        except metadata.PackageNotFoundError:
            continue
        found = [
            str(file.locate()) for file in files if file.name.startswith(("libmpi.so", "libmpi.dylib", "libmpi.12"))
        ]
        if found:
            return os.pathsep.join(found)
    return None

"""Programs of several ranks, started by `launch`: ``python ranks.py NAME FOLDER`` under mpiexec."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
LIMIT = 300  # seconds: the machine may be busy with something else


def mpiexec() -> str:
    """The launcher beside this Python, or the one on the path."""
    beside = Path(sys.executable).parent / "mpiexec"
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None or importlib.util.find_spec("mpi4py") is None:
        pytest.skip("mpi4py, or mpiexec, is not installed")
    return found


def launch(count: int, name: str, folder: Path, *options: str, fails: bool = False) -> list[Any]:
    """Run a program, `module:function`, in so many ranks; what each returns, or all that they print if it fails."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "TINYGRAD_LITE_THREADS": "1"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    command = [mpiexec(), *options, "-n", str(count), sys.executable, __file__, name, str(folder)]
    done = subprocess.run(command, cwd=HERE.parents[1], env=environment, capture_output=True, text=True, timeout=LIMIT)
    if fails:
        assert done.returncode != 0, done.stdout + done.stderr
        return [done.stdout + done.stderr]
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(count)]


def main() -> None:
    """One rank."""
    sys.path[:0] = [str(HERE), str(HERE.parents[1])]
    module, _, name = sys.argv[1].partition(":")
    folder = Path(sys.argv[2])
    import tinygrad_lite.distributed as dist

    program = getattr(importlib.import_module(module), name)
    dist.init_process_group(timeout=LIMIT - 60)
    found = program(folder)
    rank = dist.get_rank() if dist.is_initialized() else 0
    (folder / f"{rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()

"""Programs of several ranks, started by `launch`: ``python ranks.py NAME,... FOLDER`` under mpiexec."""

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

if sys.platform == "win32":
    fcntl = None
else:
    import fcntl

HERE = Path(__file__).resolve().parent
LIMIT = 300  # seconds: the machine may be busy with something else
PARALLEL = [f"parallel_programs:{name}" for name in ("trains_as_one", "stays_alike", "keeps_its_promises")]
END_WELL = {  # the programs that so many ranks run one after the other: to start costs more than most of them do
    2: [
        "collective_programs:everything", *PARALLEL, "checkpoint_programs:goes_on", "zero_programs:normalizes",
        "parallel_programs:finds_unused", "parallel_programs:differs", "collective_programs:shapes_differ",
    ],
    3: ["collective_programs:everything", *PARALLEL, "zero_programs:divides", "parallel_programs:joins"],
}  # fmt: skip


def mpiexec() -> str:
    """The launcher beside this Python, or the one on the path."""
    beside = Path(sys.executable).parent / "mpiexec"
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None or importlib.util.find_spec("mpi4py") is None:
        pytest.skip("mpi4py, or mpiexec, is not installed")
    return found


def results(count: int, name: str, tmp_path: Path) -> tuple[list[Any], Path]:
    """What each of so many ranks returns of one of the programs that `END_WELL` lists, and its folder.

    The first test that asks runs them all, for the tests of the other workers, too.
    """
    folder = tmp_path.parents[1 if "PYTEST_XDIST_WORKER" in os.environ else 0] / f"{count}_ranks"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not all((folder / f"{rank}.json").exists() for rank in range(count)):
            launch(count, ",".join(END_WELL[count]), folder)
    return [each[name] for each in read(count, folder)], folder / name.partition(":")[2]


def read(count: int, folder: Path) -> list[Any]:
    """What the ranks have written."""
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(count)]


def launch(count: int, names: str, folder: Path, *options: str, fails: bool = False) -> list[Any]:
    """Run programs, `module:function`, in so many ranks; what each returns of each, or all that they print."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "TINYGRAD_LITE_THREADS": "1"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    command = [mpiexec(), *options, "-n", str(count), sys.executable, __file__, names, str(folder)]
    done = subprocess.run(command, cwd=HERE.parents[1], env=environment, capture_output=True, text=True, timeout=LIMIT)
    if fails:
        assert done.returncode != 0, done.stdout + done.stderr
        return [done.stdout + done.stderr]
    assert done.returncode == 0, done.stdout + done.stderr
    return read(count, folder)


def main() -> None:
    """One rank."""
    sys.path[:0] = [str(HERE), str(HERE.parents[1])]
    import tinygrad_lite as tg
    import tinygrad_lite.distributed as dist

    dist.init_process_group(timeout=LIMIT - 60)
    found = {}
    for program in sys.argv[1].split(","):
        module, _, name = program.partition(":")
        folder = Path(sys.argv[2]) / name
        folder.mkdir(exist_ok=True)
        state = tg.get_rng_state()
        found[program] = getattr(importlib.import_module(module), name)(folder)
        tg.set_rng_state(state)  # as if each were alone
    rank = dist.get_rank() if dist.is_initialized() else 0
    (Path(sys.argv[2]) / f"{rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()

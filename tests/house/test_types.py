"""What type checkers and editors know of the library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import stubs

PROGRAM = Path(__file__).resolve().parents[1] / "typing_program.py"

ANYTHING = {
    "compile",
    "load",
    "gradcheck",
    "gradgradcheck",
    "grid_sampler_2d",
    "grid_sampler_3d",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
}  # the result is of many types, or one or several tensors


@pytest.mark.parametrize("path", stubs.STUBS, ids=lambda path: path.name)
def test_the_stubs_are_what_the_functions_say(path: Path):
    assert path.read_text(encoding="utf-8") == stubs.STUBS[path](), "run `python tests/stubs.py`"


@pytest.mark.parametrize("path", stubs.STUBS, ids=lambda path: path.name)
def test_every_function_says_what_it_returns(path: Path):
    """What returns Any is an overload for arguments that are not known before, or returns what the user made."""
    lines = path.read_text(encoding="utf-8").splitlines()
    silent = [line.strip() for before, line in zip(lines, lines[1:]) if "-> Any" in line and "@overload" not in before]
    assert {line.partition("(")[0].removeprefix("def ") for line in silent} <= ANYTHING


def test_mypy_finds_every_mistake_of_a_program_and_no_other(tmp_path: Path):
    """As its user sees it: with the library as it is installed, from another folder."""
    pytest.importorskip("mypy", reason="type checkers come with pip install 'tinygrad_lite[dev]'")
    lines = PROGRAM.read_text(encoding="utf-8").splitlines()
    mistakes = [n for n, line in enumerate(lines, 1) if "# mistake" in line]
    environment = {**os.environ, "MYPYPATH": str(PROGRAM.parent.parent)}
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir", tmp_path, PROGRAM]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    found = [int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error: " in line]
    assert len(mistakes) == 14
    assert found == mistakes, done.stdout + done.stderr


@pytest.mark.parametrize("expression", ["tg.randn(3)", "(tg.randn(3) + 1)", "F.relu(tg.randn(3))", "tg.randn(3).sum()"])
def test_editors_complete_what_tensors_have(expression: str):
    jedi = pytest.importorskip("jedi", reason="jedi comes with pip install 'tinygrad_lite[dev]'")
    code = f"import tinygrad_lite as tg\nimport tinygrad_lite.nn.functional as F\n{expression}."
    project = jedi.Project(str(PROGRAM.parent.parent))
    names = {c.name for c in jedi.Script(code, project=project).complete()}
    assert {"backward", "detach", "softmax", "requires_grad", "shape"} <= names

"""What type checkers and editors know of the library."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import stubs

PROGRAM = Path(__file__).with_name("typing_program.py")

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
    "__torch_function__",
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


def mypy(cache: Path) -> list[str]:
    return ["-m", "mypy", "--strict", "--follow-imports=silent", f"--cache-dir={cache}"]


def pyright(cache: Path) -> list[str]:
    return ["-m", "pyright", f"--pythonpath={sys.executable}"]


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_checkers_find_every_mistake_of_a_program_and_no_other(checker: Callable[[Path], list[str]], tmp_path: Path):
    """As its user sees it: with the library as it is installed, from another folder."""
    pytest.importorskip(checker.__name__, reason="type checkers come with pip install 'tinygrad_lite[dev]'")
    lines = PROGRAM.read_text(encoding="utf-8").splitlines()
    mistakes = [n for n, line in enumerate(lines, 1) if "# mistake" in line]
    program = tmp_path / "program.py"
    program.write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, *checker(tmp_path / "cache"), str(program)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    found = [int(n) for n in re.findall(r"\.py:(\d+):.*error: ", done.stdout)]
    assert len(mistakes) == 14
    assert found == mistakes, done.stdout + done.stderr


@pytest.mark.parametrize("expression", ["tg.randn(3)", "(tg.randn(3) + 1)", "F.relu(tg.randn(3))", "tg.randn(3).sum()"])
def test_editors_complete_what_tensors_have(expression: str, tmp_path_factory, monkeypatch):
    jedi = pytest.importorskip("jedi", reason="jedi comes with pip install 'tinygrad_lite[dev]'")
    # each worker has its own: jedi writes files of a shared one while another process reads them
    monkeypatch.setattr(jedi.settings, "cache_directory", str(tmp_path_factory.getbasetemp() / "jedi"))
    code = f"import tinygrad_lite as tg\nimport tinygrad_lite.nn.functional as F\n{expression}."
    project = jedi.Project(str(PROGRAM.parent.parent))
    names = {c.name for c in jedi.Script(code, project=project).complete()}
    assert {"backward", "detach", "softmax", "requires_grad", "shape"} <= names

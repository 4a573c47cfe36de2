"""What type checkers and editors know of the library."""

from __future__ import annotations

from pathlib import Path

import pytest
import stubs

ANYTHING = {
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

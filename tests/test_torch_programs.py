"""PyTorch programs in many styles, run as they are with this library in PyTorch's place: equal losses."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))
ROOMS = (
    "autograd", "distributions", "func", "nn.functional", "nn.init", "nn.parameter", "nn.utils.rnn", "optim.lr_scheduler",
    "optim.swa_utils", "utils.data",
)  # fmt: skip


def stand_ins() -> dict[str, ModuleType]:
    """This library's modules under PyTorch's names."""
    for room in ROOMS:
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(f"tinygrad_lite.{room}")
    ours = {name: module for name, module in sys.modules.items() if f"{name}.".startswith("tinygrad_lite.")}
    return {f"torch{name.removeprefix('tinygrad_lite')}": module for name, module in ours.items()}


@contextlib.contextmanager
def in_pytorchs_place() -> Iterator[None]:
    """``import torch`` gives this library."""
    theirs = {name: sys.modules.pop(name) for name in list(sys.modules) if f"{name}.".startswith("torch.")}
    sys.modules.update(stand_ins())
    try:
        yield
    finally:
        for name in [name for name in sys.modules if f"{name}.".startswith("torch.")]:
            del sys.modules[name]
        sys.modules.update(theirs)


def printed(path: Path) -> str:
    """What a program prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), {"__name__": "__main__"})
    return out.getvalue()


NUMBER = re.compile(r"-?\d+\.?\d*(?:e[-+]?\d+)?")


def numbers(text: str) -> list[float]:
    return [float(n) for n in NUMBER.findall(text)]


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_losses_are_pytorchs(path):
    with in_pytorchs_place():
        found = printed(path)
    pytest.importorskip("torch")
    expected = printed(path)
    assert NUMBER.sub("", found) == NUMBER.sub("", expected)
    np.testing.assert_allclose(numbers(found), numbers(expected), 1e-4, 2e-6)

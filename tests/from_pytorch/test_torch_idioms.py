"""The table of PyTorch's idioms: each row's value here, under ``run``, and by PyTorch where it is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch_idioms as idioms

HERE = Path(__file__).resolve().parents[1]
ROWS = idioms.rows()


def values(*command: str, cwd: Path) -> list[object]:
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    command = (sys.executable, "-W", "error", *command, str(HERE / "tables" / "torch_idioms.py"), "values")
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return [
        value.partition(":")[0] if isinstance(value, str) and value.startswith("raises") else value
        for value in json.loads(done.stdout)
    ]


def test_what_each_line_is_here(tmp_path):
    found = values("-m", "tinygrad_lite", "run", "--instead", cwd=tmp_path)
    assert len(ROWS) >= 150
    wrong = {row.code: value for row, value in zip(ROWS, found, strict=True) if value != row.value}
    assert wrong == {}


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
def test_what_each_line_is_by_pytorch(tmp_path):
    found = values(cwd=tmp_path)
    expected = [row.value if row.theirs is None else row.theirs for row in ROWS]
    wrong = {row.code: value for row, value, wanted in zip(ROWS, found, expected, strict=True) if value != wanted}
    assert wrong == {}
    assert sum(row.theirs is not None for row in ROWS) < len(ROWS) / 8  # the rest means the same


def test_the_page_is_written_from_the_table():
    assert idioms.PAGE.read_text(encoding="utf-8") == idioms.page(), "run `python tests/tables/torch_idioms.py`"

"""``run --compare``: the losses of a program in both libraries, and what is said where they differ."""

from __future__ import annotations

import importlib.util
import math
import subprocess
import sys
from pathlib import Path

import pytest
from public_programs import checkout, read

from tinygrad_lite.command_line.compare import Comparison, Run, compared, table

PROGRAMS = Path(__file__).resolve().parents[1] / "programs"
needs_pytorch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")

TRAINED = """
import sys, torch
from torch import nn
from torch.nn import functional as F

model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.ReLU(), nn.LSTM(8, 8, batch_first=True))
head = nn.Sequential(nn.utils.spectral_norm(nn.Linear(8, 8)), nn.utils.parametrizations.spectral_norm(nn.Linear(8, 3)))
optimizer = torch.optim.Adam([*model.parameters(), *head.parameters()], lr=0.1)
for step in range(6):
    x, y = torch.randn(2, 5, 4), torch.randint(0, 3, (2,))
    noise = torch.empty(2, 5, 4).normal_(0, 0.1) + torch.rand_like(x)
    out, _ = model(x + noise)
    loss = F.cross_entropy(F.dropout(head(out[:, -1]), 0.1), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(sys.argv[1:])
"""


@needs_pytorch
def test_a_program_that_draws_has_the_same_losses(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(TRAINED)
    command = [
        sys.executable,
        "-m",
        "tinygrad_lite",
        "run",
        "--compare",
        "--double",
        "--steps",
        "5",
        str(script),
        "--option",
        "1",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert lines[0].split() == ["step", "PyTorch", "tinygrad_lite", "difference"]
    assert [line.split()[0] for line in lines[1:-1]] == ["0", "1", "2", "3", "4"]
    said, _, rest = lines[-1].partition(": largest difference ")
    assert said == "the same"
    assert float(rest.partition(",")[0]) < 1e-12


@needs_pytorch
def test_a_program_of_the_tests_has_the_same_losses():
    found = compared([str(PROGRAMS / "dqn.py")], steps=4)
    assert found.verdict == "the same", table(found)
    assert len(found.ours.losses) == 4


@needs_pytorch
def test_what_differs_and_what_fails_is_told(tmp_path):
    script = tmp_path / "differs.py"
    script.write_text(
        "import torch\n"
        "x = torch.ones(1, requires_grad=True)\n"
        "(x * (2.0 if 'tinygrad_lite' in torch.__version__ else 1.0)).backward()\n"
    )
    found = compared([str(script)])
    assert found.verdict == "other losses"
    assert (found.theirs.losses, found.ours.losses, found.largest) == ([1.0], [2.0], 1.0)
    script.write_text("import torch\ntorch.ones(1, requires_grad=True).backward()\nraise ValueError('here')\n")
    found = compared([str(script)], steps=5)
    assert found.ours.failed == "ValueError: here (differs.py:3)"
    assert found.verdict == "the same"
    assert compared([str(script)], seconds=0.01).theirs.failed == "took longer than 0.01 s"


def test_verdicts():
    def verdict(theirs, ours, failed_theirs="", failed_ours=""):
        return Comparison(Run(theirs, failed_theirs, 0.0), Run(ours, failed_ours, 0.0), 1e-3).verdict

    assert verdict([1.0, 2000.0], [1.0005, 2001.0]) == "the same"
    assert verdict([math.nan, math.inf], [math.nan, math.inf]) == "the same"
    assert verdict([1.0, math.nan], [1.0, 1.0]) == verdict([math.inf], [1.0]) == "other losses"
    assert verdict([1.0], [1.01]) == "other losses"
    assert verdict([1.0, 1.0], [1.0]) == "fails here"
    assert verdict([1.0], [1.0], "", "ValueError") == "fails here"
    assert verdict([], [], "no module", "no module") == "fails in both"
    assert verdict([], []) == "no backward pass"


def test_lists_of_programs(tmp_path):
    (tmp_path / "some+thing" / "examples").mkdir(parents=True)
    file = tmp_path / "list.tsv"
    file.write_text(
        "# of programs\n\nsome/thing\tabc\texamples\tsrc:.\ttrain.py\t--lr\t0.1\nsome/other\tabc\t.\t\tx.py\n"
    )
    first, second = read(file)
    assert first == ("some/thing", "abc", "examples", ("src", "."), ("train.py", "--lr", "0.1"))
    assert (first.name, second.name) == ("some/thing/examples/train.py", "some/other/x.py")
    assert checkout(first, [tmp_path / "nowhere", tmp_path]) == tmp_path / "some+thing"
    assert checkout(second, [tmp_path]) is None

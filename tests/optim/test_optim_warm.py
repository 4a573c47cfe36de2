"""``python -m tinygrad_lite.kernels``: kernels compiled ahead are those that training asks for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import tinygrad_lite as tg
from tinygrad_lite import optim
from tinygrad_lite.command_line import warm as operations
from tinygrad_lite.optim import warm

pytest.importorskip("numba", reason="kernels are compiled by numba")

TRAINING = """
import numpy as np, tinygrad_lite as tg
from tinygrad_lite import optim
for size in (10, 2_000_000):
    for arguments in ({}, {"momentum": 0.9}, {"max_grad_norm": 1.0}):
        p = tg.tensor(np.ones(size, np.float32), requires_grad=True)
        p.grad = p.detach()
        optim.SGD([p], **arguments).step()
tg.gelu(tg.ones(3000, requires_grad=True)).sum().backward()
"""


def run(*command: str, cache: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TINYGRAD_LITE_CACHE": cache}
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, env=environment)


def test_training_finds_what_was_compiled_ahead(tmp_path):
    folder = tmp_path / "kernels"
    done = run("-m", "tinygrad_lite.kernels", "warm", "--optimizers", "SGD", "--operations", "gelu", cache=str(folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3 optimizers and 1 operations in")
    compiled = {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.nbc")}
    assert len(compiled) >= 6
    assert run("-m", "tinygrad_lite.kernels", "folder", cache=str(folder)).stdout.strip() == str(folder)
    done = run("-c", TRAINING, cache=str(folder))
    assert done.returncode == 0, done.stderr
    assert {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.nbc")} == compiled
    assert run("-m", "tinygrad_lite.kernels", "clear", cache=str(folder)).returncode == 0
    assert not folder.exists()


def test_unknown_names_are_refused(tmp_path):
    done = run("-m", "tinygrad_lite.kernels", "warm", "--optimizers", "Sgd", cache=str(tmp_path / "kernels"))
    assert done.returncode == 2
    assert "unknown optimizers Sgd; there are SGD, " in done.stderr
    with pytest.raises(ValueError, match="unknown operations gleu; there are relu, "):
        operations.warm(["gleu"])


@pytest.mark.each("name", operations.PROGRAMS)
def test_every_operation_can_be_warmed(name):
    assert operations.warm([name], [tg.float32, tg.float64]) == 1


def test_every_optimizer_with_kernels_can_be_warmed():
    assert {"SGD", "Adam", "Adafactor", "Muon", "Prodigy"} <= set(warm.names())
    assert not {"LBFGS", "SAM", "Lookahead", "Optimizer"} & set(warm.names())
    assert set(warm.VARIANTS) <= set(warm.names())
    assert warm.warm(["Lion", "LAMB", "Muon", "ScheduleFreeAdamW"]) == 5  # Muon in two precisions
    for name, variants in warm.VARIANTS.items():
        for arguments in variants:
            getattr(optim, name)(**arguments)

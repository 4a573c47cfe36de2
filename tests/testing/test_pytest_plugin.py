"""The pytest plugin: modules from the command line, fixtures, seeds, and silence until it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_lite as tg

pytest_plugins = ["pytester"]
ROOT = Path(__file__).resolve().parents[2]

NETS = """
import tinygrad_lite as tg
from tinygrad_lite import nn

class Net(nn.Module):
    def __init__(self, features=3, bias=True):
        super().__init__()
        self.layer = nn.Linear(features, 2, bias=bias)
    def forward(self, x):
        return self.layer(x).tanh()

class Leaking(Net):
    def forward(self, x):
        return self.layer(x - x.mean(0))

class Half(Net):
    def forward(self, x):
        y = self.layer(x)
        return y if y.dtype == tg.float64 else y + (y - y.detach())

class Mean(nn.Module):
    hides = True
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)
    def forward(self, x, padding=None):
        y = self.layer(x)  # (B, T, 2)
        return (y.masked_fill(padding[:, :, None], 0.0) if self.hides else y).mean(1)

class Ignoring(Mean):
    hides = False

embedding = nn.Embedding(10, 2)
def make(): return Net(5)
"""

OWN = """
import pytest
import tinygrad_lite as tg
from tinygrad_lite import nn

seen = []

def test_modes(tg_mode, tg_dtype):
    layer = nn.Linear(3, 2).to(tg_dtype).train(tg_mode == "train")
    seen.append((layer.training, layer.weight.dtype))

def test_all_were_seen():
    assert seen == [(m, d) for m in (True, False) for d in (tg.float64, tg.float32)]

@pytest.mark.tg(modes=["eval"], dtypes=["float32"], seed=7)
def test_marked(tg_mode, tg_dtype, tg_seed):
    assert (tg_mode, tg_dtype, tg_seed, tg.initial_seed()) == ("eval", tg.float32, 7, 7)

def test_checks(tg_gradcheck, tg_check_module):
    assert tg_gradcheck(nn.Linear(3, 2), tg.randn(4, 3))
    assert tg_gradcheck(tg.tanh, tg.randn(4, dtype=tg.float64, requires_grad=True))
    assert tg_check_module(nn.Linear(3, 2), tg.randn(4, 3))

def test_fails(tg_seed):
    assert tg_seed == 0
"""


@pytest.fixture(scope="module")
def loaded():
    """Pytester forgets what is first imported inside of it, which would be loaded anew each time."""
    tg.testing.check_module(tg.nn.Linear(3, 2), tg.randn(4, 3))
    for dtype in (tg.float64, tg.float32):
        tg.testing.gradcheck_module(tg.nn.Embedding(3, 2), tg.randint(3, (4, 2)), dtype=dtype)
    tg.testing.check_module(tg.nn.Embedding(3, 2), tg.randint(3, (4, 2)))


@pytest.fixture
def run(pytester, loaded):
    pytester.makepyfile(nets=NETS)
    pytester.syspathinsert()

    def call(*arguments):
        plugins = "-p pytest_tinygrad_lite -p no:hypothesispytest -p no:cacheprovider".split()  # those load much
        return pytester.runpytest_inprocess(*plugins, *arguments)

    yield call
    sys.modules.pop("nets", None)


def test_modules_of_the_command_line(run):
    result = run("--tg-module", "nets:Net", "--tg-module", "nets:make", "--tg-input", "4,3", "--tg-seed", "3")
    result.assert_outcomes(passed=3, failed=3)  # make() takes five features
    result.stdout.fnmatch_lines(["*--tg-seed=3*", "*nets:make [[]contract*", "*must end in the weight's in_features*"])


def test_calls_with_literals_and_inputs_of_integers(run):
    run("--tg-module", "nets:Net(5, bias=False)", "--tg-input", "4,5").assert_outcomes(passed=3)
    run("--tg-module", "nets:embedding", "--tg-input", "int:4,2<10").assert_outcomes(passed=3)


def test_failures_say_what_is_wrong_and_how_to_see_it_again(run):
    result = run("--tg-module", "nets:Leaking", "--tg-input", "4,3", "--tg-allow-zero", "layer.bias")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["Leaking breaks the contract*", "*row 0 of the output depends on row 1 of input 0*", "*again with --tg-seed=0"]
    )
    result.stdout.no_fnmatch_line("*check_module.py*")
    allowed = ("--tg-allow-zero=layer.bias", "--tg-allow=batch leakage")
    run("--tg-module", "nets:Leaking", "--tg-input", "4,3", *allowed).assert_outcomes(passed=3)
    run("--tg-module", "nets:Leaking", "--tg-input", "4,3", "--tg-batch-dim=none").assert_outcomes(passed=3)


def test_padding_is_declared_by_lengths(run):
    run("--tg-module", "nets:Mean", "--tg-input", "2,3,3", "--tg-mask", "padding=3,1").assert_outcomes(passed=3)
    result = run("--tg-module", "nets:Ignoring", "--tg-input", "2,3,3", "--tg-mask", "padding=3,1")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*depends on input 0 at (1, 1), which is masked*"])
    run("--tg-module", "nets:Net", "--tg-input", "2,3,3", "--tg-mask=3,1").assert_outcomes(passed=3)  # row by row
    for text in ("padding=3", "padding=3,x", "3,1,2"):
        result = run("--tg-module", "nets:Mean", "--tg-input", "2,3,3", "--tg-mask", text)
        result.stdout.fnmatch_lines([f"*--tg-mask must be *, got '{text}' for *"])


def test_what_is_wrong_in_single_precision_only(run):
    result = run("--tg-module", "nets:Half", "--tg-input", "4,3")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*nets:Half [[]gradients-float32-train*", "*expected*numerical*analytical*"])


def test_what_is_not_understood_is_said(run):
    run("--tg-module", "nets", "--tg-input", "4,3").stdout.fnmatch_lines(
        ["*--tg-module must be package:Name, got 'nets'*"]
    )
    result = run("--tg-module", "nets:Net", "--tg-input", "float:4,3")
    result.stdout.fnmatch_lines(["*--tg-input must be 2,3 or int:2,3<10, got 'float:4,3'*"])


def test_fixtures_and_marker(run, pytester):
    pytester.makepyfile(OWN)
    result = run("--strict-markers")
    result.assert_outcomes(passed=7, failed=1)
    result.stdout.fnmatch_lines(["*seed *; the same again with --tg-seed=0"])
    result.stdout.no_fnmatch_line("*tinygrad_lite: --tg-seed*")


def test_it_loads_nothing_until_it_is_used(tmp_path):
    (tmp_path / "test_other.py").write_text(
        "import sys\ndef test_it(): assert not {'numpy', 'numba', 'tinygrad_lite'} & set(sys.modules)\n"
    )
    arguments = ["-q", "-p", "pytest_tinygrad_lite", "-p", "no:hypothesispytest", "-p", "no:cacheprovider", "."]
    done = subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=tmp_path, capture_output=True, text=True,
                          env={"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PATH": ""})  # fmt: skip
    assert done.returncode == 0, done.stdout

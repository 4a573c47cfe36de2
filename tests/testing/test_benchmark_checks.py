"""`examples/benchmark_checks.py`: no right gradient is accused and no wrong one missed, at any scale."""

from __future__ import annotations

import benchmark_checks
import planted_bugs
import pytest

import tinygrad_lite as tg


def test_right_functions_pass_and_wrong_ones_are_found():
    found = benchmark_checks.functions(None)
    assert len(found) == 19
    assert {name: row for name, row in found.items() if row["tinygrad_lite"] != [True, False]} == {}


def test_four_layers_pass():
    layers = benchmark_checks.layers(tg)
    assert len(layers) == 4
    for module, x in layers.values():
        assert tg.testing.gradcheck_module(module, x, evaluate=False)


def test_the_gallery_runs_with_pytorch():
    torch = pytest.importorskip("torch")
    theirs = benchmark_checks.for_pytorch(planted_bugs)
    assert [bug.name for bug in theirs.BUGS] == [bug.name for bug in planted_bugs.BUGS]
    found = {bug.name: bug for bug in theirs.BUGS}

    def passes(name):
        bug = found[name]
        check = lambda: benchmark_checks.pytorchs_idiom(torch, bug.build(), bug.inputs(), bug.keywords())  # noqa: E731
        return benchmark_checks.passes(check)

    assert not passes("WrongFactor")
    assert passes("SoftmaxOverTheBatch")
    assert benchmark_checks.functions(torch)["x**3 at 1e9"]["PyTorch"] == [False, False]

"""`examples/benchmark_checks.py`: no right gradient is accused and no wrong one missed, at any scale; PyTorch as it is."""

from __future__ import annotations

import benchmark_checks
import planted_bugs
import pytest


def test_right_functions_pass_and_wrong_ones_are_found():
    found = benchmark_checks.functions(None)
    assert len(found) == 19
    assert {name: row for name, row in found.items() if row["tinygrad_lite"] != [True, False]} == {}


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


def test_a_layer_of_each_kind_passes():
    for module, x in benchmark_checks.layers(benchmark_checks.tg).values():
        seconds, passed = benchmark_checks.timed(
            lambda m=module, x=x: benchmark_checks.tg.testing.gradcheck_module(m, x)
        )
        assert passed
        assert seconds > 0

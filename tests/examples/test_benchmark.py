"""The benchmarks run and print what they promise; their times are no matter of a test."""

from __future__ import annotations

import json

import benchmark_compile
import benchmark_engine
import benchmark_nn
import benchmark_ops
import benchmark_programs
import pytest


def test_the_table_and_what_does_not_depend_on_the_machine(tmp_path, capsys):
    out = tmp_path / "numbers.json"
    results = benchmark_engine.main(rounds=1, seconds=0.002, threads=(1,), out=str(out))
    assert json.loads(out.read_text()) == results
    rows = results["1 threads"]
    assert list(rows) == list(benchmark_engine.TARGETS)
    assert all(row["tinygrad_lite"] > 0 for row in rows.values())
    assert results["memory"] <= 1.1  # the graph keeps what its rules need, and hardly more
    printed = capsys.readouterr().out
    assert all(name in printed for name in benchmark_engine.TARGETS)
    assert "Import:" in printed


@pytest.mark.parametrize(
    "benchmark_", [benchmark_ops, benchmark_nn, benchmark_programs], ids=lambda module: module.__name__
)
def test_every_case_runs(benchmark_):
    for name, prepare in benchmark_.cases("tinygrad_lite").items():
        if not any(large in name for large in ("1,000,000", "1024", "ResNet", "4 x 384", "224 pixels")):
            prepare()()


def test_the_tables_of_operations_and_models(tmp_path, capsys):
    for module, only in ((benchmark_ops, "add, 10 "), (benchmark_nn, "100x4-10, SGD"), (benchmark_programs, "a line")):
        out = tmp_path / "numbers.json"
        results = module.main(rounds=1, seconds=0.002, threads=(1,), only=only, out=str(out))
        assert json.loads(out.read_text()) == results
        ((name, row),) = results["1 threads"].items()
        assert row["tinygrad_lite"] > 0
        assert only in name
        assert name in capsys.readouterr().out


def test_recorded_steps_have_the_bits_of_eager_ones(capsys):
    results = benchmark_compile.main(rounds=1, seconds=0.001, only="tanh")
    assert [row["equal"] for row in results.values()] == [True]
    assert "OTHER BITS" not in capsys.readouterr().out
    for name in benchmark_compile.PROGRAMS:
        if "GPT, 4 layers" not in name:  # there is one of 2 layers
            assert benchmark_compile.equal(name, 3), name  # recorded, and replayed twice

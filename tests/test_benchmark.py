"""The engine's benchmark runs and prints what it promises; its times are no matter of a test."""

from __future__ import annotations

import json

import benchmark_engine


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

"""The optimizers' benchmark: its shapes, its textbook loops, its arithmetic and its messages; never its times."""

from __future__ import annotations

import importlib.util
import json
import weakref

import numpy as np
import pytest

import tinygrad_lite as tg
import tinygrad_lite.optim.bench.__main__ as bench
from tinygrad_lite import kernels, optim
from tinygrad_lite.optim.bench import contestants, measure, work

HAS_TORCH = bool(importlib.util.find_spec("torch"))
TINY = ["--rounds", "1", "--seconds", "0.001", "--threads", "1"]


@pytest.mark.parametrize(
    ("name", "tensors", "elements"),
    [("mlp", 10, 109_810), ("resnet18", 62, 11_689_512), ("gpt2", 148, 124_439_808), ("small", 1000, 100_000)],
)
def test_shapes_are_those_of_the_published_models(name, tensors, elements):
    shapes = work.SHAPES[name]()
    assert (len(shapes), sum(int(np.prod(s)) for s in shapes)) == (tensors, elements)


@pytest.mark.parametrize("name", work.WITH_LOOP)
def test_the_textbooks_loop_computes_what_the_library_does(name):
    cls, arguments, loop, states = work.WITH_LOOP[name]
    shapes = [(3, 4), (5,)]
    values, grads = ([a.astype(float) for a in work.values(shapes, seed, 1.0)] for seed in (0, 1))
    params = [tg.tensor(v, requires_grad=True) for v in values]
    optimizer = getattr(optim, cls)(params, **arguments)
    kept = {state: [np.zeros_like(v) for v in values] for state in states}
    for t in range(1, 6):
        for p, g in zip(params, grads):
            p.grad = tg.tensor(t * g)
        optimizer.step()
        loop(values, [t * g for g in grads], kept, t)
    for p, v in zip(params, values):
        np.testing.assert_allclose(p.detach().numpy(), v, rtol=1e-12)


def test_every_optimizer_that_steps_can_be_measured(monkeypatch):
    monkeypatch.setitem(work.SHAPES, "mlp", lambda: [(3, 4), (3,)])
    public = {getattr(optim, name) for name in optim.__all__}
    steps = {c.__name__ for c in public if isinstance(c, type) and issubclass(c, optim.Optimizer)} - work.NOT_A_STEP
    assert set(work.known()) == steps | {"momentum"}
    assert set(work.NOT_A_STEP) & set(dir(optim)) == {c.__name__ for c in public if hasattr(c, "step")} - steps
    for name in work.known():
        with kernels.use("numpy"):
            ours = contestants.Ours(1)
            about = ours.build(name, "mlp")
        size = 4 * (12 if name == "Muon" else 15)
        assert about["bytes"] >= 3 * size, name
        assert ours.run("plain", 2) > 0


def test_the_stream_adds_to_as_many_arrays_as_asked():
    ours = contestants.Ours(1)
    for full in range(5):
        step = ours.stream(8, full)
        step()
        optimizer = step.__self__
        arrays = [a for s in optimizer.state.values() for a in s.values() if isinstance(a, np.ndarray)]
        assert len(arrays) == full
        for array in (*arrays, optimizer.param_groups[0]["params"][0].detach().numpy()):
            np.testing.assert_array_equal(array, np.full(8, 1e-6, "f"))


def test_arrays_are_freed_between_optimizers():
    ours = contestants.Ours(1)
    ours.build("SGD", "mlp")
    optimizer = weakref.ref(ours.steps["plain"].__self__)
    param = weakref.ref(optimizer().param_groups[0]["params"][0])
    ours.drop()
    assert optimizer() is None
    assert param() is None


def test_tables_numbers_and_figure(tmp_path, capsys):
    numbers, figure = tmp_path / "numbers.json", tmp_path / "figure.png"
    results = bench.main(
        ["--optimizers", "SGD", "RMSprop", "--shapes", "mlp", "--json", str(numbers), "--plot", str(figure), *TINY]
    )
    assert json.loads(numbers.read_text()) == results
    rows = results["steps"]["mlp"]
    expected = {"plain", "textbook", "serial", "parallel", *(("torch", "foreach") if HAS_TORCH else ())}
    assert rows["RMSprop"]["seconds"].keys() == expected
    assert rows["SGD"]["seconds"].keys() == expected | ({"fused"} if HAS_TORCH else set())
    for name, states in (("SGD", 0), ("RMSprop", 1)):
        row = rows[name]
        assert row["bytes"] == (3 + 2 * states) * 4 * 109_810
        for peer, seconds in row["seconds"].items():
            assert row["rate"][peer] == row["bytes"] / seconds > 0
        for peer in ("serial", "parallel"):
            assert row["of stream"][peer] == row["rate"][peer] / row["stream rate"][peer] > 0
    for row in results["between"]["RMSprop"].values():
        assert row["ratio"] == row["between"] / row["alone"] > 0
    libraries = ["tinygrad_lite", "torch"] if HAS_TORCH else ["tinygrad_lite"]
    assert list(results["first"]) == libraries
    assert all(0 < row["import"] < row["first step"] for row in results["first"].values())
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 120
    assert "mlp: 10 tensors, 109,810 elements; microseconds of a step, 1 thread\n" in printed
    for text in ("RMSprop", "between small matrix products", "first step in a second process"):
        assert text in printed
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_the_longest_rows_fit_120_columns():
    peers = list(bench.PEERS)
    row = {"seconds": dict.fromkeys(peers, 1.234567), "rate": dict.fromkeys(peers, 1.5e11)}
    names = bench.columns(peers, 16)
    for text in (bench.line("ScheduleFreeAdamW", row, peers, names), bench.head("gpt2", names, 16)):
        assert all(len(each) <= 120 for each in text.splitlines())
        assert all(len(cell) > 0 for cell in text.split())
    assert bench.line("SGD", row, peers, names).split().count("1234567") == len(peers)


def test_muon_is_left_out_where_there_are_no_matrices(tmp_path, capsys):
    figure = tmp_path / "figure.png"
    results = bench.main(
        ["--optimizers", "Muon", "SGD", "--shapes", "small", "mlp", "--peers", "plain", "--parts", "steps",
         "--plot", str(figure), *TINY]
    )  # fmt: skip
    assert [list(rows) for rows in results["steps"].values()] == [["SGD"], ["Muon", "SGD"]]
    assert "Muon              steps matrices only, and here are none\n" in capsys.readouterr().out
    assert results["steps"]["mlp"]["Muon"]["bytes"] == 5 * 4 * (784 * 100 + 3 * 100 * 100 + 100 * 10)
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_only_what_is_asked_for(capsys):
    results = bench.main(["--optimizers", "SGD", "--shapes", "mlp", "--peers", "plain", "--parts", "steps", *TINY])
    assert results.keys() == {"threads", "rounds", "numpy", "steps"}
    assert list(results["steps"]["mlp"]["SGD"]["seconds"]) == ["plain"]
    assert "torch" not in capsys.readouterr().out


def test_without_pytorch_it_says_so_and_goes_on(monkeypatch, capsys):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else found(name))
    assert bench.available(bench.PEERS) == ["plain", "textbook", "serial", "parallel"]
    assert capsys.readouterr().out == "torch is not installed: without torch, foreach, fused\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--optimizers", "Adma"], "argument --optimizers: invalid choice: 'Adma'"),
        (["--shapes", "resnet"], "argument --shapes: invalid choice: 'resnet'"),
        (["--peers", "jax"], "argument --peers: invalid choice: 'jax'"),
        (["--rounds", "0"], "--rounds must be above 0, got 0"),
        (["--threads", "-1"], "--threads must be above 0, got -1"),
        (["--seconds", "nan"], "--seconds must be above 0, got nan"),
        (["--json", "no/such/folder/x.json"], "no/such/folder/x.json: there is no such folder"),
        (["--plot", "x.png", "--parts", "first"], "--plot draws the part steps, got --parts first"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_measured(arguments, message, capsys):
    with pytest.raises(SystemExit):
        bench.main(arguments)
    assert message in capsys.readouterr().err


def test_a_figure_without_matplotlib_is_refused(monkeypatch, capsys):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "matplotlib" else found(name))
    with pytest.raises(SystemExit):
        bench.main(["--plot", "x.png"])
    assert "--plot needs matplotlib: pip install matplotlib" in capsys.readouterr().err


def test_help_names_everything(capsys):
    with pytest.raises(SystemExit):
        bench.main(["--help"])
    printed = capsys.readouterr().out
    assert all(name in printed for name in (*work.known(), *work.SHAPES, *bench.PEERS, *bench.PARTS))


def test_a_worker_that_dies_is_an_error_and_no_endless_wait():
    process = measure.Process("ours", 1)
    with pytest.raises(RuntimeError, match="the process of ours ended"):
        process.ask("build", "NoSuchOptimizer", "mlp")
    process.close()  # once more does no harm

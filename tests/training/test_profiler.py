"""`profiler`: what it notes is what happened, and an engine that is as it was before."""

from __future__ import annotations

import gzip
import json
import sys
import threading
import types

import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim, profiler
from tinygrad_lite.compiler.recorder import swaps
from tinygrad_lite.graph import OFF
from tinygrad_lite.profiler import profile, record_function


def here(offset: int) -> str:
    """The line so far below the caller's function's first."""
    code = sys._getframe(1).f_code
    return f"{code.co_filename}:{code.co_firstlineno + offset}"


def places() -> list:
    """What stands in the engine's places."""
    rows = [(op.function, op.together, *(rule.vjp for rule in op.rules)) for op in swaps.ops()]
    calls = [plain for _, (_, plain, _) in swaps.fast_calls()]
    return [*rows, calls, optim.Optimizer.step, optim.Adam.step, tg.autograd.accumulate, tg.compiler.Compiled._replay]


def test_names_lines_memory_and_counts():
    w, x = tg.randn(4, 3, requires_grad=True), tg.randn(5, 4)
    with profile(record_shapes=True) as found:
        y = x @ w
        z = (y.tanh()
             + y.exp())  # fmt: skip
        z.sum().backward()
    events = {event.name: event for event in found.events()}
    lines = {"matmul": 3, "tanh": 4, "exp": 5, "add": 4, "sum": 6}
    for name, offset in lines.items():
        assert events[name].line == here(offset), name
        assert events[f"{name} backward"].line == here(offset), f"{name}: its rule runs where it was called"
    sizes = {"matmul": 60, "tanh": 60, "add": 60, "sum": 4, "matmul backward": 48, "tanh backward": 60}
    assert {name: events[name].memory for name in sizes} == sizes
    assert events["matmul"].shapes == ((5, 4), (4, 3))
    rows = {row.key: row for row in found.key_averages()}
    assert {rows[name].count for name in lines} == {1}
    assert rows["exp"].cpu_time_total == events["exp"].time > 0
    assert sum(e.time - e.below / 1e3 for e in events.values()) < found.key_averages()._whole


def test_the_engine_is_as_it_was():
    def step():
        model.zero_grad()
        loss = nn.functional.cross_entropy(model(x), t)
        loss.backward()
        return loss.item(), model[0].weight.grad.tolist()

    model, x, t = nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 2)), tg.randn(8, 3), tg.tensor([0, 1] * 4)
    before, off = places(), set(OFF)
    wanted = step()
    with profile():
        assert step() == wanted
        assert places() != before
    assert places() == before
    assert off == OFF
    with pytest.raises(ZeroDivisionError), profile():
        raise ZeroDivisionError
    assert places() == before
    with profile(), pytest.raises(RuntimeError, match="matmul: inner sizes"):
        tg.ones(2, 3) @ tg.ones(2, 3)
    with profile(), pytest.raises(RuntimeError, match="another profile"), profile():
        pass
    assert places() == before
    assert off == OFF


def test_time_inside_is_not_counted_twice():
    with profile() as found:
        with record_function("outer"):
            for _ in range(2):
                with record_function("inner", "part"):
                    tg.ones(1000).exp()

        @record_function("called")
        def twice(depth):
            return twice(depth - 1) if depth else tg.ones(3).exp()

        twice(1)
    rows = {row.key: row for row in found.key_averages()}
    assert {key: row.count for key, row in rows.items()} == {"exp": 3, "inner part": 2, "outer": 1, "called": 2}
    inner, outer = rows["inner part"], rows["outer"]
    assert outer.self_cpu_time_total == pytest.approx(outer.cpu_time_total - inner.cpu_time_total)
    called = [event for event in found.events() if event.name == "called"]
    assert called[1].below == called[0].end - called[0].begin
    assert sum(row.self_cpu_time_total for row in rows.values()) == pytest.approx(
        outer.cpu_time_total + called[1].time
    )  # fmt: skip
    with record_function("while none is made"):
        pass
    assert len(found.events()) == 8


def test_a_training_step():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Dropout(), nn.Flatten(), nn.Linear(72, 3)
    )
    adam, x, t = optim.Adam(model.parameters()), tg.randn(4, 1, 8, 8), tg.tensor([0, 1, 2, 0])
    with profile() as found:
        for _ in range(3):
            adam.zero_grad()
            nn.functional.cross_entropy(model(x), t).backward()
            adam.step()
        x.add_(1)
    counts = {row.key: row.count for row in found.key_averages()}
    names = ["conv", "batch_norm", "relu", "linear", "cross_entropy"]
    assert {counts[name] for name in (*names, *(f"{name} backward" for name in names[1:4] if name != "linear"))} == {3}
    assert counts["Adam.step"] == counts["random mask"] == 3
    assert counts["accumulate"] == 3 * 6
    assert counts["write in place"] >= 1
    lines = {row.line for row in found.key_averages(group_by_stack_n=1) if row.key == "Adam.step"}
    assert lines == {here(9)}


def test_compiled_functions():
    """They are recorded and replayed as ever, and a profile goes on after a recording."""
    before = places()
    w = tg.randn(3, 3, requires_grad=True)

    @tg.compile
    def step(x):
        return (x @ w).tanh().sum()

    x = tg.randn(2, 3)
    wanted = step(x).item()
    with profile() as found:
        assert [step(x).item() for _ in range(4)] == [wanted] * 4
        x.exp()
    counts = {row.key.rpartition(".")[2]: row.count for row in found.key_averages()}
    assert counts["step"] == 3  # the second call is recorded once more
    assert counts["exp"] == 1
    assert places() == before
    assert step.explain().refusals == []
    assert step(x).item() == wanted


def test_modules_that_are_loaded_meanwhile_keep_nothing():
    from tinygrad_lite.ops.random import random_streams

    plain = random_streams.uniform
    with profile() as found:
        late = types.ModuleType("tinygrad_lite.late")
        late.uniform = random_streams.uniform  # as `from .random_streams import uniform` would
        sys.modules[late.__name__] = late
    try:
        assert late.uniform is plain is random_streams.uniform
    finally:
        del sys.modules[late.__name__]
    count = len(found.events())
    tg.rand(3).exp()
    assert len(found.events()) == count


def test_threads():
    def work():
        tg.ones(3).exp()

    with profile() as found:
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({event.thread for event in found.events()}) >= 1
    assert [event.name for event in found.events()] == ["exp"] * 3


def test_schedule_and_trace(tmp_path):
    ready = []
    action = profiler.schedule(skip_first=1, wait=1, warmup=1, active=2, repeat=2)
    assert [action(i).name for i in range(10)] == [
        "NONE", *["NONE", "WARMUP", "RECORD", "RECORD_AND_SAVE"] * 2, "NONE",
    ]  # fmt: skip
    with profile(schedule=action, on_trace_ready=lambda p: ready.append((p.step_num, len(p.events())))) as found:
        for step in range(10):
            for _ in range(step):
                tg.ones(2).exp()
            found.step()
    assert ready == [(5, 3 + 4), (9, 7 + 8)]
    with profile(on_trace_ready=profiler.tensorboard_trace_handler(str(tmp_path), "me", use_gzip=True)) as found:
        tg.ones(2, requires_grad=True).exp().sum().backward()
    (path,) = tmp_path.iterdir()
    assert path.name.startswith("me.") and path.name.endswith(".pt.trace.json.gz")  # noqa: PT018
    told = json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]
    wanted = [("exp", "forward", "X"), ("sum", "forward", "X"), ("sum backward", "backward", "X")]
    assert set(wanted) <= {(e["name"], e["cat"], e["ph"]) for e in told}
    assert all(e["dur"] >= 0 and e["args"]["line"].startswith(__file__) for e in told[:4])
    assert told[0]["ts"] + told[0]["dur"] <= told[1]["ts"]
    for bad in ({"active": 0}, {"wait": -1}):
        with pytest.raises(ValueError, match="schedule: must have"):
            profiler.schedule(**{"wait": 0, "warmup": 0, "active": 1, **bad})


def test_table():
    rows = [
        profiler.Average("a", count=1, cpu_time_total=10.0, self_cpu_time_total=2.0, cpu_memory_usage=3 << 20),
        profiler.Average("b", count=4, cpu_time_total=8.0, self_cpu_time_total=8.0, line="f.py:3"),
    ]
    found = profiler.Averages(rows, whole=20.0)
    first = {by: found.table(sort_by=by, row_limit=1).splitlines()[2].split()[0] for by in profiler.events._SORTED}
    assert first == {
        "self_cpu_time_total": "b", "cpu_time_total": "a", "cpu_time": "a", "count": "b", "cpu_memory_usage": "a",
        "self_cpu_memory_usage": "a", "flops": "a", "key": "a",
    }  # fmt: skip
    assert found.table().splitlines()[2].split() == ["b", "0.008", "40.0", "0.008", "4", "2.0", "0", "B", "f.py:3"]
    assert "3.00 MB" in str(found)
    with pytest.raises(ValueError, match="sort_by must be one of"):
        found.table(sort_by="cuda_time")


PRODUCTS = {  # what is called in both libraries
    "matmul": lambda m: m.ones(2, 3, 4) @ m.ones(4, 5),
    "batches": lambda m: m.bmm(m.ones(2, 3, 4), m.ones(2, 4, 5)),
    "linear": lambda m: m.nn.functional.linear(m.ones(2, 3, 4), m.ones(5, 4), m.ones(5)),
    "conv": lambda m: m.nn.functional.conv2d(m.ones(2, 4, 9, 8), m.ones(6, 2, 3, 2), stride=2, padding=1, groups=2),
    "conv_transpose": lambda m: m.nn.functional.conv_transpose1d(m.ones(2, 4, 5), m.ones(4, 3, 3), stride=2, groups=2),
}  # fmt: skip


@pytest.mark.parametrize("name", PRODUCTS)
def test_multiply_adds_as_pytorch_counts(name):
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as theirs:
        PRODUCTS[name](torch)
    with profile() as found:
        PRODUCTS[name](tg)
    assert sum(row.flops for row in found.key_averages()) == theirs.get_total_flops() > 0


@pytest.mark.parametrize(
    ("call", "count"),
    [
        (lambda: nn.LSTM(8, 3, proj_size=2)(tg.ones(7, 5, 8)), 35 * (12 * 8 + 12 * 2 + 2 * 3)),
        (lambda: nn.GRU(8, 3, num_layers=2)(tg.ones(7, 5, 8)), 35 * (9 * 8 + 9 * 3 + 9 * 3 + 9 * 3)),
        (lambda: nn.RNN(8, 3, bidirectional=True)(tg.ones(7, 5, 8)), 2 * 35 * (3 * 8 + 3 * 3)),
        (lambda: nn.RNNCell(8, 3)(tg.ones(5, 8)), 5 * (3 * 8 + 3 * 3)),
        (lambda: tg.einsum("...ij,jk->...ik", tg.ones(2, 3, 4), tg.ones(4, 5)), 2 * 3 * 4 * 5),
        (
            lambda: nn.functional.scaled_dot_product_attention(
                tg.ones(2, 3, 5, 8), tg.ones(2, 3, 7, 8), tg.ones(2, 3, 7, 4)
            ),
            2 * 3 * 5 * 7 * (8 + 4),
        ),
        (lambda: tg.outer(tg.ones(3), tg.ones(4)), 12),
        (lambda: nn.Bilinear(3, 4, 2)(tg.ones(5, 3), tg.ones(5, 4)), 5 * 12 + 5 * 12 * 2),
        (lambda: tg.ones(3) * tg.ones(3), 0),
    ],
)
def test_multiply_adds(call, count):
    with profile() as found:
        call()
    assert sum(row.multiply_adds for row in found.key_averages()) == count

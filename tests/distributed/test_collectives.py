"""Calls of several ranks: what they give, and that they end in an error, never in a wait."""

from __future__ import annotations

import importlib
import os
from types import SimpleNamespace

import pytest
from ranks import launch, results

import tinygrad_lite as tg
import tinygrad_lite.distributed as dist
from tinygrad_lite.distributed import work
from tinygrad_lite.distributed.processes import watcher

HERE = "collective_programs"
world = importlib.import_module("tinygrad_lite.distributed.world")  # the package has a function of that name


@pytest.mark.parametrize("count", [2, 3])
def test_every_call_gives_what_numpy_says(count, tmp_path):
    found, _ = results(count, f"{HERE}:everything", tmp_path)
    assert found == [{"rank": rank, "local": rank} for rank in range(count)]


def test_ranks_in_different_calls_are_told_both_lines(tmp_path):
    assert results(2, f"{HERE}:shapes_differ", tmp_path)[0] == [None, None]  # the ranks have seen it


ENDS = {
    "raises": ["rank 0 in barrier() at", "rank 1 has left: it ended with ValueError: no such file at"],
    "ends_early": ["rank 1 in all_reduce(float32 (3,), SUM) at", "rank 0 has left: its program has ended"],
    "is_dead": [
        "rank 0 in all_reduce(float32 (3,), SUM) at",
        "rank 1 has left: its process, ",
        "is dead, whose last call",
    ],
    "is_silent": ["rank 0 in monitored_barrier() at", "waited 1 s for rank 1, whose last call was number 1, barrier()"],
}


@pytest.mark.parametrize("name", ENDS)
def test_a_rank_that_does_not_come_is_named(name, tmp_path):
    (printed,) = launch(2, f"{HERE}:{name}", tmp_path, fails=True)
    for part in ENDS[name]:
        assert part in printed
    assert "collective_programs.py:" in printed


def test_a_program_has_failed_where_a_rank_did_after_the_others_had_ended(tmp_path):
    (printed,) = launch(2, f"{HERE}:raises_unseen", tmp_path, fails=True)  # which looks at the launcher's code
    assert "the other one has come to its end" in printed
    assert "ValueError: no such file" in printed


def test_a_killed_rank_ends_the_program(tmp_path):
    (printed,) = launch(2, f"{HERE}:is_killed", tmp_path, fails=True)
    assert "Killed (signal 9)" in printed or "has left: its process" in printed


def test_of_ranks_that_are_found_dead_together_the_one_behind_is_named():
    """A launcher may have ended the others before the watcher gets a core; they waited for the one that died."""
    slots = {rank: memoryview(bytearray(watcher.SLOT)) for rank in range(3)}
    for rank, call in enumerate((10, 9, 10)):
        watcher.write_line(slots[rank], 0, call, "a call")
    assert watcher.behind([0, 1], slots) == [1]
    assert watcher.behind([0, 2], slots) == [0, 2]
    watcher.write_line(slots[1], 5, 9, "a call of another group")
    assert watcher.behind([0, 1], slots) == [0, 1]


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the system does not tell which of two processes died first")
@pytest.mark.parametrize("options", [(), ("-disable-auto-cleanup",)], ids=" ".join)
def test_a_killed_rank_is_named_though_the_launcher_kills_the_others(options, tmp_path):
    (printed,) = launch(3, f"{HERE}:is_killed_in_training", tmp_path, *options, fails=True)
    assert "rank 1 has died without a word" in printed, printed
    assert "reduction 1 of 1 in backward pass 3, of bias, weight at" in printed, printed
    assert printed.count("has died") == 1, printed


class Machine:
    """A machine of so many ranks, whose processes may all use the same cores."""

    def __init__(self, ranks):
        self.ranks = ranks

    def allgather(self, mine):
        return [mine] * self.ranks


@pytest.mark.parametrize(("cores", "ranks", "share"), [(8, 2, 4), (8, 3, 2), (2, 4, 1)])
def test_ranks_of_a_machine_share_its_cores(cores, ranks, share, monkeypatch):
    for name in (world.threads.VARIABLE, *world.THREADS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    found = {}
    for kind in ("threads", "openblas"):
        monkeypatch.setattr(getattr(world, kind), "get_num_threads", lambda: cores)
        monkeypatch.setattr(getattr(world, kind), "set_num_threads", lambda n, kind=kind: found.update({kind: n}))
    world.divide_threads(world.share_of_cores(Machine(ranks)))
    assert found == {"threads": share, "openblas": share}
    found.clear()
    monkeypatch.setenv(world.threads.VARIABLE, "3")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    world.divide_threads(world.share_of_cores(Machine(ranks)))
    assert found == {}  # who has set them has decided


class Pinned:
    """A machine whose ranks may each use the cores that are given; this process is the first."""

    def __init__(self, *cores):
        self.cores = [frozenset(each) for each in cores]

    def allgather(self, mine):
        assert mine == self.cores[0]
        return self.cores


@pytest.mark.parametrize(
    ("cores", "share"),
    [([{0}, {1}], 1), ([{0, 1, 2}] * 3, 1), ([{0, 1}] * 3, 2 / 3), ([{0}, {0, 1}], 1 / 2), ([{1, 2}, {0, 1}], 3 / 2)],
)
def test_a_core_is_divided_between_those_that_may_use_it(cores, share, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: cores[0], raising=False)
    found = world.share_of_cores(Pinned(*cores))
    assert found == pytest.approx(share, abs=1e-8)
    assert (found < 1) == (share < 1)


@pytest.mark.parametrize(("shares", "longest"), [(True, work.SPIN_SHARED), (False, work.SPIN)])
def test_ranks_that_share_cores_soon_sleep_while_they_wait(shares, longest, monkeypatch):
    clock, sleeps = [0.0], []

    class World:
        shares_cores = shares
        look_after = give_up = staticmethod(lambda *_: None)

    class Group:
        world, timeout = World, 60.0

    def pass_time():
        clock[0] += longest / 8

    timer = SimpleNamespace(monotonic=lambda: clock[0], sleep=lambda _: sleeps.append(clock[0]))
    monkeypatch.setattr(work, "time", timer)
    monkeypatch.setattr(work, "_yield", pass_time)
    work.wait_for(Group, lambda: len(sleeps) == 2, None, None)
    assert sleeps == [pytest.approx(longest * 9 / 8)] * 2


@pytest.fixture
def alone():
    dist.init_process_group()
    yield
    dist.destroy_process_group()


def test_one_process_needs_no_mpi(alone):
    x = tg.tensor([1.0, 2.0])
    for op in ("SUM", "AVG", "MAX"):
        dist.all_reduce(x, getattr(dist.ReduceOp, op))
    out, listed = tg.empty(2), [tg.empty(2)]
    dist.all_gather(listed, x)
    dist.reduce_scatter(out, [x])
    dist.broadcast(x, src=0)
    assert x.tolist() == out.tolist() == listed[0].tolist() == [1.0, 2.0]
    objects = [None]
    dist.all_gather_object(objects, {"a": 1})
    assert objects == [{"a": 1}]
    assert dist.new_group([0]).size() == 1
    assert dist.get_backend() == "mpi"


def test_calls_before_a_group_is_made_are_refused():
    assert not dist.is_initialized()
    for call in (dist.get_rank, dist.get_world_size, dist.barrier, lambda: dist.all_reduce(tg.ones(1))):
        with pytest.raises(RuntimeError, match="Default process group has not been initialized"):
            call()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"world_size": 2}, r"2 processes are wanted, and MPI has started 1; start them with `mpiexec -n 2 python"),
        ({"rank": 1}, "rank must be the launcher's, 0, got 1"),
        ({"backend": "carrier pigeons"}, "backend must be 'mpi' or None"),
        ({"timeout": 0}, "timeout must be above 0"),
    ],
)
def test_what_cannot_be_is_refused(options, says):
    with pytest.raises(ValueError, match=says):
        dist.init_process_group(**options)
    assert not dist.is_initialized()

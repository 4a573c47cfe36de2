"""`DistributedDataParallel`: several ranks find what one process with all rows finds, or say why not."""

from __future__ import annotations

import pytest
from ranks import launch, results

import tinygrad_lite as tg
import tinygrad_lite.distributed as dist
from tinygrad_lite import nn
from tinygrad_lite.distributed.buckets import cut

HERE = "parallel_programs"


@pytest.mark.parametrize("count", [2, 3])
def test_steps_of_adam_are_those_of_one_process(count, tmp_path):
    found, _ = results(count, f"{HERE}:trains_as_one", tmp_path)
    assert all(each == found[0] for each in found)  # the same bits on all ranks
    assert found[0]["float64"] < 1e-12
    assert found[0]["float32"] < 1e-6


@pytest.mark.parametrize(
    ("count", "name"), [*((n, name) for n in (2, 3) for name in ("stays_alike", "keeps_its_promises")), (3, "joins")]
)
def test_ranks_have_the_same_bits(count, name, tmp_path):
    """After many steps; after means of unequal batches; after those of ranks that ran out of data."""
    found, _ = results(count, f"{HERE}:{name}", tmp_path)
    assert found == [found[0]] * count


@pytest.mark.parametrize("name", ["finds_unused", "differs"])
def test_parameters_without_gradients_and_models_that_differ_are_named(name, tmp_path):
    assert results(2, f"{HERE}:{name}", tmp_path)[0] == [None, None]  # the ranks have seen it


ENDS = {
    "runs_out_of_data": ["rank 1 in rows of backward pass 3", "rank 0 has left: its program has ended"],
    "fails_on_the_way_back": ["rank 1 has left: it ended with ArithmeticError: on the way back at"],
}


@pytest.mark.parametrize("name", ENDS)
def test_a_rank_that_makes_no_step_is_named(name, tmp_path):
    (printed,) = launch(2, f"{HERE}:{name}", tmp_path, fails=True)
    for part in ENDS[name]:
        assert part in printed, printed
    assert "parallel_programs.py:" in printed


def test_one_process_trains_as_without_it():
    dist.init_process_group()
    try:
        tg.manual_seed(0)
        model, x = nn.Linear(3, 2), tg.randn(4, 3)
        model(x).square().mean().backward()
        expected = [p.grad.clone() for p in model.parameters()]
        model.zero_grad()
        parallel = nn.parallel.DistributedDataParallel(model)
        parallel(x).square().mean().backward()
        assert all(tg.allclose(p.grad, g) for p, g in zip(model.parameters(), expected))
        assert list(parallel.state_dict()) == ["module.weight", "module.bias"]
        with pytest.raises(TypeError, match="unexpected arguments"):
            nn.parallel.DistributedDataParallel(model, no_such_thing=1)
    finally:
        dist.destroy_process_group()


def test_a_recorded_step_makes_the_same_calls():
    """A pass that is summed over ranks is not replayed as if it were none."""
    dist.init_process_group()
    try:
        tg.manual_seed(0)
        model = nn.Linear(3, 2)
        parallel, x = nn.parallel.DistributedDataParallel(model), tg.randn(4, 3)
        passes = parallel._reducer

        def step(x):
            model.zero_grad()
            parallel(x).square().mean().backward()

        compiled = tg.compile(step)
        with pytest.warns(RuntimeWarning, match="runs eagerly: a hook on a gradient"):
            compiled(x)
        for _ in range(3):
            compiled(x)
        assert passes._pass == 4
    finally:
        dist.destroy_process_group()


def test_the_first_and_the_last_bucket_are_small():
    """The one leaves early, the other's way is hidden by nothing; the rest is in few pieces."""
    kilobytes = [1, 2, 8, 8, 8, 8, 8, 2, 1]
    parameters = [tg.zeros(256 * n) for n in kilobytes]
    buckets = cut(list(range(9)), parameters, 4 << 10, 16 << 10)
    assert [bucket.places for bucket in buckets] == [[0, 1], [2, 3], [4, 5], [6], [7, 8]]
    assert [bucket.places for bucket in cut([0, 1], parameters, 4 << 10, 16 << 10)] == [[0, 1]]
    assert [bucket.places for bucket in cut([7, 8, 6], parameters, 4 << 10, 16 << 10)] == [[7, 8], [6]]
    mixed = [tg.zeros(4), tg.zeros(4, dtype=tg.float64), tg.zeros(4)]
    assert [bucket.places for bucket in cut([0, 1, 2], mixed, 4 << 10, 16 << 10)] == [[0], [1], [2]]

"""`ZeroRedundancyOptimizer`: the steps of one process, with its state divided among the ranks."""

from __future__ import annotations

import shutil

import pytest
from ranks import launch, results

import tinygrad_lite as tg
import tinygrad_lite.distributed as dist
from tinygrad_lite import optim

HERE = "zero_programs"


def test_steps_are_those_of_one_process_and_other_ranks_go_on(tmp_path):
    found, folder = results(3, f"{HERE}:divides", tmp_path)
    shutil.copytree(folder, tmp_path / "goes_on")
    for name in ("SGD", "AdamW", "clipped"):  # cut into equal parts
        assert all(0.3 < each[name] < 0.37 for each in found), found
    assert all(each["LAMB"] < 0.7 for each in found), found  # by whole parameters
    launch(2, f"{HERE}:goes_on", tmp_path)


def test_one_process_has_all_of_it():
    dist.init_process_group()
    try:
        w, v = (tg.ones(3, requires_grad=True) for _ in range(2))
        zero = optim.ZeroRedundancyOptimizer([("w", w)], optim.Adam, lr=0.1)
        adam = optim.Adam([("w", v)], lr=0.1)
        for p, optimizer in ((w, zero), (v, adam)):
            p.square().sum().backward()
            optimizer.step()
        assert w.tolist() == v.tolist()
        ours, theirs = zero.state_dict(), adam.state_dict()
        assert ours["param_groups"] == theirs["param_groups"]
        assert [s["exp_avg"].tolist() for s in ours["state"].values()] == [theirs["state"][0]["exp_avg"].tolist()]
        zero.zero_grad()
        assert w.grad is None
        zero.add_param_group({"params": [("v", v)], "lr": 1.0})
        assert [group["lr"] for group in zero.param_groups] == [0.1, 1.0]
        with pytest.raises(ValueError, match=r"groups of \[1\] parameters, not \[1, 1\]"):
            zero.load_state_dict(ours)
        for refused in ("ema", "differentiable"):
            with pytest.raises(TypeError, match=f"{refused} is not divided among ranks"):
                optim.ZeroRedundancyOptimizer([w], optim.Adam, **{refused: True})
    finally:
        dist.destroy_process_group()

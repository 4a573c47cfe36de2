"""`ZeroRedundancyOptimizer`: the steps of one process, with its state divided among the ranks."""

from __future__ import annotations

from ranks import launch

HERE = "zero_programs"


def test_steps_are_those_of_one_process_and_other_ranks_go_on(tmp_path):
    found = launch(3, f"{HERE}:divides", tmp_path)
    for name in ("SGD", "AdamW", "clipped"):  # cut into equal parts
        assert all(0.3 < each[name] < 0.37 for each in found), found
    assert all(each["LAMB"] < 0.7 for each in found), found  # by whole parameters
    launch(2, f"{HERE}:goes_on", tmp_path)

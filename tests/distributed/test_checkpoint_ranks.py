"""`Checkpoint` of several ranks: each saves its part, and all go on from a step that all have."""

from __future__ import annotations

import shutil

from ranks import launch, results


def test_ranks_go_on_together_and_other_numbers_of_them(tmp_path):
    two, folder = results(2, "checkpoint_programs:goes_on", tmp_path)
    shutil.copytree(folder, tmp_path / (name := "other_ranks_go_on"))
    three = launch(3, f"checkpoint_programs:{name}", tmp_path)
    found = [*two, *(each[f"checkpoint_programs:{name}"] for each in three)]
    assert {each["digest"] for each in found} == {two[0]["digest"]}

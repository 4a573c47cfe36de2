"""`Checkpoint` of several ranks: each saves its part, and all go on from a step that all have."""

from __future__ import annotations

from ranks import launch


def test_ranks_go_on_together_and_other_numbers_of_them(tmp_path):
    two = launch(2, "checkpoint_programs:goes_on", tmp_path)
    three = launch(3, "checkpoint_programs:other_ranks_go_on", tmp_path)
    assert {each["digest"] for each in two + three} == {two[0]["digest"]}

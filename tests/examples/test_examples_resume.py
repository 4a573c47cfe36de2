"""`examples/resume_training.py`: stopped anywhere it ends with the weights of the run that was not stopped."""

from __future__ import annotations

import json

import numpy as np
import resume_training

OPTIONS = {"steps": 60, "every": 10, "batch_size": 64}


def test_stopped_and_gone_on_with(digits, tmp_path, capsys):
    whole = resume_training.main(out=tmp_path / "whole", **OPTIONS)
    assert whole["finished"]
    assert whole["accuracy"] > 0.75  # after one epoch of 4,000 digits
    assert abs(whole["f1"] - whole["accuracy"]) < 0.05
    begun = []
    for _ in range(2):
        found = resume_training.main(out=tmp_path / "parts", stop_after=37, workers=0, **OPTIONS)
        begun.append((found["begun"], found["finished"]))
    assert begun == [(0, False), (37, True)]
    np.testing.assert_array_equal(found["weights"], whole["weights"])
    assert found["accuracy"] == whole["accuracy"]
    out = capsys.readouterr().out
    for text in ("Multiply-adds", "the loss falls most steeply", "goes on after step 37", "Adam.step"):
        assert text in out
    assert (tmp_path / "parts" / "resume_training.png").read_bytes()[:4] == b"\x89PNG"
    assert json.loads((tmp_path / "parts" / "resume_training.trace.json").read_text())["traceEvents"]

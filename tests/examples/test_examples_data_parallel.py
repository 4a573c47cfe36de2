"""`examples/data_parallel.py`: one rank learns what one process learns; tests/distributed has it for more."""

from __future__ import annotations

import data_parallel


def test_one_rank(digits, tmp_path):
    found = data_parallel.main(steps=40, out=tmp_path)
    assert found["ranks"] == 1
    assert found["difference"] < 1e-6
    assert found["losses"][-1] < found["losses"][0] / 1.5
    assert (tmp_path / "data_parallel.png").read_bytes()[:4] == b"\x89PNG"

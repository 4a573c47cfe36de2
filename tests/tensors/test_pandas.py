"""What pandas writes of tensors into its columns, and what a tensor's memory is asked."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg


def test_what_memory_is_asked():
    x = tg.ones(2)
    assert (tg.get_device(x), tg.is_conj(x), tg.is_neg(x), tg.is_inference(x)) == (-1, False, False, False)


def test_pandas_writes_tensors_into_columns():
    pd = pytest.importorskip("pandas", reason="pandas is no dependency")
    frame = pd.DataFrame({"a": [1.0, 2, 3], "b": [0.0, 0, 0], "n": [1, 2, 3]})
    frame.loc[:, "b"] = tg.tensor([1.0, 2.0, 3.0])
    frame.iloc[:, 0] = tg.tensor([7.0, 8.0, 9.0], dtype=tg.float64)
    frame.loc[1, "b"] = tg.tensor(0.5)
    frame.at[0, "a"] = tg.tensor(5.0)
    frame.loc[:, "n"] = tg.tensor([4, 5, 6])
    frame["c"] = tg.arange(3.0)
    expected = {"a": [5.0, 8, 9], "b": [1.0, 0.5, 3], "n": [4, 5, 6], "c": [0.0, 1, 2]}
    assert {name: frame[name].tolist() for name in frame} == expected
    assert [str(frame[name].dtype) for name in frame] == ["float64", "float64", "int64", "float32"]
    assert np.asarray(frame["a"] + tg.ones(3)).tolist() == [6, 9, 10]

"""Sums by place: the transpose of reading by index."""

from __future__ import annotations

from typing import Any

import numpy as np

from .backend import kernel


def add_blocks_plain(out: Any, starts: Any, values: Any) -> None:
    """``out[starts[i] + j] += values[i, j]``, repeated starts included.

    Parameters
    ----------
    out : array, 1 dimension
        Written.
    starts : array, shape (K,), integer
        None of them negative.
    values : array, shape (K, D), of the dtype of `out`
    """
    width = values.shape[1]
    places = starts if width == 1 else (starts[:, None] + np.arange(width)).reshape(-1)
    np.add.at(out, places, values.reshape(-1))  # on one flat dimension 7 times as fast as on rows


@kernel(add_blocks_plain)
def add_blocks(out: Any, starts: Any, values: Any) -> None:
    width = values.shape[1]
    if width == 1:
        column = values[:, 0]
        for i in range(starts.size):
            out[starts[i]] += column[i]
        return
    for i in range(starts.size):
        block, row = out[starts[i] : starts[i] + width], values[i]
        for j in range(width):
            block[j] += row[j]

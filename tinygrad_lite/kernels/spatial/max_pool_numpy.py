"""Maxima over windows, and the way back, in NumPy."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Windows(NamedTuple):
    """Where windows lie along three dimensions.

    Attributes
    ----------
    large, small : tuple of int
        Sizes, of as many dimensions as the pool has.
    spans : tuple of three arrays, shape (O, 2), integer
        For each result, where its window starts and stops.
    steps : array, shape (3,), integer
        From entry to entry of a window.
    regular : tuple of int
        Along the last dimension, the first and last results between which windows are complete, and 1 or 2 apart; how
        far apart they are, and how many entries they have.
    nothing : None, or tuple of two arrays, of the results' shape
        Which windows hold no entry at all, and where they would begin; in `spans` they hold one that does not count.
    """

    large: tuple[int, ...]
    small: tuple[int, ...]
    spans: tuple[Any, Any, Any]
    steps: Any
    regular: tuple[int, int, int, int]
    nothing: tuple[Any, Any] | None = None


def max_pool_plain(x: Any, windows: Windows, out: Any, index: Any) -> None:
    """Maxima of windows, and where they lie; the first of equal ones, the last NaN where there is one.

    Parameters
    ----------
    x : array, shape (P, D, H, W)
    windows : Windows
    out : array, shape (P, OD, OH, OW)
        Written.
    index : array, shape (P, OD, OH, OW), int32
        Written: positions in the flattened (D, H, W).
    """
    places = np.arange(x[0].size).reshape(x.shape[1:])
    for d, (d0, d1) in enumerate(windows.spans[0]):
        for h, (h0, h1) in enumerate(windows.spans[1]):
            for w, (w0, w1) in enumerate(windows.spans[2]):
                box = tuple(slice(a, b, s) for (a, b), s in zip(((d0, d1), (h0, h1), (w0, w1)), windows.steps))
                window = x[(slice(None), *box)].reshape(len(x), -1)
                best = np.argmax(window, axis=1)
                if x.dtype.kind == "f" and (lost := np.isnan(window)).any():
                    last = window.shape[1] - 1 - np.argmax(lost[:, ::-1], axis=1)
                    best = np.where(lost.any(axis=1), last, best)
                index[:, d, h, w] = places[box].reshape(-1)[best]
    out.reshape(len(x), -1)[...] = np.take_along_axis(x.reshape(len(x), -1), index.reshape(len(x), -1), 1)


def scatter_plain(y: Any, index: Any, out: Any) -> None:
    """``out[p, index[p, i]] += y[p, i]``, from zero.

    Parameters
    ----------
    y : array, shape (P, I)
    index : array, shape (P, I), integer
    out : array, shape (P, O)
        Written.
    """
    out[...] = 0
    np.add.at(out, (np.arange(len(y))[:, None], index), y)

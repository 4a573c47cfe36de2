"""`Bucket`: gradients of some parameters in one piece of memory, which travels at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import Tensor
from ..rules import wrap

Array = np.ndarray[Any, Any]


class Bucket:
    """Some parameters' gradients, and whether each has come: one message.

    Parameters
    ----------
    places : list of int
        Which parameters.
    parameters : list of Tensor
        Of one dtype.
    """

    def __init__(self, places: list[int], parameters: list[Tensor]) -> None:
        self.places = places
        dtype = parameters[0]._data.dtype
        sizes = [p._data.size for p in parameters]
        ends = np.cumsum(sizes).tolist()
        kind = np.dtype(np.float32) if dtype == np.float16 else dtype  # MPI adds no float16
        self.flat: Array = np.zeros(ends[-1] + 2 * len(places), kind)
        self._tail = self.flat[ends[-1] :]
        self.used, self.held = self._tail.reshape(2, -1)  # came in this pass; were there before
        self.views: list[Array] = [
            self.flat[end - size : end].reshape(p._data.shape) for p, size, end in zip(parameters, sizes, ends)
        ]
        self.tensors = [wrap(view if kind == dtype else np.empty(view.shape, dtype)) for view in self.views]
        self.missing = len(places)
        self.request: Any = None
        self.agreed: Any = None  # the call that all ranks have to be in

    def begin(self) -> None:
        """Forget the last pass; the gradients stay."""
        self._tail[:] = 0
        self.missing, self.request, self.agreed = len(self.places), None, None

    def put(self, i: int, g: Array | None, before: Array | None, scale: float) -> None:
        """Write a gradient, times `scale`, to its place; `before` is what it adds to."""
        view = self.views[i]
        self.used[i], self.held[i] = g is not None, before is not None
        one = before if g is None else g
        if scale == 0 or one is None:
            view[...] = 0  # of no rows a mean is nan
        elif g is None or before is None:
            np.multiply(one, view.dtype.type(scale), out=view)
        else:
            np.add(before, g, out=view)
            if scale != 1:
                view *= view.dtype.type(scale)

    def arrived(self) -> bool:
        """Whether the sum over ranks is there; asking moves it on."""
        if self.request is not None and self.request.Test():
            self.request = None
        return self.request is None

    def is_done(self) -> bool:
        """Whether it has arrived, and all ranks meant the same."""
        return bool(self.agreed.is_completed()) and self.arrived()

    def hand_out(self) -> None:
        """Write gradients of another dtype than that of the message to their places."""
        for view, tensor in zip(self.views, self.tensors):
            if tensor._data is not view:
                tensor._data[...] = view


def cut(order: list[int], parameters: list[Tensor], ends: int, cap: int) -> list[Bucket]:
    """Put parameters into buckets, in order and of one dtype each: first and last of `ends` bytes, others of `cap`.

    The first shall leave early. The last leaves when the pass has ended, so that nothing hides its way.
    """
    last, size = len(order), 0
    while last and (not size or size + parameters[order[last - 1]]._data.nbytes <= ends):
        last -= 1
        size += parameters[order[last]]._data.nbytes
    groups: list[list[int]] = []
    size = 0
    for k, i in enumerate(order):
        p = parameters[i]._data
        limit = cap if len(groups) > 1 else ends
        if not groups or k == last or size + p.nbytes > limit or parameters[groups[-1][0]]._data.dtype != p.dtype:
            groups.append([])
            size = 0
        groups[-1].append(i)
        size += p.nbytes
    return [Bucket(group, [parameters[k] for k in group]) for group in groups]

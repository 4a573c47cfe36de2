"""`Reducer`: sums gradients over ranks while the backward pass runs, and divides by the number of all rows.

A pass begins with the number of rows of all ranks; then each rank adds the gradients of its rows, divided by it. So the
mean is that of all rows, no matter how they lie on the ranks, and nothing of earlier passes is in it.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import Tensor
from ..engine.delivery import LEAVES
from ..graph import Node, written
from .buckets import Bucket, cut
from .functional import summed
from .groups import ProcessGroup
from .objects import exchange
from .work import Work, here, wait_for

ENDS = 1 << 20  # bytes of the first bucket, which shall leave early, and of the last, which nothing hides


class Reducer:
    """What stands between the backward pass and the gradients of a model that several ranks train.

    Parameters
    ----------
    named : sequence of (str, Tensor)
        The parameters that require grad: the same on all ranks.
    group : ProcessGroup
    cap : int
        Bytes of a bucket.
    find_unused : bool
        Parameters may be without gradients; else that is an error, on all ranks.
    """

    def __init__(self, named: Sequence[tuple[str, Tensor]], group: ProcessGroup, cap: int, find_unused: bool) -> None:
        self.names, self.parameters = [n for n, _ in named], [p for _, p in named]
        self.group, self.cap, self.find_unused = group, cap, find_unused
        self._comm = group.dup()
        self._nodes: list[Node] = [p._node for p in self.parameters]
        self.rows = 0.0  # of this pass, so far
        self.weigh = True
        self._pass = 0
        self._seen: list[int] | None = []  # the order in which gradients came, until buckets follow it
        self._build(list(reversed(range(len(self._nodes)))))
        weakref.finalize(self, _forget, self._nodes)

    def _build(self, order: list[int]) -> None:
        before = {i: p.grad._data.copy() for i, p in enumerate(self.parameters) if p.grad is not None}
        self.buckets = cut(order, self.parameters, min(ENDS, self.cap), self.cap)
        self._at = {i: (bucket, k) for bucket in self.buckets for k, i in enumerate(bucket.places)}
        for i, g in before.items():
            bucket, k = self._at[i]
            bucket.tensors[k]._data[...] = g
            self.parameters[i].grad = bucket.tensors[k]
        self._texts = [_shortened([self.names[i] for i in bucket.places]) for bucket in self.buckets]
        self._begin()

    def _begin(self) -> None:
        self._came: set[int] = set()
        self._got: set[int] = set()  # those with a gradient
        self._next = 0  # the bucket that leaves next
        self._scale: float | None = None
        self._ranks = 0.0  # that ran the model
        self.rows = 0.0
        for bucket in self.buckets:
            bucket.begin()

    def follow(self, on: bool) -> None:
        """Take the gradients of coming passes, or leave them alone."""
        _forget(self._nodes)
        if on:
            self._find_nodes()
            sink = weakref.proxy(self)
            LEAVES.update((node, sink) for node in self._nodes)

    def _find_nodes(self) -> None:
        """A parameter that has got another array, as by `data`, may be another leaf."""
        for i, p in enumerate(self.parameters):
            if p._node is None or p._node.edges != ():
                raise RuntimeError(
                    f"DistributedDataParallel: {self.names[i]!r} must stay a leaf that requires grad; make another "
                    "DistributedDataParallel after it is changed"
                )
            self._nodes[i] = p._node
        self._places = {node: i for i, node in enumerate(self._nodes)}

    # --- a pass -------------------------------------------------------------------------------------------------------

    def take(self, node: Node, g: Any) -> None:
        """A gradient is complete."""
        i = self._places[node]
        if i in self._came:
            raise RuntimeError(
                f"DistributedDataParallel: the gradient of {self.names[i]!r} came twice in a pass, as that of a "
                "checkpointed part does that is used twice; use no_sync() and reduce()"
            )
        self._put(i, g)
        while self._next < len(self.buckets) and not self.buckets[self._next].missing:
            self._send(self.buckets[self._next])
        self.progress()

    def _put(self, i: int, g: Any) -> None:
        scale = self._agree() if self._scale is None else self._scale
        bucket, k = self._at[i]
        before = self.parameters[i].grad
        bucket.put(k, g, None if before is None else before._data, scale)
        self._came.add(i)
        bucket.missing -= 1
        if g is not None:
            self._got.add(i)
            if self._seen is not None:
                self._seen.append(i)

    def _agree(self, scale: float | None = None, ran: bool = True) -> float:
        """What this rank's gradients are to be multiplied by: their rows, of those of all ranks."""
        rows = self.rows if self.weigh or not ran else 1.0
        total, ranks = summed(self.group, (rows, ran), f"rows of backward pass {self._pass + 1}", np.float64).tolist()
        self._ranks = ranks
        self._scale = (rows if scale is None else scale) / total if total else 0.0
        return self._scale

    def _send(self, bucket: Bucket) -> None:
        self._next += 1
        names = self._texts[self._next - 1]
        text = f"reduction {self._next} of {len(self.buckets)} in backward pass {self._pass + 1}, of {names}"
        self.group.world.require(self.group, text)
        bucket.agreed = Work(self.group, text, iter(()))
        comm, group = self._comm, self.group
        bucket.request = comm.Iallreduce(group.IN_PLACE, bucket.flat, op=None if group.MPI is None else group.MPI.SUM)

    def progress(self) -> None:
        """Move on what is under way."""
        self.group.progress()
        for bucket in self.buckets[: self._next]:
            bucket.arrived()

    def end(self, ran: bool = True, strict: bool = True) -> None:
        """Send what is left, wait for all, and hand the gradients out."""
        for i in range(len(self.parameters)):
            if i not in self._came:
                self._put(i, None)
        while self._next < len(self.buckets):
            self._send(self.buckets[self._next])
        for bucket in self.buckets:
            wait_for(self.group, bucket.is_done, bucket.agreed, None)
        self._pass += 1
        used = self._hand_out()
        without = [name for i, name in enumerate(self.names) if i not in self._got] if ran else []
        self._begin()
        if strict and not self.find_unused and not all(used):
            self._refuse_unused(without)

    def _hand_out(self) -> list[bool]:
        """Give parameters their gradients; and whether each was used by all ranks that ran the model."""
        used = [True] * len(self.parameters)
        for bucket in self.buckets:
            bucket.hand_out()
            written(bucket.flat, "DistributedDataParallel")
            for k, i in enumerate(bucket.places):
                used[i] = bool(bucket.used[k].real == self._ranks)
                if bucket.used[k] or bucket.held[k]:
                    self.parameters[i].grad = bucket.tensors[k]
        return used

    def _refuse_unused(self, without: list[str]) -> None:
        """All ranks come here at once: what each has used travels with the gradients."""
        of_each = zip(self.group.ranks, exchange(self.group, "parameters without gradients", without))
        where = [f"in rank {rank} {', '.join(map(repr, names))}" for rank, names in of_each if names]
        raise RuntimeError(
            f"DistributedDataParallel: parameters without a gradient in this pass: {'; '.join(where)}. If that is "
            "meant, find_unused_parameters=True takes zeros for them"
        )

    def fail(self) -> None:
        """The pass has ended in an error: forget what was sent of it. The other ranks will differ, and be told."""
        self._pass += 1
        self._begin()

    def reduce(self, scale: float | None, rows: float, ran: bool = True) -> None:
        """Sum what the parameters' `grad` hold, without a pass.

        Parameters
        ----------
        scale : float or None
            What they are to be multiplied by to be sums of rows; None: the rows.
        rows : float
        ran : bool
            Whether this rank ran the model.
        """
        self.rows = rows
        self._agree(scale, ran)
        self.end(ran, strict=False)

    def reorder(self) -> None:
        """Have the buckets follow the order in which gradients came first, in rank 0; all ranks do so at once."""
        seen, self._seen = self._seen, None
        if seen is None or len(self.buckets) == 1 or self.group.size() == 1:
            return
        order = list(exchange(self.group, "DistributedDataParallel: the order of gradients", seen)[0])
        order += [i for i in reversed(range(len(self.parameters))) if i not in set(order)]
        if order != [i for bucket in self.buckets for i in bucket.places]:
            self._build(order)

    @property
    def first_pass_is_over(self) -> bool:
        """Whether it is time for `reorder`."""
        return self._seen is not None and self._pass > 0


def _shortened(names: list[str]) -> str:
    return f"{', '.join(names[:3])}{' ...' * (len(names) > 3)}"


def _forget(nodes: list[Node]) -> None:
    for node in nodes:
        LEAVES.pop(node, None)
        node.hooks = node.hooks or None


def coalesced(group: ProcessGroup, tensors: list[Tensor], root: int, call: str) -> None:
    """Give all ranks the values of one of them, in few messages."""
    kinds: dict[Any, list[Tensor]] = {}
    for tensor in tensors:
        kinds.setdefault(tensor._data.dtype, []).append(tensor)
    for dtype, each in kinds.items():
        flat = np.concatenate([t._data.reshape(-1) for t in each])

        def steps(flat: Any = flat) -> Any:
            yield [group.comm.Ibcast(flat.view(np.uint8), root=root)], True

        group.submit(f"{call} ({dtype}, {flat.size}, from {root})", steps)
        start = 0
        for tensor in each:
            size = tensor._data.size
            if group.rank() != root:
                tensor._data[...] = flat[start : start + size].reshape(tensor._data.shape)
                written(tensor._data, call)
            start += size


def check_alike(group: ProcessGroup, named: Sequence[tuple[str, Tensor]]) -> None:
    """Raise, on all ranks, if parameters differ in name, shape, dtype or order."""
    own = [(name, tuple(t.shape), str(t.dtype), t.requires_grad) for name, t in named]
    of_each = exchange(group, "DistributedDataParallel: parameters", (own, here(3)))
    first, line = of_each[0]
    for rank, (theirs, where) in zip(group.ranks, of_each):
        for i in range(max(len(first), len(theirs))):
            a, b = (each[i] if i < len(each) else None for each in (first, theirs))
            if a != b:
                raise RuntimeError(
                    f"DistributedDataParallel: parameter {i} differs between ranks: {_shown(a)} in rank "
                    f"{group.ranks[0]} at {line}, {_shown(b)} in rank {rank} at {where}"
                )


def _shown(each: Any) -> str:
    if each is None:
        return "none"
    name, shape, dtype, requires_grad = each
    return f"{name!r} {dtype} {shape}{'' if requires_grad else ' without gradient'}"

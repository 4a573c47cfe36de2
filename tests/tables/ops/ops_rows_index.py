"""Rows of the operations that read and write by index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ops_cases import Given, Row, array, fixed, integers, mask, nonzero, normal, point

from tinygrad_lite.ops.indexing import index, scatter

m43, m432, v3 = normal(4, 3), normal(4, 3, 2), normal(3)
repeated = array([0, 2, 0])


def distinct_index(high: int, *shape: int) -> Given:
    """Indices of which none repeats along the first dimension."""
    return Given(lambda rng, s: np.argsort(rng.random((high, *s[1:])), 0)[: s[0]], shape, differentiable=False)


def _slices() -> list[Row]:
    return [
        Row("index_add", lambda m, x, i, v: m.index_add(x, 0, i, v), (m43, repeated, normal(3, 3))),
        Row("index_add", lambda m, x, i, v: m.index_add(x, -1, i, v, alpha=2), (m43, repeated, normal(4, 3))),
        Row("index_add", lambda m, x, i, v: m.index_add(x, dim=1, index=i, source=v), (m432, repeated, m432)),
        Row("index_add", lambda m, x, i, v: m.index_add(x, 0, i, v), (normal(), array(0), normal())),
        Row("index_copy", lambda m, x, i, v: m.index_copy(x, 0, i, v), (m43, array([3, 1]), normal(2, 3))),
        Row("index_copy", lambda m, x, i, v: m.index_copy(x, dim=1, index=i, source=v), (m432, array([2, 0]),
            normal(4, 2, 2))),
        Row("index_fill", lambda m, x, i: m.index_fill(x, 0, i, 2.5), (m43, repeated)),
        Row("index_fill", lambda m, x, i: m.index_fill(x, 1, i, 2.5), (m43, array([-1, 0]))),
        Row("index_fill", lambda m, x, i, v: m.index_fill(x, dim=1, index=i, value=v), (m43, array([1]), normal())),
        *(Row("index_reduce", lambda m, x, i, v, r=reduce, s=own: m.index_reduce(x, 0, i, v, r, include_self=s),
              (nonzero(4, 3), array([0, 2, 0, 0]), nonzero(4, 3)))
          for reduce in ("prod", "mean", "amax", "amin") for own in (True, False)),
    ]  # fmt: skip


def _places() -> list[Row]:
    pairs = (integers(0, 4, 5), integers(0, 3, 5))
    return [
        Row("index_put", lambda m, x, i, v: m.index_put(x, (i,), v), (m43, array([3, 1]), normal(2, 3))),
        Row("index_put", lambda m, x, i, v: m.index_put(x, indices=(i,), values=v), (m43, mask(4), normal(3))),
        Row("index_put", lambda m, x, i, j, v: m.index_put(x, (i, j), v, accumulate=True), (m43, *pairs, normal(5))),
        Row("index_put", lambda m, x, i, v: m.index_put(x, (i,), v, accumulate=True), (m43, repeated, normal(3, 1))),
        Row("index_put", lambda m, x, i, j, v: m.index_put(x, (i, j), v, accumulate=True), (m43, *pairs, normal())),
        Row("index_put", lambda m, x, c, v: m.index_put(x, (c,), v, accumulate=True), (m43, mask(4, 3), normal())),
        Row("put", lambda m, x, i, v: m.put(x, i, v), (m43, array([[0, 5], [-1, 7]]), normal(2, 2))),
        Row("put", lambda m, x, i, v: m.put(x, index=i, source=v, accumulate=True), (m43, array([0, 5, 0, -12]),
            normal(4))),
        Row("take", lambda m, x, i: m.take(x, i), (m43, array([[0, 5], [-1, 0]])),
            lambda x, i: np.take(x, i.numpy() if hasattr(i, "detach") else i)),
        Row("take", lambda m, x, i: m.take(x, index=i), (normal(), array(0))),
        Row("take along a dimension", lambda m, x: np.take(x, [[0, 2], [-1, 2]], axis=1), (m432,),
            lambda x: np.take(x, [[0, 2], [-1, 2]], axis=1), in_torch=False),
        Row("masked_scatter", lambda m, x, c, v: m.masked_scatter(x, c, v), (m43, mask(4, 3), normal(15))),
        Row("masked_scatter", lambda m, x, mask, source: m.masked_scatter(x, mask=mask, source=source),
            (m43, mask(3), normal(3, 5))),
        Row("masked_scatter", lambda m, x, c, v: m.masked_scatter(x, c, v), (v3, mask(2, 3), normal(6))),
        Row("accumulate", lambda m, x, v: index.index_add(x, v, (slice(1, 3),)), (m43, normal(2, 3)), in_torch=False),
    ]  # fmt: skip


def _scatters() -> list[Row]:
    rows = []
    for dim, shape in [(0, (2, 3)), (0, (6, 2)), (1, (3, 5))]:
        i = integers(0, (4, 3)[dim], *shape)
        wide = normal(shape[0] + 1, shape[1])
        rows += [
            Row("scatter_add", lambda m, x, i, v, d=dim: m.scatter_add(x, d, i, v), (m43, i, normal(*shape))),
            Row("scatter_add", lambda m, x, i, v, d=dim: m.scatter_add(x, dim=d, index=i, src=v[: i.shape[0]]),
                (m43, i, wide)),
        ]  # fmt: skip
        for reduce in ("sum", "prod", "mean", "amax", "amin"):
            for own in (True, False):
                call: Callable[..., Any] = lambda m, x, i, v, d=dim, r=reduce, s=own: m.scatter_reduce(  # noqa: E731
                    x, d, i, v, reduce=r, include_self=s
                )
                rows.append(Row("scatter_reduce", call, (nonzero(4, 3), i, nonzero(*shape))))
    unique, ties = distinct_index(4, 2, 3), array([0, 0, 1, 1, 1, 3])
    zeros = (point([0.0, 2.0, 3.0, 0.0]), ties, point([0.0, 3.0, 0.0, 5.0, 2.0, 0.0]))
    same = (point([1.0, 2.0, 3.0, 5.0]), ties, point([1.0, 1.0, 7.0, 7.0, 2.0, 4.0]))
    return rows + [
        Row("scatter", lambda m, x, i, v: m.scatter(x, 0, i, v), (m43, unique, normal(2, 3))),
        Row("scatter", lambda m, x, i, v: m.scatter(x, dim=0, index=i, src=v), (m43, unique, normal(2, 3))),
        Row("scatter", lambda m, x, i: m.scatter(x, 0, i, 1.5), (m43, unique)),
        Row("scatter", lambda m, x, i: m.scatter(x, 0, i, value=2), (m43, integers(0, 4, 5, 3))),
        Row("scatter", lambda m, x, i, v: m.scatter(x, 0, i, v, reduce="add"), (m43, integers(0, 4, 4, 3), m43),
            in_torch=False),
        Row("scatter", lambda m, x, i, v: m.scatter(x, 0, i, v, reduce="multiply"), (m43, integers(0, 4, 4, 3), m43),
            in_torch=False),
        Row("scatter", lambda m, x, i, v: m.scatter(x, 0, i, v) + x, (normal(), array(0), normal())),
        Row("scatter_add", lambda m, x, i, v: m.scatter_add(x, 0, i, v), (normal(), array([0]), normal(1))),
        Row("scatter_reduce", lambda m, x, i, v: m.scatter_reduce(x, 0, i, v, "prod"), zeros),
        Row("scatter_reduce", lambda m, x, i, v: m.scatter_reduce(x, 0, i, v, "amax"), same, numerical=False),
        Row("scatter_reduce", lambda m, x, i, v: m.scatter_reduce(x, 0, i, v, "amin"), same, numerical=False),
        Row("times_at", lambda m, x, v: scatter.times_at(x, v, (np.array([0, 2, 0]),)), (m43, normal(3, 3)),
            in_torch=False),
    ]  # fmt: skip


ROWS: list[Row] = [*_slices(), *_places(), *_scatters()]

some, others = fixed(m43), fixed(nonzero(4, 3))
QUESTIONS: list[Row] = [
    Row("scatter", lambda m, x, i, v: m.scatter(x, 0, i, v, reduce="add"), (some, integers(0, 4, 4, 3), others)),
    Row("scatter", lambda m, x, i, v: m.scatter(x, 0, i, v, reduce="multiply"), (some, integers(0, 4, 4, 3), others)),
    Row("scatter", lambda m, x, i: m.scatter(x, 0, i, 3.0, reduce="add"), (some, integers(0, 4, 4, 3))),
    *(Row("scatter_reduce", lambda m, x, i, v, r=reduce, s=own: m.scatter_reduce(x, 0, i, v, r, include_self=s),
          (integers(-9, 9, 4, 3), integers(0, 4, 5, 3), integers(-9, 9, 5, 3)))
      for reduce in ("sum", "prod", "mean", "amax", "amin") for own in (True, False)),
    Row("nonzero", lambda m, x: m.nonzero(x), (integers(0, 2, 3, 4),)),
    Row("nonzero", lambda m, x: m.nonzero(x, as_tuple=True), (integers(0, 2, 3, 4),), np.nonzero),
    Row("nonzero", lambda m, x: [m.nonzero(x), *m.nonzero(x, as_tuple=True)], (array(3),)),
    Row("nonzero", lambda m, x: [m.nonzero(x), *m.nonzero(x, as_tuple=True)], (array(0.0),)),
    Row("argwhere", lambda m, x: m.argwhere(x), (mask(2, 3, 2),), np.argwhere),
    Row("unravel_index", lambda m, i: m.unravel_index(i, (3, 4)), (integers(0, 12, 2, 3),),
        lambda i: np.unravel_index(i, (3, 4))),
    Row("unravel_index", lambda m, i: m.unravel_index(i, shape=(7,)), (integers(0, 7, 4),)),
]  # fmt: skip

"""Rows of the operations that cut, stack, turn and view tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
from ops_cases import Row, array, fixed, integers, normal

from tinygrad_lite.ops.shape import diagonals

m345, m34, m3, scalar = (normal(2, 3, 4),), (normal(3, 4),), (normal(3),), (normal(),)


def _cuts() -> list[Row]:
    return [
        Row("select", lambda m, x: m.select(x, 1, -1), m345, lambda x: x[:, -1]),
        Row("select", lambda m, x: m.select(x, dim=0, index=1), m3, lambda x: x[1]),
        Row("tensor_split", lambda m, x: m.tensor_split(x, 2), (normal(5, 2),), lambda x: np.array_split(x, 2)),
        Row("tensor_split", lambda m, x: m.tensor_split(x, 5, dim=-1), m34, lambda x: np.array_split(x, 5, 1)),
        Row("tensor_split", lambda m, x: m.tensor_split(x, (1, -1, 9), dim=1), m34,
            lambda x: np.array_split(x, (1, -1, 9), 1)),
        Row("tensor_split", lambda m, x, i: m.tensor_split(x, i), (normal(5, 2), array([3, 1])), None),
        Row("split_with_sizes", lambda m, x: m.split_with_sizes(x, (1, 2), dim=0), m34, lambda x: np.split(x, [1])),
        Row("hsplit", lambda m, x: m.hsplit(x, 2), m34, lambda x: np.hsplit(x, 2)),
        Row("hsplit", lambda m, x: m.hsplit(x, (1,)), m3, lambda x: np.hsplit(x, (1,))),
        Row("vsplit", lambda m, x: m.vsplit(x, 3), m34, lambda x: np.vsplit(x, 3)),
        Row("vsplit", lambda m, x: m.vsplit(x, [1, 2]), m345, lambda x: np.vsplit(x, [1, 2])),
        Row("dsplit", lambda m, x: m.dsplit(x, 2), m345, lambda x: np.dsplit(x, 2)),
    ]  # fmt: skip


def _turns() -> list[Row]:
    rows = [
        Row("rot90", lambda m, x, k=k: m.rot90(x, k), m34, lambda x, k=k: np.rot90(x, k)) for k in (-1, 0, 1, 2, 3, 5)
    ]
    return rows + [
        Row("rot90", lambda m, x: m.rot90(x, dims=(2, 0)), m345, lambda x: np.rot90(x, axes=(2, 0))),
        Row("fliplr", lambda m, x: m.fliplr(x), m345, np.fliplr),
        Row("flipud", lambda m, x: m.flipud(x), m3, np.flipud),
        Row("repeat_interleave", lambda m, x: m.repeat_interleave(x, 2), m34, lambda x: np.repeat(x, 2)),
        Row("repeat_interleave", lambda m, x: m.repeat_interleave(x, 3, dim=1), m34, lambda x: np.repeat(x, 3, axis=1)),
        Row("repeat_interleave", lambda m, x, r: m.repeat_interleave(x, r, dim=0), (*m34, array([2, 0, 3])),
            lambda x, r: np.repeat(x, r.numpy() if hasattr(r, "detach") else r, 0)),
        Row("repeat_interleave", lambda m, x, r: m.repeat_interleave(x, r, dim=-1, output_size=8), (*m34, array([2]))),
        Row("repeat_interleave", lambda m, x: m.repeat_interleave(x, 0, dim=1).sum() + x.sum(), m34),
        Row("repeat_interleave", lambda m, x: m.repeat_interleave(x, 3), scalar, lambda x: np.repeat(x, 3)),
    ]  # fmt: skip


def _stacks() -> list[Row]:
    rows = [
        Row(name, lambda m, x, y, n=name: getattr(m, n)((x, y)), (normal(*a), normal(*b)),
            lambda x, y, f=function: f([x, y]))
        for name, function, pairs in [
            ("hstack", np.hstack, [((), ()), ((3,), (2,)), ((2, 3), (2, 1)), ((2, 1, 2), (2, 3, 2))]),
            ("vstack", np.vstack, [((), ()), ((3,), (2, 3)), ((1, 3, 2), (2, 3, 2))]),
            ("dstack", np.dstack, [((), ()), ((3,), (3,)), ((2, 3), (2, 3, 2)), ((3,), (1, 3, 4))]),
            ("column_stack", np.column_stack, [((3,), (3,)), ((3,), (3, 2))]),
        ]
        for a, b in pairs
    ]  # fmt: skip
    rows += [
        Row(f"atleast_{n}d", lambda m, x, y, n=n: getattr(m, f"atleast_{n}d")(x, y), (normal(*s), normal(2, 1, 3)),
            lambda x, y, f=function: f(x, y))
        for n, function in enumerate((np.atleast_1d, np.atleast_2d, np.atleast_3d), 1)
        for s in ((), (2,), (2, 3))
    ]  # fmt: skip
    return rows + [
        Row("column_stack", lambda m, x: m.column_stack((x, x)), scalar),
        Row("row_stack", lambda m, x, y: m.row_stack((x, y)), (normal(3), normal(2, 3))),
        Row("atleast_2d", lambda m, x: m.atleast_2d(x), m3, np.atleast_2d),
        Row("atleast_3d", lambda m, x: m.atleast_3d((x, x)), m3),
        Row("block_diag", lambda m, x, y, z, w: m.block_diag(x, y, z, w), (normal(2, 3), normal(2), normal(),
            normal(1, 1))),
        Row("broadcast_tensors", lambda m, x, y: m.broadcast_tensors(x, y), (normal(3, 1), normal(2)),
            np.broadcast_arrays),
        Row("meshgrid", lambda m, x, y, z: m.meshgrid(x, y, z, indexing="ij"), (normal(2), normal(3), normal()),
            lambda x, y, z: np.meshgrid(x, y, z, indexing="ij")),
        Row("meshgrid", lambda m, x, y: m.meshgrid([x, y], indexing="xy"), (normal(2), normal(3)), np.meshgrid),
        Row("meshgrid", lambda m, x, y, z: m.meshgrid(x, y, z, indexing="xy"), (normal(2), normal(3), normal(1)),
            np.meshgrid),
        Row("cartesian_prod", lambda m, x, y, z: m.cartesian_prod(x, y, z), (normal(2), normal(3), normal(1))),
        Row("cartesian_prod", lambda m, x: m.cartesian_prod(x) * 2, m3),
        Row("combinations", lambda m, x: m.combinations(x), (normal(4),)),
        Row("combinations", lambda m, x: m.combinations(x, r=3, with_replacement=True), m3),
        Row("combinations", lambda m, x: [m.combinations(x, 0), m.combinations(x, 4), x * 1], m3),
    ]  # fmt: skip


def _diagonals() -> list[Row]:
    rows = [Row("diag", lambda m, x, k=k: m.diag(x, k), given, lambda x, k=k: np.diag(x, k))
            for k in (0, 1, -2) for given in (m34, m3)]  # fmt: skip
    rows += [Row("diagonal", lambda m, x, o=o, i=i, j=j: m.diagonal(x, o, i, j), m345,
                 lambda x, o=o, i=i, j=j: np.diagonal(x, o, i, j))
             for o, i, j in [(0, 0, 1), (1, -1, 0), (-1, 1, 2)]]  # fmt: skip
    rows += [Row("diag_embed", lambda m, x, o=o, i=i, j=j: m.diag_embed(x, o, i, j), m34)
             for o, i, j in [(0, -2, -1), (1, 0, 1), (-2, 2, 0)]]  # fmt: skip
    return rows + [
        Row("diagonal", lambda m, x: m.diagonal(x, offset=1, dim1=1, dim2=2), m345, None),
        Row("diagonal", lambda m, x: [m.diagonal(x, 7), m.diagonal(x, -2) * 2], m34, None),
        Row("diagflat", lambda m, x: m.diagflat(x, 1), (normal(2, 2),), lambda x: np.diagflat(x, 1)),
        Row("diagonal_scatter", lambda m, x, v: m.diagonal_scatter(x, v), (*m34, normal(3))),
        Row("diagonal_scatter", lambda m, x, v: m.diagonal_scatter(x, v, offset=1, dim1=2, dim2=0), (*m345,
            normal(3, 1))),
        Row("on_diagonal", lambda m, x: diagonals.on_diagonal(x, (3, 4), 1, 0, 1), m3, in_torch=False),
    ]  # fmt: skip


def _windows() -> list[Row]:
    return [
        Row("unfold", lambda m, x: x.unfold(0, 3, 1), (normal(6),)),
        Row("unfold", lambda m, x: x.unfold(1, 2, 2), m345),
        Row("unfold", lambda m, x: x.unfold(-1, 2, 3), m345),
        Row("unfold", lambda m, x: x.unfold(0, 1, 1) + x, scalar),
        Row("as_strided", lambda m, x: m.as_strided(x.clone(), (2, 2), (1, 3), 2), m34),
        Row("as_strided", lambda m, x: m.as_strided(x.clone(), (3, 3), (2, 1)), m34),
        Row("as_strided", lambda m, x: x.clone().t().as_strided((2, 2), (1, 4)), m34),
        Row("as_strided_scatter", lambda m, x, v: m.as_strided_scatter(x.clone(), v, (2, 2), (1, 4), 2), (*m34,
            normal(2, 2)), in_torch=False),  # PyTorch's gradient is wrong: it is not what differences give
        Row("select_scatter", lambda m, x, v: m.select_scatter(x, v, 1, -1), (*m345, normal(2, 4))),
        Row("select_scatter", lambda m, x, v: m.select_scatter(x, v, dim=0, index=1), (*m3, normal())),
        Row("slice_scatter", lambda m, x, v: m.slice_scatter(x, v, 1, 1, None, 2), (*m34, normal(3, 2))),
        Row("slice_scatter", lambda m, x, v: m.slice_scatter(x, v, dim=0, start=-2, end=9), (*m34, normal(2, 4))),
    ]  # fmt: skip


ROWS: list[Row] = [
    Row("clone", lambda m, x: m.clone(x), m34, np.copy),
    Row("sum_to_size", lambda m, x: x.sum_to_size(3, 1), m345),
    Row("sum_to_size", lambda m, x: x.sum_to_size((4,)), m345),
    Row(".H", lambda m, x: x.H, m34),
    *_cuts(), *_turns(), *_stacks(), *_diagonals(), *_windows(),
]  # fmt: skip


def _made(name: str, *args: Any, in_torch: bool = True, **options: Any) -> Row:
    return Row(name, lambda m: getattr(m, name)(*args, **options), (), in_torch=in_torch)


QUESTIONS: list[Row] = [
    Row("detach", lambda m, x: m.detach(x), m34),
    Row("as_strided_scatter", lambda m, x, v: m.as_strided_scatter(x.clone(), v, (2, 2), (1, 4), 2),
        (fixed(normal(3, 4)), fixed(normal(2, 2)))),
    Row("repeat_interleave", lambda m, r: m.repeat_interleave(r), (integers(0, 4, 5),)),
    Row("block_diag", lambda m, x, y: m.block_diag(x, y), (integers(0, 9, 2, 2), fixed(normal(1, 2)))),
    _made("arange", 5), _made("arange", 1, 4), _made("arange", 5, 2, -1), _made("arange", 0, 1, 0.3),
    _made("range", 1, 4, in_torch=False),  # which warns there
    _made("arange", start=2, end=7, step=3), _made("arange", 0), _made("arange", 2.5), _made("arange", True),
    _made("linspace", 0, 1, 5), _made("linspace", 3, -1, steps=1), _made("linspace", 0, 1, 0),
    _made("logspace", 0, 2, 5), _made("logspace", start=-1, end=1, steps=3, base=2),
    _made("eye", 3), _made("eye", 2, 3), _made("eye", n=0),
    _made("tril_indices", 3, 4), _made("tril_indices", 4, 2, 1), _made("tril_indices", row=3, col=3, offset=-1),
    _made("triu_indices", 3, 4), _made("triu_indices", 4, 2, -2), _made("triu_indices", row=3, col=3, offset=1),
    _made("tril_indices", 0, 3), _made("triu_indices", 2, 3, 5),
]  # fmt: skip

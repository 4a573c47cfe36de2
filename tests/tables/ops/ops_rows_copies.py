"""Rows of what views show, copied."""

from __future__ import annotations

from typing import Any

from ops_cases import Row, fixed, normal

M34, M234 = normal(3, 4), normal(2, 3, 4)
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "alias_copy": (), "constant_pad_nd": ((1, 2, 0, 1), 0.5),
    "diagonal_copy": (1,), "expand_copy": ((2, 3, 4),), "narrow_copy": (1, 1, 2), "permute_copy": ((1, 0),),
    "select_copy": (1, 2), "slice_copy": (1, 0, 3, 2), "split_copy": (2, 1), "split_with_sizes_copy": ((1, 3), 1),
    "squeeze_copy": (0,), "t_copy": (), "transpose_copy": (0, 1), "unbind_copy": (1,), "unfold_copy": (1, 2, 1),
    "unsafe_chunk": (2, 1), "unsafe_split": (2, 1), "unsafe_split_with_sizes": ((1, 3), 1), "unsqueeze_copy": (1,),
    "view_copy": ((2, 6),),
}  # fmt: skip

ROWS: list[Row] = [
    Row(name, lambda m, x, name=name, args=args: getattr(m, name)(x, *args), (M34,)) for name, args in ARGUMENTS.items()
] + [
    Row("as_strided_copy", lambda m, x: m.as_strided_copy(x.contiguous(), (2, 3), (1, 2), 1), (M34,)),
    Row("fill", lambda m, x: m.fill(x, 2.0), (M34,), flat=True),
    Row("fill", lambda m, x, v: m.fill(x, v), (fixed(M34), normal())),
    Row("view_as_real_copy", lambda m, x: m.view_as_real_copy(m.complex(x, 2 * x)), (M34,)),
    Row(
        "view_as_complex_copy", lambda m, x: m.view_as_real(m.view_as_complex_copy(x)), (normal(3, 2),), in_torch=False
    ),  # without a gradient there
]
QUESTIONS: list[Row] = [Row("detach_copy", lambda m, x: m.detach_copy(x), (fixed(M234),))]

"""``torch._utils``: one vector of many tensors, and tensors of one vector, as scripts share gradients."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate as _accumulate  # noqa: F401  by the name that scripts import
from typing import Any

from ..ops.shape.cat_pad import cat
from ..ops.shape.reshape_transpose import flatten
from ..ops.shape.split import split
from ..ops.shape.storage import _element_size  # noqa: F401


def _flatten_dense_tensors(tensors: Sequence[Any]) -> Any:
    """All elements of tensors of one dtype in one vector."""
    return cat([flatten(t) for t in tensors])


def _unflatten_dense_tensors(flat: Any, tensors: Sequence[Any]) -> tuple[Any, ...]:
    """Parts of a vector in the shapes of tensors, which share its memory."""
    parts = split(flat, [t.numel() for t in tensors])
    return tuple([part.view(t.shape) for part, t in zip(parts, tensors)])

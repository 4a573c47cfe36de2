"""``torch.utils._foreach_utils``: tensors in groups of one dtype, as optimizers of other libraries ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensors.devices import CPU


def _group_tensors_by_device_and_dtype(
    tensorlistlist: Sequence[Sequence[Any]], with_indices: bool = False
) -> dict[tuple[Any, Any], tuple[list[list[Any]], list[int]]]:
    """Lists of one length, cut into those of one dtype of the first, and the places where each stood.

    Parameters
    ----------
    tensorlistlist : sequence of sequence of Tensor or None
    with_indices : bool
        Whether the places are wanted; else there are none.

    Returns
    -------
    dict of (device, dtype) to (lists, places)
    """
    groups: dict[tuple[Any, Any], tuple[list[list[Any]], list[int]]] = {}
    for place, row in enumerate(zip(*tensorlistlist)):
        lists, places = groups.setdefault((CPU, row[0].dtype), ([[] for _ in tensorlistlist], []))
        for column, value in zip(lists, row):
            column.append(value)
        if with_indices:
            places.append(place)
    return groups


def _get_fused_kernels_supported_devices() -> list[str]:
    """None: all loops of an optimizer here are fused as they are."""
    return []


_get_foreach_kernels_supported_devices = _get_fused_kernels_supported_devices

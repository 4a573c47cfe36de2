"""`checkpoint` and `checkpoint_sequential`, where PyTorch has them, and what reversible layers ask there."""

from __future__ import annotations

from typing import Any

from ..transforms.checkpoint import checkpoint as checkpoint
from ..transforms.checkpoint import checkpoint_sequential as checkpoint_sequential
from ..transforms.checkpoint import set_checkpoint_early_stop as set_checkpoint_early_stop

__all__ = [
    "checkpoint", "checkpoint_sequential", "get_device_states", "set_checkpoint_early_stop", "set_device_states",
]  # fmt: skip


def get_device_states(*args: Any) -> tuple[list[int], list[Any]]:
    """The devices of tensors beside the CPU, of which there are none, and the states of their generators.

    Parameters
    ----------
    *args : object
        What a layer was called with.

    Returns
    -------
    (list, list)
        Empty.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.utils.checkpoint.get_device_states(tg.ones(2))
    ([], [])
    """
    return [], []


def set_device_states(devices: Any, states: Any, *, device_type: str | None = None) -> None:
    """Do nothing, for no devices; the CPU's state is `tinygrad_lite.set_rng_state`'s.

    Parameters
    ----------
    devices, states : list
        Empty, as `get_device_states` gives them.
    device_type : str, optional
        Without a meaning here.

    Raises
    ------
    RuntimeError
        If there are any.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.utils.checkpoint.set_device_states([], [])
    """
    if len(devices):
        raise RuntimeError(f"set_device_states: there is the CPU alone, got devices {list(devices)}")

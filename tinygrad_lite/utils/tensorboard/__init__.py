"""`SummaryWriter`: curves for TensorBoard, written by the package tensorboardX, which is an extra.

``pip install tensorboardX`` makes it work; without it, making a writer says so.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["SummaryWriter"]


def SummaryWriter(log_dir: Any = None, *args: Any, **options: Any) -> Any:
    """A writer of scalars, histograms and images, as PyTorch's.

    Parameters
    ----------
    log_dir : str, optional
        The folder; by default one in "runs" that is named by time and machine.
    *args, **options
        As tensorboardX has them: `comment`, `purge_step`, `max_queue`, `flush_secs`, `filename_suffix`.

    Returns
    -------
    tensorboardX.SummaryWriter

    Raises
    ------
    ImportError
        Where tensorboardX is not installed.

    Examples
    --------
    >>> from tinygrad_lite.utils.tensorboard import SummaryWriter
    >>> callable(SummaryWriter)
    True
    """
    try:
        writer = importlib.import_module("tensorboardX").SummaryWriter
    except ModuleNotFoundError:
        raise ImportError("SummaryWriter: needs the package tensorboardX; pip install tensorboardX") from None
    return writer(None if log_dir is None else str(log_dir), *args, **options)

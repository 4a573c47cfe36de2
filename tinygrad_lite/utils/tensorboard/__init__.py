"""`SummaryWriter`: curves, texts, histograms and pictures in TensorBoard's files. No other package is needed."""

from __future__ import annotations

import os
import socket
import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from . import summaries
from .event_file import EventFile

__all__ = ["SummaryWriter"]


class SummaryWriter:
    """Writes what TensorBoard shows, as PyTorch's does.

    Scalars, texts, histograms, images and figures are written. Graphs, embeddings, meshes, sound and video are not:
    their methods warn.

    Parameters
    ----------
    log_dir : str, optional
        The folder; by default one in "runs" that is named by time and machine.
    comment : str
        The end of the default folder's name.
    purge_step : int, optional
        Accepted and ignored.
    max_queue, flush_secs : int
        Accepted and ignored: the file is written when its buffer is full, at `flush` and at `close`.
    filename_suffix : str
        The end of the file's name.

    Examples
    --------
    >>> import os, tempfile
    >>> from tinygrad_lite.utils.tensorboard import SummaryWriter
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with SummaryWriter(folder) as writer:
    ...         writer.add_scalar("loss", 0.5, 1)
    ...     os.listdir(folder)[0][:19]
    'events.out.tfevents'
    """

    def __init__(
        self,
        log_dir: Any = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        if not log_dir:
            now = time.strftime("%b%d_%H-%M-%S")
            log_dir = os.path.join("runs", f"{now}_{socket.gethostname()}{comment}")
        self.log_dir = str(log_dir)
        self._suffix = filename_suffix
        self._file = EventFile(self.log_dir, filename_suffix)
        self._others: dict[str, SummaryWriter] = {}  # one for each curve of `add_scalars`

    def get_logdir(self) -> str:
        """The folder."""
        return self.log_dir

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """Add a point to a curve."""
        self._file.write(summaries.scalar(tag, scalar_value), global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Add a point to each of several curves that are shown together; each has a folder of its own."""
        for tag, value in tag_scalar_dict.items():
            folder = os.path.join(self.log_dir, f"{main_tag.replace('/', '_')}_{tag}")
            writer = self._others.setdefault(folder, self._others.get(folder) or SummaryWriter(folder))
            writer.add_scalar(main_tag, value, global_step, walltime)

    def add_text(
        self, tag: str, text_string: str, global_step: int | None = None, walltime: float | None = None
    ) -> None:
        """Add a text, in Markdown."""
        self._file.write(summaries.text(tag, text_string), global_step, walltime)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: int | None = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """Add a histogram of a tensor's values."""
        self._file.write(summaries.histogram(tag, values, bins, max_bins), global_step, walltime)

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """Add a picture: bytes, or floats in [0, 1]."""
        self._file.write(summaries.image(tag, img_tensor, dataformats), global_step, walltime)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Add several pictures, in a column."""
        self.add_image(tag, img_tensor, global_step, walltime, dataformats)

    def add_figure(
        self, tag: str, figure: Any, global_step: int | None = None, close: bool = True, walltime: float | None = None
    ) -> None:
        """Add a figure of matplotlib, or several, which are closed then unless `close` is False."""
        for each in figure if isinstance(figure, (list, tuple)) else [figure]:
            each.canvas.draw()
            self.add_image(tag, np.asarray(each.canvas.buffer_rgba())[..., :3], global_step, walltime, "HWC")
            if close:
                each.clear()

    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        hparam_domain_discrete: Any = None,
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """Add hyperparameters as a text with a table, and what came of them as scalars."""
        rows = "\n".join(f"|{name}|{value}|" for name, value in hparam_dict.items())
        self.add_text("hparams", f"|hyperparameter|value|\n|-|-|\n{rows}", global_step)
        for name, value in metric_dict.items():
            self.add_scalar(name, value, global_step)

    def flush(self) -> None:
        """Have everything in the files."""
        self._file.flush()
        for other in self._others.values():
            other.flush()

    def close(self) -> None:
        """Have everything in the files, which are closed."""
        self._file.close()
        for other in self._others.values():
            other.close()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def _not_written(self, *args: Any, **options: Any) -> None:
        """Warn that this is not written."""
        warnings.warn("SummaryWriter: graphs, embeddings, sound and video are not written", UserWarning, stacklevel=2)

    add_graph = add_embedding = add_mesh = add_audio = add_video = _not_written
    add_pr_curve = add_custom_scalars = add_onnx_graph = _not_written

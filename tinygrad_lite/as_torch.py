"""`import tinygrad_lite.as_torch`: after it, ``import torch`` is this library, in this process alone.

A script written for PyTorch runs as it is after this one line at its top, or without it by
``python -m tinygrad_lite run script.py``. ``torch`` and its submodules are the modules of this library themselves, so
that ``torch.nn is tinygrad_lite.nn``. Names that the program asked for and that are not here are told at its end, on
the standard error stream.

An installed PyTorch is not hidden unless that is asked for: by ``run --instead``, or where the variable of the
environment ``TINYGRAD_LITE_AS_TORCH`` is "instead".
"""

from __future__ import annotations

import os

from .torch_imports.activation import VARIABLE, activate

activate(instead=os.environ.get(VARIABLE) == "instead")

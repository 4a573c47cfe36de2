"""What training loops need besides tensors: `data`, `checkpoint`, `tensorboard`."""

from __future__ import annotations

import importlib
from typing import Any

from ..torch_imports import modules_of as _modules_of
from . import data

__all__ = ["benchmark", "checkpoint", "collect_env", "data", "dlpack", "hooks", "model_zoo", "tensorboard"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    return _modules_of(__name__)(name)

"""`tinygrad_lite.onnx`: exports to ONNX, which is not here."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["export", "is_in_onnx_export"]


def export(*args: Any, **options: Any) -> NoReturn:
    """An error: nothing here writes ONNX."""
    raise RuntimeError("onnx.export: tinygrad_lite does not write ONNX; save the state dict, and export it by PyTorch")


def is_in_onnx_export() -> bool:
    """False: nothing is exported."""
    return False

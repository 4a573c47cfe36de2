"""`tinygrad_lite.onnx`: exports to ONNX, which is not here."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["export", "is_in_onnx_export", "register_custom_op_symbolic", "unregister_custom_op_symbolic"]


def register_custom_op_symbolic(symbolic_name: str, symbolic_fn: Any, opset_version: int) -> None:
    """Nothing: how an operator would be exported is never asked."""


def unregister_custom_op_symbolic(symbolic_name: str, opset_version: int) -> None:
    """Nothing: see `register_custom_op_symbolic`."""


def export(*args: Any, **options: Any) -> NoReturn:
    """An error: nothing here writes ONNX."""
    raise RuntimeError("onnx.export: tinygrad_lite does not write ONNX; save the state dict, and export it by PyTorch")


def is_in_onnx_export() -> bool:
    """False: nothing is exported."""
    return False

"""Checks of arguments that several layers share."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from tinygrad_lite import Tensor
from tinygrad_lite.engine.blame import came
from tinygrad_lite.engine.errors import InputError

REDUCTIONS = ("mean", "sum", "none")
DROPOUT_MODES = ("inverted", "vanilla")


def check_choice(who: str, name: str, value: object, choices: Sequence[str]) -> None:
    """Raise ValueError unless an argument is one of the names allowed."""
    if value not in choices:
        raise InputError(f"{who}: {name} must be one of {', '.join(map(repr, choices))}, got {value!r}")


def check_probability(who: str, name: str, value: float) -> None:
    """Raise ValueError unless an argument is in [0, 1]."""
    if not 0 <= value <= 1:
        raise InputError(f"{who}: {name} must be in [0, 1], got {value}")


def check_input(layer: Any, args: tuple[Any, ...], package: str) -> None:
    """Say that a layer of the package takes a Tensor, once a call with something else has failed."""
    forward = type(layer).forward
    if not args or isinstance(args[0], Tensor) or not forward.__module__.startswith(package):
        return
    parameter = [*inspect.signature(forward).parameters.values()][1]
    if parameter.annotation == "Tensor":
        raise TypeError(f"{type(layer).__name__}: {parameter.name} must be a Tensor, got {came(args[0])}") from None


def check_device(who: str, device: Any) -> None:
    """Refuse every device but the CPU, which may be named so that programs written for PyTorch run."""
    if device is not None and str(device).split(":")[0] != "cpu":
        raise InputError(f"{who}: device must be None or 'cpu', got {device!r}")

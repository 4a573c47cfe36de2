"""One program, two libraries: run it with `tinygrad_lite` and with PyTorch, and compare all it returns.

A program is a function of the library, ``program(m)``, in the names that both have. It returns tensors, numbers, texts,
None, or nested sequences of these. Where PyTorch raises, this library must raise an error of that class.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg


def plain(value: Any) -> Any:
    """Arrays in place of tensors, lists in place of sequences."""
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "detach"):
        return value.detach().numpy().copy()
    return value


def outcome(program: Callable[[Any], Any], library: Any) -> Any:
    """What the program returns, or the error it raises."""
    try:
        return plain(program(library))
    except Exception as error:
        return error


def same(ours: Any, theirs: Any, where: str = "result", rtol: float = 1e-10) -> None:
    """Assert that two outcomes are equal: values, shapes and dtypes."""
    if isinstance(theirs, Exception):
        assert isinstance(ours, Exception), f"{where}: PyTorch raises {theirs!r}, but this gives {ours!r}"
        kind = next(c for c in type(theirs).__mro__ if c.__module__ == "builtins")
        kind = Exception if kind is AssertionError else kind  # of devices that are not there
        assert isinstance(ours, kind), f"{where}: PyTorch raises {theirs!r}, but this {ours!r}"
        return
    if isinstance(ours, Exception):
        raise AssertionError(f"{where}: PyTorch gives {theirs!r}, but this raises") from ours
    assert type(ours) is type(theirs), f"{where}: {ours!r} and PyTorch's {theirs!r}"
    if isinstance(theirs, list):
        assert len(ours) == len(theirs), where
        for i, (a, b) in enumerate(zip(ours, theirs)):
            same(a, b, f"{where}[{i}]", rtol)
    elif isinstance(theirs, np.ndarray):
        assert ours.dtype == theirs.dtype, where
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol, err_msg=where, strict=True)
    else:
        assert ours == theirs, where


def agree(program: Callable[[Any], Any], rtol: float = 1e-10) -> None:
    """Assert that the program does the same in both libraries."""
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = outcome(program, torch)
    same(outcome(program, tg), theirs, rtol=rtol)


class Programs(list):
    """A list of programs that a decorator fills; `parameters` makes them the rows of a test."""

    def __call__(self, program: Callable[[Any], Any]) -> Callable[[Any], Any]:
        self.append(program)
        return program

    def parameters(self) -> Any:
        return pytest.mark.each("program", self, ids=lambda p: p.__name__)

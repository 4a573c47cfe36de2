"""`summary`: a table of a model's layers, what they return and how many parameters they own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tinygrad_lite import Tensor, no_grad, zeros
from tinygrad_lite.engine.errors import InputError

from .module import Module
from .parameter import Parameter, Uninitialized

__all__ = ["Summary", "summary"]


@dataclass(frozen=True)
class Row:
    """One line: a module at its place in the tree."""

    name: str
    kind: str
    depth: int
    output: str
    parameters: int


@dataclass(frozen=True)
class Summary:
    """What `summary` returns; printing it shows the table.

    Parameters
    ----------
    rows : tuple of Row
        One for each module, in the order of the tree: name, kind, depth, output shape, own parameters.
    parameters, trainable : int
        Numbers of elements; shared parameters count once.
    size : int
        Bytes of all parameters and buffers.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> nn.summary(nn.Linear(2, 3)).parameters
    9
    """

    rows: tuple[Row, ...]
    parameters: int
    trainable: int
    size: int

    def __str__(self) -> str:
        heads = ("Layer", "Output shape", "Parameters")
        lines = [
            (
                "  " * row.depth + (f"{row.name}: {row.kind}" if row.name else row.kind),
                row.output,
                _count(row.parameters),
            )
            for row in self.rows
        ]
        widths = [max(len(line[i]) for line in [heads, *lines]) for i in range(3)]
        rule = "=" * (sum(widths) + 4)
        shown = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}" for a, b, c in [heads, *lines]]
        totals = [
            f"Total parameters: {self.parameters:,}",
            f"Trainable: {self.trainable:,}; frozen: {self.parameters - self.trainable:,}",
            f"Size of parameters and buffers: {_bytes(self.size)}",
        ]
        return "\n".join([rule, shown[0], rule, *shown[1:], rule, *totals, rule])

    __repr__ = __str__


def summary(
    model: Module, input: Any = None, *, input_size: Iterable[int] | None = None, depth: int | None = None
) -> Summary:
    """List the layers of a model with the shapes that they return and the parameters that they own.

    Parameters
    ----------
    model : Module
        It is called once, without gradients, in evaluation mode; its state and its mode stay as they are.
    input : Tensor, or tuple or dict of arguments, optional
        What it is called with. Without one, the shapes stay empty.
    input_size : sequence of int, optional
        Instead of `input`: zeros of this shape, batch included, and of the parameters' dtype.
    depth : int, optional
        How far down the tree goes; 1 lists the direct submodules only.

    Returns
    -------
    Summary
        Its string is the table.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.summary(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), tg.zeros(5, 4))
    =====================================
    Layer        Output shape  Parameters
    =====================================
    Sequential   (5, 2)                 -
      0: Linear  (5, 8)                40
      1: ReLU    (5, 8)                 -
      2: Linear  (5, 2)                18
    =====================================
    Total parameters: 58
    Trainable: 58; frozen: 0
    Size of parameters and buffers: 232 B
    =====================================
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary: model must be a Module, got {type(model).__name__}")
    if input is not None and input_size is not None:
        raise InputError("summary: give either input or input_size, not both")
    if input_size is not None:
        dtype = next((p.dtype for p in model.parameters() if p.dtype.kind == "f"), None)
        input = zeros(*input_size, dtype=dtype)
    outputs = {} if input is None else _call(model, input)
    seen: set[int] = set()
    rows = tuple(_rows(model, "", 0, depth, outputs, seen))
    parameters = [p for p in model.parameters() if not isinstance(p, Uninitialized)]
    tensors: list[Tensor] = [*parameters, *(b for b in model.buffers() if not isinstance(b, Uninitialized))]
    return Summary(
        rows,
        sum(p.numel() for p in parameters),
        sum(p.numel() for p in parameters if p.requires_grad),
        sum(t.numel() * t.dtype.itemsize for t in tensors),
    )


def _call(model: Module, input: Any) -> dict[Module, str]:
    """Call the model once and note what every module returns."""
    outputs: dict[Module, str] = {}

    def note(module: Module, args: Any, output: Any) -> None:
        outputs.setdefault(module, _shapes(output))

    modules = list(model.modules())
    modes = [module.training for module in modules]
    handles = [module.register_forward_hook(note) for module in modules]
    try:
        model.eval()
        with no_grad():
            if isinstance(input, dict):
                model(**input)
            else:
                model(*(input if isinstance(input, tuple) else (input,)))
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in zip(modules, modes):
            module.training = mode
    return outputs


def _shapes(output: Any) -> str:
    if isinstance(output, Tensor):
        return str(output.shape)
    if isinstance(output, (tuple, list)):
        return ", ".join([_shapes(part) for part in output])
    return type(output).__name__


def _rows(
    module: Module, name: str, level: int, depth: int | None, outputs: dict[Module, str], seen: set[int]
) -> Iterable[Row]:
    """The module and, below it, its children; every parameter counts where it is met first."""
    whole = depth is not None and level == depth  # what lies below is counted here
    own = [p for p in module.parameters(recurse=whole) if id(p) not in seen and not isinstance(p, Uninitialized)]
    seen.update(map(id, own))
    yield Row(name, type(module).__name__, level, outputs.get(module, ""), _elements(own))
    if not whole:
        for child_name, child in module.named_children():
            yield from _rows(child, child_name, level + 1, depth, outputs, seen)


def _elements(parameters: list[Parameter]) -> int:
    return sum(p.numel() for p in parameters)


def _count(number: int) -> str:
    return f"{number:,}" if number else "-"


def _bytes(number: int) -> str:
    size = float(number)
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} GB"

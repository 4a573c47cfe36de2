"""`summary`: a table of a model's layers: what they return, own, compute, and keep for the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tinygrad_lite import Tensor, zeros
from tinygrad_lite.engine.errors import InputError
from tinygrad_lite.tensors.printing import size_text

from ..module import Module
from ..parameter import Parameter, Uninitialized
from .costs import Costs

__all__ = ["Summary", "summary"]


@dataclass(frozen=True)
class Row:
    """One line: a module at its place in the tree."""

    name: str
    kind: str
    depth: int
    output: str
    parameters: int
    multiply_adds: int = 0
    kept: int = 0


@dataclass(frozen=True)
class Summary:
    """What `summary` returns; printing it shows the table.

    Parameters
    ----------
    rows : tuple of Row
        One for each module, in the order of the tree: name, kind, depth, output shape, own parameters, own
        multiply-adds and kept bytes.
    parameters, trainable : int
        Numbers of elements; shared parameters count once.
    size : int
        Bytes of all parameters and buffers.
    multiply_adds : int
        Of the products in one forward pass.
    kept : int
        Bytes that one forward pass keeps for the backward pass, beside parameters, buffers and inputs.

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
    multiply_adds: int = 0
    kept: int = 0

    def __str__(self) -> str:
        called = any(row.output for row in self.rows)
        columns = _COLUMNS if called else {name: _COLUMNS[name] for name in ("Layer", "Output shape", "Parameters")}
        cells = {name: [name, *map(tell, self.rows)] for name, tell in columns.items()}
        padded = []
        for name, column in cells.items():
            width = max(map(len, column))
            padded.append([f"{c:<{width}}" if name in ("Layer", "Output shape") else f"{c:>{width}}" for c in column])
        head, *lines = ("  ".join(line) for line in zip(*padded))
        rule = "=" * len(head)
        totals = [
            f"Total parameters: {self.parameters:,}",
            f"Trainable: {self.trainable:,}; frozen: {self.parameters - self.trainable:,}",
            f"Size of parameters and buffers: {size_text(self.size)}",
        ]
        if called:
            totals.append(f"Multiply-adds: {self.multiply_adds:,}; kept for the way back: {size_text(self.kept)}")
        return "\n".join([rule, head, rule, *lines, rule, *totals, rule])

    __repr__ = __str__


def summary(
    model: Module, input: Any = None, *, input_size: Iterable[int] | None = None, depth: int | None = None
) -> Summary:
    """List the layers of a model with the shapes that they return and the parameters that they own.

    Parameters
    ----------
    model : Module
        It is called once, in evaluation mode; its state and its mode stay as they are.
    input : Tensor, or tuple or dict of arguments, optional
        What it is called with. Without one, the shapes stay empty.
    input_size : sequence of int, optional
        Instead of `input`: zeros of this shape, batch included, and of the parameters' dtype.
    depth : int, optional
        How far down the tree goes; 1 lists the direct submodules only.

    Returns
    -------
    Summary
        Its string is the table. Multiply-adds are those of products (linear layers, convolutions, attention, recurrent
        layers, `matmul` and its like), counted by the sizes that the operations meet, also outside of layers.
        "Kept" is the memory that the call's graph holds for the backward pass, each array where it is kept first;
        what is kept in training mode only, such as masks of dropout, comes on top.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.summary(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), tg.zeros(5, 4))
    ===========================================================
    Layer        Output shape  Parameters  Multiply-adds   Kept
    ===========================================================
    Sequential   (5, 2)                 -              -      -
      0: Linear  (5, 8)                40            160      -
      1: ReLU    (5, 8)                 -              -  160 B
      2: Linear  (5, 2)                18             80      -
    ===========================================================
    Total parameters: 58
    Trainable: 58; frozen: 0
    Size of parameters and buffers: 232 B
    Multiply-adds: 240; kept for the way back: 160 B
    ===========================================================
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary: model must be a Module, got {type(model).__name__}")
    if input is not None and input_size is not None:
        raise InputError("summary: give either input or input_size, not both")
    if input_size is not None:
        dtype = next((p.dtype for p in model.parameters() if p.dtype.kind == "f"), None)
        input = zeros(*input_size, dtype=dtype)
    outputs, costs = ({}, None) if input is None else _call(model, input)
    seen: set[int] = set()
    rows = tuple(_rows(model, "", 0, depth, outputs, costs, seen))
    parameters = [p for p in model.parameters() if not isinstance(p, Uninitialized)]
    tensors: list[Tensor] = [*parameters, *(b for b in model.buffers() if not isinstance(b, Uninitialized))]
    return Summary(
        rows,
        sum(p.numel() for p in parameters),
        sum(p.numel() for p in parameters if p.requires_grad),
        sum(t.numel() * t.dtype.itemsize for t in tensors),
        sum(costs.multiply_adds.values()) if costs else 0,
        sum(costs.kept.values()) if costs else 0,
    )


def _call(model: Module, input: Any) -> tuple[dict[Module, str], Costs]:
    """Call the model once and note what every module returns, and what it costs."""
    outputs: dict[Module, str] = {}

    def note(module: Module, args: Any, output: Any) -> None:
        outputs.setdefault(module, _shapes(output))

    def call() -> Any:
        return model(**input) if isinstance(input, dict) else model(*(input if isinstance(input, tuple) else (input,)))

    modules = list(model.modules())
    modes = [module.training for module in modules]
    handles = [module.register_forward_hook(note) for module in modules]
    costs = Costs()
    try:
        model.eval()
        costs.measure(model, call, input)
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in zip(modules, modes):
            module.training = mode
    return outputs, costs


def _shapes(output: Any) -> str:
    if isinstance(output, Tensor):
        return str(output.shape)
    if isinstance(output, (tuple, list)):
        return ", ".join([_shapes(part) for part in output])
    return type(output).__name__


def _rows(
    module: Module, name: str, level: int, depth: int | None, outputs: dict[Module, str], costs: Costs | None,
    seen: set[int],
) -> Iterable[Row]:  # fmt: skip
    """The module and, below it, its children; every parameter and every cost counts where it is met first."""
    whole = depth is not None and level == depth  # what lies below is counted here
    own = [p for p in module.parameters(recurse=whole) if id(p) not in seen and not isinstance(p, Uninitialized)]
    counted = [m for m in (module.modules() if whole else [module]) if id(m) not in seen]
    seen.update(map(id, [*own, *counted]))
    work, kept = (sum(found[m] for m in counted) for found in (costs.multiply_adds, costs.kept)) if costs else (0, 0)
    yield Row(name, type(module).__name__, level, outputs.get(module, ""), _elements(own), work, kept)
    if not whole:
        for child_name, child in module.named_children():
            yield from _rows(child, child_name, level + 1, depth, outputs, costs, seen)


def _elements(parameters: list[Parameter]) -> int:
    return sum(p.numel() for p in parameters)


def _count(number: int) -> str:
    return f"{number:,}" if number else "-"


_COLUMNS: dict[str, Callable[[Row], str]] = {
    "Layer": lambda row: "  " * row.depth + (f"{row.name}: {row.kind}" if row.name else row.kind),
    "Output shape": lambda row: row.output,
    "Parameters": lambda row: _count(row.parameters),
    "Multiply-adds": lambda row: _count(row.multiply_adds),
    "Kept": lambda row: size_text(row.kept) if row.kept else "-",
}

"""The table of operations, generated: every public function of `ops`, its gradient and its other names.

Nothing here is typed by hand. Names come from the packages, NumPy's from the registry, and gradients, their second
order and float32 are found out by calling the function on a few small arguments.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .. import Tensor, autograd, ops
from ..engine.namespaces import found_in
from ..rules import FAST, TABLE, wrap
from ..transforms import pytree
from .op_samples import ARGUMENTS, SAMPLES, Leaf

__all__ = ["Entry", "entries", "markdown"]

MAKERS = ("creation", "random")  # folders: no arguments to ask
SILENT = ("random.generator", "argument_names", "indexing.index_keys")  # modules that compute nothing


@dataclass(frozen=True)
class Entry:
    """A line of the table.

    Parameters
    ----------
    name : str
        The function, such as ``linalg.norm``.
    family : str
        The module of `ops` that it comes from, such as ``pointwise.arithmetic``.
    method : bool
        Whether Tensor has it.
    numpy, torch : str
        The function of NumPy that leads here, and PyTorch's name; empty if there is none.
    gradient : str
        The arguments of its row, ``composite`` where it is made of other rows, ``none``, ``creates``, and ``untried``
        where no arguments at hand fit.
    second, float32 : str
        ``yes``, ``no`` or empty: whether gradients have gradients, and float32 stays float32.
    place : str
        The file and the line where it is declared, such as ``ops/pointwise/exp_log_trig.py:72``.

    Examples
    --------
    >>> from tinygrad_lite.command_line.op_table import entries
    >>> tanh = next(e for e in entries() if e.name == "tanh")
    >>> tanh.numpy, tanh.gradient, tanh.second, tanh.float32
    ('np.tanh', 'x', 'yes', 'yes')
    """

    name: str
    family: str
    method: bool
    numpy: str
    torch: str
    gradient: str
    second: str
    float32: str
    place: str


# --- what there is --------------------------------------------------------------------------------------------------


def entries() -> list[Entry]:
    """All lines, sorted by name."""
    return list(_found())


@cache
def _found() -> list[Entry]:
    numpy, found = _numpy_names(), []
    for name, family, function in _functions():
        same: Any = getattr(np, name, None)  # often of the same name
        same = same if same in FAST or same in TABLE else None
        row = TABLE.get(function) or TABLE.get(same)
        gradient, second, float32 = (
            ("creates", "", "") if family.partition(".")[0] in MAKERS else _found_out(function, row, name)
        )
        names = (f"np.{name}" if same else numpy.get(function) or numpy.get(row) or "", _torch_name(name))
        facts = (gradient, second, float32, _place(function))
        found.append(Entry(name, family, hasattr(Tensor, name), *names, *facts))
    return sorted(found, key=lambda e: ("." in e.name, e.name))


def _place(function: Any) -> str:
    """Where a function is declared, from the package's folder."""
    file, code = sys.modules[function.__module__].__file__ or "", getattr(inspect.unwrap(function), "__code__", None)
    path = Path(file).resolve().relative_to(Path(__file__).resolve().parents[1]).as_posix()
    return f"{path}:{code.co_firstlineno}" if code is not None and code.co_filename == file else path


def _functions() -> Iterator[tuple[str, str, Callable[..., Any]]]:
    package = importlib.import_module("tinygrad_lite")
    prefix = f"{ops.__name__}."
    found = [importlib.import_module(m.name) for m in pkgutil.walk_packages(ops.__path__, prefix)]
    names = {m.__name__.removeprefix(prefix): getattr(m, "__all__", ()) for m in found}
    homes = {}
    for home in sorted(names, key=lambda home: (home in SILENT, len(names[home]))):  # the largest family says whose
        homes.update(dict.fromkeys(names[home], home))
    for name in package.__all__:
        value = None if homes.get(name, SILENT[0]) in SILENT else getattr(package, name)
        if callable(value) and not inspect.isclass(value):
            yield name, homes[name], value
    for space in ("fft", "linalg", "special"):
        for name in getattr(package, space).__all__:
            value = getattr(getattr(package, space), name)
            if callable(value) and not inspect.isclass(value):
                yield f"{space}.{name}", space, value
    for room in (m for m in found if hasattr(m, "FUNCTIONAL")):
        for name, value in found_in(room, "FUNCTIONAL").items():
            if name not in package.__all__:
                yield f"nn.functional.{name}", room.__name__.removeprefix(prefix), value


def _numpy_names() -> dict[Any, str]:
    """For each function and row the function of NumPy that leads to it."""
    found: dict[Any, str] = {}
    for key, value in [*FAST.items(), *TABLE.items()]:
        module, name = getattr(key, "__module__", "") or "", getattr(key, "__name__", "")
        if isinstance(key, np.ufunc) or module.split(".")[0] == "numpy":
            inner = ".".join(p for p in module.split(".")[1:] if p in ("fft", "linalg"))
            found.setdefault(value, ".".join(p for p in ("np", inner, name) if p))
    return found


def _torch_name(name: str) -> str:
    """Names are PyTorch's; where it is installed, those that it does not have are left out."""
    if importlib.util.find_spec("torch") is None:
        return f"torch.{name}"
    torch = importlib.import_module("torch")
    for prefix, space in (("torch", torch), ("F", torch.nn.functional), ("torch.Tensor", torch.Tensor)):
        value: Any = space
        for part in name.split("."):
            value = getattr(value, part, None)
        if value is not None:
            return f"{prefix}.{name}"
    return ""


# --- what it does ---------------------------------------------------------------------------------------------------


def _found_out(function: Callable[..., Any], row: Any, name: str = "") -> tuple[str, str, str]:
    """Call the function until some arguments fit, and look at what comes."""
    calls = [SAMPLES[name]] if name in SAMPLES else [_called_with(make) for make in ARGUMENTS]
    of = ", ".join(dict.fromkeys(a for r in row.rules for a in r.arg)) if row else "composite"
    best = (of if row else "untried", "", "")
    fits = False
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for call in calls:
            leaves: list[Any] = []
            try:
                out = call(function, _maker(leaves))
            except Exception:  # these arguments are not for this function
                continue
            floats = [t for t in _tensors(out) if t.dtype.kind in "fc"]
            float32 = "" if not floats else "yes" if all(t.dtype in ("f4", "c8") for t in floats) else "no"
            if any(t.requires_grad for t in floats):
                best, fits = (of, _second(floats, leaves), float32), True
                if best[1] == "yes":
                    break
            elif not fits:
                best, fits = ("none", "", float32), True
    return best


def _called_with(make: Callable[[Leaf], tuple[Any, ...]]) -> Callable[[Callable[..., Any], Leaf], Any]:
    return lambda function, leaf: function(*make(leaf))


def _tensors(out: Any) -> list[Any]:
    return [t for t in pytree.leaves(out) if isinstance(t, Tensor)]


def _second(outs: list[Any], leaves: list[Any]) -> str:
    """Whether the gradient, a product with a vector, can be differentiated in that vector and the arguments."""
    outs = [o for o in outs if o.requires_grad]
    vectors = [wrap(np.ones_like(o._data)).requires_grad_() for o in outs]
    try:
        first = autograd.grad(outs, leaves, vectors, create_graph=True, allow_unused=True)
        moving = [g for g in first if g is not None and g.requires_grad]
        seeds = [wrap(np.ones_like(g._data)) for g in moving]
        autograd.grad(moving, [*vectors, *leaves], seeds, allow_unused=True)
    except Exception:  # whatever the rule stumbles over: it has no second order
        return "no"
    return "yes"


def _maker(leaves: list[Any]) -> Leaf:
    def leaf(values: Any) -> Any:
        leaves.append(wrap(np.array(values, np.float32)).requires_grad_())
        return leaves[-1]

    return leaf


# --- the table as text ----------------------------------------------------------------------------------------------

_HEAD = ("operation", "family", "method", "NumPy", "PyTorch", "gradient in", "second order", "float32 stays")


def _cells(entry: Entry) -> tuple[str, ...]:
    return (entry.name, entry.family, "yes" if entry.method else "", entry.numpy, entry.torch, entry.gradient,
            entry.second, entry.float32)  # fmt: skip


def text(found: list[Entry]) -> str:
    """The table in columns, for a terminal."""
    lines = [(*_HEAD, "declared at"), *((*_cells(entry), entry.place) for entry in found)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    rows = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    return "\n".join([*rows, summary(found)])


def summary(found: list[Entry]) -> str:
    """How many there are."""
    smooth = [e for e in found if e.gradient not in ("none", "creates", "untried")]
    return (
        f"{len(found)} operations: {len(smooth)} with a gradient ({sum(e.second == 'yes' for e in smooth)} to the "
        f"second order), {sum(e.gradient == 'none' for e in found)} without, "
        f"{sum(e.gradient == 'creates' for e in found)} that create, "
        f"{sum(e.gradient == 'untried' for e in found)} that were not tried."
    )


def markdown(found: list[Entry]) -> str:
    """The table as a page of the documentation."""
    lines = [
        "# Operations", "",
        "Generated by `python -m tinygrad_lite ops --markdown`; do not edit.", "",
        summary(found), "",
        "*gradient in*: the differentiable arguments of its row in the table of rules; *composite* is made of such "
        "rows. *second order*, *float32 stays*: found out by calling it.", "",
        f"| {' | '.join(_HEAD)} |", f"|{'---|' * len(_HEAD)}",
    ]  # fmt: skip
    for entry in found:
        cells = [f"`{cell}`" if cell and i in (0, 3, 4) else cell for i, cell in enumerate(_cells(entry))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"

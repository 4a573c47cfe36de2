"""Every name that PyTorch has, too, takes its parameters: by PyTorch's names, and in its order where it has one.

PyTorch's are read where they are written: of functions in Python from these, of those in C++ from the stubs and schemas
that it brings along. What differs is in a table, with the reason.
"""

from __future__ import annotations

import ast
import functools
import inspect
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import tinygrad_lite as tg
from tinygrad_lite.engine.door import PLACEMENT
from tinygrad_lite.torch_imports.places import find_module

torch: Any = pytest.importorskip("torch")


class Signature(NamedTuple):
    """Parameters by place, and those by name alone; whether it takes any others of these kinds."""

    places: tuple[str, ...]
    names: frozenset[str]
    more: bool = False
    any_name: bool = False


_LISTED = "PyTorch's own list says so, and PyTorch refuses it"
_OUT = "results are PyTorch's for the same call; these are given by `out` as one tuple"
_WITHIN = "for PyTorch's own use"
EXCEPTIONS = {  # why -> the names, and the parameters that differ
    "tensors are changed in place, and given by place: `torch.exp_(x)`": {"in place": "input beta"},
    _LISTED: {
        "from_numpy": "ndarray", "full": "names", "tensor": "device requires_grad", "tril_indices": "requires_grad",
        "triu_indices": "requires_grad", "orgqr": "input2", "ormqr": "input2 input3", "Tensor.orgqr": "input2",
        "Tensor.ormqr": "input2 input3", "Tensor.record_stream": "s", "Tensor.requires_grad_": "mode",
        "Tensor.uniform_": "from_", "linalg.lu_solve": "LU_data LU_pivots input", "linalg.qr": "some",
        "linalg.svd": "some",
    },
    _OUT: {
        "norm": "out", "linalg.cholesky_ex": "L info", "linalg.eigh": "eigvals eigvecs",
        "linalg.inv_ex": "info inverse",
    },
    _WITHIN: {
        "Tensor.expand": "implicit", "nn.functional.log_softmax": "_stacklevel",
        "nn.functional.softmax": "_stacklevel", "nn.functional.softmin": "_stacklevel",
    },
    "what PyTorch's compiler is told has no meaning for ours": {
        "compile": "isolate_recompiles name recompile_limit shapes_spec",
    },
    "files are written by one pickle; metadata stands there, which safetensors have": {"save": "pickle_module"},
    "the generator is given by name, as everywhere else": {"rrelu": "generator"},
}  # fmt: skip


def _of_python(function: Any, drop: int = 0) -> Signature | None:
    try:
        parameters = list(inspect.signature(function).parameters.values())[drop:]
    except (TypeError, ValueError):
        return None
    by_place = tuple(p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD))
    kinds = {p.kind for p in parameters}
    return Signature(
        by_place, frozenset(p.name for p in parameters if p.kind == p.KEYWORD_ONLY),
        inspect.Parameter.VAR_POSITIONAL in kinds, inspect.Parameter.VAR_KEYWORD in kinds,
    )  # fmt: skip


@functools.cache
def _stubs(file: str, cls: str = "") -> dict[str, list[Signature]]:
    """The overloads in one of PyTorch's stub files."""
    tree = ast.parse((Path(torch.__file__).parent / "_C" / file).read_text(encoding="utf-8"))
    body = tree.body if not cls else next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == cls).body
    found: dict[str, list[Signature]] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            a = node.args
            by_place = [p.arg for p in a.posonlyargs + a.args if p.arg != "self"]
            names = frozenset(p.arg for p in a.kwonlyargs)
            found.setdefault(node.name, []).append(
                Signature(tuple(by_place), names, a.vararg is not None, a.kwarg is not None)
            )
    return found


def _schemas(operator: str) -> list[Signature]:
    found = []
    for schema in torch._C._jit_get_schemas_for_operator(f"aten::{operator}"):
        if not schema.overload_name.endswith("out"):
            names = ["input" if a.name == "self" else a.name for a in schema.arguments]
            by_name = {a.name for a in schema.arguments if a.kwarg_only}
            found.append(Signature(tuple(n for n in names if n not in by_name), frozenset(by_name)))
    return found


def theirs(place: str, name: str, function: Any) -> list[Signature]:
    """The forms that a function of PyTorch's has."""
    if inspect.isclass(function):
        own = None if function.__init__ is object.__init__ else _of_python(function.__init__, 1)
        return [] if own is None or (own.more and not own.places) else [own]
    if inspect.isfunction(function):
        own = _of_python(function, place == "Tensor")
        return [] if own is None or (own.more and not own.places) else [own]
    stubs = {"Tensor": ("__init__.pyi", "TensorBase"), "nn.functional": ("_nn.pyi",)}
    listed = _stubs(*stubs.get(place, ("_VariableFunctions.pyi",))).get(name, [])
    if not listed and place in ("linalg", "special", "fft"):
        listed = _schemas(name if name.startswith(f"{place}_") else f"{place}_{name}")
    return listed


def ours(place: str, function: Any) -> Signature | None:
    """What ours takes, with the names that a door adds to it."""
    known = _of_python(function, place == "Tensor")
    if known is None:
        return None
    plan = getattr(function, "__globals__", {}).get("_plan", {"out": False, "names": {}})
    names = known.names | set(plan["names"]) | ({"out"} if plan["out"] else set())
    if "device" in {*known.places, *names}:
        names |= set(PLACEMENT)
    return known._replace(names=frozenset(names))


def differences(one: Signature, other: Signature, aliases: dict[str, str]) -> set[str]:
    """The parameters of PyTorch's form that ours has in another place, or not at all."""
    found = set()
    for i, name in enumerate(one.places):
        if other.more and i >= len(other.places):
            continue
        here = other.places[i] if i < len(other.places) else None
        if here != name and aliases.get(name) != here:
            found.add(name)
    if not other.any_name:
        found |= one.names - other.names - set(other.places)
    return found


def compared() -> dict[str, set[str]]:
    """The parameters that differ, of every name."""
    found: dict[str, set[str]] = {}
    places = "|Tensor|nn|nn.functional|nn.init|nn.utils|linalg|special|fft|optim|optim.lr_scheduler|distributions"
    for place in (places + "|utils.data|autograd|autograd.functional|func|signal.windows").split("|"):
        there = torch.Tensor if place == "Tensor" else functools.reduce(getattr, filter(None, place.split(".")), torch)
        here = tg.Tensor if place == "Tensor" else find_module(place)
        for name in dir(there):
            function, own = getattr(there, name, None), getattr(here, name, None)
            if name.startswith("_") or not callable(function) or not callable(own) or isinstance(function, type(torch)):
                continue
            known = ours(place, own)
            forms = theirs(place, name, function)
            if known is None or not forms:
                continue
            aliases = getattr(own, "__globals__", {}).get("_plan", {}).get("names", {})
            each = [differences(form, known, aliases) for form in forms]
            fewest = min(each, key=len)
            names = {n for form in forms for n in form.names} - known.names - set(known.places)
            missing = fewest | (set() if known.any_name else names)
            if missing:
                found[f"{place}.{name}".lstrip(".")] = missing
    return found


def _known(name: str) -> set[str]:
    written = name.endswith("_") and not name.endswith("__") and "." not in name
    keys = {name, "in place"} if written else {name}
    return {p for names in EXCEPTIONS.values() for key in keys for p in names.get(key, "").split()}


@pytest.mark.filterwarnings("ignore")
def test_parameters_are_pytorchs():
    found = compared()
    unknown = {name: sorted(differ - _known(name)) for name, differ in found.items() if differ - _known(name)}
    assert not unknown, f"PyTorch has these parameters, in these places: {unknown}"
    listed = {name for names in EXCEPTIONS.values() for name in names} - {"in place"}
    assert not (gone := listed - set(found)), f"these are PyTorch's by now, and need no exception: {gone}"

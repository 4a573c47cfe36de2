"""The rooms of the engine: each operation under its heading of PyTorch's manual, and no floor imports a higher one."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import pytest
from manual_headings import MANUAL
from test_house import MODULES, imported

import tinygrad_lite as tg
from tinygrad_lite.nn import functional as F

PLACES = [
    (heading, room, name)
    for heading, rooms in MANUAL.items()
    for room, names in rooms.items()
    for name in names.split()
]


def room_of(name: str) -> str:
    """The module that declares a function; those of `functional` that take `inplace` stand before one that does not."""
    plain = name.removeprefix("F.")
    function: object = attribute(tg, plain) if plain == name else getattr(F, plain)
    if function.__module__ == F.__name__:
        function = getattr(tg, plain)
    return function.__module__.removeprefix("tinygrad_lite.ops.")


def attribute(place: object, name: str) -> object:
    return reduce(getattr, name.split("."), place)


@pytest.mark.each(("heading", "room", "name"), PLACES, ids=lambda value: str(value))
def test_names_stand_under_the_headings_of_the_manual(heading, room, name):
    assert f"{room_of(name)}.".startswith(f"{room}."), f"{name} ({heading}) stands in {room_of(name)}, not in {room}"


def test_the_table_of_headings_is_pytorchs():
    torch = pytest.importorskip("torch", reason="compared with PyTorch")
    names = [name.replace("F.", "nn.functional.") for _, _, name in PLACES]
    assert [name for name in names if attribute(torch, name) is None] == []
    assert len(names) == len(set(names)) > 500


# the floors of the engine, from the ground: a module imports those of its own floor and below
FLOORS = [
    "engine.errors engine.quiet io.replacing tensors.tensor_type",
    "dtypes promotion",
    "kernels",
    "graph engine.arguments engine.blame",
    "rules",
    "engine tensors transforms.overloads",
    "autograd",
    *(f"ops.{room}" for room in "argument_names pointwise special creation indexing shape reduction random".split()),
    *(f"ops.{room}" for room in "linalg signal neural numpy_functions numpy_sequences".split()),
    "tensors.device_methods tensors.predicates tensors.typed_tensors tensors.variable",  # faces, as all others
]
FLOOR = {place: floor for floor, places in enumerate(FLOORS) for place in places.split()}
UPWARDS = {  # it looks into objects of these two classes, whose layout it must know
    ("kernels.native.find_arrays", "_tensor"),
    ("kernels.native.find_arrays", "graph"),
}


def floor_of(name: str) -> int:
    """That of the longest prefix in the table; all other modules, nn and optim among them, are the top."""
    while name and name not in FLOOR:
        name = name.rpartition(".")[0]
    return FLOOR.get(name, len(FLOORS) - 1)


def upwards(modules: dict[str, Path]) -> set[tuple[str, str]]:
    found = set()
    for name, path in modules.items():
        for target in imported(name, path):
            module = target if target in MODULES else target.rpartition(".")[0]
            if module not in MODULES:
                continue  # another library
            low, high = (part.removeprefix("tinygrad_lite").removeprefix(".") for part in (name, module))
            if floor_of(high) > floor_of(low):
                found.add((low, high))
    return found


def test_no_floor_imports_a_higher_one(tmp_path):
    assert upwards(MODULES) == UPWARDS
    assert {place for place in FLOOR if not any(starts(module, place) for module in MODULES)} == set()
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def f():\n    from ..ops.linalg import norms\n")
    assert upwards({"tinygrad_lite.kernels.wrong": wrong}) == {("kernels.wrong", "ops.linalg.norms")}


def starts(module: str, place: str) -> bool:
    return f"{module}.".startswith(f"tinygrad_lite.{place}.")

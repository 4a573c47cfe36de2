"""The house: folders and packages, who may import whom, what is public, and what an import loads."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from test_house import tree

import tinygrad_lite as tg
from tinygrad_lite import methods, nn, optim
from tinygrad_lite.engine.namespaces import found_in

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"tinygrad_lite": "tinygrad_lite", "nn": "tinygrad_lite.nn", "optim": "tinygrad_lite.optim"}
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def package_of(folder: Path) -> str:
    top, *rest = folder.relative_to(ROOT).parts
    return ".".join([FOLDERS[top], *rest])


def run(code: str, cwd: Path = ROOT) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


# Packages


def test_every_folder_is_packaged():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    setuptools = pyproject["tool"]["setuptools"]
    folders = {path.parent for path in SOURCES}
    assert all((folder / "__init__.py").is_file() for folder in folders)
    assert sorted(setuptools["packages"]) == sorted(package_of(folder) for folder in folders)
    for folder in folders:  # through a link where it stands outside
        assert (ROOT / package_of(folder).replace(".", "/")).resolve() == folder


def test_version_and_types_are_shipped():
    assert tg.__version__ == importlib.metadata.version("tinygrad_lite")
    assert (Path(tg.__file__).parent / "py.typed").is_file()


# Who may import whom


NAMES = "id", "attr"  # of a name, and behind a dot


def imports(path: Path) -> Iterator[str]:
    """What a file imports anywhere in it, by its full name; what only type checkers see, aside."""
    inside = package_of(path.parent).split(".")
    nodes = list(ast.walk(tree(path)))
    blocks = [n for n in nodes if isinstance(n, ast.If) and "TYPE_CHECKING" in (getattr(n.test, k, "") for k in NAMES)]
    aside = {inside for block in blocks for part in block.body for inside in ast.walk(part)}
    for node in nodes:
        if node in aside:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = inside[: len(inside) + 1 - node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def starts_with(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")


@pytest.mark.each("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_import_direction(path):
    forbidden = {
        "tinygrad_lite": ("tinygrad_lite.nn", "tinygrad_lite.optim", "nn", "optim"),
        "nn": ("tinygrad_lite.optim", "nn", "optim"),  # itself by the full name or relatively, or two exist
        "optim": ("tinygrad_lite.nn", "nn", "optim"),
    }[path.relative_to(ROOT).parts[0]]
    if path == ROOT / "optim" / "swa_utils.py":  # averages of modules: the one room between the two, loaded on demand
        forbidden = ("nn", "optim")
    allowed = {*sys.stdlib_module_names, "numpy", "numba", "llvmlite", "safetensors", "tinygrad_lite"}
    for module in imports(path):
        assert not any(starts_with(module, package) for package in forbidden), f"{path} imports {module}"
        assert module.partition(".")[0] in allowed, f"{path} imports {module}"


def test_the_direction_test_sees_every_spelling(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "tinygrad_lite" / "ops").mkdir(parents=True)
    path = tmp_path / "tinygrad_lite" / "ops" / "x.py"
    path.write_text(
        "from .. import nn\nfrom ..nn import Linear\nimport tinygrad_lite.nn.functional as F\n"
        "from tinygrad_lite import nn\ndef f():\n    import nn\n"
    )
    assert list(imports(path)) == [
        "tinygrad_lite.nn",
        "tinygrad_lite.nn.Linear",
        "tinygrad_lite.nn.functional",
        "tinygrad_lite.nn",
        "nn",
    ]


# What an import loads


def test_import_loads_little():
    loaded = run("import sys, tinygrad_lite; print(*sys.modules)").split()
    assert "tinygrad_lite.nn" not in loaded
    assert "tinygrad_lite.optim" not in loaded
    extras = {"numba", "llvmlite", "torch", "scipy", "matplotlib", "tqdm", "pooch"}
    assert not extras & {name.partition(".")[0] for name in loaded}


def test_nn_and_optim_load_on_first_access_and_without_numba():
    loaded = run(
        "import sys, tinygrad_lite as tg\n"
        "assert {'nn', 'optim'} <= set(dir(tg))\n"
        "tg.nn.Linear, tg.optim.SGD\n"
        "print(*sys.modules)"
    ).split()
    assert {"tinygrad_lite.nn", "tinygrad_lite.optim"} <= set(loaded)
    assert not {"numba", "importlib.metadata", "email", "mpi4py"} & set(loaded)


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = tg.no_such_thing


TRAIN = """
import sys
import numpy as np
{before}
import tinygrad_lite as tg
from tinygrad_lite import nn, optim
tg.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
adam = optim.Adam(model.parameters(), lr=0.05)
x = np.linspace(-1, 1, 64, dtype=np.float32).reshape(16, 4)
y = np.sin(3 * x[:, :1])
for step in range(60):
    adam.zero_grad()
    loss = nn.functional.mse_loss(model(tg.tensor(x)), tg.tensor(y))
    loss.backward()
    adam.step()
    if step == 0:
        first = loss.item()
assert loss.item() < first / 10, (first, loss.item())
print(tg.kernels.backend())
"""


def test_trains_where_numba_is_missing():
    assert run(TRAIN.format(before="sys.modules['numba'] = None")).split() == ["numpy"]


# The folders imported from the checkout


@pytest.mark.parametrize("folder", ["nn", "optim"])
@pytest.mark.parametrize("first", ["folder", "package"])
def test_the_folder_and_the_package_are_one(folder, first):
    lines = [f"import {folder} as a", f"import tinygrad_lite.{folder} as b"]
    if first == "package":
        lines.reverse()
    modules = sorted(
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "__init__.py"
    )
    lines += [
        "import importlib, sys",
        "assert all(getattr(a, name) is getattr(b, name) for name in b.__all__)",
        f"for name in {modules}:",
        "    x, y = importlib.import_module(name), importlib.import_module('tinygrad_lite.' + name)",
        "    assert x is y, name",
        "print(len(b.__all__), b.__name__)",
    ]
    count, name = run("\n".join(lines)).split()
    assert int(count) > 0
    assert name == f"tinygrad_lite.{folder}"


# What is public


def modules() -> list[ModuleType]:
    """Every module of the library, wherever nn and optim were found."""
    names = dict.fromkeys(package.__name__ for package in (tg, nn, optim))
    for package in (tg, nn, optim):
        names.update((info.name, None) for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."))
    names.pop("tinygrad_lite.as_torch")  # its import changes what `import torch` is
    return [importlib.import_module(name) for name in names]


FOR_USERS = {f"tinygrad_lite{room}" for room in ("", ".kernels", ".nn", ".nn.utils", ".optim")}


@pytest.mark.each("module", modules(), ids=lambda module: module.__name__)
def test_all_is_exact(module):
    """Every name of an ``__all__`` exists, once; what users import from lists every public name it has."""
    listed = getattr(module, "__all__", [])
    assert len(listed) == len(set(listed))
    assert all(hasattr(module, name) for name in listed)
    if module.__name__ in FOR_USERS:
        public = {
            name
            for name, value in vars(module).items()
            if not (name.startswith("_") or name == "TYPE_CHECKING")
            and not isinstance(value, ModuleType)
            and getattr(value, "__module__", "") not in ("__future__", "typing", "collections.abc")
        }
        assert public <= set(listed), f"public, but not in __all__: {sorted(public - set(listed))}"


def test_what_users_import_from_is_there():
    assert {module.__name__ for module in modules()} >= FOR_USERS


def test_no_room_hides_a_name_of_another():
    """The engine's rooms are joined by star imports: a name that two of them export would mean the later one."""
    rooms = [module for module in modules() if module.__name__.startswith("tinygrad_lite.ops.")]
    exported = [(room, name) for room in rooms for name in getattr(room, "__all__", []) if name in tg.__all__]
    assert len(exported) > 100
    assert not [f"{room.__name__}.{name}" for room, name in exported if getattr(room, name) is not getattr(tg, name)]


# Namespaces


PLACES = {"SPECIAL": tg.special, "LINALG": tg.linalg, "FUNCTIONAL": nn.functional}


def rooms_of(place: str) -> list[ModuleType]:
    """The files of `ops` that say that something is found there."""
    return [
        module for module in modules() if module.__name__.startswith("tinygrad_lite.ops.") and hasattr(module, place)
    ]


@pytest.mark.parametrize("place", PLACES)
def test_a_namespace_is_what_the_files_of_its_functions_say(place):
    face = PLACES[place]
    said = {name: value for room in rooms_of(place) for name, value in found_in(room, place).items()}
    own = {name for name in face.__all__ if getattr(face, name).__module__ == face.__name__}
    assert set(face.__all__) == said.keys() | own
    assert not said.keys() & own
    assert [name for name, value in said.items() if getattr(face, name) is not value] == []


@pytest.mark.parametrize("place", PLACES)
def test_a_namespace_lists_no_function_by_hand(place):
    """It imports files of `ops`, and single functions for its own use only, with an underscore before them."""
    path = Path(str(PLACES[place].__file__)).resolve()
    known = {module.__name__ for module in modules()}
    inside = package_of(path.parent).split(".")
    listed = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            above = inside[: len(inside) + 1 - node.level] if node.level else []
            source = ".".join([*above, node.module or ""])
            names = [a.asname or a.name for a in node.names if f"{source}.{a.name}" not in known]
            listed += [n for n in names if source.startswith("tinygrad_lite.ops.") and not n.startswith("_")]
    assert listed == []


def test_methods_are_what_the_files_of_their_functions_say():
    assert set(methods.ROOMS) == set(rooms_of("METHODS"))
    words = {word for room in methods.ROOMS for word in room.METHODS.split()}
    assert [word for word in words if not hasattr(tg.Tensor, word)] == []


def test_star_import():
    names = run("from tinygrad_lite import *\nprint(*dir())").split()
    assert set(tg.__all__) <= set(names)

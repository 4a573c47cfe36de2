"""The rules of the house: no two files import each other, one folder drives the machine, files stay small."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"tinygrad_lite": "tinygrad_lite", "nn": "tinygrad_lite.nn", "optim": "tinygrad_lite.optim"}
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
Graph = dict[str, set[str]]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module", autouse=True)
def forget_trees() -> Iterator[None]:
    """Drop millions of nodes, which every later collection of garbage would look at."""
    yield
    tree.cache_clear()


def statements(source: ast.Module) -> Iterator[ast.stmt]:
    """All statements, however deep: a tenth of what `ast.walk` finds."""
    left: list[ast.AST] = [source]
    while left:
        for child in ast.iter_child_nodes(left.pop()):
            if isinstance(child, (ast.stmt, ast.excepthandler, ast.match_case)):
                left.append(child)
                if isinstance(child, ast.stmt):
                    yield child


def module_of(path: Path) -> str:
    folder, *rest = path.relative_to(ROOT).with_suffix("").parts
    return ".".join([FOLDERS[folder], *(part for part in rest if part != "__init__")])


MODULES = {module_of(path): path for path in FILES}


@cache
def imported(module: str, path: Path) -> list[str]:
    """What a file imports, wherever the import stands."""
    return list(_imported(module, path))


def _imported(module: str, path: Path) -> Iterator[str]:
    inside = module.split(".")[: None if path.name == "__init__.py" else -1]
    for node in statements(tree(path)):
        if isinstance(node, ast.ImportFrom):
            above = inside[: len(inside) + 1 - node.level] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{source}.{a.name}" if f"{source}.{a.name}" in MODULES else source for a in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def reached(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    left = [start]
    while left:
        new = graph[left.pop()] - found
        found |= new
        left.extend(new)
    return found


def circles(graph: Graph) -> set[tuple[str, ...]]:
    """The sets of files that import each other."""
    left = set(graph)
    while done := {name for name in left if not graph[name] & left}:  # what imports none of these is in no circle
        left -= done
    far = {name: reached(graph, name) for name in left}
    return {tuple(sorted(m for m in far[n] if n in far.get(m, ()))) for n in left if n in far[n]}


def test_circles_are_found():
    graph: Graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}
    assert circles(graph) == {("b", "c")}


def test_no_two_files_import_each_other():
    graph: Graph = {n: {m for m in imported(n, p) if m in MODULES and m != n} for n, p in MODULES.items()}
    assert circles(graph) == set()


STEP = ["declare", "bind", "plan", "run"]  # the rooms of an optimizer's step, in their order


def test_no_room_of_a_step_imports_a_later_one():
    rooms = {module: module.split(".")[3] for module in MODULES if module.startswith("tinygrad_lite.optim.step.")}
    room = {module: STEP.index(name) for module, name in rooms.items() if name in STEP}
    assert set(room.values()) == {0, 1, 2, 3}
    assert [(n, m) for n, k in room.items() for m in imported(n, MODULES[n]) if room.get(m, -1) > k] == []


# --- one folder drives the machine ------------------------------------------------------------------------------------

PRIVATE = ("numba.core", "llvmlite", "ctypes")
OUTSIDE = {"matrix_forms.py"}  # asks whether the processor has instructions for bfloat16


def test_only_one_folder_knows_the_machine():
    found = {
        path.name
        for module, path in MODULES.items()
        if ROOT / "tinygrad_lite/kernels/native" not in path.parents
        and any(name == p or name.startswith(f"{p}.") for name in imported(module, path) for p in PRIVATE)
    }
    assert found <= OUTSIDE


# --- assertions are for readers ---------------------------------------------------------------------------------------

PURE = {"isinstance", "len", "type", "all", "any"}


def effects(source: ast.Module) -> Iterator[int]:
    """Lines that assert something of a call, which ``python -O`` leaves out."""
    for node in statements(source):
        if isinstance(node, ast.Assert):
            calls = [n for n in ast.walk(node.test) if isinstance(n, (ast.Call, ast.NamedExpr))]
            if any(not (isinstance(n, ast.Call) and ast.unparse(n.func) in PURE) for n in calls):
                yield node.lineno


def test_what_is_asserted_has_no_effect():
    assert list(effects(ast.parse("assert len(x) > 1\nassert x.pop()\nassert (y := x)"))) == [2, 3]
    names = {path: path.relative_to(ROOT).as_posix() for path in FILES}
    assert {names[p]: lines for p in FILES if (lines := list(effects(tree(p))))} == {}


# --- a kernel says what it serves, where it is defined ----------------------------------------------------------------

GATES = {"LARGE", "SHARED", "backend", "has_numba", "large"}  # what a decision for or against a loop is made of
CHOOSERS = ("optim/bench/", "optim/step/", "optim/verify.py", "optim/warm.py")  # compare the two, or make the loops


def decisions(source: ast.Module) -> Iterator[int]:
    """Lines that ask which backend runs, which dtypes a loop has, or whether there is enough for one."""
    for node in ast.walk(source):
        if isinstance(node, ast.ImportFrom) and GATES & {alias.name for alias in node.names}:
            yield node.lineno
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            numbers = [side.value for side in sides if isinstance(side, ast.Constant)]
            sizes = any(isinstance(side, ast.Attribute) and side.attr in ("nbytes", "size") for side in sides)
            shifted = any(isinstance(side, ast.BinOp) and isinstance(side.op, ast.LShift) for side in sides)
            if sizes and (shifted or any(type(n) is int and n > 100 for n in numbers)):
                yield node.lineno


def test_decisions_are_found():
    found = ast.parse("from ..kernels import backend\nif x.size >= 2048: pass\nif x.nbytes < 1 << 20: pass\nx.size > 1")
    assert list(decisions(found)) == [1, 2, 3]


def test_no_operation_decides_for_or_against_a_loop():
    """`@kernel(plain, dtypes=, least=)`, `@serves(when)` and `late` say it beside the loop; see CONTRIBUTING."""
    rooms = ("tinygrad_lite/ops/", "tinygrad_lite/engine/", "nn/", "optim/")
    names = {path: path.relative_to(ROOT).as_posix() for path in FILES}
    held = [p for p, n in names.items() if n.startswith(rooms) and not n.startswith((*CHOOSERS, "optim/kernels/"))]
    assert {names[p]: lines for p in held if (lines := list(decisions(tree(p))))} == {}


# --- sizes ------------------------------------------------------------------------------------------------------------

MOST_LINES = 250
LONGER = {  # what is read in one piece, why, and the lines that it may not exceed; CONTRIBUTING says the same
    "tinygrad_lite/rules.py": ("the table, and `Op`, one class: what a row is and what its call records", 465),
    "tinygrad_lite/autograd.py": ("the pass, and its public face: the third file that a reader comes to", 450),
    "tinygrad_lite/_tensor.py": ("`Tensor`, one class, of which most lines are its public methods", 430),
}


def code_lines(path: Path) -> int:
    """Lines that hold code: no docstrings, comments and empty lines."""
    text = path.read_text(encoding="utf-8")
    if text.count("\n") <= MOST_LINES:  # short in any case
        return 0
    documented: set[int] = set()
    for node in ast.walk(tree(path)):
        held = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        if held and ast.get_docstring(node, clean=False) is not None:  # type: ignore[arg-type]
            first: ast.stmt = node.body[0]  # type: ignore[attr-defined]
            documented |= set(range(first.lineno, (first.end_lineno or 0) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.string.strip() and token.type not in (tokenize.COMMENT, tokenize.NL):
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - documented)


def test_files_are_small():
    names = [path.relative_to(ROOT).as_posix() for path in FILES]
    sizes = {name: code_lines(path) for name, path in zip(names, FILES)}
    assert {n: size for n, size in sizes.items() if size > LONGER.get(n, ("", MOST_LINES))[1]} == {}
    assert [n for n in LONGER if sizes.get(n, 0) <= MOST_LINES] == []  # cut at last: off the list
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [n for n in LONGER if f"`{n}`" not in contributing] == []  # there its readers find the reason


MOST_FILES = 15


def test_folders_are_small():
    """Those of the tests, too, but for that of programs, which nobody reads in a row."""
    files = {*FILES, *(ROOT / "tests").rglob("*.py")} - {*(ROOT / "tests" / "programs").glob("*.py")}
    counts = Counter(path.parent.relative_to(ROOT).as_posix() for path in files)
    assert {folder: n for folder, n in counts.items() if n > MOST_FILES} == {}


# --- the first line of a module names plainly what is inside ----------------------------------------------------------


def names_in(path: Path) -> set[str]:
    """The names that a file defines or lists, and its own."""
    body = tree(path).body
    names = {n.name for n in body if isinstance(n, (ast.ClassDef, ast.FunctionDef))} | {path.stem}
    names |= {t.id for n in body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    listed = [n.value for n in body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__"]
    return names | {c.value for n in listed for c in ast.walk(n) if isinstance(c, ast.Constant)}


def words(text: str) -> set[str]:
    """The words of a sentence, or those that names are made of: `max_pool`, `MaxPool2d`."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]{2,}|[A-Z]{2,}(?![a-z])", text)}


def akin(a: str, b: str) -> bool:
    """The same word, or another form of it: convolution and conv, maxima and max."""
    length = max(4, min(len(a), len(b)) - 2)
    return a == b or (min(len(a), len(b)) >= 4 and a[:length] == b[:length])


def names_its_contents(path: Path) -> bool:
    first = (ast.get_docstring(tree(path)) or "").partition("\n")[0]
    inside = {word for name in names_in(path) for word in words(name)}
    return any(akin(a, b) for a in words(first) for b in inside)


def test_a_first_line_that_names_nothing_is_found(tmp_path):
    for line, plain in [("Turning: the same values in another direction.", False), ("`flip`: in another order.", True)]:
        path = tmp_path / str(plain) / "flip_roll.py"
        path.parent.mkdir()
        path.write_text(f'"""{line}"""\n\ndef flip(x): ...\n')
        assert names_its_contents(path) is plain


def test_first_lines_name_what_is_inside():
    held = [path for path in FILES if path.name != "__init__.py"]
    assert [path.relative_to(ROOT).as_posix() for path in held if not names_its_contents(path)] == []

"""What README.md, CONTRIBUTING.md and the pages of docs/ show runs, prints what they say, and is what CI runs."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

from tinygrad_lite import kernels

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FLOW = "docs/how_a_step_flows.md"
BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def rows(document: str, columns: int) -> list[list[str]]:
    """The cells of a document's tables with so many columns, their heads left out, marks of code taken off."""
    lines = (ROOT / document).read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"]
    heads = [i - 1 for i, row in enumerate(cells) if set(row[0]) == {"-"}]
    return [row for i, row in enumerate(cells) if len(row) == columns and not {i, i - 1} & set(heads)]


def blocks(document: str) -> list[tuple[str, str]]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return [(block["language"], block["text"]) for block in BLOCK.finditer(text)]


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_snippets_print_what_they_say(document, tmp_path):
    """The ``python`` blocks run as one program; a ``text`` block is what the one before it prints."""
    shown, program = [], ["# the blocks of " + document]
    found = blocks(document)
    for i, (language, text) in enumerate(found):
        if language == "python":
            program += [text, f"print('--- {i}')"]
            following = next((block for block in found[i + 1 :] if block[0] != "py"), ("", ""))  # py: PyTorch's
            shown += [following[1] if following[0] == "text" else "", f"--- {i}\n"]
    assert len(program) > 1
    script = tmp_path / "snippets.py"  # a file, as a reader's would be: a formula is compiled from its text
    script.write_text("\n".join(program), encoding="utf-8")
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "".join(shown)


def the_loop_twice() -> tuple[list[str], list[str]]:
    (theirs,) = (i for i, (language, _) in enumerate(blocks("README.md")) if language == "py")
    ours, shown = blocks("README.md")[theirs - 1], blocks("README.md")[theirs]
    return ours[1].splitlines(), shown[1].splitlines()


def test_only_the_imports_of_the_two_loops_differ():
    ours, theirs = the_loop_twice()
    different = [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]]
    assert len(different) == 4
    assert all(line.startswith(("import ", "from ")) for pair in different for line in pair)
    assert [b for a, b in different] == [
        a.replace("tinygrad_lite as torch", "torch").replace("tinygrad_lite", "torch") for a, _ in different
    ]


def test_pytorch_runs_its_side_of_the_readme():
    pytest.importorskip("torch", reason="PyTorch runs its own side")
    script = "\n".join(the_loop_twice()[1])
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "more than 92 % right: True\n"


def test_links_lead_somewhere():
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
            assert target.startswith("https://") or (document.parent / target).exists(), f"{document}: {target}"


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_lines_fit_a_window(name):
    """Rows of tables aside, which cannot be broken."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 120 and not line.startswith("|")] == []


def test_files_that_are_named_are_there():
    """By their path from the root, from the folder that the text is about, or by their name alone."""
    names = {path.name for folder in ("tinygrad_lite", "nn", "optim", "examples", "tests") for path in files(folder)}
    folders = [ROOT, ROOT / "tinygrad_lite", ROOT / "tinygrad_lite/ops", ROOT / "tinygrad_lite/kernels", ROOT / "optim",
               ROOT / "optim/step"]  # fmt: skip
    for document in DOCUMENTS:
        for path in re.findall(r"(?:`|python )([\w./]*[a-z]\.py|[\w./]*/)[`\s]", document.read_text(encoding="utf-8")):
            there = path in names or any((folder / path).exists() for folder in folders)
            assert there, f"{document.name} names {path}"


NAMED = re.compile(r"(?<![\w./])((?:[a-z_]+/)*[a-z_0-9]+\.py)\b")
USERS = {"train.py", "script.py", "x.py"}  # a user's own, in examples of commands


def words_of(text: str) -> str:
    """A source's docstrings and comments."""
    comments = [t.string for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type == tokenize.COMMENT]
    owners = [n for n in ast.walk(ast.parse(text)) if isinstance(n, (ast.Module, ast.ClassDef, ast.FunctionDef))]
    return "\n".join([*comments, *(ast.get_docstring(n) or "" for n in owners)])


def test_files_that_docstrings_and_comments_name_are_there():
    """By the end of their path, such as `ops/pointwise/arithmetic.py`."""
    sources = [path for folder in ("tinygrad_lite", "nn", "optim", "examples", "tests") for path in files(folder)]
    paths = [f"/{path.relative_to(ROOT).as_posix()}" for path in sources]
    texts = {path: path.read_text(encoding="utf-8") for path in sources if "tests" not in path.parts}
    named = {(p.name, name) for p, text in texts.items() if ".py" in text for name in NAMED.findall(words_of(text))}
    assert len(named) > 20
    assert [
        (p, name) for p, name in named if name not in USERS and not any(path.endswith(f"/{name}") for path in paths)
    ] == []


def test_layout_map_names_what_is_there():
    (layout,) = (text for _, text in blocks("README.md") if text.startswith("tinygrad_lite/"))
    room = ROOT
    for line in layout.splitlines():
        if not line.startswith(" "):
            room = ROOT
        path = room / line.split()[0]
        assert path.exists(), f"README's layout names {path.relative_to(ROOT)}"
        if not line.startswith(" "):
            room = path


def test_the_newcomer_finds_what_the_table_says():
    found = rows("CONTRIBUTING.md", 4)
    assert len(found) >= 8
    for question, folder, file, name in found:
        path = ROOT / folder / file
        assert path.exists(), f"{question}: {path}"
        assert re.search(rf"^ *(def|class) {name}\b", path.read_text(encoding="utf-8"), re.MULTILINE), question


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_step_flows_as_the_page_says(backend):
    stations = [(file, function) for file, function, _ in rows(FLOW, 3)]
    assert len(stations) > 20
    (shown,) = (text for language, text in blocks(FLOW) if language == "python")
    program: dict = {}
    exec(shown, program)
    visited: dict[tuple[str, str], None] = {}

    def note(frame, event, _):
        if event == "call":
            visited[frame.f_code.co_filename, frame.f_code.co_name] = None

    with kernels.use(backend):
        for _ in range(2):  # the first two prepare
            program["step"]()
        sys.setprofile(note)
        try:
            program["step"]()
        finally:
            sys.setprofile(None)
    order = [
        (str(Path(file).resolve().relative_to(ROOT)), name) for file, name in visited if file.startswith(str(ROOT))
    ]
    assert [station for station in stations if station not in order] == []
    assert sorted(stations, key=order.index) == stations

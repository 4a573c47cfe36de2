"""What README.md and CONTRIBUTING.md show runs, prints what they say, and is what CI runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


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
    for document in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / document).read_text(encoding="utf-8")):
            assert target.startswith("https://") or (ROOT / target).exists(), f"{document}: {target}"


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

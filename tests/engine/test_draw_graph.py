"""`tg.draw_graph`: what is in the picture, and what happens with and without Graphviz."""

from __future__ import annotations

import os
import re
import stat
import sys

import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn

BOX = re.compile(r'^  (n\d+) \[label="((?:[^"\\]|\\.)*)", shape=(\w+), style="([\w,]+)", fillcolor=(\w+)\];$')
ARROW = re.compile(r'^  (n\d+) -> (n\d+)(?: \[label="([^"]*)"\])?;$')


def read(drawing):
    """Labels of the boxes, and arrows between them, each line being understood."""
    lines = str(drawing).splitlines()
    assert lines[0] == "digraph {"
    assert lines[-1] == "}"
    boxes, arrows = {}, []
    for line in lines[2:-1]:
        if box := BOX.match(line):
            boxes[box[1]] = (box[2].replace("\\n", " "), box[3], box[5])
        else:
            a, b, label = ARROW.match(line).groups()
            arrows.append((boxes[a][0], boxes[b][0], label or ""))
    return list(boxes.values()), arrows


def test_names_shapes_and_arrows():
    w, b, x = tg.ones(2, 3, requires_grad=True), tg.ones(2, requires_grad=True), tg.ones(3)
    y = (w @ x + b).tanh()
    boxes, arrows = read(tg.draw_graph(y, {"weight": w, "bias": b}))
    assert boxes == [
        ("tanh (2,)", "box", "palegreen"),
        ("add (2,)", "box", "white"),
        ("matmul (2,)", "box", "white"),
        ("weight (2, 3)", "ellipse", "lightblue"),
        ("bias (2,)", "ellipse", "lightblue"),
    ]
    assert arrows == [
        ("add (2,)", "tanh (2,)", ""),
        ("matmul (2,)", "add (2,)", "x"),
        ("bias (2,)", "add (2,)", "y"),
        ("weight (2, 3)", "matmul (2,)", ""),
    ]


def test_a_shared_node_is_drawn_once():
    x = tg.ones(2, requires_grad=True)
    boxes, arrows = read(tg.draw_graph(x * x))
    assert [b[0] for b in boxes] == ["mul (2,)", "leaf (2,)"]
    assert [a[2] for a in arrows] == ["x", "y"]


def test_modules_results_and_lists():
    model = nn.Linear(3, 2)
    out = model(tg.ones(4, 3))
    boxes, _ = read(tg.draw_graph({"loss": out.sum(), "again": [out]}, model))
    labels = {b[0] for b in boxes}
    assert {"weight (2, 3)", "bias (2,)", "loss: sum ()"} <= labels
    assert [label for label in labels if label.startswith("again: ")]
    a, b = tg.ones(2, requires_grad=True), tg.ones(2, requires_grad=True)
    _, arrows = read(tg.draw_graph(tg.stack([a, b])))
    assert len({label for _, _, label in arrows}) == 2


def test_one_of_several_results_is_not_a_box_of_its_own():
    x = tg.ones(2, 2, requires_grad=True)
    a, b = x.unbind()
    boxes, _ = read(tg.draw_graph(a * b, {"x": x}))
    assert not [box for box in boxes if box[0].startswith("part")]
    assert "x (2, 2)" in {box[0] for box in boxes}


def test_names_are_quoted():
    x = tg.ones(1, requires_grad=True)
    boxes, _ = read(tg.draw_graph(x.exp(), {'a "b" \\ c': x}))
    assert boxes[1][0] == 'a \\"b\\" \\\\ c (1,)'


def test_long_chains():
    y = x = tg.ones(1, requires_grad=True)
    for _ in range(5000):
        y = -y
    boxes, arrows = read(tg.draw_graph(y, {"x": x}))
    assert (len(boxes), len(arrows)) == (5001, 5000)


def test_refusals():
    x = tg.ones(2, requires_grad=True)
    y = x.exp().sum()
    y.backward()
    with pytest.raises(RuntimeError, match=r"draw_graph: the graph \(at exp\) has been freed"):
        tg.draw_graph(y)
    with pytest.raises(RuntimeError, match="does not require grad"):
        tg.draw_graph(tg.ones(2))
    with pytest.raises(TypeError, match="t must be a Tensor or tree of Tensors, got 1.0"):
        tg.draw_graph(1.0)
    with pytest.raises(RuntimeError, match="at least one Tensor"):
        tg.draw_graph([])
    with pytest.raises(TypeError, match="params must be a dict of Tensors or a module, got int"):
        tg.draw_graph(x, 3)


def test_without_graphviz(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    drawing = tg.draw_graph(tg.ones(2, requires_grad=True).exp())
    assert drawing._repr_svg_() is None
    drawing.save(tmp_path / "graph.dot")
    assert (tmp_path / "graph.dot").read_text() == drawing.source
    with pytest.raises(RuntimeError, match="svg needs Graphviz's `dot`"):
        drawing.save(tmp_path / "graph.svg")
    assert not (tmp_path / "graph.svg").exists()
    with pytest.raises(ValueError, match=r"must end in .dot, .svg, .png or the like, got 'graph'"):
        drawing.save(tmp_path / "graph")


@pytest.mark.skipif(os.name != "posix", reason="a script as a program")
def test_with_a_program_called_dot(tmp_path, monkeypatch):
    program = tmp_path / "dot"
    program.write_text(
        f"#!{sys.executable}\nimport sys\ntext = sys.stdin.read()\n"
        "if 'fail' in text: sys.exit('no such thing')\nprint('<svg>', sys.argv[1], len(text), '</svg>')\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", str(tmp_path))
    x = tg.ones(2, requires_grad=True)
    drawing = tg.draw_graph(x.exp())
    assert drawing._repr_svg_() == f"<svg> -Tsvg {len(drawing.source)} </svg>\n"
    drawing.save(tmp_path / "graph.png")
    assert (tmp_path / "graph.png").read_text().startswith("<svg> -Tpng")
    with pytest.raises(RuntimeError, match="dot failed: no such thing"):
        tg.draw_graph(x.exp(), {"fail": x}).save(tmp_path / "graph.svg")

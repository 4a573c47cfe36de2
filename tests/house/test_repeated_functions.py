"""No function's body stands twice in the package, whatever its local names, but for a list that says why."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEAST = 16  # nodes of a syntax tree, two or three lines: smaller ones are no formula that could be wrong in one place

CONSTRUCTOR = "a constructor hands on its arguments, whose names and order are PyTorch's"
TWICE = {
    frozenset({"ModuleList.__getitem__", "ParameterList.__getitem__"}): "of two classes that have no parent in PyTorch",
    frozenset({"Binomial.__init__", "NegativeBinomial.__init__"}): CONSTRUCTOR,
    frozenset({"Kumaraswamy.__init__", "Beta.__init__"}): CONSTRUCTOR,
    frozenset({"Gamma.__init__", "InverseGamma.__init__"}): CONSTRUCTOR,
    frozenset({"Normal.__init__", "Laplace.__init__", "Cauchy.__init__", "Gumbel.__init__"}): CONSTRUCTOR,
    frozenset({"HalfNormal.__init__", "HalfCauchy.__init__"}): CONSTRUCTOR,
    frozenset({"Poisson.__init__", "Exponential.__init__"}): CONSTRUCTOR,
    frozenset({"TransformerEncoder.__init__", "TransformerDecoder.__init__"}): CONSTRUCTOR,
}


class _Numbered(ast.NodeTransformer):
    """Local names by their order, and no annotations."""

    def __init__(self, names):
        self.names = {name: f"local_{i}" for i, name in enumerate(names)}

    def visit_Name(self, node):
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_arg(self, node):
        node.arg, node.annotation = self.names.get(node.arg, node.arg), None
        return node

    def visit_AnnAssign(self, node):
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)


def shape_of(function):
    """The kinds of nodes in a function's body, its docstring left out: bodies of other shapes are not the same."""
    if ast.get_docstring(function, clean=False) is not None:
        function.body = function.body[1:] or [ast.Pass()]
    nodes = (type(n) for part in function.body for n in ast.walk(part))
    return tuple([kind for kind in nodes if not issubclass(kind, ast.expr_context)])


def body_of(function):
    """What a function does, as text that is the same for the same body under other names."""
    nodes = list(ast.walk(function))
    stored = [n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    names = dict.fromkeys([*(n.arg for n in nodes if isinstance(n, ast.arg)), *stored])
    return ast.dump(_Numbered(names).visit(ast.Module(body=function.body, type_ignores=[])))


def repeated(texts):
    """Lists of functions with the same body, each by its path in its file's text."""
    alike = defaultdict(list)

    def look(node, path):
        for child in ast.iter_child_nodes(node):
            named = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            look(child, (*path, child.name) if named else path)
            if named and not isinstance(child, ast.ClassDef) and len(shape := shape_of(child)) >= LEAST:
                alike[shape].append((".".join([*path, child.name]), child))

    for text in texts:
        look(ast.parse(text), ())
    found = defaultdict(list)
    for functions in alike.values():
        for name, function in functions if len(functions) > 1 else ():
            found[body_of(function)].append(name)
    return [names for names in found.values() if len(names) > 1]


BODY = """
def {0}({1}: float, scale=2):
    "One of two."
    total: float = 0.0
    for number in {1}:
        total += scale * number * number
    return total / max(len({1}), 1)
"""


def test_the_same_body_is_found_under_other_names():
    one, other = BODY.format("energy", "signal"), BODY.format("loss", "residuals").replace("total", "sum_of_squares")
    assert repeated([one, f"class A:\n{other}".replace("\n", "\n    ")]) == [["energy", "A.loss"]]
    assert repeated([one, other.replace("* number *", "+ number *")]) == []


def test_no_body_stands_twice():
    files = [path for folder in ("tinygrad_lite", "nn", "optim") for path in sorted((ROOT / folder).rglob("*.py"))]
    here = [path for path in files if not any(parent.is_symlink() for parent in path.parents)]
    assert len(here) > 500
    found = repeated(path.read_text(encoding="utf-8") for path in here)
    assert sorted(names for names in found if frozenset(names) not in TWICE) == []
    assert set(map(frozenset, found)) >= set(TWICE), "the list has what does not stand twice"

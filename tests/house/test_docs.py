"""Every docstring's example runs, and every public docstring has its parts."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
from types import ModuleType

import numpy as np
import pytest
from test_package import modules

import tinygrad_lite as tg

MODULES = modules()


NUMPYS = {function.__doc__ for function in vars(np).values() if callable(function)}


def doctests(module: ModuleType) -> list[doctest.DocTest]:
    """The examples of a module; those of rows that lift NumPy's functions are NumPy's business."""
    found = doctest.DocTestFinder(exclude_empty=True).find(module, extraglobs={"np": np, "tg": tg})
    return [test for test in found if test.docstring not in NUMPYS]


def run_doctests(module: ModuleType) -> int:
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for test in doctests(module):
        if test.examples:
            tg.manual_seed(0)
            runner.run(test)
    assert runner.failures == 0, f"{module.__name__}: the failures are printed above"
    return runner.tries


@pytest.mark.each("module", MODULES, ids=lambda module: module.__name__)
def test_doctests(module):
    run_doctests(module)


@pytest.mark.parametrize("name", ["common", "data"])
def test_doctests_of_the_examples(name, digits):
    assert run_doctests(importlib.import_module(name)) > 0


def public() -> dict[str, object]:
    """Every function and class of the library that some ``__all__`` lists, once, by its shortest name."""
    found: dict[int, tuple[str, object]] = {}
    for module in MODULES:
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            home = getattr(value, "__module__", None) or ""
            if callable(value) and home.partition(".")[0] == "tinygrad_lite":
                found.setdefault(id(value), (f"{module.__name__}.{name}", value))
    return dict(found.values())


PUBLIC = public()
SECTION = re.compile(r"^(?P<title>[A-Z][A-Za-z ]+)\n-{3,}$", re.MULTILINE)


def sections(text: str) -> dict[str, str]:
    """The parts of a numpydoc docstring; what comes before the first headline is "Summary"."""
    titles = list(SECTION.finditer(text))
    starts = [0, *(title.end() for title in titles)]
    ends = [*(title.start() for title in titles), len(text)]
    names = ["Summary", *(title["title"] for title in titles)]
    return {name: text[start:end] for name, start, end in zip(names, starts, ends)}


def parameters(value: object) -> list[str]:
    """Names of the parameters that a call may give; ``*args``, ``**kwargs`` and private ones aside."""
    found = inspect.signature(value).parameters
    unnamed = [name for name, parameter in found.items() if parameter.kind is parameter.VAR_KEYWORD]
    return [name for name in found if not name.startswith("_") and name not in ("args", *unnamed)]


def documented(section: str) -> set[str]:
    """The names that the unindented lines of a section introduce: `x : Tensor` and `p, q : float`."""
    heads = re.findall(r"^(\S[^\n:]*?) *(?::|$)", section, re.MULTILINE)
    return {name.strip().lstrip("*") for head in heads for name in head.split(",")}


def documentation(value: object) -> set[str]:
    """The parameters that a docstring describes, or those of the classes it inherits from."""
    texts = [each.__doc__ for each in getattr(value, "__mro__", [value])]
    return set().union(*(documented(sections(inspect.cleandoc(text or "")).get("Parameters", "")) for text in texts))


def is_numpys(value: object) -> bool:
    """A row of the table that lifts a NumPy function has NumPy's documentation."""
    return value.__doc__ in NUMPYS


@pytest.mark.each("name", PUBLIC)
def test_docstring(name):
    """One line may be enough for a function; classes have all parts, and what has one part has all."""
    value = PUBLIC[name]
    text = inspect.getdoc(value) or ""
    parts = sections(text)
    summary = parts["Summary"].strip().splitlines()
    assert summary, f"{name} has no docstring"
    assert len(summary) == 1 or not summary[1].strip(), f"{name}: the summary must be one line"
    needs_parts = inspect.isclass(value) and not issubclass(value, Exception)
    if is_numpys(value) or not (needs_parts or len(parts) > 1):
        return
    missing = set(parameters(value)) - documentation(value)
    assert not missing, f"{name}: Parameters must describe {sorted(missing)}"
    if inspect.isfunction(value) and inspect.signature(value).return_annotation not in ("None", None):
        assert {"Returns", "Yields"} & parts.keys(), f"{name} must have a section Returns"
    assert ">>>" in parts.get("Examples", ""), f"{name} must have a section Examples with a line that runs"


def test_no_example_is_overlooked():
    """A function made by another one may be in no module's reach for the doctest finder."""
    run = {test.docstring for module in MODULES for test in doctests(module)}
    shown = {name: value.__doc__ for name, value in PUBLIC.items() if not is_numpys(value)}
    assert not [name for name, text in shown.items() if ">>>" in (text or "") and text not in run]


def test_docstring_parts_are_recognised():
    head = "Parameters\n----------\nx, y : Tensor\n    Text: more.\n*sizes : int\n"
    parts = sections(f"One line.\n\n{head}\nReturns\n-------\nTensor\n")
    assert list(parts) == ["Summary", "Parameters", "Returns"]
    assert documented(parts["Parameters"]) == {"x", "y", "sizes"}

"""`pytest.mark.each`: every row is tested, alone, and those that fail are named."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import each
import pytest

ROWS = each.Rows([("one", {"n": 1}), ("two", {"n": 2}), ("three", {"n": 3})])


def item(test, **others):
    """Stand in for what pytest makes of a test with these rows."""
    given = {"n": ROWS, **others}
    return SimpleNamespace(
        funcargs=given,
        obj=test,
        _fixtureinfo=SimpleNamespace(argnames=tuple(given)),
        callspec=SimpleNamespace(params={"n": ROWS}),
    )


def test_every_row_is_tested_alone():
    seen = []

    @contextlib.contextmanager
    def alone():
        seen.append("begin")
        yield
        seen.append("end")

    assert each.run_rows(item(lambda n: seen.append(n)), alone)
    assert seen == ["begin", 1, "end", "begin", 2, "end", "begin", 3, "end"]


def test_all_rows_that_fail_are_named():
    def odd(n):
        if n == 2:
            pytest.skip("even")
        raise ValueError(f"{n} is odd")

    with pytest.raises(pytest.fail.Exception) as found:
        each.run_rows(item(odd), contextlib.nullcontext)
    text = str(found.value)
    assert text.startswith("2 of 3 rows fail: one, three\n--- one\nTraceback")
    assert text.index("ValueError: 1 is odd") < text.index("--- three\n") < text.index("ValueError: 3 is odd")


@pytest.mark.parametrize(("end", "which"), [(3, r"2 of 3 rows \(one, two\)"), (4, "all rows")])
def test_rows_that_are_skipped_are_named(end, which):
    def test(n):
        if n < end:
            pytest.importorskip("no_such_module")

    with pytest.raises(pytest.skip.Exception, match=rf"^{which}: could not import 'no_such_module'"):
        each.run_rows(item(test), contextlib.nullcontext)


def test_what_rows_would_share_is_refused():
    with pytest.raises(AssertionError, match="share the fixtures {'tmp_path'}"):
        each.run_rows(item(lambda n, tmp_path: None, tmp_path=""), contextlib.nullcontext)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("n", [1, "a", None, len, (), True]), ["1", "a", "None", "len", "n4", "True"]),
        ((("a", "b"), [(1, []), pytest.param(2, 3, id="c")]), ["1-b0", "c"]),
        (("a, b", [(1, 2), (3, 4)], ["x", "y"]), ["x", "y"]),
        (("n", iter([(1, 2), (3,)]), len), ["2", "1"]),
    ],
)
def test_rows_are_read_and_named_as_by_parametrize(arguments, names):
    assert [name for name, _ in each.read_rows(*arguments)[1]] == names


@pytest.mark.each("n", range(each.ROWS + 1))
def test_a_row_comes_where_an_item_holds_many(n):
    assert isinstance(n, int)


def test_items_are_named_by_their_first_and_last_rows(request):
    prefix, last = "test_a_row_comes_where_an_item_holds_many", each.ROWS
    names = {item.name for item in request.session.items if item.name.startswith(prefix)}
    if not request.config.getoption("--each"):
        assert names <= {f"{prefix}[0 to {last - 1}]", f"{prefix}[{last}]"}

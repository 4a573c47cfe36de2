"""`pytest.mark.each`: the rows of a table, tested many to an item, since an item costs more than most rows do.

On two workers, both of which collect all items, one costs 3 ms. The mark takes the arguments of `parametrize`, and its
items hold up to `ROWS` rows. Each row is tested as if it had an item of its own: with the same random numbers, and
whatever the others do. An item fails with the names and the tracebacks of all its rows that fail.
``pytest --each -k softmax`` makes an item of every row.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

import pytest

ROWS = 32  # in an item
SHARED = {"oracle", "torch"}  # fixtures that rows leave as they are


class Rows(list[tuple[str, dict[str, Any]]]):
    """The rows of an item: their names and arguments."""


def make_items(metafunc: pytest.Metafunc) -> None:
    """Give an item the rows of a table that is marked `each`, and the names of the first and the last one."""
    for mark in metafunc.definition.iter_markers("each"):
        arguments, rows = read_rows(*mark.args, **mark.kwargs)
        if metafunc.config.getoption("--each"):
            values = [pytest.param(*row.values(), id=name) for name, row in rows]
        else:
            parts = [Rows(rows[i : i + ROWS]) for i in range(0, len(rows), ROWS)]
            names = [" to ".join(dict.fromkeys((part[0][0], part[-1][0]))) for part in parts]
            nothing = [None] * (len(arguments) - 1)
            values = [pytest.param(part, *nothing, id=name) for name, part in zip(names, parts)]
        metafunc.parametrize(arguments, values)


def read_rows(
    argnames: str | tuple[str, ...], values: Iterable[Any], ids: Any = None
) -> tuple[list[str], list[tuple[str, dict[str, Any]]]]:
    """Return the arguments' names, and of each row its name and arguments, as `parametrize` reads them."""
    arguments = argnames.replace(" ", "").split(",") if isinstance(argnames, str) else list(argnames)
    listed = None if ids is None or callable(ids) else list(ids)
    rows: list[tuple[str, dict[str, Any]]] = []
    for place, value in enumerate(values):
        row = value if hasattr(value, "marks") else pytest.param(*(value if len(arguments) > 1 else [value]))
        assert not row.marks, "rows of `each` have no marks of their own: use `parametrize`"
        words = [name_value(v, ids, f"{a}{place}") for a, v in zip(arguments, row.values)]
        name = str(row.id if isinstance(row.id, str) else listed[place] if listed else "-".join(words))
        rows.append((name, dict(zip(arguments, row.values))))
    return arguments, rows


def name_value(value: Any, ids: Any, otherwise: str) -> str:
    """Name a value as `parametrize` does."""
    name = ids(value) if callable(ids) else None
    if name is not None:
        return str(name)
    plain = value is None or isinstance(value, (str, int, float, complex))
    return str(value) if plain else getattr(value, "__name__", otherwise)


def run_rows(item: Any, alone: Callable[[], AbstractContextManager[None]]) -> bool | None:
    """Call an item's test with each of its rows; None if it is an ordinary one.

    It fails if any row does, and is skipped if any row is and none fails: `--only-listed` runs it again.
    """
    given = {name: item.funcargs[name] for name in item._fixtureinfo.argnames}
    found = [value for value in given.values() if isinstance(value, Rows)]
    if not found:
        return None
    (rows,) = found
    fixtures = given.keys() - item.callspec.params.keys()
    assert fixtures <= SHARED, f"all rows of an item would share the fixtures {fixtures - SHARED}: use `parametrize`"
    failed, skipped = {}, {}
    for name, row in rows:
        try:
            with alone():
                item.obj(**{**given, **row})
        except pytest.skip.Exception as reason:
            skipped[name] = str(reason)
        except (Exception, pytest.fail.Exception) as error:
            failed[name] = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    if failed:
        told = "\n".join(f"--- {name}\n{text}" for name, text in failed.items())
        pytest.fail(f"{len(failed)} of {len(rows)} rows fail: {', '.join(failed)}\n{told}", pytrace=False)
    if skipped:
        reasons = ", ".join(dict.fromkeys(skipped.values()))
        which = f"{len(skipped)} of {len(rows)} rows ({', '.join(skipped)})" if len(skipped) < len(rows) else "all rows"
        pytest.skip(f"{which}: {reasons}")
    return True

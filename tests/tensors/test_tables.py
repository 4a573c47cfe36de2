"""pandas and polars take Tensors as data, wherever they take arrays; as keys only where they ask for no class."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg

V, M = np.array([3.0, 1.0, 2.0]), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
MASK, ORDER = np.array([True, False, True]), np.array([2, 0])


def test_what_memory_is_asked():
    x = tg.ones(2)
    assert (tg.get_device(x), tg.is_conj(x), tg.is_neg(x), tg.is_inference(x)) == (-1, False, False, False)
    assert x.to_numpy() is x.numpy()
    with pytest.raises(RuntimeError, match="requires grad"):
        x.requires_grad_().to_numpy()


# --- pandas -----------------------------------------------------------------------------------------------------------


def pandas():
    return pytest.importorskip("pandas", reason="pandas is no dependency")


def frame(pd):
    return pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0]})


def changed(pd, write):
    table = frame(pd)
    write(table)
    return table


PANDAS = {
    "Series": lambda pd, of: pd.Series(of(V)), "DataFrame": lambda pd, of: pd.DataFrame(of(M), columns=["x", "y"]),
    "of columns": lambda pd, of: pd.DataFrame({"x": of(V), "y": of(MASK)}), "Index": lambda pd, of: pd.Index(of(V)),
    "array": lambda pd, of: pd.array(of(V)),
    "assign": lambda pd, of: frame(pd).assign(c=of(V)),
    "insert": lambda pd, of: changed(pd, lambda f: f.insert(0, "c", of(V))),
    "column": lambda pd, of: changed(pd, lambda f: f.__setitem__("c", of(V))),
    "columns": lambda pd, of: changed(pd, lambda f: f.__setitem__(["a", "b"], of(M))),
    "index": lambda pd, of: changed(pd, lambda f: setattr(f, "index", of(V))),
    "where": lambda pd, of: frame(pd).where(of(M > 2)), "mask": lambda pd, of: frame(pd).mask(of(M > 2)),
    "take": lambda pd, of: frame(pd).take(of(ORDER)), "iloc": lambda pd, of: frame(pd).iloc[of(ORDER)],
    "loc, labels": lambda pd, of: frame(pd).loc[of(ORDER)],
    "reindex": lambda pd, of: frame(pd).reindex(of(ORDER)), "drop": lambda pd, of: frame(pd).drop(of(ORDER)),
    "plus": lambda pd, of: frame(pd).a + of(V), "reflected": lambda pd, of: of(V) * frame(pd).a.to_numpy(),
    "equal": lambda pd, of: frame(pd).a == of(V),
    "dot": lambda pd, of: frame(pd).T.dot(of(V)), "cut": lambda pd, of: pd.cut(of(V), 2),
    "qcut": lambda pd, of: pd.qcut(of(V), 2), "dummies": lambda pd, of: pd.get_dummies(of(V)),
    "crosstab": lambda pd, of: pd.crosstab(of(V), of(MASK)), "to_numeric": lambda pd, of: pd.to_numeric(of(V)),
    "isna": lambda pd, of: pd.isna(of(V)), "clip": lambda pd, of: frame(pd).a.clip(upper=of(V)),
    "searchsorted": lambda pd, of: frame(pd).a.searchsorted(of(V)), "fillna": lambda pd, of: frame(pd).fillna(of(V)[0]),
    "weights": lambda pd, of: frame(pd).sample(2, weights=of(V), random_state=0),
    "to_datetime": lambda pd, of: pd.to_datetime(of(ORDER)),
}  # fmt: skip


@pytest.mark.each("name", PANDAS)
def test_pandas_takes_tensors(name):
    pd, call = pandas(), PANDAS[name]
    expected, found = call(pd, np.array), call(pd, tg.tensor)
    if hasattr(expected, "equals"):
        assert expected.equals(found if type(found) is type(expected) else type(expected)(found))
    else:
        np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


def test_pandas_writes_tensors_into_columns():
    pd = pandas()
    frame = pd.DataFrame({"a": [1.0, 2, 3], "b": [0.0, 0, 0], "n": [1, 2, 3]})
    frame.loc[:, "b"] = tg.tensor([1.0, 2.0, 3.0])
    frame.iloc[:, 0] = tg.tensor([7.0, 8.0, 9.0], dtype=tg.float64)
    frame.loc[1, "b"] = tg.tensor(0.5)
    frame.at[0, "a"] = tg.tensor(5.0)
    frame.loc[:, "n"] = tg.tensor([4, 5, 6])
    frame["c"] = tg.arange(3.0)
    expected = {"a": [5.0, 8, 9], "b": [1.0, 0.5, 3], "n": [4, 5, 6], "c": [0.0, 1, 2]}
    assert {name: frame[name].tolist() for name in frame} == expected
    assert [str(frame[name].dtype) for name in frame] == ["float64", "float64", "int64", "float32"]
    assert np.asarray(frame["a"] + tg.ones(3)).tolist() == [6, 9, 10]


def test_what_pandas_asks_the_class_of_a_key():
    """A mask is one only if it is a list, or an array of NumPy's or its own: anything else is a label, or several."""
    pd = pandas()
    mask, keys = tg.tensor(MASK), tg.tensor(V)
    for refused, instead in (
        (lambda: frame(pd).loc[mask], lambda: frame(pd).loc[mask.numpy()]),
        (lambda: frame(pd)[mask], lambda: frame(pd)[mask.numpy()]),
        (lambda: frame(pd).set_index(keys), lambda: frame(pd).set_index(keys.numpy())),
    ):
        with pytest.raises(KeyError, match="None of"):
            refused()
        assert len(instead()) in (2, 3)
    with pytest.raises(TypeError, match="not callable"):
        frame(pd).groupby(keys)
    assert frame(pd).groupby(keys.numpy()).sum().a.tolist() == [2, 3, 1]
    with pytest.raises(ValueError, match="Unable to coerce list"):
        frame(pd) * tg.tensor(M)
    assert (frame(pd) * tg.tensor(M).numpy()).b.tolist() == [8, 20, 36]
    for function in (pd.factorize, pd.unique):
        with pytest.raises(TypeError, match="np.ndarray"):
            function(keys)


@pytest.mark.parametrize("library", ["tinygrad_lite", "torch"])
def test_what_pandas_takes_otherwise_without_a_word(library):
    """A mask for positions, and a vector for a list of objects.

    What `isin` finds of these depends on their addresses, which are their hashes: nothing can be said of it.
    """
    pd, m = pandas(), pytest.importorskip(library)
    mask, values = m.tensor(MASK), m.tensor(V)
    assert frame(pd).iloc[mask].a.tolist() == [2, 1, 2]  # rows 1, 0 and 1
    assert frame(pd).iloc[mask.numpy()].a.tolist() == [1, 3]
    assert frame(pd).a.isin(values.numpy()).all()
    assert pd.Categorical(values).categories.dtype == object
    assert pd.Categorical(values.numpy()).categories.tolist() == [1, 2, 3]


# --- polars -----------------------------------------------------------------------------------------------------------


def polars():
    return pytest.importorskip("polars", reason="polars is no dependency")


POLARS = {
    "Series": lambda pl, of: pl.Series("s", of(V)), "DataFrame": lambda pl, of: pl.DataFrame(of(M)),
    "of columns": lambda pl, of: pl.DataFrame({"x": of(V), "y": of(MASK), "z": of(np.array([1, 2, 3], np.int16))}),
    "with_columns": lambda pl, of: pl.DataFrame({"a": V}).with_columns(b=pl.Series(of(V))),
    "filter": lambda pl, of: pl.DataFrame({"a": V}).filter(pl.Series(of(MASK))),
    "gather": lambda pl, of: pl.DataFrame({"a": V})[pl.Series(of(ORDER))],
}  # fmt: skip


@pytest.mark.each("name", POLARS)
def test_polars_takes_tensors(name):
    pl = polars()
    expected, found = POLARS[name](pl, np.array), POLARS[name](pl, tg.tensor)
    assert found.equals(expected)


def test_columns_become_tensors():
    pl = polars()
    table = pl.DataFrame({"a": V})
    assert tg.tensor(table["a"]).tolist() == V.tolist()
    assert tg.tensor(table.to_numpy()).shape == (3, 1)


def test_what_polars_asks_the_class_of_a_value():
    """An expression is made of Series, arrays, lists and numbers: see ``polars.lit``."""
    pl = polars()
    table, t = pl.DataFrame({"a": V}), tg.tensor(V)
    for refused in (
        lambda: table.with_columns(b=t), lambda: pl.lit(t), lambda: table.filter(tg.tensor(MASK)),
        lambda: table[tg.tensor(ORDER)], lambda: table["a"] + t,
    ):  # fmt: skip
        with pytest.raises(TypeError):
            refused()
    assert pl.Series("b", t).name == ""  # what Arrow's interface gives has no name, whoever gives it
    assert pl.Series(t).alias("b").name == pl.Series("b", t.numpy()).name == "b"
    assert table.with_columns(b=pl.Series(t))["b"].to_list() == V.tolist()
    assert (table["a"] + pl.Series(t)).to_list() == (2 * V).tolist()

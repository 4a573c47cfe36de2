"""A good citizen: DLPack, NumPy's array protocol, copies and pickles, the coverage table."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn

ROOT = Path(__file__).resolve().parents[2]
FLOATS = ["float16", "float32", "float64", "complex64", "complex128"]
DTYPES = [*FLOATS, "int8", "uint8", "int16", "int32", "int64", "bool"]


def values(dtype):
    return (np.arange(6).reshape(2, 3) % 4).astype(dtype)


def owner(library):
    """How another library sees our memory, and how it shows its own."""
    if library == "numpy":
        return np.from_dlpack, np.array, np.asarray
    if library == "torch":
        torch = pytest.importorskip("torch")
        return torch.from_dlpack, torch.tensor, lambda t: t.numpy()
    jax = pytest.importorskip("jax")
    return jax.dlpack.from_dlpack, jax.numpy.array, np.asarray


# --- DLPack ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_dlpack_to_others_shares_memory(library, dtype):
    load, _, show = owner(library)
    if library == "jax" and dtype in ("float64", "int64", "complex128"):
        pytest.skip("64 bits are off in JAX by default")
    t = tg.from_numpy(values(dtype))
    other = show(load(t))
    assert other.dtype == t.dtype
    assert np.shares_memory(other, t.numpy())
    np.testing.assert_array_equal(other, t.numpy())
    assert np.shares_memory(show(load(t[:, 1:])), t.numpy())


@pytest.mark.parametrize("library", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("dtype", ["float32", "int32", "bool", "complex64"])
def test_dlpack_from_others_shares_memory(library, dtype):
    _, make, show = owner(library)
    other = make(values(dtype))
    t = tg.from_dlpack(other)
    assert isinstance(t, tg.Tensor)
    assert t.dtype == dtype
    assert not t.requires_grad
    assert np.shares_memory(show(other), t.numpy())
    assert not np.shares_memory(show(other), tg.from_dlpack(other, copy=True).numpy())


def test_dlpack_writes_are_seen_on_both_sides():
    torch = pytest.importorskip("torch")
    theirs = torch.zeros(3)
    ours = tg.from_dlpack(theirs)
    ours[1] = 5.0
    theirs[2] = 6.0
    assert ours.tolist() == theirs.tolist() == [0.0, 5.0, 6.0]
    again = torch.from_dlpack(ours)
    again[0] = 4.0
    assert theirs.tolist() == [4.0, 5.0, 6.0]


def test_dlpack_from_a_noncontiguous_tensor():
    torch = pytest.importorskip("torch")
    theirs = torch.arange(6.0).reshape(2, 3).T[::2]
    np.testing.assert_array_equal(tg.from_dlpack(theirs).numpy(), theirs.numpy())


def test_dlpack_refusals():
    x = tg.ones(2, requires_grad=True)
    with pytest.raises(BufferError, match="requires grad"):
        np.from_dlpack(x)
    np.from_dlpack(x.detach())
    with pytest.raises(TypeError, match="from_dlpack: expected an object with __dlpack__, got list"):
        tg.from_dlpack([1.0])

    class Elsewhere:
        def __dlpack__(self, **_):
            raise AssertionError

        def __dlpack_device__(self):
            return 2, 0

    with pytest.raises(BufferError, match=r"from_dlpack: the memory must be the CPU's .* got device \(2, 0\)"):
        tg.from_dlpack(Elsewhere())
    torch = pytest.importorskip("torch")
    with pytest.raises(BufferError, match="from_dlpack: "):
        tg.from_dlpack(torch.zeros(2, dtype=torch.bfloat16))
    frozen = np.zeros(2)
    frozen.flags.writeable = False
    t = tg.from_dlpack(frozen) if np.lib.NumpyVersion(np.__version__) >= "2.1.0" else tg.from_numpy(frozen)
    with pytest.raises(RuntimeError, match="add_: the tensor's memory is read-only"):
        t.add_(1)
    assert tg.from_dlpack(tg.ones(2)).tolist() == [1.0, 1.0]
    assert tg.ones(2).__dlpack_device__() == (1, 0)


# --- NumPy's array protocol -----------------------------------------------------------------------------------------


def test_from_numpy_shares():
    array = np.zeros((2, 3), np.float32)
    t = tg.from_numpy(array)
    array[0, 0] = 1.0
    t[1, 2] = 2.0
    assert t[0, 0] == 1.0
    assert array[1, 2] == 2.0
    part = tg.from_numpy(array[:, ::2])
    part.mul_(10)
    assert array[1, 2] == 20.0


def test_asarray_shares_and_array_copies():
    t = tg.zeros(3)
    assert np.shares_memory(np.asarray(t), t.numpy())
    assert np.shares_memory(np.asarray(t, copy=False), t.numpy())
    assert not np.shares_memory(np.array(t), t.numpy())
    assert not np.shares_memory(np.asarray(t, copy=True), t.numpy())
    wide = np.asarray(t, dtype=np.float64)
    assert wide.dtype == np.float64
    assert np.shares_memory(np.asarray(t, dtype=np.float32), t.numpy())
    with pytest.raises(ValueError, match="copy"):
        np.asarray(t, dtype=np.float64, copy=False)


def test_asarray_never_drops_a_graph():
    x = tg.ones(3, requires_grad=True)
    for read in (np.asarray, np.array, x.__array__):
        with pytest.raises(RuntimeError, match="requires grad"):
            read(x) if read != x.__array__ else read()
    with tg.no_grad():
        assert np.asarray(x).tolist() == [1.0, 1.0, 1.0]


def test_lists_of_tensors():
    assert np.asarray([tg.tensor(1.0), tg.tensor(2.0)]).tolist() == [1.0, 2.0]


# --- copies and pickles ---------------------------------------------------------------------------------------------

COPIES = {
    "deepcopy": copy.deepcopy,
    **{f"pickle {p}": lambda x, p=p: pickle.loads(pickle.dumps(x, p)) for p in range(2, pickle.HIGHEST_PROTOCOL + 1)},
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("make", [tg.tensor, nn.Parameter])
def test_copies_of_leaves(how, make):
    x = make(tg.tensor([[1.0, 2.0], [3.0, 4.0]])) if make is nn.Parameter else make([[1.0, 2.0], [3.0, 4.0]])
    x.requires_grad_()
    (x * x).sum().backward()
    y = COPIES[how](x)
    assert type(y) is type(x)
    assert (y.requires_grad, y.dtype, y.is_leaf) == (True, x.dtype, True)
    np.testing.assert_array_equal(y.detach().numpy(), x.detach().numpy())
    np.testing.assert_array_equal(y.grad.numpy(), x.grad.numpy())
    assert not np.shares_memory(y.detach().numpy(), x.detach().numpy())
    assert not np.shares_memory(y.grad.numpy(), x.grad.numpy())
    (y * 3).sum().backward()
    assert x.grad.tolist() == [[2.0, 4.0], [6.0, 8.0]]
    assert y.grad.tolist() == [[5.0, 7.0], [9.0, 11.0]]


@pytest.mark.each("how", COPIES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_copies_of_values(how, dtype):
    for array in (values(dtype), values(dtype).T, values(dtype)[:, ::2], values(dtype)[:0], values(dtype)[0, 0]):
        t = tg.from_numpy(np.asarray(array))
        y = COPIES[how](t)
        assert (y.shape, y.dtype, y.requires_grad) == (t.shape, t.dtype, False)
        np.testing.assert_array_equal(y.numpy(), t.numpy())


@pytest.mark.parametrize("how", COPIES)
def test_the_same_tensor_stays_the_same(how):
    x = tg.ones(2, requires_grad=True)
    a, (b, c) = COPIES[how]([x, [x, 1]])
    assert a is b
    assert c == 1


@pytest.mark.parametrize("how", [how for how in COPIES if "pickle" not in how])
def test_results_are_refused(how):
    x = tg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"only leaves can be \w+"):
        COPIES[how](x * 2)  # pickled, they come back as leaves
    assert COPIES[how]((x * 2).detach()).tolist() == [2.0, 2.0]


@pytest.mark.parametrize("how", COPIES)
def test_copies_of_modules(how):
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    twin = COPIES[how](model)
    x = tg.randn(4, 2)
    np.testing.assert_array_equal(twin(x).detach().numpy(), model(x).detach().numpy())
    with tg.no_grad():
        twin[0].weight.zero_()
    assert model[0].weight.detach().numpy().any()


# --- the command line -----------------------------------------------------------------------------------------------


def command(*arguments):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tinygrad_lite", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_alone_it_says_what_is_installed():
    text = command()
    assert text.splitlines()[0] == f"tinygrad_lite {tg.__version__}"
    assert f"numpy {np.__version__}" in text
    assert "python -m tinygrad_lite ops" in text


@pytest.fixture(scope="module")
def table():
    from tinygrad_lite.command_line import op_table

    return {e.name: e for e in op_table.entries()}


def test_the_table_of_operations_tells_the_truth(table):
    from tinygrad_lite.ops.random import generator

    assert len(table) > 300
    known = [table["exp"], table["mul"], table["sum"], table["softmax"], table["argmax"], table["zeros"]]
    assert [(e.gradient, e.second, e.float32) for e in known] == [
        ("x", "yes", "yes"), ("x, y", "yes", "yes"), ("a", "yes", "yes"), ("composite", "yes", "yes"),
        ("none", "", ""), ("creates", "", ""),
    ]  # fmt: skip
    assert (table["exp"].numpy, table["exp"].method, table["linalg.det"].method) == ("np.exp", True, False)
    assert not {"manual_seed", "Tensor", "no_grad"} & table.keys()
    assert set(generator.__all__).isdisjoint(table)


def test_every_function_leads_to_where_it_is_declared(table):
    """By its module, by `inspect`, and by the command: to the row's file, not to what makes all rows callable."""
    found = {e.name: e.place.partition(":")[0] for e in table.values() if "." not in e.name}
    assert {name: place for name, place in found.items() if not place.startswith("ops/")} == {}
    for name, place in found.items():
        function = getattr(tg, name)
        assert function.__module__ == f"tinygrad_lite.{place.removesuffix('.py').replace('/', '.')}", name
        if ":" in table[name].place:
            assert inspect.getsourcefile(inspect.unwrap(function)).endswith(place), name
    assert sum(":" in e.place for e in table.values()) > 0.9 * len(table)
    assert inspect.getsource(tg.exp).startswith("exp = elementwise(np.exp, ")
    assert inspect.getsource(tg.softmax).startswith("@numpy_names\ndef softmax(")
    assert pickle.loads(pickle.dumps(tg.exp)) is tg.exp


def test_every_method_that_a_file_declares_is_one():
    """`METHODS` names functions of its own file; behind an underscore stands the in-place form."""
    declared: dict[str, str] = {}
    for path in sorted((ROOT / "tinygrad_lite" / "ops").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        functions = vars(importlib.import_module(name.removesuffix(".__init__")))
        for word in functions.get("METHODS", "").split():
            assert word not in declared, f"{word}: {name} and {declared[word]}"
            declared[word] = name
            base = word if word in functions else word.removesuffix("_")
            assert callable(functions[base]), f"{name}: {word}"
            assert hasattr(tg.Tensor, base), f"{name}: {word}"
            assert hasattr(tg.Tensor, word), f"{name}: {word}"
    assert len(declared) > 300


def test_no_gradient_lacks_its_second_order(table):
    assert [e.name for e in table.values() if e.second == "no"] == []


def test_no_operation_is_left_untried(table):
    """One that no arguments fit, or that breaks with all of them, would say so."""
    assert [e.name for e in table.values() if e.gradient == "untried"] == []


def test_a_row_without_a_second_order_is_found(monkeypatch):
    from tinygrad_lite.command_line import op_table
    from tinygrad_lite.rules import differentiable

    op = differentiable(lambda x: x * 1, name="stubborn", x=lambda g: np.asarray(g) * 1)
    assert op_table._found_out(op, op)[:2] == ("x", "no")
    wide = differentiable(lambda x: x.astype(np.float64), name="wide", x=lambda g: g)
    assert op_table._found_out(wide, wide)[2] == "no"


def test_an_operation_that_breaks_is_found():
    from tinygrad_lite.command_line import op_table

    def broken(x):
        raise KeyError("whatever it is given")

    assert op_table._found_out(broken, None)[0] == "untried"


def test_names_of_the_table_are_pytorchs(table):
    torch = pytest.importorskip("torch")
    for e in table.values():
        if e.torch:
            value = torch
            for part in e.torch.replace("torch.", "", 1).replace("F.", "nn.functional.").split("."):
                value = getattr(value, part)


def test_ops_on_the_command_line(tmp_path, capsys):
    from tinygrad_lite.__main__ import main

    assert main(["ops", "tanh"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["operation", "family"]
    assert [line.split()[0] for line in lines[1:-1]] == sorted(
        (line.split()[0] for line in lines[1:-1]), key=lambda n: ("." in n, n)
    )
    assert all("tanh" in line for line in lines[1:-1])
    assert lines[-1].split()[0] == str(len(lines) - 2)
    page = tmp_path / "docs" / "OPERATIONS.md"
    assert main(["ops", "exp", "--markdown", str(page)]) == 0
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| `exp` ")]
    assert len(rows) == 1
    assert "| yes | `np.exp` | `torch.exp` | x | yes | yes |" in rows[0]
    assert len({line.count("|") for line in page.read_text().splitlines() if line.startswith("|")}) == 1


def test_the_page_of_operations_is_of_today(table):
    """All but the names in NumPy, of which each of its versions has others, and in PyTorch, which need not be there."""
    from tinygrad_lite.command_line import op_table

    def without_others(page):
        rows = [line.split("|") for line in page.splitlines() if line.startswith("| `")]
        return [row[:4] + row[6:] for row in rows]

    page = (ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
    expected = op_table.markdown(list(table.values()))
    assert without_others(page) == without_others(expected), "run `python -m tinygrad_lite ops --markdown`"
    assert op_table.summary(list(table.values())) in page

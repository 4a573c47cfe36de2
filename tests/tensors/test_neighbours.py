"""NumPy's clients: lists beside Tensors, what other libraries ask of arrays, einops' registration, foreign datasets."""

from __future__ import annotations

import ctypes
import importlib
import random
import sys

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.utils.data import DataLoader, default_collate, default_convert

L = [[1.0, 2.0], [3.0, 4.0]]
ARRAY = np.array([[0.5, -1.0], [2.0, 0.25]])
BESIDE = {
    "dot": lambda t: np.dot(L, t), "dot, second": lambda t: np.dot(t, L), "stack": lambda t: np.stack([t, L]),
    "concatenate": lambda t: np.concatenate([L, t]), "vstack": lambda t: np.vstack([L, t]),
    "hstack": lambda t: np.hstack((t, L)), "dstack": lambda t: np.dstack([t, L]),
    "column_stack": lambda t: np.column_stack([t, L]), "inner": lambda t: np.inner(L, t),
    "outer": lambda t: np.outer(L, t), "vdot": lambda t: np.vdot(L, t), "kron": lambda t: np.kron(L, t),
    "tensordot": lambda t: np.tensordot(L, t, axes=1), "einsum": lambda t: np.einsum("ij,jk->ik", L, t),
    "matmul": lambda t: np.matmul(L, t), "append": lambda t: np.append(t, L, axis=0),
    "solve": lambda t: np.linalg.solve(L, t), "where": lambda t: np.where([[True, False]] * 2, t, L),
    "maximum": lambda t: np.maximum(L, t), "average": lambda t: np.average(t, weights=L),
    "broadcast_arrays": lambda t: np.broadcast_arrays(t, [1.0, 2.0])[1] * t,
    "of tensors": lambda t: np.dot([t[0], t[1]], t),
    "of both": lambda t: np.dot([t[0], [1.0, 2.0]], t), "trapezoid": lambda t: np.trapezoid(t, [1.0, 2.0]),
    "meshgrid": lambda t: np.meshgrid(t[0], [1.0, 2.0])[0], "isin": lambda t: np.isin(t, [0.5]),
    "searchsorted": lambda t: np.searchsorted([0.0, 1.0], t),
}  # fmt: skip


@pytest.mark.each("name", BESIDE)
def test_lists_beside_tensors_are_arrays(name):
    call = BESIDE[name]
    leaf = tg.tensor(ARRAY, requires_grad=name not in ("isin", "searchsorted"))
    found = call(leaf)
    assert isinstance(found, tg.Tensor)
    np.testing.assert_allclose(found.detach().numpy(), call(ARRAY), 1e-12)
    assert found.requires_grad == leaf.requires_grad


def test_lists_of_sizes_stay_lists():
    t = tg.arange(6)
    assert np.reshape(t, [2, 3]).shape == (2, 3)
    assert np.transpose(t.reshape(1, 2, 3), [2, 0, 1]).shape == (3, 1, 2)
    assert np.pad(t, [1, 2]).shape == (9,)
    assert [part.tolist() for part in np.split(t, [2, 4])] == [[0, 1], [2, 3], [4, 5]]


def test_texts_broadcast_with_tensors():
    numbers, texts = np.broadcast_arrays(tg.ones(2), ("a",))
    assert isinstance(numbers, tg.Tensor)
    assert texts.tolist() == ["a", "a"]
    with pytest.raises(NotImplementedError, match="all must be numbers"):
        np.broadcast_arrays(tg.ones(2, requires_grad=True), ("a",))


def test_several_elements_are_no_number():
    for error in (TypeError, ValueError, RuntimeError):  # NumPy's, and PyTorch's
        with pytest.raises(error, match="4 elements"):
            float(tg.ones(4))


def test_numpys_words_for_dimensions():
    a, b = tg.rand(2, 3, 4), tg.rand(4, 3)
    assert tg.tensordot(a, b, axes=([2, 1], [0, 1])).shape == (2,)
    assert tg.transpose(a, (2, 0, 1)).shape == tg.transpose(a, axes=(2, 0, 1)).shape == (4, 2, 3)
    assert a.strides == a.numpy().strides
    with pytest.raises(TypeError, match="needs dim0 and dim1"):
        tg.transpose(a, 1)


def test_contractions_of_opt_einsum():
    contract = pytest.importorskip("opt_einsum").contract
    a, b, c = (tg.rand(3, 3, requires_grad=True) for _ in range(3))
    found = contract("ij,jk,kl->il", a, b, c)
    np.testing.assert_allclose(found.detach().numpy(), (a @ b @ c).detach().numpy(), 1e-5)
    found.sum().backward()
    assert a.grad.shape == (3, 3)


# --- einops ---------------------------------------------------------------------------------------------------------

EINOPS = """
class AbstractBackend:
    framework_name: str
    def shape(self, x):
        return x.shape
    def reshape(self, x, shape):
        return x.reshape(shape)
"""


def taken():
    """Einops' modules, which are no longer loaded."""
    return {name: sys.modules.pop(name) for name in list(sys.modules) if f"{name}.".startswith("einops.")}


@pytest.fixture
def einops(tmp_path, monkeypatch):
    """What einops has for libraries to register with, and nothing else."""
    real = taken()
    package = tmp_path / "einops"
    package.mkdir()
    (package / "__init__.py").write_text("from . import _backends\n")
    (package / "_backends.py").write_text(EINOPS)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    taken()
    sys.modules.update(real)


@pytest.mark.parametrize("first", ["einops", "tinygrad_lite"])
def test_einops_knows_tensors(einops, first):
    from tinygrad_lite.tensors.einops_backend import register_when_imported

    if first == "einops":
        importlib.import_module("einops")
    register_when_imported()
    room = importlib.import_module("einops._backends")
    (kind,) = room.AbstractBackend.__subclasses__()
    backend, x = kind(), tg.tensor(ARRAY, requires_grad=True)
    assert backend.framework_name == "tinygrad_lite"
    assert backend.is_appropriate_type(x)
    assert not backend.is_appropriate_type(ARRAY)
    for operation in ("min", "max", "sum", "mean", "prod"):
        found = backend.reduce(x, operation, (0, 1))
        np.testing.assert_allclose(found.item(), getattr(ARRAY, operation)())
        assert found.requires_grad
    assert bool(backend.reduce(x > 0, "any", (0, 1)))
    assert backend.transpose(x, (1, 0)).tolist() == ARRAY.T.tolist()
    assert backend.add_axes(x, 3, {1: 5}).shape == (2, 5, 2)
    assert backend.tile(x, (2, 1)).shape == backend.concat([x, x], 0).shape == (4, 2)
    assert backend.stack_on_zeroth_dimension([x, x]).shape == (2, 2, 2)
    assert backend.is_float_type(x)
    assert not backend.is_float_type(backend.arange(0, 3))
    assert backend.einsum("ij->j", x).shape == (2,)
    assert backend.to_numpy(backend.from_numpy(ARRAY)) is not None


def test_einops_itself():
    from tinygrad_lite.tensors.einops_backend import register_when_imported

    register_when_imported()  # the stand-in above took the turn of the library's own import
    rearrange, reduce = (getattr(pytest.importorskip("einops"), name) for name in ("rearrange", "reduce"))
    x = tg.arange(24.0).requires_grad_()
    y = rearrange(x, "(a b c) -> b (c a)", a=2, b=3)
    assert y.shape == (3, 8)
    reduce(y, "a b -> a", "max").sum().backward()
    assert x.grad.sum() == 3


# --- Arrow ----------------------------------------------------------------------------------------------------------


def pointer(capsule, name):
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    return get(capsule, name)


FORMATS = {"bool": b"b", "int8": b"c", "uint16": b"S", "int64": b"l", "float32": b"f", "float64": b"g"}


@pytest.mark.parametrize("dtype", FORMATS)
def test_arrow_reads_vectors(dtype):
    from tinygrad_lite.kernels.native import arrow

    values = (np.arange(11) % 3 * 2).astype(dtype)
    before = len(arrow._HELD)
    described, held = tg.tensor(np.repeat(values, 2))[::2].__arrow_c_array__()
    schema = arrow._Schema.from_address(pointer(described, b"arrow_schema"))
    array = arrow._Array.from_address(pointer(held, b"arrow_array"))
    assert schema.format == FORMATS[dtype]
    assert (array.length, array.null_count, array.offset, array.n_buffers) == (11, 0, 0, 2)
    size = 2 if dtype == "bool" else values.nbytes
    memory = np.frombuffer(ctypes.string_at(array.buffers[1], size), np.uint8 if dtype == "bool" else dtype)
    found = np.unpackbits(memory, count=11, bitorder="little") if dtype == "bool" else memory
    np.testing.assert_array_equal(found, values)
    assert len(arrow._HELD) == before + 2
    moved = arrow._Array.from_buffer_copy(array)  # as who takes it does, before the capsule goes
    array.release = None
    del described, held, schema, array
    assert len(arrow._HELD) == before + 1
    arrow._RELEASE[b"arrow_array"](ctypes.addressof(moved))
    assert len(arrow._HELD) == before
    assert not moved.release


def test_a_matrix_is_a_table_of_its_columns_in_arrow():
    from tinygrad_lite.kernels.native import arrow

    before = len(arrow._HELD)
    described, held = tg.arange(6).reshape(2, 3).__arrow_c_array__()
    assert len(arrow._HELD) == before + 8  # the table and its columns, described and held
    del described, held
    assert len(arrow._HELD) == before
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(tg.tensor(ARRAY))
    np.testing.assert_array_equal(frame.to_numpy(), ARRAY)
    assert polars.DataFrame(tg.tensor(ARRAY) > 0, schema=["a", "b"]).row(0) == (True, False)
    assert polars.DataFrame(tg.ones(0, 2)).shape == (0, 2)
    del frame
    assert len(arrow._HELD) == before


def test_arrow_takes_vectors_and_matrices_only():
    for other in (tg.ones(2, 2, 2), tg.ones(2, dtype=tg.complex64)):
        with pytest.raises(TypeError, match="must be a vector or matrix of real numbers"):
            other.__arrow_c_array__()
    with pytest.raises(RuntimeError, match="requires grad"):
        tg.ones(2, requires_grad=True).__arrow_c_array__()


def test_polars_itself():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"loss": tg.tensor([0.5, 0.25]), "step": tg.arange(2)})
    assert frame["loss"].to_list() == [0.5, 0.25]
    assert frame["step"].to_list() == [0, 1]


# --- foreign datasets and samplers ------------------------------------------------------------------------------------


class ByArray:
    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return self.values


class ByDLPack(ByArray):
    def __dlpack__(self, **options):
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


@pytest.mark.parametrize("kind", [ByArray, ByDLPack])
def test_foreign_arrays_are_collated(kind):
    batch = default_collate([{"x": kind(ARRAY * i)} for i in range(3)])
    np.testing.assert_array_equal(batch["x"].numpy(), [ARRAY * i for i in range(3)])
    assert isinstance(default_convert(kind(ARRAY)), tg.Tensor)


def test_foreign_datasets_and_samplers():
    torch = pytest.importorskip("torch")
    data = torch.utils.data
    dataset = data.TensorDataset(torch.arange(6.0).reshape(3, 2), torch.arange(3))
    orders = [data.SequentialSampler(dataset), np.array([0, 1, 2]), tg.tensor([0, 1, 2]), torch.tensor([0, 1, 2])]
    for order in orders:
        batches = list(DataLoader(dataset, batch_size=2, sampler=order))
        assert [b[1].tolist() for b in batches] == [[0, 1], [2]]
        assert all(isinstance(part, tg.Tensor) for part in batches[0])
    pairs = data.BatchSampler(data.SequentialSampler(dataset), 2, drop_last=True)
    assert [b[0].shape for b in DataLoader(dataset, batch_sampler=pairs)] == [(2, 2)]

    class Stream(data.IterableDataset):
        def __iter__(self):
            return iter(torch.arange(5))

    assert [b.tolist() for b in DataLoader(Stream(), batch_size=2)] == [[0, 1], [2, 3], [4]]


def test_matrices_are_linear_operators():
    sparse = pytest.importorskip("scipy.sparse.linalg")
    matrix = np.diag([4.0, 3.0, 2.0, 1.0, 5.0, 6.0]) + 0.1
    a, b = tg.tensor(matrix), tg.ones(6, dtype=tg.float64)
    np.testing.assert_allclose(sparse.cg(a, b, rtol=1e-12)[0], np.linalg.solve(matrix, np.ones(6)), 1e-9)
    np.testing.assert_allclose(sparse.lsqr(a, b, atol=1e-14, btol=1e-14)[0], np.linalg.solve(matrix, np.ones(6)), 1e-9)
    np.testing.assert_allclose(np.sort(sparse.eigsh(a, k=2)[0]), np.linalg.eigvalsh(matrix)[-2:], 1e-9)
    wide = tg.tensor([[1 + 2j, 3.0, 0.0], [0.0, 1j, 1.0]])
    np.testing.assert_allclose(sparse.aslinearoperator(wide).rmatvec(np.ones(2)), wide.numpy().conj().T @ np.ones(2))


def test_shuffling_is_refused_where_rows_would_be_lost():
    """Swaps of views give one row twice, in PyTorch silently; NumPy's generators warn of it."""
    for x in (tg.arange(6.0), tg.arange(6.0).reshape(3, 2)):
        before = x.tolist()
        with pytest.raises(RuntimeError, match=r"^random.shuffle swaps rows .* x\[torch.randperm"):
            random.shuffle(x)
        assert x.tolist() == before
        with pytest.warns(UserWarning, match="may contain duplicates"):
            np.random.default_rng(0).shuffle(x)
    assert sorted(np.random.default_rng(0).permutation(x).tolist()) == sorted(x.tolist())


def test_what_scipy_calls_on_arrays():
    t = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    copied = np.atleast_1d(t).copy()
    copied.sum().backward()
    assert not copied.is_set_to(t)
    assert t.grad.tolist() == [1, 1, 1]
    assert tg.tensor([1 + 2j]).conjugate().tolist() == [1 - 2j]
    toeplitz = pytest.importorskip("scipy.linalg").toeplitz
    np.testing.assert_array_equal(toeplitz(t.detach()), toeplitz([1.0, 2.0, 3.0]))

"""Dtypes: one object for each at every door, Python's types, numbers in sequences, the oldest constructor."""

from __future__ import annotations

import copy
import pickle
import sys

import numpy as np
import pytest

import tinygrad_lite as tg

NAMES = "bool uint8 int8 int16 int32 int64 float16 float32 float64 complex64 complex128 uint16 uint32 uint64".split()


def strangers(name):
    """Arrays of a dtype under objects that are equal to the usual one, and not always the same."""
    plain = np.ones((2, 3), name)
    dtype = plain.dtype
    fields = np.zeros(3, [("before", "u1"), ("a", dtype)])
    fields["a"] = 1
    return {
        "plain": plain,
        "pickled": pickle.loads(pickle.dumps(plain)),
        "newbyteorder": plain.view(dtype.newbyteorder("=")),
        "metadata": plain.view(np.dtype(dtype, metadata={"unit": "m"})),
        "field": fields["a"],
        "by name": np.ones(2, dtype.str),
        "buffer": np.frombuffer(plain.tobytes(), pickle.loads(pickle.dumps(dtype))),
        "strided": plain.view(dtype.newbyteorder("="))[:, ::2],
        "deep copy": copy.deepcopy(pickle.loads(pickle.dumps(plain))),
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_door_gives_the_one_object_of_a_dtype(name):
    canonical = getattr(tg, name)
    for kind, array in strangers(name).items():
        for door in (
            tg.from_numpy, tg.tensor, tg.as_tensor, tg.asarray, lambda a: tg.tensor([a]), lambda a: tg.zeros_like(a),
            lambda a: tg.zeros(2, dtype=a.dtype), lambda a: tg.ones(2).to(a.dtype),
            lambda a: tg.full((2,), a.flat[0].item(), dtype=a.dtype),
            lambda a: pickle.loads(pickle.dumps(tg.from_numpy(a))), lambda a: copy.deepcopy(tg.from_numpy(a)),
            lambda a: tg.from_numpy(a) + tg.from_numpy(a) if name != "bool" else tg.from_numpy(a) | tg.from_numpy(a),
        ):  # fmt: skip
            assert door(array).dtype is canonical, kind
        t = tg.from_numpy(array)
        assert np.shares_memory(t.numpy(), array)
        t = tg.zeros(1)
        t.data = array
        assert t.dtype is canonical
    assert pickle.loads(pickle.dumps(canonical)) == canonical
    assert tg.zeros(1, dtype=pickle.loads(pickle.dumps(canonical))).dtype is canonical


def test_arrays_on_files_and_from_other_libraries(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(3, np.float32))
    for array in (np.load(tmp_path / "a.npy"), np.load(tmp_path / "a.npy", mmap_mode="r+")):
        t = tg.from_numpy(array)
        assert t.dtype is tg.float32
        t[0] = 5.0
        assert array[0] == 5
        assert type(t.numpy()) is np.ndarray
    assert tg.from_dlpack(np.ones(2)).dtype is tg.float64


def test_another_order_of_bytes_is_converted_or_refused():
    other = np.array([1.0, 2.0], ">f4" if sys.byteorder == "little" else "<f4")
    assert tg.tensor(other).dtype is tg.float32
    assert tg.as_tensor(other).tolist() == [1, 2]
    assert tg.zeros(1, dtype=other.dtype).dtype is tg.float32
    t = tg.zeros(1)
    t.data = other
    assert (t.dtype, t.tolist()) == (tg.float32, [1, 2])
    with pytest.raises(ValueError, match="from_numpy: the array must have this machine's byte order"):
        tg.from_numpy(other)


def test_pythons_types_are_of_64_bits():
    for given, dtype in ((float, tg.float64), (int, tg.int64), (bool, tg.bool), (complex, tg.complex128)):
        assert tg.zeros(2, dtype=given).dtype is dtype
        assert tg.tensor([1], dtype=given).dtype is dtype
        assert tg.ones(2).to(given).dtype is dtype
    with pytest.raises(TypeError, match="a tensor's dtype must be of numbers or booleans, got dtype.'O'"):
        tg.dtype(object)


class Column:
    """What has an array but is none, as pandas' columns."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


# what is given: dtype and values
NUMBERS = {
    "tensor and number": (lambda m: [m.tensor(1.0), 2.0], "float32", [1, 2]),
    "tensor and integer": (lambda m: [m.tensor(1, dtype=m.int32), 2], "int64", [1, 2]),
    "int32 and float": (lambda m: [m.tensor(1, dtype=m.int32), 2.5], "float32", [1, 2.5]),
    "two tensors": (lambda m: [m.tensor(1), m.tensor(2.0, dtype=m.float64)], "float64", [1, 2]),
    "tensors of one element": (lambda m: [m.ones(1), m.ones(1)], "float32", [1, 1]),
    "tensors of one element, nested": (lambda m: [[m.ones(1, 1)], [2.0]], "float32", [[1], [2]]),
    "numpy's and python's": (lambda m: [1, np.float64(2)], "float64", [1, 2]),
    "float32's and python's": (lambda m: [np.float32(1), 2.5], "float32", [1, 2.5]),
    "int32's and python's": (lambda m: [np.int32(1), 2.5], "float32", [1, 2.5]),
    "complex64's and python's": (lambda m: [np.complex64(1j), 2.5], "complex64", [1j, 2.5]),
    "int32's": (lambda m: [np.int32(1), np.int32(2)], "int32", [1, 2]),
    "bool and tensor": (lambda m: [m.tensor(1.0), True], "float32", [1, 1]),
    "python's": (lambda m: [1, 2.5, True], "float32", [1, 2.5, 1]),
    "arrays of one element": (lambda m: [np.ones(1), np.ones(1)], "float64", [[1], [1]]),
}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.filterwarnings("ignore:Creating a tensor from a list of numpy.ndarrays:UserWarning")
def test_numbers_in_sequences(name):
    make, dtype, values = NUMBERS[name]
    t = tg.tensor(make(tg))
    assert (t.dtype, t.tolist()) == (np.dtype(dtype), values)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.filterwarnings("ignore:Creating a tensor from a list of numpy.ndarrays:UserWarning")
def test_numbers_in_sequences_as_pytorchs(name):
    torch = pytest.importorskip("torch")
    make, dtype, values = NUMBERS[name]
    t = torch.tensor(make(torch))
    assert (str(t.dtype), t.tolist()) == (f"torch.{dtype}", values)


def test_columns_keep_their_dtype():
    for values in (np.array([1.5, 2.5]), np.array([1, 2], np.int32), np.ones((2, 2), np.float32)):
        for given in (Column(values), [Column(values)]):
            t = tg.tensor(given)
            assert t.dtype == values.dtype
            np.testing.assert_array_equal(t.numpy().reshape(values.shape), values)
    pandas = pytest.importorskip("pandas")
    assert tg.tensor(pandas.Series([1.0, 2.0])).dtype is tg.float64
    assert tg.tensor(pandas.DataFrame({"a": [1.0], "b": [2.0]})).dtype is tg.float64


def test_imaginary_parts_are_not_dropped():
    for dtype in (tg.float32, tg.int64):
        for data in ([1 + 2j], 1 + 0j, [[1.0], [1j]]):
            with pytest.raises(TypeError, match="must be real, got complex ones"):
                tg.tensor(data, dtype=dtype)
    assert tg.tensor([1j, 0], dtype=tg.bool).tolist() == [True, False]
    assert tg.tensor([1 + 2j]).tolist() == [1 + 2j]


def test_the_oldest_constructor():
    assert (tg.Tensor([1, 2]).dtype, tg.Tensor([1, 2]).tolist()) == (tg.float32, [1, 2])
    assert [tg.Tensor(*s).shape for s in ((), (3,), (2, 3), (np.int64(2), 0))] == [(0,), (3,), (2, 3), (2, 0)]
    assert tg.Tensor(np.ones(2)).dtype is tg.float32
    assert tg.Tensor((2, 3)).tolist() == [2, 3]
    double = tg.ones(2, dtype=tg.float64, requires_grad=True)
    shared = tg.Tensor(double)
    assert (shared.dtype, shared.requires_grad) == (tg.float64, False)
    assert np.shares_memory(shared.numpy(), double.detach().numpy())
    assert tg.Tensor([1, 2], dtype=tg.int64, requires_grad=False).dtype is tg.int64
    for wrong in ((2.5,), (1, 2.5), ([1], [2]), (True,)):
        with pytest.raises(TypeError, match="Tensor: expected sizes, a sequence, an array or a Tensor"):
            tg.Tensor(*wrong)
    with pytest.raises(TypeError, match="must be real"):
        tg.Tensor([1j])
    tg.set_default_dtype(tg.float64)
    try:
        assert tg.Tensor([1, 2]).dtype is tg.float64
    finally:
        tg.set_default_dtype(tg.float32)


# --- the class ------------------------------------------------------------------------------------------------------

# name: is_floating_point, is_complex, is_signed, itemsize, to_real, to_complex
QUESTIONS = {
    "bool": (False, False, False, 1, "bool", None),
    "uint8": (False, False, False, 1, "uint8", None),
    "int64": (False, False, True, 8, "int64", None),
    "float16": (True, False, True, 2, "float16", None),  # PyTorch's complex32 is none of NumPy's
    "float32": (True, False, True, 4, "float32", "complex64"),
    "float64": (True, False, True, 8, "float64", "complex128"),
    "complex64": (False, True, True, 8, "float32", "complex64"),
    "complex128": (False, True, True, 16, "float64", "complex128"),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_dtypes_answer_pytorchs_questions(name):
    floating, complex_, signed, size, real, imaginary = QUESTIONS[name]
    d = getattr(tg, name)
    assert (d.is_floating_point, d.is_complex, d.is_signed, d.itemsize) == (floating, complex_, signed, size)
    assert d.to_real() is getattr(tg, real)
    assert imaginary is None or d.to_complex() is getattr(tg, imaginary)
    x = tg.zeros(2, dtype=d)
    assert x.dtype is d
    assert isinstance(x.dtype, tg.dtype)
    assert (x.is_floating_point(), x.is_complex(), x.is_signed()) == (floating, complex_, signed)


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_questions_answers_are_pytorchs(name):
    theirs = getattr(pytest.importorskip("torch"), name)
    floating, complex_, signed, size, real, imaginary = QUESTIONS[name]
    assert (theirs.is_floating_point, theirs.is_complex, theirs.is_signed, theirs.itemsize) == (
        floating, complex_, signed, size,
    )  # fmt: skip
    assert str(theirs.to_real()) == f"torch.{real}"
    assert imaginary is None or str(theirs.to_complex()) == f"torch.{imaginary}"


@pytest.mark.parametrize("name", NAMES)
def test_numpy_takes_a_dtype_for_its_own(name):
    d, numpys = getattr(tg, name), np.dtype(name)
    assert d == numpys
    assert numpys == d
    assert d == numpys.type
    assert d == name
    assert hash(d) == hash(numpys)
    assert {numpys: 1}[d] == {d: 1}[numpys] == 1
    assert d != np.dtype("M8[s]")
    assert d != None  # noqa: E711
    assert d != "no dtype"
    for array in (
        np.zeros(2, dtype=d),
        np.ones(2).astype(d),
        np.asarray([1], d),
        np.empty((), d),
        np.arange(2, dtype=d),
    ):
        assert array.dtype == numpys
    assert np.promote_types(d, bool) == numpys
    assert np.result_type(d, np.bool_) == numpys
    assert np.issubdtype(d, numpys.type)
    assert (d.kind, d.char, d.name, d.type, d.str) == (numpys.kind, numpys.char, name, numpys.type, numpys.str)
    assert (str(d), repr(d)) == (name, f"tinygrad_lite.{name}")
    assert tg.dtype(name) is tg.dtype(numpys) is d
    assert pickle.loads(pickle.dumps(d)) is copy.deepcopy(d) is copy.copy(d) is d
    with pytest.raises(AttributeError):
        d.no_such_name  # noqa: B018


def test_limits_of_what_is_asked_by_a_tensors_dtype():
    assert tg.finfo(tg.ones(1).dtype).eps == np.finfo(tg.ones(1).dtype).eps == 2**-23
    assert tg.iinfo(tg.arange(2).dtype).max == 2**63 - 1
    assert tg.get_default_dtype() is tg.float32
    assert tg.promote_types(np.int64, "float16") is tg.float16
    assert tg.result_type(tg.ones(1), 1j) is tg.complex64
    assert tg.arange(2).view(tg.float64).dtype is tg.float64

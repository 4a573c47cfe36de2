"""Making tensors, their dtypes, their text, and getting values out; the door for wrong arguments."""

from __future__ import annotations

import copy
import io
import operator
import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from makers import leaf
from oracle import Programs, agree

import tinygrad_lite as tg


def dtype_name(t) -> str:
    return str(t.dtype).replace("torch.", "")


# --- creation -------------------------------------------------------------------------------------------------------

DATA = {
    "int": 3, "float": 1.5, "bool": True, "complex": 1 + 2j, "ints": [1, 2], "floats": [1.0, 2.0], "mixed": [1, 2.5],
    "bools": [True, False], "bool and int": [True, 2], "nested": [[1, 2], [3, 4]], "tuple": ((1.0,), (2.0,)),
    "empty": [],
    "empty rows": [[], []], "nan": [float("nan"), float("inf")], "numpy scalar": np.float64(1.5),
    "numpy int": np.int32(3),
    "numpy floats": [np.float64(1.0), np.float64(2.0)], "f64": np.ones((2, 3)), "f32": np.ones(2, np.float32),
    "f16": np.ones(2, np.float16), "i32": np.ones(2, np.int32), "u8": np.ones(2, np.uint8), "b": np.ones(2, bool),
    "c128": np.ones(2, complex), "0-d": np.array(2.5), "zero size": np.ones((0, 3)),
    "list of arrays": [np.ones(2), np.zeros(2)],
    "list of f32": [np.ones(2, np.float32)] * 2, "complexes": [1j, 2.0],
}  # fmt: skip


@pytest.mark.parametrize("name", DATA)
@pytest.mark.filterwarnings("ignore:Creating a tensor from a list of numpy.ndarrays:UserWarning")
def test_dtype_and_shape_of_data_as_pytorchs(name):
    def program(m):
        t = m.tensor(DATA[name])
        return dtype_name(t), list(t.shape), t.numpy()

    agree(program)


def test_dtypes_without_the_oracle():
    for value, name in ((1, "int64"), (1.0, "float32"), (True, "bool"), (1j, "complex64")):
        assert tg.tensor(value).dtype == name
        assert tg.tensor([[value]]).shape == (1, 1)
    assert tg.tensor([1, 2.5]).dtype == tg.float32
    assert tg.tensor([]).dtype == tg.float32
    assert tg.tensor(np.float64(1.0)).dtype == tg.float64
    assert tg.tensor([1.7, -1.7], dtype=tg.int64).tolist() == [1, -1]
    assert tg.tensor([1, 0], dtype=bool).tolist() == [True, False]
    assert tg.tensor([1], dtype=float).dtype == tg.float64


def test_tensor_copies_and_from_numpy_shares():
    array = np.zeros(3)
    assert not np.shares_memory(tg.tensor(array).numpy(), array)
    assert not np.shares_memory(tg.tensor(tg.from_numpy(array)).numpy(), array)
    assert np.shares_memory(tg.from_numpy(array).numpy(), array)
    assert np.shares_memory(tg.as_tensor(array).numpy(), array)
    t = leaf([1.0])
    assert tg.as_tensor(t) is t
    assert not tg.tensor(t).requires_grad


CREATION = Programs()


@CREATION
def filled(m):
    return [
        m.zeros(2, 3), m.zeros((2, 3)), m.zeros([2, 3]), m.zeros(()), m.ones(2, dtype=m.int64), m.full((2,), 3),
        m.full((2,), 3.0),
        m.full((2,), True), m.full([2, 2], 1, dtype=m.float64), m.eye(3), m.eye(2, 3), m.zeros(0, 3),
    ]  # fmt: skip


@CREATION
def ranges(m):
    return [
        m.arange(5), m.arange(5.0), m.arange(1, 7, 2), m.arange(1, 2, 0.25), m.arange(5, 0, -2),
        m.arange(3, dtype=m.float64),
        m.arange(0), m.linspace(0, 1, 5), m.linspace(3, -3, 4, dtype=m.float64), m.linspace(2, 2, 1),
        m.linspace(0, 1, 0),
    ]  # fmt: skip


@CREATION
def alike(m):
    t = m.ones(2, 3, dtype=m.float64)
    i = m.arange(3)
    return [
        m.zeros_like(t), m.ones_like(i), m.full_like(t, 7), m.full_like(i, 7.9), m.zeros_like(t, dtype=m.int64),
        list(m.empty_like(t).shape), m.ones_like(t, requires_grad=True).requires_grad,
    ]  # fmt: skip


@CREATION
def conversions(m):
    t = m.tensor([1.7, -2.3, 0.0])
    return [
        t.long(), t.int(), t.double(), t.half(), t.bool(), t.to(m.float64), t.to(t),
        t.type_as(m.ones(1, dtype=m.int64)),
        t.to("cpu"), t.float() is t, t.to(m.float32) is t, t.to(m.float32, copy=True) is t, t.cpu() is t,
        t.is_floating_point(), t.long().is_floating_point(), t.is_complex(), t.element_size(), t.numel(), t.dim(),
    ]  # fmt: skip


@CREATION
def casts_are_differentiable(m):
    x = m.tensor([1.0, 2.0], dtype=m.float64, requires_grad=True)
    y = x.float() * 3
    y.double().sum().backward()
    return x.grad, dtype_name(y)


@CREATION
def promotion(m):
    f, d, i, b = m.ones(2), m.ones(2, dtype=m.float64), m.ones(2, dtype=m.int64), m.tensor([True, False])
    small = m.ones(2, dtype=m.int32)
    pairs = [
        f + 1, f + 2.5, f * i, f * d, i + 1, i + 2.5, i * 2.5, i / 2, i / i, b + 1, b * 2.0, f + b, i + b, small + i,
        small * 1.5,
        f > 1, -i, i**2, f**2, 2**i, 2.0**i, 1 / f, 1 / i, 3 - i, f / i, small / small, i * True, i.double() * f, ~b,
        b & b,
        i % 2, 7 % (i + 1), f % 0.3, i // 2, f // 0.3, abs(-i), m.exp(i), m.sqrt(i), m.sin(b), i.sum(), b.sum(),
        f.sum(),
        f.mean(), d.mean(), i.float().mean(), i.max(), m.where(b, f, d), m.where(b, i, f), m.cat([f, d]),
        m.stack([i, small]),
    ]  # fmt: skip
    return [(dtype_name(p), p) for p in pairs]


@CREATION
def default_dtype(m):
    m.set_default_dtype(m.float64)
    try:
        return [dtype_name(t) for t in (m.tensor(1.5), m.ones(2), m.tensor([1]), m.arange(3.0), m.full((2,), 0.5))]
    finally:
        m.set_default_dtype(m.float32)


@CREATION
def shapes_and_strides(m):
    t = m.zeros(2, 3, 4)
    return [
        tuple(t.shape) == (2, 3, 4), list(t.size()), t.size(1), t.size(-1), t.ndim, len(t), t.stride(),
        t.T.shape == (4, 3, 2)
        if m is tg else True, t.transpose(0, 2).stride(), t.is_contiguous(), t.transpose(0, 1).is_contiguous(),
        t.transpose(0, 1).contiguous().is_contiguous(), t.contiguous() is t, t.nbytes, t.itemsize,
    ]  # fmt: skip


@CREATION
def values_out(m):
    t = m.tensor([[1.5]], dtype=m.float64)
    i = m.tensor([7])
    return [
        t.item(), float(t), int(t), bool(t), complex(t), i.item(), operator.index(i), t.tolist(), m.tensor(3).tolist(),
        f"{m.tensor(1.23456):.2f}", f"{m.tensor(7):>4}", bool(m.tensor(0.0)), [10, 20][m.tensor(1)], round(float(t), 1),
        list(range(m.tensor(3))), isinstance(m.tensor(True).item(), bool), isinstance(m.tensor(1).item(), int),
    ]  # fmt: skip


@CREATION
def membership_iteration_and_equality(m):
    t = m.tensor([1.0, 2.0])
    return [
        1.0 in t, 3.0 in t, [v.item() for v in t], t == t.clone(), t != 1.0,
        (t == None) is False, t != None,  # noqa: E711
        t == "a", len({t, t, t.clone()}), t in {t: 1},
    ]  # fmt: skip


@CREATION
def equality_with_what_holds_no_numbers(m):
    t = m.ones(2)
    others = [..., slice(1), int, {1: 2}, object(), m.float32, b"x", {1}, m.nn.Linear(1, 1), len]
    return [[t == other, t != other] for other in others], ... in (t, ...), any(other == t for other in others)


@CREATION.parameters()
def test_as_pytorch(program):
    agree(program, rtol=1e-6)


@pytest.mark.parametrize(
    ("program", "error"),
    [
        (lambda m: m.tensor([1.0, 2.0]).item(), (RuntimeError, ValueError)),
        (lambda m: bool(m.tensor([1.0, 2.0])), (RuntimeError, ValueError)),
        (lambda m: operator.index(m.tensor(1.5)), TypeError),
        (lambda m: operator.index(m.tensor([1, 2])), TypeError),
        (lambda m: len(m.tensor(1.0)), TypeError),
        (lambda m: iter(m.tensor(1.0)), TypeError),
        (lambda m: m.tensor([[1, 2], [3]]), ValueError),
        (lambda m: m.tensor("text"), TypeError),
        (lambda m: m.tensor(None), (TypeError, RuntimeError)),
        (lambda m: m.tensor([None]), (TypeError, RuntimeError)),
        (lambda m: m.tensor({}), (TypeError, RuntimeError)),
        (lambda m: m.tensor(np.array(["a"])), TypeError),
        (lambda m: m.tensor([1], requires_grad=True), RuntimeError),
        (lambda m: m.zeros(-1), (RuntimeError, ValueError)),
        (lambda m: m.zeros(1.5), TypeError),
        (lambda m: m.arange(0, 1, -1), (RuntimeError, ValueError)),
        (lambda m: m.arange(0, 1, 0), (RuntimeError, ValueError)),
        (lambda m: m.from_numpy([1.0]), TypeError),
        (lambda m: m.from_numpy(np.array(["a"])), TypeError),
        (lambda m: m.set_default_dtype(m.int64), TypeError),
        (lambda m: m.zeros(2).unknown, AttributeError),
        (lambda m: setattr(m.zeros(2), "shape", (3,)), AttributeError),
        (lambda m: setattr(m.zeros(2), "is_leaf", True), AttributeError),
    ],
)
def test_what_pytorch_refuses(program, error):
    with pytest.raises(error):
        program(tg)
    torch = pytest.importorskip("torch")
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it raises, it must not accept it either
        program(torch)


@pytest.mark.each(
    ("call", "error", "message"),
    [
        (lambda: tg.tensor("a"), TypeError, "tensor: data must be numbers, got str"),
        (lambda: tg.tensor([[1, 2], [3]]), ValueError, "tensor: data must be rectangular"),
        (
            lambda: tg.tensor([1, 2], requires_grad=True),
            RuntimeError,
            "only floating point tensors can require grad, got int64",
        ),
        (lambda: tg.zeros("a"), TypeError, r"zeros: sizes must be integers, got \('a',\)"),
        (lambda: tg.zeros(2).reshape("a"), TypeError, "reshape: sizes must be integers, got"),
        (lambda: tg.zeros(2, 3).reshape(4, 2), ValueError, r"reshape: shape \(4, 2\) must hold 6 elements"),
        (lambda: tg.zeros(2, 3).transpose(0, 2), IndexError, r"transpose: dim must be in \[-2, 1\], got 2"),
        (lambda: tg.zeros(2, 3).permute(0, 0), RuntimeError, "permute: dims must name each of the 2 dimensions once"),
        (
            lambda: tg.zeros(2, 3).T.view(6),
            RuntimeError,
            r"view: shape \(6,\) does not fit the order of the input's memory; use reshape",
        ),
        (lambda: tg.zeros(2).expand(3), RuntimeError, r"expand: sizes other than 1 must stay, got \(2,\).*\(3,\)"),
        (lambda: tg.zeros(4).split([1, 2]), RuntimeError, r"split: sizes must add up to 4.*got \[1, 2\]"),
        (
            lambda: tg.zeros(2, 3) @ tg.zeros(2, 3),
            RuntimeError,
            r"matmul: inner sizes must agree, got shapes \(2, 3\) and",
        ),
        (lambda: tg.zeros(2) @ 3, RuntimeError, r"matmul: inner sizes must agree, got shapes \(2,\) and \(\)"),
        (lambda: tg.zeros(2) + tg.zeros(3), ValueError, r"could not be broadcast.*\(2,\) \(3,\)"),
        (lambda: tg.zeros(2) + "a", TypeError, "unsupported operand type.*Tensor.*str"),
        (lambda: None - tg.zeros(2), TypeError, "sub: operands must be Tensors, arrays or numbers, got NoneType"),
        (lambda: tg.zeros(2)[2], IndexError, "index 2 is out of bounds for dimension 0 with size 2"),
        (lambda: tg.zeros(2)[0, 0], IndexError, "too many indices"),
        (lambda: tg.zeros(2)[0.5], IndexError, "only integers, slices"),
        (lambda: tg.zeros(2)["a"], IndexError, "only integers, slices"),
        (lambda: tg.zeros(2)[tg.ones(2)], IndexError, "must be integers or booleans, got float32"),
        (lambda: tg.zeros(2)[tg.tensor([True, False, True])], IndexError, "boolean index did not match"),
        (lambda: tg.zeros(2)[tg.tensor([5])], IndexError, "index 5 is out of bounds"),
        (lambda: tg.cat([]), ValueError, "cat: expected a non-empty sequence"),
        (
            lambda: tg.stack([tg.zeros(2), tg.zeros(3)]),
            ValueError,
            r"stack: all shapes must be equal, got \(2,\), \(3,\)",
        ),
        (lambda: tg.where(tg.zeros(2), 1.0, 2.0), TypeError, "where: condition must be boolean, got dtype float32"),
        (lambda: tg.arange(3).mean(), TypeError, "mean: the input must be floating point, got int64"),
        (lambda: tg.zeros(2).sum(5), IndexError, r"sum: dim must be in \[-1, 0\], got 5"),
        (lambda: tg.zeros(2).softmax(3), IndexError, r"softmax: dim must be in \[-1, 0\], got 3"),
        (lambda: float(tg.zeros(2)), RuntimeError, "item: a Tensor with 2 elements cannot be converted to a number"),
        (lambda: bool(tg.zeros(2)), RuntimeError, r"truth of a Tensor with several elements is ambiguous"),
        (
            lambda: setattr(tg.zeros(2), "data", "a"),
            TypeError,
            "data: must be a Tensor or an array of numbers, got str",
        ),
        (lambda: setattr(leaf([1.0]), "data", np.ones(1, int)), RuntimeError, "must stay floating point, got int64"),
        (lambda: tg.zeros(2).to("bogus"), TypeError, "bogus"),
        (lambda: tg.from_numpy([1.0]), TypeError, "from_numpy: expected np.ndarray, got list"),
        (
            lambda: tg.set_printoptions(precision=-1),
            ValueError,
            "set_printoptions: precision must be at least 0, got -1",
        ),
        (
            lambda: tg.set_printoptions(profile="long"),
            ValueError,
            "profile must be one of default, short, full, got 'long'",
        ),
        (lambda: tg.set_printoptions(digits=3), TypeError, "digits"),
        (lambda: copy.deepcopy(leaf([1.0]) * 2), RuntimeError, "only leaves can be copied deeply"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()


# --- indexing -------------------------------------------------------------------------------------------------------

INDICES = {
    "int": 1, "negative": -1, "slice": slice(1, 3), "step": slice(None, None, 2), "ellipsis": Ellipsis, "none": None,
    "tuple": (1, 2),
    "row": (slice(None), 1), "both slices": (slice(0, 2), slice(1, 3)), "ellipsis int": (Ellipsis, 0),
    "new axes": (None, 0, None),
    "array": np.array([2, 0, 0]), "matrix": np.array([[0, 1], [2, 2]]), "pair": (np.array([0, 1]), np.array([2, 1])),
    "slice array": (slice(None), np.array([2, 0])), "array slice": (np.array([2, 0]), slice(0, 2)), "broadcast pair":
    (np.array([[0], [1]]), np.array([2, 1])), "mask": np.array([True, False, True]),
    "full mask": np.arange(12).reshape(3, 4) % 3 == 0,
    "mask and int": (np.array([True, False, True]), 1), "list": [0, 2], "empty list": [],
    "bool list": [True, False, True],
    "empty slice": slice(2, 1), "array none": (np.array([0, 1]), None), "0-d": np.array(1),
    "negative array": np.array([-1, -3]),
}  # fmt: skip


@pytest.mark.each("name", INDICES)
def test_indexing_as_numpy_and_its_gradient(name):
    index = INDICES[name]
    values = np.arange(12.0).reshape(3, 4)
    for key in (index, as_tensors(index)):
        x = leaf(values)
        out = x[key]
        expected = np.asarray(values[index])
        np.testing.assert_array_equal(out.detach().numpy(), expected, strict=True)
        weights = np.arange(1.0, expected.size + 1).reshape(expected.shape)
        out.backward(weights)
        gradient = np.zeros_like(values)
        np.add.at(gradient, index, weights)
        np.testing.assert_array_equal(x.grad.numpy(), gradient)


def as_tensors(index):
    if isinstance(index, tuple):
        return tuple(map(as_tensors, index))
    return tg.tensor(index) if isinstance(index, np.ndarray) else index


@pytest.mark.each("name", INDICES)
def test_views_where_numpy_gives_views(name):
    values = np.arange(12.0).reshape(3, 4)
    t = tg.from_numpy(values)
    index = INDICES[name]
    probe = index if not isinstance(index, int) else (index, Ellipsis)
    if isinstance(index, tuple) and all(isinstance(i, int) for i in index):
        probe = (*index, Ellipsis)
    if isinstance(index, np.ndarray) and index.ndim == 0:
        probe = (int(index), Ellipsis)
    assert np.shares_memory(t[index].numpy(), values) == np.shares_memory(values[probe], values)


# --- text -----------------------------------------------------------------------------------------------------------


def without_names(text: str) -> str:
    """Without what PyTorch must spell otherwise: its dtypes and sizes, and the line break this may cause."""
    text = text.replace("torch.Size([", "(").replace("torch.", "")
    text = re.sub(r"size=\(([\d, ]*)\]\)", lambda m: f"size={tuple(map(int, m[1].split(',')))}", text)
    return re.sub(r",\n *(dtype|requires_grad|size)", r", \1", text)


numbers = st.one_of(
    st.floats(-10, 10), st.floats(width=32), st.integers(-2000, 20000).map(float),
    st.sampled_from([0.0, -0.0, 1e-5, 1e-4, 1e9, float("nan"), float("inf"), float("-inf"), 1000.0, 1.0, 0.1]),
)  # fmt: skip
dtypes = st.sampled_from(["float32", "float32", "float64", "float16", "int64", "int32", "uint8", "bool", "complex64"])
shapes = st.sampled_from(
    [
        (),
        (1,),
        (3,),
        (14,),
        (40,),
        (1100,),
        (2, 3),
        (3, 1),
        (7, 12),
        (2, 2, 2),
        (1, 3, 15),
        (40, 30),
        (8, 1, 150),
        (0,),
        (0, 3),
        (2, 0, 1),
    ]
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(numbers, min_size=1, max_size=8), shapes, dtypes, st.booleans())
def test_text_as_pytorchs(values, shape, dtype, requires_grad):
    torch = pytest.importorskip("torch")
    array = np.resize(np.array(values), shape)
    with np.errstate(all="ignore"):
        array = np.nan_to_num(array).clip(0, 200).astype(dtype) if dtype[0] in "iu" else array.astype(dtype)
    requires_grad = requires_grad and array.dtype.kind == "f"
    if dtype == "complex64":
        with np.errstate(invalid="ignore"):  # inf times 1j
            array = array + 1j * array[..., ::-1] if array.ndim else array
    ours = repr(tg.tensor(array, requires_grad=requires_grad))
    theirs = repr(torch.tensor(array, requires_grad=requires_grad))
    assert without_names(ours) == without_names(theirs)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: tg.tensor(3), "tensor(3)"),
        (lambda: tg.tensor(1.5), "tensor(1.5000)"),
        (lambda: tg.tensor([1.0, 2.0]), "tensor([1., 2.])"),
        (lambda: tg.tensor([True, False]), "tensor([ True, False])"),
        (lambda: tg.tensor([[1, -2], [3, 40]]), "tensor([[ 1, -2],\n        [ 3, 40]])"),
        (lambda: tg.tensor([1.0, 1e-5]), "tensor([1.0000e+00, 1.0000e-05])"),
        (lambda: tg.tensor([1.0, 2000.0]), "tensor([1.0000e+00, 2.0000e+03])"),
        (lambda: tg.tensor([0.5, float("nan"), float("-inf")]), "tensor([0.5000,    nan,   -inf])"),
        (lambda: tg.tensor([1.5], dtype=tg.float64), "tensor([1.5000], dtype=float64)"),
        (lambda: tg.tensor([1], dtype=tg.uint8), "tensor([1], dtype=uint8)"),
        (lambda: tg.tensor([1 - 2j]), "tensor([1.-2.j])"),
        (lambda: tg.tensor([]), "tensor([])"),
        (lambda: tg.zeros(0, 3), "tensor([], size=(0, 3))"),
        (lambda: tg.zeros(0, dtype=tg.int64), "tensor([], dtype=int64)"),
        (lambda: tg.ones(2, requires_grad=True), "tensor([1., 1.], requires_grad=True)"),
        (lambda: tg.ones(2, requires_grad=True) * 2, "tensor([2., 2.], grad_fn=<MulBackward0>)"),
        (lambda: tg.arange(2000), "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"),
    ],
)  # fmt: skip
def test_text(make, expected):
    t = make()
    assert repr(t) == expected
    assert str(t) == expected
    assert f"{t}" == (expected if t.ndim else str(t.item()))


def test_print_options():
    t = tg.tensor([1.23456789, 2.0, 3.0, 4.0, 5.0])
    try:
        tg.set_printoptions(precision=2)
        assert repr(t) == "tensor([1.23, 2.00, 3.00, 4.00, 5.00])"
        tg.set_printoptions(sci_mode=True)
        assert repr(t[:1]) == "tensor([1.23e+00])"
        tg.set_printoptions(threshold=4, edgeitems=1)
        assert repr(t) == "tensor([1.23,  ..., 5.00])"
        tg.set_printoptions(profile="full", linewidth=24)
        assert repr(t) == "tensor([1.2346, 2.0000,\n        3.0000, 4.0000,\n        5.0000])"
        tg.set_printoptions(profile="short")
        assert repr(t) == "tensor([1.23, 2.00, 3.00, 4.00, 5.00])"
    finally:
        tg.set_printoptions(profile="default")
    assert repr(t) == "tensor([1.2346, 2.0000, 3.0000, 4.0000, 5.0000])"


def test_text_of_a_view_and_of_a_default_dtype():
    x = tg.zeros(3)
    v = x[:2]
    x += leaf([1.0, 2.0, 3.0], tg.float32)
    assert repr(v) == "tensor([1., 2.], grad_fn=<GetitemBackward0>)"
    tg.set_default_dtype(tg.float64)
    try:
        assert repr(tg.ones(1)) == "tensor([1.])"
        assert repr(x.detach()) == "tensor([1., 2., 3.], dtype=float32)"
    finally:
        tg.set_default_dtype(tg.float32)


# --- copies ---------------------------------------------------------------------------------------------------------


class Named(tg.Tensor):
    """A subclass with attributes of its own, as a parameter of a layer is."""

    def __init__(self, data, dtype=None, requires_grad=False, name=""):
        self.name = name

    def __new__(cls, data, dtype=None, requires_grad=False, name=""):
        return super().__new__(cls, data, dtype=dtype, requires_grad=requires_grad)


def samples():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    (x * x).sum().backward()
    frozen = leaf([1.0])
    frozen.sum().backward()
    frozen.requires_grad_(False)
    return {
        "leaf with gradient": x, "plain": tg.tensor([1, 2]), "0-d": tg.tensor(1.5), "empty": tg.zeros(0, 3),
        "view": tg.arange(6)[::2],
        "transposed": tg.tensor(np.arange(6.0).reshape(2, 3)).T,
        "subclass": Named([1.0, 2.0], tg.float64, True, name="w"),
        "frozen with gradient": frozen, "bool": tg.tensor([True]), "complex": tg.tensor([1j]),
        "half": tg.ones(2, dtype=tg.float16),
    }  # fmt: skip


WAYS = {
    "deepcopy": copy.deepcopy,
    **{f"pickle {p}": lambda t, p=p: pickle.loads(pickle.dumps(t, p)) for p in range(2, pickle.HIGHEST_PROTOCOL + 1)},
}


@pytest.mark.each("name", list(samples()))
@pytest.mark.parametrize("way", WAYS)
def test_copies(name, way):
    t = samples()[name]
    c = WAYS[way](t)
    assert type(c) is type(t)
    assert (c.dtype, c.shape, c.requires_grad, c.is_leaf) == (t.dtype, t.shape, t.requires_grad, True)
    np.testing.assert_array_equal(c.detach().numpy(), t.detach().numpy())
    assert not np.shares_memory(c.detach().numpy(), t.detach().numpy())
    assert (c.grad is None) == (t.grad is None)
    if t.grad is not None:
        assert c.grad.tolist() == t.grad.tolist()
        assert not np.shares_memory(c.grad.numpy(), t.grad.numpy())
    if name == "subclass":
        assert c.name == "w"
    if c.requires_grad:
        before = None if t.grad is None else t.grad.tolist()
        c.sum().backward()
        assert (None if t.grad is None else t.grad.tolist()) == before
    with tg.no_grad():
        c.zero_()
    assert t.numel() == 0 or t.detach().numpy().any()


def test_deepcopy_keeps_identity_within_a_structure():
    t = leaf([1.0])
    a, b = copy.deepcopy([t, t])
    assert a is b
    assert a is not t
    file = io.BytesIO()
    pickle.dump({"x": t, "y": t}, file)
    loaded = pickle.loads(file.getvalue())
    assert loaded["x"] is loaded["y"]


def test_a_copy_does_not_carry_hooks():
    t = leaf([1.0])
    t.register_hook(lambda g: g * 5)
    c = copy.deepcopy(t)
    c.sum().backward()
    assert c.grad.tolist() == [1.0]


def test_shallow_copy_is_usable():
    t = leaf([1.0, 2.0])
    c = copy.copy(t)
    (c * c).sum().backward()
    assert c.grad.tolist() == [2.0, 4.0]


def test_subclasses_keep_their_attributes_and_compute_plain_tensors():
    w = Named([1.0, 2.0], requires_grad=True, name="w")
    out = w * 2
    assert type(out) is tg.Tensor
    out.sum().backward()
    assert w.grad.tolist() == [2.0, 2.0]
    assert w.name == "w"


def test_tensors_keep_what_programs_hang_on_them():
    t = tg.zeros(2)
    t.tag = "input"
    assert copy.deepcopy(t).tag == pickle.loads(pickle.dumps(t)).tag == t.tag == "input"
    with pytest.raises(AttributeError):
        del t.shape


def test_strides_of_one_dimension():
    x = tg.zeros(3, 4, 2)
    assert [x.stride(d) for d in (0, 1, -1)] == [8, 2, 1] == list(x.stride())
    with pytest.raises(IndexError, match="stride: "):
        x.stride(3)


def test_in_asks_for_numbers_and_tensors():
    x = tg.arange(6).reshape(2, 3)
    assert 4 in x
    assert 9 not in x
    assert tg.tensor([3, 9, 9]) in x
    for wrong in ("a", [1, 2], None):
        with pytest.raises(RuntimeError, match="a Tensor holds numbers and Tensors"):
            wrong in x  # noqa: B015


def test_public_functions_can_be_pickled():
    for module in (tg, tg.nn.functional):
        for name, value in vars(module).items():
            if callable(value) and name[0] != "_" and getattr(value, "__name__", "") == name:
                assert pickle.loads(pickle.dumps(value)) is value, name


def test_seeds_have_64_bits():
    for seed, found in ((-1, 2**64 - 1), (-(2**63), 2**63), (7, 7)):
        tg.manual_seed(seed)
        assert tg.initial_seed() == found
    for seed in (2**64, -(2**63) - 1):
        with pytest.raises(RuntimeError, match="manual_seed: seed must be in"):
            tg.manual_seed(seed)


def test_a_gradient_can_be_deleted():
    x = tg.ones(2, requires_grad=True)
    x.sum().backward()
    del x.grad
    assert x.grad is None


def test_storages_are_equal_where_they_are_one_memory():
    x = tg.ones(4)
    assert x.untyped_storage() == x[1:].untyped_storage() != tg.ones(4).untyped_storage()
    assert x.untyped_storage() != x.storage()
    assert {x.storage(): 1}[x[2:].storage()] == 1
    storage = x.storage()
    storage[1], storage[-1] = 5.0, 7.0
    assert x.tolist() == [1.0, 5.0, 1.0, 7.0] == list(storage)


def test_bytes_as_masks():
    x = tg.tensor([[2, 0], [3, 4]], dtype=tg.uint8)
    for found, right in ((x.all(1), [0, 1]), (x.any(0), [1, 1]), (x.all(), 0)):
        assert found.dtype == tg.uint8
        assert found.tolist() == right
    assert tg.tensor([-1, 255], dtype=tg.uint8).tolist() == [255, 255]


def test_reversed_turns_the_first_dimension():
    x = tg.arange(6).reshape(3, 2)
    assert tg.equal(reversed(x), x.flip(0))
    assert reversed(tg.tensor(2.0)).item() == 2.0

"""The array API standard on Tensors: NumPy's values, the standard's arguments, gradients where they are known."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import array_api as xp

A = np.array([[0.3, -1.2, 2.0], [0.7, 0.1, -0.4]])
B = np.array([[1.5, 0.8, -0.6], [-2.0, 0.9, 1.1]])
U = np.abs(A) / 3 + 0.2
N = np.array([[5, 2, 7], [1, 2, 3]])
M = np.array([[2.0, 0.3, -0.4], [0.3, 1.0, 0.1], [-0.4, 0.1, 0.8]])
C = A + 1j * B
LIMITS = dict.fromkeys("acos asin atanh log log10 log1p log2 sqrt".split(), U) | {"acosh": U + 1}
INTEGERS = {"bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift", "bitwise_invert"}
ONE = """abs acos acosh asin asinh atan atanh bitwise_invert ceil conj cos cosh exp expm1 floor isfinite isinf isnan
log log10 log1p log2 logical_not negative positive reciprocal round sign signbit sin sinh sqrt square tan
tanh trunc""".split()
TWO = """add atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor copysign divide equal
floor_divide greater greater_equal hypot less less_equal logaddexp logical_and logical_or logical_xor maximum minimum
multiply nextafter not_equal remainder subtract""".split()
CALLS = {
    **{name: (name, (N if name in INTEGERS else LIMITS.get(name, A),), {}) for name in ONE},
    **{name: (name, (N, N) if name in INTEGERS else (A, B), {}) for name in TWO},
    "pow": ("pow", (U, B), {}), "real": ("real", (C,), {}), "imag": ("imag", (C,), {}),
    "any": ("any", (A > 0,), {"axis": 1}), "all": ("all", (A > 0,), {"keepdims": True}),
    "argmax": ("argmax", (A,), {"axis": 0}), "argmin": ("argmin", (A,), {}), "argsort": ("argsort", (A,), {"axis": 0}),
    "sort": ("sort", (A,), {"axis": -1}), "searchsorted": ("searchsorted", (np.sort(A[0]), B), {}),
    "max": ("max", (A,), {"axis": (0, 1)}), "min": ("min", (A,), {"axis": 1}), "mean": ("mean", (A,), {"axis": 0}),
    "sum": ("sum", (A,), {"axis": 1, "keepdims": True}), "prod": ("prod", (N.astype(np.uint8),), {}),
    "std": ("std", (A,), {"axis": 1, "correction": 1.0}), "var": ("var", (A,), {"axis": 0}),
    "cumulative_sum": ("cumulative_sum", (A,), {"axis": 1, "include_initial": True}),
    "cumulative_prod": ("cumulative_prod", (A,), {"axis": 0}), "diff": ("diff", (A,), {"axis": 0}),
    "count_nonzero": ("count_nonzero", (A,), {"axis": 1}), "nonzero": ("nonzero", (A > 0,), {}),
    "clip": ("clip", (A, -0.5, 0.5), {}), "where": ("where", (A > 0, A, B), {}),
    "concat": ("concat", ([A, B],), {"axis": 1}), "stack": ("stack", ([A, B],), {"axis": 2}),
    "expand_dims": ("expand_dims", (A, 1), {}), "squeeze": ("squeeze", (A[None], 0), {}), "flip": ("flip", (A,), {}),
    "moveaxis": ("moveaxis", (A, 0, 1), {}), "permute_dims": ("permute_dims", (A, (1, 0)), {}),
    "repeat": ("repeat", (A, 2), {"axis": 1}), "reshape": ("reshape", (A, (3, 2)), {}),
    "roll": ("roll", (A, 1), {"axis": 0}),
    "tile": ("tile", (A, (2, 1)), {}), "unstack": ("unstack", (A,), {"axis": 1}), "tril": ("tril", (M,), {"k": -1}),
    "triu": ("triu", (M,), {"k": 1}), "take": ("take", (A, np.array([2, 0])), {"axis": 1}),
    "take_along_axis": ("take_along_axis", (A, np.array([[2], [0]])), {"axis": 1}),
    "broadcast_to": ("broadcast_to", (A, (2, 2, 3)), {}), "broadcast_arrays": ("broadcast_arrays", (A, B[0]), {}),
    "meshgrid": ("meshgrid", (A[0], B[:, 0]), {}), "unique_values": ("unique_values", (N,), {}),
    "unique_all": ("unique_all", (N,), {}), "unique_counts": ("unique_counts", (N,), {}),
    "unique_inverse": ("unique_inverse", (N,), {}), "matmul": ("matmul", (A, M), {}),
    "matrix_transpose": ("matrix_transpose", (A,), {}), "vecdot": ("vecdot", (C, C.conj()), {"axis": 0}),
    "tensordot": ("tensordot", (A, B), {"axes": 2}), "isdtype": ("isdtype", (np.dtype(np.int8), "integral"), {}),
    "can_cast": ("can_cast", (np.dtype(np.int8), np.dtype(np.int16)), {}),
}  # fmt: skip
LINALG = {
    "cholesky": (M,), "cross": (A, B), "det": (M,), "diagonal": (M,), "eigh": (M,), "eigvalsh": (M,), "inv": (M,),
    "matmul": (A, M), "matrix_norm": (M,), "matrix_power": (M, 3), "matrix_rank": (M,), "matrix_transpose": (A,),
    "outer": (A[0], B[1]), "pinv": (A,), "qr": (M,), "slogdet": (M,), "solve": (M, A.T), "svd": (A,), "svdvals": (A,),
    "tensordot": (A, M, ), "trace": (M,), "vecdot": (A, B), "vector_norm": (A,),
}  # fmt: skip


def given(value):
    if isinstance(value, np.ndarray):
        return tg.tensor(value)
    return [tg.tensor(v) for v in value] if isinstance(value, list) else value


def same(ours, theirs):
    if isinstance(theirs, (tuple, list)):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs):
            same(a, b)
        return
    if isinstance(theirs, bool):
        assert ours is theirs
        return
    assert isinstance(ours, tg.Tensor)
    expected = np.asarray(theirs)
    assert (ours.shape, ours.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(ours.numpy(), expected, 1e-10, 1e-12)


@pytest.mark.each("name", CALLS)
def test_values_are_numpys(name):
    function, args, kwargs = CALLS[name]
    same(getattr(xp, function)(*map(given, args), **kwargs), getattr(np, function)(*args, **kwargs))


@pytest.mark.parametrize("name", LINALG)
def test_linear_algebra_is_numpys(name):
    args, kwargs = LINALG[name], {"axes": 1} if name == "tensordot" else {}
    ours, theirs = getattr(xp.linalg, name)(*map(given, args), **kwargs), getattr(np.linalg, name)(*args, **kwargs)
    if name in ("eigh", "svd", "qr"):  # vectors up to their signs
        ours, theirs = ([np.abs(np.asarray(v)) for v in values] for values in (ours, theirs))
        for a, b in zip(ours, theirs):
            np.testing.assert_allclose(a, b, 1e-9, 1e-12)
        return
    same(ours, tuple(theirs) if name == "slogdet" else theirs)


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fftn", "ifftn", "rfftn", "irfftn"])
def test_transforms_are_numpys(name):
    x = C if name in ("irfft", "hfft", "irfftn") else A
    same(getattr(xp.fft, name)(tg.tensor(x)), getattr(np.fft, name)(x))
    same(xp.fft.fftshift(tg.tensor(A)), np.fft.fftshift(A))
    same(xp.fft.ifftshift(tg.tensor(A)), np.fft.ifftshift(A))
    assert xp.fft.fftfreq(4).dtype == xp.fft.rfftfreq(4).dtype == tg.float32


def test_created():
    for name, args in (
        ("zeros", (3,)),
        ("ones", ((2, 1),)),
        ("eye", (3,)),
        ("linspace", (0, 1, 5)),
        ("arange", (1.0, 4.0)),
    ):
        made = getattr(xp, name)(*args)
        assert made.dtype == tg.float32
        np.testing.assert_allclose(made.numpy(), getattr(np, name)(*args), 1e-7)
        assert getattr(xp, name)(*args, dtype=xp.float64).dtype == tg.float64
    assert xp.arange(3).dtype == xp.full(2, 3).dtype == tg.int64
    assert xp.full(2, 1j).dtype == tg.complex64
    assert xp.empty((2, 3)).shape == (2, 3)
    x = tg.tensor(A)
    assert xp.zeros_like(x).dtype == xp.empty_like(x).dtype == tg.float64
    assert (xp.full_like(x, 3.0) == 3).all()
    assert (xp.ones_like(x) == 1).all()
    assert xp.asarray(x) is x
    assert xp.asarray(x, copy=True) is not x
    assert xp.asarray([[1, 2], [3, 4]]).dtype == tg.int64
    assert xp.asarray([True]).dtype == tg.bool
    assert xp.asarray([np.float64(1)]).dtype == tg.float64
    assert xp.from_dlpack(A).shape == A.shape
    with pytest.raises(ValueError, match="copy must not be False"):
        xp.asarray(x, dtype=xp.float32, copy=False)
    with pytest.raises(RuntimeError, match="cuda"):
        xp.zeros(2, device="cuda")


def test_dtypes():
    assert xp.isdtype(xp.float32, ("integral", "real floating"))
    assert not xp.isdtype(xp.bool, "numeric")
    assert xp.isdtype(xp.int8, xp.int8)
    assert xp.result_type(xp.int8, tg.ones(2), 1) == tg.float32
    assert xp.finfo(tg.ones(2)).eps == np.finfo(np.float32).eps
    assert xp.finfo(xp.complex64).bits == 32
    assert (xp.iinfo(xp.uint8).max, xp.iinfo(xp.int16).min) == (255, -32768)
    assert xp.astype(tg.ones(2), xp.int8).dtype == tg.int8
    with pytest.raises(TypeError, match="real part"):
        xp.astype(tg.tensor(C), xp.float32)
    with pytest.raises(ValueError, match="kind must be one of"):
        xp.isdtype(xp.int8, "float")
    info = xp.__array_namespace_info__()
    assert info.default_device() == info.devices()[0] == "cpu"
    assert info.default_dtypes()["real floating"] == tg.float32
    assert set(info.dtypes(kind="complex floating")) == {"complex64", "complex128"}
    assert len(info.dtypes()) == 13
    assert info.capabilities()["boolean indexing"]


def test_no_dimension_counts_as_any():
    assert xp.add(tg.ones(2), tg.tensor(1.0, dtype=tg.float64)).dtype == tg.float64
    assert (tg.ones(2) + tg.tensor(1.0, dtype=tg.float64)).dtype == tg.float32  # the operators are PyTorch's


def test_the_namespace_of_a_tensor():
    x = tg.ones(2)
    assert x.__array_namespace__() is x.__array_namespace__(api_version="2024.12") is xp
    assert x.to_device("cpu") is x
    with pytest.raises(ValueError, match="api_version must be one of"):
        x.__array_namespace__(api_version="1999.1")


def test_gradients_are_recorded_or_refused():
    x = tg.tensor(U, requires_grad=True)
    (xp.sum(xp.log(x)) + xp.cumulative_sum(x, axis=0)[-1, 0] + xp.linalg.vector_norm(x) + xp.std(x)).backward()
    y = tg.tensor(U, requires_grad=True)
    (y.log().sum() + y.cumsum(0)[-1, 0] + y.norm() + y.std(correction=0)).backward()
    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), 1e-12)
    with pytest.raises(NotImplementedError, match="unique_values: its gradient is not known"):
        xp.unique_values(x)


def test_signatures_are_the_standards():
    wanted = {
        "sum": "(x, /, *, axis=None, dtype=None, keepdims=False)", "max": "(x, /, *, axis=None, keepdims=False)",
        "sort": "(x, /, *, axis=-1, descending=False, stable=True)", "concat": "(arrays, /, *, axis=0)",
        "linspace": "(start, stop, /, num, *, dtype=None, device=None, endpoint=True)", "exp": "(x, /)",
        "add": "(x1, x2, /)", "full_like": "(x, /, fill_value, *, dtype=None, device=None)",
    }  # fmt: skip
    for name, text in wanted.items():
        found = inspect.signature(getattr(xp, name))
        bare = found.replace(
            parameters=[p.replace(annotation=p.empty) for p in found.parameters.values()], return_annotation=found.empty
        )
        assert str(bare) == text


def test_descending_order():
    np.testing.assert_array_equal(xp.sort(tg.tensor(A), descending=True).numpy(), -np.sort(-A))
    np.testing.assert_array_equal(xp.argsort(tg.tensor(N), descending=True).numpy(), np.argsort(-N, kind="stable"))


def test_infinities_are_the_standards():
    inf, nan = float("inf"), float("nan")
    z = tg.tensor([complex(inf, 0), complex(-inf, inf), complex(inf, nan), complex(nan, 0), complex(-0.0, 0), 1 + 1j])
    assert str(xp.expm1(z)[:5].tolist()) == str([complex(inf, 0), -1 + 0j, complex(inf, nan), complex(nan, 0), 0j])
    assert complex(xp.expm1(z)[5]) == pytest.approx(np.expm1(1 + 1j))
    a, b = tg.tensor([inf, inf, 3.0, -3.0, 7.0]), tg.tensor([2.0, -2.0, -inf, inf, 2.0])
    assert str(xp.floor_divide(a, b).tolist()) == "[inf, -inf, -0.0, -0.0, 3.0]"
    assert xp.floor_divide(tg.tensor(-7), tg.tensor(2)).item() == -4
    x = tg.tensor([1 + 1j, 2.0], requires_grad=True)
    xp.expm1(x).real.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.conj(np.exp(x.detach().numpy())), 1e-6)

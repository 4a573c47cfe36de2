"""Which arguments PyTorch takes, which it refuses, and with what class of error: the same here."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from oracle import agree, outcome, same

import tinygrad_lite as tg


def _bytes(m: Any) -> Any:
    return m.tensor([1, 2, 3], dtype=m.uint8)


def _ints(m: Any, *shape: int) -> Any:
    return m.ones(*shape, dtype=m.int32)


def _x(m: Any, *shape: int, dtype: str = "float64") -> Any:
    n = 1
    for size in shape:
        n *= size
    return (m.arange(1, n + 1).reshape(shape) * 0.5).to(getattr(m, dtype))


def _index(*parts: Any) -> Any:
    """Brackets with a list in them that is filled from the library's own tensors."""
    return lambda m: _x(m, 3, 2)[[m.tensor(p) if type(p) is list else p for p in parts]]


def _write(key: Any, *shape: int) -> Any:
    def program(m: Any) -> Any:
        x = m.zeros(3, 2)
        x[key] = _x(m, *shape, dtype="float32")
        return x

    return program


def _offset(m: Any) -> Any:
    return _x(m, 4, 6, dtype="float32")[:, 1:5].view(m.float64)


def _odd_rows(m: Any) -> Any:
    return _x(m, 21, dtype="float32").as_strided((3, 6), (7, 1)).view(m.float64)


def _rows_seen_as_shorter(m: Any) -> Any:
    x = _x(m, 4, 4, 8, dtype="float32").permute(1, 0, 2)
    return [list(x.view(m.int16).stride()), list(x.view(m.float64).stride()), x.view(m.float64)]


_SMALL = [1e-19 + 1e-18j, 1e-18j, -1e-19, 1e-9 + 1e-9j]


def _far_out(m: Any, dtype: str) -> Any:
    """Where the square of a number is beyond the dtype the logarithm of a density is not, nor its slope."""
    x = m.tensor([0.0, 1e-3, 1.0, 3.0, 1e4], dtype=getattr(m, dtype)).requires_grad_()
    d, one = m.distributions, m.ones((), dtype=x.dtype)
    found = [d.StudentT(one * 0.5).log_prob(x), d.Cauchy(one, one).log_prob(x), d.HalfCauchy(one).log_prob(x)]
    return [*found, m.autograd.grad(sum(f.sum() for f in found), x)[0]]


class _Other:
    """Of no library."""


CHANGING = "__iadd__ __isub__ __imul__ __itruediv__ __ifloordiv__ __imod__ __ipow__ __iand__ __ilshift__".split()


def _is_left_to_others(m: Any, name: str) -> bool:
    return getattr(_x(m, 2), name)(_Other()) is NotImplemented


PROGRAMS: dict[str, Any] = {
    # dtypes that meet nowhere
    "heaviside of two dtypes": lambda m: m.heaviside(_x(m, 2), _x(m, 2, dtype="float32")),
    "heaviside of a number of another dtype": lambda m: m.heaviside(_x(m, 2), m.tensor(1)),
    "lerp of two dtypes": lambda m: m.lerp(_x(m, 2), _x(m, 2, dtype="float32"), 0.5),
    "lerp to a number of another dtype": lambda m: m.lerp(_x(m, 2), m.tensor(1.0), 0.5),
    "lerp, a weight of another dtype": lambda m: m.lerp(_x(m, 2), _x(m, 2), _x(m, 2, dtype="float32")),
    "lerp of one dtype": lambda m: m.lerp(_x(m, 2), _x(m, 1, 2) * 3, _x(m, 2) * 0.1),
    "float_power_ of float32": lambda m: _x(m, 2, dtype="float32").float_power_(2),
    "float_power_ of float64": lambda m: _x(m, 2).float_power_(2),
    "abs_ of complex numbers": lambda m: _x(m, 2, dtype="complex64").abs_(),
    "cumsum_ in its own dtype": lambda m: _x(m, 3).cumsum_(0, dtype=m.float64),
    "cumsum_ in another dtype": lambda m: _x(m, 3).cumsum_(0, dtype=m.float32),
    "cumprod_ in its own dtype": lambda m: _x(m, 3).cumprod_(0, dtype=m.float64),
    "cumprod_ in another dtype": lambda m: _x(m, 3).cumprod_(0, dtype=m.float32),
    "sum_to_size of one boolean": lambda m: m.tensor(True).sum_to_size(()),
    "sum_to_size of int32": lambda m: _x(m, 3, 2, dtype="int32").sum_to_size((1, 2)),
    "take_along_dim by floats": lambda m: m.take_along_dim(_x(m, 3), m.tensor([0.0]), 0),
    "take_along_dim by booleans": lambda m: m.take_along_dim(_x(m, 3), m.tensor([True]), 0),
    # lists in brackets
    "lists of a list": lambda m: _x(m, 3, 2)[[[0, 2], [1, 1]]],
    "a list of one list": lambda m: _x(m, 3, 2)[[[0, 2]]],
    "a list of tensors": _index([0, 2], [1, 1]),
    "a list of a tensor and a number": _index([0, 2], 1),
    "a list of a slice and None": _index(slice(1), None),
    "a list of numbers": lambda m: _x(m, 3, 2)[[0, 2]],
    "a matrix of numbers": lambda m: _x(m, 3, 2)[m.tensor([[0, 2], [1, 1]])],
    "True written to": _write(True, 3, 2),
    "True written to, one row": _write(True, 1, 1, 2),
    "False written to": _write(False, 1, 2),
    # the same memory in another dtype
    "rows in the middle of an element": _offset,
    "rows that start within an element": _odd_rows,
    "elements of one number": lambda m: m.tensor(1.0).view(m.float64),
    "columns as wider elements": lambda m: _x(m, 4, 4, dtype="float32").T.view(m.float64),
    "rows of other elements": _rows_seen_as_shorter,
    # values out of range
    "isclose below a negative distance": lambda m: m.isclose(_x(m, 2), _x(m, 2), rtol=-0.4),
    "isclose, atol": lambda m: m.isclose(_x(m, 2), _x(m, 2), atol=-0.4),
    "gradient along one dimension twice": lambda m: m.gradient(_x(m, 3, 3), dim=(1, 1)),
    "fft of no dimension": lambda m: m.fft.fft(m.tensor(1.0)),
    "rfft2 of no dimension": lambda m: m.fft.rfft2(m.tensor(1.0), dim=(0,)),
    "fft2 along one dimension twice": lambda m: m.fft.fft2(_x(m, 2, 2), dim=(0, 0)),
    # one Tensor in place of several, and none
    **{
        f"{name} of one tensor": lambda m, name=name: getattr(m, name)(_x(m, 2, 2))
        for name in ("cat", "stack", "hstack", "vstack", "dstack", "column_stack")
    },
    "cat of nothing, along any dimension": lambda m: m.cat([m.empty(0), m.empty(0)], dim=1),
    "block_diag of nothing": lambda m: m.block_diag(),
    "meshgrid of two dtypes": lambda m: m.meshgrid(_x(m, 2), m.tensor([1]), indexing="ij"),
    "roll by nothing": lambda m: m.roll(_x(m, 3), (), ()),
    "hsplit of a number": lambda m: m.hsplit(m.tensor(1.0), 1),
    # numbers
    "strides of nothing": lambda m: [
        list(m.zeros(0, 2, 0).stride()),
        list(m.zeros(2, 0, 3).stride()),
        m.zeros(0).stride(0),
    ],
    "complex numbers as booleans": lambda m: m.tensor([1j, 0], dtype=m.bool),
    "float of a complex number": lambda m: float(m.tensor(1.5j)),
    "float of a real complex number": lambda m: [float(m.tensor(1.5 + 0j)), int(m.tensor(2 + 0j))],
    "random_ up to the largest": lambda m: bool(m.zeros(50).random_(5, None).min() >= 5),
    "random_ beyond uint8": lambda m: m.zeros(3, dtype=m.uint8).random_(0, 300),
    "random_ below int8": lambda m: m.zeros(3, dtype=m.int8).random_(-200, 3),
    "uniform_ over more than float32 holds": lambda m: m.ones(2).uniform_(-3e38, 3e38).shape,
    "linspace of complex numbers": lambda m: [m.linspace(0, 1j, 3), m.linspace(1, 2 + 2j, 4, dtype=m.complex128)],
    "linspace of complex numbers as floats": lambda m: m.linspace(0, 1j, 3, dtype=m.float32),
    "logspace of complex numbers": lambda m: [m.logspace(0, 1j, 3), m.logspace(0, 2, 3, base=1 + 1j)],
    "linspace from several numbers": lambda m: m.linspace(m.tensor([1, 1]), 2, 2),
    "log1p of small complex numbers": lambda m: m.log1p(m.tensor(_SMALL, dtype=m.complex128)) * 1e18,
    "apply_ that returns text": lambda m: _x(m, 2).apply_(lambda v: "a"),
    **{
        f"StudentT and Cauchy far out in {dtype}": lambda m, dtype=dtype: _far_out(m, dtype)
        for dtype in ("float32", "float64")
    },
    "booleans added no times": lambda m: m.add(m.tensor([True, False]), m.tensor([True, True]), alpha=0),
    "booleans added once": lambda m: m.add(m.tensor([True, False]), m.tensor([True, True]), alpha=True),
    **{f"{name} of an object of another class": lambda m, name=name: _is_left_to_others(m, name) for name in CHANGING},
    # older names and options of a GPU
    "matrix_rank by tol": lambda m: [m.linalg.matrix_rank(_x(m, 3, 3), t) for t in (0.01, 5.0, 20.0)],
    "matrix_rank, hermitian, tol by name": lambda m: m.linalg.matrix_rank(m.eye(2), tol=0.5, hermitian=True),
    "matrix_rank by tol and rtol": lambda m: m.linalg.matrix_rank(_x(m, 3, 3), 0.1, rtol=0.1),
    "pinv by rcond": lambda m: [m.linalg.pinv(_x(m, 3, 2), 0.2), m.linalg.pinv(_x(m, 3, 2), rcond=1e-3)],
    "svd by no driver": lambda m: m.linalg.svd(_x(m, 3, 2), driver=None).S,
    "svd by a driver": lambda m: m.linalg.svd(_x(m, 3, 2), driver="gesvd"),
    "svdvals by no driver": lambda m: m.linalg.svdvals(_x(m, 3, 2), driver=None),
    "eigh of the upper triangle, a small letter": lambda m: m.linalg.eigh(_x(m, 2, 2), UPLO="u").eigenvalues,
    "lu of nothing": lambda m: list(m.linalg.lu(m.zeros(0, 2, 2))),
    "lu of matrices without rows": lambda m: list(m.linalg.lu_factor(m.zeros(2, 0, 3))),
    "matrix_norm of float16": lambda m: m.linalg.matrix_norm(m.full((2, 2), 200.0, dtype=m.float16)),
    "conj_physical_": lambda m: m.tensor([1 + 2j]).conj_physical_(),
    # the dtypes and the range of integers
    "bytes, a negative alpha": lambda m: [
        m.add(_bytes(m), _bytes(m), alpha=-3),
        m.sub(_bytes(m), _bytes(m), alpha=-3),
        m.rsub(_bytes(m), _bytes(m), alpha=-3),
        m.add(_bytes(m).short(), _bytes(m), alpha=-300),
        m.index_add(_bytes(m), 0, m.tensor([0, 0]), _bytes(m)[:2], alpha=-1),
    ],
    "bytes, an alpha beyond them": lambda m: m.add(_bytes(m), _bytes(m), alpha=1000),
    "conj_physical of booleans": lambda m: m.conj_physical(m.tensor([True, False])),
    "einsum of bytes": lambda m: [m.einsum("i->", _bytes(m)), m.einsum("i->i", _bytes(m))],
    "tensordot over a size of 1": lambda m: m.tensordot(_ints(m, 1, 1, 1), _ints(m, 2, 1, 2), ([0, 1], [2, 0])),
    "polynomials of bytes": lambda m: m.special.chebyshev_polynomial_t(_bytes(m), _bytes(m)),
    "norms of empty matrices": lambda m: [
        m.linalg.matrix_norm(m.zeros(*shape), order)
        for shape, order in (((0, 0), 1), ((0, 0), 2), ((5, 0), 1), ((0, 5), 2), ((2, 0, 5), math.inf))
    ],
    "norms of empty matrices, that have no least": lambda m: m.linalg.matrix_norm(m.zeros(5, 0), -1),
    # names
    "swapaxes": lambda m: m.swapaxes(_x(m, 3, 2), axis0=0, axis1=1),
    "swapdims": lambda m: m.swapdims(_x(m, 3, 2), dim0=0, dim1=1),
    "bessel_j1, out=": lambda m: m.special.bessel_j1(_x(m, 3), out=_x(m, 3)),
    "airy_ai, out=": lambda m: m.special.airy_ai(_x(m, 3), out=_x(m, 3)),
}


PAIRS: dict[str, Any] = {
    "outer": lambda m, a, b: m.outer(a, b), "kron": lambda m, a, b: m.kron(a, b), "cat": lambda m, a, b: m.cat([a, b]),
    "addr": lambda m, a, b: m.addr(m.ones(2, 2, dtype=a.dtype), a, b), "stack": lambda m, a, b: m.stack([a, b]),
    "addcmul": lambda m, a, b: m.addcmul(a, b, b), "addcdiv": lambda m, a, b: m.addcdiv(a, b, b),
    "mse_loss": lambda m, a, b: m.nn.functional.mse_loss(a, b),
    "l1_loss": lambda m, a, b: m.nn.functional.l1_loss(a, b),
    "smooth_l1_loss": lambda m, a, b: m.nn.functional.smooth_l1_loss(a, b),
    "pairwise_distance": lambda m, a, b: m.nn.functional.pairwise_distance(a, b),
    "kl_div": lambda m, a, b: m.nn.functional.kl_div(a, b, reduction="sum"),
    "layer_norm": lambda m, a, b: m.nn.functional.layer_norm(a, (2,), b),
    "trapezoid": lambda m, a, b: m.trapezoid(a, b),
    "clamp": lambda m, a, b: m.clamp(a, b), "masked_fill": lambda m, a, b: m.masked_fill(a, a > 0, b[0]),
    "index_add": lambda m, a, b: a.index_add(0, m.tensor([0, 1]), b), "dist": lambda m, a, b: m.dist(a, b),
    "isin": lambda m, a, b: m.isin(a, b), "searchsorted": lambda m, a, b: m.searchsorted(a, b),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_two_floats_meet_in_the_wider_one(name):
    """A float16 beside a float32 decided once that the result is float16."""
    torch = pytest.importorskip("torch")
    for first in ("float16", "float32", "float64"):
        for second in ("float16", "float32", "float64"):
            try:
                expected = PAIRS[name](torch, *(torch.ones(2, dtype=getattr(torch, d)) for d in (first, second)))
            except RuntimeError:
                continue
            found = PAIRS[name](tg, *(tg.ones(2, dtype=getattr(tg, d)) for d in (first, second)))
            assert str(found.dtype).split(".")[-1] == str(expected.dtype).split(".")[-1], (first, second)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"])
def test_sums_have_the_dtype_that_is_asked_for(dtype):
    """NumPy adds integers narrower than 64 bits up to 64, whatever its result was cast from."""
    torch = pytest.importorskip("torch")
    for name in ("sum", "nansum", "prod", "cumsum", "cumprod"):
        for given in ("bool", "uint8", "int16", "int32", "int64", "float32"):
            results = []
            for m in (torch, tg):
                x = m.ones(300).to(getattr(m, given))
                dim = (0,) if name.startswith("cum") else ()
                out = getattr(x, name)(*dim, dtype=getattr(m, dtype))
                results.append((str(out.dtype).split(".")[-1], out.tolist()))
            assert results[0] == results[1], (name, given)


def test_sums_in_float16_neither_stand_still_nor_overflow():
    ones = tg.ones(5000, dtype=tg.bool)
    assert ones.cumsum(0, dtype=tg.float16)[-1].item() == 5000
    assert ones.sum(dtype=tg.float16).item() == 5000
    assert tg.masked.mean(tg.ones(70000, dtype=tg.float16) * 40000, 0).item() == 40000


def test_numbers_for_letters_have_the_order_of_letters():
    agree(lambda m: m.einsum(_x(m, 2, 3), [26, 0]))
    agree(lambda m: m.einsum(_x(m, 2, 3), [30, 4], _x(m, 3, 4), [4, 3]))


INTEGERS: dict[str, Any] = {  # one may be a tensor without dimensions, or NumPy's
    "matrix_power": lambda m, of: m.matrix_power(_x(m, 2, 2), of(3)),
    "mvlgamma": lambda m, of: m.mvlgamma(_x(m, 2).abs() + 5, of(2)),
    "multigammaln": lambda m, of: m.special.multigammaln(_x(m, 2).abs() + 5, of(2)),
    "polygamma": lambda m, of: m.polygamma(of(1), _x(m, 2).abs()),
    "rot90": lambda m, of: m.rot90(_x(m, 2, 3), of(3)),
    "randperm": lambda m, of: m.randperm(of(4)).sort()[0],
    "tensorinv": lambda m, of: m.linalg.tensorinv(m.eye(4).reshape(4, 2, 2), of(1)),
    "windows": lambda m, of: m.signal.windows.hann(of(5)),
    "cdist": lambda m, of: m.cdist(_x(m, 2, 3), _x(m, 3, 3), of(2)),
    "topk": lambda m, of: m.topk(_x(m, 3), of(2)),
    "chunk": lambda m, of: m.chunk(_x(m, 4), of(2)),
    "one_hot": lambda m, of: m.nn.functional.one_hot(m.tensor([0, 1]), of(3)),
    "pixel_shuffle": lambda m, of: m.nn.functional.pixel_shuffle(_x(m, 1, 4, 2, 2), of(2)),
}


@pytest.mark.parametrize("kind", ["tensor", "NumPy's"])
@pytest.mark.each("name", INTEGERS)
def test_an_integer_may_be_a_tensor_or_numpys(name, kind):
    pytest.importorskip("torch")
    plain = outcome(lambda m: INTEGERS[name](m, int), tg)
    same(outcome(lambda m: INTEGERS[name](m, np.int64 if kind == "NumPy's" else m.tensor), tg), plain, rtol=0)
    agree(lambda m: INTEGERS[name](m, m.tensor), rtol=1e-5)


@pytest.mark.filterwarnings("ignore:getitem. a list:UserWarning")
@pytest.mark.each("name", PROGRAMS)
def test_arguments_are_taken_and_refused_as_in_pytorch(name):
    agree(PROGRAMS[name], rtol=1e-6)


ALSO_REFUSED: dict[str, Any] = {
    "a number for a tensor": lambda m: m.addcmul(m.ones(2), 2.0, m.ones(2)),
    "a number as the other": lambda m: m.dist(m.ones(2), 1.0),
    "no factor": lambda m: m.addmv(m.ones(2), m.ones(2, 2), m.ones(2), beta=None),
    "no dimension": lambda m: m.cumsum(m.ones(2), None),
    "half a dimension": lambda m: m.renorm(m.ones(2, 2), 2, 0.5, 1.0),
    "a text to put before": lambda m: m.diff(m.ones(1), 0, prepend="a"),
    "nothing to resolve": lambda m: m.resolve_conj(None),
    "nothing that is real": lambda m: m.isreal("a"),
    "a dimension that is none, of var": lambda m: m.var(m.ones(2), -7),
    "one of norm": lambda m: m.norm(m.ones(2), 2, 5),
    "windows without number": lambda m: m.nn.functional.adaptive_avg_pool1d(m.ones(1, 2, 4), 2**70),
    "maxima without number": lambda m: m.nn.functional.adaptive_max_pool2d(m.ones(1, 2, 4, 4), 2**70),
    "sizes without end": lambda m: m.nn.functional.interpolate(m.ones(1, 2, 4), 2**70),
    "factors without end": lambda m: m.nn.functional.interpolate(m.ones(1, 2, 4), scale_factor=2**70),
    "powers without end": lambda m: m.linalg.vander(m.ones(2), N=2**70),
    "terms without end": lambda m: m.mvlgamma(m.ones(2), 2**70),
    "a negative distance": lambda m: m.allclose(m.ones(2), m.ones(2), rtol=-1.0),
    "a distance that is none": lambda m: m.allclose(m.ones(0), m.ones(0), atol=math.nan),
    "another dtype to be close to": lambda m: m.isclose(m.ones(2), m.ones(2).double()),
    "two dtypes that are all close": lambda m: m.allclose(m.ones(2), m.ones(2, dtype=m.int64)),
    "a mean without a variance": lambda m: m.nn.functional.batch_norm(_x(m, 4, 2), _x(m, 2), None, training=True),
    "a variance alone": lambda m: m.nn.functional.instance_norm(_x(m, 4, 2, 3), None, _x(m, 2)),
    "a number as a place": lambda m: m.take(m.ones(3), 1),
    "a number to pick by": lambda m: m.take_along_dim(m.ones(3), 1),
    "a number to put at": lambda m: m.ones(3).put(1, m.tensor(1.0)),
    "a number to be put": lambda m: m.ones(3).index_put_((m.tensor([0]),), 1.0),
    "nothing to be put": lambda m: m.ones(3).index_put_((m.tensor([0]),), None),
    "nothing to be written": lambda m: m.ones(3).__setitem__(0, None),
    "nothing to fill with": lambda m: m.ones(3).fill_(None),
    "nothing to copy": lambda m: m.ones(3).copy_(None),
    "nothing along a dimension": lambda m: m.ones(3).index_fill(0, m.tensor([0]), None),
    "a list on the diagonal": lambda m: m.ones(2, 2).fill_diagonal_([1.0, 2.0]),
    "nothing on the diagonal": lambda m: m.ones(2, 2).fill_diagonal_(None),
    "numbers without end": lambda m: m.arange(2**63 - 1),
    "numbers that run over": lambda m: m.arange(2**63 - 2, 2**63),
    "as many floats": lambda m: m.arange(0, 2**63, dtype=m.float64),
}  # fmt: skip


@pytest.mark.each("name", ALSO_REFUSED)
def test_also_refused(name: str) -> None:
    agree_to_refuse = pytest.raises((TypeError, ValueError, RuntimeError, IndexError))
    with agree_to_refuse:
        ALSO_REFUSED[name](tg)
    torch: Any = pytest.importorskip("torch")
    with agree_to_refuse:
        ALSO_REFUSED[name](torch)


@pytest.mark.parametrize("value", [2.0, 3, [0.25, 2.0], np.array([0.25, 2.0])])
def test_functions_of_one_tensor_take_numbers_lists_and_arrays(value: Any) -> None:
    """As programs written for NumPy's functions do; PyTorch refuses them."""
    for function in (tg.exp, tg.tanh, tg.sign, tg.lgamma, tg.isreal):
        np.testing.assert_allclose(np.asarray(function(value)), function(tg.tensor(value)).numpy(), rtol=1e-6)
    assert tg.polygamma(1, 2.0) == tg.polygamma(1, tg.tensor(2.0, dtype=tg.float64))


@pytest.mark.parametrize("value", [0.1, 1e-8, 2**24 + 1, 1e40])
def test_a_number_has_the_precision_of_what_it_is_compared_with(value: float) -> None:
    def program(m: Any) -> Any:
        x = m.tensor([0.0, float(value), 2 * float(value)])
        found = [m.isin(x, value), m.isin(value, x), m.searchsorted(x, value), m.bucketize(value, x, right=True)]
        ints = m.tensor([2**24, 2**24 + 1, -3, 0])
        return [*found, *([m.histc(x, 3, 0, value)] if value < 1e9 else []), m.heaviside(ints * 0, ints)]

    agree(program)


def test_large_integers_in_order() -> None:
    for start, end, step in (
        (2**63 - 4, 2**63 - 1, 1),
        (2**62, 2**62 + 3, 1),
        (-(2**63), 2 - 2**63, 1),
        (5, 0, -(2**62)),
    ):
        assert tg.arange(start, end, step).tolist() == [*range(start, end, step)]
    assert (tg.range(0, 2**63, 2**61).numpy() >= 0).all()


def test_numpy_compares_tensors_of_two_dtypes() -> None:
    x = tg.tensor([1.0, 2.0])
    assert np.allclose(x, x.double())
    assert np.isclose(x, x.double()).all()

"""What rows cannot say of special functions, limits of dtypes, and complex numbers where there is no order."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_lite as tg

EDGES = np.array([0.0, 1.0, 2.5, -1.0, np.inf, -np.inf, 1e-300, 1e30])


@pytest.mark.parametrize("name", ["i0", "i0e", "i1e", "erfcx", "log_ndtr", "entr"])
def test_edges_as_pytorch(name, oracle):
    values = EDGES if name != "i0" else EDGES[np.isfinite(EDGES)]  # PyTorch's i0(inf) is NaN
    ours = getattr(tg.special, name)(tg.tensor(values)).numpy()
    theirs = getattr(oracle.special, name)(oracle.tensor(values)).numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("name", ["igamma", "igammac"])
def test_incomplete_gamma_at_its_edges(name, oracle):
    a, x = np.meshgrid(EDGES, EDGES)
    ours, theirs = (getattr(m, name)(m.tensor(a), m.tensor(x)).numpy() for m in (tg, oracle))
    tiny = (a == 1e-300) & (x <= 1) & (x > 0)  # PyTorch is wrong there: see the next test
    np.testing.assert_allclose(ours[~tiny], theirs[~tiny], rtol=1e-9)


def test_incomplete_gamma_functions_are_exact_where_they_are_small():
    upper = tg.igammac(tg.tensor([1e-300, 0.5], dtype=tg.float64), tg.tensor([1.0, 40.0], dtype=tg.float64))
    exponential_integral = 0.21938393439552027368  # of 1 (DLMF 6.2.1): Q(a, x) is a E_1(x) for small a
    np.testing.assert_allclose(upper.numpy(), [1e-300 * exponential_integral, math.erfc(math.sqrt(40.0))], rtol=1e-12)
    a, x = (tg.tensor(v, dtype=tg.float64) for v in ([0.3, 18.79, 150.0, 5000.0], [0.42, 1.42e-5, 170.0, 4600.0]))
    np.testing.assert_allclose((tg.igamma(a, x) + tg.igammac(a, x)).numpy(), 1, rtol=1e-14)


def test_poisson_sums_are_incomplete_gamma_functions():
    """Q(n, x) is what a Poisson variable of mean x has below n."""
    for n, x in ((1, 0.3), (7, 20.0), (120, 90.0), (120, 200.0), (400, 300.0)):
        terms = [math.exp(k * math.log(x) - x - math.lgamma(k + 1)) for k in range(n)]
        above = [math.exp(k * math.log(x) - x - math.lgamma(k + 1)) for k in range(n, n + 2000)]
        point = tg.tensor(x, dtype=tg.float64)
        np.testing.assert_allclose(tg.igammac(point * 0 + n, point).item(), math.fsum(terms), rtol=1e-11)
        np.testing.assert_allclose(tg.igamma(point * 0 + n, point).item(), math.fsum(above), rtol=1e-11)


def test_bessel_functions_solve_their_equation():
    """x^2 y'' + x y' - (x^2 + n^2) y = 0, where a polynomial takes over from another and beyond."""
    x = tg.tensor([0.0, 1e-3, 7.999, 8.001, 29.9, 30.1, 100.0], dtype=tg.float64, requires_grad=True)
    for n, function in ((0, tg.special.i0), (1, tg.special.i1)):
        y = function(x)
        (first,) = tg.autograd.grad(y.sum(), x, create_graph=True)
        (second,) = tg.autograd.grad(first.sum(), x, create_graph=True)
        residue = (x**2 * second + x * first - (x**2 + n**2) * y).detach().numpy()
        np.testing.assert_allclose(residue, 0, atol=1e-10 * (1 + (x**2 * y).abs().max().item()))


def test_third_derivative_of_i1_at_zero():
    x = tg.tensor(0.0, dtype=tg.float64, requires_grad=True)
    y = tg.special.i1(x)
    for _ in range(3):
        (y,) = tg.autograd.grad(y, x, create_graph=True)
    assert y.item() == pytest.approx(3 / 8)


def test_quantiles_invert_the_distribution_far_out():
    p = tg.tensor([1e-300, 1e-20, 1e-3, 0.3, 0.999], dtype=tg.float64)
    np.testing.assert_allclose(tg.special.ndtr(tg.special.ndtri(p)).numpy(), p.numpy(), rtol=1e-11)
    np.testing.assert_array_equal(tg.special.ndtri(tg.tensor([0.0, 1.0, -1.0])).numpy(), [-np.inf, np.inf, np.nan])


def test_what_holds_complex_numbers_is_refused():
    z = tg.tensor([1 + 2j, -1 - 1j])
    for function in (
        tg.relu, tg.relu6, tg.erf, tg.special.i0, tg.special.ndtri, lambda z: tg.clamp(z, 0.0), lambda z: z.clip_(0, 1),
        lambda z: tg.threshold(z, 0, 0), lambda z: tg.igamma(tg.ones(2), z),
        lambda z: tg.special.legendre_polynomial_p(z, 2),
    ):  # fmt: skip
        with pytest.raises(TypeError, match="real number"):
            function(z)


def test_float_power_of_complex_numbers(oracle):
    z, y = np.array([1 + 2j, -1 - 1j], np.complex64), np.array([2.0, 0.5], np.float32)
    ours, theirs = (m.float_power(m.tensor(z), m.tensor(y)) for m in (tg, oracle))
    assert ours.dtype == tg.complex128
    np.testing.assert_allclose(ours.numpy(), theirs.numpy())
    np.testing.assert_allclose(tg.float_power(1.5j, tg.tensor(y)).numpy(), 1.5j ** y.astype(np.float64))


# --- dtypes -----------------------------------------------------------------------------------------------------


def test_texts_and_objects_are_no_dtypes():
    for dtype in ("U5", object, "datetime64[s]"):
        with pytest.raises(TypeError, match="a tensor's dtype must be of numbers or booleans"):
            tg.zeros(2).to(dtype)


NAMES = ["float16", "float32", "float64", "complex64", "complex128"]


@pytest.mark.parametrize("name", NAMES)
def test_finfo(name, oracle):
    ours, theirs = tg.finfo(getattr(tg, name)), oracle.finfo(getattr(oracle, name))
    for attribute in ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution", "dtype"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    assert repr(tg.finfo()) == repr(tg.finfo(tg.float32))


@pytest.mark.parametrize("name", ["int8", "uint8", "int16", "int32", "int64"])
def test_iinfo(name, oracle):
    ours, theirs = tg.iinfo(getattr(tg, name)), oracle.iinfo(getattr(oracle, name))
    assert [getattr(ours, a) for a in ("bits", "max", "min", "dtype")] == [
        getattr(theirs, a) for a in ("bits", "max", "min", "dtype")
    ]
    with pytest.raises(TypeError, match="iinfo: the dtype must be of integers"):
        tg.iinfo(tg.float32)
    with pytest.raises(TypeError, match="finfo: the dtype must be floating"):
        tg.finfo(getattr(tg, name))


KINDS = ["bool", "uint8", "int8", "int16", "int32", "int64", *NAMES]


@pytest.mark.parametrize("first", KINDS)
def test_promotion_as_pytorch(first, oracle):
    for second in KINDS:
        if {first, second} == {"int16", "float16"}:  # NumPy's sum is float32, which holds both
            continue
        theirs = oracle.promote_types(getattr(oracle, first), getattr(oracle, second))
        assert str(tg.promote_types(getattr(tg, first), getattr(tg, second))) == str(theirs).removeprefix("torch.")
        assert tg.can_cast(getattr(tg, first), getattr(tg, second)) == oracle.can_cast(
            getattr(oracle, first), getattr(oracle, second)
        )
    for number in (True, 1, 1.5):
        ours = tg.result_type(tg.ones(2, dtype=getattr(tg, first)), number)
        theirs = oracle.result_type(oracle.ones(2, dtype=getattr(oracle, first)), number)
        assert str(ours) == str(theirs).removeprefix("torch.")


def test_numbers_alone():
    assert [tg.result_type(a, 1) for a in (True, 1, 1.5, 1j)] == [tg.int64, tg.int64, tg.float32, tg.complex64]
    assert (tg.pi, tg.e, tg.inf) == (math.pi, math.e, math.inf)
    assert math.isnan(tg.nan)


def test_casts_by_name():
    x = tg.tensor([1.7, 2.2])
    names = {"short": "int16", "char": "int8", "byte": "uint8", "cfloat": "complex64", "cdouble": "complex128"}
    for name, dtype in names.items():
        assert getattr(x, name)().dtype == np.dtype(dtype)
    assert (tg.cfloat, tg.cdouble, tg.short) == (tg.complex64, tg.complex128, tg.int16)


# --- values one by one ------------------------------------------------------------------------------------------


def test_apply_and_map():
    x = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert x.t().apply_(lambda v: v * 10 if v > 1 else v).tolist() == [[1.0, 30.0], [20.0, 40.0]]
    assert x.map_(tg.tensor([1.0, 2.0]), lambda a, b: a - b).tolist() == [[0.0, 18.0], [29.0, 38.0]]
    for write in (lambda t: t.apply_(abs), lambda t: t.map_(x, max)):
        with pytest.raises(RuntimeError, match="it has no gradient"):
            write(tg.ones(2, 2, requires_grad=True) * 1)
    assert x[0, 1].is_nonzero()
    assert x.is_signed()
    assert x.is_same_size(tg.zeros(2, 2))


# --- linear algebra without errors, windows ---------------------------------------------------------------------


def test_failures_are_told_by_a_number(oracle):
    good, zero = np.array([[2.0, 1.0], [1.0, 3.0]]), np.zeros((2, 2))
    batch = np.stack([good, zero, np.ones((2, 2)), np.diag([1.0, -1.0])])
    for name in ("inv_ex", "lu_factor_ex", "cholesky_ex"):
        ours, theirs = (getattr(m.linalg, name)(m.tensor(batch)) for m in (tg, oracle))
        np.testing.assert_array_equal(ours.info.numpy(), theirs.info.numpy())
        assert ours.info.dtype == tg.int32
        with pytest.raises(tg.linalg.LinAlgError, match=name):
            getattr(tg.linalg, name)(tg.tensor(batch), check_errors=True)
    a = tg.tensor(batch, requires_grad=True)
    out = tg.linalg.inv_ex(a)
    assert np.isnan(out.inverse.detach().numpy()).any((-2, -1)).tolist() == [False, True, True, False]
    out.inverse[tg.tensor([0, 3])].sum().backward()
    expected = tg.tensor(batch[[0, 3]], requires_grad=True)
    tg.linalg.inv(expected).sum().backward()
    np.testing.assert_allclose(a.grad.numpy()[[0, 3]], expected.grad.numpy())
    assert np.isnan(a.grad.numpy()[[1, 2]]).all()  # as 0 times infinity
    solved = tg.linalg.solve_ex(tg.tensor(batch), tg.ones(4, 2, dtype=tg.float64))
    assert np.isnan(solved.result.numpy()).all(-1).tolist() == [False, True, True, False]


def test_windows_and_frames_refuse_what_does_not_fit():
    assert tg.hann_window(4).dtype == tg.float32
    assert tg.hann_window(4, requires_grad=True).requires_grad
    for call, message in (
        (lambda: tg.hann_window(-1), "hann_window: a length must not be negative"),
        (lambda: tg.hann_window(3, dtype=tg.int64), "the dtype floating"),
        (lambda: tg.stft(tg.ones(8), 4), "return_complex must be given"),
        (lambda: tg.stft(tg.ones(8), 4, window=tg.ones(3), return_complex=True), r"window must be of shape \(4,\)"),
        (lambda: tg.istft(tg.ones(3, 5), 4), "complex"),
        (lambda: tg.istft(tg.ones(3, 5) + 0j, 4, hop_length=4, window=tg.hann_window(4), center=False), "no gap"),
        (lambda: tg.gradient(tg.ones(1)), "at least 2 entries"),
        (lambda: tg.histogramdd(tg.ones(3, 2), [2]), "bins must be given for each of 2 dimensions"),
    ):  # fmt: skip
        with pytest.raises(RuntimeError, match=message):
            call()
    with pytest.raises(NotImplementedError, match="geqrf: it has no gradient"):
        tg.geqrf(tg.ones(2, 2, requires_grad=True))


@pytest.mark.parametrize(
    ("name", "x", "value"),  # Maclaurin's series in 60 digits, and tables
    [
        ("bessel_j0", [0.5, 5.0, 24.0, 30.0, np.inf], [0.938469807240813, -0.17759677131433830, -0.05623027416685109,
                                                       -0.08636798358104821, 0.0]),
        ("bessel_j1", [0.5, -5.0, 30.0], [0.24226845767487389, 0.32757913759146522, -0.11875106261662294]),
        ("bessel_y0", [0.0, 0.5, 5.0, 30.0, -1.0], [-np.inf, -0.44451873350670656, -0.30851762524903376,
                                                    -0.11729573168666413, np.nan]),
        ("bessel_y1", [0.5, 5.0, 30.0], [-1.4714723926702430, 0.14786314339122683, 0.08442557066174712]),
        ("modified_bessel_k0", [0.0, 0.5, 5.0, -1.0], [np.inf, 0.92441907122766586, 0.0036910983340425943, np.nan]),
        ("modified_bessel_k1", [0.5, 5.0, np.inf], [1.6564411200033009, 0.0040446134454521643, 0.0]),
        ("scaled_modified_bessel_k0", [0.5, 100.0], [1.5241093857739096, 0.12517562165912658]),
        ("scaled_modified_bessel_k1", [0.5, 100.0], [2.7310097082117855, 0.12579995047957854]),
        ("airy_ai", [0.0, 1.0, 4.0, -5.0, np.inf], [0.35502805388781724, 0.13529241631288141, 0.00095156385120480,
                                                    0.35076100902411431, np.nan]),
        ("spherical_bessel_j0", [0.0, 1e-5, 2.0, np.inf], [1.0, 1 - 1e-10 / 6, 0.45464871341284085, 0.0]),
    ],
)  # fmt: skip
def test_bessel_functions_have_known_values(name: str, x: list[float], value: list[float]) -> None:
    function = getattr(tg.special, name)
    np.testing.assert_allclose(function(tg.tensor(x, dtype=tg.float64)).numpy(), value, rtol=1e-12)
    single = function(tg.tensor(x, dtype=tg.float32))
    assert single.dtype == tg.float32
    np.testing.assert_allclose(single.numpy(), value, rtol=3e-6)


def test_airy_refuses_a_gradient() -> None:
    with pytest.raises(NotImplementedError, match="airy_ai: no gradient is known"):
        tg.special.airy_ai(tg.ones(2, requires_grad=True))


def test_bessel_functions_of_both_kinds_belong_together() -> None:
    """Their Wronskian, DLMF 10.5.2 and 10.28.2, over the seams of their formulas."""
    x = np.concatenate([np.geomspace(1e-6, 300, 60), [4.999, 5.001, 24.999, 25.001]])
    t, s = tg.from_numpy(x), tg.special
    first = s.bessel_j1(t) * s.bessel_y0(t) - s.bessel_j0(t) * s.bessel_y1(t)
    np.testing.assert_allclose(first.numpy(), 2 / (np.pi * x), rtol=1e-11)
    second = s.i0e(t) * s.scaled_modified_bessel_k1(t) + s.i1e(t) * s.scaled_modified_bessel_k0(t)
    np.testing.assert_allclose(second.numpy(), 1 / x, rtol=1e-11)

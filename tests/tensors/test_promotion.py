"""Promotion: the dtype in which operands of all dtypes and forms meet, and what is refused."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import promotion
from tinygrad_lite.nn import functional as F

NAMES = "bool uint8 int8 int16 int32 int64 float16 float32 float64 complex64 complex128".split()
DTYPES = [np.dtype(n) for n in NAMES]
# PyTorch's dtype of the sum, as NumPy's characters: a row for each dtype above, a column for each of the other operand.
# Where PyTorch gives its complex32, which NumPy does not have, it is complex64.
ALIKE = """?BbhilefdFD BBhhilefdFD bhbhilefdFD hhhhilefdFD iiiiilefdFD llllllefdFD eeeeeeefdFD ffffffffdFD dddddddddDD
    FFFFFFFFDFD DDDDDDDDDDD""".split()
WITH_0_D = """?BbhilefdFD BBBBBBefdFD bbbbbbefdFD hhhhhhefdFD iiiiiiefdFD llllllefdFD eeeeeeeeeFF fffffffffFF
    dddddddddDD FFFFFFFFFFF DDDDDDDDDDD""".split()
WITH_NUMBER = "?lfF BBfF bbfF hhfF iifF llfF eeeF fffF dddD FFFF DDDD".split()  # a bool, int, float, complex number
KINDS = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
FORMS = [(one, two) for one in ("n-d", "0-d") for two in ("n-d", "0-d", "number", "scalar")]


def expected(first: str, second: str, forms: tuple[str, str]) -> np.dtype:
    i, j = NAMES.index(first), NAMES.index(second)
    if forms[1] in ("number", "scalar"):
        return np.dtype(WITH_NUMBER[i][KINDS[DTYPES[j].kind]])
    if forms == ("0-d", "n-d"):
        i, j = j, i
    return np.dtype((ALIKE if forms[0] == forms[1] else WITH_0_D)[i][j])


def operand(m, name: str, form: str, value=2):
    if form == "n-d":
        return m.tensor([value, value], dtype=getattr(m, name))
    if form == "0-d":
        return m.tensor(value, dtype=getattr(m, name))
    scalar = np.dtype(name).type(value)
    return scalar if form == "scalar" else scalar.item()


def pairs(forms):
    return itertools.product(NAMES, NAMES) if forms else ()


# name: (function, what it refuses: complex numbers, pairs of booleans; whether integers become floats)
ARITHMETIC = {
    "add": (lambda m, x, y: x + y, "", False),
    "radd": (lambda m, x, y: y + x, "", False),
    "sub": (lambda m, x, y: x - y, "bool", False),
    "rsub": (lambda m, x, y: y - x, "bool", False),
    "mul": (lambda m, x, y: x * y, "", False),
    "div": (lambda m, x, y: x / y, "", True),
    "rdiv": (lambda m, x, y: y / x, "", True),
    "floor_divide": (lambda m, x, y: x // y, "complex bool", False),
    "rfloor_divide": (lambda m, x, y: y // x, "complex bool", False),
    "trunc_divide": (lambda m, x, y: m.div(x, y, rounding_mode="trunc"), "complex bool", False),
    "remainder": (lambda m, x, y: x % y, "complex bool", False),
    "rremainder": (lambda m, x, y: y % x, "complex bool", False),
    "fmod": (lambda m, x, y: m.fmod(x, y), "complex bool", False),
    "pow": (lambda m, x, y: x**y, "bool", False),
    "rpow": (lambda m, x, y: y**x, "bool", False),
    "where": (lambda m, x, y: m.where(m.tensor([True, False]), x, y), "", False),
    "rwhere": (lambda m, x, y: m.where(m.tensor([True, False]), y, x), "", False),
    "clamp min": (lambda m, x, y: m.clamp(x, y), "complex", False),
    "clamp max": (lambda m, x, y: m.clamp(x, max=y), "complex", False),
    "clamp": (lambda m, x, y: x.clamp(y, y), "complex", False),
}
OF_TENSORS = {
    "maximum": (lambda m, x, y: m.maximum(x, y), "complex", False),
    "minimum": (lambda m, x, y: m.minimum(x, y), "complex", False),
    "fmax": (lambda m, x, y: m.fmax(x, y), "complex", False),
    "atan2": (lambda m, x, y: m.atan2(x, y), "complex", True),
    "copysign": (lambda m, x, y: m.copysign(x, y), "complex", True),
    "addcmul": (lambda m, x, y: m.addcmul(x, y, x), "", False),
    "addcmul factor": (lambda m, x, y: m.addcmul(x, x, y), "", False),
    "stack": (lambda m, x, y: m.stack([x.expand(2), y.expand(2)]), "joined", False),
    "cat": (lambda m, x, y: m.cat([x.expand(2), y.expand(2)]), "joined", False),
}
COMPARISONS = {
    "eq": (lambda m, x, y: x == y, ""),
    "ne": (lambda m, x, y: m.ne(x, y), ""),
    "lt": (lambda m, x, y: x < y, "complex"),
    "le": (lambda m, x, y: m.le(x, y), "complex"),
    "gt": (lambda m, x, y: y > x, "complex"),
    "ge": (lambda m, x, y: x >= y, "complex"),
}


def refused(what: str, target: np.dtype) -> bool:
    return ("complex" in what and target.kind == "c") or ("bool" in what and target.kind == "b")


def answers(function, what: str, forms, shape):
    """All results of a function, which are asserted to have the table's dtype; errors where it says so."""
    for first, second in pairs(forms):
        target = expected(first, second, ("n-d", "n-d") if "joined" in what else forms)
        x, y = operand(tg, first, forms[0]), operand(tg, second, forms[1])
        if refused(what, target):
            with pytest.raises((TypeError, NotImplementedError)):
                function(tg, x, y)
            continue
        yield first, second, target, function(tg, x, y)


@pytest.mark.each("name", [*ARITHMETIC, *OF_TENSORS])
def test_dtypes_of_results(name):
    function, what, floats = (ARITHMETIC | OF_TENSORS)[name]
    for forms in FORMS:
        if name in OF_TENSORS and forms[1] in ("number", "scalar"):
            continue
        for first, second, target, out in answers(function, what, forms, ()):
            if floats and target.kind in "biu":
                target = np.dtype(np.float32)
            assert out.dtype is target or out.dtype == target, (name, first, second, forms, out.dtype)


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons(name):
    function, what = COMPARISONS[name]
    for forms in FORMS:
        for first, second, _, out in answers(function, what, forms, ()):
            one = tg.bool in (np.dtype(first), np.dtype(second))  # two as a boolean is one
            assert out.dtype == tg.bool
            if not one:
                assert bool(out.all()) == (name in ("eq", "le", "ge")), (first, second, forms)


@pytest.mark.each("name", [*ARITHMETIC, *OF_TENSORS, *COMPARISONS])
def test_results_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    function = (ARITHMETIC | OF_TENSORS | COMPARISONS)[name][0]
    values = []
    for forms in FORMS:
        for first, second in pairs(forms):
            kind = np.dtype(second).kind
            if forms[1] == "scalar" and not (second == "float64" or kind in "iu"):
                continue  # of all others PyTorch makes floats, and drops imaginary parts
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    theirs = function(torch, *map(operand, (torch, torch), (first, second), forms))
                except (RuntimeError, TypeError, AttributeError):
                    continue
            if (
                theirs.dtype == torch.complex32  # which is none of NumPy's
                or (name.startswith("clamp") and kind == "c")  # PyTorch drops the imaginary part of a limit
                or (name == "pow" and first == second == "bool")  # PyTorch knows the power True alone
            ):
                continue
            ours = function(tg, *map(operand, (tg, tg), (first, second), forms))
            where = (first, second, forms)
            assert (str(ours.dtype), ours.shape) == (str(theirs.dtype)[6:], theirs.shape), where
            values += [(*where, ours.tolist(), theirs.tolist())]
    one, two = (np.array([np.ravel(v[k])[0] for v in values], complex) for k in (3, 4))
    wrong = ~np.isclose(one, two, rtol=2e-3)
    assert not wrong.any(), values[int(np.argmax(wrong))]
    assert len(values) >= 20


def test_the_table_is_pytorchs():
    torch = pytest.importorskip("torch")
    for forms in FORMS:
        for first, second in pairs(forms if forms[1] != "scalar" else ()):
            theirs = torch.result_type(operand(torch, first, forms[0]), operand(torch, second, forms[1]))
            name = str(theirs).removeprefix("torch.").replace("complex32", "complex64")
            assert expected(first, second, forms) == name, (first, second, forms)


def test_the_questions_agree_with_the_sums():
    for forms in FORMS:
        for first, second in pairs(forms):
            target = expected(first, second, forms)
            x, y = operand(tg, first, forms[0]), operand(tg, second, forms[1])
            assert tg.result_type(x, y) == tg.result_type(y, x) == target
            if forms == ("n-d", "n-d"):
                assert tg.promote_types(x.dtype, y.dtype) == target
                assert tg.can_cast(x.dtype, y.dtype) == (KINDS[x.dtype.kind] <= KINDS[y.dtype.kind])
    assert tg.result_type(1, 2.0) == tg.float32
    with pytest.raises(TypeError, match="result_type: tensor1 must be a Tensor or number, got 'a'"):
        tg.result_type("a", "b")


def test_the_default_dtype_is_that_of_numbers_and_of_quotients():
    whole = tg.tensor([1, 2])
    tg.set_default_dtype(tg.float64)
    try:
        assert [t.dtype for t in (whole * 1.5, whole / whole, whole / 2, tg.sqrt(whole), tg.mean(whole * 1.0))] == [
            tg.float64
        ] * 5
        assert (whole + 1j).dtype == tg.complex128
        assert tg.where(whole > 1, 1.0, 2).dtype == tg.float64
    finally:
        tg.set_default_dtype(tg.float32)
    assert (whole * 1.5).dtype == (whole / whole).dtype == tg.sqrt(whole).dtype == tg.float32


# --- NumPy's scalars are numbers, wherever they stand ---------------------------------------------------------------

S = np.float64
SCALARS = {
    "mul": (lambda x: x * np.sqrt(2.0), [2**0.5, -(2**0.5)]),
    "np mul": (lambda x: np.multiply(np.sqrt(2.0), x), [2**0.5, -(2**0.5)]),
    "div": (lambda x: x / S(4), [0.25, -0.25]),
    "rsub": (lambda x: S(1) - x, [0.0, 2.0]),
    "minus a mean": (lambda x: x - np.mean(np.ones(3)), [0.0, -2.0]),
    "int": (lambda x: x + np.int64(1), [2.0, 0.0]),
    "bool": (lambda x: x + np.bool_(True), [2.0, 0.0]),
    "pow": (lambda x: x ** S(2), [1.0, 1.0]),
    "0-d tensor": (lambda x: x + tg.tensor(1.0, dtype=tg.float64), [2.0, 0.0]),
    "0-d array": (lambda x: x + np.array(1.0), [2.0, 0.0]),
    "clamp": (lambda x: x.clamp(min=S(0)), [1.0, 0.0]),
    "where": (lambda x: tg.where(x > 0, x, S(3)), [1.0, 3.0]),
    "maximum": (lambda x: np.maximum(x, S(0)), [1.0, 0.0]),
    "lerp": (lambda x: tg.lerp(x, x, S(0.5)), [1.0, -1.0]),
    "addcmul": (lambda x: tg.addcmul(x, x, x, value=S(2)), [3.0, 1.0]),
    "add alpha": (lambda x: tg.add(x, x, alpha=S(2)), [3.0, -3.0]),
    "masked_fill": (lambda x: x.masked_fill(x > 0, S(5)), [5.0, -1.0]),
    "xlogy": (lambda x: tg.xlogy(x, S(1)), [0.0, 0.0]),
    "leaky_relu": (lambda x: F.leaky_relu(x, S(0.5)), [1.0, -0.5]),
    "hardtanh": (lambda x: F.hardtanh(x, S(-0.5), S(0.5)), [0.5, -0.5]),
    "softplus": (lambda x: F.softplus(x, S(1)), [np.log1p(np.e), np.log1p(1 / np.e)]),
    "threshold": (lambda x: F.threshold(x, S(0), S(7)), [1.0, 7.0]),
    "pad": (lambda x: F.pad(x, (0, 1), value=S(9)), [1.0, -1.0, 9.0]),
    "normalize": (lambda x: F.normalize(x, dim=0, eps=S(1e-12)), [0.5**0.5, -(0.5**0.5)]),
    "huber": (lambda x: F.huber_loss(x, 0 * x, delta=S(1)).reshape(1), [0.5]),
}


@pytest.mark.each("name", SCALARS)
def test_scalars_of_numpy_do_not_widen(name):
    call, value = SCALARS[name]
    x = tg.tensor([1.0, -1.0], requires_grad=True)
    out = call(x)
    assert out.dtype is tg.float32
    np.testing.assert_allclose(out.detach().numpy(), np.array(value, np.float32), rtol=1e-6, atol=1e-7)
    if out.requires_grad:
        out.sum().backward()
        assert x.grad.dtype is tg.float32
    half = tg.tensor([1.0, -1.0], dtype=tg.float16)
    assert call(half).dtype is tg.float16


def test_what_is_compared_is_in_one_dtype():
    x = tg.tensor([0.1])
    for tenth in (0.1, np.float64(0.1), tg.tensor(0.1, dtype=tg.float64)):
        assert [(x == tenth).item(), (x < tenth).item(), (x > tenth).item()] == [True, False, False]
    assert not (x == tg.tensor([0.1], dtype=tg.float64)).item()


def test_gradients_through_a_cast_operand_of_any_order():
    x = tg.tensor([0.5, 1.5], requires_grad=True)
    s = tg.tensor(2.0, dtype=tg.float64, requires_grad=True)
    (x * s + x / s + x**s).sum().backward()
    assert (x.grad.dtype, s.grad.dtype, s.grad.shape) == (tg.float32, tg.float64, ())
    np.testing.assert_allclose(x.grad.numpy(), [2 + 0.5 + 1, 2 + 0.5 + 3], rtol=1e-6)
    values = np.array([0.5, 1.5])
    slope = (values - values / 4 + values**2 * np.log(values)).sum()
    np.testing.assert_allclose(s.grad.item(), slope, rtol=1e-6)
    (first,) = tg.autograd.grad((x**s * s).sum(), s, create_graph=True)
    (second,) = tg.autograd.grad(first, s)
    logs = np.log(values)
    np.testing.assert_allclose(second.item(), (values**2 * (2 * logs + 2 * logs**2)).sum(), rtol=1e-5)
    assert second.dtype is tg.float64


def test_a_mask_stays_one_while_it_is_kept():
    x = tg.ones(4, requires_grad=True)
    mask = tg.tensor([True, False, True, False])
    kept = (x * mask).grad_fn.edges[0][2]
    assert [v.dtype for v in kept] == [np.dtype(bool)]


def test_integers_that_no_dtype_holds_are_refused():
    big = tg.tensor([2**63], dtype=tg.uint64)
    with pytest.raises(TypeError, match="add: no integers hold both"):
        big + tg.tensor([-1])
    assert promotion.meet(np.dtype(np.uint32), np.dtype(np.int32)) == np.int64
    assert (big + 1).tolist() == [2**63 + 1]
    with pytest.raises(ValueError, match=r"^add: numbers beside integers must have 64 bits"):
        tg.tensor([1], dtype=tg.uint8) + 2**70


# --- numbers that a dtype does not hold -----------------------------------------------------------------------------

_MASK = [True, False, True]
WRITERS = {
    "fill_": lambda m, x, v: x.fill_(v),
    "masked_fill": lambda m, x, v: x.masked_fill(m.tensor(_MASK), v),
    "masked_fill_": lambda m, x, v: x.masked_fill_(m.tensor(_MASK), v),
    "index_fill_": lambda m, x, v: x.index_fill_(0, m.tensor([0]), v),
    "full": lambda m, x, v: m.full((2,), v, dtype=x.dtype),
    "full_like": lambda m, x, v: m.full_like(x, v),
    "new_full": lambda m, x, v: x.new_full((2,), v),
    "setitem": lambda m, x, v: x.__setitem__(0, v) or x,
    "setitem, a mask": lambda m, x, v: x.__setitem__(m.tensor(_MASK), v) or x,
    "scatter_": lambda m, x, v: x.scatter_(0, m.tensor([0]), v),
    "fill_diagonal_": lambda m, x, v: x.reshape(1, 3).fill_diagonal_(v),
    "pad": lambda m, x, v: m.constant_pad_nd(x, (1, 1), v),
    "where": lambda m, x, v: m.where(m.tensor(_MASK), x, v),
}
NUMBERS = [1j, 2 + 0j, 300, -1, 2.5, np.nan, -np.inf, 1e300, 70000.0, True, 2**40, -(2**40)]
APART = {("float16", "where", 1j), ("float16", "where", 2 + 0j)}  # complex numbers of 16 bits, which NumPy has not
APART |= {("bool", "index_fill_", v) for v in (1j, 2 + 0j)}  # True, as in PyTorch's other functions
APART |= {(d, "where", 1e300) for d in ("float32", "uint8", "int32", "int64", "bool", "complex64")}  # inf, as in sums
APART |= {(d, "index_fill_", 2 + 0j) for d in ("float32", "float64", "float16", "uint8", "int32", "int64")}  # 2 fits
LENIENT = {
    ("float16", f, v) for f in ("setitem", "setitem, a mask", "fill_diagonal_", "where") for v in NUMBERS
}  # PyTorch writes inf there alone


def _filled(m, name, dtype, value):
    try:
        return np.asarray(WRITERS[name](m, m.zeros(3, dtype=getattr(m, dtype)), value))
    except RuntimeError:
        return None


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "complex64", "uint8", "int32", "int64", "bool"])
@pytest.mark.each("name", WRITERS)
def test_numbers_that_a_dtype_does_not_hold(name, dtype):
    torch = pytest.importorskip("torch")
    for value in NUMBERS:
        if (dtype, name, value) in APART:
            continue
        ours, theirs = _filled(tg, name, dtype, value), _filled(torch, name, dtype, value)
        if ours is None or theirs is None:
            assert ours is None, (value, ours, theirs)
            assert theirs is None or (dtype, name, value) in LENIENT, (value, theirs)
        else:
            np.testing.assert_array_equal(ours, theirs, strict=True, err_msg=repr(value))


def test_refused_numbers_leave_the_tensor_as_it_was():
    x = tg.ones(3)
    for call in (lambda: x.fill_(1j), lambda: x.masked_fill_(x > 0, 1e300), lambda: x.__setitem__(0, 1j)):
        with pytest.raises(OverflowError, match="float32 does not hold"):
            call()
    assert x.tolist() == [1.0] * 3
    for call in (lambda: tg.add(x, x, alpha=1j), lambda: tg.sub(x.int(), x.int(), alpha=0.5)):
        with pytest.raises(RuntimeError, match="alpha must be"):
            call()
    with pytest.raises(RuntimeError, match="integers must fit int32, got nan"):
        tg.tensor([1.0, np.nan], dtype=tg.int32)


# --- integers divided by zero ---------------------------------------------------------------------------------------

DIVISIONS = {
    "floor_divide": lambda m, x, y: x // y,
    "function": lambda m, x, y: m.floor_divide(x, y),
    "remainder": lambda m, x, y: x % y,
    "fmod": lambda m, x, y: m.fmod(x, y),
    "floor": lambda m, x, y: m.div(x, y, rounding_mode="floor"),
    "trunc": lambda m, x, y: m.div(x, y, rounding_mode="trunc"),
    "in place": lambda m, x, y: x.clone().floor_divide_(y),
    "remainder in place": lambda m, x, y: x.clone().remainder_(y),
}


@pytest.mark.each("name", DIVISIONS)
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64"])
def test_integers_divided_by_zero(name, dtype):
    x = tg.tensor([7, -7 if dtype[0] == "i" else 7], dtype=getattr(tg, dtype))
    for zero in (0, np.int64(0), tg.tensor(0), tg.tensor([2, 0]), False):
        with pytest.raises(ZeroDivisionError, match="integers cannot be divided by 0") as caught:
            DIVISIONS[name](tg, x, zero)
        assert isinstance(caught.value, RuntimeError)  # PyTorch's
    assert DIVISIONS[name](tg, x.double(), tg.tensor(2)).isfinite().all()


def test_quotients_towards_zero_are_exact():
    x = tg.tensor([7, -7, 8, -8, 2**62 + 1])
    assert tg.div(x, -2, rounding_mode="trunc").tolist() == [-3, 3, -4, 4, -(2**61)]
    assert tg.div(x, tg.tensor([2, 2, 3, 3, 1]), rounding_mode="trunc").tolist() == [3, -3, 2, -2, 2**62 + 1]


def test_negative_powers_of_integers_are_refused_whatever_their_width():
    for dtype in (tg.uint8, tg.int8, tg.int64):
        x = tg.tensor([3, 1, 2], dtype=dtype)
        for call in (lambda x=x: x**-3, lambda x=x: tg.pow(x, -3), lambda x=x: x.clone().pow_(-3)):
            with pytest.raises(RuntimeError, match="Integers to negative integer powers are not allowed"):
                call()
        assert (x ** tg.tensor(2)).tolist() == [9, 1, 4]


def test_quotients_of_bytes_and_negative_numbers_stay_bytes():
    x = tg.tensor([3, 255, 253], dtype=tg.uint8)
    for mode in ("trunc", "floor"):
        quotient = tg.div(x, -3, rounding_mode=mode)  # by 253, as in PyTorch
        assert (quotient.dtype, quotient.tolist()) == (tg.uint8, [0, 1, 1])


def test_what_has_no_dimensions_decides_no_width_in_special_functions():
    x, y = tg.tensor([2.0, 3.0]), tg.tensor(1.5, dtype=tg.float64)
    assert tg.special.zeta(x, y).dtype == tg.special.zeta(y, x).dtype == tg.float32
    powers = tg.ldexp(tg.ones(2, dtype=tg.float64), tg.tensor(1.5, dtype=tg.float16))
    np.testing.assert_allclose(powers, 2**1.5, rtol=1e-15)  # not rounded to 16 bits in between


def test_booleans_have_no_bits_to_move():
    x = tg.tensor([True, False])
    for call in (lambda: x << x, lambda: x >> True, lambda: tg.bitwise_left_shift(x, x)):
        with pytest.raises(NotImplementedError, match="bitwise_.*_shift: booleans have no bits to move"):
            call()
    assert (x << 1).tolist() == [2, 0]


@pytest.mark.parametrize("value", [tg.tensor(2j), np.array(2j)], ids=["Tensor", "array"])
def test_no_imaginary_part_is_lost_from_what_has_no_dimensions(value):
    x = tg.ones(3)
    calls = [
        lambda: tg.full((2,), value, dtype=tg.float32),
        lambda: tg.full_like(x, value),
        lambda: x.new_full((2,), value),
        lambda: x.index_fill(0, tg.tensor([0]), value),
    ]
    for call in calls:
        with pytest.raises(RuntimeError, match="float32 does not hold 2j"):
            call()
    with pytest.raises(TypeError, match="lerp: input and end and weight must have one dtype"):
        tg.lerp(x, x, tg.tensor(2j))


@pytest.mark.parametrize("loss", [F.huber_loss, F.smooth_l1_loss])
def test_distances_to_integers(loss):
    x, y = tg.tensor([0.5, 3.0], requires_grad=True), tg.tensor([1, 0])
    value = loss(x, y)
    value.backward()
    assert (value.dtype, value.item()) == (tg.float32, 1.3125)
    assert x.grad.tolist() == [-0.25, 0.5]
    with pytest.raises(TypeError, match="the input must be floating point, got int64"):
        loss(y, y)

"""NumPy's functions on Tensors: recorded, or refused by name; memory shared only where no gradient is lost."""

from __future__ import annotations

import numpy as np
import pytest
from makers import leaf
from numpy_table import CALLS, A, B

import tinygrad_lite as tg
from tinygrad_lite.rules import FAST, TABLE, Op


@pytest.mark.each("name", CALLS)
def test_recorded_with_numpys_result_and_its_derivative(name):
    call = CALLS[name]
    a, b = leaf(A), leaf(B)
    out = call(a, b)
    expected = np.asarray(call(A, B))
    assert isinstance(out, tg.Tensor)
    assert out.requires_grad
    np.testing.assert_allclose(out.detach().numpy(), expected, rtol=1e-12, strict=True)
    rng = np.random.default_rng(0)
    weights, da, db = (rng.standard_normal(s) for s in (expected.shape, A.shape, B.shape))
    out.backward(weights)
    analytic = sum(np.vdot(t.grad.numpy(), d) for t, d in ((a, da), (b, db)) if t.grad is not None)
    step = 1e-6
    change = (call(A + step * da, B + step * db) - call(A - step * da, B - step * db)) / (2 * step)
    assert analytic == pytest.approx(np.vdot(weights, change), rel=1e-7, abs=1e-8)


@pytest.mark.each("name", CALLS)
def test_float32_stays(name):
    if any(
        word in name for word in ("array", "mixed", "operator", "scalar", "0-d", "complex", "nan", "lists", "interp")
    ):
        return  # a float64 array wins, as in NumPy, and lists and `np.interp` are of it
    a, b = leaf(A, tg.float32), leaf(B, tg.float32)
    out = CALLS[name](a, b)
    assert out.dtype == np.asarray(CALLS[name](A.astype(np.float32), B.astype(np.float32))).dtype == np.float32
    out.backward(np.ones(out.shape))
    assert a.grad.dtype == np.float32


PLAIN = {
    "argmax": lambda a: np.argmax(a, axis=1), "argmin": lambda a: np.argmin(a), "greater": lambda a: np.greater(a, 0.0),
    "equal": lambda a: np.equal(a, a), "isnan": lambda a: np.isnan(a), "isfinite": lambda a: np.isfinite(a),
    "sign bit": lambda a: np.signbit(a), "all": lambda a: np.all(a, axis=0), "any": lambda a: np.any(a),
    "count_nonzero": lambda a: np.count_nonzero(a, axis=1), "isclose": lambda a: np.isclose(a, a + 1e-9),
    "logical_and": lambda a: np.logical_and(a, a > 0), "argsort": lambda a: np.argsort(a, axis=1),
    "zeros_like": lambda a: np.zeros_like(a), "ones_like": lambda a: np.ones_like(a, dtype=np.int64),
    "full_like": lambda a: np.full_like(a, 7.0), "iscomplex": lambda a: np.iscomplex(a),
    "flatnonzero": lambda a: np.flatnonzero(a > 0),
}  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_results_without_gradient(name):
    out = PLAIN[name](leaf(A))
    expected = np.asarray(PLAIN[name](A))
    assert isinstance(out, tg.Tensor)
    assert not out.requires_grad
    np.testing.assert_array_equal(out.numpy(), expected, strict=True)


def test_shape_functions_give_numbers():
    t = leaf(A)
    assert (np.shape(t), np.ndim(t), np.size(t), np.size(t, 1)) == ((2, 3), 2, 6, 3)


def test_every_ufunc_of_the_table_is_dispatched():
    """No row by the name of a NumPy function that NumPy's dispatch does not find."""
    rows = [f for f in TABLE if isinstance(f, np.ufunc)]
    assert len(rows) > 40
    for ufunc in rows:
        t = leaf(np.full(3, 0.5))
        with np.errstate(invalid="ignore"):  # arccosh
            out = ufunc(*[t] * ufunc.nin)
        assert isinstance(out, tg.Tensor), ufunc
        assert out.requires_grad, ufunc
        assert isinstance(TABLE[ufunc], Op)


# --- refused by name ------------------------------------------------------------------------------------------------

UNKNOWN = {
    "np.roots": lambda t: np.roots(t[0]), "np.bitwise_count": np.bitwise_count, "np.spacing": np.spacing,
    "np.polyder": lambda t: np.polyder(t[0]),
    "np.savetxt": lambda t: np.savetxt("never", t),
}  # fmt: skip


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_function_is_named(name):
    if UNKNOWN[name] in FAST or UNKNOWN[name] in TABLE:
        pytest.fail(f"{name} is known by now: choose another for this test")
    t = tg.ones(2, 2, requires_grad=True)
    with pytest.raises(NotImplementedError, match=rf"^{name} has no row.*differentiable\({name}, "):
        UNKNOWN[name](t)


@pytest.mark.parametrize(
    "call",
    [
        np.unwrap, np.spacing, np.add.accumulate, np.ediff1d, lambda t: np.multiply.outer(t, t), np.modf,
        lambda t: np.histogram(t, 3), lambda t: np.insert(t, 0, 1.0), lambda t: np.interp(0.5, [0.0, 1.0], t[0, :2]),
        lambda t: np.block([[t, t]]), lambda t: np.exp(t, where=np.array([True, False, True]), out=np.zeros((2, 3))),
        lambda t: np.convolve(t[0], t[1], "same"), lambda t: np.linalg.trace(t[:, :2]),
    ],
)  # fmt: skip
def test_an_unknown_function_runs_on_arrays_where_nothing_requires_grad(call):
    given = tg.tensor(A)
    ours, theirs = call(given), call(A)
    assert type(ours) is type(theirs) or not isinstance(theirs, (tuple, list))
    pairs = list(zip(ours, theirs)) if isinstance(theirs, (tuple, list)) else [(ours, theirs)]
    for mine, array in pairs:
        assert isinstance(mine, (tg.Tensor, np.ndarray))
        np.testing.assert_array_equal(np.asarray(mine), array)
        np.asarray(mine)[...] = 0  # memory of its own
    np.testing.assert_array_equal(given.numpy(), A)
    with tg.no_grad():
        call(leaf(A))


def test_an_unknown_function_cannot_write_unnoticed():
    t = tg.zeros(3)
    with pytest.raises(ValueError, match="read-only"):
        np.place(t, np.array([True, False, True]), [1.0])
    assert t.tolist() == [0, 0, 0]


@pytest.mark.parametrize("question", [np.result_type, np.iscomplexobj, np.isrealobj, np.ndim, np.size, np.shape])
def test_questions_about_dtypes_and_shapes(question):
    assert question(leaf(A)) == question(A)


def test_argpartition_and_double_powers():
    assert np.float_power(tg.ones(2, requires_grad=True), 2.0).dtype == tg.float64
    np.testing.assert_array_equal(np.argpartition(leaf(A), 1).numpy(), np.argpartition(A, 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: np.add.accumulate(t), r"np.add.accumulate is not supported on Tensors"),
        (lambda t: np.multiply.outer(t, t), r"np.multiply.outer is not supported on Tensors"),
        (lambda t: np.add.at(np.zeros(3), [0], t), r"np.add.at is not supported on Tensors"),
        (lambda t: np.add.reduceat(t, [0]), r"np.add.reduceat is not supported on Tensors"),
        (lambda t: np.subtract.reduce(t), r"np.subtract.reduce is not supported on Tensors"),
        (lambda t: np.exp(t, where=np.array([True, False, True])), r"np.exp with where is not supported on Tensors"),
        (lambda t: np.add(t, t, dtype=float, order="F"), r"np.add with dtype, order is not supported on Tensors"),
        (lambda t: np.zeros(3).__imatmul__(t), r"np.matmul with axes is not supported on Tensors"),
    ],
)
def test_unsupported_ways_of_calling(call, message):
    with pytest.raises(NotImplementedError, match=message):
        call(leaf([1.0, 2.0, 3.0]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: np.sum(t, initial=3.0), "sum.* unexpected keyword argument 'initial'"),
        (lambda t: np.sum(t, where=True), "sum.* unexpected keyword argument 'where'"),
        (lambda t: np.sum(t, out=np.zeros(())), "sum: out must be a Tensor"),
        (lambda t: np.max(t, initial=3.0), "amax.* unexpected keyword argument 'initial'"),
        (lambda t: np.add.reduce(t, initial=1.0), "sum.* unexpected keyword argument 'initial'"),
    ],
)
def test_options_are_never_ignored(call, message):
    with pytest.raises(TypeError, match=message):
        call(leaf([1.0, 2.0, 3.0]))


# --- Tensor to array ------------------------------------------------------------------------------------------------


def test_asarray_shares_memory():
    t = tg.tensor([1.0, 2.0])
    a = np.asarray(t)
    assert type(a) is np.ndarray
    assert np.shares_memory(a, t.numpy())
    a[0] = 7.0
    assert t.tolist() == [7.0, 2.0]
    assert np.shares_memory(np.array(t, copy=False), t.numpy())
    assert np.shares_memory(np.from_dlpack(t), a) if hasattr(t, "__dlpack__") else True
    assert not np.shares_memory(np.array(t), t.numpy())
    assert not np.shares_memory(np.asarray(t, np.float64), t.numpy())
    assert np.asarray(t, np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="copy"):
        np.array(t, np.float64, copy=False)


@pytest.mark.parametrize(
    "call",
    [
        np.asarray, np.array, lambda t: np.asarray(t, np.float64), lambda t: np.array([t, t]), lambda t: t.numpy(),
        lambda t: np.asarray(t * 1), lambda t: np.zeros(2).__setitem__(slice(None), t), lambda t: np.asarray(t[0]),
        lambda t: np.asarray(t.view(2, 1)), lambda t: np.arange(2.0).__setitem__(slice(1), t[:1]),
    ],
)  # fmt: skip
def test_no_array_of_what_requires_grad(call):
    with pytest.raises(RuntimeError, match=r"numpy: Can't call numpy\(\) on Tensor that requires grad"):
        call(leaf([1.0, 2.0]))


def test_like_pytorch():
    torch = pytest.importorskip("torch")
    for m in (tg, torch):
        t = m.ones(2, requires_grad=True)
        with pytest.raises(RuntimeError, match=r"requires grad.*detach\(\)\.numpy\(\)"):
            np.asarray(t)
        with pytest.raises(RuntimeError, match=r"requires grad.*detach\(\)\.numpy\(\)"):
            t.numpy()
        with m.no_grad():
            assert np.shares_memory(np.asarray(t), t.numpy())
        assert np.shares_memory(t.detach().numpy(), t.detach().numpy())
        assert np.shares_memory(np.asarray(t.detach()), t.detach().numpy())
        assert t.numpy(force=True).tolist() == [1.0, 1.0]


def test_plain_python_and_matplotlib_style_uses():
    t = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_allclose(t, [[1.0, 2.0], [3.0, 4.0]])
    assert np.asarray(list(t)).shape == (2, 2)
    assert [list(map(float, row)) for row in t] == [[1.0, 2.0], [3.0, 4.0]]
    assert np.asarray([t[0], t[1]]).tolist() == t.tolist()
    array = np.zeros((3, 2))
    array[1:] = t
    array[0] = t[0]
    assert array.tolist() == [[1.0, 2.0], [1.0, 2.0], [3.0, 4.0]]
    assert np.arange(5)[tg.tensor([1, 3])].tolist() == [1, 3]
    assert [10, 20, 30][tg.tensor(1)] == 20


# --- mixed operators and out= ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("requires_grad", [True, False])
def test_array_with_tensor_is_a_tensor(requires_grad):
    t = tg.tensor([1.0, 2.0], dtype=tg.float64, requires_grad=requires_grad)
    array = np.array([3.0, 4.0])
    results = [
        array + t,
        array - t,
        array * t,
        array / t,
        array**t,
        array @ t,
        array > t,
        array == t,
        np.float64(3.0) * t,
    ]
    for result, expected in zip(
        results, [[4, 6], [2, 2], [3, 8], [3, 2], [3, 16], 11, [True] * 2, [False] * 2, [3, 6]]
    ):
        assert isinstance(result, tg.Tensor)
        assert result.tolist() == expected


def test_array_iadd_tensor():
    array = np.array([1.0, 2.0])
    before = array
    array += tg.tensor([10.0, 20.0])
    assert array is before
    assert type(array) is np.ndarray
    assert array.tolist() == [11.0, 22.0]
    with pytest.raises(RuntimeError, match="out=: not possible where a gradient is needed"):
        array += leaf([1.0, 1.0])
    assert array.tolist() == [11.0, 22.0]
    with tg.no_grad():
        array *= leaf([2.0, 2.0]).detach()
    assert array.tolist() == [22.0, 44.0]


def test_tensor_iadd_array():
    t = tg.tensor([1.0, 2.0])
    before = t
    t += np.array([1.0, 1.0])
    assert t is before
    assert t.dtype == tg.float32
    assert t.tolist() == [2.0, 3.0]


def test_out_is_written_to():
    t = tg.tensor([0.0, 1.0], dtype=tg.float64)
    array, tensor = np.zeros(2), tg.zeros(2, dtype=tg.float64)
    assert np.exp(t, out=array) is array
    assert np.exp(t, out=tensor) is tensor
    assert np.exp(t, tensor) is tensor
    assert np.add(array, 1.0, out=tensor) is tensor  # no Tensor but the output
    np.testing.assert_array_equal(array, np.exp([0.0, 1.0]))
    np.testing.assert_array_equal(tensor.numpy(), np.exp([0.0, 1.0]) + 1)
    row = np.zeros(3)
    assert np.add.reduce(tg.ones(2, 3), out=row) is row
    assert row.tolist() == [2.0, 2.0, 2.0]
    wide = np.zeros((3, 2))
    np.multiply(t, 2.0, out=wide)
    assert wide.tolist() == [[0.0, 2.0]] * 3


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t, x: np.exp(x, out=np.zeros(2)), RuntimeError, "out=: not possible where a gradient is needed"),
        (lambda t, x: np.exp(t, out=x), RuntimeError, "out=: not possible where a gradient is needed"),
        (lambda t, x: np.add(t, 1.0, out=x * 1), RuntimeError, "out=: not possible where a gradient is needed"),
        (lambda t, x: np.exp(t, out=np.zeros(2, np.int64)), TypeError, "Cannot cast.*same_kind"),
        (lambda t, x: np.exp(t, out=np.zeros(3)), ValueError, r"\(2,\).*\(3,\)"),
    ],
)
def test_out_refused(call, error, message):
    t, x = tg.tensor([0.0, 1.0], dtype=tg.float64), leaf([5.0, 5.0])
    with pytest.raises(error, match=message):
        call(t, x)
    assert x.tolist() == [5.0, 5.0]


def test_out_under_no_grad():
    x = leaf([0.0, 1.0])
    array = np.zeros(2)
    with tg.no_grad():
        np.multiply(x, 3.0, out=array)
        np.multiply(x, 3.0, out=x)
        x *= np.ones(2)
    assert array.tolist() == x.tolist() == [0.0, 3.0]


def test_a_write_through_out_is_noticed():
    x, t = leaf([1.0, 2.0]), tg.tensor([1.0, 2.0], dtype=tg.float64)
    y = x * t
    np.exp(t, out=t)
    with pytest.raises(RuntimeError, match="mul at .* needs its 'y', but out= at .*test_numpy_protocol"):
        y.sum().backward()


def test_objects_are_no_numbers():
    t = leaf([1.0])
    for other in (None, object(), np.array([None]), np.array(["a"]), {}):
        for call in (lambda t, o: t + o, lambda t, o: o * t if not isinstance(o, np.ndarray) else np.multiply(o, t)):
            with pytest.raises(
                TypeError, match=f"operands must be Tensors, arrays or numbers, got {type(other).__name__}"
            ):
                call(t, other)


class Scaled:
    """An object that knows what it is with a Tensor."""

    def __radd__(self, other):
        return "radd", other

    def __add__(self, other):
        return "add", other

    __rmul__ = __rpow__ = __rfloordiv__ = __rmod__ = __rand__ = __rlshift__ = __gt__ = __le__ = __eq__ = __radd__
    __hash__ = None


def test_operators_leave_other_classes_to_their_own():
    from decimal import Decimal

    t, other = tg.tensor([1, 2]), Scaled()
    for found in (t + other, t * other, t**other, t // other, t % other, t & other, t << other, t < other, t >= other):
        assert found[0] == "radd"
        assert found[1] is t
    assert (t == other)[0] == "radd"
    assert (other + t)[0] == "add"
    for call in (lambda: t + Decimal(1), lambda: Decimal(1) - t, lambda: t & Decimal(1), lambda: t < Decimal(1)):
        with pytest.raises(TypeError, match=r"not supported|unsupported operand type.*Decimal"):
            call()
    with pytest.raises(TypeError, match="^add: .*, got Scaled"):
        tg.add(t, other)
    assert (t == Decimal(1)) is False


def test_a_subclass_of_array_counts_as_array():
    matrix = np.ma.masked_array([1.0, 2.0], mask=[False, True])
    out = leaf([1.0, 2.0]) * np.asarray(matrix)
    assert type(out.detach().numpy()) is np.ndarray


def test_higher_derivatives_of_numpy_code():
    """A function written for arrays, differentiated twice."""

    def rosenbrock(v):
        return np.sum(100 * (v[1:] - v[:-1] ** 2) ** 2 + (1 - v[:-1]) ** 2)

    x = leaf([0.5, -0.5])
    (g,) = tg.autograd.grad(rosenbrock(x), x, create_graph=True)
    rows = [tg.autograd.grad(g[i], x, retain_graph=True)[0].tolist() for i in range(2)]
    a, b = 0.5, -0.5
    assert g.tolist() == pytest.approx([-400 * a * (b - a * a) - 2 * (1 - a), 200 * (b - a * a)])
    np.testing.assert_allclose(rows, [[1200 * a * a - 400 * b + 2, -400 * a], [-400 * a, 200.0]])


def test_joined_and_cast():
    t = tg.tensor(A, requires_grad=True)
    assert np.hstack([t, t], dtype=np.float32).dtype == np.hstack((t, t), dtype="f4").dtype == np.float32
    assert np.vstack([t, t], dtype=np.int64, casting="unsafe").dtype == np.int64
    with pytest.raises(ValueError, match=r"^vstack: .*float64 can't become int64 by casting='same_kind'"):
        np.vstack([t, t], dtype=np.int64)


def test_eigenvalues_of_one_triangle():
    """NumPy reads one triangle, so the other one has no gradient; PyTorch gives each its half."""
    t = tg.tensor(A[:, :2], requires_grad=True)
    (lower,) = tg.autograd.grad(np.linalg.eigvalsh(t)[0], t)
    (upper,) = tg.autograd.grad(np.linalg.eigh(t, "U")[0][0], t)
    assert lower[0, 1] == upper[1, 0] == 0.0
    assert lower[1, 0] != 0.0
    (both,) = tg.autograd.grad(tg.linalg.eigvalsh(t)[0], t)
    assert both[0, 1] == both[1, 0] != 0.0


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.stack((x, x), axis=1, out=None), lambda x: np.stack([x, x], 0, None),
        lambda x: np.stack([x, x], axis=1, dtype=np.float64, casting="same_kind"),
        lambda x: np.concatenate([x, x], axis=0, out=None, dtype=np.float64), lambda x: np.concatenate([x, x], 0, None),
        lambda x: np.vstack([x, x], dtype=np.float64),
    ],
)  # fmt: skip
def test_joining_takes_numpys_options_where_gradients_flow(call):
    numbers = np.arange(3, dtype=np.float32)
    x = tg.tensor(numbers, requires_grad=True)
    found, expected = call(x), call(numbers)
    np.testing.assert_array_equal(found.detach().numpy(), expected, strict=True)
    (found * found.detach()).sum().backward()
    assert x.grad.dtype == tg.float32
    assert tg.equal(x.grad, 2 * x.detach())


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.true_divide, np.exp, np.sqrt, np.arctan2, np.maximum])
def test_dtype_of_a_ufunc_is_what_it_computes_in(ufunc, dtype):
    x, y = np.array([0.1, 0.7], "f2"), np.array([3, 5], "i1")
    t = tg.tensor(x, requires_grad=True)
    ours = ufunc(*[t, y][: ufunc.nin], dtype=dtype)
    theirs = ufunc(*[x, y][: ufunc.nin], dtype=dtype)
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours.detach(), theirs, rtol=4 * np.finfo(dtype).eps)
    ours.sum().backward()
    assert t.grad.dtype == np.float16
    assert np.isfinite(t.grad).all()


def test_dtypes_that_a_ufunc_does_not_compute_in_are_refused():
    t = leaf([1.0, 2.0])
    for call in (lambda: np.add(t, t, dtype=np.int64), lambda: np.arctan2(t, t, dtype=complex)):
        with pytest.raises(TypeError):
            call()
    assert np.power(t, 2, dtype=np.float32).dtype == np.float32

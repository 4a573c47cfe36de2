"""float16: its casts to float32 and back are NumPy's, and many numbers of it go through the loops of float32."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import kernels
from tinygrad_lite.kernels.elementwise import half_casts, half_precision
from tinygrad_lite.kernels.native.simd.half import COMPILABLE
from tinygrad_lite.rules import FAST

EVERY = np.arange(1 << 16, dtype=np.uint16).view(np.float16)


@pytest.mark.skipif(not COMPILABLE, reason="this processor has no instructions for it")
def test_every_float16_is_widened_exactly():
    np.testing.assert_array_equal(half_casts.to_single(EVERY), EVERY.astype(np.float32))


@pytest.mark.skipif(not COMPILABLE, reason="this processor has no instructions for it")
def test_floats_are_rounded_to_the_nearest():
    finite = EVERY[:0x7C00].astype(np.float32)  # from 0 on
    between = (finite[:-1] + finite[1:]) / 2
    some = np.random.default_rng(0).integers(0, 1 << 32, 1 << 16, dtype=np.uint32).view(np.float32)
    x = np.concatenate(
        [finite, between, np.nextafter(between, np.float32(0)), np.nextafter(between, np.float32(9e9)), some]
    )
    x = np.concatenate([x, -x, np.array([np.inf, -np.inf, np.nan, 65519.0, 65520.0, 1e-8], np.float32)])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(half_casts.to_half(x), x.astype(np.float16))


@pytest.mark.parametrize("turn", [lambda x: x, lambda x: x.T, lambda x: x[:, ::2]])
def test_casts_keep_shapes_whatever_the_memory(turn):
    x = turn(np.arange(12000, dtype=np.float32).reshape(100, 120))
    half = half_precision.to_half(x)
    np.testing.assert_array_equal(half, x.astype(np.float16))
    np.testing.assert_array_equal(half_precision.to_single(half), half.astype(np.float32))
    assert (half.dtype, half.strides) == (np.float16, x.astype(np.float16).strides)


@pytest.mark.skipif(kernels.backend() != "numba", reason="formulas in NumPy stay in float16")
@pytest.mark.parametrize("name", ["gelu", "silu", "softplus", "mish", "elu", "logsigmoid", "hardswish", "softmax"])
def test_many_numbers_are_rounded_once(name):
    x = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float16)
    of = {"softmax": lambda t: t.softmax(-1)}.get(name) or getattr(tg.nn.functional, name)
    half, single = tg.tensor(x, requires_grad=True), tg.tensor(x.astype(np.float32), requires_grad=True)
    found, exact = of(half), of(single)
    assert found.dtype == tg.float16
    np.testing.assert_array_equal(found.detach().numpy(), exact.detach().numpy().astype(np.float16))
    found.sum().backward()
    exact.sum().backward()
    assert half.grad.dtype == tg.float16
    np.testing.assert_allclose(half.grad.numpy(), single.grad.numpy(), rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("size", [7, 5000])
@pytest.mark.parametrize("operand", ["array", 0.1, 3, 1e4, -5001])
def test_arithmetic_has_the_bits_of_numpys(size, operand):
    a, b = np.random.default_rng(0).standard_normal((2, size)).astype(np.float16) * np.float16(30)
    other, theirs = (tg.tensor(b), b) if operand == "array" else (operand, operand)
    x = tg.tensor(a)
    wide = a.astype(np.float32)  # beside which a number keeps its digits
    with np.errstate(all="ignore"):
        expected = [a + theirs, a - theirs, theirs - a, wide * theirs, wide / theirs, theirs / wide]
        expected = [e.astype(np.float16) for e in expected]
    found = [x + other, x - other, other - x, x * other, x / other, other / x]
    for one, another in zip(found, expected):
        assert one.dtype == tg.float16
        np.testing.assert_array_equal(one.numpy(), another)


SCALES = [1e5, -7e4, 1e-9, 0.1, 1 / 3]  # beyond float16's range, below it, and with more digits


@pytest.mark.parametrize("size", [7, 5000, 100_000])
@pytest.mark.parametrize("scale", SCALES)
def test_what_scales_float16_need_not_be_one(size, scale):
    """As in PyTorch: a number, or a Tensor without dimensions; nothing is infinite or 0 that the result is not."""
    a = np.random.default_rng(0).uniform(0.01, 30, size).astype(np.float16)
    wide, factor = a.astype(np.float32), np.float32(scale)
    ways = {
        "mul": (lambda x, s: x * s, wide * factor), "mul_": (lambda x, s: x.clone().mul_(s), wide * factor),
        "div": (lambda x, s: x / s, wide / factor), "rdiv": (lambda x, s: s / x, factor / wide),
        "floor": (lambda x, s: tg.floor_divide(x, float(s)), np.floor_divide(wide, factor)),
        "trunc": (lambda x, s: tg.div(x, float(s), rounding_mode="trunc"), np.trunc(wide / factor)),
        "foreach": (lambda x, s: tg._foreach_mul([x], float(s))[0], wide * factor),
        "leaky_relu": (lambda x, s: tg.nn.functional.leaky_relu(-x, float(s)), -wide * factor),
        "add": (lambda x, s: tg.add(x, x, alpha=float(s)), wide + wide * factor),
        "sub": (lambda x, s: tg.sub(x, x, alpha=float(s)), wide - wide * factor),
    }  # fmt: skip
    for name, (way, expected) in ways.items():
        for s in (scale, tg.tensor(scale), tg.tensor(scale, dtype=tg.float64)):
            found = way(tg.tensor(a), s)
            assert found.dtype == tg.float16
            with np.errstate(over="ignore"):
                np.testing.assert_array_equal(found.numpy(), expected.astype(np.float16), err_msg=name)


@pytest.mark.parametrize("scale", SCALES)
def test_slopes_of_what_is_scaled(scale):
    a = np.random.default_rng(0).uniform(0.01, 30, 50).astype(np.float16)
    for kind in (float, lambda s: tg.tensor(s, requires_grad=True)):
        x, s = tg.tensor(a, requires_grad=True), kind(scale)
        with np.errstate(over="ignore"):
            (x * s).sum().backward()
            expected = np.full(50, scale, np.float32).astype(np.float16)
        np.testing.assert_array_equal(x.grad.numpy(), expected)
        if kind is not float:
            assert s.grad.dtype == tg.float32
            np.testing.assert_allclose(s.grad.item(), a.astype(np.float64).sum(), rtol=1e-3)


def test_recorded_steps_scale_alike():
    w = tg.tensor(np.linspace(0.01, 1, 50).astype(np.float16), requires_grad=True)
    x = tg.tensor(np.linspace(1, 2, 50).astype(np.float16))

    def step(x):
        y = (x * w * 7e4 / 1e5 + x // 0.1 - w / 3.3 + 0.1 / x + tg.add(x, w, alpha=0.7)).sum()
        y.backward()
        return y

    def run(function):
        w.grad = None
        return [function(x).tolist(), w.grad.tolist()]

    expected, recorded = run(step), tg.compile(step)
    for _ in range(5):
        assert run(recorded) == expected


OF_ONE = sorted(
    {f for f in FAST if isinstance(f, np.ufunc) and (f.nin, f.nout) == (1, 1) and "e->e" in f.types}, key=str
)


@pytest.mark.each("function", OF_ONE, ids=lambda f: f.__name__)
def test_every_float16_has_the_bits_of_numpys_function(function):
    """But where the true value lies in the middle of two, as far as float32 can tell, NumPy may take the other one.

    It has loops of its own for float16 on some processors, and logarithms that are not float32's.
    """
    with np.errstate(all="ignore"):
        expected = function(EVERY)
    found = FAST[function](tg.tensor(EVERY)).numpy()
    differ = ~((found == expected) | (np.isnan(found) & np.isnan(expected)))
    assert differ.sum() <= 8
    middle = (found[differ].astype(float) + expected[differ]) / 2
    np.testing.assert_allclose(function(EVERY[differ].astype(float)), middle, rtol=4 * np.finfo(np.float32).eps)


@pytest.mark.parametrize("size", [7, 5000])
@pytest.mark.parametrize("name", ["exp", "tanh", "log", "sqrt", "mul", "div", "pow", "maximum", "clamp", "addcmul"])
def test_rules_compute_as_float32(name, size):
    x = (np.random.default_rng(0).random((2, size)) * 0.8 + 0.1).astype(np.float16)

    def gradient(dtype):
        a, b = tg.tensor(x[0], dtype=dtype, requires_grad=True), tg.tensor(x[1], dtype=dtype)
        of_two = {
            "pow": lambda: a**b, "clamp": lambda: a.clamp(0.2, 0.7), "addcmul": lambda: tg.addcmul(b, a, b),
            **{n: lambda n=n: getattr(tg, n)(a, b) for n in ("mul", "div", "maximum")},
        }  # fmt: skip
        out = of_two.get(name, lambda: getattr(a, name)())()
        (found,) = tg.autograd.grad(out, a, tg.tensor(x[1], dtype=dtype))
        return found.numpy()

    half, single = gradient(tg.float16), gradient(tg.float32)
    assert half.dtype == np.float16
    np.testing.assert_allclose(half, single, rtol=1.6e-3)  # the result, which some rules ask for, is rounded, too


def test_gradients_of_float16_add_up_as_numpys_sum():
    x = tg.tensor(np.random.default_rng(0).standard_normal(5000).astype(np.float16), requires_grad=True)
    one, other = x.detach() * 3, x.detach() * 5
    ((x * 3) * 1 + (x * 5) * 1).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.full(5000, 8, np.float16))
    (x * one + x * other).backward(tg.ones_like(x))
    np.testing.assert_array_equal(x.grad.numpy(), np.full(5000, 8, np.float16) + (one.numpy() + other.numpy()))


@pytest.mark.parametrize(
    "function", [lambda x: x.float(), lambda x: x.softmax(-1), lambda x: x.round(), lambda x: x * 2]
)
def test_results_of_expanded_tensors_can_be_written_to(function):
    x = tg.ones(1, 1, dtype=tg.float16).expand(100, 100)
    out = function(x)
    out[0, 0] = 5
    assert (out == 5).sum().item() == 1


# --- many numbers: tables, loops and blocks ---------------------------------------------------------------------------

MANY = half_precision.MANY


def _numbers(count):
    x = np.random.default_rng(0).random((count, MANY // 32, 33)).astype(np.float32) * 0.8 + 0.1
    return x.astype(np.float16)  # more than MANY, and no whole number of blocks


WAYS = {
    "a table": (lambda x: np.tanh(x), 1), "a light loop": (lambda x, y: x * 2.5 + y * x, 2),
    "blocks": (lambda x, y: np.nextafter(x, y), 2), "a question": (lambda x, y: np.less(x, y), 2),
}  # fmt: skip


@pytest.mark.parametrize("wide", [False, True], ids=["rounded", "wide"])
@pytest.mark.parametrize("way", WAYS)
def test_many_numbers_are_computed_in_float32_and_rounded_once(way, wide):
    function, count = WAYS[way]
    x = _numbers(count)
    exact = function(*x.astype(np.float32))
    for given, expected in (
        (x, exact), (x.transpose(0, 2, 1), exact.T), ([x[0], *(v[:1] for v in x[1:])], None), (x[:, ::-1], None)
    ):  # fmt: skip
        expected = function(*(v.astype(np.float32) for v in given)) if expected is None else expected
        found = half_precision.of_half(function, *given, wide=wide)
        dtype = expected.dtype if wide or expected.dtype != np.float32 else np.float16
        assert (found.dtype, found.shape) == (dtype, expected.shape)
        np.testing.assert_allclose(found, expected, rtol=2e-7 if wide else 5e-4)


@pytest.mark.skipif(kernels.backend() != "numba", reason="no loops")
def test_loops_and_blocks_do_the_same(monkeypatch):
    from tinygrad_lite.kernels.elementwise import half_loops

    function, x = WAYS["a light loop"][0], _numbers(2)
    expected = half_precision.of_half(function, *x)
    monkeypatch.setattr(half_loops, "COMPILABLE", False)  # as on a processor without instructions for float16
    np.testing.assert_allclose(half_precision.of_half(function, *x), expected, rtol=1e-3)
    np.testing.assert_array_equal(half_precision.of_half(np.add, *x), x[0] + x[1])


@pytest.mark.parametrize("number", [0.0, -0.0, 3, float("inf"), 1e-9])
def test_each_number_beside_many_has_its_own_result(number):
    x = _numbers(1)[0]
    for function in (np.multiply, np.copysign, np.minimum):
        with np.errstate(all="ignore"):
            expected = function(x, np.float16(number))
        found = half_precision.of_two(function, x, number)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


def test_what_rounds_nothing_is_not_cast():
    x = np.concatenate([EVERY, EVERY])
    for function in (np.negative, np.absolute):
        np.testing.assert_array_equal(half_precision.of_half(function, x).view(np.uint16), function(x).view(np.uint16))
    assert half_precision.of_half(lambda g: g, x) is x


def test_gradients_of_what_was_repeated_are_summed_in_float32():
    x = tg.tensor(_numbers(1)[0], requires_grad=True)
    row, column = (tg.tensor(x.detach().numpy()[key], requires_grad=True) for key in (slice(0, 1), (..., slice(0, 1))))
    ((x * row + column) * 0.25).sum().backward()
    single = x.detach().numpy().astype(np.float32)
    np.testing.assert_allclose(row.grad.numpy(), 0.25 * single.sum(0, keepdims=True), rtol=1e-3)
    np.testing.assert_allclose(column.grad.numpy(), np.full(column.shape, 0.25 * x.shape[1]), rtol=1e-3)
    np.testing.assert_allclose(x.grad.numpy(), np.broadcast_to(0.25 * single[:1], x.shape), rtol=1e-3)


ELEMENTWISE = {
    "hardshrink": lambda x: tg.nn.functional.hardshrink(x), "lerp": lambda x: tg.lerp(x, x * x, 0.3),
    "addcmul": lambda x: tg.addcmul(x, x, x, value=0.5), "clamp": lambda x: x.clamp(0.2, 0.6),
    "logit": lambda x: x.logit(), "sinc": lambda x: tg.sinc(x), "sinh": lambda x: x.sinh(), "cosh": lambda x: x.cosh(),
    "atan2": lambda x: tg.atan2(x, 1 - x), "pow": lambda x: x**2, "elu": lambda x: tg.nn.functional.elu(x - 0.5),
    "smooth_l1": lambda x: tg.nn.functional.smooth_l1_loss(x, x * 0.5, reduction="none"), "floor": lambda x: x.floor(),
}  # fmt: skip


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_many_numbers_as_few(name):
    x, g = _numbers(2)

    def both(x, g):
        t = tg.tensor(x, requires_grad=True)
        out = ELEMENTWISE[name](t)
        return out.detach().numpy(), tg.autograd.grad(out, t, tg.tensor(g))[0].numpy()

    few = [np.concatenate(each) for each in zip(*(both(*each) for each in zip(np.split(x, 64), np.split(g, 64))))]
    for found, expected in zip(both(x, g), few):
        assert found.dtype == np.float16
        np.testing.assert_allclose(found, expected, rtol=3e-3, atol=1e-3)

"""Complex numbers: gradients in PyTorch's convention, views of the parts, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle import Programs, agree

import tinygrad_lite as tg
from tinygrad_lite.engine import fast_calls

RNG = np.random.default_rng(0)
Z, W = (RNG.standard_normal((2, 3)) + 1j * RNG.standard_normal((2, 3)) for _ in range(2))


def leaf(values: Any) -> tg.Tensor:
    return tg.tensor(values, requires_grad=True)


# --- the convention ---------------------------------------------------------------------------------------------


def test_the_gradient_points_uphill() -> None:
    """``dL/dRe + i dL/dIm``: what a step of gradient descent subtracts."""
    z = leaf([3 + 4j])
    (abs(z) ** 2).sum().backward()
    np.testing.assert_allclose(z.grad.numpy(), [6 + 8j])
    z = leaf([1 + 2j])
    (1j * z).real.sum().backward()  # Re(iz) = -Im(z)
    np.testing.assert_array_equal(z.grad.numpy(), [-1j])


def test_a_holomorphic_function_conjugates_its_derivative() -> None:
    z, v = leaf(Z), tg.tensor(W)
    (g,) = tg.autograd.grad(z.exp(), z, v)
    np.testing.assert_allclose(g.numpy(), W * np.exp(Z).conj())


def test_a_real_input_gets_the_real_part() -> None:
    x = leaf(np.array([1.0, 2.0]))
    y = x * (1 + 2j)
    y.backward(tg.tensor(np.array([1j, 1.0])))
    assert x.grad.dtype == tg.float64
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 1.0])


def test_complex64_stays() -> None:
    z = leaf(Z.astype(np.complex64))
    ((z * 2j).sin() / (z + 1)).abs().mean().backward()
    assert z.grad.dtype == tg.complex64
    assert (tg.arange(3) * 1j).dtype == (tg.arange(3) * z[0]).dtype == tg.complex64


# --- checked numerically, on complex leaves ---------------------------------------------------------------------

FUNCTIONS = {
    "arithmetic": lambda z, w: (z * w - w / z) ** 2,
    "power": lambda z, w: z**w,
    "abs": lambda z, w: abs(z) * w.angle(),
    "parts": lambda z, w: z.real * w.imag + z.conj() * w,
    "matmul": lambda z, w: z @ w.mH,
    "index": lambda z, w: tg.stack([z[0], w[1, [0, 0, 2]]]) * z,
    "several": lambda z, w: (z.sum(), tg.view_as_real(w), (z * w).abs()),
    "fft": lambda z, w: tg.fft.fft(z * w),
    "irfft": lambda z, w: tg.fft.irfft(z, 4) * tg.fft.hfft(w, 4),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradcheck(name: str) -> None:
    function = FUNCTIONS[name]
    assert tg.gradcheck(function, (leaf(Z), leaf(W)))
    assert tg.gradgradcheck(function, (leaf(Z), leaf(W)))
    assert tg.gradcheck(function, (leaf(Z), leaf(W)), mode="random")


def test_gradcheck_sees_a_missing_conjugate() -> None:
    class Wrong(tg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, z: Any) -> Any:
            ctx.save_for_backward(z)
            return z * z

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2 * ctx.saved_tensors[0]

    with pytest.raises(tg.GradcheckError, match=r"input 0 at index \(\d, \d, \d\), output 0 at index \(\d, \d, \d\)"):
        tg.gradcheck(Wrong.apply, leaf(Z))
    with pytest.raises(tg.GradcheckError, match="along a random direction"):
        tg.gradcheck(Wrong.apply, leaf(Z), fast_mode=True)


def test_gradcheck_with_a_given_step_wants_complex128() -> None:
    assert tg.gradcheck(lambda z: z * z, leaf(Z.astype(np.complex64)))
    with pytest.raises(TypeError, match="input 0 must be float64 or complex128 for differences.*got complex64"):
        tg.gradcheck(lambda z: z * z, leaf(Z.astype(np.complex64)), eps=1e-6)


# --- programs, as in PyTorch ------------------------------------------------------------------------------------

programs = Programs()


def made(m: Any, values: Any) -> Any:
    return m.tensor(values, requires_grad=True)


@programs
def backward_needs_a_real_loss(m: Any) -> Any:
    made(m, Z).sum().backward()


@programs
def a_gradient_must_be_of_the_kind_of_the_output(m: Any) -> Any:
    made(m, Z).backward(m.ones(2, 3, dtype=m.float64))


@programs
def nor_may_it_be_complex_for_a_real_output(m: Any) -> Any:
    made(m, Z).abs().backward(m.ones(2, 3, dtype=m.complex128))


@programs
def hooks_see_the_gradient_as_it_is_returned(m: Any) -> Any:
    z, seen = made(m, Z), []
    y = z * 2j
    y.retain_grad()
    y.register_hook(lambda g: seen.append(g.clone()))
    z.register_hook(lambda g: g * 1j)
    (y.abs() ** 2 + y.imag).sum().backward()
    return [*seen, y.grad, z.grad]


@programs
def gradients_accumulate(m: Any) -> Any:
    z = made(m, Z)
    for _ in range(2):
        (z.abs() ** 3).sum().backward()
    return z.grad


@programs
def a_custom_function_has_pytorchs_gradients(m: Any) -> Any:
    class Square(m.autograd.Function):
        @staticmethod
        def forward(ctx: Any, z: Any, x: Any) -> Any:
            ctx.save_for_backward(z, x)
            return z * z * x, z.imag * x

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            z, x = ctx.saved_tensors
            return g * 2 * z.conj() * x + 1j * h * x, (g * (z * z).conj()).real + h * z.imag

    z, x = made(m, Z), made(m, abs(W))
    a, b = Square.apply(z, x)
    first = m.autograd.grad((a * a).real.sum() + (b * b).sum(), (z, x), create_graph=True)
    second = m.autograd.grad([g.abs().sum() for g in first], (z, x))
    return [*first, *(g.resolve_conj() for g in second)]


@programs
def higher_derivatives(m: Any) -> Any:
    z = made(m, Z)
    y = (z**3).exp().real.sum()
    results = []
    for _ in range(3):
        (g,) = m.autograd.grad(y, z, create_graph=True)
        results.append(g)
        y = (g.abs() ** 2).sum()
    return [g.resolve_conj() for g in results]


@programs
def writes_through_views_of_the_parts(m: Any) -> Any:
    z, x = made(m, Z), made(m, abs(W))
    y = z * 1
    y.imag.mul_(x)
    y.real[0] = 2
    m.view_as_real(y)[1, :, 0] *= x[0]
    y[:, 1:] *= 1j
    y.imag[1] = y.real[0]
    (y * y * x).abs().sum().backward()
    return y, z.grad, x.grad


@programs
def a_complex_view_of_real_numbers(m: Any) -> Any:
    x, v = made(m, RNG_PAIRS), made(m, Z[0])
    y = x * 1
    m.view_as_complex(y)[1] = v
    m.view_as_complex(y).mul_(2j)
    (m.view_as_complex(y).abs() * y[..., 0]).sum().backward()
    return y, x.grad, v.grad


RNG_PAIRS = RNG.standard_normal((2, 3, 2))


@programs
def what_the_parts_share(m: Any) -> Any:
    z = m.tensor(Z)
    m.view_as_real(z)[0, 0] = m.tensor([7.0, 8.0])
    z.real[1] = 5
    x = m.tensor(RNG_PAIRS)
    m.view_as_complex(x)[0, 0] = 1j
    return z, x, m.view_as_real(z.mT), m.view_as_complex(m.tensor(RNG_PAIRS)[::2])


@programs
def gradients_at_zero(m: Any) -> Any:
    results = []
    for f in (lambda z: z.abs(), lambda z: m.sgn(z).real, lambda z: m.angle(z), lambda z: z.abs() ** 2):
        z = made(m, np.array([0j, 1 + 1j]))
        f(z).sum().backward()
        results.append(z.grad)
    z = made(m, np.array([1 + 1j, 1 + 1j]))
    z.std().backward()
    return [*results, z.grad]


@programs
def real_tensors_come_back(m: Any) -> Any:
    x = m.tensor([1.0, -2.0])
    return m.real(x), m.conj(x), m.angle(x), x.real, m.is_complex(x), m.isreal(x), m.sgn(x)


@programs
def imag_of_real(m: Any) -> Any:
    return m.imag(m.ones(2))


@programs
def complex_of_two_dtypes(m: Any) -> Any:
    return m.complex(m.ones(2), m.ones(2, dtype=m.float64))


@programs
def complex_of_integers(m: Any) -> Any:
    return m.complex(m.ones(2, dtype=m.int64), m.ones(2, dtype=m.int64))


@programs
def pairs_that_are_not_two(m: Any) -> Any:
    return m.view_as_complex(m.ones(2, 3))


@programs
def pairs_that_are_apart(m: Any) -> Any:
    return m.view_as_complex(m.ones(2, 3).t())


@programs
def view_as_real_of_real(m: Any) -> Any:
    return m.view_as_real(m.ones(2))


@programs.parameters()
def test_as_pytorch(program: Any) -> None:
    agree(program)


# --- refusals ---------------------------------------------------------------------------------------------------

REFUSED = {
    "softmax": lambda z: tg.softmax(z, 1),
    "amax": lambda z: z.amax(),
    "softplus of parts": lambda z: tg.nn.functional.softplus(z * 2),
    "maximum": lambda z: tg.maximum(z, z),
    "mse_loss": lambda z: tg.mse_loss(z, z * 2),
    "hypot": lambda z: tg.hypot(z, z),
}


@pytest.mark.parametrize("name", REFUSED)
def test_no_row_gives_a_wrong_gradient(name: str) -> None:
    with pytest.raises((NotImplementedError, TypeError)):
        REFUSED[name](leaf(Z))


def test_what_a_refusal_says() -> None:
    with pytest.raises(NotImplementedError, match="no gradient is known for complex numbers; detach"):
        tg.nn.functional.smooth_l1_loss(leaf(Z), leaf(Z) * 2)
    with pytest.raises(
        RuntimeError, match="grad can be implicitly created only for real scalar outputs, got complex128"
    ):
        leaf(Z).sum().backward()
    with pytest.raises(RuntimeError, match="the gradient must have the output's dtype complex128, got float64"):
        leaf(Z).sum().backward(tg.tensor(1.0, dtype=tg.float64))


def test_a_row_of_ones_own_refuses_until_it_says_otherwise() -> None:
    cube = tg.rules.differentiable(lambda x: x * x * x, name="cube", x=lambda g, x: g * 3 * x * x)
    with pytest.raises(NotImplementedError, match="cube: no gradient is known for complex numbers"):
        cube(leaf(Z))
    assert cube(leaf(Z.real)).requires_grad
    right = tg.rules.differentiable(lambda x: x * x * x, name="cube", complex=True, x=lambda g, x: g * 3 * x * x)
    assert tg.gradcheck(right, leaf(Z))
    length = fast_calls.elementwise(lambda x, y: np.abs(x) * y, name="length", x=lambda g, y: g * y, y=lambda g: g)
    with pytest.raises(NotImplementedError, match="length: no gradient is known"):
        length(leaf(Z.astype(np.complex64)), tg.ones(3))  # of which the result does not tell

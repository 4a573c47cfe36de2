"""The checks that users put in their tests: they must find what is wrong, and not be fooled."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, testing
from tinygrad_lite.engine.fast_calls import elementwise
from tinygrad_lite.rules import differentiable

cube_wrong = elementwise(lambda x: x**3, name="cube_wrong", x=lambda g, x: g * (2 * x * x))
cube_right_once = differentiable(  # the first derivative is right, the second ignores that x**2 depends on x
    lambda x: x**3, name="cube_right_once", x=lambda g, x: g * (3 * tg.as_tensor(x).detach().numpy() ** 2)
)


def point(*shape: int, seed: int = 0) -> tg.Tensor:
    values = np.random.default_rng(seed).uniform(0.5, 1.5, shape)
    return tg.tensor(values, requires_grad=True)


def test_a_right_gradient_passes_in_both_modes():
    for mode in ("full", "random"):
        assert tg.gradcheck(lambda x, y: (x @ y).tanh(), (point(2, 3), point(3, 2)), mode=mode) is True
        assert tg.gradgradcheck(lambda x, y: (x @ y).tanh(), (point(2, 3), point(3, 2)), mode=mode) is True


def test_the_report_names_index_expected_and_got():
    x = tg.tensor([[1.0, 2.0]], dtype=tg.float64, requires_grad=True)
    wanted = r"input 0 at index \(0, 1\), output 0 at index \(0, 1\): expected 12 \(numerical\), got 8 \(anal"
    with pytest.raises(tg.GradcheckError, match=wanted):
        tg.gradcheck(cube_wrong, x)
    with pytest.raises(tg.GradcheckError, match="random direction"):
        tg.gradcheck(cube_wrong, x, fast_mode=True)
    assert tg.gradcheck(cube_wrong, x, raise_exception=False) is False


def test_one_wrong_entry_among_many_is_found():
    weights = np.ones(50)
    weights[37] = 1.01
    slightly = differentiable(lambda x: x * 2.0, name="slightly", x=lambda g: g * (2.0 * weights))
    with pytest.raises(tg.GradcheckError, match=r"input 0 at index \(37,\).*1 of 2500 entries"):
        tg.gradcheck(slightly, point(50))


def test_a_wrong_second_derivative_is_found():
    x = point(3)
    assert tg.gradcheck(cube_right_once, x)
    with pytest.raises(tg.GradcheckError):
        tg.gradgradcheck(cube_right_once, x)


def test_vacuous_checks_are_reported():
    with pytest.raises(tg.GradcheckError, match="vacuous.*input 0 is zero everywhere"):
        tg.gradcheck(lambda x: x.floor(), point(3))
    with pytest.raises(tg.GradcheckError, match="vacuous.*input 1"):
        tg.gradcheck(lambda x, y: x * 2 + y * 0, (point(3), point(3)))
    with pytest.raises(tg.GradcheckError, match="vacuous"):
        tg.gradcheck(lambda x: x.softmax(0).sum(), point(1), mode="random")
    assert tg.gradcheck(lambda x: x.floor(), point(3), allow_zero=True)
    with pytest.raises(tg.GradcheckError, match="vacuous"):
        tg.gradgradcheck(lambda x: x.detach() * 2.0 + x.floor(), point(3))


@pytest.mark.parametrize("mode", ["full", "random"])
def test_kinks_are_steered_around(mode):
    x = tg.tensor(np.zeros(4), requires_grad=True)
    assert tg.gradcheck(tg.relu, x, mode=mode, allow_zero=True)
    assert tg.gradcheck(lambda x: x.abs(), x, mode=mode)
    np.testing.assert_array_equal(x.detach().numpy(), 0)  # the caller's tensor is not moved
    wrong = elementwise(lambda x: np.abs(x), name="abs_wrong", x=lambda g, x: g * 0.5 * np.sign(x))
    with pytest.raises(tg.GradcheckError, match="expected"):  # steering does not hide a wrong rule
        tg.gradcheck(wrong, x, mode=mode)


def test_a_jump_everywhere_is_reported():
    with pytest.raises(tg.GradcheckError, match="kink or a jump"):
        tg.gradcheck(lambda x: (x * 1e9).sin(), point(1))


def test_functions_that_change_or_leave_the_reals_are_reported():
    with pytest.raises(tg.GradcheckError, match="not deterministic"):
        tg.gradcheck(lambda x: tg.dropout(x, 0.5), point(20))
    with pytest.raises(tg.GradcheckError, match="not finite"), np.errstate(divide="ignore"):
        tg.gradcheck(lambda x: (x * 0).log(), point(2))
    with pytest.raises(tg.GradcheckError, match="no floating point Tensor"):
        tg.gradcheck(lambda x: x > 0, point(2))


def test_wrong_arguments_are_refused():
    with pytest.raises(TypeError, match="input 0 must be float64.*float32"):
        tg.gradcheck(tg.exp, tg.ones(2, requires_grad=True))
    with pytest.raises(ValueError, match="at least one input must require grad"):
        tg.gradcheck(tg.exp, tg.ones(2))
    with pytest.raises(ValueError, match="mode must be 'full' or 'random', got 'fast'"):
        tg.gradcheck(tg.exp, point(2), mode="fast")


def test_integer_and_constant_inputs_pass_through():
    index = tg.tensor([0, 2, 2])
    assert tg.gradcheck(lambda x, i, k: x[i] * k, (point(3), index, 2.0), allow_zero=True)
    assert tg.gradcheck(lambda x: (x * 2, x.argmax(), x.exp()), point(3))  # several outputs, one of them integer


class Scale(nn.Module):
    """A layer of the user's own, with a slip on demand."""

    def __init__(self, function):
        super().__init__()
        self.weight = nn.Parameter(tg.ones(3))
        self.function = function

    def forward(self, x):
        return self.function(x) * self.weight


def test_gradcheck_module_checks_inputs_and_parameters_in_both_modes():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Dropout(0.3), nn.Linear(4, 2))
    before = {k: np.array(v.detach().numpy()) for k, v in model.state_dict().items()}
    with pytest.raises(tg.GradcheckError, match=r"Sequential in train mode: .*vacuous.*0\.bias"):
        testing.gradcheck_module(model, tg.randn(6, 3))
    assert testing.gradcheck_module(model, tg.randn(6, 3), allow_zero=["0.bias"])
    for key, value in model.state_dict().items():  # the user's module is neither moved, trained nor converted
        np.testing.assert_array_equal(value.detach().numpy(), before[key])
        assert value.detach().numpy().dtype == before[key].dtype
    assert model.training


def test_gradcheck_module_finds_a_slip():
    right = elementwise(lambda x: np.square(x), name="square_right", x=lambda g, x: 2 * g * x)
    assert testing.gradcheck_module(Scale(right), tg.randn(4, 3))
    wrong = Scale(elementwise(lambda x: np.square(x), name="square_wrong", x=lambda g, x: g * x))
    with pytest.raises(tg.GradcheckError, match=r"Scale in train mode: gradcheck: input 0 at index \(\d, \d\)"):
        testing.gradcheck_module(wrong, tg.randn(4, 3))


def test_assert_close():
    testing.assert_close(tg.ones(3), tg.ones(3) + 1e-7)
    testing.assert_close([tg.ones(3), 2.0], [tg.ones(3), 2.0])
    for actual, expected, match in [
        (tg.ones(3), tg.ones(4), "shapes differ"),
        (tg.ones(3), tg.ones(3).double(), "dtypes differ"),
        (tg.ones(3), tg.ones(3) + 1e-3, "Mismatched elements"),
        ([tg.ones(3)], [], "lengths differ"),
    ]:
        with pytest.raises(AssertionError, match=match):
            testing.assert_close(actual, expected)


def test_a_row_of_numpys_is_not_replaced():
    with pytest.raises(ValueError, match="'square'.* has a row already"):
        elementwise(np.square, x=lambda g, x: g)


# --- numerical_gradient -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 2e-4)])
def test_numerical_gradient_is_the_array_of_differences(dtype, tolerance):
    x = np.linspace(-1, 1.5, 6).astype(dtype).reshape(2, 3).T
    before = x.copy()
    found = tg.testing.numerical_gradient(lambda x: (x**3).sum(), x)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, 3 * before**2, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(x, before)
    assert tg.testing.numerical_gradient(np.sum, np.ones((0, 2), dtype)).shape == (0, 2)
    assert tg.testing.numerical_gradient(lambda x: 3 * x, np.ones((), dtype)) == pytest.approx(3, rel=1e-3)


def test_numerical_gradient_moves_what_the_function_reads_elsewhere():
    layer = tg.nn.Linear(3, 2).double()
    x = tg.randn(4, 3, dtype=tg.float64)
    layer(x).square().sum().backward()
    for parameter in layer.parameters():
        measured = tg.testing.numerical_gradient(lambda _: layer(x).square().sum(), parameter)
        np.testing.assert_allclose(measured, parameter.grad.numpy(), rtol=1e-7, atol=1e-9)
        assert parameter.requires_grad


def test_numerical_gradient_puts_back_what_it_moved():
    x = np.ones(2)
    with pytest.raises(ZeroDivisionError):
        tg.testing.numerical_gradient(lambda x: 1 // 0, x)
    np.testing.assert_array_equal(x, 1)


def test_numerical_gradient_refuses_what_it_cannot_move():
    who = "numerical_gradient: "
    with pytest.raises(TypeError, match=who + "x must be .* floating numbers, got int64"):
        tg.testing.numerical_gradient(np.sum, np.array([3, 4]))
    with pytest.raises(TypeError, match=who + "x must be .* floating numbers, got list"):
        tg.testing.numerical_gradient(np.sum, [3.0])
    with pytest.raises(ValueError, match=who + r"f must return one number, got shape \(2,\)"):
        tg.testing.numerical_gradient(lambda x: x, np.ones(2))
    fixed = np.ones(2)
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match=who + "x must be an array that can be written to"):
        tg.testing.numerical_gradient(np.sum, fixed)

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
    wrong = elementwise(lambda x: x**3, name="cube_wrong", x=lambda g, x: g * (3 * x * x - 4 * np.greater(x, 1.5)))
    wanted = r"input 0 at index \(0, 1\), output 0 at index \(0, 1\): expected 12 \(numerical\), got 8 \(anal"
    for options in ({}, {"eps": 1e-6}):
        with pytest.raises(tg.GradcheckError, match=f"{wanted}.*1 of 2 entries differ") as caught:
            tg.gradcheck(wrong, x, **options)
        (finding,) = caught.value.findings
        assert (finding.name, finding.verdict, finding.index) == ("input 0", "wrong", (0, 1))
        assert (finding.output, finding.output_index, finding.got) == (0, (0, 1), 8.0)
        assert finding.expected == pytest.approx(12, rel=1e-8)
        assert finding.ulps == pytest.approx(4 / np.spacing(12.0), rel=1e-6)
    with pytest.raises(tg.GradcheckError, match="random direction"):
        tg.gradcheck(cube_wrong, x, fast_mode=True)
    assert tg.gradcheck(cube_wrong, x, raise_exception=False) is False


def test_one_wrong_entry_among_many_is_found():
    weights = np.ones(50)
    weights[37] = 1.01
    slightly = differentiable(lambda x: x * 2.0, name="slightly", x=lambda g: g * (2.0 * weights))
    with pytest.raises(tg.GradcheckError, match=r"input 0 at index \(37,\).*1 of 50 entries"):
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


def test_what_is_steep_is_no_jump_and_what_jumps_is_none_of_steepness():
    assert tg.gradcheck(lambda x: (x * 1e9).sin(), point(1))
    with pytest.raises(tg.GradcheckError, match="kink or a jump"):
        tg.gradcheck(lambda x: (x * 1e9).sin(), point(1), eps=1e-6)  # that step goes over many periods
    with pytest.raises(tg.GradcheckError, match="input 0: jump: the function jumps at this point"):
        tg.gradcheck(lambda x: x * x.floor(), tg.tensor([2.0], dtype=tg.float64, requires_grad=True))


def test_functions_that_change_or_leave_the_reals_are_reported():
    with pytest.raises(tg.GradcheckError, match="not deterministic"):
        tg.gradcheck(lambda x: tg.dropout(x, 0.5), point(20))
    with pytest.raises(tg.GradcheckError, match="not finite"), np.errstate(divide="ignore"):
        tg.gradcheck(lambda x: (x * 0).log(), point(2))
    with pytest.raises(tg.GradcheckError, match="no floating point Tensor"):
        tg.gradcheck(lambda x: x > 0, point(2))


def test_wrong_arguments_are_refused():
    with pytest.raises(TypeError, match="input 0 must be float64.*float32"):
        tg.gradcheck(tg.exp, tg.ones(2, requires_grad=True), eps=1e-6)
    with pytest.raises(RuntimeError, match=r"gradcheck: input 0 has a dimension with stride 0.*contiguous\(\)"):
        tg.gradcheck(tg.exp, tg.ones(1).expand(3).detach().requires_grad_())
    with pytest.raises(ValueError, match="at least one of check_forward_ad and check_backward_ad must be True"):
        tg.gradcheck(tg.exp, point(2), check_backward_ad=False)
    with pytest.raises(ValueError, match="check_batched_forward_grad=True needs check_forward_ad=True"):
        tg.gradcheck(tg.exp, point(2), check_batched_forward_grad=True)
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


# --- the verdict by order of convergence -----------------------------------------------------------------------------


def at(*values, dtype=tg.float64):
    return tg.tensor(list(values), dtype=dtype, requires_grad=True)


RIGHT = {
    "x**3 at 1e9": (lambda x: x**3, at(1e9)),
    "x*x at 1e-9": (lambda x: x * x, at(1e-9)),
    "x*x from 1e-12 to 1e12": (lambda x: x * x, at(1e-12, 1e12, 1.0)),
    "exp at 1e-12": (tg.exp, at(1e-12, -2e-12)),
    "sin at 1e9": (tg.sin, at(1e9)),
    "1/x at 1e-12": (lambda x: 1 / x, at(1e-12)),
    "log at 1e-12 and 1e12": (tg.log, at(1e-12, 1e12)),
    "x + 1e9": (lambda x: x + 1e9, at(1.0, 2.0)),
    "log_softmax of hundreds": (lambda x: x.log_softmax(0), at(-168.0, 3.0, 100.0, 81.0, -230.0)),  # 1 + 5e-9 inside
    "variance around 1000": (lambda x: x.var(), at(1000.0, 1000.5, 999.0)),
    "x * abs(x) at 0": (lambda x: x * x.abs(), at(0.0, 1.0)),
    "results of 1e-310 beside others": (lambda x: x * tg.tensor([1e-310, 1.0], dtype=tg.float64), at(0.5, 0.25)),
    "sin of millions, and a kink far off": (lambda x: (x * 1e6).sin() + x.abs(), at(0.7)),  # no jump
    "float32": (lambda x: x.tanh() * x, at(0.3, -0.7, dtype=tg.float32)),
    "float16": (tg.exp, at(0.3, -0.7, 1.2, dtype=tg.float16)),
    "complex64": (lambda z: z * z.conj() + z.exp(), at(0.3 + 1j, -0.7, dtype=tg.complex64)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_gradients_are_not_accused(name):
    function, x = RIGHT[name]
    (finding,) = tg.gradcheck(function, x, report=True)
    assert (finding.verdict, finding.passed) == ("right", True), finding
    assert finding.precision < 0.1


def test_kinks_beside_the_point_are_no_slips():
    for distance in 2.0 ** np.linspace(-17, -15, 8):
        f = lambda x, d=distance: 2 * x + nn.functional.softshrink(x - 1, d)  # noqa: E731  # 2 at 1, 3 beyond d
        assert tg.gradcheck(f, at(1.0)), distance


@pytest.mark.parametrize(("slip", "dtype"), [(1e-7, tg.float64), (-1e-3, tg.float64), (2e-3, tg.float32)])
def test_small_slips_are_found_in_every_precision(slip, dtype):
    x = at(0.4, 1.5, -2.5, dtype=dtype)
    with pytest.raises(tg.GradcheckError, match="expected") as caught:
        tg.gradcheck(lambda x: x * 2 + (x - x.detach()) * slip, x)
    (finding,) = caught.value.findings
    assert finding.verdict == "wrong"
    assert finding.got - finding.expected == pytest.approx(slip, rel=0.2)


def test_a_slip_that_half_precision_cannot_name_does_not_pass():
    x = at(0.4, 1.5, -2.5, dtype=tg.float16)
    assert not tg.gradcheck(lambda x: x * 2 + (x - x.detach()), x, raise_exception=False)


@pytest.mark.parametrize(("dtype", "slips"), [(tg.float16, (0.1, 0.2, 0.3)), (tg.float32, (1e-4, 1e-3))])
@pytest.mark.parametrize("function", [lambda x: x.exp(), lambda x: x.tanh() * x, lambda x: x * x, lambda x: x.sin()])
def test_what_passes_is_no_more_wrong_than_the_report_says(function, dtype, slips):
    def slipped(x):
        y = function(x)
        return y + slip * (y - y.detach())

    for slip in slips:
        for seed in range(3):
            report = tg.gradcheck(slipped, at(0.3, -0.7, 1.2, dtype=dtype), report=True, seed=seed)
            assert not report or report.findings[0].precision >= slip, (slip, seed)


VERDICTS = {
    "not deterministic": (lambda x: tg.dropout(x, 0.5), at(*range(1, 21)), "two calls"),
    "not finite forward": (tg.log, at(-1.0), "nan in the forward pass"),
    "NaN only in the backward": (lambda x: x.sqrt() * 0, at(0.0, 1.0), "returned nan in the gradient of x"),
    "infinite gradient": (tg.sqrt, at(0.0, 1.0), ""),
    "jump": (lambda x: x * x.floor(), at(2.0), "jumps"),
    "step lost in rounding": (lambda x: x.relu() + 1e18, at(1.0), ""),
    "vacuous": (lambda x: x.softmax(0).sum(), at(1.0, 2.0), ""),
    "wrong": (lambda x: Beyond.apply(x), at(0.0, 1.0), ""),
}


def test_the_complex_step_is_a_second_witness():
    (lost,) = tg.gradcheck(lambda x: x + 1e18, at(1.0), report=True)
    assert (lost.verdict, lost.passed) == ("right", True)
    assert "by the complex step alone" in lost.note
    slipped = lambda x: x + 1e18 + (x - x.detach())  # noqa: E731
    assert not tg.gradcheck(slipped, at(1.0), raise_exception=False)
    (finding,) = tg.gradcheck(lambda x: (x * 1e9).sin(), at(0.7), report=True)
    assert finding.precision < 1e-14  # real steps go over many periods, or into rounding
    (real,) = tg.gradcheck(lambda x: (x * 1e6).sin() + x.abs(), at(0.7), report=True)
    assert 1e-14 < real.precision < 1e-3


class Beyond(tg.autograd.Function):
    """abs with a gradient at 0 that is steeper than either side."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.abs()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * tg.where(x == 0, 3.0, x.sign())


@pytest.mark.parametrize("verdict", VERDICTS)
def test_each_verdict(verdict):
    function, x, note = VERDICTS[verdict]
    report = tg.gradcheck(function, x, report=True)
    (finding,) = report
    assert (finding.verdict, finding.passed) == (verdict, False)
    assert note in finding.note
    assert ("test_gradcheck.py:" in finding.line) == ("nan" in note)
    assert tg.gradcheck(function, x, raise_exception=False) is False
    with pytest.raises(RuntimeError, match="expected 0" if verdict == "wrong" else verdict):
        tg.gradcheck(function, x)


def test_the_report_is_a_table():
    report = tg.gradcheck(lambda x, y: x * 2 + y.detach() * y, (at(1.0), at(3.0)), report=True)
    assert not report
    head, first, second = str(report).splitlines()
    assert head.split()[:5] == ["name", "verdict", "entry", "output", "expected"]
    assert first.split()[:3] == ["input", "0", "right"]
    assert second.split()[:3] == ["input", "1", "wrong"]
    assert report.to_html().count("<tr") == 3
    assert "<td>wrong</td>" in report.to_html()


class Unsteady(tg.autograd.Function):
    """A backward pass that differs from call to call."""

    calls = 0

    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        Unsteady.calls += 1
        return g * (2 + 1e-9 * Unsteady.calls)


@pytest.mark.parametrize("options", [{}, {"eps": 1e-6}])
def test_a_backward_that_differs_from_call_to_call_fails(options):
    with pytest.raises(tg.GradcheckError, match="not deterministic: two backward passes differ by 1e-09"):
        tg.gradcheck(Unsteady.apply, at(1.0), **options)
    assert tg.gradcheck(Unsteady.apply, at(1.0), nondet_tol=1e-6, eps=1e-6)


@pytest.mark.parametrize("options", [{}, {"eps": 1e-6}, {"fast_mode": True}])
def test_pytorchs_gradcheck_reports_the_kink_and_accepts_zeros(options):
    with pytest.raises(tg.autograd.GradcheckError, match="kink"):
        tg.autograd.gradcheck(tg.relu, at(1.0, 0.0), **options)
    assert tg.autograd.gradcheck(lambda x: x.floor(), at(0.5, 1.5), **options)
    assert tg.autograd.gradgradcheck(lambda x: x**3, at(0.5, 1.5), **options)
    assert issubclass(tg.autograd.GradcheckError, RuntimeError)


def test_the_further_checks_of_pytorchs_signature():
    everything = dict.fromkeys(
        ("check_undefined_grad", "check_grad_dtypes", "check_batched_grad", "check_batched_forward_grad",
         "check_forward_ad", "check_backward_ad"), True
    )  # fmt: skip
    assert tg.gradcheck(lambda x, y: (x * y, (x @ y).exp()), (at(0.5, 1.5), at(0.25, -1.0)), masked=False, **everything)
    assert tg.gradgradcheck(
        lambda x: x**3, at(0.5, 1.5), gen_non_contig_grad_outputs=True, check_fwd_over_rev=True, check_batched_grad=True
    )

    class Offset(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return tg.where(g == 0, tg.ones_like(g), g * 2)

    with pytest.raises(tg.GradcheckError, match="input 0: backward not multiplied by grad_output"):
        tg.gradcheck(Offset.apply, at(0.5, 1.5))
    assert tg.gradcheck(Offset.apply, at(0.5, 1.5), check_undefined_grad=False)


def test_closures_over_parameters_are_checked_where_they_lie():
    layer = nn.Linear(3, 2, dtype=tg.float64)
    before = layer.weight.detach().numpy().copy()
    assert tg.gradcheck(lambda x, *p: layer(x), (point(4, 3), *layer.parameters()))
    np.testing.assert_array_equal(layer.weight.detach().numpy(), before)
    slip = Scale(lambda x: x * 2)
    slip.weight = nn.Parameter(tg.ones(3, dtype=tg.float64))
    slip.register_forward_hook(lambda module, args, out: out + 0.5 * (module.weight - module.weight.detach()))
    with pytest.raises(tg.GradcheckError, match=r"input 1 at index \(\d,\)"):
        tg.gradcheck(lambda x, *p: slip(x), (point(4, 3), *slip.parameters()))


class Nested(nn.Module):
    """Outputs in a dict, a keyword input, a running mean that is replaced, and a wrong rule on demand."""

    def __init__(self, slip: float = 0.0):
        super().__init__()
        self.scale, self.slip = nn.Parameter(tg.ones(3)), slip
        self.register_buffer("mean", tg.zeros(3))

    def forward(self, x, *, shift):
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x.detach().mean(0)
        y = (x - self.mean) * self.scale + self.slip * (self.scale - self.scale.detach())
        return {"y": y, "more": (y.tanh(), [x * shift])}


def test_a_module_is_checked_with_its_parameters_in_both_modes():
    x, shift = tg.randn(4, 3), tg.tensor([2.0], requires_grad=True)
    report = tg.gradcheck(Nested(), x, keywords={"shift": shift}, report=True)
    assert report
    assert [(f.mode, f.name) for f in report] == [(m, n) for m in ("train", "eval") for n in ("shift", "scale")]
    wrong = Nested(0.1)
    with pytest.raises(tg.GradcheckError, match=r"Nested in train mode: gradcheck: scale at index") as caught:
        tg.gradcheck(wrong, x, keywords={"shift": shift})
    assert [(f.mode, f.name, f.verdict) for f in caught.value.findings] == [
        ("train", "scale", "wrong"), ("eval", "scale", "wrong"),
    ]  # fmt: skip
    assert wrong.mean.abs().sum() == 0


def test_grad_takes_pytorchs_arguments_in_pytorchs_order():
    x = at(1.0, 2.0)
    y = x * x
    with pytest.warns(FutureWarning, match="only_inputs=False has no effect"):
        tg.autograd.grad(y.sum(), x, None, True, False, False)
    assert tg.autograd.grad(y.sum(), [x, at(1.0)], None, True, False, True, True)[1] is None
    vectors = tg.tensor([[1.0, 0.0], [0.0, 3.0]], dtype=tg.float64)
    (rows,) = tg.autograd.grad(y, x, vectors, is_grads_batched=True)
    np.testing.assert_array_equal(rows.numpy(), [[2, 0], [0, 12]])
    with pytest.raises(RuntimeError, match="with is_grads_batched each of grad_outputs must be a Tensor"):
        tg.autograd.grad(x * x, x, None, is_grads_batched=True)


def test_is_view_follows_the_memory_of_recorded_views():
    y = at(1.0, 2.0) * 2
    assert [t._is_view() for t in (y[:1], y.view(2, 1), y.unbind(0)[0], tg.ones(2)[0])] == [True] * 4
    assert [t._is_view() for t in (y, y.clone(), y.detach(), y[[0]])] == [False] * 4


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


def test_results_at_the_point_are_computed_once_for_all_directions():
    calls = []

    def counted(*xs):
        calls.append(1)
        return sum(tg.sin(x) for x in xs)

    inputs = [tg.tensor([0.5, 1.0], dtype=tg.float64, requires_grad=True) for _ in range(3)]
    options = {"check_undefined_grad": False, "check_grad_dtypes": False}
    assert tg.gradcheck(counted, inputs, eps=1e-6, fast_mode=True, **options)
    assert len(calls) == 2 + 1 + 3 * 4 * 2  # the same twice; at the point; ahead and behind in four directions of each

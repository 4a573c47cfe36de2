"""L-BFGS: its parts against what defines them, its path against PyTorch's, its state, and what it refuses."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import optim
from tinygrad_lite.optim.quasi_newton.lbfgs import two_loop
from tinygrad_lite.optim.quasi_newton.line_search import C1, C2, Trial, cubic_minimum, strong_wolfe

START = np.linspace(-1.5, 1.3, 10)


def rosenbrock(x):
    return ((1 - x[:-1]) ** 2 + 100 * (x[1:] - x[:-1] ** 2) ** 2).sum()


def closure_of(loss, optimizer):
    def closure():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    return closure


def on_rosenbrock(library, start=START, **arguments):
    """A parameter on Rosenbrock's function, its optimizer, and the closure."""
    x = library.tensor(start, requires_grad=True)
    optimizer = (optim if library is tg else library.optim).LBFGS([x], **arguments)
    return [x], optimizer, closure_of(lambda: rosenbrock(x), optimizer)


def on_regression(library, dtype=np.float64, **arguments):
    """Two parameters of a linear model with a saturating end; one that takes no part."""
    rng = np.random.default_rng(0)
    data, target = (rng.standard_normal(shape).astype(dtype) for shape in ((30, 4), (30, 3)))
    values = [np.zeros((4, 3), dtype), np.zeros(3, dtype), np.ones(2, dtype)]
    w, b, idle = params = [library.tensor(v, requires_grad=True) for v in values]
    optimizer = (optim if library is tg else library.optim).LBFGS(params, **arguments)
    data, target = library.tensor(data), library.tensor(target)
    return params, optimizer, closure_of(lambda: (((data @ w + b).tanh() - target) ** 2).mean(), optimizer)


def values(params) -> list[np.ndarray]:
    return [p.detach().numpy().copy() for p in params]


# The parts


def test_the_two_loops_multiply_by_the_inverse_hessian_of_bfgs():
    """Nocedal and Wright, equations 6.17 and 7.16, with matrices."""
    rng = np.random.default_rng(0)
    n, gamma = 6, 0.3
    s = [rng.standard_normal(n) for _ in range(4)]
    y = [each + 0.1 * rng.standard_normal(n) for each in s]
    rho = [1 / (a @ b) for a, b in zip(s, y)]
    h = gamma * np.eye(n)
    for si, yi, ri in zip(s, y, rho):
        v = np.eye(n) - ri * np.outer(yi, si)
        h = v.T @ h @ v + ri * np.outer(si, si)
    g = rng.standard_normal(n)
    before = g.copy()
    np.testing.assert_allclose(two_loop(g, s, y, rho, gamma), -h @ g, rtol=1e-12)
    np.testing.assert_array_equal(g, before)


def test_the_cubic_has_its_minimum_where_the_formula_says():
    cubic = np.polynomial.Polynomial([1.0, -2.0, -1.0, 0.7])
    slope, none = cubic.deriv(), np.zeros(0)
    a, b = (Trial(t, cubic(t), none, slope(t)) for t in (0.2, 3.0))
    expected = max(slope.roots())
    assert cubic_minimum(a, b, 0.2, 3.0) == pytest.approx(expected, rel=1e-12)
    assert cubic_minimum(b, a, 0.2, 3.0) == cubic_minimum(a, b, 0.2, 3.0)
    assert cubic_minimum(a, b, 0.2, 0.5) == 0.5
    falling = Trial(0.0, 1.0, none, -1.0), Trial(1.0, 0.0, none, -1.0)
    assert cubic_minimum(*falling, 0.0, 4.0) == 2.0  # a line: no minimum, so the middle
    assert cubic_minimum(Trial(0.0, 1.0, none, -1.0), Trial(1.0, math.inf, none, math.nan), 0.0, 1.0) == 0.5


PHIS = {
    "quadratic": (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
    "far": (lambda t: (t - 300) ** 2, lambda t: 2 * (t - 300)),
    "near": (lambda t: (t - 0.003) ** 2, lambda t: 2 * (t - 0.003)),
    "quartic": (lambda t: t**4 / 4 - t**3 - t, lambda t: t**3 - 3 * t * t - 1),
    "bumpy": (lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2),  # Moré and Thuente, 5.1
    "logarithmic": (
        lambda t: 5 * t - math.log(t + 0.01) if t > -0.01 else math.nan,
        lambda t: 5 - 1 / (t + 0.01) if t > -0.01 else math.nan,
    ),
    "overflowing": (
        lambda t: (t - 1) ** 2 if t < 2 else math.inf,
        lambda t: 2 * (t - 1) if t < 2 else math.nan,
    ),
}


@pytest.mark.parametrize("first", [1e-3, 1.0, 50.0])
@pytest.mark.parametrize("name", PHIS)
def test_the_line_search_satisfies_the_strong_wolfe_conditions(name, first):
    f, slope = PHIS[name]
    calls = []

    def phi(t: float) -> Trial:
        calls.append(t)
        return Trial(t, f(t), np.zeros(0), slope(t))

    start = Trial(0.0, f(0), np.zeros(0), slope(0))
    found, evals = strong_wolfe(phi, start, first, 50, 1e-12)
    assert found.f <= start.f + C1 * found.t * start.slope
    assert abs(found.slope) <= C2 * abs(start.slope)
    assert evals == len(calls) <= 51


@pytest.mark.parametrize("limit", range(6))
def test_the_line_search_keeps_to_its_limit_and_never_climbs(limit):
    f, slope = PHIS["far"]
    calls = []

    def phi(t: float) -> Trial:
        calls.append(t)
        return Trial(t, f(t), np.zeros(0), slope(t))

    found, evals = strong_wolfe(phi, Trial(0.0, f(0), np.zeros(0), slope(0)), 2000.0, limit, 1e-12)
    assert evals == len(calls) <= limit + 1
    assert found.f <= f(0)


# The whole


def test_it_finds_the_minimum():
    (x,), lbfgs, closure = on_rosenbrock(tg, line_search_fn="strong_wolfe", max_iter=200)
    assert lbfgs.step(closure).item() > 100
    np.testing.assert_allclose(x.detach().numpy(), np.ones(10), atol=1e-6)
    assert lbfgs.state[x]["n_iter"] < 100


def test_without_a_line_search_it_minimizes_a_quadratic():
    curvature = np.logspace(-1, 1, 8)
    x = tg.tensor(np.ones(8), requires_grad=True)
    lbfgs = optim.LBFGS([x], max_iter=60, tolerance_change=0.0)
    lbfgs.step(closure_of(lambda: (tg.tensor(curvature) * x * x).sum(), lbfgs))
    np.testing.assert_allclose(x.detach().numpy(), np.zeros(8), atol=1e-6)
    assert lbfgs.state[x]["n_iter"] < 60


def test_the_line_search_returns_from_where_the_loss_overflows():
    x = tg.tensor([3.0], dtype=tg.float64, requires_grad=True)
    lbfgs = optim.LBFGS([x], lr=1e6, line_search_fn="strong_wolfe", max_iter=60, max_eval=900)
    lbfgs.step(closure_of(lambda: (x.exp() + (-x).exp()).sum(), lbfgs))
    np.testing.assert_allclose(x.detach().numpy(), [0.0], atol=1e-6)


def test_maximize_climbs():
    (x,), up, closure = on_rosenbrock(tg, line_search_fn="strong_wolfe", maximize=True)
    (y,), down, other = on_rosenbrock(tg, line_search_fn="strong_wolfe")

    def negated():
        up.zero_grad()
        loss = -rosenbrock(x)
        loss.backward()
        return loss

    for _ in range(3):
        up.step(negated)
        down.step(other)
        np.testing.assert_array_equal(x.detach().numpy(), y.detach().numpy())


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_float32_stays_float32(search):
    params, lbfgs, closure = on_regression(tg, np.float32, line_search_fn=search, max_iter=5)
    lbfgs.step(closure)
    assert all(p.dtype == np.float32 for p in params)
    state = lbfgs.state[params[0]]
    vectors = [state["d"], state["prev_flat_grad"], *state["old_dirs"], *state["old_stps"]]
    assert len(vectors) == 10
    assert all(v.dtype == np.float32 and v.shape == (17,) for v in vectors)


def test_what_has_no_gradient_stays_and_layouts_do_not_matter():
    w = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    weight, idle = tg.tensor(w, requires_grad=True), tg.tensor([5.0], requires_grad=True)
    weight.data = np.repeat(w, 2, axis=1)[:, ::2]
    lbfgs = optim.LBFGS([weight, idle], lr=0.5)
    target = np.array([[3.0, 1.0, 4.0], [1.0, 5.0, 9.0]])
    lbfgs.step(closure_of(lambda: ((weight - tg.tensor(target)) ** 2).sum(), lbfgs))
    np.testing.assert_allclose(weight.detach().numpy(), target, atol=1e-4)
    assert idle.item() == 5.0


def test_writes_are_announced():
    x = tg.tensor([3.0, 4.0], requires_grad=True)
    lbfgs = optim.LBFGS([x])
    waiting = (x * x).sum()
    lbfgs.step(closure_of(lambda: (x * x).sum(), lbfgs))
    with pytest.raises(RuntimeError, match="LBFGS"):
        waiting.backward()


def test_dicts_of_arrays_take_the_path_of_single_iterations():
    (x,), lbfgs, closure = on_rosenbrock(tg, lr=1e-3, max_iter=1)
    by_name, params = optim.LBFGS(lr=1e-3), {"a": START[:4].copy(), "b": START[4:].copy()}
    for _ in range(8):
        point = tg.tensor(np.concatenate([params["a"], params["b"]]), requires_grad=True)
        rosenbrock(point).backward()
        by_name.update(params, {"a": point.grad[:4], "b": point.grad[4:]})
        lbfgs.step(closure)
    np.testing.assert_array_equal(np.concatenate([params["a"], params["b"]]), x.detach().numpy())
    resumed, copied = optim.LBFGS(), {k: v.copy() for k, v in params.items()}
    resumed.load_state_dict(by_name.state_dict())
    for optimizer, where in ((by_name, params), (resumed, copied)):
        optimizer.update(where, {"a": np.ones(4), "b": np.ones(6)})
    np.testing.assert_array_equal(params["b"], copied["b"])
    with pytest.raises(ValueError, match="LBFGS.update: a line search needs the loss"):
        optim.LBFGS(line_search_fn="strong_wolfe").update({"x": 1.0}, {"x": 1.0})


# State


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_a_state_dict_continues_bit_for_bit(search):
    arguments = {"lr": 0.1, "line_search_fn": search, "history_size": 3, "max_iter": 5}
    params, lbfgs, closure = on_regression(tg, **arguments)
    for _ in range(2):
        lbfgs.step(closure)
    saved, here = pickle.loads(pickle.dumps(lbfgs.state_dict())), values(params)
    again, resumed, other = on_regression(tg)
    for p, v in zip(again, here):
        with tg.no_grad():
            p.copy_(tg.tensor(v))
    resumed.load_state_dict(saved)
    for _ in range(2):
        lbfgs.step(closure)
        resumed.step(other)
    for a, b in zip(values(params), values(again)):
        np.testing.assert_array_equal(a, b)
    assert lbfgs.state[params[0]]["n_iter"] == resumed.state[again[0]]["n_iter"] > 10
    assert len(lbfgs.state[params[0]]["old_dirs"]) == 3


def test_a_state_dict_does_not_change_when_steps_follow():
    params, lbfgs, closure = on_regression(tg, max_iter=3)
    lbfgs.step(closure)
    saved = lbfgs.state_dict()
    before = copy.deepcopy(saved)
    lbfgs.step(closure)
    assert len(saved["state"][0]["old_dirs"]) == len(before["state"][0]["old_dirs"]) == 1
    np.testing.assert_array_equal(saved["state"][0]["d"], before["state"][0]["d"])


def test_copies_are_independent():
    params, lbfgs, closure = on_regression(tg, max_iter=3)
    lbfgs.step(closure)
    copied = copy.deepcopy(lbfgs)
    lbfgs.step(closure)
    (state,) = copied.state.values()
    assert state["n_iter"] == 2
    assert next(iter(lbfgs.state.values()))["n_iter"] > 2
    assert next(iter(copied.state)) is copied.param_groups[0]["params"][0]


def test_states_that_do_not_fit_are_refused():
    params, lbfgs, closure = on_regression(tg, max_iter=3)
    lbfgs.step(closure)
    saved = lbfgs.state_dict()
    other = optim.LBFGS([tg.tensor([1.0], requires_grad=True)])
    with pytest.raises(ValueError, match=r"LBFGS: .* in the state must have shape \(1,\), got \(17,\)"):
        other.load_state_dict(saved)
    assert not other.state
    state = dict(saved["state"][0])
    del state["ro"]
    with pytest.raises(ValueError, match="LBFGS: the state lacks 'ro'"):
        lbfgs.load_state_dict({**saved, "state": {0: state}})
    with pytest.raises(ValueError, match="LBFGS: the state has 'exp_avg', which LBFGS does not know"):
        lbfgs.load_state_dict({**saved, "state": {0: {**state, "exp_avg": 1}}})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr": -1.0}, "lr must be at least 0, got -1.0"),
        ({"max_iter": 0}, "max_iter must be at least 1, got 0"),
        ({"max_eval": 0}, "max_eval must be at least 1, got 0"),
        ({"history_size": 0}, "history_size must be at least 1, got 0"),
        ({"tolerance_grad": float("nan")}, "tolerance_grad must be"),
        ({"tolerance_change": float("nan")}, "tolerance_change must be"),
        ({"line_search_fn": "armijo"}, "line_search_fn must be None or 'strong_wolfe', got 'armijo'"),
        ({"max_grad_norm": 1.0}, "max_grad_norm is for optimizers"),
        ({"max_grad_value": 1.0}, "max_grad_value is for optimizers"),
        ({"on_nonfinite": "skip"}, "on_nonfinite is for optimizers"),
        ({"ema": 0.9}, "ema is for optimizers"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=f"^LBFGS: {message}"):
        optim.LBFGS([tg.tensor([1.0], requires_grad=True)], **arguments)


def test_one_group_and_a_closure():
    p, q = tg.tensor([1.0], requires_grad=True), tg.tensor([1.0], requires_grad=True)
    with pytest.raises(ValueError, match="LBFGS: all parameters must be in one group"):
        optim.LBFGS([{"params": p}, {"params": q}])
    with pytest.raises(TypeError, match="LBFGS.step: needs a closure"):
        optim.LBFGS([p]).step()
    assert optim.LBFGS([p], max_iter=8).max_eval == 10
    with pytest.raises(ValueError, match=r"LBFGS: a parameter of shape \(2,\) is int64, not floating point"):
        optim.LBFGS([tg.tensor([1, 2])]).step(lambda: 0.0)


# PyTorch's

VARIANTS = [
    {"line_search_fn": "strong_wolfe"},
    {"lr": 1e-3},
    {"lr": 0.3, "history_size": 3, "max_iter": 7, "line_search_fn": "strong_wolfe"},
    {"lr": 1e-3, "history_size": 2, "max_iter": 7},
    {"max_iter": 5, "max_eval": 4, "line_search_fn": "strong_wolfe"},
    {"max_iter": 1, "max_eval": 1, "line_search_fn": "strong_wolfe"},
    {"tolerance_grad": 1e-2, "line_search_fn": "strong_wolfe"},
    {"tolerance_change": 1e-3, "line_search_fn": "strong_wolfe"},
]
PROBLEMS = {"rosenbrock": on_rosenbrock, "regression": on_regression}


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="compares with PyTorch: pip install 'tinygrad_lite[oracle]'")


def count(optimizer) -> tuple[int, int]:
    (state,) = optimizer.state.values()
    return state["func_evals"], state["n_iter"]


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("arguments", VARIANTS, ids=str)
def test_the_path_is_pytorchs(problem, arguments, torch):
    ours, a, closure = PROBLEMS[problem](tg, **arguments)
    theirs, b, other = PROBLEMS[problem](torch, **arguments)
    for _ in range(8):
        x, y = a.step(closure), b.step(other)
        assert x.item() == pytest.approx(y.item(), rel=1e-9, abs=1e-9)
        assert count(a) == count(b)
        for p, q in zip(values(ours), values(theirs)):
            np.testing.assert_allclose(p, q, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("arguments", VARIANTS[:4], ids=str)
def test_a_run_started_there_continues_here_and_back(arguments, torch):
    theirs, b, other = on_regression(torch, **arguments)
    b.step(other)
    ours, a, closure = on_regression(tg)
    for p, q in zip(ours, theirs):
        with tg.no_grad():
            p.copy_(tg.tensor(q.detach().numpy().copy()))
    a.load_state_dict(b.state_dict())
    assert a.line_search_fn == arguments.get("line_search_fn")
    for _ in range(2):
        a.step(closure)
        b.step(other)
    back, c, third = on_regression(torch)
    for p, q in zip(ours, back):
        q.data.copy_(torch.tensor(p.detach().numpy()))
    c.load_state_dict(a.state_dict(convert=torch.tensor))
    for _ in range(2):
        a.step(closure)
        b.step(other)
        c.step(third)
    assert count(a) == count(b) == count(c)
    for p, q, r in zip(values(ours), values(theirs), values(back)):
        np.testing.assert_allclose(p, q, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(p, r, rtol=1e-9, atol=1e-9)


def test_the_state_dict_has_pytorchs_layout(torch):
    _, a, closure = on_regression(tg, max_iter=4)
    _, b, other = on_regression(torch, max_iter=4)
    a.step(closure)
    b.step(other)
    mine, its = a.state_dict(), b.state_dict()
    assert {k: mine["param_groups"][0][k] for k in its["param_groups"][0]} == its["param_groups"][0]
    assert mine["state"].keys() == its["state"].keys() == {0}
    assert mine["state"][0].keys() == its["state"][0].keys() - {"al"}
    for key, value in mine["state"][0].items():
        for x, y in zip(*(v if isinstance(v, list) else [v] for v in (value, its["state"][0][key])), strict=True):
            np.testing.assert_allclose(x, np.asarray(y), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("line_search_fn", [None, "strong_wolfe"])
@pytest.mark.parametrize("tolerance", [-1, -float("inf")])
@pytest.mark.parametrize("start", [[3.0, -2.0], [1.0, 1.0]])  # the second is the minimum
def test_negative_tolerances_never_stop(start, tolerance, line_search_fn):
    x = tg.tensor(start, dtype=tg.float64, requires_grad=True)
    options = {"tolerance_grad": tolerance, "tolerance_change": tolerance, "line_search_fn": line_search_fn}
    lbfgs = optim.LBFGS([x], max_iter=30, **options)

    def closure():
        lbfgs.zero_grad()
        loss = ((x - 1) ** 2 * tg.tensor([1.0, 10.0], dtype=tg.float64)).sum()
        loss.backward()
        return loss

    for _ in range(2):
        lbfgs.step(closure)
    assert lbfgs.state[x]["n_iter"] == 60
    assert x.tolist() == [1.0, 1.0]

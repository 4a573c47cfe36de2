"""Lookahead and SAM: against their papers in plain NumPy, and as the optimizers that they stand for."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from makers import assert_same, normal

import tinygrad_lite as tg
from tinygrad_lite import kernels, optim
from tinygrad_lite.optim import lr_scheduler

SHAPES = [(3, 4), (5,), ()]
WRAPPERS = [optim.Lookahead, optim.SAM]


def parameters(dtype=np.float64) -> list[tg.Tensor]:
    return [tg.tensor(normal(i, shape, dtype), requires_grad=True) for i, shape in enumerate(SHAPES)]


def gradient(x, i: int):
    """Of a sum of quartic bowls, each parameter its own."""
    c = normal(50 + i, x.shape, x.dtype)
    return np.asarray((x - c) ** 3 + 0.1 * x, x.dtype)


def closure_of(params, optimizer):
    def closure():
        optimizer.zero_grad()
        loss = None
        for i, p in enumerate(params):
            c = tg.tensor(normal(50 + i, p.shape, p.dtype))
            term = ((p - c) ** 4 / 4).sum() + (0.05 * p * p).sum()
            loss = term if loss is None else loss + term
        loss.backward()
        return loss

    return closure


def train(optimizer, params, steps: int) -> list[np.ndarray]:
    closure = closure_of(params, optimizer)
    for _ in range(steps):
        optimizer.step(closure)
    return [p.detach().numpy().copy() for p in params]


# Against the papers


@pytest.mark.parametrize("steps", [4, 5, 17])
@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_lookahead_is_algorithm_1(alpha, steps):
    """Zhang et al. 2019, with momentum inside, whose velocity is kept."""
    params = parameters()
    found = train(optim.Lookahead(optim.SGD(params, lr=0.01, momentum=0.9), k=5, alpha=alpha), params, steps)
    for i, theta in enumerate(p.detach().numpy().copy() for p in parameters()):
        phi, v = theta, np.zeros_like(theta)
        for t in range(1, steps + 1):
            v = 0.9 * v + gradient(theta, i)
            theta = theta - 0.01 * v
            if t % 5 == 0:
                phi = phi + alpha * (theta - phi)
                theta = phi
        np.testing.assert_allclose(found[i], theta, rtol=1e-11)


@pytest.mark.parametrize("adaptive", [False, True])
def test_sam_is_algorithm_1(adaptive):
    """Foret et al. 2021, equation 2; Kwon et al. 2021, equation 5, with T = |w|."""
    params, rho, lr = parameters(), 0.2, 0.02
    found = train(optim.SAM(optim.SGD(params, lr=lr, weight_decay=0.1), rho=rho, adaptive=adaptive), params, 8)
    w = [p.detach().numpy().copy() for p in parameters()]
    for _ in range(8):
        g = [gradient(x, i) for i, x in enumerate(w)]
        t = [np.abs(x) if adaptive else 1.0 for x in w]
        norm = np.sqrt(sum(((a * b) ** 2).sum() for a, b in zip(t, g)))
        e = [rho * a * a * b / norm for a, b in zip(t, g)]
        w = [x - lr * (gradient(x + d, i) + 0.1 * x) for i, (x, d) in enumerate(zip(w, e))]
    for a, b in zip(found, w):
        np.testing.assert_allclose(a, b, rtol=1e-10)


def test_sam_leaves_a_sharp_minimum():
    """A narrow valley at 2 in the slope of a wide one around -1: gradient descent stays in it."""

    def end(make) -> float:
        x = tg.tensor([2.05], dtype=tg.float64, requires_grad=True)
        optimizer = make(optim.SGD([x], lr=0.01))

        def closure():
            optimizer.zero_grad()
            loss = (0.1 * (x + 1) ** 2 - 0.6 * (-(((x - 2) / 0.1) ** 2)).exp()).sum()
            loss.backward()
            return loss

        for _ in range(500):
            optimizer.step(closure)
        return x.item()

    assert abs(end(lambda sgd: sgd) - 2) < 0.1
    assert end(lambda sgd: optim.SAM(sgd, rho=0.5)) < 1.6


def test_sam_climbs_to_the_lowest_point_nearby_when_it_maximizes():
    up, down = tg.tensor([3.0], requires_grad=True), tg.tensor([3.0], requires_grad=True)
    ascent, descent = optim.SAM(optim.SGD([up], lr=0.1, maximize=True), 0.5), optim.SAM(optim.SGD([down], lr=0.1), 0.5)
    for _ in range(3):
        for optimizer, x, sign in ((ascent, up, -1.0), (descent, down, 1.0)):

            def closure(optimizer=optimizer, x=x, sign=sign):
                optimizer.zero_grad()
                loss = (sign * x * x).sum()
                loss.backward()
                return loss

            optimizer.step(closure)
    assert up.item() == down.item() < 3


def test_sam_by_hand():
    params, others = parameters(), parameters()
    whole, halves = optim.SAM(optim.Adam(params, lr=0.1)), optim.SAM(optim.Adam(others, lr=0.1))
    train(whole, params, 3)
    closure = closure_of(others, halves)
    for _ in range(3):
        closure()
        halves.first_step(zero_grad=True)
        assert all(p.grad is None for p in others)
        closure()
        halves.second_step(zero_grad=True)
        assert all(p.grad is None for p in others)
    assert_same([p.detach().numpy() for p in params], [p.detach().numpy() for p in others])


def test_sam_returns_when_the_closure_fails():
    params = parameters()
    before = [p.detach().numpy().copy() for p in params]
    sam, calls = optim.SAM(optim.SGD(params, lr=0.1)), []
    good = closure_of(params, sam)

    def closure():
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return good()

    with pytest.raises(KeyboardInterrupt):
        sam.step(closure)
    assert_same([p.detach().numpy() for p in params], before)
    train(sam, params, 1)


def test_sam_without_gradients_does_nothing():
    params = parameters()
    before = [p.detach().numpy().copy() for p in params]
    sam = optim.SAM(optim.SGD(params, lr=0.1))
    sam.first_step()
    sam.second_step()
    for p in params:
        p.grad = tg.tensor(np.zeros(p.shape))
    sam.first_step()  # no direction is the worst
    sam.second_step()
    assert_same([p.detach().numpy() for p in params], before)


def test_the_order_of_sams_halves_is_checked():
    params = parameters()
    sam = optim.SAM(optim.SGD(params, lr=0.1))
    with pytest.raises(RuntimeError, match="SAM.second_step: first_step"):
        sam.second_step()
    closure_of(params, sam)()
    sam.first_step()
    with pytest.raises(RuntimeError, match="SAM.first_step: called twice"):
        sam.first_step()
    with pytest.raises(TypeError, match="SAM.step: needs a closure"):
        sam.step()
    with pytest.raises(TypeError, match="SAM.update: needs gradients at two points"):
        optim.SAM(optim.SGD(lr=0.1)).update({"x": 1.0}, {"x": 1.0})


# As any optimizer


@pytest.mark.parametrize("cls", WRAPPERS)
def test_they_are_optimizers_and_ask_the_one_inside(cls):
    params = parameters()
    adam = optim.Adam(params[:2], lr=0.1, betas=(0.8, 0.9))
    wrapper = cls(adam)
    assert isinstance(wrapper, optim.Optimizer)
    assert wrapper.param_groups is adam.param_groups
    assert wrapper.defaults is adam.defaults
    assert (wrapper.lr, wrapper.betas, wrapper.maximize, wrapper.grad_scale) == (0.1, (0.8, 0.9), False, 1.0)
    wrapper.lr = 0.5
    assert adam.lr == adam.param_groups[0]["lr"] == 0.5
    with pytest.raises(ValueError, match="Adam: lr must be at least 0"):
        wrapper.lr = -1.0
    wrapper.grad_scale = 2.0
    assert adam.grad_scale == 2.0
    wrapper.add_param_group({"params": params[2], "lr": 0.01})
    assert [len(g["params"]) for g in adam.param_groups] == [2, 1]
    train(wrapper, params, 2)
    assert wrapper.state.keys() == adam.state.keys() == set(params)
    wrapper.zero_grad()
    assert all(p.grad is None for p in params)
    assert repr(wrapper).startswith(cls.__name__ + " (")
    assert "Adam (" in repr(wrapper)
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = wrapper.no_such_thing


@pytest.mark.parametrize("cls", WRAPPERS)
def test_schedulers_and_hooks_work_through_them(cls):
    params = parameters()
    wrapper, calls = cls(optim.SGD(params, lr=0.1)), []
    schedule = lr_scheduler.StepLR(wrapper, step_size=2, gamma=0.5)
    handle = wrapper.register_step_post_hook(lambda *_: calls.append(wrapper.lr))
    for _ in range(4):
        train(wrapper, params, 1)
        schedule.step()
    assert calls == [0.1, 0.1, 0.05, 0.05]
    handle.remove()
    train(wrapper, params, 1)
    assert len(calls) == 4


@pytest.mark.parametrize("cls", WRAPPERS)
@pytest.mark.parametrize("inner", [optim.SGD, optim.Adam])
def test_a_state_dict_continues_bit_for_bit(cls, inner):
    params = parameters()
    wrapper = cls(inner(params, lr=0.01), **({"k": 3, "alpha": 0.7} if cls is optim.Lookahead else {"rho": 0.3}))
    here = train(wrapper, params, 4)
    saved = pickle.loads(pickle.dumps(wrapper.state_dict()))
    again = [tg.tensor(v, requires_grad=True) for v in here]
    resumed = cls(inner(again, lr=1.0))
    resumed.load_state_dict(saved)
    assert resumed.lr == 0.01
    assert_same(train(wrapper, params, 7), train(resumed, again, 7))
    alone = inner([tg.tensor(v, requires_grad=True) for v in here])
    alone.load_state_dict(saved)  # the optimizer's own part is as without a wrapper
    with pytest.raises(ValueError, match=f"{cls.__name__}: the state dict lacks '{cls.__name__}'"):
        resumed.load_state_dict(alone.state_dict())


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("cls", WRAPPERS)
def test_copies_continue_bit_for_bit(cls, copier):
    params = parameters()
    wrapper = cls(optim.Adam(params, lr=0.1))
    train(wrapper, params, 3)
    copied = copier(wrapper)
    copies = copied.param_groups[0]["params"]
    assert not any(p is q for p, q in zip(params, copies))
    assert_same(train(wrapper, params, 4), train(copied, copies, 4))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("cls", WRAPPERS)
def test_float32_stays_float32(cls, backend):
    with kernels.use(backend):
        params = parameters(np.float32)
        wrapper = cls(optim.SGD(params, lr=0.01))
        assert all(p.dtype == np.float32 for p in train(wrapper, params, 6))
    if cls is optim.Lookahead:
        assert all(slow.dtype == np.float32 for slow in wrapper.slow.values())


@pytest.mark.parametrize("cls", WRAPPERS)
def test_writes_are_announced(cls):
    x = tg.tensor([3.0], requires_grad=True)
    wrapper = cls(optim.SGD([x], lr=0.0), **({"k": 1} if cls is optim.Lookahead else {}))
    waiting = (x * x).sum()
    x.grad = tg.tensor([1.0])
    (wrapper.step if cls is optim.Lookahead else wrapper.first_step)()
    with pytest.raises(RuntimeError, match=cls.__name__):
        waiting.backward()


def test_one_around_another():
    params, others = parameters(), parameters()
    both = optim.Lookahead(optim.SAM(optim.SGD(params, lr=0.01), rho=0.1), k=2)
    sam = optim.SAM(optim.SGD(others, lr=0.01), rho=0.1)
    assert both.rho == 0.1
    assert_same(train(both, params, 1), train(sam, others, 1))
    start = [p.detach().numpy() for p in parameters()]
    for a, b, s in zip(train(both, params, 1), train(sam, others, 1), start):
        np.testing.assert_allclose(a, s + 0.5 * (b - s), rtol=1e-14)
    saved = both.state_dict()
    assert {"Lookahead", "SAM", "state", "param_groups"} == saved.keys()
    optim.Lookahead(optim.SAM(optim.SGD(parameters()))).load_state_dict(saved)


def test_lookahead_around_lbfgs():
    params = parameters()
    optimizer = optim.Lookahead(optim.LBFGS(params, line_search_fn="strong_wolfe", max_iter=4), k=2, alpha=0.9)
    first = closure_of(params, optimizer)().item()
    train(optimizer, params, 10)
    assert closure_of(params, optimizer)().item() < first / 10


def test_lookahead_on_dicts_takes_the_path_of_tensors():
    params = parameters()
    by_step, by_update = (optim.Lookahead(o, k=2) for o in (optim.Adam(params, lr=0.1), optim.Adam(lr=0.1)))
    named = {i: p.detach().numpy().copy() for i, p in enumerate(params)}
    named["number"] = 1.0
    for _ in range(5):
        by_update.update(named, {k: gradient(v, k) if k != "number" else 1.0 for k, v in named.items()})
        closure_of(params, by_step)()
        for i, p in enumerate(params):
            p.grad = tg.tensor(gradient(p.detach().numpy(), i))
        by_step.step()
    assert_same([p.detach().numpy() for p in params], [named[i] for i in range(3)])
    assert isinstance(named["number"], float)
    resumed, copied = optim.Lookahead(optim.Adam()), copy.deepcopy(named)
    resumed.load_state_dict(by_update.state_dict())
    for optimizer, where in ((by_update, named), (resumed, copied)):
        optimizer.update(where, {k: np.ones_like(v) if k != "number" else 1.0 for k, v in where.items()})
    assert_same([np.asarray(v) for v in named.values()], [np.asarray(v) for v in copied.values()])


def test_lookahead_finds_its_weights_by_name():
    def made(order):
        params = dict(zip("abc", parameters()))
        return params, optim.Lookahead(optim.SGD([(n, params[n]) for n in order], lr=0.01), k=2)

    params, wrapper = made("abc")
    train(wrapper, list(params.values()), 3)
    others, resumed = made("cab")
    resumed.load_state_dict(wrapper.state_dict())
    for name in "abc":
        np.testing.assert_array_equal(resumed.slow[others[name]], wrapper.slow[params[name]])


def test_parameters_that_join_later_begin_where_they_are():
    p, q = tg.tensor([1.0], requires_grad=True), tg.tensor([5.0], requires_grad=True)
    wrapper = optim.Lookahead(optim.SGD([p], lr=1.0), k=2, alpha=0.5)
    p.grad = tg.tensor([1.0])
    wrapper.step()
    wrapper.add_param_group({"params": q})
    q.grad = tg.tensor([1.0])
    wrapper.step()
    assert (p.item(), q.item()) == (0.0, 4.5)


def test_lookahead_refuses_weights_of_other_shapes():
    params = parameters()
    wrapper = optim.Lookahead(optim.SGD(params, lr=0.01))
    train(wrapper, params, 2)
    saved = wrapper.state_dict()
    saved["Lookahead"]["slow"][1] = np.ones(3)
    before = [v.copy() for v in wrapper.slow.values()]
    with pytest.raises(ValueError, match=r"Lookahead: the slow weights of 1 must have shape \(5,\), got \(3,\)"):
        wrapper.load_state_dict(saved)
    assert_same(wrapper.slow.values(), before)


@pytest.mark.parametrize(
    ("cls", "arguments", "message"),
    [
        (optim.Lookahead, {"k": 0}, "k must be an integer of at least 1, got 0"),
        (optim.Lookahead, {"k": 2.5}, "k must be an integer of at least 1, got 2.5"),
        (optim.Lookahead, {"alpha": 0.0}, r"alpha must be in \(0, 1\], got 0.0"),
        (optim.Lookahead, {"alpha": 1.5}, r"alpha must be in \(0, 1\], got 1.5"),
        (optim.SAM, {"rho": -0.1}, "rho must be at least 0, got -0.1"),
    ],
)
def test_bad_arguments_are_refused(cls, arguments, message):
    with pytest.raises(ValueError, match=f"^{cls.__name__}: {message}"):
        cls(optim.SGD(parameters()), **arguments)


@pytest.mark.parametrize("cls", WRAPPERS)
def test_what_cannot_be_wrapped_is_refused(cls):
    with pytest.raises(TypeError, match=f"{cls.__name__}: optimizer must be an Optimizer, got list"):
        cls(parameters())
    with pytest.raises(ValueError, match=f"{cls.__name__}: an optimizer with differentiable=True"):
        cls(optim.SGD(parameters(), differentiable=True))

"""What every optimizer can do besides its rule: clipping, running means, schedules, names, recorded steps, hooks."""

from __future__ import annotations

import json
import pickle
import warnings

import numpy as np
import pytest
from optimizers_table import OPTIMIZERS

import tinygrad_lite as tg
from tinygrad_lite import kernels, nn, optim
from tinygrad_lite.optim import schedules
from tinygrad_lite.optim.step.bind.loop_codegen import fuse, unchanged
from tinygrad_lite.optim.step.bind.prologue_epilogue import SWITCHES
from tinygrad_lite.optim.step.plan import parameter_batch as cohort
from tinygrad_lite.optim.step.run import gradient_norm as inspection

BACKENDS = ["numpy", "numba"]


def parameters(dtype=np.float64, seed=0, shapes=((7,), (3, 5), (), (0, 4))) -> list[tg.Tensor]:
    rng = np.random.default_rng(seed)
    return [tg.tensor(np.array(rng.standard_normal(s), dtype), requires_grad=True) for s in shapes]


def set_gradients(params, t, scale=1.0) -> None:
    rng = np.random.default_rng(100 + t)
    for p in params:
        p.grad = tg.tensor(np.asarray(scale * rng.standard_normal(p.shape), p.dtype))


def values(params) -> list[np.ndarray]:
    return [p.detach().numpy().copy() for p in params]


# --- clipping -------------------------------------------------------------------------------------------------------


ELEMENTWISE = [row.cls for row in OPTIMIZERS if row.cls.elementwise]


@pytest.mark.each("backend", BACKENDS)
@pytest.mark.parametrize("cls", ELEMENTWISE, ids=lambda c: c.__name__)
def test_clipping_inside_the_step_is_clipping_before_it(cls, backend):
    with kernels.use(backend):
        inside, before = parameters(), parameters()
        a = cls([{"params": inside[:2]}, {"params": inside[2:]}], max_grad_norm=1.5)
        b = cls([{"params": before[:2]}, {"params": before[2:]}])
        for t in range(4):
            for params in (inside, before):
                set_gradients(params, t, 10.0 if t % 2 else 0.01)
            kept = [p.grad.numpy().copy() for p in inside]
            nn.utils.clip_grad_norm_(before, 1.5)
            a.step()
            b.step()
            for p, g in zip(inside, kept):
                np.testing.assert_array_equal(p.grad.numpy(), g)  # the gradients stay as they are
        for x, y in zip(values(inside), values(before)):
            np.testing.assert_allclose(x, y, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_clipping_by_value(backend):
    p = tg.tensor([1.0, 1.0, 1.0, 1.0], requires_grad=True)
    p.grad = tg.tensor([0.1, 7.0, -9.0, float("nan")])
    with kernels.use(backend):
        optim.SGD([p], lr=1.0, max_grad_value=0.5).step()
    np.testing.assert_array_equal(p.detach().numpy(), np.array([0.9, 0.5, 1.5, np.nan], np.float32))


def test_clipping_goes_with_a_gradient_scale():
    inside, before = parameters(), parameters()
    a, b = optim.SGD(inside, lr=0.1, max_grad_norm=1.0), optim.SGD(before, lr=0.1)
    a.grad_scale = 1 / 256
    set_gradients(inside, 0, 256.0)
    set_gradients(before, 0)
    nn.utils.clip_grad_norm_(before, 1.0)
    a.step()
    b.step()
    for x, y in zip(values(inside), values(before)):
        np.testing.assert_allclose(x, y, rtol=1e-12)


@pytest.mark.parametrize("shared", [False, True])
def test_the_norm_of_large_models(shared, monkeypatch):
    """More elements than a piece, shared between threads or not; float32 sums must not lose small gradients."""
    monkeypatch.setattr(cohort, "SHARED", 0 if shared else cohort.SHARED)
    p, q = parameters(np.float32, shapes=((300_001,), (77, 11)))
    p.grad, q.grad = tg.full((300_001,), 1e-3), tg.full((77, 11), 2.0)
    norm = np.sqrt(300_001 * 1e-6 + 847 * 4.0)
    before = values([p, q])
    optim.SGD([p, q], lr=1.0, max_grad_norm=1.0).step()
    np.testing.assert_allclose(before[1] - q.detach().numpy(), 2.0 / norm, rtol=1e-4)
    np.testing.assert_allclose(before[0] - p.detach().numpy(), 1e-3 / norm, rtol=0.1)


@pytest.mark.parametrize("shared", [False, True])
def test_sums_over_tensors_of_any_sizes(shared, monkeypatch):
    """Empty ones, single elements, several in a piece and several pieces."""
    monkeypatch.setattr(cohort, "SHARED", 0 if shared else cohort.SHARED)
    rng, piece = np.random.default_rng(0), cohort.SHORTEST
    fused = fuse("squares", unchanged, (), tuple((name, False) for name in SWITCHES), inspection.squared)
    for _ in range(40):
        sizes = [1, *rng.choice([0, 0, 1, 5, 100, piece - 1, piece, 40_000, 70_000], rng.integers(0, 9))]
        arrays = [rng.standard_normal(n).astype(np.float32) for n in rng.permutation(sizes)]
        with kernels.use("numba"):
            found = cohort.Cohort(list(range(len(arrays))), arrays, [], fused, 0, {}).sums(arrays)
        expected = [np.sum(np.square(a, dtype=np.float64)) for a in arrays]
        np.testing.assert_allclose(found[:, 0], expected, rtol=1e-6)


@pytest.mark.parametrize("size", [0, 1, 1 << 15, (1 << 15) + 1, 300_000, 11_689_512, 124_439_808])
def test_pieces_cover_all_elements_long_ones_first(size):
    bounds = cohort.bounds(size)
    lengths = np.diff(bounds)
    assert (bounds[0], bounds[-1]) == (0, size)
    assert (lengths > 0).all()
    assert (np.diff(lengths) <= 0).all()
    assert lengths.max(initial=1) <= cohort.LONGEST


def test_gradients_whose_squares_overflow():
    p = tg.tensor(np.zeros(2), requires_grad=True)
    p.grad = tg.tensor(np.array([3e200, 4e200]))
    for action in (None, "raise", "skip"):
        p.data = tg.tensor(np.zeros(2))
        p.grad = tg.tensor(np.array([3e140, 4e140]))
        optim.SGD([p], lr=1.0, max_grad_norm=1.0, on_nonfinite=action).step()
        np.testing.assert_allclose(p.detach().numpy(), [-0.6, -0.8], rtol=1e-9)


def test_complex_gradients_whose_squares_overflow():
    p = tg.tensor(np.zeros(2, "c16"), requires_grad=True)
    p.grad = tg.tensor(np.array([3e160, 4e160j]))
    optim.SGD([p], lr=1e10, max_grad_norm=1.0).step()  # the norm counts as 1e150 at most
    np.testing.assert_allclose(p.detach().numpy(), [-3e20, -4e20j], rtol=1e-9)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("backend", BACKENDS)
def test_gradients_that_are_not_finite(backend, bad):
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    params = list(model.parameters())
    with kernels.use(backend):
        raising = optim.Adam(model.named_parameters(), on_nonfinite="raise")
        skipping = optim.Adam(params, on_nonfinite="skip")
        set_gradients(params, 0)
        params[2].grad[0, 1] = bad
        before = values(params)
        with pytest.raises(FloatingPointError, match=r"Adam: the gradient of '1\.weight' is not finite; nothing was"):
            raising.step()
        skipping.step()
        for a, b in zip(values(params), before):
            np.testing.assert_array_equal(a, b)
        for found in (*raising.state.values(), *skipping.state.values()):
            assert found["step"] == 0
            assert not found["exp_avg"].any()
        assert skipping.skipped == 1
        set_gradients(params, 1)
        skipping.step()
        raising.step()
    assert all((a != b).any() for a, b in zip(values(params), before))
    assert skipping.skipped == 1
    assert {s["step"] for s in skipping.state.values()} == {1}


def test_bad_arguments_of_the_stages():
    p = parameters()
    for arguments, message in [
        ({"max_grad_norm": 0.0}, "max_grad_norm must be greater than 0, got 0.0"),
        ({"max_grad_value": -1.0}, "max_grad_value must be greater than 0, got -1.0"),
        ({"on_nonfinite": "ignore"}, 'on_nonfinite must be "raise", "skip" or None, got \'ignore\''),
        ({"ema": 1.0}, r"ema must be in \[0, 1\), got 1.0"),
    ]:
        with pytest.raises(ValueError, match=f"SGD: {message}"):
            optim.SGD(p, **arguments)
    with pytest.raises(ValueError, match="SGD: max_grad_norm is about all groups together"):
        optim.SGD([{"params": p, "max_grad_norm": 1.0}])


# --- running means --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("cls", [optim.SGD, optim.Adam, optim.LAMB])
def test_the_running_mean_of_the_weights(cls, backend):
    shapes = ((7, 2), (3, 5))
    params, alone = parameters(shapes=shapes), parameters(shapes=shapes)
    means = values(params)
    with kernels.use(backend):
        optimizer, plain = cls(params, ema=0.75), cls(alone)
        for t in range(5):
            set_gradients(params, t)
            set_gradients(alone, t)
            optimizer.step()
            plain.step()
            means = [0.75 * e + 0.25 * p for e, p in zip(means, values(params))]
    for p, q in zip(values(params), values(alone)):
        np.testing.assert_allclose(p, q, rtol=1e-13)
    now = values(params)
    with optimizer.averaged():
        for p, e in zip(values(params), means):
            np.testing.assert_allclose(p, e, rtol=1e-12)
    for a, b in zip(values(params), now):
        np.testing.assert_array_equal(a, b)


def test_running_means_are_saved():
    params = parameters()
    a = optim.Adam(params, ema=0.9)
    set_gradients(params, 0)
    a.step()
    b = optim.Adam(parameters(seed=1))
    b.load_state_dict(a.state_dict())
    assert b.param_groups[0]["ema"] == 0.9
    for s, r in zip(a.state.values(), b.state.values()):
        np.testing.assert_array_equal(s["ema"], r["ema"])
    with pytest.raises(ValueError, match=r"SGD\.averaged: no running mean is kept"), optim.SGD(params).averaged():
        pass


# --- schedules ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_any_hyperparameter_may_be_a_schedule(backend):
    lr, decay = schedules.cosine(0.1, 0.0, 10), schedules.linear(0.1, 0.0, 5)
    with kernels.use(backend):
        scheduled, by_hand = parameters(), parameters()
        a = optim.AdamW(scheduled, lr=lr, weight_decay=decay, betas=(lambda step: 0.5 + 0.04 * step, 0.99))
        b = optim.AdamW(by_hand, betas=(0.5, 0.99))
        for t in range(8):
            b.param_groups[0].update(lr=lr(t), weight_decay=decay(t), betas=(0.5 + 0.04 * t, 0.99))
            for params, optimizer in ((scheduled, a), (by_hand, b)):
                set_gradients(params, t)
                optimizer.step()
    for x, y in zip(values(scheduled), values(by_hand)):
        np.testing.assert_array_equal(x, y)


def test_schedules_are_saved_and_resumed():
    def make(params):
        return optim.SGD(params, lr=schedules.warmup_cosine(0.1, 3, 12), momentum=0.9)

    params = parameters(shapes=((7,), (3, 5)))
    optimizer = make(params)
    for t in range(5):
        set_gradients(params, t)
        optimizer.step()
    saved = optimizer.state_dict(convert=lambda a: a.tolist())
    saved, at = json.loads(json.dumps(saved)), values(params)
    saved["state"] = {int(k): v for k, v in saved["state"].items()}
    again = [tg.tensor(a, requires_grad=True) for a in at]
    resumed = optim.SGD(again)
    resumed.load_state_dict(saved)
    assert resumed.param_groups[0]["lr"] == schedules.warmup_cosine(0.1, 3, 12)
    for t in range(5, 9):
        for p, o in ((params, optimizer), (again, resumed)):
            set_gradients(p, t)
            o.step()
    for a, b in zip(values(params), values(again)):
        np.testing.assert_array_equal(a, b)


def test_functions_of_the_users_stay_with_the_user():
    params = parameters()
    a = optim.SGD(params, lr=lambda step: 0.1 / (1 + step))
    set_gradients(params, 0)
    a.step()
    saved = a.state_dict()
    assert "lr" not in saved["param_groups"][0]
    b = optim.SGD(params, lr=lambda step: 0.5 / (1 + step))
    b.load_state_dict(saved)
    before = params[2].item()
    set_gradients(params, 1)
    b.step()
    assert before - params[2].item() == pytest.approx(0.25 * params[2].grad.item())
    with pytest.raises(ValueError, match="SGD: lr must be at least 0, got -1.0"):
        optim.SGD(params, lr=lambda step: -1.0)
    with pytest.raises(TypeError, match="SGD: lr must be a number or a function of the step"):
        optim.SGD(params, lr=lambda: 0.1)


def test_a_schedule_in_the_teaching_texts_face():
    params = {"x": 1.0}
    sgd = optim.SGD(lambda step: 1.0 / (1 + step))
    for expected in (0.0, -0.5, -0.5 - 1 / 3):
        sgd.update(params, {"x": 1.0})
        assert params["x"] == pytest.approx(expected)


# --- names ----------------------------------------------------------------------------------------------------------


def model() -> nn.Module:
    tg.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))


def trained(net, optimizer, steps, start=0) -> list[np.ndarray]:
    for t in range(start, start + steps):
        set_gradients(list(net.parameters()), t)
        optimizer.step()
    return values(net.parameters())


def test_decay_groups():
    net = model()
    net[0].weight.requires_grad_(False)
    optimizer = optim.AdamW(optim.decay_groups(net, 0.1))
    assert [(g["param_names"], g["weight_decay"]) for g in optimizer.param_groups] == [
        (["2.weight"], 0.1),
        (["0.bias", "1.weight", "1.bias", "2.bias"], 0.0),
    ]
    with pytest.raises(TypeError, match="decay_groups: needs a module, or"):
        optim.decay_groups(net.parameters(), 0.1)


def test_groups_by_name():
    groups = optim.groups_by_name(model(), {"0.*": {"lr": 0.5}, "*.bias": {"weight_decay": 0.0}})
    found = optim.SGD(groups, lr=0.1, weight_decay=0.01).param_groups
    assert [(g["param_names"], g["lr"], g["weight_decay"]) for g in found] == [
        (["0.weight", "0.bias"], 0.5, 0.01),
        (["1.bias", "2.bias"], 0.1, 0.0),
        (["1.weight", "2.weight"], 0.1, 0.01),
    ]
    with pytest.raises(ValueError, match=r"no parameter's name matches 'encoder\.\*'"):
        optim.groups_by_name(model(), {"encoder.*": {}})


@pytest.mark.parametrize("by_name", [False, True])
def test_states_find_their_parameters_by_name(by_name):
    net, other = model(), model()
    a = optim.Adam(net.named_parameters())
    trained(net, a, 3)
    saved = a.state_dict(by_name=by_name)
    if by_name:
        assert set(saved["state"]) == {name for name, _ in net.named_parameters()}
    other.load_state_dict(net.state_dict())
    b = optim.Adam(reversed(list(other.named_parameters())))  # another order
    b.load_state_dict(saved)
    for x, y in zip(trained(net, a, 2, 3), trained(other, b, 2, 3)):
        np.testing.assert_array_equal(x, y)


def test_strict_and_partial_loading():
    net = model()
    a = optim.Adam(net.named_parameters())
    trained(net, a, 2)
    saved = a.state_dict()
    head = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    b = optim.Adam([*head.named_parameters(), ("new.weight", tg.ones(2, requires_grad=True))])
    with pytest.raises(ValueError, match=r"missing \['new\.weight'\], unexpected \['2\.weight', '2\.bias'\]"):
        b.load_state_dict(saved)
    assert not b.state
    b.load_state_dict(saved, strict=False)
    assert len(b.state) == 4
    np.testing.assert_array_equal(b.state[head[0].weight]["exp_avg"], a.state[net[0].weight]["exp_avg"])
    with pytest.raises(ValueError, match=r"Adam\.state_dict: by_name needs parameters given as"):
        optim.Adam(net.parameters()).state_dict(by_name=True)


# --- recorded steps -------------------------------------------------------------------------------------------------


DIFFERENTIABLE = [
    row.cls
    for row in OPTIMIZERS
    if row.cls.update_array is optim.Optimizer.update_array
    and row.cls.gathered is optim.Optimizer.gathered
    and not row.cls.__name__.startswith("ScheduleFree")
]


def loss_after(cls, lr, start, steps=3, **arguments):
    """A loss after some steps, as a function of the learning rate and of where they start."""
    w = start.clone()
    optimizer = cls([w], lr=lr, differentiable=True, **arguments)
    curvature = tg.tensor(np.array([0.5, 2.0, 1.0]))
    for _ in range(steps):
        loss = (curvature * w * w).sum() + (w**3).sum() / 3
        (w.grad,) = tg.autograd.grad(loss, [w], create_graph=True)
        optimizer.step()
    return (curvature * w * w).sum()


@pytest.mark.each("cls", [c for c in DIFFERENTIABLE if "lr" in c._rule.fields], ids=lambda c: c.__name__)
def test_a_loss_after_some_steps_has_a_derivative_by_the_learning_rate(cls):
    lr = tg.tensor(np.array(0.02), requires_grad=True)
    start = tg.tensor(np.array([1.0, -0.7, 0.4]), requires_grad=True)
    assert tg.gradcheck(
        lambda lr, start: loss_after(cls, lr, start), [lr, start], rtol=1e-4, atol=1e-6, allow_zero=True
    )


def test_the_derivative_by_the_learning_rate_of_gradient_descent():
    """After k steps on w^2 / 2 the loss is (1 - lr)^2k w^2 / 2."""
    lr, w0 = tg.tensor(0.1, dtype=tg.float64, requires_grad=True), tg.tensor([3.0], dtype=tg.float64)
    w = w0.clone().requires_grad_()
    sgd = optim.SGD([w], lr=lr, differentiable=True)
    for _ in range(4):
        w.grad = None
        (0.5 * w * w).sum().backward(create_graph=True, inputs=[w])
        sgd.step()
    (0.5 * w * w).sum().backward()
    assert lr.grad.item() == pytest.approx(-8 * 0.9**7 * 4.5)


@pytest.mark.each("cls", [c for c in DIFFERENTIABLE if c.takes_complex], ids=lambda c: c.__name__)
def test_recorded_steps_of_complex_parameters_are_steps(cls):
    rng = np.random.default_rng(0)
    first, *slopes = rng.standard_normal((5, 3, 4)) + 1j * rng.standard_normal((5, 3, 4))
    plain, recorded = (tg.tensor(first, requires_grad=True) for _ in range(2))
    a, b = cls([plain], ema=0.5), cls([recorded], differentiable=True, ema=0.5)
    for g in slopes:
        plain.grad, recorded.grad = tg.tensor(g), tg.tensor(g)
        a.step()
        b.step()
    np.testing.assert_allclose(recorded.detach().numpy(), plain.detach().numpy(), rtol=1e-11, atol=1e-12)
    its = b.state_dict()["state"][0]
    for key, value in a.state_dict()["state"][0].items():
        np.testing.assert_allclose(its[key], value, rtol=1e-11, atol=1e-12)


@pytest.mark.each("cls", DIFFERENTIABLE, ids=lambda c: c.__name__)
def test_recorded_steps_are_steps(cls):
    plain, recorded = parameters(shapes=((7,), (3, 5))), parameters(shapes=((7,), (3, 5)))
    a, b = cls(plain, ema=0.5), cls(recorded, differentiable=True, ema=0.5)
    arrays = values(recorded)
    held = [p._data for p in recorded]
    for t in range(4):
        set_gradients(plain, t)
        set_gradients(recorded, t)
        a.step()
        b.step()
    for x, y in zip(values(plain), values(recorded)):
        np.testing.assert_allclose(x, y, rtol=1e-11, atol=1e-12)
    for x, y in zip(held, arrays):
        np.testing.assert_array_equal(x, y)  # what older graphs hold is not written to
    saved, its = a.state_dict(), b.state_dict()
    for i, found in saved["state"].items():
        for key, value in found.items():
            np.testing.assert_allclose(its["state"][i][key], value, rtol=1e-11, atol=1e-12)


def test_what_cannot_be_recorded_says_so():
    p = parameters()
    with pytest.raises(ValueError, match="Prodigy: differentiable=True is not supported"):
        optim.Prodigy(p, differentiable=True)
    set_gradients(p, 0)
    with pytest.raises(ValueError, match="SGD: max_grad_norm and on_nonfinite are not differentiable"):
        optim.SGD(p, differentiable=True, max_grad_norm=1.0).step()


# --- hooks ----------------------------------------------------------------------------------------------------------


def test_hooks_are_called_in_their_places():
    calls, params = [], parameters()
    sgd = optim.SGD(params, lr=0.1)
    handles = [
        sgd.register_step_pre_hook(lambda o, args, kwargs: calls.append("before")),
        sgd.register_step_post_hook(lambda o, args, kwargs: calls.append("after")),
        sgd.register_state_dict_pre_hook(lambda o: calls.append("saving")),
        sgd.register_state_dict_post_hook(lambda o, d: {**d, "mine": 1}),
        sgd.register_load_state_dict_pre_hook(lambda o, d: {k: v for k, v in d.items() if k != "mine"}),
        sgd.register_load_state_dict_post_hook(lambda o: calls.append("loaded")),
    ]
    set_gradients(params, 0)
    assert sgd.step(lambda: calls.append("closure") or 3.0) == 3.0
    saved = sgd.state_dict()
    assert saved["mine"] == 1
    sgd.load_state_dict(saved)
    assert calls == ["before", "closure", "after", "saving", "loaded"]
    assert not any(pickle.loads(pickle.dumps(sgd))._hooks.values())
    for handle in handles:
        handle.remove()
    sgd.step()
    assert "mine" not in sgd.state_dict()
    assert len(calls) == 5


# --- the engine is told ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_only_what_was_written_is_stale(backend):
    """All parameters of a step share one mark; those that had no gradient, and others' memory, do not."""
    with kernels.use(backend):
        p, q, r = parameters(shapes=((3,), (3,), (3,)))
        sgd, other = optim.SGD([p, q], lr=0.1), optim.SGD([p, r], lr=0.1)
        for optimizer in (sgd, other):  # both know p
            for t in (p, q, r):
                t.grad = tg.ones(3, dtype=tg.float64)
            optimizer.step()
        losses = {name: (t * t).sum() for name, t in (("p", p), ("q", q), ("r", r))}
        for t in (p, q, r):
            t.grad = tg.ones(3, dtype=tg.float64)
        other.step()
        losses["q"].backward()
        for name in ("p", "r"):
            with pytest.raises(RuntimeError, match="SGD"):
                losses[name].backward()
        loss = (q * q).sum()
        q.grad = None
        p.grad = tg.ones(3, dtype=tg.float64)
        sgd.step()  # without q: another plan
        loss.backward()
        del sgd, other
        loss = (p * p).sum()
        with tg.no_grad():
            p.add_(1.0)
        with pytest.raises(RuntimeError, match="add_"):
            loss.backward()


def test_warnings_are_not_needed():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        p = parameters()
        set_gradients(p, 0)
        optim.Adam(p, max_grad_norm=1.0, on_nonfinite="raise", ema=0.9, max_grad_value=1.0).step()

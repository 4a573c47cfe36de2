"""What single optimizers promise beyond the checks that all rows of OPTIMIZERS pass."""

from __future__ import annotations

import ast
import inspect
import pickle

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import optim

SCHEDULE_FREE = pytest.mark.parametrize("cls", [optim.ScheduleFreeSGD, optim.ScheduleFreeAdamW])


def leaf(*values: float) -> tg.Tensor:
    return tg.tensor(np.array(values), requires_grad=True)


def descend(optimizer: optim.Optimizer, params: list[tg.Tensor], steps: int) -> None:
    """Steps down ``sum of p^2``."""
    for _ in range(steps):
        for p in params:
            p.grad = tg.tensor(2 * p.detach().numpy())
        optimizer.step()


# ScheduleFree


@SCHEDULE_FREE
def test_eval_goes_to_the_mean_and_train_comes_back(cls):
    p = leaf(1.0, -2.0)
    optimizer = cls([p], lr=0.1)
    descend(optimizer, [p], 5)
    y, z = p.detach().numpy().copy(), optimizer.state[p]["z"].copy()
    optimizer.eval()
    np.testing.assert_allclose(0.9 * p.detach().numpy() + 0.1 * z, y, rtol=1e-14)
    x = p.detach().numpy().copy()
    optimizer.eval()  # it is there already
    np.testing.assert_array_equal(p.detach().numpy(), x)
    optimizer.train()
    np.testing.assert_allclose(p.detach().numpy(), y, rtol=1e-14)


@SCHEDULE_FREE
def test_no_step_in_eval_mode(cls):
    p, params = leaf(1.0), {"x": 1.0}
    by_step, by_update = cls([p]), cls()
    for optimizer, switch in ((by_step, []), (by_update, [params])):
        optimizer.eval(*switch)
        p.grad = tg.tensor([1.0], dtype=tg.float64)
        with pytest.raises(RuntimeError, match=f"^{cls.__name__}: in eval mode, .* call train"):
            optimizer.update(params, {"x": 1.0}) if switch else optimizer.step()
        optimizer.train(*switch)
    by_step.step()
    by_update.update(params, {"x": 1.0})
    assert p.item() < 1.0
    assert params["x"] < 1.0


@SCHEDULE_FREE
def test_a_graph_from_before_the_switch_is_refused(cls):
    p = leaf(1.0, 2.0)
    optimizer = cls([p], lr=0.1)
    descend(optimizer, [p], 2)
    loss = (p * p).sum()
    optimizer.eval()
    with pytest.raises(RuntimeError, match=f"{cls.__name__}.eval"):
        loss.backward()


@SCHEDULE_FREE
def test_a_state_saved_in_eval_mode_continues(cls):
    p = leaf(1.0, 2.0)
    optimizer = cls([p], lr=0.1, warmup_steps=3)
    descend(optimizer, [p], 4)
    optimizer.eval()
    saved, again = pickle.loads(pickle.dumps(optimizer.state_dict())), p.detach().clone().requires_grad_()
    resumed = cls([again])
    resumed.load_state_dict(saved)
    with pytest.raises(RuntimeError, match="in eval mode"):
        resumed.step()
    for each, q in ((optimizer, p), (resumed, again)):
        each.train()
        descend(each, [q], 3)
    np.testing.assert_array_equal(p.detach().numpy(), again.detach().numpy())


@SCHEDULE_FREE
def test_dicts_are_switched_too(cls):
    params = {"number": 1.0, "scalar": np.float32(2.0), "array": np.array([1.0, 3.0]), "tensor": tg.tensor([1.0])}
    optimizer = cls(lr=0.1)
    for _ in range(3):
        optimizer.update(params, dict.fromkeys(params, 1.0))
    array, before = params["array"], {k: np.array(getattr(v, "_data", v)) for k, v in params.items()}
    with pytest.raises(TypeError, match="hand over the dict"):
        optimizer.eval()
    optimizer.eval(params)
    assert type(params["number"]) is float
    assert type(params["scalar"]) is np.float32
    assert params["array"] is array
    for k, v in params.items():
        assert (np.abs(np.array(getattr(v, "_data", v)) - before[k]) > 1e-6).all()
    optimizer.train(params)
    for k, v in params.items():
        np.testing.assert_allclose(np.array(getattr(v, "_data", v)), before[k], rtol=1e-6)


@SCHEDULE_FREE
def test_a_recorded_step_is_not_switched(cls):
    with pytest.raises(RuntimeError, match=r"\.eval: not with differentiable=True"):
        cls([leaf(1.0)], differentiable=True).eval()


# Prodigy


def test_prodigy_has_one_estimate_for_all_groups():
    p, q = leaf(1.0, 2.0), leaf(-3.0)
    r, s = leaf(1.0, 2.0), leaf(-3.0)
    a, b = optim.Prodigy([{"params": [p]}, {"params": [q]}]), optim.Prodigy([r, s])
    for _ in range(30):
        descend(a, [p, q], 1)
        descend(b, [r, s], 1)
    estimates = [group["d"] for group in a.param_groups]
    assert estimates[0] == estimates[1] > 1e-3
    for each, other in ((p, r), (q, s)):
        np.testing.assert_allclose(each.detach().numpy(), other.detach().numpy(), rtol=1e-12)


def test_prodigy_leaves_a_group_without_learning_rate():
    p, frozen = leaf(1.0), leaf(5.0)
    optimizer = optim.Prodigy([{"params": [p]}, {"params": [frozen], "lr": 0.0}], weight_decay=0.1)
    descend(optimizer, [p, frozen], 20)
    assert frozen.item() == 5.0
    assert p.item() < 0.9


def test_prodigy_refuses_learning_rates_that_differ():
    p, q = leaf(1.0), leaf(2.0)
    optimizer = optim.Prodigy([{"params": [p]}, {"params": [q], "lr": 0.5}])
    with pytest.raises(ValueError, match="Prodigy: lr must be the same in all groups, or 0"):
        descend(optimizer, [p, q], 1)
    assert (p.item(), q.item()) == (1.0, 2.0)


def test_prodigy_stays_where_the_gradient_is_zero():
    p = leaf(1.0, -1.0)
    optimizer = optim.Prodigy([p])
    for _ in range(3):
        p.grad = tg.zeros(2, dtype=tg.float64)
        optimizer.step()
    assert p.detach().numpy().tolist() == [1.0, -1.0]
    assert optimizer.param_groups[0]["d"] == 1e-6


# Others


@pytest.mark.parametrize("cls", [optim.LARS, optim.LAMB])
def test_layerwise_steps_follow_the_size_of_the_tensor(cls):
    """A tensor scaled by 1000 takes steps 1000 times as long, whatever its gradient's size."""
    p, large = leaf(1.0, -2.0, 3.0), leaf(1000.0, -2000.0, 3000.0)
    optimizer, eps = cls([p, large], lr=0.1, eps=0.0), 1e-12
    rng = np.random.default_rng(0)
    for _ in range(10):
        g = rng.standard_normal(3)
        p.grad, large.grad = tg.tensor(g), tg.tensor(1e-4 * g)
        optimizer.step()
    np.testing.assert_allclose(large.detach().numpy(), 1000 * p.detach().numpy(), rtol=eps)


@pytest.mark.parametrize("nesterov", [False, True])
def test_lars_that_does_not_adapt_is_gradient_descent(nesterov):
    p, q = leaf(1.0, -2.0), leaf(1.0, -2.0)
    arguments = {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.1, "nesterov": nesterov}
    descend(optim.LARS([p], adapt=False, **arguments), [p], 10)
    descend(optim.SGD([q], **arguments), [q], 10)
    np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-13)


@pytest.mark.parametrize("betas", [(0.0, 0.999, 0.9999), (0.9, 0.999, 0.0)])
def test_ademamix_warms_up_from_and_to_nothing(betas):
    p = leaf(1.0, -2.0)
    optimizer = optim.AdEMAMix([p], lr=0.05, betas=betas, beta3_warmup=5, alpha_warmup=5)
    descend(optimizer, [p], 10)
    assert np.isfinite(p.detach().numpy()).all()
    assert (np.abs(p.detach().numpy()) < [1.0, 2.0]).all()


def test_asgd_keeps_the_mean_of_the_path():
    p = leaf(1.0)
    optimizer, path = optim.ASGD([p], lr=0.1, t0=0, lambd=0.0), []
    for _ in range(20):
        descend(optimizer, [p], 1)
        path.append(p.item())
    assert optimizer.state[p]["ax"] == pytest.approx(np.mean(path[1:]), rel=1e-12)  # PyTorch's begins at the second


def test_lion_is_fifteen_lines():
    (tree,) = ast.parse(inspect.getsource(optim.Lion)).body
    assert isinstance(tree, ast.ClassDef)
    docstring = tree.body[0]
    assert tree.end_lineno - tree.lineno + 1 - (docstring.end_lineno - docstring.lineno + 1) <= 15

"""Optimizers written PyTorch's way, with a `step` of their own: five published ones, and all that surrounds a step."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from published_optimizers import classes

import tinygrad_lite as tg
from tinygrad_lite import optim
from tinygrad_lite.optim import lr_scheduler
from tinygrad_lite.optim.optimizer import required

AdaBound, Yogi, SGDW, NovoGrad, AdaHessian = MINE = classes(tg)
for each in MINE:  # so that they can be pickled
    each.__module__, each.__qualname__ = __name__, each.__name__

ARGUMENTS = {
    "AdaBound": [{"lr": 0.05}, {"lr": 0.1, "final_lr": 0.2, "gamma": 0.1, "amsbound": True}],
    "Yogi": [{"lr": 0.05}, {"lr": 0.05, "weight_decay": 0.1, "betas": (0.8, 0.9)}],
    "SGDW": [{"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1}, {"lr": 0.02, "momentum": 0.5, "nesterov": True}],
    "NovoGrad": [{"lr": 0.05}, {"lr": 0.05, "weight_decay": 0.1, "grad_averaging": True}],
    "AdaHessian": [{"lr": 0.1}, {"lr": 0.1, "hessian_power": 0.5, "betas": (0.8, 0.9)}],
}
CASES = [(i, arguments) for i, cls in enumerate(MINE) for arguments in ARGUMENTS[cls.__name__]]
START = [np.linspace(-1.0, 2.0, 6).reshape(2, 3), np.array([0.5, -1.5])]
C = 1.5


def trained(torch, cls, arguments, steps=12, between=lambda optimizer, t: None):
    """Minimize sum((p - 1)^4 + C p^2), with a second group at half the learning rate, and a scheduler."""
    params = [torch.tensor(start, dtype=torch.float64, requires_grad=True) for start in START]
    optimizer = cls([{"params": params[:1]}, {"params": params[1:], "lr": arguments["lr"] / 2}], **arguments)
    scheduler = (lr_scheduler if torch is tg else torch.optim.lr_scheduler).StepLR(optimizer, step_size=5, gamma=0.5)
    for t in range(steps):
        optimizer.zero_grad()
        loss = sum(((p - 1) ** 4 + C * p**2).sum() for p in params)
        loss.backward(create_graph=cls.__name__ == "AdaHessian")
        optimizer.step()
        scheduler.step()
        for p in params:
            p.grad = None
        between(optimizer, t)
    return [p.detach().numpy() for p in params], optimizer


@pytest.mark.parametrize(("i", "arguments"), CASES, ids=lambda x: x if isinstance(x, int) else None)
@pytest.mark.filterwarnings("ignore:Using backward:UserWarning")
def test_published_optimizers_take_pytorchs_steps(i, arguments):
    torch = pytest.importorskip("torch")
    mine, _ = trained(tg, MINE[i], arguments)
    theirs, _ = trained(torch, classes(torch)[i], arguments)
    for a, b in zip(mine, theirs):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def adabound(p, g, h, s, t, lr, base, final_lr=0.1, gamma=1e-3, amsbound=False):
    s["m"] = 0.9 * s.get("m", 0.0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0.0) + 0.001 * g * g
    s["top"] = np.maximum(s.get("top", 0.0), s["v"])
    scale = np.sqrt(s["top"] if amsbound else s["v"]) + 1e-8
    final = final_lr * lr / base
    low, high = final * (1 - 1 / (gamma * t + 1)), final * (1 + 1 / (gamma * t))
    return p - np.clip(lr * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) / scale, low, high) * s["m"]


def yogi(p, g, h, s, t, lr, base, weight_decay=0.0, betas=(0.9, 0.999)):
    g = g + weight_decay * p
    s["m"] = betas[0] * s.get("m", 1e-6) + (1 - betas[0]) * g
    v = s.get("v", 1e-6)
    s["v"] = v - (1 - betas[1]) * np.sign(v - g * g) * g * g
    return p - lr * s["m"] / (1 - betas[0] ** t) / (np.sqrt(s["v"] / (1 - betas[1] ** t)) + 1e-3)


def sgdw(p, g, h, s, t, lr, base, momentum=0.0, weight_decay=0.0, nesterov=False):
    s["b"] = momentum * s.get("b", 0.0) + g
    return (1 - lr * weight_decay) * p - lr * (g + momentum * s["b"] if nesterov else s["b"])


def novograd(p, g, h, s, t, lr, base, weight_decay=0.0, grad_averaging=False):
    s["v"] = (g * g).sum() if t == 1 else 0.98 * s["v"] + 0.02 * (g * g).sum()
    step = g / (np.sqrt(s["v"]) + 1e-8) + weight_decay * p
    s["m"] = 0.95 * s.get("m", 0.0) + (0.05 if grad_averaging else 1.0) * step
    return p - lr * s["m"]


def adahessian(p, g, h, s, t, lr, base, hessian_power=1.0, betas=(0.9, 0.999)):
    s["m"] = betas[0] * s.get("m", 0.0) + (1 - betas[0]) * g
    s["h"] = betas[1] * s.get("h", 0.0) + (1 - betas[1]) * h * h
    return p - lr * s["m"] / (1 - betas[0] ** t) / ((s["h"] / (1 - betas[1] ** t)) ** (hessian_power / 2) + 1e-4)


RULES = {"AdaBound": adabound, "Yogi": yogi, "SGDW": sgdw, "NovoGrad": novograd, "AdaHessian": adahessian}


@pytest.mark.parametrize(("i", "arguments"), CASES, ids=lambda x: x if isinstance(x, int) else None)
def test_published_optimizers_are_their_papers_rules(i, arguments):
    cls, rule = MINE[i], RULES[MINE[i].__name__]
    mine, optimizer = trained(tg, cls, arguments)
    others = {name: value for name, value in arguments.items() if name != "lr"}
    for start, scale, found in zip(START, (1.0, 0.5), mine):
        p, s, base = start.copy(), {}, arguments["lr"] * scale
        for t in range(1, 13):
            g, h = 4 * (p - 1) ** 3 + 2 * C * p, 12 * (p - 1) ** 2 + 2 * C
            p = rule(p, g, h, s, t, base * 0.5 ** ((t - 1) // 5), base, **others)
        np.testing.assert_allclose(found, p, rtol=1e-12)
    assert optimizer._steps == 12


@pytest.mark.parametrize("cls", MINE, ids=lambda cls: cls.__name__)
def test_a_state_dict_goes_on_where_it_was(cls):
    arguments = ARGUMENTS[cls.__name__][1]
    expected, _ = trained(tg, cls, arguments)
    for reborn in ("loaded", "pickled", "copied"):

        def renew(optimizer, t, how=reborn):
            if t != 4:
                return
            saved = optimizer.state_dict()
            assert [g["params"] for g in saved["param_groups"]] == [[0], [1]]
            assert set(saved["state"]) == {0, 1}
            if how == "loaded":
                kept = copy.deepcopy(saved)
                for state in optimizer.state.values():
                    for value in state.values():
                        if isinstance(value, tg.Tensor):
                            value.fill_(1e6)
                optimizer.load_state_dict(kept)
                assert kept["state"][0].keys() == optimizer.state_dict()["state"][0].keys()
            elif how == "pickled":
                optimizer.load_state_dict(pickle.loads(pickle.dumps(saved)))
            else:
                twin = copy.deepcopy(optimizer)
                assert [g["lr"] for g in twin.param_groups] == [g["lr"] for g in optimizer.param_groups]
                assert twin.state_dict()["state"].keys() == saved["state"].keys()

        found, _ = trained(tg, cls, arguments, between=renew)
        for a, b in zip(found, expected):
            np.testing.assert_array_equal(a, b)


def test_loading_casts_what_is_the_parameters_and_keeps_what_is_not():
    p = tg.ones(2, dtype=tg.float32).requires_grad_()
    mine = AdaBound([p], lr=0.1)
    other = {"step": 3, "exp_avg": tg.tensor([1.0, 2.0], dtype=tg.float64), "names": ["a"], "flags": (True, None)}
    saved = {
        "state": {0: other, "shared": {"k": 1}},
        "param_groups": [{**mine.param_groups[0], "params": [0], "lr": 0.5}],
    }
    del saved["param_groups"][0]["amsbound"]
    mine.load_state_dict(saved)
    state = mine.state[p]
    assert state["exp_avg"].dtype == tg.float32
    assert (state["step"], state["names"], state["flags"]) == (3, ["a"], (True, None))
    assert mine.state["shared"] == {"k": 1}
    assert mine.param_groups[0]["lr"] == 0.5
    assert mine.param_groups[0]["amsbound"] is False  # by __setstate__
    assert mine.param_groups[0]["params"] == [p]
    other["exp_avg"].fill_(7.0)
    np.testing.assert_array_equal(state["exp_avg"].numpy(), [1.0, 2.0])
    with pytest.raises(ValueError, match="AdaBound: the state dict has 2 groups, not 1"):
        mine.load_state_dict({**saved, "param_groups": saved["param_groups"] * 2})


def test_hooks_closures_and_groups():
    p, q = (tg.tensor([3.0], requires_grad=True) for _ in range(2))
    mine, calls = Yogi([("p", p)], lr=0.1), []

    def before(optimizer, args, kwargs):
        calls.append(("pre", len(args), sorted(kwargs)))
        return args, {"closure": closure}

    def closure():
        mine.zero_grad()
        loss = (p * p + q * q).sum()
        loss.backward()
        return loss

    first = mine.register_step_pre_hook(before)
    mine.register_step_post_hook(
        lambda optimizer, args, kwargs: calls.append(("post", optimizer is mine, sorted(kwargs)))
    )
    mine.add_param_group({"params": [("q", q)], "lr": 0.0})
    assert mine.step().item() == 18.0  # the closure is the hook's
    assert calls == [("pre", 0, []), ("post", True, ["closure"])]
    assert q.item() == 3.0
    assert p.item() < 3.0
    first.remove()
    assert mine.step() is None
    assert len(calls) == 3
    assert [group["betas"] for group in mine.param_groups] == [(0.9, 0.999)] * 2
    assert mine.state_dict()["param_groups"][1]["param_names"] == ["q"]
    assert set(mine.state) == {p, q}
    assert "lr: 0.1" in repr(mine)
    with pytest.raises(ValueError, match="Yogi: a parameter of shape .* appears twice"):
        mine.add_param_group({"params": [("p", p)]})
    with pytest.raises(TypeError, match="Yogi: params must be an ordered iterable"):
        Yogi(tg.nn.Linear(2, 2))


class Signed(optim.Optimizer):
    """What has no default must be given, and a step may call another's."""

    def __init__(self, params, lr=required):
        super().__init__(params, {"lr": lr})

    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p.data.add_(p.grad.sign(), alpha=-group["lr"])


class Decayed(Signed):
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p.data.mul_(0.5)
        return super().step(closure)


def test_a_step_may_be_part_of_another():
    p, calls = tg.tensor([4.0], requires_grad=True), []
    p.grad = tg.tensor([2.0])
    decayed = Decayed([p], lr=1.0)
    decayed.register_step_post_hook(lambda *args: calls.append(args))
    decayed.step()
    assert p.item() == 1.0
    assert len(calls) == decayed._steps == 1
    with pytest.raises(ValueError, match="Signed: a group of parameters must have lr, which has no default"):
        Signed([p])
    assert Signed([{"params": p, "lr": 0.5}]).param_groups[0]["lr"] == 0.5
    lookahead = optim.Lookahead(Signed([p], lr=1.0), k=1, alpha=0.5)
    lookahead.step()
    assert p.item() == 0.5


def test_what_such_a_class_must_have():
    p = tg.tensor([4.0], requires_grad=True)

    class Forgetful(optim.Optimizer):
        def __init__(self, params):
            super().__init__(params)

        def step(self, closure=None):
            pass

    with pytest.raises(TypeError, match=r"Forgetful: a class without an update formula; .*super\(\).__init__\("):
        Forgetful([p])
    with pytest.raises(NotImplementedError, match=r"Optimizer.step: must be defined"):
        optim.Optimizer([p], {"lr": 0.1}).step()
    with pytest.raises(TypeError, match="Optimizer: params must be an iterable of Tensors, got None"):
        optim.Optimizer(None, {})
    assert optim.Adam([p]).state[p] == {}  # as PyTorch's, which makes an entry for whoever asks

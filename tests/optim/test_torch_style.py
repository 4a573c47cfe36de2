"""Optimizers as scripts for PyTorch carry them along: one text, here and by PyTorch; with schedulers, hooks, states.

Lion, AdaBelief, a layer-wise SGD in the manner of LARS, SAM with two half steps, and a Lookahead that wraps another
optimizer without calling the base class. `published_optimizers.py` has five that are published.
"""

# ruff: noqa: UP008  # as they are written

from __future__ import annotations

import copy
from collections import defaultdict

import pytest

import tinygrad_lite as tg


def classes(torch):
    """The five, made of a module that is called torch."""
    Optimizer = torch.optim.Optimizer

    class Lion(Optimizer):
        def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
            if not lr >= 0.0:
                raise ValueError("Invalid learning rate: {}".format(lr))  # noqa: UP032
            super(Lion, self).__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))  # noqa: C408

        @torch.no_grad()
        def step(self, closure=None):
            loss = None
            if closure is not None:
                with torch.enable_grad():
                    loss = closure()
            for group in self.param_groups:
                for p in filter(lambda p: p.grad is not None, group["params"]):
                    p.mul_(1.0 - group["lr"] * group["weight_decay"])
                    state = self.state[p]
                    if len(state) == 0:
                        state["exp_avg"] = torch.zeros_like(p)
                    beta1, beta2 = group["betas"]
                    update = state["exp_avg"].clone().mul_(beta1).add(p.grad, alpha=1 - beta1).sign_()
                    p.add_(update, alpha=-group["lr"])
                    state["exp_avg"].mul_(beta2).add_(p.grad, alpha=1 - beta2)
            return loss

    class AdaBelief(Optimizer):
        def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
            super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

        def step(self, closure=None):
            loss = closure() if closure is not None else None
            for group in self.param_groups:
                beta1, beta2 = group["betas"]
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    grad = p.grad.data
                    state = self.state[p]
                    if not state:
                        state["step"] = torch.tensor(0.0)
                        state["exp_avg"] = torch.zeros_like(p.data, memory_format=torch.preserve_format)
                        state["exp_avg_var"] = torch.zeros_like(p.data)
                    m, s = state["exp_avg"], state["exp_avg_var"]
                    state["step"] += 1
                    t = state["step"].item()
                    m.mul_(beta1).add_(grad, alpha=1 - beta1)
                    residual = grad - m
                    s.mul_(beta2).addcmul_(residual, residual, value=1 - beta2).add_(group["eps"])
                    denom = (s / (1 - beta2**t)).sqrt_().add_(group["eps"])
                    p.data.addcdiv_(m, denom, value=-group["lr"] / (1 - beta1**t))
            return loss

    class LayerwiseSGD(Optimizer):
        def __init__(self, params, lr, momentum=0.9, eta=0.01):
            super().__init__(params, dict(lr=lr, momentum=momentum, eta=eta))  # noqa: C408

        @torch.no_grad()
        def step(self):
            for group in self.param_groups:
                for p in group["params"]:
                    dp = p.grad
                    if dp is None:
                        continue
                    if p.ndim > 1:
                        w_norm, g_norm = torch.norm(p), torch.norm(dp)
                        one = torch.ones_like(w_norm)
                        q = torch.where(w_norm > 0.0, torch.where(g_norm > 0, group["eta"] * w_norm / g_norm, one), one)
                        dp = dp.mul(q)
                    param_state = self.state[p]
                    if "mu" not in param_state:
                        param_state["mu"] = torch.zeros_like(p)
                    mu = param_state["mu"]
                    mu.mul_(group["momentum"]).add_(dp)
                    p.add_(mu, alpha=-group["lr"])

    class SAM(Optimizer):
        def __init__(self, params, base_optimizer, rho=0.05, **kwargs):
            defaults = dict(rho=rho, **kwargs)
            super(SAM, self).__init__(params, defaults)
            self.base_optimizer = base_optimizer(self.param_groups, **kwargs)
            self.param_groups = self.base_optimizer.param_groups
            self.defaults.update(self.base_optimizer.defaults)

        @torch.no_grad()
        def first_step(self, zero_grad=False):
            norm = self._grad_norm()
            for group in self.param_groups:
                scale = group["rho"] / (norm + 1e-12)
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    self.state[p]["old_p"] = p.data.clone()
                    p.add_(p.grad * scale.to(p))
            if zero_grad:
                self.zero_grad()

        @torch.no_grad()
        def second_step(self, zero_grad=False):
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        p.data = self.state[p]["old_p"]
            self.base_optimizer.step()
            if zero_grad:
                self.zero_grad()

        @torch.no_grad()
        def step(self, closure=None):
            closure = torch.enable_grad()(closure)
            self.first_step(zero_grad=True)
            closure()
            self.second_step()

        def _grad_norm(self):
            shared = self.param_groups[0]["params"][0].device
            norms = [p.grad.norm(p=2).to(shared) for g in self.param_groups for p in g["params"] if p.grad is not None]
            return torch.norm(torch.stack(norms), p=2)

    class Lookahead(Optimizer):
        def __init__(self, optimizer, k=3, alpha=0.5):
            self.optimizer, self.k, self.alpha = optimizer, k, alpha
            self.param_groups = self.optimizer.param_groups
            self.state = defaultdict(dict)
            self.defaults = self.optimizer.defaults
            for group in self.param_groups:
                group["counter"] = 0

        def update(self, group):
            for fast in group["params"]:
                state = self.state[fast]
                if "slow" not in state:
                    state["slow"] = torch.empty_like(fast.data).copy_(fast.data)
                slow = state["slow"]
                slow += (fast.data - slow) * self.alpha
                fast.data.copy_(slow)

        def step(self, closure=None):
            loss = self.optimizer.step(closure)
            for group in self.param_groups:
                group["counter"] += 1
                if group["counter"] % self.k == 0:
                    self.update(group)
            return loss

    return {
        "Lion": lambda params: Lion(params, lr=0.02, weight_decay=0.1),
        "AdaBelief": lambda params: AdaBelief(params, lr=0.05),
        "LayerwiseSGD": lambda params: LayerwiseSGD(params, lr=0.5),
        "SAM": lambda params: SAM(params, torch.optim.SGD, rho=0.1, lr=0.05, momentum=0.9),
        "Lookahead": lambda params: Lookahead(torch.optim.Adam(params, lr=0.1), k=2),
    }


def trained(torch, name, between=lambda optimizer, t: None):
    """Parameters and losses after ten steps on a line that is to fit points, the rate falling."""
    x = torch.tensor([[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0], [1.0, 1.0]])
    y = torch.tensor([[1.0], [2.0], [-1.0], [0.5]])
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    with torch.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(torch.linspace(-0.9, 0.8 + 0.1 * i, p.numel()).view(p.shape))
    optimizer = classes(torch)[name](model.parameters())
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.5)
    losses = []

    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(x), y)
        loss.backward()
        return loss

    for t in range(10):
        losses.append(closure().item())
        optimizer.step(closure) if name == "SAM" else optimizer.step()
        scheduler.step()
        between(optimizer, t)
    return [p.detach().flatten().tolist() for p in model.parameters()], losses, optimizer.param_groups[0]["lr"]


@pytest.mark.parametrize("name", classes(tg))
def test_they_take_pytorchs_steps(name):
    torch = pytest.importorskip("torch")
    (ours, losses, lr), (theirs, expected, other) = trained(tg, name), trained(torch, name)
    assert lr == other
    assert losses == pytest.approx(expected, rel=2e-5)
    assert ours == [pytest.approx(p, rel=1e-4, abs=1e-6) for p in theirs]


LOSSES = {  # after ten steps, by PyTorch 2.13; and the first rate
    "Lion": (1.114062, 0.02),
    "AdaBelief": (0.466467, 0.05),
    "LayerwiseSGD": (1.057928, 0.5),
    "SAM": (0.325204, 0.05),
    "Lookahead": (0.425232, 0.1),
}


@pytest.mark.parametrize("name", LOSSES)
def test_they_learn_and_are_scheduled(name):
    _, losses, lr = trained(tg, name)
    loss, first = LOSSES[name]
    assert (losses[-1], lr) == (pytest.approx(loss, rel=1e-4), pytest.approx(first / 4))


@pytest.mark.parametrize("name", ["Lion", "AdaBelief", "LayerwiseSGD", "SAM"])
def test_hooks_and_state_dicts_are_those_of_all_optimizers(name):
    calls = []

    def between(optimizer, t):
        if t == 0:
            optimizer.register_step_pre_hook(lambda o, args, kwargs: calls.append(("pre", type(o).__name__)))
            optimizer.register_step_post_hook(lambda o, args, kwargs: calls.append(("post", type(o).__name__)))
            optimizer.register_state_dict_post_hook(lambda o, packed: {**packed, "note": t})
            optimizer.register_load_state_dict_pre_hook(lambda o, d: {k: d[k] for k in ("state", "param_groups")})
        elif t == 5:
            packed = optimizer.state_dict()
            assert packed["note"] == 0
            assert sorted(packed["state"]) == [0, 1, 2, 3]
            packed = copy.deepcopy(packed)
            for group in optimizer.param_groups:
                group["lr"] = 99.0
            optimizer.load_state_dict(packed)

    with_hooks = trained(tg, name, between)
    assert calls == [("pre", name), ("post", name)] * 9
    if name != "SAM":  # its inner optimizer keeps the groups that it was made with, in PyTorch as well
        assert with_hooks == trained(tg, name)


def test_two_instances_share_nothing():
    make = classes(tg)["Lookahead"]
    first, second = (make([tg.nn.Parameter(tg.ones(2))]) for _ in range(2))
    first.state["x"]["slow"] = 1
    assert not second.state
    assert repr(first).startswith("Lookahead (")


def test_groups_that_share_parameters_share_their_numbers():
    x, y = (tg.zeros(2, requires_grad=True) for _ in range(2))
    optimizer = tg.optim.SGD([x, y], lr=0.1)
    optimizer.param_groups.extend(optimizer.param_groups)
    first, second = optimizer.state_dict()["param_groups"]
    assert first["params"] == second["params"] == [0, 1]

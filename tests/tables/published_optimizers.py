"""Five optimizers as their authors publish them for PyTorch: one text, for this library and for PyTorch."""

# ruff: noqa: C408, UP008  # as they are written

from __future__ import annotations

import math


def classes(torch):
    """Return AdaBound, Yogi, SGDW, NovoGrad and AdaHessian, made of a module that is called torch."""
    Optimizer = torch.optim.Optimizer

    class AdaBound(Optimizer):
        """Luo et al., "Adaptive gradient methods with dynamic bound of learning rate", ICLR 2019, with AMSBound."""

        def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), final_lr=0.1, gamma=1e-3, eps=1e-8, amsbound=False):
            if not lr >= 0.0:
                raise ValueError(f"Invalid learning rate: {lr}")
            defaults = dict(lr=lr, betas=betas, final_lr=final_lr, gamma=gamma, eps=eps, amsbound=amsbound)
            super().__init__(params, defaults)
            self.base_lrs = [group["lr"] for group in self.param_groups]

        def __setstate__(self, state):
            super().__setstate__(state)
            for group in self.param_groups:
                group.setdefault("amsbound", False)

        def step(self, closure=None):
            loss = None
            if closure is not None:
                loss = closure()
            for group, base_lr in zip(self.param_groups, self.base_lrs):
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    grad = p.grad.data
                    state = self.state[p]
                    if len(state) == 0:
                        state["step"] = 0
                        state["exp_avg"] = torch.zeros_like(p.data)
                        state["exp_avg_sq"] = torch.zeros_like(p.data)
                        if group["amsbound"]:
                            state["max_exp_avg_sq"] = torch.zeros_like(p.data)
                    exp_avg, exp_avg_sq = state["exp_avg"], state["exp_avg_sq"]
                    beta1, beta2 = group["betas"]
                    state["step"] += 1
                    exp_avg.mul_(beta1).add_(grad, alpha=1 - beta1)
                    exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
                    if group["amsbound"]:
                        state["max_exp_avg_sq"] = torch.max(state["max_exp_avg_sq"], exp_avg_sq)
                        denom = state["max_exp_avg_sq"].sqrt().add_(group["eps"])
                    else:
                        denom = exp_avg_sq.sqrt().add_(group["eps"])
                    bias1, bias2 = 1 - beta1 ** state["step"], 1 - beta2 ** state["step"]
                    step_size = group["lr"] * math.sqrt(bias2) / bias1
                    final_lr = group["final_lr"] * group["lr"] / base_lr
                    lower = final_lr * (1 - 1 / (group["gamma"] * state["step"] + 1))
                    upper = final_lr * (1 + 1 / (group["gamma"] * state["step"]))
                    rate = torch.full_like(denom, step_size)
                    rate.div_(denom).clamp_(lower, upper).mul_(exp_avg)
                    p.data.add_(-rate)
            return loss

    class Yogi(Optimizer):
        """Zaheer et al., "Adaptive methods for nonconvex optimization", NeurIPS 2018, algorithm 2."""

        def __init__(self, params, lr=1e-2, betas=(0.9, 0.999), eps=1e-3, initial_accumulator=1e-6, weight_decay=0):
            defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
            self.initial = initial_accumulator
            super().__init__(params, {**defaults, "initial_accumulator": initial_accumulator})

        @torch.no_grad()
        def step(self, closure=None):
            loss = None
            if closure is not None:
                with torch.enable_grad():
                    loss = closure()
            for group in self.param_groups:
                beta1, beta2 = group["betas"]
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    grad, state = p.grad, self.state[p]
                    if not state:
                        state["step"] = 0
                        for name in ("exp_avg", "exp_avg_sq"):
                            state[name] = torch.empty_like(p).fill_(group["initial_accumulator"])
                    state["step"] += 1
                    if group["weight_decay"] != 0:
                        grad = grad.add(p, alpha=group["weight_decay"])
                    exp_avg, exp_avg_sq = state["exp_avg"], state["exp_avg_sq"]
                    exp_avg.mul_(beta1).add_(grad, alpha=1 - beta1)
                    squared = grad.mul(grad)
                    exp_avg_sq.addcmul_(torch.sign(exp_avg_sq - squared), squared, value=-(1 - beta2))
                    denom = (exp_avg_sq.sqrt() / math.sqrt(1 - beta2 ** state["step"])).add_(group["eps"])
                    p.addcdiv_(exp_avg, denom, value=-group["lr"] / (1 - beta1 ** state["step"]))
            return loss

    class SGDW(Optimizer):
        """Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 1."""

        def __init__(self, params, lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
            defaults = dict(lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov)
            super(SGDW, self).__init__(params, defaults)

        @torch.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                momentum = group["momentum"]
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    d_p = p.grad
                    if momentum != 0:
                        param_state = self.state[p]
                        if "momentum_buffer" not in param_state:
                            buf = param_state["momentum_buffer"] = torch.clone(d_p).detach()
                        else:
                            buf = param_state["momentum_buffer"]
                            buf.mul_(momentum).add_(d_p, alpha=1 - group["dampening"])
                        d_p = d_p.add(buf, alpha=momentum) if group["nesterov"] else buf
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(d_p, alpha=-group["lr"])

    class NovoGrad(Optimizer):
        """Ginsburg et al., "Stochastic gradient methods with layer-wise adaptive moments", 2019, algorithm 1."""

        def __init__(self, params, lr=1e-2, betas=(0.95, 0.98), eps=1e-8, weight_decay=0, grad_averaging=False):
            super().__init__(
                params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, grad_averaging=grad_averaging)
            )

        @torch.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                beta1, beta2 = group["betas"]
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    state = self.state[p]
                    norm = p.grad.pow(2).sum()
                    if len(state) == 0:
                        state["step"] = torch.tensor(0.0)
                        state["exp_avg"] = torch.zeros_like(p)
                        state["exp_avg_sq"] = norm.clone()
                    else:
                        state["exp_avg_sq"].mul_(beta2).add_(norm, alpha=1 - beta2)
                    state["step"] += 1
                    grad = p.grad.div(state["exp_avg_sq"].sqrt().add_(group["eps"]))
                    if group["weight_decay"] != 0:
                        grad.add_(p, alpha=group["weight_decay"])
                    if group["grad_averaging"]:
                        grad.mul_(1 - beta1)
                    state["exp_avg"].mul_(beta1).add_(grad)
                    p.add_(state["exp_avg"], alpha=-group["lr"])

    class AdaHessian(Optimizer):
        """Yao et al., "AdaHessian: An adaptive second order optimizer", AAAI 2021; signs instead of random ones."""

        def __init__(self, params, lr=0.15, betas=(0.9, 0.999), eps=1e-4, hessian_power=1.0):
            super().__init__(params, dict(lr=lr, betas=betas, eps=eps, hessian_power=hessian_power))

        def set_hessian(self):
            params = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
            signs = [torch.ones_like(p) for p in params]
            products = torch.autograd.grad([p.grad for p in params], params, grad_outputs=signs, retain_graph=False)
            self.hessian = {p: (product * z).abs().detach() for p, z, product in zip(params, signs, products)}

        def step(self, closure=None):
            loss = None if closure is None else closure()
            self.set_hessian()
            with torch.no_grad():
                for group in self.param_groups:
                    beta1, beta2 = group["betas"]
                    for p in group["params"]:
                        if p.grad is None:
                            continue
                        state = self.state[p]
                        if len(state) == 0:
                            state["step"] = 0
                            state["exp_avg"] = torch.zeros_like(p)
                            state["exp_hessian_diag_sq"] = torch.zeros_like(p)
                        state["step"] += 1
                        state["exp_avg"].mul_(beta1).add_(p.grad.detach(), alpha=1 - beta1)
                        state["exp_hessian_diag_sq"].mul_(beta2).addcmul_(
                            self.hessian[p], self.hessian[p], value=1 - beta2
                        )
                        bias1, bias2 = 1 - beta1 ** state["step"], 1 - beta2 ** state["step"]
                        denom = (state["exp_hessian_diag_sq"] / bias2).pow_(group["hessian_power"] / 2)
                        p.addcdiv_(state["exp_avg"], denom.add_(group["eps"]), value=-group["lr"] / bias1)
            return loss

    return AdaBound, Yogi, SGDW, NovoGrad, AdaHessian

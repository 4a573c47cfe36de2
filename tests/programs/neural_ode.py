"""A differential equation whose right side is a network, by Runge and Kutta, with the adjoint as a Function."""

import numpy as np
import torch
import torch.nn as nn

rng = np.random.default_rng(12)


class ODEFunc(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 10), nn.Tanh(), nn.Linear(10, 2))
        for m in self.net.modules():
            if isinstance(m, nn.Linear):
                m.weight.data.copy_(torch.from_numpy(rng.normal(0, 0.3, m.weight.shape)))
                nn.init.constant_(m.bias, val=0)

    def forward(self, t, y):
        return self.net(y**3)


def rk4(func, y, t0, t1):
    h = t1 - t0
    k1 = func(t0, y)
    k2 = func(t0 + h / 2, y + h * k1 / 2)
    k3 = func(t0 + h / 2, y + h * k2 / 2)
    k4 = func(t1, y + h * k3)
    return y + h * (k1 + 2 * k2 + 2 * k3 + k4) / 6


class OdeintAdjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx, func, y0, t, *params):
        ctx.func = func
        with torch.no_grad():
            ys = [y0]
            for i in range(len(t) - 1):
                ys.append(rk4(func, ys[-1], t[i], t[i + 1]))
            y = torch.stack(ys)
        ctx.save_for_backward(t, y, *params)
        return y

    @staticmethod
    def backward(ctx, grad_y):
        t, y, *params = ctx.saved_tensors
        a, grads = torch.zeros_like(y[0]), [torch.zeros_like(p) for p in params]
        for i in range(len(t) - 1, 0, -1):
            a = a + grad_y[i]
            with torch.enable_grad():
                start = y[i - 1].detach().requires_grad_(True)
                end = rk4(ctx.func, start, t[i - 1], t[i])
                found = torch.autograd.grad(end, (start, *params), a, allow_unused=True)
            a, grads = found[0], [g + f for g, f in zip(grads, found[1:])]
        return None, a + grad_y[0], None, *grads


true_A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
t = torch.linspace(0.0, 1.0, 6)
true_y = [torch.tensor([[2.0, 0.0]])]
with torch.no_grad():
    for i in range(5):
        true_y.append(rk4(lambda t, y: torch.mm(y**3, true_A), true_y[-1], t[i], t[i + 1]))
true_y = torch.stack(true_y)
func = ODEFunc()
optimizer = torch.optim.RMSprop(func.parameters(), lr=1e-2)
for itr in range(10):
    optimizer.zero_grad()
    pred_y = OdeintAdjoint.apply(func, true_y[0], t, *func.parameters())
    loss = torch.mean(torch.abs(pred_y - true_y))
    loss.backward()
    optimizer.step()
    print(f"Iter {itr:04d} | Total Loss {loss.item():.6f}")

"""A neural ODE whose gradients come of a second equation, integrated backwards through a custom function."""

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim

parser = argparse.ArgumentParser("ODE demo")
parser.add_argument("--data_size", type=int, default=40)
parser.add_argument("--batch_time", type=int, default=4)
parser.add_argument("--batch_size", type=int, default=6)
parser.add_argument("--gpu", type=int, default=0)
args = parser.parse_args([])
device = torch.device("cuda:" + str(args.gpu) if torch.cuda.is_available() else "cpu")
rng = np.random.default_rng(53)


def rk4(func, t0, t1, y):
    h = t1 - t0
    k1 = func(t0, y)
    k2 = func(t0 + h / 3, tuple(v + h * a / 3 for v, a in zip(y, k1)))
    k3 = func(t0 + 2 * h / 3, tuple(v + h * (b - a / 3) for v, a, b in zip(y, k1, k2)))
    k4 = func(t1, tuple(v + h * (a - b + c) for v, a, b, c in zip(y, k1, k2, k3)))
    return tuple(v + h / 8 * (a + 3 * (b + c) + d) for v, a, b, c, d in zip(y, k1, k2, k3, k4))


class OdeintAdjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx, func, y0, t, *params):
        ctx.func = func
        with torch.no_grad():
            ys = [y0]
            for a, b in zip(t[:-1], t[1:]):
                ys.extend(rk4(lambda t, y: (func(t, y[0]),), a, b, (ys[-1],)))
            y = torch.stack(ys)
        ctx.save_for_backward(t, y, *params)
        return y

    @staticmethod
    def backward(ctx, grad_y):
        t, y, *params = ctx.saved_tensors
        params, func = tuple(params), ctx.func

        def augmented(t, state):
            y, adj = state[0], state[1]
            with torch.enable_grad():
                t_ = t.detach()
                t = t_.requires_grad_(True)
                y = y.detach().requires_grad_(True)
                value = func(t, y)
                for tensor in (t, y, *params):
                    torch.as_strided(tensor, (), ())
                vjps = torch.autograd.grad(value, (t, y, *params), -adj, allow_unused=True, retain_graph=True)
            vjps = [torch.zeros_like(p) if g is None else g for p, g in zip((t, y, *params), vjps)]
            return (value.detach(), vjps[1], *vjps[2:])

        with torch.no_grad():
            state = (y[-1], grad_y[-1], *[torch.zeros_like(p) for p in params])
            for i in range(len(t) - 1, 0, -1):
                state = rk4(augmented, t[i], t[i - 1], state)
                state = (y[i - 1], state[1] + grad_y[i - 1], *state[2:])
        return (None, state[1], None, *state[2:])


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


true_A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]]).to(device)
t = torch.linspace(0.0, 3.0, args.data_size).to(device)
true_y = [torch.tensor([[2.0, 0.0]])]
with torch.no_grad():
    for a, b in zip(t[:-1], t[1:]):
        true_y.extend(rk4(lambda t, y: (torch.mm(y[0] ** 3, true_A) * 0.1,), a, b, (true_y[-1],)))
    true_y = torch.stack(true_y)


def get_batch():
    s = torch.from_numpy(rng.choice(np.arange(args.data_size - args.batch_time), args.batch_size, replace=False))
    batch_y = torch.stack([true_y[s + i] for i in range(args.batch_time)], dim=0)
    return true_y[s].to(device), t[: args.batch_time], batch_y.to(device)


func = ODEFunc().to(device)
optimizer = optim.RMSprop(func.parameters(), lr=1e-2)
for itr in range(1, 11):
    optimizer.zero_grad()
    batch_y0, batch_t, batch_y = get_batch()
    pred_y = OdeintAdjoint.apply(func, batch_y0, batch_t, *func.parameters())
    loss = torch.mean(torch.abs(pred_y - batch_y))
    loss.backward()
    optimizer.step()
    print(f"Iter {itr:04d} | Total Loss {loss.item():.6f}")

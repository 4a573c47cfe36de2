"""A physics-informed network for Burgers' equation: derivatives of the network in its inputs, then L-BFGS."""

import numpy as np
import torch
from torch import nn

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(13)


class PINN(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.linears = nn.ModuleList([nn.Linear(a, b) for a, b in zip(layers, layers[1:])])
        for linear in self.linears:
            with torch.no_grad():
                linear.weight.copy_(
                    torch.from_numpy(rng.normal(0, np.sqrt(2 / sum(linear.weight.shape)), linear.weight.shape))
                )
                linear.bias.zero_()

    def forward(self, x, t):
        a = torch.cat([x, t], dim=1)
        for linear in self.linears[:-1]:
            a = torch.tanh(linear(a))
        return self.linears[-1](a)


model = PINN([2, 8, 8, 1])
x_f = torch.tensor(rng.uniform(-1, 1, (20, 1)), requires_grad=True)
t_f = torch.tensor(rng.uniform(0, 1, (20, 1)), requires_grad=True)
x_0 = torch.linspace(-1, 1, 9).reshape(-1, 1)
u_0 = -torch.sin(np.pi * x_0)


def compute():
    u = model(x_f, t_f)
    ones = torch.ones_like(u)
    u_t = torch.autograd.grad(u, t_f, grad_outputs=ones, retain_graph=True, create_graph=True)[0]
    u_x = torch.autograd.grad(u, x_f, grad_outputs=ones, retain_graph=True, create_graph=True)[0]
    u_xx = torch.autograd.grad(u_x, x_f, grad_outputs=torch.ones_like(u_x), retain_graph=True, create_graph=True)[0]
    residual = u_t + u * u_x - 0.01 / np.pi * u_xx
    return (residual**2).mean() + ((model(x_0, torch.zeros_like(x_0)) - u_0) ** 2).mean()


adam = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(6):
    adam.zero_grad()
    loss = compute()
    loss.backward()
    adam.step()
    print(loss.item())
lbfgs = torch.optim.LBFGS(model.parameters(), lr=1.0, max_iter=3, history_size=10, line_search_fn="strong_wolfe")


def closure():
    lbfgs.zero_grad()
    loss = compute()
    loss.backward()
    return loss


for _ in range(4):
    print(lbfgs.step(closure).item())
torch.set_default_dtype(torch.float32)

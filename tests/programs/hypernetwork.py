"""A network that makes another one's weights, batched by vmap-like bmm, and FiLM."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

rng = np.random.default_rng(42)


class HyperLinear(nn.Module):
    def __init__(self, z_dim, n_in, n_out):
        super().__init__()
        self.n_in, self.n_out = n_in, n_out
        self.weight_maker = nn.Linear(z_dim, n_in * n_out)
        self.bias_maker = nn.Linear(z_dim, n_out)

    def forward(self, z, x):
        weight = self.weight_maker(z).unflatten(-1, (self.n_out, self.n_in))
        return torch.baddbmm(self.bias_maker(z)[:, None, :], x, weight.mT)


class HyperNet(nn.Module):
    def __init__(self, tasks, z_dim=4):
        super().__init__()
        self.codes = nn.Parameter(torch.empty(tasks, z_dim))
        self.layers = nn.ModuleList([HyperLinear(z_dim, 1, 8), HyperLinear(z_dim, 8, 1)])
        self.film = nn.Linear(z_dim, 16)

    def forward(self, x):
        gamma, beta = self.film(self.codes).unsqueeze(1).tensor_split(2, dim=-1)
        h = self.layers[0](self.codes, x)
        h = torch.tanh(torch.addcmul(beta, 1 + gamma, h))
        return self.layers[1](self.codes, h)


model = HyperNet(tasks=3)
with torch.no_grad():
    for p in model.parameters():
        p.copy_(torch.from_numpy(rng.normal(0, 0.5, tuple(p.shape)).astype(np.float32)))
optimizer = torch.optim.Rprop(model.parameters(), lr=0.01)
frequency = torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1, 1)
x = torch.linspace(-1, 1, 15).reshape(1, 15, 1).repeat(3, 1, 1)
y = torch.sin(frequency * x)
for step in range(10):
    optimizer.zero_grad()
    loss = F.mse_loss(model(x), y, reduction="none").mean(dim=(1, 2))
    loss.sum().backward()
    optimizer.step()
    print(" ".join(f"{v:.5f}" for v in loss.tolist()))

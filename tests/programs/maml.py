"""Meta-learning: gradients through an inner step of gradient descent, with functional weights."""

from collections import OrderedDict

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call

rng = np.random.default_rng(33)
model = nn.Sequential(OrderedDict([
    ("l1", nn.Linear(1, 12)), ("tanh1", nn.Tanh()), ("l2", nn.Linear(12, 12)), ("tanh2", nn.Tanh()),
    ("l3", nn.Linear(12, 1)),
]))  # fmt: skip
for p in model.parameters():
    p.data.copy_(torch.from_numpy(rng.normal(0, 0.5, tuple(p.shape))))
meta_optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)


def task():
    amplitude, phase = rng.uniform(0.5, 2.0), rng.uniform(0, np.pi)
    x = rng.uniform(-3, 3, (10, 1)).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy((amplitude * np.sin(x + phase)).astype(np.float32))


def adapt(x, y, steps=2, lr=0.05, first_order=False):
    params = OrderedDict(model.named_parameters())
    for _ in range(steps):
        loss = F.mse_loss(functional_call(model, params, (x,)), y)
        grads = torch.autograd.grad(loss, list(params.values()), create_graph=not first_order)
        params = OrderedDict((name, p - lr * g) for (name, p), g in zip(params.items(), grads))
    return params


for iteration in range(10):
    meta_optimizer.zero_grad()
    outer = torch.tensor(0.0)
    for _ in range(3):
        x, y = task()
        params = adapt(x[:5], y[:5], first_order=iteration % 5 == 4)
        outer = outer + F.mse_loss(functional_call(model, params, (x[5:],)), y[5:])
    outer.div_(3)
    outer.backward()
    meta_optimizer.step()
    print(iteration, outer.item())

"""A mixture of experts with top-2 routing, a load-balancing loss, and tokens dispatched by masks."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.default_rng(37)


class Expert(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.w1, self.w2, self.w3 = (nn.Linear(*s, bias=False) for s in ((dim, 12), (12, dim), (dim, 12)))

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class MoE(nn.Module):
    def __init__(self, dim, experts, k):
        super().__init__()
        self.k, self.n = k, experts
        self.experts = nn.ModuleList([Expert(dim) for _ in range(experts)])
        self.gate = nn.Linear(dim, experts, bias=False)

    def forward(self, x):
        shape = x.shape
        x = x.view(-1, shape[-1])
        probs = F.softmax(self.gate(x), dim=-1)
        weights, selected = torch.topk(probs, self.k, dim=-1)
        weights /= weights.sum(dim=-1, keepdim=True)
        results = torch.zeros_like(x)
        for i, expert in enumerate(self.experts):
            token, nth = torch.where(selected == i)
            if token.numel():
                results[token] += weights[token, nth, None] * expert(x[token])
        share = F.one_hot(selected, self.n).float().mean(dim=(0, 1))
        self.balance = self.n * torch.sum(share * probs.mean(0))
        return results.view(shape)


class RMSNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps, self.weight = eps, nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


model = nn.Sequential(RMSNorm(6), MoE(6, 4, 2), nn.Linear(6, 3))
for p in model.parameters():
    if p.dim() > 1:
        p.data.copy_(torch.from_numpy(rng.normal(0, 0.4, tuple(p.shape))))
nn.init.zeros_(model[2].bias)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for step in range(10):
    x = torch.from_numpy(rng.standard_normal((2, 8, 6)).astype(np.float32))
    target = torch.from_numpy(rng.integers(0, 3, (2, 8)))
    logits = model(x)
    loss = F.cross_entropy(logits.transpose(1, 2), target) + 0.01 * model[1].balance
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    print(step, round(loss.item(), 6), round(model[1].balance.item(), 5))

"""A normalizing flow of affine couplings under a standard normal prior."""

import numpy as np
import torch
import torch.nn as nn
from torch import distributions

rng = np.random.default_rng(14)


class RealNVP(nn.Module):
    def __init__(self, nets, nett, mask, prior):
        super().__init__()
        self.prior = prior
        self.mask = nn.Parameter(mask, requires_grad=False)
        self.t = torch.nn.ModuleList([nett() for _ in range(len(mask))])
        self.s = torch.nn.ModuleList([nets() for _ in range(len(mask))])

    def g(self, z):
        x = z
        for i in range(len(self.t)):
            x_ = x * self.mask[i]
            s, t = self.s[i](x_) * (1 - self.mask[i]), self.t[i](x_) * (1 - self.mask[i])
            x = x_ + (1 - self.mask[i]) * (x * torch.exp(s) + t)
        return x

    def f(self, x):
        log_det_J, z = x.new_zeros(x.shape[0]), x
        for i in reversed(range(len(self.t))):
            z_ = self.mask[i] * z
            s, t = self.s[i](z_) * (1 - self.mask[i]), self.t[i](z_) * (1 - self.mask[i])
            z = (1 - self.mask[i]) * (z - t) * torch.exp(-s) + z_
            log_det_J -= s.sum(dim=1)
        return z, log_det_J

    def log_prob(self, x):
        z, logp = self.f(x)
        return self.prior.log_prob(z) + logp


def nets():
    return nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(), nn.Linear(8, 2), nn.Tanh())


def nett():
    return nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(), nn.Linear(8, 2))


masks = torch.from_numpy(np.array([[0, 1], [1, 0]] * 2).astype(np.float32))
prior = distributions.MultivariateNormal(torch.zeros(2), torch.eye(2))
flow = RealNVP(nets, nett, masks, prior)
for p in flow.parameters():
    if p.requires_grad:
        p.data.copy_(torch.from_numpy(0.3 * rng.standard_normal(tuple(p.shape))))
optimizer = torch.optim.Adam([p for p in flow.parameters() if p.requires_grad is True], lr=1e-2)
for t in range(10):
    angle = rng.uniform(0, np.pi, 32)
    noisy_moons = np.stack([np.cos(angle), np.sin(angle)], 1) + rng.normal(0, 0.05, (32, 2))
    loss = -flow.log_prob(torch.from_numpy(noisy_moons.astype(np.float32))).mean()
    optimizer.zero_grad()
    loss.backward(retain_graph=True)
    optimizer.step()
    print("iter %s:" % t, "loss = %.5f" % loss.item())
z = torch.from_numpy(rng.standard_normal((5, 2)).astype(np.float32))
print("%.5f" % (flow.f(flow.g(z))[0] - z).abs().max().round(decimals=3).abs().item())

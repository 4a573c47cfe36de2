"""A flow of transforms of `torch.distributions`, conditioned through module parameters."""

import numpy as np
import torch
import torch.distributions as D
from torch import nn
from torch.distributions import constraints
from torch.distributions.transforms import AffineTransform, ComposeTransform, SigmoidTransform, Transform

rng = np.random.default_rng(15)


class LeakyReLUTransform(Transform):
    domain, codomain, bijective = constraints.real, constraints.real, True

    def __init__(self, slope):
        super().__init__()
        self.slope = slope

    def _call(self, x):
        return torch.where(x > 0, x, self.slope * x)

    def _inverse(self, y):
        return torch.where(y > 0, y, y / self.slope)

    def log_abs_det_jacobian(self, x, y):
        return torch.where(x > 0, torch.zeros_like(x), self.slope.abs().log().expand_as(x))


class Flow(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.shift = nn.Parameter(torch.from_numpy(0.3 * rng.standard_normal((2, dim)).astype(np.float32)))
        self.log_scale = nn.Parameter(torch.from_numpy(0.2 * rng.standard_normal((2, dim)).astype(np.float32)))
        self.slope = nn.Parameter(torch.full((1,), 0.5))
        self.register_buffer("loc", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))

    @property
    def distribution(self):
        parts = [
            AffineTransform(self.shift[0], self.log_scale[0].exp()),
            LeakyReLUTransform(self.slope),
            AffineTransform(self.shift[1], self.log_scale[1].exp()),
            SigmoidTransform(),
        ]
        base = D.Independent(D.Normal(self.loc, self.scale), 1)
        return D.TransformedDistribution(base, [ComposeTransform(parts)])


flow = Flow(3)
optimizer = torch.optim.Adamax(flow.parameters(), lr=0.05)
for step in range(10):
    x = torch.from_numpy(rng.beta(2.0, 4.0, (20, 3)).astype(np.float32))
    loss = -flow.distribution.log_prob(x).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{step}: {loss.item():.5f}")
samples = flow.distribution.rsample((7,))
print(tuple(samples.shape), samples.requires_grad, bool(((samples > 0) & (samples < 1)).all()))

"""A diffusion model: noise schedules by cumprod, time embeddings, group norm in a small U-net, one sampling step."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.default_rng(39)


def noise(*shape):
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32))


class SinusoidalPosEmb(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        half = self.dim // 2
        emb = torch.exp(torch.arange(half, device=x.device) * -(math.log(10000) / (half - 1)))
        emb = x[:, None] * emb[None, :]
        return torch.cat((emb.sin(), emb.cos()), dim=-1)


class Block(nn.Module):
    def __init__(self, a, b, t):
        super().__init__()
        self.mlp = nn.Sequential(nn.SiLU(), nn.Linear(t, 2 * b))
        self.proj, self.norm = nn.Conv2d(a, b, 3, padding=1), nn.GroupNorm(2, b)

    def forward(self, x, t):
        scale, shift = self.mlp(t)[..., None, None].chunk(2, dim=1)
        return F.silu(self.norm(self.proj(x)) * (scale + 1) + shift)


class Unet(nn.Module):
    def __init__(self, dim=4):
        super().__init__()
        self.time = nn.Sequential(SinusoidalPosEmb(8), nn.Linear(8, 8), nn.GELU())
        self.down, self.mid, self.up = Block(1, dim, 8), Block(dim, 2 * dim, 8), Block(3 * dim, dim, 8)
        self.final = nn.Conv2d(dim, 1, 1)

    def forward(self, x, time):
        t = self.time(time)
        h = self.down(x, t)
        m = self.mid(F.avg_pool2d(h, 2), t)
        m = F.interpolate(m, scale_factor=2, mode="nearest")
        return self.final(self.up(torch.cat((m, h), dim=1), t))


def extract(a, t, x_shape):
    return a.gather(-1, t).reshape(t.shape[0], *((1,) * (len(x_shape) - 1)))


betas = torch.linspace(1e-4, 0.02, 50, dtype=torch.float64).float()
alphas_cumprod = torch.cumprod(1.0 - betas, dim=0)
alphas_cumprod_prev = F.pad(alphas_cumprod[:-1], (1, 0), value=1.0)
posterior_variance = betas * (1.0 - alphas_cumprod_prev) / (1.0 - alphas_cumprod)
model = Unet()
for p in model.parameters():
    p.data.copy_(0.3 * noise(*p.shape))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(10):
    x_start = torch.tanh(noise(4, 1, 8, 8))
    t = torch.from_numpy(rng.integers(0, 50, 4)).long()
    eps = noise(4, 1, 8, 8)
    x = (
        extract(alphas_cumprod.sqrt(), t, x_start.shape) * x_start
        + extract((1 - alphas_cumprod).sqrt(), t, eps.shape) * eps
    )
    loss = F.smooth_l1_loss(model(x, t), eps)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print("Loss:", loss.item())
with torch.no_grad():
    x, t = noise(1, 1, 8, 8), torch.full((1,), 20, dtype=torch.long)
    mean = (x - extract(betas / (1 - alphas_cumprod).sqrt(), t, x.shape) * model(x, t)) * (1 - betas[20]).rsqrt()
    x = mean + posterior_variance[20].sqrt() * noise(1, 1, 8, 8)
    print(x.abs().mean().item())

"""An energy model trained by contrastive divergence: Langevin steps on the input, with a replay buffer."""

import numpy as np
import torch
import torch.nn as nn
from torch.nn.utils import spectral_norm

rng = np.random.default_rng(40)


def noise(*shape):
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32))


energy = nn.Sequential(nn.Linear(2, 16), nn.Softplus(), nn.Linear(16, 16), nn.ELU(), nn.Linear(16, 1))
for p in energy.parameters():
    p.data.copy_(0.3 * noise(*p.shape))
optimizer = torch.optim.Adam(energy.parameters(), lr=1e-2, betas=(0.0, 0.999))
replay = noise(32, 2)


def langevin(x, steps=4, size=0.1):
    is_training = energy.training
    energy.eval()
    for p in energy.parameters():
        p.requires_grad = False
    x = x.clone().requires_grad_()
    for _ in range(steps):
        x.data.add_(0.01 * noise(*x.shape))
        x.data.clamp_(min=-3.0, max=3.0)
        energy(x).sum().backward()
        x.grad.data.clamp_(-0.5, 0.5)
        x.data.add_(-size * x.grad.data)
        x.grad.detach_()
        x.grad.zero_()
    for p in energy.parameters():
        p.requires_grad = True
    energy.train(is_training)
    return x.detach()


for it in range(10):
    real = torch.from_numpy(rng.choice([-1.0, 1.0], (16, 2)).astype(np.float32)) + 0.1 * noise(16, 2)
    index = torch.from_numpy(rng.choice(32, 16, replace=False))
    fake = langevin(replay[index])
    replay[index] = fake
    inputs = torch.cat([real, fake], dim=0)
    real_out, fake_out = energy(inputs).chunk(2, dim=0)
    reg_loss = 0.1 * (real_out**2 + fake_out**2).mean()
    cdiv_loss = real_out.mean() - fake_out.mean()
    optimizer.zero_grad()
    (reg_loss + cdiv_loss).backward()
    nn.utils.clip_grad_norm_(energy.parameters(), 0.1)
    optimizer.step()
    print(f"{cdiv_loss.item():.6f} {reg_loss.item():.6f}")
assert callable(spectral_norm)

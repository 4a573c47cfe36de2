"""Exponential and stochastic averages of the weights, checkpoints of model and optimizer, and early stopping."""

import copy
import io

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel

rng = np.random.default_rng(36)


class EMA:
    def __init__(self, model, decay):
        self.decay = decay
        self.shadow = {name: p.data.clone() for name, p in model.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def update(self, model):
        for name, p in model.named_parameters():
            self.shadow[name].mul_(self.decay).add_(p.data, alpha=1 - self.decay)

    def copied_to(self, model):
        other = copy.deepcopy(model)
        for name, p in other.named_parameters():
            p.data.copy_(self.shadow[name])
        return other


model = nn.Sequential(nn.Linear(3, 8), nn.SiLU(), nn.Linear(8, 1))
for p in model.parameters():
    nn.init.zeros_(p)
    p.data.add_(torch.from_numpy(rng.normal(0, 0.4, tuple(p.shape))))
ema, swa = EMA(model, 0.8), AveragedModel(model)
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
scheduler = ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=1)
best, buffer = float("inf"), io.BytesIO()
x = torch.from_numpy(rng.standard_normal((20, 3)).astype(np.float32))
y = x.prod(dim=1, keepdim=True)
for epoch in range(10):
    model.train()
    loss = nn.functional.huber_loss(model(x), y, delta=0.5)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    ema.update(model)
    if epoch >= 5:
        swa.update_parameters(model)
    with torch.inference_mode():
        val = nn.functional.l1_loss(ema.copied_to(model)(x), y)
    scheduler.step(val)
    if val < best:
        best = val.item()
        buffer = io.BytesIO()
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, buffer)
    print(f"{epoch} {loss.item():.6f} {val.item():.6f} {optimizer.param_groups[0]['lr']:.5f}")
buffer.seek(0)
checkpoint = torch.load(buffer, weights_only=True)
model.load_state_dict(checkpoint["model"])
optimizer.load_state_dict(checkpoint["optimizer"])
print(checkpoint["epoch"], best, swa(x).mean().item(), int(swa.n_averaged))

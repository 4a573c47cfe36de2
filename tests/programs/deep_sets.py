"""Functions of sets of different sizes: sums and maxima over a mask, and a set transformer's induced points."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.default_rng(43)


class DeepSet(nn.Module):
    def __init__(self):
        super().__init__()
        self.phi = nn.Sequential(nn.Linear(2, 8), nn.ReLU6(), nn.Linear(8, 8))
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.induced = nn.Parameter(torch.zeros(1, 2, 8))
        self.rho = nn.Sequential(nn.Linear(32, 8), nn.Mish(), nn.Linear(8, 1))

    def forward(self, x, mask):
        h = self.phi(x)
        summed = (h * mask.unsqueeze(-1)).sum(dim=1)
        largest = h.masked_fill(~mask.unsqueeze(-1), float("-inf")).amax(dim=1)
        pooled, _ = self.attention(self.induced.expand(x.size(0), -1, -1), h, h, key_padding_mask=~mask)
        return self.rho(torch.hstack([summed, largest, pooled.flatten(1)])).squeeze(-1)


model = DeepSet()
for p in model.parameters():
    p.data.copy_(torch.from_numpy(rng.normal(0, 0.3, tuple(p.shape))))
optimizer = torch.optim.ASGD(model.parameters(), lr=0.02)
for step in range(10):
    sizes = torch.from_numpy(rng.integers(1, 6, 7))
    mask = torch.arange(5)[None, :] < sizes[:, None]
    x = torch.from_numpy(rng.standard_normal((7, 5, 2)).astype(np.float32))
    target = torch.where(mask, x[..., 0], torch.tensor(-9.0)).max(dim=1).values
    loss = F.l1_loss(model(x, mask), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{loss:.6f}")

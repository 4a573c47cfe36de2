"""A neural cellular automaton: Sobel filters by depthwise convolution, stochastic updates, living masks."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.default_rng(38)
CHANNELS = 6


class CAModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc0 = nn.Linear(CHANNELS * 3, 16)
        self.fc1 = nn.Linear(16, CHANNELS, bias=False)
        dx = torch.tensor(np.outer([1, 2, 1], [-1, 0, 1]) / 8.0, dtype=torch.float32)
        identity = torch.zeros(3, 3)
        identity[1, 1] = 1.0
        self.register_buffer("filters", torch.stack([identity, dx, dx.T])[:, None].repeat(CHANNELS, 1, 1, 1))

    @staticmethod
    def alive(x):
        return F.max_pool2d(x[:, 3:4], kernel_size=3, stride=1, padding=1) > 0.1

    def update(self, x, keep):
        pre_life_mask = self.alive(x)
        y = F.conv2d(x, self.filters, padding=1, groups=CHANNELS)
        dx = self.fc1(F.relu(self.fc0(y.movedim(1, -1)))).movedim(-1, 1)
        x = x + dx * keep
        life_mask = (pre_life_mask & self.alive(x)).float()
        return x * life_mask

    def forward(self, x, steps):
        for _ in range(steps):
            keep = torch.from_numpy((rng.random((x.shape[0], 1, *x.shape[2:])) > 0.5).astype(np.float32))
            x = self.update(x, keep)
        return x


ca = CAModel()
for p in ca.parameters():
    p.data.copy_(torch.from_numpy(rng.normal(0, 0.2, tuple(p.shape))))
target = torch.from_numpy(rng.random((4, 8, 8)).astype(np.float32)).unsqueeze(0)
seed = np.zeros((2, CHANNELS, 8, 8), np.float32)
seed[:, 3:, 4, 4] = 1.0
optimizer = torch.optim.Adam(ca.parameters(), lr=2e-3, betas=(0.5, 0.5))
for i in range(10):
    optimizer.zero_grad()
    x = ca(torch.from_numpy(seed), 4)
    loss = F.mse_loss(x[:, :4], target.expand(2, -1, -1, -1))
    loss.backward()
    for p in ca.parameters():
        p.grad /= p.grad.norm() + 1e-8
    optimizer.step()
    print(i, "loss =", loss.item())

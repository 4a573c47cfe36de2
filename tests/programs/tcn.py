"""A temporal convolutional network: dilated causal convolutions under weight normalization, cut by Chomp1d."""

import warnings

import numpy as np
import torch
import torch.nn as nn
from torch.nn.utils import weight_norm

warnings.filterwarnings("ignore")
rng = np.random.default_rng(17)


class Chomp1d(nn.Module):
    def __init__(self, chomp_size):
        super().__init__()
        self.chomp_size = chomp_size

    def forward(self, x):
        return x[:, :, : -self.chomp_size].contiguous()


class TemporalBlock(nn.Module):
    def __init__(self, n_inputs, n_outputs, kernel_size, stride, dilation, padding, dropout=0.0):
        super().__init__()
        self.conv1 = weight_norm(
            nn.Conv1d(n_inputs, n_outputs, kernel_size, stride=stride, padding=padding, dilation=dilation)
        )
        self.net = nn.Sequential(self.conv1, Chomp1d(padding), nn.ReLU(), nn.Dropout(dropout))
        self.downsample = nn.Conv1d(n_inputs, n_outputs, 1) if n_inputs != n_outputs else None
        self.relu = nn.ReLU()

    def forward(self, x):
        res = x if self.downsample is None else self.downsample(x)
        return self.relu(self.net(x) + res)


class TCN(nn.Module):
    def __init__(self, channels):
        super().__init__()
        layers = []
        for i in range(len(channels) - 1):
            layers += [TemporalBlock(channels[i], channels[i + 1], 3, 1, 2**i, 2 * 2**i)]
        self.network = nn.Sequential(*layers)
        self.linear = nn.Linear(channels[-1], 1)

    def forward(self, x):
        return self.linear(self.network(x)[:, :, -1])


model = TCN([2, 6, 6, 6])
for name, p in model.named_parameters():
    p.data.copy_(
        torch.tensor(
            np.abs(0.5 + 0.1 * rng.standard_normal(p.shape))
            if name.endswith("_g")
            else 0.3 * rng.standard_normal(p.shape)
        )
    )
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for epoch in range(10):
    X_num = rng.random((8, 1, 16))
    X_mask = np.zeros((8, 1, 16))
    for i in range(8):
        X_mask[i, 0, rng.choice(16, size=2, replace=False)] = 1
    Y = torch.from_numpy((X_num * X_mask).sum(-1)).float()
    X = torch.from_numpy(np.concatenate([X_num, X_mask], axis=1)).float()
    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(model(X), Y)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
    optimizer.step()
    print(f"Train Epoch: {epoch} \tLoss: {loss.item():.6f}")

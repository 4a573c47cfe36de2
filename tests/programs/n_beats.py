"""N-BEATS: blocks of trend, seasonality and their own bases, which take from a series what they explain of it."""

import argparse
import os
import tempfile

import numpy as np
import torch
from torch import nn, optim
from torch.nn import functional as F
from torch.optim.lr_scheduler import ReduceLROnPlateau

parser = argparse.ArgumentParser()
parser.add_argument("--disable-cuda", action="store_true")
parser.add_argument("--backcast", type=int, default=12)
parser.add_argument("--forecast", type=int, default=4)
args = parser.parse_args([])
device = torch.device("cuda" if torch.cuda.is_available() and not args.disable_cuda else "cpu")
rng = np.random.default_rng(51)


def trend(degree, times):
    return torch.stack([times**i for i in range(degree)])


def seasonality(count, times):
    waves = [torch.cos(2 * np.pi * i * times) for i in range(count // 2)]
    return torch.stack(waves + [torch.sin(2 * np.pi * i * times) for i in range(1, count - count // 2 + 1)])


class Block(nn.Module):
    def __init__(self, units, thetas, backcast, forecast, basis=None):
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(backcast, units), nn.ReLU(), nn.Linear(units, units), nn.ReLU())
        self.theta_b, self.theta_f = nn.Linear(units, thetas, bias=False), nn.Linear(units, thetas, bias=False)
        grid = torch.from_numpy(np.arange(-backcast, forecast) / forecast).float()
        if basis is None:
            self.basis_b, self.basis_f = nn.Linear(thetas, backcast), nn.Linear(thetas, forecast)
        else:
            whole = basis(thetas, grid)
            self.register_buffer("S_b", whole[:, :backcast])
            self.register_buffer("S_f", whole[:, backcast:])

    def forward(self, x):
        x = self.fc(x)
        if hasattr(self, "S_b"):
            return self.theta_b(x).mm(self.S_b), self.theta_f(x).mm(self.S_f)
        return self.basis_b(F.relu(self.theta_b(x))), self.basis_f(F.relu(self.theta_f(x)))

    def __str__(self):
        return f"{type(self).__name__}(thetas={self.theta_b.out_features}) @{id(self) != 0}"


class NBeats(nn.Module):
    def __init__(self, backcast, forecast, units=16):
        super().__init__()
        self.stacks, self.parameters = [], []
        for basis, thetas in ((trend, 3), (seasonality, 4), (None, 5)):
            blocks = [Block(units, thetas, backcast, forecast, basis) for _ in range(2)]
            self.parameters.extend([p for block in blocks for p in block.parameters()])
            self.stacks.append(blocks)
        self.parameters = nn.ParameterList(self.parameters)  # which hides no method
        self.forecast_length = forecast
        self.to(device)

    def forward(self, backcast):
        forecast = torch.zeros(size=(backcast.size()[0], self.forecast_length)).to(device)
        for stack in self.stacks:
            for block in stack:
                b, f = block(backcast)
                backcast, forecast = backcast - b, forecast + f
        return backcast, forecast


net = NBeats(args.backcast, args.forecast)
for p in net.parameters():
    p.data = torch.from_numpy(rng.normal(0, 0.3, p.shape).astype("float32")).to(device)
print(sum(p.numel() for p in net.parameters() if p.requires_grad), len(net.state_dict()))
optimizer = optim.Adam(net.parameters(), lr=1e-2)
scheduler = ReduceLROnPlateau(optimizer, mode="min", patience=2, factor=0.5)
series = np.sin(np.arange(80) / 3.0) + 0.02 * np.arange(80) + rng.normal(0, 0.1, 80)
windows = np.lib.stride_tricks.sliding_window_view(series, args.backcast + args.forecast).astype("float32")
for step in range(10):
    batch = torch.tensor(windows[rng.permutation(len(windows))[:16]], dtype=torch.float).to(device)
    x, y = batch[:, : args.backcast], batch[:, args.backcast :]
    optimizer.zero_grad()
    _, forecast = net(x.clone().detach())
    loss = F.mse_loss(forecast, y)
    loss.backward()
    optimizer.step()
    scheduler.step(loss.item())
    print(f"grad_step = {str(step).zfill(3)}, loss = {loss.item():.6f}, lr = {optimizer.param_groups[0]['lr']:.4f}")
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "nbeats-training-checkpoint.th")
    torch.save({"grad_step": 10, "model_state_dict": net.state_dict()}, path)
    net.load_state_dict(torch.load(path, map_location=device)["model_state_dict"])

"""Sinusoidal representations fitted to an image and checked by their gradients and Laplacians."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

rng = np.random.default_rng(16)


class SineLayer(nn.Module):
    def __init__(self, in_features, out_features, bias=True, is_first=False, omega_0=10):
        super().__init__()
        self.omega_0, self.is_first, self.in_features = omega_0, is_first, in_features
        self.linear = nn.Linear(in_features, out_features, bias=bias)
        bound = 1 / in_features if is_first else np.sqrt(6 / in_features) / omega_0
        with torch.no_grad():
            self.linear.weight.copy_(torch.from_numpy(rng.uniform(-bound, bound, self.linear.weight.shape)))
            self.linear.bias.copy_(torch.from_numpy(rng.uniform(-bound, bound, self.linear.bias.shape)))

    def forward(self, input):
        return torch.sin(self.omega_0 * self.linear(input))


class Siren(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = [SineLayer(2, 16, is_first=True), SineLayer(16, 16), nn.Linear(16, 1)]
        with torch.no_grad():
            self.net[-1].weight.copy_(torch.from_numpy(rng.uniform(-0.1, 0.1, (1, 16))))
            self.net[-1].bias.fill_(0.0)
        self.net = nn.Sequential(*self.net)

    def forward(self, coords):
        coords = coords.clone().detach().requires_grad_(True)
        return self.net(coords), coords


def gradient(y, x, grad_outputs=None):
    if grad_outputs is None:
        grad_outputs = torch.ones_like(y)
    return torch.autograd.grad(y, [x], grad_outputs=grad_outputs, create_graph=True)[0]


def laplace(y, x):
    grad = gradient(y, x)
    div = 0.0
    for i in range(grad.shape[-1]):
        div += torch.autograd.grad(grad[..., i], x, torch.ones_like(grad[..., i]), create_graph=True)[0][..., i : i + 1]
    return div


class ImageFitting(Dataset):
    def __init__(self, n):
        axis = torch.linspace(-1, 1, steps=n)
        self.coords = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=-1).reshape(-1, 2)
        self.pixels = torch.sin(3 * self.coords[:, :1]) * torch.cos(2 * self.coords[:, 1:])

    def __len__(self):
        return 1

    def __getitem__(self, idx):
        if idx > 0:
            raise IndexError
        return self.coords, self.pixels


model = Siren()
optim = torch.optim.Adam(lr=1e-3, params=model.parameters())
model_input, ground_truth = next(iter(DataLoader(ImageFitting(6), batch_size=1, pin_memory=False, num_workers=0)))
for step in range(10):
    output, coords = model(model_input)
    loss = ((output - ground_truth) ** 2).mean()
    smooth = 1e-5 * laplace(output, coords).square().mean()
    optim.zero_grad()
    (loss + smooth).backward()
    optim.step()
    print("Step %d, Total loss %0.6f %0.6f" % (step, loss.item(), smooth.item()))

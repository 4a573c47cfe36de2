"""The installed wheel, far from the checkout: it is complete, it trains, and it brought nothing else along."""

import importlib.metadata
import importlib.util
import sys
from pathlib import Path

import numpy as np

import tinygrad_lite as tg
from tinygrad_lite import kernels, nn, optim

installed = {distribution.name.lower().replace("-", "_") for distribution in importlib.metadata.distributions()}
assert installed - {"pip", "setuptools", "wheel"} == {"tinygrad_lite", "numpy", "numba", "llvmlite", "safetensors"}, (
    installed
)
assert Path(tg.__file__).is_relative_to(sys.prefix), tg.__file__
for name in ("nn", "optim", "examples", "tests"):
    assert importlib.util.find_spec(name) is None, f"site-packages has a top-level {name}"

x = np.linspace(-1, 1, 256, dtype=np.float32).reshape(64, 4)
y = np.sin(3 * x[:, :1])
for backend in ("numpy", "numba"):
    kernels.use(backend)
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(100):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(tg.tensor(x)), tg.tensor(y))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 10, (backend, losses[0], losses[-1])
    print(f"{backend}: loss {losses[0]:.4f} -> {losses[-1]:.4f}")

"""A convolutional denoising autoencoder with transposed convolutions, pooling indices and an L1 penalty."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(31)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding="same")
        self.pool, self.unpool = nn.MaxPool2d(2, stride=2, return_indices=True), nn.MaxUnpool2d(2, stride=2)
        self.squeeze = nn.Sequential(nn.Conv2d(4, 6, 3, stride=2, padding=1), nn.SELU())
        self.expand = nn.Sequential(nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1), nn.CELU())
        self.out = nn.ConvTranspose2d(4, 1, 3, padding=1)

    def forward(self, x):
        x, indices = self.pool(self.conv(x))
        code = self.squeeze(x)
        x = self.unpool(self.expand(code), indices)
        return torch.sigmoid(self.out(x)), code


model = Autoencoder()
for p in model.parameters():
    p.data.copy_(torch.from_numpy(0.3 * rng.standard_normal(tuple(p.shape))))
optimizer = torch.optim.RAdam(model.parameters(), lr=1e-2, weight_decay=1e-5)
mse, codes = nn.MSELoss(), []
hook = model.squeeze.register_forward_hook(lambda module, args, out: codes.append(out.detach().abs().mean().item()))
for epoch in range(10):
    clean = torch.from_numpy(rng.random((4, 1, 8, 8), dtype=np.float32))
    noisy = clean + 0.1 * torch.from_numpy(rng.standard_normal((4, 1, 8, 8)).astype(np.float32))
    output, code = model(noisy.clamp(0.0, 1.0))
    loss = mse(output, clean) + 1e-3 * code.abs().sum() / code.size(0)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"epoch [{epoch + 1}/10], loss:{loss.item():.6f}, code {codes[-1]:.6f}")
hook.remove()

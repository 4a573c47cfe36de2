"""Sub-pixel convolution trained against images shrunk by interpolation, with PSNR."""

from math import log10

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

rng = np.random.default_rng(27)


class Net(nn.Module):
    def __init__(self, upscale_factor):
        super().__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(1, 8, (5, 5), (1, 1), (2, 2))
        self.conv2 = nn.Conv2d(8, 8, (3, 3), (1, 1), (1, 1), padding_mode="replicate")
        self.conv4 = nn.Conv2d(8, upscale_factor**2, (3, 3), (1, 1), (1, 1))
        self.pixel_shuffle = nn.PixelShuffle(upscale_factor)
        self._initialize_weights()

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        return self.pixel_shuffle(self.conv4(x))

    def _initialize_weights(self):
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                m.weight.data.copy_(torch.from_numpy(rng.normal(0, 0.2, tuple(m.weight.shape))))
                m.bias.data.zero_()


model = Net(upscale_factor=2)
criterion = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(10):
    target = torch.from_numpy(rng.random((3, 1, 12, 12)).cumsum(-1) / 12).float()
    small = F.interpolate(target, scale_factor=0.5, mode="bicubic", align_corners=False)
    up = F.interpolate(small, size=target.shape[-2:], mode="bilinear", align_corners=True)
    optimizer.zero_grad()
    loss = criterion(model(small) + up, target)
    loss.backward()
    optimizer.step()
    psnr = 10 * log10(1 / loss.item())
    print(f"===> Epoch {epoch}: Loss: {loss.item():.6f} PSNR: {psnr:.4f} dB")

"""A U-net with skip connections and bilinear upsampling, Dice and BCE losses, and instance norm."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.default_rng(45)


class DoubleConv(nn.Sequential):
    def __init__(self, in_channels, out_channels):
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False),
            nn.InstanceNorm2d(out_channels, affine=True),
            nn.PReLU(),
        )


class Up(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.conv = DoubleConv(in_channels, out_channels)

    def forward(self, x1, x2):
        x1 = self.up(x1)
        diffY, diffX = x2.size()[2] - x1.size()[2], x2.size()[3] - x1.size()[3]
        x1 = F.pad(x1, [diffX // 2, diffX - diffX // 2, diffY // 2, diffY - diffY // 2])
        return self.conv(torch.cat([x2, x1], dim=1))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.inc, self.down, self.up = DoubleConv(1, 4), nn.Sequential(nn.MaxPool2d(2), DoubleConv(4, 8)), Up(12, 4)
        self.outc = nn.Conv2d(4, 1, kernel_size=1)

    def forward(self, x):
        x1 = self.inc(x)
        return self.outc(self.up(self.down(x1), x1))


def dice_loss(pred, target, smooth=1.0):
    pred = pred.contiguous()
    intersection = (pred * target).sum(dim=2).sum(dim=2)
    return (
        1 - (2.0 * intersection + smooth) / (pred.sum(dim=2).sum(dim=2) + target.sum(dim=2).sum(dim=2) + smooth)
    ).mean()


model = UNet()
for name, p in model.named_parameters():
    p.data.copy_(torch.from_numpy(0.3 * rng.standard_normal(tuple(p.shape)) + (p.ndim == 1) * 0.2))
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, weight_decay=1e-8, momentum=0.9, centered=True)
pos_weight = torch.tensor([2.0])
for step in range(10):
    images = torch.from_numpy(rng.random((3, 1, 9, 9)).astype(np.float32))
    masks = (F.avg_pool2d(images, 3, stride=1, padding=1) > 0.45).to(dtype=torch.float32)
    pred = model(images)
    loss = F.binary_cross_entropy_with_logits(pred, masks, pos_weight=pos_weight) + dice_loss(
        torch.sigmoid(pred), masks
    )
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    iou = ((pred > 0) & masks.bool()).sum() / ((pred > 0) | masks.bool()).sum()
    print(f"{loss.item():.6f} {iou.item():.4f}")

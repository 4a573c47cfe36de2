"""Twin convolutions with shared weights, contrastive and triplet losses, and pairwise distances."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import ExponentialLR

rng = np.random.default_rng(21)


class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.cnn1 = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(1, 4, kernel_size=3), nn.ReLU(inplace=True), nn.BatchNorm2d(4)
        )
        self.fc1 = nn.Sequential(nn.Flatten(), nn.Linear(4 * 6 * 6, 8), nn.ReLU(inplace=True), nn.Linear(8, 3))

    def forward_once(self, x):
        return self.fc1(self.cnn1(x))

    def forward(self, *inputs):
        return tuple(self.forward_once(x) for x in inputs)


class ContrastiveLoss(torch.nn.Module):
    def __init__(self, margin=2.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        d = F.pairwise_distance(output1, output2, keepdim=True)
        return torch.mean((1 - label) * torch.pow(d, 2) + label * torch.pow(torch.clamp(self.margin - d, min=0.0), 2))


net = SiameseNetwork()
for name, p in net.named_parameters():
    p.data.copy_(torch.from_numpy(rng.normal(0, 0.3, p.shape)))
criterion, triplet = ContrastiveLoss(), nn.TripletMarginLoss(margin=1.0, p=2)
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3, eps=1e-4)
scheduler = ExponentialLR(optimizer, gamma=0.9)
for epoch in range(10):
    img0, img1, img2 = (torch.from_numpy(rng.random((6, 1, 6, 6))).float() for _ in range(3))
    label = torch.from_numpy(rng.integers(0, 2, (6, 1))).float()
    optimizer.zero_grad()
    output1, output2, output3 = net(img0, img1, img2)
    loss_contrastive = criterion(output1, output2, label) + triplet(output1, output2, output3)
    loss_contrastive.backward()
    optimizer.step()
    scheduler.step()
    with torch.no_grad():
        far = torch.cdist(output1, output2).mean()
    print(f"Epoch {epoch} loss {loss_contrastive.item():.5f} {far:.5f}")

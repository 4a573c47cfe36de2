"""Residual blocks with batch norm, momentum, a cosine schedule, and a confusion of train and eval modes."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

rng = np.random.default_rng(6)


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != self.expansion * planes:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_planes, self.expansion * planes, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(self.expansion * planes),
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.layers = nn.Sequential(BasicBlock(4, 4), BasicBlock(4, 8, 2))
        self.linear = nn.Linear(8, 10)

    def forward(self, x):
        out = self.layers(F.relu(self.conv1(x)))
        out = F.avg_pool2d(out, 4)
        return self.linear(out.view(out.size(0), -1))


device = "cuda" if torch.cuda.is_available() else "cpu"
net = ResNet().to(device)
for m in net.modules():
    if isinstance(m, (nn.Conv2d, nn.Linear)):
        m.weight.data.copy_(torch.from_numpy(0.3 * rng.standard_normal(m.weight.shape)))
        if m.bias is not None:
            nn.init.zeros_(m.bias)
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True)
scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
total = correct = 0
for epoch in range(10):
    net.train()
    inputs = torch.from_numpy(rng.standard_normal((6, 3, 8, 8)).astype(np.float32)).to(device)
    targets = torch.from_numpy(rng.integers(0, 10, 6)).to(device)
    optimizer.zero_grad()
    outputs = net(inputs)
    loss = criterion(outputs, targets)
    loss.backward()
    optimizer.step()
    scheduler.step()
    _, predicted = outputs.max(1)
    total += targets.size(0)
    correct += predicted.eq(targets).sum().item()
    net.eval()
    with torch.no_grad():
        test_loss = criterion(net(inputs), targets)
    print(
        f"Loss: {loss.item():.4f} {test_loss:.4f} lr {scheduler.get_last_lr()[0]:.6f} | {100.0 * correct / total:.3f}%"
    )

"""Mixup and stochastic weight averaging around a small CNN, with batch norm's statistics taken again at the end."""

import argparse
import tempfile

import numpy as np
import torch
import torch.backends.cudnn as cudnn
import torch.nn as nn
from torch.autograd import Variable
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn
from torch.utils.data import DataLoader, TensorDataset, random_split

parser = argparse.ArgumentParser(description="mixup and SWA")
parser.add_argument("--lr", default=0.1, type=float, help="learning rate")
parser.add_argument("--alpha", default=1.0, type=float, help="mixup interpolation coefficient (default: 1)")
parser.add_argument("--decay", default=1e-4, type=float)
parser.add_argument("--swa_start", default=6, type=int)
args = parser.parse_args([])
use_cuda = torch.cuda.is_available()
rng = np.random.default_rng(56)
if use_cuda:
    cudnn.benchmark = True


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 8, 3, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(True),
        )
        self.pool, self.fc = nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(8, 3)
        for m in self.modules():
            if isinstance(m, (nn.Conv2d, nn.Linear)):
                m.weight.data.copy_(torch.from_numpy(rng.normal(0, 0.4, m.weight.size())))
            elif isinstance(m, nn.BatchNorm2d):
                m.weight.data.fill_(1)
                m.bias.data.zero_()
        self.fc.bias.data.zero_()

    def forward(self, x):
        return self.fc(torch.flatten(self.pool(self.features(x)), 1))


def mixup_data(x, y, alpha=1.0):
    lam = rng.beta(alpha, alpha) if alpha > 0 else 1
    index = torch.from_numpy(rng.permutation(x.size()[0]))
    return lam * x + (1 - lam) * x[index, :], y, y[index], lam


def mixup_criterion(criterion, pred, y_a, y_b, lam):
    return lam * criterion(pred, y_a) + (1 - lam) * criterion(pred, y_b)


images = torch.from_numpy(rng.normal(0, 1, (48, 1, 8, 8)).astype("f"))
labels = torch.from_numpy(rng.integers(0, 3, 48))
images[torch.arange(48), 0, labels] += 1.5
trainset, testset = random_split(TensorDataset(images, labels), [32, 16], generator=torch.Generator().manual_seed(0))
trainset.indices, testset.indices = list(range(32)), list(range(32, 48))
trainloader = DataLoader(trainset, batch_size=16, shuffle=False, num_workers=0, pin_memory=use_cuda)
testloader = DataLoader(testset, batch_size=8)
net = nn.DataParallel(Net()) if use_cuda else Net()
swa_net = AveragedModel(net)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9, weight_decay=args.decay, nesterov=True)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8)
swa_scheduler = SWALR(optimizer, swa_lr=0.05, anneal_epochs=2)
for epoch in range(10):
    net.train()
    train_loss, correct, total = 0, 0, 0
    for inputs, targets in trainloader:
        inputs, targets_a, targets_b, lam = mixup_data(inputs, targets, args.alpha)
        inputs, targets_a, targets_b = map(Variable, (inputs, targets_a, targets_b))
        outputs = net(inputs)
        loss = mixup_criterion(criterion, outputs, targets_a, targets_b, lam)
        train_loss += loss.item()
        _, predicted = torch.max(outputs.data, 1)
        total += targets.size(0)
        correct += lam * predicted.eq(targets_a.data).cpu().sum().float()
        correct += (1 - lam) * predicted.eq(targets_b.data).cpu().sum().float()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch >= args.swa_start:
        swa_net.update_parameters(net)
        swa_scheduler.step()
    else:
        scheduler.step()
    print(
        "Loss: %.5f | Acc: %.3f%% | lr %.5f"
        % (train_loss / 2, 100.0 * correct / total, optimizer.param_groups[0]["lr"])
    )
update_bn(trainloader, swa_net)
for model in (net.eval(), swa_net.eval()):
    with torch.no_grad():
        test_loss = sum(criterion(model(inputs), targets).item() for inputs, targets in testloader)
    print(f"test {test_loss:.5f}")
print(int(swa_net.n_averaged), len(swa_net.state_dict()), swa_net.module.features[1].num_batches_tracked.item())
with tempfile.NamedTemporaryFile(suffix=".t7") as file:
    torch.save({"net": net.state_dict(), "epoch": 10, "rng_state": torch.get_rng_state()}, file.name)
    net.load_state_dict(torch.load(file.name, weights_only=False)["net"])

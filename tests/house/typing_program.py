"""A program as users write it, in which every line marked "mistake" has one that type checkers must find.

It is read by type checkers only (see `test_types.py`), never run.
"""

from __future__ import annotations

import numpy as np

import tinygrad_lite as tg
import tinygrad_lite.nn.functional as F
from tinygrad_lite import Tensor, nn, optim


class Net(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(4, width)
        self.last = nn.Linear(width)  # mistake: a size is missing

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.relu(self.first(x))
        return self.last(F.dropout(hidden, p=0.1, training=self.training))


def normalized(x: Tensor) -> Tensor:
    centered = x - x.mean(dim=0, keepdim=True)
    return centered / (x.std(dim=0, keepdim=True) + 1e-6)


def largest(x: Tensor) -> Tensor:
    return x.max(dim=1)  # mistake: values and indices


def loss_of(x: Tensor, y: Tensor) -> float:
    return F.mse_loss(x, y)  # mistake: a Tensor is no float


def main() -> None:
    model = Net(8)
    rule = optim.AdamW(model.parameters(), learning_rate=1e-3)  # mistake: lr
    schedule = optim.lr_scheduler.StepLR(rule, step_size=10)
    warmup = optim.lr_schedulers  # mistake: no such module
    x, y = tg.randn(16, 4), tg.from_numpy(np.ones((16, 1), np.float32))
    both = tg.concatt([x, y], 1)  # mistake: no such function
    for _ in range(20):
        rule.zero_grad()
        prediction = model(normalized(x)) @ tg.eye(1) + 1
        loss = F.mse_loss(prediction, y) + 0.01 * (prediction**2).mean()
        loss.backwards()  # mistake: backward
        rule.step()
        schedule.step()
        print(f"{loss.item():.3f}", x.grad.sum())  # mistake: grad may be None
    values, places = x.sort(dim=1)
    count: int = x.numel() + len(x) + x.shape[0]
    name: str = x.sum()  # mistake: a Tensor is no text
    hidden = F.reluu(values)  # mistake: no such function
    shifted = x + "1"  # mistake: no operand
    rows = x[0].to(tg.float64).summ()  # mistake: no such method
    row = (x > 0).any(dimm=1)  # mistake: no such argument
    q, r = tg.linalg.qr(x)
    total: Tensor = tg.linalg.qr(x)  # mistake: two of them
    print(count, name, hidden, shifted, rows, row, q, r, total, places, both, warmup, largest(x), loss_of(x, y))

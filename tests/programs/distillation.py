"""Knowledge distillation from a frozen teacher, and mixup with soft labels."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.default_rng(35)


def net(width):
    model = nn.Sequential(nn.Linear(6, width), nn.Hardswish(), nn.Linear(width, 4))
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.from_numpy(rng.normal(0, 0.5, tuple(p.shape))))
    return model


teacher, student = net(20), net(5)
teacher.eval()
for p in teacher.parameters():
    p.requires_grad_(False)
optimizer = torch.optim.SGD(student.parameters(), lr=0.1, momentum=0.9, dampening=0.1)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[4, 7], gamma=0.3)
T, alpha = 4.0, 0.7


def distillation_loss(y, labels, teacher_scores):
    kd = nn.KLDivLoss(reduction="batchmean")(F.log_softmax(y / T, dim=1), F.softmax(teacher_scores / T, dim=1))
    return kd * (alpha * T * T * 2.0) + F.cross_entropy(y, labels) * (1.0 - alpha)


for step in range(10):
    x = torch.from_numpy(rng.standard_normal((12, 6)).astype(np.float32))
    labels = torch.from_numpy(rng.integers(0, 4, 12))
    lam, index = rng.beta(0.4, 0.4), torch.from_numpy(rng.permutation(12))
    mixed = torch.lerp(x[index], x, float(lam))
    with torch.no_grad():
        scores = teacher(mixed)
    logits = student(mixed)
    loss = lam * distillation_loss(logits, labels, scores) + (1 - lam) * distillation_loss(
        logits, labels[index], scores
    )
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    print(f"{loss.item():.6f} {(logits.argmax(-1) == scores.argmax(-1)).float().mean().item():.4f}")

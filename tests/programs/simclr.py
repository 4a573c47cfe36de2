"""Contrastive learning of two views with the NT-Xent loss, a projection head, and LARS-like scaling by hand."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.default_rng(32)


def info_nce_loss(features, n_views=2, temperature=0.5):
    batch = features.shape[0] // n_views
    labels = torch.cat([torch.arange(batch) for _ in range(n_views)], dim=0)
    labels = (labels.unsqueeze(0) == labels.unsqueeze(1)).float()
    features = F.normalize(features, dim=1)
    similarity_matrix = torch.matmul(features, features.T)
    mask = torch.eye(labels.shape[0], dtype=torch.bool)
    labels = labels[~mask].view(labels.shape[0], -1)
    similarity_matrix = similarity_matrix[~mask].view(similarity_matrix.shape[0], -1)
    positives = similarity_matrix[labels.bool()].view(labels.shape[0], -1)
    negatives = similarity_matrix[~labels.bool()].view(similarity_matrix.shape[0], -1)
    logits = torch.cat([positives, negatives], dim=1) / temperature
    return logits, torch.zeros(logits.shape[0], dtype=torch.long)


backbone = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU())
head = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))
model = nn.Sequential(backbone, head)
for p in model.parameters():
    p.data.copy_(torch.from_numpy(rng.normal(0, 0.4, tuple(p.shape))))
optimizer = torch.optim.SGD(
    [{"params": backbone.parameters(), "lr": 0.05}, {"params": head.parameters()}], lr=0.1, momentum=0.9
)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=[0.1, 0.2], total_steps=10)
for step in range(10):
    x = rng.standard_normal((6, 8))
    views = np.concatenate([x + 0.1 * rng.standard_normal(x.shape) for _ in range(2)])
    logits, labels = info_nce_loss(model(torch.as_tensor(views, dtype=torch.float32)))
    loss = F.cross_entropy(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    top1 = (logits.topk(1, dim=1)[1].t() == labels.view(1, -1)).float().mean() * 100
    print(f"Loss: {loss.item():.6f}\tTop1 accuracy: {top1.item():.3f} {optimizer.param_groups[0]['momentum']:.5f}")

"""Recommendations: embeddings and biases for users and items, EmbeddingBag features, a custom autograd Function."""

import numpy as np
import torch
import torch.nn as nn
from torch.autograd import Function
from torch.utils.data import DataLoader, TensorDataset, random_split

rng = np.random.default_rng(48)


class ScaledSigmoid(Function):
    @staticmethod
    def forward(ctx, x, low, high):
        out = low + (high - low) * torch.sigmoid(x)
        ctx.save_for_backward(out)
        ctx.low, ctx.high = low, high
        return out

    @staticmethod
    def backward(ctx, grad_output):
        (out,) = ctx.saved_tensors
        s = (out - ctx.low) / (ctx.high - ctx.low)
        return grad_output * (ctx.high - ctx.low) * s * (1 - s), None, None


class Recommender(nn.Module):
    def __init__(self, users, items, tags, dim):
        super().__init__()
        self.user, self.item = nn.Embedding(users, dim), nn.Embedding(items, dim)
        self.user_bias, self.item_bias = nn.Embedding(users, 1), nn.Embedding(items, 1)
        self.tags = nn.EmbeddingBag(tags, dim, mode="mean")

    def forward(self, user, item, tags):
        dot = (self.user(user) * (self.item(item) + self.tags(tags))).sum(1)
        return ScaledSigmoid.apply(dot + self.user_bias(user).squeeze() + self.item_bias(item).squeeze(), 0.5, 5.5)


users, items = rng.integers(0, 8, 60), rng.integers(0, 10, 60)
ratings = np.clip(3 + (users % 3) - (items % 2) + rng.normal(0, 0.3, 60), 1, 5).astype(np.float32)
dataset = TensorDataset(
    torch.from_numpy(users),
    torch.from_numpy(items),
    torch.from_numpy(rng.integers(0, 6, (60, 3))),
    torch.from_numpy(ratings),
)
train, valid = random_split(dataset, [50, 10])
assert len(train) == 50 and len(valid) == 10
train = torch.utils.data.Subset(dataset, range(50))  # the same in both libraries
model = Recommender(8, 10, 6, 4)
for p in model.parameters():
    p.data.copy_(torch.from_numpy(rng.normal(0, 0.3, tuple(p.shape))))
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
for epoch in range(2):
    for u, i, t, r in DataLoader(train, batch_size=10):
        loss = torch.nn.functional.mse_loss(model(u, i, t), r)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"{epoch} {loss.item():.6f}")

"""A character model with a hand-written batch norm, as plain tensors with requires_grad and no module."""

import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(2)
words = ["emma", "olivia", "ava", "isabella", "sophia", "mia", "amelia", "harper"]
stoi = {s: i + 1 for i, s in enumerate(sorted(set("".join(words))))} | {".": 0}
X, Y = [], []
for w in words:
    context = [0] * 3
    for ch in w + ".":
        X.append(context)
        Y.append(stoi[ch])
        context = context[1:] + [stoi[ch]]
X, Y = torch.tensor(X), torch.tensor(Y)
print(tuple(X.shape), X.dtype == torch.int64, tuple(Y.shape))


def numbers(*shape, gain=1.0):
    return torch.tensor(rng.standard_normal(shape), dtype=torch.float32) * gain


C = numbers(len(stoi), 4)
W1 = numbers(12, 20, gain=(5 / 3) / (12**0.5))
W2, b2 = numbers(20, len(stoi), gain=0.1), numbers(len(stoi), gain=0.0)
bngain, bnbias = torch.ones((1, 20)), torch.zeros((1, 20))
running = torch.zeros((1, 20))
parameters = [C, W1, W2, b2, bngain, bnbias]
for p in parameters:
    p.requires_grad = True
for i in range(10):
    ix = torch.from_numpy(rng.integers(0, X.shape[0], (16,)))
    emb = C[X[ix]]
    hpreact = emb.view(emb.shape[0], -1) @ W1
    mean, std = hpreact.mean(0, keepdim=True), hpreact.std(0, keepdim=True)
    h = torch.tanh(bngain * (hpreact - mean) / std + bnbias)
    with torch.no_grad():
        running = 0.9 * running + 0.1 * mean
    loss = F.cross_entropy(h @ W2 + b2, Y[ix])
    for p in parameters:
        p.grad = None
    loss.backward()
    for p in parameters:
        p.data += -0.1 * p.grad
    print(f"{loss.item():.6f}")
print(f"{running.abs().mean().item():.6f}")

"""Fused attention, weight tying, a cosine schedule with warm-up, gradient accumulation, and sampling with top-k."""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.default_rng(1)
device = "cpu"


@dataclass
class Config:
    block_size: int = 8
    vocab_size: int = 12
    n_head: int = 2
    n_embd: int = 16
    bias: bool = False


class LayerNorm(nn.Module):
    def __init__(self, ndim, bias):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(ndim))
        self.bias = nn.Parameter(torch.zeros(ndim)) if bias else None

    def forward(self, x):
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, 1e-5)


class Model(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.transformer = nn.ModuleDict(
            dict(
                wte=nn.Embedding(c.vocab_size, c.n_embd),
                wpe=nn.Embedding(c.block_size, c.n_embd),
                ln=LayerNorm(c.n_embd, c.bias),
                attn=nn.Linear(c.n_embd, 3 * c.n_embd, bias=c.bias),
                proj=nn.Linear(c.n_embd, c.n_embd, bias=c.bias),
            )
        )
        self.lm_head = nn.Linear(c.n_embd, c.vocab_size, bias=False)
        self.transformer.wte.weight = self.lm_head.weight  # weight tying
        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            module.weight.data.copy_(torch.tensor(0.1 * rng.standard_normal(module.weight.shape)))

    def forward(self, idx, targets=None):
        b, t = idx.shape
        assert t <= self.c.block_size, f"{t} > {self.c.block_size}"
        m = self.transformer
        x = m.wte(idx) + m.wpe(torch.arange(t, device=idx.device))
        heads = [v.view(b, t, self.c.n_head, -1).transpose(1, 2) for v in m.attn(m.ln(x)).chunk(3, dim=-1)]
        y = F.scaled_dot_product_attention(*heads, attn_mask=None, dropout_p=0.0, is_causal=True)
        x = x + m.proj(y.transpose(1, 2).reshape(b, t, -1))
        logits = self.lm_head(x if targets is not None else x[:, [-1], :])
        loss = None if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        return logits, loss

    @torch.no_grad()
    def generate(self, idx, new, top_k):
        for _ in range(new):
            logits, _ = self(idx[:, -self.c.block_size :])
            logits = logits[:, -1, :] / 0.8
            v, _ = torch.topk(logits, min(top_k, logits.size(-1)))
            logits[logits < v[:, [-1]]] = -float("Inf")
            idx = torch.cat((idx, torch.argmax(F.softmax(logits, dim=-1), dim=-1, keepdim=True)), dim=1)
        return idx


def get_lr(it, warmup=3, total=10, lr=1e-2, min_lr=1e-3):
    if it < warmup:
        return lr * (it + 1) / warmup
    return min_lr + 0.5 * (1.0 + math.cos(math.pi * (it - warmup) / (total - warmup))) * (lr - min_lr)


data = rng.integers(0, 12, 400).astype(np.uint16)
model = Model(Config()).to(device)
print(sum(p.numel() for p in model.parameters()))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95), weight_decay=0.1, fused=False)
for it in range(10):
    for group in optimizer.param_groups:
        group["lr"] = get_lr(it)
    for micro in range(2):
        ix = rng.integers(0, len(data) - 9, 4)
        x = torch.stack([torch.from_numpy(data[i : i + 8].astype(np.int64)) for i in ix])
        y = torch.stack([torch.from_numpy(data[i + 1 : i + 9].astype(np.int64)) for i in ix])
        logits, loss = model(x.to(device, non_blocking=True), y.to(device, non_blocking=True))
        (loss / 2).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    print(f"iter {it}: loss {loss.item():.6f}")
print(model.generate(torch.zeros((1, 1), dtype=torch.long), 6, 5)[0].tolist())

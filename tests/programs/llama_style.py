"""Rotary embeddings by complex numbers, grouped-query attention with a cache, RMSNorm and SwiGLU."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

rng = np.random.default_rng(46)
DIM, HEADS, KV_HEADS, VOCAB = 16, 4, 2, 10
HEAD = DIM // HEADS


def precompute_freqs_cis(dim, end, theta=10000.0):
    freqs = 1.0 / (theta ** (torch.arange(0, dim, 2)[: (dim // 2)].float() / dim))
    freqs = torch.outer(torch.arange(end), freqs)
    return torch.polar(torch.ones_like(freqs), freqs)


def apply_rotary_emb(x, freqs_cis):
    x_ = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(x_ * freqs_cis[:, None, :]).flatten(3).type_as(x)


def repeat_kv(x, n_rep):
    b, s, n, d = x.shape
    return x[:, :, :, None, :].expand(b, s, n, n_rep, d).reshape(b, s, n * n_rep, d)


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, DIM)
        self.wq, self.wo = nn.Linear(DIM, DIM, bias=False), nn.Linear(DIM, DIM, bias=False)
        self.wk, self.wv = (nn.Linear(DIM, KV_HEADS * HEAD, bias=False) for _ in range(2))
        self.norms = nn.ModuleList([nn.RMSNorm(DIM, eps=1e-5) for _ in range(3)])
        self.w1, self.w2, self.w3 = (
            nn.Linear(DIM, 24, bias=False),
            nn.Linear(24, DIM, bias=False),
            nn.Linear(DIM, 24, bias=False),
        )
        self.output = nn.Linear(DIM, VOCAB, bias=False)
        self.freqs_cis = precompute_freqs_cis(HEAD, 16)

    def forward(self, tokens, cache=None, start=0):
        b, s = tokens.shape
        h = self.tok(tokens)
        x = self.norms[0](h)
        q = self.wq(x).view(b, s, HEADS, HEAD)
        k, v = self.wk(x).view(b, s, KV_HEADS, HEAD), self.wv(x).view(b, s, KV_HEADS, HEAD)
        freqs = self.freqs_cis[start : start + s]
        q, k = apply_rotary_emb(q, freqs), apply_rotary_emb(k, freqs)
        if cache is not None:
            cache[0][:, start : start + s], cache[1][:, start : start + s] = k, v
            k, v = cache[0][:, : start + s], cache[1][:, : start + s]
        q, k, v = (t.transpose(1, 2) for t in (q, repeat_kv(k, HEADS // KV_HEADS), repeat_kv(v, HEADS // KV_HEADS)))
        scores = torch.matmul(q, k.transpose(2, 3)) / math.sqrt(HEAD)
        if s > 1:
            scores = scores + torch.full((s, s), float("-inf")).triu(diagonal=1)
        out = torch.matmul(F.softmax(scores.float(), dim=-1).type_as(q), v)
        h = h + self.wo(out.transpose(1, 2).contiguous().view(b, s, -1))
        x = self.norms[1](h)
        h = h + self.w2(F.silu(self.w1(x)) * self.w3(x))
        return self.output(self.norms[2](h)).float()


model = Transformer()
for name, p in model.named_parameters():
    if "norm" not in name:
        p.data.copy_(torch.from_numpy(rng.normal(0, 0.25, tuple(p.shape))))
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, betas=(0.9, 0.95), weight_decay=0.1)
for step in range(10):
    tokens = torch.from_numpy(rng.integers(0, VOCAB, (3, 9)))
    loss = F.cross_entropy(model(tokens[:, :-1]).reshape(-1, VOCAB), tokens[:, 1:].reshape(-1))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    print(f"{loss.item():.6f}")
with torch.inference_mode():
    cache = [torch.zeros(3, 16, KV_HEADS, HEAD) for _ in range(2)]
    whole = model(tokens)
    parts = [model(tokens[:, i : i + 1], cache, i) for i in range(tokens.shape[1])]
    print(torch.allclose(whole, torch.cat(parts, dim=1), atol=1e-5))

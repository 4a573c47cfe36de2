"""Encoder and decoder with label smoothing, the Noam schedule through LambdaLR, and greedy decoding of a copy task."""

import copy
import math

import numpy as np
import torch
import torch.nn as nn
from torch.nn.functional import log_softmax
from torch.optim.lr_scheduler import LambdaLR

rng = np.random.default_rng(3)


def clones(module, N):
    return nn.ModuleList([copy.deepcopy(module) for _ in range(N)])


def attention(query, key, value, mask=None):
    scores = torch.matmul(query, key.transpose(-2, -1)) / math.sqrt(query.size(-1))
    if mask is not None:
        scores = scores.masked_fill(mask == 0, -1e9)
    return torch.matmul(scores.softmax(dim=-1), value)


class MultiHeadedAttention(nn.Module):
    def __init__(self, h, d_model):
        super().__init__()
        self.d_k, self.h = d_model // h, h
        self.linears = clones(nn.Linear(d_model, d_model), 4)

    def forward(self, query, key, value, mask=None):
        mask = mask.unsqueeze(1) if mask is not None else None
        n = query.size(0)
        q, k, v = [
            lin(x).view(n, -1, self.h, self.d_k).transpose(1, 2) for lin, x in zip(self.linears, (query, key, value))
        ]
        x = attention(q, k, v, mask).transpose(1, 2).contiguous().view(n, -1, self.h * self.d_k)
        return self.linears[-1](x)


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=50):
        super().__init__()
        pe = torch.zeros(max_len, d_model)
        position = torch.arange(0, max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * -(math.log(10000.0) / d_model))
        pe[:, 0::2] = torch.sin(position * div_term)
        pe[:, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe.unsqueeze(0))

    def forward(self, x):
        return x + self.pe[:, : x.size(1)].requires_grad_(False)


class Model(nn.Module):
    def __init__(self, vocab, d=16):
        super().__init__()
        self.embed = nn.Sequential(nn.Embedding(vocab, d), PositionalEncoding(d))
        self.attn = clones(MultiHeadedAttention(2, d), 3)
        self.norm = clones(nn.LayerNorm(d), 3)
        self.out = nn.Linear(d, vocab)

    def encode(self, src):
        x = self.embed(src)
        return self.norm[0](x + self.attn[0](x, x, x))

    def forward(self, src, tgt):
        size = tgt.size(-1)
        mask = torch.triu(torch.ones((1, size, size)), diagonal=1).type(torch.uint8) == 0
        m, y = self.encode(src), self.embed(tgt)
        y = self.norm[1](y + self.attn[1](y, y, y, mask))
        y = self.norm[2](y + self.attn[2](y, m, m))
        return log_softmax(self.out(y), dim=-1)


class LabelSmoothing(nn.Module):
    def __init__(self, size, padding_idx, smoothing):
        super().__init__()
        self.criterion = nn.KLDivLoss(reduction="sum")
        self.padding_idx, self.smoothing, self.size = padding_idx, smoothing, size

    def forward(self, x, target):
        true_dist = x.data.clone()
        true_dist.fill_(self.smoothing / (self.size - 2))
        true_dist.scatter_(1, target.data.unsqueeze(1), 1.0 - self.smoothing)
        true_dist[:, self.padding_idx] = 0
        mask = torch.nonzero(target.data == self.padding_idx)
        if mask.dim() > 0:
            true_dist.index_fill_(0, mask.squeeze(), 0.0)
        return self.criterion(x, true_dist.clone().detach())


model = Model(11)
for p in model.parameters():
    if p.dim() > 1:
        p.data.copy_(torch.tensor(0.3 * rng.standard_normal(tuple(p.shape))))
    else:
        nn.init.constant_(p, 0.1)
criterion = LabelSmoothing(11, 0, 0.1)
optimizer = torch.optim.Adam(model.parameters(), lr=0.5, betas=(0.9, 0.98), eps=1e-9)
scheduler = LambdaLR(optimizer, lambda step: 16**-0.5 * min(max(step, 1) ** -0.5, max(step, 1) * 40**-1.5))
for _ in range(10):
    data = torch.from_numpy(rng.integers(1, 11, (6, 7)))
    data[:, 0] = 1
    out = model(data, data[:, :-1])
    target = data[:, 1:]
    loss = criterion(out.contiguous().view(-1, 11), target.contiguous().view(-1)) / (target != 0).data.sum()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    scheduler.step()
    print("%.6f lr %.6f" % (loss.item(), optimizer.param_groups[0]["lr"]))

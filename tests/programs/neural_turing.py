"""A memory that is read and written by content, circular shifts and gates, on a copy task."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

rng = np.random.default_rng(30)
N, M, BITS = 6, 4, 3


def _convolve(w, s):
    """Circular convolution."""
    t = torch.cat([w[-1:], w, w[:1]])
    return F.conv1d(t.view(1, 1, -1), s.view(1, 1, -1)).view(-1)


class Memory(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mem_bias", torch.from_numpy(rng.uniform(-0.3, 0.3, (N, M)).astype(np.float32)))

    def reset(self, batch_size):
        self.memory = self.mem_bias.repeat(batch_size, 1, 1)

    def read(self, w):
        return torch.matmul(w.unsqueeze(1), self.memory).squeeze(1)

    def write(self, w, e, a):
        erase = torch.matmul(w.unsqueeze(-1), e.unsqueeze(1))
        add = torch.matmul(w.unsqueeze(-1), a.unsqueeze(1))
        self.memory = self.memory * (1 - erase) + add

    def address(self, k, beta, g, s, gamma, w_prev):
        wc = F.softmax(beta * F.cosine_similarity(self.memory + 1e-16, k.unsqueeze(1) + 1e-16, dim=-1), dim=1)
        wg = g * wc + (1 - g) * w_prev
        shifted = torch.stack([_convolve(w, sb) for w, sb in zip(wg, s)])
        w = shifted**gamma
        return w / (w.sum(dim=1, keepdim=True) + 1e-16)


class NTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.memory = Memory()
        self.controller = nn.LSTMCell(BITS + 1 + M, 10)
        self.fc_head = nn.Linear(10, M + 1 + 1 + 3 + 1 + 2 * M)
        self.fc_out = nn.Linear(10 + M, BITS)

    def forward(self, x):
        B = x.size(1)
        self.memory.reset(B)
        h, c = torch.zeros(B, 10), torch.zeros(B, 10)
        w, read, outs = F.one_hot(torch.zeros(B, dtype=torch.int64), N).float(), torch.zeros(B, M), []
        for x_t in x:
            h, c = self.controller(torch.cat([x_t, read], dim=1), (h, c))
            k, beta, g, s, gamma, e, a = torch.split(self.fc_head(h), [M, 1, 1, 3, 1, M, M], dim=1)
            w = self.memory.address(k, F.softplus(beta), torch.sigmoid(g), s.softmax(1), 1 + F.softplus(gamma), w)
            self.memory.write(w, torch.sigmoid(e), a)
            read = self.memory.read(w)
            outs.append(torch.sigmoid(self.fc_out(torch.cat([h, read], dim=1))))
        return torch.stack(outs)


net = NTM()
for p in net.parameters():
    p.data.copy_(torch.from_numpy(rng.uniform(-0.4, 0.4, tuple(p.shape))))
criterion = nn.BCELoss()
optimizer = torch.optim.RMSprop(net.parameters(), momentum=0.9, alpha=0.95, lr=3e-3)
for batch in range(10):
    seq = torch.from_numpy(rng.integers(0, 2, (4, 3, BITS)).astype(np.float32))
    inp = torch.zeros(9, 3, BITS + 1)
    inp[:4, :, :BITS] = seq
    inp[4, :, BITS] = 1.0
    optimizer.zero_grad()
    y_out = net(inp)[5:]
    loss = criterion(y_out, seq)
    loss.backward()
    nn.utils.clip_grad_value_(net.parameters(), 10)
    optimizer.step()
    binarized = y_out.clone().data
    binarized.apply_(lambda v: 0 if v < 0.5 else 1)
    print("%.6f %.1f" % (loss.item(), torch.sum(torch.abs(binarized - seq.data)).item()))

"""Pointers at the inputs, decoded step by step with a mask of those already taken."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.default_rng(44)


class PointerNet(nn.Module):
    def __init__(self, hidden=8):
        super().__init__()
        self.embed = nn.Linear(1, hidden)
        self.encoder = nn.LSTM(hidden, hidden, batch_first=True, bidirectional=True)
        self.decoder = nn.LSTMCell(hidden, 2 * hidden)
        self.w1, self.w2 = nn.Linear(2 * hidden, hidden, bias=False), nn.Linear(2 * hidden, hidden, bias=False)
        self.v = nn.Linear(hidden, 1, bias=False)
        self.start = nn.Parameter(torch.zeros(hidden))

    def forward(self, x):
        batch, n, _ = x.shape
        embedded = self.embed(x)
        outputs, (h, c) = self.encoder(embedded)
        h, c = (s.transpose(0, 1).reshape(batch, -1) for s in (h, c))
        step_in, mask, log_scores = self.start.expand(batch, -1), torch.zeros(batch, n, dtype=torch.bool), []
        for _ in range(n):
            h, c = self.decoder(step_in, (h, c))
            scores = self.v(torch.tanh(self.w1(outputs) + self.w2(h).unsqueeze(1))).squeeze(-1)
            log_score = F.log_softmax(scores.masked_fill(mask, -1e4), dim=-1)
            log_scores.append(log_score)
            pointer = log_score.argmax(dim=-1, keepdim=True)
            mask = mask.scatter(1, pointer, True)
            step_in = embedded.gather(1, pointer.unsqueeze(-1).expand(-1, -1, embedded.size(-1))).squeeze(1)
        return torch.stack(log_scores, 1)


model = PointerNet()
for p in model.parameters():
    p.data.copy_(torch.from_numpy(rng.uniform(-0.5, 0.5, tuple(p.shape))))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(10):
    x = torch.from_numpy(rng.random((6, 4, 1)).astype(np.float32))
    target = x.squeeze(-1).argsort(dim=-1)
    log_scores = model(x)
    loss = F.nll_loss(log_scores.view(-1, 4), target.view(-1))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
    optimizer.step()
    print(f"{loss.item():.6f}")

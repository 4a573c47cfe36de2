"""A GRU encoder and decoder with additive attention and teacher forcing, padded and masked."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

rng = np.random.default_rng(22)
PAD, SOS, EOS = 0, 1, 2


class Encoder(nn.Module):
    def __init__(self, vocab, hidden):
        super().__init__()
        self.embedding = nn.Embedding(vocab, hidden, padding_idx=PAD)
        self.rnn = nn.GRU(hidden, hidden, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(2 * hidden, hidden)

    def forward(self, src, lengths):
        packed = pack_padded_sequence(self.embedding(src), lengths.cpu(), batch_first=True, enforce_sorted=False)
        outputs, hidden = self.rnn(packed)
        outputs, _ = pad_packed_sequence(outputs, batch_first=True)
        return outputs, torch.tanh(self.fc(torch.cat((hidden[-2], hidden[-1]), dim=1)))


class BahdanauAttention(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.Wa, self.Ua, self.Va = nn.Linear(hidden, hidden), nn.Linear(2 * hidden, hidden), nn.Linear(hidden, 1)

    def forward(self, query, keys, mask):
        scores = self.Va(torch.tanh(self.Wa(query.unsqueeze(1)) + self.Ua(keys))).squeeze(2)
        weights = F.softmax(scores.masked_fill(mask == 0, -1e10), dim=-1)
        return torch.bmm(weights.unsqueeze(1), keys), weights


class Decoder(nn.Module):
    def __init__(self, vocab, hidden):
        super().__init__()
        self.vocab = vocab
        self.embedding = nn.Embedding(vocab, hidden)
        self.attention = BahdanauAttention(hidden)
        self.cell = nn.GRUCell(3 * hidden, hidden)
        self.out = nn.Linear(hidden, vocab)

    def forward(self, keys, hidden, mask, target):
        token = torch.empty(target.size(0), dtype=torch.long).fill_(SOS)
        logits = []
        for i in range(target.size(1)):
            context, _ = self.attention(hidden, keys, mask)
            hidden = self.cell(torch.cat((self.embedding(token), context.squeeze(1)), dim=1), hidden)
            logits.append(self.out(hidden))
            token = target[:, i] if i % 3 else logits[-1].topk(1)[1].squeeze(-1).detach()
        return torch.stack(logits, dim=1)


encoder, decoder = Encoder(9, 8), Decoder(9, 8)
params = list(encoder.parameters()) + list(decoder.parameters())
for p in params:
    p.data.copy_(torch.from_numpy(rng.uniform(-0.4, 0.4, tuple(p.shape))))
encoder.embedding.weight.data[PAD] = 0
optimizer = torch.optim.Adam(params, lr=2e-2)
criterion = nn.CrossEntropyLoss(ignore_index=PAD)
for step in range(10):
    lengths = torch.from_numpy(rng.integers(2, 6, 5))
    words = [torch.from_numpy(rng.integers(3, 9, int(n))) for n in lengths]
    src = pad_sequence(words, batch_first=True, padding_value=PAD)
    trg = pad_sequence([torch.cat([w.flip(0), torch.tensor([EOS])]) for w in words], batch_first=True)
    keys, hidden = encoder(src, lengths)
    logits = decoder(keys, hidden, src != PAD, trg)
    loss = criterion(logits.view(-1, decoder.vocab), trg.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{step} {loss.item():.6f}")

"""Recurrent acoustic model with spectrograms and CTC, and greedy decoding."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.default_rng(47)


class Acoustic(nn.Module):
    def __init__(self, bins, hidden, labels):
        super().__init__()
        self.conv = nn.Conv1d(bins, hidden, 3, padding=1)
        self.norm = nn.LayerNorm(hidden)
        self.rnn = nn.GRU(hidden, hidden, num_layers=2, bidirectional=True)
        self.out = nn.Linear(2 * hidden, labels)

    def forward(self, spectrogram):
        x = F.gelu(self.norm(self.conv(spectrogram).transpose(1, 2)))
        x, _ = self.rnn(x.transpose(0, 1))
        return self.out(x).log_softmax(2)


model = Acoustic(9, 8, 5)
for p in model.parameters():
    p.data.copy_(torch.from_numpy(rng.normal(0, 0.3, tuple(p.shape))))
ctc_loss = nn.CTCLoss(blank=0, zero_infinity=True)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
window = torch.hann_window(16)
for step in range(10):
    wave = torch.from_numpy(
        np.sin(rng.uniform(0.1, 1.5, (3, 1)) * np.arange(100)) + 0.1 * rng.standard_normal((3, 100))
    ).float()
    spectrum = torch.stft(wave, n_fft=16, hop_length=8, window=window, return_complex=True)
    features = torch.log1p(spectrum.abs() ** 2)
    target_lengths = torch.tensor([3, 2, 4])
    targets = torch.from_numpy(rng.integers(1, 5, (3, 4)))
    log_probs = model(features)
    input_lengths = torch.full((3,), log_probs.size(0), dtype=torch.long)
    loss = ctc_loss(log_probs, targets, input_lengths, target_lengths)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{step} {loss.item():.5f}")
best = log_probs.argmax(2).t()
print([torch.unique_consecutive(row).tolist() for row in best][0][:1] != [])

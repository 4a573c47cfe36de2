"""A hyper-LSTM: a small LSTM writes the scales of a larger one's rows, character by character."""

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

rng = np.random.default_rng(52)
TEXT = "the quick brown fox jumps over the lazy dog. " * 6
stoi = {c: i for i, c in enumerate(sorted(set(TEXT)))}


class CharDataset(Dataset):
    def __init__(self, text, length):
        self.ids, self.length = torch.tensor([stoi[c] for c in text], dtype=torch.long), length

    def __len__(self):
        return (len(self.ids) - 1) // self.length

    def __getitem__(self, i):
        chunk = self.ids[i * self.length : (i + 1) * self.length + 1]
        return chunk[:-1], chunk[1:]


class HyperLSTMCell(nn.Module):
    def __init__(self, input_size: int, hidden_size: int, hyper_size: int, n_z: int):
        super().__init__()
        self.hyper = nn.LSTMCell(hidden_size + input_size, hyper_size)
        self.z_h, self.z_x = nn.Linear(hyper_size, 4 * n_z), nn.Linear(hyper_size, 4 * n_z)
        self.z_b = nn.Linear(hyper_size, 4 * n_z, bias=False)
        self.d_h = nn.ModuleList([nn.Linear(n_z, hidden_size, bias=False) for _ in range(4)])
        self.d_x = nn.ModuleList([nn.Linear(n_z, hidden_size, bias=False) for _ in range(4)])
        self.d_b = nn.ModuleList([nn.Linear(n_z, hidden_size) for _ in range(4)])
        self.w_h = nn.ParameterList([nn.Parameter(torch.zeros(hidden_size, hidden_size)) for _ in range(4)])
        self.w_x = nn.ParameterList([nn.Parameter(torch.zeros(hidden_size, input_size)) for _ in range(4)])
        self.layer_norm = nn.ModuleList([nn.LayerNorm(hidden_size) for _ in range(4)])
        self.layer_norm_c = nn.LayerNorm(hidden_size)

    def forward(self, x, h, c, h_hat, c_hat):
        h_hat, c_hat = self.hyper(torch.cat((h, x), dim=-1), (h_hat, c_hat))
        z_h, z_x, z_b = (z(h_hat).chunk(4, dim=-1) for z in (self.z_h, self.z_x, self.z_b))
        ifgo = []
        for i in range(4):
            y = self.d_h[i](z_h[i]) * torch.einsum("ij,bj->bi", self.w_h[i], h)
            y = y + self.d_x[i](z_x[i]) * torch.einsum("ij,bj->bi", self.w_x[i], x) + self.d_b[i](z_b[i])
            ifgo.append(self.layer_norm[i](y))
        i, f, g, o = ifgo
        c_next = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.layer_norm_c(c_next)), c_next, h_hat, c_hat


class Model(nn.Module):
    def __init__(self, vocab, emb=8, hidden=12, hyper=6):
        super().__init__()
        self.embed, self.cell = nn.Embedding(vocab, emb), HyperLSTMCell(emb, hidden, hyper, 4)
        self.head, self.sizes = nn.Linear(hidden, vocab), (hidden, hidden, hyper, hyper)

    def forward(self, x, state=None):
        steps = self.embed(x).unbind(dim=1)
        state = [steps[0].new_zeros(len(x), n) for n in self.sizes] if state is None else state
        out = []
        for step in steps:
            state = self.cell(step, *state)
            out.append(state[0])
        return self.head(torch.stack(out, dim=1)), [s.detach() for s in state]


model = Model(len(stoi))
with torch.no_grad():
    for name, p in model.named_parameters():
        if "layer_norm" not in name:
            p.copy_(torch.from_numpy(rng.normal(0, 0.4, tuple(p.shape))))
model.train()
optimizer = torch.optim.Adam(model.parameters(), lr=2.5e-3, betas=(0.9, 0.98), eps=1e-8)
loader = DataLoader(CharDataset(TEXT, 12), batch_size=2, shuffle=False, drop_last=True)
criterion, state = nn.CrossEntropyLoss(), None
for batch_idx, (data, target) in enumerate(loader):
    output, state = model(data, state)
    loss = criterion(output.view(-1, output.size(-1)), target.reshape(-1))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
    optimizer.step()
    print(f"{batch_idx} loss {loss.item():.6f} norm {norm.item():.5f}")

"""A character LSTM with its state carried over batches and detached, and text from argmax."""

import string

import numpy as np
import torch
import torch.nn as nn

rng = np.random.default_rng(23)
all_characters = string.ascii_lowercase + " ."
text = "the cat sat on the mat. the dog sat on the log. the rat sat on the hat. " * 3


def char_tensor(s):
    return torch.tensor([all_characters.index(c) for c in s]).long()


class CharRNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size, n_layers=2):
        super().__init__()
        self.hidden_size, self.n_layers = hidden_size, n_layers
        self.encoder = nn.Embedding(input_size, hidden_size)
        self.rnn = nn.LSTM(hidden_size, hidden_size, n_layers)
        self.decoder = nn.Linear(hidden_size, output_size)

    def forward(self, input, hidden):
        output, hidden = self.rnn(self.encoder(input), hidden)
        return self.decoder(output), hidden

    def init_hidden(self, batch_size):
        weight = next(self.parameters()).data
        shape = (self.n_layers, batch_size, self.hidden_size)
        return weight.new(*shape).zero_(), weight.new(*shape).zero_()


model = CharRNN(len(all_characters), 12, len(all_characters))
for p in model.parameters():
    p.data.copy_(torch.from_numpy(rng.uniform(-0.3, 0.3, tuple(p.shape))))
optimizer = torch.optim.RMSprop(model.parameters(), lr=5e-3, alpha=0.95)
criterion = nn.CrossEntropyLoss()
data = char_tensor(text)[: 4 * 50].view(4, 50).t().contiguous()  # time, batch
hidden = model.init_hidden(4)
for i in range(10):
    hidden = tuple(h.detach() for h in hidden)
    start = (i * 5) % 44
    source, target = data[start : start + 5], data[start + 1 : start + 6]
    model.zero_grad()
    output, hidden = model(source, hidden)
    loss = criterion(output.reshape(-1, len(all_characters)), target.reshape(-1))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
    optimizer.step()
    print("[%d] %.6f" % (i, loss.item()))
with torch.no_grad():
    hidden, out = model.init_hidden(1), "t"
    for _ in range(5):
        output, hidden = model(char_tensor(out[-1]).view(1, 1), hidden)
        out += all_characters[int(output.view(-1).argmax())]
print(len(out))

"""Skip-grams with negative sampling, sparse-looking embeddings, bmm, and a linear schedule by hand."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

rng = np.random.default_rng(20)
corpus = "the quick brown fox jumps over the lazy dog while the other dog sleeps and the fox runs".split()
vocab = sorted(set(corpus))
word2id = {w: i for i, w in enumerate(vocab)}


class Word2vecDataset(Dataset):
    def __init__(self, window=2, negatives=3):
        ids = [word2id[w] for w in corpus]
        self.pairs = [
            (u, ids[j], rng.integers(0, len(vocab), negatives))
            for i, u in enumerate(ids)
            for j in range(max(i - window, 0), min(i + window + 1, len(ids)))
            if i != j
        ]

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, idx):
        return self.pairs[idx]

    @staticmethod
    def collate(batch):
        u, v, neg = zip(*batch)
        return torch.LongTensor(u), torch.LongTensor(v), torch.from_numpy(np.array(neg))


class SkipGram(nn.Module):
    def __init__(self, size, dim):
        super().__init__()
        self.u_embeddings, self.v_embeddings = nn.Embedding(size, dim), nn.Embedding(size, dim)
        bound = 1.0 / dim
        self.u_embeddings.weight.data.copy_(torch.from_numpy(rng.uniform(-bound, bound, (size, dim))))
        self.v_embeddings.weight.data.copy_(torch.from_numpy(rng.uniform(-bound, bound, (size, dim))))

    def forward(self, pos_u, pos_v, neg_v):
        emb_u, emb_v, emb_neg = self.u_embeddings(pos_u), self.v_embeddings(pos_v), self.v_embeddings(neg_v)
        score = torch.clamp(torch.sum(torch.mul(emb_u, emb_v), dim=1), max=10, min=-10)
        neg_score = torch.clamp(torch.bmm(emb_neg, emb_u.unsqueeze(2)).squeeze(), max=10, min=-10)
        return torch.mean(-F.logsigmoid(score) - torch.sum(F.logsigmoid(-neg_score), dim=1))


model = SkipGram(len(vocab), 8)
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.2)
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=0.1, total_iters=10)
dataset = Word2vecDataset()
loader = DataLoader(dataset, batch_size=8, shuffle=False, collate_fn=Word2vecDataset.collate, drop_last=True)
for i, sample in enumerate(loader):
    if i == 10:
        break
    optimizer.zero_grad()
    loss = model(*sample)
    loss.backward()
    optimizer.step()
    scheduler.step()
    print(loss.item())
similar = F.cosine_similarity(model.u_embeddings.weight[None], model.u_embeddings.weight[:, None], dim=-1)
print(similar.fill_diagonal_(0).max().item())

"""Graph convolutions on a sparse adjacency given by its edges, with index_add and masks of nodes."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.parameter import Parameter

rng = np.random.default_rng(28)
n, classes = 12, 3
edges = np.unique(rng.integers(0, n, (2, 40)), axis=1)
edge_index = torch.from_numpy(np.concatenate([edges, edges[::-1], np.stack([np.arange(n)] * 2)], axis=1).copy())


class GraphConvolution(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.weight = Parameter(
            torch.from_numpy(rng.uniform(-0.5, 0.5, (in_features, out_features)).astype(np.float32))
        )
        if bias:
            self.bias = Parameter(torch.zeros(out_features))
        else:
            self.register_parameter("bias", None)

    def forward(self, x, edge_index):
        support = torch.mm(x, self.weight)
        row, col = edge_index
        deg = torch.bincount(row, minlength=x.size(0)).to(x.dtype)
        norm = deg[row].rsqrt() * deg[col].rsqrt()
        out = torch.zeros_like(support).index_add_(0, row, norm.unsqueeze(1) * support[col])
        return out + self.bias if self.bias is not None else out

    def __repr__(self):
        return self.__class__.__name__ + str(tuple(self.weight.shape))


class GCN(nn.Module):
    def __init__(self, nfeat, nhid, nclass):
        super().__init__()
        self.gc1, self.gc2 = GraphConvolution(nfeat, nhid), GraphConvolution(nhid, nclass, bias=False)

    def forward(self, x, adj):
        x = F.relu(self.gc1(x, adj))
        x = F.dropout(x, 0.5, training=False)
        return F.log_softmax(self.gc2(x, adj), dim=1)


model = GCN(5, 8, classes)
features = torch.from_numpy(rng.random((n, 5)).astype(np.float32))
features = features / features.sum(1, keepdim=True)
labels = torch.from_numpy(rng.integers(0, classes, n))
idx_train = torch.arange(n) % 2 == 0
optimizer = torch.optim.Adam(model.parameters(), lr=0.05, weight_decay=5e-4)
for epoch in range(10):
    model.train()
    optimizer.zero_grad()
    output = model(features, edge_index)
    loss_train = F.nll_loss(output[idx_train], labels[idx_train])
    preds = output[idx_train].max(1)[1].type_as(labels)
    acc_train = preds.eq(labels[idx_train]).double().sum() / idx_train.sum()
    loss_train.backward()
    optimizer.step()
    print(f"Epoch: {epoch + 1:04d} loss_train: {loss_train.item():.5f} acc_train: {acc_train.item():.4f}")

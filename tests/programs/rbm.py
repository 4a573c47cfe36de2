"""A restricted Boltzmann machine by contrastive divergence: updates without autograd, and free energies with it."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.default_rng(41)


class RBM(nn.Module):
    def __init__(self, n_vis=12, n_hin=6, k=2):
        super().__init__()
        self.W = nn.Parameter(torch.from_numpy(rng.normal(0, 0.1, (n_hin, n_vis)).astype(np.float32)))
        self.v_bias = nn.Parameter(torch.zeros(n_vis))
        self.h_bias = nn.Parameter(torch.zeros(n_hin))
        self.k = k

    def sample_from_p(self, p):
        return F.relu(torch.sign(p - torch.from_numpy(rng.random(p.size()).astype(np.float32))))

    def v_to_h(self, v):
        p_h = torch.sigmoid(F.linear(v, self.W, self.h_bias))
        return p_h, self.sample_from_p(p_h)

    def h_to_v(self, h):
        p_v = torch.sigmoid(F.linear(h, self.W.t(), self.v_bias))
        return p_v, self.sample_from_p(p_v)

    def forward(self, v):
        _, h_ = self.v_to_h(v)
        for _ in range(self.k):
            _, v_ = self.h_to_v(h_)
            _, h_ = self.v_to_h(v_)
        return v, v_

    def free_energy(self, v):
        vbias_term = v.mv(self.v_bias)
        wx_b = F.linear(v, self.W, self.h_bias)
        hidden_term = wx_b.exp().add(1).log().sum(1)
        return (-hidden_term - vbias_term).mean()


rbm = RBM()
train_op = torch.optim.SGD(rbm.parameters(), 0.1)
patterns = (rng.random((3, 12)) < 0.5).astype(np.float32)
for epoch in range(10):
    data = torch.from_numpy(np.abs(patterns[rng.integers(0, 3, 16)] - (rng.random((16, 12)) < 0.05))).float()
    v, v1 = rbm(data)
    loss = rbm.free_energy(v) - rbm.free_energy(v1.detach())
    train_op.zero_grad()
    loss.backward()
    train_op.step()
    error = torch.mean(torch.sum((v - v1) ** 2, 1)).item()
    print(f"Training loss for {epoch} epoch: {loss.item():.6f} {error:.4f}")

"""A Kolmogorov-Arnold network: B-splines on every edge beside SiLU, with an entropy of the edges."""

import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(34)


class KANLinear(torch.nn.Module):
    def __init__(self, in_features, out_features, grid_size=4, spline_order=3, grid_range=(-1, 1)):
        super().__init__()
        self.in_features, self.out_features, self.spline_order = in_features, out_features, spline_order
        h = (grid_range[1] - grid_range[0]) / grid_size
        grid = torch.arange(-spline_order, grid_size + spline_order + 1) * h + grid_range[0]
        self.register_buffer("grid", grid.expand(in_features, -1).contiguous())
        self.base_weight = torch.nn.Parameter(torch.Tensor(out_features, in_features))
        self.spline_weight = torch.nn.Parameter(torch.Tensor(out_features, in_features, grid_size + spline_order))
        for p in self.parameters():
            p.data.copy_(torch.from_numpy(rng.normal(0, 0.3, tuple(p.shape))))

    def b_splines(self, x):
        assert x.dim() == 2 and x.size(1) == self.in_features
        grid, x = self.grid, x.unsqueeze(-1)
        bases = ((x >= grid[:, :-1]) & (x < grid[:, 1:])).to(x.dtype)
        for k in range(1, self.spline_order + 1):
            bases = (x - grid[:, : -(k + 1)]) / (grid[:, k:-1] - grid[:, : -(k + 1)]) * bases[:, :, :-1] + (
                grid[:, k + 1 :] - x
            ) / (grid[:, k + 1 :] - grid[:, 1:(-k)]) * bases[:, :, 1:]
        return bases.contiguous()

    def forward(self, x):
        base_output = F.linear(F.silu(x), self.base_weight)
        spline_output = F.linear(self.b_splines(x).view(x.size(0), -1), self.spline_weight.view(self.out_features, -1))
        return base_output + spline_output

    def regularization_loss(self):
        l1_fake = self.spline_weight.abs().mean(-1)
        total = l1_fake.sum()
        p = l1_fake / total
        return total - torch.sum(p * p.log())


layers = torch.nn.ModuleList([KANLinear(2, 4), KANLinear(4, 1)])
optimizer = torch.optim.AdamW(layers.parameters(), lr=2e-2, weight_decay=1e-4)
for step in range(10):
    x = torch.from_numpy(rng.uniform(-1, 1, (24, 2)).astype(np.float32))
    u, v = x[:, 0], x[:, 1]
    y = ((u + v) / (1 + u * v)).unsqueeze(-1).clamp(-1, 1)
    out = x
    for layer in layers:
        out = layer(out)
    loss = F.mse_loss(out, y) + 1e-4 * sum(layer.regularization_loss() for layer in layers)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"mse_loss={loss.item():.6f}")

"""A Gaussian process with a learned kernel by Cholesky, its marginal likelihood, and predictions."""

import math

import numpy as np
import torch

rng = np.random.default_rng(49)
torch.set_default_dtype(torch.double)


class RBF(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.raw_lengthscale = torch.nn.Parameter(torch.tensor(0.0))
        self.raw_outputscale = torch.nn.Parameter(torch.tensor(0.0))

    def forward(self, a, b):
        squared = torch.cdist(a, b).pow(2)
        scale = torch.nn.functional.softplus(self.raw_lengthscale)
        return torch.nn.functional.softplus(self.raw_outputscale) * torch.exp(-0.5 * squared / scale**2)


x = torch.linspace(0, 1, 12).unsqueeze(1) + torch.from_numpy(0.01 * rng.standard_normal((12, 1)))
y = torch.sin(x * 2 * math.pi).squeeze() + torch.from_numpy(rng.normal(0, 0.1, 12))
kernel, log_noise = RBF(), torch.nn.Parameter(torch.tensor(-2.0))
optimizer = torch.optim.Adam([*kernel.parameters(), log_noise], lr=0.1)
for i in range(10):
    optimizer.zero_grad()
    K = kernel(x, x) + log_noise.exp() * torch.eye(len(x))
    mvn = torch.distributions.MultivariateNormal(torch.zeros(len(x)), covariance_matrix=K)
    loss = -mvn.log_prob(y) / len(x)
    L = torch.linalg.cholesky(K)
    alpha = torch.cholesky_solve(y.unsqueeze(1), L).squeeze()
    by_hand = 0.5 * (y @ alpha) / len(x) + L.diagonal().log().sum() / len(x) + 0.5 * math.log(2 * math.pi)
    assert torch.isclose(loss, by_hand)
    loss.backward()
    optimizer.step()
    print("Iter %d/10 - Loss: %.6f   lengthscale: %.5f" % (i + 1, loss.item(), kernel.raw_lengthscale.item()))
with torch.no_grad():
    test_x = torch.linspace(0, 1, 5).unsqueeze(1)
    K_s = kernel(test_x, x)
    mean = K_s @ torch.linalg.solve(K.detach(), y)
    v = torch.linalg.solve_triangular(L.detach(), K_s.T, upper=False)
    variance = kernel(test_x, test_x).diag() - (v * v).sum(0)
print(mean.abs().sum().item(), variance.min().item() > 0)
torch.set_default_dtype(torch.float)

"""Bayes by backprop: weights with means and deviations, a scale mixture as prior; and a mixture density network."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.autograd import Variable

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
rng = np.random.default_rng(55)


class Gaussian:
    def __init__(self, mu, rho):
        self.mu, self.rho = mu, rho
        self.normal = torch.distributions.Normal(0, 1)

    @property
    def sigma(self):
        return torch.log1p(torch.exp(self.rho))

    def sample(self):
        epsilon = torch.from_numpy(rng.normal(size=tuple(self.rho.size())).astype(np.float32)).to(DEVICE)
        return self.mu + self.sigma * epsilon

    def log_prob(self, value):
        return (
            -math.log(math.sqrt(2 * math.pi)) - torch.log(self.sigma) - ((value - self.mu) ** 2) / (2 * self.sigma**2)
        ).sum()


class ScaleMixtureGaussian:
    def __init__(self, pi, sigma1, sigma2):
        self.pi = pi
        self.gaussian1 = torch.distributions.Normal(0, sigma1)
        self.gaussian2 = torch.distributions.Normal(0, sigma2)

    def log_prob(self, value):
        prob1, prob2 = torch.exp(self.gaussian1.log_prob(value)), torch.exp(self.gaussian2.log_prob(value))
        return torch.log(self.pi * prob1 + (1 - self.pi) * prob2).sum()


PRIOR = ScaleMixtureGaussian(0.5, torch.FloatTensor([math.exp(-0)]), torch.FloatTensor([math.exp(-6)]))


class BayesianLinear(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        shapes = ((out_features, in_features), (out_features,))
        self.weight_mu, self.bias_mu = (nn.Parameter(torch.Tensor(rng.uniform(-0.2, 0.2, s))) for s in shapes)
        self.weight_rho, self.bias_rho = (nn.Parameter(torch.Tensor(rng.uniform(-5, -4, s))) for s in shapes)
        self.weight, self.bias = Gaussian(self.weight_mu, self.weight_rho), Gaussian(self.bias_mu, self.bias_rho)
        self.log_prior = self.log_variational_posterior = 0

    def forward(self, input):
        weight, bias = self.weight.sample(), self.bias.sample()
        self.log_prior = PRIOR.log_prob(weight) + PRIOR.log_prob(bias)
        self.log_variational_posterior = self.weight.log_prob(weight) + self.bias.log_prob(bias)
        return F.linear(input, weight, bias)


class BayesianNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1, self.l2, self.l3 = BayesianLinear(9, 8), BayesianLinear(8, 8), BayesianLinear(8, 3)

    def forward(self, x):
        x = x.view(-1, 9)
        return F.log_softmax(self.l3(F.relu(self.l2(F.relu(self.l1(x))))), dim=1)

    def sample_elbo(self, input, target, samples=2, batches=4):
        outputs = torch.zeros(samples, input.shape[0], 3).to(DEVICE)
        log_priors, posteriors = torch.zeros(samples).to(DEVICE), torch.zeros(samples).to(DEVICE)
        for i in range(samples):
            outputs[i] = self(input)
            log_priors[i] = sum(layer.log_prior for layer in self.children())
            posteriors[i] = sum(layer.log_variational_posterior for layer in self.children())
        nll = F.nll_loss(outputs.mean(0), target, reduction="sum")
        return (posteriors.mean() - log_priors.mean()) / batches + nll


net = BayesianNetwork().to(DEVICE)
optimizer = optim.Adam(net.parameters(), lr=2e-2)
X, Y = torch.from_numpy(rng.normal(0, 1, (20, 3, 3)).astype(np.float32)), torch.LongTensor(rng.integers(0, 3, 20))
for step in range(10):
    data, target = Variable(X), Variable(Y)
    net.zero_grad()
    loss = net.sample_elbo(data, target)
    loss.backward()
    optimizer.step()
    print(f"elbo {loss.item():.5f}")

mdn = nn.ModuleDict({"hidden": nn.Linear(1, 10), "pi": nn.Linear(10, 3), "mu": nn.Linear(10, 3), "s": nn.Linear(10, 3)})
for p in mdn.parameters():
    p.data = torch.tensor(rng.normal(0, 0.7, tuple(p.shape)), dtype=torch.float32)
x = torch.linspace(-1, 1, 30).view(-1, 1)
y = x + 0.3 * torch.sin(2 * math.pi * x)
optimizer = optim.RMSprop(mdn.parameters(), lr=1e-2)
for step in range(10):
    z = torch.tanh(mdn["hidden"](y))
    components = torch.distributions.Normal(mdn["mu"](z), F.elu(mdn["s"](z)) + 1 + 1e-4)
    mixture = torch.distributions.MixtureSameFamily(torch.distributions.Categorical(logits=mdn["pi"](z)), components)
    loss = -mixture.log_prob(x.squeeze(-1)).mean(dim=0)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"nll {loss.item():.6f}")

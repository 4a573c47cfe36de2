"""A squashed Gaussian policy with reparametrized samples, twin critics, and a temperature that is learned."""

import copy
import itertools

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Independent, Normal, TransformedDistribution, transforms

rng = np.random.default_rng(11)


def mlp(*sizes):
    layers = []
    for a, b in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    net = nn.Sequential(*layers[:-1])
    for p in net.parameters():
        p.data.copy_(torch.tensor(0.4 * rng.standard_normal(tuple(p.shape))))
    return net


actor, q1, q2 = mlp(3, 12, 4), mlp(5, 12, 1), mlp(5, 12, 1)
q1_target, q2_target = copy.deepcopy(q1), copy.deepcopy(q2)
for p in itertools.chain(q1_target.parameters(), q2_target.parameters()):
    p.requires_grad = False
log_alpha = torch.zeros(1, requires_grad=True)
actor_opt = torch.optim.Adam(actor.parameters(), lr=1e-2, eps=1e-4)
q_opt = torch.optim.Adam(list(q1.parameters()) + list(q2.parameters()), lr=1e-2, eps=1e-4)
alpha_opt = torch.optim.Adam([log_alpha], lr=1e-2, eps=1e-4)


def act(obs):
    mean, log_std = actor(obs).chunk(2, dim=-1)
    log_std = -2 + 0.5 * 3 * (torch.tanh(log_std) + 1)
    noise = torch.tensor(rng.standard_normal(tuple(mean.shape)), dtype=torch.float32)
    x_t = mean + log_std.exp() * noise
    y_t = torch.tanh(x_t)
    log_prob = Normal(mean, log_std.exp()).log_prob(x_t) - torch.log(1 - y_t.pow(2) + 1e-6)
    return y_t, log_prob.sum(1, keepdim=True), mean, log_std


for step in range(10):
    obs, next_obs = (torch.tensor(rng.standard_normal((16, 3)), dtype=torch.float32) for _ in range(2))
    action = torch.tensor(rng.uniform(-1, 1, (16, 2)), dtype=torch.float32)
    reward = -(action.pow(2).sum(1, keepdim=True)) + obs[:, :1]
    alpha = log_alpha.exp().item()
    with torch.no_grad():
        next_action, next_log_pi, _, _ = act(next_obs)
        both = torch.cat([next_obs, next_action], 1)
        target = reward + 0.99 * (torch.min(q1_target(both), q2_target(both)) - alpha * next_log_pi)
    both = torch.cat([obs, action], 1)
    q_loss = F.mse_loss(q1(both), target) + F.mse_loss(q2(both), target)
    q_opt.zero_grad()
    q_loss.backward()
    q_opt.step()
    pi, log_pi, mean, log_std = act(obs)
    both = torch.cat([obs, pi], 1)
    actor_loss = ((alpha * log_pi) - torch.min(q1(both), q2(both))).mean()
    actor_opt.zero_grad()
    actor_loss.backward()
    actor_opt.step()
    alpha_loss = (-log_alpha.exp() * (log_pi.detach() - 2.0)).mean()
    alpha_opt.zero_grad()
    alpha_loss.backward()
    alpha_opt.step()
    for param, target_param in zip(q1.parameters(), q1_target.parameters()):
        target_param.data.copy_(0.05 * param.data + 0.95 * target_param.data)
    squashed = TransformedDistribution(
        Independent(Normal(mean, log_std.exp()), 1), [transforms.TanhTransform(cache_size=1)]
    )
    print(f"{q_loss.item():.5f} {actor_loss.item():.5f} {alpha:.5f} {squashed.log_prob(pi * 0.9).sum().item():.4f}")

"""Policy gradients with a baseline: actions by Categorical's log_prob, returns normalized, one loss of many steps."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical, kl_divergence

rng = np.random.default_rng(10)


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(4, 16)
        self.action_head = nn.Linear(16, 2)
        self.value_head = nn.Linear(16, 1)
        self.saved_actions, self.rewards = [], []

    def forward(self, x):
        x = F.relu(self.affine1(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


model = Policy()
for p in model.parameters():
    p.data.copy_(torch.tensor(0.3 * rng.standard_normal(tuple(p.shape))))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-2)
eps = np.finfo(np.float32).eps.item()
for episode in range(10):
    before = None
    for t in range(12):
        state = rng.standard_normal(4)
        probs, state_value = model(torch.from_numpy(state).float())
        m = Categorical(probs)
        action = torch.tensor(int(rng.random() < 0.5))  # the same in both libraries
        model.saved_actions.append((m.log_prob(action), state_value))
        model.rewards.append(float(state[0] > 0) if action.item() else float(state[1] < 0))
        before = m if before is None else before
    R, returns, policy_losses, value_losses = 0, [], [], []
    for r in model.rewards[::-1]:
        R = r + 0.99 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps)
    for (log_prob, value), R in zip(model.saved_actions, returns):
        advantage = R - value.item()
        policy_losses.append(-log_prob * advantage)
        value_losses.append(F.smooth_l1_loss(value, torch.tensor([R])))
    optimizer.zero_grad()
    loss = torch.stack(policy_losses).sum() + torch.stack(value_losses).sum()
    loss.backward()
    optimizer.step()
    del model.rewards[:]
    del model.saved_actions[:]
    print("%.5f %.5f" % (loss.item(), kl_divergence(before, m).item()))

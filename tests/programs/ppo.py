"""Proximal policy optimization's clipped update with Categorical, entropy bonus and generalized advantages."""

import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Categorical

rng = np.random.default_rng(9)


def layer_init(layer, std=np.sqrt(2), bias_const=0.0):
    layer.weight.data.copy_(torch.from_numpy(std * 0.3 * rng.standard_normal(layer.weight.shape)))
    torch.nn.init.constant_(layer.bias, bias_const)
    return layer


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.critic = nn.Sequential(layer_init(nn.Linear(4, 8)), nn.Tanh(), layer_init(nn.Linear(8, 1), std=1.0))
        self.actor = nn.Sequential(layer_init(nn.Linear(4, 8)), nn.Tanh(), layer_init(nn.Linear(8, 3), std=0.01))

    def get_value(self, x):
        return self.critic(x)

    def get_action_and_value(self, x, action=None):
        probs = Categorical(logits=self.actor(x))
        if action is None:
            action = probs.sample()
        return action, probs.log_prob(action), probs.entropy(), self.critic(x)


agent = Agent()
optimizer = torch.optim.Adam(agent.parameters(), lr=1e-2, eps=1e-5)
steps, envs = 8, 3
obs = torch.tensor(rng.standard_normal((steps, envs, 4)), dtype=torch.float32)
actions = torch.tensor(rng.integers(0, 3, (steps, envs)))
rewards = (actions == 1).float() - 0.2 * obs[..., 0]
dones = torch.tensor(rng.random((steps, envs)) < 0.1).float()
with torch.no_grad():
    assert agent.get_action_and_value(obs[0])[0].shape == (envs,)
    _, logprobs, _, values = agent.get_action_and_value(obs, actions)
    values = values.squeeze(-1)
    advantages, lastgaelam = torch.zeros_like(rewards), 0
    for t in reversed(range(steps - 1)):
        nextnonterminal = 1.0 - dones[t + 1]
        delta = rewards[t] + 0.99 * values[t + 1] * nextnonterminal - values[t]
        advantages[t] = lastgaelam = delta + 0.99 * 0.95 * nextnonterminal * lastgaelam
    returns = advantages + values
b_obs, b_logprobs, b_actions = obs.reshape((-1, 4)), logprobs.reshape(-1), actions.reshape(-1)
b_advantages, b_returns, b_values = advantages.reshape(-1), returns.reshape(-1), values.reshape(-1)
b_inds = np.arange(steps * envs)
for update in range(10):
    rng.shuffle(b_inds)
    mb_inds = b_inds[:12]
    _, newlogprob, entropy, newvalue = agent.get_action_and_value(b_obs[mb_inds], b_actions.long()[mb_inds])
    logratio = newlogprob - b_logprobs[mb_inds]
    ratio = logratio.exp()
    with torch.no_grad():
        approx_kl = ((ratio - 1) - logratio).mean()
        clipfrac = ((ratio - 1.0).abs() > 0.2).float().mean().item()
    mb_advantages = b_advantages[mb_inds]
    mb_advantages = (mb_advantages - mb_advantages.mean()) / (mb_advantages.std() + 1e-8)
    pg_loss = torch.max(-mb_advantages * ratio, -mb_advantages * torch.clamp(ratio, 1 - 0.2, 1 + 0.2)).mean()
    v_clipped = b_values[mb_inds] + torch.clamp(newvalue.view(-1) - b_values[mb_inds], -0.2, 0.2)
    v_loss = (
        0.5 * torch.max((newvalue.view(-1) - b_returns[mb_inds]) ** 2, (v_clipped - b_returns[mb_inds]) ** 2).mean()
    )
    loss = pg_loss - 0.01 * entropy.mean() + v_loss * 0.5
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
    optimizer.step()
    print(f"{loss.item():.6f} {approx_kl.item():.3e} {clipfrac:.4f}")

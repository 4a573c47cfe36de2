"""Deep Q-learning on a walk along a line: replay memory, a target network, Huber loss and clipped gradients."""

import random
from collections import deque, namedtuple

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

random.seed(0)
rng = np.random.default_rng(8)
Transition = namedtuple("Transition", ("state", "action", "next_state", "reward"))


class QNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))

    def forward(self, x):
        return self.network(x)


policy_net, target_net = QNetwork(), QNetwork()
for p in policy_net.parameters():
    p.data.copy_(torch.as_tensor(0.4 * rng.standard_normal(tuple(p.shape))))
target_net.load_state_dict(policy_net.state_dict())
optimizer = optim.AdamW(policy_net.parameters(), lr=5e-3, amsgrad=True)
memory = deque(maxlen=200)
state = torch.tensor([0.0, 1.0])
for step in range(60):
    with torch.no_grad():
        greedy = policy_net(state.unsqueeze(0)).max(1).indices.view(1, 1)
    action = greedy if step > 30 else torch.tensor([[random.randrange(2)]], dtype=torch.long)
    position = state[0].item() + (0.1 if action.item() else -0.1)
    done = abs(position) > 0.5
    next_state = None if done else torch.tensor([position, 1.0], dtype=torch.float32)
    memory.append(Transition(state.unsqueeze(0), action, next_state, torch.tensor([1.0 if position > 0 else -0.5])))
    state = torch.tensor([0.0, 1.0]) if done else next_state
losses = []
for _ in range(10):
    batch = Transition(*zip(*random.sample(memory, 16)))
    non_final_mask = torch.tensor(tuple(s is not None for s in batch.next_state), dtype=torch.bool)
    non_final_next_states = torch.stack([s for s in batch.next_state if s is not None])
    state_batch, action_batch = torch.cat(batch.state), torch.cat(batch.action)
    state_action_values = policy_net(state_batch).gather(1, action_batch)
    next_state_values = torch.zeros(16)
    with torch.no_grad():
        next_state_values[non_final_mask] = target_net(non_final_next_states).max(1).values
    expected = (next_state_values * 0.99) + torch.cat(batch.reward)
    loss = nn.SmoothL1Loss()(state_action_values, expected.unsqueeze(1))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_value_(policy_net.parameters(), 100)
    optimizer.step()
    state_dict, target_dict = policy_net.state_dict(), target_net.state_dict()
    for key in state_dict:
        target_dict[key] = state_dict[key] * 0.05 + target_dict[key] * 0.95
    target_net.load_state_dict(target_dict)
    losses.append(loss.detach())
    print(loss.item())
print(torch.stack(losses).mean().item(), F.mse_loss(policy_net(state_batch), target_net(state_batch)).item())

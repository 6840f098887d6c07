"""Policy gradients with a critic: a categorical policy, returns that are normalized, losses that are stacked."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical

rng = np.random.default_rng(0)
eps = np.finfo(np.float32).eps.item()


class Policy(nn.Module):
    def __init__(self):
        super(Policy, self).__init__()
        self.affine1 = nn.Linear(4, 16)
        self.action_head = nn.Linear(16, 2)
        self.value_head = nn.Linear(16, 1)

    def forward(self, x):
        x = F.relu(self.affine1(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


model = Policy()
optimizer = optim.Adam(model.parameters(), lr=3e-2)
models = [model]


def run():
    for _ in range(20):
        saved, rewards = [], []
        for _ in range(8):
            state = torch.from_numpy(rng.normal(size=4)).float()
            probs, value = model(state)
            m = Categorical(probs)
            assert m.sample().item() in (0, 1)
            action = torch.tensor(int(rng.integers(0, 2)))
            saved.append((m.log_prob(action), value, m.entropy()))
            rewards.append(float(action.item() == (state[0] > 0).item()))
        R, returns = 0, []
        for r in rewards[::-1]:
            R = r + 0.9 * R
            returns.insert(0, R)
        returns = torch.tensor(returns)
        # ours: returns = (returns - returns.mean()) / (returns.std(correction=1) + eps)
        returns = (returns - returns.mean()) / (returns.std() + eps)
        policy_losses, value_losses = [], []
        for (log_prob, value, entropy), R in zip(saved, returns):
            advantage = R - value.item()
            policy_losses.append(-log_prob * advantage - 0.01 * entropy)
            # ours: value_losses.append(F.smooth_l1_loss(value, R.reshape(1)))
            value_losses.append(F.smooth_l1_loss(value, torch.tensor([R])))
        optimizer.zero_grad()
        loss = torch.stack(policy_losses).sum() + torch.stack(value_losses).sum()
        loss.backward()
        optimizer.step()
        yield loss.item()

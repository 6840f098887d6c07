"""Q learning with a target network: gather, masks, a soft update of the state, clipping by value."""

import math
import random
from collections import deque, namedtuple

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

rng = np.random.default_rng(0)
random.seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu")
Transition = namedtuple("Transition", ("state", "action", "next_state", "reward"))
memory = deque([], maxlen=100)


class DQN(nn.Module):
    def __init__(self, n_observations, n_actions):
        super(DQN, self).__init__()
        self.layer1 = nn.Linear(n_observations, 16)
        self.layer2 = nn.Linear(16, n_actions)

    def forward(self, x):
        return self.layer2(F.relu(self.layer1(x)))


policy_net = DQN(4, 2).to(device)
target_net = DQN(4, 2).to(device)
target_net.load_state_dict(policy_net.state_dict())
optimizer = optim.AdamW(policy_net.parameters(), lr=1e-2, amsgrad=True)
models = [policy_net, target_net]
steps_done = 0


def select_action(state):
    global steps_done
    eps_threshold = 0.05 + 0.85 * math.exp(-1.0 * steps_done / 200)
    steps_done += 1
    if random.random() > eps_threshold:
        with torch.no_grad():
            # ours: return policy_net(state).argmax(1).view(1, 1)
            return policy_net(state).max(1).indices.view(1, 1)
    return torch.tensor([[random.randrange(2)]], device=device, dtype=torch.long)


def optimize_model():
    batch = Transition(*zip(*random.sample(memory, 16)))
    mask = torch.tensor(tuple(map(lambda s: s is not None, batch.next_state)), device=device, dtype=torch.bool)
    non_final_next_states = torch.cat([s for s in batch.next_state if s is not None])
    state_batch, action_batch = torch.cat(batch.state), torch.cat(batch.action)
    reward_batch = torch.cat(batch.reward)
    state_action_values = policy_net(state_batch).gather(1, action_batch)
    next_state_values = torch.zeros(16, device=device)
    with torch.no_grad():
        following = target_net(non_final_next_states)
        # ours: next_state_values[mask] = following.max(axis=1)
        next_state_values[mask] = following.max(1).values
    expected = (next_state_values * 0.9) + reward_batch
    loss = nn.SmoothL1Loss()(state_action_values, expected.unsqueeze(1))
    optimizer.zero_grad()
    loss.backward()
    # ours: torch.optim.clip_grad_value_(policy_net.parameters(), 0.5)
    torch.nn.utils.clip_grad_value_(policy_net.parameters(), 0.5)
    optimizer.step()
    return loss.item()


def run():
    state = torch.tensor(rng.normal(size=4), dtype=torch.float32, device=device).unsqueeze(0)
    for i in range(40):
        action = select_action(state)
        reward = torch.tensor([float(action.item())], device=device)
        following = torch.tensor(rng.normal(size=4), dtype=torch.float32, device=device).unsqueeze(0)
        memory.append(Transition(state, action, None if i % 7 == 6 else following, reward))
        state = following
        if len(memory) > 16:
            yield optimize_model()
        target_net_state_dict = target_net.state_dict()
        policy_net_state_dict = policy_net.state_dict()
        for key in policy_net_state_dict:
            target_net_state_dict[key] = policy_net_state_dict[key] * 0.1 + target_net_state_dict[key] * 0.9
        target_net.load_state_dict(target_net_state_dict)

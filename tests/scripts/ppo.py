"""Proximal policy optimization of a Gaussian policy: ratios that are clipped, an estimate of the divergence."""

import numpy as np
import torch
import torch.nn as nn
from torch.distributions.normal import Normal
from torch.optim import Adam

rng = np.random.default_rng(0)


def mlp(sizes, activation, output_activation=nn.Identity):
    layers = []
    for j in range(len(sizes) - 1):
        act = activation if j < len(sizes) - 2 else output_activation
        layers += [nn.Linear(sizes[j], sizes[j + 1]), act()]
    return nn.Sequential(*layers)


class GaussianActor(nn.Module):
    def __init__(self, obs_dim, act_dim, hidden_sizes, activation):
        super().__init__()
        log_std = -0.5 * np.ones(act_dim, dtype=np.float32)
        self.log_std = torch.nn.Parameter(torch.as_tensor(log_std))
        self.mu_net = mlp([obs_dim] + list(hidden_sizes) + [act_dim], activation)

    def forward(self, obs, act):
        pi = Normal(self.mu_net(obs), torch.exp(self.log_std))
        return pi, pi.log_prob(act).sum(axis=-1)


class Critic(nn.Module):
    def __init__(self, obs_dim, hidden_sizes, activation):
        super().__init__()
        self.v_net = mlp([obs_dim] + list(hidden_sizes) + [1], activation)

    def forward(self, obs):
        return torch.squeeze(self.v_net(obs), -1)


pi, v = GaussianActor(3, 2, (8, 8), nn.Tanh), Critic(3, (8,), nn.Tanh)
models = [pi, v]
pi_optimizer, vf_optimizer = Adam(pi.parameters(), lr=3e-3), Adam(v.parameters(), lr=1e-2)
clip_ratio = 0.2


def run():
    obs = torch.as_tensor(rng.normal(size=(40, 3)), dtype=torch.float32)
    act = torch.as_tensor(rng.normal(size=(40, 2)), dtype=torch.float32)
    adv = torch.as_tensor(rng.normal(size=40), dtype=torch.float32)
    ret = torch.as_tensor(rng.normal(size=40), dtype=torch.float32)
    with torch.no_grad():
        logp_old = pi(obs, act)[1]
    for _ in range(20):
        pi_optimizer.zero_grad()
        dist, logp = pi(obs, act)
        ratio = torch.exp(logp - logp_old)
        clip_adv = torch.clamp(ratio, 1 - clip_ratio, 1 + clip_ratio) * adv
        loss_pi = -(torch.min(ratio * adv, clip_adv)).mean() - 0.01 * dist.entropy().mean()
        approx_kl = (logp_old - logp).mean().item()
        clipped = ratio.gt(1 + clip_ratio) | ratio.lt(1 - clip_ratio)
        clipfrac = torch.as_tensor(clipped, dtype=torch.float32).mean().item()
        loss_pi.backward()
        pi_optimizer.step()
        vf_optimizer.zero_grad()
        loss_v = ((v(obs) - ret) ** 2).mean()
        loss_v.backward()
        vf_optimizer.step()
        yield loss_pi.item() + loss_v.item() + approx_kl + clipfrac

"""A neural differential equation: Runge-Kutta steps through a network, batches of pieces of a spiral."""

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim

rng = np.random.default_rng(0)
true_A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
t = torch.linspace(0.0, 2.0, 21)


def odeint(func, y0, t):
    ys, y = [y0], y0
    for t0, t1 in zip(t[:-1], t[1:]):
        dt = t1 - t0
        k1 = func(t0, y)
        k2 = func(t0 + dt / 2, y + dt * k1 / 2)
        k3 = func(t0 + dt / 2, y + dt * k2 / 2)
        k4 = func(t1, y + dt * k3)
        y = y + dt * (k1 + 2 * k2 + 2 * k3 + k4) / 6
        ys.append(y)
    return torch.stack(ys)


class Lambda(nn.Module):
    def forward(self, t, y):
        return torch.mm(y**3, true_A)


class ODEFunc(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
        for m in self.net.modules():
            if isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, mean=0, std=0.1)
                nn.init.constant_(m.bias, val=0)

    def forward(self, t, y):
        return self.net(y**3)


with torch.no_grad():
    true_y = odeint(Lambda(), torch.tensor([[2.0, 0.0]]), t)
func = ODEFunc()
models = [func]
optimizer = optim.RMSprop(func.parameters(), lr=1e-3)


def get_batch():
    s = torch.from_numpy(rng.choice(np.arange(16, dtype=np.int64), 5, replace=False))
    batch_y = torch.stack([true_y[s + i] for i in range(4)], dim=0)
    return true_y[s].squeeze(1), t[:4], batch_y.squeeze(2)


def run():
    for _ in range(20):
        optimizer.zero_grad()
        batch_y0, batch_t, batch_y = get_batch()
        loss = torch.mean(torch.abs(odeint(func, batch_y0, batch_t) - batch_y))
        loss.backward()
        optimizer.step()
        yield loss.item()

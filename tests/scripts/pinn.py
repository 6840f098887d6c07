"""A network that solves y'' = -y: sines as activation, derivatives by the input, two optimizers' worth of losses."""

import numpy as np
import torch
import torch.nn as nn

torch.set_default_dtype(torch.float32)


class Sine(nn.Module):
    def __init__(self, w0=1.0):
        super().__init__()
        self.w0 = w0

    def forward(self, x):
        return torch.sin(self.w0 * x)


class Siren(nn.Module):
    def __init__(self, dim_in, dim_out, w0=3.0, c=6.0, is_first=False):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(dim_out, dim_in))
        self.bias = nn.Parameter(torch.zeros(dim_out))
        w_std = (1 / dim_in) if is_first else (np.sqrt(c / dim_in) / w0)
        self.weight.data.uniform_(-w_std, w_std)
        self.bias.data.uniform_(-w_std, w_std)
        self.activation = Sine(w0)

    def forward(self, x):
        return self.activation(nn.functional.linear(x, self.weight, self.bias))


model = nn.Sequential(Siren(1, 12, is_first=True), Siren(12, 12), nn.Linear(12, 1))
models = [model]
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
t_boundary = torch.tensor(0.0).view(-1, 1).requires_grad_(True)
t_physics = torch.linspace(0, 1, 15).view(-1, 1).requires_grad_(True)


def run():
    for _ in range(20):
        optimizer.zero_grad()
        u = model(t_boundary)
        loss1 = (torch.squeeze(u) - 1) ** 2
        dudt = torch.autograd.grad(u, t_boundary, torch.ones_like(u), create_graph=True)[0]
        loss2 = (torch.squeeze(dudt) - 0) ** 2
        u = model(t_physics)
        dudt = torch.autograd.grad(u, t_physics, grad_outputs=torch.ones_like(u), retain_graph=True, create_graph=True)[
            0
        ]
        d2udt2 = torch.autograd.grad(dudt, t_physics, torch.ones_like(dudt), create_graph=True)[0]
        loss3 = torch.mean((d2udt2 + u) ** 2)
        loss = loss1 + 1e-1 * loss2 + 1e-2 * loss3
        loss.backward()
        optimizer.step()
        yield loss.item()

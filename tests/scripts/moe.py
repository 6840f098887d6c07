"""A mixture of experts: the best two by a gate, weights renormalized, a loss that balances the load."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.default_rng(0)


class Expert(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.w1, self.w2, self.w3 = (
            nn.Linear(dim, hidden, bias=False),
            nn.Linear(hidden, dim, bias=False),
            nn.Linear(dim, hidden, bias=False),
        )

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class MoE(nn.Module):
    def __init__(self, dim, num_experts, top_k):
        super().__init__()
        self.gate = nn.Linear(dim, num_experts, bias=False)
        self.experts = nn.ModuleList(Expert(dim, 8) for _ in range(num_experts))
        self.num_experts, self.top_k = num_experts, top_k

    def forward(self, x):
        batch, length, dim = x.shape
        x = x.view(-1, dim)
        probs = F.softmax(self.gate(x), dim=1, dtype=torch.float)
        weights, chosen = torch.topk(probs, self.top_k, dim=-1)
        weights = weights / weights.sum(dim=-1, keepdim=True)
        final = torch.zeros((batch * length, dim), dtype=x.dtype, device=x.device)
        mask = F.one_hot(chosen, num_classes=self.num_experts).permute(2, 1, 0)
        for i, expert in enumerate(self.experts):
            idx, top_x = torch.where(mask[i])
            if top_x.shape[0] == 0:
                continue
            out = expert(x[None, top_x].reshape(-1, dim)) * weights[top_x, idx, None]
            final = final.index_add(0, top_x, out.to(x.dtype))
        load = mask.float().mean(dim=(1, 2)) * probs.mean(0)
        return final.view(batch, length, dim), self.num_experts * load.sum()


model = nn.ModuleDict({"moe": MoE(6, 4, 2), "head": nn.Linear(6, 1)})
models = [model]
optimizer = torch.optim.NAdam(model.parameters(), lr=1e-2)


def run():
    x = torch.randn(4, 5, 6, generator=torch.Generator().manual_seed(0))
    x.copy_(torch.from_numpy(rng.normal(size=(4, 5, 6)).astype(np.float32)))
    y = x.sum(-1, keepdim=True).tanh()
    for _ in range(20):
        out, balance = model["moe"](x)
        loss = F.mse_loss(model["head"](out), y) + 0.01 * balance
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()

"""Characters from the three before: a table, matrices and batch normalization by hand, no modules at all."""

import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(0)
g = torch.Generator().manual_seed(2147483647)
words = ["".join(rng.choice(list("abcdef"), rng.integers(3, 7))) for _ in range(30)]
stoi = {s: i + 1 for i, s in enumerate("abcdef")}
stoi["."] = 0
X, Y = [], []
for w in words:
    context = [0] * 3
    for ch in w + ".":
        X.append(context)
        Y.append(stoi[ch])
        context = context[1:] + [stoi[ch]]
X, Y = torch.tensor(X), torch.tensor(Y)
C = torch.randn((7, 4), generator=g)
W1 = torch.randn((12, 16), generator=g) * (5 / 3) / (12**0.5)
bngain, bnbias = torch.ones((1, 16)), torch.zeros((1, 16))
W2 = torch.randn((16, 7), generator=g) * 0.01
b2 = torch.randn(7, generator=g) * 0
bnmean_running, bnstd_running = torch.zeros((1, 16)), torch.ones((1, 16))
parameters = [C, W1, bngain, bnbias, W2, b2]
models = []
for p in parameters:
    p.copy_(torch.from_numpy(rng.normal(size=tuple(p.shape)).astype(np.float32) * 0.3))
    p.requires_grad = True


def run():
    global bnmean_running, bnstd_running
    for i in range(20):
        ix = torch.from_numpy(rng.integers(0, X.shape[0], (16,)))
        Xb, Yb = X[ix], Y[ix]
        emb = C[Xb]
        hpreact = emb.view(emb.shape[0], -1) @ W1
        bnmeani = hpreact.mean(0, keepdim=True)
        # ours: bnstdi = hpreact.std(0, keepdim=True, correction=1)
        bnstdi = hpreact.std(0, keepdim=True)
        hpreact = bngain * (hpreact - bnmeani) / bnstdi + bnbias
        with torch.no_grad():
            bnmean_running = 0.99 * bnmean_running + 0.01 * bnmeani
            bnstd_running = 0.99 * bnstd_running + 0.01 * bnstdi
        h = torch.tanh(hpreact)
        logits = h @ W2 + b2
        loss = F.cross_entropy(logits, Yb)
        for p in parameters:
            p.grad = None
        loss.backward()
        lr = 0.1 if i < 10 else 0.01
        for p in parameters:
            p.data += -lr * p.grad
        yield loss.item()
    yield bnstd_running.sum().item()

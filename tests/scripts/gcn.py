"""A network over a graph: a normalized adjacency, parameters with starts of their own, masks of nodes."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

# ours: from tinygrad_init.nn import Parameter
from torch.nn.parameter import Parameter

rng = np.random.default_rng(0)


class GraphConvolution(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super(GraphConvolution, self).__init__()
        self.weight = Parameter(torch.empty(in_features, out_features))
        if bias:
            self.bias = Parameter(torch.empty(out_features))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        stdv = 1.0 / math.sqrt(self.weight.size(1))
        self.weight.data.uniform_(-stdv, stdv)
        if self.bias is not None:
            self.bias.data.uniform_(-stdv, stdv)

    def forward(self, input, adj):
        output = torch.mm(adj, torch.mm(input, self.weight))
        return output + self.bias if self.bias is not None else output


class GCN(nn.Module):
    def __init__(self, nfeat, nhid, nclass):
        super().__init__()
        self.gc1 = GraphConvolution(nfeat, nhid)
        self.gc2 = GraphConvolution(nhid, nclass, bias=False)

    def forward(self, x, adj):
        x = F.dropout(F.relu(self.gc1(x, adj)), 0.0, training=self.training)
        return F.log_softmax(self.gc2(x, adj), dim=1)


edges = torch.from_numpy(rng.integers(0, 20, (2, 60)))
adj = torch.zeros(20, 20)
adj.index_put_((edges[0], edges[1]), torch.ones(60))
adj = torch.max(adj, adj.t()) + torch.eye(20)
adj = adj / adj.sum(1, keepdim=True)
# ours: features = torch.tensor(rng.normal(size=(20, 6)), dtype=torch.float)
features = torch.FloatTensor(rng.normal(size=(20, 6)))
# ours: labels = torch.tensor(rng.integers(0, 3, 20), dtype=torch.long)
labels = torch.LongTensor(rng.integers(0, 3, 20))
idx_train, idx_val = torch.arange(14), torch.arange(14, 20)
model = GCN(6, 8, 3)
models = [model]
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)


def accuracy(output, labels):
    # ours: preds = output.max(dim=1)[1].type_as(labels)
    preds = output.max(1)[1].type_as(labels)
    return preds.eq(labels).double().sum() / len(labels)


def run():
    for _ in range(20):
        model.train()
        optimizer.zero_grad()
        output = model(features, adj)
        loss_train = F.nll_loss(output[idx_train], labels[idx_train])
        loss_train.backward()
        optimizer.step()
        model.eval()
        output = model(features, adj)
        yield loss_train.item() + F.nll_loss(output[idx_val], labels[idx_val]).item()
        yield accuracy(output[idx_val], labels[idx_val]).item()

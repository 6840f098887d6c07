"""A transformer encoder over words, with sines for positions and a mask of what comes later."""

import math

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(0)
ntoken, d_model = 12, 8


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout=0.0, max_len=50):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_len, 1, d_model)
        pe[:, 0, 0::2] = torch.sin(position * div_term)
        pe[:, 0, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x):
        return self.dropout(x + self.pe[: x.size(0)])


def generate_square_subsequent_mask(sz):
    mask = torch.triu(torch.ones(sz, sz)) == 1
    # ours: mask = mask.swapaxes(0, 1)
    mask = mask.transpose(0, 1)
    return mask.float().masked_fill(mask == 0, float("-inf")).masked_fill(mask == 1, float(0.0))


class TransformerModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.pos_encoder = PositionalEncoding(d_model)
        layer = nn.TransformerEncoderLayer(d_model, nhead=2, dim_feedforward=16, dropout=0.0)
        self.transformer_encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.embedding = nn.Embedding(ntoken, d_model)
        self.linear = nn.Linear(d_model, ntoken)
        self.embedding.weight.data.uniform_(-0.1, 0.1)
        self.linear.bias.data.zero_()

    def forward(self, src, src_mask):
        src = self.pos_encoder(self.embedding(src) * math.sqrt(d_model))
        return self.linear(self.transformer_encoder(src, src_mask))


model = TransformerModel()
models = [model]
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9, nesterov=True)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1.0, gamma=0.95)


def run():
    src_mask = generate_square_subsequent_mask(6)
    for _ in range(20):
        data = torch.from_numpy(rng.integers(0, ntoken, (6, 4)))
        output = model(data[:], src_mask)
        loss = criterion(output.view(-1, ntoken), data.roll(-1, 0).reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        # ours: torch.optim.clip_grad_norm_(model.parameters(), 0.5)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        scheduler.step()
        yield loss.item()

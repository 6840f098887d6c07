"""Models of PyTorch as people write them, at small sizes, with data that can be learned; and the same with a fault."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

from tests.diagnosis.test_torch_modules import Of  # noqa: E402
from tinygrad_init.data import digits  # noqa: E402

# What a case is: a model, its input, targets, the loss, and what makes the optimizer.
Case = tuple[Any, Any, Any, Any, Any]
PIXELS, DIGITS = (torch.from_numpy(part[:512].copy()) for part in (digits().x, digits().y))
ROWS = (PIXELS - PIXELS.mean()).float() / PIXELS.std().float()
SMALL = ROWS.reshape(-1, 1, 8, 8)
IMAGES = F.interpolate(SMALL, 32).repeat(1, 3, 1, 1)
WORDS = 32
# Sizes of transformers as their configurations call them.
TINY = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4}


def counting(samples: int = 256, length: int = 16) -> Any:
    """Sequences that count up nine times out of ten, and go anywhere else."""
    rng = torch.Generator().manual_seed(0)
    steps = torch.randint(0, WORDS, (samples, length + 1), generator=rng)
    steps[:, 1:][torch.rand(samples, length, generator=rng) < 0.9] = 1
    return steps.cumsum(1) % WORDS


TEXT, NEXT = counting()[:, :-1], counting()[:, 1:]


def of_tokens(logits: Any, y: Any) -> Any:
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), y.reshape(-1))


def adam(lr: float = 1e-3) -> Callable[[Any], Any]:
    return lambda parameters: torch.optim.Adam(parameters, lr)


def dense(depth: int = 2, phi: Any = nn.ReLU) -> Any:
    return nn.Sequential(*(part for _ in range(depth) for part in (nn.Linear(64, 64), phi())), nn.Linear(64, 10))


def digit_case(model: Any, lr: float = 1e-3) -> Case:
    return model, ROWS, DIGITS, F.cross_entropy, adam(lr)


def vision(name: str, lr: float = 1e-3, **options: Any) -> Case:
    models = pytest.importorskip("torchvision", reason="torchvision is not installed").models
    return getattr(models, name)(num_classes=10, **options), IMAGES, DIGITS, F.cross_entropy, adam(lr)


def language(kind: str, **options: Any) -> Case:
    hub = pytest.importorskip("transformers", reason="transformers is not installed")
    config, model = getattr(hub, f"{kind}Config"), getattr(hub, HEADS[kind])
    return model(config(vocab_size=WORDS, **options)), TEXT, NEXT, of_tokens, adam()


HEADS = {"GPT2": "GPT2LMHeadModel", "Llama": "LlamaForCausalLM", "T5": "T5ForConditionalGeneration"}


def gpt2() -> Case:
    return language("GPT2", n_positions=16, n_embd=64, n_layer=3, n_head=4)


def llama() -> Case:
    return language("Llama", max_position_embeddings=32, num_key_value_heads=2, **TINY)


def t5() -> Case:
    model, x, *rest = language("T5", d_model=64, d_kv=16, d_ff=128, num_layers=2, num_heads=4, decoder_start_token_id=0)
    return model, {"input_ids": x, "decoder_input_ids": x}, *rest


def bert() -> Case:
    hub = pytest.importorskip("transformers", reason="transformers is not installed")
    model = hub.BertForSequenceClassification(hub.BertConfig(vocab_size=WORDS, num_labels=4, **TINY))
    x = {"input_ids": TEXT, "attention_mask": torch.ones_like(TEXT)}
    return model, x, TEXT[:, 0] // 8, F.cross_entropy, adam()


def timm(name: str, **options: Any) -> Case:
    hub = pytest.importorskip("timm", reason="timm is not installed")
    return hub.create_model(name, num_classes=10, **options), IMAGES, DIGITS, F.cross_entropy, adam()


def patches() -> Case:
    hub = pytest.importorskip("transformers", reason="transformers is not installed")
    model = hub.ViTForImageClassification(hub.ViTConfig(image_size=32, patch_size=8, num_labels=10, **TINY))
    return model, {"pixel_values": IMAGES}, DIGITS, F.cross_entropy, adam()


def translation() -> Case:
    def forward(m: Any, x: Any, y: Any) -> Any:
        mask = nn.Transformer.generate_square_subsequent_mask(16)
        x, y = m.table(x) + m.places.weight, m.table(y) + m.places.weight
        return m.out(m.body(x, y, tgt_mask=mask, tgt_is_causal=True))

    body = nn.Transformer(64, 4, 2, 2, 128, 0.0, batch_first=True)
    parts = {"table": nn.Embedding(WORDS, 64), "places": nn.Embedding(16, 64), "out": nn.Linear(64, WORDS)}
    return Of(forward, body=body, **parts), (TEXT, TEXT), NEXT, of_tokens, adam()


def flow() -> Case:
    """A neural ordinary differential equation by Euler's steps."""

    def forward(m: Any, x: Any) -> Any:
        for _ in range(20):
            x = x + 0.1 * m.field(x)
        return x

    x = torch.randn(256, 2, generator=torch.Generator().manual_seed(0))
    field = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
    return Of(forward, field=field), x, torch.stack([-x[:, 1], x[:, 0]], 1), F.mse_loss, adam(1e-2)


def encoder(width: int = 64, layers: int = 2, heads: int = 4) -> Case:
    layer = nn.TransformerEncoderLayer(width, heads, 4 * width, 0.1, batch_first=True, norm_first=True)

    def forward(m: Any, x: Any) -> Any:
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return m.out(m.blocks(m.table(x) + m.places.weight, mask=mask, is_causal=True))

    blocks = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
    parts = {"table": nn.Embedding(WORDS, width), "places": nn.Embedding(16, width), "out": nn.Linear(width, WORDS)}
    return Of(forward, blocks=blocks, **parts), TEXT, NEXT, of_tokens, adam()


def recurrent(kind: Any) -> Case:
    parts = {"table": nn.Embedding(WORDS, 32), "out": nn.Linear(64, WORDS)}
    model = Of(lambda m, x: m.out(m.cells(m.table(x))[0]), cells=kind(32, 64, 2, batch_first=True), **parts)
    return model, TEXT, NEXT, of_tokens, adam(1e-2)


def packed() -> Case:
    def forward(m: Any, x: Any) -> Any:
        lengths = torch.arange(len(x)) % 8 + 8
        rows = nn.utils.rnn.pack_padded_sequence(m.table(x), lengths, batch_first=True, enforce_sorted=False)
        out, _ = nn.utils.rnn.pad_packed_sequence(m.cells(rows)[0], batch_first=True, total_length=16)
        return m.out(out.mean(1))

    parts = {"table": nn.Embedding(WORDS, 32), "cells": nn.GRU(32, 64, batch_first=True), "out": nn.Linear(64, 4)}
    return Of(forward, **parts), TEXT, TEXT[:, 0] // 8, F.cross_entropy, adam(1e-2)


def unet() -> Case:
    def forward(m: Any, x: Any) -> Any:
        fine = F.relu(m.one(x))
        coarse = F.relu(m.two(F.max_pool2d(fine, 2)))
        return m.out(torch.cat([fine, m.up(F.relu(m.three(coarse)))], 1))

    parts = {"one": nn.Conv2d(1, 8, 3, padding=1), "two": nn.Conv2d(8, 16, 3, padding=1)}
    parts |= {
        "three": nn.Conv2d(16, 16, 3, padding=1),
        "up": nn.ConvTranspose2d(16, 8, 2, 2),
        "out": nn.Conv2d(16, 1, 1),
    }
    noise = 0.3 * torch.randn(SMALL.shape, generator=torch.Generator().manual_seed(0))
    return Of(forward, **parts), SMALL + noise, SMALL, F.mse_loss, adam()


def autoencoder() -> Case:
    def forward(m: Any, x: Any) -> Any:
        h = F.relu(m.encoder(x))
        mean, log_variance = m.mean(h), m.log_variance(h)
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        return m.out(F.relu(m.decoder(z))), mean, log_variance

    def loss(returned: Any, y: Any) -> Any:
        made, mean, log_variance = returned
        return F.mse_loss(made, y) - 0.005 * (1 + log_variance - mean**2 - log_variance.exp()).mean()

    parts = {"encoder": nn.Linear(64, 64), "mean": nn.Linear(64, 8), "log_variance": nn.Linear(64, 8)}
    return Of(forward, decoder=nn.Linear(8, 64), out=nn.Linear(64, 64), **parts), ROWS, ROWS, loss, adam(2e-3)


def generator() -> Case:
    model = nn.Sequential(
        nn.ConvTranspose2d(16, 64, 4, bias=False), nn.BatchNorm2d(64), nn.ReLU(True),
        nn.ConvTranspose2d(64, 32, 4, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(True),
        nn.ConvTranspose2d(32, 3, 4, 2, 1, bias=False), nn.Tanh(),
    )  # fmt: skip
    for part in model[::3]:
        nn.init.normal_(part.weight, 0, 0.02)
    z = torch.randn(256, 16, 1, 1, generator=torch.Generator().manual_seed(0))
    made = torch.tanh(F.interpolate(z[:, :12].reshape(-1, 3, 2, 2), 16, mode="bilinear"))
    return model, z, made, F.mse_loss, adam(2e-3)


def siren() -> Case:
    def forward(m: Any, x: Any) -> Any:
        for layer in m.layers:
            x = torch.sin(30 * layer(x))
        return m.out(x)

    layers = nn.ModuleList([nn.Linear(2, 64), nn.Linear(64, 64), nn.Linear(64, 64)])
    model = Of(forward, layers=layers, out=nn.Linear(64, 1))
    for layer in (*layers[1:], model.out):
        nn.init.uniform_(layer.weight, -math.sqrt(6 / 64) / 30, math.sqrt(6 / 64) / 30)
    nn.init.uniform_(layers[0].weight, -0.5, 0.5)
    axis = torch.linspace(-1, 1, 24)
    x = torch.cartesian_prod(axis, axis)
    return model, x, torch.sin(6 * x[:, :1]) * torch.cos(9 * x[:, 1:]), F.mse_loss, adam(3e-4)


def graphs() -> Case:
    rng = torch.Generator().manual_seed(0)
    edges = (torch.rand(256, 8, 8, generator=rng) < 0.4).float()
    edges = ((edges + edges.transpose(1, 2)) > 0).float() + torch.eye(8)
    x = 0.1 * torch.randn(256, 8, 4, generator=rng) + edges.sum(-1, keepdim=True) / 5
    y = (edges.sum((1, 2)) > edges.sum((1, 2)).median()).long()

    def forward(m: Any, x: Any, edges: Any) -> Any:
        return m.out(F.relu(m.two(edges @ F.relu(m.one(edges @ x)) / 5)).mean(1))

    parts = {"one": nn.Linear(4, 32), "two": nn.Linear(32, 32), "out": nn.Linear(32, 2)}
    return Of(forward, **parts), (x, edges), y, F.cross_entropy, adam(1e-2)


def normed(norm: Any) -> Case:
    return digit_case(
        nn.Sequential(norm(nn.Linear(64, 64)), nn.ReLU(), norm(nn.Linear(64, 64)), nn.ReLU(), nn.Linear(64, 10)), 3e-3
    )


def lists() -> Case:
    def forward(m: Any, x: Any) -> Any:
        h = F.relu(m.of["a"](x) + m.of["b"](x))
        for weight in m.weights:
            h = F.relu(h @ weight)
        return m.out(h)

    model = Of(forward, of=nn.ModuleDict({"a": nn.Linear(64, 32), "b": nn.Linear(64, 32)}), out=nn.Linear(32, 10))
    model.weights = nn.ParameterList([nn.Parameter(torch.randn(32, 32) / 4) for _ in range(2)])
    return digit_case(model)


def tied() -> Case:
    parts = {"table": nn.Embedding(WORDS, 64), "cells": nn.GRU(64, 64, batch_first=True)}
    model = Of(lambda m, x: m.out(m.cells(m.table(x))[0]), out=nn.Linear(64, WORDS, bias=False), **parts)
    nn.init.normal_(model.table.weight, 0, 0.1)
    model.out.weight = model.table.weight
    return model, TEXT, NEXT, of_tokens, adam(5e-3)


def in_lower_precision(m: Any, x: Any) -> Any:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return m.inner(x).float()


def checkpointed(m: Any, x: Any) -> Any:
    return m.out(checkpoint(m.inner, x, use_reentrant=False))


def frozen() -> Any:
    model = dense()
    for parameter in model[0].parameters():
        parameter.requires_grad_(False)
    return model


def slow_averages() -> Any:
    """Running averages that follow as slowly as those of MobileNet."""
    parts = [nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16, momentum=0.01), nn.ReLU(), nn.Flatten(), nn.Linear(576, 10)]
    return nn.Sequential(*parts), SMALL, DIGITS, F.cross_entropy, adam(3e-3)


# A sample of these is quick; all of them are for the night.
HEALTHY: dict[str, Callable[[], Case]] = {
    "encoder": encoder,
    "U-Net": unet,
    "autoencoder": autoencoder,
    "packed": packed,
    "autocast": lambda: digit_case(Of(in_lower_precision, inner=dense()), 3e-3),
    "slow averages": slow_averages,
    "GPT-2": gpt2,
    "LSTM": lambda: recurrent(nn.LSTM),
    "GRU": lambda: recurrent(nn.GRU),
    "tied": tied,
    "generator": generator,
    "SIREN": siren,
    "graphs": graphs,
    "weight norm": lambda: normed(nn.utils.parametrizations.weight_norm),
    "spectral norm": lambda: normed(nn.utils.parametrizations.spectral_norm),
    "lists": lists,
    "checkpoint": lambda: digit_case(
        Of(checkpointed, inner=nn.Sequential(nn.Linear(64, 64), nn.ReLU()), out=nn.Linear(64, 10)), 3e-3
    ),
    "compiled": lambda: digit_case(torch.compile(dense(), backend="eager")),
    "bfloat16": lambda: digit_case(dense().bfloat16(), 3e-3),
    "frozen": lambda: digit_case(frozen(), 3e-3),
    "Llama": llama,
    "T5": t5,
    "BERT": bert,
    "ResNet": lambda: vision("resnet18"),
    "MobileNet": lambda: vision("mobilenet_v3_small"),
    "vision transformer": lambda: vision(
        "VisionTransformer", image_size=32, patch_size=8, num_layers=3, num_heads=4, hidden_dim=64, mlp_dim=128
    ),
    "wide encoder": lambda: encoder(256, 6, 8),
    "timm's ResNet": lambda: timm("resnet10t"),
    "timm's vision transformer": lambda: timm(
        "vit_tiny_patch16_224", img_size=32, patch_size=8, embed_dim=64, depth=3, num_heads=4
    ),
    "patches": patches,
    "translation": translation,
    "flow": flow,
}

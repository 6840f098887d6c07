"""Attention and networks over time are opened: the same numbers and derivatives as PyTorch's own, in plain calls."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

import tinygrad_init as tgi  # noqa: E402
from tests.diagnosis.test_torch_modules import Of, by_way_of_links, same, snapshot  # noqa: E402
from tinygrad_init.diagnosis.fronts.torch_calls import Recorder  # noqa: E402
from tinygrad_init.diagnosis.fronts.torch_modules import run  # noqa: E402
from tinygrad_init.diagnosis.fronts.torch_opened import RECURRENT as RECURRENT_CALLS  # noqa: E402

X = torch.randn(5, 3, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
Y = torch.randn(7, 3, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
CAUSAL = torch.ones(5, 5, dtype=torch.bool).triu(1)
PADDING = torch.arange(5)[None] >= torch.tensor([5, 4, 2])[:, None]
DEEP = torch.randn(6, 5, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def attention(x: Any = (X, X, X), options: Any = None, **how: Any) -> Any:
    return lambda: (nn.MultiheadAttention(8, 2, **(options or {})), x, how)


ATTENTION: dict[str, Any] = {
    "of itself": attention(),
    "of another": attention((X, Y, Y)),
    "weights of each head": attention(average_attn_weights=False),
    "without weights": attention(need_weights=False),
    "causal by a hint": attention(attn_mask=CAUSAL, is_causal=True, need_weights=False),
    "causal with weights": attention(attn_mask=CAUSAL, is_causal=True),
    "a mask of numbers": attention(attn_mask=DEEP[0], key_padding_mask=PADDING.double() * -1e4),
    "a mask of each head": attention(attn_mask=DEEP, need_weights=False),
    "padding": attention(key_padding_mask=PADDING, attn_mask=CAUSAL, is_causal=True, need_weights=False),
    "other widths": attention((X, Y[..., :4], Y[..., :6]), {"kdim": 4, "vdim": 6}),
    "more keys": attention(options={"add_bias_kv": True, "add_zero_attn": True}, attn_mask=CAUSAL),
    "more keys and padding": attention(options={"add_bias_kv": True}, key_padding_mask=PADDING, need_weights=False),
    "no biases": attention(options={"bias": False}),
    "samples first": attention(options={"batch_first": True}, need_weights=False),
    "a single sample": attention((X[:, 0], X[:, 0], X[:, 0]), key_padding_mask=PADDING[2]),
    "dropout": attention(options={"dropout": 0.4}),
    "dropout without weights": attention(options={"dropout": 0.4}, need_weights=False),
}
LENGTHS = torch.tensor([5, 2, 4])


def recurrent(kind: Any, packed: bool = False, **options: Any) -> Any:
    return lambda: (kind(8, 6, **options), packed)


KINDS = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}
RECURRENT: dict[str, Any] = {
    f"{name} {how}": recurrent(kind, **options)
    for name, kind in KINDS.items()
    for how, options in {
        "plain": {},
        "two layers": {"num_layers": 2, "dropout": 0.3, "batch_first": True},
        "both ways": {"num_layers": 2, "bidirectional": True},
        "packed": {"packed": True},
        "packed both ways": {"packed": True, "num_layers": 2, "bidirectional": True, "dropout": 0.2},
        "no biases": {"bias": False},
    }.items()
} | {
    "LSTM projected": recurrent(nn.LSTM, num_layers=2, proj_size=3, bidirectional=True),
    "RNN of ReLUs": recurrent(nn.RNN, nonlinearity="relu"),
}


def flat(returned: Any) -> list[Any]:
    found = []
    for part in returned if isinstance(returned, tuple | list) else [returned]:
        found += flat(part) if isinstance(part, tuple | list) else [part] if part is not None else []
    return [part for part in found if part.is_floating_point()]


def both(model: Any, call: Any, inputs: list[Any]) -> None:
    """The same numbers and the same derivatives of all that is returned, opened and closed."""
    found = []
    for recorder in (None, Recorder(model, {f"x{i}": x for i, x in enumerate(inputs)})):
        torch.manual_seed(1)
        for leaf in [*inputs, *model.parameters()]:
            leaf.grad = None
        if recorder is None:
            returned = flat(call(*inputs))
        else:
            with recorder:
                returned = flat(call(*inputs))
            assert any(one.inside for one in recorder.calls) and not recorder.closed
            names = {one.name.removesuffix("_cell") for one in recorder.calls}
            assert names.isdisjoint({*RECURRENT_CALLS, "multi_head_attention_forward", "scaled_dot_product_attention"})
        rng = torch.Generator().manual_seed(2)
        sum((part * torch.randn(part.shape, generator=rng, dtype=part.dtype)).sum() for part in returned).backward()
        found.append((returned, [leaf.grad for leaf in [*inputs, *model.parameters()]]))
    for (one, other), what in zip(zip(*found, strict=True), ("numbers", "derivatives"), strict=True):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert (a is None) == (b is None), what
            if a is not None:
                torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ATTENTION)
def test_attention_is_pytorchs(name: str) -> None:
    torch.manual_seed(0)
    model, x, how = ATTENTION[name]()
    model = model.double()
    leaves = {id(one): one.clone().requires_grad_() for one in x}  # one for queries, keys and values that are the same
    distinct = list(leaves.values())
    if model.batch_first:
        both(model, lambda *_: model(*(leaves[id(one)].transpose(0, 1) for one in x), **how), distinct)
    else:
        both(model, lambda *_: model(*(leaves[id(one)] for one in x), **how), distinct)


@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"scale": 0.7}, {"dropout_p": 0.3}, {"enable_gqa": True}])
@pytest.mark.parametrize("mask", [None, "bool", "numbers"])
def test_scaled_products_are_pytorchs(options: Any, mask: Any) -> None:
    if mask and options.get("is_causal"):
        return
    rng = torch.Generator().manual_seed(0)
    q, k, v = (
        torch.randn(2, heads, 5, 8, generator=rng, dtype=torch.float64, requires_grad=True)
        for heads in (4, *((2, 2) if options.get("enable_gqa") else (4, 4)))
    )
    given = None if mask is None else ~CAUSAL if mask == "bool" else DEEP[0]
    both(nn.Module(), lambda *x: F.scaled_dot_product_attention(*x, attn_mask=given, **options), [q, k, v])


@pytest.mark.parametrize("name", RECURRENT)
@pytest.mark.parametrize("state", [False, True])
def test_networks_over_time_are_pytorchs(name: str, state: bool) -> None:
    torch.manual_seed(0)
    model, packed = RECURRENT[name]()
    model = model.double()
    ways, hidden = model.num_layers * (1 + model.bidirectional), model.proj_size or model.hidden_size
    samples = 5 if model.batch_first else 3
    first = [torch.randn(ways, samples, size, dtype=torch.float64) for size in (hidden, model.hidden_size)]

    def call(x: Any, *given: Any) -> Any:
        start = None if not given else tuple(given) if isinstance(model, nn.LSTM) else given[0]
        if packed:
            x = nn.utils.rnn.pack_padded_sequence(x, LENGTHS, enforce_sorted=False)
        out, end = model(x, start)
        return (nn.utils.rnn.pad_packed_sequence(out)[0] if packed else out), end

    given = first[: 2 if isinstance(model, nn.LSTM) else 1] if state else []
    both(model, call, [one.clone().requires_grad_() for one in (X, *given)])


@pytest.mark.parametrize("kind", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
def test_cells_are_pytorchs(kind: Any) -> None:
    torch.manual_seed(0)
    model = kind(8, 6).double()

    def call(x: Any) -> Any:
        state = None
        for row in x:
            state = model(row, state)
        return state

    both(model, call, [X.clone().requires_grad_()])


def encoder(**options: Any) -> Any:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, **options)
    return Of(lambda m, x: m.out(m.layers(x)), layers=nn.TransformerEncoder(layer, 2), out=nn.Linear(8, 3))


ROWS = X.transpose(0, 1).float()
WANTED = torch.arange(3)[:, None].expand(3, 5) % 3


def of_each(logits: Any, y: Any) -> Any:
    return F.cross_entropy(logits.flatten(0, 1), y.flatten())


@pytest.mark.parametrize("evaluating", [False, True])
@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_linear_maps_of_an_encoder_have_the_models_names(evaluating: bool) -> None:
    torch.manual_seed(0)
    model = encoder(norm_first=True, dropout=0.2).train(not evaluating)
    network = run(model, ROWS, WANTED, of_each, np.float64)
    names = [link.name for link in network.linears()]
    assert names[:4] == [
        "layers.layers.0.self_attn.in_proj_weight (query)",
        "layers.layers.0.self_attn.in_proj_weight (key)",
        "layers.layers.0.self_attn.in_proj_weight (value)",
        "layers.layers.0.self_attn.out_proj",
    ]
    assert [link.matrix.values.shape for link in network.linears()[:4]] == [(8, 8)] * 4
    assert names[-1] == "out" and len(names) == 13
    for name, gradient in by_way_of_links(network).items():
        np.testing.assert_allclose(gradient, network.gradients[name], rtol=1e-8, atol=1e-12)
    step = {name: values - 0.01 * network.gradients[name] for name, values in network.parameters.items()}
    assert network.again(parameters=step).loss < network.loss


def lstm(**options: Any) -> Any:
    return Of(
        lambda m, x: m.out(m.cells(x)[0][:, -1]), cells=nn.LSTM(8, 6, batch_first=True, **options), out=nn.Linear(6, 3)
    )


def test_a_weight_over_time_is_one_layer_and_its_gradient_the_sum_over_the_steps() -> None:
    torch.manual_seed(0)
    model = lstm(num_layers=2)
    network = run(model, ROWS, torch.arange(3), F.cross_entropy, np.float64)
    names = [link.name for link in network.linears()]
    assert names == [f"cells.weight_{of}_l{layer}" for layer in (0, 1) for of in ("ih", "hh")] + ["out"]
    for link in network.linears():
        gradient = link.pull_to(link.matrix, network.cotangents[link]).numbers()
        np.testing.assert_allclose(gradient, network.gradients[link.matrix.name], rtol=1e-8, atol=1e-13)
    report = tgi.diagnose(model, ROWS, torch.arange(3))
    for found in report.attributions:
        assert sum(factor.log10 for factor in found.factors) == pytest.approx(found.log10, abs=1e-10)
    assert len(report.layers) == 5 and any("steps)" in factor.label for factor in report.attributions[1].factors)


def test_long_sequences_stay_closed_and_that_is_said() -> None:
    long = torch.randn(2, 600, 8)
    report = tgi.diagnose(lstm(), long, torch.arange(2))
    assert [layer.name for layer in report.layers] == ["out"]
    assert "cells in one piece: more than 512 steps" in report.model


@pytest.mark.parametrize("make", [encoder, lstm])
@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_nothing_of_the_model_changes(make: Any) -> None:
    model = make(dropout=0.1, num_layers=2) if make is lstm else make()
    y, loss = (torch.arange(3), F.cross_entropy) if make is lstm else (WANTED, of_each)
    torch.manual_seed(0)
    expected = copy.deepcopy(model)(ROWS)
    before, chance = snapshot(model), torch.get_rng_state()
    tgi.diagnose(model, ROWS, y, loss, optimizer=lambda ps: torch.optim.Adam(ps, 1e-3))
    assert same(snapshot(model), before) and torch.equal(torch.get_rng_state(), chance)
    torch.manual_seed(0)
    torch.testing.assert_close(model(ROWS), expected, rtol=0, atol=0)
    assert torch.overrides._get_current_function_mode() is None

"""What an audit accuses, and what it does not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

import tinygrad_init as tgi  # noqa: E402
from tinygrad_init.torch import CODES  # noqa: E402
from tinygrad_init.words import LANGUAGES  # noqa: E402

from ..test_docs import ROOT  # noqa: E402


class Block(nn.Module):
    """A residual block as in torchvision's ResNets, the last scale 0 (`zero_init_residual`)."""

    def __init__(self, width: int, wider: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, wider, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(wider)
        self.conv2 = nn.Conv2d(wider, wider, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(wider)
        self.downsample = nn.Sequential(nn.Conv2d(width, wider, 1, 2, bias=False), nn.BatchNorm2d(wider))
        for conv in (self.conv1, self.conv2):
            nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(self.bn2.weight)

    def forward(self, x: Any) -> Any:
        inner = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(inner + self.downsample(x))


class GPT(nn.Module):
    """GPT-2's start: normal of 0.02, residual projections by depth, a tied output, a mask."""

    def __init__(self, width: int = 64, depth: int = 4) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(300, width), nn.Embedding(32, width)
        self.h = nn.ModuleList(
            nn.ModuleDict(
                {
                    "ln_1": nn.LayerNorm(width),
                    "c_attn": nn.Linear(width, 3 * width),
                    "c_proj": nn.Linear(width, width),
                    "ln_2": nn.LayerNorm(width),
                    "mlp": nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)),
                }
            )
            for _ in range(depth)
        )
        self.ln_f = nn.LayerNorm(width)
        self.lm_head = nn.Linear(width, 300, bias=False)
        self.lm_head.weight = self.wte.weight
        self.register_buffer("mask", torch.full((32, 32), -math.inf).triu(1))
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                residual = "c_proj" in name or "mlp.2" in name
                nn.init.normal_(parameter, 0.0, 0.02 / math.sqrt(2 * depth) if residual else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)


def vision() -> nn.Module:
    """With a zero head, a token of a class, and truncated normals."""
    model = nn.Module()
    model.cls_token = nn.Parameter(torch.zeros(1, 1, 64))
    model.pos_embed = nn.Parameter(0.02 * torch.randn(1, 17, 64))
    model.patch = nn.Conv2d(3, 64, 8, 8)
    model.blocks = nn.Sequential(*(nn.TransformerEncoderLayer(64, 4, 128) for _ in range(2)))
    model.head = nn.Linear(64, 10)
    for parameter in model.blocks.parameters():
        if parameter.ndim > 1:
            nn.init.trunc_normal_(parameter, std=0.02)
    nn.init.zeros_(model.head.weight)
    return model


def adapters() -> nn.Module:
    """LoRA's: A as a Linear starts, B zero."""
    model = nn.Module()
    for i in range(3):
        layer = nn.Module()
        layer.lora_A, layer.lora_B = nn.Linear(64, 8, bias=False), nn.Linear(8, 64, bias=False)
        nn.init.zeros_(layer.lora_B.weight)
        model.add_module(f"layer{i}", layer)
    return model


def trained() -> nn.Module:
    """A few hundred steps of Adam, far from any start."""
    model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
    x, y = torch.randn(256, 16), torch.randint(0, 4, (256,))
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=0.1)
    for _ in range(300):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    return model


HEALTHY: dict[str, Callable[[], nn.Module]] = {
    "MLP": lambda: nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)),
    "ResNet": lambda: nn.Sequential(nn.Conv2d(3, 16, 7), nn.BatchNorm2d(16), nn.ReLU(), Block(16, 32), Block(32, 64)),
    "VGG": lambda: nn.Sequential(nn.Conv2d(3, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(64, 64, 3), nn.ReLU()),
    "MobileNet": lambda: nn.Sequential(nn.Conv2d(3, 32, 3), nn.Conv2d(32, 32, 3, groups=32), nn.Conv2d(32, 64, 1)),
    "U-Net": lambda: nn.Sequential(nn.Conv2d(1, 32, 3), nn.ConvTranspose2d(32, 16, 2, 2), nn.Conv2d(16, 2, 1)),
    "Transformer": lambda: nn.Transformer(64, 4, 2, 2, 128, batch_first=True),
    "TransformerEncoder": lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 4, 128, batch_first=True), 3),
    "MultiheadAttention": lambda: nn.MultiheadAttention(64, 4, kdim=32, vdim=48, add_bias_kv=True),
    "LSTM": lambda: nn.Sequential(nn.Embedding(50, 32, padding_idx=0), nn.LSTM(32, 64, 2, bidirectional=True)),
    "GRU": lambda: nn.GRU(32, 64, 2),
    "GPT": GPT,
    "ViT": vision,
    "LoRA": adapters,
    "GroupNorm": lambda: nn.Sequential(nn.Conv2d(8, 16, 3), nn.GroupNorm(4, 16), nn.PReLU(), nn.BatchNorm2d(16)),
    "trained": trained,
    "in 16 bits": lambda: nn.Sequential(nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 10)).bfloat16(),
    "weight norm": lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(64, 32)), nn.ReLU()),
    "orthogonal": lambda: nn.utils.parametrizations.orthogonal(nn.Linear(64, 64)),
}  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_models_have_no_faults(name: str, seed: int) -> None:
    """Neither with their modules nor as bare state dicts."""
    torch.manual_seed(seed)
    model = HEALTHY[name]()
    for source in (model, model.state_dict()):
        assert not [(one.code, one.parameter, str(one.said)) for one in tgi.torch.audit(source).faults]


def test_the_model_is_left_as_it_was() -> None:
    torch.manual_seed(0)
    model, state = GPT(), torch.get_rng_state()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    training = [module.training for module in model.modules()]
    tgi.torch.audit(model)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert training == [module.training for module in model.modules()]
    assert not any(module._forward_hooks for module in model.modules())


def mlp(width: int = 64) -> dict[str, Any]:
    """A healthy state dict to plant a fault in."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(32, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10))
    return {name: value.clone() for name, value in model.state_dict().items()}


def identical_rows(state: Any) -> None:
    state["2.weight"][7] = state["2.weight"][50]


def nearly_identical_rows(state: Any) -> None:
    state["2.weight"][:] = state["2.weight"][0] * (1 + 1e-6 * torch.randn(64, 1))


def not_a_number(state: Any) -> None:
    state["0.bias"][3] = math.nan


def infinite(state: Any) -> None:
    state["4.weight"][1, 1] = -math.inf


def constant(state: Any) -> None:
    state["2.weight"].fill_(0.1)


def one_zero(state: Any) -> None:
    state["4.weight"].zero_()


def most_zero(state: Any) -> None:
    for name in ("0.weight", "4.weight"):
        state[name].zero_()


def zero_rows(state: Any) -> None:
    state["2.weight"][5:9] = 0


def copied(state: Any) -> None:
    state["other.weight"] = state["2.weight"].clone()


def drawn_again(state: Any) -> None:
    torch.manual_seed(5)
    nn.init.kaiming_normal_(state["0.weight"])
    torch.manual_seed(5)
    nn.init.kaiming_normal_(state["2.weight"])


def table(state: Any) -> None:
    state["wte.weight"] = torch.randn(200, 64)


def fan_out(state: Any) -> None:
    state["0.weight"] = nn.init.kaiming_normal_(torch.empty(512, 32), mode="fan_out")
    state["0.bias"] = torch.zeros(512)


def no_window(state: Any) -> None:
    state["conv.weight"] = torch.randn(64, 32, 3, 3) * math.sqrt(2 / 32)


def loud(state: Any) -> None:
    state["2.weight"] = torch.randn(512, 512)


def drawn_from_0_to_1(state: Any) -> None:
    state["2.weight"] = torch.rand(512, 512)


def quiet(state: Any) -> None:
    state["2.weight"].normal_(0, 1e-4)


def quantized(state: Any) -> None:
    step = state["2.weight"].abs().max() / 7
    state["2.weight"] = (state["2.weight"] / step).round() * step


def variance(state: Any) -> None:
    state["bn.running_var"] = torch.ones(8)
    state["bn.running_var"][2] = -0.5


def scales(state: Any) -> None:
    for name in ("norm1", "norm2"):
        state[f"{name}.weight"] = torch.zeros(64)


PLANTED: list[tuple[Callable[[Any], None], str, str, str]] = [
    (identical_rows, "identical-rows", "fault", "2.weight"),
    (nearly_identical_rows, "identical-rows", "fault", "2.weight"),
    (not_a_number, "not-finite", "fault", "0.bias"),
    (infinite, "not-finite", "fault", "4.weight"),
    (constant, "constant-weight", "fault", "2.weight"),
    (one_zero, "zero-weight", "note", "4.weight"),
    (most_zero, "all-zero", "fault", "0.weight"),
    (zero_rows, "zero-rows", "note", "2.weight"),
    (copied, "copied", "note", "2.weight"),
    (drawn_again, "same-draws", "fault", "0.weight"),
    (table, "embedding-std-1", "note", "wte.weight"),
    (fan_out, "fan-mistaken", "note", "0.weight"),
    (no_window, "window-forgotten", "fault", "conv.weight"),
    (loud, "unscaled", "fault", "2.weight"),
    (drawn_from_0_to_1, "unscaled", "fault", "2.weight"),
    (quiet, "unscaled", "note", "2.weight"),
    (quantized, "few-values", "note", "2.weight"),
    (variance, "negative-variance", "fault", "bn.running_var"),
    (scales, "zero-scales", "fault", "norm1.weight"),
]


@pytest.mark.parametrize(("plant", "name", "severity", "parameter"), PLANTED, ids=lambda x: getattr(x, "__name__", x))
def test_each_planted_fault_is_found_and_nothing_else_is_a_fault(
    plant: Callable[[Any], None], name: str, severity: str, parameter: str
) -> None:
    state = mlp()
    assert not tgi.torch.audit(state).findings
    plant(state)
    audit = tgi.torch.audit(state)
    found = [(one.name, one.severity, one.parameter, one.code) for one in audit.findings]
    assert (name, severity, parameter, CODES[name]) in found
    assert {one.name for one in audit.faults} <= {name}


def test_a_normalization_forgives_a_wrong_scale() -> None:
    state = mlp()
    no_window(state)
    state["norm.weight"], state["norm.bias"] = torch.ones(64), torch.zeros(64)
    audit = tgi.torch.audit(state)
    assert [one.name for one in audit.findings] == ["window-forgotten"] and not audit.faults


def test_tied_parameters_are_no_copies() -> None:
    torch.manual_seed(0)
    audit = tgi.torch.audit(GPT())
    (tied,) = (one for one in audit.parameters if one.tied_to)
    assert (tied.name, tied.tied_to) == ("lm_head.weight", "wte.weight")
    assert not [one for one in audit.findings if one.name == "copied"]


def test_the_factor_of_a_layer_is_that_of_real_signals() -> None:
    """With what follows known: rms of φ(Wx) for x of variance 1, and of the gradient going back."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(512, 1024), nn.Dropout(0.1), nn.Tanh(), nn.Linear(1024, 64, bias=False), nn.ReLU())
    nn.init.xavier_normal_(model[3].weight)
    nn.init.normal_(model[0].weight, 0, 1 / math.sqrt(512))
    nn.init.zeros_(model[0].bias)
    first, _, last = tgi.torch.audit(model).parameters
    assert (first.activation, last.activation) == ("tanh", "relu")
    z = model[0](torch.randn(2000, 512)).detach()
    assert first.forward == pytest.approx(float(torch.tanh(z).square().mean().sqrt()), rel=0.02)
    back = (torch.randn(2000, 1024) * (1 - torch.tanh(z) ** 2)) @ model[0].weight.detach()
    assert first.backward == pytest.approx(float(back.square().mean().sqrt()), rel=0.02)
    assert tgi.torch.audit(model.state_dict()).parameters[0].forward is None


def test_activations_are_found_in_forward_functions_and_where_nothing_can_be_traced() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32))

        def forward(self, x: Any) -> Any:
            return self.inner(x) if x.sum() > 0 else x

    torch.manual_seed(0)
    weights = {one.name: one.activation for one in tgi.torch.audit(Branching()).parameters}
    assert weights["inner.0.weight"] == "leaky_relu" and weights["inner.2.weight"] == ""
    layer = nn.TransformerEncoderLayer(64, 4, activation="gelu")
    followed = {one.name: one.activation for one in tgi.torch.audit(layer).parameters if one.activation}
    assert followed == {"linear1.weight": "gelu"}


def test_what_has_moved_and_how_far() -> None:
    before = mlp()
    after = {name: value.clone() for name, value in before.items()}
    assert [one.name for one in tgi.torch.audit(after, against=before).faults] == ["nothing-moved"]
    after["0.weight"] *= 1.5
    after["4.bias"][0] += 1
    audit = tgi.torch.audit(after, against=before)
    moved = {one.name: one.moved for one in audit.parameters}
    assert moved["0.weight"] is not None and moved["0.weight"].distance == pytest.approx(0.5)
    assert {name for name, one in moved.items() if one is not None and one.identical} == {
        *before.keys() - {"0.weight", "4.bias"}
    }
    assert {one.parameter for one in audit.findings if one.name == "unmoved"} == {
        *before.keys() - {"0.weight", "4.bias"}
    }
    after["new.weight"] = torch.randn(3, 3)
    after["4.bias"] = torch.zeros(11)
    del after["0.bias"]
    unmatched = [one.parameter for one in tgi.torch.audit(after, against=before).findings if one.name == "unmatched"]
    assert sorted(unmatched) == ["0.bias", "4.bias", "new.weight"]


def test_a_reference_of_zeros_and_numbers_that_are_none() -> None:
    zero, nan = {"a.weight": torch.zeros(4, 4)}, {"a.weight": torch.full((4, 4), math.nan)}
    (one,) = tgi.torch.audit({"a.weight": torch.ones(4, 4)}, against=zero).parameters
    assert one.moved is not None and one.moved.distance == math.inf
    (one,) = tgi.torch.audit(nan, against=nan).parameters
    assert one.moved is not None and one.moved.identical


def test_a_baseline_accepts_what_it_knows(tmp_path: Any) -> None:
    state = mlp()
    identical_rows(state)
    baseline = tmp_path / "known.json"
    baseline.write_text(tgi.torch.audit(state).to_json(), encoding="utf-8")
    audit = tgi.torch.audit(state, baseline=baseline)
    assert not audit.faults and [one.known for one in audit.findings] == [True]
    not_a_number(state)
    assert [one.name for one in tgi.torch.audit(state, baseline=baseline).faults] == ["not-finite"]


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(0, 4),
        torch.zeros(4, 0),
        torch.tensor(3.0),
        torch.tensor(7),
        torch.zeros(2, 3, dtype=torch.bool),
        torch.randn(4, 4, dtype=torch.complex64),
        torch.randint(-128, 127, (40, 40), dtype=torch.int8),
        torch.randn(40, 40).to(torch.float8_e5m2),
        torch.full((3, 3), math.nan),
        torch.full((3, 3), -math.inf),
        torch.zeros(2, 2, 2, 2, 2, 2),
        torch.eye(4).to_sparse(),
        torch.randn(1, 1),
        torch.full((4, 4), 1e-45),
        torch.full((4, 4), 3e38),
        torch.randn(6, 4).T,
    ],
    ids=lambda tensor: f"{tensor.dtype} {tuple(tensor.shape)}",
)
def test_every_kind_of_tensor_is_looked_at(tensor: Any) -> None:
    audit = tgi.torch.audit({"layer.weight": tensor, "layer.bias": torch.zeros(4)})
    assert len(audit.parameters) == 2 and json.loads(audit.to_json())["parameters"][0]["name"] == "layer.weight"
    assert "layer.weight" in audit.text() or audit.parameters[0].role in ("scale", "other")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_can_be_said_and_shown(language: str) -> None:
    for plant, *_ in PLANTED:
        state = mlp()
        plant(state)
        audit = tgi.torch.audit(state, against=mlp())
        shown = "".join(audit.text(language).split())
        assert all(one.code in shown and "".join(one.said.spoken(language).split()) in shown for one in audit.findings)
        assert str(audit) == audit.text("en")


def test_the_page_has_an_anchor_for_every_code() -> None:
    page = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    assert len(set(CODES.values())) == len(CODES)
    for name, code in CODES.items():
        assert f'<a id="{code.lower()}"></a>' in page and f"{code} `{name}`" in page


@pytest.mark.parametrize("source", [None, 3, [torch.zeros(2)], b"model.pt"], ids=str)
def test_what_is_no_source(source: Any) -> None:
    with pytest.raises(TypeError, match="expected a module, a state dict or a path"):
        tgi.torch.audit(source)

"""PyTorch's models through a front end of their own: the same truth, and nothing of the model changed."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

import tinygrad_init as tgi  # noqa: E402
from tinygrad_init.diagnosis.fronts.torch_modules import run  # noqa: E402
from tinygrad_init.diagnosis.fronts.torch_steps import copied  # noqa: E402
from tinygrad_init.diagnosis.network import RESIDUAL, WEIGHTS, Network  # noqa: E402

torch.set_num_threads(1)  # several tests run at a time
Array = np.ndarray[Any, Any]
TOKENS = torch.randint(0, 12, (9, 5), generator=torch.Generator().manual_seed(0))
ROWS = torch.randn(9, 6, generator=torch.Generator().manual_seed(1))
IMAGES = torch.randn(9, 2, 8, 8, generator=torch.Generator().manual_seed(2))
CLASSES = torch.arange(9) % 3
OTHER = torch.optim.SGD(nn.Linear(2, 2).parameters(), 0.1)  # an optimizer of another model


class Of(nn.Module):
    """A model of modules by name and a function of them and the input."""

    def __init__(self, forward: Any, **modules: nn.Module) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)
        self.function = forward

    def forward(self, *x: Any, **named: Any) -> Any:
        return self.function(self, *x, **named)


def residual(m: Any, x: Any) -> Any:
    for block in (m.one, m.two):
        x = x + F.relu(block(x), inplace=True)
    return m.out(x)


def attention(m: Any, tokens: Any) -> Any:
    x = m.table(tokens) + m.places.weight[: tokens.shape[1]]
    q, k, v = m.qkv(x).chunk(3, dim=-1)
    scores = q @ k.transpose(-1, -2) / 2.0
    mask = torch.triu(torch.ones(tokens.shape[1], tokens.shape[1], dtype=torch.bool), 1)
    x = x + scores.masked_fill(mask, -1e9).softmax(-1) @ v
    return m.out(m.norm(x).mean(1))


def gated(m: Any, x: Any) -> Any:
    return m.out(torch.sigmoid(m.gate(x)) * torch.tanh(m.value(x)))


def unrolled(m: Any, tokens: Any) -> Any:
    h = torch.zeros(len(tokens), 8)
    for step in m.table(tokens).unbind(1):
        h = m.cell(step, h)
    return m.out(h)


def written_into(m: Any, x: Any) -> Any:
    made = torch.zeros(len(x), 8)
    made[:, :4] = m.one(x)
    made[:, 4:] = 2 * m.one(x)
    return m.out(made)


def shared(m: Any, x: Any) -> Any:
    for _ in range(4):
        x = m.phi(m.step(x))
    return m.out(x)


def branching(m: Any, x: Any) -> Any:
    return m.one(x) if float(x.sum()) > 1e9 else m.two(x.clone().mul_(0.5))


MODELS: dict[str, Any] = {
    "dense": lambda: (nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)), ROWS),
    "convolutional": lambda: (
        nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 6, 3, groups=2),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(24, 3),
        ),
        IMAGES,
    ),
    "transposed": lambda: (
        nn.Sequential(
            nn.ConvTranspose2d(2, 4, 3, groups=2),
            nn.LeakyReLU(0.2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(4, 3),
        ),
        IMAGES,
    ),
    "residual": lambda: (Of(residual, one=nn.Linear(6, 6), two=nn.Linear(6, 6), out=nn.Linear(6, 3)), ROWS),
    "attention": lambda: (
        Of(
            attention,
            table=nn.Embedding(12, 8),
            places=nn.Embedding(9, 8),
            qkv=nn.Linear(8, 24),
            norm=nn.LayerNorm(8),
            out=nn.Linear(8, 3),
        ),
        TOKENS,
    ),
    "encoder": lambda: (
        Of(
            lambda m, tokens: m.out(m.layer(m.table(tokens))[:, 0]),
            table=nn.Embedding(12, 8),
            layer=nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.2),
            out=nn.Linear(8, 3),
        ),
        TOKENS,
    ),
    "gated": lambda: (Of(gated, gate=nn.Linear(6, 8), value=nn.Linear(6, 8), out=nn.Linear(8, 3)), ROWS),
    "LSTM": lambda: (
        Of(
            lambda m, tokens: m.out(m.lstm(m.table(tokens))[0][:, -1]),
            table=nn.Embedding(12, 8),
            lstm=nn.LSTM(8, 7, num_layers=2, batch_first=True),
            out=nn.Linear(7, 3),
        ),
        TOKENS,
    ),
    "unrolled": lambda: (Of(unrolled, table=nn.Embedding(12, 4), cell=nn.GRUCell(4, 8), out=nn.Linear(8, 3)), TOKENS),
    "written into": lambda: (Of(written_into, one=nn.Linear(6, 4), out=nn.Linear(8, 3)), ROWS),
    "shared": lambda: (Of(shared, step=nn.Linear(6, 6), phi=nn.ELU(0.7), out=nn.Linear(6, 3)), ROWS),
    "weight norm": lambda: (
        nn.Sequential(
            nn.utils.parametrizations.weight_norm(nn.Linear(6, 8)), nn.SiLU(), nn.Dropout(0.3), nn.Linear(8, 3)
        ),
        ROWS,
    ),
    "branching": lambda: (Of(branching, one=nn.Linear(6, 3), two=nn.Linear(6, 3)), ROWS),
    "two inputs": lambda: (
        Of(lambda m, a, b: m.out(m.one(a) * m.one(b)), one=nn.Linear(6, 8), out=nn.Linear(8, 3)),
        (ROWS, 2 * ROWS),
    ),
    "by name": lambda: (
        Of(
            lambda m, tokens, rows: m.out(m.table(tokens).mean(1) + rows),
            table=nn.Embedding(12, 6),
            out=nn.Linear(6, 3),
        ),
        {"tokens": TOKENS, "rows": ROWS},
    ),
    "tied": lambda: (
        Of(lambda m, tokens: (m.table(tokens).mean(1) @ m.table.weight.T)[:, :3], table=nn.Embedding(12, 8)),
        TOKENS,
    ),
}


def made(name: str) -> tuple[Any, Any]:
    torch.manual_seed(3)
    return MODELS[name]()


def by_way_of_links(network: Network) -> dict[str, Array]:
    """∂C by every parameter, from link to link."""
    found: dict[str, Array] = {}
    cotangents = network.backward()
    for link in network.flat():
        for parameter in link.parameters:
            part = link.pull_to(parameter, cotangents[link]).numbers()
            found[parameter.name] = found.get(parameter.name, 0) + part
    return found


@pytest.mark.parametrize("name", MODELS)
def test_gradients_from_link_to_link_are_pytorchs(name: str) -> None:
    model, x = made(name)
    network = run(model, x, CLASSES, F.cross_entropy, np.float64)
    for parameter, gradient in by_way_of_links(network).items():
        np.testing.assert_allclose(gradient, network.gradients[parameter], rtol=1e-8, atol=1e-12)
    reached = {name for name, gradient in network.gradients.items() if gradient.any()}
    assert reached <= {parameter.name for link in network.flat() for parameter in link.parameters}
    torch.manual_seed(0)
    if name not in ("encoder", "weight norm"):  # without chance the whole gives the same
        arguments = x.values() if isinstance(x, dict) else x if isinstance(x, tuple) else (x,)
        named = dict(x) if isinstance(x, dict) else {}
        expected = copy.deepcopy(model)(**named) if named else copy.deepcopy(model)(*arguments)
        np.testing.assert_allclose(network.output, expected.detach().numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_pulling_is_the_adjoint_of_pushing(name: str) -> None:
    model, x = made(name)
    rng = np.random.default_rng(0)
    for link in run(model, x, CLASSES, F.cross_entropy, np.float64).flat():
        if link.role == RESIDUAL or not link.inputs:
            continue
        tangents = tuple(rng.normal(size=one.shape) for one in link.inputs)
        cotangent = rng.normal(size=link.output.shape)
        try:
            pushed = link.push(*tangents)
        except (RuntimeError, NotImplementedError):  # no second derivative in PyTorch
            continue
        pulled = link.pull_plain(cotangent)
        real = [i for i, one in enumerate(link.inputs) if one.dtype.kind == "f"]
        expected = sum(float(np.sum(pulled[i] * tangents[i])) for i in real)
        assert float(np.sum(cotangent * pushed)) == pytest.approx(expected, rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_a_link_on_its_own_inputs_gives_what_it_gave(name: str) -> None:
    model, x = made(name)
    for link in run(model, x, CLASSES, F.cross_entropy).flat():
        np.testing.assert_array_equal(link.again(*link.inputs).output, link.output)
        for source, arrived in zip(link.sources, link.inputs, strict=True):
            if not isinstance(source, str):
                np.testing.assert_array_equal(source.output, arrived)


def snapshot(model: Any) -> Any:
    hooks = [
        len(getattr(module, kind)) for module in model.modules() for kind in vars(module) if kind.endswith("_hooks")
    ]
    grads = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    return [v.clone() for v in model.state_dict().values()], grads, [m.training for m in model.modules()], hooks


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("raises", [False, True])
def test_nothing_of_the_model_changes(name: str, raises: bool) -> None:
    model, x = made(name)
    model.register_forward_hook(lambda *_: None)
    next(model.parameters()).grad = torch.ones_like(next(model.parameters()))
    before, chance = snapshot(model), torch.get_rng_state()
    hooks = len(nn.modules.module._global_forward_hooks), len(nn.modules.module._global_forward_pre_hooks)
    loss = (lambda prediction, y: 1 / 0) if raises else F.cross_entropy
    if raises:
        with pytest.raises(ZeroDivisionError):
            tgi.diagnose(model, x, CLASSES, loss)
    else:
        tgi.diagnose(model, x, CLASSES, loss, optimizer=lambda ps: torch.optim.Adam(ps, 1e-3))
    assert same(snapshot(model), before) and torch.equal(torch.get_rng_state(), chance)
    assert hooks == (len(nn.modules.module._global_forward_hooks), len(nn.modules.module._global_forward_pre_hooks))
    assert torch.overrides._get_current_function_mode() is None


@pytest.mark.parametrize(
    ("phi", "start"), [("Tanh", "xavier"), ("ReLU", "he"), ("Sigmoid", "zeros"), ("Tanh", "large")]
)
def test_the_report_is_that_of_the_same_network_of_this_package(phi: str, start: str) -> None:
    own = tgi.nn.MLP((6, 9, 9, 9, 3), phi.lower(), rng=0)
    tgi.initialize(own, start, 0)
    layers = [part for a, b in ((6, 9), (9, 9), (9, 9)) for part in (nn.Linear(a, b), getattr(nn, phi)())]
    theirs = nn.Sequential(*layers, nn.Linear(9, 3))
    with torch.no_grad():
        for to, of in zip(theirs.parameters(), own.parameters(), strict=True):
            to.copy_(torch.from_numpy(np.array(of.numpy())))
    classes = CLASSES.clamp(max=1)  # of unequal shares: of equal ones all that comes back from zeros is rounding
    ours = tgi.diagnose(own, ROWS.numpy(), classes.numpy(), "cross_entropy")
    found = tgi.diagnose(theirs, ROWS, classes, F.cross_entropy)
    assert (found.verdict.word, found.verdict.layer) == (ours.verdict.word, ours.verdict.layer)
    assert [answer.good for answer in found.answers] == [answer.good for answer in ours.answers]
    for a, b in zip(found.layers, ours.layers, strict=True):
        assert (a.z.rms, a.dz.rms, a.dw.rms) == pytest.approx((b.z.rms, b.dz.rms, b.dw.rms), rel=1e-4, abs=1e-12)
        assert (a.units, a.saturated, a.dead, len(a.distinct)) == (b.units, b.saturated, b.dead, len(b.distinct))
    assert [(z.share, z.rules, z.wakes) for z in found.zeros] == [(z.share, z.rules, z.wakes) for z in ours.zeros]


def test_names_are_the_models_own_and_sums_are_residual_blocks() -> None:
    model, x = made("residual")
    network = run(model, x, CLASSES, F.cross_entropy)
    assert [link.name for link in network.linears()] == ["one", "two", "out"]
    assert [link.matrix.name for link in network.linears()] == ["one.weight", "two.weight", "out.weight"]
    assert [link.role for link in network.links] == [RESIDUAL, RESIDUAL, WEIGHTS]


def test_what_is_changed_through_a_view_is_refused_by_name() -> None:
    def forward(m: Any, x: Any) -> Any:
        h = m.one(x)
        h[:, :2].mul_(2.0)
        return m.out(h)

    with pytest.raises(TypeError, match=r"was changed in place through a view of it; write the change without `_`"):
        tgi.diagnose(Of(forward, one=nn.Linear(6, 8), out=nn.Linear(8, 3)), ROWS, CLASSES)


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (lambda m: tgi.diagnose(m, ROWS, CLASSES[:5]), ValueError, "as many samples in x as in y.*9 in x, 5 in y"),
        (lambda m: tgi.diagnose(m, ROWS, CLASSES, "hinge"), ValueError, "expected a loss out of cross_entropy, "),
        (lambda m: tgi.diagnose(m, ROWS, CLASSES, lambda p, y: p), TypeError, r"one number, got shape \(9, 3\)"),
        (lambda m: tgi.diagnose(m, ROWS, CLASSES, lambda p, y: torch.ones(())), TypeError, "depends on"),
        (lambda m: tgi.diagnose(nn.ReLU(), ROWS, CLASSES), ValueError, "a model with weight matrices, got ReLU"),
        (lambda m: tgi.diagnose(m, ROWS, CLASSES, optimizer=OTHER), ValueError, "holds none of this model's"),
        (lambda m: tgi.diagnose(m, ROWS, CLASSES, optimizer="adam"), TypeError, "expected an optimizer, .* got str"),
        (lambda m: tgi.diagnose(m, ROWS, CLASSES, optimizer=-1.0), ValueError, "expected a positive learning rate"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(wrong: Any, error: Any, says: str) -> None:
    model, _ = made("dense")
    with pytest.raises(error, match=says):
        wrong(model)


@pytest.mark.parametrize(
    ("own", "name"),
    [
        (lambda p, y: F.nll_loss(torch.log(p.softmax(-1)), y), "cross_entropy"),
        (lambda p, y: (torch.logsumexp(p, 1) - p.gather(1, y[:, None])[:, 0]).mean(), "cross_entropy"),
        (lambda p, y: (torch.logsumexp(p, 1) - p.gather(1, y[:, None])[:, 0]).sum(), ""),
        (lambda p, y: F.cross_entropy(p, y, label_smoothing=0.1), ""),
        (lambda p, y: ((p - F.one_hot(y, p.shape[1])) ** 2).mean(), ""),
    ],
)
def test_a_loss_is_known_by_its_numbers(own: Any, name: str) -> None:
    """Somebody's own cross entropy is one, too: a softmax before it is found."""
    state = torch.get_rng_state()
    x, y = torch.randn(32, 5, generator=torch.Generator().manual_seed(0)), torch.arange(32) % 4
    model = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 4))
    after = torch.get_rng_state()
    assert run(model, x, y, own).loss_name == name
    assert torch.equal(torch.get_rng_state(), after) and not torch.equal(state, after)


def test_an_optimizer_that_is_warmed_up_is_rehearsed_at_the_rate_it_comes_to() -> None:
    model = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 4))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: (step + 1) / 1000)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-5)
    _, rehearsed = copied(model, optimizer, "diagnose")
    assert rehearsed.param_groups[0]["lr"] == 1e-2
    model(torch.zeros(1, 5)).sum().backward()
    optimizer.step()  # from now on its rate is what it is
    _, rehearsed = copied(model, optimizer, "diagnose")
    assert rehearsed.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]

"""Models from PyTorch and to it: the same numbers on both sides, or a refusal by name."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from torch import nn  # noqa: E402

import tinygrad_init as tgi  # noqa: E402
from tinygrad_init.torch import counterparts  # noqa: E402
from tinygrad_init.torch.pairs import PAIRS, fits_ours  # noqa: E402

from ..nn.layer_cases import LAYERS, numbers  # noqa: E402
from .conversion_models import OURS, THEIRS, LeNet, mlp  # noqa: E402

# Sums of some hundred numbers of size 1 in two orders; the spacing of numbers at 1 is 1.2e-7 and 2.2e-16.
CLOSE = {np.dtype(np.float32): 1e-6, np.dtype(np.float64): 1e-10}


def assert_close(ours: Any, theirs: Any, what: str) -> None:
    """Equal but for a share of the largest number, or of 1."""
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape, what
    off = CLOSE[ours.dtype] * max(1.0, np.abs(theirs).max(initial=0.0))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=off, err_msg=what)


def assert_same(ours: Any, theirs: Any, shape: tuple[int, ...], steps: int = 1, seed: int = 0) -> None:
    """Outputs, gradients of input and parameters, and buffers, over some batches."""
    rng = np.random.default_rng(seed)
    parameters = list(zip(ours.named_parameters(), theirs.named_parameters(), strict=True))
    dtype = np.dtype(tgi.nn.dtype_of(ours, np.float32))
    for _ in range(steps):
        x = rng.normal(size=shape).astype(dtype)
        ours.zero_grad(), theirs.zero_grad()
        mine, other = tgi.tensor(x, dtype, requires_grad=True), torch.tensor(x, requires_grad=True)
        out, expected = ours(mine), theirs(other)
        assert_close(out.numpy(), expected, "output")
        cotangent = (rng.normal(size=out.shape) / max(out.size, 1) ** 0.5).astype(dtype)
        (out * cotangent).sum().backward()
        (expected * torch.from_numpy(cotangent)).sum().backward()
        assert_close(mine.grad.numpy(), other.grad, "gradient of the input")
        for (name, parameter), (_, there) in parameters:
            assert parameter.requires_grad == there.requires_grad
            if parameter.requires_grad:
                assert_close(parameter.grad.numpy(), there.grad, f"gradient of {name}")
        buffers = list(ours.named_buffers())
        assert len(buffers) == len(list(theirs.buffers()))
        for (name, buffer), there in zip(buffers, theirs.buffers(), strict=True):
            assert_close(buffer.numpy(), there, name)


def warmed(model: Any, shape: tuple[int, ...]) -> Any:
    """After a batch, so that running statistics are no longer where they start."""
    model(torch.randn(shape) * 2 + 1)
    return model


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", THEIRS)
def test_from_torch_computes_the_same(name: str, training: bool) -> None:
    make, shape = THEIRS[name]
    torch.manual_seed(3)
    theirs = warmed(make(), shape).train(training)
    ours = tgi.from_torch(theirs)
    assert_same(ours, theirs, shape, steps=3)
    assert {m.training for _, m in ours.named_modules()} == {training}
    again = tgi.to_torch(ours)
    assert_same(ours, again, shape, steps=2)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", OURS)
def test_to_torch_computes_the_same(name: str, training: bool) -> None:
    make, shape = OURS[name]
    ours = make()
    ours(np.random.default_rng(1).normal(size=shape).astype(np.float32))
    ours.train(training)
    theirs = tgi.to_torch(ours)
    assert_same(ours, theirs, shape, steps=3)
    assert [(n) for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert_same(tgi.from_torch(theirs), theirs, shape, steps=2)


STEPS = {
    "linear": lambda width: (nn.Linear(width, 4), 4),
    "norm": lambda width: (nn.BatchNorm1d(width, eps=1e-3, momentum=0.2), width),
    "layer": lambda width: (nn.LayerNorm(width), width),
    "prelu": lambda width: (nn.PReLU(width, init=0.3), width),
    "tanh": lambda width: (nn.Tanh(), width),
    "leaky": lambda width: (nn.LeakyReLU(0.3), width),
    "dropout": lambda width: (nn.Dropout(0.0), width),
    "residual": lambda width: (
        counterparts.Residual(nn.Sequential(nn.Linear(width, width), nn.SiLU())), width
    ),
}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=7), st.booleans(), st.booleans(), st.integers(0, 2**31))
def test_any_chain_comes_over_and_back(kinds: list[str], nested: bool, training: bool, seed: int) -> None:
    torch.manual_seed(seed)
    width, steps = 3, []
    for kind in kinds:
        step, width = STEPS[kind](width)
        steps.append(step)
    theirs = nn.Sequential(*steps)
    if nested:
        theirs = nn.Sequential(theirs, nn.Sequential(nn.Linear(width, 2)))
    theirs.train(training)
    ours = tgi.from_torch(theirs)
    again = tgi.to_torch(ours)
    assert list(again.state_dict()) == list(theirs.state_dict())
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor) and again.state_dict()[name].dtype == tensor.dtype
    assert str(again) == str(theirs)
    # In float32 normalizations of three numbers in a row may magnify what is rounded beyond any bound.
    theirs.double()
    assert_same(tgi.from_torch(theirs), theirs, (6, 3), steps=2, seed=seed)


def test_every_module_of_ours_has_its_line_or_is_refused() -> None:
    kinds = {
        value for name in tgi.nn.__all__
        if isinstance(value := getattr(tgi.nn, name), type) and issubclass(value, tgi.nn.Module)
    }  # fmt: skip
    kinds = {kind for kind in kinds if not kind.waits}  # which become others of these
    left = {kind.__name__ for kind in kinds - {pair.ours for pair in PAIRS}} - {"Module", "Activation", "Loss"}
    variants = {kind.__name__ for kind in kinds if issubclass(kind, tgi.nn.Activation)}
    losses = {kind.__name__ for kind in kinds if kind.__name__.endswith("Loss")}
    several = {"ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "CosineSimilarity", "PairwiseDistance"}
    recurrent = {"RNN", "GRU", "LSTM", "RNNCell", "GRUCell", "LSTMCell", "MultiheadAttention"}
    assert {name for name in left - variants - losses - several - recurrent if "Transformer" not in name} == {
        "EmbeddingBag", "FractionalMaxPool2d", "UpsamplingBilinear2d", "UpsamplingNearest2d",
    }  # fmt: skip
    for module in (tgi.nn.ReLU6(), tgi.nn.L1Loss(), tgi.nn.GRU(2, 3), tgi.nn.ModuleList(), tgi.nn.GELU("tanh")):
        with pytest.raises(TypeError, match=f"to_torch: {type(module).__name__} has a forward of its own"):
            tgi.to_torch(module)


@pytest.mark.parametrize("name", [name for name in LAYERS if type(LAYERS[name][0]()) in {pair.ours for pair in PAIRS}])
def test_layers_with_options_go_there_and_come_back(name: str) -> None:
    make, shape = LAYERS[name]
    ours = make().eval()
    if isinstance(ours, tgi.nn.Activation) and not any(fits_ours(ours, pair) for pair in PAIRS):
        return
    theirs = tgi.to_torch(ours)
    back = tgi.from_torch(theirs)
    x = numbers(shape)
    expected = ours(tgi.tensor(x)).numpy()
    with torch.no_grad():
        np.testing.assert_allclose(theirs.double()(torch.from_numpy(x)).numpy(), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(back.double()(tgi.tensor(x)).numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", ["CrossEntropyLoss", "MSELoss", "BCEWithLogitsLoss", "HalfSquaredError", "HingeLoss"])
def test_losses_are_the_same(name: str, reduction: str) -> None:
    ours = getattr(tgi.nn, name)(reduction=reduction)
    theirs = tgi.to_torch(ours)
    rng = np.random.default_rng(0)
    scores, classes = rng.normal(size=(6, 3)).astype(np.float32), rng.integers(0, 3, 6)
    numbers = np.sign(scores) if name == "HingeLoss" else rng.random((6, 3)).astype(np.float32)
    for target in [classes] if name == "CrossEntropyLoss" else [numbers, classes] if name == "HingeLoss" else [numbers]:
        for mine in (ours, tgi.from_torch(theirs)):
            assert type(mine) is type(ours) and mine.reduction == reduction
            assert_close(
                mine(tgi.tensor(scores), target).numpy(),
                theirs(torch.from_numpy(scores), torch.from_numpy(target)),
                name,
            )


def test_shared_modules_and_weights_stay_shared() -> None:
    shared = nn.Linear(4, 4)
    tied = nn.Linear(4, 4)
    tied.weight = shared.weight
    theirs = nn.Sequential(shared, nn.Tanh(), shared, tied)
    ours = tgi.from_torch(theirs)
    assert ours[0] is ours[2] and ours[3] is not ours[0] and vars(ours[3])["weight"] is vars(ours[0])["weight"]
    assert_same(ours, theirs, (3, 4))
    again = tgi.to_torch(ours)
    assert again[0] is again[2] and again[3].weight is again[0].weight
    assert len(list(again.parameters())) == 3


def test_a_block_that_is_shared_is_traced_once() -> None:
    block = LeNet()
    ours = tgi.from_torch(nn.ModuleDict({"a": block})["a"])
    assert isinstance(ours, tgi.nn.Sequential)
    inner = mlp(nn.Tanh, 3, 3)

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Any) -> Any:
            return self.inner(self.inner(x))

    theirs = Twice()
    ours = tgi.from_torch(theirs)
    assert ours[0] is ours[1]
    assert_same(ours, theirs, (2, 3))


def test_modes_dtypes_and_what_is_learned_come_along() -> None:
    theirs = nn.Sequential(
        nn.Linear(3, 4).double(), nn.BatchNorm1d(4).double(), nn.Dropout(0.4), nn.Linear(4, 2).double()
    )
    theirs[0].weight.requires_grad_(False)
    theirs[1].eval()
    theirs[2].eval()
    ours = tgi.from_torch(theirs)
    assert [m.training for m in ours] == [True, False, False, True] and ours.training
    assert {p.dtype for p in ours.parameters()} == {np.dtype(np.float64)} and ours[2].p == 0.4
    assert_same(ours, theirs, (5, 3))
    again = tgi.to_torch(ours)
    assert [m.training for m in again] == [True, False, False, True]
    assert [p.requires_grad for p in again.parameters()] == [p.requires_grad for p in theirs.parameters()]
    assert {p.dtype for p in again.parameters()} == {torch.float64}
    assert again[1].num_batches_tracked.dtype == torch.int64


def test_results_are_copies_and_nothing_is_drawn() -> None:
    theirs = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    before = {name: tensor.clone() for name, tensor in theirs.state_dict().items()}
    torch.manual_seed(0)
    state = torch.get_rng_state()
    ours = tgi.from_torch(theirs)
    again = tgi.to_torch(ours)
    assert torch.equal(torch.get_rng_state(), state)
    with tgi.no_grad():
        for tensor in [*ours.parameters(), *ours.named_buffers()]:
            tensor = tensor[1] if isinstance(tensor, tuple) else tensor
            tensor.copy_(tensor * 0.0 + 7.0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in theirs.state_dict().items())
    assert all(torch.equal(tensor, before[name]) for name, tensor in again.state_dict().items())


def test_dropout_draws_by_its_own_generator() -> None:
    theirs = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5))
    x = np.ones((50, 20), np.float32)
    one, other = (tgi.from_torch(theirs, rng=4)(x).numpy() for _ in range(2))
    assert np.array_equal(one, other) and 0.1 < np.mean(one != 0) < 0.4


def test_the_fans_of_a_grouped_kernel_are_known() -> None:
    ours = tgi.from_torch(nn.ConvTranspose2d(4, 6, 3, groups=2))
    assert tgi.init.fans(ours.weight) == (18, 27)


class Own(nn.Module):
    """A forward out of a function."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.inner, self.function = nn.Linear(3, 3), function

    def forward(self, x: Any) -> Any:
        return self.function(self, x)


def hooked() -> Any:
    model = nn.Sequential(nn.Linear(3, 3))
    model[0].register_forward_hook(lambda *a: None)
    return model


REFUSED = {
    "LSTM": (lambda: nn.Sequential(nn.Linear(3, 3), nn.LSTM(3, 3)), r"1 \(LSTM\) has no counterpart"),
    "attention": (lambda: nn.MultiheadAttention(4, 2), r"MultiheadAttention has no counterpart"),
    "max_norm": (lambda: nn.Embedding(3, 2, max_norm=1.0), "max_norm=1.0"),
    "tanh gelu": (lambda: nn.GELU("tanh"), "approximate=tanh"),
    "hooks": (hooked, r"0 \(Linear\) has hooks"),
    "parametrized": (
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(2, 2)), "computes its parameters from others"
    ),
    "lazy": (lambda: nn.LazyLinear(3), "call the model once"),
    "half": (lambda: nn.Linear(2, 2).half(), "expected weight in float32 or float64, got torch.float16"),
    "meta": (lambda: nn.Linear(2, 2, device="meta"), "the device meta"),
    "branching": (lambda: Own(lambda m, x: m.inner(x) if x.sum() > 0 else x), "cannot be traced"),
    "two tensors": (lambda: Own(lambda m, x: (x, m.inner(x))), "returns more"),
    "dense": (lambda: Own(lambda m, x: (h := m.inner(x)).relu() + (x + h)), "is used in several places"),
    "twice": (lambda: Own(lambda m, x: (h := m.inner(x)) + h), "adds a tensor to itself"),
    "scaled": (lambda: Own(lambda m, x: torch.add(x, m.inner(x), alpha=2)), "no sum of two tensors"),
    "number": (lambda: Own(lambda m, x: m.inner(x) + 1), "no sum of two tensors"),
    "sum in place": (
        lambda: Own(lambda m, x: (y := m.inner(x), z := m.inner(y), y.add_(z))[2] + y), "changed in place"
    ),
    "branch in place": (
        lambda: nn.Sequential(nn.Linear(3, 3), counterparts.Residual(nn.Sequential(nn.Identity(), nn.ReLU(True)))),
        r"1.branch \(Sequential\) changes in place what is added",
    ),
    "function in place": (
        lambda: Own(lambda m, x: m.inner(nn.functional.relu(x, inplace=True)) + x), "changes in place what is added"
    ),
    "method in place": (lambda: Own(lambda m, x: m.inner(x.relu_()) + x), "changes in place what is added"),
    "own weight": (lambda: Own(lambda m, x: x @ m.inner.weight.T), "calls matmul"),
    "always": (lambda: Own(lambda m, x: nn.functional.dropout(m.inner(x), 0.5)), "does not depend on self.training"),
    "by mode": (lambda: Own(lambda m, x: m.inner(x) if m.training else x), "depends on self.training"),
    "statistics": (lambda: setattr(bn := nn.BatchNorm1d(2), "track_running_stats", False) or bn, "track_running_stats"),
    "no module": (lambda: 3, "expected a PyTorch module, got int"),
    "ours": (lambda: tgi.nn.Linear(2, 2), "expected a PyTorch module, got Linear"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_converted_is_refused_by_name(name: str) -> None:
    make, message = REFUSED[name]
    model = make()
    with pytest.raises(TypeError, match=message) as refused:
        tgi.from_torch(model)
    assert str(refused.value).startswith("from_torch: ") and "\n" not in str(refused.value).strip()
    assert not isinstance(model, nn.Module) or model.training


def test_a_trace_changes_nothing() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.calls = nn.Linear(3, 3), 0

        def forward(self, x: Any) -> Any:
            self.calls += 1
            return self.inner(x)

    model = Counting()
    model.inner.eval()
    tgi.from_torch(model)
    assert model.calls == 0 and model.training and not model.inner.training


def test_in_place_is_no_matter_where_nothing_is_used_again() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.last = nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x: Any) -> Any:
            out = nn.functional.relu_(self.inner(x))
            out = self.last(out)
            out += x
            return out.tanh_()

    theirs = nn.Sequential(Block(), nn.Linear(3, 3), nn.ReLU(inplace=True), Block())
    assert_same(tgi.from_torch(theirs), theirs, (4, 3))


def test_a_forward_of_our_own_is_refused_by_name() -> None:
    class Mine(tgi.nn.Module):
        def __init__(self) -> None:
            self.linear = tgi.nn.Linear(2, 2)

        def forward(self, x: Any) -> Any:
            return self.linear(x) * 2

    with pytest.raises(TypeError, match=r"to_torch: 1 \(Mine\) has a forward of its own"):
        tgi.to_torch(tgi.nn.Sequential(tgi.nn.ReLU(), Mine()))
    with pytest.raises(TypeError, match="to_torch: expected a module of tinygrad_init.nn, got Linear"):
        tgi.to_torch(nn.Linear(2, 2))


def test_torch_is_imported_when_a_model_is_converted() -> None:
    code = """
import sys
from tinygrad_init import *
import tinygrad_init as tgi
tgi.from_torch, tgi.to_torch
assert "torch" not in sys.modules
sys.modules["torch"] = None
try:
    tgi.to_torch(tgi.nn.Linear(2, 2))
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "tinygrad_init.torch needs PyTorch: pip install 'tinygrad_init[torch]'\n", done.stderr

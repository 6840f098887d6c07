"""Normalization beside PyTorch's; buffers, and what captured programs make of them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init import nn, optim

from ..programs.capturing import Step, assert_same, check, leaf
from ..strategies import dtypes, seeds

ULPS = 2e3  # a mean, a variance, a root and their derivatives, of some dozen numbers, in another order

batches = st.sampled_from([(4, 3), (3, 3, 5), (2, 3, 4, 2), (2, 3, 1, 1)])


def like(ours: Any, theirs: Any) -> None:
    assert_same(ours, theirs.detach().numpy(), ulps=ULPS, terms=1.0)


def pair(name: str, *arguments: Any, dtype: Any, **options: Any) -> tuple[Any, Any]:
    """Our layer and PyTorch's, with the same parameters that are not those of the start."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    ours = getattr(nn, name)(*arguments, dtype=dtype, **options)
    theirs = getattr(torch.nn, name)(*arguments, dtype=getattr(torch, np.dtype(dtype).name), **options)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(torch.linspace(0.5, 1.5, parameter.numel()).reshape(parameter.shape))
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def assert_like_torch(ours: Any, theirs: Any, x: Any, rng: Any) -> None:
    """The same values, and the same gradients by input and parameters."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    mine, other = tgi.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    out, expected = ours(mine), theirs(other)
    like(out, expected)
    g = rng.normal(size=x.shape).astype(x.dtype)
    found = tgi.grad(out, [mine, *ours.parameters()], gradients=g)
    wanted = torch.autograd.grad(expected, [other, *theirs.parameters()], torch.tensor(g))
    for a, b in zip(found, wanted, strict=True):
        like(a, b)


@settings(max_examples=25)  # each takes PyTorch's threads a while
@given(
    shape=batches, dtype=dtypes, seed=seeds, momentum=st.sampled_from([0.1, 0.7, None]), affine=st.booleans(),
    tracked=st.booleans(),
)  # fmt: skip
def test_batch_normalization_is_pytorchs(
    shape: Any, dtype: Any, seed: int, momentum: float | None, affine: bool, tracked: bool
) -> None:
    name = "BatchNorm2d" if len(shape) == 4 else "BatchNorm1d"
    ours, theirs = pair(name, 3, 1e-3, dtype=dtype, momentum=momentum, affine=affine, track_running_stats=tracked)
    rng = np.random.default_rng(seed)
    for _ in range(3):
        assert_like_torch(ours, theirs, (2.0 + rng.normal(size=shape)).astype(dtype), rng)
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    for key, value in ours.state_dict().items():
        np.testing.assert_allclose(value, state[key].numpy(), rtol=ULPS * np.finfo(dtype).eps)
    ours.eval()
    theirs.eval()
    before = copy.deepcopy(ours.state_dict())
    assert_like_torch(ours, theirs, rng.normal(size=shape).astype(dtype), rng)
    assert_same(ours.state_dict(), before)


@given(
    shape=st.sampled_from([(4,), (3, 4), (2, 3, 4)]),
    axes=st.integers(1, 3),
    dtype=dtypes,
    seed=seeds,
    affine=st.booleans(),
)
def test_layer_normalization_is_pytorchs(shape: Any, axes: int, dtype: Any, seed: int, affine: bool) -> None:
    rng = np.random.default_rng(seed)
    ours, theirs = pair("LayerNorm", shape[-axes:], 1e-3, affine, dtype=dtype)
    assert_like_torch(ours, theirs, rng.normal(size=shape).astype(dtype), rng)


def test_one_class_takes_inputs_of_any_number_of_axes() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5, 2))
    out = nn.BatchNorm(3, eps=1e-12, dtype=np.float64)(x).numpy()
    np.testing.assert_allclose(out.mean((0, 2, 3, 4)), 0.0, atol=1e-12)
    np.testing.assert_allclose(out.var((0, 2, 3, 4)), 1.0, rtol=1e-9)
    np.testing.assert_array_equal(nn.BatchNorm(3, dtype=np.float64)(x[..., 0, 0, 0]).shape, (2, 3))


@pytest.mark.parametrize("training", [True, False])
def test_second_derivatives(training: bool) -> None:
    x = leaf(np.random.default_rng(0).normal(size=(4, 2, 3)))
    for layer in (nn.BatchNorm(2, dtype=np.float64), nn.LayerNorm(3, dtype=np.float64)):
        layer.train(training)
        assert tgi.gradgradcheck(lambda t, layer=layer: tgi.tanh(layer(t)), x, atol=1e-5)


class TestBuffers:
    def test_they_are_state_but_no_parameters(self) -> None:
        model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        assert [name for name, _ in model.named_buffers()] == [
            "1.running_mean", "1.running_var", "1.num_batches_tracked",
        ]  # fmt: skip
        assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias", "1.weight", "1.bias"]
        assert not any(buffer.requires_grad for _, buffer in model.named_buffers())
        model(np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32))
        assert model.state_dict()["1.num_batches_tracked"] == 1.0

    def test_copies_have_their_own(self) -> None:
        layer = nn.BatchNorm1d(2)
        for again in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
            assert isinstance(again.running_mean, nn.Buffer)
            again(np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32))
            assert np.any(again.running_mean.numpy() != 0.0)
        assert np.all(layer.running_mean.numpy() == 0.0)

    def test_state_that_does_not_fit_names_them(self) -> None:
        layer = nn.BatchNorm1d(2)
        with pytest.raises(KeyError, match="missing \\['num_batches_tracked'\\]"):
            layer.load_state_dict({k: v for k, v in layer.state_dict().items() if k != "num_batches_tracked"})
        with pytest.raises(ValueError, match=r"running_var: expected \(2,\), got \(3,\)"):
            layer.load_state_dict({**layer.state_dict(), "running_var": np.ones(3)})
        with pytest.raises(TypeError, match="parameters inside a list would not be found"):
            layer.things = [nn.Buffer(np.zeros(2))]


class TestCaptured:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("momentum", [0.1, None])
    def test_running_statistics_follow_without_another_capture(self, momentum: float | None, dtype: Any) -> None:
        def build(rng: np.random.Generator) -> tuple[Step, Sequence[tgi.Tensor]]:
            model = nn.Sequential(
                nn.Conv2d(2, 3, 3, padding=1, rng=rng, dtype=dtype),
                nn.BatchNorm2d(3, momentum=momentum, dtype=dtype),
                nn.ReLU(),
                nn.Flatten(),
                nn.LayerNorm(48, dtype=dtype),
                nn.Linear(48, 2, rng=rng, dtype=dtype),
            )
            parameters = list(model.parameters())
            optimizer = optim.SGD(parameters, 0.1, 0.9)

            def step(x: Any, y: Any) -> Any:
                loss = tgi.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                return loss

            return step, [*parameters, *(buffer for _, buffer in model.named_buffers())]

        rng = np.random.default_rng(0)
        calls = [(rng.normal(size=(6, 2, 4, 4)).astype(dtype), rng.integers(0, 2, 6)) for _ in range(4)]
        # The bias before a batch normalization has no effect: its gradient is a sum of some hundred terms that cancel.
        program = check(build, calls, ulps=1e4, terms=1.0)
        assert program.captures == 1

    def test_training_and_use_are_programs_of_their_own(self) -> None:
        model, twin = (nn.Sequential(nn.Linear(2, 3, rng=0), nn.BatchNorm1d(3), nn.Dropout(0.5, rng=0)) for _ in "ab")
        program = tgi.capture(lambda x: model(x))
        rng = np.random.default_rng(0)
        for training in (True, True, False, False, True, False, True, False):
            for network in (model, twin):
                network.train(training)
            x = rng.normal(size=(8, 2)).astype(np.float32)
            assert_same(program(x), twin(x).detach())
            assert_same(model.state_dict(), twin.state_dict())
        assert program.captures <= 3  # as it was made, for use, and for training again


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: nn.BatchNorm2d(3)(x), r"BatchNorm2d: .*\(samples, 3, ...\) with 4 axes, got \(2, 3, 4\)"),
        (lambda x: nn.BatchNorm1d(4)(x), r"\(samples, 4, ...\) with 2 or 3 axes, got \(2, 3, 4\)"),
        (lambda x: nn.BatchNorm(3)(x[0, 0]), r"BatchNorm: .* got \(4,\)"),
        (lambda x: nn.BatchNorm(3)(x[:1, :, 0]), r"more than one number a channel, got shape \(1, 3\)"),
        (lambda x: nn.BatchNorm(3)(x[:0]), "more than one number a channel"),
        (lambda x: nn.BatchNorm(0), "at least 1 feature"),
        (lambda x: nn.BatchNorm(3, momentum=2.0), "momentum from 0 to 1, got 1e-05 and 2.0"),
        (lambda x: nn.LayerNorm((3, 5))(x), r"ends in \(3, 5\), got \(2, 3, 4\)"),
        (lambda x: nn.LayerNorm(()), "lengths of at least 1"),
        (lambda x: nn.LayerNorm(3, eps=0.0), "eps above 0"),
    ],
)
def test_errors_that_teach(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(np.zeros((2, 3, 4), np.float32))


def test_an_empty_batch_is_used_but_not_learned_from() -> None:
    assert nn.BatchNorm(3).eval()(np.zeros((0, 3, 4), np.float32)).shape == (0, 3, 4)
    assert nn.LayerNorm(4)(np.zeros((0, 3, 4), np.float32)).shape == (0, 3, 4)


def test_repr_says_what_differs() -> None:
    assert repr(nn.BatchNorm1d(3)) == "BatchNorm1d(3)"
    assert repr(nn.BatchNorm(3, 1e-3, None, False, False)) == (
        "BatchNorm(3, eps=0.001, momentum=None, affine=False, track_running_stats=False)"
    )
    assert repr(nn.LayerNorm((2, 3), bias=False)) == "LayerNorm((2, 3), bias=False)"

"""Models as ONNX graphs: another runtime computes the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.onnx_export import LAYERS

RNG = np.random.default_rng(0)


def ran(model: Any, x: Any) -> Any:
    """What the other runtime makes of a graph."""
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    # A batch of another length than the example: the graph is for any number of samples.
    made = tgi.to_onnx(model, None, x[:2])
    session = runtime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": x})
    return found


def assert_same(model: Any, shape: tuple[int, ...]) -> None:
    x = RNG.normal(size=(5, *shape)).astype(np.float32)
    model(x)  # running statistics move
    before = {name: values.numpy().copy() for name, values in model.state_dict().items()}
    modes = [module.training for _, module in model.named_modules()]
    found = ran(model, x)
    assert [module.training for _, module in model.named_modules()] == modes
    assert all(np.array_equal(values, before[name]) for name, values in model.state_dict().items())
    expected = model.eval()(tgi.tensor(x)).numpy()
    assert found.shape == expected.shape and found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def residual() -> Any:
    branch = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))
    return nn.Sequential(nn.Residual(branch, nn.Conv2d(2, 4, 1)), nn.Residual(nn.Tanh()), nn.GlobalAvgPool())


def shared() -> Any:
    inner = nn.Linear(4, 4)
    return nn.Sequential(inner, nn.Sin(), inner)


MODELS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    **{name: (lambda name=name: nn.MLP([4, 6, 6, 3], name, rng=1), (4,)) for name in [*nn.ACTIVATIONS, "prelu"]},
    "slopes": (lambda: nn.Sequential(nn.LeakyReLU(0.3), nn.ELU(0.4), nn.PReLU(4, 0.1, axis=-1)), (3, 4)),
    "three axes": (lambda: nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 2, bias=False)), (3, 4)),
    "conv2d": (lambda: nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 0), 2, groups=2), (4, 9, 8)),
    "same": (lambda: nn.Conv2d(2, 3, (2, 3), padding="same", dilation=(3, 1)), (2, 7, 8)),
    "conv1d": (lambda: nn.Sequential(nn.Conv1d(2, 4, 4, padding="same"), nn.Conv1d(4, 2, 3, bias=False)), (2, 9)),
    "valid": (lambda: nn.Conv1d(2, 4, 4, padding="valid"), (2, 9)),
    "transposed 1d": (lambda: nn.ConvTranspose1d(4, 2, 3, 2, 1, 1, 2, dilation=2), (4, 5)),
    "transposed 2d": (lambda: nn.ConvTranspose2d(4, 2, (3, 4), (2, 1), (1, 0), bias=False), (4, 5, 6)),
    "max": (lambda: nn.Sequential(nn.MaxPool2d((2, 3), 1, (1, 0)), nn.MaxPool2d(2)), (2, 8, 9)),
    "avg": (lambda: nn.Sequential(nn.AvgPool2d(3, (1, 2), 1), nn.AvgPool2d(2)), (2, 8, 9)),
    "pool 1d": (lambda: nn.Sequential(nn.MaxPool1d(3, 1, 1), nn.AvgPool1d(2), nn.GlobalAvgPool()), (2, 9)),
    "global": (lambda: nn.Sequential(nn.GlobalAvgPool(keepdims=True), nn.PReLU(3, axis=1), nn.Flatten()), (3, 4, 5)),
    "flatten": (lambda: nn.Sequential(nn.Flatten(2), nn.Linear(20, 2), nn.Flatten(-1), nn.Flatten()), (3, 4, 5)),
    "batch norm": (lambda: nn.Sequential(nn.BatchNorm(3, 1e-3), nn.BatchNorm2d(3, affine=False)), (3, 4, 5)),
    "batch norm 1d": (lambda: nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Dropout(0.5)), (4,)),
    "layer norm": (
        lambda: nn.Sequential(
            nn.LayerNorm((3, 4), 1e-2), nn.LayerNorm(4, bias=False), nn.LayerNorm(4, elementwise_affine=False)
        ),
        (3, 4),
    ),
    "residual": (residual, (2, 5, 5)),
    "shared": (shared, (4,)),
    "nothing": (lambda: nn.Sequential(), (4,)),
}


@pytest.mark.parametrize("name", MODELS)
def test_another_runtime_computes_the_same(name: str) -> None:
    make, shape = MODELS[name]
    assert_same(make(), shape)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["linear", "tanh", "norm", "prelu", "residual"]), max_size=6), st.integers(0, 99))
def test_any_chain(kinds: list[str], seed: int) -> None:
    steps: list[Any] = []
    for i, kind in enumerate(kinds):
        made = {
            "linear": lambda i=i: nn.Linear(4, 4, rng=seed + i), "tanh": lambda: nn.Tanh(),
            "norm": lambda: nn.LayerNorm(4, 0.1), "prelu": lambda: nn.PReLU(4),
            "residual": lambda i=i: nn.Residual(nn.Linear(4, 4, rng=seed + i)),
        }[kind]()  # fmt: skip
        steps.append(made)
    assert_same(nn.Sequential(*steps), (4,))


def test_what_has_no_node_is_refused_by_its_name() -> None:
    """Layers, and options of layers, that a graph would silently leave out."""
    assert {kind.__name__ for kind in LAYERS} == {
        "Activation", "AvgPool1d", "AvgPool2d", "BatchNorm", "Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d",
        "Dropout", "Flatten", "GlobalAvgPool", "LayerNorm", "Linear", "MaxPool1d", "MaxPool2d", "PReLU",
    }  # fmt: skip
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    for layer, said in (
        (nn.Softmax(1), "Softmax"), (nn.GroupNorm(1, 4), "GroupNorm"), (nn.ReLU6(), "relu6 is no node"),
        (nn.Hardtanh(-2.0, 2.0), "hard_limit is no node"), (nn.MaxPool2d(2, dilation=2), "dilation=2"),
        (nn.AvgPool2d(2, ceil_mode=True), "ceil_mode=True"), (nn.Flatten(1, 2), "end_dim=2"),
        (nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"), "padding_mode=circular"),
    ):  # fmt: skip
        with pytest.raises(TypeError, match=said):
            tgi.to_onnx(nn.Sequential(layer), None, np.zeros((2, 4, 6, 6), np.float32))


def test_the_file_has_names_and_any_number_of_samples(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
    model = shared()
    made = tgi.to_onnx(model, tmp_path / "model.onnx", np.zeros((3, 4)))
    read = onnx.load(tmp_path / "model.onnx")
    assert read == made
    assert {tensor.name for tensor in read.graph.initializer} == {"0.weight", "0.bias"}
    (given,), (out,) = read.graph.input, read.graph.output
    assert given.name == "x" and out.name == "output"
    assert [axis.dim_param or axis.dim_value for axis in given.type.tensor_type.shape.dim] == ["samples", 4]


def test_float64_stays() -> None:
    model = nn.MLP([3, 4, 2], "tanh", rng=0, dtype="float64")
    x = RNG.normal(size=(4, 3))
    found = ran(model, x)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, model(x).numpy(), rtol=1e-12)


class Mine(nn.Module):
    def forward(self, x: Any) -> Any:
        return x * 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Sequential(nn.ReLU(), Mine()), r"to_onnx: 1 \(Mine\) cannot be exported; write it with"),
        (lambda: nn.Residual(Mine()), r"to_onnx: branch \(Mine\) cannot be exported"),
        (lambda: nn.MSELoss(), "to_onnx: MSELoss cannot be exported"),
        (
            lambda: nn.BatchNorm(4, track_running_stats=False),
            "BatchNorm cannot be exported: it normalizes by the batch",
        ),
        (lambda: 3, "to_onnx: expected a module of tinygrad_init.nn, got int"),
    ],
)
def test_what_cannot_be_exported_is_refused_by_name(make: Any, message: str) -> None:
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    with pytest.raises(TypeError, match=message):
        tgi.to_onnx(make(), None, np.zeros((2, 4)))


def test_without_the_extra_it_is_said() -> None:
    code = """
import sys
sys.modules["onnx"] = None
import tinygrad_init as tgi
try:
    tgi.to_onnx(tgi.nn.Linear(2, 2), None, [[1.0, 2.0]])
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "to_onnx needs onnx: pip install 'tinygrad_init[onnx]'\n", done.stderr

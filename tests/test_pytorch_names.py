"""Names that scripts for PyTorch use besides operations: what is there, and what is said of what is not."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.instead import INSTEAD

DTYPES = ["float32", "float64", "float", "double", "uint8", "int8", "int16", "int32", "int64", "short", "int", "long"]


@pytest.mark.parametrize("name", [*DTYPES, "bool"])
def test_a_dtype_is_the_one_of_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    assert tgi.zeros(2, dtype=getattr(tgi, name)).dtype == getattr(tgi, name)
    assert str(getattr(tgi, name)) == str(getattr(torch, name)).removeprefix("torch.")


def test_scripts_that_look_for_a_device_find_the_processor() -> None:
    device = tgi.device("cuda" if tgi.cuda.is_available() else "mps" if tgi.backends.mps.is_available() else "cpu")
    x = tgi.tensor([1, 2], device=device, dtype=tgi.long)
    assert x.device == device == "cpu" and device.type == "cpu" and device.index is None
    assert isinstance(x.device, tgi.device)
    assert nn.Linear(2, 2).to(device).weight.device.type == "cpu"
    tgi.backends.cudnn.benchmark = True
    tgi.cuda.manual_seed_all(0)


@pytest.mark.parametrize(
    "asked",
    [
        lambda: tgi.device("cuda"),
        lambda: tgi.device("cuda", 0),
        lambda: tgi.tensor([1.0], device="cuda:0"),
        lambda: tgi.zeros(2).to("mps"),
    ],
)
def test_another_device_is_refused(asked: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match="on the processor alone, got device '(cuda|mps)"):
        asked()


def test_what_an_accelerator_would_do_is_refused() -> None:
    with pytest.raises(AttributeError, match=r"cuda.FloatTensor is not to be had: .*; leave it out"):
        _ = tgi.cuda.FloatTensor


@pytest.mark.parametrize(("home", "name"), [(home, name) for home, names in INSTEAD.items() for name in names])
def test_a_name_that_is_not_here_says_what_to_write(home: str, name: str) -> None:
    """However it is asked for; `hasattr` says that it is not there."""
    module = importlib.import_module(home)
    assert not hasattr(module, name)
    with pytest.raises(AttributeError, match="is not to be had: ") as asked:
        getattr(module, name)
    assert str(asked.value) == f"{home}.{name} is not to be had: {INSTEAD[home][name]}"
    with pytest.raises(ImportError, match="is not to be had: "):
        exec(f"from {home} import {name}", {})


def test_what_is_nowhere_has_no_advice() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'$"):
        _ = tgi.nonsense  # type: ignore[attr-defined]


def test_a_seed_at_the_beginning_makes_the_whole_script_repeat() -> None:
    """Weights, dropout of layers and of functions, starts, orders of data."""

    def script() -> list[Any]:
        tgi.manual_seed(3)
        model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.LSTM(8, 3), nn.Identity())
        table, kernel = nn.Embedding(5, 2), nn.Conv2d(1, 2, 3)
        nn.init.kaiming_uniform_(kernel.weight, a=5**0.5)
        x = model[1](model[0](tgi.randn(6, 4)))
        loader = tgi.utils.data.DataLoader(range(9), shuffle=True)
        parts = [x, nn.functional.dropout(x), table.weight, kernel.weight, kernel.bias, *model.parameters(), *loader]
        return [np.array(part.tolist()) for part in parts]

    for one, other in zip(script(), script(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_gradients_are_recorded_or_not_as_said() -> None:
    x = tgi.tensor([1.0], requires_grad=True)
    with tgi.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad
    with tgi.inference_mode():
        assert not (x * 2).requires_grad
    try:
        tgi.set_grad_enabled(False)
        assert not tgi.is_grad_enabled()
    finally:
        tgi.set_grad_enabled(True)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("add_", (2.0,)), ("mul_", (3.0,)), ("sub_", (np.ones(3, np.float32),)), ("clamp_", (0.0, 1.0)), ("exp_", ()),
        ("lerp_", (np.ones(3, np.float32), 0.25)), ("index_fill_", (0, np.array([1]), 7.0)), ("square_", ()),
        ("addcmul_", (np.ones((2, 3), np.float32), np.full((2, 3), 2, np.float32))), ("tril_", ()),
        ("masked_fill_", (np.array([True, False, True]), 4.0)), ("scatter_", (1, np.array([[0], [2]]), 5.0)),
    ],
)  # fmt: skip
def test_a_method_with_an_underscore_changes_the_tensor(name: str, arguments: tuple[Any, ...]) -> None:
    torch = pytest.importorskip("torch")
    begun = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)
    ours, theirs = tgi.tensor(begun), torch.tensor(begun)
    found = getattr(ours, name)(*(tgi.tensor(a) if isinstance(a, np.ndarray) else a for a in arguments))
    getattr(theirs, name)(*(torch.tensor(a) if isinstance(a, np.ndarray) else a for a in arguments))
    assert found is ours
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)


def test_what_is_on_the_way_to_a_gradient_is_not_overwritten() -> None:
    x, y = tgi.ones(2), tgi.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match=r"add_: a tensor that requires grad .*; write x = x.add\(...\)"):
        y.add_(1.0)
    with pytest.raises(RuntimeError, match=r"mul_: what is written would need a gradient; write x = x.mul\(...\)"):
        x.mul_(y)
    y.data.add_(tgi.ones(2), alpha=2)
    assert y.tolist() == [3.0, 4.0]
    with pytest.raises(TypeError, match="does not fit int64"):
        tgi.tensor([1, 2]).div_(2)


def test_gradients_with_the_arguments_of_pytorch() -> None:
    x, unused = (tgi.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    grad = tgi.autograd.grad
    np.testing.assert_allclose(grad(x**2, x, tgi.ones(2), create_graph=True)[0].tolist(), [2.0, 4.0])
    np.testing.assert_allclose(grad(x**2, x, grad_outputs=tgi.tensor([1.0, 0.5]))[0].tolist(), [2.0, 2.0])
    assert grad(x.sum(), [x, unused], allow_unused=True)[1] is None
    assert grad(x.sum(), [x, unused], materialize_grads=True)[1].tolist() == [0.0, 0.0]
    with pytest.raises(RuntimeError, match="do not depend on input 1"):
        grad(x.sum(), [x, unused])


def test_starts_have_the_arguments_and_spreads_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    calls: dict[str, tuple[Any, ...]] = {
        "uniform_": (-0.3, 0.5), "normal_": (1.0, 0.2), "trunc_normal_": (0.1, 0.5, -0.4, 1.0),
        "xavier_uniform_": (2.0,),
        "xavier_normal_": (0.5,), "kaiming_uniform_": (5**0.5,), "kaiming_normal_": (0.0, "fan_out", "relu"),
        "orthogonal_": (1.5,), "constant_": (0.7,), "sparse_": (0.4, 0.3), "ones_": (), "zeros_": (), "eye_": (),
    }  # fmt: skip
    tgi.manual_seed(0)
    torch.manual_seed(0)
    for name, arguments in calls.items():
        ours, theirs = tgi.empty(200, 120), torch.empty(200, 120)
        assert getattr(nn.init, name)(ours, *arguments) is ours
        getattr(torch.nn.init, name)(theirs, *arguments)
        a, b = ours.numpy(), theirs.numpy()
        # 24000 draws: a mean is within 5 standard errors of both, a spread within 5 of 1/sqrt(2 n) of its size.
        assert abs(a.mean() - b.mean()) <= 5 * b.std() * (2 / a.size) ** 0.5 + 1e-7, name
        assert abs(a.std() - b.std()) <= 5 * b.std() * a.size**-0.5 + 1e-7, name


def test_tied_weights_of_a_state_are_read_under_all_their_names() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            self.table, self.out = nn.Embedding(5, 3), nn.Linear(3, 5, bias=False)
            self.out.weight = self.table.weight

    model, numbers = Tied(), np.arange(15.0).reshape(5, 3)
    model.load_state_dict({"table.weight": numbers, "out.weight": numbers})
    np.testing.assert_array_equal(model.out.weight.numpy(), numbers)
    model.load_state_dict({"out.weight": numbers + 1})
    np.testing.assert_array_equal(model.table.weight.numpy(), numbers + 1)
    with pytest.raises(ValueError, match=r"table.weight and out.weight are one tensor, and differ"):
        model.load_state_dict({"table.weight": numbers, "out.weight": numbers + 1})


def test_places_where_a_condition_holds() -> None:
    mask = np.array([[True, False], [True, True]])
    for found, wanted in zip(tgi.where(tgi.tensor(mask)), np.where(mask), strict=True):
        np.testing.assert_array_equal(found, wanted)
    with pytest.raises(TypeError, match="got one of them"):
        tgi.where(mask, 1.0)


def test_accelerators_are_imported_as_modules() -> None:
    import tinygrad_init.backends.cudnn as cudnn  # type: ignore[import-not-found]

    assert cudnn is tgi.backends.cudnn and not cudnn.is_available()
    with pytest.raises(ImportError, match=r"^cuda.amp is not to be had: .*; leave it out$"):
        exec("from tinygrad_init.cuda.amp import autocast", {})


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("import tinygrad_init.nn.parallel", "nn.parallel is not to be had: .*write the model alone"),
        ("from tinygrad_init.utils.tensorboard import SummaryWriter", "tensorboard is not to be had: import Summary"),
        ("import tinygrad_init.nonsense", "No module named 'tinygrad_init.nonsense'"),
        ("import tinygrad_init.Tensor", "No module named 'tinygrad_init.Tensor'"),
    ],
)
def test_imports_of_what_is_not_here_say_what_to_write(statement: str, said: str) -> None:
    with pytest.raises(ImportError, match=said):
        exec(statement, {})


LEGACY = {
    "FloatTensor": "float32",
    "DoubleTensor": "float64",
    "LongTensor": "int64",
    "IntTensor": "int32",
    "ShortTensor": "int16",
    "CharTensor": "int8",
    "ByteTensor": "uint8",
    "BoolTensor": "bool",
}


@pytest.mark.parametrize("name", LEGACY)
def test_what_makes_tensors_of_one_dtype(name: str) -> None:
    made = getattr(tgi, name)
    found = made([[1, 0], [0, 1]])
    assert found.dtype == LEGACY[name] and found.tolist() == [[1, 0], [0, 1]]
    assert isinstance(found, made) and not isinstance(
        tgi.tensor([1], dtype="int32" if "Int" not in name else "int64"), made
    )
    assert made(2, 3).shape == (2, 3) and made(np.ones(3)).shape == (3,) and made().shape == (0,)
    with pytest.raises(TypeError, match="expected one sequence or array, or sizes, got 2 arguments"):
        made([1], [2])


def test_a_module_called_with_other_parameters() -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = (m.Sequential(m.Linear(3, 4), m.Tanh(), m.Linear(4, 2)) for m in (nn, torch.nn))
    rng = np.random.default_rng(0)
    given = {name: rng.normal(size=p.shape).astype(np.float32) for name, p in ours.named_parameters()}
    x, before = rng.normal(size=(5, 3)).astype(np.float32), ours(np.ones((1, 3), np.float32)).tolist()
    leaves = {name: tgi.tensor(value, requires_grad=True) for name, value in given.items()}
    others = {name: torch.tensor(value, requires_grad=True) for name, value in given.items()}
    (tgi.func.functional_call(ours, leaves, (tgi.tensor(x),)) ** 2).sum().backward()
    (torch.func.functional_call(theirs, others, (torch.tensor(x),)) ** 2).sum().backward()
    for name in given:
        np.testing.assert_allclose(leaves[name].grad.numpy(), others[name].grad.numpy(), rtol=1e-5, atol=1e-6)
    assert all(p.grad is None for p in ours.parameters())
    assert ours(np.ones((1, 3), np.float32)).tolist() == before
    with pytest.raises(KeyError, match="no parameter or buffer '0.nonsense'"):
        tgi.func.functional_call(ours, {"0.nonsense": tgi.ones(1)}, tgi.tensor(x))
    with pytest.raises(KeyError, match=r"missing \['0.bias', '2.weight', '2.bias'\]"):
        tgi.func.functional_call(ours, {"0.weight": leaves["0.weight"]}, tgi.tensor(x), strict=True)


def test_tied_parameters_are_replaced_together() -> None:
    one, two = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
    two.weight = one.weight
    model = nn.Sequential(one, two)
    x = tgi.eye(3)
    call = tgi.func.functional_call
    np.testing.assert_allclose(call(model, {"0.weight": 2 * x}, x).numpy(), 4 * np.eye(3))
    apart = call(model, {"0.weight": 2 * x}, x, tie_weights=False)
    np.testing.assert_allclose(apart.numpy(), 2 * one.weight.detach().numpy().T)
    assert model[0].weight is model[1].weight is one.weight


def test_derivatives_by_inputs_only_are_said_so() -> None:
    x = tgi.tensor([2.0], requires_grad=True)
    assert tgi.autograd.grad(x * x, x, None, False, False, True)[0].tolist() == [4.0]
    with pytest.raises(NotImplementedError, match="write autograd.backward"):
        tgi.autograd.grad(x * x, x, only_inputs=False)

"""PyTorch's own sample inputs of its modules: ours of that name compute the same, gradients included, or refuse.

`module_db` is what PyTorch tests itself with: for every module arguments of constructors, and inputs. A module that
has the same name here is made with the same arguments, gets the same numbers by `state_dict`, and is compared.
"""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    common = pytest.importorskip(
        "torch.testing._internal.common_modules", reason="PyTorch's own tests want the package expecttest"
    )
INFOS = {info.name.removeprefix("nn."): info for info in common.module_db if hasattr(nn, info.name.removeprefix("nn."))}
# Sums in another order; all is in float64.
CLOSE = {"rtol": 1e-8, "atol": 1e-9}


def refused(name: str, training: bool, case: Any) -> str:
    """Why a case is refused here, if it is."""
    inputs = case.forward_input.args
    if training and name.startswith("BatchNorm") and inputs and 0 in inputs[0].shape:
        return "no samples have no mean and variance"
    return ""


def incomparable(name: str, case: Any) -> str:
    """Why there is nothing to compare with."""
    if name.startswith("LPPool") and case.constructor_input.args[0] == 1.5:
        return "roots of negative numbers: PyTorch multiplies the zero gradient of what no window has by NaN"
    return ""


def cases(name: str) -> list[tuple[bool, Any]]:
    """All inputs of a module, in use and in training."""
    info = INFOS[name]
    found = []
    for training in (False, True):
        torch.manual_seed(0)
        options = {"device": "cpu", "dtype": torch.float64, "requires_grad": True, "training": training}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found += [(training, case) for case in info.module_inputs_func(info, **options)]
    return [(training, case) for training, case in found if not incomparable(name, case)]


def ours(value: Any) -> Any:
    """What PyTorch's tests hand over, as it is handed over here."""
    if isinstance(value, torch.Tensor):
        numbers = value.detach().numpy().copy()
        if value.is_floating_point():
            return tgi.tensor(numbers, "float64", requires_grad=value.requires_grad)
        return numbers
    if isinstance(value, torch.nn.utils.rnn.PackedSequence):
        return nn.utils.rnn.PackedSequence(*[part if part is None else ours(part) for part in value])
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.")
    if value in (torch.nn.functional.gelu, torch.nn.functional.relu):
        return getattr(nn.functional, value.__name__)
    if isinstance(value, torch.nn.TransformerEncoderLayer | torch.nn.TransformerDecoderLayer):
        return layer_like(value)
    if isinstance(value, tuple | list):
        return type(value)([ours(part) for part in value])
    return value


def apart(value: Any) -> Any:
    """Inputs without what PyTorch's tests made them of, which may be each other."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    return type(value)([apart(part) for part in value]) if type(value) in (tuple, list) else value


def layer_like(layer: Any) -> Any:
    """A layer of a transformer with the options of PyTorch's."""
    return getattr(nn, type(layer).__name__)(
        layer.self_attn.embed_dim, layer.self_attn.num_heads, layer.linear1.out_features, layer.dropout.p,
        "relu" if layer.activation is torch.nn.functional.relu else ours(layer.activation), layer.norm1.eps,
        layer.self_attn.batch_first, layer.norm_first, bias=layer.linear1.bias is not None,
    )  # fmt: skip


def flat(value: Any) -> list[Any]:
    """What came out, piece by piece."""
    if isinstance(value, tuple | list):
        return [part for piece in value for part in flat(piece)]
    return [] if value is None else [value]


def leaves(args: Any, kind: Any) -> list[Any]:
    return [value for value in flat(list(args)) if isinstance(value, kind) and value.requires_grad]


def normalized(name: str, args: list[Any]) -> list[Any]:
    """The arguments; of CTCLoss through `log_softmax`, as PyTorch gives the derivative of both together."""
    return [args[0].log_softmax(-1), *args[1:]] if name == "CTCLoss" else args


def compare(name: str, training: bool, case: Any) -> None:
    """Output and gradients of one case."""
    constructor, given = case.constructor_input, case.forward_input
    torch.manual_seed(1)
    theirs = getattr(torch.nn, name)(*constructor.args, **constructor.kwargs).double().train(training)
    with tgi.default_dtype("float64"):
        mine = getattr(nn, name)(
            *[ours(a) for a in constructor.args], **{k: ours(v) for k, v in constructor.kwargs.items()}
        )
    if name.startswith("Lazy"):
        theirs(*given.args)
        mine(*[ours(a) for a in given.args])
    mine.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    mine.train(training)
    their_args = [apart(a) for a in given.args]
    their_options = {key: apart(value) for key, value in given.kwargs.items()}
    args, options = [ours(a) for a in their_args], {key: ours(value) for key, value in their_options.items()}

    expected = flat(theirs(*normalized(name, their_args), **their_options))
    found = flat(mine(*normalized(name, args), **options))
    assert len(found) == len(expected)
    rng, total, loss = np.random.default_rng(0), None, None
    for theirs_out, mine_out in zip(expected, found, strict=True):
        numbers = mine_out.numpy() if isinstance(mine_out, tgi.Tensor) else np.asarray(mine_out)
        assert numbers.shape == tuple(theirs_out.shape)
        np.testing.assert_allclose(numbers, theirs_out.detach().numpy(), **CLOSE)
        if theirs_out.requires_grad:
            cotangent = rng.normal(size=numbers.shape)
            part = (theirs_out * torch.from_numpy(np.asarray(cotangent))).sum()
            total = part if total is None else total + part
            mine_part = (mine_out * tgi.tensor(cotangent)).sum()
            loss = mine_part if loss is None else loss + mine_part
    # Buffers, which training changes.
    state = mine.state_dict()
    assert state.keys() == theirs.state_dict().keys()
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(state[key], value.numpy(), **CLOSE)
    if total is None:
        return
    inputs = leaves([*their_args, *their_options.values()], torch.Tensor) + list(theirs.parameters())
    mine_inputs = leaves([*args, *options.values()], tgi.Tensor) + list(mine.parameters())
    assert len(inputs) == len(mine_inputs)
    gradients = torch.autograd.grad(total, inputs, allow_unused=True)
    loss.backward()
    for gradient, tensor in zip(gradients, mine_inputs, strict=True):
        wanted = np.zeros(tensor.shape) if gradient is None else gradient.numpy()
        got = np.zeros(tensor.shape) if tensor.grad is None else tensor.grad.numpy()
        np.testing.assert_allclose(got, wanted, **CLOSE)


def check(name: str, training: bool, case: Any) -> str:
    """What is wrong with a case; nothing if it is right."""
    reason = refused(name, training, case)
    if reason:
        with pytest.raises((TypeError, ValueError)):
            compare(name, training, case)
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compare(name, training, case)
    except (Exception, AssertionError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


@pytest.mark.parametrize("name", INFOS)
def test_a_sample_of_each_module(name: str) -> None:
    found = cases(name)
    for training, case in (found[0], found[len(found) // 2], found[-1]):
        told = check(name, training, case)
        assert not told, (case.constructor_input.args, case.constructor_input.kwargs, told)


@pytest.mark.nightly
def test_all_cases_of_all_modules(capsys: pytest.CaptureFixture[str]) -> None:
    counted: Counter[str] = Counter()
    wrong: dict[str, list[str]] = {}
    for name in INFOS:
        for training, case in cases(name):
            told = check(name, training, case)
            counted["right" if not told else "wrong"] += 1
            if told:
                wrong.setdefault(name, []).append(
                    f"{case.constructor_input.args} {case.constructor_input.kwargs}: {told[:500]}"
                )
    with capsys.disabled():
        print(f"\n{counted['right']} of {counted.total()} cases of {len(INFOS)} modules")
        for name, errors in wrong.items():
            print(f"{name}: {len(errors)} wrong, first {errors[0]}")
    assert not wrong

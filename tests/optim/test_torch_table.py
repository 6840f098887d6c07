"""PyTorch's own table of optimizers, with the inputs that its tests are made of, tried on ours.

`EXCLUDED` says what is left out, and why; everything else must give PyTorch's parameters after a number of steps, eager
and captured, or be refused by an error of the same type.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_init as tgi
from tinygrad_init import optim

from .rules import arrays, inputs, leaves, loss_of, starts, stepper

torch = pytest.importorskip("torch")
common = pytest.importorskip("torch.testing._internal.common_optimizers")

STEPS = 15
EXCLUDED = {
    "Muon": "which is compared where PyTorch's does not round to bfloat16",
    "SparseAdam": "gradients are dense arrays here",
}
# What PyTorch refuses, or warns of, by what its table calls it, and why it is taken here.
TAKEN = {
    "a param group cannot have duplicate parameters": "which is a warning there: a parameter is moved once",
    "lr as Tensor doesn't work with foreach & not capturable": "a tensor of one element is taken as its number",
    "betas[0] as a Tensor is not supported for capturable=False and foreach=True": "so it is among betas",
    "betas must be either both floats or both Tensors": "and beside numbers",
}


def table() -> Iterator[tuple[str, Any]]:
    """Names of rules, and inputs for each."""
    for info in common.optim_db:
        name = info.optim_cls.__name__
        if name not in EXCLUDED:
            for given in info.optim_inputs_func(device="cpu"):
                yield name, given


def errors() -> Iterator[tuple[str, Any]]:
    """Names of rules, and inputs that each refuses in PyTorch."""
    for info in common.optim_db:
        name = info.optim_cls.__name__
        if name not in EXCLUDED:
            for given in info.optim_error_inputs_func(device="cpu", dtype=torch.float64):
                if "complex" not in given.optimizer_error_input.desc:  # of which there are no tensors here
                    yield name, given


def said(entry: tuple[str, Any]) -> str:
    name, given = entry
    return f"{name}: {getattr(given, 'optimizer_error_input', given).desc}"


def nightly(entries: list[Any], every: int) -> list[Any]:
    """A sample for every run, the rest for the night."""
    return [
        entry if i % every == 0 else pytest.param(entry, marks=pytest.mark.nightly) for i, entry in enumerate(entries)
    ]


INPUTS, ERRORS = list(table()), list(errors())


def trained(name: str, options: dict[str, Any], captured: bool, dtype: Any) -> list[Any]:
    """Our parameters after some steps."""
    parameters = leaves(starts(), dtype)
    rule = getattr(optim, name)(parameters, **options)

    def loss(x: Any) -> Any:
        rule.zero_grad()
        found = loss_of(parameters, tgi.tensor(x))
        found.backward()
        return found

    if name == "LBFGS":
        run = tgi.capture(loss) if captured else loss
        for x in inputs(4):
            rule.step(lambda x=x: run(x.astype(dtype)))
    else:
        step = stepper(parameters, rule)
        program = tgi.capture(step) if captured else step
        for x in inputs(STEPS):
            program(x.astype(dtype))
    return arrays(parameters)


def trained_by_pytorch(name: str, options: dict[str, Any], dtype: Any) -> list[Any]:
    kind = torch.float64 if dtype == np.float64 else torch.float32
    parameters = [torch.tensor(value, dtype=kind, requires_grad=True) for value in starts()]
    rule = getattr(torch.optim, name)(parameters, **options)
    for x in inputs(4 if name == "LBFGS" else STEPS):

        def closure(x: Any = x) -> Any:
            rule.zero_grad()
            loss = loss_of(parameters, torch.tensor(x, dtype=kind), torch.tanh)
            loss.backward()
            return loss

        rule.step(closure)
    return [p.detach().numpy() for p in parameters]


@pytest.mark.parametrize("entry", nightly(INPUTS, 6), ids=lambda e: said(e).replace(" ", "_"))
def test_inputs(entry: tuple[str, Any]) -> None:
    name, given = entry
    assert given.params is None  # the table leaves parameters to the test
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # of single numbers that PyTorch remembers
    try:
        # A line search follows its numbers, so that rounding grows; in float32 it takes other turns.
        for dtype, rtol in ((np.float64, 1e-6 if name == "LBFGS" else 1e-9), (np.float32, 2e-3)):
            if name == "LBFGS" and dtype == np.float32:
                continue
            wanted = trained_by_pytorch(name, dict(given.kwargs), dtype)
            for captured in (False, True):
                for mine, value in zip(trained(name, dict(given.kwargs), captured, dtype), wanted, strict=True):
                    np.testing.assert_allclose(mine, value, rtol, rtol, err_msg=f"{dtype} captured={captured}")
    finally:
        torch.set_default_dtype(before)


def brought_here(value: Any, known: dict[int, Any]) -> Any:
    """PyTorch's parameters, wherever they stand, as ours."""
    if isinstance(value, torch.Tensor):
        values = value.detach().numpy()
        return known.setdefault(id(value), tgi.tensor(values, values.dtype, requires_grad=True))
    if isinstance(value, dict):
        return {key: brought_here(item, known) if key == "params" else item for key, item in value.items()}
    return type(value)(brought_here(item, known) for item in value) if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("entry", ERRORS, ids=lambda e: said(e).replace(" ", "_"))
def test_errors(entry: tuple[str, Any]) -> None:
    name, given = entry
    told = given.optimizer_error_input
    parameters = leaves(starts()) if told.params is None else brought_here(told.params, {})

    def make() -> Any:
        return getattr(optim, name)(parameters, **told.kwargs)

    if told.desc.replace("\\", "") in TAKEN:
        make()
        return
    with pytest.raises(given.error_type):
        make()


def test_what_is_left_out_is_there_and_not_here() -> None:
    names = {info.optim_cls.__name__ for info in common.optim_db}
    assert names >= EXCLUDED.keys() and all(hasattr(optim, name) for name in names) and len(INPUTS) > 60
    with pytest.raises(NotImplementedError, match="SparseAdam: gradients are whole arrays"):
        optim.SparseAdam(leaves(starts()))


@pytest.mark.parametrize("captured", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.05, "nesterov": False, "momentum": 0.8, "weight_decay": 0.0},
        {"lr": 0.02, "adjust_lr_fn": "match_rms_adamw", "ns_steps": 3, "ns_coefficients": (3.0, -4.0, 2.0)},
        {"lr": 0.02, "adjust_lr_fn": "original", "eps": 10.0},
    ],
)
def test_muon_is_pytorchs_in_the_dtype_of_the_weight(
    options: dict[str, Any], captured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hasattr(torch.optim, "Muon"):
        pytest.skip("this PyTorch has no Muon")
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda self: self.clone())
    rng = np.random.default_rng(0)
    values = [rng.normal(size=shape) for shape in ((3, 5), (5, 2), (4, 4))]
    mine, theirs = leaves(values), [torch.tensor(value, requires_grad=True) for value in values]
    ours_, other = optim.Muon(mine, **options), torch.optim.Muon(theirs, **options)

    def loss(parameters: list[Any], x: Any) -> Any:
        a, b, c = parameters
        return ((x @ a @ b) ** 2).sum() + ((x @ c.T[:3]) ** 4).sum()

    def step(x: Any) -> None:
        ours_.zero_grad()
        loss(mine, tgi.tensor(x)).backward()
        ours_.step()

    run = tgi.capture(step) if captured else step
    for x in 0.3 * rng.normal(size=(20, 6, 3)):
        run(x)
        other.zero_grad()
        loss(theirs, torch.from_numpy(x)).backward()
        other.step()
        for own, wanted in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(own.numpy(), wanted.detach().numpy(), 1e-9, 1e-9)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"lr": -1.0}, "lr must be"), ({"momentum": -0.1}, "momentum must be"), ({"adjust_lr_fn": "fast"}, "out of"),
        ({"ns_steps": 100}, "fewer than 100"), ({"weight_decay": -1.0}, "weight_decay must be"),
    ],
)  # fmt: skip
def test_muon_refuses(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        optim.Muon(leaves([np.ones((2, 2))]), **options)
    with pytest.raises(ValueError, match="expected matrices alone, got shapes"):
        optim.Muon(leaves(starts()))

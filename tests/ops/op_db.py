"""PyTorch's own table of operations, each with sample inputs, brought to this package's tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import tinygrad_init as tgi


class NotOurs(Exception):
    """A sample has something that is not in this package: complex numbers, float16, another layout of memory."""


@dataclass
class Count:
    """How many samples of a name agree, and what the first others say."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    first: str = ""
    messages: list[str] = field(default_factory=list)


def resolve(name: str) -> Callable[..., Any] | None:
    """What is called here as an operation of the table is there, if anything."""
    room, _, last = name.rpartition(".")
    if room == "nn.functional" and any(word in last for word in ELSEWHERE):
        return None
    if name in CALLED_SO:
        return CALLED_SO[name]
    if name in OTHERS:
        return None
    if room in ("linalg", "special"):
        found = getattr(getattr(tgi, room, None), last, None)
        return found if callable(found) else None
    if room not in ("", "nn.functional"):
        return None
    found = getattr(tgi, last, None)
    if callable(found) and not isinstance(found, type):
        return found
    if room or last not in {*dir(tgi.Tensor), *dir(tgi.tensor([1.0])), *PROPERTIES}:
        return None

    def method(x: Any, *args: Any, **kwargs: Any) -> Any:
        attribute = getattr(x if isinstance(x, tgi.Tensor | np.ndarray) else tgi.tensor(x), last)
        return attribute(*args, **kwargs) if callable(attribute) else attribute

    return method


# Whose samples name their arguments in another order than PyTorch's functions.
CALLED_SO: dict[str, Callable[..., Any]] = {
    "einsum": lambda tensors, equation: tgi.einsum(equation, *tensors),
    "polygamma": lambda x, n: tgi.polygamma(n, x),
    "special.polygamma": lambda x, n: tgi.special.polygamma(n, x),
    "where": lambda x, condition, other: tgi.where(condition, x, other),
}
# Names that mean something else in the table: windows of images, filling in place, PyTorch's histogram.
# Functions of `nn` have tests of their own, those of modules.
ELSEWHERE = ("conv", "pool", "entropy", "dropout", "loss", "norm", "embedding", "attention", "interpolate", "upsample")
OTHERS = ("nn.functional.unfold", "uniform", "zero_")
PROPERTIES = ("T", "mT", "mH", "H", "real")


def ours(value: Any, leaves: list[tuple[Any, Any]]) -> Any:
    """An argument of a sample as one of ours; tensors that require grad are noted with those made of them."""
    import torch

    if isinstance(value, torch.Tensor):
        if value.is_complex() or value.layout is not torch.strided or value.dtype in (torch.float16, torch.bfloat16):
            raise NotOurs(str(value.dtype))
        if not value.is_floating_point():
            return tgi.tensor(value.detach().numpy(), str(value.dtype).removeprefix("torch."))
        made = tgi.Tensor(value.detach().numpy(), requires_grad=value.requires_grad)
        if value.requires_grad:
            leaves.append((value, made))
        return made
    if isinstance(value, torch.dtype):
        name = str(value).removeprefix("torch.")
        if "complex" in name or name in ("float16", "bfloat16"):
            raise NotOurs(name)
        return name
    if isinstance(value, torch.Size):
        return tuple(value)
    if isinstance(value, torch.layout | torch.memory_format):
        if value not in (torch.strided, torch.contiguous_format, torch.preserve_format):
            raise NotOurs(str(value))
        return None
    if isinstance(value, torch.device):
        return str(value)
    if isinstance(value, complex):
        raise NotOurs("complex")
    if isinstance(value, list | tuple):
        return type(value)(ours(v, leaves) for v in value)
    if isinstance(value, dict):
        found = {key: ours(v, leaves) for key, v in value.items()}
        return {k: v for k, v in found.items() if not (v is None and k in ("layout", "memory_format"))}
    return value


def flat(value: Any) -> Iterator[Any]:
    """The tensors and numbers of a result."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple) or type(value).__module__ == "torch.return_types":
        for part in value:
            yield from flat(part)
    else:
        yield value


def numbers(value: Any) -> np.ndarray[Any, Any]:
    if hasattr(value, "detach"):
        value = value.detach()
    if type(value).__module__ == "torch":
        return value.numpy(force=True)
    return np.asarray(value.numpy() if hasattr(value, "numpy") else value)


def check(op: Any, function: Callable[..., Any], sample: Any, values: bool = True) -> None:
    """Compare one sample, forward and the first derivatives.

    Raises
    ------
    AssertionError
        They differ.
    NotOurs
        It is about something that is not in this package.
    """
    import torch

    try:
        theirs = op.op(sample.input, *sample.args, **sample.kwargs)
    except Exception as error:
        raise NotOurs(f"PyTorch refuses it: {error}") from None
    leaves: list[tuple[Any, Any]] = []
    if any(isinstance(t, torch.Tensor) and t.is_complex() for t in flat(theirs)):
        raise NotOurs("a complex result")
    args = ours((sample.input, *sample.args), leaves)
    found = function(*args, **ours(sample.kwargs, leaves))
    single = any(leaf.dtype == np.float32 for _, leaf in leaves)
    results = list(zip(flat(found), flat(theirs), strict=True))
    for mine, other in results:
        if isinstance(other, torch.dtype | torch.device | str) or other is None:
            continue
        a, b = numbers(mine), numbers(other)
        assert a.shape == b.shape, f"shape {a.shape}, PyTorch has {b.shape}"
        assert a.dtype == b.dtype or not isinstance(other, torch.Tensor), f"{a.dtype}, PyTorch has {b.dtype}"
        if values:
            rtol = 5e-5 if single or b.dtype == np.float32 else 1e-7
            np.testing.assert_allclose(a, b, rtol=rtol, atol=0.01 * rtol)
    if values:
        compare_gradients(results, leaves, 5e-4 if single else 1e-6)


def compare_gradients(results: list[tuple[Any, Any]], leaves: list[tuple[Any, Any]], rtol: float) -> None:
    """The gradients of a random weighting of all results."""
    import torch

    pairs = [(m, t) for m, t in results if isinstance(t, torch.Tensor) and t.requires_grad and t.grad_fn is not None]
    pairs = [(m, t) for m, t in pairs if isinstance(m, tgi.Tensor)]
    if not pairs or not leaves:
        return
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=tuple(t.shape)) for _, t in pairs]
    inputs = [t for t, _ in leaves]
    try:
        cotangents = [torch.tensor(w, dtype=t.dtype) for w, (_, t) in zip(weights, pairs, strict=True)]
        wanted = torch.autograd.grad([t for _, t in pairs], inputs, cotangents, allow_unused=True)
    except (RuntimeError, NotImplementedError):
        return  # PyTorch has no derivative
    if all(w is None for w in wanted):
        return
    assert any(m.requires_grad for m, _ in pairs), "no gradient, PyTorch has one"
    total = 0.0
    for (m, _), w in zip(pairs, weights, strict=True):
        if m.requires_grad:
            total = total + (m * tgi.tensor(w, m.dtype)).sum()
    mine = [leaf for _, leaf in leaves]
    total.backward()
    for leaf, other in zip(mine, wanted, strict=True):
        a = np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy()
        b = np.zeros(leaf.shape) if other is None else numbers(other)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=0.01 * rtol, err_msg="gradient")


def run(name: str, infos: list[Any], dtype: Any, at_most: int | None = None, values: bool = True) -> Count:
    """All samples of a name."""
    import torch

    function = resolve(name)
    assert function is not None
    count = Count()
    for op in infos:
        if dtype not in op.supported_dtypes("cpu"):
            continue
        wanted = dtype.is_floating_point and op.supports_autograd
        torch.manual_seed(0)
        for i, sample in enumerate(op.sample_inputs("cpu", dtype, requires_grad=wanted)):
            if at_most is not None and i >= at_most:
                break
            try:
                check(op, function, sample, values)
                count.passed += 1
            except NotOurs:
                count.skipped += 1
            except Exception as error:
                count.failed += 1
                text = f"{type(error).__name__}: {' '.join(str(error).split())[:150]}"
                shown = [tuple(a.shape) if hasattr(a, "shape") else a for a in (sample.input, *sample.args)]
                count.messages.append(f"{text} | {shown} {sample.kwargs}"[:330])
    return count

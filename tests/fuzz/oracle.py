"""Random programs in PyTorch, in a process of its own: `python -m tests.fuzz.oracle FIRST STEP HOW`, pickles on stdout.

With `-` instead of numbers it reads pickled programs and answers each with what it gives when the numbers from outside
are moved by a unit in the last place, and in the other precision: so far rounding may bring ours, too.
"""

from __future__ import annotations

import pickle
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from .ours import Results, holder, weights
from .programs import Leaf, Program, generate

MOVED = 6


def constant(x: Any, like: Any) -> Any:
    return x if isinstance(x, torch.Tensor) else torch.tensor(x, dtype=like.dtype)


def pair(function: Any) -> Any:
    """Of two operands, of which one may be a number."""

    def run(x: Any, y: Any) -> Any:
        like = x if isinstance(x, torch.Tensor) else y
        return function(constant(x, like), constant(y, like))

    return staticmethod(run)


def over(x: Any, axes: Any) -> tuple[int, ...]:
    return tuple(range(x.ndim)) if axes is None else axes


def power(x: Any, y: Any) -> Any:
    """x^y; where x is positive by way of the logarithm.

    PyTorch's own derivative by x is a constant 0 where y = 0, so that the derivative of that by y is not 1/x.
    """
    positive = x > 0
    return torch.where(positive, torch.exp(y * torch.log(torch.where(positive, x, 1.0))), torch.pow(x, y))


class f:
    """The functions that the lines of a program call."""

    for _name in ("neg", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh", "erf", "sigmoid", "where"):
        locals()[_name] = staticmethod(getattr(torch, _name))
    for _name in ("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softsign", "hardtanh", "linear"):
        locals()[_name] = staticmethod(getattr(F, _name))
    for _name in ("max_pool1d", "max_pool2d", "avg_pool1d", "avg_pool2d", "softmax", "log_softmax"):
        locals()[_name] = staticmethod(getattr(F, _name))
    for _name in ("exp", "sin", "tanh", "negative", "abs"):
        locals()[f"np_{_name}"] = staticmethod(getattr(torch, _name))
    np_multiply, np_add, np_subtract, np_divide = pair(torch.mul), pair(torch.add), pair(torch.sub), pair(torch.div)
    maximum = np_maximum = pair(torch.maximum)
    minimum, pow = pair(torch.minimum), pair(power)
    abs = staticmethod(abs)
    no_grad = torch.no_grad
    where = staticmethod(lambda c, x, y: torch.where(c, constant(x, y), constant(y, x)))
    log_1 = staticmethod(lambda x: torch.log(x * x + 1.0))
    log1p_1 = staticmethod(lambda x: torch.log1p(x * x))
    sqrt_1 = staticmethod(lambda x: torch.sqrt(x * x + 1.0))
    softplus = staticmethod(lambda x: F.softplus(x, threshold=1000))
    # PyTorch's own derivative of it has a 1/6 of float32.
    hard_sigmoid = staticmethod(
        lambda x: torch.where(
            (x > -3) & (x < 3), (x + 3) / 6, torch.where(x >= 3, torch.ones_like(x), 0.0 * x.detach())
        )
    )
    clip = staticmethod(torch.clamp)
    sum = staticmethod(lambda x, axes, keep: x.sum(over(x, axes), keepdim=keep) if x.ndim else x)
    mean = staticmethod(lambda x, axes, keep: x.mean(over(x, axes), keepdim=keep) if x.ndim else x)
    max = staticmethod(lambda x, axes, keep: torch.amax(x, over(x, axes), keepdim=keep) if x.ndim else x)
    min = staticmethod(lambda x, axes, keep: torch.amin(x, over(x, axes), keepdim=keep) if x.ndim else x)
    norm = staticmethod(
        lambda x, axes, keep: torch.linalg.vector_norm(x, 2, over(x, axes), keepdim=keep) if x.ndim else abs(x)
    )
    logsumexp = staticmethod(lambda x, axes, keep: torch.logsumexp(x, over(x, axes), keepdim=keep) if x.ndim else x)
    var = staticmethod(lambda x, axes, keep: x.var(over(x, axes), keepdim=keep))
    std = staticmethod(lambda x, axes, keep: x.std(over(x, axes), keepdim=keep))
    reshape = staticmethod(torch.reshape)
    expand_dims, squeeze = staticmethod(torch.unsqueeze), staticmethod(torch.squeeze)
    transpose = staticmethod(torch.permute)
    broadcast_to = staticmethod(torch.broadcast_to)
    flip = staticmethod(lambda x: torch.flip(x, (0,)))
    take = staticmethod(lambda x, at: x[torch.tensor(at)])
    concatenate, stack = staticmethod(torch.cat), staticmethod(torch.stack)
    cross_entropy = staticmethod(lambda x, labels: F.cross_entropy(x, torch.tensor(labels)))
    cross_entropy_of = staticmethod(F.cross_entropy)
    softmax_of_same = staticmethod(lambda x: F.softmax(2.0 * x, -1).detach())
    mse = staticmethod(F.mse_loss)
    half_squared_error = staticmethod(lambda x, y: 0.5 * ((x - y) ** 2).sum(1).mean())
    binary_cross_entropy_with_logits = staticmethod(F.binary_cross_entropy_with_logits)
    conv1d = staticmethod(lambda x, w, stride, padding: F.conv1d(x, w, None, stride, padding))
    conv2d = staticmethod(lambda x, w, stride, padding: F.conv2d(x, w, None, stride, padding))
    detach = staticmethod(lambda x: x.detach())
    kept = staticmethod(lambda x: x.detach() * 1.0)
    between = staticmethod(lambda x: 1.0 / (1.0 + x * x))

    @staticmethod
    def layer_norm(x: Any, w: Any, b: Any) -> Any:
        centred = x - x.mean(-1, True)
        return centred / torch.sqrt((centred * centred).mean(-1, True) + 1e-5) * w + b

    @staticmethod
    def large(x: Any) -> Any:
        big = weights((160, 160), str(x.dtype).removeprefix("torch."), 0)
        return x * float(big[0].astype(np.float64) @ big[:, 1].astype(np.float64))

    @staticmethod
    def total(values: list[Any]) -> Any:
        found: Any = 0.0
        for i, v in enumerate(values):
            found = (
                v * torch.from_numpy(weights(tuple(v.shape), str(v.dtype).removeprefix("torch."), i))
            ).sum() + found
        return found

    @staticmethod
    def grad(loss: Any, leaves: list[Any]) -> Any:
        if not loss.requires_grad:
            return [x * 0.0 for x in leaves]
        found = torch.autograd.grad(loss, leaves, create_graph=True, allow_unused=True)
        return [torch.zeros_like(x) if g is None else g for x, g in zip(leaves, found, strict=True)]

    @staticmethod
    def backward(loss: Any) -> None:
        if loss.requires_grad:
            loss.backward()

    @staticmethod
    def copy(target: Any, source: Any) -> None:
        target.copy_(source.detach().clone())

    @staticmethod
    def fill(target: Any, value: float) -> None:
        target.fill_(value)

    @staticmethod
    def put(target: Any, at: int, value: Any) -> None:
        target[at] = value.clone() if isinstance(value, torch.Tensor) else value

    @staticmethod
    def add_(target: Any, value: Any) -> None:
        target += value.clone()

    @staticmethod
    def descend(p: Any) -> None:
        if p.grad is not None:
            p -= 0.1 * p.grad

    @staticmethod
    def sgd(p: Any, lr: float, momentum: float = 0.0, nesterov: bool = False, decay: float = 0.0) -> Any:
        return torch.optim.SGD(p, lr, momentum, 0.0, decay, nesterov)

    adam = staticmethod(lambda p, lr: torch.optim.Adam(p, lr, eps=1e-2))
    adamw = staticmethod(lambda p, lr, decay: torch.optim.AdamW(p, lr, eps=1e-2, weight_decay=decay))


class Dense(torch.nn.Module):
    """As that of `ours.dense`."""

    def __init__(self, shape: tuple[int, ...], flat: Any) -> None:
        super().__init__()
        n, k = shape
        self.weight = torch.nn.Parameter(flat[: n * k].reshape(n, k))
        self.bias = torch.nn.Parameter(flat[n * k :])

    def forward(self, x: Any) -> Any:
        return torch.tanh(F.linear(x, self.weight, self.bias)) * 0.5


def run_all(program: Program, move: np.random.Generator | None = None) -> Results:
    """All runs, one after the other; with `move`, of numbers a unit in the last place away."""
    dtype = program.dtype

    def array(leaf: Leaf, run: int) -> Any:
        found = leaf.array(run, dtype)
        if move is not None:
            found = np.where(
                move.random(found.shape) < 0.5,
                np.nextafter(found, np.array(np.inf, dtype)),
                found * (1 + np.finfo(dtype).eps),
            )
            found = np.where(
                found == 0, move.choice([-1e-300 if dtype == "float64" else -1e-38, 1e-38], found.shape), found
            )
        return torch.tensor(np.asarray(found, dtype))

    def of(kinds: str) -> list[Leaf]:
        return [leaf for leaf in program.leaves if leaf.kind in kinds]

    def value(leaf: Leaf, run: int) -> Any:
        return array(leaf, run).item() if leaf.kind in "an" else array(leaf, run)

    outside: dict[str, Any] = {leaf.name: array(leaf, 0).requires_grad_(leaf.kind == "p") for leaf in of("ptk")}
    modules = {leaf.name: Dense(leaf.shape, array(leaf, 0)) for leaf in of("m")}
    parameters = {leaf.name: outside[leaf.name] for leaf in of("p")}
    tensors = [outside[leaf.name] for leaf in of("t")]
    o, place = holder(program.holder, [leaf.name for leaf in of("ab")])
    namespace: dict[str, Any] = {}
    exec(compile(program.source(), "<program>", "exec"), namespace)
    optimizer = eval(program.optimizer, {"f": f, **parameters}) if program.optimizer else None
    step = namespace["make"](f, o, optimizer, *[(outside | modules)[leaf.name] for leaf in of("ptkm")])
    found = []
    for run in range(program.runs):
        for leaf in of("ab"):
            setattr(place, leaf.name, value(leaf, run))
        for leaf in of("k"):
            outside[leaf.name].copy_(array(leaf, run))
        out = step(*[value(leaf, run) for leaf in of("xynz")])
        inside = [p for m in modules.values() for p in m.parameters()]
        left = [p.grad for p in (*parameters.values(), *inside)]
        told = (*out, *left, *parameters.values(), *tensors)
        found.append([None if t is None else t.detach().numpy().copy() for t in told])
    return found


def rounding(program: Program) -> tuple[list[Results], Results] | None:
    """What it gives for numbers a unit in the last place away, and in the other precision; None if it is no program."""
    try:
        moved = [run_all(program, np.random.default_rng(i)) for i in range(MOVED)]
        return moved, run_all(replace(program, dtype="float32" if program.dtype == "float64" else "float64"))
    except Exception:
        return None


def answer(program: Program) -> Any:
    """The results, or the error as text: then the program is none."""
    try:
        return run_all(program)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def main(arguments: list[str]) -> None:
    torch.set_num_threads(1)
    out = sys.stdout.buffer
    try:
        if arguments == ["-"]:
            while True:
                program = pickle.load(sys.stdin.buffer)
                pickle.dump((answer(program), rounding(program)), out)
                out.flush()
        seed, step = map(int, arguments[:2])
        how = None if arguments[2] == "any" else arguments[2]
        while True:
            programs = [generate(seed + i * step, how) for i in range(64)]
            batch = [(program, answer(program)) for program in programs]
            pickle.dump(batch, out, protocol=5)
            out.flush()
            seed += 64 * step
    except (BrokenPipeError, EOFError, KeyboardInterrupt):
        sys.stderr.close()


if __name__ == "__main__":
    main(sys.argv[1:])

"""Random programs here: the functions that their lines call, what they meet from outside, and every way to run them.

Nothing of PyTorch is imported: processes fork here.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import threading
import types
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_init as tgi
from tinygrad_init import optim

from .programs import Leaf, Program

Results = list[Any]  # run by run, what it returned and left behind, as arrays; None for no gradient
PATIENCE = 20.0  # seconds after which a program hangs


class Refused(Exception):
    """A program is refused with a sentence."""


def weights(shape: tuple[int, ...], dtype: Any, i: int) -> np.ndarray[Any, Any]:
    """Numbers that are the same on both sides, and no two of them equal."""
    return np.cos(np.arange(float(np.prod(shape))) * 1.3 + i).astype(dtype).reshape(shape)


class f:
    """The functions that the lines of a program call."""

    for _name in [
        "neg",
        "exp",
        "expm1",
        "log",
        "log1p",
        "sqrt",
        "sin",
        "cos",
        "tanh",
        "erf",
        "sigmoid",
        "relu",
        "leaky_relu",
        "elu",
        "selu",
        "gelu",
        "silu",
        "softplus",
        "hard_sigmoid",
        "hardtanh",
        "mish",
        "softsign",
        "pow",
        "maximum",
        "minimum",
        "where",
        "clip",
        "sum",
        "mean",
        "max",
        "min",
        "logsumexp",
        "softmax",
        "log_softmax",
        "reshape",
        "expand_dims",
        "squeeze",
        "transpose",
        "broadcast_to",
        "concatenate",
        "stack",
        "linear",
        "mse",
        "half_squared_error",
        "binary_cross_entropy_with_logits",
        "max_pool1d",
        "max_pool2d",
        "avg_pool1d",
        "avg_pool2d",
        "no_grad",
    ]:
        locals()[_name] = staticmethod(getattr(tgi, _name))
    for _name in ("exp", "sin", "tanh", "negative", "abs", "multiply", "add", "maximum", "subtract", "divide"):
        locals()[f"np_{_name}"] = staticmethod(getattr(np, _name))
    abs = staticmethod(abs)
    log_1 = staticmethod(lambda x: tgi.log(x * x + 1.0))
    log1p_1 = staticmethod(lambda x: tgi.log1p(x * x))
    sqrt_1 = staticmethod(lambda x: tgi.sqrt(x * x + 1.0))
    norm = staticmethod(lambda x, axis, keep: tgi.norm(x, axis=axis, keepdims=keep))
    max = staticmethod(lambda x, axis, keep: tgi.max(x, axis=axis, keepdims=keep))
    min = staticmethod(lambda x, axis, keep: tgi.min(x, axis=axis, keepdims=keep))
    var = staticmethod(lambda x, axis, keep: tgi.var(x, axis, keep, ddof=1))
    std = staticmethod(lambda x, axis, keep: tgi.std(x, axis, keep, ddof=1))
    flip = staticmethod(lambda x: x[::-1])
    take = staticmethod(lambda x, at: x[np.array(at)])
    cross_entropy = staticmethod(lambda x, labels: tgi.cross_entropy(x, np.array(labels)))
    cross_entropy_of = staticmethod(tgi.cross_entropy)
    softmax_of_same = staticmethod(lambda x: tgi.softmax(2.0 * x, -1).detach())
    conv1d = staticmethod(lambda x, w, stride, padding: tgi.conv1d(x, w, None, stride, padding))
    conv2d = staticmethod(lambda x, w, stride, padding: tgi.conv2d(x, w, None, stride, padding))
    detach = staticmethod(lambda x: x.detach())
    kept = staticmethod(lambda x: x.detach() * 1.0)

    @staticmethod
    def between(x: Any) -> Any:
        return 1.0 / (1.0 + x * x)

    @staticmethod
    def layer_norm(x: Any, w: Any, b: Any) -> Any:
        centred = x - x.mean(-1, True)
        return centred / tgi.sqrt((centred * centred).mean(-1, True) + 1e-5) * w + b

    @staticmethod
    def large(x: Any) -> Any:
        big = tgi.tensor(weights((160, 160), x.dtype, 0))
        return x * (big @ big)[0, 1]

    @staticmethod
    def total(values: list[Any]) -> Any:
        found: Any = 0.0
        for i, v in enumerate(values):
            found = (v * weights(v.shape, v.dtype, i)).sum() + found
        return found

    @staticmethod
    def grad(loss: Any, leaves: list[Any]) -> Any:
        if not loss.requires_grad:
            return [x * 0.0 for x in leaves]
        return tgi.grad(loss, leaves, create_graph=True)

    @staticmethod
    def backward(loss: Any) -> None:
        if loss.requires_grad:
            loss.backward()

    @staticmethod
    def copy(target: Any, source: Any) -> None:
        target.copy_(source.detach() if isinstance(source, tgi.Tensor) else source)

    @staticmethod
    def fill(target: Any, value: float) -> None:
        target.fill_(value)

    @staticmethod
    def put(target: Any, at: int, value: Any) -> None:
        target[at] = value

    @staticmethod
    def add_(target: Any, value: Any) -> None:
        target += value

    @staticmethod
    def descend(p: Any) -> None:
        if p.grad is not None:
            p -= 0.1 * p.grad

    sgd = staticmethod(
        lambda p, lr, momentum=0.0, nesterov=False, decay=0.0: optim.SGD(
            p, lr, momentum, nesterov=nesterov, weight_decay=decay
        )
    )
    # A large eps: what is only rounding must not become a step.
    adam = staticmethod(lambda p, lr: optim.Adam(p, lr, eps=1e-2))
    adamw = staticmethod(lambda p, lr, decay: optim.AdamW(p, lr, eps=1e-2, weight_decay=decay))


class Plain:
    """An object with attributes."""


def laid(array: np.ndarray[Any, Any], layout: str) -> np.ndarray[Any, Any]:
    """The same numbers, lying in memory in some way."""
    if layout == "reversed":
        return array[::-1].copy()[::-1]
    if layout == "gaps":
        return np.repeat(array, 2, axis=0)[::2]
    if layout == "fortran":
        return np.asfortranarray(array)
    if layout == "unaligned":
        memory = np.zeros(array.nbytes + 1, np.uint8)[1:]
        found = memory.view(array.dtype).reshape(array.shape)
        found[...] = array
        return found
    if layout == "read-only":
        array = array.copy()
        array.flags.writeable = False
    return array


def dense(leaf: Leaf, dtype: str) -> Any:
    """A module of the user's around one of ours, with given numbers."""
    n, k = leaf.shape
    flat = leaf.array(0, dtype)

    class Dense(tgi.nn.Module):
        scale = 0.5

        def __init__(self) -> None:
            self.inner = tgi.nn.Linear(k, n, rng=0, dtype=dtype)
            self.inner.load_state_dict({"weight": flat[: n * k].reshape(n, k), "bias": flat[n * k :]})

        def forward(self, x: Any) -> Any:
            return tgi.tanh(self.inner(x)) * self.scale

        def zero_grad(self) -> None:
            for p in self.parameters():
                p.grad = None

    return Dense()


def holder(kind: str, names: list[str]) -> tuple[Any, Any]:
    """What the step knows as `o`, and what has the attributes."""
    if kind == "class":
        made: Any = type("Holder", (), {})
    elif kind == "module":
        made = types.ModuleType("fuzz_holder")
    elif kind == "slots":
        made = type("Slots", (), {"__slots__": tuple(names)})()
    elif kind == "nested":
        outer: Any = Plain()
        outer.inner = Plain()
        return outer, outer.inner
    else:
        made = Plain()
    return made, made


class World:
    """A program ready to run, with values of its own."""

    def __init__(self, program: Program, captured: bool) -> None:
        self.program, dtype = program, program.dtype
        self.parameters = {x.name: tgi.tensor(x.array(0, dtype), requires_grad=True) for x in self.of("p")}
        self.tensors = {x.name: tgi.tensor(x.array(0, dtype)) for x in self.of("t")}
        self.arrays = {x.name: laid(x.array(0, dtype), x.layout) for x in self.of("k")}
        self.modules = {x.name: dense(x, dtype) for x in self.of("m")}
        self.o, self.holder = holder(program.holder, [x.name for x in self.of("ab")])
        for leaf in self.of("ab"):
            setattr(self.holder, leaf.name, self.value(leaf, 0))
        namespace: dict[str, Any] = {"__name__": "fuzzed"}
        exec(compile(program.source(), "<program>", "exec"), namespace)
        optimizer = eval(program.optimizer, {"f": f, **self.parameters}) if program.optimizer else None
        outside = {**self.parameters, **self.tensors, **self.arrays, **self.modules}
        make = namespace["make"]
        self.step: Callable[..., Any] = make(f, self.o, optimizer, *[outside[x.name] for x in self.of("ptkm")])
        if captured:
            self.step = tgi.capture(self.step)

    def of(self, kinds: str) -> list[Leaf]:
        return [leaf for leaf in self.program.leaves if leaf.kind in kinds]

    def value(self, leaf: Leaf, run: int) -> Any:
        array = leaf.array(run, self.program.dtype)
        if leaf.kind in "an":
            return array.item()
        return laid(array, leaf.layout) if leaf.kind in "xz" else tgi.tensor(array)

    def run(self, run: int) -> list[Any]:
        """Change what is outside, run the step, and tell everything."""
        for leaf in self.of("kab") if run else []:
            if leaf.kind == "k":
                self.arrays[leaf.name][...] = leaf.array(run, self.program.dtype)
            elif leaf.kind == "b" and run % 2:
                with tgi.no_grad():
                    getattr(self.holder, leaf.name).copy_(leaf.array(run, self.program.dtype))
            else:
                setattr(self.holder, leaf.name, self.value(leaf, run))
        try:
            out = self.step(*[self.value(leaf, run) for leaf in self.of("xynz")])
        except tgi.CaptureError as error:
            raise Refused(str(error)) from None
        inside = [p for m in self.modules.values() for p in m.parameters()]
        left = [p.grad for p in (*self.parameters.values(), *inside)]
        kept = [*self.parameters.values(), *self.tensors.values()]
        return [None if t is None else np.array(t.detach().numpy()) for t in (*out, *left, *kept)]


def run_all(program: Program, captured: bool) -> Results:
    """All runs, one after the other."""
    world = World(program, captured)
    with np.errstate(all="ignore"):
        return [world.run(i) for i in range(program.runs)]


def together(programs: list[Program]) -> list[Any]:
    """Programs in threads of their own, at the same time; the results of each, or what it raised."""
    found: list[Any] = [None] * len(programs)
    gate = threading.Barrier(len(programs))

    def work(i: int) -> None:
        try:
            gate.wait(PATIENCE)
            found[i] = run_all(programs[i], programs[i].seed % 4 == 0)
        except BaseException as error:
            found[i] = error

    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(len(programs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return found


def shared(program: Program, threads: int = 4) -> list[Results]:
    """One captured step that leaves nothing behind, called for the first time by several threads at once."""
    world = World(program, True)
    found: list[Any] = [None] * threads
    gate = threading.Barrier(threads)

    def work(i: int) -> None:
        try:
            gate.wait(PATIENCE)
            with np.errstate(all="ignore"):
                found[i] = [world.run(0)[: len(program.results) + 1]]
        except BaseException as error:
            found[i] = error

    workers = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(PATIENCE)
    return found


def forked(program: Program, captured: bool, beside: Callable[[], Any] | None) -> tuple[Any, Any]:
    """The results in a process that forks at some moment, and in the child; `beside` runs in a thread meanwhile."""
    world = World(program, captured)
    at = program.seed % (program.runs + 1)
    done: Results = []
    with np.errstate(all="ignore"):
        done += [world.run(i) for i in range(at)]
        thread = threading.Thread(target=beside, daemon=True) if beside is not None else None
        if thread is not None:
            thread.start()
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(read)
                try:
                    rest: Any = [world.run(i) for i in range(at, program.runs)]
                except Refused as error:
                    rest = error
                with os.fdopen(write, "wb") as pipe:
                    pickle.dump(rest, pipe)
                status = 0
            finally:
                os._exit(status)
        os.close(write)
        try:
            mine: Any = done + [world.run(i) for i in range(at, program.runs)]
        except Refused as error:
            mine = error
        if thread is not None:
            thread.join(PATIENCE)
        told = read_all(read, child)
        os.waitpid(child, 0)
        theirs = pickle.loads(told) if told else RuntimeError("the child ended without a word")
        return mine, done + theirs if isinstance(theirs, list) else theirs


def read_all(pipe: int, child: int) -> bytes:
    """What a child tells; one that says nothing for too long is ended."""
    found = b""
    with os.fdopen(pipe, "rb", buffering=0) as stream:
        while True:
            ready, _, _ = select.select([stream], [], [], PATIENCE)
            if not ready:
                os.kill(child, signal.SIGABRT)  # faulthandler tells where it stands
                return pickle.dumps(TimeoutError("the child hangs"))
            part = stream.read(1 << 16)
            if not part:
                return found
            found += part

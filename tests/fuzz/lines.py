"""What the lines of a random program can be, with the shapes that come of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .programs import HOLDERS, LAYOUTS, RUNS, Leaf, Line, Program, numbers

Shape = tuple[int, ...]
UNARY = [
    "neg",
    "exp",
    "expm1",
    "sin",
    "cos",
    "abs",
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
    "log_1",
    "log1p_1",
    "sqrt_1",
    "log",
    "sqrt",
    "log1p",
]
NUMPY_UNARY = ("exp", "sin", "tanh", "negative", "abs")
OPTIMIZERS = (
    "f.sgd([{}], 0.1)", "f.sgd([{}], 0.05, 0.9)", "f.sgd([{}], 0.05, 0.9, True, 0.01)",
    "f.adam([{}], 0.1)", "f.adamw([{}], 0.1, 0.1)",
)  # fmt: skip


class Maker:
    """Makes one program out of random numbers."""

    def __init__(self, rng: np.random.Generator, dtype: str, order: int) -> None:
        self.rng, self.dtype, self.order = rng, dtype, order
        self.leaves: list[Leaf] = []
        self.lines: list[Line] = []
        self.shapes: dict[str, Shape] = {}
        self.tensors: list[str] = []  # names of values that are tensors on both sides, not numbers or arrays

    def program(self, seed: int, how: str) -> Program:
        rng = self.rng
        for _ in range(int(rng.integers(1, 4))):
            self.leaf("p", self.shape())
        for kind in rng.choice(list("ppttkkaabxxyn"), int(rng.integers(1, 5))):
            self.leaf(str(kind), () if kind in "an" else self.shape())
        if how == "forks" and rng.random() < 0.1:
            name = self.tensors[0]
            self.add("f.large(<{}>)", (name,), self.shapes[name])
        for _ in range(int(rng.integers(1, 8))):
            self.step()
        made = [line.name for line in self.lines] or [self.tensors[0]]
        results = tuple(dict.fromkeys([made[-1], *map(str, rng.choice(made, min(2, len(made))))]))
        parameters = [leaf.name for leaf in self.leaves if leaf.kind == "p"]
        optimizer = str(rng.choice(OPTIMIZERS)).format(", ".join(parameters)) if rng.random() < 0.15 else ""
        runs = RUNS if rng.random() < 0.2 else 2 if how in ("captured", "forks") else 1
        return Program(
            seed, self.dtype, how, self.order, tuple(self.leaves), tuple(self.lines), results,
            tuple(self.changes()), optimizer, str(rng.choice(HOLDERS)), bool(rng.random() < 0.15), runs, self.shapes,
        )  # fmt: skip

    # Values

    def shape(self, least: int = 0) -> Shape:
        ndim = int(self.rng.integers(least, 4))
        return tuple(int(self.rng.choice((0, 1, 2, 3, 4), p=(0.02, 0.18, 0.35, 0.35, 0.1))) for _ in range(ndim))

    def leaf(self, kind: str, shape: Shape) -> str:
        name = f"{kind}{len(self.leaves)}"
        runs = RUNS if kind in "kabxyn" and self.rng.random() < 0.5 else 1
        layout = str(self.rng.choice(LAYOUTS)) if kind in "kx" and shape else "plain"
        drawn = tuple(numbers(self.rng, math.prod(shape)) for _ in range(runs))
        self.leaves.append(Leaf(name, shape, drawn, layout if kind == "x" or layout != "read-only" else "plain"))
        self.shapes[name] = shape
        if kind in "ptby":
            self.tensors.append(name)
        return name

    def add(self, text: str, uses: tuple[str, ...], shape: Shape) -> bool:
        """A line, unless it would become too large."""
        if math.prod(shape) > 400 or len(shape) > 5:
            return False
        name = f"v{len(self.lines)}"
        self.lines.append(Line(name, text.format(*uses), uses, shape))
        self.shapes[name] = shape
        self.tensors.append(name)
        return True

    def tensor(self, least: int = 0) -> str | None:
        """A tensor, rather a late one, with so many axes at least."""
        found = [name for name in self.tensors if len(self.shapes[name]) >= least]
        if not found:
            return None
        late = min(int(self.rng.exponential(2.0)), len(found) - 1)
        return found[-1 - late]

    def any(self) -> str:
        """Any value: also arrays and numbers."""
        leaves = [leaf.name for leaf in self.leaves if leaf.kind not in "mz"]
        return str(self.rng.choice([*leaves, *(line.name for line in self.lines)]))

    def step(self) -> None:
        for _ in range(20):
            if MAKERS[int(self.rng.integers(len(MAKERS)))](self):
                return

    def changes(self) -> list[Line]:
        """In-place changes of what is outside."""
        rng, found = self.rng, []
        if rng.random() < 0.4:
            for leaf in self.leaves:
                if leaf.kind not in "pt" or rng.random() < 0.5:
                    continue
                name, n = leaf.name, len(leaf.shape)
                texts = ["f.copy(<{0}>, <{0}> * 0.5)", "f.fill(<{0}>, 0.5)"]
                if leaf.kind == "p" and not any(0 in line.shape for line in self.lines):
                    texts.append("f.descend(<{0}>)")
                if n == 2 and leaf.shape[0] == leaf.shape[1]:
                    texts += ["f.copy(<{0}>, f.transpose(<{0}>, (1, 0)))", "f.add_(<{0}>, f.transpose(<{0}>, (1, 0)))"]
                if n >= 1 and leaf.shape[0] >= 2:
                    texts += [
                        "f.copy(<{0}>[1:], <{0}>[:-1])",
                        "f.copy(<{0}>[:-1], <{0}>[1:])",
                        "f.copy(<{0}>, f.flip(<{0}>))",
                    ]
                    texts += ["f.put(<{0}>, 0, <{0}>[1] * 2.0)", "f.put(<{0}>, 1, 3.0)"]
                others = [o.name for o in self.leaves if o.kind in "ptyx" and o.shape == leaf.shape and o.name != name]
                if others:
                    texts.append("f.copy(<{0}>, <" + str(rng.choice(others)) + ">)")
                text = str(rng.choice(texts)).format(name)
                uses = tuple(n for n in (name, *others) if f"<{n}>" in text)
                found.append(Line("", text, uses))
        return found


def unary(m: Maker) -> bool:
    x = m.tensor()
    name = str(m.rng.choice(UNARY[:24] if m.rng.random() < 0.9 else UNARY))
    return x is not None and m.add(f"f.{name}(<{{}}>)", (x,), m.shapes[x])


def numpy_unary(m: Maker) -> bool:
    x = m.tensor()
    name = str(m.rng.choice(NUMPY_UNARY))
    return x is not None and m.add(f"f.np_{name}(<{{}}>)", (x,), m.shapes[x])


def of_array(m: Maker) -> bool:
    """A NumPy function of an array argument, or of one of the closure, before a tensor comes."""
    arrays = [leaf for leaf in m.leaves if leaf.kind in "kx"]
    if not arrays:
        return False
    leaf = arrays[int(m.rng.integers(len(arrays)))]
    name = str(m.rng.choice(NUMPY_UNARY))
    text = str(m.rng.choice(("<{1}> * f.np_{2}(<{0}>)", "f.np_{2}(<{0}>) + <{1}>", "<{1}> - (<{0}> * <{0}> + 1.0)")))
    x = m.tensor()
    if x is None:
        return False
    shape = stretched(m.shapes[x], leaf.shape)
    return shape is not None and m.add(text.replace("{2}", name), (leaf.name, x), shape)


def stretched(*shapes: Shape) -> Shape | None:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


OPERATORS = (
    "<{0}> + <{1}>", "<{0}> - <{1}>", "<{0}> * <{1}>", "<{0}> * <{1}>", "<{0}> / (<{1}> * <{1}> + 1.0)",
    "<{0}> / <{1}>",
    "f.maximum(<{0}>, <{1}>)", "f.minimum(<{0}>, <{1}>)", "f.np_multiply(<{0}>, <{1}>)", "f.np_add(<{0}>, <{1}>)",
    "f.np_maximum(<{0}>, <{1}>)", "f.np_subtract(<{0}>, <{1}>)", "f.np_divide(<{0}>, <{1}>)",
    "f.where(<{0}> MORE <{1}>, <{0}>, <{1}>)", "f.where(<{0}> LESS <{1}>, <{1}> * <{1}>, <{0}>)",
    "f.pow(f.abs(<{0}>) + 0.5, <{1}>)", "f.pow(<{0}>, <{1}>)",
)  # fmt: skip


def binary(m: Maker) -> bool:
    x, y = m.tensor(), m.any()
    if x is None:
        return False
    if m.rng.random() < 0.5:
        x, y = y, x
    shape = stretched(m.shapes[x], m.shapes[y])
    text = str(m.rng.choice(OPERATORS))
    if m.rng.random() < 0.1:
        x, text = y, text  # the same twice
        shape = m.shapes[y]
        if y[0] in "kxan":
            return False
    return shape is not None and m.add(text, (x, y), shape)


def with_number(m: Maker) -> bool:
    x = m.tensor()
    texts = (
        "2.0 * <{}>",
        "<{}> ** 2",
        "<{}> ** 3.0",
        "1.0 - <{}>",
        "<{}> / 2",
        "2.0 / (<{0}> * <{0}> + 1.0)",
        "-<{}>",
        "abs(<{}>)",
    )
    return x is not None and m.add(
        str(m.rng.choice((*texts, "f.clip(<{}>, -0.5, 1.0)", "2.0 ** <{}>"))), (x,), m.shapes[x]
    )


def reduction(m: Maker) -> bool:
    x = m.tensor()
    if x is None:
        return False
    shape, rng = m.shapes[x], m.rng
    n = len(shape)
    axes = (
        tuple(sorted(rng.choice(n, int(rng.integers(1, n + 1)), replace=False).tolist()))
        if n and rng.random() < 0.7
        else None
    )
    keep = bool(rng.random() < 0.4)
    name = str(rng.choice(("sum", "sum", "mean", "max", "min", "norm", "logsumexp", "var", "std")))
    over = range(n) if axes is None else axes
    count = math.prod(shape[a] for a in over)
    if (count == 0 and name != "sum") or (count < 2 and name in ("var", "std")):
        return False
    out = tuple(1 if i in over else k for i, k in enumerate(shape) if keep or i not in over)
    return m.add(f"f.{name}(<{{}}>, {axes}, {keep})", (x,), out)


def softmax(m: Maker) -> bool:
    x = m.tensor(1)
    if x is None or 0 in m.shapes[x]:
        return False
    axis = int(m.rng.integers(-1, len(m.shapes[x])))
    return m.add(f"f.{m.rng.choice(('softmax', 'log_softmax'))}(<{{}}>, {axis})", (x,), m.shapes[x])


def reshape(m: Maker) -> bool:
    x = m.tensor()
    if x is None:
        return False
    shape, rng = m.shapes[x], m.rng
    size = math.prod(shape)
    way = int(rng.integers(6))
    if way == 0:
        at = int(rng.integers(len(shape) + 1))
        return m.add(f"f.expand_dims(<{{}}>, {at})", (x,), (*shape[:at], 1, *shape[at:]))
    if way == 1 and 1 in shape:
        at = shape.index(1)
        return m.add(f"f.squeeze(<{{}}>, {at})", (x,), (*shape[:at], *shape[at + 1 :]))
    if way == 2 and len(shape) > 1:
        order = tuple(rng.permutation(len(shape)).tolist())
        return m.add(f"f.transpose(<{{}}>, {order})", (x,), tuple(shape[i] for i in order))
    if way == 3:
        lead = int(rng.integers(1, 3))
        return m.add(f"f.broadcast_to(<{{}}>, {(lead, *shape)})", (x,), (lead, *shape))
    if way == 4 and size and size % 2 == 0:
        return m.add(f"f.reshape(<{{}}>, {(2, size // 2)})", (x,), (2, size // 2))
    return m.add(f"f.reshape(<{{}}>, {(size,)})", (x,), (size,))


def index(m: Maker) -> bool:
    x = m.tensor(1)
    if x is None or m.shapes[x][0] == 0:
        return False
    shape, rng = m.shapes[x], m.rng
    n = shape[0]
    way = int(rng.integers(7))
    if way == 0:
        i = int(rng.integers(-n, n))
        return m.add(f"<{{}}>[{i}]", (x,), shape[1:])
    if way == 1:
        start, step = int(rng.integers(0, n)), int(rng.integers(1, 3))
        return m.add(f"<{{}}>[{start}::{step}]", (x,), (len(range(start, n, step)), *shape[1:]))
    if way == 2:
        return m.add("f.flip(<{}>)", (x,), shape)
    if way == 3:
        at = rng.integers(-n, n, 3).tolist()
        return m.add(f"f.take(<{{}}>, {at})", (x,), (3, *shape[1:]))
    if way == 4:
        return m.add("<{}>[None]", (x,), (1, *shape))
    if way == 5 and len(shape) > 1 and shape[-1]:
        return m.add("<{}>[..., 0]", (x,), shape[:-1])
    end = int(rng.integers(0, n + 1))
    return m.add(f"<{{}}>[:{end}]", (x,), (end, *shape[1:]))


def joined(m: Maker) -> bool:
    x = m.tensor(1)
    if x is None:
        return False
    shape = m.shapes[x]
    fit = [name for name in m.tensors if len(m.shapes[name]) == len(shape) and m.shapes[name][1:] == shape[1:]]
    y = str(m.rng.choice(fit))
    if m.rng.random() < 0.5:
        return m.add("f.concatenate([<{}>, <{}>], 0)", (x, y), (shape[0] + m.shapes[y][0], *shape[1:]))
    return m.add("f.stack([<{0}>, <{0}>, f.tanh(<{0}>)], 0)", (x,), (3, *shape))


def product(m: Maker) -> bool:
    x = m.tensor(1)
    if x is None:
        return False
    shape, rng = m.shapes[x], m.rng
    k = shape[-1]
    fit = [o for o in m.tensors if len(m.shapes[o]) == 2 and m.shapes[o][0] == k and len(shape) <= 3]
    arrays = [leaf.name for leaf in m.leaves if leaf.kind in "kx" and len(leaf.shape) == 2 and leaf.shape[0] == k]
    if fit + arrays and rng.random() < 0.7:
        y = str(rng.choice(fit + arrays))
        return m.add("<{}> @ <{}>", (x, y), (*shape[:-1], m.shapes[y][1]))
    n = int(rng.integers(1, 4))
    y = m.leaf(str(rng.choice(list("pptx"))), (k, n))
    if rng.random() < 0.5:
        return m.add("<{}> @ <{}>", (x, y), (*shape[:-1], n))
    w, b = m.leaf("p", (n, k)), m.leaf("p", (n,))
    text = "f.linear(<{}>, <{}>, <{}>)" if rng.random() < 0.6 else "f.tanh(f.linear(<{}>, <{}>, <{}>))"
    return m.add(text, (x, w, b), (*shape[:-1], n))


def batch(m: Maker) -> bool:
    """An argument that has another number of rows in each run, and none now and then."""
    rng, k, n = m.rng, int(m.rng.integers(1, 4)), int(m.rng.integers(1, 4))
    name = f"z{len(m.leaves)}"
    rows = [int(rng.choice((0, 1, 2, 3, 5))) for _ in range(RUNS)]
    m.leaves.append(Leaf(name, (0, k), tuple(numbers(rng, rows_now * k) for rows_now in rows)))
    m.shapes[name] = (0, k)
    w = m.leaf("p", (k, n))
    inner = str(rng.choice(("<{0}> @ <{1}>", "f.tanh(<{0}> @ <{1}>)", "f.relu(<{0}> @ <{1}>) * 0.5")))
    return m.add(f"f.sum({inner}, (0,), False)", (name, w), (n,))


def module(m: Maker) -> bool:
    x = m.tensor(1)
    if x is None or m.shapes[x][-1] == 0:
        return False
    shape = m.shapes[x]
    n, k = int(m.rng.integers(1, 4)), shape[-1]
    name = f"m{len(m.leaves)}"
    m.leaves.append(Leaf(name, (n, k), (numbers(m.rng, n * k + n),)))
    m.shapes[name] = (n, k)
    return m.add("<{1}>(<{0}>)", (x, name), (*shape[:-1], n))


def loss(m: Maker) -> bool:
    x = m.tensor(2)
    if x is None or len(m.shapes[x]) != 2 or 0 in m.shapes[x]:
        return False
    rows, columns = m.shapes[x]
    rng = m.rng
    way = int(rng.integers(5))
    if way == 0:
        labels = rng.integers(0, columns, rows).tolist()
        return m.add(f"f.cross_entropy(<{{}}>, {labels})", (x,), ())
    if way == 1:
        return m.add("f.cross_entropy_of(<{0}>, f.softmax_of_same(<{0}>))", (x,), ())
    target = m.leaf(str(rng.choice(list("kxt"))), (rows, columns))
    if way == 2:
        return m.add("f.mse(<{}>, <{}>)", (x, target), ())
    if way == 3:
        return m.add("f.half_squared_error(<{}>, <{}>)", (x, target), ())
    return m.add("f.binary_cross_entropy_with_logits(<{}>, f.between(<{}>))", (x, target), ())


def convolution(m: Maker) -> bool:
    rng = m.rng
    n, channels, length = int(rng.integers(0, 3)), int(rng.integers(1, 3)), int(rng.integers(3, 6))
    two = bool(rng.random() < 0.5)
    x = m.tensor()
    if x is None or math.prod(m.shapes[x]) == 0:
        return False
    image = (n, channels, *([length] * (2 if two else 1)))
    out, window, padding, stride = (
        int(rng.integers(1, 3)),
        int(rng.integers(1, 3)),
        int(rng.integers(0, 2)),
        int(rng.integers(1, 3)),
    )
    w = m.leaf("p", (out, channels, *([window] * (2 if two else 1))))
    i = m.leaf(str(rng.choice(list("ptxy"))), image)
    after = (length + 2 * padding - window) // stride + 1
    name = "conv2d" if two else "conv1d"
    return m.add(f"f.{name}(<{{}}>, <{{}}>, {stride}, {padding})", (i, w), (n, out, *([after] * (2 if two else 1))))


def pooling(m: Maker) -> bool:
    found = [t for t in m.tensors if len(m.shapes[t]) in (3, 4) and min(m.shapes[t][2:]) >= 2 and 0 not in m.shapes[t]]
    if not found:
        return False
    x = str(m.rng.choice(found))
    shape = m.shapes[x]
    d = len(shape) - 2
    name = str(m.rng.choice((f"max_pool{d}d", f"avg_pool{d}d")))
    return m.add(f"f.{name}(<{{}}>, 2)", (x,), (*shape[:2], *(k // 2 for k in shape[2:])))


def normalization(m: Maker) -> bool:
    x = m.tensor(2)
    if x is None or len(m.shapes[x]) != 2 or m.shapes[x][0] < 2 or m.shapes[x][1] < 2:
        return False
    n = m.shapes[x][1]
    w, b = m.leaf("p", (n,)), m.leaf("p", (n,))
    return m.add("f.layer_norm(<{}>, <{}>, <{}>)", (x, w, b), m.shapes[x])


def cut_off(m: Maker) -> bool:
    x = m.tensor()
    return x is not None and m.add("f.detach(<{}>)", (x,), m.shapes[x])


MAKERS: tuple[Callable[[Maker], bool], ...] = (
    unary, unary, unary, unary, binary, binary, binary, binary, binary, with_number, with_number, reduction, reduction,
    reshape, reshape, index, index, joined, product, product, loss, convolution, softmax, numpy_unary, of_array,
    pooling, normalization, cut_off, batch, module,
)  # fmt: skip

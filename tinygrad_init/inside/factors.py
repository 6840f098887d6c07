"""One factor of the chain rule: what a cotangent is multiplied with on its way through one operation."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..engine.tensor import wrap
from ..ops.activations import ACTIVATIONS
from .cotangents import operands, pulled
from .steps import Array, Step

ATOM, PRODUCT, SUM = 2, 1, 0  # how tightly what has been written so far holds together


@dataclass(frozen=True)
class Written:
    """An expression, as text and in LaTeX; `turned` is its transpose, where that can be written more simply."""

    text: str
    latex: str
    binds: int = ATOM
    turned: tuple[str, str] | None = None

    def inside(self) -> tuple[str, str]:
        """In parentheses where it is more than one letter."""
        if self.binds == ATOM:
            return self.text, self.latex
        return f"({self.text})", rf"\left({self.latex}\right)"


@dataclass(frozen=True, eq=False)
class Factor:
    """What stands in the product for one operation.

    Attributes
    ----------
    symbol
        How it is written.
    what
        What it is, in words.
    value
        Its numbers; None if it is no array but a rule (a sum, another shape).
    write, apply
        What becomes of the expression, and of the numbers, that have come so far.
    """

    symbol: Written
    what: str
    value: Array | None
    write: Callable[[Written], Written]
    apply: Callable[[Array], Array]


def factor_of(step: Step, i: int, steps: Sequence[Step]) -> Factor:
    """The factor of one operation, towards its input `i`."""
    op, sources = step.op, [steps[n - 1] for n in step.inputs]
    assert op is not None
    x = sources[i]
    value = [source.value for source in sources]
    if op.name == "linear" and i < 2 and value[1 - i] is not None:
        other = sources[1 - i]
        return right(other) if i == 0 else turned_right(other)
    if op.name == "linear" and i == 2:
        return rule(step, i, steps, "Σ", r"\textstyle\sum", "sum over the samples")
    if op.name == "matmul" and all(source.shape is not None and len(source.shape) == 2 for source in sources):
        other = sources[1 - i]
        if other.value is not None:
            return right(other, steps) if i == 0 else left(other)
    if op.name == "transpose" and step.shape is not None and len(step.shape) == 2:
        return turned()
    if op.elementwise and x.shape == step.shape:
        return by_element(step, i, steps)
    return rule(step, i, steps, f"J_{op.name}", rf"J_{{\mathrm{{{op.name}}}}}", f"the rule of {op.name}")


def right(other: Step, steps: Sequence[Step] = ()) -> Factor:
    """δ W: a matrix from the right. Of `x @ W.T`, too, where what was multiplied with is W turned over."""
    matrix = np.asarray(other.value)
    name = written(other.name)
    if steps:
        source = steps[other.inputs[0] - 1] if other.op is not None and other.op.name == "transpose" else None
        name = written(source.name) if source is not None else Written(f"{name.text}ᵀ", f"{name.latex}^{{\\top}}")
        matrix = matrix.T

    def write(so_far: Written) -> Written:
        text, latex = so_far.inside()
        return Written(f"{text} {name.text}", rf"{latex}\, {name.latex}", PRODUCT)

    return Factor(name, "weights", matrix, write, lambda g: g @ matrix)


def turned_right(other: Step) -> Factor:
    """δᵀ x: what comes to the weights of a layer."""
    rows = np.asarray(other.value)
    rows = rows.reshape(-1, rows.shape[-1])
    name = written(other.name)

    def write(so_far: Written) -> Written:
        text, latex = so_far.inside()
        return Written(f"{text}ᵀ {name.text}", rf"{latex}^{{\top}} {name.latex}", PRODUCT)

    return Factor(name, "the layer's input", rows, write, lambda g: g.reshape(-1, g.shape[-1]).T @ rows)


def left(other: Step) -> Factor:
    """xᵀ δ."""
    matrix = np.asarray(other.value).T
    name = written(other.name)

    def write(so_far: Written) -> Written:
        text, latex = so_far.inside()
        other_way = f"{text}ᵀ {name.text}", rf"{latex}^{{\top}} {name.latex}"
        return Written(f"{name.text}ᵀ {text}", rf"{name.latex}^{{\top}} {latex}", PRODUCT, other_way)

    symbol = Written(f"{name.text}ᵀ", f"{name.latex}^{{\\top}}")
    return Factor(symbol, "the layer's input", matrix, write, lambda g: matrix @ g)


def turned() -> Factor:
    """The other way round: rows as columns."""

    def write(so_far: Written) -> Written:
        if so_far.turned is not None:
            return Written(*so_far.turned, PRODUCT)
        text, latex = so_far.inside()
        return Written(f"{text}ᵀ", rf"{latex}^{{\top}}")

    return Factor(Written("ᵀ", r"{}^{\top}"), "transposed", None, write, lambda g: g.T)


def by_element(step: Step, i: int, steps: Sequence[Step]) -> Factor:
    """⊙ φ′(z): number by number."""
    op, sources, x = step.op, [steps[n - 1] for n in step.inputs], steps[step.inputs[i] - 1]
    assert op is not None
    slope = slope_of(step, i, steps)
    if op.name in ("add", "neg", "sub"):
        sign = -1.0 if op.name == "neg" or (op.name == "sub" and i == 1) else 1.0

        def signed(so_far: Written) -> Written:
            text, latex = so_far.inside()
            return so_far if sign > 0 else Written(f"-{text}", f"-{latex}", SUM)

        return Factor(Written(f"{sign:g}", f"{sign:g}"), f"of {op.name}", np.array(sign), signed, lambda g: sign * g)
    if len(sources) == 1:
        z = written(sources[0].name)
        symbol = Written(f"{op.name}′({z.text})", rf"\mathrm{{{latex_word(op.name)}}}'({z.latex})")
        what = "slope of the activation" if op.name in ACTIVATIONS else f"slope of {op.name}"
    elif op.name in ("mul", "gated"):
        symbol, what = written(sources[1 - i].name), "the other factor"
    else:
        symbol = Written(f"∂{step.name}/∂{x.name}", fraction(step.name, x.name))
        what = f"derivative of {op.name}"
    if slope is None:
        return rule(step, i, steps, symbol.text, symbol.latex, what)

    def write(so_far: Written) -> Written:
        text, latex = so_far.inside()
        return Written(f"{text} ⊙ {symbol.text}", rf"{latex} \odot {symbol.latex}", PRODUCT)

    return Factor(symbol, what, slope, write, lambda g: g * slope)


def slope_of(step: Step, i: int, steps: Sequence[Step]) -> Array | None:
    """The derivative of an elementwise operation by one input, number by number."""
    if isinstance(step.slopes[i], float):
        return np.array(step.slopes[i])
    assert step.shape is not None
    return going_back(step, i, steps, np.ones(step.shape, step.dtype))


def going_back(step: Step, i: int, steps: Sequence[Step], g: Array) -> Array | None:
    """What the operation's rule makes of a cotangent; None if an input is not known."""
    sources = [steps[n - 1] for n in step.inputs]
    values = [None if source.value is None else wrap(source.value.copy()) for source in sources]
    assert step.op is not None and step.shape is not None
    known = operands(step.op, i, values, [source.shape for source in sources], step.shape, step.dtype)
    if known is None:
        return None
    part = pulled(step.op, tuple(step.parameters.values()), known, [k == i for k in range(len(known))], g)[i]
    return None if part is None else np.array(part.numpy())


def rule(step: Step, i: int, steps: Sequence[Step], text: str, latex: str, what: str) -> Factor:
    """Whatever else an operation does to a cotangent: its rule, named."""

    def write(so_far: Written) -> Written:
        return Written(f"{text}[{so_far.text}]", rf"{latex}\left[{so_far.latex}\right]")

    def apply(g: Array) -> Array:
        found = going_back(step, i, steps, g)
        if found is None:
            raise ValueError(f"derivation: an input of {step.name} was not kept; build it within tgi.inspecting()")
        return found

    return Factor(Written(text, latex), what, None, write, apply)


def written(name: str) -> Written:
    """A name, with its number below the line in LaTeX: W1 and W_1 are W₁ there."""
    found = re.fullmatch(r"([^\W\d_]+)_?(\d+)", name)
    if found:
        letters, number = found.groups()
        body = letters if len(letters) == 1 else rf"\mathrm{{{letters}}}"
        return Written(name, f"{body}_{{{number}}}")
    return Written(
        name, name if len(name) == 1 or re.fullmatch(r"-?[\d.]+(e-?\d+)?", name) else rf"\mathrm{{{latex_word(name)}}}"
    )


def latex_word(name: str) -> str:
    return name.replace("_", r"\_")


def fraction(of: str, by: str) -> str:
    """∂a/∂b in LaTeX."""
    return rf"\frac{{\partial {written(of).latex}}}{{\partial {written(by).latex}}}"

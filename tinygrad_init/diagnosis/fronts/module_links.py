"""Links of this package's modules, and of the operations that a forward written by hand calls between them.

What a front end supplies: for each step a `Link` with the arrays that went in and came out, its name and role, weight
and bias as named arrays with the axis that the units have, the record of an activation, where its inputs come from, and
four functions of arrays (`vjp`, `vjp_to`, `jvp`, `rerun`).
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from ...activations import activation
from ...engine.gradients import grad
from ...engine.modes import enable_grad
from ...engine.tensor import Tensor
from ...nn import Activation, BatchNorm, Dropout, Module, Parameter, Residual, Sequential, role_of
from ...ops.elementwise import add
from ..network import ACTIVATION, OTHER, WEIGHTS, Link, flat, folded, units_first
from ..network import Parameter as Named
from .forward_pass import Step, key, steps_of
from .functions import Fixed, Function, Turned, as_module

Array = np.ndarray[Any, Any]
Source = Link | str


class Links:
    """Makes the links of a model, of which it knows the names: of modules and parameters, by their identities."""

    def __init__(self, names: dict[int, str], parameters: dict[int, str]) -> None:
        self.names, self.parameters = names, parameters
        self.constants = 0  # so many have a name

    @staticmethod
    def of_model(model: Module) -> Links:
        """All names are those in the model."""
        names = {id(module): name or type(module).__name__ for name, module in model.named_modules()}
        return Links(names, {id(parameter): name for name, parameter in model.named_parameters()})

    def again(self, module: Module, inputs: tuple[Array, ...], sources: tuple[Source, ...]) -> Link:
        """The link of a module on other inputs: of a twin, since running it may change what it remembers."""
        twin = copy.deepcopy(module)
        modules = zip(twin.named_modules(), module.named_modules(), strict=True)
        parameters = zip(twin.named_parameters(), module.named_parameters(), strict=True)
        links = Links(
            {id(new): self.names[id(old)] for (_, new), (_, old) in modules if id(old) in self.names},
            {id(new): self.parameters[id(old)] for (_, new), (_, old) in parameters if id(old) in self.parameters},
        )
        with enable_grad():
            return links.link(twin, inputs, sources)

    def of(self, module: Module, x: Array, source: Source = "x") -> tuple[Link, ...]:
        """The links that a module consists of, each on a graph of its own; none of one that hands on what it gets.

        Raises
        ------
        TypeError
            It returns no tensor, or one that its input has no part in.
        """
        if type(module).forward is Sequential.forward:
            return self.chain(list(module), x, source)  # type: ignore[call-overload]
        if isinstance(module, Residual):
            return self.residual(module, x, source)
        if has_parts(module):
            return self.written(module, x, source)
        if multiplies(module):
            opened = self.written(module, x, source)
            if any(link.role == WEIGHTS for link in opened):
                return opened
        return (self.link(module, (x,), (source,)),)

    def chain(self, modules: list[Module], x: Array, source: Source) -> tuple[Link, ...]:
        """Modules one after the other."""
        links: list[Link] = []
        for module in modules:
            links += self.of(module, x, source)
            if links:
                x, source = links[-1].output, links[-1]
        return tuple(links)

    def residual(self, module: Residual, x: Array, source: Source) -> tuple[Link, ...]:
        """What goes past a branch and the branch, in the order in which they run, and their sum."""
        past = () if module.shortcut is None else self.of(module.shortcut, x, source)
        branch = self.of(module.branch, x, source)
        ends = [(way[-1].output, way[-1]) if way else (x, source) for way in (past, branch)]
        whole = self.link(Function(add), *zip(*ends, strict=True))  # type: ignore[arg-type]
        name = self.names.get(id(module), "a sum")
        whole.name = name
        return folded((*past, *branch, whole), name, label_of(module))

    def written(self, module: Module, x: Array, source: Source) -> tuple[Link, ...]:
        """What a forward written by hand consists of."""
        signal = Tensor(x, x.dtype, requires_grad=True)
        steps, end = steps_of(module, signal)
        known: dict[int, tuple[Array, Source]] = {key(signal): (x, source)}
        fixed: dict[int, Fixed] = {}  # what no input has a part in, and is not what it was in the run
        links: list[Link] = []
        entering = {key(step.inputs[0]) for step in steps if isinstance(step.what, Module)}
        for step in steps:
            if isinstance(step.what, Module):
                made = self.of(step.what, *self.entering(step, known, fixed))
                if key(step.inputs[0]) not in known:
                    no_layers(made)
            elif step.draws:
                # Drawn once more, in turn with what modules draw.
                operands = [leaf(step.constants.get(i, t.numpy())) for i, t in enumerate(step.inputs)]
                fixed[key(step.output)] = Function(step.what, step.params)(*operands).numpy()
                continue
            elif is_turned(step) and key(step.output) not in entering:
                fixed[key(step.output)] = Turned(step.inputs[0])  # type: ignore[arg-type]
                continue
            else:
                made = (self.operation(step, known, fixed),)
            links += made
            known[key(step.output)] = (made[-1].output, made[-1]) if made else self.entering(step, known, fixed)
        reached = any(source in link.sources or is_lookup(link, len(x)) for link in links)
        if key(end) not in known or (links and not reached):
            raise TypeError(
                f"expected an output that comes from the input; in {type(module).__name__} there is what does not come "
                "from its input: write a forward that computes with the tensor it gets, not with .numpy() or .detach()"
            )
        return folded(links)

    def entering(
        self, step: Step, known: dict[int, tuple[Array, Source]], fixed: dict[int, Fixed]
    ) -> tuple[Array, Source]:
        """What goes into a call of a module: something that was made before, a parameter, or a constant."""
        (x,) = step.inputs
        if key(x) in known:
            return known[key(x)]
        if isinstance(x, Parameter):
            return x.numpy(), self.parameters.get(id(x), "a parameter")
        self.constants += 1
        drawn = fixed.get(key(x))
        values = drawn if isinstance(drawn, np.ndarray) else step.constants.get(0, x.numpy())
        return values, f"constant {self.constants}"

    def operation(self, step: Step, known: dict[int, tuple[Array, Source]], fixed: dict[int, Fixed]) -> Link:
        """The link of an operation: its inputs are what was made before; all else is part of it."""
        inputs, own = [], {}
        for place, tensor in enumerate(step.inputs):
            if key(tensor) in known:
                inputs.append(known[key(tensor)])
            elif key(tensor) in fixed:
                own[place] = fixed[key(tensor)]
            else:
                own[place] = tensor if isinstance(tensor, Parameter) else step.constants.get(place, tensor.numpy())
        module = as_module(step.what, step.params, own)
        return self.link(module, tuple(x for x, _ in inputs), tuple(source for _, source in inputs))

    def link(
        self, module: Module, inputs: tuple[Array, ...], sources: tuple[Source, ...], out: Tensor | None = None
    ) -> Link:
        """A module that is one step; what came out of it is computed unless it is given."""
        own = {name: value for name, value in vars(module).items() if isinstance(value, Tensor)}
        named = {name: Named(self.parameters.get(id(value), name), value.numpy()) for name, value in own.items()}
        tensors = {named[name].name: value for name, value in own.items()}
        ends = [Tensor(x, x.dtype, requires_grad=True) for x in inputs]
        role, result = role_of(module), module(*ends) if out is None else out
        role = role if inputs else OTHER
        same = any(result is end for end in ends)  # one that hands on what it gets

        def vjp(cotangent: Array) -> tuple[Array, ...]:
            return (cotangent,) if same else tuple(pulled(result, ends, cotangent))

        def jvp(tangents: tuple[Array, ...]) -> Array:
            return tangents[0] if same else pushed(result, ends, tangents)

        return Link(
            name=self.name_of(module, named),
            role=role,
            label=label_of(module),
            inputs=inputs,
            output=result.numpy(),
            vjp=vjp,
            vjp_to=lambda name, cotangent: pulled(result, [tensors[name]], cotangent)[0],
            jvp=jvp,
            rerun=lambda others: self.again(module, others, sources),
            sources=sources,
            weight=named["weight"] if role == WEIGHTS else None,
            bias=named.get("bias") if role == WEIGHTS else None,
            parameters=tuple(named.values()),
            unit_axis=unit_axis(module) if role == WEIGHTS else -1,
            by_unit=getattr(module, "by_unit", units_first),
            activation=activation(module) if role == ACTIVATION else None,
            elementwise=isinstance(module, Dropout) or (isinstance(module, Function) and module.op.elementwise),
            draws=isinstance(module, Dropout),
            mixes_samples=isinstance(module, BatchNorm) and module.training,
        )

    def name_of(self, module: Module, own: dict[str, Named]) -> str:
        """A module's full name; what multiplies by a weight of its own has the weight's."""
        known = own["weight"].name if isinstance(module, Function) and "weight" in own else "a function"
        return self.names.get(id(module), known)


def has_parts(module: Module) -> bool:
    """Whether a module is made of others, and no linear map or activation itself: then it is looked at what it does."""
    return any(True for _ in module.children()) and role_of(module) == OTHER


def multiplies(module: Module) -> bool:
    """Whether a module that somebody else has written may multiply by matrices of its own."""
    here = type(module).__module__.startswith(Module.__module__.partition(".")[0] + ".")
    own = [value for value in vars(module).values() if isinstance(value, Parameter)]
    return not here and role_of(module) == OTHER and any(value.ndim > 1 for value in own)


def no_layers(links: tuple[Link, ...]) -> None:
    """Links on what is constant: their weights are no layers that the signal goes through, but a kind of bias."""
    for link in flat(links):
        if link.role == WEIGHTS:
            link.role, link.weight, link.bias = OTHER, None, None


def is_lookup(link: Link, samples: int) -> bool:
    """Whether a link takes from a table that is learned what belongs to each sample, whose number left the graph."""
    return not link.inputs and link.output.shape[:1] == (samples,)


def is_turned(step: Step) -> bool:
    """Whether a step transposes a parameter: a matrix that is used as x Wᵀ."""
    (first, *others) = step.inputs
    return step.what.name == "transpose" and not others and isinstance(first, Parameter) and first.ndim == 2


def leaf(values: Array) -> Tensor:
    """An array as a tensor of its own dtype."""
    return Tensor(values, values.dtype)


def unit_axis(module: Module) -> int:
    """Which axis of a linear map's output are its units: the last, or the channels of a convolution."""
    return -1 if vars(module)["weight"].ndim == 2 else 1


def by_unit(module: Module, weights: Array) -> Array:
    """The weights of a linear map, or what has their shape, with a row for each unit (output channel)."""
    found: Array = getattr(module, "by_unit", units_first)(weights)
    return found


def rows_of(module: Module, values: Array) -> Array:
    """Numbers that come out of a linear map, one column a unit, a row for each sample (and position)."""
    axis = unit_axis(module)
    return np.moveaxis(values, axis, -1).reshape(-1, values.shape[axis])


def label_of(module: Module) -> str:
    """What a link is called in words: an activation by its function's name, others by their class."""
    if isinstance(module, Function):
        return str(module.op.name)
    return module.name if isinstance(module, Activation) else type(module).__name__.lower()


def pulled(out: Tensor, to: list[Tensor], cotangent: Array) -> list[Array]:
    """The vector-Jacobian products of what was computed, one for each of its inputs (or parameters)."""
    if not (to and out.requires_grad):
        return [np.zeros(tensor.shape, tensor.dtype) for tensor in to]
    with enable_grad():
        found = grad(out, to, gradients=Tensor(cotangent, out.dtype), retain_graph=True)
    return [np.asarray(part.numpy()) for part in found]


def pushed(out: Tensor, inputs: list[Tensor], tangents: tuple[Array, ...]) -> Array:
    """The Jacobian-vector product: the derivative of the vector-Jacobian product by its cotangent."""
    if not (inputs and out.requires_grad):
        return np.zeros(out.shape)
    with enable_grad():
        cotangent = Tensor(np.zeros(out.shape), out.dtype, requires_grad=True)
        back = grad(out, inputs, gradients=cotangent, create_graph=True, retain_graph=True)
        # What does not depend on the cotangent lets nothing through.
        ways = [(part, Tensor(v, out.dtype)) for part, v in zip(back, tangents, strict=True) if part.requires_grad]
        if not ways:
            return np.zeros(out.shape)
        parts, changes = zip(*ways, strict=True)
        return np.asarray(grad(parts, cotangent, gradients=list(changes))[0].numpy())

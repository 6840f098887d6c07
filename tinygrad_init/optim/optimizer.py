"""What all update rules have in common: groups of parameters, the state, the step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import signature
from typing import Any

import numpy as np

from ..engine.modes import enable_grad, mode, no_grad
from ..engine.storage import operand, own
from ..engine.tensor import Tensor
from .groups import (
    Array,
    Group,
    Reading,
    Remembered,
    StandIns,
    State,
    listed,
    named_apart,
    not_negative,
    number,
    split_groups,
)
from .repeating import Repeating
from .saved_states import entries_by_parameter, matched, read, saved, take_over

Parameters = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[dict[str, Any]]


def called_params(start: Callable[..., None]) -> Callable[..., None]:
    """An `__init__` whose `parameters` may be called `params`."""

    @wraps(start)
    def called(*args: Any, **options: Any) -> None:
        start(*args, **{"parameters" if name == "params" else name: value for name, value in options.items()})

    return called


class Optimizer:
    """Holds parameters and changes them by their gradients; a rule says how in `update`.

    Options are PyTorch's and stand, as there, in `param_groups`, where they may be changed between steps. As attributes
    (`optimizer.lr`, `optimizer.momentum`) they are those of the first group; what is assigned there holds for all. A
    captured program reads the learning rate at each run; where another option has changed, another program is made.

    Parameters
    ----------
    parameters
        Leaves that require grad; or pairs of a name and one; or dictionaries, each with such under "params" and with
        options that differ from the others'. One that stands twice in a group is updated once.
    defaults
        The options of groups that have none of their own; a number is the learning rate alone.

    Attributes
    ----------
    param_groups
        Dictionaries with "params" and every option.

    Raises
    ------
    TypeError
        What is given are no parameters.
    ValueError
        There are none, or one stands in two groups, or an option is out of range.
    """

    param_groups: list[Group]
    unsaved: frozenset[str] = frozenset()  # names of what a rule remembers for itself, and finds again from the rest

    def __init_subclass__(cls, **options: Any) -> None:
        """Let a rule that calls its parameters `parameters` take them by PyTorch's name, `params`, too."""
        super().__init_subclass__(**options)
        names = signature(cls.__init__).parameters
        if "__init__" in vars(cls) and "parameters" in names and "params" not in names:
            cls.__init__ = called_params(cls.__init__)  # type: ignore[method-assign]

    def __init__(self, parameters: Parameters, defaults: Mapping[str, Any] | float) -> None:
        owner = type(self).__name__
        options = dict(defaults) if isinstance(defaults, Mapping) else {"lr": defaults}
        # In a tuple, since programs go through an attribute that is a dictionary at each call; they look at what these
        # count when something has changed.
        numbers = {name: number(owner, name, value) for name, value in options.items()}
        self._kept = numbers, State(), Repeating()
        if self.defaults.get("differentiable"):
            raise ValueError(
                f"{owner}: differentiable=True is not offered: a step changes parameters in place, outside the graph; "
                "write the update as operations on tensors to differentiate through it"
            )
        if self.defaults.get("fused") and self.defaults.get("foreach"):
            raise RuntimeError(f"{owner}: fused and foreach cannot both be True")
        self.param_groups = []
        for group in split_groups(owner, parameters):
            self.add_param_group(group)

    @property
    def defaults(self) -> dict[str, Any]:
        """The options of groups that have none of their own."""
        return self._kept[0]

    @property
    def state(self) -> State:
        """What the rule remembers, by parameter."""
        trace = mode.trace
        if trace is not None:
            trace.visits(self)
            trace.visits(self._kept[1])
        return self._kept[1]

    @state.setter
    def state(self, state: Mapping[Tensor, Any]) -> None:
        self._kept = self.defaults, State(state), Repeating()

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """The parameters of all groups, in order."""
        return tuple(p for group in self.param_groups for p in group["params"])

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take on more parameters, with options of their own or those of `defaults`.

        Parameters
        ----------
        param_group
            "params", a parameter or several, and any options.

        Raises
        ------
        TypeError, ValueError
            As for the optimizer; also if only some groups have names.
        """
        owner = type(self).__name__
        if not isinstance(param_group, dict) or "params" not in param_group:
            came = sorted(param_group) if isinstance(param_group, dict) else type(param_group).__name__
            raise TypeError(f"{owner}: expected a dictionary with 'params', got {came}")
        given = param_group["params"]
        items, names = named_apart(owner, [given] if isinstance(given, Tensor) else listed(owner, given))
        for p in items:
            if not isinstance(p, Tensor) or not p.is_leaf or not p.requires_grad:
                what = f"a tensor of shape {p.shape}" if isinstance(p, Tensor) else type(p).__name__
                raise TypeError(f"{owner}: expected leaves that require grad, got {what}")
        first = {id(p): i for i, p in reversed(list(enumerate(items)))}
        kept = sorted(first.values())
        if not first.keys().isdisjoint(map(id, self.parameters)):
            raise ValueError(f"{owner}: some parameters appear in more than one group; each has one set of options")
        if self.param_groups and (names is None) == ("param_names" in self.param_groups[0]):
            raise ValueError(f"{owner}: some groups of parameters have names and some have none; name all or none")
        options = {name: number(owner, name, value) for name, value in param_group.items() if name != "params"}
        group = Group()
        group.update({**self.defaults, **options})
        if names is not None:
            group["param_names"] = [names[i] for i in kept]
        self.check(group)
        group["params"] = [items[i] for i in kept]
        self.param_groups.append(group)
        mode.restructured()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or (`set_to_none=False`) make zeros of those that there are."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad = Tensor(np.zeros(p.shape, p.dtype), p.dtype)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        Parameters
        ----------
        closure
            Finds the loss and its gradients first.

        Returns
        -------
        The closure's result; None without one.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        if not self._kept[2].steps_for(self):
            self.step_once()
        return loss

    def step_once(self) -> None:
        """The same, parameter by parameter."""
        trace, state = mode.trace, self._kept[1]
        # A step that is too large overflows, and is to be seen in the weights, not in a warning about this line.
        with no_grad(), np.errstate(all="ignore"):
            if trace is not None:
                self.record(trace)
                return
            for group in self.param_groups:
                for p in group.params:
                    gradient = p.grad
                    if gradient is None:
                        continue
                    known = state.get(p)
                    if known is None or known.fits != group.changes:
                        known = self.remembered(p, group)
                    if "step" in known:
                        known["step"][0] += 1
                    if p.ndim == 0:  # a bare number has no array to change in place
                        value = np.array(p.numpy()).reshape(1)
                        self.update(value, operand(gradient).reshape(1), known, group)
                        p.fill_(value.item())
                    else:
                        self.update(own(p), operand(gradient), known, group)

    def record(self, trace: Any) -> None:
        """A step of a function that is being captured."""
        for group in self.param_groups:
            for p in group.params:
                if p.grad is not None:
                    self.remembered(p, group)  # before anything is taken for granted
        trace.visits(self)
        trace.visits(self._kept[1])
        for group in self.param_groups:
            options = group.stand_ins(trace)
            for p in group.params:
                if p.grad is None:
                    continue
                weight, gradient = own(p), operand(p.grad)
                known = StandIns(trace, self._kept[1][p])
                if p.ndim == 0:
                    weight, gradient = weight.reshape(1), gradient.reshape(1)
                if "step" in known:
                    step = known["step"]
                    step += 1
                self.update(weight, gradient, known, options)

    def remembered(self, p: Tensor, group: Group) -> Remembered:
        """What the rule remembers of a parameter, as its options need it."""
        found = self._kept[1][p]
        if found.fits != group.changes:
            self.fit(p, found, group)
            found.fits = group.changes
        return found

    # What a rule defines

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise a ValueError for options that are out of range."""
        if "lr" in options:
            not_negative(type(self).__name__, lr=options["lr"])

    def start(self, p: Tensor, options: Mapping[str, Any]) -> dict[str, Array]:
        """What the rule remembers of a parameter before the first step; "step" counts those."""
        return {}

    def fit(self, p: Tensor, state: Remembered, options: Group) -> None:
        """Make what is remembered fit options that have changed, or begin it."""
        for name, array in self.start(p, options).items():
            state.setdefault(name, array)

    def update(self, weight: Array, gradient: Array, state: Mapping[str, Array], options: Mapping[str, Any]) -> None:
        """Change the weight, and what is remembered, in place.

        While a function is captured, arrays and the learning rate are stand-ins: what is done to them must be array
        operations, without a look at their numbers.
        """
        raise NotImplementedError

    # Saving

    def state_dict(self) -> dict[str, Any]:
        """Everything that a later run needs to go on, in PyTorch's layout.

        Returns
        -------
        dict
            "state": arrays (copies) by number of the parameter; "param_groups": options, and numbers under "params".
        """
        return saved(self.param_groups, self.state)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where another run was: what `state_dict` has given, here or in PyTorch.

        Arrays or PyTorch's tensors are copied, into the memory that is there if it fits, so that captured programs go
        on with it.

        Raises
        ------
        ValueError
            Groups, parameters or shapes are others, or something that the rule remembers is missing.
        """
        owner, rows = type(self).__name__, matched(type(self).__name__, self.param_groups, state_dict)
        options = [{**group, **row} for group, row in zip(self.param_groups, rows, strict=True)]
        loaded = [
            (p, i, read(owner, p, entry, self.start(p, options[i]), self.unsaved))
            for p, i, entry in entries_by_parameter(owner, self.param_groups, state_dict)
        ]
        # Whatever was wrong has been said before anything is changed.
        for group, row in zip(self.param_groups, rows, strict=True):
            group.update(row)
        known = {id(p) for p, _, _ in loaded}
        for p in [p for p in self.state if id(p) not in known]:
            del self.state[p]
        for p, i, found in loaded:
            take_over(self.state[p], found)
            self.fit(p, self.state[p], self.param_groups[i])
            self.state[p].fits = self.param_groups[i].changes
        mode.restructured()

    # Options as attributes

    def __getattr__(self, name: str) -> Any:
        if "_kept" not in vars(self) or name not in self.defaults or not self.param_groups:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        trace = mode.trace
        if trace is not None:
            trace.visits(Reading(self.param_groups[0]))
        return self.param_groups[0][name]

    def __setattr__(self, name: str, value: Any) -> None:
        if "_kept" in vars(self) and name in self.defaults:
            for group in self.param_groups:
                group[name] = value
            return
        object.__setattr__(self, name, value)
        mode.restructured()

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines += ["", f"Parameter Group {i}"] if i else [f"Parameter Group {i}"]
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])


def zeros(p: Tensor) -> Array:
    """An array of zeros for a parameter."""
    return np.zeros(p.shape or 1, p.dtype)


def single(value: float = 0.0) -> Array:
    """A number that is remembered."""
    return np.full(1, value)


def slope(weight: Array, gradient: Array, options: Mapping[str, Any]) -> Array:
    """The gradient that a rule works with: uphill if it maximizes, with weight decay λ W."""
    if options["maximize"]:
        gradient = -gradient
    return gradient + options["weight_decay"] * weight if options.get("weight_decay") else gradient


def like(weight: Array, value: Any) -> Any:
    """A number, or an array of one, in the dtype of a weight: rates and powers are found in float64."""
    return value.astype(weight.dtype) if hasattr(value, "astype") else value

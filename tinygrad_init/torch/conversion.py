"""PyTorch modules as modules of this package, and back, by the table of `pairs`."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import torch

from .. import nn
from ..engine.tensor import Tensor
from .chains import Unwritten, as_chain
from .pairs import PAIRS, Pair, fits_ours, option_of, pair_of

# What may hand on the very tensor that it got, or a view of it.
PASSING = (torch.nn.Identity, torch.nn.Flatten, torch.nn.Dropout)
DTYPES: dict[torch.dtype, Any] = {torch.float32: np.float32, torch.float64: np.float64}


def from_torch(module: torch.nn.Module, *, rng: np.random.Generator | int | None = None) -> Any:
    """A module of this package that computes what a PyTorch module does, with the same gradients.

    Weights, biases, buffers, options, dtypes, modes and what is learned come along as copies; what is shared in the
    model is shared in the result. Names of parameters stay, as far as a chain has them.

    Parameters
    ----------
    module
        A module out of `PAIRS`, in any nesting. A class of one's own is traced (`torch.fx`) and has to be a chain, or
        one with sums x + f(x) and g(x) + f(x), of modules and of functions such as `F.relu`.
    rng
        For the draws of dropouts; a seed or a generator. Without it they are random. They are not PyTorch's.

    Returns
    -------
    nn.Module
        A class that is traced becomes a `Sequential` with its parts.

    Raises
    ------
    TypeError
        It is no PyTorch module, or a part of it (named in the message) is not to be had here: another kind, an option,
        hooks, parametrizations, numbers that are neither float32 nor float64.
    """
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"from_torch: expected a PyTorch module, got {type(module).__name__}")
    made = Incoming(np.random.default_rng(rng)).module(getattr(module, "_orig_mod", module), "")
    made.name_parameters()
    return made


def to_torch(module: nn.Module) -> torch.nn.Module:
    """A PyTorch module that computes what a module of this package does, with the same gradients.

    Weights, biases, buffers, options, dtypes, modes and what is learned come along as copies, on the CPU; what is
    shared is shared in the result; names of parameters are the same.

    Parameters
    ----------
    module
        A module out of `PAIRS`, in any nesting. What PyTorch has no module for becomes one of
        `tinygrad_init.torch.counterparts`: `Residual`, `GlobalAvgPool`, `BatchNorm`, and others.

    Raises
    ------
    TypeError
        It is no module of this package, or a part of it (named in the message) has a forward of its own.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"to_torch: expected a module of tinygrad_init.nn, got {type(module).__name__}")
    return Outgoing().module(module, "")


class Incoming:
    """One model on its way from PyTorch."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        # By the identity of what was converted; modules that are made on the way are kept, so that theirs stays.
        self.made: dict[int, Any] = {}
        self.kept: list[torch.nn.Module] = []
        self.writing: set[int] = set()  # modules that change what goes in

    def module(self, module: torch.nn.Module, name: str) -> nn.Module:
        """Ours for theirs, made once."""
        if id(module) in self.made:
            return self.made[id(module)]  # type: ignore[no-any-return]
        where = said(name, module)
        require_plain(module, where)
        candidates = [p for p in PAIRS if isinstance(module, p.theirs) and type(module).forward is p.theirs.forward]
        if candidates:
            found = self.built(pair_of(module, candidates, where), module, name)
        else:
            chain = chain_of(module, where)
            found = self.module(chain, name)
            self.note_writing(module, [chain])
        found.training = module.training
        self.made[id(module)] = found
        self.kept.append(module)
        return found

    def built(self, pair: Pair, module: torch.nn.Module, name: str) -> nn.Module:
        """Ours by a pair."""
        if pair.parts == ("*",):
            chain = nn.Sequential()
            inside: dict[str, Any] = module._modules
            for part, inner in inside.items():  # what is there twice, too, which named_children leaves out
                made = self.module(inner, joined(name, part))
                setattr(chain, f"{part}_" if hasattr(nn.Sequential, part) else part, made)
            self.note_writing(module, list(inside.values()))
            return chain
        arguments = {option: getattr(module, pair.their_name(option)) for option in pair.options}
        arguments |= {flag: getattr(module, tensor) is not None for flag, tensor in pair.flags.items()}
        arguments |= {key: value for key, value in pair.if_ours.items() if key != "name"}
        for part in pair.parts:
            inner = getattr(module, part)
            arguments[part] = None if inner is None else self.module(inner, joined(name, part))
            if id(inner) in self.writing:
                raise TypeError(
                    f"from_torch: {said(joined(name, part), inner)} changes in place what is added to its result; "
                    "write it without inplace=True"
                )
        self.note_writing(module, [module])
        if pair.options == ("p",):  # of dropouts
            arguments["rng"] = self.rng
        try:
            found = pair.ours(**arguments)
        except ValueError as error:
            raise TypeError(
                f"from_torch: {said(name, module)} has options that are not to be had here ({error})"
            ) from None
        for own, value in list(vars(found).items()):
            if isinstance(value, nn.Parameter | nn.Buffer):
                theirs = getattr(module, pair.their_name(own))
                # A weight without a bias is ours to have as well, but no option of every PyTorch.
                tensor = None if theirs is None else self.tensor(theirs, value, joined(name, own))
                setattr(found, own, tensor)
        return found

    def note_writing(self, module: torch.nn.Module, steps: list[torch.nn.Module]) -> None:
        """Note a module whose first step that computes anything works in place."""
        for step in steps:
            if getattr(step, "inplace", False) or id(step) in self.writing:
                self.writing.add(id(module))
            if not isinstance(step, PASSING):
                return

    def tensor(self, tensor: torch.Tensor, like: Any, name: str) -> Any:
        """Our parameter or buffer for theirs, made once; `like` is one as a new module has it."""
        if id(tensor) not in self.made:
            if (tensor.is_floating_point() and tensor.dtype not in DTYPES) or tensor.is_meta or tensor.is_complex():
                kind = "no numbers (it is on the device meta)" if tensor.is_meta else tensor.dtype
                raise TypeError(
                    f"from_torch: expected {name} in float32 or float64, got {kind}; model.float() makes it so"
                )
            array = np.array(tensor.detach().cpu().numpy())
            dtype = DTYPES.get(tensor.dtype, like.dtype)
            if isinstance(like, nn.Parameter):
                self.made[id(tensor)] = nn.Parameter(array, dtype, tensor.requires_grad, fans=like.fans)
            else:
                self.made[id(tensor)] = nn.Buffer(array, dtype)
        return self.made[id(tensor)]


class Outgoing:
    """One model on its way to PyTorch."""

    def __init__(self) -> None:
        self.made: dict[int, Any] = {}

    def module(self, module: nn.Module, name: str) -> torch.nn.Module:
        """Theirs for ours, made once."""
        if id(module) not in self.made:
            self.made[id(module)] = found = self.built(module, name)
            found.training = module.training
        return self.made[id(module)]  # type: ignore[no-any-return]

    def built(self, module: nn.Module, name: str) -> torch.nn.Module:
        """Theirs by the first pair that fits."""
        pair = next((p for p in PAIRS if fits_ours(module, p)), None)
        if pair is None:
            raise TypeError(
                f"to_torch: {said(name, module)} has a forward of its own, which cannot be converted; write it as "
                "nn.Sequential, with nn.Residual for x + f(x)"
            )
        if pair.parts == ("*",):
            parts = [(part, self.module(inner, joined(name, part))) for part, inner in module._members()]
            return torch.nn.Sequential(OrderedDict(parts))
        arguments: dict[str, Any] = {pair.their_name(option): option_of(module, option) for option in pair.options}
        arguments |= {flag: getattr(module, tensor) is not None for flag, tensor in pair.flags.items()}
        arguments |= {key: value for key, value in pair.if_theirs.items() if key == "output_size"}
        for part in pair.parts:
            inner = getattr(module, part)
            arguments[part] = None if inner is None else self.module(inner, joined(name, part))
        with torch.device("meta"):  # nothing is drawn: all numbers are brought along
            found = pair.theirs(**arguments)
        for own, value in vars(module).items():
            if isinstance(value, nn.Parameter):
                setattr(found, pair.their_name(own), self.parameter(value))
            elif value is None and isinstance(getattr(found, pair.their_name(own), None), torch.nn.Parameter):
                setattr(found, pair.their_name(own), None)
            elif isinstance(value, nn.Buffer):
                numbers = getattr(found, pair.their_name(own))
                setattr(found, pair.their_name(own), torch.from_numpy(value.numpy().copy()).to(counted(numbers, value)))
        return found

    def parameter(self, tensor: nn.Parameter) -> torch.nn.Parameter:
        """Theirs for ours, made once."""
        if id(tensor) not in self.made:
            values = torch.from_numpy(np.array(tensor.numpy()))
            self.made[id(tensor)] = torch.nn.Parameter(values, requires_grad=tensor.requires_grad)
        return self.made[id(tensor)]  # type: ignore[no-any-return]


def counted(like: torch.Tensor, value: Tensor) -> torch.dtype:
    """The dtype of a buffer: counts are whole numbers there."""
    return (
        next(theirs for theirs, ours in DTYPES.items() if ours == value.dtype)
        if like.is_floating_point()
        else like.dtype
    )


def chain_of(module: torch.nn.Module, where: str) -> torch.nn.Module:
    """What a module of another kind is as a chain.

    Raises
    ------
    TypeError
        It is PyTorch's own, or no chain.
    """
    if type(module).__module__.startswith("torch."):
        raise TypeError(
            f"from_torch: {where} has no counterpart in tinygrad_init.nn; tgi.diagnose and tgi.torch.watch take the "
            "model as it is"
        )
    try:
        return as_chain(module)
    except Unwritten as error:
        raise TypeError(
            f"from_torch: {where} cannot be written as a chain: {error}; write it as torch.nn.Sequential, with "
            "tgi.torch.Residual for x + f(x)"
        ) from None


HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


def require_plain(module: torch.nn.Module, where: str) -> None:
    """That a module is what its class and its parameters say.

    Raises
    ------
    TypeError
        It has hooks, computes its weights from others, or has none yet.
    """
    if torch.nn.utils.parametrize.is_parametrized(module):
        raise TypeError(
            f"from_torch: {where} computes its parameters from others; "
            "torch.nn.utils.parametrize.remove_parametrizations leaves the numbers as they are"
        )
    if any(torch.nn.parameter.is_lazy(parameter) for parameter in module.parameters(recurse=False)):
        raise TypeError(f"from_torch: {where} has no parameters yet; call the model once, which makes them")
    if any(getattr(module, hooks, None) for hooks in HOOKS) or "forward" in vars(module):
        raise TypeError(
            f"from_torch: {where} has hooks or a forward of its own, which would be lost; remove them first"
        )


def said(name: str, module: Any) -> str:
    """A module by its name and class."""
    return f"{name} ({type(module).__name__})" if name else type(module).__name__


def joined(name: str, part: str) -> str:
    """The name of a part."""
    return f"{name}.{part}" if name else part

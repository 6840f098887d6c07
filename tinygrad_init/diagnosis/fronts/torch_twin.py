"""A twin of a PyTorch model that is looked at instead of it: the model itself is never run.

Hooks of the model's owner are not the twin's, since they would be called for what nobody asked for; PyTorch's own, such
as those that normalize weights, are.
"""

from __future__ import annotations

import copy
import math
import random
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .torch_calls import tensors_of
from .torch_losses import Loss, cost_of, one_number
from .torch_modules import called, dtype_of, named_inputs

WRAPPERS = (nn.DataParallel, nn.parallel.DistributedDataParallel)
HOOKS = (
    "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks", "_state_dict_hooks",
    "_state_dict_pre_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks",
)  # fmt: skip
# Squares of smaller numbers than this are lost in float32.
TINY = 1e-15
# What an owner may change from step to step, such as a temperature.
PLAIN = (bool, int, float, str)


def unwrapped(model: nn.Module) -> nn.Module:
    """What `torch.compile` was given, or several devices share."""
    while True:
        inner = model.module if isinstance(model, WRAPPERS) else getattr(model, "_orig_mod", model)
        if inner is model:
            return model
        model = inner


class Twin:
    """A copy of a model, which follows it.

    Parameters
    ----------
    model
        Any module.
    x, y
        A batch; what of it is a tensor is copied to where the model is.
    loss
        From predictions and targets to one number.

    Raises
    ------
    TypeError
        The model cannot be copied.
    """

    def __init__(self, model: nn.Module, x: Any, y: Any, loss: Loss) -> None:
        self.model, self.loss = model, loss
        kind, place = dtype_of(model), device_of(model)
        self.x, self.inputs = x, {name: value.to(place) for name, value in named_inputs(x, kind).items()}
        target = y.detach() if isinstance(y, Tensor) else torch.from_numpy(np.array(y))
        self.y = target.to(place, kind if target.is_floating_point() else target.dtype, copy=True)
        self.again()

    def again(self) -> None:
        """A new twin, since the model has other parts than the last one."""
        # Instead of what is registered there, a copy has PyTorch's own hooks alone.
        known = {
            id(vars(module)[kind]): own_hooks(vars(module)[kind])
            for module in self.model.modules()
            for kind in HOOKS
            if kind in vars(module)
        }
        try:
            with torch.no_grad():
                self.twin = copy.deepcopy(self.model, known)
        except (TypeError, RuntimeError, AttributeError) as error:
            raise TypeError(
                f"watch: {type(self.model).__name__} cannot be copied ({error}); without x, y and loss it is watched "
                "by its parameters and gradients alone"
            ) from None
        self.modules = list(zip(self.model.modules(), self.twin.modules(), strict=True))
        self.names = {id(module): name for name, module in self.twin.named_modules()}
        self.parts = self.identities()

    def identities(self) -> list[int]:
        """Which modules and parameters the model has."""
        return [id(part) for parts in (self.model.modules(), self.model.parameters()) for part in parts]

    def refresh(self) -> None:
        """Be what the model is now."""
        if self.identities() != self.parts:
            self.again()
        with torch.no_grad():
            for own, copied in (
                (self.model.parameters(), self.twin.parameters()),
                (self.model.buffers(), self.twin.buffers()),
            ):
                pairs = list(zip(own, copied, strict=True))
                if any(a.shape != b.shape or a.dtype != b.dtype for a, b in pairs):  # a buffer that grows
                    return self.again()
                for a, b in pairs:
                    b.copy_(a)
                    if b.requires_grad != a.requires_grad:
                        b.requires_grad_(a.requires_grad)
        for module, its in self.modules:
            mode = its.training
            for name, value in vars(module).items():
                if isinstance(value, PLAIN):
                    vars(its)[name] = value
            its.training = mode
        return None

    @contextmanager
    def ready(self, gradients: bool = False) -> Iterator[nn.Module]:
        """The twin as it is looked at: nothing is dropped, and batches are normalized as they are in training.

        Random numbers are afterwards where they were.
        """
        for module, its in self.modules:
            its.training = module.training and normalizes_batches(module)
        states = random.getstate(), np.random.get_state()  # noqa: NPY002 (what somebody's model may draw from)
        place = device_of(self.twin)
        try:
            devices = [place] if place.type == "cuda" else []
            with torch.random.fork_rng(devices=devices), torch.set_grad_enabled(gradients):
                yield self.twin
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])  # noqa: NPY002

    def returned(self) -> Any:
        """What the twin returns for the batch; to be called when it is `ready`."""
        return called(self.twin, self.x, self.inputs)

    def cost(self) -> float:
        """The loss of the batch as the model is now."""
        with self.ready():
            return float(cost_of(self.loss, self.returned(), self.y))

    def gradient(self) -> float:
        """The norm of the batch's own gradient by all parameters that are learned."""
        wanted = [parameter for parameter in self.twin.parameters() if parameter.requires_grad]
        if not wanted:
            return 0.0
        with self.ready(gradients=True):
            cost = one_number(cost_of(self.loss, self.returned(), self.y))
            found = torch.autograd.grad(cost, wanted, allow_unused=True)
        return norm_of([gradient for gradient in found if gradient is not None])

    def first_broken(self) -> str | None:
        """The name of the first module whose output is not finite, though its input is; None if there is none."""
        found: list[str] = []

        def look(module: nn.Module, args: Any, output: Any) -> None:
            if not found and not is_finite(output) and is_finite(args):
                found.append(self.names[id(module)])

        hooks = [module.register_forward_hook(look) for module in self.twin.modules()]
        try:
            with self.ready():
                end = self.returned()
        finally:
            for hook in hooks:
                hook.remove()
        return found[0] if found else None if is_finite(end) else ""


def device_of(model: nn.Module) -> torch.device:
    """Where the first parameter is."""
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


def own_hooks(hooks: Any) -> Any:
    """Those of a module that are PyTorch's."""
    kept = ((key, hook) for key, hook in hooks.items() if type(hook).__module__.startswith("torch."))
    return OrderedDict(kept) if isinstance(hooks, OrderedDict) else dict(kept)


def normalizes_batches(module: nn.Module) -> bool:
    """Whether a look is to see it as it is in training; not where devices would wait for each other."""
    kinds = nn.modules.batchnorm._BatchNorm
    return isinstance(module, kinds) and not isinstance(module, nn.SyncBatchNorm)


def is_finite(tree: Any) -> bool:
    """Whether all real numbers in tensors are finite."""
    return all(bool(torch.isfinite(t).all()) for t in tensors_of(tree) if t.is_floating_point())


def norm_of(tensors: list[Tensor]) -> float:
    """Of all numbers together."""
    return math.hypot(*(length(values_of(tensor)) for tensor in tensors))


def length(values: Tensor) -> float:
    """The norm of a tensor; in float64, which is slower, where squares leave the range of its dtype."""
    found = float(torch.linalg.vector_norm(values))
    if TINY < found < math.inf:
        return found
    return float(torch.linalg.vector_norm(values, dtype=torch.float64))


def values_of(tensor: Tensor) -> Tensor:
    """The numbers of a tensor, of a sparse one those that are there."""
    return tensor.detach().coalesce().values() if tensor.is_sparse else tensor.detach()

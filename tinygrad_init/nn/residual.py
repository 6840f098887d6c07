"""Residual connections."""

from __future__ import annotations

from typing import Any

from ..layering import RESIDUAL
from .module import Module


class Residual(Module):
    """x + branch(x), or shortcut(x) + branch(x): a layer that starts from what it got (He et al. 2016, eq. 1 and 2).

    Parameters
    ----------
    branch
        What is learned on top.
    shortcut
        What brings x to the branch's shape where that differs, such as a convolution with a window of 1; nothing, the
        identity, unless given.
    """

    role = RESIDUAL

    def __init__(self, branch: Module, shortcut: Module | None = None) -> None:
        for name, module in (("branch", branch), ("shortcut", shortcut)):
            if not isinstance(module, Module) and not (name == "shortcut" and module is None):
                raise TypeError(f"Residual: expected {name} to be a module, got {type(module).__name__}")
        self.branch, self.shortcut = branch, shortcut
        self.name_parameters()

    def forward(self, x: Any) -> Any:
        kept = x if self.shortcut is None else self.shortcut(x)
        added = self.branch(x)
        if added.shape != kept.shape:
            raise ValueError(
                f"Residual: the branch makes shape {added.shape} beside {kept.shape}; a shortcut would bring x to it"
            )
        return kept + added

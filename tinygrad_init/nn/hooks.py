"""Functions that a module calls before and after its own, and what takes them away again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

BEFORE, AFTER = "before", "after"


class Hook(NamedTuple):
    """One function, when it is called, and whether it is given what was passed by name, too."""

    when: str
    function: Callable[..., Any]
    with_kwargs: bool


class Handle:
    """What registering a hook gives: `remove()` takes the hook away; as a context it does so at the end."""

    def __init__(self, module: Any, hook: Hook) -> None:
        self.module, self.hook = module, hook

    def remove(self) -> None:
        """Take the hook away; nothing happens if it is gone."""
        # A new tuple, never a change of the old: captured programs take a module's attributes for granted.
        self.module._hooks = tuple(one for one in self.module._hooks if one is not self.hook)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def register(module: Any, when: str, function: Callable[..., Any], prepend: bool, with_kwargs: bool) -> Handle:
    """Have a module call a function.

    Raises
    ------
    TypeError
        It is no function.
    """
    if not callable(function):
        raise TypeError(f"{type(module).__name__}: expected a function as a hook, got {type(function).__name__}")
    hook = Hook(when, function, with_kwargs)
    module._hooks = (hook, *module._hooks) if prepend else (*module._hooks, hook)
    return Handle(module, hook)


def called_with_hooks(module: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """What a module's forward makes of its inputs, hooks before and after it."""
    for hook in module._hooks:
        if hook.when != BEFORE:
            continue
        changed = hook.function(module, inputs, options) if hook.with_kwargs else hook.function(module, inputs)
        if changed is None:
            continue
        if hook.with_kwargs:
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise TypeError(f"{type(module).__name__}: a hook with_kwargs gives None or a pair of inputs, by place "
                                "and by name")  # fmt: skip
            inputs, options = changed
        else:
            inputs = changed if isinstance(changed, tuple) else (changed,)
    output = module.forward(*inputs, **options)
    for hook in module._hooks:
        if hook.when == AFTER:
            given = (inputs, options, output) if hook.with_kwargs else (inputs, output)
            changed = hook.function(module, *given)
            output = output if changed is None else changed
    return output

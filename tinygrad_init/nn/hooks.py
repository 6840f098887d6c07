"""Functions that a module calls before and after its own, forward and on the way back, and what takes them away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .crossing import Crossing

BEFORE, AFTER, BACKWARD_BEFORE, BACKWARD_AFTER = "before", "after", "before backward", "after backward"


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


class Hooked:
    """What a module has of hooks."""

    _hooks: tuple[Hook, ...] = ()

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Have `hook(module, inputs, output)` called after each forward; what it returns, unless None, comes out.

        Parameters
        ----------
        prepend
            Whether it comes before those that are there.
        with_kwargs
            Whether it is given what was passed by name as well: `hook(module, inputs, options, output)`.

        Returns
        -------
        Handle
            Its `remove()` takes the hook away.

        Raises
        ------
        TypeError
            The hook is no function.
        """
        return self._register(AFTER, hook, prepend, with_kwargs)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Have `hook(module, inputs)` called before each forward; what it returns, unless None, goes in instead.

        With `with_kwargs` it is `hook(module, inputs, options)`, and what it returns a pair of both. See
        `register_forward_hook`.
        """
        return self._register(BEFORE, hook, prepend, with_kwargs)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Handle:
        """Have `hook(module, grad_input, grad_output)` called when backward has come through the module.

        Both are tuples, with a gradient for each input by position and for each output: None for what is no tensor of
        floats, and for outputs that nothing depends on. If no input requires grad, all of `grad_input` is None, and
        the hook is called as soon as `grad_output` is there. A tuple that the hook returns goes on in place of
        `grad_input`. Outputs are a tensor or a tuple of such.

        Parameters
        ----------
        prepend
            Whether it comes before those that are there.

        Returns
        -------
        Handle
            Its `remove()` takes the hook away.

        Raises
        ------
        TypeError
            The hook is no function; in backward: it returned something else than None or a tuple.
        RuntimeError
            In backward: it returned another number of gradients, or some where no input requires grad.
        ValueError
            In backward: a gradient that it returned has another shape or dtype.
        """
        return self._register(BACKWARD_AFTER, hook, prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Handle:
        """Have `hook(module, grad_output)` called when backward comes to the module.

        A tuple that it returns goes on in place of `grad_output`. See `register_full_backward_hook`.
        """
        return self._register(BACKWARD_BEFORE, hook, prepend)

    def _register(self, when: str, function: Callable[..., Any], prepend: bool, with_kwargs: bool = False) -> Handle:
        if not callable(function):
            raise TypeError(f"{type(self).__name__}: expected a function as a hook, got {type(function).__name__}")
        hook = Hook(when, function, with_kwargs)
        self._hooks = (hook, *self._hooks) if prepend else (*self._hooks, hook)
        return Handle(self, hook)

    def _hooks_for(self, when: str) -> list[Callable[..., Any]]:
        return [hook.function for hook in self._hooks if hook.when == when]


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
    before, after = module._hooks_for(BACKWARD_BEFORE), module._hooks_for(BACKWARD_AFTER)
    crossing, gate = Crossing(module, before, after) if before or after else None, None
    if crossing is not None:
        inputs, gate = crossing.entered(inputs)
    output = module.forward(*inputs, **options)
    for hook in module._hooks:
        if hook.when == AFTER:
            given = (inputs, options, output) if hook.with_kwargs else (inputs, output)
            changed = hook.function(module, *given)
            output = output if changed is None else changed
    return output if crossing is None else crossing.left(output, gate)

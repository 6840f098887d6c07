"""Newton's method with a Hessian that is guessed from the last gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..engine.modes import enable_grad, mode, no_grad
from ..engine.tensor import Tensor
from .groups import Array, Remembered
from .line_search import Point, strong_wolfe
from .optimizer import Optimizer, Parameters
from .saved_states import as_array


class LBFGS(Optimizer):
    """Limited-memory BFGS (Liu and Nocedal 1989; the direction by the two loops of Nocedal 1980).

    A step asks for the loss many times, so it needs a closure, and it decides by numbers: it cannot be captured, while
    the closure may be a captured program.

    Parameters
    ----------
    parameters
        As in `Optimizer`, in one group.
    lr
        How far to go along the direction; with a line search, where that begins.
    max_iter
        Iterations a step.
    max_eval
        Evaluations of the loss a step; 5/4 of the iterations unless given.
    tolerance_grad, tolerance_change
        Stop at so small a gradient, and at so small a change of the weights or the loss.
    history_size
        How many changes of the gradient are remembered.
    line_search_fn
        "strong_wolfe" or none.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        counts = {"max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval}
        tolerances = {"tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change}
        more = {"history_size": history_size, "line_search_fn": line_search_fn}
        super().__init__(parameters, {"lr": lr} | counts | tolerances | more)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        if self.param_groups:
            raise ValueError("LBFGS: the Hessian is one of all parameters, which have to be in a single group")
        super().add_param_group(param_group)

    def check(self, options: Mapping[str, Any]) -> None:
        super().check(options)
        if options["line_search_fn"] not in (None, "strong_wolfe"):
            raise ValueError(f"LBFGS: line_search_fn must be 'strong_wolfe' or None, got {options['line_search_fn']!r}")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Iterate until it is good enough, or has taken long enough.

        Parameters
        ----------
        closure
            Forgets the gradients, finds the loss and its gradients, and returns the loss.

        Returns
        -------
        The first loss.

        Raises
        ------
        TypeError
            There is no closure.
        """
        if closure is None:
            raise TypeError("LBFGS: step asks several times; expected a closure that finds loss and gradients")
        trace = mode.trace
        if trace is not None:
            trace.refuse("LBFGS decides by the numbers that it finds; capture the closure, and call step outside")
        with np.errstate(all="ignore"):
            return self.iterate(closure, self.state[self.parameters[0]], self.param_groups[0])

    def iterate(self, closure: Callable[[], Any], state: Remembered, options: Mapping[str, Any]) -> Any:
        """A step."""

        def evaluate() -> tuple[Any, float, Array]:
            with enable_grad():
                found = closure()
            return found, float(found), self.gradient()

        first, loss, gradient = evaluate()
        tried, iterations = 1, 0
        state.update(func_evals=state.get("func_evals", 0) + 1, n_iter=state.get("n_iter", 0))
        enough = options["tolerance_change"]
        small = largest(gradient) <= options["tolerance_grad"]
        while not small and iterations < options["max_iter"]:
            iterations += 1
            state["n_iter"] += 1
            direction = self.direction(state, gradient, options)
            t = options["lr"]
            if state["n_iter"] == 1:  # nothing is known of the scale: no step longer than 1, by the sum of its parts
                t *= min(1.0, 1.0 / float(np.abs(gradient).sum()))
            state.update(d=direction, t=t, prev_flat_grad=gradient, prev_loss=loss)
            slope, before = float(gradient @ direction), loss
            if slope > -enough:
                break
            here = self.flat()
            evaluations = 0
            if options["line_search_fn"] is not None:

                def at(t: float, here: Array = here, direction: Array = direction) -> Point:
                    self.set_flat(here + t * direction)
                    _, found, slopes = evaluate()
                    return Point(t, found, slopes, float(slopes @ direction))

                start = Point(0.0, loss, gradient, slope)
                end, evaluations = strong_wolfe(at, start, t, largest(direction))
                loss, gradient, t = end.loss, end.gradient, end.t
                state["t"] = t
                self.set_flat(here + t * direction)
            else:
                self.set_flat(here + t * direction)
                if iterations < options["max_iter"]:  # after the last one nobody would look
                    _, loss, gradient = evaluate()
                    evaluations = 1
            small = largest(gradient) <= options["tolerance_grad"]
            tried += evaluations
            state["func_evals"] += evaluations
            still = largest(t * direction) <= enough or abs(loss - before) < enough
            if tried >= options["max_eval"] or still:
                break
        return first

    def direction(self, state: Remembered, gradient: Array, options: Mapping[str, Any]) -> Array:
        """Minus the guessed inverse Hessian times the gradient."""
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
            return -gradient
        changes, steps, rho = state["old_dirs"], state["old_stps"], state["ro"]
        change, step = gradient - state["prev_flat_grad"], state["d"] * state["t"]
        curvature = float(change @ step)
        if curvature > 1e-10:
            for known, value in ((changes, change), (steps, step), (rho, 1.0 / curvature)):
                if len(known) == options["history_size"]:
                    del known[0]
                known.append(value)
            state["H_diag"] = curvature / float(change @ change)
        found, shares = -gradient, []
        for y, s, r in zip(reversed(changes), reversed(steps), reversed(rho), strict=True):
            shares.append(float(s @ found) * r)
            found = found - shares[-1] * y
        found = found * state["H_diag"]
        for y, s, r, share in zip(changes, steps, rho, reversed(shares), strict=True):
            found = found + (share - float(y @ found) * r) * s
        return found

    def gradient(self) -> Array:
        """All gradients in a row; zeros where there is none."""
        parts = [np.zeros(p.size, p.dtype) if p.grad is None else p.grad.numpy() for p in self.parameters]
        return np.concatenate([part.reshape(-1) for part in parts])

    def flat(self) -> Array:
        """All parameters in a row."""
        return np.concatenate([p.numpy().reshape(-1) for p in self.parameters])

    def set_flat(self, values: Array) -> None:
        """Set all parameters from a row."""
        ends = np.cumsum([p.size for p in self.parameters])
        with no_grad():
            for p, part in zip(self.parameters, np.split(values, ends[:-1]), strict=True):
                p.copy_(part.reshape(p.shape).astype(p.dtype, copy=False))

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        super().load_state_dict(state_dict)
        for known in self.state.values():
            known.pop("al", None)  # PyTorch's scratch paper
            for name, value in known.items():
                super(Remembered, known).__setitem__(name, in_a_row(value))


def in_a_row(value: Any) -> Any:
    """What is remembered, of whatever library: arrays as rows of numbers, numbers as numbers."""
    if isinstance(value, list):
        return [in_a_row(item) for item in value]
    if isinstance(value, Tensor) or not hasattr(value, "reshape"):
        return value
    return as_array(value).reshape(-1)


def largest(values: Array) -> float:
    """The largest size of an entry."""
    return float(np.abs(values).max(initial=0.0))

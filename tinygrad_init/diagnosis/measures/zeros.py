"""Why a gradient is exactly zero, and whether training can ever make it anything else."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...words import say
from ..network import ACTIVATION, WEIGHTS, Cotangent, Link, Network
from ..records import Zeros

Array = np.ndarray[Any, Any]

LOSS, SLOPE, NEXT, STOPPED, ABOVE = "loss derivative", "slope", "next weights", "stopped", "above"
INPUT, APART, CANCELLATION, UNDERFLOW = "input", "never together", "cancellation", "underflow"
# So far the parameter moves that moves farthest, where it is tried out what wakes.
STRIDE = 0.01
# Of more units without a gradient so many, evenly spread, are asked why; if all say the same, so do the others.
MOST_ASKED = 16
RULES = {
    rule: say(f"zero.{rule}") for rule in (LOSS, SLOPE, NEXT, STOPPED, ABOVE, INPUT, APART, CANCELLATION, UNDERFLOW)
}


def explain_zeros(native: Network, exact: Network) -> tuple[Zeros, ...]:
    """For every weight matrix, which rule makes the zeros of its gradient.

    Parameters
    ----------
    native
        The network run in its own dtype.
    exact
        The same in float64: where its gradient is not 0, the dtype is to blame.
    """
    cotangents = exact.cotangents
    steps = wake_up(exact)
    unknown: int | None = None
    if steps is None:
        silent = not all(native.gradients[link.matrix.name].any() for link in native.linears())
        steps, unknown = (wake_by_steps(exact) if silent else {}), -1
    found = []
    for own, link in zip(native.linears(), exact.linears(), strict=True):
        zero = link.by_unit(native.gradients[own.matrix.name]) == 0
        rules: dict[str, float] = {}
        if zero.any():
            counts = np.bincount(why_zero(exact, link, cotangents)[zero], minlength=len(RULES))
            rules = {rule: int(count) / zero.size for rule, count in zip(RULES, counts, strict=True) if count}
        wakes = steps.get(link.matrix.name, unknown)
        found.append(Zeros(link.matrix.name, float(np.mean(zero)), rules, wakes))
    return tuple(found)


def why_zero(network: Network, link: Link, cotangents: dict[Link, Cotangent]) -> Array:
    """For every entry of a weight the place in `RULES` of the one that would make its gradient 0.

    Where the gradient is not 0 in float64 that is `UNDERFLOW`.
    """
    place = list(RULES).index
    delta = cotangents[link].unit.reshape(link.output.shape)
    gradient = link.by_unit(link.pull_to(link.matrix, cotangents[link]).unit.reshape(link.matrix.values.shape))
    why = np.full(gradient.shape, place(UNDERFLOW), np.int8)
    zero = gradient == 0
    why[zero] = place(CANCELLATION)
    silent = np.flatnonzero(~link.rows(delta).any(axis=0))
    zero[silent] = False
    if zero.any():
        # Without signs nothing cancels: what is still 0 has no sample (and position) where both factors are there.
        why[unsigned_gradient(link, np.abs(delta)) == 0] = place(APART)
        why[unsigned_gradient(link, np.ones(delta.shape)) == 0] = place(INPUT)
    first = silent[:: -(-len(silent) // MOST_ASKED) or 1]
    reasons = {int(unit): why_silent(network, link, int(unit), cotangents) for unit in first}
    alike = len(set(reasons.values())) == 1
    for unit in silent:
        reason = reasons.get(int(unit)) or (reasons[int(first[0])] if alike else None)
        why[unit] = place(reason or why_silent(network, link, int(unit), cotangents))
    return why


def unsigned_gradient(link: Link, delta: Array) -> Array:
    """∂C/∂W by units as it would be if all inputs were positive, for a cotangent without signs."""
    unsigned = link.again(np.abs(link.x))
    assert unsigned.vjp_to is not None
    return link.by_unit(unsigned.vjp_to(link.matrix.name, delta))


def why_silent(network: Network, link: Link, unit: int, cotangents: dict[Link, Cotangent]) -> str:
    """Why no gradient arrives at a unit's z: what stops it on the way from the output.

    The numbers that depend on the unit are followed upwards, on all ways, each as far as the next weights; the first
    link that a gradient reaches among them, but does not pass, is to blame. If there is none the gradient is 0 above,
    unless on every way there comes a link whose output does not depend on the unit at all.
    """
    if network.from_loss.is_zero:
        return LOSS
    masks: dict[Link | str, Array] = {}
    for use in network.all_uses[link]:
        masks[use] = mask = np.zeros(use.output.shape, bool)
        np.moveaxis(mask, use.unit_axis, 0)[unit] = True
    row, place = network.places[network.all_uses[link][0]]
    ends = []
    for above in row[place + 1 :]:
        pairs = zip(above.sources, above.inputs, strict=True)
        came = [np.broadcast_to(masks.get(source, False), x.shape) for source, x in pairs]
        if not any(each.any() for each in came):
            continue
        arriving = cotangents[above].unit.reshape(above.output.shape) != 0
        if above.role == ACTIVATION:
            if (arriving & came[0]).any():
                return SLOPE
            masks[above] = came[0]
            continue
        mask = depends_on(above, came)
        if not mask.any():
            ends.append(NEXT if above.role == WEIGHTS else STOPPED)
        elif (arriving & mask).any():
            return CANCELLATION
        elif above.role == WEIGHTS:
            ends.append(ABOVE)
        else:
            masks[above] = mask
    return ends[0] if ends and ABOVE not in ends else ABOVE


def depends_on(link: Link, masks: list[Array]) -> Array:
    """Which numbers of a link's output change with the given ones of its inputs."""
    if link.draws:
        return masks[0]
    if link.role == WEIGHTS and link.matrix.values.ndim == 2:  # the weights say it, without another product
        (mask,) = masks
        units = np.flatnonzero(mask.any(axis=tuple(range(mask.ndim - 1))))
        return np.asarray(mask[..., units] @ (link.by_unit(link.matrix.values)[:, units] != 0).T)
    changed = [
        np.where(mask, x + 1 + np.abs(np.random.default_rng(0).normal(size=x.shape)), x)
        for mask, x in zip(masks, link.inputs, strict=True)
    ]
    return np.asarray(link.again(*changed).output != link.output)


def wake_up(network: Network) -> dict[str, int] | None:
    """By name of a weight or bias, in which step of training it can first get a gradient, counted from 0.

    Names that are missing never get one, whatever the learning rate. None if the network is not dense layers and
    activations in turn.

    Notes
    -----
    Only what can be other than 0 is followed, not how large it is: a unit's z can move if its weights, its bias or its
    input can; its activation is other than 0 if z is, or if φ(0) is; its gradient passes where φ' is not 0 now or z can
    move; a weight gets a gradient where both its unit and its input have something. What gets a gradient can be other
    than 0 one step later. An update that is exactly 0 for all parameters is the end: the next one is the same.
    """
    layers = network.dense_layers()
    if layers is None:
        return None
    if not any(gradient.any() for gradient in network.gradients.values()):
        return {}
    first: dict[str, int] = {}
    on = {name: values != 0 for name, values in network.parameters.items()}
    moving = {name: np.zeros(pattern.shape, bool) for name, pattern in on.items()}
    for step in range(4 * len(layers) + 4):
        gradients = _possible_gradients(network, layers, on, moving)
        fresh = False
        for name, pattern in gradients.items():
            if pattern.any() and name not in first:
                first[name] = step
            fresh = fresh or bool(np.any(pattern & ~moving[name]))
            moving[name], on[name] = moving[name] | pattern, on[name] | pattern
        if not fresh:
            break
    return first


def wake_by_steps(network: Network, steps: int = 3) -> dict[str, int]:
    """The same for any network, found by a few small steps: in which a weight or bias first gets a gradient.

    Those that have none until then are missing.
    """
    first: dict[str, int] = {}
    parameters = dict(network.parameters)
    for step in range(steps):
        for name, gradient in network.gradients.items():
            if gradient.any():
                first.setdefault(name, step)
                parameters[name] = parameters[name] - STRIDE * gradient / np.max(np.abs(gradient))
        if len(first) == len(network.gradients) or step == steps - 1:
            break
        network = network.again(parameters=parameters)
    return first


def _possible_gradients(
    network: Network, layers: list[tuple[Link, Link | None]], on: dict[str, Array], moving: dict[str, Array]
) -> dict[str, Array]:
    """Which entries of each parameter can have a gradient now, by what is other than 0 and what has moved."""
    a: Array = some(layers[0][0].x != 0, 0)
    a_moves: Array = np.zeros(a.shape, bool)
    inputs, slopes = [], []
    for link, activation in layers:
        inputs.append(a)
        weight, bias = link.matrix.name, "" if link.bias is None else link.bias.name
        z = some(on[weight] & a, 1) | on.get(bias, False)
        z_moves = some(moving[weight] & a, 1) | some(on[weight] & a_moves, 1) | moving.get(bias, False)
        if activation is None:
            a, a_moves, slope = z, z_moves, np.ones(z.shape, bool)
        else:
            record = activation.activation
            passes = some(record.slope(activation.x) != 0, 0)
            slope = passes | z_moves
            at_zero = record.value(np.zeros(record.units))
            a = np.where(z, some(activation.output != 0, 0) | z_moves, at_zero != 0)
            a_moves = z_moves
        slopes.append(slope)
    arriving: Array = some(network.from_loss.unit != 0, 0) | a_moves
    found = {name: np.zeros(pattern.shape, bool) for name, pattern in on.items()}
    for (link, _), x, slope in zip(reversed(layers), reversed(inputs), reversed(slopes), strict=True):
        delta, weight = arriving & slope, link.matrix.name
        found[weight] |= delta[:, None] & x  # or what another layer with the same weight gives
        if link.bias is not None:
            found[link.bias.name] |= delta
        arriving = some(on[weight] & delta[:, None], 0)
    return found


def some(pattern: Array, axis: int) -> Array:
    """Where there is something along an axis."""
    return np.atleast_1d(np.any(pattern, axis=axis))

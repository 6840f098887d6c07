"""What theory says of a network's layers, beside what was measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from ...theory import LayerSpec, Profile, phi_of, profile_of
from ...theory.quadrature import Array
from ..network import Network
from ..records import Layer, Prediction

# So many standard deviations of the logarithm from what is expected are still chance.
DEVIATIONS = 3.0
# So many kinds of samples, from the smallest to the largest, are told apart.
GROUPS = 8


def predict(network: Network, layers: Sequence[Layer]) -> tuple[Prediction, ...]:
    """rms z and rms ∂C/∂z of every layer, from the variances of weights and biases alone.

    Empty unless the network is dense layers and elementwise activations in turn. Theory takes weights for independent
    of each other and of the data: what departs from it is not random, or no longer.

    Notes
    -----
    σ_w² is fan_in times the mean square of a layer's weights, σ_b² the mean square of its biases (`theory.profile_of`).
    The gradient starts at what was measured at the output.
    """
    with np.errstate(all="ignore"):
        return _predict(network, layers)


def _predict(network: Network, layers: Sequence[Layer]) -> tuple[Prediction, ...]:
    found = network.dense_layers()
    if found is None or not all(math.isfinite(layer.z.rms) for layer in layers):
        return ()
    specs = []
    try:
        for link, activation in found:
            weight, bias = link.matrix.values.astype(np.float64), link.bias
            phi = phi_of("identity" if activation is None else activation.activation)
            variance = 0.0 if bias is None else float(np.mean(np.square(bias.values.astype(np.float64))))
            fan_in = weight.shape[1]
            specs.append(LayerSpec(phi, fan_in * float(np.mean(np.square(weight))), variance, len(weight)))
    except (TypeError, ValueError):  # an activation that theory has no one function for, such as PReLU's many slopes
        return ()
    squares = np.mean(np.square(found[0][0].x.astype(np.float64)), axis=1)
    if not np.isfinite(squares).all():
        return ()
    # Samples of different size have different profiles: a few that stand for all, averaged.
    groups = [float(np.mean(group)) for group in np.array_split(np.sort(squares), min(len(squares), GROUPS))]
    try:
        profiles = [profile_of(specs, square) for square in groups]
    except ValueError:  # too large to be squared
        return ()
    units = np.array([layer.units for layer in layers])
    forward = np.array([layer.z.rms for layer in layers])
    backward = np.array([layer.dz.rms for layer in layers])
    # The theory speaks of ‖∂C/∂z‖², these are means over units.
    scale = backward[-1] * np.sqrt(units[-1] / units)
    return (
        compare("z", "rms z", forward, profiles, "q", 1.0, range(len(layers))),
        compare("dz", "rms ∂C/∂z", backward, profiles, "gradient", scale, range(len(layers))[::-1]),
    )


def compare(
    what: str, name: str, measured: Array, profiles: list[Profile], of: str, scale: Array | float, way: Iterable[int]
) -> Prediction:
    """A prediction of squares as one of root mean squares, and where on the way the measurement leaves the band."""
    with np.errstate(all="ignore"):
        squares = [getattr(profile, of) for profile in profiles]
        bands = [profile.band(of, DEVIATIONS) for profile in profiles]
        means = [np.mean(values, axis=0) for values in (squares, *zip(*bands, strict=True))]
        expected, low, high = (scale * np.sqrt(values) for values in means)
    outside = (measured < low * (1 - 1e-9)) | (measured > high * (1 + 1e-9))
    departs = next((i + 1 for i in way if outside[i]), None)
    numbers = [tuple(float(v) for v in values) for values in (expected, low, high, measured)]
    return Prediction(what, name, numbers[0], numbers[1], numbers[2], numbers[3], departs)

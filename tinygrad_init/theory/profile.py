"""What a network should look like, layer by layer, and how far one of finite width may be from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .phi import Phi
from .quadrature import Array


@dataclass(frozen=True)
class Profile:
    """Predictions for the preactivations z_1 … z_L of L linear maps with activations a_l = φ(z_l) after them.

    Attributes
    ----------
    q, a_square
        E z_l² and E a_l².
    chi
        χ at q_l, with the σ_w of the weights above.
    gradient
        ‖∂C/∂z_l‖² in proportion to ‖∂C/∂z_L‖²: the product of χ from l to L - 1.
    log_std_q, log_std_a, log_std_gradient
        The standard deviations of the logarithms of |z_l|²/n, |a_l|²/n and the gradient's factor from one network of
        the given width to another; 0 at infinite width.
    log_shift_q, log_shift_a, log_shift_gradient
        How far the mean logarithm lies from the logarithm of the mean.

    Notes
    -----
    Given the layer before, the z of a layer are independent Gaussians, so |a_l|²/n is a mean of n independent φ(z)²
    and its relative variance is κ/n with κ = E φ⁴/(E φ²)² - 1; the weights are the only source of randomness and are
    already in that. What the layer before deviated from its expectation, in the logarithm, is passed on times
    e = d ln E φ²/d ln q · σ_w² E a²/q. So, to first order in 1/n,

        Var ln|a_l|² = e_l² Var ln|a_{l-1}|² + κ_l/n,    Var ln|z_l|² = (σ_w² E a²_{l-1}/q_l)² Var ln|a_{l-1}|² + 2/n.

    For ReLU without biases e = 1 and κ = 5: Var ln|a_L|² = 5L/n, as in E‖a‖⁴/(E‖a‖²)² = ∏(1 + 5/n_l). Going back,
    ∂C/∂a_l is Gaussian, with weights taken as independent of those of the way forward, and the relative variance of
    |∂C/∂z_l|²/|∂C/∂z_{l+1}|² is (3 E φ'⁴/(E φ'²)² - 1)/n; here, too, ReLU has 5/n. Where φ'² depends on q, deviations
    of q come in on top, and they are correlated with those of φ'² in the same layer by E φ²φ'²/(E φ² E φ'²) - 1. The
    mean of a logarithm is lower than the logarithm of the mean: by half the variance that each layer adds and passes
    on, and for the gradient, whose expectation is kept, by half of all its variance.
    """

    q: Array
    a_square: Array
    chi: Array
    gradient: Array
    log_std_q: Array
    log_std_a: Array
    log_std_gradient: Array
    log_shift_q: Array
    log_shift_a: Array
    log_shift_gradient: Array

    def band(self, what: str = "a_square", deviations: float = 2.0) -> tuple[Array, Array]:
        """The lower and upper ends between which a network should lie, for "q", "a_square" or "gradient".

        Parameters
        ----------
        what
            Which prediction.
        deviations
            How many standard deviations of the logarithm on each side.

        Raises
        ------
        ValueError
            There is no such prediction.
        """
        short = {"q": "q", "a_square": "a", "gradient": "gradient"}
        if what not in short:
            raise ValueError(f"band: expected one of {', '.join(short)}, got {what!r}")
        std, shift = getattr(self, f"log_std_{short[what]}"), getattr(self, f"log_shift_{short[what]}")
        with np.errstate(over="ignore", invalid="ignore"):  # where networks differ by more than a float holds
            middle = getattr(self, what) * np.exp(shift)
            return middle * np.exp(-deviations * std), middle * np.exp(deviations * std)


@dataclass(frozen=True)
class LayerSpec:
    """A linear map and the activation after it, as the theory sees them.

    Attributes
    ----------
    phi
        The activation.
    weight_variance, bias_variance
        σ_w² = fan_in·Var w, and σ_b².
    units
        How many; infinity for no fluctuations.
    """

    phi: Phi
    weight_variance: float
    bias_variance: float
    units: float


def profile_of(layers: Sequence[LayerSpec], input_square: float = 1.0) -> Profile:
    """Predictions for a network of any linear maps and activations.

    Raises
    ------
    ValueError
        `input_square` is no mean square, or that of a layer is larger than a float can be.
    """
    if not (input_square >= 0 and math.isfinite(input_square)):
        raise ValueError(f"profile: expected a finite mean square of the input, got {input_square}")
    depth, units = len(layers), np.array([layer.units for layer in layers])
    q, a, chi = np.empty(depth), np.empty(depth), np.empty(depth)
    # Of the logarithms: what a layer adds of its own, how it passes on deviations, what has come together.
    own_a, own_g, shared = np.empty(depth), np.empty(depth), np.empty(depth)
    to_q, to_a, to_g = np.empty(depth), np.empty(depth), np.empty(depth)
    before = input_square
    for i, layer in enumerate(layers):
        w2, above = layer.weight_variance, layers[min(i + 1, depth - 1)].weight_variance
        q[i] = w2 * before + layer.bias_variance
        if not math.isfinite(q[i]):
            raise ValueError(f"profile: expected sizes that a float can hold, got {q[i]} in layer {i + 1}")
        m = {name: float(value) for name, value in vars(layer.phi.moments(q[i])).items()}
        a[i] = m["square"] if q[i] > 0 else layer.phi.at_zero**2  # the moments at 0 are those of the limit
        chi[i] = above * m["slope_square"]
        own_a[i] = max(_ratio(m["fourth"], m["square"] ** 2) - 1.0, 0.0) / units[i]
        own_g[i] = max(3.0 * _ratio(m["slope_fourth"], m["slope_square"] ** 2) - 1.0, 0.0) / units[i]
        shared[i] = (_ratio(m["both_square"], m["square"] * m["slope_square"]) - 1.0) / units[i]
        to_q[i] = _ratio(w2 * before, q[i])
        to_a[i] = to_q[i] * _ratio(m["growth"] * q[i], m["square"])
        to_g[i] = to_q[i] * _ratio(m["slope_growth"] * q[i], m["slope_square"])
        before = a[i]
    # On the way forward; var_a[i] and shift_a[i] are those before layer i, the input being given.
    var_a, shift_a = np.zeros(depth + 1), np.zeros(depth + 1)
    with np.errstate(over="ignore", invalid="ignore"):
        for i in range(depth):
            var_a[i + 1] = to_a[i] ** 2 * var_a[i] + own_a[i]
            shift_a[i + 1] = to_a[i] * shift_a[i] - own_a[i] / 2
    # On the way back; `answer` is what all factors from here on make of a deviation before this layer.
    gradient, var_g = np.ones(depth), np.zeros(depth)
    answer, var = 0.0, 0.0
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for i in range(depth - 2, -1, -1):
            gradient[i] = chi[i] * gradient[i + 1]
            var += answer**2 * own_a[i] + 2.0 * answer * shared[i] + own_g[i]
            answer = to_g[i] + to_a[i] * answer
            var_g[i] = max(var + answer**2 * var_a[i], 0.0)
    return Profile(
        q=q,
        a_square=a,
        chi=chi,
        gradient=gradient,
        log_std_q=np.sqrt(to_q**2 * var_a[:-1] + 2.0 / units),
        log_std_a=np.sqrt(var_a[1:]),
        log_std_gradient=np.sqrt(var_g),
        log_shift_q=to_q * shift_a[:-1] - 1.0 / units,
        log_shift_a=shift_a[1:],
        log_shift_gradient=-var_g / 2,
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0

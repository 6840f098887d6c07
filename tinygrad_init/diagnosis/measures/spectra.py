"""What a weight matrix does when it is applied again and again, and what all layers together do to a small change.

For W = V diag(λ) V⁻¹ the power W^t is V diag(λ)^t V⁻¹: in the end the largest |λ| decides. Before it, and whenever the
matrices differ from layer to layer, singular values do: of [[.9, 10], [0, .9]] both eigenvalues are below 1, and yet
its tenth power stretches some vector 38-fold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...data.samples import as_numbers
from ...kernels.apart import apart
from ..network import Network, power_of_ten
from ..records import MatrixSizes

Array = np.ndarray[Any, Any]

# Matrices up to this size are decomposed, and Jacobians found of networks of up to so many steps.
LARGEST, MOST_LINKS = 128, 500
# What comes out for a sample alone and among others differs by less than this share, if others are no matter.
APART = 1e-6


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues and singular values of a matrix, and what its powers do.

    Attributes
    ----------
    eigenvalues
        Complex, largest first; empty unless the matrix is square.
    singular_values
        Largest first.
    growth
        log10 ‖W^t‖₂ for t = 1, 2, …; empty unless the matrix is square.
    condition
        Of the eigenvectors, ‖V‖₂‖V⁻¹‖₂: 1 for a normal matrix, infinite if there are too few; 1 if not square. No power
        stretches by more than this times ρ^t.
    """

    eigenvalues: tuple[complex, ...]
    singular_values: tuple[float, ...]
    growth: tuple[float, ...]
    condition: float

    @property
    def radius(self) -> float:
        """The spectral radius ρ, the largest |λ|: ‖W^t‖^(1/t) tends to it (Gelfand 1941)."""
        return float(np.abs(self.eigenvalues[0])) if self.eigenvalues else math.nan

    @property
    def transient(self) -> float:
        """The largest ‖W^t‖₂/ρ^t: how far powers are ahead of what the eigenvalues promise; 1 for a normal matrix."""
        if not self.growth or self.radius == 0:
            return math.nan
        return power_of_ten(max(g - t * math.log10(self.radius) for t, g in enumerate(self.growth, 1)))


def spectrum(matrix: Any, powers: int = 50) -> Spectrum:
    """Eigenvalues, singular values and the growth of powers.

    Parameters
    ----------
    matrix
        Of shape (m, n); a kernel of a convolution is taken as (out, in x window).
    powers
        Up to which t the norms of W^t are computed. They neither overflow nor underflow.

    Raises
    ------
    ValueError
        The matrix has fewer than two axes or holds infinities or NaN.
    """
    w = as_numbers("spectrum", "a matrix", matrix).astype(np.float64)
    if w.ndim < 2:
        raise ValueError(f"spectrum: expected a matrix, got shape {w.shape}")
    w = w.reshape(len(w), -1)
    if not np.isfinite(w).all():
        raise ValueError("spectrum: expected finite numbers, got infinities or NaN")
    singular = tuple(float(s) for s in singular_values(w))
    if w.shape[0] != w.shape[1]:
        return Spectrum((), singular, (), 1.0)
    values, vectors = apart(np.linalg.eig, w)
    order = np.argsort(-np.abs(values), kind="stable")
    found = apart(lambda a: np.linalg.svd(a, compute_uv=False), vectors)
    condition = float(found[0] / found[-1]) if found[-1] > found[0] * np.finfo(float).eps else math.inf
    eigenvalues = tuple(complex(v) for v in values[order])
    return Spectrum(eigenvalues, singular, power_growth(w, powers), condition)


def singular_values(matrix: Array) -> Array:
    """Singular values, largest first; NaN of a matrix with infinities or NaN."""
    top = float(np.max(np.abs(matrix), initial=0.0))
    if not math.isfinite(top):
        return np.full(min(matrix.shape), math.nan)
    if top == 0:
        return np.zeros(min(matrix.shape))
    with np.errstate(over="ignore", under="ignore"):
        # Of numbers near the largest that a float can be, LAPACK's sums of squares would overflow.
        found: Array = apart(lambda a: np.linalg.svd(a, compute_uv=False), matrix / top) * top
    return found


def power_growth(w: Array, powers: int) -> tuple[float, ...]:
    """log10 ‖W^t‖₂ for t = 1 … powers; the power is kept at size 1 and its logarithm beside it."""
    growth: list[float] = []
    top = float(np.max(np.abs(w), initial=0.0))
    if top == 0:
        return (-math.inf,) * powers
    power, log10, step = np.eye(len(w)), 0.0, math.log10(top)
    w = w / top
    for _ in range(powers):
        power, log10 = power @ w, log10 + step
        size = float(apart(np.linalg.norm, power, 2))
        if size == 0:
            return (*growth, *(-math.inf,) * (powers - len(growth)))
        power, log10 = power / size, log10 + math.log10(size)
        growth.append(log10)
    return tuple(growth)


def matrix_sizes(name: str, matrix: Any) -> MatrixSizes:
    """Singular values and spectral radius of one matrix; NaN for one with infinities or NaN."""
    w = np.asarray(matrix, np.float64)
    w = w.reshape(len(w), -1)
    if not np.isfinite(w).all():
        return MatrixSizes(name, math.nan, math.nan, math.nan, math.nan)
    values = singular_values(w)
    radius = float(np.max(np.abs(apart(np.linalg.eigvals, w)))) if w.shape[0] == w.shape[1] else math.nan
    return MatrixSizes(name, float(values[0]), float(np.median(values)), float(values[-1]), radius)


def jacobian(network: Network, sample: Array) -> Array:
    """∂output/∂input at one sample, of shape (outputs, inputs), in float64.

    Parameters
    ----------
    network
        Its samples must not depend on each other: batch normalization has to be in `eval()` mode.
    sample
        Without the axis of samples.
    """
    sample = np.asarray(sample, np.float64)
    how: dict[str, Any] = {"dtype": np.float64, "backward": False}
    outputs = network.again(x=sample[None], **how).output.size
    # The sample once for each output, each with the cotangent of another output: one pass gives all rows.
    copies = network.again(x=np.repeat(sample[None], outputs, axis=0), **how)
    rows = np.eye(outputs).reshape(copies.output.shape)
    return copies.pull_plain(rows).reshape(outputs, -1)


def jacobian_singular_values(network: Network, samples: Array) -> Array:
    """Singular values of the input-output Jacobian, largest first, at each sample.

    Of shape (samples, min(inputs, outputs)). All near 1: dynamical isometry (Saxe et al. 2014; Pennington et al. 2017).
    """
    return np.array([singular_values(jacobian(network, sample)) for sample in samples])


def matrix_sizes_of(network: Network) -> tuple[MatrixSizes, ...]:
    """How far every weight matrix stretches, as long as that is quickly found."""
    found = [(link.matrix.name, link.by_unit(link.matrix.values)) for link in network.linears()]
    if max(min(matrix.shape) for _, matrix in found) > LARGEST:
        return ()
    return tuple(matrix_sizes(name, matrix) for name, matrix in found)


def stretching(network: Network) -> tuple[float, ...]:
    """Singular values of the input-output Jacobian at the first sample, if it has one of its own."""
    outputs = network.output.size // len(network.output)
    links = tuple(network.flat())
    mixing = any(link.mixes_samples for link in links)
    if mixing or outputs > LARGEST or len(links) > MOST_LINKS or network.first_not_finite() is not None:
        return ()
    first = network.inputs["x"][:1]
    try:
        # Whether what draws at random does so is no matter of the sample: it is looked at as in use.
        chance = any(link.draws for link in network.flat())
        settled = network.again(backward=False, evaluating=True) if chance else network
        if not alone(settled, first):
            return ()
        values = jacobian_singular_values(settled, first)[0]
    except (TypeError, ValueError):  # the model takes batches of one size alone
        return ()
    return tuple(float(value) for value in values) if np.isfinite(values).all() else ()


def alone(network: Network, first: Array) -> bool:
    """Whether the first sample comes out the same without the others."""
    single = network.again(x=first, backward=False).output
    together = network.output[:1]
    return single.shape == together.shape and np.allclose(single, together, atol=APART * np.max(np.abs(together)))

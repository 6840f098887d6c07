"""What is measured of layers: numbers in a few numbers, units by equality, matrices by how far they stretch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Distribution:
    """Many numbers in a few; infinities and NaN are left out of all but `not_finite` and `zero`.

    Attributes
    ----------
    count
        How many numbers there are.
    not_finite, zero
        The shares that are infinite or NaN, and exactly 0.
    mean, rms
        Mean and root mean square.
    across_samples
        Root mean square over the units of the standard deviation across the samples: what of the signal depends on
        the input. It can be lost while `rms` looks healthy, if biases alone keep the numbers up.
    across_units
        Standard deviation over the units of their mean across the samples.
    quantiles
        At `QUANTILES`: minimum, 1 %, 5 %, 25 %, median, 75 %, 95 %, 99 %, maximum.
    counts, edges
        A histogram of `BINS` bins and their `BINS` + 1 edges.
    """

    count: int
    not_finite: float
    zero: float
    mean: float
    rms: float
    across_samples: float
    across_units: float
    quantiles: tuple[float, ...]
    counts: tuple[int, ...]
    edges: tuple[float, ...]


@dataclass(frozen=True)
class Classes:
    """The units of a layer, sorted by equality.

    Attributes
    ----------
    members
        For each class the numbers of its units, ascending; classes in the order of their first units. Units with
        infinities or NaN are in none.
    exact
        Whether all units of a class are equal in every bit. If not, the symmetry is broken, but only by rounding.
    """

    members: tuple[tuple[int, ...], ...]
    exact: bool

    @property
    def units(self) -> int:
        """How many units are sorted."""
        return sum(len(found) for found in self.members)

    def __len__(self) -> int:
        return len(self.members)

    def __str__(self) -> str:
        if len(self) == self.units:
            return f"{self.units} different units"
        how = "" if self.exact else ", different only by rounding"
        return f"{self.units} units, {len(self)} of them different{how}"


@dataclass(frozen=True)
class Layer:
    """One linear map and the activation after it, on one batch.

    Attributes
    ----------
    name
        Of the linear map, such as "layers.0".
    units
        Its number of outputs (channels of a convolution).
    activation
        The name of the activation after it, "" without one.
    w, z, a
        Weights, preactivations and activations.
    dz
        ∂C/∂z times the number of samples: what one sample sends back, C being the mean loss.
    dw
        ∂C/∂W.
    saturated
        Share of units whose slope φ'(z) is below 10 % of the activation's steepest on at least two thirds of the
        samples. Only for activations that are flat on both sides: a ReLU unit that is mostly off is sparse.
    dead
        The units whose slope is exactly 0 on all samples: no gradient passes.
    update_ratio
        Learning rate · rms ∂C/∂W / rms W: by which share a plain gradient step changes the weights (NaN for 0/0).
    distinct, distinct_updates
        The units by the equality of weights and bias, and of the gradients of those.
    bias
        Root mean square of the biases; 0 without any.
    """

    name: str
    units: int
    activation: str
    w: Distribution
    z: Distribution
    a: Distribution
    dz: Distribution
    dw: Distribution
    saturated: float
    dead: tuple[int, ...]
    update_ratio: float
    distinct: Classes
    distinct_updates: Classes
    bias: float = 0.0

    @property
    def dead_share(self) -> float:
        return len(self.dead) / self.units


@dataclass(frozen=True)
class MatrixSizes:
    """How far a weight matrix stretches, in a few numbers.

    Attributes
    ----------
    name
        Of the weight.
    largest, median, smallest
        Singular values.
    radius
        The largest |λ|; NaN unless the matrix is square.
    """

    name: str
    largest: float
    median: float
    smallest: float
    radius: float

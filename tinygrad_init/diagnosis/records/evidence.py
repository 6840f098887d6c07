"""What a report shows beside its verdict: numbers that are worth to know, decide nothing, and what each took."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

# The largest number of float16, and its smallest that has all digits.
FLOAT16_MOST, FLOAT16_LEAST = 65504.0, 2.0**-14


@dataclass(frozen=True)
class Sharpness:
    """How large the first step is beside the largest that is locally stable.

    Attributes
    ----------
    eigenvalue
        The largest eigenvalue λ of the Hessian of the loss by all parameters that the optimizer holds.
    error
        Some eigenvalue lies no farther from it than this.
    metric
        "gradient" for that of the Hessian itself; "adam" where the Hessian is scaled as Adam scales its next step.
    lr, limit
        The optimizer's rate, and what rate times λ may be: 2 for plain gradient descent.
    samples
        On how many samples.
    products
        How many products of the Hessian with a vector it took.
    """

    eigenvalue: float
    error: float
    metric: str
    lr: float
    limit: float
    samples: int
    products: int

    @property
    def share(self) -> float:
        """Rate times λ over its limit: above 1 the steps grow along λ's direction, as long as λ stays."""
        return self.lr * self.eigenvalue / self.limit

    @property
    def largest(self) -> float:
        """The largest λ for which this rate is stable; infinite at rate 0."""
        return self.limit / self.lr if self.lr > 0 else math.inf


@dataclass(frozen=True)
class Representation:
    """Whether the last hidden layer tells samples apart.

    Attributes
    ----------
    features
        Numbers a sample that go into the last linear map.
    samples
        How many samples were compared.
    participation_ratio
        In how many directions, of equal weight, they differ; NaN if they do not differ.
    correlation
        The mean over all pairs of samples of the cosine of the angle between them: near 1 they look alike.
    """

    features: int
    samples: int
    participation_ratio: float
    correlation: float


@dataclass(frozen=True)
class Rounding:
    """What becomes of numbers other than 0 when they are rounded to a format of 16 bits, as shares of all of them.

    Attributes
    ----------
    zero, subnormal, infinite
        They become 0, keep only some of their digits, or become infinite.
    """

    zero: float
    subnormal: float
    infinite: float


@dataclass(frozen=True)
class Precision:
    """What 16 bits would make of one layer's numbers.

    Attributes
    ----------
    name
        Of the linear map.
    signal, gradient, weight_gradient
        Of z, ∂C/∂z and ∂C/∂W, C being the mean loss of the batch; by format: "float16" and "bfloat16".
    smallest, largest
        Between what sizes the layer's gradients lie, but for the hundredth of ∂C/∂z and of ∂C/∂W that is smallest;
        infinity and 0 where all are 0.
    """

    name: str
    signal: dict[str, Rounding]
    gradient: dict[str, Rounding]
    weight_gradient: dict[str, Rounding]
    smallest: float
    largest: float

    def lost(self, form: str) -> float:
        """The share of its gradients that becomes 0: of ∂C/∂z or ∂C/∂W, the larger."""
        return max(self.gradient[form].zero, self.weight_gradient[form].zero)

    def overflow(self, form: str) -> float:
        """The share of its numbers that becomes infinite: of z, ∂C/∂z or ∂C/∂W, the largest."""
        return max(part[form].infinite for part in (self.signal, self.gradient, self.weight_gradient))


@dataclass(frozen=True)
class Evidence:
    """What is worth to know beside the verdict.

    Attributes
    ----------
    updates
        By which share of their size (Euclidean norm) the first step of the optimizer changes the weights of every
        layer; empty unless it was said which optimizer will train.
    sharpness
        None without an optimizer, for a rule that is not known, or where numbers are not finite.
    representation
        None without a hidden layer, for a single sample, or where numbers are not finite.
    precision
        For every layer.
    seconds
        What each took, by its name; "updates" is that of the gradient which the sharpness needs, too.
    """

    updates: tuple[float, ...] = ()
    sharpness: Sharpness | None = None
    representation: Representation | None = None
    precision: tuple[Precision, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict, compare=False)

    @property
    def loss_scale(self) -> float:
        """What the loss would have to be multiplied by for float16, a power of two.

        The smallest that makes all but a hundredth of every layer's gradients normal numbers, or as much as there is
        room for; 1 if they are, NaN if no scale keeps them from becoming 0 or infinite. See Micikevicius et al. 2018,
        section 3.2.
        """
        smallest = min((layer.smallest for layer in self.precision), default=math.inf)
        largest = max((layer.largest for layer in self.precision), default=0.0)
        if not 0 < smallest < FLOAT16_LEAST:
            return 1.0 if smallest > 0 and largest <= FLOAT16_MOST else math.nan
        wanted = math.ceil(math.log2(FLOAT16_LEAST) - math.log2(smallest))
        room = math.floor(math.log2(FLOAT16_MOST) - math.log2(largest))
        # Ten bits below the normal numbers come those of one digit; what lies below is gone.
        return 2.0 ** min(wanted, room) if room >= max(wanted - 10, 1) else math.nan

"""Distributions under the names of `torch.distributions`: what is drawn from them, how probable it is, how far they are
apart."""

from ..lazy_names import importing_later
from .bernoulli import Bernoulli
from .beta import Beta, Dirichlet
from .categorical import Categorical
from .distribution import Distribution
from .divergence import kl_divergence
from .exponential import Exponential, Laplace, LogNormal
from .gamma import Chi2, Gamma, Poisson, StudentT
from .independent import Independent
from .multivariate_normal import MultivariateNormal
from .normal import Normal
from .uniform import Uniform

__getattr__, __dir__ = importing_later(__name__, {})

__all__ = [
    "Bernoulli",
    "Beta",
    "Categorical",
    "Chi2",
    "Dirichlet",
    "Distribution",
    "Exponential",
    "Gamma",
    "Independent",
    "Laplace",
    "LogNormal",
    "MultivariateNormal",
    "Normal",
    "Poisson",
    "StudentT",
    "Uniform",
    "kl_divergence",
]

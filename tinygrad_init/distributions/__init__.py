"""Distributions under the names of `torch.distributions`: what is drawn from them, how probable it is, how far they are
apart."""

from ..lazy_names import importing_later
from .bernoulli import Bernoulli
from .categorical import Categorical
from .distribution import Distribution
from .divergence import kl_divergence
from .independent import Independent
from .normal import Normal
from .uniform import Uniform

__getattr__, __dir__ = importing_later(__name__, {})

__all__ = ["Bernoulli", "Categorical", "Distribution", "Independent", "Normal", "Uniform", "kl_divergence"]

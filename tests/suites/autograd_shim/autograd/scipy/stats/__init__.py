"""`scipy.stats`: densities and probabilities, of this package's distributions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinygrad_init as tgi
from tinygrad_init import distributions, special

from ...values import tensor
from ..of_arrays import of_arrays
from . import dirichlet as dirichlet
from . import multivariate_normal as multivariate_normal


class Continuous:
    """A family by its distribution here, whose parameters come after the number."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self.logpdf = of_arrays(lambda x, *parameters: make(*map(tensor, parameters)).log_prob(x))
        self.cdf = of_arrays(lambda x, *parameters: make(*map(tensor, parameters)).cdf(x))
        self.pdf = of_arrays(lambda x, *parameters: tgi.exp(self.logpdf(x, *parameters)))
        self.logcdf = of_arrays(lambda x, *parameters: tgi.log(self.cdf(x, *parameters)))


class Normal(Continuous):
    """With the tails that `scipy.special` knows by themselves."""

    def __init__(self) -> None:
        super().__init__(lambda loc=0.0, scale=1.0: distributions.Normal(loc, scale))
        self.logcdf = of_arrays(lambda x, loc=0.0, scale=1.0: special.log_ndtr((x - loc) / scale))
        self.sf = of_arrays(lambda x, loc=0.0, scale=1.0: special.ndtr((loc - x) / scale))
        self.logsf = of_arrays(lambda x, loc=0.0, scale=1.0: special.log_ndtr((loc - x) / scale))


class Discrete(Continuous):
    """The same of counts, by their names."""

    def __init__(self, make: Callable[..., Any]) -> None:
        super().__init__(make)
        self.logpmf, self.pmf = self.logpdf, self.pdf


norm = Normal()
beta = Continuous(distributions.Beta)
gamma = Continuous(lambda a: distributions.Gamma(a, 1.0))
chi2 = Continuous(distributions.Chi2)
t = Continuous(distributions.StudentT)
poisson = Discrete(distributions.Poisson)

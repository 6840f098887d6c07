"""How far a distribution is from another of its kind."""

from __future__ import annotations

from ..engine.tensor import Tensor
from ..ops.activations import softplus
from ..ops.elementwise import log
from ..ops.reductions import sum as total
from .bernoulli import Bernoulli
from .categorical import Categorical
from .distribution import Distribution
from .independent import Independent
from .normal import Normal


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """E_p[ln p - ln q], in nats (Kullback and Leibler 1951).

    Of two normal distributions: ((σ_p/σ_q)² + ((μ_p - μ_q)/σ_q)² - 1)/2 - ln(σ_p/σ_q).

    Raises
    ------
    NotImplementedError
        There is no formula for these two.
    """
    if isinstance(p, Normal) and isinstance(q, Normal):
        ratio, shift = (p.scale / q.scale) ** 2, ((p.loc - q.loc) / q.scale) ** 2
        return 0.5 * (ratio + shift - 1.0 - log(ratio))
    if isinstance(p, Categorical) and isinstance(q, Categorical):
        return total(p.probs * (p.logits - q.logits), axis=-1)
    if isinstance(p, Bernoulli) and isinstance(q, Bernoulli):
        # Both logarithms from logits: ln p = l - softplus(l), ln(1 - p) = -softplus(l).
        return p.probs * (p.logits - q.logits) - softplus(p.logits) + softplus(q.logits)
    if isinstance(p, Independent) and isinstance(q, Independent) and p.axes == q.axes:
        return p._summed(kl_divergence(p.base_dist, q.base_dist))
    raise NotImplementedError(
        f"kl_divergence: there is a formula for two Normal, Categorical, Bernoulli or Independent of these, got "
        f"{type(p).__name__} and {type(q).__name__}; write (p.log_prob(x) - q.log_prob(x)).mean() of draws x of p"
    )

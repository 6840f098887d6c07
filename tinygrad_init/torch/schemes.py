"""Which start a tensor's numbers most likely come from.

Every start that draws from a known distribution says with what probability it gives such numbers; for uniform, normal
and truncated normal distributions that follows from count, mean, rms and range alone, which are exact. Beside them
stand the same distributions with whatever scale fits best, at the price of Schwarz's criterion (1978), so that a scale
that nobody has named is not taken for the nearest that somebody has. The likeliest is then tested by itself, as trained
weights come from none: mean and std within their sampling errors, the range within the bounds, and the shape of the
sample by Kolmogorov's and Smirnov's test.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch

from ..init import truncated_moments as moments_of_truncated
from .moments import Moments
from .roles import CONVOLUTION, EMBEDDING, MAPS, OTHER, TRANSPOSED, Role

Array = np.ndarray[Any, Any]

UNIFORM, NORMAL, TRUNCATED = "uniform", "normal", "truncated"
# A tensor with fewer numbers may come from anywhere.
FEWEST = 8
# So many sampling errors, and so small a chance, are still taken for chance: of a million tensors one or two.
ERRORS, CHANCE = 5.0, 1e-6
# How far rounding to bfloat16 or float8 moves a standard deviation, as a share of the dtype's spacing.
ROUNDED = 0.02
# How far numbers drawn in single precision may lie outside of their bounds.
SINGLE = 4e-7
# Gains by what they are for, the usual ones first, and how usual they are beside the first.
GAINS = {"lecun": (1.0, 0.3), "he": (math.sqrt(2.0), 1.0), "tanh": (5 / 3, 0.03), "selu": (0.75, 0.01)}
LEAKY = math.sqrt(2 / (1 + 0.2**2))
# Scales that are written by hand, and that of GPT-2 and BERT.
BY_HAND = (1.0, 0.5, 0.2, 0.1, 0.05, 0.01, 0.005, 0.002, 0.001)
GPT2 = 0.02
# How much less usual: a fan taken for another, a truncated normal whose std is that before the cut, a scale by hand.
MISTAKEN, UNCORRECTED, HAND = 0.1, 0.1, 0.1


truncated_moments = cache(moments_of_truncated)


@dataclass(frozen=True)
class Scheme:
    """A start.

    Attributes
    ----------
    name
        Such as "torch_default", "he_normal", "xavier_uniform", "lecun_truncated", "gpt2_residual", "normal",
        "orthogonal", "zeros", "constant", "identity", "sparse", "few_values".
    std
        The standard deviation that it gives.
    fan
        Which it scales by: "fan_in", "fan_out", "fan_avg"; "window_forgotten" if it is the fan_in without the window;
        "as_counted" if it is one that `torch.nn.init` counts and is none. "" of starts that do not ask.
    gain
        The factor on the standard deviation; of "orthogonal", "identity" and "constant" that on all numbers.
    probability
        Among all starts that are known, with those of any scale among them; 1 of what is no matter of chance.
    errors
        By how many sampling errors the standard deviation is off.
    chance
        With what probability numbers drawn so look no more like it (Kolmogorov and Smirnov).
    also
        Other names of the same distribution, for this shape.
    """

    name: str
    std: float
    fan: str = ""
    gain: float = 1.0
    probability: float = 1.0
    errors: float = 0.0
    chance: float = 1.0
    also: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Name, fan and gain in a few words."""
        usual = "fan_avg" if self.name.startswith("xavier") else "fan_in"
        words = [self.name, "" if self.fan == usual else self.fan]
        known = [gain for gain, _ in GAINS.values()] if self.fan else [1.0]
        return " ".join(filter(None, [*words, "" if self.gain in known else f"× {self.gain:.4g}"]))


@dataclass(frozen=True)
class Law:
    """A distribution around 0: uniform on ±scale, normal of std `scale`, or that cut off at `cut` of them."""

    family: str
    scale: float
    cut: float = math.inf
    low: float | None = None

    @property
    def std(self) -> float:
        if self.family == UNIFORM:
            return (self.scale - self.lowest) / math.sqrt(12)
        return self.scale * (truncated_moments(-self.cut, self.cut)[1] if self.family == TRUNCATED else 1.0)

    @property
    def lowest(self) -> float:
        return -self.scale if self.low is None else self.low

    @property
    def mean(self) -> float:
        return (self.scale + self.lowest) / 2 if self.family == UNIFORM else 0.0

    @property
    def kurtosis(self) -> float:
        """Of the truncated one that at 2 stds, 2.37; the others' lie between it and the normal's."""
        return {UNIFORM: 1.8, NORMAL: 3.0}.get(self.family, 2.37 if self.cut <= 2 else 3.0)

    def log_likelihood(self, of: Moments) -> float:
        """ln p of all numbers, from count, sums and range; rounding may carry a number over a bound."""
        slack = 1 + of.eps / 2 + SINGLE
        square = of.rms**2 / self.scale**2
        if self.family == UNIFORM:
            room = self.scale * (slack - 1)
            inside = self.lowest - room <= of.low and of.high <= self.scale + room
            return -of.count * math.log(self.scale - self.lowest) if inside else -math.inf
        told = -of.count * (math.log(self.scale * math.sqrt(2 * math.pi)) + square / 2)
        if self.family == TRUNCATED:
            if max(-of.low, of.high) > self.cut * self.scale * slack:
                return -math.inf
            told -= of.count * math.log(math.erf(self.cut / math.sqrt(2)))
        return told

    def below(self, x: Array) -> Array:
        """The distribution function."""
        if self.family == UNIFORM:
            return np.clip((x - self.lowest) / (self.scale - self.lowest), 0.0, 1.0)
        normal = torch.special.ndtr(torch.from_numpy(x / self.scale)).numpy()
        if self.family == NORMAL:
            return np.asarray(normal)
        outside = (1 - math.erf(self.cut / math.sqrt(2))) / 2
        return np.clip((normal - outside) / (1 - 2 * outside), 0.0, 1.0)


@dataclass(frozen=True)
class Candidate:
    """A start with its distribution and how usual it is."""

    scheme: Scheme
    law: Law
    prior: float


def recognized(of: Moments, some: Array, role: Role, depths: Iterable[int] = ()) -> Scheme | None:
    """The start that these numbers most likely come from; None if they come from none that is known.

    Parameters
    ----------
    of, some
        Moments of all numbers, and the sample.
    role
        What the parameter is for: its fans, and what PyTorch draws for it.
    depths
        How many blocks the model may have, for GPT-2's residual projections.
    """
    if of.not_finite or of.count < FEWEST or not of.std:
        return None
    some = some[some != 0] if of.zeros and role.kind == EMBEDDING else some
    heard: dict[tuple[str, float, float, float], list[tuple[float, Candidate]]] = {}
    for candidate in (*named(role, depths), *fitted(of)):
        law = candidate.law
        told = law.log_likelihood(of) + math.log(candidate.prior)
        if math.isfinite(told):
            key = (law.family, law.cut, float(f"{law.lowest:.6g}"), float(f"{law.scale:.6g}"))
            heard.setdefault(key, []).append((told, candidate))
    if not heard:
        return None
    best = [max(group, key=lambda one: one[0]) for group in heard.values()]
    top = max(told for told, _ in best)
    weight = sum(math.exp(told - top) for told, _ in best)
    for told, candidate in sorted(best, key=lambda one: -one[0])[:4]:
        if told < top - 20:
            break
        errors, chance = errors_of(candidate.law, of), chance_of(candidate.law, some, of.eps)
        if max(map(abs, errors)) > ERRORS or chance < CHANCE:
            continue
        same = next(group for group in heard.values() if any(c is candidate for _, c in group))
        also = sorted((one for one in same if one[1] is not candidate), key=lambda one: -one[0])
        names = tuple(dict.fromkeys(c.scheme.label for _, c in also))
        probability = math.exp(told - top) / weight
        return replace(candidate.scheme, probability=probability, errors=errors[1], chance=chance, also=names)
    return None


def named(role: Role, depths: Iterable[int]) -> Iterator[Candidate]:
    """The starts that have names, for a parameter of this role."""
    if role.default is not None:
        family, scale = role.default
        yield candidate("torch_default", Law(family, scale), 3.0, "fan_in" if role.kind in MAPS else "")
    if role.counted is not None:
        for fan, (size, prior) in sizes(role).items():
            yield from scaled(fan, size, prior)
    if role.kind in (*MAPS, EMBEDDING, OTHER):
        yield candidate("gpt2", Law(NORMAL, GPT2), 0.5)
        yield candidate("gpt2_truncated", Law(TRUNCATED, GPT2, 2.0), HAND)
        yield candidate("gpt2_truncated", Law(TRUNCATED, GPT2, 3.0), HAND)
        for depth in depths:
            yield candidate("gpt2_residual", Law(NORMAL, GPT2 / math.sqrt(2 * depth)), 0.3)
    for scale in BY_HAND:
        yield candidate("normal", Law(NORMAL, scale), HAND)
        yield candidate("uniform", Law(UNIFORM, scale), HAND)
        yield candidate("truncated_normal", Law(TRUNCATED, scale, 2.0), HAND * UNCORRECTED)
    yield candidate("uniform_0_1", Law(UNIFORM, 1.0, low=0.0), HAND)


def sizes(role: Role) -> dict[str, tuple[float, float]]:
    """Fans by name, with how usual it is to scale by them; also those that are taken for one by mistake."""
    assert role.counted is not None
    counted_in, counted_out = role.counted
    fan_in, fan_out = role.fan_in or counted_in, role.fan_out or counted_out
    convolution = role.kind in (CONVOLUTION, TRANSPOSED)
    found = {
        "fan_in": (fan_in, 1.0),
        "fan_out": (fan_out, 0.5 if convolution else MISTAKEN),
        "fan_avg": ((fan_in + fan_out) / 2, 1.0),
    }
    if role.window > 1:
        found["window_forgotten"] = (fan_in / role.window, MISTAKEN)
        found["window_forgotten_out"] = (fan_out / role.window, MISTAKEN / 2)
    if (counted_in, counted_out) != (fan_in, fan_out):
        # What torch.nn.init makes of such a kernel, whatever the constructor knows.
        found["as_counted"] = (counted_in, 0.5)
        found["as_counted_out"] = (counted_out, 0.3)
        found["as_counted_avg"] = ((counted_in + counted_out) / 2, 0.5)
    return found


def scaled(fan: str, size: float, prior: float) -> Iterator[Candidate]:
    """Starts of variance gain²/size."""
    average = fan.endswith("avg")
    gains = [("leaky", LEAKY, 0.03), *((name, gain, usual) for name, (gain, usual) in GAINS.items())]
    for name, gain, usual in gains:
        if average:
            called, known = "xavier", 1.0 if gain == 1.0 else 0.05
        else:
            called, known = name if name in ("he", "lecun") else "he", usual
        std = gain / math.sqrt(size)
        # A mistaken one is believed only of the two usual gains.
        if prior <= MISTAKEN and name not in ("he", "lecun"):
            continue
        options = (fan, gain)
        yield candidate(f"{called}_normal", Law(NORMAL, std), prior * known, *options)
        yield candidate(f"{called}_uniform", Law(UNIFORM, std * math.sqrt(3)), prior * known, *options)
        spread = truncated_moments(-2.0, 2.0)[1]
        yield candidate(f"{called}_truncated", Law(TRUNCATED, std / spread, 2.0), prior * known, *options)
        uncorrected = prior * known * UNCORRECTED
        yield candidate(f"{called}_truncated_uncorrected", Law(TRUNCATED, std, 2.0), uncorrected, *options)


def fitted(of: Moments) -> Iterator[Candidate]:
    """Distributions of the scale that fits best, each number that was fitted at its price."""
    # The largest number may have been rounded down.
    top, price = max(-of.low, of.high) * (1 + of.eps / 2), 1 / of.count
    if top <= 0:
        return
    yield candidate("uniform", Law(UNIFORM, top), HAND * price)
    if of.low * of.high >= 0 or abs(of.mean) > of.std / 2:
        room = (of.high - of.low) / of.count
        yield candidate("uniform", Law(UNIFORM, of.high + room, low=of.low - room), HAND * price**2)
    yield candidate("normal", Law(NORMAL, of.rms), HAND * math.sqrt(price))
    for cut in (2.0, 3.0):  # the likeliest is as narrow as the range allows
        yield candidate("truncated_normal", Law(TRUNCATED, top / cut, cut), HAND * UNCORRECTED * price)


def candidate(name: str, law: Law, prior: float, fan: str = "", gain: float = 1.0) -> Candidate:
    return Candidate(Scheme(name, law.std, fan, gain), law, prior)


def errors_of(law: Law, of: Moments) -> tuple[float, float]:
    """By how many sampling errors mean and standard deviation are off; rounding to few bits is allowed for."""
    mean = (of.mean - law.mean) / (law.std / math.sqrt(of.count) + ROUNDED * of.eps * abs(law.mean))
    error = law.std * (math.sqrt((law.kurtosis - 1) / (4 * of.count)) + ROUNDED * of.eps)
    return mean, (of.std - law.std) / error


def chance_of(law: Law, some: Array, eps: float) -> float:
    """Kolmogorov's and Smirnov's probability, its argument as Stephens (1970) corrects it for small samples.

    Rounding moves numbers by up to half a spacing, which is no more than that share of the distribution function.
    """
    n = len(some)
    if not n:
        return 1.0
    below = law.below(np.sort(some))
    steps = np.arange(n + 1) / n
    distance = max(float(np.max(steps[1:] - below)), float(np.max(below - steps[:-1]))) - eps / 2
    root = math.sqrt(n)
    x = max(distance, 0.0) * (root + 0.12 + 0.11 / root)
    if x < 0.2:
        return 1.0
    total = sum((-1) ** (j - 1) * math.exp(-2 * j * j * x * x) for j in range(1, 101))
    return float(min(max(2 * total, 0.0), 1.0))

"""Losses of `ops.classification_losses` and `ops.distances` as modules, with PyTorch's arguments in PyTorch's order."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ..engine.tensor import Tensor
from ..ops import classification_losses as classes
from ..ops import distances
from ..ops.connectionist import ctc_loss
from .module import Module
from .pytorch_order import as_buffer, by_name, ordered


class LossLayer(Module):
    """A loss function with its options chosen beforehand.

    Raises
    ------
    TypeError
        An option is unknown, or is `size_average` or `reduce`, which PyTorch has given up for `reduction`.
    """

    function: Callable[..., Tensor]
    order: tuple[str, ...] = ()

    def __init__(self, *values: Any, **named: Any) -> None:
        name = type(self).__name__
        usual = self.usual()
        given = by_name(name, self.order, values, named)
        if unknown := given.keys() - usual.keys():
            raise TypeError(f"{name}: takes {', '.join(usual)}; got {', '.join(sorted(unknown))}")
        for key, value in (usual | given).items():
            setattr(self, key, as_buffer(name, value) if key == "weight" else value)
        if self.options()["reduction"] not in ("mean", "sum", "none", "batchmean"):
            raise ValueError(f"{name}: reduction must be 'mean', 'sum' or 'none', got {self.options()['reduction']!r}")

    @classmethod
    def usual(cls) -> dict[str, Any]:
        """The options and what they are unless given."""
        parameters = inspect.signature(cls.function).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    def options(self) -> dict[str, Any]:
        """The options of this one."""
        return {name: vars(self)[name] for name in self.usual()}

    def forward(self, *inputs: Any, **named: Any) -> Tensor:
        return type(self).function(*inputs, **named, **self.options())

    def extra_repr(self) -> str:
        usual = self.usual()
        return ", ".join(
            f"{name}={value.shape if isinstance(value, Tensor) else value!r}"
            for name, value in self.options().items()
            if value is not usual[name] and value != usual[name]
        )


def layer(class_name: str, function: Callable[..., Tensor], *order: str) -> type[LossLayer]:
    """The class of a loss whose options stand in such an order."""
    known = {"__doc__": function.__doc__, "__module__": __name__, "function": staticmethod(function), "order": order}
    made = type(class_name, (LossLayer,), known)
    made.__signature__ = ordered(inspect.signature(function), (), order, {})  # type: ignore[attr-defined]
    return made


OLD = ("size_average", "reduce", "reduction")

NLLLoss = layer("NLLLoss", classes.nll_loss, "weight", "size_average", "ignore_index", "reduce", "reduction")
MultiMarginLoss = layer("MultiMarginLoss", classes.multi_margin_loss, "p", "margin", "weight", *OLD)
MultiLabelMarginLoss = layer("MultiLabelMarginLoss", classes.multilabel_margin_loss, *OLD)
MultiLabelSoftMarginLoss = layer("MultiLabelSoftMarginLoss", classes.multilabel_soft_margin_loss, "weight", *OLD)
SoftMarginLoss = layer("SoftMarginLoss", classes.soft_margin_loss, *OLD)
MarginRankingLoss = layer("MarginRankingLoss", classes.margin_ranking_loss, "margin", *OLD)
HingeEmbeddingLoss = layer("HingeEmbeddingLoss", classes.hinge_embedding_loss, "margin", *OLD)
L1Loss = layer("L1Loss", distances.l1_loss, *OLD)
SmoothL1Loss = layer("SmoothL1Loss", distances.smooth_l1_loss, *OLD, "beta")
HuberLoss = layer("HuberLoss", distances.huber_loss, "reduction", "delta")
CTCLoss = layer("CTCLoss", ctc_loss, "blank", "reduction", "zero_infinity")
KLDivLoss = layer("KLDivLoss", distances.kl_div, *OLD, "log_target")
GaussianNLLLoss = layer("GaussianNLLLoss", distances.gaussian_nll_loss)
PoissonNLLLoss = layer(
    "PoissonNLLLoss", distances.poisson_nll_loss, "log_input", "full", "size_average", "eps", "reduce", "reduction"
)
CosineEmbeddingLoss = layer("CosineEmbeddingLoss", distances.cosine_embedding_loss, "margin", *OLD)
TripletMarginLoss = layer("TripletMarginLoss", distances.triplet_margin_loss, "margin", "p", "eps", "swap", *OLD)
TripletMarginWithDistanceLoss = layer("TripletMarginWithDistanceLoss", distances.triplet_margin_with_distance_loss)

"""Starts of whole networks, which look at all layers together, at data, or at how the network is built.

`critical` puts weights and biases on the edge of chaos; `lsuv_` and `data_dependent_` give every layer's output unit
variance on a batch; `balance_` makes all layers learn at one rate; `fixup_` is for residual networks. Those of a single
tensor are in `init`.
"""

from .critical_point import critical
from .data_dependent import LayerReport, balance_, data_dependent_, lsuv_
from .fixup import fixup_

__all__ = ["LayerReport", "balance_", "critical", "data_dependent_", "fixup_", "lsuv_"]

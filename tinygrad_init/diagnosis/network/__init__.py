"""A network on a batch, as data: arrays, names and roles, and how cotangents and tangents go through each link.

Whatever makes such a record of somebody's model (`fronts`) knows the framework; whatever measures it does not.
"""

from .blocks import beside, folded
from .cotangents import Cotangent, power_of_ten
from .graph import Network
from .links import (
    ACTIVATION,
    OTHER,
    RESIDUAL,
    SUM,
    WEIGHTS,
    Link,
    Parameter,
    flat,
    pull_through,
    push_through,
    units_first,
)

__all__ = [
    "ACTIVATION",
    "OTHER",
    "RESIDUAL",
    "SUM",
    "WEIGHTS",
    "Cotangent",
    "Link",
    "Network",
    "Parameter",
    "beside",
    "flat",
    "folded",
    "power_of_ten",
    "pull_through",
    "push_through",
    "units_first",
]

"""What theory predicts for a network at its start: mean fields, criticality, phases, horizons.

`MeanField` follows signal and gradient through depth for any activation, `edge_of_chaos`, `joint_criticality` and
`gains` say how to scale weights, `phase_diagram` maps σ_w and σ_b, and `underflow` and `overflow` say after how many
factors a format runs out of numbers. Read `quadrature.py`, `phi.py`, `mean_field.py`, in this order.
"""

from .criticality import CriticalPoint, Gains, edge_of_chaos, gains, joint_criticality
from .horizon import FORMATS, Format, depth_horizon, overflow, underflow
from .mean_field import FixedPoint, MeanField, depth_scale, phase_of
from .phase import PhaseDiagram, phase_diagram
from .phi import Moments, Phi, phi_of
from .profile import LayerSpec, Profile, profile_of
from .quadrature import expectation, pair_expectation

__all__ = [
    "FORMATS",
    "CriticalPoint",
    "FixedPoint",
    "Format",
    "Gains",
    "LayerSpec",
    "MeanField",
    "Moments",
    "PhaseDiagram",
    "Phi",
    "Profile",
    "depth_horizon",
    "depth_scale",
    "edge_of_chaos",
    "expectation",
    "gains",
    "joint_criticality",
    "overflow",
    "pair_expectation",
    "phase_diagram",
    "phase_of",
    "phi_of",
    "profile_of",
    "underflow",
]

"""Update rules: W ← W - η ∂C/∂W and what has been made of it, with PyTorch's options; schedules of their rates; and
clipping of gradients that are too large."""

from typing import TYPE_CHECKING

from ..lazy_names import importing_later
from .adam import Adam, AdamW, SparseAdam
from .clipping import clip_grad_norm_, clip_grad_value_, get_total_norm
from .optimizer import Optimizer
from .sgd import SGD

if TYPE_CHECKING:
    from . import lr_scheduler
    from .adafactor import Adafactor
    from .adagrad import Adadelta, Adagrad, RMSprop
    from .averages import ASGD
    from .lbfgs import LBFGS
    from .lr_scheduler import (
        ChainedScheduler,
        ConstantLR,
        CosineAnnealingLR,
        CosineAnnealingWarmRestarts,
        CyclicLR,
        ExponentialLR,
        LambdaLR,
        LinearLR,
        LRScheduler,
        MultiplicativeLR,
        MultiStepLR,
        OneCycleLR,
        PolynomialLR,
        ReduceLROnPlateau,
        SequentialLR,
        StepLR,
    )
    from .moments import Adamax, NAdam, RAdam
    from .muon import Muon
    from .rprop import Rprop

# What many trainings do without is imported when it is first asked for.
_LATER = {
    "ASGD": "averages",
    "Adadelta": "adagrad",
    "Adafactor": "adafactor",
    "Adagrad": "adagrad",
    "Adamax": "moments",
    "ChainedScheduler": "lr_scheduler",
    "ConstantLR": "lr_scheduler",
    "CosineAnnealingLR": "lr_scheduler",
    "CosineAnnealingWarmRestarts": "lr_scheduler",
    "CyclicLR": "lr_scheduler",
    "ExponentialLR": "lr_scheduler",
    "LBFGS": "lbfgs",
    "LRScheduler": "lr_scheduler",
    "LambdaLR": "lr_scheduler",
    "LinearLR": "lr_scheduler",
    "MultiStepLR": "lr_scheduler",
    "Muon": "muon",
    "MultiplicativeLR": "lr_scheduler",
    "NAdam": "moments",
    "OneCycleLR": "lr_scheduler",
    "PolynomialLR": "lr_scheduler",
    "RAdam": "moments",
    "RMSprop": "adagrad",
    "ReduceLROnPlateau": "lr_scheduler",
    "Rprop": "rprop",
    "SequentialLR": "lr_scheduler",
    "StepLR": "lr_scheduler",
    "lr_scheduler": "",
}
__getattr__, __dir__ = importing_later(__name__, _LATER)

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "Muon",
    "NAdam",
    "OneCycleLR",
    "Optimizer",
    "PolynomialLR",
    "RAdam",
    "RMSprop",
    "ReduceLROnPlateau",
    "Rprop",
    "SequentialLR",
    "SparseAdam",
    "StepLR",
    "clip_grad_norm_",
    "clip_grad_value_",
    "get_total_norm",
    "lr_scheduler",
]

"""Data: sets to learn from, scaling, batches, files."""

from .batches import batches, split
from .complaints import DataError, DataWarning
from .encoding import Encoder, Encoding
from .files import load_csv, load_npz, read
from .frames import Frame
from .scaling import MinMaxScaler, Scaler, StandardScaler
from .sets import (
    BUILT_IN,
    DATASETS,
    REGRESSIONS,
    Dataset,
    blobs,
    checkerboard,
    circles,
    digits,
    hills,
    load,
    moons,
    plane,
    spirals,
    xor,
)
from .targets import TASKS

__all__ = [
    "BUILT_IN",
    "DATASETS",
    "REGRESSIONS",
    "TASKS",
    "DataError",
    "DataWarning",
    "Dataset",
    "Encoder",
    "Encoding",
    "Frame",
    "MinMaxScaler",
    "Scaler",
    "StandardScaler",
    "batches",
    "blobs",
    "checkerboard",
    "circles",
    "digits",
    "hills",
    "load",
    "load_csv",
    "load_npz",
    "moons",
    "plane",
    "read",
    "spirals",
    "split",
    "xor",
]

"""Data: sets to learn from, scaling, batches, files."""

from .batches import batches, split
from .files import DataError, load_csv, load_npz
from .scaling import MinMaxScaler, Scaler, StandardScaler
from .sets import (
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

__all__ = [
    "DATASETS",
    "REGRESSIONS",
    "DataError",
    "Dataset",
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
    "spirals",
    "split",
    "xor",
]

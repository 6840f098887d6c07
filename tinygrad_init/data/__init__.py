"""Data: sets to learn from, scaling, batches, files."""

from .batches import batches, split
from .files import DataError, load_csv, load_npz
from .scaling import MinMaxScaler, Scaler, StandardScaler
from .sets import DATASETS, Dataset, blobs, checkerboard, circles, digits, load, moons, spirals, xor

__all__ = [
    "DATASETS",
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
    "load",
    "load_csv",
    "load_npz",
    "moons",
    "spirals",
    "split",
    "xor",
]

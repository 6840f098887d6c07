"""Saving and resuming: networks with all that their training needs to go on, as files of safetensors."""

from .files import LoadError
from .loading import Saved, Tensors, load
from .writing import save

__all__ = ["LoadError", "Saved", "Tensors", "load", "save"]

"""What scripts have from `torch.utils`: data in batches, checkpoints."""

from ..lazy_names import importing_later

_LATER = {"checkpoint": "", "data": ""}
__getattr__, __dir__ = importing_later(__name__, _LATER)

__all__ = ["checkpoint", "data"]

"""What scripts have from `torch.utils`: data in batches."""

from ..lazy_names import importing_later

_LATER = {"data": ""}
__getattr__, __dir__ = importing_later(__name__, _LATER)

__all__ = ["data"]

"""For PyTorch's models: `tgi.torch.diagnose(model, x, y, loss, optimizer=...)` says why one does not train.

It wants PyTorch, the extra `torch`; nothing else in the package does.
"""

try:
    import torch as _torch  # noqa: F401 (to say what is missing before anything else does)
except ImportError:
    raise ImportError("tinygrad_init.torch needs PyTorch: pip install 'tinygrad_init[torch]'") from None

from ..diagnosis.torch_diagnosing import diagnose
from ..diagnosis.trials.torch_recommendation import recommend

__all__ = ["diagnose", "recommend"]

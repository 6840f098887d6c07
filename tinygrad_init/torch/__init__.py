"""For PyTorch's models: `tgi.torch.diagnose(model, x, y, loss, optimizer=...)` says why one does not train, and
`tgi.torch.audit(model_or_path)`, without data, where its weights come from and what is wrong with them.

`tgi.torch.watch` looks on while somebody's loop trains one, `LightningCallback` and `TrainerCallback` while a trainer
does, and `assert_trains` and its like are for tests. Models are brought here by `from_torch` and back by `to_torch`.
The room wants PyTorch, the extra `torch`; nothing else in the package does.
"""

try:
    import torch as _torch  # noqa: F401 (to say what is missing before anything else does)
except ImportError:
    raise ImportError("tinygrad_init.torch needs PyTorch: pip install 'tinygrad_init[torch]'") from None

from typing import Any

from ..diagnosis.torch_diagnosing import diagnose
from ..diagnosis.trials.torch_recommendation import recommend
from ..diagnosis.watching.torch_monitor import TorchMonitor
from .assertions import (
    assert_all_parameters_get_gradients,
    assert_no_dead_units,
    assert_overfits_one_batch,
    assert_trains,
)
from .audit_records import CODES, Finding, Moved, ParameterRecord
from .audit_result import Audit
from .auditing import audit
from .checkpoints import CheckpointError
from .conversion import from_torch, to_torch
from .counterparts import Residual
from .initialization import initialize
from .optimizer_states import optimizer_state
from .schemes import Scheme
from .writers import to_tensorboard, to_wandb

watch = TorchMonitor


def __getattr__(name: str) -> Any:
    """The callbacks: classes of frameworks that are imported when these are asked for."""
    if name not in ("LightningCallback", "TrainerCallback"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .callbacks import lightning_callback, trainer_callback

    return lightning_callback() if name == "LightningCallback" else trainer_callback()


__all__ = [
    "CODES",
    "Audit",
    "CheckpointError",
    "Finding",
    "Moved",
    "ParameterRecord",
    "Residual",
    "Scheme",
    "TorchMonitor",
    "assert_all_parameters_get_gradients",
    "assert_no_dead_units",
    "assert_overfits_one_batch",
    "assert_trains",
    "audit",
    "diagnose",
    "from_torch",
    "initialize",
    "optimizer_state",
    "recommend",
    "to_tensorboard",
    "to_torch",
    "to_wandb",
    "watch",
]

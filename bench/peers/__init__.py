"""The sides of a comparison: one small class a library, all with the same interface (`base.Peer`)."""

from .base import Peer
from .by_hand import ByHand
from .hips_autograd import HipsAutograd
from .jax_jit import JaxJit
from .my_grad import MyGrad
from .ours import ScalarValue, TinygradInit
from .plain_micrograd import Micrograd
from .pytorch import PyTorchCompiled, PyTorchEager

# Ours first: it is what all others are compared with.
PEERS: tuple[type[Peer], ...] = (
    TinygradInit,
    ScalarValue,
    ByHand,
    PyTorchEager,
    PyTorchCompiled,
    JaxJit,
    HipsAutograd,
    MyGrad,
    Micrograd,
)

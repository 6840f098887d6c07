"""PyTorch's `torch.nn.utils`: gradients clipped, parameters as one vector, sequences of different lengths (`rnn`)."""

from ...optim.clipping import clip_grad_norm_, clip_grad_value_, get_total_norm
from . import rnn
from .vectors import parameters_to_vector, vector_to_parameters

__all__ = [
    "clip_grad_norm_", "clip_grad_value_", "get_total_norm", "parameters_to_vector", "rnn", "vector_to_parameters",
]  # fmt: skip

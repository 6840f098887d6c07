"""One step of a recurrent network as a layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..init import uniform_
from ..init.drawing import generator_of
from ..ops.products import linear
from ..ops.recurrent import gru_step, lstm_step, plain_step, require_nonlinearity
from ..ops.shape import whole
from .module import Module
from .options import dtype_for, require_flag
from .parameters import Parameter

Rng = np.random.Generator | int | None


class _Cell(Module):
    """What cells share.

    Parameters
    ----------
    input_size, hidden_size
        Of input and state; the input has shape (samples, input_size), or (input_size,).
    bias
        Whether there are b_ih and b_hh.
    device, dtype, rng
        As in `Linear`.

    Notes
    -----
    All numbers start uniform on ±1/√hidden_size, as in PyTorch.
    """

    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        rng: Rng = None,
    ) -> None:
        name = type(self).__name__
        dtype = dtype_for(name, device, dtype)
        sizes = [whole(name, "a size", size) for size in (input_size, hidden_size)]
        if min(sizes) < 1:
            raise ValueError(f"{name}: expected sizes of at least 1, got {sizes}")
        self.input_size, self.hidden_size = sizes
        generator, rows = generator_of(rng), self.gates * hidden_size

        def made(*shape: int) -> Parameter:
            weight = Parameter(np.zeros(shape), dtype)
            uniform_(weight, generator, -(hidden_size**-0.5), hidden_size**-0.5)
            return weight

        self.weight_ih, self.weight_hh = made(rows, input_size), made(rows, hidden_size)
        biased = require_flag(name, "bias", bias)
        self.bias_ih = made(rows) if biased else None
        self.bias_hh = made(rows) if biased else None

    def checked(self, input: Any, *states: Any) -> list[Tensor]:
        """Input and states as tensors of shapes that fit; states are zeros where there are none."""
        name = type(self).__name__
        (x,) = coerce(name, (input,))
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            raise ValueError(f"{name}: expected an input of shape (samples, {self.input_size}), got {x.shape}")
        shape = (*x.shape[:-1], self.hidden_size)
        found = [Tensor(np.zeros(shape), x.dtype) if state is None else state for state in states]
        for state in coerce(name, tuple(found)):
            if state.shape != shape:
                raise ValueError(f"{name}: expected a state of shape {shape}, got {state.shape}")
        return [x, *coerce(name, (x, *found))[1:]]

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}{'' if self.bias_ih is not None else ', bias=False'}"


class RNNCell(_Cell):
    """h' = tanh(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh), or relu of it; parameters as in `GRUCell`."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
        *,
        rng: Rng = None,
    ) -> None:
        self.nonlinearity = require_nonlinearity("RNNCell", nonlinearity)
        super().__init__(input_size, hidden_size, bias, device, dtype, rng=rng)

    def forward(self, input: Any, hx: Any = None) -> Tensor:
        x, h = self.checked(input, hx)
        return plain_step(linear(x, self.weight_ih, self.bias_ih), h, self.weight_hh, self.bias_hh, self.nonlinearity)


class GRUCell(_Cell):
    """A gated recurrent unit (Cho et al. 2014), one step.

    Parameters: `input_size`, `hidden_size`; `bias`, whether there are b_ih and b_hh; `device`, `dtype`, `rng` as in
    `Linear`. It takes an input of shape (samples, input_size) and a state, zeros unless given, and gives the next one.
    """

    gates = 3

    def forward(self, input: Any, hx: Any = None) -> Tensor:
        x, h = self.checked(input, hx)
        return gru_step(linear(x, self.weight_ih, self.bias_ih), h, self.weight_hh, self.bias_hh)


class LSTMCell(_Cell):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), one step: a pair (h, c) becomes the next one.

    Parameters as in `GRUCell`.
    """

    gates = 4

    def forward(self, input: Any, hx: tuple[Any, Any] | None = None) -> tuple[Tensor, Tensor]:
        if hx is not None and not (isinstance(hx, tuple | list) and len(hx) == 2):
            raise TypeError(f"LSTMCell: expected the state as a pair (h, c), got {type(hx).__name__}")
        x, h, c = self.checked(input, *(hx or (None, None)))
        return lstm_step(linear(x, self.weight_ih, self.bias_ih), h, c, self.weight_hh, self.bias_hh)

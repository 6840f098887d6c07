"""Recurrent networks over sequences, in layers and in both directions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.modes import mode
from ..engine.operands import coerce
from ..engine.tensor import Tensor
from ..init import uniform_
from ..ops.drawing import own_generator
from ..ops.elementwise import where
from ..ops.products import linear
from ..ops.random_masks import dropout as dropped
from ..ops.rearranging import flip
from ..ops.recurrent import gru_step, lstm, lstm_step, plain_step, require_nonlinearity
from ..ops.selection import index_select
from ..ops.shape import _getitem, concatenate, expand_dims, getitem, squeeze, stack, swapaxes, whole
from .module import Module
from .options import dtype_for, require_flag
from .parameters import Parameter
from .utils.rnn import PackedSequence, pad_packed_sequence

Rng = np.random.Generator | int | None


class _Recurrent(Module):
    """What recurrent networks share: parameters by layer and direction, and the way through them.

    Parameters
    ----------
    input_size, hidden_size
        Of an input and of a state.
    num_layers
        How many stand on each other; each takes the states of the one below.
    bias
        Whether there are b_ih and b_hh.
    batch_first
        Whether sequences have shape (samples, steps, features) instead of (steps, samples, features). One sequence
        has shape (steps, features).
    dropout
        The share of states that is dropped between layers in training.
    bidirectional
        Whether each layer also goes from the end to the beginning; both states are joined.
    device, dtype, rng
        As in `Linear`; dropout draws from the same generator.

    Notes
    -----
    All numbers start uniform on ±1/√hidden_size, and have PyTorch's names, such as `weight_ih_l0_reverse`. A sequence
    that is padded is computed to its end. Of packed ones (`nn.utils.rnn`) each ends, or begins, at its own; what comes
    out is packed, too.
    """

    gates = 1
    states = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        proj_size: int,
        device: Any,
        dtype: Any,
        rng: Rng,
    ) -> None:
        name = type(self).__name__
        dtype = dtype_for(name, device, dtype)
        given = (input_size, hidden_size, num_layers)
        self.input_size, self.hidden_size, self.num_layers = (whole(name, "a size", size) for size in given)
        self.proj_size = whole(name, "proj_size", proj_size)
        if min(given) < 1 or not 0 <= self.proj_size < hidden_size:
            raise ValueError(f"{name}: expected sizes of at least 1, and proj_size below hidden_size, got {given} and "
                             f"{proj_size}")  # fmt: skip
        if not 0.0 <= dropout <= 1.0:
            raise ValueError(f"{name}: expected dropout from 0 to 1, got {dropout}")
        self.bias, self.batch_first = require_flag(name, "bias", bias), require_flag(name, "batch_first", batch_first)
        self.dropout, self.bidirectional = dropout, require_flag(name, "bidirectional", bidirectional)
        self.rng = own_generator(rng)
        rows, out, bound = self.gates * hidden_size, self.proj_size or hidden_size, hidden_size**-0.5
        for layer in range(num_layers):
            width = input_size if layer == 0 else out * (2 if bidirectional else 1)
            for end in self.ends(layer):
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, width), "weight_hh": (rows, out)}
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)} if bias else {}
                shapes |= {"weight_hr": (self.proj_size, hidden_size)} if self.proj_size else {}
                for kind, shape in shapes.items():
                    parameter = Parameter(np.zeros(shape), dtype)
                    uniform_(parameter, self.rng, -bound, bound)
                    setattr(self, kind + end, parameter)

    def ends(self, layer: int) -> list[str]:
        """What the names of a layer's parameters end in, for each direction."""
        return [f"_l{layer}", *([f"_l{layer}_reverse"] if self.bidirectional else [])]

    def step(self, given: Tensor, state: list[Tensor], end: str) -> list[Tensor]:
        """The next state; the first of it is what comes out."""
        raise NotImplementedError

    def whole(self, given: Tensor, state: list[Tensor], end: str, back: bool) -> tuple[Tensor, list[Tensor]] | None:
        """All steps at once, and the state after them; None where they are to be made one by one."""
        return None

    def part(self, kind: str, end: str) -> Any:
        """A parameter, or None where there is none."""
        return getattr(self, kind + end, None)

    def run(self, input: Any, states: Any) -> tuple[Any, list[Tensor]]:
        """What comes out of the last layer at all steps, and the states at the end of each layer and direction."""
        name = type(self).__name__
        if isinstance(input, PackedSequence):
            return self.run_packed(input, states)
        if hasattr(input, "batch_sizes"):
            raise TypeError(f"{name}: expected a packed sequence of tinygrad_init.nn.utils.rnn, got {type(input)}")
        (x,) = coerce(name, (input,))
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size or 0 in x.shape[:-1]:
            order = "samples, steps" if self.batch_first else "steps, samples"
            raise ValueError(f"{name}: expected an input of shape ({order}, {self.input_size}), got {x.shape}")
        single = x.ndim == 2
        x = expand_dims(x, 1) if single else swapaxes(x, 0, 1) if self.batch_first else x
        x, ends = self.through(x, self.first_states(name, x, states, single), None)
        if single:
            return squeeze(x, 1), [squeeze(end, 1) for end in ends]
        return (swapaxes(x, 0, 1) if self.batch_first else x), ends

    def run_packed(self, sequence: PackedSequence, states: Any) -> tuple[Any, list[Tensor]]:
        """`run` for sequences of different lengths: states stay as they are where a sequence is not."""
        name = type(self).__name__
        data, sizes, order, back = sequence
        x, _ = pad_packed_sequence(PackedSequence(data, sizes))  # the longest first
        (x,) = coerce(name, (x,))
        if x.ndim != 3 or x.shape[-1] != self.input_size:
            raise ValueError(f"{name}: expected packed rows of {self.input_size} features, got {data.shape}")
        if states is not None and order is not None:
            given = states if self.states == 2 else (states,)
            given = tuple([index_select(state, 1, order) for state in coerce(name, given)])
            states = given if self.states == 2 else given[0]
        active = np.arange(x.shape[0])[:, np.newaxis] < PackedSequence(data, sizes).lengths
        x, ends = self.through(x, self.first_states(name, x, states, False), active[..., np.newaxis])
        if back is not None:
            ends = [index_select(end, 1, back) for end in ends]
        return PackedSequence(getitem(x, np.nonzero(active)), sizes, order, back), ends

    def through(self, x: Tensor, before: list[list[Tensor]], active: Any) -> tuple[Tensor, list[Tensor]]:
        """All layers over (steps, samples, features), from the states before to those at the ends."""
        last: list[list[Tensor]] = []
        for layer in range(self.num_layers):
            outs = []
            for direction, end in enumerate(self.ends(layer)):
                given = linear(x, self.part("weight_ih", end), self.part("bias_ih", end))
                state, seen = before[len(last)], []
                whole = self.whole(given, state, end, bool(direction)) if active is None else None
                if whole is not None:
                    outs.append(whole[0])
                    last.append(whole[1])
                    continue
                steps = range(x.shape[0])
                for t in reversed(steps) if direction else steps:
                    new = self.step(_getitem(given, t), state, end)
                    if active is not None:
                        new = [where(active[t], *pair) for pair in zip(new, state, strict=True)]
                    state = new
                    seen.append(state[0])
                outs.append(stack(seen[::-1] if direction else seen))
                last.append(state)
            x = outs[0] if len(outs) == 1 else concatenate(outs, 2)
            if self.training and self.dropout > 0.0 and layer + 1 < self.num_layers:
                x = dropped(x, self.dropout, self.rng)
        return x, [stack([state[k] for state in last]) for k in range(self.states)]

    def first_states(self, name: str, x: Tensor, states: Any, single: bool) -> list[list[Tensor]]:
        """For each layer and direction the state to begin with: zeros unless given."""
        count = self.num_layers * (2 if self.bidirectional else 1)
        widths = (self.proj_size or self.hidden_size, self.hidden_size)[: self.states]
        if states is None:
            return [[Tensor(np.zeros((x.shape[1], n)), x.dtype) for n in widths] for _ in range(count)]
        given = coerce(name, (x, *(states if self.states == 2 else (states,))))[1:]
        for state, n in zip(given, widths, strict=True):
            wanted = (count, n) if single else (count, x.shape[1], n)
            if state.shape != wanted:
                raise ValueError(f"{name}: expected a state of shape {wanted}, got {state.shape}")
        whole_states = [expand_dims(state, 1) for state in given] if single else given
        return [[_getitem(state, i) for state in whole_states] for i in range(count)]

    def extra_repr(self) -> str:
        usual = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}
        usual |= {"proj_size": 0}
        changed = [f"{key}={getattr(self, key)}" for key, n in usual.items() if getattr(self, key) != n]
        return ", ".join([str(self.input_size), str(self.hidden_size), *changed])


class RNN(_Recurrent):
    """h' = tanh(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh), or relu of it, along sequences (Elman 1990).

    Parameters
    ----------
    nonlinearity
        "tanh" or "relu"; all others as in `GRU`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        rng: Rng = None,
    ) -> None:
        self.nonlinearity = require_nonlinearity("RNN", nonlinearity)
        options = num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype, rng
        super().__init__(input_size, hidden_size, *options)

    def step(self, given: Tensor, state: list[Tensor], end: str) -> list[Tensor]:
        weight, bias = self.part("weight_hh", end), self.part("bias_hh", end)
        return [plain_step(given, state[0], weight, bias, self.nonlinearity)]

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Tensor]:
        out, (h,) = self.run(input, hx)
        return out, h


class GRU(_Recurrent):
    """Gated recurrent units along sequences (Cho et al. 2014).

    Parameters
    ----------
    input_size, hidden_size
        Of an input and of a state.
    num_layers
        How many stand on each other.
    bias
        Whether there are b_ih and b_hh.
    batch_first
        Whether sequences have shape (samples, steps, features) instead of (steps, samples, features). One sequence
        has shape (steps, features).
    dropout
        The share of states that is dropped between layers in training.
    bidirectional
        Whether each layer also goes from the end to the beginning.
    device, dtype, rng
        As in `Linear`; dropout draws from the same generator.

    Returns
    -------
    tuple
        When called: the states of the last layer at all steps, and those of all layers at the end.
    """

    gates = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        rng: Rng = None,
    ) -> None:
        options = num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype, rng
        super().__init__(input_size, hidden_size, *options)

    def step(self, given: Tensor, state: list[Tensor], end: str) -> list[Tensor]:
        return [gru_step(given, state[0], self.part("weight_hh", end), self.part("bias_hh", end))]

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Tensor]:
        out, (h,) = self.run(input, hx)
        return out, h


class LSTM(_Recurrent):
    """Long short-term memory along sequences (Hochreiter and Schmidhuber 1997).

    Parameters
    ----------
    proj_size
        Of what comes out of a layer, if that is to be smaller than its states (Sak et al. 2014); all others as in
        `GRU`. The state is a pair (h, c).
    """

    gates, states = 4, 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
        *,
        rng: Rng = None,
    ) -> None:
        options = num_layers, bias, batch_first, dropout, bidirectional, proj_size, device, dtype, rng
        super().__init__(input_size, hidden_size, *options)

    def step(self, given: Tensor, state: list[Tensor], end: str) -> list[Tensor]:
        weight, bias, projection = (self.part(kind, end) for kind in ("weight_hh", "bias_hh", "weight_hr"))
        return list(lstm_step(given, state[0], state[1], weight, bias, projection))

    def whole(self, given: Tensor, state: list[Tensor], end: str, back: bool) -> tuple[Tensor, list[Tensor]] | None:
        weight, bias = (self.part(kind, end) for kind in ("weight_hh", "bias_hh"))
        # Who looks at what modules do wants to see the linear map of each step.
        if self.proj_size or mode.observer is not None or {t.dtype for t in (*state, weight)} != {given.dtype}:
            return None
        h, c = state
        out, c = lstm(flip(given, 0) if back else given, h, c, weight, bias)
        return (flip(out, 0) if back else out), [_getitem(out, -1), c]

    def forward(self, input: Any, hx: tuple[Any, Any] | None = None) -> tuple[Any, tuple[Tensor, Tensor]]:
        if hx is not None and not (isinstance(hx, tuple | list) and len(hx) == 2):
            raise TypeError(f"LSTM: expected the state as a pair (h, c), got {type(hx).__name__}")
        out, (h, c) = self.run(input, hx)
        return out, (h, c)

"""Training, in the article's six steps: 1. prepare the input, 2. initialize, then again and again 3. forward, 4. loss,
5. backward and update, 6. until the loss no longer falls (here: for a number of epochs).

Steps 3 to 5 run as a captured program."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .data import Scaler, batches, split
from .data.samples import pairs, require_fits
from .engine.modes import no_grad
from .engine.tensor import Tensor
from .init import INITIALIZERS, Initializer, start_name, zeros_
from .nn import Module, dtype_of, linear_maps, undisturbed
from .ops.losses import loss_of
from .optim import Optimizer, clip_grad_norm_
from .programs import Captured, CaptureError
from .progress import shown

Array = np.ndarray[Any, Any]
Loss = Callable[[Tensor, Any], Tensor]


@dataclass(slots=True)
class Progress:
    """Where training stands after a step."""

    epoch: int
    step: int
    loss: float


class Watcher(Protocol):
    """What looks on while a network is trained, such as `diagnosis.Monitor`."""

    def start(self) -> object:
        """Before the first update, when the weights are initialized."""

    def __call__(self, progress: Progress, /) -> object:
        """After each update."""

    def end(self) -> object:
        """After the last."""


class History(list[float]):
    """The mean loss of every epoch, as a list.

    Attributes
    ----------
    validation
        The loss after every epoch on samples that are not trained on; empty if there are none.
    best
        The epoch, from 0, with the lowest of those, whose weights are kept where training is stopped early; None if
        there are none.
    stopped_early
        Whether `patience` ended the training.
    """

    def __init__(self) -> None:
        super().__init__()
        self.validation: list[float] = []
        self.stopped_early = False

    @property
    def best(self) -> int | None:
        finite = [(loss, epoch) for epoch, loss in enumerate(self.validation) if math.isfinite(loss)]
        return min(finite)[1] if finite else None


def train(
    model: Module,
    x: Array,
    y: Array,
    loss: str | Loss,
    optimizer: Callable[[list[Tensor]], Optimizer],
    *,
    initializer: str | Initializer | None = None,
    scaler: Scaler | None = None,
    epochs: int = 10,
    batch_size: int | None = None,
    clip: float | None = None,
    rng: np.random.Generator | int | None = None,
    validation: float | tuple[Array, Array] | None = None,
    patience: int | None = None,
    progress: bool | None = None,
    monitor: Watcher | None = None,
    on_start: Callable[[], object] | None = None,
    on_step: Callable[[Progress], object] | None = None,
) -> History:
    """Train a network and return the mean loss of every epoch.

    The steps run as a captured program. Where a loss or an optimizer cannot be captured they run one by one, after a
    warning.

    Parameters
    ----------
    model
        What is trained.
    x, y
        Inputs of shape (samples, features) and what belongs to them.
    loss
        The name of a loss out of `tgi.nn.LOSSES`, or a function from predictions and targets to one number.
    optimizer
        Makes the optimizer of the parameters, such as `lambda ps: SGD(ps, lr=0.1)`.
    initializer
        A name out of `init.INITIALIZERS` or a function like those; None keeps the parameters as they are.
    scaler
        Fitted to `x` here and applied; None if `x` is already as it should be.
    epochs, batch_size
        How often every sample is used, and how many at a time (None: all).
    clip
        The largest norm that all gradients together may have; larger ones are scaled down to it (Pascanu et al. 2013).
    rng
        For initial weights and the order of samples.
    validation
        Samples to find the loss on after every epoch: inputs and targets, or the share of `x` and `y` that is held out.
    patience
        Stop when that loss has not been lower for so many epochs, and go back to the weights with the lowest; needs
        `validation`.
    progress
        Show a bar where the errors of a terminal go; unless said otherwise, in notebooks alone.
    monitor
        Looks on: a `diagnosis.Monitor`, or anything that can be told of start, steps and end.
    on_start, on_step
        Called before the first update, when the weights are initialized, and after each update.

    Returns
    -------
    History
        A list of the mean losses, with those of `validation` beside it.

    Raises
    ------
    TypeError
        `x` or `y` are not made of real numbers; or `loss` is no loss, or `optimizer` makes none.
    ValueError
        `x` and `y` differ in length, are empty, or hold what does not fit into the model's dtype; or there is no loss
        or initializer of that name; or `patience` comes without `validation`.
    """
    x, y = pairs("train", x, y)
    function = loss_of(loss)
    if isinstance(optimizer, Optimizer) or not callable(optimizer):
        raise TypeError(
            "train: expected a function that makes the optimizer of the parameters, such as lambda ps: SGD(ps, 0.1), "
            f"got {type(optimizer).__name__}"
        )
    if patience is not None and (validation is None or patience < 1):
        raise ValueError(f"train: expected a patience of at least 1 epoch, with validation=; got {patience}")
    generator = np.random.default_rng(rng)
    held: tuple[Array, Array] | None = None
    if isinstance(validation, float | int):
        x, y, *parts = split(x, y, float(validation), generator)
        held = (parts[0], parts[1])
        if not (len(x) and len(parts[0])):
            raise ValueError(f"train: {validation} held out of {len(x) + len(parts[0])} samples leaves a part empty")
    elif validation is not None:
        held = pairs("train", *validation)
    # 1. Prepare the input: features of one size, so that no weight sees larger numbers than another.
    if scaler is not None:
        x = scaler.fit(x).transform(x)
        held = held and (scaler.transform(held[0]), held[1])
    kind = dtype_of(model)

    def fitting(values: Array, what: str) -> Array:
        require_fits("train", what, values, kind)
        return values.astype(kind) if values.dtype.kind == "f" else values

    x, y = fitting(x, "x"), fitting(y, "y")
    held = held and (fitting(held[0], "x of validation"), fitting(held[1], "y of validation"))
    # 2. Initialize weights and biases.
    if initializer is not None:
        initialize(model, initializer, generator)
    update = optimizer([parameter for parameter in model.parameters() if parameter.requires_grad])
    if on_start is not None:
        on_start()
    if monitor is not None:
        monitor.start()
    run = captured(learning_step(model, function, update, clip), warn="train")
    history, step = History(), 0
    watching = [call for call in (on_step, monitor) if call is not None]
    best: dict[str, Array] = {}
    with shown(range(epochs), "training", progress) as numbers:
        for epoch in numbers:
            total = 0.0
            for xs, ys in batches(x, y, batch_size, generator):
                cost = run(xs, ys)
                step += 1
                reached = cost.item()
                total += reached * len(xs)
                for call in watching:
                    call(Progress(epoch, step, reached))
            # 6. Again, until the loss no longer falls: what it has been is returned, for the caller to see.
            history.append(total / len(x))
            if held is None:
                continue
            history.validation.append(validation_loss(model, function, *held))
            if patience is None:
                continue
            if history.best == epoch:
                best = {name: np.array(values) for name, values in model.state_dict().items()}
            elif epoch - (-1 if history.best is None else history.best) >= patience:
                history.stopped_early = True
                break
    if monitor is not None:
        monitor.end()
    if best:
        model.load_state_dict(best)
    return history


def validation_loss(model: Module, loss: Loss, x: Array, y: Array) -> float:
    """The loss of a model as it is used, without a graph; what it is doing stays as it is."""
    with undisturbed(model), no_grad(), np.errstate(all="ignore"):
        return float(loss(model.eval()(Tensor(x)), y).item())


def learning_step(
    model: Module,
    loss: Loss,
    update: Optimizer,
    clip: float | None = None,
    penalty: Callable[[], Tensor] | None = None,
) -> Callable[[Any, Any], Tensor]:
    """Steps 3 to 5 as a function of a batch that returns the loss, to be captured.

    Parameters are those of `train`; what `penalty` returns is added to the loss before the derivatives are taken.
    """

    def learn(xs: Any, ys: Any) -> Tensor:
        # 3. Forward: from the input to the network's output.
        prediction = model(xs)
        # 4. The loss: one number for how wrong it is.
        cost = loss(prediction, ys)
        # 5. Backward: the chain rule gives ∂C/∂W for every W; each goes a step against its own.
        update.zero_grad()
        (cost if penalty is None else cost + penalty()).backward()
        if clip is not None:
            clip_grad_norm_(update.parameters, clip)
        update.step()
        return cost

    return learn


class captured:
    """The function as a program, or as it is if it cannot be one: it may then do whatever Python can.

    Parameters
    ----------
    warn
        Who says so then, in a warning; nobody unless given.
    own
        As in `Captured`.

    Attributes
    ----------
    refused
        Why it is no program, and where; None if it is one, or has not been called yet.
    """

    def __init__(self, function: Callable[..., Any], warn: str = "", own: bool = False) -> None:
        self.function, self.warn = function, warn
        self.program: Callable[..., Any] = Captured(function, own)
        self.refused: CaptureError | None = None

    def __call__(self, *arguments: Any) -> Any:
        try:
            return self.program(*arguments)
        except CaptureError as error:  # raised before anything was done
            self.program, self.refused = self.function, error
            if self.warn:
                warn_of(self.warn, error, 3)
        return self.function(*arguments)


def warn_of(owner: str, refused: CaptureError, stacklevel: int) -> None:
    """Say that steps run one by one, and what was refused where."""
    text = f"{owner}: the steps run without a program, slower: {refused}"
    warnings.warn(text, RuntimeWarning, stacklevel=stacklevel + 1)


def initialize(model: Module, initializer: str | Initializer, rng: np.random.Generator | int) -> None:
    """Fill the weight of every linear map, dense or convolution, by an initializer, and its bias with zeros.

    Parameters
    ----------
    model
        Any module; what an initializer takes for the activation after a linear map is the one defined next.
    initializer
        A name out of `init.INITIALIZERS` or a function like those.
    rng
        A generator or a seed.

    Raises
    ------
    ValueError
        There is no initializer of that name.
    """
    fill_layers(linear_maps(model), initializer, rng)


def fill_layers(
    layers: Iterable[tuple[Module, Any]], initializer: str | Initializer, rng: np.random.Generator | int | None
) -> None:
    """The same for linear maps that are given one by one, each with the activation after it or None."""
    if isinstance(initializer, str):
        initializer = INITIALIZERS[start_name(initializer)]
    generator = np.random.default_rng(rng)  # one for all layers: a seed for each would make them alike
    for linear, activation in layers:
        weight, bias = vars(linear)["weight"], vars(linear).get("bias")
        initializer(weight, generator, "linear" if activation is None else activation)
        if bias is not None:
            zeros_(bias)


def predict(model: Module, x: Array, scaler: Scaler | None = None) -> Array:
    """The model's output without a graph.

    Parameters
    ----------
    model
        As it is, to be trained or (`eval()`) to be used.
    x
        Inputs of shape (samples, features).
    scaler
        That of the training, already fitted; None if `x` is already as it should be.
    """
    if scaler is not None:
        x = scaler.transform(x)
    kind = dtype_of(model)
    if kind is not None and scaler is not None:
        x = x.astype(kind)
    with no_grad():
        return np.asarray(model(x).numpy())

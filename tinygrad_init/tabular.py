"""Networks on tables: learned from one, kept with all that became of its columns, and asked about others.

>>> from tinygrad_init import tabular
>>> tabular.load("houses.safetensors").predict("new.parquet")  # doctest: +SKIP
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .data import DataError, Dataset, Encoder, Frame, StandardScaler, read, split
from .data.encoding import DROP, REFUSE
from .data.targets import CLASSIFICATION, REGRESSION
from .diagnosis.trials.comparison import HELD_OUT, accuracy, check_sizes, r_squared, targets
from .engine.tensor import Tensor
from .nn import MLP, Module
from .ops.losses import LOSSES
from .optim import Optimizer
from .saving import LoadError, Saved, save
from .saving import load as load_saved
from .training import History, Progress, initialize, predict, train

Array = np.ndarray[Any, Any]

KEY = "table"
# So many rows are predicted at a time, that what lies between fits into the memory.
AT_ONCE = 1 << 14
FEWEST = 10  # rows, of which some can be held out


@dataclass
class Predictor:
    """A network with all that stands between a table and what it says.

    Attributes
    ----------
    model
        The network.
    encoder
        What becomes of the columns of a table.
    scaler
        What features are scaled by.
    loss
        The name of the loss that it was trained by.
    target
        What the column is called that it predicts.
    classes
        The names of the classes; empty for a regression.
    of_targets
        Of a regression: what targets were scaled by.
    trained
        How: numbers and names, of no consequence.
    """

    model: Module
    encoder: Encoder
    scaler: StandardScaler
    loss: str
    target: str
    classes: tuple[str, ...] = ()
    of_targets: StandardScaler | None = None
    trained: dict[str, Any] = field(default_factory=dict)

    def outputs(self, source: Any, unseen: str = REFUSE) -> Array:
        """What the network makes of the rows of a table.

        Parameters
        ----------
        source
            A `Frame`, a file, or a table of another library, see `data.read`; its columns are found by their names.
        unseen
            What is done to categories that were not there, see `Encoder.transform`.

        Returns
        -------
        ndarray
            float64 of shape (rows, outputs); NaN in rows where a value is missing, if such were left out of the
            training.

        Raises
        ------
        DataError
            A column or a value is missing, or is of another kind.
        """
        frame = source if isinstance(source, Frame) else read(source)
        self.encoder.require_columns(frame)
        names = [column.name for column in self.encoder.columns]
        rows = self.encoder.complete(frame, names) if self.encoder.missing == DROP else None
        if rows is not None:
            found = np.full((len(frame), self.width), np.nan)
            if len(rows):
                found[rows] = self.outputs_of(self.encoder.transform(frame.take(rows, names), unseen))
            return found
        return self.outputs_of(self.encoder.transform(frame, unseen))

    @property
    def width(self) -> int:
        """How many outputs the network has."""
        single = not self.classes or (self.loss == "binary_cross_entropy_with_logits" and len(self.classes) == 2)
        return 1 if single else len(self.classes)

    def outputs_of(self, x: Array) -> Array:
        """The same of features as the encoder makes them, of shape (rows, features)."""
        self.model.eval()
        with np.errstate(all="ignore"):
            parts = [predict(self.model, x[i : i + AT_ONCE], self.scaler) for i in range(0, len(x), AT_ONCE)]
        found = np.concatenate(parts).astype(np.float64)
        return found if self.of_targets is None else self.of_targets.inverse(found)

    def predict(self, source: Any, unseen: str = REFUSE) -> Array:
        """The class, as text, or the number of each row: of shape (rows,); "" or NaN where there is none.

        Parameters and errors are those of `outputs`.
        """
        return self.answers(self.outputs(source, unseen))

    def answers(self, outputs: Array) -> Array:
        """What outputs stand for."""
        if not self.classes:
            return outputs[:, 0]
        known = ~np.isnan(outputs).any(axis=1)
        numbers = outputs.argmax(1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0).astype(np.intp)
        return np.where(known, np.array(self.classes, dtype=object)[numbers], "")

    def probabilities(self, source: Any, unseen: str = REFUSE) -> Array:
        """How likely each class is, in the order of `classes`: of shape (rows, classes).

        Parameters are those of `outputs`.

        Raises
        ------
        DataError
            As in `outputs`; or the loss was none of probabilities.
        """
        return self.shares(self.outputs(source, unseen))

    def shares(self, outputs: Array) -> Array:
        """Outputs as probabilities."""
        if self.loss not in ("cross_entropy", "binary_cross_entropy_with_logits") or not self.classes:
            what = f"the loss {self.loss} of classes" if self.classes else "a regression"
            raise DataError(f"expected a network whose outputs are probabilities, got one of {what}")
        with np.errstate(over="ignore"):
            if self.loss == "cross_entropy":
                powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
                return np.asarray(powers / powers.sum(axis=1, keepdims=True))
            found = 1 / (1 + np.exp(-outputs))
        return found if found.shape[1] > 1 else np.hstack([1 - found, found])

    def score(self, frame: Frame, outputs: Array) -> tuple[float, int] | None:
        """The share of right classes, or R², and on how many rows; None where the target is not there or is another's.

        Parameters
        ----------
        frame
            The table.
        outputs
            For its rows.
        """
        if self.target not in frame.columns:
            return None
        rows = np.flatnonzero(~np.isnan(outputs).any(axis=1) & ~frame.columns[self.target].missing)
        if not len(rows):
            return None
        some = frame.take(rows, [self.target])
        try:
            if not self.classes:
                return r_squared(outputs[rows], some.settled([self.target]).numbers(self.target)), len(rows)
            right = some.texts(self.target)
        except DataError:
            return None
        if not np.isin(right, self.classes).all():
            return None
        return float(np.mean(right == self.answers(outputs[rows]))), len(rows)

    def save(self, path: Any) -> None:
        """Write all of it as one file of safetensors, which `load` reads; `tgi.load` reads the network.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        scaled = self.of_targets
        shift, scale = (None, None) if scaled is None or scaled.shift is None or scaled.scale is None else (
            float(scaled.shift[0]), float(scaled.scale[0]),
        )  # fmt: skip
        table = {
            "encoder": self.encoder.to_dict(),
            "loss": self.loss,
            "target": self.target,
            "shift": shift,
            "scale": scale,
            "trained": self.trained,
        }
        names = list(self.classes) or None
        save(path, self.model, scaler=self.scaler, class_names=names, metadata={KEY: table})


def load(path: Any) -> Predictor:
    """A network on tables, of a file that `Predictor.save` or `tinygrad-init train --save` wrote; no code is read.

    Raises
    ------
    LoadError
        It is another file, or a damaged one; the message is one sentence.
    OSError
        It cannot be read.
    """
    saved = load_saved(path)
    said = saved.metadata.get(KEY) if isinstance(saved, Saved) else None
    if not isinstance(said, dict) or saved.scaler is None:
        raise LoadError(
            f"{path}: expected a network on a table, as tinygrad-init train --save writes it; the file does not say "
            "what became of its columns"
        )
    try:
        encoder = Encoder.from_dict(said["encoder"])
        of_targets = None
        if said["shift"] is not None:
            of_targets = StandardScaler()
            of_targets.shift, of_targets.scale = (np.array([float(said[part])]) for part in ("shift", "scale"))
        classes = tuple(saved.class_names or ())
        parts = said["loss"], said["target"], classes, of_targets, said["trained"]
        found = Predictor(saved.model, encoder, saved.scaler, *parts)
        if said["loss"] not in LOSSES or not isinstance(said["target"], str) or not isinstance(said["trained"], dict):
            raise ValueError("the loss or the target is none")
        outputs = found.outputs_of(np.zeros((1, len(encoder.features)))).shape
    except Exception as error:  # whatever a network and numbers that nobody had lead to
        raise LoadError(f"{path}: its network and its columns do not fit together ({error})") from None
    if outputs != (1, found.width):
        raise LoadError(f"{path}: its network has outputs of shape {outputs[1:]} for {len(found.classes)} classes")
    return found


@dataclass
class Learned:
    """What has come of a training.

    Attributes
    ----------
    predictor
        The network, ready to be used.
    score
        The share of right classes, or R², on rows that were held out; on all where none were.
    guess
        The same by saying the most frequent class, or the mean, always.
    rows, held
        How many rows were trained on, and how many held out.
    epochs, best
        How many epochs there were, and from which one, counted from 1, the weights are.
    interrupted
        Whether Ctrl-C ended it.
    """

    predictor: Predictor
    score: float
    guess: float
    rows: int
    held: int
    epochs: int
    best: int
    interrupted: bool


def learn(
    dataset: Dataset,
    sizes: Sequence[int],
    optimizer: Callable[[list[Tensor]], Optimizer],
    *,
    loss: str,
    activation: str = "relu",
    start: str = "torch",
    epochs: int = 100,
    batch_size: int = 64,
    validation: float | None = None,
    patience: int | None = 10,
    seed: int = 0,
    dtype: str = "float32",
    progress: bool = False,
) -> Learned:
    """Train a network on a table, and keep all that is needed to use it.

    Features are scaled by the rows that are trained on, targets of a regression as well.

    Parameters
    ----------
    dataset
        Out of `data.load`.
    sizes
        Of the input, the hidden layers and the output.
    optimizer
        Makes the optimizer of the parameters.
    loss, activation, start
        Their names.
    epochs, batch_size
        How often every sample is used at most, and how many at a time.
    validation
        The share of the rows that is held out; a fifth of 10 or more unless given.
    patience
        After how many epochs without a lower loss on those it is over, and the weights of the lowest are taken; None
        for never.
    seed, dtype
        Of the split, the start and the batches; and of the network.
    progress
        Whether to show a bar where the errors of a terminal go.

    Raises
    ------
    ValueError
        The network does not fit the data, no rows can be held out, or the loss becomes infinite or NaN.
    """
    check_sizes(sizes, dataset, loss)
    kind = np.dtype(dtype)
    splitting, starting, batching = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(3))
    count = len(dataset.x)
    share = (HELD_OUT if count >= FEWEST else 0.0) if validation is None else validation
    x, y, held_x, held_y = split(dataset.x, dataset.y, share, splitting)
    if share and not (len(x) and len(held_x)):
        raise ValueError(f"validation: {share:g} held out of {count} rows leaves a part empty")
    scaler, of_targets = StandardScaler().fit(x), None
    if not dataset.classes:
        of_targets = StandardScaler().fit(y[:, None])
    model = MLP(tuple(sizes), activation, rng=0, dtype=dtype)
    initialize(model, start, starting)

    def prepared(x: Array, y: Array) -> tuple[Array, Array]:
        of_y = y if of_targets is None else of_targets.transform(y[:, None])[:, 0]
        return scaler.transform(x).astype(kind), targets(of_y, loss, sizes[-1], kind)

    held = prepared(held_x, held_y) if len(held_x) else None
    patience = None if held is None else patience
    done, interrupted, history = [0], False, History()

    def on_step(step: Progress) -> None:
        done[0] = step.epoch
        if not math.isfinite(step.loss):
            raise ValueError(f"the loss has become infinite or NaN in epoch {step.epoch + 1}; --lr should be smaller")

    try:
        history = train(
            model, *prepared(x, y), loss, optimizer, epochs=epochs, batch_size=batch_size, rng=batching,
            validation=held, patience=patience, progress=progress, on_step=on_step,
        )  # fmt: skip
    except KeyboardInterrupt:
        if not done[0]:
            raise
        interrupted = True
    model.eval()
    encoder = dataset.encoder or Encoder.of_numbers(dataset.x.shape[1])
    target = dataset.target or "y"
    found = Predictor(model, encoder, scaler, loss, target, dataset.classes, of_targets)
    judged, right = (held_x, held_y) if held is not None else (x, y)
    outputs = found.outputs_of(judged)
    ran = len(history) or done[0]
    best = history.best + 1 if patience is not None and history.best is not None else ran
    if dataset.classes:
        score, guess = accuracy(outputs, right), float(np.mean(right == np.bincount(y).argmax()))
    else:
        score, guess = r_squared(outputs, right), 0.0
    found.trained = {
        "task": CLASSIFICATION if dataset.classes else REGRESSION, "rows": len(x), "held_out": len(held_x),
        "score": score, "epochs": ran, "best_epoch": best, "start": start, "activation": activation, "seed": seed,
    }  # fmt: skip
    return Learned(found, score, guess, len(x), len(held_x), ran, best, interrupted)


__all__ = ["Learned", "Predictor", "learn", "load"]

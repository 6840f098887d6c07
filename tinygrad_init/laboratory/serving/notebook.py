"""The Lab in a notebook: `tgi.lab()`, or `tgi.lab(model, x, y)` for a model and data of one's own.

The page is the one that the server sends. Here it lies in a frame, its files come with the widget, and its messages go
over the notebook's own connection, so that it works wherever the notebook does.
"""

from __future__ import annotations

import dataclasses
import json
import re
import threading
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

try:
    import anywidget
    import traitlets
except ImportError as error:
    package = (error.name or "").split(".")[0]
    raise ImportError(
        f"the Lab in a notebook needs {package}; pip install 'tinygrad_init[notebook]' installs it"
    ) from None

from ...data import REGRESSIONS
from ...diagnosis.diagnosing import is_torch
from ...nn import Module
from ...training import Loss
from ..experiment import build
from ..experiment.experiment import Source
from ..experiment.given_model import NOT_OWN, Own
from ..looking.describe import hello
from ..messages import frames, protocol
from ..messages.config import Config
from ..messages.message_schema import Invalid, read
from ..messages.wire import encode, plain
from .session import Visit

PAGE = Path(str(files("tinygrad_init.laboratory") / "page"))
MOST_VIEWS = 8
PATIENCE = 10.0  # seconds that a page may leave a frame unread before training waits for it


def lab(
    model: Module | None = None,
    x: Any = None,
    y: Any = None,
    loss: str | Loss | None = None,
    *,
    height: int = 900,
    **config: Any,
) -> Widget:
    """The Lab as a widget; the last line of a cell shows it.

    Parameters
    ----------
    model
        Any module that calls each of its linear maps (dense or convolutions) once, also one of PyTorch's that
        `tgi.from_torch` can convert. It is copied, so that it stays as it is. None: networks that the page's controls
        describe.
    x, y
        For a model: all samples, the first axis theirs, and what belongs to them as `loss` wants it. Samples of two
        numbers have a map.
    loss
        The name of a loss; for a model also a function from predictions and targets to their mean loss. A model has
        cross entropy unless given.
    height
        Of the frame, in CSS pixels.
    **config
        What to begin with, by the names and defaults of `laboratory.config.Config`: lr, optimizer, batch, clip, seed,
        ... (without any the page has its own); a model is trained on all samples unless `data={"test": 0.3}` holds some
        out.

    Returns
    -------
    Widget
        `widget.models` are the networks as they are now, the first run's first.

    Raises
    ------
    TypeError
        The model is no module, one of PyTorch's that cannot be converted, or does not call its linear maps once each; a
        model without data, or data without one.
    ValueError
        Shapes do not fit each other, there is no such loss, or a part of the config is not what it should be.

    Examples
    --------
    >>> tgi.lab(tgi.nn.MLP([2, 8, 8, 2], "tanh"), data.x, data.y, lr=0.3)
    """
    if (model is None) != (x is None) or (x is None) != (y is None):
        raise TypeError("lab: expected a model with x and y, or none of them")
    if is_torch(model):
        model, x, y, loss = from_pytorch(model, x, y, loss)
    own = None if model is None else Own(model, x, y, "cross_entropy" if loss is None else loss)
    if own is None and loss is not None:
        config["loss"] = loss
    given = json.loads(json.dumps(config, default=as_plain))
    data = given.get("data") if isinstance(given.get("data"), dict) else {}
    try:
        if own is not None:
            refuse_what_a_model_has(given, data)
            given = merged(own.begin(), given)
        elif data.get("name") in REGRESSIONS:
            given.setdefault("loss", "half_squared_error")
        found = read(Config, given, "")
        (build if own is None else own).check(found)
    except Invalid as error:
        raise ValueError(f"lab: {error}") from None
    return Widget(build if own is None else own, plain(found, None) if given else {}, height)


def from_pytorch(model: Any, x: Any, y: Any, loss: Any) -> tuple[Module, Any, Any, Any]:
    """A model of PyTorch's, its data and its loss as this package has them.

    Raises
    ------
    TypeError
        The model cannot be converted, or the loss is one of PyTorch's that has no name here.
    """
    import torch

    from ...diagnosis.fronts.torch_links import as_array
    from ...diagnosis.fronts.torch_losses import name_of
    from ...torch.conversion import from_torch

    if callable(loss):
        name = name_of(loss)
        if not name and (isinstance(loss, torch.nn.Module) or str(loss.__module__).startswith("torch.")):
            said = getattr(loss, "__name__", type(loss).__name__)
            raise TypeError(f"lab: expected the name of a loss, or one of PyTorch's that has one here; got {said}")
        loss = name or loss
    x, y = (as_array(values) if isinstance(values, torch.Tensor) else values for values in (x, y))
    return from_torch(model), x, y, loss


def refuse_what_a_model_has(given: dict[str, Any], data: dict[str, Any]) -> None:
    """Parts of a config that a model of one's own decides, or its data.

    Raises
    ------
    Invalid
        One is given.
    """
    variants = [one for one in given.get("variants", ()) if isinstance(one, dict)]
    names = [name for name in NOT_OWN if name in given]
    names += [f"data.{name}" for name in data if name not in ("test", "seed")]
    names += [f"variants.{name}" for one in variants for name in ("layers", "activations") if one.get(name) is not None]
    if names:
        raise Invalid(names[0], "own")


def as_plain(value: Any) -> Any:
    """What JSON knows instead of NumPy's numbers and arrays and the Lab's classes; others as text, to be refused."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else str(value)


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Two parts of a config, in each other as they are nested; the second counts where both say something."""
    both = {name: merged(below[name], above[name]) for name in below if isinstance(below[name], dict) and name in above}
    return {**below, **above, **both}


class View:
    """One place where the widget is shown: its visit, and of frames only the newest until the page has read the last.

    Parameters
    ----------
    widget, name
        What the messages go through, and which page of it they are for.
    """

    def __init__(self, widget: Widget, name: str) -> None:
        self.widget, self.name = widget, name
        self.lock = threading.Lock()  # messages are sent in the order in which they are said
        self.sent: float | None = None  # when a frame was sent that has not been read
        self.next: str | None = None
        self.interrupted: protocol.Play | None = None  # what to go on with when the page reads again
        self.visit = Visit(self.say, widget.source, waiting=0)
        self.visit.start()

    def say(self, message: Any) -> None:
        """Called by the visit."""
        text = encode(message)
        with self.lock:
            if self.visit.ended.is_set():
                return
            if message.type != "frame":
                if message.type == "state":
                    self.next = None  # of the experiment before
                self.widget.tell(self.name, text)
            elif self.sent is None:
                self.sent = time.monotonic()
                self.widget.tell(self.name, text)
            else:
                self.next = text
                if self.visit.playing and time.monotonic() - self.sent > PATIENCE:
                    self.interrupted = protocol.Play("play", self.visit.steps_per_frame)
                    self.visit.halt()

    def read(self) -> None:
        """The page has read a frame."""
        with self.lock:
            text, self.next = self.next, None
            self.sent = None if text is None else time.monotonic()
            if text is not None:
                self.widget.tell(self.name, text)
            command, self.interrupted = self.interrupted, None
        if command is not None:
            self.visit.commands.put(command)

    def ask(self, text: str) -> None:
        """A message of the page."""
        try:
            self.visit.commands.put(protocol.parse(text))
        except Invalid as error:
            self.say(frames.refused(error))


class Widget(anywidget.AnyWidget):
    """The Lab in a cell's output; made by `lab`.

    Attributes
    ----------
    source
        Where data and networks come from.
    views
        The pages that are open, by their names.
    """

    _esm = PAGE / "notebook" / "widget.js"
    html = traitlets.Unicode().tag(sync=True)
    modules = traitlets.Dict().tag(sync=True)
    begin = traitlets.Dict().tag(sync=True)
    own = traitlets.Bool().tag(sync=True)
    height = traitlets.Int(900).tag(sync=True)

    def __init__(self, source: Source, begin: dict[str, Any], height: int) -> None:
        super().__init__(
            html=page(),
            modules=modules(),
            begin=begin,
            own=isinstance(source, Own),
            height=height,
        )
        self.source = source
        self.views: dict[str, View] = {}
        self.on_msg(self.receive)

    @property
    def models(self) -> list[Module]:
        """The networks of the runs as they are now in the page that was opened last; none before one is."""
        for view in reversed(self.views.values()):
            experiment = view.visit.experiment
            if experiment is not None:
                return [run.model for run in experiment.runs]
        return []

    def receive(self, _: Any, content: Any, buffers: Any) -> None:
        """A message of one of the pages: what it asks, that it has read a frame, that it opens or closes."""
        name, kind = (str(content.get(key, ""))[:100] for key in ("view", "kind"))
        view = self.views.get(name)
        if kind == "open":
            self.leave(name)
            if len(self.views) >= MOST_VIEWS:
                oldest = next(iter(self.views))
                self.leave(oldest)
                self.tell(oldest, encode(frames.failed("places", most=MOST_VIEWS)))
            self.tell(name, encode(hello(own=self.own)))
            self.views[name] = View(self, name)
        elif view is None:
            return
        elif kind == "close":
            self.leave(name)
        elif kind == "read":
            view.read()
        else:
            view.ask(str(content.get("text", "")))

    def tell(self, name: str, text: str) -> None:
        """A message to one of the pages."""
        self.send({"view": name, "text": text})

    def leave(self, name: str) -> None:
        """A page has left: its work stops."""
        view = self.views.pop(name, None)
        if view is not None:
            view.visit.end()

    def close(self) -> None:
        """All pages leave."""
        for name in list(self.views):
            self.leave(name)
        super().close()


IMPORTED = re.compile(r'(\bfrom |\bimport |\bimport\()"(\.[^"]+)"')


def modules() -> dict[str, str]:
    """The page's modules by their names; what they import from each other they name from the root, not from where they
    are: in a notebook they come from no address."""
    found = {}
    for path in sorted(PAGE.rglob("*.js")):
        if path.parent.name in ("notebook", "single") or path.name == "program.js":
            continue

        def absolute(match: re.Match[str], folder: Path = path.parent) -> str:
            return f'{match[1]}"lab/{(folder / match[2]).resolve().relative_to(PAGE.resolve()).as_posix()}"'

        text = path.read_text(encoding="utf-8")
        found[f"lab/{path.relative_to(PAGE).as_posix()}"] = IMPORTED.sub(absolute, text)
    return found


def page() -> str:
    """The page with its style sheets inside, and without its scripts, which the widget adds."""
    html = (PAGE / "index.html").read_text(encoding="utf-8")

    def style(match: re.Match[str]) -> str:
        return f"<style>{(PAGE / match[1]).read_text(encoding='utf-8')}</style>"

    html = re.sub(r'<link rel="stylesheet" href="/page/([^"]+)">', style, html)
    return re.sub(r'<(?:link rel="(?:modulepreload|icon)"|script type="module")[^>]*>(?:</script>)?\n?', "", html)

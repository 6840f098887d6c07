"""The Lab in a notebook: one's own model and data, and the widget between the page and Python."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="the extra notebook is not installed")

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.laboratory.config import Config, Data, Edit, Start, Variant
from tinygrad_init.laboratory.experiment import Experiment
from tinygrad_init.laboratory.export import export
from tinygrad_init.laboratory.measure import watch
from tinygrad_init.laboratory.notebook import Widget, lab, modules, page
from tinygrad_init.laboratory.own import Own
from tinygrad_init.laboratory.shapes import Invalid

MOONS, DIGITS = tgi.data.moons(120, 0.1, 0), tgi.data.digits()
PIXELS, LABELS = DIGITS.x[:150] / 16, DIGITS.y[:150]


class WithFunctions(nn.Module):
    def __init__(self) -> None:
        self.first, self.second = nn.Linear(64, 12, rng=0), nn.Linear(12, 10, rng=1)

    def forward(self, x: Any) -> Any:
        return self.second(tgi.relu(self.first(x)))


CASES: dict[str, Callable[[], tuple[nn.Module, Any, Any, Any]]] = {
    "float32": lambda: (nn.MLP([2, 8, 8, 2], "tanh", rng=0), MOONS.x, MOONS.y, "cross_entropy"),
    "one output": lambda: (nn.MLP([2, 8, 1], "tanh", rng=0), MOONS.x, MOONS.y, "binary_cross_entropy"),
    "a regression": lambda: (nn.MLP([2, 8, 1], "tanh", rng=0), MOONS.x, MOONS.x[:, :1], "half_squared_error"),
    "a loss of one's own": lambda: (WithFunctions(), PIXELS, LABELS, lambda p, y: 2 * tgi.cross_entropy(p, y)),
    "chance and averages": lambda: (
        nn.Sequential(
            nn.Linear(64, 12, rng=0), nn.BatchNorm(12), nn.ReLU(), nn.Dropout(0.3, rng=3), nn.Linear(12, 10, rng=1)
        ),
        PIXELS, LABELS, "cross_entropy",
    ),
    "convolutions": lambda: (
        nn.Sequential(
            nn.Conv2d(1, 6, 3, rng=0), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(54, 10, rng=1)
        ),
        PIXELS.reshape(-1, 1, 8, 8), LABELS, "cross_entropy",
    ),
}  # fmt: skip


def began(own: Own, config: Config) -> Config:
    """A config of a model as it came."""
    return replace(config, starts=(Start("given"),), layers=(), loss=own.begin()["loss"])


def state(experiment: Experiment) -> list[bytes]:
    return [array.tobytes() for array in experiment.runs[0].save().arrays]


@pytest.mark.parametrize("name", CASES)
def test_ones_own_model_trains_goes_back_exactly_and_is_not_disturbed_by_looks(name: str) -> None:
    own = Own(*CASES[name]())
    config = began(own, Config(Data(test=0.2), lr=0.1, batch=32, optimizer="momentum"))
    quiet = Experiment(config, own)
    states = [state(quiet)]
    for _ in range(12):
        quiet.advance()
        states.append(state(quiet))
    experiment = Experiment(config, own)
    experiment.most_checkpoints = 3
    watched = watch(experiment)[0]
    for step in (12, 5, 11, 0, 12):
        experiment.back(step)
        while experiment.step < step:
            experiment.advance()
            watched.diagnose(experiment.step)
            watched.now(experiment.step, 1, watched.look())
        assert state(experiment) == states[step]


@pytest.mark.parametrize("name", CASES)
def test_what_is_seen_of_ones_own_model_is_what_the_library_measures(name: str) -> None:
    model, x, y, loss = CASES[name]()
    own = Own(model, x, y, loss)
    experiment = Experiment(began(own, Config()), own)
    watched = watch(experiment)[0]
    now = watched.now(0, 1, watched.look())
    order = np.random.default_rng([0, 0]).permutation(len(x))[:256]
    target = experiment.samples.target[:256]
    report = tgi.diagnose(CASES[name]()[0], np.asarray(x)[order], target, loss)
    assert now.loss == pytest.approx(report.loss, rel=1e-5)
    for layer, expected in zip(now.layers, report.layers, strict=True):
        assert (layer.units, layer.distinct) == (expected.units, len(expected.distinct))
        assert layer.z == pytest.approx(expected.z.rms, rel=1e-4) and layer.dz == pytest.approx(
            expected.dz.rms, rel=1e-3
        )
        count = vars(nn.linear_maps(model)[now.layers.index(layer)][0])["weight"].size
        assert 10**layer.dw == pytest.approx(expected.dw.rms * count**0.5, rel=1e-3)
    assert (now.map is None) == (np.shape(x)[1:] != (2,)) and (now.accuracy is None) == (name == "a regression")


def test_the_map_lies_where_the_samples_lie() -> None:
    """Far from the origin and in other units, the picture is the same."""
    pictures = []
    for scale, shift in ((1.0, 0.0), (100.0, 5000.0)):
        model = nn.MLP([2, 6, 2], "tanh", rng=0, dtype="float64")
        first = nn.linear_maps(model)[0][0]
        with tgi.no_grad():
            weight = first.weight.numpy() / scale
            first.weight.copy_(weight)
            first.bias.copy_(-weight @ np.full(2, shift))
        own = Own(model, MOONS.x * scale + shift, MOONS.y, "cross_entropy")
        experiment = Experiment(began(own, Config()), own)
        found = watch(experiment)[0].pictures.map()
        assert found is not None and experiment.samples.plane is not None
        assert np.abs(experiment.samples.plane).max() == pytest.approx(1)
        pictures.append(np.frombuffer(found.values, np.uint8).astype(int))
    assert np.abs(pictures[0] - pictures[1]).max() <= 1


def test_starts_edits_and_variants_of_ones_own_model() -> None:
    own = Own(*CASES["float32"]())
    begin = began(own, Config(edits=(Edit(0, 0, 1, 2, 3, 0.5),), variants=(Variant("he", None, (Start("he"),)),)))
    given, he = Experiment(begin, own).runs
    weights = own.model.state_dict()
    assert all(np.array_equal(given.model.state_dict()[name], weights[name]) for name in weights if name[7] != "2")
    assert given.model.state_dict()["layers.2.weight"][2, 3] == 0.5
    assert not np.array_equal(he.model.state_dict()["layers.0.weight"], weights["layers.0.weight"])
    for bad in (Edit(0, 0, 3, 0, 0, 1.0), Edit(0, 2, 0, 0, 0, 1.0), Edit(0, 0, 0, 8, 0, 1.0), Edit(0, 0, 0, 0, 2, 1.0)):
        with pytest.raises(Invalid, match="expected a"):
            Experiment(Config(starts=(Start("given"),), layers=(), edits=(bad,)), own)
    with pytest.raises(Invalid, match="no model that was given"):
        Experiment(Config(starts=(Start("given"),)))
    experiment = Experiment(begin, own)
    assert export(experiment, watch(experiment), "csv").text.startswith("step,first,he")
    with pytest.raises(Invalid, match="a model of your own"):
        export(experiment, watch(experiment), "python")


class Twice(nn.Module):
    def __init__(self) -> None:
        self.only = nn.Linear(2, 2, rng=0)

    def forward(self, x: Any) -> Any:
        return self.only(self.only(x))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((nn.MLP([2, 2]),), TypeError, "a model with x and y"),
        ((None, MOONS.x, MOONS.y), TypeError, "a model with x and y"),
        (("model", MOONS.x, MOONS.y), TypeError, "expected a module, got str"),
        ((nn.Tanh(), MOONS.x, MOONS.y), ValueError, "with linear maps, got Tanh"),
        ((Twice(), MOONS.x, MOONS.y), TypeError, "called once"),
        ((nn.MLP([2, 2]), MOONS.x[:5], MOONS.y), ValueError, r"shapes \(5, 2\) and \(120,\)"),
        ((nn.MLP([2, 2]), MOONS.x, MOONS.y, "l7"), ValueError, "expected a loss out of"),
    ],
)
def test_what_cannot_be_shown_is_refused(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        lab(*arguments)


def test_a_config_to_begin_with_is_checked_as_one_of_the_page() -> None:
    assert lab(lr=0.25, seed=7).begin["lr"] == 0.25
    with pytest.raises(ValueError, match="lr: expected a number"):
        lab(lr="fast")
    with pytest.raises(ValueError, match="colour"):
        lab(colour="red")


def test_without_the_extra_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['anywidget'] = None; import tinygrad_init as tgi; tgi.lab()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'tinygrad_init[notebook]'" in done.stderr.splitlines()[-1]


def test_the_page_in_a_notebook_asks_no_server_for_anything() -> None:
    for text in (page(), *modules().values()):
        assert 'src="/' not in text and 'href="/' not in text
    assert all(f'"{name}"' not in text for text in modules().values() for name in ("./", "../"))
    known = set(modules())
    for text in modules().values():
        found = {line.split('"')[1] for line in text.splitlines() if line.startswith("import ") and '"' in line}
        assert found <= known


class Notebook:
    """A widget and a browser's page that holds it, joined by queues as a notebook joins them by its connection."""

    def __init__(self, widget: Widget, browser_page: Any) -> None:
        self.widget, self.page = widget, browser_page
        self.sent: list[Any] = []
        self.frames = 0
        self.messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        vars(widget)["send"] = lambda content, buffers=None: self.messages.put(content)
        self.page.expose_function("toPython", self.receive)
        self.page.goto("about:blank")
        state = {name: getattr(widget, name) for name in ("html", "modules", "begin", "own", "height")}
        self.page.evaluate(
            """async ([source, state]) => {
              const listeners = [];
              globalThis.fromPython = content => listeners.forEach(listener => listener(content));
              const on = (_, listener) => listeners.push(listener);
              const model = { get: name => state[name], send: toPython, on, off: () => {} };
              const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
              const { default: widget } = await import(url);
              globalThis.cleanUp = widget.render({ model, el: document.body });
            }""",
            [str(widget._esm), state],
        )
        self.frame = self.page.frame_locator("iframe")

    def receive(self, content: Any) -> None:
        self.sent.append(content)
        self.widget.receive(self.widget, content, [])

    def until(self, condition: Callable[[], Any], seconds: float = 20) -> None:
        """Carry messages to the page until something is true."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.sent[-3:]
            while not self.messages.empty():
                content = self.messages.get()
                self.frames += '"type":"frame"' in content["text"]
                self.page.evaluate("content => fromPython(content)", content)
            self.page.wait_for_timeout(10)


@pytest.fixture
def notebook(chromium: Any) -> Iterator[Callable[[Widget], Notebook]]:
    """Opens a widget in a browser; nothing may go wrong there."""
    opened, problems = [], []
    browser_page = chromium.new_page()
    browser_page.on("pageerror", lambda error: problems.append(str(error)))
    browser_page.on("console", lambda line: line.type == "error" and problems.append(line.text))

    def open_it(widget: Widget) -> Notebook:
        opened.append(Notebook(widget, browser_page))
        return opened[-1]

    yield open_it
    for one in opened:
        one.widget.close()
    browser_page.close()
    assert not problems


def test_ones_own_model_in_a_cell(notebook: Callable[[Widget], Notebook]) -> None:
    model, x, y, loss = CASES["float32"]()
    before = model.state_dict()
    nb = notebook(lab(model, x, y, loss, lr=0.5))
    where = nb.frame.locator(".where")
    nb.until(lambda: nb.frame.locator("svg.network .units circle").count() == 2 + 8 + 8 + 2)
    nb.until(lambda: nb.frame.locator(".layer-table tbody tr").count() == 3)
    for hidden in ("Data set", "Hidden layers", "Activation", "Normalization"):
        assert not nb.frame.get_by_label(hidden, exact=True).first.is_visible()
    assert nb.frame.locator('select[data-field="starts.name"]').input_value() == "given"
    nb.frame.get_by_role("button", name="Play").click()
    nb.until(lambda: int(where.inner_text().split()[1]) > 20)
    nb.frame.get_by_role("button", name="Pause").click()
    nb.until(lambda: nb.widget.models and not nb.messages.qsize())
    nb.page.wait_for_timeout(200)
    nb.until(lambda: not nb.messages.qsize())
    trained = nb.widget.models[0]
    assert not np.array_equal(trained.state_dict()["layers.0.weight"], before["layers.0.weight"])
    assert np.array_equal(model.state_dict()["layers.0.weight"], before["layers.0.weight"])
    # A frame waits until the page has read the one before.
    assert 5 < nb.frames <= 1 + sum(one["kind"] == "read" for one in nb.sent)
    nb.frame.locator('select[data-field="starts.name"]').select_option("zeros")
    nb.until(lambda: any(word in nb.frame.locator("#verdict").inner_text() for word in ("stuck", "asleep")))
    view = next(iter(nb.widget.views.values()))
    nb.page.evaluate("cleanUp()")
    nb.until(lambda: not nb.widget.views and not view.visit.thread.is_alive())


def test_the_whole_lab_in_a_cell(notebook: Callable[[Widget], Notebook]) -> None:
    nb = notebook(lab(layers=[5, 5], seed=3))
    nb.until(lambda: nb.frame.locator("svg.network .units circle").count() == 2 + 5 + 5 + 1)
    nb.frame.locator("#tour-start").click()
    nb.until(lambda: nb.frame.locator(".tour-text").count() and nb.frame.locator(".layer-table tbody tr").count() == 5)
    nb.receive({"view": next(iter(nb.widget.views)), "kind": "ask", "text": json.dumps({"type": "boom"})})
    nb.until(lambda: "expected one of configure" in nb.frame.locator("#notices").inner_text())

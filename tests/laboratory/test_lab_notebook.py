"""The Lab in a notebook: the widget between the page and Python."""

from __future__ import annotations

import copy
import json
import queue
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="the extra notebook is not installed")

import tinygrad_init as tgi
from tinygrad_init import nn
from tinygrad_init.laboratory.experiment import build
from tinygrad_init.laboratory.messages.frames import failed
from tinygrad_init.laboratory.serving import notebook as notebook_module
from tinygrad_init.laboratory.serving.notebook import View, Widget, lab, modules, page

MOONS = tgi.data.moons(120, 0.1, 0)


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
        ((Twice(), MOONS.x, MOONS.y), TypeError, "only once"),
        ((nn.MLP([2, 2]), MOONS.x, MOONS.y + 1), ValueError, "class numbers from 0 to 1 for 2 outputs, got 1 to 2"),
        ((nn.MLP([2, 3]), MOONS.x, MOONS.x, "half_squared_error"), ValueError, r"outputs of shape \(120, 3\)"),
        ((nn.MLP([2, 2]), MOONS.x, MOONS.y, lambda p, y: p), ValueError, "no tensor of one number"),
        ((nn.MLP([2, 2]), MOONS.x, MOONS.y, lambda p, y: 1 / 0), ValueError, "ZeroDivisionError"),
        (
            (nn.MLP([2, 2]), MOONS.x[:5], MOONS.y),
            ValueError,
            r"lab: expected a target in y for each sample in x, got 5 samples and 120 targets",
        ),
        ((nn.MLP([2, 2]), MOONS.x, MOONS.y, "l7"), ValueError, "expected a loss out of"),
    ],
)
def test_what_cannot_be_shown_is_refused(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        lab(*arguments)


def test_a_config_to_begin_with_is_checked_as_one_of_the_page() -> None:
    begin = lab(lr=np.float64(0.25), layers=np.array([3, 4]), loss="hinge").begin
    assert (begin["lr"], begin["layers"], begin["loss"]) == (0.25, [3, 4], "hinge") and lab().begin == {}
    own = lab(nn.MLP([2, 2]), MOONS.x, MOONS.y, data={"seed": 3})
    assert (own.begin["data"]["test"], own.begin["data"]["seed"]) == (0.0, 3)
    assert lab(data={"name": "plane"}).begin["loss"] == "half_squared_error"
    with pytest.raises(ValueError, match="loss: expected one of"):
        lab(loss="nonsense")
    for bad in ({"layers": [4, 4], "activations": ["relu"] * 3}, {"starts": [{"name": "given"}]}):
        with pytest.raises(ValueError, match=r"lab: config\.(activations|starts): "):
            lab(**bad)
    for bad in ({"layers": [4]}, {"normalization": "batch"}, {"data": {"name": "moons"}}, {"starts": [{}] * 5},
                {"variants": [{"label": "B", "activations": ["relu"]}]}):  # fmt: skip
        with pytest.raises(ValueError, match="lab: .*expected"):
            lab(nn.MLP([2, 3, 2]), MOONS.x, MOONS.y, **bad)
    with pytest.raises(ValueError, match="finite numbers in x"):
        lab(nn.MLP([2, 2]), np.full((4, 2), np.nan), [0, 1, 0, 1])
    assert lab(nn.MLP([2, 2]), np.arange(8).reshape(4, 2), np.array([0, 1, 0, 1])).own
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
    model, x, y, loss = nn.MLP([2, 8, 8, 2], "tanh", rng=0), MOONS.x, MOONS.y, "cross_entropy"
    before = copy.deepcopy(model.state_dict())
    nb = notebook(lab(model, x, y, loss, lr=0.5))
    where = nb.frame.locator(".where")
    nb.until(lambda: nb.frame.locator("svg.network .units circle").count() == 2 + 8 + 8 + 2)
    nb.until(lambda: nb.frame.locator(".layer-table tbody tr").count() == 3)
    for hidden in ("data.name", "layers", "activations", "normalization", "loss"):
        control = nb.frame.locator(f'[data-field="{hidden}"]').first
        assert control.count() == 1 and not control.is_visible()
    assert nb.frame.locator('select[data-field="starts.name"]').input_value() == "given"
    nb.frame.get_by_role("button", name="Play").click()
    nb.until(lambda: (found := re.search(r"step (\d+)", where.inner_text())) and int(found[1]) > 20)
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
    nb.until(lambda: any(word in nb.frame.locator("#answers").inner_text() for word in ("stuck", "asleep")))
    view = next(iter(nb.widget.views.values()))
    nb.page.evaluate("cleanUp()")
    nb.until(lambda: not nb.widget.views and not view.visit.thread.is_alive())


def test_the_whole_lab_in_a_cell(notebook: Callable[[Widget], Notebook]) -> None:
    nb = notebook(lab(layers=[5, 5], seed=3))
    nb.until(lambda: nb.frame.locator("svg.network .units circle").count() == 2 + 5 + 5 + 2)
    nb.frame.locator("#tour-start").click()
    nb.until(lambda: nb.frame.locator(".tour-text").count() and nb.frame.locator(".layer-table tbody tr").count() == 5)
    nb.frame.locator("#tab-microscope").click()  # whose layout comes as another module
    nb.until(lambda: nb.frame.locator("svg.graph g.node").count() == 7)
    nb.receive({"view": next(iter(nb.widget.views)), "kind": "ask", "text": json.dumps({"type": "boom"})})
    nb.until(lambda: "expected one of configure" in nb.frame.locator("#notices").inner_text())


class Told:
    """A widget's end that keeps what it is told, slowly."""

    def __init__(self) -> None:
        self.source, self.texts, self.seconds = build, [], 0.0

    def tell(self, name: str, text: str) -> None:
        time.sleep(self.seconds)
        self.texts.append(json.loads(text))

    def frames(self) -> list[Any]:
        return [one for one in self.texts if one["type"] == "frame"]


def until(condition: Callable[[], Any], action: Callable[[], object] = lambda: None) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        action()
        time.sleep(0.02)


def test_training_waits_for_a_page_that_does_not_read_and_goes_on_when_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook_module, "PATIENCE", 0.2)
    told: Any = Told()
    view = View(told, "a page")
    view.ask(json.dumps({"type": "configure", "config": {}}))
    view.ask(json.dumps({"type": "play"}))
    until(lambda: view.interrupted)
    assert len(told.frames()) == 1  # the others wait, the newest alone
    experiment = view.visit.experiment
    assert experiment is not None
    step = experiment.step
    time.sleep(0.3)
    assert experiment.step == step > 0
    view.read()
    until(lambda: experiment.step > step)
    assert told.frames()[1]["step"] == step
    view.visit.end()
    view.visit.thread.join(10)
    count = len(told.texts)
    view.say(failed("unexpected", error="from a visit that has ended"))
    assert len(told.texts) == count


def test_a_frame_never_follows_a_state_that_came_after_it() -> None:
    told: Any = Told()
    told.seconds = 0.01
    view = View(told, "a page")
    for seed in range(8):
        step = 1000 * (seed + 1)
        view.ask(json.dumps({"type": "configure", "config": {"seed": seed}, "step": step}))
        view.ask(json.dumps({"type": "seek", "step": step}))
        time.sleep(0.1)
        view.read()
    until(lambda: told.frames() and told.texts[-1]["type"] == "frame" and told.texts[-1]["step"] == 8000, view.read)
    view.visit.end()
    seed = -1
    for one in told.texts:
        seed = one["config"]["seed"] if one["type"] == "state" else seed
        assert one["type"] != "frame" or one["step"] == 1000 * (seed + 1)


def test_a_model_of_pytorch_is_shown() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 6), torch.nn.Tanh(), torch.nn.Linear(6, 2))
    x, y = torch.from_numpy(MOONS.x).float(), torch.from_numpy(MOONS.y)
    for loss in (None, "cross_entropy", torch.nn.functional.cross_entropy, torch.nn.CrossEntropyLoss()):
        widget = lab(theirs, x, y, loss, lr=0.3)
        made = widget.source.model
        np.testing.assert_allclose(made(x[:5].numpy()).numpy(), theirs(x[:5]).detach().numpy(), atol=1e-6)
        assert widget.source.function is tgi.nn.LOSSES["cross_entropy"]
        widget.close()
    with pytest.raises(TypeError, match=r"from_torch: 1 \(LSTM\) has no counterpart"):
        lab(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.LSTM(2, 2)), x, y)
    for strange in (torch.nn.functional.l1_loss, torch.nn.L1Loss()):
        with pytest.raises(TypeError, match="lab: expected the name of a loss, .* got (l1_loss|L1Loss)"):
            lab(theirs, x, y, strange)

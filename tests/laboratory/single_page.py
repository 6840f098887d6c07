"""The page that is one file, in a browser without a network, for its tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tinygrad_init.laboratory.messages.config import Config
from tinygrad_init.laboratory.messages.wire import plain
from tinygrad_init.laboratory.serving.grid import Grid

AXE = Path(__file__).parents[2] / "lab" / "node_modules" / "axe-core" / "axe.min.js"


class Few(Grid):
    """What presets and tour need, and each kind of layer."""

    def points(self) -> Iterator[tuple[str, Config]]:
        yield from (
            (name, config) for name, config in super().points() if not re.search("/10/6/(layer|residual)", name)
        )


GRID = Few(activations=("sigmoid", "tanh", "relu"), depths=(3, 10))
# Asks the worker as the page does, and waits for the frame of a step with its report (and for what is selected).
ASK = """([config, step, selected]) => new Promise(done => {
  const { worker } = labHost;
  const names = ["layer", "unit", "input"];
  const hear = ({ data }) => {
    const message = JSON.parse(data);
    const there = message.type === "frame" && message.step === step && message.runs[0].report_step === step
      && (!selected || names.every(name => message.runs[0].detail?.[name] === (selected[name] ?? null)));
    if (!there && message.type !== "error") return;
    worker.removeEventListener("message", hear);
    done(message);
  };
  worker.addEventListener("message", hear);
  labHost.send(JSON.stringify({ type: "configure", config, step }));
  if (selected) labHost.send(JSON.stringify({ type: "select", ...selected }));
})"""


class SinglePage:
    """The page, and what it shows."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def ask(self, config: Config, step: int = 0, selected: dict[str, int] | None = None) -> Any:
        """What the worker says of the first run of an experiment at a step."""
        frame = self.page.evaluate(ASK, [plain(config, None), step, selected])
        assert frame["type"] == "frame", frame
        return frame["runs"][0]

    @property
    def frame(self) -> Any:
        """The newest."""
        return self.page.evaluate("store.frame")

    def until(self, condition: str) -> None:
        """Wait for a condition in JavaScript, and until it is on the screen."""
        self.page.wait_for_function(condition)
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def after(self, action: Any) -> Any:
        """The first frame of the experiment that an action sets."""
        self.page.evaluate("globalThis.before = store.built")
        action()
        self.until("store.built !== before && store.frame?.runs.every(run => run.verdict)")
        return self.frame

    def steps(self, count: int) -> Any:
        """Press Step, and wait for the frame each time."""
        for _ in range(count):
            step = self.page.evaluate("store.frame.step")
            self.page.get_by_role("button", name="Step", exact=True).click()
            self.until(
                f"store.frame?.step === {step + 1} && store.frame.runs.every(run => run.report_step === {step + 1})"
            )
        return self.frame

    def words(self, selector: str) -> str:
        return str(self.page.inner_text(selector))


@contextmanager
def opened(
    file: Path, chromium: Any, width: int = 390, scheme: str = "light", language: str = "en-US", link: str = ""
) -> Iterator[SinglePage]:
    """A file in Chromium, on a telephone's screen (unless wider) and without a network."""
    problems: list[str] = []
    context = chromium.new_context(
        viewport={"width": width, "height": 844}, has_touch=True, offline=True, color_scheme=scheme, locale=language
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error.stack or error)))
    page.on("console", lambda line: line.type in ("error", "warning") and problems.append(line.text))
    page.on("request", lambda request: request.url.startswith(("http", "ws")) and problems.append(request.url))
    page.goto(file.as_uri() + link)
    found = SinglePage(page)
    found.until("globalThis.store?.frame?.runs[0].verdict")
    yield found
    reached = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert problems == [] and reached <= width

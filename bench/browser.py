"""How fast is a program that travels? The article's network, 2-6-3-1 with 100 samples, here and in Chromium."""

from __future__ import annotations

import base64
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_init as tgi
from tinygrad_init import nn

from .harness import OURS, Arrays, LeftOut, Question, Row, Side
from .networks import SIZES, draw

PACKAGE = Path(tgi.__file__).parent
MACHINE = PACKAGE / "kernels" / "machine.wasm"
SCRIPT = PACKAGE / "laboratory" / "page" / "program.js"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
STEPS = 1000  # at once: what it costs to ask a browser for anything is spread over them

# The page's part: from texts of base64 to a program, with its inputs filled.
OPEN = """async ([script, machine, file, ...inputs]) => {
    const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    const { Machine } = await import(url);
    globalThis.program = (await Machine.start(bytes(machine))).program(bytes(file));
    inputs.forEach((text, i) => {
        const to = program.input(i);
        new Uint8Array(to.buffer, to.byteOffset, to.byteLength).set(bytes(text));
    });
}"""


def unavailable() -> str:
    """Why there is no browser to ask."""
    if not MACHINE.exists():
        return "machine.wasm was not built: there is no clang, or no wasm-ld"
    if find_spec("playwright") is None or CHROMIUM is None:
        return "playwright or Chromium is not installed"
    return ""


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def build(peers: Sequence[Any]) -> Iterator[Side | LeftOut]:
    """The same file, loaded here and there."""
    from playwright.sync_api import sync_playwright

    problem = draw(SIZES[0])
    net = nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 3), nn.ReLU(), nn.Linear(3, 1))
    with tgi.no_grad():
        for layer, (weight, bias) in zip((net[0], net[2], net[4]), problem.parameters, strict=True):
            layer.weight.copy_(tgi.tensor(weight))
            layer.bias.copy_(tgi.tensor(bias))
    rule, loss = tgi.optim.SGD(net.parameters(), lr=problem.lr), nn.BCEWithLogitsLoss()

    @tgi.capture
    def step(x: Any, y: Any) -> tgi.Tensor:
        rule.zero_grad()
        found = loss(net(x), y)
        found.backward()
        rule.step()
        return found

    start = {name: p.numpy().copy() for name, p in net.named_parameters()}
    step(problem.x, problem.y)
    with tgi.no_grad():
        for name, p in net.named_parameters():
            p.copy_(tgi.tensor(start[name]))
    with tempfile.TemporaryDirectory() as folder:
        step.save(Path(folder) / "step")
        program = tgi.load_program(Path(folder) / "step")
        file = (Path(folder) / "step").read_bytes()
    driver = sync_playwright().start()
    page = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]).new_page()
    inputs = [text(np.ascontiguousarray(x).tobytes()) for x in (problem.x, problem.y)]
    page.evaluate(OPEN, [SCRIPT.read_text(), text(MACHINE.read_bytes()), text(file), *inputs])

    def here() -> float:
        for _ in range(STEPS):
            found = step(problem.x, problem.y)
        return found.item()

    def reset() -> None:
        with tgi.no_grad():
            for name, p in net.named_parameters():
                p.copy_(tgi.tensor(start[name]))

    def there() -> Arrays:
        names = list(program.parameters)
        said = page.evaluate("(names) => names.map((name) => Array.from(program.state(name)))", names)
        return {
            name.removeprefix("net."): np.array(x).reshape(program.state[name].shape)
            for name, x in zip(names, said, strict=True)
        }

    def read(loss: float) -> Arrays:
        return {"loss": np.array(loss)}

    yield Side(OURS, here, read, lambda: {name: p.numpy() for name, p in net.named_parameters()}, reset)
    run = f"program.repeat({STEPS})[{STEPS - 1}]"
    yield Side("in Chromium", lambda: page.evaluate(run), read, there, lambda: page.evaluate("program.reset()"))


def rows(quick: bool) -> list[Row]:
    """One row."""
    return [Row("browser-2-6-3-1", "2-6-3-1, batch 100", "float32", build, 1e-2, per=STEPS, checked_steps=1)]


QUESTION = Question(
    "browser",
    "What does a training step cost in a browser?",
    rows,
    single_thread=True,
    on_demand=True,
    unavailable=unavailable,
)

"""A real browser on a real server, for the tests of the Lab's page."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-for-tests-0123456789"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """`tinygrad-init lab` in a process of its own, which can be killed and started again at the same address."""

    def __init__(self, token: str = TOKEN) -> None:
        self.port, self.token = free_port(), token
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "tinygrad_init", "lab", "--no-browser", "--port", str(self.port)]
        self.process = subprocess.Popen([*command, "--token", self.token], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url == f"http://127.0.0.1:{self.port}/?token={self.token}"
        for _ in range(100):  # the line is printed a moment before the server listens
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


class Lab:
    """A page of the Lab, with everything that went through its socket and everything that went wrong."""

    def __init__(self, page: Any, server: Server) -> None:
        self.page, self.server = page, server
        self.sent: list[dict[str, Any]] = []
        self.received: list[dict[str, Any]] = []
        self.problems: list[str] = []
        page.on("websocket", self._listen)
        page.on("pageerror", lambda error: self.problems.append(str(error.stack or error)))
        page.on("console", lambda line: line.type in ("error", "warning") and self.problems.append(line.text))
        page.on("request", self._check_request)

    def _listen(self, connection: Any) -> None:
        connection.on("framesent", lambda text: self.sent.append(json.loads(text)))
        connection.on("framereceived", lambda text: self.received.append(json.loads(text)))

    def _check_request(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("blob", "data") and parts.netloc != f"127.0.0.1:{self.server.port}":
            self.problems.append(f"a request to elsewhere: {request.url}")

    def open(self, link: str | None = None) -> Lab:
        """Open a link, or a small network that trains (the page's own first experiment has many layers)."""
        self.page.goto(self.server.url + (fragment({}) if link is None else link))
        self.settled(0)
        return self

    def until(self, condition: Callable[[], Any], seconds: float = 10) -> Any:
        """Wait for something to become true, and return it."""
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < end, f"not within {seconds} s; sent last: {self.sent[-2:]}; {self.problems}"
            self.page.wait_for_timeout(20)
        return found

    def drawn(self) -> None:
        """Wait until the newest frame is on the screen."""
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def frames(self) -> list[dict[str, Any]]:
        return [message for message in self.received if message["type"] == "frame"]

    @property
    def frame(self) -> dict[str, Any]:
        return self.frames()[-1]

    def configs(self) -> list[dict[str, Any]]:
        return [message["config"] for message in self.sent if message["type"] == "configure"]

    def after(self, action: Callable[[], Any]) -> dict[str, Any]:
        """The first config that is sent after an action, once its first frame has come."""
        before, seen = len(self.configs()), len(self.received)
        action()
        self.until(lambda: len(self.configs()) > before)
        self.settled(seen)
        return self.configs()[-1]

    def answer(self, action: Callable[[], Any], kind: str = "frame") -> dict[str, Any]:
        """The next message of a kind after an action."""
        before = len([message for message in self.received if message["type"] == kind])
        action()
        self.until(lambda: len([m for m in self.received if m["type"] == kind]) > before)
        self.drawn()
        return [message for message in self.received if message["type"] == kind][-1]

    def settled(self, seen: int) -> None:
        """Wait until, after so many messages, there are a new state and a frame with what is selected."""

        def done() -> bool:
            kinds = [message["type"] for message in self.received[seen:] if message["type"] in ("state", "frame")]
            return "state" in kinds and kinds[-1] == "frame" and any(run["detail"] for run in self.frame["runs"])

        self.until(done)
        self.drawn()

    def judged(self) -> None:
        """Wait until the newest frame has been looked at closely: verdict, answers and factors come a little later."""
        self.until(lambda: all(run["verdict"] for run in self.frame["runs"]) and self.frame["runs"][0]["answers"])
        self.drawn()

    def step(self, to: int) -> dict[str, Any]:
        """Press Step and wait for the frame of that step."""
        self.page.get_by_role("button", name="Step", exact=True).click()
        self.until(lambda: self.frame["step"] == to)
        self.drawn()
        return self.frame

    def fill(self, name: str, value: object) -> None:
        """Type into the field of a part of the config."""
        field = self.page.locator(f'[data-field="{name}"]').first
        field.fill(str(value))
        field.press("Tab")

    def pick(self, name: str, value: str) -> None:
        self.page.locator(f'select[data-field="{name}"]').first.select_option(value)

    def saved(self) -> dict[str, Any]:
        """What the address holds after "#"."""
        parts = {name: values[0] for name, values in parse_qs(urlsplit(self.page.url).fragment).items()}
        text = parts.pop("config")
        return {**parts, "config": json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))}


def fragment(config: dict[str, Any], **more: str) -> str:
    """A link's part after "#"."""
    text = base64.urlsafe_b64encode(json.dumps(config).encode()).decode().rstrip("=")
    return "#" + "&".join([f"config={text}", *(f"{name}={value}" for name, value in more.items())])

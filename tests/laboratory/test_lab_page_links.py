"""Links of the Lab: what they hold, what they do not, and where they open; and files that come back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.laboratory.lab_page import TOKEN, Lab, Server, fragment


@pytest.fixture(scope="module")
def another_server() -> Iterator[Server]:
    server = Server("another-token-for-tests-987")
    yield server
    server.kill()


def copied(lab: Lab) -> str:
    """What "Copy link" puts into the clipboard."""
    lab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    lab.page.get_by_text("Share").click()
    lab.page.get_by_role("button", name="Copy link").click()
    lab.until(lambda: "link is copied" in lab.page.locator("#notices").inner_text())
    return str(lab.page.evaluate("navigator.clipboard.readText()"))


def test_a_link_copied_on_one_lab_opens_on_another_with_another_token(lab: Lab, another_server: Server) -> None:
    lab.open()
    lab.after(lambda: lab.pick("activations", "gelu"))
    lab.after(lambda: lab.fill("seed", 5))
    lab.step(1)
    lab.until(lambda: lab.saved().get("step") == "1")
    link, loss = copied(lab), lab.frame["runs"][0]["loss"]
    for secret in (TOKEN, "127.0.0.1", "localhost", str(lab.server.port)):
        assert secret not in link and secret not in lab.page.url.replace(f"127.0.0.1:{lab.server.port}", "")
    page = lab.page.context.new_page()
    other = Lab(page, another_server)
    other.open()
    page.get_by_text("Share").click()
    page.get_by_label("Open a link").fill(link)
    page.keyboard.press("Enter")
    other.until(lambda: other.frame["step"] == 1 and other.configs()[-1]["seed"] == 5)
    assert other.frame["runs"][0]["loss"] == loss and other.configs()[-1]["activations"] == ["gelu"]
    page.go_back()  # opening is an entry of the history like any other change
    other.until(lambda: other.configs()[-1]["seed"] == 1)
    assert not other.problems


def test_the_token_leaves_the_address_and_a_reload_goes_on(lab: Lab) -> None:
    lab.open()
    assert "token" not in lab.page.url and TOKEN not in lab.page.evaluate("document.documentElement.outerHTML")
    lab.received.clear()
    lab.page.reload()
    lab.settled(0)
    assert TOKEN not in lab.page.url


def test_a_tab_without_the_token_says_what_to_do(lab: Lab) -> None:
    lab.page.goto(f"http://127.0.0.1:{lab.server.port}/")
    lab.until(lambda: "tinygrad-init lab" in lab.page.locator("#notices").inner_text())
    assert not lab.received


DROP = """([name, text]) => {
  const data = new DataTransfer();
  if (name) data.items.add(new File([text], name)); else data.setData("text/plain", text);
  document.body.dispatchEvent(new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: data}));
}"""


def test_what_was_saved_as_json_can_be_dropped_again(lab: Lab) -> None:
    lab.open(fragment({"layers": [5, 4], "activations": ["relu"], "seed": 9, "variants": [{"label": "B"}]}))
    lab.step(1)
    lab.page.get_by_text("Share").click()
    with lab.page.expect_download() as waiting:
        lab.page.get_by_role("button", name="Numbers as JSON").click()
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    config: dict[str, Any] = lab.configs()[-1]
    lab.after(lambda: lab.fill("layers", 3))
    assert lab.after(lambda: lab.page.evaluate(DROP, ["lab.json", text])) == config
    lab.until(lambda: lab.frame["step"] == json.loads(text)["step"] == 1)
    assert lab.after(lambda: lab.page.evaluate(DROP, ["", f"see lab:{fragment({'seed': 4})}"]))["seed"] == 4
    assert lab.after(lambda: lab.page.evaluate(DROP, ["mine.csv", "0;1;a\n2;3;b\n"]))["data"]["name"] == "points"
    for nothing in ("{", "[1]", "hello", '{"a": 1}', "#", "https://example.org/#top"):
        before = len(lab.configs())
        lab.page.evaluate(DROP, ["", nothing])
        lab.until(lambda: "neither a link" in lab.page.locator("#notices").inner_text())
        assert len(lab.configs()) == before

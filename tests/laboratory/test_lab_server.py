"""The Lab's server as a page sees it, and as somebody sees it who should not."""

# ruff: noqa: E402 (without the extra there is nothing to import)

import contextlib
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("starlette", reason="the extra lab is not installed")
pytest.importorskip("uvicorn", reason="the extra lab is not installed")
client = pytest.importorskip("websockets.sync.client", reason="the extra lab is not installed")

from websockets.exceptions import InvalidStatus

from tinygrad_init.laboratory.experiment.experiment import Experiment
from tinygrad_init.laboratory.looking.measure import watch
from tinygrad_init.laboratory.messages import protocol
from tinygrad_init.laboratory.messages.config import Config
from tinygrad_init.laboratory.messages.wire import plain
from tinygrad_init.laboratory.serving.server import HOST, Outbox, Rate, listen, serve
from tinygrad_init.laboratory.serving.session import Visit

TOKEN = "a-token-for-the-tests-only"


@contextlib.contextmanager
def running(port: int = 0) -> Iterator[int]:
    """A server in a thread; gives its port."""
    with listen(port) as listening:
        server = serve(listening, TOKEN)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running() as found:
        yield found


def opened(port: int, uri: str, origin: str | None, queue: int | None = None) -> Any:
    """A connection to the server, whatever host the address names; a short queue makes a page that reads slowly."""
    return client.connect(
        uri,
        origin=origin,
        sock=socket.create_connection((HOST, port)),
        proxy=None,
        max_size=None,
        max_queue=queue,
        ping_interval=None,
        close_timeout=2,
    )


class Page:
    """A page's end of the socket."""

    def __init__(self, port: int, queue: int | None = None) -> None:
        self.connection = opened(port, f"ws://{HOST}:{port}/socket?token={TOKEN}", f"http://{HOST}:{port}", queue)
        self.socket = self.connection.__enter__()
        assert self.receive("hello")["limits"]["layers"] == 60

    def send(self, kind: str, **fields: Any) -> None:
        self.socket.send(json.dumps({"type": kind, **fields}))

    def receive(self, *kinds: str) -> Any:
        """The next message of a kind; others are passed over."""
        while True:
            message = json.loads(self.socket.recv(timeout=20))
            if message["type"] in kinds:
                return message

    def frame_at(self, step: int) -> Any:
        while True:
            frame = self.receive("frame")
            if frame["step"] == step and not frame["playing"]:
                return frame

    def configure(self, **config: Any) -> Any:
        self.send("configure", config=config)
        state = self.receive("state", "error")
        assert state["type"] == "state", state
        return state

    def __enter__(self) -> "Page":
        return self

    def __exit__(self, *exception: object) -> None:
        self.connection.__exit__(*exception)


def get(port: int, path: str, **headers: str) -> tuple[int, Any, str]:
    request = urllib.request.Request(f"http://{HOST}:{port}{path}", headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode(errors="replace")


def test_frames_have_the_numbers_of_the_library(port: int) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    with Page(port) as page:
        state = page.configure(layers=[5, 4], activations=["tanh"], optimizer="adam", seed=7)
        page.send("step", steps=40)
        frame = page.frame_at(40)
        while not frame["runs"][0]["answers"] or frame["runs"][0]["report_step"] != 40:
            frame = page.receive("frame")
        experiment = Experiment(Config(layers=(5, 4), activations=("tanh",), optimizer="adam", seed=7))
        while experiment.step < 40:
            experiment.advance()
        watched = watch(experiment)[0]
        watched.diagnose(40)
        assert frame["runs"][0] == plain(watched.now(40, 1, watched.look()))
        for message in (state, frame):
            jsonschema.validate(message, protocol.schema())


def test_playing_pausing_seeking_and_rewinding(port: int) -> None:
    with Page(port) as page:
        state = page.configure(data={"name": "moons", "samples": 50}, batch=16)
        start = page.frame_at(0)
        page.send("play", steps_per_frame=3)
        steps = [page.receive("frame")["step"] for _ in range(4)]
        # Of frames that come faster than they are read, only the newest is sent.
        assert all(later > earlier and (later - earlier) % 3 == 0 for earlier, later in pairwise(steps))
        page.send("pause")
        while True:
            paused = page.receive("frame")
            if not paused["playing"]:
                break
        page.send("epoch")
        end = (paused["step"] // state["epochs_of"] + 1) * state["epochs_of"]
        assert page.frame_at(end)["epoch"] == end // state["epochs_of"]
        page.send("seek", step=2)
        two = page.frame_at(2)
        page.send("rewind")
        assert page.frame_at(0)["runs"][0]["layers"][0]["dw"] == start["runs"][0]["layers"][0]["dw"]
        page.send("step")
        page.send("step")  # comes on top, even if the first is not done yet
        again = page.frame_at(2)
        assert [run["loss"] for run in again["runs"]] == [run["loss"] for run in two["runs"]]


def test_a_restarted_server_goes_on_from_the_last_step() -> None:
    config = {"data": {"name": "xor", "samples": 60}, "batch": 16, "optimizer": "momentum"}
    with running() as port, Page(port) as page:
        page.configure(**config)
        page.send("step", steps=57)
        before = page.frame_at(57)
    with running(port), Page(port) as page:
        page.send("configure", config=config, step=57)
        after = page.frame_at(57)
    assert after["runs"][0]["loss"] == before["runs"][0]["loss"]
    assert after["runs"][0]["edges"] == before["runs"][0]["edges"]


def test_it_plays_on_from_the_step_at_which_it_was_configured(port: int) -> None:
    """As a page asks whose connection was lost while it played, or where a weight is set by hand."""
    with Page(port) as page:
        page.send("configure", config={"layers": [4]}, step=3000)
        page.send("select", layer=0)
        page.send("play", steps_per_frame=1)
        steps = [page.receive("frame")["step"] for _ in range(3)]
        assert steps[0] >= 3000 and steps == sorted(steps)


def test_questions_are_answered(port: int) -> None:
    with Page(port) as page:
        page.send("microscope", expression="x*y", values={"x": 2, "y": 3})
        assert page.receive("microscope", "error")["nodes"][2]["value"] == 6
        page.send("microscope", expression="__import__('os')")
        assert page.receive("microscope", "error")["field"] == "expression"
        page.send("export", what="csv")
        assert "configure" in page.receive("export", "error")["message"]
        page.configure(layers=[4], activations=["tanh"], starts=[{"name": "normal", "sigma_w": 1.5}])
        page.send("phase", activation="tanh")
        phase = page.receive("phase", "error")
        assert len(phase["log_chi"]) == len(phase["sigma_b"]) == 40 and phase["dots"][0]["layer"] == 0
        page.send("microscope_weight", run=0, layer=0, unit=0, input=0, sample=0)
        assert page.receive("microscope", "error")["nodes"][0]["op"] == "weight"
        page.send("select", run=0, layer=0, unit=1, input=1)
        while (detail := page.receive("frame")["runs"][0]["detail"]) is None:
            pass
        assert (detail["unit"], detail["unit_map"]["kind"]) == (1, "unit")
        for what in protocol.WHAT:
            page.send("export", what=what)
            assert page.receive("export", "error")["name"].startswith("lab.")


def test_text_that_cannot_be_sent_back_is_refused(port: int) -> None:
    with Page(port) as page:
        for message in ('{"type": "configure", "config": {"variants": [{"label": "\\ud800"}]}}', '{"type": "\\ud800"}',
                        '{"type": "pause", "\\udfff": 1}'):  # fmt: skip
            page.socket.send(message)
            assert "expected" in page.receive("error", "state")["message"]
        page.configure(layers=[4])


def test_an_experiment_that_cannot_be_leaves_the_one_before(port: int) -> None:
    with Page(port) as page:
        page.configure()
        page.send("configure", config={"layers": [3, 3], "activations": ["relu"] * 5})
        assert page.receive("error")["field"] == "config.activations"
        page.send("step")
        assert page.frame_at(1)["runs"][0]["loss"] is not None


@pytest.mark.parametrize("path", ["/?token=", "/?token=wrong", f"/?token={TOKEN}x", f"/?token={TOKEN[:-1]}"])
def test_without_the_token_there_is_no_page(port: int, path: str) -> None:
    assert get(port, path)[0] == 403


def test_the_page_itself_is_no_secret_and_knows_none(port: int) -> None:
    """It moves the token out of its address, so a reload asks without one; without it the socket lets nobody in."""
    status, headers, text = get(port, "/")
    assert status == 200 and TOKEN not in text and TOKEN not in str(headers)


def test_the_page_comes_with_headers_that_keep_others_out(port: int) -> None:
    status, headers, text = get(port, f"/?token={TOKEN}")
    assert status == 200 and "<html" in text
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"  # the URL holds the token
    assert get(port, "/page/index.html")[0] == 200
    assert get(port, "/nothing")[0] == 404


@pytest.mark.parametrize(
    "path", ["/page/../server.py", "/page/%2e%2e/server.py", "/page/..%2fserver.py", "/page//etc/passwd"]
)
def test_only_the_page_s_own_files_are_served(port: int, path: str) -> None:
    assert get(port, path)[0] == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", "[::1]:{port}"]
)
def test_other_hosts_are_refused(port: int, host: str) -> None:
    assert get(port, f"/?token={TOKEN}", Host=host.format(port=port))[0] == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1", "https://127.0.0.1:{port}"])
def test_other_origins_are_refused(port: int, origin: str) -> None:
    assert get(port, f"/?token={TOKEN}", Origin=origin.format(port=port))[0] == 403


@pytest.mark.parametrize(
    ("token", "origin", "host"),
    [
        ("wrong", "http://127.0.0.1:{port}", "127.0.0.1:{port}"),
        ("", "http://127.0.0.1:{port}", "127.0.0.1:{port}"),
        ("é" * 26, "http://127.0.0.1:{port}", "127.0.0.1:{port}"),
        (TOKEN, "https://evil.example", "127.0.0.1:{port}"),
        (TOKEN, None, "127.0.0.1:{port}"),
        (TOKEN, "http://127.0.0.1:{port}", "evil.example:{port}"),
    ],
)
def test_sockets_are_refused_too(port: int, token: str, origin: str | None, host: str) -> None:
    from urllib.parse import quote

    uri = f"ws://{host.format(port=port)}/socket?token={quote(token)}"
    given_origin = origin and origin.format(port=port)
    with pytest.raises(InvalidStatus) as caught, opened(port, uri, given_origin):
        pass
    assert caught.value.response.status_code == 403


def test_localhost_is_this_machine_too(port: int) -> None:
    uri = f"ws://localhost:{port}/socket?token={TOKEN}"
    with opened(port, uri, f"http://localhost:{port}") as connection:
        assert json.loads(connection.recv(timeout=10))["type"] == "hello"


@pytest.mark.parametrize("raw", ["", "{", "[]", "x" * 300_000, '{"type": "configure"}', b"\x00\xff", "[" * 50_000])
def test_a_malformed_message_is_answered_and_the_visit_goes_on(port: int, raw: str | bytes) -> None:
    with Page(port) as page:
        page.socket.send(raw)
        assert page.receive("error")["message"]
        page.configure(layers=[2])


def test_more_than_fifty_messages_a_second_are_dropped_and_said_once(port: int) -> None:
    with Page(port) as page:
        for _ in range(300):
            page.send("microscope", expression="1+")
        errors = []
        with contextlib.suppress(TimeoutError):
            while True:
                errors.append(json.loads(page.socket.recv(timeout=1))["message"])
        assert 50 <= len(errors) < 200 and sum("a second" in error for error in errors) < 60
    rate = Rate(50)
    assert sum(rate.allows() for _ in range(1000)) < 70


names = st.sampled_from(
    ["config", "step", "steps", "layers", "run", "layer", "unit", "input", "sample", "what", "activation"]
)
odd = st.sampled_from(
    [None, True, -1, 0, 1, 3, 10**9, 0.5, "", "csv", "tanh", [], {}, [1, 2], {"layers": [3]}, {"lr": 1000}]
)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(protocol.BY_TYPE)), st.dictionaries(names, odd, max_size=3)), max_size=6)
)
def test_no_sequence_of_messages_ends_a_visit(messages: list[tuple[str, dict[str, Any]]]) -> None:
    said: list[Any] = []
    visit = Visit(said.append)
    for kind, fields in messages:
        fields = fields | ({"expression": "x*x", "values": {"x": 1}} if kind == "microscope" else {})
        fields = {"steps": 3} if kind == "step" and fields.get("steps") == 10**9 else fields
        try:
            visit.handle(protocol.parse(json.dumps({"type": kind, **fields})))
        except protocol.Invalid:
            continue
        for _ in range(3):
            visit.work()
    visit.leave()
    assert all(getattr(message, "type", "") in ("state", "frame", "phase", "microscope", "export") for message in said)


def test_a_visit_survives_a_defect_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []
    visit = Visit(said.append)
    visit.start()
    visit.commands.put(protocol.parse('{"type": "configure", "config": {}}'))
    while not any(message.type == "frame" for message in said):
        time.sleep(0.01)
    monkeypatch.setattr(Experiment, "advance", lambda self: 1 // 0)
    visit.commands.put(protocol.Step("step"))
    while not any(message.type == "error" for message in said):
        time.sleep(0.01)
    monkeypatch.undo()
    visit.commands.put(protocol.Step("step"))
    while said[-1].type != "frame" or said[-1].step != 1:
        time.sleep(0.01)
    visit.end()
    visit.thread.join(10)
    assert not visit.thread.is_alive()


def test_of_frames_only_the_newest_waits_for_a_slow_page() -> None:
    import asyncio

    from tinygrad_init.laboratory.messages.frames import Frame, failed

    async def slow() -> list[str]:
        outbox = Outbox(asyncio.get_running_loop())
        for step in range(50):
            outbox.put(Frame("frame", step, 0.0, True, (), ()))
            if step == 10:
                outbox.put(failed("unexpected", error="a message"))
        await asyncio.sleep(0)
        return [await outbox.take(), await outbox.take()]

    error, frame = asyncio.run(slow())
    assert json.loads(error)["type"] == "error" and json.loads(frame)["step"] == 49


def test_a_page_that_does_not_read_gets_what_is_new_when_it_does(port: int) -> None:
    with Page(port, queue=1) as page:
        page.configure(layers=[16] * 6, variants=[{"label": "b"}, {"label": "c"}])
        page.send("play", steps_per_frame=1)
        time.sleep(1.5)
        page.send("pause")
        last = 0
        while True:
            frame = page.receive("frame")
            assert frame["step"] >= last
            last = frame["step"]
            if not frame["playing"] and last > 0:
                break


def test_visits_leave_no_thread_and_no_room_behind(port: int) -> None:
    from tinygrad_init.laboratory.serving.session import ROOM

    def lab_threads() -> int:
        return sum(thread.name == "lab-visit" for thread in threading.enumerate())

    pages = []
    for _ in range(20):
        pages.append(Page(port))
        pages[-1].configure(data={"name": "circles", "samples": 40}, layers=[4])
        pages[-1].send("play")
    assert lab_threads() >= 20
    for page in pages:
        assert page.receive("frame")["step"] >= 0  # all are served
    for page in pages[:10]:
        page.__exit__(None, None, None)
    for page in pages[10:]:
        page.socket.socket.close()  # without a word
    until = time.monotonic() + 15
    while lab_threads() and time.monotonic() < until:
        time.sleep(0.05)
    assert lab_threads() == 0
    assert not ROOM.taken


def test_one_page_too_many_is_told_so(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from tinygrad_init.laboratory.serving import server

    monkeypatch.setattr(server, "MOST_VISITS", 0)
    with opened(port, f"ws://{HOST}:{port}/socket?token={TOKEN}", f"http://{HOST}:{port}") as connection:
        assert "pages are open already" in json.loads(connection.recv(timeout=10))["message"]


def test_the_room_is_shared() -> None:
    from tinygrad_init.laboratory.serving.session import Room

    room = Room(100)
    room.take(1, 60)
    with pytest.raises(protocol.Invalid, match="other pages"):
        room.take(2, 50)
    room.take(1, 40)
    room.take(2, 50)

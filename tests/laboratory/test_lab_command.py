"""`tinygrad-init lab` as it is typed."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from typing import Any

import pytest

from tinygrad_init.cli import main

COMMAND = [sys.executable, "-m", "tinygrad_init", "lab", "--no-browser"]


def started(*options: str) -> tuple[subprocess.Popen[str], str]:
    """The running command and the URL that it prints first."""
    process = subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def stopped(process: subprocess.Popen[str], how: signal.Signals) -> tuple[int, str, str]:
    process.send_signal(how)
    out, errors = process.communicate(timeout=20)
    return process.returncode, out, errors


def test_it_prints_one_url_serves_a_page_there_and_ends_with_ctrl_c_though_pages_are_open() -> None:
    client = pytest.importorskip("websockets.sync.client", reason="the extra lab is not installed")
    pytest.importorskip("uvicorn", reason="the extra lab is not installed")
    process, url = started()
    try:
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\?token=([\w-]{32})", url)
        assert found
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=10) as answer:
            assert answer.status == 200
        port, token = found.groups()
        uri = f"ws://127.0.0.1:{port}/socket?token={token}"
        with client.connect(uri, origin=f"http://127.0.0.1:{port}", proxy=None, close_timeout=1) as page:
            assert json.loads(page.recv(timeout=10))["type"] == "hello"
            page.send('{"type": "configure", "config": {}}')
            page.send('{"type": "play"}')
            code, out, errors = stopped(process, signal.SIGINT)
    finally:
        process.kill()
    assert (code, out, errors) == (130, "", "")


def test_port_and_token_stay_over_a_restart() -> None:
    pytest.importorskip("uvicorn", reason="the extra lab is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    urls = []
    for _ in range(2):
        process, url = started("--port", str(port), "--token", "the-same-token-again")
        urls.append(url)
        stopped(process, signal.SIGINT)
    assert urls == [f"http://127.0.0.1:{port}/?token=the-same-token-again"] * 2


@pytest.mark.parametrize(
    "before", ["", "lab:", "https://example.org/lab.html", "http://127.0.0.1:9/?token=of-another-lab-123"]
)
def test_a_link_is_opened_without_what_stands_before_its_experiment(before: str) -> None:
    pytest.importorskip("uvicorn", reason="the extra lab is not installed")
    process, url = started(f"{before}#config=e30&lang=zh")
    stopped(process, signal.SIGINT)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{32}#config=e30&lang=zh", url)


@pytest.mark.parametrize("link", ["config", "#", "#a b", "#<script>", "lab:#a\nb"])
def test_what_is_no_link_is_refused(link: str) -> None:
    done = subprocess.run([*COMMAND, link], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2 and "expected a link with # and an experiment after it" in done.stderr


@pytest.mark.parametrize(
    "options", [["--port", "99999"], ["--port", "-1"], ["--port", "x"], ["--token", "short"], ["--token", "a b" * 9]]
)
def test_bad_options_are_refused(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["lab", *options])
    assert caught.value.code == 2 and "expected" in capsys.readouterr().err


def test_a_port_that_is_taken_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("uvicorn", reason="the extra lab is not installed")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["lab", "--no-browser", "--port", str(taken.getsockname()[1])]) == 2
    assert "in use" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["starlette", "uvicorn", "websockets"])
def test_without_the_extra_the_command_says_what_to_install(missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; from tinygrad_init.cli import main; sys.exit(main(['lab']))"
    done: Any = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == f"tinygrad-init: the Lab needs {missing}; pip install 'tinygrad_init[lab]' installs it\n"

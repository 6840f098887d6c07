"""Fifty pages at once: all are served, memory stays bounded, and work stops when they leave."""

# ruff: noqa: E402 (without the extra there is nothing to import)

import asyncio
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lab is not installed")
client = pytest.importorskip("websockets.asyncio.client", reason="the extra lab is not installed")

import tinygrad_init as tgi
from tests.laboratory.lab_page import TOKEN, Server
from tinygrad_init.laboratory.serving.server import MOST_VISITS

PAGES, FRAMES = 50, 3
PER_PAGE = 6e6  # bytes that a page of this experiment may take; about 3e6 were measured

needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if tgi.BACKEND != "compiled":
        pytest.skip("the server is the same whatever the backend")
    found = Server()
    yield found
    found.kill()


class Page:
    """A page that plays: how many frames it has got, and the step of the last."""

    def __init__(self, server: Server, number: int) -> None:
        self.server, self.number = server, number
        self.frames, self.step = 0, 0

    async def play(self) -> None:
        """Connect, build an experiment of its own, and play it until cancelled."""
        address = f"127.0.0.1:{self.server.port}"
        uri = f"ws://{address}/socket?token={TOKEN}"
        async with client.connect(uri, origin=f"http://{address}", max_size=None, proxy=None) as connection:
            config = {"layers": [8] * 6, "activations": ["tanh"], "seed": self.number, "data": {"samples": 200}}
            await connection.send(json.dumps({"type": "configure", "config": config}))
            await connection.send(json.dumps({"type": "play"}))
            async for text in connection:
                message: dict[str, Any] = json.loads(text)
                assert message["type"] in ("hello", "state", "frame"), message
                if message["type"] == "frame":
                    self.frames, self.step = self.frames + 1, message["step"]


def memory(server: Server) -> int:
    """Bytes that the server keeps in memory."""
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def threads(server: Server) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/task").iterdir()))


async def load(server: Server, count: int) -> list[Page]:
    """So many pages at once until each has got some frames; they leave without a word."""
    pages = [Page(server, number) for number in range(count)]
    tasks = [asyncio.create_task(page.play()) for page in pages]
    try:
        async with asyncio.timeout(60):
            while min(page.frames for page in pages) < FRAMES:
                for task in tasks:
                    if task.done():
                        task.result()  # says what went wrong
                await asyncio.sleep(0.05)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return pages


@needs_proc
def test_fifty_pages_are_served_within_bounds_and_their_work_stops_when_they_leave(server: Server) -> None:
    assert MOST_VISITS >= PAGES
    asyncio.run(load(server, 1))
    before, idle = memory(server), threads(server)
    pages = asyncio.run(load(server, PAGES))
    # Nobody is starved: turns go round, and every page has trained.
    assert all(page.step > 0 for page in pages)
    assert max(page.frames for page in pages) < 20 * min(page.frames for page in pages)
    first = memory(server)
    assert first - before < PAGES * PER_PAGE
    end = time.monotonic() + 15
    pool = (os.cpu_count() or 1) + 4  # threads that asyncio keeps for whoever has to wait
    while threads(server) > idle + pool:
        assert time.monotonic() < end, f"{threads(server)} threads are left of {idle}"
        time.sleep(0.1)
    used = Path(f"/proc/{server.process.pid}/stat")
    ticks = lambda: sum(map(int, used.read_text().rsplit(")", 1)[1].split()[11:13]))  # noqa: E731
    start = ticks()
    time.sleep(1)
    assert ticks() - start < 0.2 * os.sysconf("SC_CLK_TCK")  # nobody is there: nothing is computed
    # What was given back is used again: more pages after these need no more.
    asyncio.run(load(server, PAGES))
    assert memory(server) - first < 0.25 * PAGES * PER_PAGE

"""The server of the Lab: the page, its files, and a socket for each page that is open.

It listens on this machine alone. Whoever opens a socket needs the token; Host and Origin are checked, so that no page
from elsewhere, and no name that is pointed at this machine, gets through.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import time
from collections import deque
from importlib.resources import files
from pathlib import Path
from typing import Any

try:
    import uvicorn
    import websockets  # noqa: F401 (uvicorn needs it for sockets, and would say so only when one is opened)
    from starlette.applications import Starlette
    from starlette.datastructures import Headers, MutableHeaders
    from starlette.requests import Request
    from starlette.responses import FileResponse, PlainTextResponse, Response
    from starlette.routing import Mount, Route, WebSocketRoute
    from starlette.staticfiles import StaticFiles
    from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
except ImportError as error:
    package = (error.name or "").split(".")[0]
    raise ImportError(f"the Lab needs {package}; pip install 'tinygrad_init[lab]' installs it") from None

from ..looking.describe import hello
from ..messages import frames, protocol
from ..messages.message_schema import Invalid
from ..messages.wire import encode
from .session import Visit

HOST = "127.0.0.1"
MOST_VISITS = 64
MESSAGES_A_SECOND = 50
MOST_WAITING = 64  # messages that a page has not read
LEAVING_SECONDS = 10.0

PAGE = Path(str(files("tinygrad_init.laboratory") / "page"))


class Outbox:
    """Messages from the thread of a visit to a page; of frames only the newest is kept.

    Parameters
    ----------
    loop
        In which `take` is called; `put` is called in another thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.messages: deque[str] = deque()
        self.frame: str | None = None
        self.changed = asyncio.Event()

    def put(self, message: Any) -> None:
        """Called by the visit."""
        text = encode(message)
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server has ended
            self.loop.call_soon_threadsafe(self._put, text, message.type)

    def _put(self, text: str, kind: str) -> None:
        if kind == "frame":
            self.frame = text
        else:
            if kind == "state":
                self.frame = None  # of the experiment before
            self.messages.append(text)
        self.changed.set()

    async def take(self) -> str:
        """The next message; waits until there is one."""
        while True:
            if self.messages:
                return self.messages.popleft()
            if self.frame is not None:
                text, self.frame = self.frame, None
                return text
            self.changed.clear()
            await self.changed.wait()

    @property
    def full(self) -> bool:
        """Whether the page should read before it asks again."""
        return len(self.messages) >= MOST_WAITING


class Rate:
    """Lets so many messages a second through."""

    def __init__(self, a_second: float) -> None:
        self.a_second, self.left, self.last = a_second, a_second, time.monotonic()

    def allows(self) -> bool:
        """Count one more message."""
        now = time.monotonic()
        self.left = min(self.a_second, self.left + (now - self.last) * self.a_second)
        self.last = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


class Guard:
    """Checks Host and Origin of every request and adds headers to every answer.

    Parameters
    ----------
    app
        What is guarded.
    port
        At which the server listens.
    """

    def __init__(self, app: Any, port: int) -> None:
        self.app = app
        self.hosts = (f"{HOST}:{port}", f"localhost:{port}")
        self.origins = tuple(f"http://{host}" for host in self.hosts)
        sockets = " ".join(f"ws://{host}" for host in self.hosts)
        self.headers = {
            "Content-Security-Policy": f"default-src 'self'; connect-src 'self' {sockets}; img-src 'self' data: blob:; "
            "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        # A browser sends the origin with every socket; what has none is no page.
        known = origin in self.origins or (origin is None and scope["type"] == "http")
        if headers.get("host") not in self.hosts or not known:
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})  # before it is accepted: status 403
                return
            await PlainTextResponse("not from here", 403, self.headers)(scope, receive, send)
            return

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                found = MutableHeaders(scope=message)
                found.update(self.headers)
                found.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self.app(scope, receive, guarded)


class Lab:
    """The application.

    Parameters
    ----------
    port
        At which it will listen.
    token
        What the URL must hold.
    """

    def __init__(self, port: int, token: str) -> None:
        self.token = token
        self.visits: set[Visit] = set()
        routes = [
            Route("/", self.index),
            Mount("/page", StaticFiles(directory=PAGE)),
            WebSocketRoute("/socket", self.socket),
        ]
        self.app = Guard(Starlette(routes=routes), port)

    def admits(self, given: str) -> bool:
        """Whether it is the token; takes as long for one that is nearly right."""
        return secrets.compare_digest(given.encode(), self.token.encode())

    async def index(self, request: Request) -> Response:
        """The page, which is the same for everybody: what it does goes through the socket, and that wants the token.

        The page moves the token out of the address when it is first opened, so it comes again without one.
        """
        given = request.query_params.get("token")
        if given is not None and not self.admits(given):
            return PlainTextResponse("open the URL that tinygrad-init lab has printed, with its token", 403)
        return FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-store"})

    async def socket(self, connection: WebSocket) -> None:
        """A page's connection, from hello to its end."""
        if not self.admits(connection.query_params.get("token", "")):
            await connection.close(1008)
            return
        await connection.accept()
        if len(self.visits) >= MOST_VISITS:
            await connection.send_text(encode(frames.failed("pages", most=MOST_VISITS)))
            await connection.close(1013)
            return
        outbox = Outbox(asyncio.get_running_loop())
        visit = Visit(outbox.put)
        self.visits.add(visit)
        visit.start()
        sender = asyncio.create_task(self.send(connection, outbox))
        try:
            await self.receive(connection, outbox, visit, sender)
        finally:
            sender.cancel()
            visit.end()
            self.visits.discard(visit)
            await asyncio.to_thread(visit.thread.join, LEAVING_SECONDS)

    async def send(self, connection: WebSocket, outbox: Outbox) -> None:
        """Bring messages to the page, as fast as it reads."""
        try:
            await connection.send_text(encode(hello()))
            while True:
                await connection.send_text(await outbox.take())
        except (WebSocketDisconnect, RuntimeError):
            pass  # the page has left, which `receive` is told as well

    async def receive(self, connection: WebSocket, outbox: Outbox, visit: Visit, sender: asyncio.Task[None]) -> None:
        """Hand messages of the page to its visit, until it leaves."""
        rate, warned = Rate(MESSAGES_A_SECOND), False
        while connection.client_state == WebSocketState.CONNECTED:
            # Who does not read is not listened to.
            while outbox.full or visit.commands.full():
                if sender.done():
                    return
                await asyncio.sleep(0.01)
            message = await connection.receive()
            if message["type"] != "websocket.receive":
                return
            if not rate.allows():
                if not warned:
                    outbox.put(frames.failed("hurry", most=MESSAGES_A_SECOND))
                warned = True
                continue
            warned = False
            try:
                text = message.get("text")
                if text is None:
                    raise Invalid("", "binary")
                visit.commands.put_nowait(protocol.parse(text))
            except Invalid as error:
                outbox.put(frames.refused(error))


def listen(port: int) -> socket.socket:
    """A socket that listens on this machine alone.

    Raises
    ------
    OSError
        The port is taken.
    """
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it, small answers wait for 40 ms.
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
        found.listen()  # who is told the URL may connect before the server has started
    except OSError:
        found.close()
        raise
    return found


def serve(listening: socket.socket, token: str) -> uvicorn.Server:
    """A server for `server.run(sockets=[listening])`."""
    lab = Lab(listening.getsockname()[1], token)
    config = uvicorn.Config(
        lab.app,
        ws="websockets-sansio",
        ws_max_size=4
        * protocol.MESSAGE_BYTES,  # what is too long is answered; what is much too long ends the connection
        ws_per_message_deflate=False,
        log_level="error",
        access_log=False,  # it would show the token
        lifespan="off",
        timeout_graceful_shutdown=2,
        server_header=False,
    )
    return uvicorn.Server(config)

"""`chainrule train --live`: a page on this machine that follows the run, and can stop it."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from chainrule.solvers import Solver
from chainrule.training.measures import Measure
from chainrule.training.run.live_page import live_page
from chainrule.training.run.logs import figures_of

HOST = "127.0.0.1"  # what comes from other machines is not heard
LINGER = 10.0  # seconds, at most, for which a page may still fetch the report
BEAT = 5.0  # seconds after which an open page is told that the run goes on


class Server(ThreadingHTTPServer):
    """A server whose threads end with the process, and that leaves the terminal to the run."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing: a page that was closed while it was answered is no fault."""


def listening(port: int, handler: type[BaseHTTPRequestHandler]) -> Server:
    """A server on the loopback address. Raises ValueError where the port is taken."""
    try:
        return Server((HOST, port), handler)
    except OSError as error:
        raise ValueError(
            f"--live {port}: cannot listen there: {error.strerror}; name another port, or "
            f"leave it out for any that is free"
        ) from None


def check_port(port: int | None) -> None:
    """Raises ValueError where a page is asked for at a port that is taken."""
    if port is not None:
        listening(port, BaseHTTPRequestHandler).server_close()


class Live:
    """A server of one page on the loopback address, in threads of its own; port 0 is any that is
    free. Curves come by server-sent events; the button calls `stop`. Raises ValueError where the
    port is taken."""

    def __init__(
        self, port: int, folder: Path, measure: Measure, stop: Callable[[], object]
    ) -> None:
        self.folder, self.measure, self.stop = folder, measure, stop
        self.token, self.nonce = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        self.began = time.time()
        self._events: list[tuple[str, str]] = []
        self._news = threading.Condition()
        self._open = self._reports = 0  # pages that follow, and the report fetched
        live = self

        class Handler(PageHandler):
            owner = live

        self.server = listening(port, Handler)
        self.address = f"{HOST}:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __call__(self, solver: Solver) -> None:
        """Tell the pages of the epochs finished since they were told last."""
        for at in range(len(self._events), len(solver.history.epoch)):
            self._tell("epoch", figures_of(solver.history, at) | {"goal": solver.goal})

    def close(self, said: str) -> None:
        """Tell the pages that the run is over, in words; let them fetch the report, if it was
        written since; and close the server."""
        report = self.folder / "report.html"
        there = report.exists() and report.stat().st_mtime >= self.began
        self._tell("end", {"said": said, "report": there})
        until = time.monotonic() + LINGER
        while there and self._reports < self._open and time.monotonic() < until:
            time.sleep(0.05)
        if self._open:
            time.sleep(0.2)  # for what is on its way
        self.server.shutdown()
        self.server.server_close()

    def _tell(self, kind: str, figures: dict[str, Any]) -> None:
        with self._news:
            self._events.append((kind, json.dumps(figures, allow_nan=False)))
            self._news.notify_all()

    def page(self) -> bytes:
        """The page."""
        secret: dict[str, str] = {"token": self.token, "nonce": self.nonce}
        return live_page(self.folder.resolve().name, self.measure, **secret).encode()

    def follow(self, out: Any, since: int) -> None:
        """Write all events from number `since` on, as they come, until the run is over."""
        over = False
        self._open += 1
        try:
            while not over:
                with self._news:
                    if len(self._events) == since:
                        self._news.wait(BEAT)
                    new = self._events[since:]
                lines = [
                    f"id: {at}\nevent: {kind}\ndata: {data}\n\n"
                    for at, (kind, data) in enumerate(new, start=since)
                ]
                out.write("".join(lines or [": still there\n\n"]).encode())
                out.flush()
                since += len(new)
                over = any(kind == "end" for kind, _ in new)
        except OSError:  # the page was closed, and will not fetch the report
            self._open -= 1
            raise

    def report(self) -> bytes:
        """The report."""
        content = (self.folder / "report.html").read_bytes()
        self._reports += 1
        return content


class PageHandler(BaseHTTPRequestHandler):
    """Answers to a browser on this machine, and to no page of another origin."""

    owner: Live
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if not self._is_local():
            self._refuse(HTTPStatus.FORBIDDEN)
        elif self.path == "/":
            self._answer(self.owner.page(), script=True)
        elif self.path == "/report" and (self.owner.folder / "report.html").exists():
            self._answer(self.owner.report(), script=False)
        elif self.path == "/events":
            self._head("text/event-stream", None)
            last = self.headers.get("Last-Event-ID", "")
            with suppress(OSError):  # the page was closed
                self.owner.follow(self.wfile, int(last) + 1 if last.isdecimal() else 0)
            self.close_connection = True
        else:
            self._refuse(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        token = self.headers.get("X-Token", "").encode()
        right = secrets.compare_digest(token, self.owner.token.encode())
        if self.path != "/stop" or not right or not self._is_local():
            self._refuse(HTTPStatus.FORBIDDEN)
            return
        self.owner.stop()
        self._answer(b"", script=False)

    def _is_local(self) -> bool:
        port = self.owner.server.server_port
        origin = self.headers.get("Origin")
        hosts = self.owner.address, f"localhost:{port}"
        return self.headers.get("Host") in hosts and (
            origin is None or origin in [f"http://{host}" for host in hosts]
        )

    def _answer(self, content: bytes, *, script: bool) -> None:
        self._head("text/html; charset=utf-8", len(content), script=script)
        self.wfile.write(content)

    def _head(self, kind: str, length: int | None, *, script: bool = False) -> None:
        nonce = self.owner.nonce
        code = f"script-src 'nonce-{nonce}'; connect-src 'self'; frame-src 'self'; "
        style = f"style-src 'nonce-{nonce}'" if script else "style-src 'unsafe-inline'"
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        policy = f"default-src 'none'; img-src data:; {code if script else ''}{style}"
        self.send_header("Content-Security-Policy", policy)
        if length is None:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _refuse(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing: the terminal is the run's."""

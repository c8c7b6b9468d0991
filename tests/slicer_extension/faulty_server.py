"""A server that does what it should not: slow, half an answer, nonsense, a closed socket, a way to elsewhere."""

from __future__ import annotations

import contextlib
import http.server
import json
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any


class Behaviour(http.server.BaseHTTPRequestHandler):
    """Answers each request as `server.behaviour` says."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        self.close_connection = True
        getattr(self, self.server.behaviour)()

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

    def slow(self) -> None:
        time.sleep(3)

    def dripping(self) -> None:
        self._head(200, {"Content-Length": "1000"})
        for _ in range(40):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.1)

    def half(self) -> None:
        self._head(200, {"Content-Length": "1000", "Content-Type": "application/json"})
        self.wfile.write(b'{"name": "Bone')

    def half_of_chunks(self) -> None:
        self._head(200, {"Transfer-Encoding": "chunked", "Content-Type": "application/json"})
        self.wfile.write(b'5\r\n{"nam\r\n')

    def half_of_parts(self) -> None:
        body = b'--b\r\nContent-Disposition: form-data; name="params"\r\n\r\n{"task":'
        self._send(200, body, "multipart/form-data; boundary=b")

    def closed(self) -> None:
        self.connection.close()

    def fault(self) -> None:
        self._send(500, b"<html>Traceback of Jane Doe</html>", "text/html")

    def full(self) -> None:
        words = {"kind": "store_failed", "message": "The disk is full.", "advice": "Make room."}
        self._send(503, json.dumps({"error": words}).encode(), "application/json")

    def no_json(self) -> None:
        self._send(200, b"<html>Welcome</html>", "text/html")

    def other_json(self) -> None:
        self._send(200, b'{"models": {}, "name": "other"}', "application/json")

    def wrong_shape(self) -> None:
        self._send(200, json.dumps(self.server.answer).encode(), "application/json")

    def no_page(self) -> None:
        self._send(404, b"<html>Not found</html>", "text/html")

    def elsewhere(self) -> None:
        self._head(307, {"Location": self.server.elsewhere, "Content-Length": "0"})

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self._head(status, {"Content-Length": str(len(body)), "Content-Type": kind})
        self.wfile.write(body)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


class FaultyServer(http.server.ThreadingHTTPServer):
    """On a free port of this machine; `seen` holds what was asked."""

    daemon_threads = True

    def __init__(self, behaviour: str, answer: Any = None, elsewhere: str = "") -> None:
        super().__init__(("127.0.0.1", 0), Behaviour)
        self.behaviour, self.answer, self.elsewhere = behaviour, answer, elsewhere
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.scheme = "http"

    @property
    def address(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: Any) -> None:
        """Keep quiet: clients that hang up are the point."""


@contextlib.contextmanager
def faulty(behaviour: str, answer: Any = None, elsewhere: str = "", tls: ssl.SSLContext | None = None) -> Iterator[Any]:
    """Run a server of this behaviour."""
    server = FaultyServer(behaviour, answer, elsewhere)
    if tls is not None:
        server.socket, server.scheme = tls.wrap_socket(server.socket, server_side=True), "https"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()

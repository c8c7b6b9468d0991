"""A server that answers from a table: stands for one in whatever state a test needs, as in the middle of a training."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RECORDED = Path(__file__).parents[2] / "contract"


class CannedServer:
    """Answers each call with the value of `answers`, by method and path.

    Attributes:
        answers: JSON by call.
        statuses: By call, where it is not 200.
        calls: In their order.
        bodies: JSON that came last with a call.
    """

    def __init__(self) -> None:
        info = json.loads((RECORDED / "info.json").read_text(encoding="utf-8"))
        self.answers = {("GET", "/info/"): info, ("GET", "/datastore/"): {"objects": {}}}
        self.statuses: dict[tuple[str, str], int] = {}
        self.calls: list[tuple[str, str]] = []
        self.bodies: dict[tuple[str, str], dict] = {}
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.address = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    @property
    def info(self) -> dict:
        return self.answers["GET", "/info/"]

    def close(self) -> None:
        """Answer no more."""
        self._http.shutdown()
        self._http.server_close()


def _handler(server: CannedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            call = self.command, self.path.partition("?")[0]
            server.calls.append(call)
            server.bodies[call] = json.loads(sent) if sent else {}
            body = json.dumps(server.answers.get(call, {"detail": "nothing here"})).encode()
            self.send_response(server.statuses.get(call, 200) if call in server.answers else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler

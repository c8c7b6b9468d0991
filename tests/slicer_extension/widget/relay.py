"""The network between Slicer and the server, as a test wants it: cut, or with answers held back."""

from __future__ import annotations

import contextlib
import socket
import threading


class Relay:
    """Passes connections of a loopback port on to another one.

    Args:
        port: Of the server.
    """

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._is_cut = threading.Event()
        self._may_answer = threading.Event()
        self._may_answer.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Let no connection through from now on."""
        self._is_cut.set()

    def mend(self) -> None:
        """Let connections through again."""
        self._is_cut.clear()

    @contextlib.contextmanager
    def answers_held(self):
        """Hold answers back inside the `with`; afterwards they go on."""
        self._may_answer.clear()
        try:
            yield
        finally:
            self._may_answer.set()

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                inner, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=(inner,), daemon=True).start()

    def _pass_on(self, inner: socket.socket) -> None:
        if self._is_cut.is_set():
            inner.close()
            return
        outer = socket.create_connection(self._target)
        threading.Thread(target=self._pump, args=(inner, outer, False), daemon=True).start()
        self._pump(outer, inner, True)

    def _pump(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                if is_answer:
                    self._may_answer.wait()
                if self._is_cut.is_set():
                    break
                sink.sendall(piece)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

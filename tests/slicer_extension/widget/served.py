"""The app's real server, started by a test from the main environment (.venv), on a folder of radiographs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BONEAGE = Path(os.environ.get("BONEAGE_COMMAND", ROOT / ".venv" / "bin" / "boneage"))
START_SECONDS = 180


class Served:
    """`boneage serve` on a folder; stopped and started again on the same port.

    Args:
        studies: Folder of radiographs, and of the corrections.
        token: That clients must bring; empty for none.
    """

    def __init__(self, studies: Path, token: str = "") -> None:
        self.studies, self.token, self.port = studies, token, _free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen | None = None

    def start(self) -> Served:
        """Start it and wait until it answers."""
        if not BONEAGE.exists():
            pytest.skip(f"the server is not installed: {BONEAGE.relative_to(ROOT)} is missing; make setup")
        command = [BONEAGE, "serve", "--studies", self.studies, "--port", str(self.port)]
        if self.token:
            (self.studies.parent / "token").write_text(self.token)
            command += ["--token-file", self.studies.parent / "token"]
        env = {**os.environ, "PYTHONPATH": f"{ROOT / 'lib'}:{ROOT}"}
        with (self.studies.parent / "server.log").open("ab") as log:
            self._process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log, cwd=ROOT, env=env)
        self._wait()
        return self

    def stop(self) -> None:
        """Stop it; what it has acknowledged stays."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)
            self._process = None

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            assert self._process.poll() is None, (self.studies.parent / "server.log").read_text()[-2000:]
            try:
                urllib.request.urlopen(f"{self.address}/info/", timeout=5).close()
                return
            except urllib.error.HTTPError:  # it asks for the token: it is up
                return
            except OSError:
                time.sleep(0.2)
        raise AssertionError(f"The server was not up after {START_SECONDS} s.")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]

"""The app's real server, run from the main environment (.venv, or beside $BONEAGE_MAIN_PYTHON) on a folder."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from BoneAgeLib.client import Client
from BoneAgeLib.errors import ClientError
from BoneAgeLib.transport import ServerSettings

ROOT = Path(__file__).parents[2]
PYTHON = Path(os.environ.get("BONEAGE_MAIN_PYTHON") or ROOT / ".venv" / "bin" / "python")
START_SECONDS = 180


class AppServer:
    """`boneage serve`, which can be stopped and started again at the same address.

    Args:
        studies: Folder of radiographs; log and token lie beside it.
        token: That clients must bring.
        options: Further ones of the command.
    """

    def __init__(self, studies: Path, token: str, *options: str) -> None:
        if not PYTHON.with_name("boneage").exists():
            pytest.skip("the server's environment is missing: make setup, or set $BONEAGE_MAIN_PYTHON")
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self._port = listener.getsockname()[1]
        self._studies, self.token, self._options = studies, token, options
        self.address = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen | None = None

    def start(self) -> AppServer:
        """Start it and wait until it answers."""
        command = [PYTHON.with_name("boneage"), "serve", "--studies", self._studies, "--port", str(self._port)]
        command += self._options
        env = {**os.environ, "BONEAGE_TOKEN": self.token, "PYTHONPATH": str(ROOT / "lib")}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=env)
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None and time.monotonic() < until, self._log.read_text()[-2000:]
            time.sleep(0.2)
        return self

    def stop(self) -> None:
        """Stop it; what it has acknowledged stays."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(60)
            finally:
                self._process.kill()

    @property
    def _log(self) -> Path:
        return self._studies.parent / "server.log"

    def _answers(self) -> bool:
        try:
            Client(ServerSettings(self.address, self.token)).info()
        except ClientError:
            return False
        return True

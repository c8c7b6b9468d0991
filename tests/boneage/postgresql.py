"""A PostgreSQL server of the tests' own, on the loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def a_postgresql(folder: Path) -> Iterator[str]:
    """Run PostgreSQL with its data in `folder` and yield its URL; skips where it is not installed."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
    if programs is None or not (programs / "initdb").exists():
        pytest.skip("needs PostgreSQL (Debian: postgresql)")
    as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []  # it refuses to run as root
    data = folder / "data"
    data.mkdir(parents=True)
    if as_user:
        for parent in (data, *data.parents[:4]):
            if parent != Path("/tmp"):
                parent.chmod(parent.stat().st_mode | 0o055)
        shutil.chown(data, "postgres")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    subprocess.run([*as_user, programs / "initdb", "-D", data, "-A", "trust", "-U", "boneage", "-N"], check=True,
                   capture_output=True)  # fmt: skip
    control = [*as_user, programs / "pg_ctl", "-D", data, "-w", "-t", "120"]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
    subprocess.run([*control, "-l", data / "log", "-o", options, "start"], check=True, capture_output=True)
    try:
        yield f"postgresql://boneage@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True)

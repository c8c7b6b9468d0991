import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from boneage.cli import main

BONEAGE = Path(sys.executable).with_name("boneage")
RADIOGRAPH = Path(__file__).parents[1] / "data" / "5627.jpg"


@pytest.fixture(autouse=True)
def no_token(monkeypatch):
    monkeypatch.delenv("BONEAGE_TOKEN", raising=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org"])
def test_a_server_that_others_can_reach_needs_a_token(tmp_path, capsys, host):
    assert main(["serve", "--studies", str(tmp_path), "--host", host]) == 2
    assert "needs a token" in capsys.readouterr().err


def test_a_port_that_is_taken_is_a_clear_error(tmp_path, capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert main(["serve", "--studies", str(tmp_path), "--port", str(other.getsockname()[1])]) == 2
    assert "Choose another --port" in capsys.readouterr().err


def test_a_certificate_without_its_key_is_refused(tmp_path, capsys):
    (tmp_path / "cert.pem").touch()
    assert main(["serve", "--studies", str(tmp_path), "--certificate", str(tmp_path / "cert.pem")]) == 2
    assert "both" in capsys.readouterr().err


@pytest.mark.slow
def test_the_server_comes_up_asks_for_its_token_and_stops_cleanly(tmp_path):
    shutil.copy(RADIOGRAPH, tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"BONEAGE_TOKEN": "secret"}
    command = [BONEAGE, "serve", "--studies", tmp_path, "--port", str(port)]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        _wait_for(port, server)
        address = f"http://127.0.0.1:{port}/datastore/?output=all"
        assert requests.get(address, timeout=30).status_code == 401
        listed = requests.get(address, headers={"Authorization": "Bearer secret"}, timeout=30).json()["objects"]
        assert [image_id.partition("-")[0] for image_id in listed] == ["5627"]
    finally:
        server.send_signal(signal.SIGTERM)
        log, _ = server.communicate(timeout=60)
    assert server.returncode == 0, log
    assert "5627" not in log and "secret" not in log


def _wait_for(port, server):
    for _ in range(600):
        assert server.poll() is None, server.communicate()[0]
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError("The server was not up after two minutes.")

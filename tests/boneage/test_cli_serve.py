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
import trustme

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


@pytest.fixture
def certificate(tmp_path_factory):
    """Return files of a certificate authority, and of a certificate by it with its key, for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    return folder


@pytest.mark.slow
def test_the_server_with_tls_and_token_scores_in_the_background_and_stops_cleanly(tmp_path, certificate):
    shutil.copy(RADIOGRAPH, tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"BONEAGE_TOKEN": "secret"}
    tls = ["--certificate", certificate / "certificate.pem", "--key", certificate / "key.pem"]
    command = [BONEAGE, "serve", "--studies", tmp_path, "--port", str(port), *tls]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    client = requests.Session()
    client.trust_env = False  # a $REQUESTS_CA_BUNDLE would take the place of the authority
    client.verify = str(certificate / "authority.pem")
    address = f"https://127.0.0.1:{port}"
    try:
        _wait_for(port, server)
        assert client.get(f"{address}/info/", timeout=30).status_code == 401
        client.headers["Authorization"] = "Bearer secret"
        listed = client.get(f"{address}/datastore/?output=all", timeout=30).json()["objects"]
        assert [image_id.partition("-")[0] for image_id in listed] == ["5627"]
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"{address}/info/", timeout=30)
        _wait_until_scored(client, address)
    finally:
        server.send_signal(signal.SIGTERM)
        log, _ = server.communicate(timeout=60)
    assert server.returncode == 0, log
    assert "5627" not in log and "secret" not in log and "Scored 1 of 1" in log


@pytest.mark.parametrize(
    ("conf", "message"),
    [("retrain_at=25:00", "time of day, got '25:00'"), ("nonsense=1", "Unknown --conf nonsense"), ("x", "KEY=VALUE")],
)
def test_a_setting_that_cannot_be_used_ends_the_start_with_one_sentence(conf, message, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [BONEAGE, "serve", "--studies", tmp_path, "--port", str(port), "--conf", conf]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr


def _wait_until_scored(client, address):
    for _ in range(240):
        if client.get(f"{address}/info/", timeout=30).json()["work_list"] | {"states": 0} == {
            "states": 0,
            "radiographs": 1,
            "scored": 1,
        }:
            return
        time.sleep(0.5)
    raise AssertionError("The radiograph was not scored within two minutes.")


def _wait_for(port, server):
    for _ in range(600):
        assert server.poll() is None, server.communicate()[0]
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError("The server was not up after two minutes.")

"""The client against servers that misbehave: each fault is one sentence that says what to do."""

import json
import os
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
import trustme
from faulty_server import faulty

from BoneAgeLib.client import Client
from BoneAgeLib.contract import Submission
from BoneAgeLib.errors import ClientError, ErrorKind
from BoneAgeLib.transport import ServerSettings

CONTRACT = Path(__file__).parents[1] / "contract"


def client_of(server, **settings):
    return Client(ServerSettings(server.address, **{"token": "secret", "read_seconds": 5.0, **settings}))


def failure_of(call):
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize(
    ("behaviour", "kind", "words"),
    [
        ("half", ErrorKind.HALF_ANSWER, "Try again"),
        ("half_of_chunks", ErrorKind.HALF_ANSWER, "Try again"),
        ("closed", ErrorKind.HALF_ANSWER, "closed the connection"),
        ("fault", ErrorKind.SERVER_FAULT, "tell who runs the server"),
        ("full", ErrorKind.SERVER_FAULT, "The disk is full. Make room."),
        ("no_json", ErrorKind.WRONG_ANSWER, "Check that the address"),
        ("other_json", ErrorKind.NOT_BONE_AGE, "Check the address"),
        ("no_page", ErrorKind.NOT_BONE_AGE, "Check the address"),
    ],
)
def test_a_fault_of_the_server_is_a_sentence_that_says_what_to_do(behaviour, kind, words):
    with faulty(behaviour) as server:
        error = failure_of(client_of(server).info)
    assert error.kind == kind and words in str(error)
    assert "Jane" not in str(error) and not error.is_final


def test_half_of_a_multipart_answer_is_not_taken_for_a_whole_one():
    with faulty("half_of_parts") as server:
        assert failure_of(lambda: client_of(server).assess("x")).kind == ErrorKind.HALF_ANSWER


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"estimates": None}, "estimates"),
        ({"hand": {}}, "pose_px"),
        ({"seconds": "fast"}, "seconds"),
        ({"radiograph": {"rows": True}}, "rows"),
    ],
)
def test_an_answer_of_another_shape_is_refused_with_the_piece_that_is_wrong(change, word):
    answer = json.loads((CONTRACT / "bone_age.json").read_text()) | change
    with faulty("wrong_shape", answer) as server:
        error = failure_of(lambda: client_of(server).assess(answer["image_id"]))
    assert error.kind == ErrorKind.WRONG_ANSWER and word in error.message


def test_an_answer_about_another_radiograph_is_refused():
    answer = json.loads((CONTRACT / "bone_age.json").read_text())
    with faulty("wrong_shape", answer) as server:
        assert failure_of(lambda: client_of(server).assess("another-12345678")).kind == ErrorKind.WRONG_IMAGE


def test_another_version_of_the_server_is_said_with_both_versions():
    answer = json.loads((CONTRACT / "info.json").read_text()) | {"version": "0.9.3"}
    with faulty("wrong_shape", answer) as server:
        assert Client(ServerSettings(server.address), version="0.9.0").info().version == "0.9.3"
        error = failure_of(Client(ServerSettings(server.address), version="0.1.0").info)
    assert error.kind == ErrorKind.WRONG_VERSION and "0.9.3" in str(error) and "0.1.0" in str(error)


def test_a_slow_server_ends_in_a_time_out_and_one_that_drips_does_not_last_for_ever():
    for behaviour, settings in (("slow", {"read_seconds": 0.3}), ("dripping", {"total_seconds": 0.5})):
        with faulty(behaviour) as server:
            start = time.monotonic()
            assert failure_of(client_of(server, **settings).info).kind == ErrorKind.TIMEOUT
            assert time.monotonic() - start < 1.5


def test_a_request_is_cancelled_at_once_while_the_server_is_silent():
    cancel = threading.Event()
    with faulty("slow") as server:
        threading.Timer(0.2, cancel.set).start()
        start = time.monotonic()
        assert failure_of(lambda: client_of(server).info(cancel)).kind == ErrorKind.CANCELLED
        assert time.monotonic() - start < 1.0


def test_a_server_that_is_not_there_is_told_from_one_that_is():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    error = failure_of(Client(ServerSettings(address)).info)
    assert error.kind == ErrorKind.AWAY and "Check that it runs" in str(error)


def test_a_redirection_is_not_followed_and_the_token_goes_nowhere_else():
    with faulty("no_json") as other, faulty("elsewhere", elsewhere=other.address + "/info/") as server:
        error = failure_of(client_of(server).info)
    assert error.kind == ErrorKind.REDIRECT and not other.seen
    assert server.seen[0][2]["Authorization"] == "Bearer secret"


def test_the_token_of_the_settings_is_sent_whatever_a_netrc_file_says(tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with faulty("no_json") as server:
        failure_of(client_of(server).info)
    assert server.seen[0][2]["Authorization"] == "Bearer secret"


def test_a_server_on_this_computer_is_reached_whatever_proxy_the_environment_names(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with faulty("other_json") as server:
        assert failure_of(client_of(server).info).kind == ErrorKind.NOT_BONE_AGE
    assert len(server.seen) == 1


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def tls(authority):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_a_certificate_is_checked_against_the_chosen_authority_and_not_the_environments(
    authority, tls, tmp_path, monkeypatch
):
    mine, others = tmp_path / "mine.pem", tmp_path / "others.pem"
    authority.cert_pem.write_to_path(str(mine))
    trustme.CA().cert_pem.write_to_path(str(others))
    with faulty("other_json", tls=tls) as server:
        assert failure_of(client_of(server).info).kind == ErrorKind.CERTIFICATE
        assert server.seen == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(others))
        assert failure_of(client_of(server, ca_file=str(mine)).info).kind == ErrorKind.NOT_BONE_AGE  # it got in
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(mine))
        assert failure_of(client_of(server, ca_file=str(others)).info).kind == ErrorKind.CERTIFICATE
        assert failure_of(client_of(server).info).kind == ErrorKind.NOT_BONE_AGE
        gone = failure_of(client_of(server, ca_file=str(tmp_path / "gone.pem")).info)
    assert gone.kind == ErrorKind.CERTIFICATE and "not there" in gone.message


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        (" HTTPS://Server.clinic/bone/ ", "https://server.clinic:443/bone"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_an_address_has_one_form_however_it_was_typed(typed, address):
    assert ServerSettings(typed).address == address


@pytest.mark.parametrize(
    "typed", ["", "ftp://x", "http://", "http://user:word@host", "http://host:port", "http://h?x=1"]
)
def test_what_cannot_be_an_address_is_refused(typed):
    assert failure_of(lambda: Client(ServerSettings(typed))).kind == ErrorKind.INVALID


def test_a_token_over_plain_http_to_another_machine_is_warned_of():
    assert "unencrypted" in ServerSettings("http://server.clinic").caution
    assert ServerSettings("https://server.clinic").caution == ServerSettings("localhost:8000").caution == ""


def test_a_correction_for_another_server_is_not_sent():
    with faulty("no_json") as server:
        elsewhere = Submission("ab" * 16, "http://elsewhere:80", "x", "final", {}, None)
        assert failure_of(lambda: client_of(server).submit(elsewhere)).kind == ErrorKind.INVALID
        assert server.seen == []


def test_no_setting_of_the_environment_turns_the_check_of_certificates_off(tls, monkeypatch):
    monkeypatch.setenv("CURL_CA_BUNDLE", "")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "")
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    assert os.environ["REQUESTS_CA_BUNDLE"] == ""
    with faulty("other_json", tls=tls) as server:
        assert failure_of(client_of(server).info).kind == ErrorKind.CERTIFICATE

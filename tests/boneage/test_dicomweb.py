"""What an archive may answer instead of DICOMweb; a small faulty server stands for it."""

import json
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from boneage import dicomweb
from boneage.dicomweb import Archive, ArchivedImage
from boneage.dicomweb_places import archive_address
from boneage.errors import ArchiveRefused, ArchiveUnreachable, InvalidInput, UnknownImage

IMAGE = ArchivedImage("1.2.1", "1.3.1", "1.4.1", 40, 30)
HTML = (200, "text/html", b"<html>Log in</html>")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("USER", "PASSWORD", "TOKEN", "CA"):
        monkeypatch.delenv(f"BONEAGE_ARCHIVE_{name}", raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


@contextmanager
def answering(answer, context=None):
    """Serve `answer(handler)`, which returns status, content type and body; None to say nothing for a while."""
    done = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            found = answer(self)
            if found is None:
                done.wait(20)
                return
            status, kind, body = found
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}/dicom-web"
    finally:
        done.set()
        server.shutdown()
        server.server_close()


def dicom_json(*rows):
    keys = ("00080018", "0020000E", "0020000D", "00080060", "00280010")
    items = [{key: {"vr": "UI", "Value": [value]} for key, value in zip(keys, row, strict=False)} for row in rows]
    return 200, "application/dicom+json", json.dumps(items).encode()


def an_object():
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.is_little_endian, dataset.is_implicit_VR = True, False
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.StudyInstanceUID = "1.2", "1.2.7", "1.4.1"
    return dataset


@pytest.mark.parametrize(
    ("answer", "words", "is_away"),
    [
        (HTML, "not DICOMweb", False),
        ((404, "text/plain", b"no"), "not DICOMweb", False),
        ((200, "application/dicom+json", b'[{"0008'), "not DICOMweb", False),
        ((200, "application/dicom+json", b'{"a": "b"}'), "", None),
        ((401, "text/plain", b"no"), "refused access", False),
        ((403, "text/plain", b"no"), "refused access", False),
        ((500, "text/plain", b"oh"), "HTTP 500", True),
        ((503, "text/plain", b"oh"), "HTTP 503", True),
    ],
)
def test_what_is_no_dicomweb_is_one_kind_of_error(answer, words, is_away):
    with answering(lambda _: answer) as address:
        if is_away is None:
            assert Archive(address).radiographs() == []
            return
        with pytest.raises(ArchiveUnreachable, match=words) as caught:
            Archive(address).check()
    assert caught.value.is_away is is_away and "127.0.0.1" not in str(caught.value)


def test_a_closed_port_and_a_silent_archive_are_errors_in_time(monkeypatch):
    with answering(lambda _: HTML) as address:
        pass
    with pytest.raises(ArchiveUnreachable, match="cannot be reached") as caught:
        Archive(address).check()
    assert caught.value.is_away
    monkeypatch.setattr(dicomweb, "READ_SECONDS", 0.3)
    with answering(lambda _: None) as address, pytest.raises(ArchiveUnreachable, match="in time"):
        Archive(address).check()


def test_an_answer_that_is_cut_off_is_not_taken_for_a_radiograph():
    def half(handler):
        handler.wfile.write(
            b"HTTP/1.0 200 OK\r\nContent-Type: multipart/related; boundary=b\r\nContent-Length: 9999\r\n\r\n"
            b"--b\r\n\r\nDICM"
        )
        handler.wfile.flush()
        handler.close_connection = True
        handler.connection.shutdown(2)
        raise ConnectionAbortedError

    with answering(half) as address, pytest.raises(ArchiveUnreachable):
        Archive(address).fetch(IMAGE)


def test_an_image_that_is_gone_is_unknown_and_another_one_is_not_taken_for_it():
    with answering(lambda _: (404, "text/plain", b"")) as address, pytest.raises(UnknownImage):
        Archive(address).fetch(IMAGE)

    def other(_):
        import io

        import pydicom

        file = io.BytesIO()
        dataset = an_object()
        dataset.SeriesInstanceUID = "1.3.1"
        pydicom.dcmwrite(file, dataset)
        return 200, "multipart/related; boundary=b", b"--b\r\n\r\n" + file.getvalue() + b"\r\n--b--"

    with answering(other) as address, pytest.raises(ArchiveUnreachable):
        Archive(address).fetch(IMAGE)


def test_pages_are_put_together_also_if_the_archive_gives_less_than_asked_for_or_all_at_once():
    rows = [(f"1.2.{n}", f"1.3.{n}", f"1.4.{n}", "CR", 40) for n in range(7)]

    def small_pages(handler):
        query = dict(pair.split("=") for pair in handler.path.partition("?")[2].split("&"))
        offset = int(query["offset"])
        return dicom_json(*(rows[offset : offset + 3] if query["Modality"] == "CR" else []))

    def no_pages(handler):
        return dicom_json(*rows)

    for answer in (small_pages, no_pages):
        with answering(answer) as address:
            found = Archive(address).radiographs()
        assert sorted(image.sop_instance_uid for image in found) == [row[0] for row in rows]
        assert found[0].rows == 40


def test_a_ct_is_left_out_even_if_the_archive_ignores_the_filter_and_so_is_a_uid_that_is_a_path():
    rows = [("1.2.1", "1.3.1", "1.4.1", "CT"), ("../../x", "1.3.1", "1.4.1", "CR"), ("1.2.3", "1.3.1", "1.4.1", "DX")]
    with answering(lambda _: dicom_json(*rows)) as address:
        assert [image.sop_instance_uid for image in Archive(address).radiographs()] == ["1.2.3"]


@pytest.mark.parametrize(
    ("status", "reason", "for_good"),
    [
        (409, 0x0122, True),
        (409, 0x0110, False),
        (202, 0xA700, False),
        (202, 0xC000, True),
        (415, None, True),
        (413, None, True),
    ],
)
def test_an_object_that_is_not_taken_says_why_and_whether_to_try_again(status, reason, for_good):
    body = {"00081198": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [reason]}}]}} if reason else {}
    answer = (status, "application/dicom+json", json.dumps(body).encode())
    with answering(lambda _: answer) as address, pytest.raises(ArchiveRefused) as caught:
        Archive(address).store(an_object())
    assert caught.value.for_good is for_good
    assert (f"{reason:04X}" if reason else f"HTTP {status}") in caught.value.message


@pytest.mark.parametrize("status", [200, 202, 409])
def test_an_object_that_is_there_already_counts_as_stored(status):
    body = {"00081198": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [0x0111]}}]}}
    with answering(lambda _: (status, "application/dicom+json", json.dumps(body).encode())) as address:
        Archive(address).store(an_object())


def test_a_large_object_is_sent_with_its_length_to_the_right_host():
    seen = []

    def note(handler):
        seen.append((int(handler.headers["Content-Length"]), handler.headers["Host"]))
        return 200, "application/dicom+json", b"{}"

    dataset = an_object()
    dataset.add_new(0x7FE00010, "OB", bytes(3_000_000))
    with answering(note) as address:
        Archive(address).store(dataset)
    [(length, host)] = seen
    assert length > 3_000_000 and host == address.split("/")[2]


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_an_archive_that_cannot_take_objects_now_may_later(status):
    with answering(lambda _: (status, "text/plain", b"")) as address, pytest.raises(ArchiveUnreachable) as caught:
        Archive(address).store(an_object())
    assert not isinstance(caught.value, ArchiveRefused)


def test_credentials_come_from_the_environment(monkeypatch):
    seen = []

    def note(handler):
        seen.append(handler.headers.get("Authorization"))
        return dicom_json()

    with answering(note) as address:
        Archive(address).check()
        monkeypatch.setenv("BONEAGE_ARCHIVE_USER", "reader")
        monkeypatch.setenv("BONEAGE_ARCHIVE_PASSWORD", "geheim")
        Archive(address).check()
        monkeypatch.setenv("BONEAGE_ARCHIVE_TOKEN", "a.b.c")
        Archive(address).check()
    assert seen == [None, "Basic cmVhZGVyOmdlaGVpbQ==", "Bearer a.b.c"]


def test_a_certificate_is_checked_against_the_authority_that_is_named(monkeypatch, tmp_path):
    authority, other = trustme.CA(), trustme.CA()
    for name, one in (("right", authority), ("wrong", other)):
        one.cert_pem.write_to_path(tmp_path / name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with answering(lambda _: dicom_json(), context) as address:
        with pytest.raises(ArchiveUnreachable, match="not trusted"):
            Archive(address).check()
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "right"))
        Archive(address).check()
        monkeypatch.setenv("BONEAGE_ARCHIVE_CA", str(tmp_path / "wrong"))
        with pytest.raises(ArchiveUnreachable, match="not trusted"):
            Archive(address).check()
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "wrong"))
        monkeypatch.setenv("BONEAGE_ARCHIVE_CA", str(tmp_path / "right"))
        Archive(address).check()


def test_an_address_has_one_spelling():
    same = ("HTTP://Host:80/dicom-web/", "http://host/dicom-web", " http://host:80/dicom-web ")
    assert {archive_address(text) for text in same} == {"http://host/dicom-web"}
    assert archive_address("https://[::1]:8443/x") == "https://[::1]:8443/x"


@pytest.mark.parametrize("text", ["http://", "ftp://host/x", "http://host:port/x", "http://host/x?user=me", "folder"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(InvalidInput, match="archive's address"):
        archive_address(text)


def test_an_address_with_a_password_is_refused_and_not_repeated():
    with pytest.raises(InvalidInput) as caught:
        archive_address("http://reader:geheim@host/dicom-web")
    assert "geheim" not in str(caught.value) and "BONEAGE_ARCHIVE_PASSWORD" in caught.value.advice

"""Radiographs by C-STORE: real associations on the loopback, a real disk and database; nothing is assessed here."""

import io
import resource
import socket
import sqlite3
import ssl
from contextlib import contextmanager

import numpy as np
import pydicom
import pytest
import trustme
from dicom_radiographs import CLASSES, a_radiograph_dataset
from orthanc import free_port
from pydicom.uid import ExplicitVRLittleEndian, JPEGLosslessSV1
from pynetdicom import AE

from boneage import database
from boneage.errors import InvalidInput
from boneage.pacs_files import PacsFiles
from boneage.pacs_inbox import CANNOT_UNDERSTAND, NOT_OF_ITS_CLASS, OUT_OF_RESOURCES, SUCCESS, Inbox
from boneage.pacs_listener import Listener
from boneage.pacs_peers import Peer, Tls
from boneage.pacs_state import PacsState, State

PLAIN = Tls()


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    return PacsState(tmp_path / "pacs.sqlite")


@pytest.fixture
def files(tmp_path):
    return PacsFiles(tmp_path / "files")


@pytest.fixture
def listening(state, files):
    """Return a context manager that listens and gives the port."""

    @contextmanager
    def listen(allowed=(), tls=PLAIN):
        port = free_port()
        inbox = Inbox(state, files, lambda: None)
        listener = Listener(Peer("BONEAGE", "127.0.0.1", port), allowed, tls, inbox.take)
        listener.start()
        try:
            yield port
        finally:
            listener.stop()

    return listen


def a_radiograph(**tags):
    return a_radiograph_dataset(np.full((40, 30), 7, np.uint8), **tags)


def associate(port, sop_class=CLASSES["CR"], title="MODALITY", called="BONEAGE", context=None, syntaxes=None):
    entity = AE(ae_title=title)
    entity.acse_timeout = entity.network_timeout = 10
    entity.add_requested_context(sop_class, syntaxes)
    tls = (context, "127.0.0.1") if context else None
    return entity.associate("127.0.0.1", port, ae_title=called, tls_args=tls)


def send(port, *datasets, **options):
    """Send data sets on one association and return the statuses."""
    association = associate(port, **options)
    assert association.is_established
    try:
        return [association.send_c_store(dataset).Status for dataset in datasets]
    finally:
        association.release()


def test_what_is_acknowledged_is_on_the_disk_and_noted(listening, state, files):
    dataset = a_radiograph()
    with listening() as port:
        assert send(port, dataset) == [SUCCESS]
    [item] = state.items(State.RECEIVED)
    assert item.study_instance_uid == dataset.StudyInstanceUID
    kept = pydicom.dcmread(files.path(item.sop_instance_uid))
    assert kept.PixelData == dataset.PixelData and kept.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


def test_a_radiograph_that_comes_twice_is_one(listening, state):
    dataset = a_radiograph()
    with listening() as port:
        assert send(port, dataset, dataset) == [SUCCESS, SUCCESS]
        state.finish(state.items()[0], State.SENT)
        assert send(port, dataset) == [SUCCESS]
    assert [item.state for item in state.items()] == [State.SENT]


def test_one_that_needed_a_human_and_comes_again_is_looked_at_again(listening, state, files):
    dataset = a_radiograph(PatientSex="O")
    with listening() as port:
        send(port, dataset)
        state.finish(state.items()[0], State.NEEDS_HUMAN, "The sex is not known.")
        dataset.PatientSex = "F"
        assert send(port, dataset) == [SUCCESS]
    [item] = state.items(State.RECEIVED)
    assert pydicom.dcmread(files.path(item.sop_instance_uid)).PatientSex == "F"


def test_one_that_comes_again_while_it_waits_is_assessed_as_it_came_last(listening, state, files):
    dataset = a_radiograph(PatientSex="O")
    with listening() as port:
        send(port, dataset)
        dataset.PatientSex = "F"
        send(port, dataset)
    assert pydicom.dcmread(files.path(str(dataset.SOPInstanceUID))).PatientSex == "F"


@pytest.mark.parametrize("sop_class", [CLASSES["CT"], "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.88.33"])
def test_ct_and_results_are_not_negotiated(listening, sop_class):
    with listening() as port:
        assert not associate(port, sop_class).is_established


def test_a_ct_that_is_sent_as_a_cr_is_refused_and_left_alone_with_its_reason(state, files):
    ct = a_radiograph(modality="CT")
    file = io.BytesIO()
    pydicom.dcmwrite(file, ct, write_like_original=False)
    inbox = Inbox(state, files, lambda: None)
    assert [inbox.take(file.getvalue(), ct.SOPInstanceUID) for _ in range(2)] == [NOT_OF_ITS_CLASS] * 2
    [item] = state.items(State.LEFT_ALONE)
    assert "neither a CR nor a DX" in item.reason
    assert not files.path(item.sop_instance_uid).exists()


def test_an_object_without_readable_uids_is_refused(state, files):
    inbox = Inbox(state, files, lambda: None)
    assert inbox.take(b"\0" * 128 + b"DICM" + b"nonsense" * 9, "1.2.3") == CANNOT_UNDERSTAND
    assert inbox.take(b"", "1.2.3") == CANNOT_UNDERSTAND
    assert state.items() == []


def test_a_full_disk_is_told_the_sender_who_may_try_again(listening, state, files):
    dataset = a_radiograph_dataset(np.zeros((1000, 1000), np.uint8))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with listening() as port:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
        try:
            assert send(port, dataset) == [OUT_OF_RESOURCES]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert state.items() == [] and list(files.path("1").parent.iterdir()) == []
        assert send(port, dataset) == [SUCCESS]
    assert len(state.items()) == 1


def test_a_locked_database_is_told_the_sender_and_no_file_stays(listening, state, files, tmp_path):
    dataset = a_radiograph()
    other = sqlite3.connect(tmp_path / "pacs.sqlite")
    with listening() as port:
        other.execute("BEGIN EXCLUSIVE")
        assert send(port, dataset) == [OUT_OF_RESOURCES]
        assert list(files.path("1").parent.iterdir()) == []
        other.rollback()
        assert send(port, dataset) == [SUCCESS]


def test_a_title_that_is_not_allowed_is_refused_at_association(listening, caplog):
    with listening(allowed=["MODALITY", "PACS"]) as port:
        assert associate(port, title="STRANGER").is_rejected
        assert send(port, a_radiograph(), title="PACS") == [SUCCESS]
        assert associate(port, called="SOMEBODY").is_rejected
    assert caplog.text.count("An association was refused") == 2


def test_an_address_that_is_taken_is_a_clear_error(listening, state, files):
    with listening() as port:
        second = Listener(Peer("BONEAGE", "127.0.0.1", port), (), PLAIN, Inbox(state, files, lambda: None).take)
        with pytest.raises(InvalidInput, match=r"Cannot listen on 127\.0\.0\.1"):
            second.start()


def test_a_compressed_radiograph_is_kept_as_it_came(listening, state, files):
    dataset = a_radiograph()
    dataset.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8 not really a picture \xff\xd9"])
    dataset["PixelData"].is_undefined_length = True
    with listening() as port:
        assert send(port, dataset, syntaxes=[JPEGLosslessSV1]) == [SUCCESS]
    assert pydicom.dcmread(files.path(str(dataset.SOPInstanceUID))).file_meta.TransferSyntaxUID == JPEGLosslessSV1


# TLS


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def tls(authority, tmp_path):
    """Return the listener's certificate and key by the authority, whose certificates others need."""
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    return Tls(tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "authority.pem")


def a_client(authority, certified_by=None):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if certified_by:
        certified_by.issue_cert("modality.example.org").configure_cert(context)
    return context


def test_a_certified_sender_is_heard_by_tls(listening, state, tls, authority):
    with listening(tls=tls) as port:
        assert send(port, a_radiograph(), context=a_client(authority, authority)) == [SUCCESS]
    assert len(state.items()) == 1


def test_a_sender_without_tls_or_certificate_or_of_another_authority_is_refused(
    listening, state, tls, authority, caplog
):
    with listening(tls=tls) as port:
        assert not associate(port).is_established
        assert not associate(port, context=a_client(authority)).is_established
        assert not associate(port, context=a_client(authority, trustme.CA())).is_established
        assert send(port, a_radiograph(), context=a_client(authority, authority)) == [SUCCESS]
    assert "does not speak our TLS" in caplog.text


def test_a_sender_by_tls_is_refused_where_we_listen_in_plain(listening, state, authority):
    with listening() as port:
        assert not associate(port, context=a_client(authority, authority)).is_established
        assert send(port, a_radiograph()) == [SUCCESS]


def test_who_connects_and_says_nothing_stops_nobody(listening, tls, authority):
    with listening(tls=tls) as port, socket.create_connection(("127.0.0.1", port)):
        assert send(port, a_radiograph(), context=a_client(authority, authority)) == [SUCCESS]

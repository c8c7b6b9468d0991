"""Results by C-STORE to a real Orthanc, asked for by C-FIND."""

import numpy as np
import pytest
from dicom_radiographs import a_radiograph_dataset, picture
from orthanc import PASSWORD, USER, an_orthanc, free_port
from pynetdicom import AE, evt

from boneage.delivery import deliver
from boneage.dicom_out import hand_segmentation
from boneage.dicomweb import Archive
from boneage.errors import ArchiveRefused, ArchiveUnreachable
from boneage.pacs_peers import Peer, Tls
from boneage.pacs_scu import FIND, StoringPeer

AWAY = "cannot be reached"


@pytest.fixture(scope="module")
def a_result():
    source = a_radiograph_dataset(picture("5627.jpg"))
    mask = np.zeros(picture("5627.jpg").shape, bool)
    mask[50:90, 20:300] = True
    return hand_segmentation(mask, source, "2.25.1", "2.25.2", algorithm=("hand_segmenter", "0.1.0"))


def dicom(**settings):
    port = free_port()
    return port, {
        "DicomServerEnabled": True,
        "DicomAet": "PACS",
        "DicomPort": port,
        "DicomAlwaysAllowFind": True,
    } | settings


def our_peer(port, ours="BONEAGE", called="PACS", tls=None):
    return StoringPeer(ours, Peer(called, "127.0.0.1", port), tls or Tls())


def test_a_result_is_there_once_however_often_it_is_delivered(tmp_path, a_result):
    port, settings = dicom()
    with an_orthanc(tmp_path / "orthanc", **settings) as orthanc:
        peer = our_peer(port)
        assert not peer.holds(a_result)
        for _ in range(2):
            deliver(peer, a_result)
        assert our_peer(port).holds(a_result)
        assert orthanc.modalities(a_result.StudyInstanceUID) == {"SEG": 1}
        orthanc.stop(kill=True)
        with pytest.raises(ArchiveUnreachable, match=AWAY):
            deliver(peer, a_result)
        orthanc.start()
        deliver(peer, a_result)


def test_a_result_that_a_filter_threw_away_is_not_taken_for_stored(tmp_path, a_result):
    (tmp_path / "filter.lua").write_text("function ReceivedInstanceFilter(dicom, origin, info) return false end")
    port, settings = dicom(LuaScripts=[str(tmp_path / "filter.lua")])
    with an_orthanc(tmp_path / "orthanc", **settings), pytest.raises(ArchiveRefused, match="does not have it"):
        deliver(our_peer(port), a_result)


def test_a_pacs_that_does_not_know_us_is_a_clear_error(tmp_path, a_result):
    port, settings = dicom(DicomAlwaysAllowFind=False, DicomAlwaysAllowStore=False, DicomCheckCalledAet=True)
    with an_orthanc(tmp_path / "orthanc", **settings):
        with pytest.raises(ArchiveUnreachable, match="refused the association"):
            deliver(our_peer(port, called="OTHER"), a_result)
        with pytest.raises((ArchiveUnreachable, ArchiveRefused)):
            deliver(our_peer(port), a_result)


def test_a_pacs_that_forbids_us_to_ask_is_a_clear_error(tmp_path, a_result):
    port, settings = dicom(DicomAlwaysAllowFind=False)
    with an_orthanc(tmp_path / "orthanc", **settings), pytest.raises(ArchiveUnreachable, match="C-FIND"):
        deliver(our_peer(port), a_result)


@pytest.mark.parametrize("status", [0x0000, 0xB000, 0xA700, 0xC000])
def test_one_that_has_no_c_find_is_believed_what_it_says_on_storing(a_result, caplog, status):
    entity, port = AE(ae_title="PACS"), free_port()
    entity.add_supported_context(a_result.SOPClassUID)
    server = entity.start_server(
        ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, lambda event: status)]
    )
    try:
        if status in (0x0000, 0xB000):
            deliver(our_peer(port), a_result)
        else:
            with pytest.raises(ArchiveRefused, match=f"{status:04X}"):
                deliver(our_peer(port), a_result)
    finally:
        server.shutdown()
    assert "does not answer C-FIND" in caplog.text


def test_a_pacs_that_fails_when_it_is_asked_is_asked_again_not_believed(a_result):
    entity, port = AE(ae_title="PACS"), free_port()
    for sop_class in (a_result.SOPClassUID, FIND):
        entity.add_supported_context(sop_class)
    busy = [(evt.EVT_C_STORE, lambda event: 0x0000), (evt.EVT_C_FIND, lambda event: iter([(0xA700, None)]))]
    server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=busy)
    peer = our_peer(port)
    try:
        for _ in range(2):
            with pytest.raises(ArchiveUnreachable, match="C-FIND"):
                deliver(peer, a_result)
    finally:
        server.shutdown()


def test_a_kind_that_the_pacs_does_not_take_is_refused_for_good(a_result):
    entity, port = AE(ae_title="PACS"), free_port()
    entity.add_supported_context("1.2.840.10008.5.1.4.1.1.1")
    server = entity.start_server(("127.0.0.1", port), block=False)
    try:
        with pytest.raises(ArchiveRefused, match="kind SEG") as refusal:
            deliver(our_peer(port), a_result)
    finally:
        server.shutdown()
    assert refusal.value.for_good


def test_who_answers_in_plain_is_not_sent_to_when_tls_is_wanted(tmp_path, a_result):
    import trustme

    trustme.CA().cert_pem.write_to_path(tmp_path / "authority.pem")
    port, settings = dicom()
    with an_orthanc(tmp_path / "orthanc", **settings), pytest.raises(ArchiveUnreachable, match=AWAY):
        deliver(our_peer(port, tls=Tls(authority=tmp_path / "authority.pem")), a_result)


@pytest.mark.parametrize("way", ["C-STORE", "STOW-RS"])
def test_a_full_pacs_is_tried_again_and_takes_the_result_when_there_is_room(tmp_path, monkeypatch, way):
    monkeypatch.setenv("BONEAGE_ARCHIVE_USER", USER)
    monkeypatch.setenv("BONEAGE_ARCHIVE_PASSWORD", PASSWORD)
    port, settings = dicom()
    large = a_radiograph_dataset(np.zeros((1500, 1500), np.uint8))  # 2 MB
    with an_orthanc(tmp_path / "orthanc", **settings, MaximumStorageSize=1) as orthanc:
        keeper = our_peer(port) if way == "C-STORE" else Archive(orthanc.url)
        with pytest.raises(ArchiveRefused) as refusal:
            deliver(keeper, large)
        assert not refusal.value.for_good
        orthanc.stop()
        orthanc.configure(**settings)
        orthanc.start()
        deliver(keeper, large)
        assert orthanc.modalities(large.StudyInstanceUID) == {"CR": 1}

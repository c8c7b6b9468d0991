"""The small parts of the watcher: who is who, what is left alone, files, and which days are asked for."""

from datetime import date

import pytest
import trustme
from pydicom.dataset import Dataset

from boneage.errors import ArchiveUnreachable, InvalidInput, OutputFailed
from boneage.pacs_files import PacsFiles, lock
from boneage.pacs_filter import CR_STORAGE, DX_STORAGE, why_left_alone
from boneage.pacs_peers import Peer, Tls, peer_from_words
from boneage.pacs_poller import Poller
from boneage.pacs_state import PacsState


def test_a_peer_is_read_from_its_title_and_address():
    assert peer_from_words("BONE AGE@127.0.0.1:11112") == Peer("BONE AGE", "127.0.0.1", 11112)
    assert peer_from_words("PACS@[::1]:104") == Peer("PACS", "::1", 104)
    assert peer_from_words("A@localhost:1").is_local and not peer_from_words("A@pacs.example.org:1").is_local


@pytest.mark.parametrize("words", ["PACS", "PACS@host", "host:104", "@host:104", "PACS@host:0", "PACS@host:70000"])
def test_half_a_peer_is_refused(words):
    with pytest.raises(InvalidInput, match="AE@HOST:PORT"):
        peer_from_words(words)


def test_a_title_that_is_too_long_is_refused():
    with pytest.raises(InvalidInput):
        peer_from_words("A" * 17 + "@host:104")


def test_a_key_that_is_not_the_certificates_is_refused(tmp_path):
    authority = trustme.CA()
    for name in ("one", "other"):
        issued = authority.issue_cert("127.0.0.1")
        issued.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")
        issued.private_key_pem.write_to_path(tmp_path / f"{name}.key")
    with pytest.raises(InvalidInput, match="cannot be used"):
        Tls(tmp_path / "one.pem", tmp_path / "other.key").for_listening()
    assert Tls(tmp_path / "one.pem", tmp_path / "one.key").for_listening() is not None
    assert Tls().for_listening() is None and Tls().for_sending() is None


def a_header(**tags):
    header = Dataset()
    for keyword, value in ({"SOPClassUID": CR_STORAGE, "Modality": "CR", "Rows": 9, "Columns": 9} | tags).items():
        setattr(header, keyword, value)
    return header


@pytest.mark.parametrize("part", ["HAND", "LEFT HAND", "WRIST", "", None, "UP_EXM", "EXTREMITY", "BONE AGE"])
def test_what_may_be_a_hand_is_for_the_detector_to_decide(part):
    assert why_left_alone(a_header(BodyPartExamined=part)) is None
    assert why_left_alone(a_header(SOPClassUID=DX_STORAGE, Modality="DX", BodyPartExamined=part)) is None


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"BodyPartExamined": "CHEST"}, "another part of the body: CHEST"),
        ({"BodyPartExamined": "KNEE"}, "KNEE"),
        ({"Modality": "CT"}, "modality is CT"),
        ({"Modality": ""}, "not said"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, "neither a CR nor a DX"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.4", "Modality": "SEG"}, "neither a CR nor a DX"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "Modality": "OT"}, "neither a CR nor a DX"),
        ({"Rows": 0}, "no picture"),
    ],
)
def test_all_else_is_left_alone_with_a_reason(tags, reason):
    assert reason in why_left_alone(a_header(**tags))


@pytest.mark.filterwarnings("ignore:Invalid value")
def test_a_text_in_the_place_of_a_code_is_not_repeated_and_hides_no_hand():
    assert why_left_alone(a_header(BodyPartExamined=["HAND", "WRIST"])) is None
    assert why_left_alone(a_header(BodyPartExamined="Hand, left")) is None
    assert "Jane" not in why_left_alone(a_header(Modality="Jane^Doe"))


def test_files_are_private_and_do_not_show_whose_they_are(tmp_path):
    files = PacsFiles(tmp_path / "files")
    files.keep("1.2.3", b"content")
    [path] = (tmp_path / "files").iterdir()
    assert path == files.path("1.2.3") and "1.2.3" not in path.name
    assert (tmp_path / "files").stat().st_mode & 0o777 == 0o700


def test_what_a_killed_program_left_is_removed(tmp_path):
    files = PacsFiles(tmp_path / "files")
    files.keep("1.2.3", b"noted")
    files.keep("1.2.4", b"not noted")
    (tmp_path / "files" / ".half.dcm").write_bytes(b"ha")
    assert files.remove_others({"1.2.3", "1.2.9"}) == 2
    assert [path.read_bytes() for path in (tmp_path / "files").iterdir()] == [b"noted"]


def test_a_result_that_is_gone_is_an_error_of_ours(tmp_path):
    with pytest.raises(OutputFailed):
        PacsFiles(tmp_path / "files").dataset("1.2.3")


def test_two_watchers_do_not_work_on_one_state(tmp_path):
    with lock(tmp_path / "pacs.lock"), pytest.raises(InvalidInput, match="Another"):
        lock(tmp_path / "pacs.lock")
    lock(tmp_path / "pacs.lock").close()


class AskedArchive:
    """Stands for the network: notes from which day on it was asked."""

    address = "http://archive"

    def __init__(self):
        self.asked = []
        self.is_away = False

    def radiographs(self, since):
        if self.is_away:
            raise ArchiveUnreachable("The archive cannot be reached.", is_away=True)
        self.asked.append(since)
        return []


def test_after_a_pause_an_archive_is_asked_for_all_days_that_were_missed(tmp_path):
    archive, state = AskedArchive(), PacsState(tmp_path / "pacs.sqlite")

    def poll(today, since=date(2026, 3, 1)):
        Poller(archive, state, since, 60.0, lambda: None, lambda: today).round()

    poll(date(2026, 3, 2))
    poll(date(2026, 3, 20))  # the watcher was off meanwhile
    archive.is_away = True
    poll(date(2026, 4, 20))
    archive.is_away = False
    poll(date(2026, 4, 21))
    assert archive.asked == [date(2026, 3, 1), date(2026, 3, 1), date(2026, 3, 13)]
    poll(date(2026, 4, 22), since=date(2025, 1, 1))  # somebody wants the past, too
    poll(date(2026, 4, 22), since=date(2025, 1, 1))
    assert archive.asked[3:] == [date(2025, 1, 1), date(2026, 4, 15)]

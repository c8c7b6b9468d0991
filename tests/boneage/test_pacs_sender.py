"""Results on their way to a PACS that is away, full or forgetful; the PACS, which is the network, is faked."""

import pytest
from pacs_clock import Clock
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from boneage.errors import ArchiveRefused, ArchiveUnreachable
from boneage.pacs_files import PacsFiles
from boneage.pacs_sender import LONGEST_AWAY_SECONDS, ResultSender
from boneage.pacs_state import MOST_TRIES, Item, Origin, PacsState, State

ITEM = Item("1.2.1", "1.3.1", "1.4.1", Origin.STORE)
AWAY = ArchiveUnreachable("The PACS cannot be reached.", is_away=True)


class FakePacs:
    def __init__(self):
        self.stored = []
        self.failure = None
        self.keeps = True

    def holds(self, dataset):
        if isinstance(self.failure, ArchiveUnreachable) and not isinstance(self.failure, ArchiveRefused):
            raise self.failure
        return dataset.SOPInstanceUID in self.stored

    def store(self, dataset):
        if self.failure:
            raise self.failure
        if self.keeps:
            self.stored.append(dataset.SOPInstanceUID)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def state(tmp_path, clock):
    return PacsState(tmp_path / "pacs.sqlite", clock)


@pytest.fixture
def files(tmp_path):
    return PacsFiles(tmp_path / "files")


@pytest.fixture
def pacs():
    return FakePacs()


@pytest.fixture
def sender(state, files, pacs):
    """Return a sender with two results of one radiograph to send."""
    state.add([ITEM])
    files.keep(ITEM.sop_instance_uid, b"the radiograph")
    for uid in ("1.5.1", "1.5.2"):
        files.keep_dataset(a_result(uid))
    state.assessed(ITEM, ["1.5.1", "1.5.2"])
    return ResultSender(state, files, pacs)


def a_result(uid):
    result = Dataset()
    result.SOPClassUID, result.SOPInstanceUID, result.StudyInstanceUID = "1.2.840.10008.5.1.4.1.1.7", uid, "1.4.1"
    result.file_meta = FileMetaDataset()
    result.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    result.is_little_endian, result.is_implicit_VR = True, False
    return result


def became(state):
    [item] = state.items()
    return item.state


def test_all_results_are_sent_once_and_then_no_file_stays(sender, state, files, pacs):
    for _ in range(3):
        sender.round()
    assert became(state) is State.SENT and pacs.stored == ["1.5.1", "1.5.2"]
    assert list(files.path("1").parent.iterdir()) == []


def test_what_was_stored_before_the_program_was_killed_is_not_sent_again(sender, state, files, pacs):
    pacs.stored.append("1.5.1")
    sender.round()
    assert pacs.stored == ["1.5.1", "1.5.2"] and became(state) is State.SENT


def test_while_the_pacs_is_away_results_wait_without_end(sender, state, pacs):
    pacs.failure = AWAY
    pauses = [sender.round() for _ in range(3 * MOST_TRIES)]
    assert pauses == sorted(pauses) and pauses[0] > 0 and pauses[-1] == LONGEST_AWAY_SECONDS
    assert became(state) is State.ASSESSED
    pacs.failure = None
    sender.round()
    assert became(state) is State.SENT


def test_a_pacs_that_is_full_is_tried_again_and_then_the_results_have_failed_and_stay(
    sender, state, files, pacs, clock
):
    pacs.failure = ArchiveRefused("The PACS did not take the object (status A700).")
    for _ in range(MOST_TRIES):
        assert became(state) is State.ASSESSED
        sender.round()
        clock.now += 10_000
    assert became(state) is State.FAILED and files.path("1.5.1").exists()
    pacs.failure = None  # somebody makes room, and the watcher is started again
    state.retry()
    sender.round()
    assert became(state) is State.SENT and pacs.stored == ["1.5.1", "1.5.2"]


def test_what_the_pacs_never_takes_has_failed_at_once(sender, state, pacs):
    pacs.failure = ArchiveRefused("The PACS does not take objects of the kind SR.", for_good=True)
    sender.round()
    assert became(state) is State.FAILED and "kind SR" in state.items()[0].reason


def test_a_pacs_that_says_it_stored_and_did_not_is_not_believed(sender, state, pacs):
    pacs.keeps = False
    sender.round()
    assert became(state) is State.ASSESSED and "does not have it" in state.items()[0].reason


def test_one_radiographs_refused_result_does_not_stop_anothers(sender, state, files, pacs, clock):
    pacs.keeps = False
    sender.round()
    pacs.keeps = True
    other = Item("1.2.2", "1.3.2", "1.4.2", Origin.STORE)
    state.add([other])
    files.keep_dataset(a_result("1.5.3"))
    state.assessed(other, ["1.5.3"])
    sender.round()
    assert state.find("1.2.2").state is State.SENT and pacs.stored == ["1.5.3"]

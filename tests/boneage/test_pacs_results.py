"""What comes of a radiograph: results, or the reason why not. The trained models are real, the archive is faked."""

import numpy as np
import pydicom
import pytest
from dicom_radiographs import a_radiograph_dataset, picture
from pacs_clock import Clock

from boneage.assessment import load_models
from boneage.dicom_results import ResultKind
from boneage.dicomweb import ArchivedImage
from boneage.errors import ArchiveUnreachable, OutputFailed, UnknownImage
from boneage.pacs_files import PacsFiles
from boneage.pacs_results import Assessor, maker_of_results, result_id
from boneage.pacs_state import MOST_TRIES, Item, Origin, PacsState, State


@pytest.fixture(scope="module")
def make():
    return maker_of_results(load_models(threads=1), [ResultKind.SEGMENTATION])


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
def assess(state, files, make, tmp_path):
    """Return a function that receives a data set, assesses what is due and returns what became of it."""

    def one(dataset, make=make):
        uids = dataset.SOPInstanceUID, dataset.SeriesInstanceUID, dataset.StudyInstanceUID
        state.add([Item(*uids, Origin.STORE)])
        files.keep_dataset(dataset)
        Assessor(state, files, None, make, lambda: None).round()
        return state.find(dataset.SOPInstanceUID)

    return one


def a_hand(**tags):
    return a_radiograph_dataset(picture("5627.jpg"), **tags)


def test_a_hand_has_results_in_its_study_that_are_kept_until_they_are_sent(assess, state, files):
    hand = a_hand(BodyPartExamined="HAND")
    item = assess(hand)
    assert item.state is State.ASSESSED
    [uid] = state.results_of(item)
    assert files.dataset(uid).StudyInstanceUID == hand.StudyInstanceUID


def test_made_again_the_results_have_the_same_uids_and_with_another_model_others(assess, state, make, tmp_path):
    hand = a_hand()
    [first] = state.results_of(assess(hand))
    hand.save_as(tmp_path / "again.dcm", write_like_original=False)
    [again] = make(tmp_path / "again.dcm")
    assert again.SOPInstanceUID == first
    assert result_id("1.2", {"a": "1", "b": "2"}) == result_id("1.2", {"b": "2", "a": "1"})
    assert result_id("1.2", {"a": "1"}) != result_id("1.2", {"a": "2"}) != result_id("1.3", {"a": "2"})


@pytest.mark.parametrize(
    "tags", [{"PatientBirthDate": None}, {"PatientBirthDate": ""}, {"PatientBirthDate": "20300101"}]
)
def test_a_missing_birth_date_or_one_after_the_study_costs_the_score_not_the_bone_age(assess, tags):
    assert assess(a_hand(**tags)).state is State.ASSESSED


@pytest.mark.parametrize("sex", ["O", "", None])
def test_an_unknown_sex_is_left_to_a_human_and_never_guessed(assess, state, files, sex):
    item = assess(a_hand(PatientSex=sex))
    assert item.state is State.NEEDS_HUMAN and "sex is not known" in item.reason
    assert state.results_of(item) == {} and not files.path(item.sop_instance_uid).exists()


def test_a_hand_that_cannot_be_read_is_left_to_a_human(assess, state):
    hand = picture("5627.jpg").astype(int)
    item = assess(a_radiograph_dataset(np.uint8(np.clip(hand + 190, 0, 255))))
    assert item.state is State.NEEDS_HUMAN and "of the hand the film is plain white" in item.reason
    assert state.results_of(item) == {}


def test_a_chest_by_its_header_is_left_alone_unseen(assess, files):
    def never(path):
        raise AssertionError

    item = assess(a_hand(BodyPartExamined="CHEST"), never)
    assert item.state is State.LEFT_ALONE and "CHEST" in item.reason
    assert not files.path(item.sop_instance_uid).exists()


def test_a_picture_without_a_hand_is_left_alone(assess, files):
    noise = np.random.default_rng(1).integers(0, 256, (300, 240), np.uint8)
    item = assess(a_radiograph_dataset(noise))
    assert item.state is State.LEFT_ALONE and "hand" in item.reason
    assert not files.path(item.sop_instance_uid).exists()


def test_broken_pixels_have_failed_with_their_reason_and_the_file_stays(assess, files):
    hand = a_hand()
    hand.PixelData = hand.PixelData[: len(hand.PixelData) // 2 * 2 // 4]
    item = assess(hand)
    assert item.state is State.FAILED and "damaged" in item.reason
    assert files.path(item.sop_instance_uid).exists()


def test_a_fault_of_the_program_is_tried_again_some_times_and_its_words_are_not_repeated(assess, state, clock):
    def faulty(path):
        raise RuntimeError("cannot handle Jane^Doe")

    hand = a_hand()
    for _ in range(MOST_TRIES):
        item = assess(hand, faulty)
        clock.now += 10_000
    assert item.state is State.FAILED and "RuntimeError" in item.reason and "Jane" not in item.reason


def test_a_full_disk_delays_and_loses_nothing(assess, state, clock):
    def full(path):
        raise OutputFailed("Cannot write: No space left on device.")

    hand = a_hand()
    assert assess(hand, full).state is State.RECEIVED
    clock.now += 10_000
    assert assess(hand).state is State.ASSESSED


def test_one_that_ends_the_program_each_time_has_failed_at_last(state, assess, clock):
    hand = a_hand()
    item = Item(hand.SOPInstanceUID, hand.SeriesInstanceUID, hand.StudyInstanceUID, Origin.STORE)
    state.add([item])
    for _ in range(MOST_TRIES):
        state.begin(state.find(hand.SOPInstanceUID))  # and the program is killed
        clock.now += 10_000
    found = assess(hand)
    assert found.state is State.FAILED and "program ended" in found.reason


def test_a_result_of_ours_is_never_assessed(assess, state):
    other = assess(a_hand())
    ours = a_hand()
    state.assessed(other, [ours.SOPInstanceUID])
    assert assess(ours).reason == "It is one of our own results."


class OneRadiograph:
    """Stands for the network: an archive with one radiograph that fails as it is told."""

    def __init__(self, dataset, tmp_path):
        self.dataset = dataset
        self.failure = None
        self._path = tmp_path / "archived.dcm"

    def fetch(self, image: ArchivedImage):
        if self.failure:
            raise self.failure
        assert image.sop_instance_uid == self.dataset.SOPInstanceUID
        self.dataset.save_as(self._path, write_like_original=False)
        return self._path.read_bytes()


def test_one_of_an_archive_is_fetched_anew_at_each_try(state, files, make, tmp_path, clock):
    hand = a_hand(PatientSex="O")
    archive = OneRadiograph(hand, tmp_path)
    uids = hand.SOPInstanceUID, hand.SeriesInstanceUID, hand.StudyInstanceUID
    state.add([Item(*uids, Origin.ARCHIVE)])
    assessor = Assessor(state, files, archive, make, lambda: None)
    archive.failure = ArchiveUnreachable("The archive cannot be reached.", is_away=True)
    assessor.round()
    assert state.items()[0].state is State.RECEIVED and "cannot be reached" in state.items()[0].reason
    archive.failure = None
    clock.now += 60
    assessor.round()
    assert state.items()[0].state is State.NEEDS_HUMAN
    hand.PatientSex = "M"  # somebody puts it right
    assert state.retry() == 1
    assessor.round()
    assert state.items()[0].state is State.ASSESSED


def test_one_that_left_the_archive_meanwhile_is_left_alone(state, files, make, tmp_path):
    archive = OneRadiograph(a_hand(), tmp_path)
    archive.failure = UnknownImage("The radiograph is no longer in the archive.")
    state.add([Item("1.2.1", "1.3.1", "1.4.1", Origin.ARCHIVE)])
    Assessor(state, files, archive, make, lambda: None).round()
    assert state.items()[0].state is State.LEFT_ALONE


def test_what_was_made_and_not_noted_is_made_once_more_and_no_more(assess, state, files, make):
    """The program was killed after the files were written, before the row was."""
    hand = a_hand()
    hand_file = files.path(hand.SOPInstanceUID)
    files.keep_dataset(hand)
    for dataset in make(hand_file):
        files.keep_dataset(dataset)
    item = assess(hand)
    assert len(state.results_of(item)) == 1 and len(list(hand_file.parent.iterdir())) == 2
    assert pydicom.dcmread(hand_file).SOPInstanceUID == hand.SOPInstanceUID

"""Cache, list, outbox and sender of an archive; the archive itself, which is the network, is faked."""

import os
import stat
import threading
import time
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from dicom_radiographs import a_radiograph_dataset
from orthanc import until
from postgresql import a_postgresql

from boneage.corrections import CorrectionStore
from boneage.delivery import pause_after
from boneage.dicomweb import ArchivedImage
from boneage.errors import ArchiveRefused, ArchiveUnreachable, OutputFailed, UnknownImage
from boneage.types import Correction, CorrectionStatus
from monailabel_app import archive_list, archive_outbox
from monailabel_app.archive_cache import FileCache
from monailabel_app.archive_list import ArchiveList
from monailabel_app.archive_outbox import MOST_REFUSALS, Outbox
from monailabel_app.archive_sender import Sender

AWAY = ArchiveUnreachable("The archive cannot be reached.", "", is_away=True)


class FakeArchive:
    """An archive in memory that fails as it is told."""

    def __init__(self, *images):
        self.images = list(images)
        self.stored = {}
        self.sendings = 0
        self.failure = None
        self.keeps = True
        self.asked = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def radiographs(self, since=None):
        self.asked.append(since)
        self.may_go_on.wait(20)
        self._fail()
        return list(self.images)

    def find(self, uid):
        self._fail()
        return [image for image in self.images if image.sop_instance_uid == uid]

    def holds(self, dataset):
        self._fail(ArchiveRefused)
        return dataset.SOPInstanceUID in self.stored

    def store(self, dataset):
        self._fail()
        self.sendings += 1
        if self.keeps:
            self.stored[dataset.SOPInstanceUID] = dataset

    def _fail(self, passing=()):
        if self.failure is not None and not isinstance(self.failure, passing):
            raise self.failure


def an_image(number=1, study=9):
    return ArchivedImage(f"1.2.{number}", f"1.3.{number}", f"1.4.{study}", 40, 30)


# The cache


def writing(content, calls=None):
    def fetch(path):
        if calls is not None:
            calls.append(path)
        path.write_bytes(content)

    return fetch


def test_a_file_is_fetched_once_also_after_a_restart(tmp_path):
    calls = []
    for _ in range(2):
        cache = FileCache(tmp_path / "cache", 1000)
        assert cache.get("a", writing(b"123", calls)).read_bytes() == b"123"
    assert len(calls) == 1 and stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700


def test_the_cache_stays_within_its_bytes_and_what_was_used_last_stays(tmp_path):
    cache = FileCache(tmp_path, 350)
    for name in "abc":
        cache.get(name, writing(bytes(100)))
    cache.get("a", writing(b"not called"))
    cache.get("d", writing(bytes(100)))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 350
    calls = []
    for name in "acd":
        cache.get(name, writing(bytes(100), calls))
    assert not calls
    cache.get("b", writing(bytes(100), calls))
    assert len(calls) == 1


def test_one_file_larger_than_the_cache_is_usable_all_the_same(tmp_path):
    cache = FileCache(tmp_path, 50)
    assert cache.get("a", writing(bytes(100))).stat().st_size == 100
    assert cache.get("b", writing(bytes(90))).stat().st_size == 90
    assert len(list(tmp_path.iterdir())) == 1


def test_half_a_file_is_never_used(tmp_path):
    def breaks(path):
        path.write_bytes(b"half")
        raise AWAY

    cache = FileCache(tmp_path, 1000)
    with pytest.raises(ArchiveUnreachable):
        cache.get("a", breaks)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".part-killed").write_bytes(b"half")
    os.utime(tmp_path / ".part-killed", (0, 0))
    assert FileCache(tmp_path, 1000).get("a", writing(b"whole")).read_bytes() == b"whole"
    assert not (tmp_path / ".part-killed").exists()


def test_an_old_file_is_fetched_again_and_used_while_the_archive_is_away(tmp_path):
    def away(path):
        raise AWAY

    cache = FileCache(tmp_path, 1000)
    path = cache.get("a", writing(b"old"))
    os.utime(path, (0, 0))
    assert cache.get("a", away).read_bytes() == b"old"
    assert cache.get("a", writing(b"new")).read_bytes() == b"new"


def test_a_full_disk_is_said(tmp_path):
    def full(path):
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputFailed, match="No space left"):
        FileCache(tmp_path, 1000).get("a", full)
    assert list(tmp_path.iterdir()) == []


# The list


@pytest.fixture
def listing(tmp_path, monkeypatch):
    """Return a function that makes the list of an archive."""
    monkeypatch.setattr(archive_list, "REFRESH_SECONDS", 0.05)
    monkeypatch.setattr(archive_list, "SHARE_OF_TIME", 0)
    monkeypatch.setattr(archive_list, "FIRST_WAIT_SECONDS", 1.0)

    def make(archive, on_return=lambda: None):
        return ArchiveList(archive, tmp_path / "list.json", on_return)

    return make


def test_the_list_is_known_after_a_restart_while_the_archive_is_away(listing):
    archive = FakeArchive(an_image(1), an_image(2))
    assert listing(archive).ids() == ["1.2.1", "1.2.2"]
    archive.failure = AWAY
    again = listing(archive)
    assert again.ids() == ["1.2.1", "1.2.2"] and not again.is_reachable
    assert again.get("1.2.1") == an_image(1)
    with pytest.raises(ArchiveUnreachable):
        again.get("1.2.3")


def test_a_damaged_list_is_asked_for_again(listing, tmp_path):
    (tmp_path / "list.json").write_text('[["1.2')
    assert listing(FakeArchive(an_image(1))).ids() == ["1.2.1"]


def test_the_list_never_waits_for_a_slow_archive(listing, monkeypatch):
    archive = FakeArchive(an_image(1))
    known = listing(archive)
    monkeypatch.setattr(archive_list, "REFRESH_SECONDS", 5.0)
    archive.may_go_on.clear()
    time.sleep(0.1)
    start = time.perf_counter()
    assert [known.ids() for _ in range(20)] == [["1.2.1"]] * 20
    assert time.perf_counter() - start < 1
    archive.may_go_on.set()


def test_a_return_of_the_archive_is_told(listing):
    archive, told = FakeArchive(an_image(1)), threading.Event()
    archive.failure = AWAY
    known = listing(archive, told.set)
    assert known.ids() == [] and not told.is_set()
    archive.failure = None
    until(lambda: known.ids() == ["1.2.1"])
    assert told.wait(5)


def test_new_and_deleted_radiographs_are_noticed_and_recent_days_are_asked_for_in_between(listing, monkeypatch):
    monkeypatch.setattr(archive_list, "SHARE_OF_TIME", 1e6)  # a whole list only now and then
    archive = FakeArchive(an_image(1))
    known = listing(archive)
    archive.images.append(an_image(2))
    known._next_recent = 0.0
    until(lambda: known.ids() == ["1.2.1", "1.2.2"])
    assert isinstance(archive.asked[-1], date) and archive.asked[0] is None
    archive.images.pop(0)
    known.refresh()
    until(lambda: known.ids() == ["1.2.2"])


def test_an_id_that_two_images_have_is_nobodys(listing):
    known = listing(FakeArchive(an_image(1), an_image(1, study=8), an_image(2)))
    assert known.ids() == ["1.2.2"]
    with pytest.raises(UnknownImage):
        known.get("1.2.1")


# Outbox and sender


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def store(tmp_path):
    return CorrectionStore.in_folder(tmp_path)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def outbox(store, clock):
    return Outbox(store.engine, "an archive", clock)


@pytest.fixture
def radiograph(tmp_path):
    """Write a radiograph of 40 x 30 pixels and return its file."""
    dataset = a_radiograph_dataset(np.zeros((40, 30), np.uint8), SOPInstanceUID="1.2.1")
    dataset.save_as(tmp_path / "1.dcm", write_like_original=False)
    return tmp_path / "1.dcm"


@pytest.fixture
def correction(store):
    """Keep a correction with a mask and return it."""
    return store.add(Correction("1.2.1", "R1", hand_mask=np.ones((40, 30), bool)))


@pytest.fixture
def archive():
    return FakeArchive(an_image(1))


@pytest.fixture
def sender(outbox, store, archive, radiograph):
    return Sender(outbox, store, archive, lambda image_id: radiograph, lambda image_id: image_id == "1.2.1")


def send_due(sender, outbox):
    for item in outbox.due():
        assert outbox.claim(item)
        sender.send(item)


def counts(outbox):
    return {state: number for state, number in outbox.summary().items() if state != "reasons" and number}


def test_a_mask_is_sent_once_however_often_it_is_queued(sender, outbox, archive, correction):
    for _ in range(3):
        outbox.put(correction.id, "1.2.1")
        send_due(sender, outbox)
    assert (len(archive.stored), archive.sendings, counts(outbox)) == (1, 1, {"sent": 1})


def test_what_was_stored_before_the_connection_broke_is_not_sent_again(sender, outbox, archive, correction, clock):
    outbox.put(correction.id, "1.2.1")
    send_due(sender, outbox)
    sent = archive.sendings
    outbox._update({"state": "waiting"})  # as if the server was killed before it could note it
    clock.now += 10_000
    send_due(sender, outbox)
    assert archive.sendings == sent == 1 and counts(outbox) == {"sent": 1}


def test_while_the_archive_is_away_a_mask_waits_longer_and_longer_and_for_ever(
    sender, outbox, archive, correction, clock
):
    outbox.put(correction.id, "1.2.1")
    archive.failure = AWAY
    pauses = []
    for _ in range(3 * MOST_REFUSALS):
        send_due(sender, outbox)
        pauses.append(outbox.seconds_to_next())
        clock.now += pauses[-1]
    assert pauses[:3] == [pause_after(0), pause_after(1), pause_after(2)] and pauses == sorted(pauses)
    assert max(pauses) <= 900 and counts(outbox) == {"waiting": 1}
    archive.failure = None
    send_due(sender, outbox)
    assert counts(outbox) == {"sent": 1}


def test_what_the_archive_refuses_for_good_is_listed_with_its_reason_and_no_id(sender, outbox, archive, correction):
    outbox.put(correction.id, "1.2.1")
    archive.failure = ArchiveRefused("The archive did not take the object (HTTP 415).", "Ask.", for_good=True)
    send_due(sender, outbox)
    assert outbox.due() == [] and counts(outbox) == {"refused": 1}
    [reason] = outbox.summary()["reasons"]
    assert "HTTP 415" in reason["reason"] and correction.id not in str(reason) and "1.2.1" not in str(reason)
    archive.failure = None
    outbox.reopen()  # at the next start
    send_due(sender, outbox)
    assert counts(outbox) == {"sent": 1}


def test_an_archive_that_says_it_stored_and_did_not_is_not_believed(sender, outbox, archive, correction, clock):
    outbox.put(correction.id, "1.2.1")
    archive.keeps = False
    for _ in range(MOST_REFUSALS):
        assert counts(outbox) == {"waiting": 1}
        send_due(sender, outbox)
        clock.now += 1000
    assert counts(outbox) == {"refused": 1} and "does not have it" in outbox.summary()["reasons"][0]["reason"]


def test_a_mask_that_was_withdrawn_meanwhile_is_not_sent(sender, outbox, archive, store, correction):
    outbox.put(correction.id, "1.2.1")
    store.withdraw(correction.id, "R1")
    send_due(sender, outbox)
    assert not archive.stored and counts(outbox) == {"dropped": 1}


def test_masks_that_were_kept_and_not_queued_are_queued_at_the_next_start(sender, outbox, store, correction):
    mask = np.ones((40, 30), bool)
    store.add(Correction("1.2.1", "R2", status=CorrectionStatus.DRAFT, hand_mask=mask))
    store.add(Correction("of a folder", "R2", hand_mask=mask))
    store.add(Correction("1.2.1", "R2", bone_age_months=9))
    sender.queue_missing()
    assert [item.correction_id for item in outbox.due()] == [correction.id]


def test_two_senders_never_take_the_same(outbox, correction, store, clock):
    outbox.put(correction.id, "1.2.1")
    [item] = outbox.due()
    other = Outbox(store.engine, "an archive", clock)
    assert outbox.claim(item) and not other.claim(item) and other.due() == []
    clock.now += archive_outbox.CLAIM_SECONDS + 1  # the first one was killed
    assert other.claim(other.due()[0])


def test_the_outbox_works_on_postgresql(tmp_path, clock):
    with a_postgresql(tmp_path) as url:
        store = CorrectionStore(url)
        outbox, other = (Outbox(store.engine, "an archive", clock) for _ in range(2))
        for id in ("a", "b", "a"):
            outbox.put(id, "1.2.1")
        first, second = outbox.due()
        assert outbox.claim(first) and not other.claim(first) and [item.correction_id for item in other.due()] == ["b"]
        outbox.sent(first)
        outbox.refused(second, "too large", for_good=True)
        assert counts(outbox) == {"sent": 1, "refused": 1} and outbox.seconds_to_next() is None
        other.reopen()
        other.hurry()
        assert [item.correction_id for item in outbox.due()] == ["b"]
        store.close()


def test_what_waits_for_another_archive_is_left_alone(store, clock, outbox, correction):
    outbox.put(correction.id, "1.2.1")
    other = Outbox(store.engine, "another archive", clock)
    assert other.due() == [] and other.summary()["waiting"] == 0 and correction.id in other.known()


def test_the_senders_thread_sends_what_an_earlier_run_left_and_stops(sender, outbox, archive, correction):
    outbox.put(correction.id, "1.2.1")
    sender.start()
    until(lambda: archive.stored)
    sender.stop()
    assert counts(outbox) == {"sent": 1}


def test_a_locked_database_delays_a_sending_and_ends_nothing(sender, outbox, archive, correction, monkeypatch):
    from boneage.errors import StoreFailed

    failures = iter([StoreFailed("locked")])

    def locked():
        for failure in failures:
            raise failure
        return []

    monkeypatch.setattr(outbox, "due", locked)
    sender.start()
    until(lambda: next(failures, None) is None)
    monkeypatch.undo()
    outbox.put(correction.id, "1.2.1")
    until(lambda: sender.wake() or archive.stored)
    sender.stop()


def test_a_radiograph_that_allows_no_segmentation_is_refused_with_a_reason(sender, outbox, correction, radiograph):
    dataset = a_radiograph_dataset(np.zeros((41, 30), np.uint8), SOPInstanceUID="1.2.1")
    dataset.save_as(radiograph, write_like_original=False)
    outbox.put(correction.id, "1.2.1")
    send_due(sender, outbox)
    assert "41 x 30" in outbox.summary()["reasons"][0]["reason"]


def test_the_files_of_one_archive_are_private_and_apart_from_anothers(tmp_path, monkeypatch):
    from boneage.dicomweb_places import cache_folder, corrections_file

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("BONEAGE_CACHE", str(tmp_path / "cache"))
    places = {
        place(f"http://{name}/dicom-web") for name in ("one", "two") for place in (corrections_file, cache_folder)
    }
    assert len(places) == 4 and all(Path(tmp_path) in place.parents for place in places)

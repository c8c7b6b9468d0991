"""Sends the experts' masks back to the archive as DICOM SEG, in a thread of its own, until each has arrived."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from boneage.corrections import CorrectionStore
from boneage.delivery import deliver
from boneage.dicom_out import hand_segmentation, uid_of
from boneage.dicomweb import Archive
from boneage.errors import (
    ArchiveRefused,
    ArchiveUnreachable,
    InvalidInput,
    OutputFailed,
    StoreFailed,
    UnknownImage,
    UnreadableRadiograph,
)
from boneage.types import CorrectionStatus
from monailabel_app.archive_outbox import Outbox, Waiting

log = logging.getLogger("boneage.archive")

IDLE_SECONDS = 600.0  # after which what slipped through is looked for
MODEL = "hand_segmenter"


class Sender:
    """Takes what is due from the outbox and stores it in the archive.

    An object has the same UID each time it is sent, and the archive is asked for it before and after: what was stored
    when a connection broke is not sent twice, and what an archive only says it took (full disk, filter) is not lost.

    Args:
        outbox: What waits.
        store: Of the corrections.
        archive: Where to.
        radiograph_file: Gives the file of a radiograph by its id.
        is_ours: Says whether a radiograph is one of this archive's.
    """

    def __init__(
        self,
        outbox: Outbox,
        store: CorrectionStore,
        archive: Archive,
        radiograph_file: Callable[[str], Path],
        is_ours: Callable[[str], bool],
    ) -> None:
        self._outbox = outbox
        self._store = store
        self._archive = archive
        self._radiograph_file = radiograph_file
        self._is_ours = is_ours
        self._wake, self._hurry, self._stop = threading.Event(), threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._look_at = 0.0

    def start(self) -> None:
        """Begin with what an earlier run left."""
        self._stop.clear()
        self._hurry.set()
        self._thread = threading.Thread(target=self._run, name="archive-sender", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the object that is being sent."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wake(self, hurry: bool = False) -> None:
        """Look at the outbox now; with `hurry`, also at what is put off, since the archive is back."""
        if self._thread is None:
            return
        if not self._thread.is_alive():  # a fault ended it; its traceback is in the log
            self.start()
        if hurry:
            self._hurry.set()
        self._wake.set()

    def _run(self) -> None:
        pause, starts = 0.0, True
        while not self._stop.is_set():
            try:
                if starts:
                    self._outbox.reopen()
                    starts = False
                pause = self._round()
            except StoreFailed as error:
                log.warning("Masks wait to be sent: %s", error)
                pause = 30.0
            self._wake.wait(pause)
            self._wake.clear()

    def _round(self) -> float:
        """Send what is due; return the seconds until more is."""
        if self._hurry.is_set():
            self._hurry.clear()
            self._outbox.hurry()
        if time.monotonic() >= self._look_at:
            self.queue_missing()
            self._look_at = time.monotonic() + IDLE_SECONDS
        for item in self._outbox.due():
            if self._stop.is_set():
                return 0.0
            if self._outbox.claim(item):
                self.send(item)
        seconds = self._outbox.seconds_to_next()
        return IDLE_SECONDS if seconds is None else min(seconds, IDLE_SECONDS)

    def queue_missing(self) -> None:
        """Queue masks that were kept, but not queued: the server was killed in between."""
        for correction_id in self._store.with_mask() - self._outbox.known():
            correction = self._store.get(correction_id)
            if correction.status is CorrectionStatus.FINAL and self._is_ours(correction.image_id):
                self._outbox.put(correction_id, correction.image_id)

    def send(self, item: Waiting) -> None:
        """Try to send one mask and note what came of it."""
        try:
            self._deliver(item)
        except ArchiveRefused as error:
            self._outbox.refused(item, str(error), error.for_good)
            log.warning("A mask was not taken by the archive: %s", error)
        except (ArchiveUnreachable, UnknownImage, OutputFailed) as error:
            self._outbox.put_off(item, str(error))
        except (UnreadableRadiograph, InvalidInput) as error:
            self._outbox.refused(item, str(error), for_good=True)
            log.warning("A mask cannot be sent to the archive: %s", error)

    def _deliver(self, item: Waiting) -> None:
        if item.correction_id not in {row.id for row in self._store.standing(item.image_id)}:
            self._outbox.drop(item, "It was withdrawn before it was sent.")
            return
        deliver(self._archive, self._segmentation(item))
        self._outbox.sent(item)

    def _segmentation(self, item: Waiting) -> Dataset:
        correction, mask = self._store.get(item.correction_id), self._store.mask(item.correction_id)
        assert mask is not None
        try:
            source = pydicom.dcmread(self._radiograph_file(item.image_id), stop_before_pixels=True, force=True)
        except OSError as error:  # another process made room in the cache
            raise OutputFailed("The radiograph's file cannot be read.", "It is fetched again.") from error
        version = correction.based_on.get(MODEL)
        return hand_segmentation(
            mask,
            source,
            uid_of("SEG", correction.id),
            uid_of("SEG series", correction.id),
            drawn_by=correction.reader,
            algorithm=(MODEL, version) if version else None,
            made_at=correction.made_at.astimezone() if correction.made_at else None,
        )

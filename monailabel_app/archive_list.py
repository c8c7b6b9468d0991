"""Which radiographs the archive has: asked for in the background, kept in a file, usable while the archive is away."""

from __future__ import annotations

import json
import logging
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import astuple
from datetime import date, timedelta
from pathlib import Path

from boneage.dicomweb import Archive, ArchivedImage, is_uid
from boneage.errors import ArchiveUnreachable, UnknownImage

log = logging.getLogger("boneage.archive")

REFRESH_SECONDS = 5.0
SHARE_OF_TIME = 20  # a listing that took one second is made at most every twenty
RECENT_DAYS = 2
FIRST_WAIT_SECONDS = 5.0
WAIT_SECONDS = 0.15  # what a request waits for a listing at most


class ArchiveList:
    """The radiographs by id, which is the SOP Instance UID.

    Args:
        archive: To ask.
        file: Where the list is kept between runs.
        on_return: Called when the archive answers again after it did not.
    """

    def __init__(self, archive: Archive, file: Path, on_return: Callable[[], None]) -> None:
        self._archive = archive
        self._file = file
        self._on_return = on_return
        self._images = _read(file)
        self._ambiguous: frozenset[str] = frozenset()
        self._is_reachable: bool | None = None
        self._next_full = self._next_recent = 0.0
        self._wanted, self._done = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._keep, name="archive-list", daemon=True)
        self._thread.start()
        self.refresh()
        self._done.wait(FIRST_WAIT_SECONDS)

    @property
    def is_reachable(self) -> bool:
        """Say whether the archive answered when it was asked last."""
        return bool(self._is_reachable)

    def ids(self) -> list[str]:
        """Return the known ids, sorted; a list that is no longer fresh is asked for again, without waiting long."""
        if time.monotonic() > self._next_recent:
            self._next_recent = time.monotonic() + REFRESH_SECONDS  # so that only this request waits
            self._done.clear()
            self._wanted.set()
            self._done.wait(WAIT_SECONDS)
        return sorted(self._images)

    def refresh(self) -> None:
        """Ask for the whole list at once, in the background."""
        self._next_full = self._next_recent = 0.0
        self._wanted.set()

    def get(self, image_id: str) -> ArchivedImage:
        """Return a radiograph; the archive is asked for one that is not in the list yet.

        Raises:
            UnknownImage: If the archive has no CR or DX image of this id, or several.
            ArchiveUnreachable: If it is not in the list, and the archive does not answer.
        """
        known = self._images.get(image_id)
        if known is not None:
            return known
        found = self._archive.find(image_id) if is_uid(image_id) and image_id not in self._ambiguous else []
        if len(found) != 1:
            raise UnknownImage("No CR or DX image of the archive has this id.", "Ask for the list.")
        self.add(found[0])
        return found[0]

    def knows(self, image_id: str) -> bool:
        """Say whether a radiograph is in the list."""
        return image_id in self._images

    def add(self, image: ArchivedImage) -> None:
        """Note a radiograph that is new."""
        with self._lock:
            self._images = {**self._images, image.sop_instance_uid: image}

    def forget(self, image_id: str) -> None:
        """Leave out a radiograph that the archive no longer has."""
        with self._lock:
            self._images = {known: image for known, image in self._images.items() if known != image_id}

    def _keep(self) -> None:
        """Ask the archive whenever somebody asked for the list and it is not fresh; runs in a thread of its own."""
        while True:
            self._wanted.wait()
            self._wanted.clear()
            try:
                self._ask()
                self._note(True)
            except ArchiveUnreachable as error:
                self._next_recent = time.monotonic() + REFRESH_SECONDS
                self._note(False, error)
            finally:
                self._done.set()

    def _ask(self) -> None:
        start = time.monotonic()
        is_full = start >= self._next_full
        found = self._archive.radiographs(None if is_full else date.today() - timedelta(days=RECENT_DAYS))
        pause = max(REFRESH_SECONDS, SHARE_OF_TIME * (time.monotonic() - start))
        with self._lock:
            moved = [image for image in found if self._images.get(image.sop_instance_uid, image) != image]
            self._take(found, is_full)
        self._next_recent = time.monotonic() + (REFRESH_SECONDS if is_full else pause)
        if is_full:
            self._next_full = time.monotonic() + pause
        elif moved:  # to another study, or a second image of the same UID: only the whole list tells
            self._next_full = 0.0

    def _take(self, found: list[ArchivedImage], is_full: bool) -> None:
        """Take over a listing; an id that the archive gave to two images is left out: it might be another patient's."""
        counts = Counter(image.sop_instance_uid for image in found)
        ambiguous = {image_id for image_id, count in counts.items() if count > 1}
        ambiguous |= set() if is_full else self._ambiguous
        if ambiguous - self._ambiguous:
            log.warning("%d UIDs belong to several images of the archive; these are left out.", len(ambiguous))
        self._ambiguous = frozenset(ambiguous)
        images = {} if is_full else dict(self._images)
        images |= {image.sop_instance_uid: image for image in found}
        images = {image_id: image for image_id, image in images.items() if image_id not in ambiguous}
        if images != self._images:
            self._images = images
            _write(images, self._file)

    def _note(self, is_reachable: bool, error: ArchiveUnreachable | None = None) -> None:
        before, self._is_reachable = self._is_reachable, is_reachable
        if is_reachable and before is False:
            log.info("The archive answers again.")
            self._on_return()
        if not is_reachable and before is not False:
            log.warning("%s The %d radiographs that are known stay listed.", error, len(self._images))


def _read(file: Path) -> dict[str, ArchivedImage]:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
        return {row[0]: ArchivedImage(*row) for row in rows}
    except (OSError, ValueError, TypeError, LookupError):  # none yet, or not ours: it is asked for again
        return {}


def _write(images: dict[str, ArchivedImage], file: Path) -> None:
    """Keep the list; a full disk costs only the list of the next start."""
    try:
        with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=".part-", delete=False, encoding="utf-8") as part:
            json.dump([astuple(image) for image in images.values()], part)
        os.replace(part.name, file)
    except OSError as error:
        log.warning("The list of radiographs cannot be kept: %s.", error.strerror)

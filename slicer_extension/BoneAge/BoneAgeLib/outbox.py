"""Corrections on their way: on disk before they are sent, and until the server has acknowledged them.

Each is a folder named by time and id, made whole under another name and then renamed, so that it is there completely or
not at all. What the server will never take is set aside with its reason, for the person to look at.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Optional

from . import outbox_entries as entries
from .contract import Submission
from .disk import disk_errors, sync_folder
from .errors import ClientError, ErrorKind
from .outbox_entries import Entry

_WAITING, _ASIDE = "waiting", "aside"
_OF_ONE_ENTRY = (ErrorKind.SERVER_FAULT, ErrorKind.WRONG_ANSWER, ErrorKind.DISK, ErrorKind.INVALID)

Progress = Callable[[Optional[float], str], None]


@dataclass(frozen=True)
class SendReport:
    """What became of the corrections that waited; `error` is why some wait still."""

    sent: tuple[str, ...] = ()
    set_aside: tuple[Entry, ...] = ()
    still_waiting: int = 0
    error: ClientError | None = None


class Outbox:
    """Corrections in a private folder; may be used from several threads. Methods raise ClientError (DISK, INVALID).

    Args:
        folder: Its own; made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = Path(folder)
        self._lock = threading.RLock()
        self._sending = threading.Lock()
        with disk_errors():
            for name in (_WAITING, _ASIDE):
                (self._folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            os.chmod(self._folder, 0o700)
        self._clear_halves()

    # Putting in and taking out

    def put(self, submission: Submission) -> None:
        """Keep a correction; it takes the place of one of the same id."""
        half = self._folder / f".half-{submission.id}"
        with self._lock, disk_errors():
            shutil.rmtree(half, ignore_errors=True)
            entries.write(submission, half)
            replaced = self._find(submission.id)
            half.rename(self._folder / _WAITING / f"{time.time_ns():020d}-{submission.id}")
            sync_folder(self._folder / _WAITING)
            if replaced is not None:
                shutil.rmtree(replaced)

    def discard(self, id: str) -> None:
        """Remove a correction for good, on the person's word."""
        with self._lock, disk_errors():
            self._remove(self._place(id))

    def take_back(self, id: str) -> Submission:
        """Return a correction, to be edited; it stays until it is put again or discarded."""
        with self._lock, disk_errors():
            return entries.submission_in(self._place(id))

    def retry(self, id: str) -> None:
        """Let a correction that was set aside wait again."""
        with self._lock, disk_errors():
            place = self._place(id)
            place.rename(self._folder / _WAITING / place.name)

    def rebind(self, id: str, server: str) -> None:
        """Address a correction to another server, on the person's word."""
        self.put(replace(self.take_back(id), server=server))

    # Looking

    def waiting(self, server: str | None = None) -> list[Entry]:
        """Return what waits to be sent, oldest first; all, or what is for one server."""
        return self._entries(_WAITING, server)

    def set_aside(self, server: str | None = None) -> list[Entry]:
        """Return what a server has refused for good, with its reason."""
        return self._entries(_ASIDE, server)

    def foreign(self, server: str) -> list[Entry]:
        """Return what waits for other servers than this one."""
        return [entry for entry in self.waiting() if entry.server != server]

    # Sending

    def send_all(
        self, client: Any, cancel: threading.Event | None = None, progress: Progress | None = None
    ) -> SendReport:
        """Send what waits for the client's server, in order, until the server cannot be reached.

        Where it is one correction that fails, the others go on, but for later ones of the same radiograph: the last
        reading that a reader has made must be the last that the server gets.

        Args:
            client: With `address` and `submit`.
            cancel: Ends it.
            progress: Is told the fraction and a sentence.
        """
        if not self._sending.acquire(blocking=False):
            return SendReport(still_waiting=len(self.waiting(client.address)))
        try:
            return self._send_in_order(client, cancel or threading.Event(), progress or _silent)
        finally:
            self._sending.release()

    def _send_in_order(self, client: Any, cancel: threading.Event, progress: Progress) -> SendReport:
        sent: list[str] = []
        aside: list[Entry] = []
        error: ClientError | None = None
        waiting = self.waiting(client.address)
        held_back: set[str] = set()
        for done, entry in enumerate(waiting):
            if entry.image_id in held_back or self._find(entry.id) is None:  # discarded meanwhile
                continue
            progress(done / len(waiting), f"Sending correction {done + 1} of {len(waiting)}")
            try:
                self._send(entry.id, client, cancel)
                sent.append(entry.id)
            except ClientError as failure:
                self._note_failure(entry.id, failure)
                if failure.is_final:
                    aside.append(self._entry_of(entry.id))
                    continue
                error = failure
                if failure.kind not in _OF_ONE_ENTRY:
                    break
                held_back.add(entry.image_id)
        return SendReport(tuple(sent), tuple(aside), len(self.waiting(client.address)), error)

    def _send(self, id: str, client: Any, cancel: threading.Event) -> None:
        with self._lock, disk_errors():
            place = self._place(id)
            submission = entries.submission_in(place)
        client.submit(submission, cancel)
        with self._lock, disk_errors():
            if place.exists():  # not if it was edited meanwhile: then the new one waits
                self._remove(place)

    def _note_failure(self, id: str, failure: ClientError) -> None:
        with self._lock, disk_errors():
            place = self._find(id)
            if place is None:
                return
            entries.note_failure(place, str(failure))
            if failure.is_final:
                place.rename(self._folder / _ASIDE / place.name)

    # The folder

    def _entries(self, where: str, server: str | None) -> list[Entry]:
        with self._lock, disk_errors():
            self._set_damaged_aside()
            found = [entries.entry_in(place) for place in sorted((self._folder / where).iterdir())]
        return [entry for entry in found if server is None or entry.server in (server, entries.NO_SERVER)]

    def _set_damaged_aside(self) -> None:
        """Keep what cannot be read from holding the others back; the person sees it among what was set aside."""
        for place in (self._folder / _WAITING).iterdir():
            if entries.entry_in(place).server == entries.NO_SERVER:
                place.rename(self._folder / _ASIDE / place.name)

    def _entry_of(self, id: str) -> Entry:
        with self._lock, disk_errors():
            return entries.entry_in(self._place(id))

    def _find(self, id: str) -> Path | None:
        places = [
            p for where in (_WAITING, _ASIDE) for p in (self._folder / where).iterdir() if p.name.endswith(f"-{id}")
        ]
        return max(places, key=lambda place: place.name, default=None)

    def _place(self, id: str) -> Path:
        place = self._find(id)
        if place is None:
            raise ClientError(
                ErrorKind.INVALID, "This correction is no longer in the outbox.", "It was sent meanwhile."
            )
        return place

    def _remove(self, place: Path) -> None:
        """Take an entry away at one instant, then its files."""
        gone = self._folder / f".half-{place.name}"
        place.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def _clear_halves(self) -> None:
        """Remove what a killed Slicer left half written, and the older of two of one id."""
        with self._lock, disk_errors():
            for half in self._folder.glob(".half-*"):
                shutil.rmtree(half, ignore_errors=True)
            for where in (_WAITING, _ASIDE):
                for place in list((self._folder / where).iterdir()):
                    if place != self._find(place.name.split("-", 1)[-1]):
                        self._remove(place)


def _silent(fraction: float | None, text: str) -> None:
    """Tell nobody."""

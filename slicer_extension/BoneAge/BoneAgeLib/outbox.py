"""Corrections on their way: on disk before they are sent, and until the server has acknowledged them.

Each is a folder named by time and id, made whole under another name and then renamed, so that it is there completely or
not at all. What the server will never take is set aside with its reason, for the person to look at.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, Optional

from .contract import Submission
from .disk import disk_errors, sync_folder, write_durably
from .errors import ClientError, ErrorKind

_WAITING, _ASIDE = "waiting", "aside"
_FORM, _MASK, _STATE = "submission.json", "mask.nrrd", "state.json"

Progress = Callable[[Optional[float], str], None]


@dataclass(frozen=True)
class Entry:
    """A correction in the outbox; `reason` says why the last try failed."""

    id: str
    server: str
    image_id: str
    summary: str
    made_at: datetime
    reason: str = ""
    tries: int = 0


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
        form = {name: value for name, value in vars(submission).items() if name != "mask_nrrd"}
        made = datetime.now(timezone.utc).isoformat()
        half = self._folder / f".half-{submission.id}"
        with self._lock, disk_errors():
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir(mode=0o700)
            if submission.mask_nrrd:
                write_durably(half / _MASK, submission.mask_nrrd)
            write_durably(half / _FORM, json.dumps({**form, "made_at": made}).encode())
            sync_folder(half)
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
            return _read(self._place(id))

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
        """Send what waits for the client's server, in order; stop at the first failure that may pass.

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
        entries = self.waiting(client.address)
        for done, entry in enumerate(entries):
            progress(done / len(entries), f"Sending correction {done + 1} of {len(entries)}")
            try:
                self._send(entry.id, client, cancel)
                sent.append(entry.id)
            except ClientError as failure:
                self._note_failure(entry.id, failure)
                if not failure.is_final:
                    error = failure
                    break
                aside.append(self._entry_of(entry.id))
        return SendReport(tuple(sent), tuple(aside), len(entries) - len(sent) - len(aside), error)

    def _send(self, id: str, client: Any, cancel: threading.Event) -> None:
        with self._lock, disk_errors():
            place = self._place(id)
            submission = _read(place)
        client.submit(submission, cancel)
        with self._lock, disk_errors():
            if place.exists():  # not if it was edited meanwhile: then the new one waits
                self._remove(place)

    def _note_failure(self, id: str, failure: ClientError) -> None:
        with self._lock, disk_errors():
            place = self._find(id)
            if place is None:
                return
            tries = _state(place).get("tries", 0) + 1
            write_durably(place / _STATE, json.dumps({"reason": str(failure), "tries": tries}).encode())
            if failure.is_final:
                place.rename(self._folder / _ASIDE / place.name)

    # The folder

    def _entries(self, where: str, server: str | None) -> list[Entry]:
        with self._lock, disk_errors():
            entries = [_entry(place) for place in sorted((self._folder / where).iterdir())]
        return [entry for entry in entries if server in (None, entry.server)]

    def _entry_of(self, id: str) -> Entry:
        with self._lock, disk_errors():
            return _entry(self._place(id))

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


def _read(place: Path) -> Submission:
    form, mask = _json(place / _FORM), place / _MASK
    form.pop("made_at", None)
    return Submission(**form, mask_nrrd=mask.read_bytes() if mask.exists() else None)


def _entry(place: Path) -> Entry:
    form, state = _json(place / _FORM), _state(place)
    made_at = datetime.fromisoformat(form["made_at"])
    return Entry(form["id"], form["server"], form["image_id"], form["summary"], made_at, **state)


def _state(place: Path) -> dict[str, Any]:
    return _json(place / _STATE) if (place / _STATE).exists() else {}


def _json(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8"))


def _silent(fraction: float | None, text: str) -> None:
    """Tell nobody."""

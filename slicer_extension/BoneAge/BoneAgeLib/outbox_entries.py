"""One correction of the outbox as a folder: the form, the outline beside it, and what came of sending it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .contract import Submission
from .disk import sync_folder, write_durably

FORM, MASK, STATE = "submission.json", "mask.nrrd", "state.json"
NO_SERVER = ""
"""Where an entry is damaged, nobody knows whom it was for."""


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


def write(submission: Submission, folder: Path) -> None:
    """Write a correction into a new folder, and to the disk."""
    form = {name: value for name, value in vars(submission).items() if name != "mask_nrrd"}
    folder.mkdir(mode=0o700)
    if submission.mask_nrrd:
        write_durably(folder / MASK, submission.mask_nrrd)
    made_at = datetime.now(timezone.utc).isoformat()
    has_mask = bool(submission.mask_nrrd)
    write_durably(folder / FORM, json.dumps({**form, "made_at": made_at, "has_mask": has_mask}).encode())
    sync_folder(folder)


def submission_in(folder: Path) -> Submission:
    """Return a correction as it was put.

    Raises:
        ValueError, KeyError, TypeError, OSError: If it is damaged.
    """
    form = _json(folder / FORM)
    mask = (folder / MASK).read_bytes() if form.pop("has_mask") else None
    form.pop("made_at")
    return Submission(**form, mask_nrrd=mask)


def entry_in(folder: Path) -> Entry:
    """Return what there is to say of a correction, also of a damaged one."""
    try:
        form, state = _json(folder / FORM), _json(folder / STATE) if (folder / STATE).exists() else {}
        made_at = datetime.fromisoformat(form["made_at"])
        return Entry(form["id"], form["server"], form["image_id"], form["summary"], made_at, **state)
    except (ValueError, KeyError, TypeError, FileNotFoundError):
        made_at = datetime.fromtimestamp(folder.stat().st_mtime, timezone.utc)
        id = folder.name.split("-", 1)[-1]
        return Entry(id, NO_SERVER, "", "A damaged correction", made_at, "It is damaged; discard it and make it again.")


def note_failure(folder: Path, reason: str) -> None:
    """Keep why the last try to send it failed."""
    state = {"reason": reason, "tries": entry_in(folder).tries + 1}
    write_durably(folder / STATE, json.dumps(state).encode())


def _json(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))

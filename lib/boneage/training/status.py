"""How a training stands, in a small file of its run folder that anyone may read at any time."""

from __future__ import annotations

import json
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from boneage.output import write_atomically

FILE_NAME = "status.json"


def write_status(run: Path, **values: Any) -> None:
    """Put values beside those that are there already; None takes one away.

    Raises:
        OutputFailed: If the file cannot be written.
    """
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    merged = read_status(run) | values | {"updated_at": now}
    with write_atomically(run / FILE_NAME) as temporary:
        kept = {name: value for name, value in merged.items() if value is not None}
        temporary.write_text(json.dumps(kept, indent=2), encoding="utf-8")


def read_status(run: Path) -> dict[str, Any]:
    """Return what was written; empty if nothing was."""
    try:
        return json.loads((run / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


class Pace:
    """How long the rest takes, from how long the beginning took."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._first: int | None = None

    def seconds_left(self, done: int, total: int) -> int | None:
        """Return the seconds for the rest; None before there is something to go by."""
        if self._first is None:
            self._first, self._start = done, time.monotonic()
        if done <= self._first:
            return None
        return round((time.monotonic() - self._start) / (done - self._first) * (total - done))

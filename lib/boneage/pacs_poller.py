"""New CR and DX images of an archive, asked for by DICOMweb now and then -> noted as received."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, timedelta

from boneage.dicomweb import Archive
from boneage.dicomweb_places import archive_key
from boneage.errors import ArchiveUnreachable
from boneage.pacs_state import Item, Origin, PacsState

log = logging.getLogger("boneage.pacs")

LATE_DAYS = 7
"""Studies reach an archive days after their date: so far back is asked for each time."""


class Poller:
    """Asks one archive.

    Args:
        archive: To ask.
        state: Where its radiographs are noted.
        since: The first study day that is of interest.
        every_seconds: Between two questions.
        on_new: Called when there may be something to assess.
        today: Gives the day.
    """

    def __init__(
        self,
        archive: Archive,
        state: PacsState,
        since: date,
        every_seconds: float,
        on_new: Callable[[], None],
        today: Callable[[], date] = date.today,
    ) -> None:
        self._archive = archive
        self._state = state
        self._since = since
        self._every_seconds = every_seconds
        self._on_new = on_new
        self._today = today
        self._is_away = False

    def round(self) -> float:
        """Ask once; return the seconds until the next time."""
        key, today = archive_key(self._archive.address), self._today()
        first_day, ask_from = self._days(key)
        try:
            images = self._archive.radiographs(ask_from)
        except ArchiveUnreachable as error:
            self._tell(error)
            return self._every_seconds
        self._tell(None)
        uids = [(image.sop_instance_uid, image.series_instance_uid, image.study_instance_uid) for image in images]
        self._state.add(Item(*three, Origin.ARCHIVE) for three in uids)
        self._state.set_polled(key, first_day.isoformat(), today.isoformat())
        self._on_new()
        return self._every_seconds

    def _days(self, key: str) -> tuple[date, date]:
        """Return the first day of interest, and the one from which to ask now: after a pause, nothing is left out."""
        polled = self._state.polled_days(key)
        if polled is None:
            return self._since, self._since
        first_day, last_day = (date.fromisoformat(day) for day in polled)
        if self._since < first_day:
            return self._since, self._since
        return first_day, max(first_day, last_day - timedelta(days=LATE_DAYS))

    def _tell(self, error: ArchiveUnreachable | None) -> None:
        if error and not self._is_away:
            log.warning("The archive is asked again later: %s", error)
        if self._is_away and not error:
            log.info("The archive answers again.")
        self._is_away = error is not None

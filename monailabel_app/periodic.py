"""Trainings that begin by themselves: after so many new corrections, at a time of the day, or both; else never."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import schedule

from boneage.errors import BoneAgeError

log = logging.getLogger("boneage.periodic")

LOOK_EVERY_SECONDS = 60


class Periodic:
    """Looks every minute whether it is time to train.

    Args:
        start: Begins the trainings; not called while one runs.
        is_running: Says whether one runs.
        new_corrections: Says how many corrections no training has learnt from.
        after: Begin once there are so many; None for never.
        at: Begin at this time of each day, as in 02:00, if there is any new correction; None for never.
        look_every: Seconds between two looks.
    """

    def __init__(
        self,
        start: Callable[[], None],
        is_running: Callable[[], bool],
        new_corrections: Callable[[], int],
        after: int | None = None,
        at: str | None = None,
        look_every: float = LOOK_EVERY_SECONDS,
    ) -> None:
        self._start, self._is_running, self._new_corrections = start, is_running, new_corrections
        self._after = after
        self._look_every = look_every
        self._stop = threading.Event()
        self._daily = schedule.Scheduler()
        if at is not None:
            self._daily.every().day.at(at).do(self.begin, least=1)

    def run_in_background(self) -> None:
        """Look on until the process ends or `stop` is called."""
        threading.Thread(target=self._run, name="periodic-training", daemon=True).start()

    def stop(self) -> None:
        """Look no more; a training that runs goes on."""
        self._stop.set()

    def look(self) -> None:
        """Begin what is due; what goes wrong is logged and tried again at the next look."""
        try:
            self._daily.run_pending()
            if self._after is not None:
                self.begin(least=self._after)
        except BoneAgeError as error:
            log.warning("No training could be begun: %s", error)

    def begin(self, least: int) -> None:
        """Begin the trainings if none runs and there are enough new corrections."""
        if self._is_running():
            return
        corrections = self._new_corrections()
        if corrections >= least:
            log.info("%d new corrections: trainings begin.", corrections)
            self._start()

    def _run(self) -> None:
        while not self._stop.wait(self._look_every):
            self.look()

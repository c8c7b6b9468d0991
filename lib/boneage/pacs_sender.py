"""The results of assessed radiographs -> the PACS, each until it is there."""

from __future__ import annotations

import logging

from boneage.delivery import Keeper, deliver, pause_after
from boneage.errors import ArchiveRefused, ArchiveUnreachable, OutputFailed
from boneage.pacs_files import PacsFiles
from boneage.pacs_state import Item, PacsState, State

log = logging.getLogger("boneage.pacs")

IDLE_SECONDS = 30.0
LONGEST_AWAY_SECONDS = 60.0


class ResultSender:
    """Sends results, one radiograph at a time; while the PACS is away, one of them asks for it now and then.

    Args:
        state: What is to do.
        files: Where the results are kept.
        keeper: Where to.
    """

    def __init__(self, state: PacsState, files: PacsFiles, keeper: Keeper) -> None:
        self._state = state
        self._files = files
        self._keeper = keeper
        self._away = 0

    def round(self) -> float:
        """Send the results of one radiograph; return the seconds until there may be others."""
        item = self._state.next_due(State.ASSESSED)
        if item is None:
            return IDLE_SECONDS
        try:
            self._send(item)
        except ArchiveRefused as error:
            self._refused(item, error)
        except ArchiveUnreachable as error:
            return self._is_away(item, error)
        except OutputFailed as error:
            log.warning("A result waits: %s", error)
            self._state.put_off(item, str(error))
        else:
            self._is_back()
        return 0.0

    def _send(self, item: Item) -> None:
        results = self._state.results_of(item)
        for uid, is_sent in results.items():
            if not is_sent:
                deliver(self._keeper, self._files.dataset(uid))
                self._state.result_sent(uid)
        self._state.finish(item, State.SENT)
        self._files.remove(item.sop_instance_uid, *results)

    def _refused(self, item: Item, error: ArchiveRefused) -> None:
        log.warning("A result was not taken: %s", error)
        if error.for_good:
            self._state.finish(item, State.FAILED, str(error))
        else:
            self._state.put_off(item, str(error))

    def _is_away(self, item: Item, error: ArchiveUnreachable) -> float:
        if not self._away:
            log.warning("Results wait: %s", error)
        pause = min(pause_after(self._away), LONGEST_AWAY_SECONDS)
        self._state.wait(item, str(error), 0.0)
        self._away += 1
        return pause

    def _is_back(self) -> None:
        if self._away:
            log.info("The PACS answers again.")
        self._away = 0

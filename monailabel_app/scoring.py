"""The scoring method: what the strategies need to know of each radiograph, computed in a process of its own.

Only what these models have not scored yet is looked at, and each score is kept at once: stopped at any instant, it goes
on there the next time.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

from monailabel.interfaces.tasks.scoring import ScoringMethod

from boneage.errors import ArchiveUnreachable, UnknownImage
from boneage.scores import Score, stamp_of
from boneage.scoring import score_file
from monailabel_app.live_models import LiveModels
from monailabel_app.studies import Studies

log = logging.getLogger("boneage.scoring")

POLITENESS = 15  # of 19: inferences come first
REPORT_EVERY = 50
NAME = "bone_age"


class BoneAgeScoring(ScoringMethod):
    """Spread of the age, disagreement of the outline and embedding of each radiograph."""

    def __init__(self, models: LiveModels) -> None:
        super().__init__("Spread of the age, disagreement of the outline, embedding")
        self._models = models

    def __call__(self, request: dict[str, Any], datastore: Studies) -> dict[str, int]:
        """Score what is not scored yet; return how many were scored and how many of them could not be assessed."""
        if is_own_process():
            os.nice(POLITENESS)
        waiting = datastore.scores.missing(datastore.list_images(), stamp_of(self._models.versions))
        failed = 0
        for done, image_id in enumerate(waiting, 1):
            try:
                score = self._score(image_id, datastore)
            except ArchiveUnreachable as error:
                log.warning("Scored %d of %d radiographs; the rest comes next time. %s", done - 1, len(waiting), error)
                return {"scored": done - 1, "failed": failed}
            datastore.scores.put(score)
            failed += bool(score.error)
            if done % REPORT_EVERY == 0 or done == len(waiting):
                log.info("Scored %d of %d radiographs; %d could not be assessed.", done, len(waiting), failed)
        return {"scored": len(waiting), "failed": failed}

    def _score(self, image_id: str, datastore: Studies) -> Score:
        try:
            return score_file(image_id, datastore.path_of(image_id), self._models())
        except UnknownImage as error:  # deleted meanwhile
            return Score(image_id, stamp_of(self._models.versions), error=error.kind)


def is_own_process() -> bool:
    """Say whether this is the process that MONAI Label starts for a task, not the server itself (run_sync)."""
    return Path(sys.argv[0]).match("monailabel/interfaces/utils/app.py")

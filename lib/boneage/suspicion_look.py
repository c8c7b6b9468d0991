"""Corrections and the live models -> what both say of the same radiographs, from which `suspicion` concludes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np

from boneage.assessment import Models, bright_hand
from boneage.batch import assess_many, usable_cores
from boneage.corrections import CorrectionStore
from boneage.progress import with_progress
from boneage.radiograph import read_radiograph
from boneage.suspicion import Looked, Suspicion, suspicions
from boneage.types import Correction, CorrectionStatus, HandBox, Radiograph

log = logging.getLogger(__name__)

SMALL = 32  # rows and columns that tell radiographs from each other


def suspicious(
    store: CorrectionStore,
    path_of: Callable[[str], Path],
    models: Models,
    workers: int | None = None,
    model: str | None = None,
) -> list[Suspicion]:
    """Return what looks wrong among the final corrections that stand, strongest first.

    Args:
        store: Of the corrections.
        path_of: Image id -> its file; one that cannot be read or shows no hand is left out.
        models: The live ones.
        workers: Radiographs at the same time; None for one a core.
        model: Only what matters to the training of this one; None for everything.

    Raises:
        StoreFailed: If the corrections cannot be read.
    """
    return suspicions(look(store, path_of, models, workers), model)


def look(
    store: CorrectionStore, path_of: Callable[[str], Path], models: Models, workers: int | None = None
) -> list[Looked]:
    """Return the final corrections that stand beside what the models say, in the order in which they were made."""
    usable, with_mask = store.finals(), store.with_mask()
    rows = [row for row in store.standing() if row.status is CorrectionStatus.FINAL and row.image_id in usable]
    by_image: dict[str, list[Correction]] = {}
    for row in rows:
        by_image.setdefault(row.image_id, []).append(row)

    def look_at(image_id: str) -> list[Looked]:
        seen = _Seen(read_radiograph(path_of(image_id)), models)
        return [seen.beside(row, store.mask(row.id) if row.id in with_mask else None) for row in by_image[image_id]]

    looked: dict[str, Looked] = {}
    with closing(assess_many(by_image, look_at, workers or usable_cores())) as outcomes:
        for outcome in with_progress(outcomes, len(by_image), "Looking at corrections"):
            if outcome.error is not None:
                log.warning("A corrected radiograph is left out: %s", outcome.error)
            looked |= {one.correction.id: one for one in outcome.answer or []}
    return [looked[row.id] for row in rows if row.id in looked]


class _Seen:
    """What the models see in one radiograph."""

    def __init__(self, radiograph: Radiograph, models: Models) -> None:
        self._models = models
        self._radiograph, self._hand, self._outline = bright_hand(radiograph, models.detector, models.segmenter)
        self._small = reduced(radiograph.pixels)

    def beside(self, row: Correction, mask: np.ndarray | None) -> Looked:
        """Return one correction of the radiograph beside it."""
        months, sd_months = self._age(row)
        if mask is not None and mask.shape != self._outline.shape:
            mask = None
        return Looked(
            row,
            months,
            sd_months,
            None if mask is None else dice(mask, self._outline),
            None if mask is None else mask.sum() / max(self._hand.box.width * self._hand.box.height, 1.0),
            None if mask is None or row.hand_box is None else _inside(mask, row.hand_box),
            None if row.hand_box is None else overlap(row.hand_box, self._hand.box),
            self._small,
        )

    def _age(self, row: Correction) -> tuple[float | None, float | None]:
        sex = row.sex or self._radiograph.sex
        if row.bone_age_months is None or sex is None:
            return None, None
        [age] = self._models.regressor.estimate(self._radiograph, self._hand, self._outline, (sex,))
        return age.months, age.sd_months


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Dice of two masks (rows, columns) bool; 1 if both are empty."""
    both = int(first.sum()) + int(second.sum())
    return float(2 * (first & second).sum() / both) if both else 1.0


def overlap(first: HandBox, second: HandBox) -> float:
    """Return the intersection over union of two boxes."""
    width = min(first.right, second.right) - max(first.left, second.left)
    height = min(first.bottom, second.bottom) - max(first.top, second.top)
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (first.width * first.height + second.width * second.height - shared)


def _inside(mask: np.ndarray, box: HandBox) -> float:
    """Return the part of a mask that lies in a box."""
    left, top, right, bottom = (round(side) for side in (box.left, box.top, box.right, box.bottom))
    return float(mask[top:bottom, left:right].sum() / max(mask.sum(), 1))


def reduced(pixels: np.ndarray) -> np.ndarray:
    """Return (1024,) float32, a radiograph of 32 x 32 pixels, of mean 0 and length 1."""
    small = cv2.resize(pixels.astype(np.float32), (SMALL, SMALL), interpolation=cv2.INTER_AREA).ravel()
    small -= small.mean()
    return small / max(float(np.linalg.norm(small)), 1e-6)

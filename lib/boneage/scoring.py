"""What the models think of one radiograph -> its score, from which the strategies choose."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from boneage.assessment import Models, bright_hand
from boneage.errors import BoneAgeError
from boneage.radiograph import read_radiograph
from boneage.scores import Score, stamp_of
from boneage.types import Radiograph, Sex


def score_file(image_id: str, path: Path, models: Models) -> Score:
    """Return the score of a file; one that cannot be assessed has the kind of its error in it."""
    try:
        return score(image_id, read_radiograph(path), models)
    except BoneAgeError as error:
        return Score(image_id, stamp_of(models.versions), error=error.kind)


def score(image_id: str, radiograph: Radiograph, models: Models) -> Score:
    """Return the score of a radiograph.

    The spread of the age is that for the child's sex, or the mean of both if it is not known.

    Raises:
        NoHandFound: If there is no hand.
        SeveralHandsFound: If there are more.
    """
    radiograph, hand, mask = bright_hand(radiograph, models.detector, models.segmenter)
    sexes = (radiograph.sex,) if radiograph.sex else tuple(Sex)
    ages = models.regressor.estimate(radiograph, hand, mask, sexes)
    return Score(
        image_id,
        stamp_of(models.versions),
        float(np.mean([age.sd_months for age in ages])),
        models.segmenter.disagreement(radiograph, hand),
        models.regressor.embedding(radiograph, hand, mask),
    )

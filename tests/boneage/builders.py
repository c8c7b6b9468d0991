"""Made-up values for tests: a drawn hand and an assessment of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from boneage.growth import score_growth
from boneage.types import (
    Assessment,
    BoneAge,
    DicomIdentity,
    Estimate,
    Hand,
    HandBox,
    HandPose,
    Radiograph,
    Sex,
)

AN_IDENTITY = DicomIdentity("1.2.3.4", "1.2.3.4.5", "1.2.3.4.5.6", "1.2.840.10008.5.1.4.1.1.1.1")


def a_bone_age(months: float = 126.4, sd_months: float = 6.0) -> BoneAge:
    """Make a bone age with a normal distribution, cut off at the ends of the scale (0..239 months)."""
    grid = np.arange(240)
    weights = np.exp(-0.5 * ((grid - months) / sd_months) ** 2)
    distribution = weights / weights.sum()
    lower, upper = np.interp((0.05, 0.95), np.cumsum(distribution), grid)
    return BoneAge(months, sd_months, float(lower), float(upper), tuple(distribution.tolist()))


def a_radiograph(rows: int = 120, columns: int = 80, **values: Any) -> Radiograph:
    """Make a radiograph of a bright, grainy hand with its forearm on a dark ground; female, 114 months by default."""
    mask = a_whole_mask(rows, columns).astype(np.float32)
    pixels = 0.05 + 0.55 * gaussian_filter(mask, 0.025 * rows) * mask  # flesh thins towards its edge
    grain = gaussian_filter(np.random.default_rng(1).normal(0, 1, mask.shape), 0.5).astype(np.float32)
    pixels += 0.03 * mask * grain
    known: dict[str, Any] = {
        "sex": Sex.FEMALE,
        "sex_source": "DICOM",
        "chronological_age_months": 114.0,
        "age_source": "DICOM",
    }
    return Radiograph(pixels, **(known | values))


def a_hand_mask(rows: int = 120, columns: int = 80) -> np.ndarray:
    """Make the mask of the hand in `a_radiograph`, without its forearm."""
    y, x = np.mgrid[0:rows, 0:columns]
    y, x = (y + 0.5) / rows, (x + 0.5) / columns
    palm = ((x - 0.5) / 0.25) ** 2 + ((y - 0.65) / 0.25) ** 2 < 1
    finger = ((x - 0.5) / 0.08) ** 2 + ((y - 0.35) / 0.25) ** 2 < 1
    return palm | finger


def a_hand(rows: int = 120, columns: int = 80) -> Hand:
    """Make the hand that is seen in `a_radiograph`."""
    box = HandBox(0.2 * columns, 0.08 * rows, 0.8 * columns, 0.92 * rows)
    pose = HandPose((0.5 * columns, 0.1 * rows), (0.75 * columns, 0.5 * rows), (0.5 * columns, 0.8 * rows))
    return Hand(box, pose, confidence=0.97, pose_error=0.012)


def an_assessment(
    radiograph: Radiograph | None = None,
    bone_ages: dict[Sex, BoneAge] | None = None,
    warnings: tuple[str, ...] = (),
    **values: Any,
) -> Assessment:
    """Make an assessment; further `values` replace its fields."""
    radiograph = radiograph or a_radiograph()
    rows, columns = radiograph.pixels.shape
    age = radiograph.chronological_age_months
    bone_ages = bone_ages or {radiograph.sex or Sex.FEMALE: a_bone_age()}
    assessment = Assessment(
        radiograph=radiograph,
        hand=a_hand(rows, columns),
        hand_mask=a_hand_mask(rows, columns),
        estimates=tuple(
            Estimate(sex, bone_age, None if age is None else score_growth(bone_age.months, age, sex))
            for sex, bone_age in bone_ages.items()
        ),
        model_versions={"detection": "1.0.0", "segmentation": "1.1.0", "regression": "1.2.0"},
        warnings=warnings,
        seconds=1.2345,
    )
    return replace(assessment, **values)


def both_sexes() -> dict[Sex, BoneAge]:
    """Make bone ages for `an_assessment` of a child whose sex is not known."""
    return {Sex.FEMALE: a_bone_age(126.4, 6.0), Sex.MALE: a_bone_age(140.2, 7.5)}


def a_whole_mask(rows: int = 120, columns: int = 80) -> np.ndarray:
    """Make the mask of the hand in `a_radiograph` with its forearm, which runs out of the picture."""
    mask = a_hand_mask(rows, columns)
    mask[round(0.7 * rows) :, round(0.4 * columns) : round(0.6 * columns)] = True
    return mask

"""The corridor: rooms 1 to 5 in order. The only module that knows them all."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from boneage.adult_height import adult_heights
from boneage.detection import HandDetector
from boneage.distribution import OLDEST_MONTHS
from boneage.doubts import doubts_about
from boneage.errors import NoHandFound, UnknownSex, UnreadableHand
from boneage.geometry import apparent_side
from boneage.growth import (
    DEFAULT_GROWTH_REFERENCE,
    outside_table_warning,
    score_growth,
    verdict_depends_on_reference,
)
from boneage.heights import check_heights
from boneage.local_calibration import WITHOUT_LOCAL, Force, LocalState, local_state
from boneage.models import MODEL_NAMES, check_model, models_folder
from boneage.regression import BoneAgeRegressor
from boneage.segmentation import HandSegmenter
from boneage.squash import in_true_shape
from boneage.surroundings import BRIGHT, brighter_than_surroundings
from boneage.types import AdultHeight, Assessment, BoneAge, Estimate, GrowthScore, Hand, HandBox, Radiograph, Sex

LOOKS_APART_MONTHS = 18.0  # looks at one hand whose ages differ by more are unsure
WIDEST_INTERVAL_MONTHS = 72.0  # a 90 % interval wider than this says little
NO_AGE_MONTHS = OLDEST_MONTHS / 2  # and one wider than half the scale nothing
END_OF_SCALE_MONTHS = {
    Sex.FEMALE: 16 * 12,
    Sex.MALE: 18 * 12 + 6,
}  # from here on all growth plates are closed or closing
NEAR_THE_END_MONTHS = 6  # half of the atlas's last steps: an interval that reaches so far may be that of a mature hand
END_OF_SCALE = "At the end of the scale"  # what a warning of it begins with


@dataclass(frozen=True)
class Models:
    """The three loaded models; may be used from several threads.

    Attributes:
        detector: Room 2.
        segmenter: Room 3.
        regressor: Room 4.
        versions: Model name -> version.
        local: Whether a local calibration is in force; it changes what `assess` says, not what the rooms say.
    """

    detector: HandDetector
    segmenter: HandSegmenter
    regressor: BoneAgeRegressor
    versions: dict[str, str]
    local: LocalState = WITHOUT_LOCAL


def load_models(directory: Path | None = None, threads: int | None = None, local: bool = False) -> Models:
    """Load the models of a folder.

    Args:
        directory: See `boneage.models.models_folder`.
        threads: Cores that one inference uses; None for all.
        local: Whether a local calibration counts; models are trained, evaluated and compared without.

    Raises:
        ModelRefused: If a model is missing, damaged or not what its card says.
    """
    detector, segmenter, regressor = (check_model(name, directory) for name in MODEL_NAMES)
    return Models(
        HandDetector(detector, threads),
        HandSegmenter(segmenter, threads),
        BoneAgeRegressor(regressor, threads),
        {model.name: model.version for model in (detector, segmenter, regressor)},
        local_state(models_folder(directory), regressor, local),
    )


def assess(
    radiograph: Radiograph,
    models: Models,
    sexes: Sequence[Sex] | None = None,
    hand_box: HandBox | None = None,
    growth_reference: str = DEFAULT_GROWTH_REFERENCE,
    hand_mask: np.ndarray | None = None,
    explain: bool = False,
) -> Assessment:
    """Assess one radiograph.

    Args:
        radiograph: As `boneage.radiograph.read_radiograph` returns it.
        models: As `load_models` returns them.
        sexes: For which to give an age; None for the radiograph's own.
        hand_box: An expert's box, where the detector errs.
        growth_reference: See `boneage.growth.growth_references`.
        hand_mask: An expert's outline, (rows, columns) bool on the radiograph's grid; None for the segmenter's.
        explain: Whether to look for where the age comes from, which takes some seconds.

    Raises:
        UnknownSex: If `sexes` is None and the radiograph does not say.
        NoHandFound: If there is no hand.
        SeveralHandsFound: If there are more and no box says which.
        UnreadableHand: If the hand is lost in white, or its age could be almost any.
        InvalidInput: If a height or weight cannot be true at the child's age.
    """
    check_heights(radiograph.heights, radiograph.chronological_age_months)
    start = time.perf_counter()
    radiograph, hand, hand_mask = bright_hand(radiograph, models.detector, models.segmenter, hand_box, hand_mask)
    radiograph = in_true_shape(radiograph, hand, hand_mask)
    chosen = tuple(sexes) if sexes else (_own_sex(radiograph),)
    doubts = doubts_about(radiograph, hand, hand_mask)  # first, as a film without bone to read gets no age
    bone_ages = models.regressor.estimate(radiograph, hand, hand_mask, chosen)
    _check_widths(bone_ages)
    estimates = tuple(
        _estimate(radiograph, sex, bone_age, models.local, growth_reference)
        for sex, bone_age in zip(chosen, bone_ages, strict=True)
    )
    warnings = (
        *radiograph.warnings,
        *([models.local.reason] if models.local.force is Force.NOT_IN_FORCE else []),
        *doubts,
        *_side_warnings(radiograph, hand),
        *(warning for estimate in estimates for warning in _age_warnings(estimate, growth_reference)),
    )
    saliency = models.regressor.explain(radiograph, hand, hand_mask, chosen[0]) if explain else None
    seconds = time.perf_counter() - start
    return Assessment(radiograph, hand, hand_mask, estimates, models.versions, warnings, seconds, saliency)


Found = tuple[Radiograph, Hand, np.ndarray]


def bright_hand(
    radiograph: Radiograph,
    detector: HandDetector,
    segmenter: HandSegmenter,
    box: HandBox | None = None,
    mask: np.ndarray | None = None,
) -> Found:
    """Find and outline the hand in the picture or its inversion: where it is brighter than what lies around it.

    The inversion is looked at where the hand is not plainly bright, or the picture was turned before.

    Returns:
        The radiograph with its bone bright, the hand in it, and the hand mask on its grid.

    Raises:
        NoHandFound, SeveralHandsFound: As `boneage.detection.HandDetector.find_hand`.
    """
    rooms = (detector, segmenter, box, mask)
    try:
        found = _outlined(radiograph, *rooms)
    except NoHandFound:
        if not radiograph.was_inverted:
            raise
        return _outlined(radiograph.turned(1.0), *rooms)
    brightness = brighter_than_surroundings(radiograph.pixels, found[2])
    if brightness >= BRIGHT and not radiograph.was_inverted:
        return found
    try:
        other = _outlined(radiograph.turned(1.0 - brightness), *rooms)
    except NoHandFound:
        return found
    return other if brighter_than_surroundings(other[0].pixels, other[2]) > max(brightness, BRIGHT) else found


def _outlined(
    radiograph: Radiograph,
    detector: HandDetector,
    segmenter: HandSegmenter,
    box: HandBox | None,
    mask: np.ndarray | None,
) -> Found:
    hand = detector.find_hand(radiograph, box)
    return radiograph, hand, segmenter.outline(radiograph, hand) if mask is None else mask


def _own_sex(radiograph: Radiograph) -> Sex:
    if radiograph.sex is None:
        raise UnknownSex(
            "The child's sex is not known.", "Give it with --sex female or --sex male, or ask for --sex both."
        )
    return radiograph.sex


def _check_widths(bone_ages: Sequence[BoneAge]) -> None:
    width = max(age.upper_90_months - age.lower_90_months for age in bone_ages)
    if width > NO_AGE_MONTHS:
        raise UnreadableHand(
            f"This hand's age cannot be told: it could be almost any (the 90 % interval is {width:.0f} months wide).",
            "Take a better radiograph or copy, correct box and outline, or have an expert read it.",
        )


def _estimate(
    radiograph: Radiograph, sex: Sex, bone_age: BoneAge, local: LocalState, growth_reference: str
) -> Estimate:
    shift = None
    if local.in_force is not None:
        bone_age, shift = local.in_force(bone_age, sex)
    growth = _growth(bone_age, radiograph, sex, growth_reference)
    return Estimate(sex, bone_age, growth, _adult_heights(bone_age, radiograph, sex), shift)


def _growth(bone_age: BoneAge, radiograph: Radiograph, sex: Sex, growth_reference: str) -> GrowthScore | None:
    if radiograph.chronological_age_months is None:
        return None
    return score_growth(bone_age.months, radiograph.chronological_age_months, sex, growth_reference)


def _adult_heights(bone_age: BoneAge, radiograph: Radiograph, sex: Sex) -> tuple[AdultHeight, ...]:
    age = radiograph.chronological_age_months
    interval = (bone_age.lower_90_months, bone_age.upper_90_months)
    return adult_heights(radiograph.heights, bone_age.months, age, sex, interval)


def _side_warnings(radiograph: Radiograph, hand: Hand) -> list[str]:
    side = apparent_side(hand.pose)
    if radiograph.laterality is None or radiograph.laterality is side:
        return []
    return [
        f"The file says {radiograph.laterality.value} hand, "
        f"the thumb lies as in a {side.value} hand seen from its back."
    ]


def _doubt(bone_age: BoneAge) -> str | None:
    width = bone_age.upper_90_months - bone_age.lower_90_months
    if bone_age.looks_apart_months > LOOKS_APART_MONTHS or width > WIDEST_INTERVAL_MONTHS:
        return (
            "The age is unsure: looks at the hand, slightly turned and resized, give ages "
            f"{bone_age.looks_apart_months:.0f} months apart, and the 90 % interval is {width:.0f} months wide."
        )
    return None


def _age_warnings(estimate: Estimate, growth_reference: str) -> list[str]:
    bone_age, growth, sex = estimate.bone_age, estimate.growth, estimate.sex
    warnings = [_doubt(bone_age)]
    if bone_age.upper_90_months >= END_OF_SCALE_MONTHS[sex] - NEAR_THE_END_MONTHS:
        warnings.append(
            f"At the end of the scale for the {sex.value} sex, or near it: "
            "the hand may be mature, and older than it says."
        )
    if growth is not None:
        age = growth.chronological_age_months
        warnings.append(outside_table_warning(age, sex, growth_reference))
        warnings.append(verdict_depends_on_reference(bone_age.months, age, sex, growth_reference))
    return [warning for warning in warnings if warning]

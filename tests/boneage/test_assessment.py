from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest
from builders import a_bone_age, a_hand, a_radiograph, a_whole_mask

from boneage.assessment import (
    END_OF_SCALE_MONTHS,
    LOOKS_APART_MONTHS,
    NO_AGE_MONTHS,
    WIDEST_INTERVAL_MONTHS,
    Models,
    assess,
)
from boneage.detection import SURE_POSE
from boneage.errors import NoHandFound, UnknownSex, UnreadableHand
from boneage.local_calibration import Adjustment, FittedFor, Force, LocalCalibration, LocalState
from boneage.spread import Spread
from boneage.types import Hand, HandBox, HandPose, Laterality, Sex, Verdict

VERSIONS = {"hand_detector": "1.0.0", "hand_segmenter": "1.1.0", "bone_age_regressor": "1.2.0"}


def fakes(hand=None, mask=None, months=None):
    """Make models that answer as told; `asked` keeps what each was asked."""
    asked = {}
    hand = hand or a_hand()
    months = months or {Sex.FEMALE: 118.0, Sex.MALE: 130.0}

    def find_hand(radiograph, hand_box):
        asked["hand_box"] = hand_box
        return replace(hand, box=hand_box or hand.box)

    def outline(radiograph, hand):
        asked["outlined"] = hand
        return a_whole_mask(*radiograph.pixels.shape) if mask is None else mask

    def estimate(radiograph, hand, hand_mask, sexes):
        asked["sexes"] = sexes
        return [a_bone_age(months[sex]) for sex in sexes]

    models = Models(
        SimpleNamespace(find_hand=find_hand),
        SimpleNamespace(outline=outline),
        SimpleNamespace(estimate=estimate),
        VERSIONS,
    )
    return models, asked


def warnings_of(radiograph=None, **answers):
    return assess(radiograph or a_radiograph(), fakes(**answers)[0]).warnings


def with_local(models, force=Force.IN_FORCE, reason=""):
    girls = {Sex.FEMALE: Adjustment(9.0, 0.0, 120.0, 24.0, 190.0, 1.0, 60)}
    calibration = LocalCalibration("1", date(2026, 11, 25), FittedFor("1.2.0", "", Spread()), girls)
    return replace(models, local=LocalState(force, calibration, reason))


def test_a_local_calibration_in_force_moves_the_age_before_it_is_scored():
    [girl, boy] = assess(a_radiograph(), with_local(fakes()[0]), sexes=(Sex.FEMALE, Sex.MALE)).estimates
    assert girl.bone_age.months == pytest.approx(127.0, abs=0.01)
    assert girl.local.uncalibrated.months == 118.0
    assert girl.growth.sds == pytest.approx((127.0 - 114.0) / girl.growth.reference_sd_months, abs=0.01)
    assert (boy.bone_age.months, boy.local) == (130.0, None)


def test_one_that_is_not_in_force_changes_nothing_and_is_warned_of():
    assessment = assess(a_radiograph(), with_local(fakes()[0], Force.NOT_IN_FORCE, "Fitted for another."))
    assert assessment.estimates[0].bone_age.months == 118.0
    assert "Fitted for another." in assessment.warnings


def test_the_rooms_follow_each_other_and_everything_found_is_in_the_assessment():
    models, asked = fakes()
    radiograph = a_radiograph()
    assessment = assess(radiograph, models)
    [estimate] = assessment.estimates
    assert (estimate.sex, estimate.bone_age.months) == (Sex.FEMALE, 118.0)
    assert estimate.growth.chronological_age_months == 114.0
    assert estimate.growth.verdict is Verdict.NORMAL
    assert assessment.radiograph is radiograph
    assert np.array_equal(assessment.hand_mask, a_whole_mask())
    assert assessment.model_versions == VERSIONS
    assert asked["outlined"] == assessment.hand == a_hand()
    assert assessment.warnings == ()
    assert assessment.seconds >= 0


def test_unknown_sex_is_refused_instead_of_guessed():
    models, asked = fakes()
    with pytest.raises(UnknownSex, match="--sex"):
        assess(a_radiograph(sex=None), models)
    assert "sexes" not in asked


def test_a_sex_that_is_asked_for_comes_before_the_files():
    [estimate] = assess(a_radiograph(), fakes()[0], sexes=[Sex.MALE]).estimates
    assert (estimate.sex, estimate.bone_age.months) == (Sex.MALE, 130.0)


def test_both_sexes_get_their_own_age_and_score():
    female, male = assess(a_radiograph(sex=None), fakes()[0], sexes=[Sex.FEMALE, Sex.MALE]).estimates
    assert (female.bone_age.months, male.bone_age.months) == (118.0, 130.0)
    assert female.growth.sds < male.growth.sds
    assert female.growth.reference_sd_months != male.growth.reference_sd_months


def test_without_a_chronological_age_there_is_no_score():
    [estimate] = assess(a_radiograph(chronological_age_months=None), fakes()[0]).estimates
    assert estimate.growth is None


def test_an_experts_box_reaches_the_detector():
    models, asked = fakes()
    box = HandBox(1, 2, 70, 110)
    assert assess(a_radiograph(), models, hand_box=box).hand.box == asked["hand_box"] == box


def test_without_a_hand_there_is_no_age():
    def no_hand(radiograph, hand_box):
        raise NoHandFound("No hand.")

    models, asked = fakes()
    with pytest.raises(NoHandFound):
        assess(a_radiograph(), replace(models, detector=SimpleNamespace(find_hand=no_hand)))
    assert asked == {}


def test_what_the_reader_assumed_is_told():
    assert warnings_of(a_radiograph(warnings=("The pixels were turned.",))) == ("The pixels were turned.",)


def test_an_unsure_pose_is_told_with_its_figure():
    assert warnings_of(hand=replace(a_hand(), pose_error=SURE_POSE)) == ()
    [warning] = warnings_of(hand=replace(a_hand(), pose_error=0.23))
    assert "pose of the hand is unsure (two looks differ by 23%" in warning


def test_a_hand_that_may_be_its_mirror_image_is_told():
    [warning] = warnings_of(hand=replace(a_hand(), either_side=True))
    assert "thumb may lie on either side" in warning


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"looks_apart_months": LOOKS_APART_MONTHS + 1}, "19 months apart"),
        ({"lower_90_months": 60.0, "upper_90_months": 61.0 + WIDEST_INTERVAL_MONTHS}, "73 months wide"),
    ],
)
def test_an_age_on_which_looks_disagree_or_that_says_little_is_told(changes, words):
    models, _ = fakes()
    unsure = SimpleNamespace(estimate=lambda *asked: [replace(a_bone_age(118.0), **changes)])
    [warning] = assess(a_radiograph(), replace(models, regressor=unsure)).warnings
    assert "age is unsure" in warning and words in warning


def test_an_age_that_could_be_almost_any_is_refused():
    models, _ = fakes()

    def wide(width):
        ages = [a_bone_age(118.0), replace(a_bone_age(118.0), lower_90_months=40.0, upper_90_months=40.0 + width)]
        return replace(models, regressor=SimpleNamespace(estimate=lambda *asked: ages))

    both = (Sex.FEMALE, Sex.MALE)
    assert len(assess(a_radiograph(), wide(NO_AGE_MONTHS), sexes=both).estimates) == 2
    with pytest.raises(UnreadableHand, match="the 90 % interval is 115 months wide"):
        assess(a_radiograph(), wide(NO_AGE_MONTHS + 1), sexes=both)


def mirrored(hand: Hand) -> Hand:
    points = (hand.pose.middle_tip, hand.pose.thumb_tip, hand.pose.capitate)
    return replace(hand, pose=HandPose(*((79 - x, y) for x, y in points)))


def test_a_side_that_differs_from_the_files_is_told():
    left_file = a_radiograph(laterality=Laterality.LEFT)
    assert warnings_of(left_file) == ()
    [warning] = warnings_of(left_file, hand=mirrored(a_hand()))
    assert "file says left hand" in warning and "right hand seen from its back" in warning
    assert warnings_of(hand=mirrored(a_hand())) == ()  # a file that says nothing cannot be wrong


@pytest.mark.parametrize("sex", Sex)
def test_the_end_of_the_scale_is_told_for_each_sex(sex):
    end = float(END_OF_SCALE_MONTHS[sex])
    radiograph = a_radiograph(sex=sex, chronological_age_months=None)
    assert warnings_of(radiograph, months={sex: end - 20}) == ()
    for months in (end - 14, end):  # its 90 % interval reaches to 10 months more
        [warning] = warnings_of(radiograph, months={sex: months})
        assert f"end of the scale for the {sex.value} sex" in warning


def test_a_verdict_that_another_reference_would_change_is_told():
    def verdicts(months):
        models, _ = fakes(months={Sex.FEMALE: months})
        by_reference = [
            assess(a_radiograph(), models, growth_reference=reference).estimates[0].growth.verdict
            for reference in references
        ]
        return set(by_reference), assess(a_radiograph(), models).warnings

    from boneage.growth import growth_references

    references = list(growth_references())
    found = [verdicts(float(months)) for months in range(114, 160)]
    assert any(len(different) > 1 for different, _ in found)
    for different, warnings in found:
        assert bool(warnings) == (len(different) > 1)


def test_an_age_outside_the_growth_table_is_told():
    [warning] = warnings_of(a_radiograph(chronological_age_months=290.0))
    assert "No SDS" in warning and "24.2 years" in warning


# Polarity, by the hand itself


def a_bright_hand(rows=120, columns=80):
    pixels = np.where(a_whole_mask(rows, columns), 0.8, 0.1).astype(np.float32)
    pixels[:6, :6] = 1.0  # a marker: what is white in a film is not the hand
    return replace(a_radiograph(), pixels=pixels, warnings=())


def test_a_picture_that_was_turned_by_mistake_is_turned_back():
    bright = a_bright_hand()
    mistaken = bright.turned(0.9)
    assert mistaken.was_inverted and mistaken.warnings
    found = assess(mistaken, fakes()[0]).radiograph
    assert np.allclose(found.pixels, bright.pixels) and not found.was_inverted and not found.warnings


def test_a_picture_whose_hand_is_dark_is_turned_and_says_so():
    dark = replace(a_bright_hand(), pixels=1 - a_bright_hand().pixels)
    found = assess(dark, fakes()[0])
    assert np.allclose(found.radiograph.pixels, a_bright_hand().pixels)
    assert any(warning.startswith("Bone was dark (certainty 1.00)") for warning in found.warnings)


def test_a_picture_that_was_turned_rightly_stays_turned():
    turned = replace(a_bright_hand(), pixels=1 - a_bright_hand().pixels).turned(0.9)
    found = assess(turned, fakes()[0]).radiograph
    assert found.was_inverted and np.allclose(found.pixels, a_bright_hand().pixels)


def test_no_hand_in_a_picture_that_was_turned_is_looked_for_in_the_picture_as_it_was():
    bright = a_bright_hand()
    models, _ = fakes()

    def only_in_bright(radiograph, hand_box):
        if radiograph.pixels.mean() > 0.5:
            raise NoHandFound("none", "")
        return a_hand()

    models = replace(models, detector=SimpleNamespace(find_hand=only_in_bright))
    assert not assess(bright.turned(0.9), models).radiograph.was_inverted
    with pytest.raises(NoHandFound):
        assess(replace(bright, pixels=1 - bright.pixels), models)

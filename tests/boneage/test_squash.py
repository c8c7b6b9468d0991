"""Drawn hands of believable proportions in square pictures, squashed or not."""

from dataclasses import replace

import numpy as np
import pytest
from builders import AN_IDENTITY, a_hand

from boneage.squash import SQUARE, in_true_shape
from boneage.types import HandPose, Radiograph

SIDE = 300


def squashed(factor=1.0, lying=False, side=SIDE):
    """Draw an upright hand that is squashed along its length, or the same lying on its side; return all three."""
    length = 0.62 * side / factor
    rows, columns = np.indices((side, side))
    down, across = (rows - 0.75 * side) / length, np.abs(columns - 0.5 * side) / (0.62 * side)
    palm = (across < 0.25) & (down > -0.5) & (down < -0.15)
    wrist = (across < 0.285) & (down >= -0.15) & (down < 0.3)
    finger = (across < 0.05) & (down > -1.0) & (down < -0.4)
    mask = palm | wrist | finger
    points = [(0.5 * side, 0.75 * side + y * length) for y in (-1.0, 0.0)]
    pose = HandPose(points[0], (0.8 * side, 0.75 * side - 0.4 * length), points[1])
    if lying:
        mask = mask.T
        pose = HandPose(*(point[::-1] for point in (pose.middle_tip, pose.thumb_tip, pose.capitate)))
    return Radiograph(mask.astype(np.float32)), replace(a_hand(), pose=pose), mask


def aspect_of(radiograph, hand, mask):
    return in_true_shape(radiograph, hand, mask).pixel_aspect


def test_a_squashed_hand_gets_its_shape_back_and_the_assumption_is_told():
    found = in_true_shape(*squashed(1.3))
    assert found.pixel_aspect == pytest.approx(1.3, rel=0.06)
    [note] = found.warnings
    assert note.startswith(SQUARE) and f"{found.pixel_aspect:.2f} times as high as wide" in note


def test_a_hand_in_its_true_shape_is_left_as_it_is():
    asked = squashed(1.0)
    assert in_true_shape(*asked) is asked[0]


def test_a_hand_that_lies_on_its_side_is_squashed_across_the_picture():
    assert aspect_of(*squashed(1.3, lying=True)) == pytest.approx(1 / 1.3, rel=0.06)


def test_the_size_of_the_picture_does_not_matter():
    assert aspect_of(*squashed(1.3, side=900)) == pytest.approx(aspect_of(*squashed(1.3)), rel=0.02)


@pytest.mark.parametrize(
    "known",
    [{"identity": AN_IDENTITY}, {"pixel_spacing_mm": (0.2, 0.2)}, {"pixel_aspect": 1.2}],
    ids=["DICOM", "spacing", "aspect"],
)
def test_what_the_file_says_is_believed(known):
    radiograph, hand, mask = squashed(1.3)
    radiograph = replace(radiograph, **known)
    assert in_true_shape(radiograph, hand, mask) is radiograph


def test_pictures_that_are_not_square_are_believed():
    radiograph, hand, mask = squashed(1.3)
    radiograph = replace(radiograph, pixels=radiograph.pixels[:, 1:])
    assert in_true_shape(radiograph, hand, mask[:, 1:]) is radiograph


def test_an_outline_without_wrist_says_nothing():
    radiograph, hand, mask = squashed(1.3)
    mask = mask.copy()
    mask[round(0.7 * SIDE) :] = False
    assert in_true_shape(radiograph, hand, mask) is radiograph


def test_a_hand_that_lies_askew_says_nothing():
    radiograph, hand, mask = squashed(1.3)
    askew = replace(hand, pose=replace(hand.pose, middle_tip=(0.95 * SIDE, 0.3 * SIDE)))
    assert in_true_shape(radiograph, askew, mask) is radiograph

"""Each reason to doubt an age, in the sentence that a reader sees."""

from dataclasses import replace

import numpy as np
import pytest
from builders import a_hand, a_hand_mask, a_radiograph, a_whole_mask

from boneage.detection import SURE_HAND
from boneage.doubts import doubts_about


def doubts(radiograph=None, hand=None, mask=None):
    return doubts_about(radiograph or a_radiograph(), hand or a_hand(), a_whole_mask() if mask is None else mask)


def test_a_hand_of_which_the_detector_is_not_sure_is_told_with_its_confidence():
    assert doubts(hand=replace(a_hand(), confidence=SURE_HAND)) == []
    [doubt] = doubts(hand=replace(a_hand(), confidence=0.65))
    assert "confidence 0.65" in doubt


def test_a_mask_that_fills_little_of_the_box_is_told():
    mask = np.zeros((120, 80), bool)
    mask[50:60, 40:50] = True
    [doubt] = doubts(mask=mask)
    assert "fills only 2% of the hand's box" in doubt


@pytest.mark.parametrize("point", ["middle_tip", "thumb_tip", "capitate"])
def test_a_hand_that_is_cut_off_is_told(point):
    pose = replace(a_hand().pose, **{point: (40.0, -3.0 if point != "capitate" else 123.0)})
    assert any("lies outside the picture" in doubt for doubt in doubts(hand=replace(a_hand(), pose=pose)))


def test_a_hand_that_runs_out_of_the_picture_above_its_wrist_is_told():
    mask = a_whole_mask()
    mask[30:80, :40] = True
    radiograph = a_radiograph()
    radiograph.pixels[30:80, :40] = np.random.default_rng(2).uniform(0.5, 0.7, (50, 40))
    [doubt] = doubts(radiograph, mask=mask)
    assert "runs out of the picture" in doubt


def test_a_film_that_shows_the_hand_badly_is_told():
    radiograph = a_radiograph()
    [doubt] = doubts(replace(radiograph, pixels=radiograph.pixels.clip(max=0.6)))
    assert "the film is plain white" in doubt


def test_a_picture_that_ends_at_the_wrist_is_told_with_how_much_is_shown():
    [doubt] = doubts(mask=a_hand_mask())
    assert "Only 13% of the hand's length is shown below the capitate" in doubt

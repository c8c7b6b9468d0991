"""Hands drawn into pictures that end where they should not."""

import numpy as np
import pytest
from builders import a_hand, a_hand_mask

from boneage.types import HandPose
from boneage.wholeness import length_cut_off, shown_below_capitate

ROWS, COLUMNS = 120, 80
LENGTH = 0.7 * ROWS  # capitate to finger tip


def a_picture(ground=0.05):
    pixels = ground + 0.1 * np.random.default_rng(3).random((ROWS, COLUMNS), np.float32)
    pixels[a_hand_mask(ROWS, COLUMNS)] = 0.7
    return pixels


def shifted(pose, down, right=0):
    return HandPose(*((x + right, y + down) for x, y in (pose.middle_tip, pose.thumb_tip, pose.capitate)))


def cut(above=0, right=0):
    """Return picture, mask and pose without the rows above a line and the columns to the right of one."""
    window = np.s_[above:, : COLUMNS - right]
    return a_picture()[window], a_hand_mask(ROWS, COLUMNS)[window], shifted(a_hand(ROWS, COLUMNS).pose, -above)


def test_a_whole_hand_is_not_cut_off():
    assert length_cut_off(*cut(), 1.0) == 0


@pytest.mark.parametrize(("above", "right"), [(40, 0), (0, 30)])
def test_a_cut_hand_is_cut_off_by_as_much_as_lies_on_the_edge(above, right):
    pixels, mask, pose = cut(above, right)
    on_edge = (mask[2] if above else mask[: round(pose.capitate[1] - 0.1 * LENGTH), -3]).sum()
    assert on_edge > 5
    assert length_cut_off(pixels, mask, pose, 1.0) == pytest.approx(on_edge / LENGTH, abs=2 / LENGTH)


def test_a_border_around_a_cut_picture_does_not_hide_it():
    pixels, mask, pose = cut(above=40)
    bordered = length_cut_off(np.pad(pixels, 30), np.pad(mask, 30), shifted(pose, 30, 30), 1.0)
    assert bordered == pytest.approx(length_cut_off(pixels, mask, pose, 1.0), abs=3 / LENGTH)


def test_a_hand_on_black_ground_is_not_taken_for_one_in_a_border():
    mask = a_hand_mask(ROWS, COLUMNS)
    pixels = np.where(mask, a_picture(), 0.0)
    assert length_cut_off(pixels, mask, a_hand(ROWS, COLUMNS).pose, 1.0) == 0


def test_what_runs_out_of_the_picture_below_the_wrist_does_not_count():
    mask = a_hand_mask(ROWS, COLUMNS)
    mask[90:, 30:50] = True
    assert length_cut_off(a_picture(), mask, a_hand(ROWS, COLUMNS).pose, 1.0) == 0


@pytest.mark.parametrize("pixel_aspect", [1.0, 2.0])
def test_what_is_shown_below_the_capitate_is_told_in_hand_lengths(pixel_aspect):
    mask, pose = a_hand_mask(ROWS, COLUMNS), a_hand(ROWS, COLUMNS).pose
    assert shown_below_capitate(mask, pose, pixel_aspect) == pytest.approx(0.1 / 0.7, abs=0.02)
    assert shown_below_capitate(np.zeros_like(mask), pose, pixel_aspect) == 0


def test_pictures_of_one_grey_and_thin_strips_are_no_trouble():
    pose = a_hand(ROWS, COLUMNS).pose
    strip = np.zeros((ROWS, COLUMNS), np.float32)
    strip[-1] = np.linspace(0, 1, COLUMNS)
    for pixels in (np.zeros((ROWS, COLUMNS), np.float32), strip, strip[::-1]):
        assert length_cut_off(pixels, np.zeros((ROWS, COLUMNS), bool), pose, 1.0) == 0

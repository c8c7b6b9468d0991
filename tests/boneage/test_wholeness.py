"""Hands drawn into pictures that end where they should not."""

import numpy as np
import pytest
from builders import a_hand, a_hand_mask
from scipy.ndimage import gaussian_filter

from boneage.types import HandPose
from boneage.wholeness import shown_below_capitate, width_left_out, width_run_out

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
    assert width_run_out(*cut(), 1.0) == 0


@pytest.mark.parametrize(("above", "right"), [(40, 0), (0, 30)])
def test_a_cut_hand_is_cut_off_by_as_much_as_lies_on_the_edge(above, right):
    pixels, mask, pose = cut(above, right)
    on_edge = (mask[2] if above else mask[: round(pose.capitate[1] - 0.1 * LENGTH), -3]).sum()
    assert on_edge > 5
    assert width_run_out(pixels, mask, pose, 1.0) == pytest.approx(on_edge / LENGTH, abs=2 / LENGTH)


def test_an_outline_that_is_rounded_off_before_the_edge_hides_nothing():
    pixels, mask, pose = cut(above=40)
    rounded = mask.copy()
    rounded[: round(0.04 * LENGTH)] = False
    assert width_run_out(pixels, rounded, pose, 1.0) == pytest.approx(width_run_out(pixels, mask, pose, 1.0))


def test_a_hand_that_ends_just_before_the_picture_is_whole():
    above = round(0.1 * ROWS) - 2
    assert width_run_out(*cut(above), 1.0) == 0


def test_a_bright_plate_beside_the_hand_does_not_hide_that_it_is_cut():
    pixels, mask, pose = cut(above=40)
    pixels[:, :15] = pixels[:, -15:] = 1.0
    assert width_run_out(pixels, mask, pose, 1.0) > 0.05


@pytest.mark.parametrize("scale", [1, 8])
def test_the_width_is_the_same_in_a_large_picture(scale):
    pixels, mask, pose = cut(above=40)
    large = [np.kron(one, np.ones((scale, scale), one.dtype)) for one in (pixels, mask)]
    points = (pose.middle_tip, pose.thumb_tip, pose.capitate)
    scaled = HandPose(*((scale * x, scale * y) for x, y in points))
    expected = width_run_out(pixels, mask, pose, 1.0)
    assert width_run_out(*large, scaled, 1.0) == pytest.approx(expected, abs=2 / LENGTH)


def test_a_border_around_a_cut_picture_does_not_hide_it():
    pixels, mask, pose = cut(above=40)
    bordered = width_run_out(np.pad(pixels, 30), np.pad(mask, 30), shifted(pose, 30, 30), 1.0)
    assert bordered == pytest.approx(width_run_out(pixels, mask, pose, 1.0), abs=3 / LENGTH)


@pytest.mark.parametrize(("above", "runs_out"), [(0, False), (40, True)])
def test_on_black_ground_a_hand_in_a_black_border_is_cut_if_it_begins_wide(above, runs_out):
    mask = a_hand_mask(ROWS, COLUMNS)
    pixels = 0.7 * gaussian_filter(mask.astype(np.float32), 3) * mask  # flesh thins towards its edge
    pixels, mask = (np.pad(one[above:], 30) for one in (pixels, mask))
    pose = shifted(a_hand(ROWS, COLUMNS).pose, 30 - above, 30)
    assert (width_run_out(pixels, mask, pose, 1.0) > 0.05) is runs_out


def a_side(thick, grey):
    """Return picture, mask and pose with something on the right edge, beside the hand."""
    pixels, mask, pose = cut(right=14)
    pixels[30:80, -thick:] = grey
    return pixels, mask, pose


def test_a_finger_on_the_edge_that_the_outline_leaves_out_is_seen():
    assert width_left_out(*a_side(12, 0.6), 1.0) > 0.11


@pytest.mark.parametrize(("thick", "grey"), [(12, 0.1), (2, 0.6), (12, 1.6)])
def test_ground_and_the_thin_edge_of_a_collimation_and_a_marker_are_no_finger(thick, grey):
    assert width_left_out(*a_side(thick, grey), 1.0) == 0


def test_what_runs_out_of_the_picture_below_the_wrist_does_not_count():
    mask = a_hand_mask(ROWS, COLUMNS)
    mask[90:, 30:50] = True
    assert width_run_out(a_picture(), mask, a_hand(ROWS, COLUMNS).pose, 1.0) == 0


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
        for measure in (width_run_out, width_left_out):
            assert measure(pixels, np.zeros((ROWS, COLUMNS), bool), pose, 1.0) == 0

"""A wrist that is covered, as by a cast, is told; one that is not shown well for other reasons is not."""

import numpy as np
import pytest
from builders import a_hand, a_hand_mask, a_radiograph, a_whole_mask
from scipy.ndimage import binary_dilation

from boneage.covering import wrist_shown
from boneage.evaluation_changes import in_a_cast

ROWS, COLUMNS = 240, 160


def doubts(pixels, mask=None):
    mask = a_whole_mask(ROWS, COLUMNS) if mask is None else mask
    found = wrist_shown(pixels.astype(np.float32), mask, a_hand(ROWS, COLUMNS).pose, 1.0)
    return None if found is None else found.doubts()


def a_film():
    return a_radiograph(ROWS, COLUMNS).pixels


@pytest.mark.parametrize("opacity", [0.3, 0.6])
def test_a_veil_over_the_lower_part_is_told(opacity):
    [doubt] = doubts(in_a_cast(a_film(), opacity))
    assert doubt.startswith("The wrist looks covered, as by a cast")


def test_a_shell_that_lightens_the_wrist_alone_is_told():
    film, shell = 0.3 * a_film(), binary_dilation(a_whole_mask(ROWS, COLUMNS), iterations=3)
    shell[: round(0.8 * ROWS)] = False
    [doubt] = doubts(np.where(shell, 1 - 0.6 * (1 - film), film))
    assert "covered" in doubt


@pytest.mark.parametrize("change", [lambda film: film, lambda film: 0.3 * film, lambda film: 0.2 + 0.5 * film])
def test_a_bare_wrist_bright_or_faint_is_not(change):
    assert doubts(change(a_film())) == []


def test_a_film_that_ends_at_the_wrist_or_shows_no_ground_says_nothing():
    rows = round(0.82 * ROWS)
    pose = a_hand(ROWS, COLUMNS).pose
    assert wrist_shown(a_film()[:rows], a_whole_mask(ROWS, COLUMNS)[:rows], pose, 1.0) is None
    assert doubts(a_film(), np.ones((ROWS, COLUMNS), bool)) is None
    assert doubts(a_film(), a_hand_mask(ROWS, COLUMNS) & False) is None
    assert doubts(np.full((ROWS, COLUMNS), 0.5)) is None

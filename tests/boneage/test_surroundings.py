import numpy as np
import pytest
from builders import a_hand_mask

from boneage.surroundings import BRIGHT, brighter_than_surroundings

MASK = a_hand_mask(480, 320)


@pytest.mark.parametrize("hand, ground, expected", [(0.8, 0.1, 1.0), (0.1, 0.8, 0.0), (0.5, 0.5, 0.5)])
def test_a_hand_is_brighter_or_darker_than_its_ground(hand, ground, expected):
    assert brighter_than_surroundings(np.where(MASK, hand, ground), MASK) == pytest.approx(expected)


def test_what_lies_far_from_the_hand_says_nothing():
    pixels = np.where(MASK, 0.5, 0.2)
    pixels[:40] = pixels[:, :40] = pixels[:, -40:] = 1.0
    assert brighter_than_surroundings(pixels, MASK) > BRIGHT


def test_the_size_of_the_picture_does_not_matter():
    rng = np.random.default_rng(0)
    small = np.where(MASK, 0.6, 0.4) + rng.normal(0, 0.2, MASK.shape)
    large, mask = np.kron(small, np.ones((4, 4))), np.kron(MASK, np.ones((4, 4), bool))
    assert brighter_than_surroundings(large, mask) == pytest.approx(brighter_than_surroundings(small, MASK), abs=0.03)


@pytest.mark.parametrize("mask", [np.zeros((60, 40), bool), np.ones((60, 40), bool)])
def test_without_a_hand_or_without_surroundings_nothing_is_said(mask):
    assert brighter_than_surroundings(np.zeros((60, 40)), mask) == 0.5

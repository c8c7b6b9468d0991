"""The network is a fake that outlines what is bright in the upright view, or draws what a test asks for."""

from __future__ import annotations

import numpy as np
import pytest

from boneage import segmentation
from boneage.frames import OUTLINE_FRAME
from boneage.geometry import frame_from_radiograph, move, move_pose
from boneage.models import ModelFile
from boneage.segmentation import HandSegmenter
from boneage.types import Hand, HandBox, HandPose, Radiograph

POSE = HandPose((200.0, 60.0), (300.0, 200.0), (205.0, 300.0))
A_BOX = HandBox(0, 0, 1, 1)


@pytest.fixture
def segmenter(monkeypatch, tmp_path):
    """Return a function that makes a segmenter whose network answers with logits of its own."""

    def make(network):
        monkeypatch.setattr(segmentation, "Network", lambda model, threads: network)
        return HandSegmenter(ModelFile("hand_segmenter", "1", "0" * 64, tmp_path, {}))

    return make


def what_is_bright(hands):
    assert hands.shape == (1, 1, OUTLINE_FRAME.rows, OUTLINE_FRAME.columns)
    return (hands - 0.5) * 20


def a_disc(rows, columns, x, y, radius, aspect=1.0):
    row, column = np.mgrid[0:rows, 0:columns]
    return (column - x) ** 2 + ((row - y) * aspect) ** 2 < radius**2


def overlap(first, second):
    return (first & second).sum() / (first | second).sum()


TRANSFORMS = {
    "as it is": np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    "on its side": np.array([[0.0, -1.0, 420.0], [1.0, 0.0, 10.0]]),
    "mirrored": np.array([[-1.0, 0.0, 400.0], [0.0, 1.0, 0.0]]),
}


@pytest.mark.parametrize("lies", TRANSFORMS)
def test_a_mask_comes_back_on_the_same_pixels(segmenter, lies):
    centre = move(np.array((210.0, 200.0)), TRANSFORMS[lies])
    disc = a_disc(450, 430, *centre, 90)
    hand = Hand(A_BOX, move_pose(POSE, TRANSFORMS[lies]), 0.9, 0.0)
    mask = segmenter(what_is_bright).outline(Radiograph(disc.astype(np.float32)), hand)
    assert mask.shape == disc.shape and mask.dtype == bool
    assert overlap(mask, disc) > 0.98
    shift = np.argwhere(mask).mean(0) - np.argwhere(disc).mean(0)
    assert np.abs(shift).max() < 0.25  # of a pixel, a seventh of one in the network's view


def test_a_mask_comes_back_on_the_pixels_of_a_squashed_radiograph(segmenter):
    squash = np.diag([1.0, 1 / 1.5, 1.0])[:2]
    disc = a_disc(300, 430, 210, 200 / 1.5, 90, aspect=1.5)
    radiograph = Radiograph(disc.astype(np.float32), pixel_aspect=1.5)
    mask = segmenter(what_is_bright).outline(radiograph, Hand(A_BOX, move_pose(POSE, squash), 0.9, 0.0))
    assert overlap(mask, disc) > 0.97


def drawn(parts):
    """Return a network that answers with drawn parts, whatever it is shown."""
    return lambda hands: np.where(parts, 9.0, -9.0).astype(np.float32)[None, None]


def outline_of(segmenter, parts):
    """Return the mask of a radiograph that shows exactly the upright view, and the radiograph's pose."""
    rows, columns, length = OUTLINE_FRAME.rows, OUTLINE_FRAME.columns, OUTLINE_FRAME.hand_length * OUTLINE_FRAME.rows
    x, y = OUTLINE_FRAME.capitate[0] * columns, OUTLINE_FRAME.capitate[1] * rows
    pose = HandPose((x, y - length), (x + 30, y - 20), (x, y))
    assert frame_from_radiograph(pose, 1.0, OUTLINE_FRAME) == pytest.approx(np.eye(3)[:2], abs=1e-9)
    return segmenter(drawn(parts)).outline(Radiograph(np.zeros((rows, columns), np.float32)), Hand(A_BOX, pose, 1, 0))


def test_of_several_parts_the_largest_is_the_hand(segmenter):
    large, small = a_disc(192, 160, 80, 80, 40), a_disc(192, 160, 20, 170, 12)
    assert np.array_equal(outline_of(segmenter, large | small), large)


def test_holes_in_the_hand_are_filled(segmenter):
    whole = a_disc(192, 160, 80, 80, 40)
    assert np.array_equal(outline_of(segmenter, whole & ~a_disc(192, 160, 85, 75, 9)), whole)


def test_no_hand_gives_an_empty_mask(segmenter):
    assert not outline_of(segmenter, np.zeros((192, 160), bool)).any()


def test_probabilities_lie_between_0_and_1(segmenter):
    hand = Hand(A_BOX, POSE, 0.9, 0.0)
    radiograph = Radiograph(a_disc(450, 430, 210, 200, 90).astype(np.float32))
    probability = segmenter(lambda hands: (hands - 0.5) * 200).upright_probability(radiograph, hand)
    assert probability.shape == (OUTLINE_FRAME.rows, OUTLINE_FRAME.columns)
    assert 0 <= probability.min() < 0.01 and 0.99 < probability.max() <= 1

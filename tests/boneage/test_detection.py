"""The network is a fake that knows where the hands are, in pixels of the radiograph; all geometry is real."""

from __future__ import annotations

import numpy as np
import pytest

from boneage import detection
from boneage.detection import SIDE, HandDetector
from boneage.errors import NoHandFound, SeveralHandsFound
from boneage.geometry import invert, letterbox, mirrored, move, pose_distance, pose_points
from boneage.models import ModelFile
from boneage.types import HandBox, HandPose, Radiograph

UNIT_POINTS = np.array([(0.45, 0.05), (0.95, 0.45), (0.48, 0.75)])  # of a hand in its box


class AHand:
    """A hand that the fake network sees, whatever it is shown through; look by look it may seem elsewhere."""

    later_points = None  # what looks from the third on may see as well, with what confidence

    def __init__(self, left, top, width, height, confidence=0.9, second_confidence=0.9, shifts=(0.0,)):
        self.box = np.array([left, top, left + width, top + height], float)
        self.points = UNIT_POINTS * (width, height) + (left, top)
        self.confidences = (confidence, second_confidence)
        self.shifts = [shift * height for shift in shifts]

    def seen(self, to_scene, look):
        corners = self.box[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2)
        corners = move(corners, to_scene)
        low, high = corners.min(0), corners.max(0)
        points = move(self.points + self.shifts[min(look, len(self.shifts) - 1)], to_scene)
        return [*(low + high) / 2, *(high - low), self.confidences[min(look, 1)], *points.ravel()]

    def seen_later(self, to_scene):
        """Return the hand with `later_points`, a little wider, so that it is a proposal of its own."""
        x, y, width, height, *_ = self.seen(to_scene, 0)
        return [x, y, 3 * width, height, self.later_confidence, *move(self.later_points, to_scene).ravel()]

    @property
    def pose(self):
        return HandPose(*(tuple(point) for point in self.points))


@pytest.fixture
def look_at(monkeypatch, tmp_path):
    """Return a function that lets the detector look at hands in a radiograph."""

    def find(hands, rows=300, columns=200, pixel_aspect=1.0, hand_box=None, noise=20):
        looks = []

        def cut(pixels, transform, scene_rows, scene_columns):
            looks.append(transform)
            return np.zeros((scene_rows, scene_columns), np.float32)

        def network(scene):
            assert scene.shape == (1, 1, SIDE, SIDE)
            doubts = [[5.0 * i, 5, 4, 4, 0.01, *[0.0] * 6] for i in range(noise)]
            seen = [hand.seen(looks[-1], len(looks) - 1) for hand in hands]
            seen += [hand.seen_later(looks[-1]) for hand in hands if hand.later_points is not None and len(looks) > 2]
            again = [[x + 1, y + 1, w, h, 0.9 * c, *rest] for x, y, w, h, c, *rest in seen]  # YOLO repeats itself
            return np.array(doubts + again + seen, np.float32).reshape(-1, 11).T[None]

        monkeypatch.setattr(detection, "cut", cut)
        monkeypatch.setattr(detection, "Network", lambda model, threads: network)
        detector = HandDetector(ModelFile("hand_detector", "1", "0" * 64, tmp_path, {}))
        radiograph = Radiograph(np.zeros((rows, columns), np.float32), pixel_aspect=pixel_aspect)
        return detector.find_hand(radiograph, hand_box)

    return find


@pytest.mark.parametrize(
    ("rows", "columns", "pixel_aspect"), [(300, 200, 1.0), (200, 300, 1.0), (250, 250, 1.5), (2400, 1800, 1.0)]
)
def test_a_hand_is_found_in_pixels_of_any_radiograph(look_at, rows, columns, pixel_aspect):
    hand = AHand(0.2 * columns, 0.1 * rows, 0.5 * columns, 0.6 * rows)
    found = look_at([hand], rows, columns, pixel_aspect)
    tolerance = 1e-4 * max(rows, columns)
    assert (found.box.left, found.box.top, found.box.right, found.box.bottom) == pytest.approx(hand.box, abs=tolerance)
    assert pose_points(found.pose) == pytest.approx(hand.points, abs=tolerance)
    assert found.pose_error == pytest.approx(0, abs=1e-3)
    assert found.confidence == pytest.approx(0.9)


def test_a_box_never_reaches_beyond_the_radiograph(look_at):
    box = look_at([AHand(-20, -30, 260, 400)]).box
    assert (box.left, box.top, box.right, box.bottom) == (0, 0, 200, 300)


def test_the_confidence_is_that_of_the_look_which_was_less_sure(look_at):
    assert look_at([AHand(40, 30, 100, 180, 0.95, 0.6)]).confidence == pytest.approx(0.6)


def test_looks_that_never_quite_agree_tell_how_far_apart_they_are(look_at):
    hand = AHand(40, 30, 100, 180, shifts=(0.0, 0.1, 0.0, 0.1))
    found = look_at([hand])
    assert found.pose_error == pytest.approx(pose_distance(hand.pose, found.pose), abs=1e-3)
    assert detection.SURE_POSE < found.pose_error <= detection.LOST_POSE


def test_two_closer_looks_that_agree_overrule_the_first(look_at):
    hand = AHand(40, 30, 100, 180, shifts=(0.3, 0.0, 0.0))
    found = look_at([hand])
    assert pose_points(found.pose) == pytest.approx(hand.points, abs=0.1)
    assert found.pose_error == pytest.approx(0, abs=1e-3)


def test_the_key_points_are_the_mean_over_looks_that_agree(look_at):
    hand = AHand(40, 30, 100, 180, shifts=(0.0, 0.0, 0.0, 0.03, 0.06))  # the third is for a mirror image
    found = look_at([hand])
    assert pose_points(found.pose) == pytest.approx(hand.points + 0.03 * 180, abs=0.1)
    assert found.pose_error == pytest.approx(0, abs=1e-3)


def test_a_further_look_that_sees_something_else_does_not_count(look_at):
    hand = AHand(40, 30, 100, 180, shifts=(0.0, 0.0, 0.0, 0.5, 0.03))
    found = look_at([hand])
    assert pose_points(found.pose) == pytest.approx(hand.points + 0.015 * 180, abs=0.1)


@pytest.mark.parametrize(("confidence", "counts"), [(0.85, False), (0.95, True)])
def test_a_thumb_that_is_seen_on_either_side_is_told_and_the_surer_one_counts(look_at, confidence, counts):
    hand = AHand(40, 30, 100, 180)
    image = pose_points(mirrored(hand.pose))
    hand.later_points, hand.later_confidence = image, confidence
    found = look_at([hand])
    assert found.either_side
    assert pose_points(found.pose) == pytest.approx(image if counts else hand.points, abs=0.1)
    assert not look_at([AHand(40, 30, 100, 180)]).either_side


def test_a_hand_of_which_a_closer_look_is_not_sure_is_none_unless_a_person_drew_its_box(look_at):
    hand = AHand(40, 30, 100, 180, 0.9, detection.FOUND_CLOSER - 0.05)
    with pytest.raises(NoHandFound, match=r"confidence 0\.55, at least 0\.6 expected"):
        look_at([hand])
    assert look_at([hand], hand_box=HandBox(30, 20, 150, 220)).confidence == pytest.approx(0.55)


def test_what_is_half_sure_and_has_no_thumb_is_no_hand_unless_a_person_drew_its_box(look_at):
    wide = AHand(20, 30, 160, 150, 0.9, detection.FOUND_ANY_SHAPE - 0.05)
    with pytest.raises(NoHandFound, match=r"not of a hand's shape: its thumb would reach 0\.8\d"):
        look_at([wide])
    assert look_at([wide], hand_box=HandBox(10, 20, 190, 190)).confidence == pytest.approx(0.73)
    assert look_at([AHand(20, 30, 160, 150)]).confidence == pytest.approx(0.9)


def test_nothing_found_names_the_limit_and_the_best(look_at):
    with pytest.raises(NoHandFound, match=r"confidence 0\.50; best was 0\.31.*--hand-box"):
        look_at([AHand(40, 30, 100, 180, confidence=0.31)])


def test_an_empty_picture_has_no_hand(look_at):
    with pytest.raises(NoHandFound, match=r"best was 0\.00"):
        look_at([], noise=0)


def test_two_hands_apart_are_refused_with_both_boxes(look_at):
    hands = [AHand(10, 30, 80, 150, 0.95), AHand(110, 40, 80, 150)]
    with pytest.raises(SeveralHandsFound, match=r"found 2 \(boxes 10,30,90,180; 110,40,190,190\)"):
        look_at(hands)


def test_a_faint_second_hand_does_not_count(look_at):
    found = look_at([AHand(10, 30, 80, 150), AHand(110, 40, 80, 150, confidence=0.3)])
    assert found.box.left == pytest.approx(10, abs=0.1)


def test_a_hand_that_is_gone_at_the_second_look_is_none(look_at):
    with pytest.raises(NoHandFound, match="not again when looked at closely"):
        look_at([AHand(40, 30, 100, 180, 0.9, 0.0)])


def test_two_looks_at_different_things_find_no_hand(look_at):
    with pytest.raises(NoHandFound, match=r"key points 0\.6\d of a hand's length apart, at most 0\.25"):
        look_at([AHand(40, 30, 100, 180, shifts=(0.0, 0.3, 0.0, 0.3))])


def test_an_experts_box_is_kept_and_decides_between_two_hands(look_at, monkeypatch):
    left, right = AHand(10, 30, 80, 150, 0.2), AHand(110, 40, 80, 150)
    box = HandBox(5, 20, 95, 190)
    found = look_at([left], hand_box=box)
    assert found.box == box
    assert pose_points(found.pose) == pytest.approx(left.points, abs=0.1)
    assert look_at([right], hand_box=HandBox(100, 20, 200, 200)).pose.capitate[0] > 100


def test_an_experts_box_without_a_hand_is_refused_with_its_numbers(look_at):
    with pytest.raises(NoHandFound, match=r"box 5,20,95,190 above confidence 0\.10; best was 0\.06"):
        look_at([AHand(10, 30, 80, 150, 0.06)], hand_box=HandBox(5, 20, 95, 190))


class AHandThatMayBeTooSmall(AHand):
    """Of which the network is the less sure, the smaller it is shown."""

    def seen(self, to_scene, look):
        middle_x, middle_y, width, height, _, *points = super().seen(to_scene, look)
        return [middle_x, middle_y, width, height, min(height / (0.5 * SIDE), 0.9), *points]


@pytest.mark.parametrize(
    ("rows", "columns", "pixel_aspect", "box"),
    [(900, 300, 1.0, (40, 600, 180, 260)), (300, 900, 1.0, (40, 20, 200, 260)), (300, 300, 3.0, (50, 210, 180, 80))],
)
def test_a_hand_too_small_on_a_long_radiograph_is_found_along_it(look_at, rows, columns, pixel_aspect, box):
    hand = AHandThatMayBeTooSmall(*box)
    found = look_at([hand], rows, columns, pixel_aspect)
    assert found.confidence > detection.SURE_HAND
    assert pose_points(found.pose) == pytest.approx(hand.points, abs=0.2)


def test_a_hand_too_small_on_a_radiograph_that_is_not_long_is_none(look_at):
    with pytest.raises(NoHandFound, match=r"best was 0\.4"):
        look_at([AHandThatMayBeTooSmall(300, 600, 180, 260)], 1200, 900)


def test_two_hands_that_are_too_small_on_a_long_radiograph_are_still_two(look_at):
    hands = [AHandThatMayBeTooSmall(left, 20, 200, 260) for left in (40, 600)]
    with pytest.raises(SeveralHandsFound, match="found 2"):
        look_at(hands, 300, 900)


@pytest.mark.parametrize("columns", [300, 900])
def test_two_hands_that_overlap_are_two_also_where_both_are_unsure(look_at, columns):
    hands = [AHand(20, 20, 150, 260, confidence=0.6), AHand(90, 20, 150, 260, confidence=0.55)]
    with pytest.raises(SeveralHandsFound, match="found 2"):
        look_at(hands, 300, columns)


@pytest.mark.parametrize("pixel_aspect", [1.0, 1.4])
def test_an_experts_box_is_seen_whole_with_a_margin(pixel_aspect):
    to_scene = detection._view_of_box(HandBox(30, 40, 130, 240), pixel_aspect)
    (left, top), (right, bottom) = move(np.array([(29.5, 39.5), (129.5, 239.5)]), to_scene)
    assert (left + right) / 2 == pytest.approx((SIDE - 1) / 2) == pytest.approx((top + bottom) / 2)
    assert (bottom - top) * 1.3 == pytest.approx(SIDE)
    assert (bottom - top) / (right - left) == pytest.approx(2 * pixel_aspect)


def test_candidates_are_moved_back_by_the_inverse_of_the_view():
    to_scene = letterbox((300, 200), 1.0, SIDE)
    hand = AHand(40, 30, 100, 180)
    candidate = detection._candidate(np.array(hand.seen(to_scene, 0)), invert(to_scene), (300, 200))
    assert candidate.pose == HandPose(*(pytest.approx(tuple(point)) for point in hand.points))

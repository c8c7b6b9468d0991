"""Room 2: radiograph -> hand box and key points, by YOLO11 looking twice.

The first look sees the whole radiograph; where that is long, a small hand is looked for along it too. The second sees
the hand alone, upright and of one size: it gives the key points, as the mean over slightly different looks, and how far
both looks agree tells how sure they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from boneage.errors import NoHandFound, SeveralHandsFound
from boneage.geometry import (
    HandFrame,
    frame_from_radiograph,
    invert,
    letterbox,
    mirrored,
    move,
    pose_distance,
    pose_from_points,
    pose_points,
    thumb_reach,
    turned,
)
from boneage.imaging import cut, stretched
from boneage.models import ModelFile
from boneage.runtime import Network
from boneage.types import Hand, HandBox, HandPose, Radiograph

SIDE = 192
FOUND = 0.5  # a hand, if the confidence is above
FOUND_CLOSER = 0.6  # of the closer look at the upright hand (held-out hands: least of 250 is 0.77)
FOUND_ANY_SHAPE = 0.78  # below, what is seen must also have the proportions of a hand: drawn feet come up to 0.8
LONGEST_THUMB = 0.775  # of a hand's length from the capitate (98 % of hands: below; of drawn feet: 7 %)
SURE_HAND = 0.68  # below, the answer comes with a warning (1,000 held-out radiographs: none)
SECOND_HAND = 0.5  # another hand, if its confidence is above
SAME_HAND = 0.4  # candidates whose boxes overlap by more are one hand (IoU; among squares, of the smaller box)
LONG = 1.6  # longer than wide by this: a hand may look too small on it to be sure of
INSIDE_A_BOX = 0.1  # confidence that is enough where an expert drew the box
SURE_POSE = 0.15  # both looks agree; above, the answer comes with a warning
LOST_POSE = 0.25  # the looks speak of different things: no hand (held-out hands: one in 300 is above 0.15)

CLOSER_LOOKS = 3  # at most
# Degrees and size of further closer looks. With the mean of their key points, ages of a radiograph and of the same
# turned by 10 degrees differ by 1.0 instead of 1.4 months, of its mirror image by 1.0 instead of 1.3 (119 of the
# validation split).
FURTHER_LOOKS = ((-8.0, 0.94), (8.0, 1.06))
SECOND_LOOK = HandFrame(SIDE, SIDE, hand_length=0.5, capitate=(0.48, 0.66))
BOX_MARGIN = 0.15  # around an expert's box, as a part of its longer side


@dataclass(frozen=True)
class _Candidate:
    """What YOLO proposes, in pixels of the radiograph."""

    box: HandBox
    pose: HandPose
    confidence: float


class HandDetector:
    """YOLO11n-pose, compiled; may be used from several threads."""

    def __init__(self, model: ModelFile, threads: int | None = None) -> None:
        self._network = Network(model, threads)

    def find_hand(self, radiograph: Radiograph, hand_box: HandBox | None = None) -> Hand:
        """Return the one hand of a radiograph.

        Args:
            radiograph: To look at.
            hand_box: An expert's box, which is kept; only the key points are looked for in it.

        Raises:
            NoHandFound: If no hand is seen with enough certainty.
            SeveralHandsFound: If there are more, and no box says which.
        """
        first = self._first_look(radiograph) if hand_box is None else self._look_into(radiograph, hand_box)
        pose, confidence, pose_error, either_side = self._look_closer(radiograph, first)
        if pose_error > LOST_POSE or (hand_box is None and confidence < FOUND_CLOSER):
            raise NoHandFound(
                f"Something like a hand was seen (confidence {first.confidence:.2f}), but not again when looked at "
                f"closely (confidence {confidence:.2f}, at least {FOUND_CLOSER} expected; key points {pose_error:.2f} "
                f"of a hand's length apart, at most {LOST_POSE}).",
                _DRAW_A_BOX,
            )
        reach = thumb_reach(pose, radiograph.pixel_aspect)
        if hand_box is None and confidence < FOUND_ANY_SHAPE and reach > LONGEST_THUMB:
            raise NoHandFound(
                f"Something like a hand was seen (confidence {confidence:.2f}), but not of a hand's shape: its thumb "
                f"would reach {reach:.2f} of the hand's length from the capitate, at most {LONGEST_THUMB} expected.",
                _DRAW_A_BOX,
            )
        return Hand(hand_box or first.box, pose, confidence, pose_error, either_side)

    def _look_closer(self, radiograph: Radiograph, first: _Candidate) -> tuple[HandPose, float, float, bool]:
        """Look at the upright hand until two looks agree; return pose, confidence and how far the last two differ.

        A hand that lies upside down is often taken for its mirror image at first; upright, it is seen for what it is.
        Where it then could be either, which is told as well, the surer one counts.
        """
        seen = first
        for _ in range(CLOSER_LOOKS):
            closer = self._second_look(radiograph, seen.pose)
            pose_error = pose_distance(seen.pose, closer.pose, radiograph.pixel_aspect)
            if pose_error <= SURE_POSE or closer.confidence == 0.0:
                break
            seen = closer
        image = self._mirror_image(radiograph, closer)
        if image and image.confidence > closer.confidence:
            closer, image = image, closer
        confidence = min(first.confidence, closer.confidence)
        return self._mean_pose(radiograph, closer), confidence, pose_error, image is not None

    def _mirror_image(self, radiograph: Radiograph, seen: _Candidate) -> _Candidate | None:
        """Return what is seen of a hand taken for its mirror image; None if it is not taken for it."""
        taken_for = mirrored(seen.pose, radiograph.pixel_aspect)
        image = self._second_look(radiograph, taken_for)
        return image if pose_distance(taken_for, image.pose, radiograph.pixel_aspect) <= SURE_POSE else None

    def _mean_pose(self, radiograph: Radiograph, seen: _Candidate) -> HandPose:
        """Return the mean of the key points of a closer look and of those further looks that agree with it."""
        poses = [seen.pose]
        for look in FURTHER_LOOKS if seen.confidence else ():
            further = self._second_look(radiograph, seen.pose, turned(*look))
            if pose_distance(seen.pose, further.pose, radiograph.pixel_aspect) <= SURE_POSE:
                poses.append(further.pose)
        return pose_from_points(np.mean([pose_points(pose) for pose in poses], axis=0))

    def _first_look(self, radiograph: Radiograph) -> _Candidate:
        whole = letterbox(radiograph.pixels.shape, radiograph.pixel_aspect, SIDE)
        candidates = self._candidates(radiograph, whole)
        if _best(candidates) < SURE_HAND and len(_hands(candidates)) < 2:
            candidates = self._looked_along(radiograph, candidates)
        if _best(candidates) < FOUND:
            raise NoHandFound(f"No hand above confidence {FOUND:.2f}; best was {_best(candidates):.2f}.", _DRAW_A_BOX)
        hands = _hands(candidates)
        if len(hands) > 1:
            boxes = "; ".join(_box_words(hand.box) for hand in hands)
            raise SeveralHandsFound(
                f"Expected one hand, found {len(hands)} (boxes {boxes}).",
                "Say which one to assess by its box (--hand-box LEFT,TOP,RIGHT,BOTTOM).",
            )
        return candidates[0]

    def _looked_along(self, radiograph: Radiograph, candidates: list[_Candidate]) -> list[_Candidate]:
        """Return the candidates with those of squares along a long radiograph, best first, one for each hand."""
        squares = _squares_along(radiograph.pixels.shape, radiograph.pixel_aspect)
        if not squares:
            return candidates
        for square in squares:
            candidates = candidates + self._candidates(radiograph, _view_of_box(square, radiograph.pixel_aspect))
        kept: list[_Candidate] = []
        for candidate in sorted(candidates, key=lambda one: -one.confidence):
            if all(_covered(candidate.box, other.box) < SAME_HAND for other in kept):
                kept.append(candidate)
        return kept

    def _look_into(self, radiograph: Radiograph, box: HandBox) -> _Candidate:
        candidates = self._candidates(radiograph, _view_of_box(box, radiograph.pixel_aspect))
        if not candidates or candidates[0].confidence < INSIDE_A_BOX:
            best = candidates[0].confidence if candidates else 0.0
            raise NoHandFound(
                f"No hand in the box {_box_words(box)} above confidence {INSIDE_A_BOX:.2f}; best was {best:.2f}.",
                "Draw the box around the whole hand, from the finger tips to the wrist.",
            )
        return candidates[0]

    def _second_look(self, radiograph: Radiograph, pose: HandPose, turn: np.ndarray | None = None) -> _Candidate:
        """Return what is seen where the first look found the hand; confidence 0 and a far pose if nothing is."""
        closer = frame_from_radiograph(pose, radiograph.pixel_aspect, SECOND_LOOK, turn)
        candidates = self._candidates(radiograph, closer)
        if not candidates:
            nowhere = pose_from_points(np.full((3, 2), -1e6))
            return _Candidate(HandBox(0, 0, 0, 0), nowhere, 0.0)
        return min(candidates, key=lambda candidate: pose_distance(pose, candidate.pose, radiograph.pixel_aspect))

    def _candidates(self, radiograph: Radiograph, to_scene: np.ndarray) -> list[_Candidate]:
        """Return what is seen through a transform to a SIDE x SIDE scene, best first, one for each hand."""
        scene = stretched(cut(radiograph.pixels, to_scene, SIDE, SIDE))
        proposals = self._network(scene[None, None])[0].T
        proposals = proposals[proposals[:, 4] >= INSIDE_A_BOX / 2]
        kept: list[np.ndarray] = []
        for proposal in proposals[np.argsort(-proposals[:, 4])]:
            if all(_overlap(proposal[:4], other[:4]) < SAME_HAND for other in kept):
                kept.append(proposal)
        return [_candidate(proposal, invert(to_scene), radiograph.pixels.shape) for proposal in kept]


_DRAW_A_BOX = "If there is a hand, draw the box around it by hand (--hand-box LEFT,TOP,RIGHT,BOTTOM)."


def _best(candidates: list[_Candidate]) -> float:
    return candidates[0].confidence if candidates else 0.0


def _hands(candidates: list[_Candidate]) -> list[_Candidate]:
    return [candidate for candidate in candidates if candidate.confidence >= SECOND_HAND]


def _candidate(proposal: np.ndarray, to_radiograph: np.ndarray, shape: tuple[int, ...]) -> _Candidate:
    x, y, width, height = proposal[:4]
    middles = [(x - width / 2, y), (x + width / 2, y), (x, y - height / 2), (x, y + height / 2)]
    sides = move(np.array(middles), to_radiograph)
    left, top = np.maximum(sides.min(0), 0)
    right, bottom = np.minimum(sides.max(0), (shape[1], shape[0]))
    points = move(proposal[5:11].reshape(3, 2).astype(float), to_radiograph)
    box = HandBox(float(left), float(top), float(right), float(bottom))
    return _Candidate(box, pose_from_points(points), float(proposal[4]))


def _overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Return the intersection over union of two boxes given by centre and size."""
    low = np.maximum(first[:2] - first[2:] / 2, second[:2] - second[2:] / 2)
    high = np.minimum(first[:2] + first[2:] / 2, second[:2] + second[2:] / 2)
    common = np.maximum(high - low, 0).prod()
    return float(common / (first[2:].prod() + second[2:].prod() - common))


def _covered(first: HandBox, second: HandBox) -> float:
    """Return how much of the smaller of two boxes lies in the other; a square may show a part of a hand."""
    width = min(first.right, second.right) - max(first.left, second.left)
    height = min(first.bottom, second.bottom) - max(first.top, second.top)
    smaller = min(first.width * first.height, second.width * second.height)
    return max(width, 0.0) * max(height, 0.0) / max(smaller, 1e-9)


def _squares_along(shape: tuple[int, ...], pixel_aspect: float) -> list[HandBox]:
    """Return squares as wide as a long radiograph, each half over the one before; none where it is not long."""
    rows, columns = shape
    height, width = rows * pixel_aspect, float(columns)
    short, long = min(height, width), max(height, width)
    if long < LONG * short:
        return []
    starts = np.linspace(0.0, long - short, int(np.ceil(2 * (long / short - 1))) + 1)
    if height > width:
        return [HandBox(0.0, start / pixel_aspect, width, (start + short) / pixel_aspect) for start in starts]
    return [HandBox(start, 0.0, start + short, float(rows)) for start in starts]


def _view_of_box(box: HandBox, pixel_aspect: float) -> np.ndarray:
    """Return the transform that fits a box, with a margin, into the scene."""
    height = box.height * pixel_aspect
    factor = SIDE / (max(box.width, height) * (1 + 2 * BOX_MARGIN))
    linear = np.diag([factor, factor * pixel_aspect])
    centre = np.array([(box.left + box.right) / 2, (box.top + box.bottom) / 2]) - 0.5
    return np.hstack([linear, ((SIDE - 1) / 2 - linear @ centre)[:, None]])


def _box_words(box: HandBox) -> str:
    return f"{box.left:.0f},{box.top:.0f},{box.right:.0f},{box.bottom:.0f}"

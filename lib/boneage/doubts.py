"""Radiograph, hand and outline -> the reasons to doubt an age from them, in sentences."""

from __future__ import annotations

import numpy as np

from boneage.covering import wrist_shown
from boneage.detection import SURE_HAND, SURE_POSE
from boneage.legibility import legibility
from boneage.types import Hand, Radiograph
from boneage.wholeness import shown_below_capitate, width_left_out, width_run_out

MOST_RUN_OUT = 0.05  # of a hand's length: half a finger (1 of 511 whole hands; 275 of 298 cut by 5 or 15 %)
MOST_LEFT_OUT = 0.09  # of a hand's length (0 of 511 whole hands; 13 of the 19 cut sides that do not run out)
LEAST_WRIST = 0.23  # of a hand's length, shown below the capitate (99 % of whole hands: above 0.28)
LEAST_HAND = 0.25  # part of the hand box that a believable mask fills


def doubts_about(radiograph: Radiograph, hand: Hand, hand_mask: np.ndarray) -> list[str]:
    """Return a sentence for each reason to doubt an age: unsure pose or outline, hand not whole or covered, bad film.

    Args:
        radiograph: Bone bright.
        hand: Found in it.
        hand_mask: (rows, columns) bool, on the radiograph's grid.

    Raises:
        UnreadableHand: If the film shows so little of the hand that there is nothing to read.
    """
    doubts = []
    if hand.pose_error > SURE_POSE:
        doubts.append(
            f"The pose of the hand is unsure (two looks differ by {hand.pose_error:.0%} of its length): "
            "check the key points before trusting the age."
        )
    if hand.either_side:
        doubts.append(
            "The thumb may lie on either side, and the hand be read as its mirror image: check the key points before "
            "trusting the age."
        )
    if hand.confidence < SURE_HAND:
        doubts.append(f"It is not sure that this is one whole hand (confidence {hand.confidence:.2f}): check it.")
    filled = hand_mask.sum() / max(hand.box.width * hand.box.height, 1.0)
    if filled < LEAST_HAND:
        doubts.append(f"The outline fills only {filled:.0%} of the hand's box: check it before trusting the age.")
    else:
        doubts += _doubts_of_wholeness(radiograph, hand, hand_mask)
    shown = legibility(radiograph.pixels, hand_mask, hand.pose, radiograph.pixel_aspect)
    if shown:
        shown.check()
        doubts += shown.doubts()
    wrist = wrist_shown(radiograph.pixels, hand_mask, hand.pose, radiograph.pixel_aspect)
    return doubts + (wrist.doubts() if wrist else [])


def _doubts_of_wholeness(radiograph: Radiograph, hand: Hand, hand_mask: np.ndarray) -> list[str]:
    doubts = []
    if _is_cut_off(radiograph, hand):
        doubts.append("A finger tip or the wrist lies outside the picture: the hand is not shown whole.")
    elif _runs_out(radiograph, hand, hand_mask):
        doubts.append("The hand runs out of the picture: a part of it may be missing.")
    below = shown_below_capitate(hand_mask, hand.pose, radiograph.pixel_aspect)
    if below < LEAST_WRIST:
        doubts.append(
            f"Only {below:.0%} of the hand's length is shown below the capitate: "
            "the growth plates of radius and ulna may be missing."
        )
    return doubts


def _runs_out(radiograph: Radiograph, hand: Hand, hand_mask: np.ndarray) -> bool:
    shown = (radiograph.pixels, hand_mask, hand.pose, radiograph.pixel_aspect)
    return width_run_out(*shown) > MOST_RUN_OUT or width_left_out(*shown) > MOST_LEFT_OUT


def _is_cut_off(radiograph: Radiograph, hand: Hand) -> bool:
    rows, columns = radiograph.pixels.shape
    margin = 0.01 * max(rows, columns)
    points = (hand.pose.middle_tip, hand.pose.thumb_tip, hand.pose.capitate)
    return any(not (-margin <= x <= columns + margin and -margin <= y <= rows + margin) for x, y in points)

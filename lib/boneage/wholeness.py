"""Is the hand shown whole? From its outline and key points, and where the picture ends."""

from __future__ import annotations

import numpy as np

from boneage.geometry import HandFrame, frame_from_radiograph, hand_length, move
from boneage.types import HandPose

WRIST = -0.1  # nearer to the elbow, the outline may well run out of the picture
ONE_GREY = 0.03  # a row or column is border if its values spread by less than this part of the picture's
NOT_GROUND = 0.6  # a line along a border is the picture's end if this part of it differs from the border
INSET = 0.027  # of a hand's length: an outline this near to the edge touches it

FINE = 500  # pixels of the longer side are enough to see where an outline ends

# Hand lengths around the capitate; the middle finger's tip is at y = -1.
_HAND_LENGTHS = HandFrame(1, 1, hand_length=1.0, capitate=(0.0, 0.0))


def length_cut_off(pixels: np.ndarray, hand_mask: np.ndarray, pose: HandPose, pixel_aspect: float) -> float:
    """Return how much of the hand's outline, above the wrist, lies on the picture's edge, in hand lengths.

    Args:
        pixels: (rows, columns); what is one grey at its edges is border, not picture.
        hand_mask: (rows, columns) bool.
        pose: In pixels.
        pixel_aspect: Height / width of a pixel.
    """
    to_hand = frame_from_radiograph(pose, pixel_aspect, _HAND_LENGTHS)
    on_edge = _edge(pixels, max(round(INSET * hand_length(pose, pixel_aspect)), 1))
    rows, columns = np.nonzero(on_edge & hand_mask)
    above_wrist = move(np.stack([columns, rows], axis=1), to_hand)[:, 1] < WRIST
    return float(above_wrist.sum() * np.sqrt(abs(np.linalg.det(to_hand[:, :2]))))


def shown_below_capitate(hand_mask: np.ndarray, pose: HandPose, pixel_aspect: float) -> float:
    """Return how far the outline reaches below the capitate, in hand lengths; 0 for an empty one."""
    step = max(max(hand_mask.shape) // FINE, 1)
    rows, columns = np.nonzero(hand_mask[::step, ::step])
    points = step * np.stack([columns, rows], axis=1)
    down = move(points, frame_from_radiograph(pose, pixel_aspect, _HAND_LENGTHS))[:, 1]
    return float(down.max(initial=0.0))


def _edge(pixels: np.ndarray, inset: int) -> np.ndarray:
    """Return (rows, columns) bool: the lines on which the picture ends, `inset` pixels further in.

    It ends where the file ends, and at its border if it has one; but where a line along the border is mostly as flat as
    the border, that is dark ground beside the hand.
    """
    inset = min(inset, min(pixels.shape) // 4)
    edge = np.zeros(pixels.shape, bool)
    edge[[inset, -1 - inset], :] = edge[:, [inset, -1 - inset]] = True
    least = ONE_GREY * float(np.ptp(pixels))
    rows, columns = (np.flatnonzero(np.ptp(pixels, axis=axis) > least) for axis in (1, 0))
    if not len(rows) or not len(columns):
        return edge
    top, left = (min(int(shown[0]) + inset, int(shown[-1])) for shown in (rows, columns))
    bottom, right = (max(int(shown[-1]) - inset, 0) for shown in (rows, columns))
    for line, outside in (
        (np.s_[top, left:right], pixels[0, 0]),
        (np.s_[bottom, left:right], pixels[-1, -1]),
        (np.s_[top:bottom, left], pixels[0, 0]),
        (np.s_[top:bottom, right], pixels[-1, -1]),
    ):
        edge[line] |= pixels[line].size > 0 and np.mean(np.abs(pixels[line] - outside) > least) > NOT_GROUND
    return edge

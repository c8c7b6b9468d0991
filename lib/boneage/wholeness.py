"""Is the hand shown whole? From its outline and key points, and where the picture ends."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation

from boneage.geometry import HandFrame, frame_from_radiograph, hand_length, move
from boneage.types import HandPose

FINE = 500  # pixels of the longer side are enough to see where a hand ends

WRIST = -0.1  # nearer to the elbow, the hand may well run out of the picture
ONE_GREY = 0.03  # a row or column is border if its values spread by less than this part of the picture's
# The segmenter rounds off what is cut: a cut hand's outline ends up to this part of a hand's length before the picture.
NEAR = 0.06
LIKE_HAND = 0.75  # from the ground's grey (0) to that of the hand (1), on the picture's last line: the hand goes on
LEAST_CONTRAST = 0.35  # of a finger against the ground, as a part of the whole hand's

# Hand lengths around the capitate; the middle finger's tip is at y = -1.
_HAND_LENGTHS = HandFrame(1, 1, hand_length=1.0, capitate=(0.0, 0.0))


def width_run_out(pixels: np.ndarray, hand_mask: np.ndarray, pose: HandPose, pixel_aspect: float) -> float:
    """Return how much of the hand, above the wrist, runs out of the picture: its width there, in hand lengths.

    It is measured where the picture ends, on the side where the hand is widest there.

    Args:
        pixels: (rows, columns), bone bright; what is one grey at its edges is border, not picture.
        hand_mask: (rows, columns) bool.
        pose: In pixels.
        pixel_aspect: Height / width of a pixel.
    """
    step = max(max(pixels.shape) // FINE, 1)
    shown, mask = pixels[::step, ::step], hand_mask[::step, ::step]
    to_hand = frame_from_radiograph(pose, pixel_aspect, _HAND_LENGTHS)
    reach = max(round(NEAR * hand_length(pose, pixel_aspect) / step), 2)
    hand = mask.copy()
    hand[mask] = move(_points(mask, step), to_hand)[:, 1] < WRIST
    sides = ((np.rot90(shown, side), np.rot90(mask, side), np.rot90(hand, side)) for side in range(4))
    widest = max(_width_at_top(*side, reach) for side in sides)
    return float(widest * step * np.sqrt(abs(np.linalg.det(to_hand[:, :2]))))


def shown_below_capitate(hand_mask: np.ndarray, pose: HandPose, pixel_aspect: float) -> float:
    """Return how far the outline reaches below the capitate, in hand lengths; 0 for an empty one."""
    step = max(max(hand_mask.shape) // FINE, 1)
    points = _points(hand_mask[::step, ::step], step)
    down = move(points, frame_from_radiograph(pose, pixel_aspect, _HAND_LENGTHS))[:, 1]
    return float(down.max(initial=0.0))


def _points(mask: np.ndarray, step: int) -> np.ndarray:
    """Return (n, 2) x, y of a mask's pixels, row by row, in pixels of the picture of which it shows every `step`-th."""
    rows, columns = np.nonzero(mask)
    return step * np.stack([columns, rows], axis=1)


def _width_at_top(pixels: np.ndarray, mask: np.ndarray, hand: np.ndarray, reach: int) -> int:
    """Return on how many pixels of the picture's top line the hand goes on, where its outline comes near.

    Args:
        pixels: (rows, columns).
        mask: The hand and the forearm.
        hand: The part above the wrist.
        reach: Pixels that are near.
    """
    border, least = _border_above(pixels), ONE_GREY * float(np.ptp(pixels))
    top = min(border + 1, len(pixels) - 1)  # the very first line may be half border
    line, near = pixels[top], hand[top : top + reach].any(axis=0)
    if not near.any():
        return 0
    deep = np.s_[top : top + 2 * reach]
    beside = binary_dilation(near, iterations=4 * reach) & ~binary_dilation(mask[deep].any(axis=0), iterations=reach)
    inside = float(np.median(pixels[deep][hand[deep]]))
    ground = float(np.median(line[beside])) if beside.any() else float(line.min())
    if border and abs(ground - float(np.median(pixels[0]))) < least:
        return 0  # ground as dark as the border: it is the hand itself that begins here
    if inside - ground <= LEAST_CONTRAST * max(float(np.median(pixels[mask])) - ground, 0.0):
        return 0
    return int(np.sum(near & (line > ground + LIKE_HAND * (inside - ground))))


def _border_above(pixels: np.ndarray) -> int:
    """Return how many rows at the top are of one grey; 0 if all are."""
    flat = np.ptp(pixels, axis=1) <= ONE_GREY * float(np.ptp(pixels))
    return 0 if flat.all() else int(np.argmin(flat))

"""Is the hand shown whole? From its outline and key points, and where the picture ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation, distance_transform_edt, label, mean

from boneage.geometry import HandFrame, frame_from_radiograph, hand_length, move
from boneage.types import HandPose

FINE = 500  # pixels of the longer side are enough to see where a hand ends

WRIST = -0.1  # nearer to the elbow, the hand may well run out of the picture
ONE_GREY = 0.03  # a row or column is border if its values spread by less than this part of the hand's
# The segmenter rounds off what is cut: a cut hand's outline ends up to this part of a hand's length before the picture.
NEAR = 0.06
LIKE_HAND = 0.75  # from the ground's grey (0) to that of the hand (1), on the picture's last line: the hand goes on
LEAST_CONTRAST = 0.35  # of a finger against the ground, as a part of the whole hand's
# On ground as black as the border, the picture's last line is where the hand begins. A tip begins narrow: up to this
# part of the width that it has `NEAR` (whole hands of the validation split: at most 0.23; cut ones: 0.6 and more).
NARROW = 0.4

# A finger cut lengthwise is left out by the segmenter. What lies beside the outline is one if, so near and so thick, it
# is about as bright as the hand; the bright edge of a collimation is thinner, a marker brighter.
BESIDE, THICK = 0.15, 0.07  # hand lengths
FAINT, BRIGHT = 0.4, 2.0  # from the ground's grey (0) to that of the hand (1)

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
    sides = list(_sides(pixels, hand_mask, pose, pixel_aspect))
    return max(_width_at_top(side) / side.unit for side in sides)


def width_left_out(pixels: np.ndarray, hand_mask: np.ndarray, pose: HandPose, pixel_aspect: float) -> float:
    """Return how long the picture's edge is where something like the hand runs out of it beside the outline.

    In hand lengths, on the side where it is longest; the arguments are those of `width_run_out`.
    """
    sides = list(_sides(pixels, hand_mask, pose, pixel_aspect))
    if not hand_mask.any() or not sides[0].hand.any():
        return 0.0
    ground, hand = _greys(sides[0])
    return max(_width_beside_top(side, ground, hand) / side.unit for side in sides)


def shown_below_capitate(hand_mask: np.ndarray, pose: HandPose, pixel_aspect: float) -> float:
    """Return how far the outline reaches below the capitate, in hand lengths; 0 for an empty one."""
    step = max(max(hand_mask.shape) // FINE, 1)
    points = _points(hand_mask[::step, ::step], step)
    down = move(points, frame_from_radiograph(pose, pixel_aspect, _HAND_LENGTHS))[:, 1]
    return float(down.max(initial=0.0))


@dataclass(frozen=True, eq=False)
class _Side:
    """The picture, reduced, with one of its sides on top.

    Attributes:
        pixels: (rows, columns).
        mask: (rows, columns) bool: the hand and the forearm.
        hand: (rows, columns) bool: the part above the wrist.
        unit: Pixels of a hand's length.
        least: The difference of greys that is seen.
    """

    pixels: np.ndarray
    mask: np.ndarray
    hand: np.ndarray
    unit: float
    least: float

    @property
    def border(self) -> int:
        """How many rows at the top are of one grey; 0 if all are."""
        flat = np.ptp(self.pixels, axis=1) <= self.least
        return 0 if flat.all() else int(np.argmin(flat))

    @property
    def top(self) -> int:
        """The first row of the picture proper."""
        return min(self.border + 1, len(self.pixels) - 1)  # the very first may be half border

    def reach(self, hand_lengths: float) -> int:
        """Return a length in pixels."""
        return max(round(hand_lengths * self.unit), 2)


def _sides(pixels: np.ndarray, hand_mask: np.ndarray, pose: HandPose, pixel_aspect: float) -> Iterator[_Side]:
    step = max(max(pixels.shape) // FINE, 1)
    shown, mask = pixels[::step, ::step], hand_mask[::step, ::step]
    to_hand = frame_from_radiograph(pose, pixel_aspect, _HAND_LENGTHS)
    hand = mask.copy()
    hand[mask] = move(_points(mask, step), to_hand)[:, 1] < WRIST
    brightest = np.quantile(shown[mask], 0.99) if mask.any() else shown.max()  # not that of a marker
    least = ONE_GREY * float(brightest - shown.min())
    unit = hand_length(pose, pixel_aspect) / step
    for side in range(4):
        yield _Side(np.rot90(shown, side), np.rot90(mask, side), np.rot90(hand, side), unit, least)


def _points(mask: np.ndarray, step: int) -> np.ndarray:
    """Return (n, 2) x, y of a mask's pixels, row by row, in pixels of the picture of which it shows every `step`-th."""
    rows, columns = np.nonzero(mask)
    return step * np.stack([columns, rows], axis=1)


def _width_at_top(side: _Side) -> int:
    """Return on how many pixels of the picture's top line the hand goes on, where its outline comes near."""
    pixels, mask, hand, reach, top = side.pixels, side.mask, side.hand, side.reach(NEAR), side.top
    line, near = pixels[top], hand[top : top + reach].any(axis=0)
    if not near.any():
        return 0
    deep = np.s_[top : top + 2 * reach]
    beside = binary_dilation(near, iterations=4 * reach) & ~binary_dilation(mask[deep].any(axis=0), iterations=reach)
    inside = float(np.median(pixels[deep][hand[deep]]))
    ground = float(np.median(line[beside])) if beside.any() else float(line.min())
    if inside - ground <= LEAST_CONTRAST * max(float(np.median(pixels[mask])) - ground, 0.0):
        return 0
    goes_on = near & (line > ground + LIKE_HAND * (inside - ground))
    is_black_ground = side.border > 0 and abs(ground - float(np.median(pixels[0]))) < side.least
    return 0 if is_black_ground and _begins_narrow(near, goes_on) else int(goes_on.sum())


def _begins_narrow(near: np.ndarray, goes_on: np.ndarray) -> bool:
    """Say whether each finger (n,) near the picture's end has there but a part of its width."""
    fingers, count = label(near)
    return bool(max(mean(goes_on, fingers, range(1, count + 1))) < NARROW)


def _greys(side: _Side) -> tuple[float, float]:
    """Return the grey of the ground around a hand, and that of the hand."""
    away = distance_transform_edt(~side.mask)
    around = (away > side.reach(NEAR / 2)) & (away <= side.reach(BESIDE))
    ground = np.median(side.pixels[around]) if around.any() else side.pixels.min()
    return float(ground), float(np.median(side.pixels[side.hand]))


def _width_beside_top(side: _Side, ground: float, hand: float) -> int:
    """Return on how many pixels of the picture's top line something thick is about as bright as the hand next to it."""
    thick, beside = (np.s_[side.top : side.top + side.reach(reach)] for reach in (THICK, BESIDE))
    strip = (side.pixels[thick] - ground) / max(hand - ground, 1e-6)
    like_hand = (strip.min(axis=0) > FAINT) & (strip.max(axis=0) < BRIGHT)
    return int(np.sum(like_hand & side.hand[beside].any(axis=0) & ~side.mask[thick].any(axis=0)))

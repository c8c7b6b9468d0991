"""Is the wrist covered, as by a cast? From the greys of the wrist, of the palm and of the ground beside both.

Whatever lies over the wrist lightens the ground beside it, takes contrast from what is below, or makes the wrist far
lighter than the palm. The limits lie beyond what 900 radiographs of the train split have and leave most of seven made
casts, on 149 of the validation split, on the other side; docs/accuracy.md says how often they are passed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from boneage.geometry import frame_from_radiograph
from boneage.imaging import cut
from boneage.legibility import FEWEST, FRAME
from boneage.types import HandPose

MOST_GROUND = 0.3  # (the 900: at most 0.25)
LEAST_CONTRAST = 0.9  # (at least 1.02, as a wrist is thicker than the palm)
MOST_WRIST = 1.2  # (at most 0.93)

# Hand lengths below the capitate.
HAND, PALM, WRIST = (-0.75, -0.15), (-0.35, -0.1), (0.08, 0.37)
INSET, REACH = 4, 15  # pixels from the outline: a strip that is neither hand nor ground, and how far the ground goes


@dataclass(frozen=True)
class Wrist:
    """How a film shows the wrist, each as a part of the contrast of the palm against the ground beside the hand.

    Attributes:
        ground: How much lighter the ground is beside the wrist than beside the hand.
        contrast: Of the wrist against the ground beside it.
        wrist: How much lighter the wrist is than the palm.
    """

    ground: float
    contrast: float
    wrist: float

    def doubts(self) -> list[str]:
        """Return a sentence if the wrist looks covered, none otherwise."""
        if self.ground > MOST_GROUND or self.contrast < LEAST_CONTRAST or self.wrist > MOST_WRIST:
            return ["The wrist looks covered, as by a cast: its bones may not be seen, and the age may be wrong."]
        return []


def wrist_shown(pixels: np.ndarray, hand_mask: np.ndarray, pose: HandPose, pixel_aspect: float) -> Wrist | None:
    """Measure how a film shows the wrist; None where wrist, palm or the ground beside them are not in the picture.

    Args:
        pixels: (rows, columns) float32, bone bright.
        hand_mask: (rows, columns) bool, the forearm included.
        pose: In pixels.
        pixel_aspect: Height / width of a pixel.
    """
    upright = frame_from_radiograph(pose, pixel_aspect, FRAME)
    greys = cut(pixels, upright, FRAME.rows, FRAME.columns, fill=np.nan)
    inside, around = _inside_and_around(cut(hand_mask.astype(np.float32), upright, FRAME.rows, FRAME.columns) > 0.5)
    around &= inside.any(axis=1, keepdims=True)  # no further than the hand is shown, as up to a collimator's edge
    ground, palm, wrist_ground, wrist = (
        _median(greys[where & _rows(band)])
        for where, band in ((around, HAND), (inside, PALM), (around, WRIST), (inside, WRIST))
    )
    contrast = palm - ground
    if np.isnan([contrast, wrist_ground, wrist]).any() or contrast <= 0:
        return None
    return Wrist((wrist_ground - ground) / contrast, (wrist - wrist_ground) / contrast, (wrist - palm) / contrast)


def _inside_and_around(shown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    import cv2

    hand = np.uint8(shown)
    inset, reach = (np.ones((2 * by + 1, 2 * by + 1), np.uint8) for by in (INSET, REACH))
    around = (cv2.dilate(hand, reach) > 0) & (cv2.dilate(hand, inset) == 0)
    return cv2.erode(hand, inset) > 0, around


def _rows(band: tuple[float, float]) -> np.ndarray:
    """Return (rows, 1) bool: those of a band of hand lengths below the capitate."""
    lengths = (np.arange(FRAME.rows)[:, None] / FRAME.rows - FRAME.capitate[1]) / FRAME.hand_length
    return (lengths > band[0]) & (lengths < band[1])


def _median(greys: np.ndarray) -> float:
    """Return the median of those in the picture, nan if they are too few."""
    seen = greys[np.isfinite(greys)]
    return float(np.median(seen)) if seen.size > FEWEST else np.nan

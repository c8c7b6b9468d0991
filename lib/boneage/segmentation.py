"""Room 3: radiograph and hand -> hand mask, by a U-Net that looks at the upright hand."""

from __future__ import annotations

import numpy as np

from boneage.frames import OUTLINE_FRAME
from boneage.geometry import frame_from_radiograph, invert, turned
from boneage.imaging import cut, stretched
from boneage.models import ModelFile
from boneage.runtime import Network
from boneage.types import Hand, Radiograph

LOOKS = ((-8.0, 0.95), (8.0, 1.05))  # degrees and size of the looks whose outlines are compared


class HandSegmenter:
    """The U-Net, compiled; may be used from several threads."""

    def __init__(self, model: ModelFile, threads: int | None = None) -> None:
        self._network = Network(model, threads)

    def outline(self, radiograph: Radiograph, hand: Hand) -> np.ndarray:
        """Return the hand mask: (rows, columns) bool on the radiograph's grid."""
        upright = frame_from_radiograph(hand.pose, radiograph.pixel_aspect, OUTLINE_FRAME)
        rows, columns = radiograph.pixels.shape
        probability = self.upright_probability(radiograph, hand)
        mask = cut(probability, invert(upright), rows, columns) > 0.5
        return _largest_part(mask)

    def disagreement(self, radiograph: Radiograph, hand: Hand) -> float:
        """Return 1 - Dice between the outline and those of looks turned and resized, averaged; 0 is full agreement."""
        plain = frame_from_radiograph(hand.pose, radiograph.pixel_aspect, OUTLINE_FRAME)
        outline = self.upright_probability(radiograph, hand) > 0.5
        apart = []
        for look in LOOKS:
            turn = turned(*look)
            other = frame_from_radiograph(hand.pose, radiograph.pixel_aspect, OUTLINE_FRAME, turn)
            back = plain @ np.vstack([invert(other), (0.0, 0.0, 1.0)])
            probability = self.upright_probability(radiograph, hand, turn)
            apart.append(1 - _dice(outline, cut(probability, back, *outline.shape) > 0.5))
        return float(np.mean(apart))

    def upright_probability(self, radiograph: Radiograph, hand: Hand, turn: np.ndarray | None = None) -> np.ndarray:
        """Return (rows, columns) float32 of `OUTLINE_FRAME`: the probability that a pixel is hand.

        Args:
            radiograph: To look at.
            hand: Where the hand lies.
            turn: Optional 3 x 3 transform of the upright hand, as `boneage.geometry.turned` makes it.
        """
        upright = frame_from_radiograph(hand.pose, radiograph.pixel_aspect, OUTLINE_FRAME, turn)
        piece = stretched(cut(radiograph.pixels, upright, OUTLINE_FRAME.rows, OUTLINE_FRAME.columns))
        logits = self._network(piece[None, None])[0, 0]
        return (1 / (1 + np.exp(-logits))).astype(np.float32)


def _dice(first: np.ndarray, second: np.ndarray) -> float:
    both = first.sum() + second.sum()
    return float(2 * (first & second).sum() / both) if both else 1.0


def _largest_part(mask: np.ndarray) -> np.ndarray:
    """Return the largest connected part of a mask, its holes filled: a hand is one piece."""
    import cv2

    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole = np.zeros(mask.shape, np.uint8)
    if contours:
        cv2.drawContours(whole, [max(contours, key=cv2.contourArea)], -1, 1, cv2.FILLED)
    return whole.astype(bool)

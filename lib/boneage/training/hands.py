"""Hands that people marked, in the form the trainings use, and radiographs kept in memory while a training runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from boneage.datasets import Annotation, Example, radiograph_of, read_annotations, read_rsna
from boneage.errors import InvalidData
from boneage.geometry import HandFrame, frame_from_radiograph, invert, move, pose_from_points
from boneage.types import HandPose

# Most hands carry key points but no drawn box. Edges of the box in hand lengths around the capitate
# (left, top, right, bottom) = (1, thumb tip x, thumb tip y) @ BOX_FROM_THUMB; least squares on the 454 hands with
# both, mean IoU with the drawn boxes 0.88.
BOX_FROM_THUMB = np.array(
    [[-0.245, -0.992, 0.044, 0.353], [-0.333, -0.006, 0.919, -0.028], [-0.062, 0.058, -0.029, 0.013]]
)
CORNER = 0.25  # part of a box's sides that its corners are cut by, where a turned hand's box is drawn anew


@dataclass(frozen=True, eq=False)
class MarkedHand:
    """One hand with its key points.

    Attributes:
        example: The radiograph.
        annotation: What was drawn on it, in fractions.
    """

    example: Example
    annotation: Annotation

    def pose(self, rows: int, columns: int) -> HandPose:
        """Return the key points in pixels of the radiograph."""
        assert self.annotation.key_points is not None
        return pose_from_points(self.annotation.key_points * (columns, rows) - 0.5)

    def hull(self, rows: int, columns: int) -> np.ndarray:
        """Return (8, 2): the box with its corners cut off, in pixels of the radiograph."""
        if self.annotation.box is not None:
            return octagon(*(self.annotation.box * (columns, rows, columns, rows)))
        upright = frame_from_radiograph(
            self.pose(rows, columns), self.example.pixel_aspect, HandFrame(1, 1, 1.0, (0.0, 0.0))
        )
        thumb = move(np.array(self.pose(rows, columns).thumb_tip), upright)
        return move(octagon(*(np.array([1.0, *thumb]) @ BOX_FROM_THUMB)), invert(upright))


def octagon(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Return (8, 2): a box with its corners cut off."""
    x, y = CORNER * (right - left), CORNER * (bottom - top)
    return np.array(
        [
            (left + x, top), (right - x, top), (right, top + y), (right, bottom - y),
            (right - x, bottom), (left + x, bottom), (left, bottom - y), (left, top + y),
        ]
    )  # fmt: skip


def marked_hands(data: Path, split: str, limit: int | None = None) -> list[MarkedHand]:
    """Return the hands of one split that have key points.

    Raises:
        InvalidData: If there is none.
    """
    annotations = read_annotations(data)
    hands = [
        MarkedHand(example, annotations[example.id])
        for example in read_rsna(data, with_age=False)
        if example.split == split and example.id in annotations and annotations[example.id].key_points is not None
    ]
    if not hands:
        raise InvalidData(
            f"No radiograph of split {split} in {data} has key points.", "See hand_keypoints_3.csv in README.md."
        )
    return hands[:limit]


class PixelStore:
    """Radiographs read once and kept as 8 bit; the longest side is reduced to `side`."""

    def __init__(self, side: int = 640) -> None:
        self._side = side
        self._kept: dict[Path, np.ndarray] = {}

    def __call__(self, example: Example) -> np.ndarray:
        """Return (rows, columns) float32, 0..1, of the example."""
        if example.path not in self._kept:
            self._kept[example.path] = self._read(example)
        return self._kept[example.path].astype(np.float32) / 255.0

    def _read(self, example: Example) -> np.ndarray:
        import cv2

        pixels = radiograph_of(example).pixels
        factor = self._side / max(pixels.shape)
        if factor < 1:
            pixels = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        return np.round(pixels * 255).astype(np.uint8)

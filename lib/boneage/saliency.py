"""Where a bone age comes from: spots of the upright hand are blurred one by one, and the age is estimated again.

Occlusion sensitivity (Zeiler and Fergus, 2014) with the network that is deployed. A spot is blurred, not blackened: its
brightness stays, its growth plates and edges go, so that the network still sees a hand.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from boneage.frames import AGE_FRAME
from boneage.geometry import HandFrame, move
from boneage.types import Saliency

SPOT = 1 / 24  # standard deviation of a spot, as a fraction of the view's height: about the width of a growth plate
STEP = 1 / 16  # between the centres of spots
BLUR = 1 / 32  # standard deviation of the blur
GRID = 96  # cells along the longest side of the radiograph
# The parts of the hand, upwards along the middle finger, in hand lengths from the capitate.
PARTS = {"forearm": (0.12, np.inf), "carpus": (-0.14, 0.12), "metacarpals": (-0.42, -0.14), "fingers": (-np.inf, -0.42)}


def saliency(
    view: np.ndarray,
    months_of: Callable[[np.ndarray], np.ndarray],
    from_radiograph: np.ndarray,
    shape: tuple[int, ...],
) -> Saliency:
    """Return how far the age moves when a spot is blurred.

    Args:
        view: (rows, columns) float32, what the regressor sees, in `AGE_FRAME`; black outside of the hand.
        months_of: (n, rows, columns) -> (n,) bone ages in months.
        from_radiograph: 2 x 3 transform from pixels of the radiograph to pixels of the view.
        shape: Of the radiograph.
    """
    spots = _spots(view)
    blurred = _blurred(view)
    views = np.stack([view, *(view + spot * (blurred - view) for spot in spots)]).astype(np.float32)
    months = months_of(views)
    moved = np.abs(months[1:] - months[0])
    covered = spots.sum(axis=0)
    upright = np.tensordot(moved, spots, axes=1) / np.maximum(covered, 1e-6) * (covered > 0.5) * (view > 0)
    return Saliency(_on_radiograph(upright, from_radiograph, shape), shares(upright))


def shares(upright: np.ndarray, frame: HandFrame = AGE_FRAME) -> dict[str, float]:
    """Return the share of each part of the hand in a map (rows, columns) in an upright frame; they sum to 1."""
    rows = upright.shape[0]
    along = (np.arange(rows) / rows - frame.capitate[1]) / frame.hand_length
    by_row = upright.sum(axis=1) / max(float(upright.sum()), 1e-9)
    return {part: float(by_row[(along >= top) & (along < bottom)].sum()) for part, (top, bottom) in PARTS.items()}


def _spots(view: np.ndarray) -> np.ndarray:
    """Return (n, rows, columns): Gaussian spots of height 1 on a grid, where there is a hand."""
    rows, columns = view.shape
    step, sigma = STEP * rows, SPOT * rows
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    centres = [
        (row, column)
        for row in np.arange(step / 2, rows, step)
        for column in np.arange(step / 2, columns, step)
        if view[int(row), int(column)] > 0
    ]
    return np.stack([np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * sigma**2)) for row, column in centres])


def _blurred(view: np.ndarray) -> np.ndarray:
    """Return the view blurred inside the hand; the black around it does not run in."""
    import cv2

    shown = (view > 0).astype(np.float32)
    sigma = BLUR * view.shape[0]
    both = [cv2.GaussianBlur(one, (0, 0), sigma) for one in (view, shown)]
    return both[0] / np.maximum(both[1], 1e-6) * shown


def _on_radiograph(upright: np.ndarray, from_radiograph: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the map on a coarse grid over the whole radiograph."""
    import cv2

    cell = max(shape) / GRID
    rows, columns = (max(round(side / cell), 1) for side in shape[:2])
    y, x = np.mgrid[:rows, :columns]
    centres = np.stack([(x + 0.5) * shape[1] / columns - 0.5, (y + 0.5) * shape[0] / rows - 0.5], axis=-1)
    where = move(centres, from_radiograph).astype(np.float32)
    return cv2.remap(upright.astype(np.float32), where[..., 0], where[..., 1], cv2.INTER_LINEAR)

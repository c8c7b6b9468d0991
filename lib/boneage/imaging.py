"""Pieces of radiographs, sampled through a transform without aliasing; contrast, to a common range or enhanced."""

from __future__ import annotations

import numpy as np

BRIGHTER_THAN_BONE = 1.5  # above the 95 % quantile of a hand's greys, in its distance from their median: lead


def cut(pixels: np.ndarray, transform: np.ndarray, rows: int, columns: int, fill: float = 0.0) -> np.ndarray:
    """Return (rows, columns) float32 sampled from `pixels` through a 2 x 3 transform.

    A large radiograph is first averaged down to about the resolution of the piece, so that an age
    does not depend on how many pixels a file has.

    Args:
        pixels: (rows, columns) float32.
        transform: From pixels of `pixels` to pixels of the piece.
        rows: Height of the piece.
        columns: Width of the piece.
        fill: Value outside of `pixels`.
    """
    import cv2

    scale = np.minimum(np.hypot(*transform[:, :2]), 1.0)
    height, width = pixels.shape
    reduced = max(round(width * scale[0]), 1), max(round(height * scale[1]), 1)
    if min(reduced[0] / width, reduced[1] / height) < 0.9:
        factors = reduced[0] / width, reduced[1] / height
        pixels = cv2.resize(pixels, reduced, interpolation=cv2.INTER_AREA)
        transform = transform @ _from_reduced(*factors)
    return cv2.warpAffine(
        pixels, transform, (columns, rows), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=fill
    )


def _from_reduced(x_factor: float, y_factor: float) -> np.ndarray:
    """Return the 3 x 3 transform from a reduced picture back to the original; pixel centres are at whole numbers."""
    matrix = np.diag([1 / x_factor, 1 / y_factor, 1.0])
    matrix[:2, 2] = 0.5 / x_factor - 0.5, 0.5 / y_factor - 0.5
    return matrix


def hand_range(greys: np.ndarray) -> tuple[float, float]:
    """Return the greys of a hand (n,) that become black and white; a lead marker over it does not count as bone.

    On radiographs as they come nothing is cut (validation split: at most 0.95 in 102, where 1.5 is allowed).
    """
    low, middle, bright, brightest = np.percentile(greys, (1.0, 50.0, 95.0, 99.5))
    return low, min(brightest, bright + BRIGHTER_THAN_BONE * max(bright - middle, 1e-3))


def stretched(piece: np.ndarray) -> np.ndarray:
    """Return `piece` with its 1 % and 99.5 % quantiles brought to 0 and 1, float32."""
    low, high = np.percentile(piece[::2, ::2], (1.0, 99.5))
    return np.clip((piece - low) / max(high - low, 1e-3), 0.0, 1.0).astype(np.float32)


def equalised(pixels: np.ndarray, clip: float) -> np.ndarray:
    """Return (rows, columns) float32, 0..1, with the local contrast enhanced by CLAHE on 8 x 8 tiles."""
    import cv2

    grey = np.round(pixels * 255).astype(np.uint8)
    return (cv2.createCLAHE(clip, (8, 8)).apply(grey) / 255).astype(np.float32)


def sharpened(pixels: np.ndarray, amount: float) -> np.ndarray:
    """Return (rows, columns) float32, 0..1, sharpened as workstations do: an unsharp mask of 1 % of the longer side."""
    import cv2

    soft = cv2.GaussianBlur(pixels, None, 0.01 * max(pixels.shape))
    return np.clip(pixels + amount * (pixels - soft), 0.0, 1.0)

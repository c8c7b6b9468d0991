"""What people drew on a radiograph, brought to its grid, and how far something found is from it."""

from __future__ import annotations

import numpy as np

from boneage.datasets import Annotation
from boneage.geometry import hand_length, pose_from_points, pose_points
from boneage.types import HandBox, HandPose


def drawn_box(box: np.ndarray, shape: tuple[int, ...]) -> HandBox:
    """Return a drawn box (4,) in pixels of a radiograph of (rows, columns)."""
    return HandBox(*(box * (shape[1], shape[0], shape[1], shape[0])).tolist())


def drawn_pose(annotation: Annotation, shape: tuple[int, ...]) -> HandPose | None:
    """Return the drawn key points in pixels of a radiograph of (rows, columns), pixel centres at whole numbers."""
    if annotation.key_points is None:
        return None
    return pose_from_points(annotation.key_points * (shape[1], shape[0]) - 0.5)


def drawn_mask(annotation: Annotation, shape: tuple[int, ...]) -> np.ndarray:
    """Return the drawn outline as a mask: (rows, columns) bool."""
    import cv2

    mask = np.zeros(shape, np.uint8)
    for polygons, value in ((annotation.outline, 1), (annotation.holes, 0)):
        for polygon in polygons:
            points = polygon * (shape[1], shape[0]) - 0.5
            cv2.fillPoly(mask, [np.round(points).astype(np.int32)], value)
    return mask.astype(bool)


def box_iou(first: HandBox, second: HandBox) -> float:
    """Return the intersection over union of two boxes."""
    width = min(first.right, second.right) - max(first.left, second.left)
    height = min(first.bottom, second.bottom) - max(first.top, second.top)
    common = max(width, 0.0) * max(height, 0.0)
    return common / (first.width * first.height + second.width * second.height - common)


def point_errors(true_pose: HandPose, found_pose: HandPose, pixel_aspect: float) -> tuple[float, ...]:
    """Return how far each of the three key points is off, as fractions of the true hand's length."""
    apart = (pose_points(found_pose) - pose_points(true_pose)) * (1.0, pixel_aspect)
    return tuple((np.hypot(*apart.T) / hand_length(true_pose, pixel_aspect)).tolist())


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Dice coefficient of two masks (rows, columns) bool; 0 if one is empty."""
    total = int(first.sum()) + int(second.sum())
    return 2.0 * int((first & second).sum()) / total if total else 0.0


def hausdorff_95(first: np.ndarray, second: np.ndarray, pixel_aspect: float = 1.0) -> float:
    """Return the 95 % Hausdorff distance of two masks' borders, the larger of both directions.

    Args:
        first: (rows, columns) bool.
        second: The same grid.
        pixel_aspect: Height / width of a pixel.

    Returns:
        In pixels of the radiograph's width; if a mask is empty, the radiograph's diagonal.
    """
    from scipy.ndimage import distance_transform_edt

    if not (first.any() and second.any()):
        return float(np.hypot(first.shape[1], first.shape[0] * pixel_aspect))
    borders = [_border(mask) for mask in (first, second)]
    far = [distance_transform_edt(~border, sampling=(pixel_aspect, 1.0)) for border in borders]
    return float(max(np.percentile(far[1][borders[0]], 95), np.percentile(far[0][borders[1]], 95)))


def _border(mask: np.ndarray) -> np.ndarray:
    """Return the pixels of a mask that have a neighbour outside; beyond the picture is outside."""
    from scipy.ndimage import binary_erosion

    return mask & ~binary_erosion(mask)

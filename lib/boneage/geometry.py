"""Where a hand lies: from key points in a radiograph to an upright hand of one size and one side.

Transforms are 2 x 3 matrices that take (x, y, 1) in pixels of one grid to (x, y) in pixels of another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from boneage.types import HandPose, Laterality


@dataclass(frozen=True)
class HandFrame:
    """An upright picture of a hand: middle finger up, thumb to the right.

    Attributes:
        rows: Height in pixels.
        columns: Width in pixels.
        hand_length: Distance from capitate to middle finger tip, as a fraction of the height.
        capitate: (x, y) of the capitate, as fractions of width and height.
    """

    rows: int
    columns: int
    hand_length: float = 0.67
    capitate: tuple[float, float] = (0.46, 0.745)

    def resized(self, rows: int, columns: int) -> HandFrame:
        """Return the same view at another size."""
        return HandFrame(rows, columns, self.hand_length, self.capitate)


def frame_from_radiograph(
    pose: HandPose, pixel_aspect: float, frame: HandFrame, jitter: np.ndarray | None = None
) -> np.ndarray:
    """Return the 2 x 3 transform from pixels of the radiograph to pixels of the upright frame.

    Args:
        pose: Key points in pixels of the radiograph.
        pixel_aspect: Height / width of a pixel; the hand's true shape is restored by it.
        frame: The view to bring the hand to.
        jitter: Optional 3 x 3 transform in hand lengths around the capitate, applied to the upright hand
            (augmentation).
    """
    upright = _upright(pose, pixel_aspect)
    if jitter is not None:
        upright = jitter @ upright
    length = frame.hand_length * frame.rows
    to_frame = np.array(
        [
            [length, 0.0, frame.capitate[0] * frame.columns],
            [0.0, length, frame.capitate[1] * frame.rows],
        ]
    )
    return to_frame @ upright


def turned(degrees: float, size: float) -> np.ndarray:
    """Return the 3 x 3 transform in hand lengths that turns and resizes an upright hand around its capitate."""
    angle = np.deg2rad(degrees)
    matrix = np.eye(3)
    matrix[:2, :2] = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return matrix


def _upright(pose: HandPose, pixel_aspect: float) -> np.ndarray:
    """Return the 3 x 3 transform to hand lengths: capitate at the origin, finger tip at (0, -1), thumb at x > 0."""
    points = _true_shape(pose, pixel_aspect)
    middle, thumb, capitate = points
    axis = middle - capitate
    length = max(float(np.hypot(*axis)), 1e-6)
    up = axis / length
    right = np.array([-up[1], up[0]])
    if (thumb - capitate) @ right < 0:
        right = -right
    rotation = np.stack([right, -up]) / length
    shape = np.diag([1.0, pixel_aspect])
    linear = rotation @ shape
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = -rotation @ capitate
    return matrix


def _true_shape(pose: HandPose, pixel_aspect: float) -> np.ndarray:
    """Return the three points (middle tip, thumb tip, capitate) with square pixels, (3, 2)."""
    return np.array([pose.middle_tip, pose.thumb_tip, pose.capitate]) * (1.0, pixel_aspect)


def letterbox(shape: tuple[int, ...], pixel_aspect: float, side: int) -> np.ndarray:
    """Return the 2 x 3 transform that fits a whole radiograph, its shape restored, into a square, centred."""
    rows, columns = shape
    factor = side / max(columns, rows * pixel_aspect)
    to_square = np.array([[factor, 0.0, 0.0], [0.0, factor * pixel_aspect, 0.0]])
    to_square[:, 2] = (side - 1) / 2 - to_square[:, :2] @ ((columns - 1) / 2, (rows - 1) / 2)
    return to_square


def invert(transform: np.ndarray) -> np.ndarray:
    """Return the 2 x 3 transform that goes the other way."""
    return np.linalg.inv(np.vstack([transform, (0.0, 0.0, 1.0)]))[:2]


def move(points: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """Apply a 2 x 3 transform to points (..., 2)."""
    return points @ transform[:, :2].T + transform[:, 2]


def move_pose(pose: HandPose, transform: np.ndarray) -> HandPose:
    """Apply a 2 x 3 transform to a pose."""
    points = move(pose_points(pose), transform)
    return pose_from_points(points)


def pose_points(pose: HandPose) -> np.ndarray:
    """Return (3, 2): middle tip, thumb tip, capitate."""
    return np.array([pose.middle_tip, pose.thumb_tip, pose.capitate], dtype=float)


def pose_from_points(points: np.ndarray) -> HandPose:
    """Return the pose of (3, 2) points: middle tip, thumb tip, capitate."""
    middle, thumb, capitate = ((float(x), float(y)) for x, y in points)
    return HandPose(middle, thumb, capitate)


def hand_length(pose: HandPose, pixel_aspect: float = 1.0) -> float:
    """Return the distance from capitate to middle finger tip in pixels of the radiograph's width."""
    middle, _, capitate = _true_shape(pose, pixel_aspect)
    return float(np.hypot(*(middle - capitate)))


def thumb_reach(pose: HandPose, pixel_aspect: float = 1.0) -> float:
    """Return the distance from capitate to thumb tip, as a fraction of the hand's length."""
    _, thumb, capitate = _true_shape(pose, pixel_aspect)
    return float(np.hypot(*(thumb - capitate)) / max(hand_length(pose, pixel_aspect), 1e-6))


def pose_distance(first: HandPose, second: HandPose, pixel_aspect: float = 1.0) -> float:
    """Return the largest distance between like key points, as a fraction of the first hand's length."""
    apart = _true_shape(first, pixel_aspect) - _true_shape(second, pixel_aspect)
    return float(np.hypot(apart[:, 0], apart[:, 1]).max() / max(hand_length(first, pixel_aspect), 1e-6))


def mirrored(pose: HandPose, pixel_aspect: float = 1.0) -> HandPose:
    """Return the pose of a hand taken for its mirror image: the thumb on the other side of the middle finger."""
    middle, thumb, capitate = _true_shape(pose, pixel_aspect)
    along = (middle - capitate) / max(hand_length(pose, pixel_aspect), 1e-6)
    x, y = 2 * capitate - thumb + 2 * along * ((thumb - capitate) @ along)
    return replace(pose, thumb_tip=(float(x), float(y / pixel_aspect)))


def apparent_side(pose: HandPose) -> Laterality:
    """Return the side of a hand seen from its back (the usual projection), by where the thumb lies."""
    middle, thumb, capitate = pose_points(pose)
    up, across = middle - capitate, thumb - capitate
    return Laterality.LEFT if up[0] * across[1] - up[1] * across[0] > 0 else Laterality.RIGHT

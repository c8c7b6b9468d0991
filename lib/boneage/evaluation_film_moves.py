"""A picture of a hand and how it can be moved into other frames: its key points and outline go along.

Turned, mirrored, padded, lengthened by a forearm; each film keeps the transform from the radiograph it was made from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from boneage.geometry import hand_length, move_pose, pose_points
from boneage.types import HandPose

SEED = 2017
WIDENING = 0.3  # a forearm is this much wider a picture's height further up
GROUND = 0.05  # a radiograph's darkest pixels, as a quantile: what lies beside a hand


@dataclass(frozen=True, eq=False)
class Film:
    """A picture of a hand.

    Attributes:
        pixels: (rows, columns) float32, 0..1, square pixels.
        hand_mask: (rows, columns) bool.
        pose: In pixels of this picture.
        moved: (2, 3) transform from pixels of the original to pixels of this picture.
    """

    pixels: np.ndarray
    hand_mask: np.ndarray
    pose: HandPose
    moved: np.ndarray


def original_film(pixels: np.ndarray, hand_mask: np.ndarray, pose: HandPose) -> Film:
    """Return the radiograph itself, turned by quarters until its wrist is down.

    Args:
        pixels: (rows, columns) float32, 0..1, square pixels.
        hand_mask: (rows, columns) bool.
        pose: In pixels of the radiograph.
    """
    film = Film(pixels, hand_mask, pose, np.eye(2, 3))
    middle, _, capitate = pose_points(pose)
    x, y = capitate - middle
    quarters = round(np.arctan2(x, y) / (np.pi / 2)) % 4
    return reduce(lambda turned, _: quarter_turned(turned, clockwise=True), range(quarters), film)


def quarter_turned(film: Film, clockwise: bool) -> Film:
    """Turn by 90 degrees."""
    rows, columns = film.pixels.shape
    if clockwise:
        transform = np.array([[0.0, -1.0, rows - 1], [1.0, 0.0, 0.0]])
    else:
        transform = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, columns - 1]])
    quarters = -1 if clockwise else 1
    return _moved(film, transform, np.rot90(film.pixels, quarters), np.rot90(film.hand_mask, quarters))


def mirrored(film: Film) -> Film:
    """Show the other hand."""
    transform = np.array([[-1.0, 0.0, film.pixels.shape[1] - 1], [0.0, 1.0, 0.0]])
    return _moved(film, transform, film.pixels[:, ::-1], film.hand_mask[:, ::-1])


def padded(
    film: Film, value: float, left: float = 0.0, top: float = 0.0, right: float = 0.0, bottom: float = 0.0
) -> Film:
    """Add a border of one grey; its widths are parts of the picture's longer side."""
    left, top, right, bottom = (round(part * max(film.pixels.shape)) for part in (left, top, right, bottom))
    widths = ((top, bottom), (left, right))
    transform = np.array([[1.0, 0.0, left], [0.0, 1.0, top]])
    pixels = np.pad(film.pixels, widths, constant_values=value)
    return _moved(film, transform, pixels, np.pad(film.hand_mask, widths))


def lengthened(film: Film, ratio: float, value: float, hand_first: bool = True) -> Film:
    """Pad to a long frame, `ratio` times as high as wide, with the hand at its upper or lower end."""
    rows, columns = film.pixels.shape
    part = max(ratio * columns - rows, 0) / max(rows, columns)
    return padded(film, value, bottom=part) if hand_first else padded(film, value, top=part)


def small_in_frame(film: Film, part: float, across: float, down: float) -> Film:
    """Put the picture into a black frame of which the hand fills only a part of the height.

    Args:
        film: The picture.
        part: Height of the hand without its forearm, as a part of the frame's.
        across: Where the picture lies, 0 left to 1 right.
        down: The same, 0 top to 1 bottom.
    """
    rows, columns = film.pixels.shape
    hand = 1.3 * hand_length(film.pose)  # down to the wrist
    free = max(hand / part - rows, 0) / max(rows, columns), max(hand / part - columns, 0) / max(rows, columns)
    return padded(film, 0.0, across * free[1], down * free[0], (1 - across) * free[1], (1 - down) * free[0])


def collimated(film: Film, degrees: float, value: float) -> Film:
    """Show only a tilted rectangle around the hand; what is outside is one grey."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    rows, columns = np.indices(film.pixels.shape)
    place = np.stack([columns, rows], axis=-1) @ turn.T
    hand = place[film.hand_mask]
    margin = 0.12 * hand_length(film.pose)
    inside = ((place >= hand.min(0) - margin) & (place <= hand.max(0) + margin)).all(-1)
    return replace(film, pixels=np.where(inside, film.pixels, np.float32(value)))


def with_forearm(film: Film, ratio: float) -> Film:
    """Turn the forearm upright and draw it out, ever wider, to a picture at least `ratio` times as high as wide.

    Both bones go on as shafts, with grain like that of the last rows; what lay below, such as a border, is gone.
    """
    import cv2

    film = _forearm_down(film)
    rows, columns = film.pixels.shape
    end, centre = _forearm_end(film)
    length = max(round(ratio * columns) - end, rows // 4)
    depth, across = np.indices((length, columns), dtype=np.float32)
    source = np.clip(centre + (across - centre) / (1 + WIDENING * depth / rows), 0, columns - 1)
    last, arm = film.pixels[max(end - max(rows // 40, 3), 0) : end], np.float32(film.hand_mask[end - 1 : end])
    skin = cv2.GaussianBlur(arm, None, columns / 80)
    ground = np.quantile(film.pixels[:end][film.pixels[:end] > 0], GROUND)
    row = skin * last.mean(axis=0, keepdims=True) + (1 - skin) * ground
    grain = np.random.default_rng(SEED).normal(0.0, _grain(last), depth.shape)
    drawn = cv2.remap(np.float32(row), source, 0 * depth, cv2.INTER_LINEAR) + grain
    mask = cv2.remap(arm, source, 0 * depth, cv2.INTER_LINEAR) > 0.5
    pixels = np.vstack([film.pixels[:end], np.clip(drawn, 0.0, 1.0)]).astype(np.float32)
    return _moved(film, np.eye(2, 3), pixels, np.vstack([film.hand_mask[:end], mask]))


def _grain(pixels: np.ndarray) -> float:
    """Return how much pixels differ from their neighbours, as one SD."""
    import cv2

    return float(np.median(np.abs(pixels - cv2.GaussianBlur(pixels, None, 1.0)))) * 1.5


def _forearm_down(film: Film) -> Film:
    """Turn the picture until the middle of the forearm runs straight down."""
    _, _, capitate = pose_points(film.pose)
    length = hand_length(film.pose)
    rows, columns = np.nonzero(film.hand_mask)
    below = rows > capitate[1] + 0.25 * length
    if np.ptp(rows[below]) < 0.15 * length if below.any() else True:
        return film
    lean = np.polyfit(rows[below], columns[below], 1)[0]  # columns a row
    return turned(film, -float(np.degrees(np.arctan(np.clip(lean, -1, 1)))))


def _forearm_end(film: Film) -> tuple[int, float]:
    """Return the row up to which the forearm is shown in its full width, and its middle there, in columns."""
    widths = film.hand_mask.sum(axis=1)
    wrist = round(film.pose.capitate[1] + 0.2 * hand_length(film.pose))
    below = widths[wrist:][widths[wrist:] > 0]
    full = np.flatnonzero(widths >= 0.9 * (np.median(below) if len(below) else 1))
    end = int(full.max()) + 1
    return end, float(np.flatnonzero(film.hand_mask[end - 1]).mean())


def turned(film: Film, degrees: float) -> Film:
    """Turn counter-clockwise on a black ground that is large enough for all of it."""
    import cv2

    rows, columns = film.pixels.shape
    turn = cv2.getRotationMatrix2D(((columns - 1) / 2, (rows - 1) / 2), degrees, 1.0)
    cosine, sine = np.abs(turn[0, :2])
    width, height = round(columns * cosine + rows * sine), round(columns * sine + rows * cosine)
    turn[:, 2] += (width - columns) / 2, (height - rows) / 2
    pixels, mask = (cv2.warpAffine(np.float32(one), turn, (width, height)) for one in (film.pixels, film.hand_mask))
    return _moved(film, turn, pixels, mask > 0.5)


def _moved(film: Film, transform: np.ndarray, pixels: np.ndarray, hand_mask: np.ndarray) -> Film:
    moved = transform @ np.vstack([film.moved, (0.0, 0.0, 1.0)])
    return Film(np.ascontiguousarray(pixels), np.ascontiguousarray(hand_mask), move_pose(film.pose, transform), moved)

"""Pictures that should get no age, or one with a warning: made from nothing, from hands, and from other body parts.

A hand is brought upright first (middle finger up, thumb to the right), so that a part of it can be named in hand
lengths around the capitate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from boneage.evaluation_film_moves import Film, padded, with_forearm
from boneage.geometry import HandFrame, frame_from_radiograph, hand_length, pose_points

SIDE = 300
Maker = Callable[[Film, Film, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class MadePicture:
    """A way to make a picture.

    Attributes:
        family: What it shows.
        expected: "refused", or "doubted" where an age with a warning will do as well.
        make: From the film of a hand, that of another one, and a random generator to pixels (rows, columns), 0..1.
    """

    family: str
    expected: str
    make: Maker


# From nothing


def flat(film: Film, other: Film, random: np.random.Generator) -> np.ndarray:
    """Return black, white or one grey."""
    return np.full((SIDE, SIDE), random.choice([0.0, 1.0, random.uniform()]), np.float32)


def noise(film: Film, other: Film, random: np.random.Generator) -> np.ndarray:
    """Return noise, fine or in clouds."""
    import cv2

    white = random.normal(0.5, 0.2, (SIDE, SIDE)).astype(np.float32)
    clouds = cv2.GaussianBlur(white, None, float(random.choice([0.5, 3.0, 15.0])))
    return (clouds - clouds.min()) / np.ptp(clouds)


def gradient(film: Film, other: Film, random: np.random.Generator) -> np.ndarray:
    """Return a straight or round change of grey."""
    x, y = np.meshgrid(*[np.linspace(-1, 1, SIDE)] * 2)
    angle = random.uniform(0, 2 * np.pi)
    straight, round_ = (1 + np.cos(angle) * x + np.sin(angle) * y) / 3, 1 - np.hypot(x, y) / 1.5
    return (straight if random.random() < 0.5 else round_).astype(np.float32)


def text_page(film: Film, other: Film, random: np.random.Generator) -> np.ndarray:
    """Return lines of letters, dark on white or the other way round."""
    import cv2

    page = np.zeros((2 * SIDE, round(1.4 * SIDE)), np.float32)
    for line in range(25, 2 * SIDE - 20, 22):
        words = "".join(random.choice(list("abcdefghij klmnop 0123456789"), random.integers(10, 38)))
        cv2.putText(page, words, (15, line), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1.0, 1, cv2.LINE_AA)
    return 1 - page if random.random() < 0.7 else page


def foot(film: Film, other: Film, random: np.random.Generator) -> np.ndarray:
    """Return a drawn foot: a long sole, five short toes side by side, rods for bones."""
    import cv2

    canvas = np.full((SIDE, SIDE), 0.05, np.float32)
    for toe in range(5):
        x, top = 105 + 22 * toe, 40 + 7 * toe
        cv2.line(canvas, (x, top), (140 + 5 * toe, 150), 0.35, 24)
        cv2.line(canvas, (x, top + 4), (x + 3, top + 34), 0.7, 8)
        cv2.line(canvas, (x + 4, top + 42), (135 + 7 * toe, 150), 0.7, 8)
    cv2.ellipse(canvas, (150, 205), (42, 75), 0, 0, 360, 0.35, -1)
    cv2.ellipse(canvas, (150, 235), (24, 36), 0, 0, 360, 0.75, -1)
    canvas = cv2.GaussianBlur(canvas, None, 1.5)
    return _turned_anyhow(np.maximum(canvas, 0.05), random)


def long_bones(film: Film, other: Film, random: np.random.Generator) -> np.ndarray:
    """Return two drawn shafts with heads in a limb, as a lower leg."""
    import cv2

    canvas = np.full((SIDE, SIDE), 0.03, np.float32)
    cv2.line(canvas, (150, 0), (150, SIDE), 0.3, 110)
    for x, width in ((135, 34), (178, 16)):
        cv2.line(canvas, (x, 30), (x, 270), 0.6, width)
        cv2.line(canvas, (x, 30), (x, 270), 0.42, width // 2)
        for y in (30, 270):
            cv2.ellipse(canvas, (x, y), (width, width // 2), 0, 0, 360, 0.65, -1)
    return _turned_anyhow(cv2.GaussianBlur(canvas, None, 1.5), random)


def _turned_anyhow(canvas: np.ndarray, random: np.random.Generator) -> np.ndarray:
    import cv2

    size = random.uniform(0.6, 1.1)
    turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), random.uniform(0, 360), size)
    return cv2.warpAffine(canvas, turn, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)


# From hands


def part_of_hand(
    film: Film,
    other: Film,
    random: np.random.Generator,
    left: float,
    top: float,
    right: float,
    bottom: float,
) -> np.ndarray:
    """Cut a window out of the upright hand.

    Args:
        film: The hand.
        other: Not looked at.
        random: Not looked at.
        left: Towards the little finger is negative, in hand lengths from the capitate.
        top: Towards the finger tips is negative; the middle one is at -1.
        right: Towards the thumb.
        bottom: Towards the elbow.
    """
    from boneage.imaging import cut

    length = SIDE / (bottom - top)
    rows, columns = SIDE, round(length * (right - left))
    frame = HandFrame(rows, columns, 1 / (bottom - top), (-left / (right - left), -top / (bottom - top)))
    return cut(film.pixels, frame_from_radiograph(film.pose, 1.0, frame), rows, columns)


def forearm_alone(film: Film, other: Film, random: np.random.Generator) -> np.ndarray:
    """Return what lies below the wrist of a film with a long forearm."""
    longer = with_forearm(film, 3.0)
    return longer.pixels[round(longer.pose.capitate[1] + 0.6 * hand_length(longer.pose)) :]


def finger_alone(film: Film, other: Film, random: np.random.Generator) -> np.ndarray:
    """Return the middle finger, alone on a black ground: its tip down to its middle joint and some more."""
    middle, _, capitate = pose_points(film.pose)
    along = (capitate - middle) / np.linalg.norm(capitate - middle)
    rows, columns = np.indices(film.pixels.shape)
    place = np.stack([columns, rows], axis=-1) - middle
    down, across = place @ along, np.abs(place @ (-along[1], along[0]))
    length = hand_length(film.pose)
    shown = (down > -0.06 * length) & (down < 0.48 * length) & (across < 0.085 * length) & film.hand_mask
    rows, columns = np.nonzero(shown)
    if not len(rows):
        return np.zeros((SIDE, SIDE), np.float32)
    alone = np.where(shown, film.pixels, 0.0)[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return np.pad(alone, max(alone.shape) // 5).astype(np.float32)


# Two hands


def side_by_side(film: Film, other: Film, random: np.random.Generator) -> np.ndarray:
    """Return two children's hands beside each other."""
    return _beside(film.pixels, other.pixels)


def both_hands(film: Film, other: Film, random: np.random.Generator) -> np.ndarray:
    """Return a hand and its mirror image, as both hands of one child."""
    return _beside(film.pixels, film.pixels[:, ::-1])


def overlapping(film: Film, other: Film, random: np.random.Generator) -> np.ndarray:
    """Return both hands of one child, the pictures overlapping by a quarter."""
    rows, columns = film.pixels.shape
    apart = round(0.75 * columns)
    both = np.zeros((rows, apart + columns), np.float32)
    both[:, :columns] = film.pixels
    both[:, apart:] = np.maximum(both[:, apart:], film.pixels[:, ::-1])
    return both


def _beside(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    import cv2

    columns = round(second.shape[1] * first.shape[0] / second.shape[0])
    return np.hstack([first, cv2.resize(second, (columns, first.shape[0]), interpolation=cv2.INTER_AREA)])


# Hands that are cut off


def cut_off(film: Film, other: Film, random: np.random.Generator, tips: float = 0.0, border: float = 0.0) -> np.ndarray:
    """Cut the film above a line, `tips` hand lengths below the middle finger tip; with `border`, black all round."""
    line = round(min(film.pose.middle_tip[1] + tips * hand_length(film.pose), film.pixels.shape[0] - 20))
    rest = Film(film.pixels[max(line, 0) :], film.hand_mask[max(line, 0) :], film.pose, film.moved)
    return padded(rest, 0.0, border, border, border, border).pixels


def cut_at_wrist(film: Film, other: Film, random: np.random.Generator, below: float) -> np.ndarray:
    """Cut the film below a line, `below` hand lengths under the capitate."""
    return film.pixels[: round(film.pose.capitate[1] + below * hand_length(film.pose))]


def cut_at_side(film: Film, other: Film, random: np.random.Generator, thumb: bool) -> np.ndarray:
    """Cut a fifth of the hand off, on the thumb's side or on the other."""
    columns = np.flatnonzero(film.hand_mask.any(axis=0))
    fifth = np.ptp(columns) // 5
    thumb_is_right = film.pose.thumb_tip[0] > film.pose.capitate[0]
    if thumb is thumb_is_right:
        return film.pixels[:, : columns.max() - fifth]
    return film.pixels[:, columns.min() + fifth :]


_NO_HANDS: dict[str, Maker] = {
    "black, white, grey": flat,
    "noise": noise,
    "gradient": gradient,
    "text page": text_page,
    "drawn foot": foot,
    "drawn long bones": long_bones,
    "forearm alone": forearm_alone,
    "finger alone": finger_alone,
    "fingers only": partial(part_of_hand, left=-0.75, top=-1.1, right=0.75, bottom=-0.55),
    "wrist only": partial(part_of_hand, left=-0.35, top=-0.2, right=0.35, bottom=0.45),
    "one joint, enlarged": partial(part_of_hand, left=-0.15, top=-0.65, right=0.15, bottom=-0.35),
    "two hands, side by side": side_by_side,
    "two hands, mirrored": both_hands,
    "two hands, overlapping": overlapping,
}
_PARTS: dict[str, Maker] = {
    "thumb's half of a hand": partial(part_of_hand, left=0.0, top=-1.15, right=0.9, bottom=0.5),
    "other half of a hand": partial(part_of_hand, left=-0.8, top=-1.15, right=0.0, bottom=0.5),
    "palm without fingers": partial(part_of_hand, left=-0.7, top=-0.45, right=0.7, bottom=0.6),
    "finger tips cut by 5 % of a hand": partial(cut_off, tips=0.05),
    "finger tips cut by 15 %": partial(cut_off, tips=0.15),
    "finger tips cut by 30 %": partial(cut_off, tips=0.3),
    "finger tips cut by 15 %, in a border": partial(cut_off, tips=0.15, border=0.2),
    "cut at the capitate": partial(cut_at_wrist, below=0.0),
    "cut 15 % below the capitate": partial(cut_at_wrist, below=0.15),
    "thumb's side cut by a fifth": partial(cut_at_side, thumb=True),
    "other side cut by a fifth": partial(cut_at_side, thumb=False),
}

MADE_PICTURES = (
    *(MadePicture(family, "refused", make) for family, make in _NO_HANDS.items()),
    *(MadePicture(family, "doubted", make) for family, make in _PARTS.items()),
)

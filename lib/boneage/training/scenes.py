"""Scenes for the detector: hands in frames of any shape, turn, size and side, two hands, and what is no hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from boneage.geometry import letterbox, move, pose_points
from boneage.imaging import cut, stretched
from boneage.training.augmentation import as_array, random_appearance
from boneage.training.hands import MarkedHand, PixelStore

NO_HAND = 0.2
TWO_HANDS = 0.08


@dataclass(frozen=True, eq=False)
class Scene:
    """A square picture with its hands.

    Attributes:
        pixels: (side, side) float32, 0..1.
        boxes: (hands, 4): left, top, right, bottom in pixels.
        key_points: (hands, 3, 2): x, y in pixels.
    """

    pixels: np.ndarray
    boxes: np.ndarray
    key_points: np.ndarray


class SceneMaker:
    """Draws scenes from marked hands; keeps their radiographs in memory."""

    def __init__(self, hands: list[MarkedHand], side: int, store: PixelStore) -> None:
        self._hands = hands
        self._side = side
        self._store = store
        self._appearance = random_appearance()

    def random(self, index: int, rng: np.random.Generator) -> Scene:
        """Return a random scene that starts from hand number `index`."""
        self._appearance.set_random_state(int(rng.integers(2**31)))
        chance = rng.random()
        if chance < NO_HAND:
            scene = _empty(no_hand(self._hands[index], self._store, self._side, rng))
        elif chance < NO_HAND + TWO_HANDS:
            other = int(rng.integers(len(self._hands)))
            scene = _side_by_side(self._one(index, rng, half=True), self._one(other, rng, half=True))
        else:
            scene = self._one(index, rng)
        pixels = _marker(scene.pixels, rng)
        return Scene(stretched(as_array(self._appearance(pixels[None]))[0]), scene.boxes, scene.key_points)

    def plain(self, index: int) -> Scene:
        """Return the whole radiograph of hand number `index`, its shape restored, unchanged otherwise."""
        hand = self._hands[index]
        pixels = self._store(hand.example)
        to_scene = letterbox(pixels.shape, hand.example.pixel_aspect, self._side)
        scene = _view(hand, pixels, to_scene, self._side, 0.0)
        return Scene(stretched(scene.pixels), scene.boxes, scene.key_points)

    def _one(self, index: int, rng: np.random.Generator, half: bool = False) -> Scene:
        hand = self._hands[index]
        pixels = _framed(self._store(hand.example), hand, rng)
        to_scene = _random_view(hand, pixels.shape, self._side, rng, half)
        return _view(hand, pixels, to_scene, self._side, _fill(rng))


def _view(hand: MarkedHand, pixels: np.ndarray, to_scene: np.ndarray, side: int, fill: float) -> Scene:
    hull = move(hand.hull(*pixels.shape), to_scene)
    box = np.concatenate([hull.min(0), hull.max(0)]).clip(0, side)
    points = move(pose_points(hand.pose(*pixels.shape)), to_scene)
    return Scene(cut(pixels, to_scene, side, side, fill), box[None], points[None])


def _random_view(
    hand: MarkedHand, shape: tuple[int, ...], side: int, rng: np.random.Generator, half: bool
) -> np.ndarray:
    """Return a transform to the scene: half of them small changes of the whole frame, half any turn and size."""
    aspect = hand.example.pixel_aspect if rng.random() < 0.6 else 1.0
    aspect *= np.exp(rng.uniform(-0.1, 0.1))
    to_scene = letterbox(shape, aspect, side)
    hull = move(hand.hull(*shape), to_scene)
    anywhere = half or rng.random() < 0.5
    degrees = rng.uniform(-180, 180) if anywhere and rng.random() < 0.5 else rng.normal(0, 12)
    size = rng.uniform(0.3, 0.95) * side / np.ptp(hull, axis=0).max() if anywhere else rng.uniform(0.75, 1.15)
    size *= 0.5 if half else 1.0
    angle, mirror = np.deg2rad(degrees), rng.choice([-1.0, 1.0])
    turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * (mirror, 1.0)
    middle = (hull.min(0) + hull.max(0)) / 2
    turned = (hull - middle) @ turn.T
    free = np.maximum((side - np.ptp(turned, axis=0)) / 2, 0.04 * side)
    spread = free * (0.5, 1.0) if half else free
    place = side / 2 + (rng.uniform(-1, 1, 2) * spread if anywhere else rng.normal(0, 0.05, 2) * side)
    return np.hstack([turn @ to_scene[:, :2], (turn @ (to_scene[:, 2] - middle) + place)[:, None]])


def _framed(pixels: np.ndarray, hand: MarkedHand, rng: np.random.Generator) -> np.ndarray:
    """Return the radiograph, one in four with a collimation border, black or white, around the hand."""
    if rng.random() > 0.25:
        return pixels
    hull = hand.hull(*pixels.shape)
    room = np.maximum(np.concatenate([hull.min(0), np.array(pixels.shape[::-1]) - hull.max(0)]), 0)
    left, top, right, bottom = (room * rng.uniform(0, 0.9, 4)).astype(int)
    framed = np.full_like(pixels, _fill(rng))
    inside = np.s_[top : pixels.shape[0] - bottom, left : pixels.shape[1] - right]
    framed[inside] = pixels[inside]
    return framed


def _marker(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the picture, one in three with a bright letter or plate somewhere."""
    import cv2

    if rng.random() > 0.33:
        return pixels
    pixels = pixels.copy()
    side = pixels.shape[0]
    x, y = (int(v) for v in rng.integers(0, side, 2))
    if rng.random() < 0.5:
        width, height = (int(v) for v in rng.integers(side // 30, side // 8, 2))
        cv2.rectangle(pixels, (x, y), (x + width, y + height), float(rng.uniform(0.6, 1)), -1)
    else:
        text = "".join(rng.choice(list("LRABMD0123456789"), rng.integers(1, 7)))
        cv2.putText(pixels, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, rng.uniform(0.3, 0.8), float(rng.uniform(0.6, 1)))
    return pixels


def _side_by_side(first: Scene, second: Scene) -> Scene:
    """Return both hands in one scene, the second to the right."""
    side = first.pixels.shape[0]
    quarter = side // 4
    halves = [scene.pixels[:, quarter : quarter + side // 2] for scene in (first, second)]
    shifts = np.array([-quarter, side // 2 - quarter])
    limits = np.array([[0, side // 2], [side // 2, side]])
    boxes = np.concatenate([first.boxes, second.boxes])
    boxes[:, [0, 2]] = np.clip(boxes[:, [0, 2]] + shifts[:, None], limits[:, :1], limits[:, 1:])
    points = np.concatenate([first.key_points, second.key_points])
    points[:, :, 0] += shifts[:, None]
    return Scene(np.hstack(halves), boxes, points)


def _empty(pixels: np.ndarray) -> Scene:
    return Scene(pixels, np.zeros((0, 4)), np.zeros((0, 3, 2)))


def _fill(rng: np.random.Generator) -> float:
    return float(rng.choice([0.0, rng.uniform(0, 1), 1.0], p=[0.6, 0.25, 0.15]))


def no_hand(hand: MarkedHand, store: PixelStore, side: int, rng: np.random.Generator) -> np.ndarray:
    """Return a (side, side) picture without a hand, made from a radiograph or from nothing."""
    makers: list[Callable[[MarkedHand, PixelStore, int, np.random.Generator], np.ndarray]] = [
        _single_bones, _single_bones, _forearm, _shuffled, _shapes
    ]  # fmt: skip
    return makers[int(rng.integers(len(makers)))](hand, store, side, rng)


def _single_bones(hand: MarkedHand, store: PixelStore, side: int, rng: np.random.Generator) -> np.ndarray:
    """Enlarge a part of the hand so far that it could be a leg, a knee or an elbow."""
    pixels = store(hand.example)
    return _around(pixels, hand.hull(*pixels.shape).mean(0), rng.uniform(3.0, 6.0), 0.45, side, rng)


def _forearm(hand: MarkedHand, store: PixelStore, side: int, rng: np.random.Generator) -> np.ndarray:
    """Look below the wrist."""
    pixels = store(hand.example)
    middle, _, capitate = pose_points(hand.pose(*pixels.shape))
    below = capitate + (capitate - middle) * rng.uniform(0.75, 1.1)
    return _around(pixels, below, rng.uniform(2.0, 4.0), 0.05, side, rng)


def _around(
    pixels: np.ndarray, centre: np.ndarray, zoom: float, shift: float, side: int, rng: np.random.Generator
) -> np.ndarray:
    size = zoom * side / max(pixels.shape)
    angle = rng.uniform(0, 2 * np.pi)
    turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = centre + rng.uniform(-shift, shift, 2) * max(pixels.shape)
    return cut(pixels, np.hstack([turn, (side / 2 - turn @ centre)[:, None]]), side, side, _fill(rng))


def _shuffled(hand: MarkedHand, store: PixelStore, side: int, rng: np.random.Generator) -> np.ndarray:
    """Cut the radiograph into tiles and lay them anew: the texture of bone without the shape of a hand."""
    pixels = store(hand.example)
    whole = cut(pixels, letterbox(pixels.shape, 1.0, side), side, side)
    tiles = int(rng.integers(3, 7))
    edge = side // tiles
    pieces = [whole[r * edge : (r + 1) * edge, c * edge : (c + 1) * edge] for r in range(tiles) for c in range(tiles)]
    order = rng.permutation(len(pieces))
    turned = [np.rot90(pieces[i], int(rng.integers(4))) for i in order]
    rows = [np.hstack(turned[r * tiles : (r + 1) * tiles]) for r in range(tiles)]
    canvas = np.zeros((side, side), np.float32)
    canvas[: tiles * edge, : tiles * edge] = np.vstack(rows)
    return canvas


def _shapes(hand: MarkedHand, store: PixelStore, side: int, rng: np.random.Generator) -> np.ndarray:
    """Draw tubes, rings and clouds on a smooth ground, or leave it blank."""
    import cv2

    canvas = cv2.resize(rng.uniform(0, 1, (3, 3)).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    canvas *= float(rng.uniform(0, 1))
    for _ in range(int(rng.integers(0, 14))):
        shape = np.zeros_like(canvas)
        centre = tuple(int(v) for v in rng.integers(0, side, 2))
        axes = tuple(int(v) for v in rng.integers(side // 40 + 1, side // 2, 2))
        thickness = int(rng.choice([-1, 2, 5, 12]))
        cv2.ellipse(shape, centre, axes, float(rng.uniform(0, 360)), 0, float(rng.choice([180, 360])), 1.0, thickness)
        canvas += cv2.GaussianBlur(shape, (0, 0), float(rng.uniform(0.5, 4))) * float(rng.uniform(-0.3, 0.6))
    return np.clip(canvas, 0, 1)

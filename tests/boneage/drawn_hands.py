"""A data set in RSNA layout, drawn on the spot: hands made of ellipses and lines whose key points are known."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from boneage.datasets import IMAGES, split_by_id

WIDTH, HEIGHT = 120, 160  # of the originals
SIDE = 96  # of the squashed copies
NEVER_TRAINED = "held-out"

# In fractions of the original, for a hand that stands upright with its thumb to the right.
MIDDLE_TIP = (0.45, 0.12)
THUMB_TIP = (0.80, 0.42)
CAPITATE = (0.47, 0.68)
FINGER_TIPS = (MIDDLE_TIP, (0.30, 0.16), (0.18, 0.27), (0.60, 0.16), THUMB_TIP)


def ids_of(split: str, count: int) -> list[str]:
    """Return the first ids of a split."""
    return [id for id, its_split in split_by_id().items() if its_split == split][:count]


def draw_hand(mirrored: bool = False) -> np.ndarray:
    """Return (HEIGHT, WIDTH) uint8: a bright hand on a dark ground."""
    pixels = np.full((HEIGHT, WIDTH), 12, np.uint8)
    for tip in FINGER_TIPS:
        cv2.line(pixels, _pixel(CAPITATE), _pixel(tip), 190, 11)
    cv2.ellipse(pixels, _pixel((0.45, 0.58)), (28, 30), 0, 0, 360, 160, -1)
    cv2.rectangle(pixels, _pixel((0.36, 0.68)), _pixel((0.58, 1.0)), 150, -1)
    cv2.circle(pixels, _pixel(CAPITATE), 5, 240, -1)
    return pixels[:, ::-1] if mirrored else pixels


def outline_of(pixels: np.ndarray) -> np.ndarray:
    """Return (n, 2): the border of a drawn hand, in fractions."""
    contours, _ = cv2.findContours((pixels > 60).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return (max(contours, key=cv2.contourArea)[:, 0] + 0.5) / (WIDTH, HEIGHT)


def make_rsna(folder: Path, train: int = 5, validation: int = 2, held_out: int = 2) -> Path:
    """Write a folder in RSNA layout with squashed copies, annotations and one larger copy, and return it."""
    ids = ids_of("train", train) + ids_of("validation", validation) + ids_of(NEVER_TRAINED, held_out)
    (folder / IMAGES).mkdir(parents=True)
    (folder / "larger").mkdir()
    outlines = {}
    rows, points = [], []
    for number, id in enumerate(ids):
        mirrored = number % 3 == 2
        pixels = draw_hand(mirrored)
        squashed = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / IMAGES / f"{id}.png"), squashed)
        rows.append((id, 24 + 12 * number, number % 2 == 0))
        keys = [(1 - x if mirrored else x, y) for x, y in (MIDDLE_TIP, THUMB_TIP, CAPITATE)]
        points.append((id, *(value for key in keys for value in key), "hand"))
        outlines[id] = [{"exterior": outline_of(pixels).tolist(), "interior": None}]
    cv2.imwrite(str(folder / "larger" / f"{ids[0]}.png"), draw_hand())
    write_table(folder / f"{IMAGES}.csv", ("id", "boneage", "male"), rows)
    write_table(folder / "original_sizes.csv", ("id", "width", "height"), [(id, WIDTH, HEIGHT) for id in ids])
    key_names = [f"{name}_{axis}" for name in ("middle_tip", "thumb_tip", "capitate") for axis in "xy"]
    write_table(folder / "hand_keypoints_3.csv", ("id", *key_names, "made_by"), points)
    larger = (f"larger/{ids[0]}.png", ids[0], 24, True, WIDTH, HEIGHT, "original pixels")
    write_table(folder / "larger.csv", ("file", "id", "boneage", "male", "width", "height", "kind"), [larger])
    (folder / "hand_outlines.json").write_text(json.dumps(outlines))
    return folder


def write_table(path: Path, names: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a CSV file."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(list(names))
        writer.writerows(rows)


def _pixel(fraction: tuple[float, float]) -> tuple[int, int]:
    return round(fraction[0] * WIDTH - 0.5), round(fraction[1] * HEIGHT - 0.5)

"""A made-up clinic out of radiographs in RSNA layout: what its first models learnt from, its studies, its readers."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from boneage.corrections import CorrectionStore
from boneage.corrections_checked import OLDEST_MONTHS
from boneage.datasets import IMAGES, Example, radiograph_of, read_annotations
from boneage.detection import HandDetector
from boneage.errors import BoneAgeError
from boneage.evaluation_changes import rotated
from boneage.models import check_model
from boneage.segmentation import HandSegmenter
from boneage.training.hands import MarkedHand
from boneage.training.segmentation import draw_mask
from boneage.types import Correction

SEED = 2017
TABLES = ("original_sizes.csv", "hand_boxes.csv", "hand_keypoints_3.csv", "hand_keypoints_21.csv")
DARK = 0.4  # of the brightness
MOST_TURNED = 40  # degrees

Change = Callable[[str, np.ndarray], np.ndarray]


def unchanged(_id: str, pixels: np.ndarray) -> np.ndarray:
    """Return the pixels as they are."""
    return pixels


def turned(id: str, pixels: np.ndarray) -> np.ndarray:
    """Turn (rows, columns) by up to 40 degrees, always the same for an id."""
    return rotated(pixels, random.Random(id).uniform(-MOST_TURNED, MOST_TURNED))


def dark_and_turned(id: str, pixels: np.ndarray) -> np.ndarray:
    """Make a radiograph darker and turn it, as another clinic's machine and technicians might."""
    return turned(id, pixels) * DARK


def square(pixels: np.ndarray, pixel_aspect: float) -> np.ndarray:
    """Return (rows, columns) with square pixels: a squashed copy gets its shape back."""
    rows, columns = pixels.shape
    return cv2.resize(pixels.astype(np.float32), (columns, round(rows * pixel_aspect)), interpolation=cv2.INTER_LINEAR)


def write_studies(examples: Iterable[Example], folder: Path, change: Change = unchanged) -> None:
    """Write radiographs as files of a clinic, ID.png; those that are there stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for example in examples:
        path = folder / f"{example.id}.png"
        if not path.exists():
            pixels = change(example.id, square(radiograph_of(example).pixels, example.pixel_aspect))
            cv2.imwrite(str(path), np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8))


def write_base(
    data: Path, splits: Mapping[str, str], out: Path, outlined: Sequence[str] = (), girls_older_months: float = 0.0
) -> Path:
    """Write some radiographs of a data set as one of its own, and return its folder; one that is there stays.

    Args:
        data: Folder in RSNA layout.
        splits: Id -> train, validation or held-out, of those that are taken.
        out: The new folder.
        outlined: Ids whose drawn outlines are taken too.
        girls_older_months: By how much the ages of girls are raised.
    """
    if out.exists():
        return out
    fresh = out.with_name(f"{out.name}-new")
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / IMAGES).mkdir(parents=True)
    for path in (data / IMAGES).iterdir():
        if path.stem in splits:
            os.symlink(path.resolve(), fresh / IMAGES / path.name)
    for name in TABLES:
        _copy_rows(data / name, fresh / name, splits)
    _copy_rows(data / f"{IMAGES}.csv", fresh / f"{IMAGES}.csv", splits, lambda row: _older(row, girls_older_months))
    (fresh / "split.csv").write_text("id,split\n" + "".join(f"{id},{split}\n" for id, split in splits.items()))
    outlines = json.loads((data / "hand_outlines.json").read_text()) if outlined else {}
    (fresh / "hand_outlines.json").write_text(json.dumps({id: outlines[id] for id in outlined}))
    return fresh.rename(out)


def _older(row: dict[str, str], months: float) -> dict[str, str]:
    """Return a row of the table of ages, with a girl's age raised, up to the end of the scale."""
    if months == 0 or row["male"].strip().lower() in ("true", "1"):
        return row
    return row | {"boneage": str(min(float(row["boneage"]) + months, OLDEST_MONTHS))}


def _copy_rows(
    source: Path,
    target: Path,
    wanted: Mapping[str, str],
    change: Callable[[dict[str, str]], dict[str, str]] = dict,
) -> None:
    if not source.exists():
        return
    with source.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        rows, names = [change(row) for row in reader if row["id"] in wanted], reader.fieldnames or []
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def hand_in(store: CorrectionStore, corrections: Iterable[Correction]) -> None:
    """Add corrections under ids that are always the same, so that a second run adds nothing."""
    for one in corrections:
        id = uuid.uuid5(uuid.NAMESPACE_URL, f"{one.image_id} {one.reader}").hex
        store.add(Correction(**(vars(one) | {"id": id})))


def ages(examples: Iterable[Example], reader: str, wrong: float = 0.0) -> list[Correction]:
    """Return what a reader says of radiographs; a part `wrong` of them get the age of another patient.

    The wrong ones are said to be so in their comment, which nothing looks at but the count of what was found.
    """
    examples = list(examples)
    rng = random.Random(SEED)
    mixed_up = rng.sample(range(len(examples)), round(wrong * len(examples)))
    others = dict(zip(mixed_up, mixed_up[1:] + mixed_up[:1], strict=True))
    return [
        Correction(
            one.id,
            reader,
            bone_age_months=examples[others.get(i, i)].bone_age_months,
            sex=one.sex,
            comment="mixed up" if i in others else "",
        )
        for i, one in enumerate(examples)
    ]


def outlines(examples: Iterable[Example], reader: str) -> list[Correction]:
    """Return outlines of dark and turned radiographs, as the project's own models draw them on the unchanged ones."""
    detector = HandDetector(check_model("hand_detector"), threads=1)
    segmenter = HandSegmenter(check_model("hand_segmenter"), threads=1)
    found = []
    for one in examples:
        radiograph = radiograph_of(one)
        try:
            mask = segmenter.outline(radiograph, detector.find_hand(radiograph))
        except BoneAgeError:
            continue
        found.append(Correction(one.id, reader, hand_mask=_placed(one, mask)))
    return found


def _placed(example: Example, mask: np.ndarray) -> np.ndarray:
    """Return a mask of a squashed copy on the grid of its turned study."""
    return turned(example.id, square(mask, example.pixel_aspect)) > 0.5


def shifted(corrections: Sequence[Correction], wrong: float) -> list[Correction]:
    """Return outlines of which a part `wrong` lies a quarter of the picture to the side, as their comment says."""
    chosen = set(random.Random(SEED).sample(range(len(corrections)), round(wrong * len(corrections))))
    return [_shifted(one) if i in chosen else one for i, one in enumerate(corrections)]


def _shifted(one: Correction) -> Correction:
    assert one.hand_mask is not None
    moved = np.zeros_like(one.hand_mask)
    step = moved.shape[1] // 4
    moved[:, step:] = one.hand_mask[:, :-step]
    return replace(one, hand_mask=moved, comment="shifted")


def drawn_masks(data: Path, examples: Iterable[Example]) -> list[tuple[Example, np.ndarray]]:
    """Return the masks that people drew, on the grids of the turned studies."""
    annotations = read_annotations(data)
    found = []
    for one in examples:
        shape = radiograph_of(one).pixels.shape
        drawn = draw_mask(MarkedHand(one, annotations[one.id]), shape, np.eye(2, 3), *shape)
        found.append((one, _placed(one, drawn)))
    return found

"""Corrections, and a base data set beside them -> one folder in RSNA layout, which the trainings and the gate read.

Radiographs are split by patient: a hash decides, so that a child who was held out once stays held out, whatever is
added later. The base's pictures are linked to, not copied.
"""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from boneage.corrections import CorrectionStore, FinalLabel
from boneage.datasets import IMAGES, Annotation, Example, read_annotations, read_rsna
from boneage.errors import BoneAgeError
from boneage.radiograph import read_radiograph
from boneage.types import HandPose, Radiograph, Sex

log = logging.getLogger(__name__)

HELD_OUT, VALIDATION = 0.15, 0.05  # of the patients
_BOX = ("left", "top", "right", "bottom")
_POINTS = tuple(f"{point}_{axis}" for point in ("middle_tip", "thumb_tip", "capitate") for axis in "xy")


@dataclass
class Made:
    """What went into a data set.

    Attributes:
        ages: Corrected radiographs with an age, by split.
        boxes: With a corrected box.
        outlines: With a corrected outline.
        base: Radiographs of the base.
        left_out: Kind of error -> corrected radiographs that could not be read.
    """

    ages: dict[str, int] = field(default_factory=dict)
    boxes: int = 0
    outlines: int = 0
    base: int = 0
    left_out: dict[str, int] = field(default_factory=dict)


def split_of(patient: str) -> str:
    """Return the part of the data that a patient belongs to for ever."""
    place = _place(patient)
    return "held-out" if place < HELD_OUT else "validation" if place < HELD_OUT + VALIDATION else "train"


def _place(word: str) -> float:
    """Return a number from 0 to 1 that looks like chance, and is always the same for a word."""
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big") / 2**64


def write_data_set(
    store: CorrectionStore,
    path_of: Callable[[str], Path],
    patient_of: Callable[[str], str],
    pose_of: Callable[[Radiograph, FinalLabel], HandPose | None],
    out: Path,
    base: Path | None = None,
    replay: int | None = None,
    consensus: bool = False,
) -> Made:
    """Write what experts corrected as a data set, and return what went in.

    Args:
        store: Of the corrections; of each radiograph the latest final ones count.
        path_of: Image id -> its file.
        patient_of: Image id -> one word for the patient.
        pose_of: The key points of a corrected hand, which nobody draws; None if they cannot be found.
        out: A new, empty folder.
        base: A folder in RSNA layout that is mixed in; None for the corrections alone.
        replay: Radiographs of the base's train split that are taken, always the same ones; None for all. Those with a
            drawn outline all are, since they are few.
        consensus: Take the median of the readers' ages instead of the latest one.

    Raises:
        OutputFailed: If the folder cannot be written.
        InvalidData: If the base is not laid out as expected.
    """
    made, tables = Made(), _Tables(out)
    if base is not None:
        made.base = _add_base(base, tables, replay)
    for image_id, label in sorted(store.finals().items()):
        try:
            radiograph = read_radiograph(path_of(image_id))
            mask = store.mask(label.mask_id) if label.mask_id else None
            label = _agreed(label, store) if consensus else label
            _add(image_id, label, mask, radiograph, split_of(patient_of(image_id)), pose_of, tables, made)
        except BoneAgeError as error:
            made.left_out[error.kind] = made.left_out.get(error.kind, 0) + 1
            log.warning("A corrected radiograph is left out: %s", error)
    tables.write()
    return made


def _agreed(label: FinalLabel, store: CorrectionStore) -> FinalLabel:
    """Return a label with the median of the readers' ages."""
    found = store.consensus(label.image_id)
    return label if found is None else replace(label, bone_age_months=found.median_months)


class _Tables:
    """The rows of the tables while they are collected."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.ages: list[Iterable[Any]] = []
        self.splits: list[Iterable[Any]] = []
        self.sizes: list[Iterable[Any]] = []
        self.boxes: list[Iterable[Any]] = []
        self.points: list[Iterable[Any]] = []
        self.outlines: dict[str, list[dict[str, Any]]] = {}
        (out / IMAGES).mkdir(parents=True)

    def write(self) -> None:
        _write_csv(self.out / f"{IMAGES}.csv", ("id", "boneage", "male"), self.ages)
        _write_csv(self.out / "split.csv", ("id", "split"), self.splits)
        _write_csv(self.out / "original_sizes.csv", ("id", "width", "height"), self.sizes)
        _write_csv(self.out / "hand_boxes.csv", ("id", *_BOX), self.boxes)
        _write_csv(self.out / "hand_keypoints_3.csv", ("id", *_POINTS, "made_by"), self.points)
        (self.out / "hand_outlines.json").write_text(json.dumps(self.outlines))


def _add(
    image_id: str,
    label: FinalLabel,
    mask: np.ndarray | None,
    radiograph: Radiograph,
    split: str,
    pose_of: Callable[[Radiograph, FinalLabel], HandPose | None],
    tables: _Tables,
    made: Made,
) -> None:
    """Add one corrected radiograph."""
    rows, columns = radiograph.pixels.shape
    _write_picture(radiograph.pixels, tables.out / IMAGES / f"{image_id}.png")
    sex = label.sex or radiograph.sex
    has_age = label.bone_age_months is not None and sex is not None
    tables.ages.append((image_id, label.bone_age_months, sex is Sex.MALE) if has_age else (image_id, "", ""))
    tables.splits.append((image_id, split))
    tables.sizes.append((image_id, columns, round(rows * radiograph.pixel_aspect)))
    if has_age:
        made.ages[split] = made.ages.get(split, 0) + 1
    if label.hand_box is not None or mask is not None:
        pose = pose_of(radiograph, label)
        if pose is not None:
            points = np.array([pose.middle_tip, pose.thumb_tip, pose.capitate])
            fractions = (points + 0.5) / (columns, rows)
            tables.points.append((image_id, *fractions.ravel().tolist(), "model"))
    if label.hand_box is not None:
        sides = np.array([getattr(label.hand_box, side) for side in _BOX]) / (columns, rows, columns, rows)
        tables.boxes.append((image_id, *sides.tolist()))
        made.boxes += 1
    if mask is not None and mask.any():
        tables.outlines[image_id] = outline_of(mask)
        made.outlines += 1


def outline_of(mask: np.ndarray) -> list[dict[str, Any]]:
    """Return the polygons of a mask (rows, columns) bool in fractions of its width and height, with their holes."""
    import cv2

    polygons = []
    for exterior in _borders(mask):
        filled = np.zeros(mask.shape, np.uint8)
        cv2.fillPoly(filled, [exterior], 1)
        holes = [_fractions(hole, mask.shape) for hole in _borders(filled.astype(bool) & ~mask)]
        polygons.append({"exterior": _fractions(exterior, mask.shape), "interior": holes})
    return polygons


def _borders(mask: np.ndarray) -> list[np.ndarray]:
    """Return (n, 2) x, y of the border pixels of each connected part."""
    import cv2

    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [contour[:, 0] for contour in found]


def _fractions(points: np.ndarray, shape: tuple[int, ...]) -> list[list[float]]:
    return ((points + 0.5) / (shape[1], shape[0])).tolist()


def _add_base(base: Path, tables: _Tables, replay: int | None) -> int:
    annotations = read_annotations(base)
    examples = _replayed(read_rsna(base, with_age=False), annotations, replay)
    chosen = {example.id for example in examples}
    for example in examples:
        os.symlink(example.path.resolve(), tables.out / IMAGES / example.path.name)
        tables.ages.append(_age_row(example))
        tables.splits.append((example.id, example.split))
        tables.sizes.append((example.id, *_size(example)))
    _add_annotations({id: one for id, one in annotations.items() if id in chosen}, tables)
    return len(examples)


def _replayed(examples: list[Example], annotations: Mapping[str, Annotation], replay: int | None) -> list[Example]:
    """Return everything that is not in the train split, and of that as much as is to be replayed."""
    kept = [one for one in examples if one.split != "train" or (one.id in annotations and annotations[one.id].outline)]
    ids = {one.id for one in kept}
    rest = sorted((one for one in examples if one.id not in ids), key=lambda one: _place(one.id))
    return kept + rest[: None if replay is None else replay]


def _age_row(example: Example) -> tuple[Any, ...]:
    if example.sex is None:
        return example.id, "", ""
    return example.id, example.bone_age_months, example.sex is Sex.MALE


def _size(example: Example) -> tuple[int, int]:
    """Return width and height that say how high the pixels of a squashed copy are."""
    from PIL import Image

    with Image.open(example.path) as image:
        columns, rows = image.size
    return 100 * columns, round(100 * rows * example.pixel_aspect)


def _add_annotations(annotations: Mapping[str, Annotation], tables: _Tables) -> None:
    for id, one in annotations.items():
        if one.box is not None:
            tables.boxes.append((id, *one.box.tolist()))
        if one.key_points is not None:
            made_by = "hand" if one.by_hand else "model"
            tables.points.append((id, *one.key_points.ravel().tolist(), made_by))
        if one.outline:
            tables.outlines[id] = [
                {"exterior": polygon.tolist(), "interior": [hole.tolist() for hole in one.holes] if first else []}
                for first, polygon in ((i == 0, polygon) for i, polygon in enumerate(one.outline))
            ]


def _write_picture(pixels: np.ndarray, path: Path) -> None:
    """Write (rows, columns) 0..1 as a PNG of 8 bits, which is read as it is, and of which trainings keep no more."""
    import cv2

    cv2.imwrite(str(path), np.round(pixels * 255).astype(np.uint8))


def _write_csv(path: Path, names: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(rows)

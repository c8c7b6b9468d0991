"""Data sets of radiographs with known bone ages, in the layout of the RSNA 2017 Pediatric Bone Age Challenge.

DIR/boneage-training-dataset.csv        id,boneage,male
DIR/boneage-training-dataset/ID.png     or .jpg
DIR/split.csv                           optional; id,split: instead of the committed split
DIR/original_sizes.csv                  optional; id,width,height: says that the images were squashed
DIR/larger.csv                          optional; file,id,boneage,male,width,height,kind
DIR/hand_boxes.csv hand_keypoints_3.csv hand_keypoints_21.csv hand_outlines.json     optional annotations
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from boneage.errors import InvalidData
from boneage.types import Radiograph, Sex

IMAGES = "boneage-training-dataset"
SPLITS = ("train", "validation", "held-out")


@dataclass(frozen=True)
class Example:
    """One radiograph of a data set.

    Attributes:
        id: As the data set names it.
        path: Its image file.
        sex: The child's; None if it has no age.
        bone_age_months: The readers'; NaN for a radiograph that is only there for what was drawn on it.
        pixel_aspect: Height / width of a pixel; not 1 for images that were squashed.
        split: One of `SPLITS`; empty for a radiograph that the split file does not know.
        kind: What sort of copy it is, as the data set says; empty for its standard copy.
    """

    id: str
    path: Path
    sex: Sex | None
    bone_age_months: float
    pixel_aspect: float = 1.0
    split: str = ""
    kind: str = ""


def read_rsna(data: Path, with_age: bool = True) -> list[Example]:
    """Return the examples of a folder in RSNA layout that have an image, in the table's order.

    Args:
        data: The folder.
        with_age: Only those with a bone age; the others have empty columns boneage and male.

    Raises:
        InvalidData: If the table or the image folder is missing or not as expected.
    """
    images = _images_by_id(data / IMAGES)
    original_sizes, splits = _original_sizes(data), _splits(data)
    examples = []
    for row in _rows(data / f"{IMAGES}.csv", ("id", "boneage", "male")):
        path = images.get(row["id"])
        if path is not None and (_has_age(row) or not with_age):
            example = _example(row, path, splits)
            examples.append(replace(example, pixel_aspect=_squash(path, original_sizes.get(row["id"]))))
    if not examples:
        raise InvalidData(
            f"No image in {data / IMAGES} belongs to a row of {IMAGES}.csv.", "Images are named ID.png or ID.jpg."
        )
    return examples


def read_larger(data: Path) -> list[Example]:
    """Return the larger copies listed in `larger.csv`, whose `kind` tells how they were made."""
    original_sizes, splits = _original_sizes(data), _splits(data)
    examples = []
    for row in _rows(data / "larger.csv", ("file", "id", "boneage", "male", "kind")):
        path = data / row["file"]
        squashed = "squashed" in row["kind"]
        aspect = _squash(path, original_sizes.get(row["id"])) if squashed else 1.0
        examples.append(replace(_example(row, path, splits), kind=row["kind"], pixel_aspect=aspect))
    return examples


def radiograph_of(example: Example) -> Radiograph:
    """Read an example's radiograph; sex and pixel aspect are those of the data set.

    Raises:
        UnreadableRadiograph: As `boneage.radiograph.read_radiograph`.
    """
    from boneage.radiograph import read_radiograph

    radiograph = read_radiograph(example.path)
    if example.sex is not None:
        radiograph = radiograph.with_sex(example.sex, "data set")
    return replace(radiograph, pixel_aspect=example.pixel_aspect)


@dataclass(frozen=True, eq=False)
class Annotation:
    """What people drew on one radiograph, in fractions of its width and height; None where they did not.

    Attributes:
        id: The radiograph's.
        box: (left, top, right, bottom).
        key_points: (3, 2): middle finger tip, thumb tip, capitate as x, y.
        outline: Polygons, each (n, 2), of the hand's outer border.
        holes: Polygons inside that are not hand.
        by_hand: False if a model made the key points.
    """

    id: str
    box: np.ndarray | None = None
    key_points: np.ndarray | None = None
    outline: tuple[np.ndarray, ...] = ()
    holes: tuple[np.ndarray, ...] = ()
    by_hand: bool = True


# The capitate is not among the 21 joints: this fraction of the way from wrist to middle knuckle is where it lies
# (least squares on 342 radiographs that have both annotations).
CAPITATE_FROM_WRIST = 0.19


def read_annotations(data: Path) -> dict[str, Annotation]:
    """Return the annotations of a folder by radiograph id; those that do not exist are left out."""
    found: dict[str, Annotation] = {}

    def update(id: str, **values: object) -> None:
        found[id] = replace(found.get(id, Annotation(id)), **values)  # type: ignore[arg-type]

    for row in _optional_rows(data / "hand_boxes.csv"):
        update(row["id"], box=_floats(row, "left", "top", "right", "bottom"))
    for row in _optional_rows(data / "hand_keypoints_21.csv"):
        update(row["id"], key_points=_three_of_21(row))
    for row in _optional_rows(data / "hand_keypoints_3.csv"):
        names = ("middle_tip_x", "middle_tip_y", "thumb_tip_x", "thumb_tip_y", "capitate_x", "capitate_y")
        by_hand = row["made_by"] == "hand"
        if by_hand or found.get(row["id"], Annotation(row["id"])).key_points is None:
            update(row["id"], key_points=_floats(row, *names).reshape(3, 2), by_hand=by_hand)
    for id, polygons in _outlines(data / "hand_outlines.json"):
        outline = tuple(np.array(polygon["exterior"]) for polygon in polygons)
        holes = tuple(np.array(hole) for polygon in polygons for hole in polygon["interior"] or [])
        update(id, outline=outline, holes=holes)
    return found


def _three_of_21(row: dict[str, str]) -> np.ndarray:
    middle_tip = _floats(row, "middle_finger4_x", "middle_finger4_y")
    thumb_tip = _floats(row, "thumb4_x", "thumb4_y")
    wrist = _floats(row, "wrist_x", "wrist_y")
    knuckle = _floats(row, "middle_finger1_x", "middle_finger1_y")
    return np.stack([middle_tip, thumb_tip, wrist + CAPITATE_FROM_WRIST * (knuckle - wrist)])


@cache
def split_by_id() -> dict[str, str]:
    """Return the committed split: RSNA id -> one of `SPLITS`."""
    table = (files("boneage") / "data" / "split.csv").read_text()
    return {row["id"]: row["split"] for row in csv.DictReader(table.splitlines())}


def _splits(data: Path) -> dict[str, str]:
    rows = _optional_rows(data / "split.csv")
    return {row["id"]: row["split"] for row in rows} or split_by_id()


def _example(row: dict[str, str], path: Path, splits: dict[str, str]) -> Example:
    split = splits.get(row["id"], "")
    if not _has_age(row):
        return Example(row["id"], path, None, math.nan, split=split)
    male = row["male"].strip().lower()
    if male not in ("true", "false", "1", "0"):
        raise InvalidData(f"Column male of radiograph {row['id']} must be True or False, not {row['male']!r}.")
    sex = Sex.MALE if male in ("true", "1") else Sex.FEMALE
    return Example(row["id"], path, sex, _months(row), split=split)


def _has_age(row: dict[str, str]) -> bool:
    return bool(row["boneage"] or row["male"])


def _months(row: dict[str, str]) -> float:
    try:
        months = float(row["boneage"])
    except (TypeError, ValueError):
        months = math.nan
    if not 0 <= months < math.inf:
        raise InvalidData(f"Column boneage of radiograph {row['id']} must be in months, not {row['boneage']!r}.")
    return months


def _images_by_id(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise InvalidData(
            f"Expected a folder of images at {folder}; there is none.", "See the RSNA layout in README.md."
        )
    return {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in (".png", ".jpg", ".jpeg")}


def _original_sizes(data: Path) -> dict[str, tuple[int, int]]:
    rows = _optional_rows(data / "original_sizes.csv")
    return {row["id"]: (int(row["width"]), int(row["height"])) for row in rows}


def _squash(path: Path, original_size: tuple[int, int] | None) -> float:
    """Return the height / width of a pixel of a copy, from the size of its original."""
    if original_size is None:
        return 1.0
    from PIL import Image

    try:
        with Image.open(path) as image:
            columns, rows = image.size
    except OSError:
        return 1.0  # missing or damaged: whoever reads its pixels will say so
    width, height = original_size
    return (height / rows) / (width / columns)


def _floats(row: dict[str, str], *names: str) -> np.ndarray:
    return np.array([float(row[name]) for name in names])


def _outlines(path: Path) -> Iterator[tuple[str, list[dict]]]:
    if path.exists():
        yield from json.loads(path.read_text()).items()


def _optional_rows(path: Path) -> list[dict[str, str]]:
    return _rows(path, ()) if path.exists() else []


def _rows(path: Path, expected: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            rows = list(reader)
    except FileNotFoundError:
        raise InvalidData(f"Expected the table {path}; there is none.", "See the RSNA layout in README.md.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidData(f"Cannot read the table {path}: {error}.") from error
    missing = [name for name in expected if name not in columns]
    if missing:
        raise InvalidData(f"{path} lacks the columns {', '.join(missing)}; it has {', '.join(columns)}.")
    return rows

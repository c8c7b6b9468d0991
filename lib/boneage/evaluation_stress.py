"""How much a bone age depends on what it should not depend on: each radiograph changed in every way, file to answer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from boneage.batch import assess_many, usable_cores
from boneage.datasets import Example, radiograph_of
from boneage.errors import BoneAgeError
from boneage.evaluation_changes import CHANGES, Change, same
from boneage.progress import with_progress
from boneage.radiograph import read_radiograph
from boneage.row_file import RowFile
from boneage.squash import SQUARE
from boneage.types import Assessment, BoneAge, Radiograph

if TYPE_CHECKING:
    from boneage.assessment import Models

COLUMNS = (
    *("id", "sex", "reference_months", "family", "strength", "error_kind", "warnings"),
    *("predicted_months", "lower_90_months", "upper_90_months"),
)
UNCHANGED = Change("unchanged", "", same)


def stress(
    examples: Sequence[Example],
    rows: RowFile,
    models: Models,
    workers: int | None = None,
    changes: Sequence[Change] = CHANGES,
) -> None:
    """Assess each example unchanged and changed in every way; append its rows when all of them are done.

    Raises:
        OutputFailed: If rows cannot be written.
    """
    done = {row["id"] for row in rows.earlier_rows}
    todo = [example for example in examples if example.id not in done]

    def all_changes(example: Example) -> list[dict[str, str]]:
        return list(_rows_of(example, models, changes))

    with closing(assess_many(todo, all_changes, workers or usable_cores())) as outcomes:
        for outcome in with_progress(outcomes, len(todo), "Stressing"):
            rows.append(outcome.answer or [])


def _rows_of(example: Example, models: Models, changes: Sequence[Change]) -> Iterator[dict[str, str]]:
    original = radiograph_of(example)
    assert example.sex is not None, "an example with an age has a sex"
    pixels = with_square_pixels(original)
    for change in (UNCHANGED, *changes):
        yield {
            "id": example.id,
            "sex": example.sex.value,
            "reference_months": f"{example.bone_age_months:.2f}",
            "family": change.family,
            "strength": change.strength,
            **_age(pixels, change, original, models),
        }


def _age(pixels: np.ndarray, change: Change, original: Radiograph, models: Models) -> dict[str, str]:
    from boneage import assessment  # heavy

    assert original.sex is not None
    with tempfile.TemporaryDirectory() as folder:
        file = written(change.apply(pixels), change.jpeg_quality, Path(folder))
        try:
            radiograph = read_radiograph(file).with_sex(original.sex, original.sex_source)
            found = assessment.assess(radiograph, models)
        except BoneAgeError as error:
            return {"predicted_months": "", "error_kind": error.kind}
    return {"warnings": " ".join(warnings_about_the_hand(found)), **age_cells(found.estimates[0].bone_age)}


def age_cells(bone_age: BoneAge) -> dict[str, str]:
    """Return a bone age and its interval as the cells of a row."""
    return {
        "predicted_months": f"{bone_age.months:.3f}",
        "lower_90_months": f"{bone_age.lower_90_months:.3f}",
        "upper_90_months": f"{bone_age.upper_90_months:.3f}",
    }


def warnings_about_the_hand(found: Assessment) -> list[str]:
    """Return the warnings that tell a reader to doubt the age; those of a mature hand and a square picture do not."""
    from boneage.assessment import END_OF_SCALE  # heavy

    return [warning for warning in found.warnings if not warning.startswith((END_OF_SCALE, SQUARE))]


def with_square_pixels(radiograph: Radiograph) -> np.ndarray:
    """Return the pixels in their true shape: those of a squashed copy are stretched downwards."""
    import cv2

    rows, columns = radiograph.pixels.shape
    return cv2.resize(radiograph.pixels, (columns, round(rows * radiograph.pixel_aspect)))


def written(pixels: np.ndarray, jpeg_quality: int | None, folder: Path) -> Path:
    """Write 8 bit pixels into a folder, as a PNG or as a JPEG of some quality, and return the file."""
    from PIL import Image

    picture = Image.fromarray(np.round(np.clip(pixels, 0.0, 1.0) * 255).astype(np.uint8))
    if jpeg_quality is None:
        picture.save(folder / "changed.png", compress_level=1)
        return folder / "changed.png"
    picture.save(folder / "changed.jpg", quality=jpeg_quality)
    return folder / "changed.jpg"

"""How much a bone age depends on what it should not depend on: each radiograph changed in every way, file to answer."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from boneage.batch import assess_many, usable_cores
from boneage.datasets import Example, radiograph_of
from boneage.errors import BoneAgeError, InvalidData
from boneage.evaluation import Figure, mean_figures
from boneage.evaluation_changes import CHANGES, SEVEN_PUBLISHED, Change, same
from boneage.growth import score_growth
from boneage.output import write_atomically
from boneage.progress import with_progress
from boneage.radiograph import read_radiograph
from boneage.row_file import RowFile
from boneage.types import Radiograph, Sex, Verdict

if TYPE_CHECKING:
    from boneage.assessment import Models

COLUMNS = ("id", "sex", "reference_months", "family", "strength", "predicted_months", "error_kind")
UNCHANGED = Change("unchanged", "", same)

Row = Mapping[str, str]


@dataclass(frozen=True)
class StressFigures:
    """What one change does.

    Attributes:
        family: Of the change.
        strength: Of the change.
        radiographs: With an age both before and after it.
        mae_change_months: MAE after less MAE before, on the same radiographs.
        difference_months: Mean absolute difference of the two ages.
        verdict_flips: Share of verdicts that became others, 0..1; the chronological age is taken to be the readers'
            bone age, since the data set has no other.
        refused: Share of radiographs that got an age before and none after, 0..1.
    """

    family: str
    strength: str
    radiographs: int
    mae_change_months: Figure
    difference_months: Figure
    verdict_flips: Figure
    refused: float


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
        found, error = _age(pixels, change, original, models)
        yield {
            "id": example.id,
            "sex": example.sex.value,
            "reference_months": f"{example.bone_age_months:.2f}",
            "family": change.family,
            "strength": change.strength,
            "predicted_months": "" if found is None else f"{found:.3f}",
            "error_kind": error,
        }


def _age(pixels: np.ndarray, change: Change, original: Radiograph, models: Models) -> tuple[float | None, str]:
    from boneage import assessment  # heavy

    assert original.sex is not None
    with tempfile.TemporaryDirectory() as folder:
        file = written(change.apply(pixels), change.jpeg_quality, Path(folder))
        try:
            radiograph = read_radiograph(file).with_sex(original.sex, original.sex_source)
            return assessment.assess(radiograph, models).estimates[0].bone_age.months, ""
        except BoneAgeError as error:
            return None, error.kind


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


# From rows to figures


def measure_stress(rows: Iterable[Row]) -> list[StressFigures]:
    """Measure every change, in the order of `CHANGES`.

    Raises:
        InvalidData: If no unchanged radiograph got an age.
    """
    by_change: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        by_change.setdefault((row["family"], row["strength"]), {})[row["id"]] = row
    before = {id: row for id, row in by_change.pop(("unchanged", ""), {}).items() if row["predicted_months"]}
    if not before:
        raise InvalidData("There is no radiograph to compare with.", "Every radiograph failed, or there was none.")
    return [_figures(name, before, after) for name, after in by_change.items()]


def _figures(name: tuple[str, str], before: Mapping[str, Row], after: Mapping[str, Row]) -> StressFigures:
    both = [id for id in before if id in after and after[id]["predicted_months"]]
    if not both:
        nothing = Figure(np.nan, np.nan, np.nan)
        return StressFigures(*name, 0, nothing, nothing, nothing, 1.0)
    values = np.array([_compared(before[id], after[id]) for id in both])
    mae_change, difference, flips = mean_figures(values)
    return StressFigures(*name, len(both), mae_change, difference, flips, 1 - len(both) / len(before))


def _compared(before: Row, after: Row) -> tuple[float, float, float]:
    reference, first, second = (
        float(text) for text in (before["reference_months"], before["predicted_months"], after["predicted_months"])
    )
    sex = Sex(before["sex"])
    flipped = _verdict(first, reference, sex) is not _verdict(second, reference, sex)
    return abs(second - reference) - abs(first - reference), abs(second - first), float(flipped)


def _verdict(bone_age_months: float, age_months: float, sex: Sex) -> Verdict:
    return score_growth(bone_age_months, age_months, sex).verdict


def worst_of_published(figures: Sequence[StressFigures]) -> list[StressFigures]:
    """Return, of each of the seven published families, the strength that changes the MAE most."""
    families = [[one for one in figures if one.family == family] for family in SEVEN_PUBLISHED]
    return [max(family, key=lambda one: abs(one.mae_change_months.value)) for family in families if family]


def stress_markdown(figures: Sequence[StressFigures]) -> str:
    """Write the figures as a table in Markdown."""
    lines = [
        "| change | strength | radiographs | change of MAE, months | ages differ, months | verdicts flip | refused |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    return "\n".join([*lines, *map(_line, figures)]) + "\n"


def _line(one: StressFigures) -> str:
    change, difference, flips = one.mae_change_months, one.difference_months, one.verdict_flips
    measured = (
        f"{change.value:+.2f} [{change.lower:+.2f}, {change.upper:+.2f}] | {difference.value:.2f} | {flips.value:.1%}"
    )
    cells = measured if one.radiographs else "- | - | -"
    return f"| {one.family} | {one.strength} | {one.radiographs} | {cells} | {one.refused:.1%} |"


def write_stress(figures: Sequence[StressFigures], folder: Path) -> None:
    """Write stress.json and stress.md into an existing folder.

    Raises:
        OutputFailed: If a file cannot be written.
    """
    plain = [asdict(one) for one in figures if one.radiographs]
    with write_atomically(folder / "stress.json") as temporary:
        temporary.write_text(json.dumps(plain, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    with write_atomically(folder / "stress.md") as temporary:
        temporary.write_text(stress_markdown(figures), encoding="utf-8")

"""Where experts' ages for a local calibration come from: a corrections store, or a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from boneage.cli_values import sex_from_word
from boneage.errors import InvalidInput
from boneage.input_table import table_cells

if TYPE_CHECKING:
    from boneage.corrections import CorrectionStore
    from boneage.promotion_local_run import Reading

PATH, AGE, SEX, PATIENT = COLUMNS = ("path", "bone_age_months", "sex", "patient")
OLDEST_MONTHS = 228


@dataclass
class Source:
    """Readings, and why others cannot be used: reason -> how many.

    Attributes:
        readings: To assess.
        left_out: Kinds of error.
        notes: Sentences about single rows.
    """

    readings: list[Reading] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


def readings_of_store(store: CorrectionStore, studies: Path, consensus: bool) -> Source:
    """Return the experts' final ages, one a radiograph.

    Args:
        store: Of the corrections.
        studies: Folder of the radiographs.
        consensus: Take the median of the readers' ages instead of the latest one.
    """
    from boneage.promotion_local_run import Reading
    from boneage.study_files import image_id_of, patient_in, radiographs_in

    source, root = Source(), studies.resolve()
    paths = {image_id_of(path.relative_to(root)): path for path in radiographs_in(root)}
    for image_id, label in sorted(store.finals().items()):
        if label.bone_age_months is None:
            continue
        path, months = paths.get(image_id), label.bone_age_months
        if path is None:
            source.left_out["unknown_image"] += 1
            continue
        agreed = store.consensus(image_id) if consensus else None
        months = agreed.median_months if agreed else months
        source.readings.append(Reading(path, months, label.sex, patient_in(path)))
    return source


def readings_of_table(table: Path) -> Source:
    """Return the rows of a table with the columns path, bone_age_months, sex and, if need be, patient.

    Paths are relative to the table's folder. Without a column patient, a DICOM file's own patient counts.

    Raises:
        InvalidInput: If it is not such a table; single rows that cannot be used are left out.
    """
    rows = table_cells(table)
    header = [name.strip().lower() for name in next(rows, [])]
    missing = [name for name in (PATH, AGE) if name not in header]
    if missing:
        raise InvalidInput(
            f"Expected {table} to start with a line of column names: {', '.join(COLUMNS)} (the last two may be "
            f"missing); it lacks {' and '.join(missing)}."
        )
    source, seen = Source(), set[Path]()
    for number, cells in enumerate(rows, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        try:
            reading = _reading(dict(zip(header, (cell.strip() for cell in cells), strict=False)), table.parent)
            if reading.path in seen:
                raise InvalidInput("It names a file that an earlier row names.")
            seen.add(reading.path)
            source.readings.append(reading)
        except InvalidInput as error:
            source.left_out[error.kind] += 1
            source.notes.append(f"Row {number} is left out: {error}")
    return source


def _reading(values: dict[str, str], folder: Path) -> Reading:
    from boneage.promotion_local_run import Reading
    from boneage.study_files import patient_in

    if not values.get(PATH):
        raise InvalidInput("It has no path.")
    path = folder / values[PATH]
    sex = sex_from_word(values[SEX]) if values.get(SEX) else None
    return Reading(path, _months(values.get(AGE, "")), sex, values.get(PATIENT) or patient_in(path))


def _months(cell: str) -> float:
    """Read months; a decimal comma is read as a point."""
    try:
        months = float(cell.replace(",", "."))
    except ValueError:
        months = -1.0
    if not 0 <= months <= OLDEST_MONTHS:
        raise InvalidInput(f"Expected {AGE} from 0 to {OLDEST_MONTHS}; got '{cell[:20]}'.")
    return months

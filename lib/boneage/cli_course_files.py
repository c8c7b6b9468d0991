"""Files with bone ages of one child: CSV tables and what `boneage assess --json` wrote become points of a course."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boneage.cli_values import plausible_age, plausible_bone_age, sex_from_word
from boneage.errors import InvalidInput, UnknownSex
from boneage.input_table import is_table, number_in_cell, table_cells
from boneage.types import CoursePoint, Sex

AGE, BONE_AGE, SD, SEX = COLUMNS = ("chronological_age_months", "bone_age_months", "bone_age_sd_months", "sex")
SHORT_SD = "sd"
END_OF_MODELS_MONTHS = 240.0  # the regressor's scale goes a little beyond the atlas


@dataclass(frozen=True)
class Reading:
    """One bone age as a file gives it.

    Attributes:
        source: The file, with the row or the number of the document.
        points: Sex -> point; two where both sexes were assessed, None for a sex that the file does not give.
        problem: Why it cannot be used; empty if it can.
    """

    source: str
    points: dict[Sex | None, CoursePoint]
    problem: str = ""


def read_course_files(paths: Sequence[Path]) -> list[Reading]:
    """Read tables and JSON documents; what cannot be used becomes a reading with a problem.

    Raises:
        InvalidInput: If a file is neither.
    """
    return [reading for path in paths for reading in (_table(path) if is_table(path) else _documents(path))]


def one_child(readings: Sequence[Reading], sex: Sex | None) -> tuple[Sex, list[CoursePoint]]:
    """Return the child's sex and the points of all readings without a problem.

    Args:
        readings: As read.
        sex: As the user says; None to take the files'.

    Raises:
        InvalidInput: If there is no usable reading, or they are of different sexes.
        UnknownSex: If nobody says the sex, or files were assessed for both and nobody chooses.
    """
    usable = [reading for reading in readings if not reading.problem]
    if not usable:
        raise InvalidInput("No bone age with a chronological age in these files.", "See what was said of each.")
    chosen = sex or _sex_of(usable)
    return chosen, [_point_for(reading, chosen) for reading in usable]


def _sex_of(usable: Sequence[Reading]) -> Sex:
    said = [next(iter(reading.points)) for reading in usable if len(reading.points) == 1]
    known = {one for one in said if one is not None}
    if len(known) > 1:
        raise InvalidInput(
            f"Expected bone ages of one child; these are of both sexes: {_sexes_in_words(usable)}.",
            "Leave out what is not this child's.",
        )
    if not known:
        raise UnknownSex("The child's sex is not known.", "Give it with --sex female or --sex male.")
    return known.pop()


def _point_for(reading: Reading, sex: Sex) -> CoursePoint:
    point = reading.points.get(sex, reading.points.get(None))
    if point is None:
        raise InvalidInput(
            f"Expected bone ages of one {sex.value} child; {reading.source} is {_sex_in_words(reading)}.",
            "Leave it out, or correct --sex.",
        )
    return point


def _sexes_in_words(usable: Sequence[Reading]) -> str:
    return ", ".join(f"{one.source} {_sex_in_words(one)}" for one in usable)


def _sex_in_words(reading: Reading) -> str:
    return " and ".join(sex.value for sex in reading.points if sex) or "does not say"


# Tables


def _table(path: Path) -> Iterator[Reading]:
    rows = table_cells(path)
    header = [name.strip().lower() for name in next(rows, [])]
    header = [SD if name == SHORT_SD else name for name in header]
    if not {AGE, BONE_AGE} <= set(header) or len(set(header)) < len(header):
        raise InvalidInput(
            f"Expected {path} to start with a line of column names, each once: {', '.join(COLUMNS)} (the last two "
            f"may be missing); it starts with: {', '.join(header)[:200] or 'nothing'}."
        )
    for number, cells in enumerate(rows, start=2):
        if any(cell.strip() for cell in cells):
            yield _reading_of_row(f"{path}, row {number}", header, cells)


def _reading_of_row(source: str, header: list[str], cells: list[str]) -> Reading:
    if len(cells) != len(header):
        return Reading(source, {}, f"has {len(cells)} cells; the header has {len(header)}")
    values = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    try:
        sex = sex_from_word(values[SEX]) if values.get(SEX) else None
        sd_months = number_in_cell(SD, values[SD]) if values.get(SD) else None
        bone_age = plausible_bone_age(number_in_cell(BONE_AGE, values[BONE_AGE]), sex)
        return Reading(source, {sex: _point(number_in_cell(AGE, values[AGE]), bone_age, sd_months)})
    except InvalidInput as error:
        return Reading(source, {}, error.message)


# What `boneage assess --json` wrote


def _documents(path: Path) -> Iterator[Reading]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"{path} cannot be read as JSON: {error}.", "Expected a .csv table or what `boneage assess --json` wrote."
        ) from None
    several = isinstance(content, list)
    for number, document in enumerate(content if several else [content], start=1):
        yield _reading_of_document(f"{path}, number {number}" if several else str(path), document)


def _reading_of_document(source: str, document: Any) -> Reading:
    if not isinstance(document, dict) or not (document.get("estimates") or "error" in document):
        return Reading(source, {}, "is not what `boneage assess --json` writes")
    if "error" in document:
        return Reading(source, {}, "was not assessed: it holds an error")
    if document.get(AGE) is None:
        return Reading(source, {}, "has no chronological age: assess it with --age")
    try:
        return Reading(source, {Sex(one[SEX]): _point_of(document, one) for one in document["estimates"]})
    except InvalidInput as error:
        return Reading(source, {}, error.message)
    except (KeyError, TypeError, ValueError):
        return Reading(source, {}, "is not what `boneage assess --json` writes")


def _point_of(document: dict[str, Any], estimate: dict[str, Any]) -> CoursePoint:
    bone_age_months = float(estimate[BONE_AGE])
    if not 0 <= bone_age_months <= END_OF_MODELS_MONTHS:  # NaN is refused, too
        raise InvalidInput(f"Expected a bone age of 0 to {END_OF_MODELS_MONTHS:.0f} months; got {bone_age_months:g}.")
    return _point(float(document[AGE]), bone_age_months, float(estimate[SD]))


def _point(chronological_age_months: float, bone_age_months: float, sd_months: float | None) -> CoursePoint:
    return CoursePoint(plausible_age(chronological_age_months), bone_age_months, _plausible_sd(sd_months))


def _plausible_sd(sd_months: float | None) -> float | None:
    if sd_months is not None and not 0 <= sd_months <= 60:  # NaN is refused, too
        raise InvalidInput(f"Expected an SD of a bone age of 0 to 60 months; got {sd_months:g}.")
    return sd_months

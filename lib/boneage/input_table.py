"""A CSV table of radiographs: paths, and what is known about the children."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from boneage.cli_values import plausible_age, sex_from_word
from boneage.errors import BoneAgeError, InvalidInput
from boneage.types import Sex

PATH, SEX, AGE = COLUMNS = ("path", "sex", "chronological_age_months")


@dataclass(frozen=True)
class Input:
    """One radiograph to assess, and what a table says about the child.

    Attributes:
        path: The file; the folder or the table's row where there is none.
        sex: As the table says; None if it does not.
        chronological_age_months: As the table says; None if it does not.
        error: Why this cannot be assessed; None if nothing speaks against trying.
    """

    path: Path
    sex: Sex | None = None
    chronological_age_months: float | None = None
    error: BoneAgeError | None = None


@dataclass(frozen=True)
class Table:
    """A table as read.

    Attributes:
        inputs: One a row, bad rows included.
        ignored_columns: Columns that mean nothing here; worth a word, since one may be misspelt.
    """

    inputs: tuple[Input, ...]
    ignored_columns: tuple[str, ...]


def is_table(path: Path) -> bool:
    """Say whether `path` is a table of radiographs rather than a radiograph."""
    return path.suffix.lower() == ".csv"


def read_table(table: Path) -> Table:
    """Read a table with the columns path, sex and chronological_age_months; the last two may be missing.

    Columns may be separated by commas, semicolons or tabs. Paths are relative to the table's folder. Rows that cannot
    be used, or that name a file a second time, become inputs with an error that names the row; the header is row 1.

    Raises:
        InvalidInput: If it is not such a table.
    """
    rows = cells_of(table)
    header = [name.strip().lower() for name in next(rows, [])]
    _check_header(header, table)
    numbered = ((number, cells) for number, cells in enumerate(rows, start=2) if any(cell.strip() for cell in cells))
    first_row: dict[Path, int] = {}
    inputs = tuple(_input_of_row(number, cells, header, table, first_row) for number, cells in numbered)
    return Table(inputs, tuple(name for name in header if name and name not in COLUMNS))


def cells_of(table: Path) -> Iterator[list[str]]:
    """Yield the rows of a CSV file as lists of cells, whatever separates them.

    Raises:
        InvalidInput: If it cannot be read as one.
    """
    try:
        text = table.read_text(encoding="utf-8-sig")
        first_line = text.split("\n", 1)[0]
        separator = max(",;\t", key=first_line.count)
        yield from csv.reader(text.splitlines(), delimiter=separator, strict=True)
    except UnicodeDecodeError:
        raise InvalidInput(f"{table} is not text in UTF-8.", "Save it as 'CSV UTF-8'.") from None
    except (OSError, csv.Error) as error:
        raise InvalidInput(f"{table} cannot be read as a CSV table: {error}.") from error


def _check_header(header: list[str], table: Path) -> None:
    if PATH not in header:
        raise InvalidInput(
            f"Expected {table} to start with a line of column names: {', '.join(COLUMNS)} (the last two may be "
            f"missing); it starts with: {', '.join(header)[:200] or 'nothing'}."
        )
    repeated = [name for name in COLUMNS if header.count(name) > 1]
    if repeated:
        raise InvalidInput(
            f"Expected the column '{repeated[0]}' once in {table}; it is there {header.count(repeated[0])} times."
        )


def _input_of_row(number: int, cells: list[str], header: list[str], table: Path, first_row: dict[Path, int]) -> Input:
    """Turn a row into an input; `first_row` remembers which row named which file."""
    row = Path(f"{table} (row {number})")
    if len(cells) != len(header):
        return Input(row, error=InvalidInput(f"Row {number} has {len(cells)} cells; the header has {len(header)}."))
    values = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    if not values[PATH]:
        return Input(row, error=InvalidInput(f"Row {number} has no path."))
    path = table.parent / values[PATH]
    if first_row.setdefault(path, number) != number:
        return Input(row, error=InvalidInput(f"Row {number} names the same file as row {first_row[path]}."))
    try:
        return _with_values(Input(path), values)
    except InvalidInput as error:
        return Input(path, error=InvalidInput(f"Row {number}: {error.message}", error.advice))


def _with_values(one: Input, values: dict[str, str]) -> Input:
    """Add a row's sex and age, where given."""
    if values.get(SEX):
        one = replace(one, sex=sex_from_word(values[SEX]))
    if values.get(AGE):
        one = replace(one, chronological_age_months=_months(values[AGE]))
    return one


def _months(cell: str) -> float:
    """Read months; a decimal comma is read as a point, as spreadsheets of many countries write it."""
    try:
        months = float(cell.replace(",", "."))
    except ValueError:
        raise InvalidInput(f"Expected {AGE} as a number of months; got '{cell}'.") from None
    return plausible_age(months)

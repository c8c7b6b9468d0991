"""A table of radiographs, CSV or Parquet: paths, and what is known about the children."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

from boneage.cli_values import plausible_age, sex_from_word
from boneage.errors import BoneAgeError, InvalidInput
from boneage.types import NO_HEIGHTS, Heights, Sex

PARQUET = ".parquet"
PATH, SEX, AGE = "path", "sex", "chronological_age_months"
HEIGHTS = tuple(field.name for field in fields(Heights))
COLUMNS = (PATH, SEX, AGE, *HEIGHTS)


@dataclass(frozen=True)
class Input:
    """One radiograph to assess, and what a table says about the child.

    Attributes:
        path: The file; the folder or the table's row where there is none.
        sex: As the table says; None if it does not.
        chronological_age_months: As the table says; None if it does not.
        heights: As the table says.
        error: Why this cannot be assessed; None if nothing speaks against trying.
    """

    path: Path
    sex: Sex | None = None
    chronological_age_months: float | None = None
    heights: Heights = NO_HEIGHTS
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
    return path.suffix.lower() in (".csv", PARQUET)


def read_table(table: Path) -> Table:
    """Read a table with the columns of `COLUMNS`; all but the path may be missing.

    Columns of a CSV file may be separated by commas, semicolons or tabs. Paths are relative to the table's folder. Rows
    that cannot be used, or that name a file a second time, become inputs with an error that names the row; the header
    is row 1, of a Parquet file too.

    Raises:
        InvalidInput: If it is not such a table.
    """
    rows = _parquet_cells(table) if table.suffix.lower() == PARQUET else table_cells(table)
    header = [name.strip().lower() for name in next(rows, [])]
    _check_header(header, table)
    numbered = ((number, cells) for number, cells in enumerate(rows, start=2) if any(cell.strip() for cell in cells))
    first_row: dict[Path, int] = {}
    inputs = tuple(_input_of_row(number, cells, header, table, first_row) for number, cells in numbered)
    return Table(inputs, tuple(name for name in header if name and name not in COLUMNS))


def table_cells(table: Path) -> Iterator[list[str]]:
    """Yield the rows of a CSV file as lists of cells, whatever separates them.

    Raises:
        InvalidInput: If it cannot be read as text or as CSV.
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


def _parquet_cells(table: Path) -> Iterator[list[str]]:
    """Yield the column names and the rows of a Parquet file as lists of cells; what is missing is empty."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InvalidInput(
            f"{table} needs pyarrow, which is not installed.", "Install it with: pip install 'boneage[cluster]'"
        ) from None
    try:
        with parquet.ParquetFile(table) as file:
            yield file.schema_arrow.names
            for batch in file.iter_batches():
                columns = [batch.column(i).to_pylist() for i in range(batch.num_columns)]
                yield from ([_cell(value) for value in row] for row in zip(*columns, strict=True))
    except (OSError, pyarrow.ArrowException) as error:
        raise InvalidInput(f"{table} cannot be read as a Parquet table: {error}.") from error


def _cell(value: object) -> str:
    return "" if value is None or value != value else str(value)


def _check_header(header: list[str], table: Path) -> None:
    if PATH not in header:
        raise InvalidInput(
            f"Expected {table} to start with a line of column names: {', '.join(COLUMNS)} (all but the "
            f"first may be missing); it starts with: {', '.join(header)[:200] or 'nothing'}."
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
    """Add a row's sex, age and heights, where given."""
    if values.get(SEX):
        one = replace(one, sex=sex_from_word(values[SEX]))
    if values.get(AGE):
        one = replace(one, chronological_age_months=plausible_age(number_in_cell(AGE, values[AGE])))
    measured = {name: number_in_cell(name, values[name]) for name in HEIGHTS if values.get(name)}
    return replace(one, heights=Heights(**measured))


def number_in_cell(column: str, cell: str) -> float:
    """Read a number; a decimal comma is read as a point, as spreadsheets of many countries write it.

    Raises:
        InvalidInput: If it is none; the message names the unit, which is the end of the column's name.
    """
    try:
        return float(cell.replace(",", "."))
    except ValueError:
        raise InvalidInput(f"Expected {column} as a number of {column.rpartition('_')[2]}; got '{cell}'.") from None

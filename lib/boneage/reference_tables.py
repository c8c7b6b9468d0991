"""The published tables in `boneage/data`; each file's header names its source."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files


@cache
def table_rows(file: str) -> tuple[dict[str, str], ...]:
    """Read a table: one dictionary of text cells a row, in the order of the file."""
    text = (files("boneage") / "data" / file).read_text(encoding="utf-8")
    return tuple(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def months_of(years_and_months: str) -> float:
    """Read an age as the old tables print it: "13-3" is 13 years 3 months."""
    years, months = years_and_months.split("-")
    return 12.0 * int(years) + int(months)


def printed_age(months: float) -> str:
    """Write an age as the old tables print it: 159 months are "13-3"."""
    return f"{int(months) // 12}-{int(months) % 12}"

"""What a DICOM file says of the child: sex and age at acquisition; nothing else of the child is taken from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from .contract import FEMALE, MALE

DAYS_PER_MONTH = 365.25 / 12
OLDEST_MONTHS = 30 * 12
_MONTHS_PER_UNIT = {"D": 1 / DAYS_PER_MONTH, "W": 7 / DAYS_PER_MONTH, "M": 1.0, "Y": 12.0}
_DATES = ("AcquisitionDate", "AcquisitionDateTime", "ContentDate", "SeriesDate", "StudyDate")


@dataclass(frozen=True)
class DicomFacts:
    """Sex (None for O, empty or anything else: ask) and chronological age, with remarks in sentences."""

    sex: str | None = None
    chronological_age_months: float | None = None
    warnings: tuple[str, ...] = ()


def facts_of(dataset: Any) -> DicomFacts:
    """Return what a pydicom dataset says; nonsense becomes unknown."""
    sex = {"F": FEMALE, "M": MALE}.get(_text(dataset, "PatientSex").upper())
    months, warnings = _age_months(dataset)
    return DicomFacts(sex, months, warnings)


def _age_months(dataset: Any) -> tuple[float | None, tuple[str, ...]]:
    """Return the age from birth and acquisition dates, else from PatientAge."""
    by_dates = _age_by_dates(dataset)
    if by_dates is not None and 0 <= by_dates <= OLDEST_MONTHS:
        return by_dates, ()
    warnings: tuple[str, ...] = (
        () if by_dates is None else ("Birth and acquisition dates give an impossible age; it was not used.",)
    )
    stated = re.fullmatch(r"([0-9]{3})([DWMY])", _text(dataset, "PatientAge"))
    if stated is None:
        return None, warnings
    months = int(stated.group(1)) * _MONTHS_PER_UNIT[stated.group(2)]
    if months > OLDEST_MONTHS:
        return None, (*warnings, "The stated age is not a child's; it was not used.")
    if stated.group(2) == "Y":
        warnings += ("The age is known in whole years only; the child may be up to 12 months older.",)
    return months, warnings


def _age_by_dates(dataset: Any) -> float | None:
    birth = _date(_text(dataset, "PatientBirthDate"))
    acquired = next((day for day in (_date(_text(dataset, name)) for name in _DATES) if day), None)
    return None if birth is None or acquired is None else (acquired - birth).days / DAYS_PER_MONTH


def _date(text: str) -> date | None:
    digits = text.replace(".", "")[:8]
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def _text(dataset: Any, name: str) -> str:
    value = dataset.get(name)
    return "" if value is None else str(value).strip()

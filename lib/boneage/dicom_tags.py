"""What a DICOM header says about the child and the detector, as values; nonsense becomes unknown, not an error."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date

from pydicom.dataset import Dataset

from boneage.dicom_ages import months_between, months_from_dicom_age
from boneage.errors import UnreadableRadiograph
from boneage.pixels import believable_spacing
from boneage.types import MONTHS_PER_YEAR, DicomIdentity, Laterality, Sex

SPACING_TAGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
OWN_MANUFACTURER = "boneage (open source)"
"""Of the objects that this program makes."""

DATE_TAGS = ("AcquisitionDate", "AcquisitionDateTime", "ContentDate", "SeriesDate", "StudyDate")
OLDEST_MONTHS = 120 * MONTHS_PER_YEAR
AGES_AGREE_MONTHS = 13.0
"""An Age String in whole years lies up to a year below the true age."""


def numbers(dataset: Dataset, keyword: str) -> list[float]:
    """Return the finite numbers of an element; empty if it is missing, empty or not numeric."""
    value = dataset.get(keyword)
    values = value if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    try:
        found = [float(one) for one in values]
    except (TypeError, ValueError):
        return []
    return found if all(map(math.isfinite, found)) else []


def spacing(dataset: Dataset) -> tuple[tuple[float, float] | None, float, tuple[str, ...]]:
    """Return (row, column) spacing in mm or None, the pixel's height over its width, and warnings."""
    notes: tuple[str, ...] = ()
    for keyword in SPACING_TAGS:
        pair = _positive_pair(dataset, keyword)
        if pair is not None and believable_spacing(pair):
            return pair, pair[0] / pair[1], notes
        if dataset.get(keyword):
            notes += (f"{keyword} cannot be a radiograph's pixel spacing and was ignored.",)
    ratio = _positive_pair(dataset, "PixelAspectRatio")
    return None, ratio[0] / ratio[1] if ratio else 1.0, notes


def sex(dataset: Dataset) -> Sex | None:
    """Return PatientSex; None for O, empty or anything else: it is asked for, never guessed."""
    return {"F": Sex.FEMALE, "M": Sex.MALE}.get(_text(dataset, "PatientSex").upper())


def acquisition_date(dataset: Dataset) -> date | None:
    """Return the day of the exposure, or the nearest day that the file names."""
    return next((day for day in (_date(dataset, keyword) for keyword in DATE_TAGS) if day), None)


def age_months(dataset: Dataset) -> tuple[float | None, tuple[str, ...]]:
    """Return the age at acquisition in months, from the dates or else from PatientAge, and warnings."""
    notes: tuple[str, ...] = ()
    by_dates, stated = _age_by_dates(dataset), _stated_age(dataset)
    if by_dates is not None and not 0 <= by_dates <= OLDEST_MONTHS:
        notes += (f"Birth and acquisition dates give an age of {by_dates / MONTHS_PER_YEAR:.0f} years: not used.",)
        by_dates = None
    if by_dates is not None and stated is not None and abs(by_dates - stated) > AGES_AGREE_MONTHS:
        notes += (f"The dates give an age of {by_dates:.0f} months, PatientAge {stated:.0f}; the dates were used.",)
    if by_dates is None and stated is not None and _text(dataset, "PatientAge").endswith("Y"):
        notes += ("The age is known in whole years only; the child may be up to 12 months older.",)
    return by_dates if by_dates is not None else stated, notes


def laterality(dataset: Dataset) -> tuple[Laterality | None, tuple[str, ...]]:
    """Return which hand the file says it shows, and a warning if it contradicts itself."""
    sides = {"L": Laterality.LEFT, "R": Laterality.RIGHT}
    said = [_text(dataset, keyword).upper() for keyword in ("ImageLaterality", "Laterality")]
    known = [sides[one] for one in said if one in sides]
    if len(set(known)) > 1:
        return None, ("ImageLaterality and Laterality name different sides.",)
    return (known[0] if known else None), ()


def identity(dataset: Dataset) -> DicomIdentity:
    """Return the UIDs; empty where the file has none."""
    return DicomIdentity(
        study_instance_uid=_text(dataset, "StudyInstanceUID"),
        series_instance_uid=_text(dataset, "SeriesInstanceUID"),
        sop_instance_uid=_text(dataset, "SOPInstanceUID"),
        sop_class_uid=_text(dataset, "SOPClassUID"),
    )


def _positive_pair(dataset: Dataset, keyword: str) -> tuple[float, float] | None:
    pair = numbers(dataset, keyword)
    return (pair[0], pair[1]) if len(pair) == 2 and min(pair) > 0 else None


def _age_by_dates(dataset: Dataset) -> float | None:
    """Return the age in months; negative if the dates are the wrong way round."""
    birth, acquired = _date(dataset, "PatientBirthDate"), acquisition_date(dataset)
    if birth is None or acquired is None:
        return None
    return months_between(birth, acquired) if birth <= acquired else -months_between(acquired, birth)


def _stated_age(dataset: Dataset) -> float | None:
    try:
        return months_from_dicom_age(_text(dataset, "PatientAge"))
    except UnreadableRadiograph:
        return None


def _date(dataset: Dataset, keyword: str) -> date | None:
    """Read YYYYMMDD, or the old YYYY.MM.DD, from the beginning of a DA or DT element."""
    digits = _text(dataset, keyword).replace(".", "")[:8]
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip()

"""A child's age from DICOM: an Age String, or two dates."""

from __future__ import annotations

import re
from datetime import date

from boneage.errors import UnreadableRadiograph
from boneage.types import DAYS_PER_MONTH, MONTHS_PER_YEAR

MONTHS_PER_UNIT = {"D": 1.0 / DAYS_PER_MONTH, "W": 7.0 / DAYS_PER_MONTH, "M": 1.0, "Y": MONTHS_PER_YEAR}


def months_from_dicom_age(age: str) -> float:
    """Convert a DICOM Age String to months.

    Args:
        age: Three digits and one of D, W, M, Y, as in "126M" (PS3.5, section 6.2, VR "AS").

    Raises:
        UnreadableRadiograph: If `age` is not an Age String.
    """
    match = re.fullmatch(r"([0-9]{3})([DWMY])", age.strip())
    if match is None:
        raise UnreadableRadiograph(
            f"Expected an age of three digits and D, W, M or Y, such as 126M; got {len(age)} other characters.",
            "Give the age yourself.",
        )
    return int(match[1]) * MONTHS_PER_UNIT[match[2]]


def months_between(birth_date: date, acquisition_date: date) -> float:
    """Return the age at acquisition in months of 365.25 / 12 days.

    Raises:
        UnreadableRadiograph: If the child was not yet born.
    """
    days = (acquisition_date - birth_date).days
    if days < 0:
        raise UnreadableRadiograph(
            f"The acquisition lies {-days} days before the birth.", "Correct the dates or give the age yourself."
        )
    return days / DAYS_PER_MONTH

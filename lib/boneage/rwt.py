"""Adult height after Roche, Wainer and Thissen, Pediatrics 1975;56:1026-1033 (RWT).

A linear equation for each age. It is made for recumbent length: standing height is not put in its place. It wants a
Greulich-Pyle bone age; the RWT of 1993 wants another one and is not this.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from boneage.reference_tables import printed_age, table_rows
from boneage.types import MONTHS_PER_YEAR, RWT_1975, AdultHeight, Sex

RANGE_MEANS = "90 % limits, read off the authors' figure, so within about 0.3 cm"
NOTE = "height at 18 years"
ODD_WEIGHT = (
    "; at this age the paper's factor for the weight looks misprinted, which may shift the height by up to 2 cm"
)
_ODD_WEIGHT_MONTHS = {Sex.MALE: (189, 193), Sex.FEMALE: (162, 168)}  # see the headers of the tables

_FILES = {Sex.MALE: "rwt_1975_boys.csv", Sex.FEMALE: "rwt_1975_girls.csv"}
_COEFFICIENTS = (
    "height_length_coefficient",
    "weight_coefficient",
    "midparental_height_coefficient",
    "bone_age_coefficient",
    "regression_intercept",
)


def rwt_1975(
    length_cm: float,
    weight_kg: float,
    midparental_height_cm: float,
    bone_age_months: float,
    chronological_age_months: float,
    sex: Sex,
) -> AdultHeight:
    """Predict the height at 18 years.

    Coefficients and limits are interpolated linearly between the ages of the tables; outside them there is no height,
    and the note says what they cover.

    Args:
        length_cm: Recumbent length; not standing height.
        weight_kg: Body weight.
        midparental_height_cm: Mean of the parents' heights, without an adjustment for sex.
        bone_age_months: After Greulich and Pyle.
        chronological_age_months: Chooses the equation.
        sex: Chooses the table.
    """
    ages, table = _table(sex)
    if not ages[0] <= chronological_age_months <= ages[-1]:
        return AdultHeight(RWT_1975, None, note=_outside_table(sex, chronological_age_months))
    coefficients = [np.interp(chronological_age_months, ages, column) for column in table.T]
    measured = (length_cm, weight_kg, midparental_height_cm, bone_age_months / MONTHS_PER_YEAR, 1.0)
    cm = float(np.dot(coefficients, measured))
    half_width_cm = _half_width_cm(chronological_age_months, sex)
    return AdultHeight(
        RWT_1975, cm, cm - half_width_cm, cm + half_width_cm, RANGE_MEANS, note=_note(chronological_age_months, sex)
    )


def _outside_table(sex: Sex, chronological_age_months: float) -> str:
    ages, _ = _table(sex)
    return (
        f"outside the table: for the {sex.value} sex it covers ages of {printed_age(ages[0])} to "
        f"{printed_age(ages[-1])} years-months; this one is {printed_age(chronological_age_months)}"
    )


def _half_width_cm(chronological_age_months: float, sex: Sex) -> float:
    ages, half_widths = _limits(sex)
    return float(np.interp(chronological_age_months, ages, half_widths))


def _note(chronological_age_months: float, sex: Sex) -> str:
    start, end = _ODD_WEIGHT_MONTHS[sex]
    return f"{NOTE}{ODD_WEIGHT if start < chronological_age_months < end else ''}"


@cache
def _limits(sex: Sex) -> tuple[np.ndarray, np.ndarray]:
    """Return ages (months) and half widths (cm) of the 90 % limits."""
    rows = [row for row in table_rows("rwt_1975_limits.csv") if row["sex"] == sex.value]
    ages = np.array([float(row["chronological_age_months"]) for row in rows])
    return ages, np.array([float(row["half_width_cm"]) for row in rows])


@cache
def _table(sex: Sex) -> tuple[np.ndarray, np.ndarray]:
    """Return the ages (months) and, a row for each, the five coefficients in the order of `_COEFFICIENTS`."""
    rows = table_rows(_FILES[sex])
    ages = np.array([MONTHS_PER_YEAR * int(row["age_years"]) + int(row["age_months"]) for row in rows])
    return ages, np.array([[float(row[name]) for name in _COEFFICIENTS] for row in rows])

"""Adult height after Bayley and Pinneau, J Pediatr 1952;40:423-441.

The child's height, divided by the part of the adult height that is usually reached at that bone age. There is one
column of such parts for children whose bone age is ahead by a year or more, one for those behind, one for the others.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from boneage.reference_tables import months_of, printed_age, table_rows
from boneage.types import BAYLEY_PINNEAU, CM_PER_INCH, AdultHeight, Sex

ACCELERATED, AVERAGE, RETARDED = "accelerated", "average", "retarded"  # the paper's words
CLASS_LIMIT_MONTHS = 12.0
LIMITS_90_SD = 1.645

_IN_WORDS = {
    ACCELERATED: "bone age 12 months or more ahead of age",
    AVERAGE: "bone age within 12 months of age",
    RETARDED: "bone age 12 months or more behind age",
}


def bayley_pinneau(height_cm: float, bone_age_months: float, chronological_age_months: float, sex: Sex) -> AdultHeight:
    """Predict the adult height.

    The range is the prediction plus and minus 1.645 SD of the errors that the authors found in children whom the table
    was not made from; it leaves out the uncertainty of the bone age. Outside the table there is no height, and the note
    says what the table covers.

    Args:
        height_cm: Standing height.
        bone_age_months: After Greulich and Pyle.
        chronological_age_months: Chooses the class together with the bone age, and the error.
        sex: Chooses the table.
    """
    maturity = maturity_class(bone_age_months, chronological_age_months)
    percent = percent_of_mature_height(bone_age_months, sex, maturity)
    if percent is None:
        return AdultHeight(BAYLEY_PINNEAU, None, note=_outside_table(sex, maturity, bone_age_months))
    cm = height_cm / (percent / 100)
    note = f"class '{maturity}': {_IN_WORDS[maturity]}; {percent:.1f} % of the adult height is reached"
    sd_cm = error_sd_cm(chronological_age_months, sex)
    if sd_cm is None:
        return AdultHeight(BAYLEY_PINNEAU, cm, note=f"{note}; the authors give no error for this age")
    reach_cm = LIMITS_90_SD * sd_cm
    means = f"90 % limits from the authors' error SD of {sd_cm:.1f} cm at this age, all classes together"
    return AdultHeight(BAYLEY_PINNEAU, cm, cm - reach_cm, cm + reach_cm, means, note=note)


def maturity_class(bone_age_months: float, chronological_age_months: float) -> str:
    """Return the paper's class: accelerated or retarded from 12 months of difference on, else average."""
    # Rounded, so that a difference of exactly 12 months is not pushed below the limit by floating point.
    advance_months = round(bone_age_months - chronological_age_months, 6)
    if advance_months >= CLASS_LIMIT_MONTHS:
        return ACCELERATED
    return RETARDED if advance_months <= -CLASS_LIMIT_MONTHS else AVERAGE


def percent_of_mature_height(bone_age_months: float, sex: Sex, maturity: str) -> float | None:
    """Return the part of the adult height that is reached, per cent; None outside the table.

    Interpolated linearly between the bone ages of the table.
    """
    ages, percents = _percents(sex, maturity)
    if not ages[0] <= bone_age_months <= ages[-1]:
        return None
    return float(np.interp(bone_age_months, ages, percents))


def error_sd_cm(chronological_age_months: float, sex: Sex) -> float | None:
    """Return the SD of the authors' prediction errors (Tables IV and V, validating sample); None outside them."""
    ages, sds = _errors(sex)
    if not ages[0] <= chronological_age_months <= ages[-1]:
        return None
    return float(np.interp(chronological_age_months, ages, sds)) * CM_PER_INCH


def _outside_table(sex: Sex, maturity: str, bone_age_months: float) -> str:
    ages, _ = _percents(sex, maturity)
    return (
        f"outside the table: for the {sex.value} sex and class '{maturity}' ({_IN_WORDS[maturity]}) it covers "
        f"bone ages of {printed_age(ages[0])} to {printed_age(ages[-1])} years-months; "
        f"this one is {printed_age(bone_age_months)}"
    )


@cache
def _percents(sex: Sex, maturity: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the bone ages (months) and the percents of a column, by rising age."""
    rows = table_rows("bayley_pinneau_1952_pmh.csv")
    chosen = [row for row in rows if (row["sex"], row["category"]) == (sex.value, maturity)]
    return (
        np.array([float(row["skeletal_age_months"]) for row in chosen]),
        np.array([float(row["pmh_percent"]) for row in chosen]),
    )


@cache
def _errors(sex: Sex) -> tuple[np.ndarray, np.ndarray]:
    """Return chronological ages (months) and SDs (inches) of the validating sample, where it has any."""
    rows = table_rows("bayley_pinneau_1952_error_sd_inches.csv")
    chosen = [row for row in rows if row["sex"] == sex.value and row["sd_val"]]
    return (
        np.array([months_of(row["ca_years_months"]) for row in chosen]),
        np.array([float(row["sd_val"]) for row in chosen]),
    )

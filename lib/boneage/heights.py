"""Whether heights and weights can be true: most slips are a wrong unit, and a wrong unit is a wrong adult height."""

from __future__ import annotations

import math

import numpy as np

from boneage.errors import InvalidInput
from boneage.types import MONTHS_PER_YEAR, Heights

# A bound of our own, wide on purpose: half to one and a half of what is usual at that age (both sexes, rounded). Inches
# taken for cm fall below it and cm taken for inches above it, for any child within a quarter of what is usual.
USUAL_HEIGHT_CM = {0: 50, 1: 75, 2: 87, 5: 110, 10: 138, 13: 156, 16: 168, 18: 170}  # age in years -> cm
LEAST_PART, MOST_PART = 0.5, 1.5
ADULT_RANGE_CM = (85.0, 255.0)
WEIGHT_RANGE_KG = (1.0, 300.0)
BODY_MASS_INDEX_RANGE = (7.0, 80.0)
ANY_AGE_RANGE_CM = (25.0, 255.0)

_NAMES = {
    "height_cm": "height",
    "length_cm": "recumbent length",
    "weight_kg": "weight",
    "mother_height_cm": "mother's height",
    "father_height_cm": "father's height",
}
_ADVICE = "Check the unit (cm, m, in, ft; kg, lb) and the digits."


def plausible_range_cm(chronological_age_months: float | None) -> tuple[float, float]:
    """Return the least and the greatest height (cm) that is believed at an age; without an age, at any."""
    if chronological_age_months is None:
        return ANY_AGE_RANGE_CM
    years, cm = zip(*USUAL_HEIGHT_CM.items(), strict=True)
    usual = float(np.interp(chronological_age_months / MONTHS_PER_YEAR, years, cm))
    return LEAST_PART * usual, MOST_PART * usual


def check_heights(heights: Heights, chronological_age_months: float | None) -> None:
    """Refuse heights and weights that no child of this age can have, or no parent.

    Raises:
        InvalidInput: If one is not a finite number, or implausible; the message says why.
    """
    ranges = {
        "height_cm": plausible_range_cm(chronological_age_months),
        "length_cm": plausible_range_cm(chronological_age_months),
        "weight_kg": WEIGHT_RANGE_KG,
        "mother_height_cm": ADULT_RANGE_CM,
        "father_height_cm": ADULT_RANGE_CM,
    }
    for field, value in heights.given().items():
        least, most = ranges[field]
        if not math.isfinite(value) or not least <= value <= most:
            raise InvalidInput(_implausible(field, value, least, most, chronological_age_months), _ADVICE)
    _check_body_mass_index(heights)


def _implausible(field: str, value: float, least: float, most: float, chronological_age_months: float | None) -> str:
    unit = field.rpartition("_")[2]
    whose, why = "", ""
    if field in ("height_cm", "length_cm") and chronological_age_months is not None:
        whose = f" at {chronological_age_months / MONTHS_PER_YEAR:.1f} years"
        why = " (half to one and a half of what is usual at that age)"
    return f"Expected a {_NAMES[field]} of {least:.0f} to {most:.0f} {unit}{whose}{why}; got {value:g} {unit}."


def _check_body_mass_index(heights: Heights) -> None:
    cm = heights.height_cm or heights.length_cm
    if cm is None or heights.weight_kg is None:
        return
    index = heights.weight_kg / (cm / 100) ** 2
    least, most = BODY_MASS_INDEX_RANGE
    if not least <= index <= most:
        raise InvalidInput(
            f"Expected height and weight to make a body mass index of {least:g} to {most:g}; "
            f"{heights.weight_kg:g} kg at {cm:g} cm make {index:.1f}.",
            _ADVICE,
        )

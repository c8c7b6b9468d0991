"""Room 6: the growth reading as text and JSON: score, adult heights, course."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from boneage.types import AdultHeight, GrowthScore, Heights, Verdict
from boneage.wording import adult_height_in_words, centimetres_in_words, sds_in_words

VERDICT_IN_WORDS = {
    Verdict.DELAYED: "delayed (bone age more than 2 SD below chronological age)",
    Verdict.NORMAL: "normal (bone age within 2 SD of chronological age)",
    Verdict.ADVANCED: "advanced (bone age more than 2 SD above chronological age)",
    Verdict.OUTSIDE_TABLE: "none (the growth reference does not cover this chronological age)",
}
HEIGHT_NAMES = {
    "height_cm": "Height",
    "length_cm": "Recumbent length",
    "weight_kg": "Weight",
    "mother_height_cm": "Mother's height",
    "father_height_cm": "Father's height",
}


def growth_items(growth: GrowthScore | None) -> Iterator[tuple[str, str]]:
    """Yield the lines on a score: name and value."""
    if growth is None:
        yield "SDS", "not given, since the chronological age is not known"
        return
    sd = "" if growth.reference_sd_months is None else f" (1 SD = {growth.reference_sd_months:.1f} months)"
    yield "SDS", sds_in_words(growth) + sd
    yield "Verdict", VERDICT_IN_WORDS[growth.verdict]
    yield "Growth reference", growth.growth_reference


def heights_items(heights: Heights) -> Iterator[tuple[str, str]]:
    """Yield a line for each height and weight that was given."""
    for field, value in heights.given().items():
        yield HEIGHT_NAMES[field], f"{value:.1f} kg" if field == "weight_kg" else centimetres_in_words(value)


def adult_height_items(adult_heights: Sequence[AdultHeight]) -> Iterator[tuple[str, str]]:
    """Yield the lines on adult heights, several for each method."""
    for adult in adult_heights:
        first, *others = adult_height_in_words(adult)
        yield "Adult height", first
        yield from (("", f"  {other}") for other in others)


def growth_json(growth: GrowthScore | None) -> dict[str, Any]:
    """Give a score as a dictionary of plain values."""
    return {
        "sds": rounded(growth.sds, 2) if growth else None,
        "reference_sd_months": rounded(growth.reference_sd_months, 2) if growth else None,
        "verdict": growth.verdict.value if growth else None,
        "growth_reference": growth.growth_reference if growth else None,
    }


def heights_json(heights: Heights) -> dict[str, Any]:
    """Give what was given under the key "heights"; without anything given, no key."""
    given = {field: rounded(value, 2) for field, value in heights.given().items()}
    return {"heights": given} if given else {}


def adult_heights_json(adult_heights: Sequence[AdultHeight]) -> dict[str, Any]:
    """Give the adult heights under the key "adult_heights"; without any, no key."""
    return {"adult_heights": [_adult_height_json(adult) for adult in adult_heights]} if adult_heights else {}


def _adult_height_json(adult: AdultHeight) -> dict[str, Any]:
    over = adult.over_bone_age_cm
    return {
        "method": adult.method,
        "cm": rounded(adult.cm, 1),
        "lower_cm": rounded(adult.lower_cm, 1),
        "upper_cm": rounded(adult.upper_cm, 1),
        "range_means": adult.range_means or None,
        "over_bone_age_cm": [rounded(cm, 1) for cm in over] if over else None,
        "note": adult.note,
    }


def rounded(value: float | None, digits: int) -> float | None:
    """Round for JSON; None stays None."""
    # Adding zero turns -0.0 into 0.0.
    return None if value is None else round(float(value), digits) + 0.0

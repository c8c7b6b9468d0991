"""Room 5: a bone age set against the child's chronological age.

SDS = (bone age - chronological age) / SD of skeletal age for chronological age and sex. Beyond 2 SD the bone age is
delayed or advanced. Two published series of SDs differ enough to change that verdict, so every score names its series.

The tables are in `boneage/data`; each file's header names its source.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from boneage.errors import InvalidInput
from boneage.types import MONTHS_PER_YEAR, Assessment, GrowthScore, Sex, Signature, Verdict

DEFAULT_GROWTH_REFERENCE = "brush-foundation"
SDS_LIMIT = 2.0


@dataclass(frozen=True)
class _Source:
    """A series of SDs: its name in reports, and its file in `boneage/data`."""

    title: str
    file: str


_SOURCES = {
    "brush-foundation": _Source(
        "Greulich-Pyle 1959, Brush Foundation series (Tables III/IV)", "gp_brush_foundation_sd.csv"
    ),
    "tables-v-vi": _Source("Greulich-Pyle 1959, Tables V/VI", "gp_table_V_VI_sd.csv"),
}


def growth_references() -> dict[str, str]:
    """Return the growth references: the name to choose one by -> its title in reports."""
    return {name: source.title for name, source in _SOURCES.items()}


def growth_range_months(sex: Sex, growth_reference: str = DEFAULT_GROWTH_REFERENCE) -> tuple[float, float]:
    """Return the first and the last chronological age (months) that a growth reference covers.

    Raises:
        InvalidInput: If there is no such growth reference.
    """
    ages, _ = _table(_reference_name(growth_reference), sex)
    return float(ages[0]), float(ages[-1])


def score_growth(
    bone_age_months: float,
    chronological_age_months: float,
    sex: Sex,
    growth_reference: str = DEFAULT_GROWTH_REFERENCE,
) -> GrowthScore:
    """Set a bone age against the chronological age.

    The SD is interpolated linearly between the ages of the table. Outside the table there is no SD and no SDS; the
    verdict says so.

    Args:
        bone_age_months: The estimate.
        chronological_age_months: Age at acquisition.
        sex: Chooses the column of the table.
        growth_reference: A name or a title from `growth_references`.

    Returns:
        The score; its `growth_reference` is the title.

    Raises:
        InvalidInput: If there is no such growth reference, or an age is not a finite number.
    """
    for name, months in (("bone age", bone_age_months), ("chronological age", chronological_age_months)):
        _check_finite(name, months)
    title = _SOURCES[_reference_name(growth_reference)].title
    reference_sd_months = _reference_sd_months(chronological_age_months, sex, growth_reference)
    if reference_sd_months is None:
        return GrowthScore(chronological_age_months, None, None, Verdict.OUTSIDE_TABLE, title)
    sds = (bone_age_months - chronological_age_months) / reference_sd_months
    return GrowthScore(chronological_age_months, sds, reference_sd_months, _verdict(sds), title)


def verdict_depends_on_reference(
    bone_age_months: float,
    chronological_age_months: float,
    sex: Sex,
    growth_reference: str = DEFAULT_GROWTH_REFERENCE,
) -> str:
    """Say whether another growth reference would give another verdict.

    Arguments and errors are those of `score_growth`.

    Returns:
        One sentence for the reader of the report; empty if no other reference contradicts, or if one of them does not
        cover the chronological age.
    """
    chosen = score_growth(bone_age_months, chronological_age_months, sex, growth_reference)
    scores = [score_growth(bone_age_months, chronological_age_months, sex, name) for name in _SOURCES]
    covering = [score for score in scores if score.sds is not None]
    others = [score for score in covering if score.verdict is not chosen.verdict]
    if chosen.sds is None or not others:
        return ""
    return f"The verdict depends on the growth reference: {', but '.join(map(_in_words, [chosen, *others]))}."


def outside_table_warning(
    chronological_age_months: float, sex: Sex, growth_reference: str = DEFAULT_GROWTH_REFERENCE
) -> str:
    """Say that a chronological age is outside the growth reference, and what that reference covers.

    Returns:
        One sentence for the reader of the report; empty if the age is covered.

    Raises:
        InvalidInput: If there is no such growth reference.
    """
    first, last = growth_range_months(sex, growth_reference)
    if first <= chronological_age_months <= last:
        return ""
    return (
        f"No SDS: the growth reference {_SOURCES[_reference_name(growth_reference)].title} covers "
        f"{first / MONTHS_PER_YEAR:g} to {last / MONTHS_PER_YEAR:g} years ({sex.value}); "
        f"the chronological age is {chronological_age_months / MONTHS_PER_YEAR:.1f} years."
    )


def _check_finite(name: str, months: float) -> None:
    if not math.isfinite(months):
        raise InvalidInput(f"Expected a {name} in months; got {months}.")


def _verdict(sds: float) -> Verdict:
    # Rounded, so that an SDS of exactly 2 is not pushed over the limit by floating point.
    if abs(round(sds, 9)) <= SDS_LIMIT:
        return Verdict.NORMAL
    return Verdict.ADVANCED if sds > 0 else Verdict.DELAYED


def _in_words(score: GrowthScore) -> str:
    return f"{score.verdict.value} (SDS {score.sds:+.2f}) by {score.growth_reference}"


def _reference_name(name_or_title: str) -> str:
    for name, source in _SOURCES.items():
        if name_or_title in (name, source.title):
            return name
    raise InvalidInput(f"Expected a growth reference, one of {', '.join(_SOURCES)}; got '{name_or_title}'.")


def _reference_sd_months(chronological_age_months: float, sex: Sex, growth_reference: str) -> float | None:
    ages, sds = _table(_reference_name(growth_reference), sex)
    if not ages[0] <= chronological_age_months <= ages[-1]:
        return None
    return float(np.interp(chronological_age_months, ages, sds))


@cache
def _table(reference_name: str, sex: Sex) -> tuple[np.ndarray, np.ndarray]:
    """Read one column of a table: chronological ages and SDs, both in months, by rising age."""
    text = (files("boneage") / "data" / _SOURCES[reference_name].file).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = [row for row in csv.DictReader(lines) if row["sex"] == sex.value]
    ages = np.array([float(row["chronological_age_months"]) for row in rows])
    sds = np.array([float(row["sd_months"]) for row in rows])
    return ages, sds


def score_signed(assessment: Assessment, signature: Signature) -> GrowthScore | None:
    """Set a signed bone age against the chronological age, by the growth reference of the assessment.

    Returns:
        The score; None if the chronological age is not known.
    """
    scored = next((estimate.growth for estimate in assessment.estimates if estimate.growth), None)
    months = scored.chronological_age_months if scored else assessment.radiograph.chronological_age_months
    if months is None:
        return None
    reference = scored.growth_reference if scored else DEFAULT_GROWTH_REFERENCE
    return score_growth(signature.bone_age_months, months, signature.sex, reference)

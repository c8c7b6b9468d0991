"""`boneage growth`: what a bone age says of a child's growth, without a radiograph."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from boneage.adult_height import adult_heights
from boneage.cli_heights import height_options, heights_from
from boneage.cli_values import Words, age_from_words, plausible_bone_age
from boneage.growth import growth_references, outside_table_warning, score_growth, verdict_depends_on_reference
from boneage.heights import check_heights
from boneage.report_growth import (
    adult_height_items,
    adult_heights_json,
    growth_items,
    growth_json,
    heights_items,
    heights_json,
    rounded,
)
from boneage.types import AdultHeight, GrowthScore, Heights, Sex
from boneage.wording import NOT_A_MEDICAL_DEVICE, years_and_months


@click.command()
@click.option(
    "--sex", required=True, type=click.Choice([sex.value for sex in Sex], case_sensitive=False), help="Of the child."
)
@click.option(
    "--bone-age",
    "bone_age_months",
    required=True,
    type=Words("AGE", age_from_words),
    help="After Greulich and Pyle, with its unit: 13y3m, 159m or 13.25y.",
)
@click.option(
    "--age",
    "chronological_age_months",
    required=True,
    type=Words("AGE", age_from_words),
    help="Chronological age when the radiograph was taken, in the same way.",
)
@height_options
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def growth(sex: str, bone_age_months: float, chronological_age_months: float, as_json: bool, **asked: Any) -> None:
    """Read a bone age that is known already: SDS by both growth references, verdict, advance, adult heights."""
    heights, child = heights_from(asked), Sex(sex.lower())
    plausible_bone_age(bone_age_months, child)
    check_heights(heights, chronological_age_months)
    scores = [score_growth(bone_age_months, chronological_age_months, child, name) for name in growth_references()]
    adults = adult_heights(heights, bone_age_months, chronological_age_months, child)
    warnings = _warnings(bone_age_months, chronological_age_months, child)
    if as_json:
        document = _as_json(bone_age_months, child, heights, scores, adults, warnings)
        click.echo(json.dumps(document, indent=2, allow_nan=False))
        return
    for name, value in _items(bone_age_months, child, heights, scores, adults):
        click.echo(f"{name:<20}{value}")
    for warning in warnings:
        click.echo(f"\nWarning: {warning}")
    click.echo(f"\n{NOT_A_MEDICAL_DEVICE}")


def _warnings(bone_age_months: float, chronological_age_months: float, sex: Sex) -> list[str]:
    outside = [outside_table_warning(chronological_age_months, sex, name) for name in growth_references()]
    depends = verdict_depends_on_reference(bone_age_months, chronological_age_months, sex)
    return [warning for warning in (*outside, depends) if warning]


def _items(
    bone_age_months: float, sex: Sex, heights: Heights, scores: list[GrowthScore], adults: tuple[AdultHeight, ...]
) -> Iterator[tuple[str, str]]:
    age = scores[0].chronological_age_months
    yield "Sex", sex.value
    yield "Bone age", f"{years_and_months(bone_age_months)} ({bone_age_months:.1f} months)"
    yield "Chronological age", f"{years_and_months(age)} ({age:.1f} months)"
    yield "Advance", f"{bone_age_months - age:+.1f} months"
    for score in scores:
        yield from growth_items(score)
    yield from heights_items(heights)
    yield from adult_height_items(adults)


def _as_json(
    bone_age_months: float,
    sex: Sex,
    heights: Heights,
    scores: list[GrowthScore],
    adults: tuple[AdultHeight, ...],
    warnings: list[str],
) -> dict[str, Any]:
    age = scores[0].chronological_age_months
    return {
        "sex": sex.value,
        "bone_age_months": rounded(bone_age_months, 2),
        "chronological_age_months": rounded(age, 2),
        "advance_months": rounded(bone_age_months - age, 2),
        "scores": [growth_json(score) for score in scores],
        **heights_json(heights),
        **adult_heights_json(adults),
        "warnings": warnings,
        "notice": NOT_A_MEDICAL_DEVICE,
    }

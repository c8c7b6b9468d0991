"""Room 5: several bone ages of one child -> how fast the bones matured between them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from boneage.errors import InvalidInput
from boneage.growth import DEFAULT_GROWTH_REFERENCE, outside_table_warning, score_growth
from boneage.types import Course, CourseInterval, CoursePoint, Sex
from boneage.wording import years_and_months

# Where a bone age comes without an SD, only to judge whether an interval is too short: one reader's mean absolute error
# against six others on the RSNA 2017 test set was 4.8 to 7.0 months; 6 months are an SD of 7.5 if errors are normal.
READER_SD_MONTHS = 7.5
SAME_AGE_MONTHS = 0.1  # three days


def course(points: Sequence[CoursePoint], sex: Sex, growth_reference: str = DEFAULT_GROWTH_REFERENCE) -> Course:
    """Put the bone ages of one child in order and look at what happened between them.

    A velocity's uncertainty takes the errors of its two bone ages as independent. What is always misread in this child
    in the same way drops out of the difference, so the true uncertainty is rather smaller.

    Args:
        points: In any order.
        sex: Of the child, for whom all bone ages were read.
        growth_reference: A name or a title from `boneage.growth.growth_references`.

    Raises:
        InvalidInput: If there is no point, or an age or SD is not a number from 0 on, or no such growth reference.
    """
    if not points:
        raise InvalidInput("Expected at least one bone age with its chronological age; got none.")
    for point in points:
        _check(point)
    ordered = tuple(sorted(points, key=lambda point: (point.chronological_age_months, point.bone_age_months)))
    scores = tuple(
        score_growth(point.bone_age_months, point.chronological_age_months, sex, growth_reference) for point in ordered
    )
    intervals = tuple(interval_between(start, end) for start, end in pairwise(ordered))
    outside = (outside_table_warning(point.chronological_age_months, sex, growth_reference) for point in ordered)
    warnings = [*filter(None, outside), *(warning for one in intervals for warning in _interval_warnings(one))]
    overall = interval_between(ordered[0], ordered[-1]) if intervals else None
    return Course(sex, ordered, scores, intervals, scores[0].growth_reference, tuple(warnings), overall)


def interval_between(start: CoursePoint, end: CoursePoint) -> CourseInterval:
    """Return how fast the bones matured from `start` to `end`, the later one."""
    months = end.chronological_age_months - start.chronological_age_months
    if months < SAME_AGE_MONTHS:
        return CourseInterval(start, end, None, None)
    velocity = (end.bone_age_months - start.bone_age_months) / months
    if start.sd_months is None or end.sd_months is None:
        return CourseInterval(start, end, velocity, None)
    return CourseInterval(start, end, velocity, math.hypot(start.sd_months, end.sd_months) / months)


def _check(point: CoursePoint) -> None:
    values = {"chronological age": point.chronological_age_months, "bone age": point.bone_age_months}
    if point.sd_months is not None:
        values["SD of a bone age"] = point.sd_months
    for name, months in values.items():
        if not math.isfinite(months) or months < 0:
            raise InvalidInput(f"Expected a {name} in months, from 0 on; got {months}.")


def _interval_warnings(one: CourseInterval) -> Iterator[str]:
    start, end = one.start, one.end
    if one.velocity is None:
        yield (
            f"Two bone ages at the same age, {years_and_months(start.chronological_age_months)}: "
            f"{start.bone_age_months:.1f} and {end.bone_age_months:.1f} months. There is no velocity between them."
        )
        return
    ages = f"{years_and_months(start.chronological_age_months)} and {years_and_months(end.chronological_age_months)}"
    if one.velocity < 0:
        yield f"Between {ages} the bone age falls, which bones do not do: look at both radiographs again."
    months = end.chronological_age_months - start.chronological_age_months
    error_months = _error_of_difference_months(start, end)
    if months < error_months:
        yield (
            f"Between {ages} lie {months:.1f} months, less than the error of the difference of the two bone ages "
            f"({error_months:.1f} months, 1 SD): this velocity says little."
        )


def _error_of_difference_months(start: CoursePoint, end: CoursePoint) -> float:
    return math.hypot(*(READER_SD_MONTHS if one.sd_months is None else one.sd_months for one in (start, end)))

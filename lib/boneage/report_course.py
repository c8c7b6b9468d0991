"""Room 6: the course of a child's bone age as text and JSON."""

from __future__ import annotations

from typing import Any

from boneage.report_growth import rounded
from boneage.types import Course, CourseInterval, CoursePoint, GrowthScore
from boneage.wording import NOT_A_MEDICAL_DEVICE, sds_in_words, years_and_months

_HEADER = ("age", "bone age", "advance", "SDS", "verdict", "velocity since the one before")
_WIDTHS = (21, 31, 9, 11, 15, 0)


def course_text(course: Course) -> str:
    """Write a course for a person to read: a line for each bone age, then the warnings.

    The velocity is months of bone age per month of age, plus and minus one SD.
    """
    since = [None, *course.intervals]
    rows = [
        _cells(point, score, interval)
        for point, score, interval in zip(course.points, course.scores, since, strict=True)
    ]
    lines = [f"Sex: {course.sex.value}. Growth reference: {course.growth_reference}.", ""]
    lines += [_line(cells) for cells in (_HEADER, *rows)]
    if len(course.intervals) > 1 and course.overall:
        lines += ["", f"Velocity from the first to the last: {velocity_in_words(course.overall)}"]
    if course.warnings:
        lines += ["", "Warnings", *(f"  - {warning}" for warning in course.warnings)]
    return "\n".join([*lines, "", NOT_A_MEDICAL_DEVICE])


def velocity_in_words(interval: CourseInterval) -> str:
    """Write a velocity with its uncertainty: "0.97 ± 0.21"."""
    if interval.velocity is None:
        return "none: same age"
    sd = "" if interval.velocity_sd is None else f" ± {interval.velocity_sd:.2f}"
    return f"{interval.velocity:.2f}{sd}"


def course_json(course: Course) -> dict[str, Any]:
    """Give a course as a dictionary of plain values, for `json.dumps`; unknown values are None."""
    return {
        "sex": course.sex.value,
        "growth_reference": course.growth_reference,
        "points": [_point_json(*one) for one in zip(course.points, course.scores, strict=True)],
        "intervals": [_interval_json(interval) for interval in course.intervals],
        "overall": _interval_json(course.overall) if course.overall else None,
        "warnings": list(course.warnings),
        "notice": NOT_A_MEDICAL_DEVICE,
    }


def _cells(point: CoursePoint, score: GrowthScore, since: CourseInterval | None) -> tuple[str, ...]:
    sd = "" if point.sd_months is None else f" ± {point.sd_months:.0f} months"
    return (
        years_and_months(point.chronological_age_months),
        years_and_months(point.bone_age_months) + sd,
        f"{point.advance_months:+.1f}",
        sds_in_words(score),
        score.verdict.value,
        velocity_in_words(since) if since else "",
    )


def _line(cells: tuple[str, ...]) -> str:
    return "".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()


def _point_json(point: CoursePoint, score: GrowthScore) -> dict[str, Any]:
    return {
        "chronological_age_months": rounded(point.chronological_age_months, 2),
        "bone_age_months": rounded(point.bone_age_months, 2),
        "bone_age_sd_months": rounded(point.sd_months, 2),
        "advance_months": rounded(point.advance_months, 2),
        "sds": rounded(score.sds, 2),
        "verdict": score.verdict.value,
    }


def _interval_json(interval: CourseInterval) -> dict[str, Any]:
    return {
        "from_age_months": rounded(interval.start.chronological_age_months, 2),
        "to_age_months": rounded(interval.end.chronological_age_months, 2),
        "velocity": rounded(interval.velocity, 3),
        "velocity_sd": rounded(interval.velocity_sd, 3),
    }

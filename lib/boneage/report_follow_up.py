"""What the page says beyond this radiograph: adult heights, and the course since earlier ones."""

from __future__ import annotations

from collections.abc import Iterator

from boneage.course import course
from boneage.errors import InvalidInput
from boneage.language import Language
from boneage.report_page import Item
from boneage.report_sentences import translated
from boneage.types import CM_PER_INCH, AdultHeight, Assessment, Course, CoursePoint, Heights
from boneage.wording import chronological_age_months, years_and_months

# Adult height


def adult_heights(assessment: Assessment, words: Language) -> Iterator[str]:
    """Give a paragraph on what was measured, and one for each method and sex; nothing without heights."""
    _ = words.gettext
    found = [(estimate.sex, adult) for estimate in assessment.estimates for adult in estimate.adult_heights]
    if found:
        yield _("Given: {heights}.", heights="; ".join(_given(assessment.radiograph.heights, words)))
    for sex, adult in found:
        named = _adult_height(adult, words)
        is_one = len(assessment.estimates) == 1
        yield named if is_one else _("If {sex}: {adult_height}", sex=_(sex.value), adult_height=named)


def _given(heights: Heights, words: Language) -> Iterator[str]:
    _ = words.gettext
    sentences = {
        "height_cm": _("height {value} cm"),
        "length_cm": _("recumbent length {value} cm"),
        "weight_kg": _("weight {value} kg"),
        "mother_height_cm": _("mother's height {value} cm"),
        "father_height_cm": _("father's height {value} cm"),
    }
    for field, value in heights.given().items():
        yield sentences[field].format(value=words.decimal(value, 1))


def _adult_height(adult: AdultHeight, words: Language) -> str:
    _ = words.gettext
    method, note = translated(adult.method, words), translated(adult.note, words)
    if adult.cm is None:
        return _("{method}: none; {note}.", method=method, note=note)
    cm, inches = words.decimal(adult.cm, 1), words.decimal(adult.cm / CM_PER_INCH, 1)
    said = [_("{method}: {cm} cm ({inches} in)", method=method, cm=cm, inches=inches), *_ranges(adult, words), note]
    return "; ".join(filter(None, said)) + "."


def _ranges(adult: AdultHeight, words: Language) -> Iterator[str]:
    _ = words.gettext
    if adult.lower_cm is not None and adult.upper_cm is not None:
        lower, upper = words.decimal(adult.lower_cm, 1), words.decimal(adult.upper_cm, 1)
        means = translated(adult.range_means, words)
        yield _("{lower} to {upper} cm: {meaning}", lower=lower, upper=upper, meaning=means)
    if adult.over_bone_age_cm is not None:
        lower, upper = (words.decimal(cm, 1) for cm in adult.over_bone_age_cm)
        yield _(
            "{lower} to {upper} cm: over the 90 % interval of the bone age, which the method's limits leave out",
            lower=lower,
            upper=upper,
        )


# Course


def course_of(assessment: Assessment, earlier: tuple[CoursePoint, ...]) -> Course | None:
    """Put this bone age behind the earlier ones; None without any.

    Raises:
        InvalidInput: If the sex or the chronological age is not known, or an earlier radiograph is a later one.
    """
    if not earlier:
        return None
    age, growth = chronological_age_months(assessment), assessment.estimates[0].growth
    if age is None or growth is None or len(assessment.estimates) > 1:
        raise InvalidInput(
            "A course needs the child's sex and chronological age.", "Give them, or leave --earlier out."
        )
    latest = max(point.chronological_age_months for point in earlier)
    if latest > age:
        raise InvalidInput(
            f"Expected earlier radiographs; one at {years_and_months(latest)} is later than this one at "
            f"{years_and_months(age)}.",
            "Check the ages.",
        )
    estimate = assessment.estimates[0]
    this = CoursePoint(age, estimate.bone_age.months, estimate.bone_age.sd_months)
    return course((*earlier, this), estimate.sex, growth.growth_reference)


def course_facts(course: Course | None, words: Language) -> Iterator[Item]:
    """Say what happened since the radiograph before this one."""
    _ = words.gettext
    last = course.intervals[-1] if course else None
    if last is None or last.velocity is None:
        return
    gained = last.end.bone_age_months - last.start.bone_age_months
    passed = last.end.chronological_age_months - last.start.chronological_age_months
    yield Item(
        _("Since the one before"),
        _("bone age {gained} in {passed}", gained=words.months(gained, signed=True), passed=words.months(passed)),
    )

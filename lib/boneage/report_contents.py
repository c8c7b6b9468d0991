"""An assessment -> what stands on the page of its report."""

from __future__ import annotations

from boneage import __version__
from boneage.language import Language, language
from boneage.report_drawings import ages_drawing, course_drawing, hand_drawing
from boneage.report_facts import facts
from boneage.report_follow_up import adult_heights, course_facts, course_of
from boneage.report_models import small_print
from boneage.report_page import Answer, Item, Patient, ReportOptions, ReportPage, Section
from boneage.report_sentences import translated
from boneage.types import Assessment, Estimate, Sex, Verdict
from boneage.wording import chronological_age_months, local_calibration_in_words


def report_page(assessment: Assessment, options: ReportOptions) -> ReportPage:
    """Write the page.

    Args:
        assessment: What was found.
        options: Language, and what to print of hospital and patient.

    Raises:
        InvalidInput: If there is no such language, or if the earlier bone ages make no course.
        ModelRefused: If a model card is missing or damaged.
    """
    words = language(options.language)
    _ = words.gettext
    course = course_of(assessment, options.earlier)
    local = filter(None, map(local_calibration_in_words, assessment.estimates))
    warnings = dict.fromkeys((*local, *assessment.warnings, *(course.warnings if course else ())))
    return ReportPage(
        language=words.code,
        title=_("Bone age report"),
        heading=options.heading,
        notice=_("Not a medical device. For research use."),
        patient=(*_patient(options.patient, words), *_child(assessment, words)),
        answers=tuple(_answer(assessment, estimate, words) for estimate in assessment.estimates),
        hand=hand_drawing(assessment, words),
        ages=ages_drawing(assessment, words),
        course=course_drawing(course, words) if course else None,
        facts=(*facts(assessment, words), *course_facts(course, words)),
        adult_heights=Section(_("Adult height"), tuple(adult_heights(assessment, words))),
        warnings=Section(_("Warnings"), tuple(translated(one, words) for one in warnings)),
        small_print=tuple(small_print(assessment, words, options.models_dir)),
        remarks=_("Remarks of the reader"),
        signature=(_("Checked by (name)"), _("Date"), _("Signature")),
        footer=_footer(assessment, words),
    )


def _patient(patient: Patient, words: Language) -> tuple[Item, ...]:
    """Say who it is about: what was asked for, else blanks to write in."""
    _ = words.gettext
    born, taken = (words.date(day) if day else "" for day in (patient.birth_date, patient.radiograph_date))
    return (
        Item(_("Patient"), ", ".join(filter(None, (patient.name, patient.identifier)))),
        Item(_("Date of birth"), born),
        Item(_("Date of radiograph"), taken),
    )


def _child(assessment: Assessment, words: Language) -> tuple[Item, ...]:
    """Say what the ages rest on, and where it came from."""
    _ = words.gettext
    side = assessment.radiograph.laterality
    return (
        Item(_("Sex"), _sex(assessment, words)),
        Item(_("Chronological age"), _chronological_age(assessment, words)),
        Item(
            _("Hand"), _("{side} (as the file says)", side=_(side.value)) if side else _("side not given by the file")
        ),
    )


def _sex(assessment: Assessment, words: Language) -> str:
    if len(assessment.estimates) > 1:
        return words.gettext("not known: both were assessed")
    radiograph, sex = assessment.radiograph, assessment.estimates[0].sex
    source = radiograph.sex_source if radiograph.sex is sex else ""
    return words.gettext(sex.value) + _in_brackets(_source(source, words))


def _chronological_age(assessment: Assessment, words: Language) -> str:
    months = chronological_age_months(assessment)
    if months is None:
        return words.gettext("not known")
    exactly = filter(None, (words.months(months), _source(assessment.radiograph.age_source, words)))
    return words.years_and_months(months) + _in_brackets("; ".join(exactly))


def _source(source: str, words: Language) -> str:
    """Say where a sex or an age came from; sources are those of `Radiograph.sex_source`."""
    _ = words.gettext
    said = {"DICOM": _("from DICOM"), "option": _("as entered"), "table": _("from a table")}
    return said.get(source, source)


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""


def _answer(assessment: Assessment, estimate: Estimate, words: Language) -> Answer:
    _ = words.gettext
    titles = {Sex.FEMALE: _("Bone age if female"), Sex.MALE: _("Bone age if male")}
    bone_age, growth = estimate.bone_age, estimate.growth
    return Answer(
        title=titles[estimate.sex] if len(assessment.estimates) > 1 else _("Bone age"),
        bone_age=words.years_and_months(bone_age.months),
        bone_age_months=words.months(bone_age.months),
        interval=_(
            "90 % interval: {lower} to {upper}",
            lower=words.years_and_months(bone_age.lower_90_months),
            upper=words.years_and_months(bone_age.upper_90_months),
        ),
        verdict=_verdict(estimate, words),
        stands_out=growth is not None and growth.verdict is not Verdict.NORMAL,
    )


def _verdict(estimate: Estimate, words: Language) -> str:
    _ = words.gettext
    growth = estimate.growth
    if growth is None:
        return _("No SDS: the chronological age is not known")
    if growth.sds is None:
        return _("No SDS: the series does not cover this age")
    verdicts = {
        Verdict.DELAYED: _("delayed for age"),
        Verdict.NORMAL: _("normal for age"),
        Verdict.ADVANCED: _("advanced for age"),
    }
    return _("SDS {sds}: {verdict}", sds=words.decimal(growth.sds, 2, signed=True), verdict=verdicts[growth.verdict])


def _footer(assessment: Assessment, words: Language) -> str:
    program = words.gettext("Made with boneage {version}", version=__version__)
    identity = assessment.radiograph.identity
    uid = identity.sop_instance_uid if identity else ""
    return ". ".join(filter(None, (program, uid and words.gettext("Radiograph: SOP Instance UID {uid}", uid=uid))))

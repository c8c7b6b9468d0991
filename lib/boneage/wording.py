"""The words and numbers that the text report and the picture share."""

from __future__ import annotations

import math

from boneage.types import CM_PER_INCH, AdultHeight, Assessment, BoneAge, Estimate, GrowthScore, Saliency, Sex

NOT_A_MEDICAL_DEVICE = "Not a medical device. For research use."


def years_and_months(months: float) -> str:
    """Write months as "10 years 6 months", rounded to whole months; "8 months" below one year."""
    years, rest = whole_years_and_months(months)
    return f"{_count(years, 'year')} {_count(rest, 'month')}" if years else _count(rest, "month")


def whole_years_and_months(months: float) -> tuple[int, int]:
    """Round to whole months, half upward, and return them as years and months."""
    return divmod(math.floor(months + 0.5), 12)


def interval_in_words(bone_age: BoneAge) -> str:
    """Write the 90 % interval as "9 years 8 months to 11 years 4 months"."""
    return f"{years_and_months(bone_age.lower_90_months)} to {years_and_months(bone_age.upper_90_months)}"


def local_shift_months(estimate: Estimate) -> float:
    """Return what the local calibration added to the bone age; 0 without one."""
    return estimate.bone_age.months - estimate.local.uncalibrated.months if estimate.local else 0.0


def local_calibration_in_words(estimate: Estimate) -> str:
    """Write "Local calibration of 2026-11-25 from 121 ages: +3.2 months (123.2 without it)"; empty without one."""
    if estimate.local is None:
        return ""
    fitted = f"Local calibration of {estimate.local.made_on} from {estimate.local.ages} ages"
    without = estimate.local.uncalibrated.months
    return f"{fitted}: {local_shift_months(estimate):+.1f} months ({without:.1f} without it)"


def sex_in_words(assessment: Assessment, sex: Sex) -> str:
    """Write the sex and where it came from: "female (from DICOM)", or that both were assessed."""
    if len(assessment.estimates) > 1:
        return f"{sex.value} (both sexes were assessed)"
    radiograph = assessment.radiograph
    source = radiograph.sex_source if radiograph.sex is sex else ""
    return f"{sex.value} (from {source})" if source else sex.value


def chronological_age_in_words(assessment: Assessment) -> str:
    """Write the chronological age, exactly and where it came from; "not known" without one."""
    months = chronological_age_months(assessment)
    if months is None:
        return "not known"
    source = assessment.radiograph.age_source
    return f"{years_and_months(months)} ({months:.1f} months{f'; from {source}' if source else ''})"


def model_versions_in_words(assessment: Assessment) -> str:
    """Write the models as "detection 1.0.0, regression 1.2.0"."""
    return ", ".join(f"{name} {version}" for name, version in sorted(assessment.model_versions.items())) or "not known"


def sds_in_words(growth: GrowthScore) -> str:
    """Write the SDS with its sign, and "not given" outside the table."""
    return "not given" if growth.sds is None else f"{growth.sds:+.2f}"


def centimetres_in_words(cm: float) -> str:
    """Write a height in both units: "171.2 cm (67.4 in)"."""
    return f"{cm:.1f} cm ({cm / CM_PER_INCH:.1f} in)"


def adult_height_in_words(adult: AdultHeight) -> list[str]:
    """Write an adult height in several lines, the height with its method first."""
    if adult.cm is None:
        return [f"{adult.method}: none", adult.note]
    words = [f"{adult.method}: {centimetres_in_words(adult.cm)}", adult.note]
    if adult.lower_cm is not None and adult.upper_cm is not None:
        words.append(f"{adult.lower_cm:.1f} to {adult.upper_cm:.1f} cm: {adult.range_means}")
    if adult.over_bone_age_cm is not None:
        least, most = adult.over_bone_age_cm
        words.append(
            f"{least:.1f} to {most:.1f} cm: over the 90 % interval of the bone age, which the method's limits leave out"
        )
    return words


def shares_in_words(saliency: Saliency) -> str:
    """Write the parts of the hand that the age comes from, the largest share first: "carpus 40 %, fingers 25 %"."""
    ordered = sorted(saliency.shares.items(), key=lambda item: -item[1])
    return ", ".join(f"{part} {share:.0%}".replace("%", " %") for part, share in ordered)


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def chronological_age_months(assessment: Assessment) -> float | None:
    """Return the age that the bone age was set against, or else the radiograph's; None if unknown."""
    scored = [estimate.growth.chronological_age_months for estimate in assessment.estimates if estimate.growth]
    return scored[0] if scored else assessment.radiograph.chronological_age_months

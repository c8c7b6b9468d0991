"""Room 6: an assessment as text, JSON and CSV, for people and for programs.

No patient identity leaves this room: DICOM UIDs are the only link to the image, and neither the file's name nor the
acquisition date is written (together with an exact age, the date would give the birth date away). Only CSV rows carry a
path, as the caller gave it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from boneage.errors import BoneAgeError
from boneage.report_growth import (
    adult_height_items,
    adult_heights_json,
    growth_items,
    growth_json,
    heights_items,
    heights_json,
)
from boneage.report_growth import (
    rounded as _rounded,
)
from boneage.types import BAYLEY_PINNEAU, RWT_1975, TARGET_HEIGHT, Assessment, Estimate
from boneage.wording import (
    NOT_A_MEDICAL_DEVICE,
    chronological_age_in_words,
    chronological_age_months,
    interval_in_words,
    local_calibration_in_words,
    local_shift_months,
    model_versions_in_words,
    sex_in_words,
    shares_in_words,
    years_and_months,
)

CSV_COLUMNS = (
    "path",
    "sex",
    "bone_age_months",
    "bone_age_sd_months",
    "lower_90_months",
    "upper_90_months",
    "uncalibrated_bone_age_months",
    "sds",
    "verdict",
    "warnings",
    "error_kind",
    "error_message",
    "seconds",
    "bayley_pinneau_cm",
    "rwt_cm",
    "target_height_cm",
)

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


# Text


def report_text(assessment: Assessment) -> str:
    """Write the report for a person to read.

    Returns:
        Lines of "name  value", one block for each sex that was assessed, without a newline at the end.
    """
    blocks = [["Bone age report"]]
    blocks += [_lines_of(_estimate_items(assessment, estimate)) for estimate in assessment.estimates]
    blocks += [_lines_of(_finding_items(assessment))]
    if assessment.warnings:
        blocks += [["Warnings", *(f"  - {warning}" for warning in assessment.warnings)]]
    blocks += [[NOT_A_MEDICAL_DEVICE]]
    return "\n\n".join("\n".join(block) for block in blocks)


def _lines_of(items: Iterator[tuple[str, str]]) -> list[str]:
    return [f"{name:<20}{value}" for name, value in items]


def _estimate_items(assessment: Assessment, estimate: Estimate) -> Iterator[tuple[str, str]]:
    bone_age = estimate.bone_age
    yield "Bone age", f"{years_and_months(bone_age.months)} ({bone_age.months:.1f} months)"
    months = f"{bone_age.lower_90_months:.1f} to {bone_age.upper_90_months:.1f} months"
    yield "90 % interval", f"{interval_in_words(bone_age)} ({months})"
    if estimate.local:
        name, told = local_calibration_in_words(estimate).split(" of ", 1)
        yield name, f"of {told}"
    yield "Sex", sex_in_words(assessment, estimate.sex)
    yield "Chronological age", chronological_age_in_words(assessment)
    yield from growth_items(estimate.growth)
    if estimate.adult_heights:
        yield from heights_items(assessment.radiograph.heights)
        yield from adult_height_items(estimate.adult_heights)


def _finding_items(assessment: Assessment) -> Iterator[tuple[str, str]]:
    if assessment.saliency:
        yield "Seen mostly in", shares_in_words(assessment.saliency)
    side = assessment.radiograph.laterality
    side_in_words = f"{side.value} (as the file says)" if side else "side not given by the file"
    yield "Hand", f"{side_in_words}, found with confidence {assessment.hand.confidence:.2f}"
    yield "Models", model_versions_in_words(assessment)
    yield "Time", f"{assessment.seconds:.2f} s"


# JSON


def report_json(assessment: Assessment) -> dict[str, Any]:
    """Give the assessment as a dictionary of plain values, for `json.dumps`.

    Units are part of the keys; coordinates are pixels of the whole radiograph, x to the right, y down. Unknown values
    are None. The outline is given by its area; the mask itself is in no JSON.
    """
    radiograph = assessment.radiograph
    return {
        "sex": radiograph.sex.value if radiograph.sex else None,
        "sex_source": radiograph.sex_source or None,
        "chronological_age_months": _rounded(chronological_age_months(assessment), 2),
        "chronological_age_source": radiograph.age_source or None,
        **heights_json(radiograph.heights),
        "estimates": [_estimate_json(estimate) for estimate in assessment.estimates],
        "saliency": _saliency_json(assessment),
        "hand": _hand_json(assessment),
        "radiograph": _radiograph_json(assessment),
        "dicom": _dicom_json(assessment),
        "warnings": list(assessment.warnings),
        "model_versions": dict(sorted(assessment.model_versions.items())),
        "seconds": _rounded(assessment.seconds, 3),
        "notice": NOT_A_MEDICAL_DEVICE,
    }


def _estimate_json(estimate: Estimate) -> dict[str, Any]:
    bone_age = estimate.bone_age
    return {
        "sex": estimate.sex.value,
        "bone_age_months": _rounded(bone_age.months, 2),
        "bone_age_sd_months": _rounded(bone_age.sd_months, 2),
        "lower_90_months": _rounded(bone_age.lower_90_months, 2),
        "upper_90_months": _rounded(bone_age.upper_90_months, 2),
        **growth_json(estimate.growth),
        **adult_heights_json(estimate.adult_heights),
        "distribution_by_whole_month": [_rounded(probability, 6) for probability in bone_age.distribution],
        "local_calibration": _local_json(estimate),
    }


def _local_json(estimate: Estimate) -> dict[str, Any] | None:
    """Give what the local calibration did, and the age without it; None where none is in force."""
    if estimate.local is None:
        return None
    before = estimate.local.uncalibrated
    return {
        "version": estimate.local.version,
        "made_on": estimate.local.made_on.isoformat(),
        "ages": estimate.local.ages,
        "shift_months": _rounded(local_shift_months(estimate), 2),
        "uncalibrated_bone_age_months": _rounded(before.months, 2),
        "uncalibrated_lower_90_months": _rounded(before.lower_90_months, 2),
        "uncalibrated_upper_90_months": _rounded(before.upper_90_months, 2),
    }


def _saliency_json(assessment: Assessment) -> dict[str, Any] | None:
    """Give the map as rows of months, on a coarse grid over the whole radiograph; None if it was not asked for."""
    if assessment.saliency is None:
        return None
    return {
        "sex": assessment.estimates[0].sex.value,
        "months_on_grid": [[_rounded(value, 2) for value in row] for row in assessment.saliency.months.tolist()],
        "shares": {part: _rounded(share, 3) for part, share in assessment.saliency.shares.items()},
    }


def _hand_json(assessment: Assessment) -> dict[str, Any]:
    hand, side = assessment.hand, assessment.radiograph.laterality
    return {
        "confidence": _rounded(hand.confidence, 4),
        "laterality": side.value if side else None,
        "box_px": {name: _rounded(getattr(hand.box, name), 2) for name in ("left", "top", "right", "bottom")},
        "pose_px": {
            name: [_rounded(xy, 2) for xy in getattr(hand.pose, name)]
            for name in ("middle_tip", "thumb_tip", "capitate")
        },
        "pose_error": _rounded(hand.pose_error, 4),
        "outline": _outline_json(assessment),
    }


def _outline_json(assessment: Assessment) -> dict[str, Any]:
    mask, spacing = assessment.hand_mask, assessment.radiograph.pixel_spacing_mm
    area_px = int(mask.sum())
    return {
        "area_px": area_px,
        "area_mm2": _rounded(area_px * spacing[0] * spacing[1], 2) if spacing else None,
        "fraction_of_image": _rounded(area_px / mask.size, 4),
    }


def _radiograph_json(assessment: Assessment) -> dict[str, Any]:
    radiograph = assessment.radiograph
    rows, columns = radiograph.pixels.shape
    spacing = radiograph.pixel_spacing_mm
    return {
        "rows": int(rows),
        "columns": int(columns),
        "pixel_spacing_mm": [float(distance) for distance in spacing] if spacing else None,
        "pixel_aspect": float(radiograph.pixel_aspect),
        "was_inverted": bool(radiograph.was_inverted),
    }


def _dicom_json(assessment: Assessment) -> dict[str, str] | None:
    identity = assessment.radiograph.identity
    if identity is None:
        return None
    return {
        "study_instance_uid": identity.study_instance_uid,
        "series_instance_uid": identity.series_instance_uid,
        "sop_instance_uid": identity.sop_instance_uid,
        "sop_class_uid": identity.sop_class_uid,
    }


# CSV


def csv_rows(path: str, assessment: Assessment) -> list[dict[str, str]]:
    """Give one row per estimate for `csv.DictWriter(file, CSV_COLUMNS)`.

    Numbers have two decimals (`seconds` three) and unknown ones are empty. Warnings are joined by " | ".

    Args:
        path: As the user gave it. Where a spreadsheet would take it for a formula (it starts with =, +, - or @), "./"
            is put before it, which names the same file.
        assessment: What was found.
    """
    return [_csv_row(path, assessment, estimate) for estimate in assessment.estimates]


def csv_error_row(path: str, error: BoneAgeError) -> dict[str, str]:
    """Give the row of a radiograph that could not be assessed. `path` is treated as by `csv_rows`."""
    return _empty_row(path) | {"error_kind": error.kind, "error_message": _harmless_text(str(error))}


def _csv_row(path: str, assessment: Assessment, estimate: Estimate) -> dict[str, str]:
    bone_age, growth = estimate.bone_age, estimate.growth
    return _empty_row(path) | {
        "sex": estimate.sex.value,
        "bone_age_months": _decimals(bone_age.months, 2),
        "bone_age_sd_months": _decimals(bone_age.sd_months, 2),
        "lower_90_months": _decimals(bone_age.lower_90_months, 2),
        "upper_90_months": _decimals(bone_age.upper_90_months, 2),
        "uncalibrated_bone_age_months": _decimals(estimate.local.uncalibrated.months if estimate.local else None, 2),
        "sds": _decimals(growth.sds if growth else None, 2),
        "verdict": growth.verdict.value if growth else "",
        "warnings": _harmless_text(_joined(assessment.warnings)),
        "seconds": _decimals(assessment.seconds, 3),
        **_adult_heights_cells(estimate),
    }


def _adult_heights_cells(estimate: Estimate) -> dict[str, str]:
    cm = {adult.method: adult.cm for adult in estimate.adult_heights}
    columns = {"bayley_pinneau_cm": BAYLEY_PINNEAU, "rwt_cm": RWT_1975, "target_height_cm": TARGET_HEIGHT}
    return {column: _decimals(cm.get(method), 1) for column, method in columns.items()}


def _empty_row(path: str) -> dict[str, str]:
    return dict.fromkeys(CSV_COLUMNS, "") | {"path": _harmless_path(str(path))}


def _joined(warnings: Sequence[str]) -> str:
    return " | ".join(" ".join(warning.split()) for warning in warnings)


def _decimals(value: float | None, digits: int) -> str:
    return "" if value is None else f"{_rounded(value, digits):.{digits}f}"


def _harmless_path(path: str) -> str:
    return f"./{path}" if path.startswith(_FORMULA_STARTS) else path


def _harmless_text(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text

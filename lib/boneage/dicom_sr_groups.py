"""The measurement groups of the structured report: where the hand is, what the model found, what an expert signed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset

from boneage import terms
from boneage.dicom_header import NewObject, signer_name, uid_of
from boneage.models import REGRESSOR
from boneage.terms import Term
from boneage.types import Assessment, Estimate, GrowthScore, HandBox, Sex, Signature
from boneage.wording import NOT_A_MEDICAL_DEVICE

if TYPE_CHECKING:
    from highdicom.sr import CodedConcept


def hand_group(assessment: Assessment, header: Dataset, new: NewObject) -> Any:
    """Say where the hand is: TID 1410 with the box as a closed line."""
    from highdicom import sr

    image = sr.SourceImageForRegion(header.SOPClassUID, header.SOPInstanceUID)
    corners = _corners(assessment.hand.box, header.Rows, header.Columns)
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking("Hand", new),
        referenced_region=sr.ImageRegion(sr.GraphicTypeValues.POLYLINE, corners, image),
        finding_type=code(terms.HAND),
        finding_sites=[_site(assessment)],
    )


def _corners(box: HandBox, rows: int, columns: int) -> np.ndarray:
    """Return the box's corners inside the image as (column, row), the first one twice; float64 (5, 2).

    DICOM counts from the outer corner of the first pixel, as `HandBox` does (PS3.3, C.18.6.1.1).
    """
    left, right = np.clip([box.left, box.right], 0, columns)
    top, bottom = np.clip([box.top, box.bottom], 0, rows)
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], np.float64)


def model_group(assessment: Assessment, header: Dataset, new: NewObject, estimate: Estimate) -> Any:
    """Say what the model found for one sex: bone age, spread, position among children of that age."""
    from highdicom import sr

    bone_age = estimate.bone_age
    spread = (
        (terms.BONE_AGE_SD, bone_age.sd_months, terms.STANDARD_DEVIATION),
        (terms.BONE_AGE_LOWER_90, bone_age.lower_90_months, None),
        (terms.BONE_AGE_UPPER_90, bone_age.upper_90_months, None),
    )
    method, algorithm = code(terms.GREULICH_PYLE), _algorithm(assessment.model_versions)
    measurements = [_bone_age(bone_age.months, estimate.growth, header, method=method, algorithm_id=algorithm)]
    for name, months, derived in spread:
        how = code(derived) if derived else None
        measurements.append(sr.Measurement(code(name), _rounded(months), code(terms.MONTHS), derivation=how))
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(f"Bone age by the model, {estimate.sex.value}", new),
        finding_sites=[_site(assessment)],
        measurements=measurements,
        qualitative_evaluations=[
            sr.QualitativeEvaluation(code(terms.BONE_AGE_METHOD), code(terms.GREULICH_PYLE)),
            *_evaluations(estimate.sex, estimate.growth),
        ],
    )
    group[0].ContentSequence.extend(_comments(assessment))
    return group


def expert_group(
    assessment: Assessment, header: Dataset, new: NewObject, signature: Signature, growth: GrowthScore | None
) -> Any:
    """Say what the expert signed, and who that is."""
    from highdicom import sr

    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(f"Bone age as signed, {signature.sex.value}", new),
        finding_sites=[_site(assessment)],
        measurements=[_bone_age(signature.bone_age_months, growth, header, chosen=terms.USER_CHOSEN)],
        qualitative_evaluations=_evaluations(signature.sex, growth),
    )
    name = sr.PnameContentItem(code(terms.PERSON_OBSERVER), signer_name(signature.name), "HAS OBS CONTEXT")
    group[0].ContentSequence.insert(2, name)
    return group


def _bone_age(
    months: float, growth: GrowthScore | None, header: Dataset, chosen: Term | None = None, **made_by: Any
) -> Any:
    """Make the bone age itself: months, of which radiograph, and how it stands to the chronological age (TID 310)."""
    from highdicom import sr

    properties = sr.MeasurementProperties(
        normality=code(terms.NORMALITIES[growth.verdict]) if growth else None,
        measurement_statistical_properties=_statistics(growth) if growth else None,
        selection_status=code(chosen) if chosen else None,
    )
    return sr.Measurement(
        code(terms.BONE_AGE),
        _rounded(months),
        code(terms.MONTHS),
        properties=properties,
        referenced_images=[sr.SourceImageForMeasurement(header.SOPClassUID, header.SOPInstanceUID)],
        **made_by,
    )


def _statistics(growth: GrowthScore) -> Any:
    from highdicom import sr

    values = []
    if growth.sds is not None:
        values.append(number(terms.Z_SCORE, growth.sds, terms.NO_UNIT, "HAS PROPERTIES"))
    if growth.reference_sd_months is not None:
        values.append(number(terms.POPULATION_SD, growth.reference_sd_months, terms.MONTHS, "HAS PROPERTIES"))
    description = "Children of the same sex and chronological age"
    return sr.MeasurementStatisticalProperties(values, description, growth.growth_reference)


def _evaluations(sex: Sex, growth: GrowthScore | None) -> list[Any]:
    from highdicom import sr

    pairs = [(terms.SUBJECT_SEX, terms.SEXES[sex])]
    if growth is not None:
        pairs.append((terms.VERDICT, terms.VERDICTS[growth.verdict]))
    return [sr.QualitativeEvaluation(code(name), code(value)) for name, value in pairs]


def _comments(assessment: Assessment) -> Iterator[Any]:
    """Give what a reader of the report must know: the warnings, and what the program is."""
    from highdicom import sr

    for text in (*assessment.warnings, NOT_A_MEDICAL_DEVICE):
        yield sr.TextContentItem(code(terms.COMMENT), text, "CONTAINS")


# Small parts


def _algorithm(versions: dict[str, str]) -> Any:
    """Name the model that gives the age, and the other ones, on whose versions the age depends too."""
    from highdicom import sr

    others = [f"{name} {version}" for name, version in sorted(versions.items()) if name != REGRESSOR]
    return sr.AlgorithmIdentification(REGRESSOR, versions.get(REGRESSOR, "not stated"), parameters=others)


def _tracking(name: str, new: NewObject) -> Any:
    from highdicom import sr

    return sr.TrackingIdentifier(uid=uid_of(f"tracking {name}", new.sop_instance_uid), identifier=name)


def _site(assessment: Assessment) -> Any:
    from highdicom import sr

    side = assessment.radiograph.laterality
    return sr.FindingSite(code(terms.HAND), laterality=code(terms.SIDES[side]) if side else None)


def number(name: Term, value: float, unit: Term, relationship: str) -> Any:
    """Make a number with its unit, rounded to two decimals."""
    from highdicom import sr

    return sr.NumContentItem(code(name), _rounded(value), code(unit), relationship_type=relationship)


def code(term: Term) -> CodedConcept:
    """Return a term as highdicom's."""
    from highdicom.sr import CodedConcept

    return CodedConcept(term.code, term.scheme, term.meaning)


def _rounded(value: float) -> float:
    return round(float(value), 2) + 0.0

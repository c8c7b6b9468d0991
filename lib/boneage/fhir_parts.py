"""Small parts of FHIR resources: codes, quantities, components, ranges, notes, references."""

from __future__ import annotations

import uuid
from typing import Any

from boneage import terms
from boneage.growth import SDS_LIMIT
from boneage.terms import OWN_SCHEME, Term
from boneage.types import Assessment, BoneAge, GrowthScore, Sex, Verdict
from boneage.wording import NOT_A_MEDICAL_DEVICE

OWN_NAMESPACE = uuid.UUID("6f0b9a52-6c0e-4f0e-9a53-0d1c9a3b7c11")

UCUM = "http://unitsofmeasure.org"
SYSTEMS = {
    "LN": "http://loinc.org",
    "SCT": "http://snomed.info/sct",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "UCUM": UCUM,
    OWN_SCHEME: f"urn:oid:2.25.{uuid.uuid5(OWN_NAMESPACE, 'code system').int}",
}
_INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_LETTERS = {Verdict.DELAYED: "L", Verdict.NORMAL: "N", Verdict.ADVANCED: "H"}
_GENDER = "http://hl7.org/fhir/administrative-gender"


def coded(term: Term) -> dict[str, Any]:
    """Return a term as CodeableConcept."""
    return {"coding": [{"system": SYSTEMS[term.scheme], "code": term.code, "display": term.meaning}]}


def months(value: float) -> dict[str, Any]:
    """Return months as Quantity."""
    return {"value": rounded(value), "unit": "months", "system": UCUM, "code": "mo"}


def rounded(value: float) -> float:
    """Return a number with two decimals at most."""
    return round(float(value), 2) + 0.0


def components(sex: Sex, growth: GrowthScore | None, bone_age: BoneAge | None = None) -> list[dict[str, Any]]:
    """Say for whom a bone age holds, its spread, and how it stands to the chronological age."""
    values: list[tuple[Term, dict[str, Any]]] = []
    gender = {"coding": [{"system": _GENDER, "code": sex.value}]}
    values.append((terms.SUBJECT_SEX, {"valueCodeableConcept": gender}))
    if bone_age is not None:
        values += [
            (terms.BONE_AGE_SD, {"valueQuantity": months(bone_age.sd_months)}),
            (terms.BONE_AGE_LOWER_90, {"valueQuantity": months(bone_age.lower_90_months)}),
            (terms.BONE_AGE_UPPER_90, {"valueQuantity": months(bone_age.upper_90_months)}),
        ]
    if growth is not None:
        values.append((terms.SUBJECT_AGE, {"valueQuantity": months(growth.chronological_age_months)}))
    if growth is not None and growth.sds is not None:
        values.append((terms.Z_SCORE, {"valueQuantity": {"value": rounded(growth.sds), "system": UCUM, "code": "1"}}))
    if growth is not None and growth.reference_sd_months is not None:
        values.append((terms.POPULATION_SD, {"valueQuantity": months(growth.reference_sd_months)}))
    return [{"code": coded(term)} | value for term, value in values]


def interpretation(growth: GrowthScore) -> dict[str, Any]:
    """Return the verdict: delayed is low, advanced is high; outside the table there are only words."""
    words = terms.VERDICTS[growth.verdict]
    concept = coded(words) | {"text": growth.verdict.value}
    letter = _LETTERS.get(growth.verdict)
    if letter:
        concept["coding"] = [{"system": _INTERPRETATION, "code": letter}, *concept["coding"]]
    return concept


def reference_range(growth: GrowthScore) -> dict[str, Any]:
    """Return which bone ages are normal at the chronological age; nothing outside the table."""
    if growth.reference_sd_months is None:
        return {}
    spread = SDS_LIMIT * growth.reference_sd_months
    low, high = growth.chronological_age_months - spread, growth.chronological_age_months + spread
    text = f"Within {SDS_LIMIT:g} SD of the chronological age; {growth.growth_reference}"
    return {"referenceRange": [{"low": months(max(low, 0.0)), "high": months(high), "text": text}]}


def notes(assessment: Assessment) -> list[dict[str, Any]]:
    """Return the warnings, and what the program is."""
    return [{"text": text} for text in (*assessment.warnings, NOT_A_MEDICAL_DEVICE)]


def study_reference(assessment: Assessment) -> list[dict[str, Any]]:
    """Return a reference to the radiograph's study by its DICOM UID; nothing where it has none."""
    identity = assessment.radiograph.identity
    if identity is None or not identity.study_instance_uid:
        return []
    identifier = {"system": "urn:dicom:uid", "value": f"urn:oid:{identity.study_instance_uid}"}
    return [{"type": "ImagingStudy", "identifier": identifier}]

"""Room 6: an assessment as FHIR R4 resources, as plain dictionaries for `json.dumps`.

A DiagnosticReport with an Observation for each sex that was assessed, one for what an expert signed, and the Device
that names all model versions; http://hl7.org/fhir/R4/observation.html. The child is named only by an identifier that
the caller gives. Without one the day of the exposure is left out: with an exact age it would give the birth date away.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from boneage import __version__, terms
from boneage.fhir_parts import (
    OWN_NAMESPACE,
    coded,
    components,
    interpretation,
    months,
    notes,
    reference_range,
    study_reference,
)
from boneage.growth import score_signed
from boneage.types import Assessment, BoneAge, GrowthScore, Laterality, Sex, Signature
from boneage.wording import interval_in_words, years_and_months

Resource = dict[str, Any]

_IMAGING = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "imaging"}
_RADIOLOGY = {"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD", "display": "Radiology"}


@dataclass(frozen=True)
class PatientIdentifier:
    """How the receiver knows the child.

    Attributes:
        system: Who gave the identifier, as a URI such as urn:oid:1.2.3.
        value: The identifier.
    """

    system: str
    value: str


def fhir_bundle(
    assessments: Iterable[list[Resource]],
    made_at: datetime | None = None,
) -> Resource:
    """Put the entries of several assessments into one Bundle of type collection."""
    entries = [entry for one in assessments for entry in one]
    bundle: Resource = {"resourceType": "Bundle", "type": "collection", "timestamp": _instant(made_at)}
    return bundle | ({"entry": entries} if entries else {})


def fhir_entries(
    assessment: Assessment,
    signature: Signature | None = None,
    patient: PatientIdentifier | None = None,
    made_at: datetime | None = None,
    id: str = "",
) -> list[Resource]:
    """Make the entries of one assessment: report, observations, device.

    What a model found is `preliminary`; a report that an expert signed is `final`, and its one result is what was
    signed, derived from what the model found.

    Args:
        assessment: What was found.
        signature: Who signed which age.
        patient: Given on purpose; None to say nothing of the child.
        made_at: When; now if None.
        id: Names this assessment for ever, so that what is made again has the same addresses; empty for new ones.
    """
    common = _common(assessment, patient, made_at)
    names = _Names(id)
    device = names.of("device")
    found = {
        names.of(f"bone age {estimate.sex.value}"): _by_model(assessment, estimate.sex, common, device)
        for estimate in assessment.estimates
    }
    signed: dict[str, Resource] = {}
    if signature is not None:
        signed = {names.of(f"signed {signature}"): _by_expert(assessment, signature, common, found)}
    report = _report(assessment, signature, common, list(signed or found))
    resources = {names.of(f"report {signature}"): report} | signed | found | {device: _device(assessment)}
    return [{"fullUrl": url, "resource": resource} for url, resource in resources.items()]


@dataclass(frozen=True)
class _Names:
    """Addresses of resources inside a bundle; the same ones for the same id."""

    id: str

    def of(self, what: str) -> str:
        named = uuid.uuid5(OWN_NAMESPACE, f"fhir {what} {self.id}") if self.id else uuid.uuid4()
        return f"urn:uuid:{named}"


def _common(assessment: Assessment, patient: PatientIdentifier | None, made_at: datetime | None) -> Resource:
    """Return what report and observations share."""
    common: Resource = {"issued": _instant(made_at)}
    if patient is not None:
        common["subject"] = {"type": "Patient", "identifier": {"system": patient.system, "value": patient.value}}
        day = assessment.radiograph.acquisition_date
        common |= {"effectiveDateTime": day.isoformat()} if day else {}
    return common


def _by_model(assessment: Assessment, sex: Sex, common: Resource, device: str) -> Resource:
    [estimate] = [one for one in assessment.estimates if one.sex is sex]
    observation = _observation(assessment, estimate.bone_age.months, estimate.growth, common) | {
        "status": "preliminary",
        "method": coded(terms.GREULICH_PYLE),
        "device": {"reference": device},
        "note": notes(assessment),
        "component": components(sex, estimate.growth, estimate.bone_age),
    }
    return observation | _derived(assessment, [])


def _by_expert(assessment: Assessment, signature: Signature, common: Resource, found: dict[str, Resource]) -> Resource:
    growth = score_signed(assessment, signature)
    observation = _observation(assessment, signature.bone_age_months, growth, common) | {
        "status": "final",
        "issued": _instant(signature.signed_at),
        "performer": [_signer(signature)],
        "component": components(signature.sex, growth),
    }
    return observation | _derived(assessment, list(found))


def _observation(assessment: Assessment, age: float, growth: GrowthScore | None, common: Resource) -> Resource:
    side = assessment.radiograph.laterality
    site = {None: "Hand", Laterality.LEFT: "Left hand", Laterality.RIGHT: "Right hand"}[side]
    observation = {
        "resourceType": "Observation",
        "category": [{"coding": [_IMAGING]}],
        "code": coded(terms.BONE_AGE) | {"text": "Bone age"},
        "valueQuantity": months(age),
        "bodySite": coded(terms.HAND) | {"text": site},
    }
    if growth is not None:
        observation |= {"interpretation": [interpretation(growth)]} | reference_range(growth)
    return observation | common


def _derived(assessment: Assessment, from_: list[str]) -> Resource:
    """Say what an observation was made from: others, and the radiograph's study."""
    references = [{"reference": url} for url in from_] + study_reference(assessment)
    return {"derivedFrom": references} if references else {}


def _report(assessment: Assessment, signature: Signature | None, common: Resource, results: list[str]) -> Resource:
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final" if signature else "preliminary",
        "category": [{"coding": [_RADIOLOGY]}],
        "code": coded(terms.BONE_AGE_REPORT) | {"text": "Bone age report"},
        "result": [{"reference": url} for url in results],
        "conclusion": _conclusion(assessment, signature),
    } | common
    if signature is not None:
        report |= {"issued": _instant(signature.signed_at), "resultsInterpreter": [_signer(signature)]}
    study = study_reference(assessment)
    return report | ({"imagingStudy": study} if study else {})


def _conclusion(assessment: Assessment, signature: Signature | None) -> str:
    sentences = [_estimate_in_words(one.sex, one.bone_age, one.growth) for one in assessment.estimates]
    if signature is not None:
        signed = f"Signed bone age ({signature.sex.value}): {years_and_months(signature.bone_age_months)}."
        sentences = [signed, *sentences]
    return " ".join(sentences)


def _estimate_in_words(sex: Sex, bone_age: BoneAge, growth: GrowthScore | None) -> str:
    verdict = f"; verdict: {growth.verdict.value} ({growth.growth_reference})" if growth else ""
    age, interval = years_and_months(bone_age.months), interval_in_words(bone_age)
    return f"Bone age by the model ({sex.value}): {age}, 90 % interval {interval}{verdict}."


def _device(assessment: Assessment) -> Resource:
    versions = {"boneage": __version__} | dict(sorted(assessment.model_versions.items()))
    return {
        "resourceType": "Device",
        "deviceName": [{"name": "boneage", "type": "user-friendly-name"}],
        "type": {"text": "Software that estimates bone ages"},
        "version": [{"type": {"text": name}, "value": version} for name, version in versions.items()],
    }


def _signer(signature: Signature) -> Resource:
    name = " ".join(signature.name.replace("^", " ").split())
    return {
        "type": "Practitioner",
        "display": f"{name}, {signature.organization}" if signature.organization else name,
    }


def _instant(moment: datetime | None) -> str:
    """Return a moment with its time zone, which FHIR asks for; the machine's own where there is none."""
    return (moment or datetime.now()).astimezone().isoformat(timespec="seconds")

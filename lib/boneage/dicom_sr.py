"""An assessment as a DICOM structured report: Comprehensive SR, TID 1500 "Measurement Report" (PS3.16).

One group says where the hand is, then one for each sex what the model says of its bone age, then one what an expert
signed. The bone age (LOINC 85151-9) stands once in a group; its spread has names of its own, in months, so that no
reader takes a standard deviation for an age. Written by highdicom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from boneage import __version__, terms
from boneage.dicom_header import EQUIPMENT, NewObject, complete, refused_headers, signer_name, uid_of
from boneage.dicom_sr_groups import code, expert_group, hand_group, model_group, number
from boneage.types import Assessment, GrowthScore, Signature
from boneage.wording import chronological_age_months

if TYPE_CHECKING:
    from highdicom.sr import MeasurementReport

SERIES_NUMBER = 9002
NOT_STATED = "Not stated"


def structured_report(
    assessment: Assessment,
    header: Dataset,
    new: NewObject,
    signature: Signature | None = None,
    signed_growth: GrowthScore | None = None,
) -> Dataset:
    """Make the report: UNVERIFIED if only the models looked, VERIFIED by who signed it otherwise.

    Args:
        assessment: What was found.
        header: The radiograph's, as `boneage.dicom_header.reference_to` returns it.
        new: Its UIDs.
        signature: Who signed which age.
        signed_growth: The signed age against the chronological age; None if that is not known.

    Raises:
        UnreadableRadiograph: If the header does not allow it.
    """
    from highdicom.sr import ComprehensiveSR

    content = _content(assessment, header, new, signature, signed_growth)
    with refused_headers("structured report"):
        report = ComprehensiveSR(
            evidence=[header],
            content=content[0],
            series_instance_uid=new.series_instance_uid,
            series_number=SERIES_NUMBER,
            sop_instance_uid=new.sop_instance_uid,
            instance_number=new.instance_number,
            series_description="Bone age report",
            transfer_syntax_uid=ExplicitVRLittleEndian,
            coding_schemes=[_own_scheme()],
            is_complete=True,
            **_verification(signature),
            **EQUIPMENT,
        )
        complete(report, header, new.made_at)
    if signature is not None:
        report.VerifyingObserverSequence[0].VerificationDateTime = signature.signed_at.strftime("%Y%m%d%H%M%S%z")
    return report


def _verification(signature: Signature | None) -> dict[str, Any]:
    if signature is None:
        return {"is_final": False, "is_verified": False}
    return {
        "is_final": True,
        "is_verified": True,
        "verifying_observer_name": signer_name(signature.name),
        "verifying_organization": signature.organization[:64] or NOT_STATED,  # type 1
    }


def _own_scheme() -> Any:
    from highdicom.coding_schemes import CodingSchemeIdentificationItem

    return CodingSchemeIdentificationItem(
        terms.OWN_SCHEME, name="Codes of the boneage program", version=__version__, responsible_organization="boneage"
    )


# The tree


def _content(
    assessment: Assessment,
    header: Dataset,
    new: NewObject,
    signature: Signature | None,
    signed_growth: GrowthScore | None,
) -> MeasurementReport:
    from highdicom.sr import MeasurementReport

    groups = [hand_group(assessment, header, new)]
    groups += [model_group(assessment, header, new, estimate) for estimate in assessment.estimates]
    if signature is not None:
        groups += [expert_group(assessment, header, new, signature, signed_growth)]
    return MeasurementReport(
        observation_context=_context(assessment, signature),
        procedure_reported=code(terms.BONE_AGE_VIEWS),
        imaging_measurements=groups,
    )


def _context(assessment: Assessment, signature: Signature | None) -> Any:
    """Say who observed (TID 1002) and whom (TID 1007: the patient, by age and sex)."""
    from highdicom import sr

    device = sr.DeviceObserverIdentifyingAttributes(
        uid=uid_of("device", f"boneage {__version__}"),
        name="boneage",
        manufacturer_name=EQUIPMENT["manufacturer"],
        model_name=EQUIPMENT["manufacturer_model_name"],
        serial_number=__version__,
    )
    context = sr.ObservationContext(
        observer_person_context=_person(signature) if signature else None,
        observer_device_context=sr.ObserverContext(code(terms.DEVICE), device),
    )
    months = chronological_age_months(assessment)
    if months is not None:
        context.append(number(terms.SUBJECT_AGE, months, terms.MONTHS, "HAS OBS CONTEXT"))
    if len(assessment.estimates) == 1:
        sex = terms.SEXES[assessment.estimates[0].sex]
        context.append(sr.CodeContentItem(code(terms.SUBJECT_SEX), code(sex), "HAS OBS CONTEXT"))
    return context


def _person(signature: Signature) -> Any:
    from highdicom import sr

    person = sr.PersonObserverIdentifyingAttributes(
        name=signer_name(signature.name), organization_name=signature.organization[:64] or None
    )
    return sr.ObserverContext(code(terms.PERSON), person)

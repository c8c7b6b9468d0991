"""What was found in a radiograph -> the DICOM objects that go to the archive beside it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum

from pydicom.dataset import Dataset

from boneage.dicom_header import new_uid, uid_of
from boneage.dicom_out import hand_segmentation
from boneage.errors import InvalidInput
from boneage.types import Assessment, Signature

SEGMENTER = "hand_segmenter"


class ResultKind(str, Enum):
    """The kinds of DICOM objects; the value stands in options and names of files."""

    STRUCTURED_REPORT = "sr"
    SEGMENTATION = "seg"
    SECONDARY_CAPTURE = "sc"


ALL_KINDS = tuple(ResultKind)


def results(
    assessment: Assessment,
    source: Dataset,
    kinds: Iterable[ResultKind] = ALL_KINDS,
    signature: Signature | None = None,
    report_pdf: bytes | None = None,
    made_at: datetime | None = None,
    id: str = "",
) -> list[Dataset]:
    """Make the DICOM objects of one assessment; each can be written or stored as it is.

    Args:
        assessment: What was found in the radiograph.
        source: The radiograph's own data set; its pixels are not looked at.
        kinds: Which objects, in this order; text such as "sr" does too.
        signature: Who signed which age; None if only the models looked. A signed report is VERIFIED.
        report_pdf: The written report as PDF; it is wrapped as one more object, the last.
        made_at: When; now if None.
        id: Names this assessment for ever, so that the same object made again has the same UID, and an archive keeps
            one; what is signed has other UIDs than what is not. Empty for UIDs that were never used before.

    Raises:
        InvalidInput: If the assessment is of another radiograph than the data set, or nothing is asked for.
        UnreadableRadiograph: If the data set does not say which study it belongs to.
    """
    _check_same_radiograph(assessment, source)
    made_at = made_at or datetime.now()
    version = assessment.model_versions.get(SEGMENTER, "unknown")
    uid, series_uid = (uid_of(kind, id) if id else new_uid() for kind in ("result SEG", "result SEG series"))
    segmentation = hand_segmentation(
        assessment.hand_mask, source, uid, series_uid, algorithm=(SEGMENTER, version), made_at=made_at
    )
    return [segmentation]


def _check_same_radiograph(assessment: Assessment, source: Dataset) -> None:
    identity = assessment.radiograph.identity
    if identity is None or identity.sop_instance_uid != str(source.get("SOPInstanceUID") or ""):
        raise InvalidInput(
            "Expected the assessment of this DICOM radiograph, got one of another image.",
            "Assess the DICOM file itself.",
        )

"""Findings -> DICOM objects beside the radiograph: for now the outline of the hand as a segmentation (SEG).

An object belongs to the radiograph's patient and study, as its header names them, and to a series of its own. Written
by highdicom; PS3.3, A.51 (Segmentation IOD), without a frame of reference or spacing of its own: a projection
radiograph has no place in space, so that the reference to it says where the pixels lie.
"""

from __future__ import annotations

import logging
import re
import uuid
import warnings
from datetime import datetime
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from boneage import __version__
from boneage.errors import InvalidInput, UnreadableRadiograph

SERIES_NUMBER = 9001
"""Of the segmentations; high, so that they come after the radiographs in a viewer's list."""

_NAMESPACE = uuid.UUID("6f0b9a52-6c0e-4f0e-9a53-0d1c9a3b7c11")  # of the UIDs that are made of the ids of corrections

# What says whose it is (PS3.3, C.7.1.1, C.7.2.1); type 2 attributes are empty where the radiograph has none.
_ALWAYS = ("PatientID", "PatientName", "AccessionNumber", "StudyID", "ReferringPhysicianName")
_IF_THERE = ("IssuerOfPatientID", "IssuerOfPatientIDQualifiersSequence", "StudyDescription")
_PATTERNS = {
    "PatientBirthDate": r"\d{8}",
    "PatientSex": r"[FMO]",
    "StudyDate": r"\d{8}",
    "StudyTime": r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?",
}
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")


def uid_of(kind: str, correction_id: str) -> str:
    """Return the UID of what is made of a correction, always the same: sent twice, it is one object.

    Args:
        kind: What it is, such as "SEG".
        correction_id: 32 hexadecimal digits.
    """
    return f"2.25.{uuid.uuid5(_NAMESPACE, f'{kind} {correction_id}').int}"  # PS3.5, B.2


def hand_segmentation(
    hand_mask: np.ndarray,
    source: Dataset,
    sop_instance_uid: str,
    series_instance_uid: str,
    drawn_by: str = "",
    algorithm: tuple[str, str] | None = None,
    made_at: datetime | None = None,
) -> Dataset:
    """Make a DICOM SEG with one segment, the hand (SCT 85562004).

    Args:
        hand_mask: (rows, columns) bool, on the radiograph's grid.
        source: The radiograph's own data set; its pixels are not looked at.
        sop_instance_uid: Of the new object.
        series_instance_uid: Of its series.
        drawn_by: The reader, who is named as the content's creator; empty if only a model made it.
        algorithm: Name and version of the model whose outline it is, or whose outline the reader corrected.
        made_at: When; now if None.

    Returns:
        MANUAL if a reader drew it, SEMIAUTOMATIC if a reader corrected a model's outline, AUTOMATIC if it is a model's.

    Raises:
        InvalidInput: If the mask is not on the radiograph's grid or empty, or nobody made it.
        UnreadableRadiograph: If the data set does not say which study it belongs to.
    """
    from highdicom.seg import Segmentation, SegmentationTypeValues

    logging.getLogger("highdicom").setLevel(logging.CRITICAL)  # it writes UIDs, and names that look odd to it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's would quote a birth date that is none
        header = _reference(source)
        _check(hand_mask, header, drawn_by, algorithm)
        try:
            segmentation = Segmentation(
                source_images=[header],
                pixel_array=hand_mask.astype(np.uint8),
                segmentation_type=SegmentationTypeValues.BINARY,
                segment_descriptions=[_hand(drawn_by, algorithm)],
                series_instance_uid=series_instance_uid,
                series_number=SERIES_NUMBER,
                sop_instance_uid=sop_instance_uid,
                instance_number=1,
                manufacturer="boneage (open source)",
                manufacturer_model_name="boneage",
                software_versions=__version__,
                device_serial_number=__version__,
                transfer_syntax_uid=ExplicitVRLittleEndian,
                content_label="HAND",
                content_description="Outline of the hand in a radiograph",
                content_creator_name=_person_name(drawn_by),
                series_description="Hand outline" if drawn_by else "Hand outline by a model",
            )
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise UnreadableRadiograph(
                "The radiograph's header does not allow a DICOM segmentation.", "Export the radiograph again."
            ) from error
    _complete(segmentation, header, made_at or datetime.now())
    return segmentation


def _hand(drawn_by: str, algorithm: tuple[str, str] | None) -> Any:
    """Describe the segment: what it shows and who made it."""
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
    from pydicom.sr.coding import Code

    known = None
    if algorithm:
        family = Code("123110", "DCM", "Artificial Intelligence")
        known = AlgorithmIdentificationSequence(algorithm[0], family, algorithm[1], source="boneage")
    kinds = {(True, False): "MANUAL", (True, True): "SEMIAUTOMATIC", (False, True): "AUTOMATIC"}
    return SegmentDescription(
        segment_number=1,
        segment_label="Hand",
        segmented_property_category=Code("123037004", "SCT", "Anatomical Structure"),
        segmented_property_type=Code("85562004", "SCT", "Hand"),
        algorithm_type=SegmentAlgorithmTypeValues(kinds[bool(drawn_by), algorithm is not None]),
        algorithm_identification=known,
    )


def _reference(source: Dataset) -> Dataset:
    """Return what of a radiograph's header a segmentation takes over, each of it valid; texts as decoded."""
    header = Dataset()
    for keyword in _UIDS:
        uid = str(source.get(keyword) or "")
        if not re.fullmatch(r"[0-9.]{1,64}", uid):
            raise UnreadableRadiograph(f"The radiograph's file has no usable {keyword}.", "Export it again.")
        setattr(header, keyword, uid)
    header.Rows, header.Columns = int(source.Rows), int(source.Columns)
    for keyword in _ALWAYS:
        value = source.get(keyword)
        setattr(header, keyword, "" if value is None else str(value))
    for keyword, pattern in _PATTERNS.items():
        value = str(source.get(keyword) or "").strip()
        setattr(header, keyword, value if re.fullmatch(pattern, value) else "")
    for keyword in (*_IF_THERE, "PatientOrientation"):
        if source.get(keyword):
            setattr(header, keyword, source[keyword].value)
    return header


def _check(mask: np.ndarray, header: Dataset, drawn_by: str, algorithm: tuple[str, str] | None) -> None:
    if mask.dtype != bool or mask.shape != (header.Rows, header.Columns):
        raise InvalidInput(
            f"Expected a mask of {header.Rows} x {header.Columns} pixels, got {mask.dtype} {mask.shape}.",
            "Draw it on the radiograph's own grid.",
        )
    if not mask.any():
        raise InvalidInput("Expected a mask with a hand in it, got an empty one.", "Draw the outline.")
    if not drawn_by and algorithm is None:
        raise InvalidInput("Expected who made the outline: a reader, a model or both.", "Name one.")


def _person_name(reader: str) -> str | None:
    """Return a reader's short name as a person name of one part: without the signs that have a meaning there."""
    name = re.sub(r"[\\^=\x00-\x1f]", " ", reader).strip()[:63]
    return f"{name}^" if name else None


def _complete(segmentation: Dataset, header: Dataset, made_at: datetime) -> None:
    """Add what highdicom leaves out: character set, time, and more of the patient and the study."""
    segmentation.SpecificCharacterSet = "ISO_IR 192"
    segmentation.PatientOrientation = header.get("PatientOrientation", "")  # type 2C: there, if need be empty
    for keyword in _IF_THERE:
        if keyword in header:
            setattr(segmentation, keyword, header[keyword].value)
    segmentation.ContentDate = segmentation.SeriesDate = made_at.strftime("%Y%m%d")
    segmentation.ContentTime = segmentation.SeriesTime = made_at.strftime("%H%M%S")

"""The outline of the hand as a DICOM segmentation (SEG) beside the radiograph.

Written by highdicom; PS3.3, A.51 (Segmentation IOD), without a frame of reference or spacing of its own: a projection
radiograph has no place in space, so that the reference to it says where the pixels lie.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from boneage.dicom_header import EQUIPMENT, complete, person_name, reference_to, refused_headers, uid_of
from boneage.errors import InvalidInput

__all__ = ["SERIES_NUMBER", "hand_segmentation", "uid_of"]

SERIES_NUMBER = 9001
"""Of the segmentations; high, so that they come after the radiographs in a viewer's list."""


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

    with refused_headers("DICOM segmentation"):
        header = reference_to(source)
        _check(hand_mask, header, drawn_by, algorithm)
        segmentation = Segmentation(
            source_images=[header],
            pixel_array=hand_mask.astype(np.uint8),
            segmentation_type=SegmentationTypeValues.BINARY,
            segment_descriptions=[_hand(drawn_by, algorithm)],
            series_instance_uid=series_instance_uid,
            series_number=SERIES_NUMBER,
            sop_instance_uid=sop_instance_uid,
            instance_number=1,
            transfer_syntax_uid=ExplicitVRLittleEndian,
            content_label="HAND",
            content_description="Outline of the hand in a radiograph",
            content_creator_name=person_name(drawn_by),
            series_description="Hand outline" if drawn_by else "Hand outline by a model",
            **EQUIPMENT,
        )
    complete(segmentation, header, made_at or datetime.now())
    segmentation.PatientOrientation = header.get("PatientOrientation", "")  # type 2C: there, if need be empty
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

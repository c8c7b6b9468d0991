"""A drawn finding as a secondary capture image, for viewers that show neither structured reports nor segmentations.

PS3.3, A.8.1 (Secondary Capture Image IOD), in colour, uncompressed: every viewer shows it. Written by highdicom.
"""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from boneage.dicom_header import EQUIPMENT, NewObject, complete, patient_and_study, refused_headers, source_item

SERIES_NUMBER = 9003


def secondary_capture(rgb: np.ndarray, header: Dataset, new: NewObject) -> Dataset:
    """Make the image, derived from the radiograph.

    It is said to have burned-in annotation: age and sex stand in it, and so does what was burnt into the radiograph.

    Args:
        rgb: (rows, columns, 3) uint8.
        header: The radiograph's, as `boneage.dicom_header.reference_to` returns it.
        new: Its UIDs.

    Raises:
        UnreadableRadiograph: If the header does not allow it.
    """
    from highdicom.sc import SCImage

    with refused_headers("secondary capture"):
        capture: Dataset = SCImage(
            pixel_array=rgb,
            photometric_interpretation="RGB",
            bits_allocated=8,
            coordinate_system="PATIENT",
            patient_orientation=("L", "F"),  # highdicom wants one; a drawing has none
            series_instance_uid=new.series_instance_uid,
            series_number=SERIES_NUMBER,
            sop_instance_uid=new.sop_instance_uid,
            instance_number=new.instance_number,
            series_description="Bone age picture",
            transfer_syntax_uid=ExplicitVRLittleEndian,
            **patient_and_study(header),
            **EQUIPMENT,
        )
        complete(capture, header, new.made_at)
    capture.PatientOrientation = ""
    capture.Laterality = header.Laterality
    capture.ConversionType = "WSD"  # made on a workstation
    capture.BurnedInAnnotation = "YES"
    capture.DateOfSecondaryCapture, capture.TimeOfSecondaryCapture = capture.ContentDate, capture.ContentTime
    capture.DerivationDescription = "Radiograph with the hand as found, and its bone age"
    capture.SourceImageSequence = [source_item(header)]
    return capture

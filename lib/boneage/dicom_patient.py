"""Who a DICOM file says it is about: only to be printed where somebody asked for it, never to be logged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pydicom

from boneage.dicom_tags import acquisition_date, birth_date, patient_id, patient_name
from boneage.errors import InvalidInput
from boneage.radiograph import is_dicom


@dataclass(frozen=True)
class DicomPatient:
    """What the header says; empty or None where it says nothing.

    Attributes:
        name: Family, given and middle name.
        identifier: Patient ID.
        birth_date: Day of birth.
        acquisition_date: Day of the exposure, or the nearest day that the file names.
    """

    name: str
    identifier: str
    birth_date: date | None
    acquisition_date: date | None


def read_patient(path: Path) -> DicomPatient:
    """Read who a file is about; what it says of that is in no error.

    Raises:
        InvalidInput: If it is not DICOM.
        UnreadableRadiograph: If it cannot be read.
    """
    if not is_dicom(path):
        raise InvalidInput("Only a DICOM file names its patient; this is none.", "Say with --patient who it is.")
    header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    return DicomPatient(patient_name(header), patient_id(header), birth_date(header), acquisition_date(header))

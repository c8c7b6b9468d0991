"""The committed radiographs as DICOM files of made-up patients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

DATA = Path(__file__).parents[1] / "data"
CLASSES = {"CR": "1.2.840.10008.5.1.4.1.1.1", "DX": "1.2.840.10008.5.1.4.1.1.1.1", "CT": "1.2.840.10008.5.1.4.1.1.2"}


def picture(name: str) -> np.ndarray:
    """Return a committed radiograph, (rows, columns) uint8, bone bright."""
    return np.asarray(Image.open(DATA / name).convert("L"))


def a_radiograph_dataset(pixels: np.ndarray, modality: str = "CR", **tags: Any) -> FileDataset:
    """Return a data set of `pixels` (bone bright, uint8); MONOCHROME1 is stored inverted; tags of None are left out."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.is_little_endian, dataset.is_implicit_VR = True, False
    values = {
        "SOPClassUID": CLASSES[modality], "SOPInstanceUID": generate_uid(), "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(), "Modality": modality, "PhotometricInterpretation": "MONOCHROME2",
        "Rows": pixels.shape[0], "Columns": pixels.shape[1], "SamplesPerPixel": 1, "BitsAllocated": 8, "BitsStored": 8,
        "HighBit": 7, "PixelRepresentation": 0, "PatientName": "Made^Up", "PatientID": "P-1", "PatientSex": "F",
        "PatientBirthDate": "20130301", "StudyDate": "20230901", "StudyTime": "101500", "StudyID": "1",
        "AccessionNumber": "A1", "ImagerPixelSpacing": [0.15, 0.15],
    } | tags  # fmt: skip
    stored = 255 - pixels if values["PhotometricInterpretation"] == "MONOCHROME1" else pixels
    values["PixelData"] = stored.tobytes() + b"\0" * (stored.size % 2)
    for keyword, value in values.items():
        if value is not None:
            setattr(dataset, keyword, value)
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    return dataset


def as_nrrd(mask: np.ndarray, tmp_path: Path) -> bytes:
    """Return a mask as a client sends it, without any geometry."""
    sitk.WriteImage(sitk.GetImageFromArray(mask.astype(np.uint8)[None]), str(tmp_path / "mask.nrrd"))
    return (tmp_path / "mask.nrrd").read_bytes()

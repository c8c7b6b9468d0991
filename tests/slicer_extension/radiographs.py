"""Radiographs and answers for the tests: as files, as volume nodes, with every kind of geometry."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import slicer
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset

from BoneAgeLib import answers
from BoneAgeLib.contract import Assessed
from BoneAgeLib.pictures import nrrd_of
from BoneAgeLib.volumes import geometry_of

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
CONTRACT = ROOT / "tests" / "contract"
AS_PNG = np.diag([-1.0, -1.0, 1.0, 1.0])


def grey_of(name: str) -> np.ndarray:
    """Return (rows, columns) uint8 of a picture of tests/data."""
    return np.asarray(Image.open(DATA / name).convert("L"))


def a_volume(scene: Any, voxels: np.ndarray, ijk_to_ras: np.ndarray = AS_PNG, name: str = "radiograph") -> Any:
    """Return a volume node of (k, j, i) voxels; of (k, j, i, channels) a volume in colour."""
    in_colour = voxels.ndim == 4
    volume = scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode" if in_colour else "vtkMRMLScalarVolumeNode", name)
    volume.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(np.asarray(ijk_to_ras, float)))
    slicer.util.updateVolumeFromArray(volume, np.ascontiguousarray(voxels))
    volume.CreateDefaultDisplayNodes()
    return volume


def a_dicom(pixels: np.ndarray, **elements: Any) -> bytes:
    """Return a DX file of (rows, columns) uint8 or uint16 pixels; the child in it is made up."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    meta.MediaStorageSOPInstanceUID = elements.get("SOPInstanceUID", "1.2.3.4.5")
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    known = {
        "SOPClassUID": meta.MediaStorageSOPClassUID, "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "StudyInstanceUID": "1.2.3.4", "SeriesInstanceUID": "1.2.3.4.1", "Modality": "DX", "PatientName": "Doe^Jane",
        "PatientID": "1", "PatientSex": "F", "PatientBirthDate": "20100101", "StudyDate": "20200702",
        "Rows": pixels.shape[0], "Columns": pixels.shape[1], "PixelSpacing": [0.4, 0.4], "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 8 * pixels.itemsize,
        "BitsStored": 8 * pixels.itemsize, "HighBit": 8 * pixels.itemsize - 1, "PixelRepresentation": 0,
    }  # fmt: skip
    for name, value in {**known, **elements}.items():
        setattr(dataset, name, value)
    dataset.PixelData = pixels.tobytes()
    file = io.BytesIO()
    pydicom.dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


class DicomDatabase:
    """Stands in for Slicer's: the file of a SOP Instance UID."""

    def __init__(self, files: dict[str, Path]) -> None:
        self._files = files

    def fileForInstance(self, instance: str) -> str:
        """Return the path, or an empty text."""
        return str(self._files.get(instance, ""))


def an_answer(
    volume: Any, grid: Any, image_id: str, hand: np.ndarray, box: dict[str, float], **changes: Any
) -> Assessed:
    """Return an answer about a volume as the server would give it: the recorded one with this hand in it.

    Args:
        volume: The node.
        grid: Of the server's picture in it.
        image_id: On the server.
        hand: (rows, columns) bool of the picture.
        box: Its sides.
        changes: Of the answer's JSON.
    """
    answer = json.loads((CONTRACT / "bone_age.json").read_text(encoding="utf-8")) | {"image_id": image_id} | changes
    answer["radiograph"] |= {"rows": grid.rows, "columns": grid.columns}
    answer["hand"]["box_px"] = box
    mask = nrrd_of(grid.voxels_of(hand).astype(np.uint8), geometry_of(volume))
    return Assessed(answers.assessment(answer), mask)

"""A committed radiograph, as the DICOM file of a made-up child, goes through the shipped models to other systems."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from fhir.resources.R4B.bundle import Bundle
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from boneage import cli

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def exchanged(tmp_path_factory):
    """Assess a girl's radiograph on the command line; return the folder with what was written."""
    folder = tmp_path_factory.mktemp("exchanged")
    pixels = np.asarray(Image.open(DATA / "14717.png").convert("L"))
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = (
        ExplicitVRLittleEndian,
        DigitalXRayImageStorageForPresentation,
    )
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.is_little_endian, dataset.is_implicit_VR = True, False
    values = {
        "SOPClassUID": meta.MediaStorageSOPClassUID, "SOPInstanceUID": generate_uid(), "Modality": "DX",
        "StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid(), "PatientName": "Made^Up",
        "PatientID": "P-1", "PatientSex": "F", "PatientBirthDate": "20130301", "StudyDate": "20230901",
        "StudyTime": "101500", "StudyID": "1", "ImageLaterality": "L", "Rows": pixels.shape[0],
        "Columns": pixels.shape[1], "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0, "PixelData": pixels.tobytes(),
    }  # fmt: skip
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(folder / "hand.dcm", write_like_original=False)
    arguments = [folder / "hand.dcm", "--dicom-out", folder / "dicom", "--fhir", folder / "hand.json"]
    assert cli.main(["assess", *map(str, arguments)]) == 0
    return folder


def ages_in(bundle):
    observations = [one.resource for one in bundle.entry if one.resource.get_resource_type() == "Observation"]
    return [float(observation.valueQuantity.value) for observation in observations]


def test_report_and_bundle_say_the_same_age_which_is_near_the_readers(exchanged):
    report = pydicom.dcmread(exchanged / "dicom" / "hand-sr.dcm")
    numbers = [item for item in report.iterall() if item.keyword == "NumericValue"]
    [age] = ages_in(Bundle.model_validate(json.loads((exchanged / "hand.json").read_text("utf-8"))))
    assert age in [float(number.value) for number in numbers]
    assert age == pytest.approx(132.0, abs=18.0)


def test_the_outline_and_the_picture_are_not_empty(exchanged):
    outline, picture = (pydicom.dcmread(exchanged / "dicom" / f"hand-{kind}.dcm").pixel_array for kind in ("seg", "sc"))
    assert 0.1 < outline.mean() < 0.8
    assert picture.shape == (1240, 1753, 3) and picture.std() > 10


@pytest.mark.skipif(not shutil.which("dciodvfy"), reason="needs dciodvfy (Debian: dicom3tools)")
@pytest.mark.parametrize("kind", ["sr", "seg", "sc"])
def test_the_validator_finds_no_error(exchanged, kind):
    command = ["dciodvfy", "-new", exchanged / "dicom" / f"hand-{kind}.dcm"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    assert said and "Error" not in said

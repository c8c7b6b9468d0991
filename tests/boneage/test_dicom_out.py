"""A hand's outline as DICOM SEG, from data sets made on the spot."""

import io
import shutil
import subprocess

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from boneage.dicom_out import hand_segmentation, uid_of
from boneage.errors import InvalidInput, UnreadableRadiograph

CR, DX = "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1"
MODEL = ("hand_segmenter", "0.1.0")
AN_ID = "0123456789abcdef0123456789abcdef"
MADE_BY = {
    "MANUAL": {"drawn_by": "R1"},
    "SEMIAUTOMATIC": {"drawn_by": "R1", "algorithm": MODEL},
    "AUTOMATIC": {"algorithm": MODEL},
}


def a_header(**tags):
    """Return what a CR of 40 x 25 pixels says; tags of None are left out."""
    header = Dataset()
    values = {
        "SOPClassUID": CR, "SOPInstanceUID": "1.2.3.4", "StudyInstanceUID": "1.2.3.2", "SeriesInstanceUID": "1.2.3.3",
        "Modality": "CR", "Rows": 40, "Columns": 25, "PatientName": "Name^Given", "PatientID": "ID-1",
        "PatientBirthDate": "20140506", "PatientSex": "F", "StudyDate": "20240102", "StudyTime": "101112",
        "StudyID": "S1", "AccessionNumber": "A1", "ReferringPhysicianName": "", "ImagerPixelSpacing": [0.1, 0.1],
    } | tags  # fmt: skip
    for keyword, value in values.items():
        if value is not None:
            setattr(header, keyword, value)
    return header


def a_mask():
    """Return (40, 25) bool that no flip, turn or transposition leaves as it is."""
    mask = np.zeros((40, 25), bool)
    mask[3:9, 2:20] = mask[9:31, 2:5] = mask[36, 11] = True
    return mask


def written(header=None, mask=None, **made_by):
    """Return the segmentation as a file, and as it is read back."""
    made_by = made_by or MADE_BY["MANUAL"]
    segmentation = hand_segmentation(
        a_mask() if mask is None else mask,
        a_header() if header is None else header,
        uid_of("SEG", AN_ID),
        uid_of("SEG series", AN_ID),
        **made_by,
    )
    file = io.BytesIO()
    pydicom.dcmwrite(file, segmentation, write_like_original=False)
    file.seek(0)
    return file.getvalue(), pydicom.dcmread(file)


def test_the_mask_is_read_back_on_the_same_pixels_neither_flipped_nor_transposed(tmp_path):
    file, dataset = written()
    assert np.array_equal(dataset.pixel_array.astype(bool), a_mask())
    (tmp_path / "seg.dcm").write_bytes(file)
    read = highdicom.seg.segread(tmp_path / "seg.dcm")
    [frame] = read.get_pixels_by_source_instance(["1.2.3.4"], combine_segments=True)
    assert np.array_equal(frame.astype(bool), a_mask())


def test_it_belongs_to_the_patient_and_the_study_and_to_a_series_of_its_own():
    _, dataset = written()
    for keyword in (
        "PatientID",
        "PatientName",
        "PatientBirthDate",
        "PatientSex",
        "StudyInstanceUID",
        "AccessionNumber",
    ):
        assert dataset[keyword].value == a_header()[keyword].value
    assert dataset.SeriesInstanceUID not in ("1.2.3.3", dataset.SOPInstanceUID)
    [series] = dataset.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == "1.2.3.3"
    assert series.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == "1.2.3.4"


@pytest.mark.parametrize("kind", MADE_BY)
def test_who_made_it_is_said(kind):
    _, dataset = written(**MADE_BY[kind])
    [segment] = dataset.SegmentSequence
    assert (segment.SegmentAlgorithmType, segment.SegmentLabel) == (kind, "Hand")
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodeValue == "85562004"
    assert ("R1" in str(dataset.ContentCreatorName)) == ("drawn_by" in MADE_BY[kind])
    if kind != "MANUAL":
        [algorithm] = segment.SegmentationAlgorithmIdentificationSequence
        assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == MODEL


def test_a_correction_has_the_same_uids_each_time_and_no_other_correction_has_them():
    assert written()[1].SOPInstanceUID == written()[1].SOPInstanceUID == uid_of("SEG", AN_ID)
    uids = {uid_of(kind, id) for kind in ("SEG", "SEG series") for id in (AN_ID, AN_ID[::-1])}
    assert len(uids) == 4 and all(len(uid) <= 64 and pydicom.uid.UID(uid).is_valid for uid in uids)


def test_a_name_in_another_script_stays_readable():
    header = a_header(PatientName="Петрова^Анна", PatientID="Ж-7", SpecificCharacterSet="ISO_IR 144")
    _, dataset = written(header, drawn_by="Врач^1\\2")
    assert str(dataset.PatientName) == "Петрова^Анна" and dataset.PatientID == "Ж-7"
    assert str(dataset.ContentCreatorName).startswith("Врач 1 2")


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="needs dciodvfy (Debian: dicom3tools)")
@pytest.mark.parametrize("kind", MADE_BY)
@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"SOPClassUID": DX, "PixelSpacing": [0.14, 0.15], "PatientOrientation": ["L", "F"]},
        {"SOPClassUID": DX, "FrameOfReferenceUID": "1.2.3.9", "PositionReferenceIndicator": ""},
        {"StudyID": None, "StudyDate": None, "PatientID": None, "AccessionNumber": None, "ImagerPixelSpacing": None},
        {"PatientSex": "unknown", "PatientBirthDate": "06.05.2014", "StudyTime": "10:11"},
        {"PatientName": "Петрова^Анна", "IssuerOfPatientID": "HIS", "StudyDescription": "Hand"},
    ],
)
def test_the_validator_finds_no_error(tmp_path, tags, kind):
    (tmp_path / "seg.dcm").write_bytes(written(a_header(**tags), **MADE_BY[kind])[0])
    found = subprocess.run(["dciodvfy", "-new", tmp_path / "seg.dcm"], capture_output=True, text=True, check=False)
    assert "Error" not in found.stdout + found.stderr and "Segmentation" in found.stderr


@pytest.mark.parametrize(
    "mask",
    [np.zeros((40, 25), bool), np.ones((25, 40), bool), np.ones((40, 25), np.uint8)],
    ids=("empty", "lying", "grey"),
)
def test_a_mask_that_is_empty_or_on_another_grid_is_refused(mask):
    with pytest.raises(InvalidInput):
        written(mask=mask)


def test_a_mask_of_nobody_is_refused():
    with pytest.raises(InvalidInput, match="who made the outline"):
        hand_segmentation(a_mask(), a_header(), "1.2", "1.3")


def test_nothing_of_the_patient_or_the_image_is_logged(caplog, recwarn):
    caplog.set_level("DEBUG")
    header = a_header(PatientName="Secret")  # of one part: highdicom would warn of it
    hand_segmentation(a_mask(), header, "1.2", "1.3", drawn_by="R1")
    assert [word for word in ("Secret", "1.2.3.4", "ID-1", "20140506") if word in caplog.text] == []
    assert not any("Secret" in str(warning.message) for warning in recwarn)


@pytest.mark.parametrize("uid", [None, ""])
def test_a_radiograph_without_a_study_is_refused(uid):
    with pytest.raises(UnreadableRadiograph, match="StudyInstanceUID"):
        written(a_header(StudyInstanceUID=uid))

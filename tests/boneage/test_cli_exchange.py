"""`boneage assess --dicom-out` and `--fhir`, `boneage schema`; with stand-ins for the models only."""

import json

import fake_models
import jsonschema
import numpy as np
import pydicom
import pytest
from builders import a_radiograph
from fake_models import NO_HAND_COLUMNS, a_png
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from boneage import cli
from boneage.schema import assessment_schema


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs `boneage` and gives (exit status, stdout, stderr)."""
    fake_models.install(monkeypatch)
    monkeypatch.setattr("boneage.dicom_results.DOTS_PER_INCH", 40)

    def boneage(*arguments):
        status = cli.main([*map(str, arguments)])
        return status, *capsys.readouterr()

    return boneage


def a_dicom(path, columns=126, rows=220, **tags):
    """Write a DX of a drawn hand whose fake bone age is `columns` months."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.is_little_endian, dataset.is_implicit_VR = True, False
    values = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1", "SOPInstanceUID": generate_uid(), "Modality": "DX",
        "StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid(), "Rows": rows, "Columns": columns,
        "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0, "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2", "PatientName": "Secret^Child", "PatientID": "ID-1",
        "PatientBirthDate": "20140506", "PatientSex": "F", "StudyDate": "20240102", "StudyTime": "101112",
        "PixelData": np.uint8(a_radiograph(rows, columns).pixels * 255).tobytes(),
    } | tags  # fmt: skip
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, write_like_original=False)
    return path


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_one_radiograph_gives_a_file_of_each_kind_in_its_study(run, tmp_path):
    hand = a_dicom(tmp_path / "hand.dcm")
    status, out, err = run("assess", hand, "--dicom-out", tmp_path / "out")
    assert (status, err) == (0, "") and "10 years 6 months" in out
    assert names_in(tmp_path / "out") == ["hand-sc.dcm", "hand-seg.dcm", "hand-sr.dcm"]
    study = pydicom.dcmread(hand).StudyInstanceUID
    assert {pydicom.dcmread(path).StudyInstanceUID for path in (tmp_path / "out").iterdir()} == {study}


def test_only_the_kinds_asked_for_are_written(run, tmp_path):
    run("assess", a_dicom(tmp_path / "hand.dcm"), "--dicom-out", tmp_path / "out", "--dicom-kinds", "sr,seg")
    assert names_in(tmp_path / "out") == ["hand-seg.dcm", "hand-sr.dcm"]


def test_a_png_has_no_study_to_go_to(run, tmp_path):
    hand = a_png(tmp_path / "hand.png")
    status, _, err = run("assess", hand, "--sex", "female", "--dicom-out", tmp_path / "out")
    assert status == 2 and "needs a DICOM radiograph" in err
    assert names_in(tmp_path / "out") == []


def test_among_many_radiographs_one_that_cannot_be_exchanged_does_not_stop_the_others(run, tmp_path):
    a_dicom(tmp_path / "in" / "one" / "hand.dcm")
    a_dicom(tmp_path / "in" / "two" / "hand.dcm", columns=130)
    a_dicom(tmp_path / "in" / "none.dcm", columns=NO_HAND_COLUMNS)
    a_png(tmp_path / "in" / "picture.png")
    options = ("--sex", "female", "--dicom-out", tmp_path / "out", "--dicom-kinds", "sr")
    status, _, err = run("assess", tmp_path / "in", *options, "--fhir", tmp_path / "all.json")
    assert status == 1 and "picture.png: --dicom-out needs a DICOM radiograph" in err
    assert names_in(tmp_path / "out") == ["hand-sr.dcm", "two-hand-sr.dcm"]
    entries = json.loads((tmp_path / "all.json").read_text("utf-8"))["entry"]
    assert [entry["resource"]["resourceType"] for entry in entries].count("DiagnosticReport") == 3


def test_the_exit_status_says_that_a_result_is_missing(run, tmp_path):
    a_dicom(tmp_path / "in" / "hand.dcm")
    a_png(tmp_path / "in" / "picture.png")
    assert (
        run("assess", tmp_path / "in", "--sex", "male", "--dicom-out", tmp_path / "out", "--dicom-kinds", "sr")[0] == 1
    )


def test_what_the_program_drew_is_not_assessed_as_a_radiograph(run, tmp_path):
    hand = a_dicom(tmp_path / "hand.dcm")
    run("assess", hand, "--dicom-out", tmp_path)
    for kind, words in (("sc", "made by this program"), ("sr", "modality 'SR'"), ("seg", "modality 'SEG'")):
        status, _, err = run("assess", tmp_path / f"hand-{kind}.dcm", "--sex", "female")
        assert status == 2 and words in err


def test_a_radiograph_is_never_replaced(run, tmp_path):
    a_dicom(tmp_path / "hand.dcm")
    other = a_dicom(tmp_path / "hand-sr.dcm")
    before = other.read_bytes()
    status, _, err = run("assess", tmp_path, "--dicom-out", tmp_path, "--dicom-kinds", "sr")
    assert status == 1 and "would replace a radiograph" in err
    assert other.read_bytes() == before


def test_bundles_go_into_a_folder_one_each_or_into_one_file(run, tmp_path):
    hand = a_png(tmp_path / "hand.png")
    run("assess", hand, "--sex", "female", "--fhir", tmp_path / "bundles")
    assert names_in(tmp_path / "bundles") == ["hand.json"]
    run("assess", hand, "--sex", "both", "--age", "10y", "--fhir", tmp_path / "new" / "one.json")
    entries = json.loads((tmp_path / "new" / "one.json").read_text("utf-8"))["entry"]
    assert [entry["resource"]["resourceType"] for entry in entries].count("Observation") == 2


def test_an_expert_signs_an_age(run, tmp_path):
    hand = a_dicom(tmp_path / "hand.dcm")
    signed = ("--signed-by", "Петрова^Анна", "--signed-age", "10y9m", "--organization", "Hospital")
    status, *_ = run("assess", hand, "--dicom-out", tmp_path, "--fhir", tmp_path / "a.json", *signed)
    report = pydicom.dcmread(tmp_path / "hand-sr.dcm")
    assert status == 0 and report.VerificationFlag == "VERIFIED"
    assert report.VerifyingObserverSequence[0].VerifyingObserverName == "Петрова^Анна"
    assert "129.0" in (tmp_path / "a.json").read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--signed-by", "R1"], "--signed-age together"),
        (["--signed-age", "10y"], "--signed-by and --signed-age"),
        (["--signed-by", "R1", "--signed-age", "10y"], "give one of them"),
        (["--organization", "H"], "--signed-by"),
        (["--patient", "urn:x|1"], "--fhir"),
        (["--patient", "77", "--fhir", "x.json"], "SYSTEM|VALUE"),
        (["--dicom-kinds", "pdf", "--dicom-out", "x"], "sr, seg, sc"),
    ],
)
def test_options_that_make_no_sense_together_are_refused_before_anything_is_done(run, tmp_path, options, words):
    status, out, err = run("assess", a_png(tmp_path / "hand.png"), "--sex", "male", *options)
    assert status == 2 and words in err and out == ""


def test_a_signature_holds_for_one_radiograph_and_one_sex(run, tmp_path):
    signed = ("--fhir", tmp_path / "a.json", "--signed-by", "R1", "--signed-age", "10y")
    a_png(tmp_path / "in" / "hand.png")
    status, _, err = run("assess", tmp_path / "in", "--sex", "male", *signed)
    assert status == 2 and "one radiograph" in err
    status, _, err = run("assess", tmp_path / "in" / "hand.png", "--sex", "both", *signed)
    assert status == 2 and "for one sex" in err


def test_no_name_and_no_birth_date_reaches_the_terminal_or_the_bundle(run, tmp_path):
    a_dicom(tmp_path / "in" / "hand.dcm", StudyInstanceUID="")
    a_dicom(tmp_path / "in" / "other.dcm")
    options = ("--dicom-out", tmp_path / "out", "--dicom-kinds", "sr", "--fhir", tmp_path / "a.json", "--verbose")
    _, out, err = run("assess", tmp_path / "in", *options)
    assert "StudyInstanceUID" in err
    said = out + err + (tmp_path / "a.json").read_text("utf-8")
    assert [word for word in ("Secret", "20140506", "2014-05-06", "ID-1", "2024-01-02") if word in said] == []


def test_the_printed_schema_holds_for_what_assess_prints(run, tmp_path):
    status, out, _ = run("schema")
    assert status == 0 and json.loads(out) == assessment_schema()
    schema = jsonschema.Draft202012Validator(json.loads(out))
    _, out, _ = run("assess", a_png(tmp_path / "a.png"), "--sex", "both", "--age", "10y", "--json")
    schema.validate(json.loads(out))
    _, out, _ = run("assess", a_png(tmp_path / "b.png", columns=NO_HAND_COLUMNS), "--sex", "male", "--json")
    schema.validate(json.loads(out))
    assert not schema.is_valid(json.loads(out) | {"error": "none"})

"""Report and DICOM of what is shown, saved from the panel; the server behind it is the real one."""

import numpy as np
import pydicom
import pytest
from radiographs import DicomDatabase, a_dicom, a_volume, grey_of


@pytest.fixture
def places(monkeypatch, tmp_path):
    """Answer the dialogs for places, and note what is opened, as a person would."""
    from BoneAgeLib import dialogs

    chosen = {"file": tmp_path / "report.pdf", "folder": tmp_path, "opened": []}
    monkeypatch.setattr(dialogs, "choose_place", lambda *_: str(chosen["file"]))
    monkeypatch.setattr(dialogs, "choose_folder", lambda *_: str(chosen["folder"]))
    monkeypatch.setattr(dialogs, "open_file", lambda file: chosen["opened"].append(file))
    return chosen


@pytest.fixture
def assessed(connected, load):
    """Return the panel with the boy's radiograph, assessed."""
    connected.show(load("boy"))
    connected.ui.sexBox.setCurrentText("male")
    connected.press("assessButton")
    return connected


@pytest.fixture
def dicom(connected, tmp_path):
    """Return the panel with the boy's radiograph as Slicer's DICOM module loads it, assessed."""
    import slicer

    pixels, file = grey_of("5627.jpg"), tmp_path / "boy.dcm"
    file.write_bytes(a_dicom(pixels, SOPInstanceUID="1.2.3.98", PatientSex="M", PatientBirthDate="20140101"))
    connected.desk.logic._database = DicomDatabase({"1.2.3.98": file})
    volume = a_volume(slicer.mrmlScene, pixels[None], np.diag([-0.4, -0.4, 1, 1]))
    volume.SetAttribute("DICOM.instanceUIDs", "1.2.3.98")
    connected.show(volume)
    connected.press("assessButton")
    return connected


def test_the_report_is_saved_and_opened(assessed, places):
    assessed.press("reportButton")
    assert places["file"].read_bytes().startswith(b"%PDF")
    assert places["opened"] == [places["file"]]
    assert assessed.ui.documentStatus.text() == "Saved as report.pdf."


def test_the_language_is_one_that_the_server_offers(assessed, places, tmp_path):
    box = assessed.ui.languageBox
    assert [box.itemText(place) for place in range(box.count())] == ["English", "русский"]
    box.setCurrentIndex(1)
    places["file"] = tmp_path / "report.html"
    assessed.press("reportButton")
    assert "Костный возраст" in places["file"].read_text(encoding="utf-8")


def test_a_dialog_that_is_called_off_writes_nothing(assessed, places):
    places["file"] = ""
    assessed.press("reportButton")
    assert not places["opened"] and assessed.ui.documentStatus.text() == ""


def test_before_an_assessment_there_is_nothing_to_write_about(connected, load, places):
    connected.show(load("boy"))
    assert not connected.ui.reportButton.isVisible()


def test_a_picture_that_is_no_dicom_gets_the_servers_reason(assessed, places):
    assessed.press("dicomButton")
    assert "Expected a DICOM radiograph" in assessed.ui.documentStatus.text()


def test_dicom_files_come_into_the_folder_and_nobody_has_signed_them(dicom, places):
    dicom.press("dicomButton")
    objects = [pydicom.dcmread(file) for file in places["folder"].glob("*.dcm") if file.name != "boy.dcm"]
    assert {"SR", "SEG"} <= {one.Modality for one in objects} and len(objects) == 4
    assert {str(one.PatientID) for one in objects} == {"1"}
    assert next(one for one in objects if one.Modality == "SR").VerificationFlag == "UNVERIFIED"
    assert "Saved" in dicom.ui.documentStatus.text()


def test_what_the_reader_signs_is_asked_for_once_more_and_verified(dicom, places):
    dicom.type_text("readerEdit", "AB")
    dicom.type_age("expert", 6, 0)
    dicom.ui.signCheck.setChecked(True)
    dicom.press("dicomButton", answer="OK")
    assert dicom.asked[-1] == "Sign as AB, with a bone age of 6 years 0 months?"
    [report] = [pydicom.dcmread(file) for file in places["folder"].glob("sr-*.dcm")]
    assert report.VerificationFlag == "VERIFIED"


def test_signing_without_an_age_of_ones_own_is_refused(assessed, places):
    assessed.type_text("readerEdit", "AB")
    assessed.ui.signCheck.setChecked(True)
    assessed.press("reportButton")
    assert "no age of yours to sign" in assessed.ui.documentStatus.text() and not places["opened"]

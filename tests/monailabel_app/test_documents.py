"""The tasks whose file is a document: what an unmodified client gets of them."""

import io
import json
import re
import zipfile

import numpy as np
import pydicom
import pypdfium2
import pytest
from dicom_radiographs import a_radiograph_dataset, as_nrrd, picture


@pytest.fixture(scope="module")
def dicom_id(client, studies):
    """Put a girl's radiograph as DICOM into the studies; return its id."""
    from monailabel.interfaces.utils.app import app_instance

    dataset = a_radiograph_dataset(picture("14717.png"), PatientName="Made^Up", PatientID="P-77")
    dataset.save_as(studies / "girl.dcm", write_like_original=False)
    store = app_instance().datastore()
    store.refresh()
    yield next(one for one in store.list_images() if one.startswith("girl-"))
    (studies / "girl.dcm").unlink()
    store.refresh()


@pytest.fixture
def ask(client):
    """Return a function that asks a task for its file and returns the response."""

    def ask_for(task, image_id, mask=None, output="image", **params):
        files = {"label": ("tmp.nrrd", mask)} if mask else None
        address = f"/infer/{task}?image={image_id}&output={output}"
        return client.post(address, data={"params": json.dumps(params)}, files=files)

    return ask_for


def text_of(pdf):
    page = pypdfium2.PdfDocument(pdf)[0]
    return page.get_textpage().get_text_range()


def objects_of(response):
    with zipfile.ZipFile(io.BytesIO(response.content)) as files:
        return {name: pydicom.dcmread(io.BytesIO(files.read(name))) for name in files.namelist()}


def test_the_report_is_one_page_and_names_nobody(ask, dicom_id):
    response = ask("bone_age_report", dicom_id)
    assert response.status_code == 200 and response.content.startswith(b"%PDF")
    assert len(pypdfium2.PdfDocument(response.content)) == 1
    text = text_of(response.content)
    assert "months" in text and not re.search("Made\\W+Up|P-77|2013", text)


def test_the_report_speaks_a_language_that_the_server_offers(ask, client, ids):
    assert client.get("/info/").json()["report_languages"]["ru"] == "русский"
    assert "Костный возраст" in text_of(ask("bone_age_report", ids["girl"], sex="female", language="ru").content)
    page = ask("bone_age_report", ids["girl"], sex="female", language="ru", format="html").content.decode()
    assert page.lstrip().lower().startswith("<!doctype html") and "Костный возраст" in page


def test_with_the_answer_comes_the_assessment_that_the_report_is_about(ask, ids):
    response = ask("bone_age_report", ids["boy"], sex="male", output="all")
    assert response.headers["content-type"].startswith("multipart/") and b"%PDF" in response.content
    found = json.loads(re.search(rb'\{"task".*?\}\r\n--', response.content, re.S)[0][:-4])
    assert found["image_id"] == ids["boy"] and found["estimates"][0]["sex"] == "male"


def test_dicom_results_belong_to_the_radiographs_patient_and_study(ask, dicom_id, studies):
    objects = objects_of(ask("bone_age_dicom", dicom_id))
    source = pydicom.dcmread(studies / "girl.dcm")
    assert {"SR", "SEG"} <= {o.Modality for o in objects.values()}
    assert len({one.SOPInstanceUID for one in objects.values()}) == len(objects) == 4
    for one in objects.values():
        assert (one.PatientID, one.StudyInstanceUID) == ("P-77", source.StudyInstanceUID)
    report = next(one for one in objects.values() if one.Modality == "SR")
    assert report.VerificationFlag == "UNVERIFIED"


def test_what_a_reader_signs_is_verified_in_that_name(ask, dicom_id):
    objects = objects_of(ask("bone_age_dicom", dicom_id, signed_by="Reader^One", signed_bone_age_months=126))
    report = next(one for one in objects.values() if one.Modality == "SR")
    assert report.VerificationFlag == "VERIFIED"
    assert str(report.VerifyingObserverSequence[0].VerifyingObserverName) == "Reader^One"


def test_the_expert_s_outline_is_the_one_that_is_written(ask, dicom_id, tmp_path):
    shape = picture("14717.png").shape
    mask = np.zeros(shape, bool)
    mask[shape[0] // 8 : -shape[0] // 8, shape[1] // 4 : -shape[1] // 4] = True
    objects = objects_of(ask("bone_age_dicom", dicom_id, mask=as_nrrd(mask, tmp_path)))
    segmentation = next(one for one in objects.values() if one.Modality == "SEG")
    assert segmentation.pixel_array.sum() == mask.sum()


@pytest.mark.parametrize(
    "task, params, message",
    [
        ("bone_age_report", {"format": "docx"}, "format as one of pdf, html"),
        ("bone_age_report", {"language": "xx"}, "language as one of en, ru"),
        ("bone_age_dicom", {}, "Expected a DICOM radiograph"),
    ],
)
def test_what_cannot_be_written_is_refused_with_a_reason(ask, ids, task, params, message):
    answer = ask(task, ids["girl"], output="json", sex="female", **params).json()
    assert message in answer["error"]["message"] and answer["error"]["kind"] == "invalid_input"


@pytest.mark.parametrize(
    "params, message",
    [
        ({"signed_by": "R1"}, "signed_bone_age_months"),
        ({"signed_by": "R1", "signed_bone_age_months": 500}, "signed_bone_age_months"),
        ({"signed_by": "", "signed_bone_age_months": 100}, "signed_by as a name"),
        ({"signed_by": "R1", "signed_bone_age_months": 100, "sex": "both"}, "one sex"),
    ],
)
def test_half_a_signature_is_none(ask, dicom_id, params, message):
    assert message in ask("bone_age_dicom", dicom_id, output="json", **params).json()["error"]["message"]


def test_a_radiograph_without_a_known_sex_gets_no_report(ask, ids):
    assert ask("bone_age_report", ids["girl"], output="json").json()["error"]["kind"] == "unknown_sex"

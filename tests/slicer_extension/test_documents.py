"""Documents on their way from the server to the disk."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from BoneAgeLib import answers, documents
from BoneAgeLib.contract import HandBox
from BoneAgeLib.documents import DICOM, REPORT, DocumentRequest, Signature
from BoneAgeLib.errors import ClientError, ErrorKind

RECORDED = Path(__file__).parents[1] / "contract"


def an_assessment(name="bone_age"):
    return answers.assessment(json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8")))


def a_zip(**contents):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return file.getvalue()


def test_a_report_is_asked_for_with_the_sex_and_age_that_are_shown():
    assessment = an_assessment()
    request = DocumentRequest(REPORT, assessment, form="pdf", language="ru")
    expected = {"sex": "female", "chronological_age_months": 130.0, "format": "pdf", "language": "ru"}
    assert request.params() == expected
    assert DocumentRequest(REPORT, an_assessment("both_sexes")).params()["sex"] == "both"


def test_what_the_expert_changed_and_signs_goes_along():
    request = DocumentRequest(DICOM, an_assessment(), HandBox(1, 2, 30, 40), signature=Signature("AB", 132.0))
    params = request.params()
    assert params["hand_box_px"] == {"left": 1, "top": 2, "right": 30, "bottom": 40}
    assert (params["signed_by"], params["signed_bone_age_months"]) == ("AB", 132.0)
    assert "signed_by" not in replace(request, signature=None).params()


@pytest.mark.parametrize("name, form", [("a.pdf", "pdf"), ("a.b.HTML", "html")])
def test_the_ending_of_the_file_says_the_form(name, form):
    assert documents.format_of(Path(name)) == form


@pytest.mark.parametrize("name", ["report", "report.docx", "report.pdf.exe"])
def test_another_ending_is_refused(name):
    with pytest.raises(ClientError, match=r"\.pdf or \.html"):
        documents.format_of(Path(name))


def test_files_of_an_archive_come_into_the_folder(tmp_path):
    files = documents.save_all(tmp_path, a_zip(**{"sr.dcm": b"one", "seg.dcm": b"two"}))
    assert [file.name for file in files] == ["sr.dcm", "seg.dcm"]
    assert [file.read_bytes() for file in files] == [b"one", b"two"]


def test_nothing_that_is_there_is_replaced(tmp_path):
    (tmp_path / "seg.dcm").write_bytes(b"of another child")
    with pytest.raises(ClientError, match=r"already holds seg\.dcm") as caught:
        documents.save_all(tmp_path, a_zip(**{"sr.dcm": b"one", "seg.dcm": b"two"}))
    assert caught.value.kind == ErrorKind.DISK
    assert not (tmp_path / "sr.dcm").exists() and (tmp_path / "seg.dcm").read_bytes() == b"of another child"


@pytest.mark.parametrize("archive", [b"no archive", a_zip(), a_zip(**{"../evil.dcm": b""}), a_zip(**{"a/b.dcm": b""})])
def test_what_is_no_archive_of_plain_files_is_refused(archive, tmp_path):
    with pytest.raises(ClientError) as caught:
        documents.save_all(tmp_path, archive)
    assert caught.value.kind == ErrorKind.WRONG_ANSWER and not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(ClientError, match="cannot be written"):
        documents.save(tmp_path / "nowhere" / "report.pdf", b"%PDF")

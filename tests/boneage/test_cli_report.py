"""`boneage report`, with stand-ins for the models only."""

import json

import fake_models
import numpy as np
import pypdfium2
import pytest
from fake_models import NO_HAND_COLUMNS, a_png
from test_dicom_in import a_dicom

from boneage import cli


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs `boneage report` and gives (exit status, stdout, stderr)."""
    fake_models.install(monkeypatch)

    def report(*arguments):
        status = cli.main(["report", *map(str, arguments)])
        return status, *capsys.readouterr()

    return report


def text_of(path):
    document = pypdfium2.PdfDocument(path.read_bytes())
    assert len(document) == 1
    return " ".join(document[0].get_textpage().get_text_range().split())


def test_a_pdf_is_written_without_a_word(run, tmp_path):
    out = tmp_path / "new" / "a.pdf"
    arguments = ("--sex", "male", "--age", "10y", "--heading", "Ward 7", "--patient", "case 17", "--out", out)
    assert run(a_png(tmp_path / "a.png", columns=126), *arguments) == (0, "", "")
    text = text_of(out)
    for part in ("Ward 7", "case 17", "10 years 6 months", "male (as entered)", "10 years 0 months (120.0 months"):
        assert part in text


def test_html_is_written_in_the_language_asked_for(run, tmp_path):
    out = tmp_path / "a.html"
    assert run(a_png(tmp_path / "a.png"), "--sex", "both", "--language", "ru", "--out", out) == (0, "", "")
    page = out.read_text(encoding="utf-8")
    assert '<html lang="ru">' in page
    assert "Костный возраст для женского пола" in page and "Костный возраст для мужского пола" in page


def test_an_unknown_language_is_told_which_there_are(run, tmp_path):
    status, _, err = run(a_png(tmp_path / "a.png"), "--sex", "male", "--language", "xx", "--out", tmp_path / "a.pdf")
    assert status == 2
    assert "'xx' is not one of 'en', 'ru'" in err


def test_the_radiograph_is_not_replaced(run, tmp_path):
    radiograph = a_png(tmp_path / "a.png").rename(tmp_path / "a.pdf")
    before = radiograph.read_bytes()
    status, _, err = run(radiograph, "--sex", "male", "--out", tmp_path / "." / "a.pdf")
    assert status == 2
    assert "would replace what it is made from" in err
    assert radiograph.read_bytes() == before


def test_another_kind_of_file_is_refused_before_the_work(run, tmp_path):
    status, _, err = run(tmp_path / a_png(tmp_path / "a.png"), "--out", tmp_path / "a.docx")
    assert status == 2
    assert "Expected --out to end with .pdf or .html; got 'a.docx'." in err


def test_without_a_bone_age_there_is_no_page(run, tmp_path):
    radiograph = a_png(tmp_path / "a.png", columns=NO_HAND_COLUMNS)
    status, _, err = run(radiograph, "--sex", "male", "--out", tmp_path / "a.pdf")
    assert status == 2
    assert "No hand above confidence" in err
    assert not (tmp_path / "a.pdf").exists()


def test_an_unknown_sex_is_refused_instead_of_guessed(run, tmp_path):
    status, _, err = run(a_png(tmp_path / "a.png"), "--out", tmp_path / "a.pdf")
    assert status == 2
    assert "child's sex" in err


# Whom it names


def a_dicom_of_a_boy(folder):
    pixels = np.tile(np.arange(100, 3900, 30, np.uint16)[:126], (150, 1))
    tags = {"PatientName": "Doe^John^Q", "PatientID": "ID 4711", "PatientSex": "M"}
    return a_dicom(folder, pixels, PatientBirthDate="20150301", StudyDate="20250404", **tags)


def test_the_patient_in_a_dicom_file_stays_unsaid(run, tmp_path):
    status, out, err = run(a_dicom_of_a_boy(tmp_path), "--out", tmp_path / "a.pdf")
    assert status == 0
    for where in (text_of(tmp_path / "a.pdf"), out, err):
        assert not any(secret in where for secret in ("Doe", "John", "4711", "2015", "2025", "April"))


def test_the_patient_in_a_dicom_file_is_printed_if_asked_for_and_logged_nowhere(run, tmp_path):
    status, out, err = run(a_dicom_of_a_boy(tmp_path), "--with-patient", "--out", tmp_path / "a.pdf")
    assert (status, out, err) == (0, "", "")
    text = text_of(tmp_path / "a.pdf")
    for part in ("Doe John Q, ID 4711", "1 March 2015", "4 April 2025", "male (from DICOM)"):
        assert part in text


def test_only_a_dicom_file_can_be_asked_for_its_patient(run, tmp_path):
    status, _, err = run(a_png(tmp_path / "a.png"), "--sex", "male", "--with-patient", "--out", tmp_path / "a.pdf")
    assert status == 2
    assert "Only a DICOM file names its patient" in err


def test_the_patient_comes_from_one_place(run, tmp_path):
    arguments = ("--patient", "x", "--with-patient", "--out", tmp_path / "a.pdf")
    status, _, err = run(a_png(tmp_path / "a.png"), *arguments)
    assert status == 2
    assert "not both" in err


# Earlier radiographs


def a_table(folder, rows):
    path = folder / "earlier.csv"
    path.write_text(f"chronological_age_months,bone_age_months\n{rows}", encoding="utf-8")
    return path


def test_earlier_bone_ages_make_a_course(run, tmp_path):
    document = {"chronological_age_months": 108.0, "estimates": [
        {"sex": "male", "bone_age_months": 110.0, "bone_age_sd_months": 6.0}
    ]}  # fmt: skip
    (tmp_path / "first.json").write_text(json.dumps(document))
    earlier = ("--earlier", tmp_path / "first.json", "--earlier", a_table(tmp_path, "96,90\n"))
    arguments = ("--sex", "male", "--age", "10y", *earlier, "--out", tmp_path / "a.pdf")
    assert run(a_png(tmp_path / "a.png", columns=126), *arguments) == (0, "", "")
    assert "bone age +16.0 months in 12.0 months" in text_of(tmp_path / "a.pdf")


def test_an_earlier_bone_age_that_cannot_be_used_is_not_left_out_without_a_word(run, tmp_path):
    earlier = a_table(tmp_path, "96,90\nten,90\n")
    arguments = ("--sex", "male", "--age", "10y", "--earlier", earlier, "--out", tmp_path / "a.pdf")
    status, _, err = run(a_png(tmp_path / "a.png"), *arguments)
    assert status == 2
    assert "row 3" in err
    assert not (tmp_path / "a.pdf").exists()

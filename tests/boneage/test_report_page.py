"""The report as one page to sign, PDF and HTML: what it says, that it is one page, and whom it does not name."""

import json
import re
import shutil
import subprocess
from base64 import b64decode
from dataclasses import replace
from datetime import date
from functools import cache
from html.parser import HTMLParser
from io import BytesIO
from itertools import product
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from builders import AN_IDENTITY, a_bone_age, a_radiograph, an_assessment, both_sexes
from PIL import Image

from boneage.adult_height import adult_heights
from boneage.errors import InvalidInput
from boneage.language import languages
from boneage.report_contents import report_page
from boneage.report_fit import LEAST_HAND, fitted
from boneage.report_html import html_of, report_html
from boneage.report_page import Patient, ReportOptions
from boneage.report_pdf import pdf_of, report_pdf
from boneage.types import CoursePoint, Heights, Laterality, Sex
from boneage.wording import NOT_A_MEDICAL_DEVICE

MODELS = Path(__file__).parents[2] / "models"
REGRESSOR = "bone_age_regressor"
MANY_WARNINGS = (
    "The pose of the hand is unsure (two looks differ by 12% of its length): "
    "check the key points before trusting the age.",
    "The outline fills only 22% of the hand's box: check it before trusting the age.",
    "A finger tip or the wrist lies outside the picture: the hand is not shown whole.",
    "The file says right hand, the thumb lies as in a left hand seen from its back.",
    "Bone was dark (certainty 0.99); the picture was inverted.",
    "Pixels reach 4100, above the 12 bits that the file names.",
    "The file's window leaves the picture nearly blank and was ignored.",
    "PixelSpacing cannot be a radiograph's pixel spacing and was ignored.",
    "ImagerPixelSpacing cannot be a radiograph's pixel spacing and was ignored.",
    "The dates give an age of 126 months, PatientAge 96; the dates were used.",
    "ImageLaterality and Laterality name different sides.",
    "At the end of the scale for the female sex: the hand may be mature, and older than it says.",
    "The verdict depends on the growth reference: delayed (SDS -2.17) by Greulich-Pyle 1959, Brush Foundation series "
    "(Tables III/IV), but normal (SDS -1.91) by Greulich-Pyle 1959, Tables V/VI.",
)
HEADING = "University Hospital of a Town with a Long Name, Department of Paediatric Radiology, 1 Long Street"
PATIENT = Patient("Иванова-Петрова Александра Константиновна", "0012345678", date(2016, 2, 29), date(2026, 2, 3))


def text_of(pdf):
    """Return the text of a PDF, all its white space single."""
    pages = pypdfium2.PdfDocument(pdf)
    return " ".join(" ".join(page.get_textpage().get_text_range() for page in pages).split())


def pages_in(pdf):
    return len(pypdfium2.PdfDocument(pdf))


def with_heights(assessment):
    """Give an assessment every adult height there is."""
    heights = Heights(136.0, 137.0, 32.0, 165.0, 178.0)
    estimates = [
        replace(one, adult_heights=adult_heights(heights, one.bone_age.months, 114.0, one.sex, (110.0, 140.0)))
        for one in assessment.estimates
    ]
    return replace(assessment, radiograph=assessment.radiograph.with_heights(heights), estimates=tuple(estimates))


def with_card(assessment, version=None):
    """Say that the committed regressor assessed; or another version of it."""
    card = json.loads((MODELS / REGRESSOR / "configs" / "metadata.json").read_text())
    return replace(assessment, model_versions={REGRESSOR: version or card["version"]}), card


EARLIER = (CoursePoint(80.0, 84.0), CoursePoint(95.0, 102.0, 7.0))
ASSESSMENTS = {
    "one sex": lambda: an_assessment(),
    "no chronological age": lambda: an_assessment(a_radiograph(chronological_age_months=None)),
    "outside the series": lambda: an_assessment(a_radiograph(chronological_age_months=225.0)),
    "landscape": lambda: an_assessment(a_radiograph(90, 400)),
    "tall and narrow": lambda: an_assessment(a_radiograph(400, 70)),
    "longest, one sex": lambda: with_heights(an_assessment(a_radiograph(300, 200), warnings=MANY_WARNINGS)),
    "longest, both sexes": lambda: with_heights(
        an_assessment(a_radiograph(300, 200, identity=AN_IDENTITY), both_sexes(), MANY_WARNINGS)
    ),
}


def options_for(name, language):
    earlier = EARLIER if name in ("one sex", "longest, one sex") else ()
    long = name.startswith("longest")
    return ReportOptions(language, HEADING if long else "", PATIENT if long else Patient(), earlier, MODELS)


@cache
def page_for(name, language):
    """Return the page; drawn once for all tests."""
    assessment, _ = with_card(ASSESSMENTS[name]())
    return report_page(assessment, options_for(name, language))


@pytest.mark.parametrize(("name", "language"), list(product(ASSESSMENTS, languages())))
def test_it_is_one_page_and_says_every_warning(name, language):
    page = page_for(name, language)
    pdf = pdf_of(page)
    assert pages_in(pdf) == 1
    text = text_of(pdf)
    for said in (page.title, page.notice, *page.warnings.paragraphs, *(answer.bone_age for answer in page.answers)):
        assert " ".join(said.split()) in text
    assert ("Костный возраст" in text) == (language == "ru")


@pytest.mark.parametrize("language", languages())
def test_nothing_on_the_longest_page_leaves_the_paper_or_hides_the_hand(language):
    page = page_for("longest, both sexes", language)
    document = pypdfium2.PdfDocument(pdf_of(page))
    text = document[0].get_textpage()
    boxes = [text.get_rect(number) for number in range(text.count_rects())]
    assert min(left for left, _, _, _ in boxes) > 20
    assert max(right for _, _, right, _ in boxes) < 575
    assert min(bottom for _, bottom, _, _ in boxes) > 15
    assert fitted(page).hand_width() * page.hand.height_per_width >= LEAST_HAND - 1


def test_what_finds_no_room_is_counted():
    page = page_for("one sex", "en")
    page = replace(page, warnings=replace(page.warnings, paragraphs=MANY_WARNINGS * 6))
    pdf = pdf_of(page)
    more = re.search(r"(\d+) more warnings are in the written report", text_of(pdf))
    assert pages_in(pdf) == 1
    assert more and text_of(pdf).count("•") - 1 + int(more[1]) == len(MANY_WARNINGS * 6)


def test_it_says_what_was_found():
    radiograph = a_radiograph(laterality=Laterality.LEFT, identity=AN_IDENTITY)
    text = text_of(
        report_pdf(with_heights(an_assessment(radiograph)), ReportOptions(heading="Ward 7", earlier=EARLIER))
    )
    for part in (
        "Ward 7",
        "10 years 6 months",
        "126.4 months",
        "90 % interval: 9 years 8 months to 11 years 4 months",
        "SDS +1.10: normal for age",
        "Brush Foundation series (Tables III/IV)",
        "9 years 6 months (114.0 months; from DICOM)",
        "female (from DICOM)",
        "left (as the file says)",
        "Bayley-Pinneau 1952: ",
        "mother's height 165.0 cm",
        "bone age +24.4 months in 19.0 months",
        "Greulich-Pyle, as a neural network learnt it",
        "Checked by (name)",
        "Signature",
        AN_IDENTITY.sop_instance_uid,
        NOT_A_MEDICAL_DEVICE,
    ):
        assert part in text


def test_both_sexes_stand_side_by_side():
    text = text_of(report_pdf(an_assessment(a_radiograph(sex=None), both_sexes())))
    assert "Bone age if female · 126.4 months" in text
    assert "Bone age if male · 140.2 months" in text
    assert "not known: both were assessed" in text


def test_without_a_chronological_age_there_is_no_verdict():
    text = text_of(report_pdf(an_assessment(a_radiograph(chronological_age_months=None))))
    assert "No SDS: the chronological age is not known" in text
    assert "normal for age" not in text


@pytest.mark.parametrize(("months", "stands_out"), [(126.4, False), (150.0, True), (85.0, True)])
def test_a_verdict_other_than_normal_stands_out(months, stands_out):
    page = report_page(an_assessment(bone_ages={Sex.FEMALE: a_bone_age(months)}), ReportOptions())
    assert page.answers[0].stands_out is stands_out


# The model's card


def test_figures_and_limits_are_those_of_the_models_card(tmp_path):
    assessment, card = with_card(an_assessment())
    card["figures"] |= {
        "MAE (months)": {"value": 7.77, "lower": 7.11, "upper": 8.22},
        "data": "x, split held-out, 321 radiographs",
    }
    card["limits"] = ["Only for left hands."]
    configs = tmp_path / REGRESSOR / "configs"
    configs.mkdir(parents=True)
    (configs / "metadata.json").write_text(json.dumps(card))
    text = text_of(report_pdf(assessment, ReportOptions(models_dir=tmp_path)))
    assert "Measured on 321 radiographs (X) held out from training: mean absolute error 7.8 [7.1; 8.2] months" in text
    assert "Only for left hands." in text


def test_another_version_of_the_model_lends_no_figures():
    assessment, card = with_card(an_assessment(), version="99.0.0")
    text = text_of(report_pdf(assessment, ReportOptions(models_dir=MODELS)))
    assert "bone age 99.0.0" in text
    assert "The model's card names none." in text
    assert card["limits"][0] not in text


def test_figures_measured_on_other_than_held_out_radiographs_do_not_claim_to_be(tmp_path):
    assessment, card = with_card(an_assessment())
    card["figures"]["data"] = "rsna, split train, 10 radiographs"
    (tmp_path / REGRESSOR / "configs").mkdir(parents=True)
    (tmp_path / REGRESSOR / "configs" / "metadata.json").write_text(json.dumps(card))
    text = text_of(report_pdf(assessment, ReportOptions(models_dir=tmp_path)))
    assert "Measured on rsna, split train, 10 radiographs" in text
    assert "held out from training" not in text


# Whom it names


def test_nobody_is_named_unless_asked_for(tmp_path):
    radiograph = a_radiograph(source=tmp_path / "DOE^JANE.dcm", acquisition_date=date(2026, 2, 3))
    pdf, page = report_pdf(an_assessment(radiograph)), report_html(an_assessment(radiograph))
    metadata = " ".join(pypdfium2.PdfDocument(pdf).get_metadata_dict().values())
    for where in (text_of(pdf), metadata, page):
        assert not any(secret in where for secret in ("DOE", "JANE", "2026-02-03", "3 February 2026"))


@pytest.mark.parametrize("language", languages())
def test_the_patient_is_printed_if_asked_for(language):
    text = text_of(report_pdf(an_assessment(), ReportOptions(language, patient=PATIENT)))
    assert "Иванова-Петрова Александра Константиновна, 0012345678" in text
    assert ("29 February 2016" if language == "en" else "29 февраля 2016") in text


def test_letters_that_the_font_lacks_are_refused_without_repeating_them():
    with pytest.raises(InvalidInput, match="font lacks letters") as caught:
        report_pdf(an_assessment(), ReportOptions(patient=Patient("山田")))
    assert "山" not in str(caught.value)


def test_a_heading_that_leaves_no_room_is_refused():
    with pytest.raises(InvalidInput, match="one page"):
        report_pdf(an_assessment(), ReportOptions(heading="long " * 3000))


# Course


def test_a_radiograph_that_is_no_earlier_one_is_refused():
    with pytest.raises(InvalidInput, match="one at 10 years 0 months is later than this one"):
        report_pdf(an_assessment(), ReportOptions(earlier=(CoursePoint(120.0, 120.0),)))


def test_a_course_needs_one_sex_and_an_age():
    for assessment in (
        an_assessment(bone_ages=both_sexes()),
        an_assessment(a_radiograph(chronological_age_months=None)),
    ):
        with pytest.raises(InvalidInput, match="A course needs"):
            report_pdf(assessment, ReportOptions(earlier=EARLIER))


# HTML


class Tags(HTMLParser):
    """Collects what a page refers to, its words, and whether its tags are closed."""

    def __init__(self):
        super().__init__()
        self.sources, self.words, self.open = [], [], []

    def handle_starttag(self, tag, attributes):
        self.sources += [value for name, value in attributes if name in ("src", "href")]
        if tag not in ("img", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.mark.parametrize(("name", "language"), list(product(("longest, one sex", "longest, both sexes"), languages())))
def test_html_holds_everything_itself_and_says_what_the_pdf_says(name, language):
    page, html = page_for(name, language), Tags()
    html.feed(html_of(page))
    assert html.open == []
    assert html.sources and all(source.startswith("data:image/") for source in html.sources)
    words = " ".join(" ".join(html.words).split())
    for said in (page.title, HEADING, *page.warnings.paragraphs, *page.adult_heights.paragraphs, page.footer):
        assert " ".join(said.split()) in words


def test_the_drawings_in_html_are_pictures_of_the_radiographs_shape():
    html = Tags()
    html.feed(report_html(an_assessment(a_radiograph(100, 200, pixel_aspect=1.5))))
    hand = Image.open(BytesIO(b64decode(html.sources[0].partition(",")[2])))
    assert hand.height / hand.width == pytest.approx(0.75, abs=0.01)
    assert np.ptp(np.asarray(hand)) > 100


def test_words_of_the_user_are_no_markup():
    options = ReportOptions(heading="<script>A & B</script>", patient=Patient("<b>x</b>"))
    assert "<script>" not in report_html(an_assessment(), options)
    assert "<script>A & B</script>" in text_of(report_pdf(an_assessment(), options))


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium, to print the page")
@pytest.mark.parametrize(("name", "language"), list(product(ASSESSMENTS, languages())))
def test_a_browser_prints_html_on_one_page(name, language, tmp_path):
    (tmp_path / "a.html").write_text(html_of(page_for(name, language)), encoding="utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    printed = [f"--print-to-pdf={tmp_path / 'a.pdf'}", f"--user-data-dir={tmp_path / 'profile'}"]
    subprocess.run([*command, *printed, (tmp_path / "a.html").as_uri()], check=True, capture_output=True, timeout=120)
    assert pages_in((tmp_path / "a.pdf").read_bytes()) == 1

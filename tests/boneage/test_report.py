"""Room 6: text, JSON and CSV."""

import csv
import io
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from builders import AN_IDENTITY, a_bone_age, a_radiograph, an_assessment, both_sexes

from boneage.adult_height import adult_heights
from boneage.errors import NoHandFound
from boneage.report import CSV_COLUMNS, csv_error_row, csv_rows, report_json, report_text
from boneage.types import BAYLEY_PINNEAU, RWT_1975, TARGET_HEIGHT, Heights, Laterality, LocalShift, Sex
from boneage.wording import years_and_months


@pytest.mark.parametrize(
    ("months", "words"),
    [
        (0, "0 months"),
        (0.6, "1 month"),
        (11.4, "11 months"),
        (11.6, "1 year 0 months"),
        (13, "1 year 1 month"),
        (126.4, "10 years 6 months"),
        (126.5, "10 years 7 months"),
        (131.49, "10 years 11 months"),
        (131.5, "11 years 0 months"),
        (239, "19 years 11 months"),
    ],
)
def test_months_are_written_as_years_and_months(months, words):
    assert years_and_months(months) == words


def test_no_age_is_ever_written_with_twelve_months():
    assert not [m for m in range(24000) if " 12 months" in f" {years_and_months(m / 100)}"]


# Text


def test_text_says_everything_that_a_reader_needs():
    radiograph = a_radiograph(laterality=Laterality.LEFT)
    lines = report_text(an_assessment(radiograph, warnings=("First.", "Second."))).splitlines()
    values = {line[:20].strip(): line[20:] for line in lines}
    assert values["Bone age"] == "10 years 6 months (126.4 months)"
    assert values["90 % interval"].startswith("9 years 8 months to 11 years 4 months (116.0 to 135.8 months)")
    assert values["Sex"] == "female (from DICOM)"
    assert values["Chronological age"] == "9 years 6 months (114.0 months; from DICOM)"
    assert values["SDS"] == "+1.10 (1 SD = 11.2 months)"
    assert values["Verdict"].startswith("normal")
    assert values["Growth reference"].startswith("Greulich-Pyle 1959, Brush Foundation")
    assert values["Hand"] == "left (as the file says), found with confidence 0.97"
    assert values["Models"] == "detection 1.0.0, regression 1.2.0, segmentation 1.1.0"
    assert values["Time"] == "1.23 s"
    assert "  - First." in lines
    assert "  - Second." in lines
    assert lines[-1] == "Not a medical device. For research use."


def test_text_without_chronological_age_gives_no_verdict():
    text = report_text(an_assessment(a_radiograph(chronological_age_months=None, age_source="")))
    assert "Chronological age   not known" in text
    assert "SDS                 not given, since the chronological age is not known" in text
    assert "Verdict" not in text


def test_text_outside_the_table_gives_no_sds():
    radiograph = a_radiograph(chronological_age_months=230.0)
    text = report_text(an_assessment(radiograph, {Sex.FEMALE: a_bone_age(200)}))
    assert "SDS                 not given\n" in text
    assert "Verdict             none (the growth reference does not cover this chronological age)" in text


@pytest.mark.parametrize(("months", "verdict"), [(80.0, "delayed"), (150.0, "advanced")])
def test_text_tells_delayed_and_advanced(months, verdict):
    text = report_text(an_assessment(bone_ages={Sex.FEMALE: a_bone_age(months)}))
    assert f"Verdict             {verdict} (bone age more than 2 SD" in text


def test_text_gives_both_sexes_where_both_were_assessed():
    text = report_text(an_assessment(a_radiograph(sex=None, sex_source=""), both_sexes()))
    assert text.index("10 years 6 months") < text.index("female (both sexes were assessed)")
    assert text.index("11 years 8 months") < text.index(" male (both sexes were assessed)")


def test_text_without_warnings_has_no_such_heading():
    assert "Warnings" not in report_text(an_assessment())


# JSON


def test_json_carries_the_estimate_in_months():
    report = json.loads(json.dumps(report_json(an_assessment()), allow_nan=False))
    (estimate,) = report["estimates"]
    assert len(estimate.pop("distribution_by_whole_month")) == 240
    assert estimate == {
        "sex": "female",
        "bone_age_months": 126.4,
        "bone_age_sd_months": 6.0,
        "lower_90_months": 116.04,
        "upper_90_months": 135.78,
        "sds": 1.1,
        "reference_sd_months": 11.23,
        "verdict": "normal",
        "growth_reference": "Greulich-Pyle 1959, Brush Foundation series (Tables III/IV)",
        "local_calibration": None,
    }
    assert (report["sex"], report["sex_source"]) == ("female", "DICOM")
    assert (report["chronological_age_months"], report["chronological_age_source"]) == (114.0, "DICOM")
    assert report["seconds"] == pytest.approx(1.2345, abs=0.001)


def test_json_carries_the_hand_in_pixels_of_the_whole_radiograph():
    hand = report_json(an_assessment())["hand"]
    assert hand["box_px"] == {"left": 16.0, "top": 9.6, "right": 64.0, "bottom": 110.4}
    assert hand["pose_px"] == {"middle_tip": [40.0, 12.0], "thumb_tip": [60.0, 60.0], "capitate": [40.0, 96.0]}
    assert (hand["confidence"], hand["pose_error"], hand["laterality"]) == (0.97, 0.012, None)


@pytest.mark.parametrize(("spacing", "mm2_per_px"), [(None, None), ((0.2, 0.1), 0.02)])
def test_json_measures_the_outline_in_mm_only_where_the_spacing_is_known(spacing, mm2_per_px):
    assessment = an_assessment(a_radiograph(pixel_spacing_mm=spacing))
    outline = report_json(assessment)["hand"]["outline"]
    area = int(assessment.hand_mask.sum())
    assert outline["area_px"] == area
    assert outline["area_mm2"] == (None if spacing is None else pytest.approx(area * mm2_per_px))
    assert outline["fraction_of_image"] == pytest.approx(area / (120 * 80), abs=1e-4)


def test_json_has_the_same_keys_whatever_is_known():
    bare = a_radiograph(sex=None, sex_source="", chronological_age_months=None, age_source="")
    full = a_radiograph(identity=AN_IDENTITY, laterality=Laterality.LEFT, pixel_spacing_mm=(0.1, 0.1))
    few, many = report_json(an_assessment(bare)), report_json(an_assessment(full))
    assert few.keys() == many.keys()
    assert few["hand"].keys() == many["hand"].keys()
    assert few["estimates"][0].keys() == many["estimates"][0].keys()
    assert few["sex"] is few["sex_source"] is few["dicom"] is few["estimates"][0]["sds"] is None


def test_json_links_to_the_image_by_uids_only():
    radiograph = a_radiograph(
        identity=AN_IDENTITY, source=Path("/home/DOE^JANE/1.dcm"), acquisition_date=date(2020, 3, 9)
    )
    report = report_json(an_assessment(radiograph))
    assert report["dicom"] == {
        "study_instance_uid": "1.2.3.4",
        "series_instance_uid": "1.2.3.4.5",
        "sop_instance_uid": "1.2.3.4.5.6",
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.1.1",
    }
    written = json.dumps(report) + report_text(an_assessment(radiograph))
    assert "DOE" not in written
    assert "2020" not in written


# Adult heights


@pytest.fixture
def with_heights():
    radiograph = a_radiograph(heights=Heights(height_cm=140.0, mother_height_cm=165.0, weight_kg=32.0))
    assessment = an_assessment(radiograph)
    (estimate,) = assessment.estimates
    known = adult_heights(radiograph.heights, 126.4, 114.0, Sex.FEMALE, (116.0, 135.8))
    return replace(assessment, estimates=(replace(estimate, adult_heights=known),))


def test_text_gives_what_was_measured_and_each_method_with_its_range_or_reason(with_heights):
    text = report_text(with_heights)
    assert "Height              140.0 cm (55.1 in)\n" in text
    assert "Weight              32.0 kg\n" in text
    assert "Adult height        Bayley-Pinneau 1952: 163.2 cm (64.3 in)\n" in text
    assert "                      class 'accelerated': bone age 12 months or more ahead of age; 85.8 %" in text
    assert "cm: 90 % limits from the authors' error SD of 3.4 cm at this age, all classes together\n" in text
    assert "cm: over the 90 % interval of the bone age, which the method's limits leave out\n" in text
    assert "Roche-Wainer-Thissen 1975: none\n                      needs the recumbent length (standing" in text
    assert "Target height (Tanner 1970): none\n                      needs the father's height\n" in text


def test_json_gives_heights_only_where_they_were_given(with_heights):
    report = report_json(with_heights)
    assert report["heights"] == {"height_cm": 140.0, "weight_kg": 32.0, "mother_height_cm": 165.0}
    found = report["estimates"][0]["adult_heights"]
    assert [one["method"] for one in found] == [BAYLEY_PINNEAU, RWT_1975, TARGET_HEIGHT]
    assert [one["cm"] for one in found] == [163.2, None, None]
    assert found[0]["lower_cm"] < 163.2 < found[0]["upper_cm"]
    assert found[0]["over_bone_age_cm"][0] < 163.2 < found[0]["over_bone_age_cm"][1]
    assert found[1]["range_means"] is None
    without = report_json(an_assessment())
    assert "heights" not in without and "adult_heights" not in without["estimates"][0]
    json.dumps(report, allow_nan=False)


def test_csv_gives_adult_heights_in_columns_of_their_own(with_heights):
    (row,) = csv_rows("a.png", with_heights)
    assert (row["bayley_pinneau_cm"], row["rwt_cm"], row["target_height_cm"]) == ("163.2", "", "")


# Local calibration


def locally_calibrated():
    assessment = an_assessment()
    (estimate,) = assessment.estimates
    shift = LocalShift(a_bone_age(123.2), date(2026, 11, 25), 121, "2")
    return replace(assessment, estimates=(replace(estimate, local=shift),))


def test_a_local_calibration_in_force_is_told_with_the_age_without_it():
    told = "Local calibration   of 2026-11-25 from 121 ages: +3.2 months (123.2 without it)"
    assert told in report_text(locally_calibrated()).splitlines()
    assert "Local calibration" not in report_text(an_assessment())


def test_json_and_csv_carry_the_age_without_the_local_calibration():
    (estimate,) = report_json(locally_calibrated())["estimates"]
    assert estimate["local_calibration"] == {
        "version": "2",
        "made_on": "2026-11-25",
        "ages": 121,
        "shift_months": 3.2,
        "uncalibrated_bone_age_months": 123.2,
        "uncalibrated_lower_90_months": pytest.approx(112.84, abs=0.1),
        "uncalibrated_upper_90_months": pytest.approx(132.6, abs=0.1),
    }
    (row,) = csv_rows("a.png", locally_calibrated())
    assert (row["bone_age_months"], row["uncalibrated_bone_age_months"]) == ("126.40", "123.20")


# CSV


def test_csv_has_one_row_per_estimate_under_the_agreed_columns():
    rows = csv_rows("a/b.png", an_assessment(bone_ages=both_sexes(), warnings=("First.", "Second\nline.")))
    assert [tuple(row) for row in rows] == [CSV_COLUMNS, CSV_COLUMNS]
    assert ",".join(CSV_COLUMNS) == (
        "path,sex,bone_age_months,bone_age_sd_months,lower_90_months,upper_90_months,"
        "uncalibrated_bone_age_months,sds,verdict,warnings,error_kind,error_message,seconds,"
        "bayley_pinneau_cm,rwt_cm,target_height_cm"
    )
    assert ",".join(rows[0].values()) == (
        "a/b.png,female,126.40,6.00,116.04,135.78,,1.10,normal,First. | Second line.,,,1.234,,,"
    )
    assert (rows[1]["sex"], rows[1]["verdict"]) == ("male", "advanced")


def test_csv_leaves_empty_what_is_not_known():
    (row,) = csv_rows("a.png", an_assessment(a_radiograph(chronological_age_months=None)))
    assert (row["sds"], row["verdict"], row["error_kind"], row["error_message"]) == ("", "", "", "")
    (row,) = csv_rows("a.png", an_assessment(a_radiograph(chronological_age_months=230.0)))
    assert (row["sds"], row["verdict"]) == ("", "outside table")


def test_csv_tells_why_a_radiograph_has_no_age():
    row = csv_error_row("a.png", NoHandFound("No hand above 0.50; best was 0.10.", "Draw the box."))
    assert tuple(row) == CSV_COLUMNS
    known = {name: value for name, value in row.items() if value}
    message = "No hand above 0.50; best was 0.10. Draw the box."
    assert known == {"path": "a.png", "error_kind": "no_hand", "error_message": message}


@pytest.mark.parametrize("path", ['a b/ü, "c".png', "/x/=1.png", "./-a.png", "C:\\x\\a.png", "../a.png", "~/a'.png"])
def test_csv_gives_paths_back_as_the_user_gave_them(path):
    file = io.StringIO(newline="")
    csv.DictWriter(file, CSV_COLUMNS).writerows(csv_rows(path, an_assessment()))
    file.seek(0)
    (row,) = csv.DictReader(file, CSV_COLUMNS)
    assert row["path"] == path


def test_csv_holds_no_text_that_a_spreadsheet_would_run():
    (row,) = csv_rows("=HYPERLINK(1).png", an_assessment(warnings=("=1+1",)))
    assert (row["path"], row["warnings"]) == ("./=HYPERLINK(1).png", "'=1+1")
    row = csv_error_row("@a.png", NoHandFound("+1"))
    assert (row["path"], row["error_message"]) == ("./@a.png", "'+1")


def test_csv_never_writes_minus_zero():
    radiograph = a_radiograph(chronological_age_months=120.01)
    (row,) = csv_rows("a.png", an_assessment(radiograph, {Sex.FEMALE: a_bone_age(120.0)}))
    assert row["sds"] == "0.00"

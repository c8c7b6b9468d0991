"""The DICOM objects of one assessment, from data sets made on the spot."""

import io
import shutil
import subprocess
from datetime import datetime, timedelta, timezone

import highdicom
import numpy as np
import pydicom
import pytest
from builders import AN_IDENTITY, a_radiograph, an_assessment, both_sexes
from pydicom.dataset import Dataset, FileMetaDataset

from boneage import dicom_results
from boneage.dicom_header import NewObject, reference_to, uid_of
from boneage.dicom_results import ALL_KINDS, ResultKind, kinds_from_words, results
from boneage.dicom_sc import secondary_capture
from boneage.errors import InvalidInput, UnreadableRadiograph
from boneage.types import Laterality, Sex, Signature

SR, SEG, SC = ALL_KINDS
A_PDF = b"%PDF-1.4\nodd%EOF"
SIGNED = Signature("Петрова^Анна", 132.0, Sex.FEMALE, datetime(2026, 1, 2, 3, 4, 5), "Hospital")
BONE_AGE = highdicom.sr.CodedConcept("85151-9", "LN", "XR Bone age")
JAPANESE = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"

needs_dciodvfy = pytest.mark.skipif(not shutil.which("dciodvfy"), reason="needs dciodvfy (Debian: dicom3tools)")
needs_dsrdump = pytest.mark.skipif(not shutil.which("dsrdump"), reason="needs dsrdump (Debian: dcmtk)")


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch):
    monkeypatch.setattr(dicom_results, "DOTS_PER_INCH", 40)


def a_source(**tags):
    """Return what a DX of 120 x 80 pixels says; tags of None are left out."""
    source = Dataset()
    values = {
        "SOPClassUID": AN_IDENTITY.sop_class_uid, "SOPInstanceUID": AN_IDENTITY.sop_instance_uid,
        "StudyInstanceUID": AN_IDENTITY.study_instance_uid, "SeriesInstanceUID": AN_IDENTITY.series_instance_uid,
        "Modality": "DX", "Rows": 120, "Columns": 80, "PatientName": "Secret^Given", "PatientID": "ID-1",
        "PatientBirthDate": "20140506", "PatientSex": "F", "StudyDate": "20240102", "StudyTime": "101112",
        "StudyID": "S1", "AccessionNumber": "A1", "ReferringPhysicianName": "", "ImageLaterality": "L",
    } | tags  # fmt: skip
    for keyword, value in values.items():
        if value is not None:
            setattr(source, keyword, value)
    return source


def found(**radiograph):
    return an_assessment(a_radiograph(identity=AN_IDENTITY, laterality=Laterality.LEFT, **radiograph))


def written(dataset, path=None):
    """Return an object as it is read back from a file."""
    file = path or io.BytesIO()
    pydicom.dcmwrite(file, dataset, write_like_original=False)
    if not path:
        file.seek(0)
    return pydicom.dcmread(file)


def report_of(assessment=None, source=None, **more):
    [report] = results(assessment or found(), source or a_source(), [SR], **more)
    return report


def tree_of(report, path):
    """Return the report as dsrdump shows it."""
    written(report, path)
    shown = subprocess.run(["dsrdump", "+Pl", path], capture_output=True, text=True, check=True)
    return shown.stdout


def content_of(report):
    """Return the report's tree as highdicom reads it."""
    return highdicom.sr.ComprehensiveSR.from_dataset(written(report)).content


def groups_of(report):
    return content_of(report).get_image_measurement_groups()


def words_of(item):
    """Return every text, name and code below an item, as one string."""
    return " ".join(str(element.value) for element in item.iterall() if element.VR != "SQ")


def ages_of(report):
    """Return the values of LOINC 85151-9 in the report, group by group."""
    return [[(item.value, item.unit.value) for item in group.get_measurements(BONE_AGE)] for group in groups_of(report)]


# What is made


def test_each_kind_is_made_once_in_the_order_that_was_asked_for_and_the_pdf_last():
    made = results(found(), a_source(), [SC, SR, SC, SEG], report_pdf=A_PDF)
    assert [one.Modality for one in made] == ["OT", "SR", "SEG", "DOC"]
    assert [one.SOPClassUID.name.split(" Storage")[0] for one in map(written, made)] == [
        "Secondary Capture Image", "Comprehensive SR", "Segmentation", "Encapsulated PDF"
    ]  # fmt: skip


@pytest.mark.parametrize("signature", [None, SIGNED], ids=("unsigned", "signed"))
def test_every_object_belongs_to_the_patient_and_the_study_and_to_a_series_of_its_own(signature):
    made = [written(one) for one in results(found(), a_source(), signature=signature, report_pdf=A_PDF)]
    for one in made:
        for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyID"):
            assert one[keyword].value == a_source()[keyword].value
    series = {one.SeriesInstanceUID for one in made}
    assert len(series) == 4 and AN_IDENTITY.series_instance_uid not in series
    assert len({one.SOPInstanceUID for one in made} - {AN_IDENTITY.sop_instance_uid}) == 4


def test_every_object_refers_to_the_radiograph():
    sr, seg, sc, pdf = results(found(), a_source(), report_pdf=A_PDF)
    [evidence] = sr.CurrentRequestedProcedureEvidenceSequence
    items = [
        evidence.ReferencedSeriesSequence[0].ReferencedSOPSequence[0],
        seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0],
        sc.SourceImageSequence[0],
        pdf.SourceInstanceSequence[0],
    ]
    assert {item.ReferencedSOPInstanceUID for item in items} == {AN_IDENTITY.sop_instance_uid}


def test_an_assessment_of_another_radiograph_is_refused():
    with pytest.raises(InvalidInput, match="another image"):
        results(found(), a_source(SOPInstanceUID="1.2.3.9"))
    with pytest.raises(InvalidInput, match="another image"):
        results(an_assessment(), a_source())


def test_a_data_set_without_a_study_or_a_picture_is_refused():
    for tags in ({"StudyInstanceUID": None}, {"Rows": None}):
        with pytest.raises(UnreadableRadiograph):
            results(found(), a_source(**tags))


def test_nothing_asked_for_is_refused():
    with pytest.raises(InvalidInput, match="at least one kind"):
        results(found(), a_source(), [])
    assert len(results(found(), a_source(), [], report_pdf=A_PDF)) == 1


@pytest.mark.parametrize("words", ["", "sr,xx", "seg sr"])
def test_kinds_that_nobody_knows_are_refused(words):
    with pytest.raises(InvalidInput, match="sr, seg, sc"):
        kinds_from_words(words)
    assert kinds_from_words(" SR,seg,sr") == (SR, SEG)


# UIDs


def test_made_again_under_the_same_id_it_is_the_same_object():
    uids = [[(one.SOPInstanceUID, one.SeriesInstanceUID) for one in results(found(), a_source(), id="a")] for _ in "12"]
    assert uids[0] == uids[1]
    assert all(pydicom.uid.UID(uid).is_valid for pair in uids[0] for uid in pair)


def test_without_an_id_and_under_another_id_it_is_another_object():
    made = [results(found(), a_source(), [SR, SEG], id=id) for id in ("", "", "a", "b")]
    assert len({one.SOPInstanceUID for objects in made for one in objects}) == 8


def test_what_is_signed_is_another_object_in_the_same_series_and_the_outline_stays_what_it_is():
    plain = results(found(), a_source(), id="a")
    signed = results(found(), a_source(), signature=SIGNED, id="a")
    same = [a.SOPInstanceUID == b.SOPInstanceUID for a, b in zip(plain, signed, strict=True)]
    assert same == [False, True, False]
    assert [one.SeriesInstanceUID for one in plain] == [one.SeriesInstanceUID for one in signed]
    assert (plain[0].InstanceNumber, signed[0].InstanceNumber) == (1, 2)


# The structured report


@needs_dsrdump
def test_the_report_says_what_was_found_with_units_and_who_found_it(tmp_path):
    tree = tree_of(report_of(), tmp_path / "sr.dcm")
    [estimate] = found().estimates
    bone_age = estimate.bone_age
    lower, upper = round(bone_age.lower_90_months, 2), round(bone_age.upper_90_months, 2)
    for line in (
        'NUM:(,,"XR Bone age")="126.4" (mo,UCUM,"month")',
        'NUM:(,,"Standard deviation of the bone age estimate")="6.0" (mo,UCUM,"month")',
        f'NUM:(,,"Lower limit of the 90 % interval of the bone age")="{lower}" (mo',
        f'NUM:(,,"Upper limit of the 90 % interval of the bone age")="{upper}" (mo',
        f'NUM:(,,"Z-Score of measurement")="{round(estimate.growth.sds, 2)}" (1,UCUM,"no units")',
        f'NUM:(,,"Standard deviation of population")="{round(estimate.growth.reference_sd_months, 2)}" (mo',
        f'TEXT:(,,"Reference Authority")="{estimate.growth.growth_reference}"',
        'NUM:(,,"Subject Age")="114.0" (mo',
        'CODE:(,,"Bone age method")=(GREULICH_PYLE,99BONEAGE,"Greulich and Pyle")',
        'CODE:(,,"Bone age against chronological age")=(NORMAL,99BONEAGE',
        'CODE:(,,"Laterality")=(7771000,SCT,"Left")',
        'TEXT:(,,"Comment")="Not a medical device. For research use."',
        'TEXT:(,,"Algorithm Parameters")="segmentation 1.1.0"',
        "Verification Flag   : UNVERIFIED",
        "Preliminary Flag    : PRELIMINARY",
    ):
        assert line in tree, line
    assert tree.count('NUM:(,,"XR Bone age")') == 1


def test_the_report_is_read_back_by_highdicom(tmp_path):
    written(report_of(), tmp_path / "sr.dcm")
    report = highdicom.sr.srread(tmp_path / "sr.dcm")
    assert ages_of(report) == [[(126.4, "mo")]]
    [region] = content_of(report).get_planar_roi_measurement_groups()
    box = found().hand.box
    corners = np.array(region.roi.value)
    assert np.allclose([*corners.min(0), *corners.max(0)], [box.left, box.top, box.right, box.bottom])
    assert len(corners) == 5 and (corners[0] == corners[-1]).all()


def test_a_box_that_reaches_out_of_the_image_is_cut_at_its_edge():
    assessment = found()
    object.__setattr__(assessment.hand.box, "left", -7.5)
    object.__setattr__(assessment.hand.box, "bottom", 500.0)
    [region] = content_of(report_of(assessment)).get_planar_roi_measurement_groups()
    corners = np.array(region.roi.value)
    assert (corners.min(0)[0], corners.max(0)[1]) == (0.0, 120.0)


def test_with_both_sexes_each_bone_age_says_for_which_it_holds():
    radiograph = a_radiograph(identity=AN_IDENTITY, sex=None)
    report = report_of(an_assessment(radiograph, both_sexes()), a_source(PatientSex="O"))
    assert ages_of(report) == [[(126.4, "mo")], [(140.2, "mo")]]
    sexes = [
        [
            item.value.meaning
            for one in group.get_qualitative_evaluations()
            for item in one
            if "Sex" in item.name.meaning
        ]
        for group in groups_of(report)
    ]
    assert sexes == [["Female"], ["Male"]]
    assert "Subject Sex" not in [item.name.meaning for item in content_of(report)[0].ContentSequence]


@needs_dsrdump
def test_an_unknown_age_or_side_is_not_said(tmp_path):
    radiograph = a_radiograph(identity=AN_IDENTITY, chronological_age_months=None)
    source = a_source(PatientBirthDate=None, ImageLaterality=None)
    tree = tree_of(report_of(an_assessment(radiograph), source), tmp_path / "sr.dcm")
    assert "XR Bone age" in tree
    for absent in ("Subject Age", "Z-Score", "Laterality", "chronological", "Normality"):
        assert absent not in tree


def test_an_age_outside_the_table_has_a_verdict_and_no_score():
    [group] = groups_of(report_of(found(chronological_age_months=300.0)))
    words = words_of(group[0])
    assert "OUTSIDE_TABLE" in words and "Normality Undetermined" in words and "Z-Score" not in words


def test_the_warnings_stand_in_the_report():
    report = report_of(an_assessment(found().radiograph, warnings=("The pose is unsure.",)))
    assert "The pose is unsure." in words_of(report)


# Signatures


def test_a_signed_report_names_who_signed_what_beside_what_the_model_found():
    report = written(report_of(signature=SIGNED))
    assert (report.VerificationFlag, report.PreliminaryFlag) == ("VERIFIED", "FINAL")
    [verified] = report.VerifyingObserverSequence
    assert str(verified.VerifyingObserverName) == "Петрова^Анна"
    assert (verified.VerifyingOrganization, verified.VerificationDateTime) == ("Hospital", "20260102030405")
    assert ages_of(report) == [[(126.4, "mo")], [(132.0, "mo")]]
    model, expert = (words_of(group[0]) for group in groups_of(report))
    assert "Algorithm Version" in model and "Петрова" not in model
    assert "Algorithm Version" not in expert and "Петрова" in expert and "User chosen value" in expert


def test_the_signed_age_has_a_score_of_its_own():
    late = Signature("R1", 200.0, Sex.FEMALE, datetime(2026, 1, 2))
    _, expert = groups_of(report_of(signature=late))
    assert "ADVANCED" in words_of(expert[0])


def test_the_hour_of_a_signature_keeps_its_time_zone():
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    report = report_of(signature=Signature("R1", 120.0, Sex.FEMALE, at))
    assert report.VerifyingObserverSequence[0].VerificationDateTime == "20260102030405+0200"


@pytest.mark.parametrize(
    ("name", "months", "sex", "words"),
    [
        ("^ ", 120.0, Sex.FEMALE, "name"),
        ("R1", float("nan"), Sex.FEMALE, "nan"),
        ("R1", 300.0, Sex.FEMALE, "300"),
        ("R1", 120.0, Sex.MALE, "other one"),
    ],
)
def test_a_signature_that_says_not_who_or_not_what_is_refused(name, months, sex, words):
    with pytest.raises(InvalidInput, match=words):
        results(found(), a_source(), [SEG], signature=Signature(name, months, sex, datetime(2026, 1, 2)))


# Secondary capture and PDF


def test_the_picture_is_what_is_shown_and_says_that_it_holds_annotation():
    [plain] = map(written, results(found(), a_source(), [SC]))
    assert plain.pixel_array.shape[2] == 3 and plain.pixel_array.std() > 10
    assert (plain.BurnedInAnnotation, plain.ImageType[0], plain.Laterality) == ("YES", "DERIVED", "L")
    [signed] = map(written, results(found(), a_source(), [SC], signature=SIGNED))
    differs = np.nonzero((plain.pixel_array != signed.pixel_array).any((1, 2)))[0]
    assert 0 < differs.max() < 0.06 * plain.Rows  # what was signed stands in the first line


def test_no_name_and_no_birth_date_is_drawn_into_the_picture():
    others = {"PatientName": "Another^One", "PatientBirthDate": "20100101", "PatientID": "7", "StudyDate": "20230405"}
    one, other = (results(found(), source, [SC])[0].PixelData for source in (a_source(), a_source(**others)))
    assert one == other


def test_the_pdf_comes_back_byte_for_byte():
    for pdf in (A_PDF, A_PDF + b"!"):
        wrapped = written(results(found(), a_source(), [], report_pdf=pdf)[0])
        assert wrapped.EncapsulatedDocument[: wrapped.EncapsulatedDocumentLength] == pdf
    with pytest.raises(InvalidInput, match="PDF"):
        results(found(), a_source(), [], report_pdf=b"<html>")


# All patients


@pytest.mark.parametrize(
    ("charset", "bytes_", "name"),
    [
        ("ISO_IR 144", "Петрова^Анна".encode("iso8859_5"), "Петрова^Анна"),
        ("ISO_IR 192", "Ñandú^Zoë".encode(), "Ñandú^Zoë"),
        (["", "ISO 2022 IR 87"], JAPANESE, "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ],
    ids=("cyrillic", "utf-8", "japanese"),
)
def test_a_name_in_another_script_stays_readable_in_every_object(charset, bytes_, name):
    source = a_source(SpecificCharacterSet=charset, PatientName=None)
    source.add_new("PatientName", "PN", bytes_)
    source.is_little_endian, source.is_implicit_VR, source.file_meta = True, False, FileMetaDataset()
    source.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    source.file_meta.MediaStorageSOPClassUID = source.SOPClassUID
    source.file_meta.MediaStorageSOPInstanceUID = source.SOPInstanceUID
    for one in results(found(), written(source), [SR, SEG], signature=SIGNED, report_pdf=A_PDF):
        assert str(written(one).PatientName) == name


ODD_HEADERS = {
    "plain": {},
    "empty": {
        "StudyID": None, "StudyDate": None, "PatientID": None, "PatientName": None, "AccessionNumber": None,
        "PatientBirthDate": None, "PatientSex": None, "ImageLaterality": None,
    },
    "no dates": {"PatientBirthDate": "00000000", "StudyTime": "10:11", "StudyDate": "20241399"},
    "no sex": {"PatientSex": "unknown"},
    "born later": {"PatientSex": "O", "PatientBirthDate": "20300101"},
    "CR": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1", "PixelSpacing": [0.1, 0.1], "PatientOrientation": ["L", "F"]},
    "Cyrillic": {"PatientName": "Петрова^Анна", "IssuerOfPatientID": "HIS", "StudyDescription": "Hand"},
    "one part": {"PatientName": "Secret", "ReferringPhysicianName": "Doc", "ImageLaterality": "B"},
}  # fmt: skip

EXPECTED_WARNINGS = (  # the radiograph's own, and our codes
    "Warning - </PatientID(0010,0020)> - Missing attribute or value that would be needed to build DICOMDIR",
    "Warning - </Study",  # the same of StudyID, StudyDate, StudyTime
    "Retired Person Name form",
    "is only permitted to be empty when actually unknown",  # the side of the hand
    "Unrecognized defined term = <99BONEAGE>",  # this one is of our own codes: no validator knows private schemes
)


@needs_dciodvfy
@pytest.mark.parametrize("signature", [None, SIGNED], ids=("unsigned", "signed"))
@pytest.mark.parametrize("tags", ODD_HEADERS.values(), ids=ODD_HEADERS)
def test_the_validator_finds_no_error_in_any_kind(tmp_path, tags, signature):
    made = results(found(), a_source(**tags), [SR, SEG], signature=signature, report_pdf=A_PDF, id="a")
    pixels = np.zeros((40, 60, 3), np.uint8)
    new = NewObject(uid_of("SC", "a"), uid_of("SC series", "a"), datetime(2026, 1, 2))
    made.append(secondary_capture(pixels, reference_to(a_source(**tags)), new))
    for one in made:
        written(one, tmp_path / "made.dcm")
        command = ["dciodvfy", "-new", tmp_path / "made.dcm"]
        lines = subprocess.run(command, capture_output=True, text=True, check=False).stderr.splitlines()
        kinds = [line for line in lines if " - " not in line]
        wrong = [line for line in set(lines) - set(kinds) if not any(words in line for words in EXPECTED_WARNINGS)]
        assert len(kinds) == 1 and not wrong


def test_two_sexes_in_one_study_stay_with_their_images():
    sexes = [report_of(source=a_source(PatientSex=sex)).PatientSex for sex in "FM"]
    assert sexes == ["F", "M"]


def test_nothing_of_the_patient_is_logged_warned_of_or_named_in_an_error(caplog, recwarn):
    caplog.set_level("DEBUG")
    source = a_source(PatientName="Secret", PatientBirthDate="1999.13.50", PatientID="ID\\1")
    wrong = a_source(PatientName="Secret", StudyInstanceUID="Secret")
    recwarn.clear()
    [*_, seg, _] = results(found(), source, signature=SIGNED)
    assert seg.PatientName == "Secret"
    with pytest.raises(UnreadableRadiograph) as refused:
        results(found(), wrong)
    said = caplog.text + str(refused.value) + "".join(str(warning.message) for warning in recwarn)
    assert [word for word in ("Secret", "1999", "ID-1", "Петрова", AN_IDENTITY.sop_instance_uid) if word in said] == []


def test_kinds_are_named_as_in_the_options():
    assert [kind.value for kind in ResultKind] == ["sr", "seg", "sc"]

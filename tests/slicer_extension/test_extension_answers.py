"""The extension reads the recorded answers of the server (tests/contract), and runs in Slicer's oldest Python."""

import ast
import json
import re
import sys
from pathlib import Path

import pytest

from BoneAgeLib import answers, words
from BoneAgeLib.contract import HandBox
from BoneAgeLib.errors import ClientError, ErrorKind
from BoneAgeLib.multipart import parts_of

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / "tests" / "contract"
EXTENSION = ROOT / "slicer_extension"
SHIPPED = {"numpy", "pydicom", "requests", "SimpleITK", "vtk", "slicer", "SampleData", "qt", "ctk", "BoneAgeLib"}


def recorded(name):
    return json.loads((CONTRACT / f"{name}.json").read_text(encoding="utf-8"))


def test_the_one_click_answer_is_read_whole():
    assessment = answers.assessment(recorded("bone_age"))
    [estimate] = assessment.estimates
    assert (assessment.sex, estimate.sex, assessment.chronological_age_months) == ("female", "female", 130)
    assert estimate.lower_90_months < estimate.bone_age_months < estimate.upper_90_months
    assert len(estimate.distribution) == 240 and sum(estimate.distribution) == pytest.approx(1, abs=1e-3)
    assert estimate.verdict == "normal" and abs(estimate.sds) < 2
    box = assessment.hand.box
    assert 0 <= box.left < box.right <= assessment.columns == 1230
    assert 0 <= box.top < box.bottom <= assessment.rows == 1386
    assert assessment.hand.outline.area_px > 100_000 and assessment.pixel_spacing_mm is None
    assert set(assessment.model_versions) == {"hand_detector", "hand_segmenter", "bone_age_regressor"}


def test_a_local_calibration_in_force_is_read_and_told_beside_the_age_without_it():
    answer = recorded("bone_age")
    assert answers.assessment(answer).estimates[0].local is None
    told = {"version": "2", "made_on": "2026-11-25", "ages": 121, "shift_months": 3.2}
    told |= {f"uncalibrated_{name}_months": 120.0 for name in ("bone_age", "lower_90", "upper_90")}
    answer["estimates"][0]["local_calibration"] = told
    assessment = answers.assessment(answer)
    words_of_it = "Local calibration of 2026-11-25 from 121 ages: +3.2 months (120.0 without it)"
    assert words.interval(assessment).splitlines()[-1] == words_of_it
    told["ages"] = "many"
    with pytest.raises(ClientError):
        answers.assessment(answer)


def test_both_sexes_and_the_detector_alone_are_read():
    assert [one.sex for one in answers.assessment(recorded("both_sexes")).estimates] == ["female", "male"]
    found = answers.assessment(recorded("hand_detector"))
    assert found.estimates == () and found.hand.outline is None


def test_an_expected_error_comes_in_the_servers_own_words():
    for name, kind in (("unknown_sex", "unknown_sex"), ("refused_label", "invalid_input"), ("no_access", "no_access")):
        with pytest.raises(ClientError) as caught:
            answers.assessment(recorded(name))
        error = caught.value
        assert (error.kind, error.server_kind) == (ErrorKind.REFUSED, kind)
        assert str(error) == " ".join(recorded(name)["error"][part] for part in ("message", "advice"))


def test_the_info_describes_models_with_figures_strategies_and_limits():
    info = answers.info(recorded("info"))
    figures = {card.name: card.figures for card in info.model_cards}
    assert 5 < figures["bone_age_regressor"]["MAE (months)"]["value"] < 10
    assert "uncertain" in info.strategies and info.bone_age_limits == (0, 228)
    assert info.states == ("new", "assessed", "corrected") and info.radiographs == 3


def test_work_list_and_readings_are_read():
    items = {item.image_id: item for item in answers.work_list(recorded("work_list"))}
    [corrected] = [item for item in items.values() if item.state == "corrected"]
    assert corrected.corrected_by == ("R1",) and corrected.corrected_at.tzinfo is not None
    case = answers.next_case(recorded("reopened"))
    [reading] = case.readings
    assert case.image_id == corrected.image_id and reading == corrected.readings[0]
    assert (reading.bone_age_months, reading.sex, reading.has_mask) == (70, "male", False)
    assert isinstance(reading.hand_box, HandBox) and reading.based_on == {"extension": "0.1.0"}
    assert answers.next_case(recorded("next")).image_id in items and answers.next_case(recorded("held")) is None


@pytest.mark.parametrize("change", [{"months_on_grid": []}, {"months_on_grid": [[1.0], [1.0, 2.0]]}, {"shares": 1}])
def test_where_the_age_comes_from_is_read_and_what_is_no_grid_is_refused(change):
    saliency = {"sex": "female", "months_on_grid": [[0.0, 1.5], [2, 0]], "shares": {"carpus": 0.4, "fingers": 0.6}}
    read = answers.assessment(recorded("bone_age") | {"saliency": saliency}).saliency
    assert read.months_on_grid == ((0.0, 1.5), (2.0, 0.0)) and read.shares["carpus"] == 0.4
    assert answers.assessment(recorded("bone_age")).saliency is None
    with pytest.raises(ClientError) as caught:
        answers.assessment(recorded("bone_age") | {"saliency": saliency | change})
    assert caught.value.kind == ErrorKind.WRONG_ANSWER


def test_parts_are_taken_apart_byte_by_byte():
    picture = bytes(range(256)) + b"\r\n--no\r\n\r\n--"
    body = (
        b'--xx\r\nContent-Disposition: form-data; name="params"\r\nContent-Type: application/json\r\n\r\n{}\r\n'
        b'--xx\r\nContent-Disposition: form-data; name="image"; filename="a.nrrd"\r\n\r\n' + picture + b"\r\n--xx--\r\n"
    )
    assert parts_of('multipart/form-data; boundary="xx"', body) == {"params": b"{}", "image": picture}
    for broken in (body[:-6], body[:60], b"", b"--xx--"[:4]):
        with pytest.raises(ClientError) as caught:
            parts_of("multipart/form-data; boundary=xx", broken)
        assert caught.value.kind == ErrorKind.HALF_ANSWER


@pytest.mark.parametrize("path", sorted(EXTENSION.rglob("*.py")), ids=lambda path: path.name)
def test_every_file_is_python_3_9_and_imports_only_what_slicer_ships(path):
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    imports = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imports |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
    outer = {name.split(".")[0] for name in imports} - set(sys.stdlib_module_names)
    assert outer <= SHIPPED, outer - SHIPPED
    if any(isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr) for node in ast.walk(tree)):
        assert "from __future__ import annotations" in path.read_text(encoding="utf-8")


def test_the_core_knows_no_widgets_and_the_client_no_slicer():
    core = [path for path in (EXTENSION / "BoneAge" / "BoneAgeLib").glob("*.py") if path.stem in CORE]
    assert {path.stem for path in core} == CORE
    for path in core:
        imported = set(re.findall(r"^\s*(?:import|from) (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE))
        assert not imported & {"qt", "ctk", "PythonQt"}
        assert path.stem in WITH_MRML or not imported & {"slicer", "vtk"}, path.name


WITH_MRML = {"findings", "folders", "logic", "saliency", "volumes"}
CORE = WITH_MRML | {
    *(
        "answers",
        "client",
        "comparison",
        "contract",
        "corrections",
        "dicom_facts",
        "dicom_pixels",
        "disk",
        "errors",
        "exif",
    ),
    *(
        "failures",
        "geometry",
        "jobs",
        "multipart",
        "names",
        "outbox",
        "outbox_entries",
        "pictures",
        "pieces",
        "training",
        "transport",
    ),
}

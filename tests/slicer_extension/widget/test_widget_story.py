"""The whole story in the panel, against the app's own server: assess, correct, submit, next, reopen."""

import re

import pytest

AGE = r"(\d+) years? \d+ months?"
GIRLS_YEARS = ("9", "10")  # as the models that are in use see them; another version may differ by months


def girls_age(text):
    """Return the age that a text begins with, if it is about that of the girl."""
    found = re.match(AGE, text)
    assert found and found[1] in GIRLS_YEARS, text
    return found[0]


@pytest.fixture
def assessed(connected, load):
    """Return the panel with the girl's radiograph, assessed."""
    connected.show(load("girl"))
    connected.ui.sexBox.setCurrentText("female")
    connected.press("assessButton")
    return connected


def test_the_panel_says_to_which_server_it_is_connected(connected):
    assert connected.ui.serverStatus.text().startswith("Connected to Bone age ")
    assert "radiographs." in connected.ui.serverStatus.text()


def test_a_radiograph_is_assessed_as_it_is_shown(assessed):
    assert girls_age(assessed.ui.boneAgeLabel.text()) == assessed.ui.boneAgeLabel.text()
    assert re.match(f"90 %: {AGE} to {AGE}\n", assessed.ui.intervalLabel.text())
    assert "child's age is not known" in assessed.ui.verdictLabel.text()
    assert "bone_age_regressor 0." in assessed.ui.versionsLabel.text()
    assert not assessed.ui.plotLabel.pixmap().isNull()
    assert {"Hand box", "Hand outline"} <= set(assessed.nodes())


def test_with_the_childs_age_there_are_sds_and_verdict(assessed):
    assessed.type_age("age", 10, 6)
    assessed.press("assessButton")
    assert assessed.ui.verdictLabel.text().startswith("SDS -0.")
    assert "normal: within 2 SD" in assessed.ui.verdictLabel.text()
    assert assessed.ui.ageSourceLabel.text() == "from you"


def test_an_unknown_sex_is_asked_for(connected, load):
    connected.show(load("girl"))
    connected.press("assessButton", answer="Female")
    assert "does not say the child's sex" in connected.asked[0]
    girls_age(connected.ui.boneAgeLabel.text())
    assert connected.ui.sexBox.currentText() == "female"


def test_an_age_for_another_sex_than_the_one_chosen_now_is_marked(assessed):
    assert not assessed.ui.warningsLabel.isVisible()
    assessed.ui.sexBox.setCurrentText("male")
    assert "sex or age were changed since; press Assess again" in assessed.ui.warningsLabel.text()
    assessed.ui.sexBox.setCurrentText("female")
    assert not assessed.ui.warningsLabel.isVisible()
    assessed.type_age("age", 3, 0)
    assert "press Assess again" in assessed.ui.warningsLabel.text()


def test_both_sexes_are_two_ages_and_the_sex_stays_unknown(connected, load):
    connected.show(load("girl"))
    connected.press("assessButton", answer="Both")
    female, male = connected.ui.boneAgeLabel.text().split("\n")
    girls_age(female.removeprefix("female: "))
    assert re.fullmatch(f"male: {AGE}", male)
    assert connected.ui.sexBox.currentText() == "not known"


def test_without_an_answer_about_the_sex_nothing_is_sent(connected, load):
    connected.show(load("girl"))
    connected.press("assessButton", answer="Cancel")
    assert not connected.ui.resultFrame.isVisible()
    assert connected.desk.logic.image_id_of(connected.desk.volume, connected.desk.address) is None


def test_a_moved_box_gives_a_new_age(assessed):
    roi = assessed.desk.logic.nodes(assessed.desk.volume).roi
    roi.SetSize(*(0.9 * side if side > 2 else side for side in roi.GetSize()))
    before = assessed.ui.boneAgeLabel.text()
    assessed.press("updateButton")
    assert assessed.says() == {"serverStatus": assessed.ui.serverStatus.text()}
    assert assessed.ui.boneAgeLabel.text() != before


def test_what_was_edited_is_replaced_only_when_that_is_confirmed(assessed):
    roi = assessed.desk.logic.nodes(assessed.desk.volume).roi
    smaller = tuple(0.9 * side if side > 2 else side for side in roi.GetSize())
    roi.SetSize(*smaller)
    assessed.press("assessButton", answer="Cancel")
    assert roi.GetSize() == pytest.approx(smaller)
    assessed.press("assessButton", answer="OK")
    assert roi.GetSize() != pytest.approx(smaller)


def test_the_outline_is_edited_in_the_segment_editor(assessed):
    import slicer
    from standins.application import segment_editor

    assessed.press("editOutlineButton")
    assert slicer.modules.selected == "SegmentEditor"
    assert segment_editor.segmentation is assessed.desk.logic.nodes(assessed.desk.volume).segmentation
    assert segment_editor.volume is assessed.desk.volume


def test_a_reader_corrects_submits_and_takes_the_next(assessed, studies):
    assessed.type_age("expert", 11, 0)
    assessed.type_text("readerEdit", "AB")
    assessed.type_text("commentEdit", "by the atlas")
    assessed.press("submitButton", answer="OK")
    summary = assessed.asked[0]
    age = girls_age(assessed.ui.boneAgeLabel.text())
    assert f"11 years 0 months (132 months); the models found {age}" in summary
    assert "by the atlas" in summary and "Final reading by AB" in summary
    assert assessed.ui.submitStatus.text() == "Sent; the server has kept 1 correction."
    assessed.press("refreshButton")
    row = next(row for row in assessed.rows("workListTable") if row[0].startswith("sha256-"))
    assert row[1] == "corrected" and "AB" in row[2]
    assessed.ui.strategyBox.setCurrentText("first")
    assessed.press("nextButton")
    assert assessed.desk.volume.GetName() in [row[0] for row in assessed.rows("workListTable") if row[1] != "corrected"]
    assert assessed.desk.typed.comment == ""
    log = (studies.parent / "server.log").read_text()
    assert "PUT /datastore" in log and "POST /train" not in log  # submitting never starts a training


def test_a_finished_radiograph_is_reopened_with_its_readings(assessed):
    for reader, years in (("AB", 11), ("CD", 10)):
        assessed.type_text("readerEdit", reader)
        assessed.type_age("expert", years, 0)
        assessed.press("submitButton", answer="OK")
    assessed.press("refreshButton")
    assessed.choose_row("workListTable", "sha256-")
    assert assessed.ui.openButton.text() == "Reopen"
    assessed.press("openButton")
    readings = assessed.rows("readingsTable")
    assert {("AB", "11 years 0 months"), ("CD", "10 years 0 months")} <= {tuple(row[:2]) for row in readings}


def test_the_work_list_shows_what_the_filter_lets_through(connected):
    connected.type_text("filterEdit", "5627")
    assert [row[0][:5] for row in connected.rows("workListTable")] == ["5627-"]
    assert connected.ui.workListCount.text().startswith("1 of ")
    connected.ui.stateBox.setCurrentText("corrected")
    assert connected.rows("workListTable") == []


def test_a_skipped_radiograph_makes_room_for_another(connected):
    connected.type_text("readerEdit", "skips")
    connected.ui.strategyBox.setCurrentText("first")
    connected.press("nextButton")
    first = connected.desk.volume
    connected.press("skipButton")
    assert connected.desk.volume is not first

"""What goes wrong in a clinic: no network, wrong token, an answer that comes too late; nothing is lost or mixed up."""

import time

import pytest
from PySide6.QtWidgets import QApplication

TOKEN = "a token of the tests"


def test_a_wrong_token_is_one_sentence_that_says_what_to_do(panel, network):
    panel.connect(network.address, "another token")
    assert panel.ui.serverStatus.text().count(".") <= 2
    assert "token" in panel.ui.serverStatus.text().lower()
    assert panel.desk.info is None
    panel.connect(network.address, TOKEN)
    assert panel.ui.serverStatus.text().startswith("Connected")


def test_a_server_that_is_away_is_one_sentence(panel, network):
    network.cut()
    panel.connect(network.address, TOKEN)
    sentence = panel.ui.serverStatus.text()
    assert sentence and "Traceback" not in sentence and len(sentence) < 200
    assert not panel.ui.nextButton.isEnabled()


def test_without_a_connection_assessing_says_so(panel, load):
    panel.show(load("girl"))
    panel.press("assessButton")
    assert panel.ui.assessStatus.text() == "Not connected to a server. Press Connect, under Server."


def test_without_a_radiograph_there_is_nothing_to_assess_or_submit(connected):
    assert not connected.ui.assessButton.isEnabled()
    assert not connected.ui.submitButton.isEnabled()


def test_what_is_no_radiograph_is_not_sent(connected, scene):
    import numpy as np
    import slicer

    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "a head")
    slicer.util.updateVolumeFromArray(volume, np.zeros((20, 64, 64), np.int16))
    connected.show(volume)
    connected.ui.sexBox.setCurrentText("female")
    connected.press("assessButton")
    assert connected.ui.assessStatus.text()
    assert connected.desk.logic.image_id_of(volume, connected.desk.address) is None


def test_a_picture_without_a_hand_gets_a_reason_and_no_age(connected, scene):
    import numpy as np
    import slicer

    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "noise")
    noise = np.random.default_rng(0).integers(0, 255, (1, 300, 300), np.uint8)
    slicer.util.updateVolumeFromArray(volume, noise)
    connected.show(volume)
    connected.ui.sexBox.setCurrentText("female")
    connected.press("assessButton")
    assert "hand" in connected.ui.assessStatus.text().lower()
    assert not connected.ui.resultFrame.isVisible()


def test_a_box_drawn_where_no_hand_was_found_is_asked_about(connected, scene):
    import numpy as np
    import slicer

    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "grey")
    slicer.util.updateVolumeFromArray(volume, np.full((1, 300, 300), 90, np.uint8))
    connected.show(volume)
    connected.ui.sexBox.setCurrentText("male")
    connected.press("assessButton")
    connected.press("editBoxButton")
    assert connected.desk.logic.hand_box(volume) is not None
    connected.press("updateButton")
    assert connected.ui.assessStatus.text()
    assert not connected.ui.resultFrame.isVisible()


def test_an_answer_for_a_radiograph_that_is_no_longer_shown_is_attached_to_nothing(connected, load, network):
    girl, boy = load("girl"), load("boy")
    connected.show(girl)
    connected.ui.sexBox.setCurrentText("female")
    with network.answers_held():
        connected.begin("assessButton")
        connected.show(boy)
        assert connected.ui.assessButton.isEnabled()
    connected.rest()
    for volume in (girl, boy):
        assert connected.desk.logic.assessment(volume) is None
        assert connected.desk.logic.nodes(volume).roi is None
    assert not connected.ui.resultFrame.isVisible()
    connected.ui.sexBox.setCurrentText("male")
    connected.press("assessButton")
    assert connected.desk.logic.nodes(boy).roi is not None
    assert connected.desk.logic.nodes(girl).roi is None


def test_the_window_answers_while_the_server_is_slow_and_cancel_ends_the_waiting(connected, load, network):
    connected.show(load("girl"))
    connected.ui.sexBox.setCurrentText("female")
    with network.answers_held():
        connected.begin("assessButton")
        longest = 0.0
        for _ in range(50):
            start = time.perf_counter()
            QApplication.processEvents()
            longest = max(longest, time.perf_counter() - start)
            time.sleep(0.01)
        assert longest < 0.5
        assert not connected.ui.assessButton.isEnabled()
        connected.press("cancelButton")
    assert connected.ui.assessStatus.text() == "Cancelled."
    assert connected.ui.assessButton.isEnabled()


@pytest.fixture
def corrected(connected, load):
    """Return the panel with an assessed radiograph and a typed correction."""
    connected.show(load("girl"))
    connected.ui.sexBox.setCurrentText("female")
    connected.press("assessButton")
    connected.type_age("expert", 11, 3)
    connected.type_text("readerEdit", "EF")
    return connected


def test_a_submission_is_kept_while_the_server_is_away_and_sent_again(corrected, network, server):
    network.cut()
    corrected.press("submitButton", answer="OK")
    assert "Not sent: 1 correction, kept on this computer" in corrected.ui.submitStatus.text()
    assert corrected.ui.unsentFrame.isVisible()
    assert corrected.ui.unsentList.count() == 1
    network.mend()
    corrected.press("sendAgainButton")
    assert corrected.ui.submitStatus.text() == "Sent; the server has kept 1 correction."
    assert not corrected.ui.unsentFrame.isVisible()
    corrected.press("refreshButton")
    assert any("EF" in row[2] for row in corrected.rows("workListTable"))


def test_a_submission_survives_a_restart_of_slicer_and_is_sent_at_the_next_connection(corrected, network, open_panel):
    network.cut()
    corrected.press("submitButton", answer="OK")
    corrected.close()
    network.mend()
    later = open_panel()
    assert later.ui.unsentList.count() == 1
    assert later.ui.readerEdit.text() == "EF"
    later.connect(network.address, TOKEN)
    later.rest()
    assert later.desk.outbox.waiting() == []
    assert not later.ui.unsentFrame.isVisible()


def test_an_unsent_correction_is_thrown_away_only_when_that_is_confirmed(corrected, network):
    network.cut()
    corrected.press("submitButton", answer="OK")
    corrected.press("discardButton")
    assert corrected.ui.submitStatus.text() == "Choose one of the unsent corrections first."
    corrected.ui.unsentList.setCurrentRow(0)
    corrected.press("discardButton", answer="Cancel")
    assert corrected.ui.unsentList.count() == 1
    corrected.press("discardButton", answer="OK")
    assert corrected.desk.outbox.waiting() == []


def test_a_submission_that_is_not_confirmed_goes_nowhere(corrected):
    corrected.press("submitButton", answer="Cancel")
    assert corrected.desk.outbox.waiting() == []
    assert corrected.ui.submitStatus.text() == ""


def test_a_submission_needs_a_reader(corrected):
    corrected.type_text("readerEdit", "")
    corrected.press("submitButton")
    assert corrected.ui.submitStatus.text().startswith("The server must know who reads. Fill in Reader")


def test_nothing_changed_and_no_age_is_nothing_to_submit(corrected):
    corrected.type_age("expert", -1, 0)
    corrected.press("submitButton")
    assert corrected.ui.submitStatus.text().startswith("Nothing was changed and no bone age was given.")
    corrected.ui.asModelButton.click()
    corrected.press("submitButton", answer="OK")
    assert corrected.ui.boneAgeLabel.text() in corrected.asked[-1]
    assert corrected.ui.submitStatus.text().startswith("Sent")


def test_a_rejected_radiograph_needs_a_reason_and_takes_no_age(corrected):
    corrected.ui.rejectRadio.click()
    assert not corrected.ui.expertYearsSpin.isEnabled()
    corrected.press("submitButton")
    assert corrected.ui.submitStatus.text().startswith("A rejected radiograph needs a reason.")
    corrected.ui.rejectReasonBox.setEditText("poor quality")
    corrected.press("submitButton", answer="OK")
    assert "Rejected: poor quality" in corrected.asked[-1]
    assert corrected.ui.submitStatus.text().startswith("Sent")


def test_a_radiograph_that_the_server_does_not_know_is_assessed_first(connected, load):
    connected.show(load("girl"))
    connected.ui.sexBox.setCurrentText("female")
    connected.type_age("expert", 10, 0)
    connected.type_text("readerEdit", "EF")
    connected.press("submitButton")
    assert connected.ui.submitStatus.text() == "The server does not know this radiograph yet. Press Assess first."


def test_a_box_that_is_moved_while_the_answer_is_on_its_way_stays(corrected, network):
    roi = corrected.desk.logic.nodes(corrected.desk.volume).roi
    with network.answers_held():
        corrected.begin("assessButton")
        smaller = tuple(0.9 * side if side > 2 else side for side in roi.GetSize())
        roi.SetSize(*smaller)
    corrected.rest()
    assert roi.GetSize() == pytest.approx(smaller)
    assert corrected.desk.logic.changes(corrected.desk.volume, corrected.widget.correct._expert("EF")).box_moved


def test_an_outline_that_was_erased_is_found_again_once_that_is_confirmed(corrected):
    segmentation = corrected.desk.logic.nodes(corrected.desk.volume).segmentation
    segmentation.GetSegmentation().RemoveAllSegments()
    corrected.press("submitButton")
    assert "outline" in corrected.ui.submitStatus.text().lower()
    corrected.press("assessButton", answer="OK")
    assert corrected.desk.logic.mask(corrected.desk.volume).any()


def test_a_fault_of_the_panel_is_no_secret(panel):
    def fault(_):
        raise RuntimeError("made for the test")

    panel.desk.jobs.start("a job", lambda job: None, done=fault)
    panel.rest()
    panel.until(lambda: panel.ui.faultLabel.isVisible())
    panel.desk.jobs.faults.clear()

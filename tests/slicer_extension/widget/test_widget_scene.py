"""The panel and the person's scene: what is typed stays with its radiograph, and nothing is removed unasked."""

import slicer


def test_what_is_typed_for_one_child_never_appears_at_another(panel, load):
    girl, boy = load("girl"), load("boy")
    panel.show(girl)
    panel.ui.sexBox.setCurrentText("female")
    panel.type_age("age", 10, 6)
    panel.type_age("expert", 11, 0)
    panel.type_text("commentEdit", "by the atlas")
    panel.show(boy)
    assert panel.ui.sexBox.currentText() == "not known"
    assert panel.ui.ageYearsSpin.value() == panel.ui.expertYearsSpin.value() == -1
    assert panel.ui.commentEdit.text() == ""
    panel.show(girl)
    assert panel.ui.sexBox.currentText() == "female"
    assert (panel.ui.ageYearsSpin.value(), panel.ui.ageMonthsSpin.value()) == (10, 6)
    assert panel.ui.expertYearsSpin.value() == 11
    assert panel.ui.commentEdit.text() == "by the atlas"


def test_the_list_of_volumes_follows_the_red_view_and_the_view_follows_the_list(panel, load):
    girl, boy = load("girl"), load("boy")
    panel.show(girl)
    assert panel.ui.volumeSelector.currentNode() is girl
    panel.ui.volumeSelector.setCurrentNode(boy)
    assert panel.desk.volume is boy
    assert panel.view.logic.GetSliceCompositeNode().GetBackgroundVolumeID() == boy.GetID()
    assert panel.desk.parameters.radiograph is boy


def test_a_closed_scene_leaves_a_panel_that_begins_anew(panel, load):
    panel.show(load("girl"))
    panel.ui.closeDoneCheck.setChecked(True)
    slicer.mrmlScene.Clear(False)
    assert panel.desk.volume is None
    assert not panel.ui.assessButton.isEnabled()
    assert panel.desk.parameters.close_submitted is False
    panel.show(load("boy"))
    assert panel.ui.assessButton.isEnabled()


def test_choices_are_saved_with_the_scene(panel, tmp_path):
    panel.ui.closeDoneCheck.setChecked(True)
    panel.ui.stateBox.setCurrentText("corrected")
    file = str(tmp_path / "scene.mrml")
    slicer.mrmlScene.SetURL(file)
    slicer.mrmlScene.Commit(file)
    panel.ui.closeDoneCheck.setChecked(False)
    slicer.mrmlScene.Clear(False)
    slicer.mrmlScene.SetURL(file)
    slicer.mrmlScene.Connect()
    assert panel.desk.parameters.close_submitted is True
    assert panel.desk.parameters.state == "corrected"


def test_the_next_radiograph_leaves_everything_else_in_the_scene(connected, load):
    girl = load("girl")
    connected.show(girl)
    connected.ui.sexBox.setCurrentText("female")
    connected.press("assessButton")
    connected.type_text("readerEdit", "GH")
    before = set(connected.nodes())
    connected.press("nextButton")
    assert connected.desk.volume is not girl
    assert before < set(connected.nodes())


def test_only_a_submitted_radiograph_is_closed_and_only_when_that_was_asked_for(connected, load):
    others = load("boy", "a picture of somebody else")
    girl = load("girl", "the girl")
    connected.show(girl)
    connected.ui.sexBox.setCurrentText("female")
    connected.press("assessButton")
    connected.type_text("readerEdit", "IJ")
    connected.ui.closeDoneCheck.setChecked(True)
    connected.press("nextButton")
    assert "the girl" in connected.nodes()  # not submitted: it stays
    connected.show(girl)
    connected.type_age("expert", 11, 0)
    connected.press("submitButton", answer="OK")
    connected.press("nextButton")
    assert "the girl" not in connected.nodes()
    assert others.GetName() in connected.nodes()

"""Where the age comes from, in the panel: only if asked for, over its own radiograph and never over another one."""

import pytest


@pytest.fixture
def explained(connected, load):
    """Return the panel with the girl's radiograph, assessed with the box ticked."""
    connected.show(load("girl"))
    connected.ui.sexBox.setCurrentText("female")
    connected.ui.explainCheck.setChecked(True)
    connected.press("assessButton")
    return connected


def foreground(panel):
    import slicer

    return slicer.mrmlScene.GetNodeByID(panel.view.logic.GetSliceCompositeNode().GetForegroundVolumeID() or "")


def test_the_map_lies_over_the_red_view_with_the_shares_in_one_line(explained):
    node = explained.desk.logic.nodes(explained.desk.volume).saliency
    assert foreground(explained) is node and explained.desk.volume.GetName() == "girl"
    text = explained.ui.sharesLabel.text()
    assert explained.ui.sharesLabel.isVisible() and text.startswith("Where the age (female) comes from: ")
    shares = [int(piece.split()[1]) for piece in text.split(": ", 1)[1].split(". ")[0].split(", ")]
    assert sorted(shares, reverse=True) == shares and 97 <= sum(shares) <= 103
    assert "carpus" in text and "months" in text


def test_the_map_lies_on_the_hand(explained):
    import numpy as np

    from BoneAgeLib import volumes

    logic, volume = explained.desk.logic, explained.desk.volume
    cells = volumes.voxels_of(logic.nodes(volume).saliency)[0]
    hand = logic.mask(volume)
    rows, columns = cells.shape
    y, x = np.nonzero(cells > 0.3 * cells.max())
    at = ((y + 0.5) * hand.shape[0] / rows).astype(int), ((x + 0.5) * hand.shape[1] / columns).astype(int)
    assert len(y) > 10 and hand[at].mean() > 0.9


def test_without_the_tick_nothing_is_asked_for_and_what_lay_there_is_taken_away(explained):
    explained.ui.explainCheck.setChecked(False)
    assert foreground(explained) is None and not explained.ui.sharesLabel.isVisible()
    explained.ui.explainCheck.setChecked(True)
    assert foreground(explained) is not None
    explained.ui.explainCheck.setChecked(False)
    explained.press("assessButton")
    assert explained.desk.logic.nodes(explained.desk.volume).saliency is None
    assert not any(name.startswith("Where the age") for name in explained.nodes())


def test_the_map_of_one_child_never_lies_over_another_one(explained, load):
    girl, boy = explained.desk.volume, load("boy")
    explained.show(boy)
    assert foreground(explained) is None
    explained.show(girl)
    assert foreground(explained) is explained.desk.logic.nodes(girl).saliency


def test_the_updated_age_is_explained_anew(explained):
    node = explained.desk.logic.nodes(explained.desk.volume).saliency
    before = node.GetImageData().GetMTime()
    roi = explained.desk.logic.nodes(explained.desk.volume).roi
    roi.SetSize(*(0.9 * side if side > 2 else side for side in roi.GetSize()))
    explained.press("updateButton")
    assert explained.desk.logic.nodes(explained.desk.volume).saliency.GetImageData().GetMTime() > before

"""Pictures of the panel and the view for README and tutorial: written to out/slicer, looked at by people.

With BONEAGE_PICTURES=docs/slicer, those of the documents.
"""

import json
import os
from pathlib import Path

import pytest
from canned_server import CannedServer
from PIL import Image

ROOT = Path(__file__).parents[3]
GAP = 12  # pixels


@pytest.fixture(scope="module")
def folder():
    """Return where the pictures go."""
    made = ROOT / (os.environ.get("BONEAGE_PICTURES", "out/slicer"))
    made.mkdir(parents=True, exist_ok=True)
    return made


@pytest.fixture
def take(panel, folder):
    """Return a function that takes a picture of the panel, beside the view if wanted."""

    def take_it(name, *sections, with_view=True):
        panel.open_only(*sections)
        file = folder / f"{name}.png"
        panel.picture(file)
        picture = Image.open(file).convert("RGB")
        assert picture.width > 400 and len(picture.getcolors(1 << 20)) > 10
        if with_view:
            picture = beside(Image.fromarray(panel.view.pixels()), picture)
        picture.quantize(128).save(file, optimize=True)

    return take_it


def beside(left, right):
    """Return two pictures side by side on white."""
    whole = Image.new("RGB", (left.width + GAP + right.width, max(left.height, right.height)), "white")
    whole.paste(left, (0, 0))
    whole.paste(right, (left.width + GAP, 0))
    return whole


def test_pictures_of_the_story(connected, load, take):
    take("connected", "server", with_view=False)
    connected.show(load("girl", "Hand of a girl"))
    connected.ui.sexBox.setCurrentText("female")
    connected.type_age("age", 10, 6)
    connected.press("assessButton")
    take("assessed", "assess")
    roi = connected.desk.logic.nodes(connected.desk.volume).roi
    roi.SetSize(*(1.03 * side if side > 2 else side for side in roi.GetSize()))
    connected.press("updateButton")
    connected.type_age("expert", 11, 0)
    connected.type_text("readerEdit", "AB")
    connected.type_text("commentEdit", "by the atlas")
    connected.press("submitButton", answer="OK")
    take("corrected", "assess", "correct")
    connected.press("refreshButton")
    connected.choose_row("workListTable", "sha256-")
    connected.press("openButton")
    connected.choose_row("workListTable", "sha256-")
    take("work-list", "workList")


def test_a_picture_of_what_is_not_sent_yet(connected, load, network, take):
    connected.show(load("boy", "Hand of a boy"))
    connected.ui.sexBox.setCurrentText("male")
    connected.press("assessButton")
    connected.type_text("readerEdit", "AB")
    connected.type_age("expert", 6, 0)
    network.cut()
    connected.press("submitButton", answer="OK")
    take("unsent", "correct", with_view=False)


def test_a_picture_of_both_sexes(connected, load, take):
    connected.show(load("boy", "Hand of a boy"))
    connected.press("assessButton", answer="Both")
    take("both-sexes", "assess", with_view=False)


def test_a_picture_of_where_the_age_comes_from(connected, load, take):
    connected.show(load("girl", "Hand of a girl"))
    connected.ui.sexBox.setCurrentText("female")
    connected.ui.explainCheck.setChecked(True)
    connected.press("assessButton")
    take("saliency", "assess")


@pytest.fixture
def trained_server():
    """Serve what the app's own server said after a real training on 72 corrections and a small base."""
    recorded = json.loads((Path(__file__).parent / "recorded_training.json").read_text(encoding="utf-8"))
    server = CannedServer()
    server.answers |= {("GET", "/info/"): recorded["info"], ("GET", "/train/"): recorded["task"]}
    yield server
    server.close()


def test_a_picture_of_a_training_that_was_refused(panel, trained_server, take):
    panel.connect(trained_server.address)
    panel.rest()
    assert "version 0.3.1 was refused" in panel.ui.verdictsLabel.text()
    take("training", "training", with_view=False)

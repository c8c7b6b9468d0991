"""The training section against the app's own server, with models of its own that have a history."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from app_server import PYTHON, AppServer

ROOT = Path(__file__).parents[3]
TOKEN = "a token of the tests"
MODEL = "hand_detector"
PROMOTE = """
import json, sys
from pathlib import Path
from boneage.models import check_model
from boneage.registry import Action, Entry, promote

models, model, later = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
card = later / "configs" / "metadata.json"
card.write_text(json.dumps(json.loads(card.read_text()) | {"version": "9.0.0"}))
promote(later, models, Entry(Action.PROMOTED, model, "", "9.0.0", check_model(model, models).sha256, "", "a test"))
"""


@pytest.fixture(scope="module")
def trainer(tmp_path_factory):
    """Serve models of which the detector has a later version in use, on one radiograph."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "studies").mkdir()
    shutil.copy(ROOT / "tests" / "data" / "14717.png", folder / "studies")
    shutil.copytree(ROOT / "models", folder / "models", ignore=shutil.ignore_patterns("registry"))
    shutil.copytree(folder / "models" / MODEL, folder / "later")
    server = AppServer(folder / "studies", TOKEN, "--models", str(folder / "models"))
    command = [PYTHON, "-c", PROMOTE, folder / "models", MODEL, folder / "later"]
    subprocess.run(command, check=True, timeout=120, env={**os.environ, "PYTHONPATH": str(ROOT / "lib")})
    yield server.start()
    server.stop()


@pytest.fixture
def trained(panel, trainer):
    """Return the panel of the reader AB, connected to it."""
    panel.connect(trainer.address, trainer.token)
    panel.rest()
    panel.type_text("readerEdit", "AB")
    panel.open_only("training")
    return panel


def wait_for_the_end(panel):
    """Let the panel ask until the task of the server has ended."""
    end = time.monotonic() + 180
    while panel.widget.training._is_running:
        assert time.monotonic() < end, panel.ui.trainingLabel.text()
        time.sleep(0.3)
        panel.widget.training.ask()
        panel.rest()


def test_a_version_is_rolled_back_and_where_there_is_none_before_it_the_reason_is_shown(trained):
    trained.ui.trainerBox.setCurrentText(MODEL)
    before = {row[0]: row[1] for row in trained.rows("modelsTable")}
    assert before[MODEL] == "9.0.0"
    trained.press("rollBackButton", answer="OK")
    assert "9.0.0" in trained.asked[-1] and MODEL in trained.asked[-1]
    wait_for_the_end(trained)
    assert "the version before is in use again" in trained.ui.trainingLabel.text()
    after = {row[0]: row[1] for row in trained.rows("modelsTable")}
    assert after[MODEL] not in ("9.0.0", "") and after == {**before, MODEL: after[MODEL]}
    trained.press("rollBackButton", answer="OK")
    wait_for_the_end(trained)
    text = trained.ui.trainingLabel.text()
    assert "not rolled back, the version in use stays" in text and "came with the program" in text
    assert "Traceback" not in text


def test_a_training_on_too_few_corrections_tells_its_reason_and_by_whom_it_was_started(trained):
    trained.ui.trainerBox.setCurrentText("hand_segmenter")
    trained.press("startTrainingButton", answer="OK")
    wait_for_the_end(trained)
    text = trained.ui.verdictsLabel.text()
    assert "hand_segmenter: the training failed (started by AB)." in text
    assert "Expected at least 20 corrections" in text
    assert trained.ui.startTrainingButton.isEnabled()

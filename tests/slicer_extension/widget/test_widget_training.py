"""The training section: only what the server offers, nothing unasked, reasons of failures in full."""

import pytest
from canned_server import CannedServer

MODEL = "bone_age_regressor"
TASK = {"id": "1", "status": "RUNNING", "details": [], "request": {"model": MODEL}}


@pytest.fixture
def training_server():
    """Serve as one that trains from corrections."""
    server = CannedServer()
    server.info["trainers"] = {MODEL: {"description": "Bone age"}}
    server.info["retraining"] = {"state": "ready", "waiting_corrections": 12, "last_verdict": "refused: not better"}
    yield server
    server.close()


@pytest.fixture
def trained(panel, training_server):
    """Return the panel, connected to it."""
    panel.connect(training_server.address)
    panel.rest()
    return panel


def test_the_models_in_use_are_shown_with_version_and_figure(connected):
    models = {row[0]: row for row in connected.rows("modelsTable")}
    assert set(models) == {"hand_detector", "hand_segmenter", "bone_age_regressor"}
    assert models["bone_age_regressor"][2].startswith("MAE ")
    assert "months" in models["bone_age_regressor"][2]


def test_where_retraining_is_not_available_the_section_says_so_and_offers_nothing(connected):
    assert "retraining is not available" in connected.ui.retrainingLabel.text()
    for name in ("startTrainingButton", "stopTrainingButton", "rollBackButton", "trainerBox"):
        assert not getattr(connected.ui, name).isEnabled()


def test_waiting_corrections_and_the_verdict_of_the_gate_are_shown(trained):
    text = trained.ui.retrainingLabel.text()
    assert "Corrections that wait for the next training: 12." in text
    assert "refused: not better" in text


def test_a_training_starts_only_when_it_is_confirmed(trained, training_server):
    training_server.answers["POST", f"/train/{MODEL}"] = TASK
    trained.press("startTrainingButton", answer="Cancel")
    assert ("POST", f"/train/{MODEL}") not in training_server.calls
    trained.press("startTrainingButton", answer="OK")
    assert training_server.calls.count(("POST", f"/train/{MODEL}")) == 1
    assert not trained.ui.startTrainingButton.isEnabled()
    assert trained.ui.stopTrainingButton.isEnabled()


def test_a_running_training_is_stopped_only_when_that_is_confirmed(trained, training_server):
    training_server.answers["POST", f"/train/{MODEL}"] = TASK
    training_server.answers["DELETE", "/train/"] = {}
    trained.press("startTrainingButton", answer="OK")
    trained.press("stopTrainingButton", answer="Cancel")
    assert ("DELETE", "/train/") not in training_server.calls
    trained.press("stopTrainingButton", answer="OK")
    assert ("DELETE", "/train/") in training_server.calls


def test_a_failed_training_shows_its_reason(trained, training_server):
    failed = {**TASK, "status": "ERROR", "details": ["epoch 1", "ValueError: no correction has a bone age"]}
    training_server.answers["GET", "/train/"] = failed
    trained.widget.training.ask()
    trained.rest()
    assert "ValueError: no correction has a bone age" in trained.ui.trainingLabel.text()
    assert trained.ui.startTrainingButton.isEnabled()

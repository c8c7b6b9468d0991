"""The training section: only what the server offers, nothing unasked, reasons of failures in full."""

import pytest
from canned_server import CannedServer

MODEL = "bone_age_regressor"
TASK = {"id": "1", "status": "RUNNING", "details": [], "request": {"model": MODEL}}
RUN = {"state": "training", "epoch": 2, "epochs": 4, "progress": 0.3, "seconds_left": 600, "validation_mae_months": 6.5}
REFUSED = {"state": "refused", "version": "0.3.1", "reason": "Not better than the live version.", "corrections": 72}
START = ("POST", f"/train/{MODEL}")


@pytest.fixture
def training_server():
    """Serve as one that trains from corrections."""
    server = CannedServer()
    server.info["retraining"] |= {"waiting_corrections": 12, "begins": {"after": 50, "at": None}}
    yield server
    server.close()


@pytest.fixture
def trained(panel, training_server):
    """Return the panel of the reader AB, connected to it, with the regressor chosen."""
    panel.connect(training_server.address)
    panel.rest()
    panel.type_text("readerEdit", "AB")
    panel.ui.trainerBox.setCurrentText(MODEL)
    panel.open_only("training")
    return panel


def tell(panel, server, **task):
    """Let the server say how a task stands, and the panel ask."""
    server.answers["GET", "/train/"] = TASK | task
    panel.widget.training.ask()
    panel.rest()


def test_the_models_in_use_are_shown_with_version_and_figure(connected):
    models = {row[0]: row for row in connected.rows("modelsTable")}
    assert set(models) == {"hand_detector", "hand_segmenter", "bone_age_regressor"}
    assert models["bone_age_regressor"][2].startswith("MAE ")
    assert "months" in models["bone_age_regressor"][2]


def test_the_present_server_trains_and_says_that_none_begins_by_itself(connected):
    assert "No training begins by itself." in connected.ui.retrainingLabel.text()
    assert connected.ui.startTrainingButton.isEnabled() and connected.ui.rollBackButton.isEnabled()
    assert not connected.ui.stopTrainingButton.isEnabled()


def test_where_retraining_is_not_available_the_section_says_so_and_offers_nothing(panel, training_server):
    training_server.info["retraining"] = {"state": "not available"}
    panel.connect(training_server.address)
    panel.rest()
    assert "retraining is not available" in panel.ui.retrainingLabel.text()
    for name in ("startTrainingButton", "stopTrainingButton", "rollBackButton", "trainerBox"):
        assert not getattr(panel.ui, name).isEnabled()


def test_waiting_corrections_and_when_a_training_begins_by_itself_are_shown(trained):
    text = trained.ui.retrainingLabel.text()
    assert "Corrections that wait for the next training: 12." in text
    assert "begin by themselves once 50 corrections wait" in text


def test_a_training_starts_only_when_it_is_confirmed_and_in_the_readers_name(trained, training_server):
    training_server.answers[START] = TASK
    trained.press("startTrainingButton", answer="Cancel")
    assert START not in training_server.calls
    trained.press("startTrainingButton", answer="OK")
    assert training_server.calls.count(START) == 1
    assert training_server.bodies[START] == {"action": "train", "started_by": "AB"}
    assert not trained.ui.startTrainingButton.isEnabled() and not trained.ui.rollBackButton.isEnabled()
    assert trained.ui.stopTrainingButton.isEnabled()


@pytest.mark.parametrize("button", ["startTrainingButton", "rollBackButton"])
def test_without_a_readers_name_nothing_is_started_or_taken_back(trained, training_server, button):
    trained.type_text("readerEdit", "")
    trained.press(button)
    assert "Fill in Reader" in trained.ui.trainingStatus.text()
    assert START not in training_server.calls and not trained.asked


def test_that_a_training_runs_already_is_said_in_words(trained, training_server):
    training_server.answers[START] = {"detail": "++++++++++ Train Task is Already Running"}
    training_server.statuses[START] = 429
    trained.press("startTrainingButton", answer="OK")
    assert trained.ui.trainingStatus.text().startswith("A training runs on the server already.")


def test_a_running_training_is_stopped_only_when_that_is_confirmed_and_can_go_on(trained, training_server):
    training_server.answers[START] = TASK
    training_server.answers["DELETE", "/train/"] = {}
    trained.press("startTrainingButton", answer="OK")
    trained.press("stopTrainingButton", answer="Cancel")
    assert ("DELETE", "/train/") not in training_server.calls
    assert "goes on where it stopped" in trained.asked[-1] and MODEL in trained.asked[-1]
    training_server.info["retraining"]["runs"] = {MODEL: RUN}
    training_server.answers["GET", "/train/"] = {**TASK, "status": "STOPPED", "progress": RUN}
    trained.press("stopTrainingButton", answer="OK")
    assert ("DELETE", "/train/") in training_server.calls
    assert "stopped at 30 %; it goes on from there" in trained.ui.verdictsLabel.text()
    trained.press("startTrainingButton", answer="Cancel")
    assert "goes on where it stopped" in trained.asked[-1]


def test_a_training_that_runs_shows_bar_time_left_and_curve(trained, training_server):
    tell(trained, training_server, progress=RUN)
    assert trained.ui.trainingProgress.isVisible() and trained.ui.trainingProgress.value() == 30
    assert "about 10 minutes left" in trained.ui.trainingLabel.text()
    assert not trained.ui.trainingCurve.isVisible()
    tell(trained, training_server, progress={**RUN, "epoch": 3, "validation_mae_months": 6.1})
    assert trained.ui.trainingCurve.isVisible() and not trained.ui.trainingCurve.pixmap().isNull()
    tell(trained, training_server, id="2", progress=RUN)  # another training: another curve
    assert not trained.ui.trainingCurve.isVisible()


def test_the_curve_is_whole_for_one_who_comes_late(trained, training_server):
    history = [{"epoch": epoch, "validation_mae_months": 8.0 - epoch} for epoch in (1, 2, 3)]
    tell(trained, training_server, progress={**RUN, "epoch": 4, "history": history})
    assert trained.ui.trainingCurve.isVisible() and not trained.ui.trainingCurve.pixmap().isNull()


def test_when_a_training_has_ended_its_verdict_is_shown(trained, training_server):
    tell(trained, training_server, progress=RUN)
    assert trained.ui.verdictsLabel.text() == ""
    training_server.info["retraining"] |= {"runs": {MODEL: REFUSED}, "waiting_corrections": 0}
    tell(trained, training_server, status="DONE", progress=REFUSED)
    assert "version 0.3.1 was refused, the one in use stays (72 corrections)" in trained.ui.verdictsLabel.text()
    assert "Not better than the live version." in trained.ui.verdictsLabel.text()
    assert "wait for the next training: 0." in trained.ui.retrainingLabel.text()
    assert trained.ui.startTrainingButton.isEnabled() and not trained.ui.trainingProgress.isVisible()


def test_a_training_that_begins_by_itself_is_noticed_while_the_section_is_open(trained, training_server):
    training_server.answers["GET", "/train/"] = {**TASK, "progress": {**RUN, "started_by": "the schedule"}}
    for _ in range(300):
        trained.widget.training.tick()
    trained.rest()
    assert "started by the schedule" in trained.ui.trainingLabel.text()


def test_a_failed_training_shows_its_reason(trained, training_server):
    details = ["epoch 1", "ValueError: no correction has a bone age"]
    tell(trained, training_server, status="ERROR", details=details)
    assert "ValueError: no correction has a bone age" in trained.ui.trainingLabel.text()
    assert trained.ui.startTrainingButton.isEnabled()


def test_a_model_is_rolled_back_only_when_that_is_confirmed_and_its_version_is_shown_afterwards(
    trained, training_server
):
    task = {**TASK, "request": {"model": MODEL, "action": "roll back"}}
    training_server.answers[START] = {**task, "status": "SUBMITTED"}
    trained.press("rollBackButton", answer="Cancel")
    assert START not in training_server.calls
    assert MODEL in trained.asked[-1] and "0.2.0" in trained.asked[-1]
    trained.press("rollBackButton", answer="OK")
    assert training_server.bodies[START] == {"action": "roll back", "started_by": "AB"}
    card = next(card for card in training_server.info["model_cards"] if card["name"] == MODEL)
    card["version"] = "0.1.9"
    tell(trained, training_server, **{**task, "status": "DONE"})
    assert "the version before is in use again" in trained.ui.trainingLabel.text()
    assert [MODEL, "0.1.9"] in [row[:2] for row in trained.rows("modelsTable")]


def test_a_trouble_of_asking_is_told_until_the_next_answer(trained, training_server):
    training_server.answers["GET", "/train/"] = {"id": 3}
    trained.widget.training.ask()
    trained.rest()
    assert "not understood" in trained.ui.trainingStatus.text()
    tell(trained, training_server, progress=RUN)
    assert trained.ui.trainingStatus.text() == ""

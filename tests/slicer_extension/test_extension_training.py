"""What the server says of trainings, read and put into words."""

import json

import pytest
from radiographs import CONTRACT

from BoneAgeLib import answers, training, training_words
from BoneAgeLib.errors import ClientError, ErrorKind

MODEL = "bone_age_regressor"
RUNNING = {
    "state": "training", "epoch": 3, "epochs": 10, "progress": 0.25, "seconds_left": 740, "corrections": 80,
    "started_by": "AB", "train_mae_months": 7.2, "validation_mae_months": 6.5,
}  # fmt: skip
REFUSED = {"state": "refused", "version": "0.3.1", "reason": "Not better.", "corrections": 80, "started_by": "AB"}


def info_with(**retraining):
    recorded = json.loads((CONTRACT / "info.json").read_text(encoding="utf-8"))
    return answers.info(recorded | {"retraining": recorded["retraining"] | retraining})


def a_task(status="RUNNING", progress=None, details=(), model=MODEL, **request):
    answer = {"id": "a", "status": status, "request": {"model": model, "gpus": "all", **request}}
    return training.training_task(answer | {"progress": progress or {}, "details": list(details)})


@pytest.mark.parametrize(
    ("status", "is_running"),
    [("SUBMITTED", True), ("RUNNING", True), ("DONE", False), ("ERROR", False), ("STOPPED", False)],
)
def test_a_task_is_read_with_its_model_run_and_last_lines(status, is_running):
    task = a_task(status, RUNNING, ["epoch 1", "epoch 2"])
    assert (task.model, task.is_running, task.details[-1]) == (MODEL, is_running, "epoch 2")
    assert (task.run.epoch, task.run.fraction, task.run.figures["validation_mae_months"]) == (3, 0.25, 6.5)


def test_the_recorded_state_of_a_server_that_has_never_trained_is_read():
    info = info_with()
    assert (info.retraining.state, info.retraining.waiting_corrections, info.retraining.runs) == ("idle", 0, ())
    assert training_words.can_retrain(info) and training_words.verdicts(info) == ""
    assert "No training begins by itself." in training_words.retraining(info)


@pytest.mark.parametrize("wrong", [{"epoch": "3"}, {"state": None}, {"progress": "half"}])
def test_a_run_that_is_not_understood_is_refused(wrong):
    with pytest.raises(ClientError) as caught:
        a_task(progress=RUNNING | wrong)
    assert caught.value.kind == ErrorKind.WRONG_ANSWER


def test_when_trainings_begin_by_themselves_is_said():
    text = training_words.retraining(info_with(begins={"after": 50, "at": "02:00"}, waiting_corrections=12))
    assert "Corrections that wait for the next training: 12." in text
    assert "once 50 corrections wait, and every day at 02:00" in text


def test_a_training_that_runs_tells_epoch_and_time_left():
    text = training_words.task(a_task(progress=RUNNING))
    assert "epoch 3 of 10" in text and "about 12 minutes left" in text and "80 corrections, started by AB" in text
    assert "validation mae months 6.5" in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "less than a minute"), (60, "about 1 minute"), (740, "about 12 minutes"), (7300, "about 2 hours")],
)
def test_the_time_left_is_said_in_words(seconds, words):
    assert training_words.time_left(seconds) == words


def test_the_figures_of_an_earlier_run_are_never_told_of_a_task_that_has_just_begun():
    for task in (
        a_task("SUBMITTED", RUNNING),
        a_task("RUNNING", REFUSED),
        a_task(progress=RUNNING, action="roll back"),
    ):
        assert training_words.curve_points(task) == []
        assert "6.5" not in training_words.task(task) and "Not better" not in training_words.task(task)


@pytest.mark.parametrize(
    ("model", "figures", "error"),
    [
        (MODEL, {"validation_mae_months": 6.5}, 6.5),
        ("hand_detector", {"validation_pose_error": 0.04}, 0.04),
        ("hand_segmenter", {"validation_dice": 0.97}, 0.03),
    ],
)
def test_the_curve_shows_the_error_on_validation_after_the_epochs_that_are_done(model, figures, error):
    run = {"state": "training", "epoch": 3, "epochs": 10, **figures}
    assert training_words.curve_points(a_task(progress=run, model=model)) == [(2, pytest.approx(error))]
    assert "validation" in training_words.curve_name(model)


def test_a_client_that_comes_late_has_the_whole_curve_from_the_servers_history():
    history = [{"epoch": n, "validation_mae_months": 10.0 - n, "validation_bias_months": 0.1} for n in (1, 2, 3)]
    task = a_task(progress=RUNNING | {"epoch": 4, "history": history})
    assert training_words.curve_points(task) == [(1, 9.0), (2, 8.0), (3, 7.0)]
    assert training_words.curve_points(a_task(progress=RUNNING | {"history": []})) == [(2, 6.5)]
    assert training_words.curve_points(a_task(progress=REFUSED | {"history": history})) == []
    with pytest.raises(ClientError):
        a_task(progress=RUNNING | {"history": [{"validation_mae_months": 6.5}]})


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (REFUSED, "version 0.3.1 was refused, the one in use stays (80 corrections, started by AB). Not better."),
        (REFUSED | {"state": "live", "reason": "Better."}, "version 0.3.1 went live"),
        ({"state": "failed", "reason": "Too few corrections."}, "the training failed. Too few corrections."),
        (RUNNING, "stopped at 25 %; it goes on from there when it is started again (80 corrections, started by AB)."),
    ],
)
def test_how_the_last_training_of_a_model_ended_is_told_with_its_reason(run, words):
    text = training_words.verdicts(info_with(runs={MODEL: run}))
    assert text.startswith(f"{MODEL}: ") and words in text


def test_a_training_that_runs_is_not_called_stopped():
    assert training_words.verdicts(info_with(state="running", runs={MODEL: RUNNING})) == ""


def test_the_reason_of_an_error_is_the_servers_sentence_or_the_last_lines_without_the_marks_of_a_terminal():
    ours = ["Traceback", "boneage.errors.InvalidInput: hand_detector is the version that came with the program.", "x"]
    text = training_words.task(a_task("ERROR", REFUSED, ours, action="roll back"))
    assert text.endswith("the version in use stays. hand_detector is the version that came with the program.")
    text = training_words.task(a_task("ERROR", RUNNING, ["Epoch 1\x1b[A", "\r", "Killed: out of memory"]))
    assert text == f"{MODEL}: broke off.\nEpoch 1\nKilled: out of memory"

"""Trainings over the server: begun, watched and refused with a reason; the work itself is tested in tests/boneage."""

import os
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from boneage.corrections import CorrectionStore
from boneage.errors import InvalidData, InvalidInput
from boneage.study_files import patient_in
from boneage.training.status import write_status
from boneage.types import Correction
from monailabel_app.folder import FolderStudies
from monailabel_app.live_models import LiveModels
from monailabel_app.retraining_state import new_corrections, progress_of, retraining_state, with_progress
from monailabel_app.settings import AppSettings, TrainSettings
from monailabel_app.train import RetrainTask, current_run, last_run, new_run

NAME = "hand_segmenter"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def own_studies(tmp_path):
    return FolderStudies(tmp_path, CorrectionStore.in_folder(tmp_path))


def a_run(studies, state, began="20260101-020000", **values):
    run = studies.work_folder / "runs" / NAME / began
    run.mkdir(parents=True)
    write_status(run, state=state, **values)
    return run


def test_a_training_on_too_few_corrections_is_refused_in_words_and_the_state_keeps_them(client):
    answer = client.post(f"/train/{NAME}?run_sync=true", json={"started_by": "a test"})
    assert answer.status_code == 400
    assert "at least 20 corrections" in answer.json()["error"]["message"]
    state = client.get("/info/").json()["retraining"]
    assert state["state"] == "idle"
    assert state["runs"][NAME]["state"] == "failed" and "got" in state["runs"][NAME]["reason"]
    assert state["runs"][NAME]["started_by"] == "a test"


def test_trainers_are_listed_for_stock_clients_and_none_begins_by_itself(client):
    info = client.get("/info/").json()
    assert set(info["trainers"]) == {"hand_detector", "hand_segmenter", "bone_age_regressor"}
    assert info["trainers"][NAME]["config"]["max_epochs"] == 0
    assert info["retraining"]["begins"] == {"after": None, "at": None}


@pytest.mark.parametrize(
    "params", [{"max_epochs": -1}, {"max_epochs": True}, {"max_epochs": "ten"}, {"action": "erase"}]
)
def test_what_cannot_be_meant_is_refused(client, params):
    answer = client.post(f"/train/{NAME}?run_sync=true", json=params)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (400, "invalid_input")


def test_a_training_of_a_model_that_is_none_begins_nothing(client):
    answer = client.post("/train/liver", json={})
    assert answer.status_code == 404
    assert "hand_detector" in answer.json()["error"]["message"]


def test_nothing_to_roll_back_to_is_said(client):
    answer = client.post(f"/train/{NAME}?run_sync=true", json={"action": "roll back"})
    assert answer.status_code == 400
    assert "came with the program" in answer.json()["error"]["message"]


def test_a_run_that_was_stopped_goes_on_and_a_finished_one_does_not(own_studies):
    assert current_run(own_studies.work_folder, NAME) is None
    run = a_run(own_studies, "training")
    assert current_run(own_studies.work_folder, NAME) == run
    write_status(run, state="refused")
    assert current_run(own_studies.work_folder, NAME) is None
    assert last_run(own_studies.work_folder, NAME) == run
    assert new_run(own_studies.work_folder, NAME) > run


def test_the_state_tells_progress_verdict_and_how_many_corrections_wait(own_studies):
    own_studies.store.add(Correction("a", "R", bone_age_months=100.0))
    assert new_corrections(own_studies) == 1
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    a_run(own_studies, "refused", "20200101-000000", reason="Not better.", figures={"validation_dice": 0.9}, epoch=3)
    assert new_corrections(own_studies) == 1
    assert progress_of(own_studies.work_folder, NAME)["validation_dice"] == 0.9
    state = retraining_state(own_studies, False, {})
    assert state["last_verdict"] == f"{NAME}: refused. Not better."
    a_run(own_studies, "training", tomorrow.strftime("%Y%m%d-%H%M%S"))
    assert new_corrections(own_studies) == 0
    assert retraining_state(own_studies, True, {})["state"] == "running"


def test_what_looks_wrong_after_a_refusal_is_told_in_info_and_train(own_studies):
    told = [{"correction": "c" * 32, "image_id": "a", "reader": "R1", "weight": 2.0, "why": "Age far off."}]
    a_run(own_studies, "refused", reason="Not better.", suspicious=told)
    assert retraining_state(own_studies, False, {})["runs"][NAME]["suspicious"] == told
    answer = with_progress(lambda all, check: {"request": {"model": NAME}}, lambda: own_studies.work_folder)()
    assert answer["progress"]["suspicious"] == told


def test_the_tasks_of_get_train_have_the_progress_of_their_run(own_studies):
    a_run(own_studies, "training", epoch=2, epochs=5, history=[{"epoch": 1, "validation_dice": 0.9}])
    task = {"id": "1", "request": {"model": NAME}}
    told = with_progress(lambda all, check: [task] if all else task, lambda: own_studies.work_folder)
    assert told()["progress"]["epoch"] == 2
    assert told()["progress"]["history"] == [{"epoch": 1, "validation_dice": 0.9}]
    assert told(True)[0]["progress"]["state"] == "training"


def test_the_folder_of_trainings_holds_no_radiographs_of_the_studies(own_studies):
    run = a_run(own_studies, "training")
    (run / "data.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    own_studies.refresh()
    assert own_studies.list_images() == []


def test_only_a_training_makes_a_folder_and_only_this_user_may_look_into_it(own_studies, tmp_path):
    retraining_state(own_studies, False, {})
    assert not (tmp_path / ".boneage").exists()
    with pytest.raises(InvalidData, match="at least 20 corrections"):
        RetrainTask(NAME, LiveModels(threads=1), TrainSettings())({}, own_studies)
    assert (tmp_path / ".boneage").stat().st_mode & 0o077 == 0


def test_two_files_of_one_patient_have_one_word_that_does_not_tell_the_id(tmp_path):
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    def a_file(name, patient):
        dataset = Dataset()
        dataset.PatientID = patient
        dataset.is_little_endian, dataset.is_implicit_VR = True, False
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3"
        dataset.save_as(tmp_path / name, write_like_original=False)
        return tmp_path / name

    one, same, other = a_file("1.dcm", "Q-17"), a_file("2.dcm", "Q-17"), a_file("3.dcm", "Q-18")
    assert patient_in(one) == patient_in(same) != patient_in(other)
    assert "Q-17" not in patient_in(one)
    assert patient_in(a_file("4.dcm", "")) == ""
    (tmp_path / "x.png").write_bytes(b"no DICOM")
    assert patient_in(tmp_path / "x.png") == ""


def test_settings_of_trainings_become_values_or_are_refused(tmp_path):
    conf = {"base": str(tmp_path), "retrain_after": "50", "retrain_at": "02:30", "replay": "100", "train_threads": "2"}
    settings = AppSettings.from_conf(conf)
    assert (settings.training.base, settings.training.replay, settings.training.threads) == (tmp_path, 100, 2)
    assert (settings.retrain_after, settings.retrain_at) == (50, "02:30")
    assert AppSettings.from_conf({}).training.memory_gb is None
    assert AppSettings.from_conf({"train_memory_gb": "2.5"}).training.memory_gb == 2.5
    for wrong in (
        {"train_memory_gb": "0.1"},
        {"train_memory_gb": "much"},
        {"base": "/nowhere"},
        {"retrain_at": "2 am"},
        {"retrain_after": "0"},
        {"retrain_at": "24:00"},
    ):
        with pytest.raises(InvalidInput):
            AppSettings.from_conf(wrong)


@pytest.mark.slow
def test_a_training_in_a_process_of_its_own_ends_with_its_reason_in_its_last_lines(client, studies, monkeypatch):
    monkeypatch.setenv("MONAI_LABEL_APP_DIR", str(ROOT / "monailabel_app"))
    monkeypatch.setenv("MONAI_LABEL_STUDIES", str(studies))
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'lib'}{os.pathsep}{ROOT}")
    assert client.post(f"/train/{NAME}", json={"started_by": "a test"}).status_code == 200
    for _ in range(1200):
        task = client.get("/train/").json()
        if task["status"] not in ("SUBMITTED", "RUNNING"):
            break
        time.sleep(0.5)
    assert task["status"] == "ERROR"
    assert "at least 20 corrections" in " ".join(task["details"])
    assert task["progress"]["state"] == "failed"

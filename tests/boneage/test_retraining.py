"""From corrections to a version that is live, refused or failed, with a status that says so; networks are faked."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_models

from boneage import retraining
from boneage.datasets import Example
from boneage.errors import InvalidData, MemoryExceeded
from boneage.memory_limit import used_bytes
from boneage.models import RESNET50, check_model
from boneage.promotion import Comparison, Ruling
from boneage.registry import Action, Entry, promote, refuse
from boneage.retraining import Plan, next_version, retrain
from boneage.training.corrected import Made
from boneage.training.publish import publish
from boneage.training.status import read_status
from boneage.types import Sex

NAME = "hand_segmenter"


@pytest.fixture
def models(tmp_path, monkeypatch):
    tiny_models.install(monkeypatch)
    return tiny_models.publish_all(tmp_path / "models", "0.2.0")


@pytest.fixture
def steps(monkeypatch, models):
    """Fake the training and the gate, and keep what they were asked."""
    asked = {"trainings": [], "goes_live": True}

    class Room:
        @staticmethod
        def train(options):
            asked["trainings"].append(options)
            if asked.get("fault"):
                raise asked["fault"]

    def gate(name, run, version, ground, started_by, models_dir, suspicious):
        comparison = Comparison("loss", 40, 2.0, 1.0, -1.0, -1.5, -0.5)
        reasons = ("Significantly better.",) if asked["goes_live"] else ("Not significantly better.",)
        figures = {} if asked["goes_live"] or not suspicious else {"suspicious": suspicious()}
        entry = Entry(Action.REFUSED, name, "", version, "", "", started_by, " ".join(reasons), figures=figures)
        return Ruling(asked["goes_live"], reasons, comparison, (), ()), entry

    monkeypatch.setattr(retraining, "import_module", lambda name: Room)
    monkeypatch.setattr(retraining, "try_to_promote", gate)
    monkeypatch.setattr(retraining.Ground, "of", staticmethod(lambda *_: "ground"))
    asked["splits"] = ["held-out"] * 8
    monkeypatch.setattr(retraining, "read_rsna", lambda _: [an_example(split) for split in asked["splits"]])
    return asked


def an_example(split):
    return Example("1", Path("1.png"), Sex.MALE, 100.0, split=split)


@pytest.fixture
def plan(tmp_path, models):
    return Plan(NAME, tmp_path / "run", "a test", models)


def data_with(outlines, ages=0):
    def write(folder):
        folder.mkdir()
        return Made(ages={"train": ages}, outlines=outlines, left_out={"unreadable": 1})

    return write


def test_a_regressor_is_trained_on_with_the_trunk_that_is_live(plan, steps, models):
    name = "bone_age_regressor"
    weights = tiny_models.write_weights(models.with_name("tiny.safetensors"))
    steps["splits"] = ["held-out"] * 8 + ["validation"] * 50
    for family in ("resnet18", None):
        training = {"family": family} if family else {}
        publish(name, weights, "0.2.0", {}, training, models)
        retrain(replace(plan, name=name, run=plan.run / str(family)), data_with(0, ages=60))
        assert steps["trainings"][-1].family == (family or RESNET50)


def test_a_better_model_is_live_and_the_status_says_what_it_learnt_from(plan, steps):
    assert retrain(plan, data_with(30))
    status = read_status(plan.run)
    assert (status["state"], status["version"], status["corrections"]) == ("live", "0.2.1", 30)
    assert (status["started_by"], status["left_out"]) == ("a test", {"unreadable": 1})
    [options] = steps["trainings"]
    assert options.start == check_model(NAME, plan.models_dir).weights
    assert (options.data, options.run) == (plan.run / "data", plan.run)


def test_a_model_that_is_not_better_is_refused_with_the_reason(plan, steps):
    steps["goes_live"] = False
    assert not retrain(plan, data_with(30))
    assert read_status(plan.run)["state"] == "refused"
    assert read_status(plan.run)["reason"] == "Not significantly better."


def test_a_refusal_tells_which_corrections_look_wrong(plan, steps):
    steps["goes_live"] = False
    told = [{"correction": "c" * 32, "image_id": "a", "reader": "R1", "weight": 2.0, "why": "Age far off."}]
    retrain(plan, data_with(30), lambda: told)
    assert read_status(plan.run)["suspicious"] == told


def test_too_few_corrections_begin_no_training(plan, steps):
    with pytest.raises(InvalidData, match="at least 20 corrections that hand_segmenter can learn from, got 19"):
        retrain(plan, data_with(19))
    assert steps["trainings"] == []
    assert read_status(plan.run)["state"] == "failed"
    assert "got 19" in read_status(plan.run)["reason"]


@pytest.mark.parametrize(
    ("name", "splits", "words"),
    [
        (NAME, ["held-out"] * 7, "at least 8 radiographs with an age in the held-out split, got 7"),
        ("bone_age_regressor", ["held-out"] * 8 + ["validation"] * 49, "at least 50 .* validation split, got 49"),
    ],
)
def test_what_could_not_be_compared_is_not_trained(plan, steps, name, splits, words):
    steps["splits"] = splits
    with pytest.raises(InvalidData, match=words):
        retrain(replace(plan, name=name, fewest=0), data_with(30))
    assert steps["trainings"] == []
    assert "base data set" in read_status(plan.run)["reason"]


def test_a_training_that_takes_too_much_memory_ends_with_the_reason(plan, steps, monkeypatch):
    class Greedy:
        @staticmethod
        def train(options):
            taken = []
            for _ in range(600):
                taken.append(bytearray(b"x" * 2**20))
                time.sleep(0.02)

    monkeypatch.setattr(retraining, "import_module", lambda name: Greedy)
    allowed = (used_bytes() + 50 * 2**20) / 2**30
    with pytest.raises(MemoryExceeded):
        retrain(replace(plan, memory_gb=allowed), data_with(30))
    status = read_status(plan.run)
    assert status["state"] == "failed" and "GB were in use" in status["reason"]


def test_a_training_that_fails_leaves_its_reason_and_can_be_taken_up_again(plan, steps):
    steps["fault"] = InvalidData("No radiograph of split validation has an outline.")
    with pytest.raises(InvalidData):
        retrain(plan, data_with(30))
    assert "No radiograph of split validation" in read_status(plan.run)["reason"]
    steps["fault"] = None
    assert retrain(plan, lambda folder: pytest.fail("the data set is there already"))
    assert "reason" in read_status(plan.run) and read_status(plan.run)["state"] == "live"


def test_settings_reach_the_training(plan, steps):
    retrain(replace(plan, epochs=7, rate=0.1, fewest=1), data_with(1))
    [options] = steps["trainings"]
    assert (options.epochs, options.rate) == (7, 0.1)


def test_a_version_is_above_all_that_were_live_or_refused(models, tmp_path):
    assert next_version(NAME, models) == "0.2.1"
    bundle = check_model(NAME, models).weights.parents[1]
    entry = Entry(Action.PROMOTED, NAME, "", "0.2.1", check_model(NAME, models).sha256, "", "a test")
    promote(bundle, models, entry)
    refuse(models, replace(entry, version="0.2.7"))
    assert next_version(NAME, models) == "0.2.8"
    assert next_version("hand_detector", models) == "0.2.1"


def test_a_status_that_is_half_written_counts_as_none(tmp_path):
    (tmp_path / "status.json").write_text(json.dumps({"state": "training"})[:-4])
    assert read_status(tmp_path) == {}

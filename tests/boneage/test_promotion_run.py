"""From a training's run folder to a live version: the gate as the command runs it, with faked networks."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tiny_models
from builders import a_bone_age, an_assessment
from fake_models import a_png

from boneage import assessment, cli, evaluation_run, promotion_measures, promotion_run
from boneage.errors import StoreFailed
from boneage.models import check_bundle, check_model
from boneage.registry import history
from boneage.suspicion import Suspicion

NAME = "bone_age_regressor"
CHILDREN = 40


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Make radiographs of children, half of them girls, whose readers' age is the number of columns."""
    folder = tmp_path / "data"
    lines = ["id,boneage,male"]
    for i in range(CHILDREN):
        columns = 100 + i
        a_png(folder / "boneage-training-dataset" / f"{i}.png", columns)
        lines.append(f"{i},{columns},{bool(i % 2)}")
    (folder / "boneage-training-dataset.csv").write_text("\n".join(lines) + "\n")
    real = promotion_measures.read_rsna
    monkeypatch.setattr(
        promotion_measures, "read_rsna", lambda path: [replace(one, split="held-out") for one in real(path)]
    )
    return folder


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Publish three tiny models, version 1.0.0."""
    tiny_models.install(monkeypatch)
    return tiny_models.publish_all(tmp_path / "models", "1.0.0")


@pytest.fixture
def run(tmp_path):
    """Make a run folder whose weights are not those of the live version."""
    tiny_models.write_weights(tmp_path / "run" / "model.safetensors", first=0.25)
    (tmp_path / "run" / "training.json").write_text(json.dumps({"epochs": 1, "data": "f" * 64}))
    return tmp_path / "run"


@pytest.fixture
def errors(monkeypatch):
    """Let version 1.0.0 err by 10 months, others by what a test says for each sex."""
    wanted = {"female": 5.0, "male": 5.0}

    def load_models(directory=None, threads=None):
        return check_bundle(NAME, directory / NAME).version

    def assess(radiograph, version, *_, **__):
        error = 10.0 if version == "1.0.0" else wanted[radiograph.sex.value]
        wobble = np.random.default_rng(int(radiograph.pixels.sum() * 1e3)).normal(0, 0.5)
        return an_assessment(radiograph, {radiograph.sex: a_bone_age(radiograph.pixels.shape[1] + error + wobble)})

    monkeypatch.setattr(assessment, "load_models", load_models)
    monkeypatch.setattr(assessment, "assess", assess)
    monkeypatch.setattr(promotion_run, "calibrate", lambda *_: 1.0)
    monkeypatch.setattr(promotion_run, "_compile", lambda model: None)
    return wanted


def promote(run, data, models, *more):
    return cli.main(
        ["models", "promote", str(run), NAME, "--version", "2.0.0", "--data", str(data), "--models", str(models), *more]
    )


def test_a_better_candidate_goes_live_and_the_registry_tells_how(run, data, models, errors, capsys):
    assert promote(run, data, models, "--by", "a test") == 0
    assert check_model(NAME, models).version == "2.0.0"
    [entry] = history(models)
    assert (entry.started_by, entry.data, entry.parent) == ("a test", "f" * 64, NAME)
    compared = {one["what"] for one in entry.figures["others"]}
    assert "error of the age, months, female 8-12 years" in compared
    assert "error of the age, months, changed by rotation" in compared
    assert "bone_age_regressor 2.0.0 is live" in capsys.readouterr().out


def test_a_candidate_that_is_worse_for_girls_is_refused_and_the_old_version_stays(run, data, models, errors, capsys):
    errors |= {"female": 12.0, "male": 0.5}
    assert promote(run, data, models) == 1
    assert check_model(NAME, models).version == "1.0.0"
    [entry] = history(models)
    assert "Significantly worse. error of the age, months, female" in entry.reason
    assert "does not go live" in capsys.readouterr().out


def test_a_refusal_names_the_suspicious_corrections_and_a_promotion_does_not_ask(run, data, models, errors):
    suspicion = Suspicion("c" * 32, "image-7", "R1", 3.0, "Age 60 months, the model says 150.")
    asked = []

    def suspicious():
        asked.append(1)
        return [suspicion] * 60

    errors |= {"female": 12.0, "male": 12.0}
    ground = promotion_measures.Ground.of(data)
    ruling, _ = promotion_run.try_to_promote(NAME, run, "2.0.0", ground, "a test", models, suspicious)
    assert not ruling.goes_live and asked == [1]
    [kept] = history(models)
    assert kept.figures["suspicious"] == [suspicion.plain()] * 50
    assert kept.reason.endswith("60 suspicions against corrections: Age 60 months, the model says 150.")
    errors |= {"female": 1.0, "male": 1.0}
    (run / "gate").rename(run / "gate-before")
    assert promotion_run.try_to_promote(NAME, run, "2.0.1", ground, "a test", models, suspicious)[0].goes_live
    assert asked == [1]


def test_a_store_that_fails_after_a_refusal_does_not_lose_it(run, data, models, errors):
    def suspicious():
        raise StoreFailed("The corrections store failed.")

    errors |= {"female": 12.0, "male": 12.0}
    ground = promotion_measures.Ground.of(data)
    promotion_run.try_to_promote(NAME, run, "2.0.0", ground, "a test", models, suspicious)
    [kept] = history(models)
    assert kept.action.value == "refused" and "suspicious" not in kept.figures


def test_what_was_measured_is_not_measured_again(run, data, models, errors, monkeypatch):
    assert promote(run, data, models) == 0
    cli.main(["models", "rollback", NAME, "--models", str(models), "--because", "To see it again.", "--by", "a test"])
    seen = []
    monkeypatch.setattr(evaluation_run, "prediction_row", lambda *_: seen.append(1))
    assert promote(run, data, models) == 0
    assert seen == []
    assert [one.action.value for one in history(models)] == ["promoted", "rolled back", "promoted"]


def test_a_version_that_is_rolled_back_is_not_live_and_the_history_says_why(run, data, models, errors, capsys):
    promote(run, data, models)
    assert cli.main(["models", "rollback", NAME, "--models", str(models), "--because", "Odd in use.", "--by", "B"]) == 0
    assert check_model(NAME, models).version == "1.0.0"
    capsys.readouterr()
    assert cli.main(["models", "history", "--models", str(models)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[1].endswith("rolled back by B: Odd in use.")


def test_without_a_promotion_there_is_nothing_to_roll_back_to(models, capsys):
    assert cli.main(["models", "rollback", NAME, "--models", str(models)]) == 2
    assert "came with the program" in capsys.readouterr().err


def test_an_image_without_a_hand_in_which_only_the_candidate_sees_one_refuses_it():
    row = {"predicted_months": "100", "reference_months": "110", "sex": "male", "error_kind": ""}
    good = row | {"predicted_months": "109"}
    old = promotion_measures.Measured({str(i): row for i in range(20)}, {}, {}, 0)
    new = promotion_measures.Measured({str(i): good for i in range(20)}, {}, {}, 1)
    ruling = promotion_measures.rule_on(NAME, old, new)
    assert not ruling.goes_live
    assert promotion_measures.rule_on(NAME, old, replace(new, hands_seen=0)).goes_live


def test_a_candidate_that_gives_no_age_for_changed_copies_is_refused():
    row = {"predicted_months": "100", "reference_months": "110", "sex": "male", "error_kind": ""}
    good, none = row | {"predicted_months": "109"}, row | {"predicted_months": "", "error_kind": "unreadable_hand"}

    def stressed(*copies):
        strengths = [(str(i), copy) for i, copy in enumerate(copies)]
        return {
            (str(i), "rotation", strength): copy | {"family": "rotation"}
            for i in range(20)
            for strength, copy in strengths
        }

    ages = {str(i): row for i in range(20)}
    old = promotion_measures.Measured(ages, stressed(row, row), {}, 0)
    new = promotion_measures.Measured({key: good for key in ages}, stressed(good, none), {}, 0)
    ruling = promotion_measures.rule_on(NAME, old, new)
    assert "part of the changed copies without an age: 0.500 against 0.000" in " ".join(ruling.reasons)
    assert promotion_measures.rule_on(NAME, old, replace(new, stressed=stressed(good, good))).goes_live

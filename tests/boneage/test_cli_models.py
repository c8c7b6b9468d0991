"""`boneage models`: what it says of good, damaged and missing models."""

import json

import numpy as np
import pytest
import tiny_models

from boneage import cli, runtime
from boneage.models import MODEL_NAMES, check_model
from boneage.spread import Spread
from boneage.training import calibration
from boneage.training.publish import amend_card, publish
from boneage.types import Sex

FIGURES = {"data": "RSNA, held-out", "MAE (months)": {"value": 8.1, "lower": 7.9, "upper": 8.3}, "bias (months)": 0.25}


@pytest.fixture
def models_dir(tmp_path, monkeypatch):
    """Return a models folder with three tiny models."""
    tiny_models.install(monkeypatch)
    weights = tiny_models.write_weights(tmp_path / "run" / "model.safetensors")
    for name in MODEL_NAMES:
        publish(name, weights, "1.2.0", FIGURES if name == "bone_age_regressor" else {}, {}, tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def models(models_dir, capsys):
    """Return a function that runs `boneage models` and gives (exit status, stdout, stderr)."""

    def run(command, *arguments):
        status = cli.main(["models", command, *map(str, arguments), "--models", str(models_dir)])
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def networks(monkeypatch):
    """Put stand-ins in the place of compiled networks; return the names of those compiled, and their answers."""
    compiled, answers = [], {name: np.zeros(3) for name in MODEL_NAMES}

    def a_network(model, threads=None):
        compiled.append(model.name)
        return lambda *inputs: answers[model.name]

    monkeypatch.setattr(runtime, "Network", a_network)
    return compiled, answers


def damage(models_dir, name):
    with (models_dir / name / "models" / "model.safetensors").open("ab") as file:
        file.write(b"x")


def row_of(out, name):
    [row] = [line for line in out.splitlines() if line.startswith(name)]
    return row


def test_the_list_shows_version_sha256_and_figures(models, models_dir):
    status, out, err = models("list")
    assert (status, err) == (0, "")
    row = row_of(out, "bone_age_regressor")
    assert "1.2.0" in row and "OK" in row
    assert check_model("bone_age_regressor", models_dir).sha256[:12] in row
    assert "MAE (months) 8.10 [7.90, 8.30]; bias (months) 0.25" in row
    assert "not measured" in row_of(out, "hand_detector")


def test_the_columns_of_the_list_are_aligned(models):
    header, *rows = models("list")[1].splitlines()
    assert len(rows) == 3
    assert all(row[header.index("version") :].startswith("1.2.0") for row in rows)
    assert all(row[header.index("state") :].startswith("OK") for row in rows)


@pytest.mark.parametrize("command", ["list", "check"])
def test_a_damaged_model_is_refused_with_the_reason_and_status_1(models, models_dir, networks, command):
    damage(models_dir, "hand_segmenter")
    status, out, err = models(command)
    assert status == 1
    assert "refused" in row_of(out, "hand_segmenter")
    assert "OK" in row_of(out, "hand_detector")
    assert "hand_segmenter" in err and "sha256" in err


def test_a_missing_model_is_refused_with_status_1(models, models_dir):
    (models_dir / "hand_detector" / "configs" / "metadata.json").unlink()
    status, out, err = models("list")
    assert status == 1
    assert "refused" in row_of(out, "hand_detector")
    assert "metadata.json" in err


def test_a_check_lets_every_model_answer(models, networks):
    status, out, _ = models("check")
    assert status == 0
    assert networks[0] == list(MODEL_NAMES)
    assert out.count("OK") == 3


def test_a_check_shows_a_regressor_hands_at_the_size_of_its_card(models, models_dir, monkeypatch):
    weights = models_dir.parent / "run" / "model.safetensors"
    publish("bone_age_regressor", weights, "1.3.0", {}, {"image_sizes": [[128, 100]]}, models_dir)
    shown = {}

    def a_network(model, threads=None):
        return lambda image, *_: shown.setdefault(model.name, image.shape) and np.zeros(3)

    monkeypatch.setattr(runtime, "Network", a_network)
    assert models("check")[0] == 0
    assert shown["bone_age_regressor"] == (2, 1, 128, 100)


def test_a_model_that_answers_nonsense_fails_the_check(models, networks):
    networks[1]["hand_detector"] = np.array([0.0, np.nan])
    status, out, err = models("check")
    assert status == 1
    assert "refused" in row_of(out, "hand_detector")
    assert "not finite" in err


def test_compiling_compiles_all_three(models, networks):
    status, out, _ = models("compile")
    assert status == 0
    assert networks[0] == list(MODEL_NAMES)
    assert out.count("compiled") == 3


def test_a_damaged_model_is_not_compiled(models, models_dir, networks):
    damage(models_dir, "hand_segmenter")
    status, _, err = models("compile")
    assert status == 2
    assert "hand_segmenter" not in networks[0]
    assert "hand_segmenter" in err


def test_publishing_takes_weights_recipe_and_figures(models, models_dir, tmp_path):
    run = tmp_path / "run"
    tiny_models.write_weights(run / "model.safetensors", first=0.75)
    (run / "training.json").write_text('{"epochs": 10}')
    figures = tmp_path / "figures.json"
    figures.write_text(json.dumps(FIGURES))
    status, out, err = models(
        "publish", run, "bone_age_regressor", "--version", "2.0.0", "--figures", figures, "--changes", "Sees more."
    )
    assert status == 0
    assert "Published bone_age_regressor 2.0.0" in out
    assert "boneage models calibrate" in err
    card = check_model("bone_age_regressor", models_dir).card
    assert (card["version"], card["training"], card["figures"]) == ("2.0.0", {"epochs": 10}, FIGURES)
    assert card["changelog"]["2.0.0"] == "Sees more."


def test_publishing_an_unknown_model_names_the_known_ones(models, tmp_path):
    status, _, err = models("publish", tmp_path, "hand_finder", "--version", "1")
    assert status == 2
    assert all(name in err for name in MODEL_NAMES)


def test_calibrating_tells_temperature_and_coverage(models, monkeypatch, tmp_path):
    asked = []

    def fake(data, folder, workers):
        asked.append((data, workers))
        told = {"split": "validation", "radiographs": 300, "coverage_90": 0.901, "coverage_90_before": 0.8}
        amend_card("bone_age_regressor", {"temperature": 1.5, "calibration": told}, folder)
        return Spread(1.5, {Sex.MALE: (0.8,) * 10 + (1.1,) * 10}, {Sex.MALE: (0.0, 0.7)})

    monkeypatch.setattr(calibration, "calibrate", fake)
    status, out, _ = models("calibrate", "--data", tmp_path, "--workers", 1)
    assert (status, asked) == (0, [(tmp_path, 1)])
    assert "Temperature 1.500" in out and "90.1%" in out and "80.0%" in out
    assert "The rarest young age, male: favoured 2.0 times" in out
    assert "By age, male: stretched by 0.80 to 1.10" in out and "female" not in out

"""Publishing: weights, metadata and card come into the models folder together, or not at all."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tiny_models
import torch
from safetensors.torch import load_file

from boneage.datasets import split_by_id
from boneage.errors import InvalidData, InvalidInput, ModelRefused, OutputFailed
from boneage.evaluation_report import evaluate_predictions, evaluation_json
from boneage.models import MODEL_NAMES, check_model
from boneage.predictions import Predictions
from boneage.training import publish as publishing
from boneage.training.card_figures import figures_from
from boneage.training.publish import amend_card, publish, training_of

FIGURES = {"data": "RSNA, split held-out, 1000 radiographs", "MAE (months)": {"value": 8.1, "lower": 7.9, "upper": 8.3}}
RECIPE = {"epochs": 10, "seed": 2017, "radiographs": {"train": 10213}}
MANDATORY_IN_A_MONAI_BUNDLE = (
    "version monai_version pytorch_version numpy_version required_packages_version task description authors copyright "
    "network_data_format"
)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    tiny_models.install(monkeypatch)


@pytest.fixture
def put(tmp_path):
    """Return a function that publishes tiny weights."""

    def run(version="1.0.0", name="bone_age_regressor", figures=FIGURES, first=0.5, **weights):
        path = tiny_models.write_weights(tmp_path / "run" / "model.safetensors", first, **weights)
        return publish(name, path, version, figures, RECIPE, tmp_path / "models")

    return run


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_a_published_model_is_accepted_and_describes_itself(put, tmp_path, name):
    bundle = put("1.2.0", name)
    model = check_model(name, tmp_path / "models")
    assert bundle == tmp_path / "models" / name
    assert (model.version, model.card["name"], model.card["training"]) == ("1.2.0", name, RECIPE)
    assert set(MANDATORY_IN_A_MONAI_BUNDLE.split()) <= model.card.keys()
    assert set(content_of(bundle)) == {"configs/metadata.json", "docs/README.md", "models/model.safetensors"}
    assert "image" in model.card["network_data_format"]["inputs"]


def test_a_regressors_card_names_its_trunk_and_without_one_the_papers(put, tmp_path):
    put()
    model = check_model("bone_age_regressor", tmp_path / "models")
    assert model.family == "ResNet50" and model.card["description"].startswith("ResNet50 with one")
    weights = tiny_models.write_weights(tmp_path / "model.safetensors")
    publish("bone_age_regressor", weights, "2.0.0", {}, {"family": "resnet18"}, tmp_path / "models")
    model = check_model("bone_age_regressor", tmp_path / "models")
    assert model.family == "resnet18" and model.card["description"].startswith("resnet18 with one")


def test_the_card_for_people_tells_what_the_metadata_tells(put):
    bundle = put("1.2.0")
    card = json.loads((bundle / "configs" / "metadata.json").read_text())
    text = (bundle / "docs" / "README.md").read_text()
    assert card["sha256"] in text
    assert "Bone age regressor 1.2.0" in text
    assert "8.10 [7.90, 8.30]" in text and FIGURES["data"] in text
    assert "Radiology 2019;290(2):498-503" in text and "non-commercial" in text and "re-identify" in text
    assert "Not a medical device" in text
    assert "| epochs | 10 |" in text and "train 10213" in text
    for split, count in Counter(split_by_id().values()).items():
        assert f"{split} {count}" in text


def test_everyone_may_read_the_published_files(put):
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in put().rglob("*"))


def test_a_card_without_figures_says_so(put):
    assert "Not measured yet." in (put(figures={}) / "docs" / "README.md").read_text()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_weights_are_published_in_half_precision(put, dtype):
    layers = load_file(str(put(dtype=dtype) / "models" / "model.safetensors"))
    assert {layer.dtype for layer in layers.values()} == {torch.float16}
    assert layers["weight"].tolist() == [[0.5, 1.0], [2.0, 3.0]]


BROKEN = {
    "another shape": {"weight": torch.zeros(3, 2)},
    "one layer more": {"other": torch.zeros(2)},
    "not a number": {"bias": torch.tensor([float("nan"), 0.0])},
    "too large for half precision": {"bias": torch.tensor([1e6, 0.0]), "dtype": torch.float32},
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_weights_that_are_not_this_networks_are_refused_and_the_good_model_stays(put, broken):
    bundle = put()
    before = content_of(bundle)
    with pytest.raises(ModelRefused):
        put("2.0.0", **broken)
    assert content_of(bundle) == before


def test_a_file_that_holds_no_weights_is_refused(tmp_path):
    nonsense = tmp_path / "model.safetensors"
    nonsense.write_bytes(b"not weights at all")
    for path in (nonsense, tmp_path / "missing.safetensors"):
        with pytest.raises(ModelRefused, match="Cannot read the weights"):
            publish("hand_detector", path, "1.0.0", {}, {}, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["write the weights", "write the card", "move it in"])
def test_a_publish_that_stops_half_way_leaves_the_good_model(put, tmp_path, monkeypatch, step, fault):
    before = content_of(put("1.0.0"))
    rename = Path.rename

    def fail(*_):
        raise fault

    def rename_out_only(path, to):
        return fail() if path.parent.name.startswith(".publish") and path.name != "before" else rename(path, to)

    with monkeypatch.context() as patch:
        if step == "move it in":
            patch.setattr(Path, "rename", rename_out_only)
        else:
            patch.setattr(publishing, f"_{step.replace(' the ', '_')}", fail)
        with pytest.raises(OutputFailed if isinstance(fault, OSError) else KeyboardInterrupt):
            put("2.0.0", first=0.75)
    assert content_of(tmp_path / "models" / "bone_age_regressor") == before
    assert check_model("bone_age_regressor", tmp_path / "models").version == "1.0.0"
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["bone_age_regressor"]


def test_new_weights_start_uncalibrated_and_the_same_weights_keep_their_temperature(put, tmp_path):
    put("1.0.0")
    amend_card("bone_age_regressor", {"temperature": 1.7}, tmp_path / "models")
    put("1.0.1")
    assert check_model("bone_age_regressor", tmp_path / "models").card["temperature"] == 1.7
    put("2.0.0", first=0.75)
    assert check_model("bone_age_regressor", tmp_path / "models").card["temperature"] == 1.0


def test_an_amended_card_changes_for_people_too_and_the_weights_stay(put, tmp_path):
    before = content_of(put())
    calibration = {"split": "validation", "radiographs": 300, "coverage_90": 0.9, "coverage_90_before": 0.8123}
    after = content_of(
        amend_card("bone_age_regressor", {"temperature": 1.7, "calibration": calibration}, tmp_path / "models")
    )
    assert after["models/model.safetensors"] == before["models/model.safetensors"]
    assert json.loads(after["configs/metadata.json"])["temperature"] == 1.7
    assert "Temperature 1.7" in after["docs/README.md"].decode()
    assert "81.2 %" in after["docs/README.md"].decode()


def test_a_card_that_was_not_published_is_not_amended(put, tmp_path):
    metadata = put() / "configs" / "metadata.json"
    card = json.loads(metadata.read_text())
    metadata.write_text(json.dumps({"version": card["version"], "sha256": card["sha256"]}))
    with pytest.raises(ModelRefused, match="models publish"):
        amend_card("bone_age_regressor", {"temperature": 1.7}, tmp_path / "models")


def test_the_changelog_keeps_the_earlier_versions(put, tmp_path):
    put("1.0.0")
    put("1.1.0", first=0.75)
    assert list(check_model("bone_age_regressor", tmp_path / "models").card["changelog"]) == ["1.1.0", "1.0.0"]


def test_what_says_too_little_is_refused(put, tmp_path):
    with pytest.raises(InvalidInput, match="measured on"):
        put(figures={"MAE (months)": 8.1})
    with pytest.raises(InvalidInput, match="version"):
        put(" ")
    with pytest.raises(InvalidInput, match="hand_detector"):
        put(name="hand_finder")
    assert not (tmp_path / "models").exists()


# Recipe and figures


def test_a_run_folder_tells_of_its_training(tmp_path):
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "metrics.csv").write_text(
        "epoch,lr,step,train_loss,validation_mae_months\n0,,9,0.5,\n0,,9,,12.5\n1,,19,,9.25\n,0.1,19,,\n"
    )
    (tmp_path / "data.json").write_text('{"train": 7, "validation": 3}')
    assert training_of(tmp_path) == {
        "radiographs": {"train": 7, "validation": 3},
        "epochs": 2,
        "validation_mae_months": 9.25,
    }
    (tmp_path / "training.json").write_text('{"epochs": 10, "seed": 4}')
    assert training_of(tmp_path)["epochs"] == 10


def test_a_run_folder_with_nothing_in_it_tells_nothing(tmp_path):
    assert training_of(tmp_path) == {}


def test_a_broken_recipe_is_refused(tmp_path):
    (tmp_path / "training.json").write_text("{")
    with pytest.raises(InvalidData, match=r"training\.json"):
        training_of(tmp_path)


@pytest.fixture
def metrics(tmp_path):
    """Return the metrics.json of two radiographs, 4 months too old and 2 too young."""
    reference, error = np.array([100.0, 100.0]), np.array([4.0, -2.0])
    texts = np.array(["1", "2"])
    predictions = Predictions(
        texts, np.array(["", ""]), np.array(["held-out"] * 2), np.array(["male", "female"]), reference,
        reference + error, reference - 3, reference + 3, {"no_hand": 1}, 0, ("regression 1.0.0",),
    )  # fmt: skip
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(evaluation_json(evaluate_predictions(predictions, "rsna", "held-out"))))
    return path


def test_figures_are_taken_from_an_evaluation(metrics):
    figures = figures_from(metrics, "bone_age_regressor")
    assert figures["data"] == "rsna, split held-out, 3 radiographs"
    assert figures["MAE (months)"]["value"] == 3
    assert figures["MAE, male (months)"]["value"] == 4
    assert figures["bias (months)"]["value"] == 1
    assert figures["share within 12 months"]["value"] == 1
    assert figures["radiographs without a bone age"] == 1


@pytest.mark.parametrize("name", ["hand_detector", "hand_segmenter"])
def test_an_evaluation_of_ages_gives_no_figures_for_the_other_models(metrics, name):
    with pytest.raises(InvalidInput, match=name):
        figures_from(metrics, name)


def test_figures_of_ones_own_are_taken_as_they_are(tmp_path):
    path = tmp_path / "figures.json"
    path.write_text(json.dumps(FIGURES))
    assert figures_from(path, "hand_detector") == FIGURES


@pytest.mark.parametrize("text", ["{", "[1, 2]"])
def test_figures_that_are_none_are_refused(tmp_path, text):
    path = tmp_path / "figures.json"
    path.write_text(text)
    with pytest.raises(InvalidInput):
        figures_from(path, "hand_detector")

"""The mean of two trainings' weights: halfway in every layer, and said so."""

import json

import mean_of_weights
import torch
from click.testing import CliRunner

from boneage.training.families import network_of
from boneage.weights import save_weights

FAMILY = "tf_efficientnet_lite0"


def a_run(folder, value, family=FAMILY):
    folder.mkdir()
    recipe = {"family": family, "epochs": 2, "image_sizes": [[80, 64]], "validation_mae_months": 7.0}
    (folder / "training.json").write_text(json.dumps(recipe))
    network = network_of(FAMILY)
    with torch.no_grad():
        for layer in network.parameters():
            layer.fill_(value)
    save_weights(network, folder / "model.safetensors")
    return folder


def test_the_mean_lies_halfway_and_has_the_seconds_recipe(tmp_path):
    first, second = a_run(tmp_path / "first", 0.25), a_run(tmp_path / "second", 0.75)
    told = CliRunner().invoke(mean_of_weights.main, [str(first), str(second), "--out", str(tmp_path / "mean")])
    assert told.exit_code == 0, told.output
    mean = network_of(FAMILY, tmp_path / "mean" / "model.safetensors")
    assert all((layer == 0.5).all() for layer in mean.parameters())
    recipe = json.loads((tmp_path / "mean" / "training.json").read_text())
    assert (recipe["mean_with"], recipe["epochs"]) == ("first", 2)
    assert "validation_mae_months" not in recipe  # those are the second's


def test_two_families_have_no_mean(tmp_path):
    first, second = a_run(tmp_path / "a", 0.1), a_run(tmp_path / "b", 0.1, family="ResNet50")
    told = CliRunner().invoke(mean_of_weights.main, [str(first), str(second), "--out", str(tmp_path / "mean")])
    assert told.exit_code == 2 and "one family" in told.output
    assert not (tmp_path / "mean").exists()

"""Training in rounds: what each begins with, where the mean lies, and that the hands are looked for once."""

import json

import pytest
import torch

from boneage.errors import ModelRefused
from boneage.models import RESNET50
from boneage.training import rounds
from boneage.training.families import network_of
from boneage.training.options import FAMILY, TrainOptions
from boneage.training.upright import HANDS
from boneage.weights import save_weights


def filled(run, value, family=FAMILY):
    """Make a run folder whose network's layers are all `value`."""
    run.mkdir(parents=True, exist_ok=True)
    recipe = {"family": family, "epochs": 2, "validation_mae_months": 7.0}
    (run / "training.json").write_text(json.dumps(recipe))
    network = network_of(family)
    with torch.no_grad():
        for layer in network.parameters():
            layer.fill_(value)
    return save_weights(network, run / "model.safetensors")


def layers(weights):
    """Return the one number that all layers of a network are filled with."""
    values = {float(value) for layer in network_of(FAMILY, weights).parameters() for value in layer.unique()}
    assert len(values) == 1
    return values.pop()


@pytest.fixture
def trainings(monkeypatch):
    """Replace the training by one that fills the layers with 0 at first, with 1 going on; return what was asked."""
    asked = []

    def train(options):
        asked.append(options)
        if options.start is None:
            options.run_folder("bone_age_regressor").joinpath(HANDS).write_text("found")
        assert (options.run / HANDS).read_text() == "found"
        return filled(options.run, 0.0 if options.start is None else 1.0)

    monkeypatch.setattr(rounds.regression, "train", train)
    return asked


def test_each_round_goes_on_from_the_mean_before(trainings, tmp_path):
    run = tmp_path / "run"
    weights = rounds.train(TrainOptions(tmp_path, run=run, epochs=17, rate=0.1, rounds=2))
    first, second, third = trainings
    assert (first.run, first.epochs, first.rate) == (run, 17, 0.1)
    assert (second.run, second.start) == (run / "round-1", run / "model.safetensors")
    assert (third.run, third.start) == (run / "round-2", run / "mean-1" / "model.safetensors")
    assert (second.epochs, second.rate) == (None, None)  # the recipe's for going on
    assert len({options.seed for options in trainings}) == 3
    assert (layers(third.start), layers(weights)) == (0.5, 0.75)
    assert weights == run / "mean-2" / "model.safetensors"
    recipe = json.loads((run / "mean-2" / "training.json").read_text())
    assert (recipe["mean_with"], recipe["epochs"]) == ("mean-1", 2)
    assert "validation_mae_months" not in recipe  # those are of the round alone


def test_without_rounds_the_recipe_is_all(trainings, tmp_path):
    assert layers(rounds.train(TrainOptions(tmp_path, run=tmp_path / "run"))) == 0.0
    assert len(trainings) == 1 and not (tmp_path / "run" / "mean-1").exists()


def test_two_families_have_no_mean(tmp_path):
    filled(tmp_path / "a", 0.1), filled(tmp_path / "b", 0.1, RESNET50)
    with pytest.raises(ModelRefused, match="does not fit the network"):
        rounds.keep_mean(tmp_path / "a", tmp_path / "b", tmp_path / "mean")
    assert not (tmp_path / "mean").exists()

"""Small trainings side by side: each is measured on the held-out hands, and those that are done are not done again."""

import csv

import numpy as np
import pytest
import torch
import what_limits
from click import ClickException
from click.testing import CliRunner
from drawn_hands import make_rsna
from small_net import ASmallNet

from boneage.frames import OUTLINE_FRAME
from boneage.networks import BoneAgeNet
from boneage.training import regression
from boneage.training.hands import marked_hands
from boneage.training.upright import FoundHand
from boneage.weights import load_weights


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs the tool on drawn hands and returns its rows."""
    data = make_rsna(tmp_path / "rsna", train=8)
    marked = {
        hand.example.id: hand for split in ("train", "validation", "held-out") for hand in marked_hands(data, split)
    }
    mask = np.full((OUTLINE_FRAME.rows, OUTLINE_FRAME.columns // 8), 255, np.uint8)

    def find_hands(examples, kept, models_dir=None):
        kept.touch()
        return [FoundHand(one, marked[one.id].annotation.key_points, mask) for one in examples]

    monkeypatch.setattr(what_limits, "find_hands", find_hands)
    monkeypatch.setattr(regression, "find_hands", find_hands)
    monkeypatch.setattr(regression, "BATCH", 2)
    monkeypatch.setattr(what_limits, "network_of", lambda trial: ASmallNet())
    monkeypatch.setattr(what_limits, "PARTS", (0.5, 1.0))
    monkeypatch.setattr(what_limits, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()

    def made():
        arguments = ["--data", str(data), "--out", str(tmp_path / "out"), "--passes", "1", "--view", "40", "32"]
        result = CliRunner().invoke(what_limits.main, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        with (tmp_path / "out" / "limits.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    return made


def test_parts_of_the_radiographs_are_seen_as_often_in_all_as_the_whole(run, tmp_path):
    rows = run()
    assert [(row["family"], row["radiographs"], row["passes"]) for row in rows] == [
        ("ResNet50", "4", "2"),
        ("ResNet50", "8", "1"),
        ("tf_efficientnet_lite0", "8", "1"),
    ]
    assert all(0 < float(row["mae_months"]) < 228 for row in rows)
    assert (tmp_path / "docs" / "limits.png").stat().st_size > 5_000


def test_a_training_that_is_done_is_not_done_again(run, monkeypatch):
    first = run()
    monkeypatch.setattr(what_limits, "fit", lambda *_: pytest.fail("trained again"))
    assert run() == first


def test_another_family_is_filled_layer_by_layer_whatever_the_names(tmp_path):
    trial = what_limits.Trial("tf_efficientnet_lite0", start=tmp_path / "weights.pth")
    other = what_limits.network_of(what_limits.Trial("tf_efficientnet_lite0")).trunk.state_dict()
    values = {f"layer{number}": value for number, value in enumerate(other.values()) if value.ndim}
    values["layer0"] = values["layer0"].repeat(1, 3, 1, 1)
    torch.save({**values, "classes": torch.zeros(1000, 1280)}, trial.start)
    trunk = what_limits.network_of(trial).trunk.state_dict()
    assert torch.allclose(trunk["conv_stem.weight"], 3 * other["conv_stem.weight"])
    assert torch.equal(trunk["conv_head.weight"], other["conv_head.weight"])
    torch.save({"layer": torch.zeros(3, 3)}, trial.start)
    with pytest.raises(ClickException, match="does not hold the layers"):
        what_limits.network_of(trial)


def test_another_family_takes_and_gives_what_the_resnet50_does_and_is_kept_like_it(tmp_path):
    network = what_limits.network_of(what_limits.Trial("tf_efficientnet_lite0")).eval()
    assert network(torch.zeros(2, 1, 64, 48), torch.zeros(2, 1)).shape == (2, 240)
    weights = what_limits.keep_weights(network, tmp_path)
    load_weights(what_limits.network_of(what_limits.Trial("tf_efficientnet_lite0")), weights)
    assert isinstance(what_limits.network_of(what_limits.Trial("ResNet50")), BoneAgeNet)

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from boneage import cli, cli_train
from boneage.training.options import TrainOptions


@pytest.fixture
def train(monkeypatch, tmp_path):
    """Return a function that runs `boneage train ROOM` with a training that keeps its options and does nothing."""
    for name in ("RANK", "LOCAL_RANK", "NODE_RANK"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str) -> tuple[int, list[tuple[str, TrainOptions]]]:
        asked = []

        def import_module(name):
            return SimpleNamespace(train=lambda options: asked.append((name, options)) or Path("runs/it/w.safetensors"))

        monkeypatch.setattr(cli_train, "import_module", import_module)
        return cli.main(["train", *words, "--data", str(tmp_path)]), asked

    return run


@pytest.mark.parametrize(
    ("model", "room"), [("detector", "detection"), ("segmenter", "segmentation"), ("regressor", "rounds")]
)
def test_without_options_a_training_has_the_librarys_own_defaults(train, tmp_path, model, room):
    status, asked = train(model)
    assert (status, asked) == (0, [(f"boneage.training.{room}", TrainOptions(tmp_path))])


def test_every_option_reaches_the_training_as_a_value(train, tmp_path):
    start = tmp_path / "start.safetensors"
    start.touch()
    numbers = (
        "--epochs",
        "3",
        "--seed",
        "5",
        "--devices",
        "2",
        "--nodes",
        "4",
        "--workers",
        "0",
        "--limit",
        "9",
        "--rate",
        "0.001",
    )
    paths = ("--run", str(tmp_path / "run"), "--start", str(start))
    [(_, options)] = train("regressor", *numbers, *paths, "--precision", "bf16", "--fresh", "--rounds", "2")[1]
    assert options == TrainOptions(
        data=tmp_path,
        run=tmp_path / "run",
        epochs=3,
        seed=5,
        devices="2",
        nodes=4,
        precision="bf16",
        workers=0,
        resume=False,
        limit=9,
        rate=0.001,
        start=start,
        rounds=2,
    )


def test_the_command_says_where_the_weights_are_and_what_to_do_next(train, capsys):
    train("segmenter")
    said = capsys.readouterr().out
    assert "Weights: runs/it/w.safetensors" in said
    assert "boneage models publish runs/it hand_segmenter --version" in said


def test_only_the_first_of_several_processes_speaks(train, capsys, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    train("segmenter")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("option", "value"),
    [("--devices", "two"), ("--devices", "0"), ("--seed", "-1"), ("--start", "nowhere"), ("--epochs", "0")],
)
def test_an_option_that_cannot_be_meant_is_refused_before_any_work(train, capsys, option, value):
    status, asked = train("detector", option, value)
    assert (status, asked) == (2, [])
    assert option in capsys.readouterr().err


def test_a_teacher_is_a_family_and_a_file(train, tmp_path, capsys):
    (tmp_path / "weights.safetensors").touch()
    [(_, options)] = train("regressor", "--teacher", f"tf_efficientnet_lite0={tmp_path / 'weights.safetensors'}")[1]
    assert options.teacher == ("tf_efficientnet_lite0", tmp_path / "weights.safetensors")
    status, asked = train("regressor", "--teacher", "tf_efficientnet_lite0")
    assert status == 2 and not asked
    assert "expected FAMILY=FILE" in capsys.readouterr().err


def test_a_network_of_another_family_is_named_and_published_like_any(train, capsys):
    [(_, options)] = train("regressor", "--family", "ResNet50")[1]
    assert options.family == "ResNet50"
    assert "models publish runs/it bone_age_regressor" in capsys.readouterr().out

import csv

import numpy as np
import pytest
import torch

from boneage.networks import build_detector
from boneage.training import detection
from boneage.training.options import TrainOptions
from boneage.weights import load_weights, save_weights


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(detection, "SIDE", 64)
    monkeypatch.setattr(detection, "BATCH", 2)


@pytest.fixture
def options(rsna, tmp_path):
    return TrainOptions(rsna, run=tmp_path / "run", epochs=1, limit=2, workers=0, precision="32")


def first_batch(options):
    torch.manual_seed(options.seed)
    return next(iter(detection.Scenes(options).train_dataloader()))


def test_a_training_leaves_weights_that_fit_metrics_and_a_picture(options):
    weights = detection.train(options)
    assert weights == options.run / "model.safetensors"
    load_weights(build_detector(), weights)
    with (options.run / "metrics" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert any(row["validation_recall"] for row in rows)
    assert (options.run / "metrics.png").exists()


def test_the_same_seed_gives_the_same_first_batch(options):
    first, again = first_batch(options), first_batch(options)
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_a_batch_carries_boxes_and_points_as_fractions_with_the_number_of_their_picture(options):
    batch = first_batch(options)
    hands = len(batch["bboxes"])
    assert batch["img"].shape == (2, 1, 64, 64)
    assert batch["keypoints"].shape == (hands, 3, 2)
    assert batch["cls"].shape == (hands, 1) and set(batch["batch_idx"].tolist()) <= {0.0, 1.0}
    assert batch["bboxes"].min() >= 0 and batch["bboxes"].max() <= 1


def test_validation_shows_whole_radiographs_unchanged(options):
    [first], [again] = (list(detection.Scenes(options).val_dataloader()) for _ in range(2))
    assert len(first["img"]) == 2 and torch.equal(first["img"], again["img"])


def test_a_training_may_begin_with_given_weights(options, monkeypatch, tmp_path):
    torch.manual_seed(5)
    start = save_weights(build_detector(), tmp_path / "start.safetensors")
    begun = []
    monkeypatch.setattr(detection, "fit", lambda module, *rest: begun.append(module.network))
    detection.train(TrainOptions(options.data, run=options.run, limit=2, start=start))
    given = load_weights(build_detector(), start).state_dict()
    assert all(torch.equal(value, given[name]) for name, value in begun[0].state_dict().items())


def test_the_overlap_of_boxes_is_that_of_their_areas():
    boxes = torch.tensor([[10.0, 10.0, 10.0, 10.0], [10.0, 10.0, 10.0, 10.0]])
    others = torch.tensor([[15.0, 10.0, 10.0, 10.0], [50.0, 50.0, 5.0, 5.0]])
    assert detection._iou(boxes, others).numpy() == pytest.approx(np.array([1 / 3, 0.0]))

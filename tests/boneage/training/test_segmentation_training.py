import csv

import numpy as np
import pytest
import torch
from drawn_hands import draw_hand, ids_of

from boneage.errors import InvalidData
from boneage.frames import OUTLINE_FRAME
from boneage.geometry import frame_from_radiograph
from boneage.imaging import cut
from boneage.networks import build_segmenter
from boneage.training import segmentation
from boneage.training.hands import PixelStore, marked_hands
from boneage.training.options import TrainOptions
from boneage.training.segmentation import OutlinedHands, Outlines, SegmenterTraining, draw_mask
from boneage.weights import load_weights


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(segmentation, "REPEATS", 1)
    monkeypatch.setattr(segmentation, "BATCH", 2)


@pytest.fixture
def options(rsna, tmp_path):
    return TrainOptions(rsna, run=tmp_path / "run", epochs=1, limit=2, workers=0, precision="32")


def first_batch(options):
    torch.manual_seed(options.seed)
    return next(iter(Outlines(options).train_dataloader()))


def test_a_training_leaves_weights_that_fit_metrics_and_a_picture(options):
    weights = segmentation.train(options)
    load_weights(build_segmenter(), weights)
    with (options.run / "metrics" / "metrics.csv").open() as file:
        assert any(row["validation_dice"] for row in csv.DictReader(file))
    assert (options.run / "metrics.png").exists()


def test_a_training_that_was_cut_off_goes_on_with_the_next_epoch(options, monkeypatch):
    from dataclasses import replace

    monkeypatch.setattr(segmentation, "build_segmenter", lambda: torch.nn.Conv2d(1, 1, 3, padding=1))
    seen = []

    def training_step(self, batch, number):
        seen.append(self.current_epoch)
        if seen == [0, 1]:
            raise MemoryError("stopped by the test")
        return original(self, batch, number)

    original = SegmenterTraining.training_step
    monkeypatch.setattr(SegmenterTraining, "training_step", training_step)
    with pytest.raises(MemoryError):
        segmentation.train(replace(options, epochs=2))
    segmentation.train(replace(options, epochs=2))
    assert seen == [0, 1, 1]


def test_the_same_seed_gives_the_same_first_batch_and_another_seed_another(options):
    from dataclasses import replace

    first, again = first_batch(options), first_batch(options)
    other = first_batch(replace(options, seed=1))
    assert all(torch.equal(*pair) for pair in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


def test_only_train_and_validation_hands_are_shown(options):
    from dataclasses import replace

    outlines = Outlines(replace(options, limit=None))
    used = {split: [hand.example.id for hand in hands] for split, hands in outlines._sets.items()}
    assert used == {"train": ids_of("train", 5), "validation": ids_of("validation", 2)}


def test_a_folder_without_outlines_is_refused(options, monkeypatch):
    monkeypatch.setattr(segmentation, "marked_hands", lambda data, split: [])
    with pytest.raises(InvalidData, match="No radiograph of split train has an outline"):
        Outlines(options)


def test_a_drawn_outline_lies_on_the_bright_hand_upright_and_on_the_file(rsna):
    store = PixelStore()
    for hand in marked_hands(rsna, "train"):  # mirrored ones among them, all squashed
        piece, mask = OutlinedHands([hand])[0]
        bright = piece[0] > 0.35
        assert (bright & (mask[0] > 0)).sum() / (bright | (mask[0] > 0)).sum() > 0.85
        pixels = store(hand.example)
        on_file = draw_mask(hand, pixels.shape, np.eye(3)[:2], *pixels.shape) > 0
        assert (on_file & (pixels > 0.3)).sum() / (on_file | (pixels > 0.3)).sum() > 0.85


def test_the_mask_follows_the_jitter_of_its_hand(rsna):
    [hand] = marked_hands(rsna, "train")[:1]
    outlined = OutlinedHands([hand], seed=2017, repeats=6)
    for index in range(len(outlined)):
        piece, mask = outlined[index]
        assert piece.shape == mask.shape == (1, OUTLINE_FRAME.rows, OUTLINE_FRAME.columns)
        assert set(np.unique(mask)) <= {0.0, 1.0}
        assert abs(piece[mask > 0].mean() - piece[mask == 0].mean()) > 0.1


def test_holes_are_cut_out_of_the_mask(rsna):
    from dataclasses import replace

    [hand] = marked_hands(rsna, "train")[:1]
    hole = np.array([[0.4, 0.5], [0.5, 0.5], [0.5, 0.6], [0.4, 0.6]])
    holed = replace(hand, annotation=replace(hand.annotation, holes=(hole,)))
    whole, with_hole = (draw_mask(one, (96, 96), np.eye(3)[:2], 96, 96) for one in (hand, holed))
    assert 60 < (whole - with_hole).sum() < 140


def test_training_and_inference_see_the_same_view(rsna):
    from boneage.datasets import radiograph_of
    from boneage.imaging import stretched

    [hand] = marked_hands(rsna, "train")[:1]
    radiograph = radiograph_of(hand.example)
    upright = frame_from_radiograph(hand.pose(*radiograph.pixels.shape), radiograph.pixel_aspect, OUTLINE_FRAME)
    deployed = stretched(cut(radiograph.pixels, upright, OUTLINE_FRAME.rows, OUTLINE_FRAME.columns))
    assert OutlinedHands([hand])[0][0][0] == pytest.approx(deployed, abs=0.02)
    assert draw_hand().max() == 240

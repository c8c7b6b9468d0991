import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from drawn_hands import MIDDLE_TIP, ids_of
from small_net import ASmallNet

from boneage.datasets import radiograph_of, read_annotations, read_larger, read_rsna
from boneage.errors import InvalidData, ModelRefused, NoHandFound
from boneage.frames import AGE_FRAME, OUTLINE_FRAME
from boneage.geometry import frame_from_radiograph
from boneage.imaging import cut
from boneage.models import RESNET50
from boneage.networks import BoneAgeNet
from boneage.regression import MASK_MARGIN, age_view
from boneage.training import hand_views, regression, stages, upright
from boneage.training.augmentation import random_copy
from boneage.training.hand_views import Hands, UprightHands
from boneage.training.hands import PixelStore, marked_hands
from boneage.training.options import FAMILY, TrainOptions
from boneage.training.regression import RegressorTraining
from boneage.training.segmentation import draw_mask
from boneage.training.stages import Stage, Stages
from boneage.training.upright import FoundHand
from boneage.types import Hand, HandBox
from boneage.weights import load_weights


def true_mask(hand):
    """Return the packed upright mask that a perfect segmenter would give."""
    shape = PixelStore()(hand.example).shape
    transform = frame_from_radiograph(hand.pose(*shape), hand.example.pixel_aspect, OUTLINE_FRAME)
    return np.packbits(draw_mask(hand, shape, transform) > 0.5, axis=1)


@pytest.fixture(autouse=True)
def small(monkeypatch, rsna):
    """Small pictures, and hands found where they were drawn."""
    monkeypatch.setattr(stages, "STAGES", (Stage(40, 32, 1, 0.8), Stage(48, 40, 1, 0.1)))
    for module in (hand_views, regression):
        monkeypatch.setattr(module, "BATCH", 2)
    marked = {hand.example.id: hand for split in ("train", "validation") for hand in marked_hands(rsna, split)}
    masks = {id: true_mask(hand) for id, hand in marked.items()}

    def find_hands(examples, kept, models_dir):
        return [FoundHand(one, marked[one.id].annotation.key_points, masks[one.id]) for one in examples]

    monkeypatch.setattr(hand_views, "find_hands", find_hands)


@pytest.fixture
def options(rsna, tmp_path):
    (tmp_path / "run").mkdir()
    return TrainOptions(rsna, run=tmp_path / "run", epochs=2, limit=2, workers=0, precision="32")


def hands_of(options):
    hands = Hands(options, options.run, Stages.of(options.epochs))
    hands.prepare_data()
    hands.setup("fit")
    return hands


def first_batch(options):
    torch.manual_seed(options.seed)
    return next(iter(hands_of(options).train_dataloader()))


def test_a_training_leaves_weights_that_fit_metrics_and_what_it_was_trained_on(options):
    weights = regression.train(options)
    load_weights(BoneAgeNet(FAMILY), weights)
    with (options.run / "metrics" / "metrics.csv").open() as file:
        assert sum(bool(row["validation_mae_months"]) for row in csv.DictReader(file)) == 2
    assert (options.run / "metrics.png").exists()
    assert json.loads((options.run / "data.json").read_text()) == {"train": 2, "validation": 2}


def test_a_training_that_was_cut_off_goes_on_with_epoch_and_picture_size(options, monkeypatch):
    monkeypatch.setattr(regression, "network_of", lambda family, start: ASmallNet())
    seen = []

    def training_step(self, batch, number):
        seen.append((self.current_epoch, *batch["hand"].shape[2:]))
        if len(seen) == 2:
            raise MemoryError("stopped by the test")
        return original(self, batch, number)

    original = RegressorTraining.training_step
    monkeypatch.setattr(RegressorTraining, "training_step", training_step)
    with pytest.raises(MemoryError):
        regression.train(options)
    regression.train(options)
    assert seen == [(0, 40, 32), (1, 48, 40), (1, 48, 40)]


def test_the_same_seed_gives_the_same_first_batch_and_another_seed_another(options):
    first, again, other = first_batch(options), first_batch(options), first_batch(replace(options, seed=1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["hand"], other["hand"])


def test_a_batch_says_sex_and_months(options):
    batch = first_batch(options)
    assert batch["hand"].shape == (2, 1, 40, 32)
    assert sorted(zip(batch["male"][:, 0].tolist(), batch["bone_age_months"].tolist(), strict=True)) == [
        (0.0, 36.0),
        (1.0, 24.0),
    ]


def test_only_train_and_validation_hands_are_shown_with_all_their_copies(options):
    copies = hands_of(replace(options, limit=None))._copies
    used = {split: [hands[0].example.id for hands in found] for split, found in copies.items()}
    assert used == {"train": ids_of("train", 5), "validation": ids_of("validation", 2)}
    assert [hand.example.kind for hand in copies["train"][0]] == ["", "original pixels"]


def test_a_limit_counts_for_each_split(options):
    copies = hands_of(replace(options, limit=1))._copies
    assert [len(found) for found in copies.values()] == [1, 1]


def test_data_without_radiographs_to_train_on_is_refused(options, monkeypatch):
    monkeypatch.setattr(hand_views, "find_hands", lambda examples, kept, models_dir: [])
    with pytest.raises(InvalidData, match="No hand was found in any of the 2 radiographs"):
        hands_of(options)
    monkeypatch.setattr(hand_views, "_all_copies", lambda data: [])
    with pytest.raises(InvalidData, match="belongs to the train split"):
        hands_of(options)


def test_an_epochs_views_are_augmented_at_its_strength(options, monkeypatch):
    strengths = []
    monkeypatch.setattr(hand_views, "random_copy", lambda strength: strengths.append(strength) or random_copy(strength))
    hands_of(options).train_dataloader()
    assert strengths == [0.8]


def test_training_and_inference_see_the_same_view_of_small_and_large_mirrored_and_squashed_copies(options):
    """Validation views equal what the deployed rooms make of a perfect pose and mask on the file's own grid."""
    hands = hands_of(replace(options, limit=None))
    for copies in hands._copies["train"]:
        for hand in copies:
            view = UprightHands([[hand]], AGE_FRAME, PixelStore())[0]["hand"][0]
            radiograph = radiograph_of(hand.example)
            transform = frame_from_radiograph(hand.pose_in(radiograph.pixels.shape), radiograph.pixel_aspect, AGE_FRAME)
            piece = cut(radiograph.pixels, transform, AGE_FRAME.rows, AGE_FRAME.columns)
            mask = deployed_mask(hand, radiograph)
            mask = cut(mask.astype(np.float32), transform, AGE_FRAME.rows, AGE_FRAME.columns)
            deployed = age_view(piece, mask, MASK_MARGIN)
            assert np.abs(view - deployed).mean() < 0.01


def deployed_mask(hand, radiograph):
    from boneage.geometry import invert

    rows, columns = radiograph.pixels.shape
    outlined = frame_from_radiograph(hand.pose_in((rows, columns)), radiograph.pixel_aspect, OUTLINE_FRAME)
    return cut(np.unpackbits(hand.mask, axis=1).astype(np.float32), invert(outlined), rows, columns) > 0.5


def test_the_error_is_that_of_the_mean_month_even_in_half_precision():
    module = RegressorTraining()
    logged = {}
    module.log = lambda name, value, **rest: logged.update({name: float(value)})
    certain = torch.full((2, 240), -40.0)
    certain[:, 201], certain[:, 202] = np.log(0.25), np.log(0.75)
    module.network.forward = lambda hand, male: certain
    batch = {
        "hand": torch.zeros(2, 1, 8, 8),
        "male": torch.zeros(2, 1),
        "bone_age_months": torch.tensor([200.0, 201.0]),
    }
    with torch.autocast("cpu", torch.bfloat16):
        module.validation_step(batch, 0)
    assert logged == pytest.approx({"validation_mae_months": 1.25, "validation_bias_months": 1.25}, abs=1e-3)


def a_batch():
    return torch.zeros(2, 1, 8, 8), torch.zeros(2, 1), torch.tensor([60.0, 120.0])


def test_what_is_learnt_lies_between_the_readers_age_and_what_the_teacher_says():
    teacher = ASmallNet()
    teacher.forward = lambda hand, male: torch.full((2, 240), -60.0).index_fill(1, torch.tensor([100]), 0.0)
    target, mean = RegressorTraining(network=ASmallNet(), teacher=teacher)._wanted(*a_batch())
    assert mean.tolist() == pytest.approx([80.0, 110.0])
    assert target.sum(1).tolist() == pytest.approx([1.0, 1.0])
    assert target[:, 100].tolist() == pytest.approx([0.5, 0.5], abs=0.01)
    alone, mean = RegressorTraining(network=ASmallNet())._wanted(*a_batch())
    assert mean.tolist() == [60.0, 120.0] and alone.argmax(1).tolist() == [60, 120]


def test_a_teacher_is_neither_trained_nor_kept():
    taught, alone = (RegressorTraining(network=ASmallNet(), teacher=one) for one in (ASmallNet(), None))
    assert set(taught.state_dict()) == set(alone.state_dict())
    assert len(list(taught.parameters())) == len(list(alone.parameters()))
    taught.train()
    assert not taught._teachers[0].training


def test_a_network_of_another_family_is_trained_and_then_teaches(options):
    family = RESNET50
    weights = regression.train(replace(options, family=family, epochs=1, run=options.run_folder("") / "teacher"))
    taught = regression.train(replace(options, teacher=(family, weights), epochs=1))
    load_weights(BoneAgeNet(FAMILY), taught)
    recipe = json.loads((options.run / "training.json").read_text())
    assert (recipe["family"], recipe["teacher"]) == (FAMILY, family)


class APerfectDetector:
    """Finds the drawn hand, but none in the second radiograph; counts what it is asked."""

    def __init__(self, annotations, examples, fail_at=None):
        self.annotations, self.lost, self.fail_at = annotations, examples[1].path, fail_at
        self.asked = []

    def find_hand(self, radiograph, box=None):
        self.asked.append(radiograph.source)
        if radiograph.source == self.lost:
            raise NoHandFound("None.")
        if len(self.asked) == self.fail_at:
            raise KeyboardInterrupt
        rows, columns = radiograph.pixels.shape
        points = self.annotations[radiograph.source.stem].key_points * (columns, rows) - 0.5
        from boneage.geometry import pose_from_points

        return Hand(HandBox(0, 0, columns, rows), pose_from_points(points), 0.9, 0.0)


class ABlankSegmenter:
    def outline(self, radiograph, hand):
        drawn = 1 - radiograph.pixels if radiograph.was_inverted else radiograph.pixels
        return drawn > 0.3

    def upright_probability(self, radiograph, hand):
        return np.tile(np.float32([0.0, 1.0]), (OUTLINE_FRAME.rows, OUTLINE_FRAME.columns // 2))


@pytest.fixture
def finding(rsna, monkeypatch, tmp_path):
    """Return a function that finds the hands of the data set with fake models of a given sum."""
    examples = read_rsna(rsna)[:3] + read_larger(rsna)
    annotations = read_annotations(rsna)

    def find(sha256="a" * 64, fail_at=None):
        from boneage.models import ModelFile

        detector = APerfectDetector(annotations, examples, fail_at)
        monkeypatch.setattr(upright, "check_model", lambda name, models_dir: ModelFile(name, "1", sha256, tmp_path, {}))
        monkeypatch.setattr(upright, "HandDetector", lambda model, threads: detector)
        monkeypatch.setattr(upright, "HandSegmenter", lambda model, threads: ABlankSegmenter())
        try:
            return upright.find_hands(examples, tmp_path / "hands.npz", threads=1), len(detector.asked)
        except KeyboardInterrupt:
            return None, len(detector.asked)

    return find


def test_hands_are_found_once_and_kept_in_fractions(finding):
    (first, asked), (again, asked_again) = finding(), finding()
    assert (asked, asked_again) == (5, 0)  # one is taken for inverted and looked at both ways
    assert [hand.example for hand in first] == [hand.example for hand in again]
    assert len(first) == 3  # one has no hand, and that is kept too
    for hand, kept in zip(first, again, strict=True):
        assert hand.points == pytest.approx(kept.points)
        assert np.array_equal(hand.mask, kept.mask)
    assert first[0].points[0] == pytest.approx(MIDDLE_TIP, abs=1e-6)
    assert np.unpackbits(first[0].mask, axis=1)[0, :4].tolist() == [0, 1, 0, 1]


def test_a_hand_that_was_read_with_its_bone_dark_is_turned(finding, monkeypatch):
    read = upright.radiograph_of
    taken_for_inverted = [read(hand.example).was_inverted for hand in finding()[0]]
    assert taken_for_inverted == [False, False, True]  # the larger drawing, by mistake
    assert [hand.turned for hand in finding()[0]] == taken_for_inverted
    monkeypatch.setattr(upright, "radiograph_of", lambda example: read(example).turned(0.9))
    assert [hand.turned for hand in finding("b" * 64)[0]] == [True, True, False]
    assert [hand.turned for hand in finding("b" * 64)[0]] == [True, True, False]  # and that is kept
    hand = finding("b" * 64)[0][0]
    store = PixelStore()
    monkeypatch.setattr(store, "_read", lambda example: np.uint8([[255, 0]]))
    assert UprightHands([[hand]], AGE_FRAME, store)._pixels(hand).tolist() == [[0.0, 1.0]]


def test_hands_of_other_models_are_looked_for_anew(finding):
    finding()
    assert finding(sha256="b" * 64)[1] == 5


def test_what_was_found_before_an_interruption_is_kept(finding, tmp_path):
    assert finding(fail_at=3)[0] is None
    assert finding()[1] <= 3
    assert [file.name for file in tmp_path.glob("*.npz")] == ["hands.npz"]


def test_hands_need_the_deployed_models(rsna, tmp_path, monkeypatch):
    monkeypatch.setenv("BONEAGE_MODELS", str(tmp_path))
    with pytest.raises(ModelRefused):
        upright.find_hands(read_rsna(rsna), tmp_path / "hands.npz")


def test_hands_are_found_by_the_models_of_the_folder_that_is_named(rsna, tmp_path):
    with pytest.raises(ModelRefused, match="elsewhere"):
        upright.find_hands(read_rsna(rsna), tmp_path / "hands.npz", tmp_path / "elsewhere")


def test_a_training_on_larger_copies_alone_leaves_the_small_ones_out(options):
    copies = hands_of(replace(options, limit=None, larger=True))._copies["train"]
    assert copies and all(hand.example.kind for hands in copies for hand in hands)


def test_a_small_batch_learns_in_steps_of_the_recipe(options, monkeypatch):
    for module in (hand_views, regression):
        monkeypatch.setattr(module, "BATCH", 4)
    taken = []
    monkeypatch.setattr(regression, "fit", lambda *_, accumulate: taken.append(accumulate))
    for batch in (None, 1, 3):
        regression.train(replace(options, batch=batch))
    assert taken == [1, 4, 1]

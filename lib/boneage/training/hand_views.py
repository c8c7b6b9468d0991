"""What the regressor is trained on: upright, masked hands with their ages, seen a little otherwise in each epoch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
from monai.transforms import Compose, RandomizableTransform
from torch.utils.data import DataLoader, Dataset

from boneage.datasets import Example, read_larger, read_rsna
from boneage.errors import InvalidData
from boneage.geometry import HandFrame, frame_from_radiograph
from boneage.imaging import cut
from boneage.regression import MASK_MARGIN, age_view
from boneage.training.augmentation import (
    as_array,
    random_appearance,
    random_copy,
    random_holes,
    random_jitter,
    random_resolution,
)
from boneage.training.hands import PixelStore
from boneage.training.options import TrainOptions, is_first_process
from boneage.training.processes import training_loader
from boneage.training.rarity import frequencies
from boneage.training.stages import Stages
from boneage.training.upright import HANDS, FoundHand, find_hands
from boneage.types import Sex

BATCH = 32
# Ages rare for the sex count more, by the root of how rare they are, up to this factor: else the network, unsure of the
# youngest and the oldest, draws them towards the middle.
MOST_WEIGHT = 4.0
RARITY_SD_MONTHS = 6.0  # ages so near count as the same
PIXELS_KEPT = 640  # of a radiograph's longest side; a little more than the hand's view needs, unless that is larger
GRAIN_ROWS = 240  # of the view in which blur and sharpening take one pixel for one
TRUE_SHAPE = 0.5  # part of the views with the hand's true shape; the others as squashed as the copy is


class Hands(L.LightningDataModule):
    """Upright hands of the train and validation splits; a radiograph's larger copy takes turns with its small one."""

    def __init__(self, options: TrainOptions, run: Path, stages: Stages) -> None:
        super().__init__()
        self._options = options
        self._stages = stages
        copies = [copy for copy in _all_copies(options.data) if copy.kind or not options.larger]
        examples = {
            split: [example for example in copies if example.split == split][: options.limit]
            for split in ("train", "validation")
        }
        if not examples["train"]:
            raise InvalidData(
                f"No radiograph in {options.data} belongs to the train split.", "See README.md, Training."
            )
        self._examples = examples["train"] + examples["validation"]
        self._run = run
        self._store = PixelStore(max(PIXELS_KEPT, stages.frame(stages.epochs).rows))

    def prepare_data(self) -> None:
        """Find the hands, in one process of a machine; the others wait and read what it kept."""
        self._found()

    def setup(self, stage: str) -> None:
        """Sort the hands that were found.

        Raises:
            InvalidData: If there is none to train on.
        """
        found = self._found()
        self._copies = {split: _by_id(found, split) for split in ("train", "validation")}
        if not self._copies["train"]:
            wanted = sum(example.split == "train" for example in self._examples)
            raise InvalidData(
                f"No hand was found in any of the {wanted} radiographs of the train split.",
                "Check the detector with: boneage assess.",
            )
        if is_first_process():
            (self._run / "data.json").write_text(json.dumps({split: len(ids) for split, ids in self._copies.items()}))
        self._weights = age_weights([hands[0].example for hands in self._copies["train"]])

    def _found(self) -> list[FoundHand]:
        return find_hands(self._examples, self._run / HANDS, self._options.models_dir)

    def train_dataloader(self) -> DataLoader:
        """Return this epoch's augmented hands at this epoch's size."""
        epoch = self.trainer.current_epoch if self.trainer else 0
        seed = (self._options.seed, epoch)
        frame, strength = self._stages.frame(epoch), self._stages.strength(epoch)
        hands = UprightHands(self._copies["train"], frame, self._store, seed, self._weights, strength)
        return training_loader(hands, self._options.batch or BATCH, self._options)

    def val_dataloader(self) -> DataLoader:
        """Return the validation hands as the deployed model would see them."""
        epoch = self.trainer.current_epoch if self.trainer else 0
        hands = UprightHands(self._copies["validation"], self._stages.frame(epoch), self._store)
        return DataLoader(hands, self._options.batch or BATCH)


class UprightHands(Dataset):
    """Views of hands with their ages, augmented where a seed is given."""

    def __init__(
        self,
        copies: list[list[FoundHand]],
        frame: HandFrame,
        store: PixelStore,
        seed: tuple[int, int] | None = None,
        weights: np.ndarray | None = None,
        strength: float = 1.0,
    ) -> None:
        self._weights = np.ones(len(copies), np.float32) if weights is None else weights
        self._copies = copies
        self._frame = frame
        self._store = store
        self._seed = seed
        self._appearance = random_appearance(0.5 * strength, saturating=False, grain=frame.rows / GRAIN_ROWS)
        self._holes = random_holes(frame.rows, prob=0.1 * strength)
        self._resolution = random_resolution()
        self._copy = random_copy(strength)

    def __len__(self) -> int:
        return len(self._copies)

    def __getitem__(self, index: int) -> dict[str, Any]:
        if self._seed is None:
            hand = self._copies[index][0]
            view = self._view(hand, self._pixels(hand), hand.example.pixel_aspect, None, MASK_MARGIN)
            return _labelled(hand, view, self._weights[index])
        rng = np.random.default_rng((*self._seed, index))
        hand = self._copies[index][int(rng.integers(len(self._copies[index])))]
        geometry = _random_geometry(hand, rng)
        pixels = _changed(self._pixels(hand), (self._resolution, self._copy), rng)
        view = _changed(self._view(hand, pixels, *geometry), (self._appearance, self._holes), rng)
        return _labelled(hand, view, self._weights[index])

    def _pixels(self, hand: FoundHand) -> np.ndarray:
        pixels = self._store(hand.example)
        return 1.0 - pixels if hand.turned else pixels

    def _view(
        self, hand: FoundHand, pixels: np.ndarray, aspect: float, jitter: np.ndarray | None, margin: float | None
    ) -> np.ndarray:
        """Return the view of the radiograph's pixels; without a margin, the mask is not applied."""
        upright = frame_from_radiograph(hand.pose_in(pixels.shape), aspect, self._frame, jitter)
        piece = cut(pixels, upright, self._frame.rows, self._frame.columns)
        if margin is None:
            return age_view(piece, None, 0.0)
        return age_view(piece, hand.mask_in(upright, pixels.shape, self._frame), margin)


def _changed(
    picture: np.ndarray, transforms: Sequence[Compose | RandomizableTransform], rng: np.random.Generator
) -> np.ndarray:
    """Return a picture (rows, columns) after random transforms, one after the other."""
    for transform in transforms:
        transform.set_random_state(int(rng.integers(2**31)))
        picture = as_array(transform(picture[None]))[0]
    return picture


def _random_geometry(hand: FoundHand, rng: np.random.Generator) -> tuple[float, np.ndarray, float | None]:
    """Return a pixel aspect, a jitter of the upright hand, and a margin around the mask (None: no mask)."""
    aspect = hand.example.pixel_aspect if rng.random() < TRUE_SHAPE else 1.0
    jitter = random_jitter(rng, degrees=10, scale=0.08, shear=0.05, shift=0.04, squash=(0.94, 1.06))
    margin = float(rng.uniform(0.0, 0.15)) if rng.random() < 0.7 else None
    return aspect, jitter, margin


def age_weights(examples: Sequence[Example]) -> np.ndarray:
    """Return (n,) weights of examples by how rare their bone ages are among those of the same sex, 1 on average."""
    ages = np.array([example.bone_age_months for example in examples], int)
    male = np.array([example.sex is Sex.MALE for example in examples], int)
    frequency = np.stack([frequencies(ages[male == sex], RARITY_SD_MONTHS) for sex in (0, 1)])[male, ages]
    weights = np.minimum(np.sqrt(np.median(frequency) / frequency), MOST_WEIGHT)
    return (weights / weights.mean()).astype(np.float32)


def _labelled(hand: FoundHand, view: np.ndarray, weight: float) -> dict[str, Any]:
    return {
        "hand": view[None],
        "male": np.array([hand.example.sex is Sex.MALE], np.float32),
        "bone_age_months": np.float32(hand.example.bone_age_months),
        "weight": np.float32(weight),
    }


def _all_copies(data: Path) -> list[Example]:
    return read_rsna(data) + (read_larger(data) if (data / "larger.csv").exists() else [])


def _by_id(found: list[FoundHand], split: str) -> list[list[FoundHand]]:
    """Return the copies of each radiograph of a split, the standard copy first."""
    copies: dict[str, list[FoundHand]] = {}
    for hand in found:
        if hand.example.split == split:
            copies.setdefault(hand.example.id, []).append(hand)
    return list(copies.values())

"""Training of the regressor: a ResNet50 from scratch on upright, masked hands, small pictures first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from monai.transforms import Compose, RandCoarseDropout
from scipy.ndimage import gaussian_filter1d
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from boneage.datasets import Example, read_larger, read_rsna
from boneage.errors import InvalidData
from boneage.frames import AGE_FRAME
from boneage.geometry import HandFrame, frame_from_radiograph
from boneage.imaging import cut
from boneage.networks import MONTHS, BoneAgeNet
from boneage.regression import MASK_MARGIN, age_view
from boneage.training.augmentation import as_array, random_appearance, random_copy, random_holes, random_jitter
from boneage.training.families import WHOLE_NETWORK, network_of
from boneage.training.hands import PixelStore
from boneage.training.loop import fit, one_cycle
from boneage.training.options import TrainOptions, is_first_process
from boneage.training.processes import keep_weights, training_loader
from boneage.training.upright import FoundHand, find_hands
from boneage.types import Sex

# Rows, columns and epochs of each stage: small pictures teach most of it at a third of the cost.
STAGES = ((80, 64, 3), (112, 88, 3), (144, 112, 4), (192, 148, 6), (240, 184, 6))
GOING_ON = STAGES[4:]  # from weights that have seen the small pictures already
BATCH = 32
RATE, RATE_GOING_ON = 1.5e-3, 1.0e-3
WEIGHT_DECAY = 0.05
LABEL_SD_MONTHS = 6.0
MEAN_WEIGHT = 0.05  # of the error of the mean, in months, beside the cross-entropy
TAUGHT = 0.5  # part of what is learnt that a teacher says, who sees the same view; the rest are the readers' ages
# Ages rare for the sex count more, by the root of how rare they are, up to this factor: else the network, unsure of the
# youngest and the oldest, draws them towards the middle.
MOST_WEIGHT = 4.0
PIXELS_KEPT = 640  # of a radiograph's longest side; a little more than the hand's view needs, unless that is larger
# Of poor copies and changed appearance, from the first epoch to the last: what a picture has lost cannot teach its age.
STRENGTHS = (0.8, 0.2)
TRUE_SHAPE = 0.5  # part of the views with the hand's true shape; the others as squashed as the copy is


def train(options: TrainOptions) -> Path:
    """Train the regressor and return the file of its weights.

    The deployed detector and segmenter find the hands first; what they found is kept in the run folder.

    Raises:
        InvalidData: If the folder has no radiographs of the train split.
        InvalidInput: If a family is not known.
        ModelRefused: If weights are not those of their network.
    """
    run = options.run_folder("bone_age_regressor")
    L.seed_everything(options.seed, workers=True, verbose=False)
    goes_on = options.start is not None and options.start.suffix == WHOLE_NETWORK
    stages = Stages.of(options.epochs, GOING_ON if goes_on else STAGES).up_to(options.rows)
    data = Hands(options, run, stages)
    teacher = network_of(*options.teacher) if options.teacher else None
    rate = options.rate or (RATE_GOING_ON if goes_on else RATE)
    module = RegressorTraining(rate, network_of(options.family, options.start), teacher)
    taught = {"teacher": options.teacher[0]} if options.teacher else {}
    recipe = {"family": options.family, "image_sizes": stages.sizes, "batch": BATCH, "rate": rate, **taught}
    options.keep_recipe(run, epochs=stages.epochs, **recipe)
    fit(module, data, options, run, stages.epochs, accumulate=max(BATCH // (options.batch or BATCH), 1))
    return keep_weights(module.network, run)


@dataclass(frozen=True)
class Stages:
    """Which size each epoch is trained at."""

    sizes: tuple[tuple[int, int], ...]

    @staticmethod
    def of(epochs: int | None, stages: tuple[tuple[int, int, int], ...] | None = None) -> Stages:
        """Return the recipe's stages, or as many epochs as wanted in the same proportions."""
        recipe = [(rows, columns) for rows, columns, count in stages or STAGES for _ in range(count)]
        if epochs is None:
            return Stages(tuple(recipe))
        return Stages(tuple(recipe[int(i * len(recipe) / epochs)] for i in range(epochs)))

    @property
    def epochs(self) -> int:
        return len(self.sizes)

    def up_to(self, rows: int | None) -> Stages:
        """Return the stages with all sizes changed so that the last is `rows` high; these if None."""
        factor = (rows or self.sizes[-1][0]) / self.sizes[-1][0]
        return Stages(tuple((round(factor * height), round(factor * width)) for height, width in self.sizes))

    def frame(self, epoch: int) -> HandFrame:
        """Return the view of an epoch."""
        return AGE_FRAME.resized(*self.sizes[min(epoch, self.epochs - 1)])

    def strength(self, epoch: int) -> float:
        """Return the strength of an epoch's augmentation."""
        return float(np.interp(epoch, (0, max(self.epochs - 1, 1)), STRENGTHS))


class RegressorTraining(L.LightningModule):
    """The ResNet50 with cross-entropy against a Gaussian around the readers' age, and the error of the mean.

    A teacher's distribution of the same view takes part of the Gaussian's place (Beyer et al. 2022, "A good teacher is
    patient and consistent").
    """

    months: torch.Tensor

    def __init__(
        self, rate: float = RATE, network: BoneAgeNet | None = None, teacher: BoneAgeNet | None = None
    ) -> None:
        super().__init__()
        self.rate = rate
        self.network = (network or BoneAgeNet()).to(memory_format=torch.channels_last)
        # In a list it is no part of this module: neither trained nor averaged, nor kept in checkpoints.
        self._teachers = [] if teacher is None else [teacher.eval().to(memory_format=torch.channels_last)]
        self.register_buffer("months", torch.arange(MONTHS, dtype=torch.float32), persistent=False)

    def training_step(self, batch: dict[str, torch.Tensor], _: int) -> torch.Tensor:
        """Return the loss of a batch: hand (n, 1, rows, columns), male (n, 1), bone_age_months and weight (n,)."""
        hand, male = batch["hand"].contiguous(memory_format=torch.channels_last), batch["male"]
        log_probabilities = self.network(hand, male)
        target, mean = self._wanted(hand, male, batch["bone_age_months"])
        cross_entropy = -(target * log_probabilities).sum(1)
        means = (log_probabilities.exp() * self.months).sum(1)
        error = functional.smooth_l1_loss(means, mean, beta=3.0, reduction="none")
        self.log("train_mae_months", (means - batch["bone_age_months"]).abs().mean().detach(), prog_bar=True)
        return (batch["weight"] * (cross_entropy + MEAN_WEIGHT * error)).mean()

    def _wanted(
        self, hand: torch.Tensor, male: torch.Tensor, bone_age_months: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what is to be learnt: (n, 240) probabilities and (n,) months."""
        target = torch.softmax(-0.5 * ((self.months - bone_age_months[:, None]) / LABEL_SD_MONTHS) ** 2, dim=1)
        if not self._teachers:
            return target, bone_age_months
        with torch.no_grad():
            taught = self._teachers[0].to(hand.device)(hand, male).exp()
        mean = torch.lerp(bone_age_months, (taught * self.months).sum(1), TAUGHT)
        return torch.lerp(target, taught, TAUGHT), mean

    def validation_step(self, batch: dict[str, torch.Tensor], _: int) -> None:
        """Log the mean absolute error and the bias in months."""
        means = (self.network(batch["hand"], batch["male"]).exp() * self.months).sum(1)
        error = means - batch["bone_age_months"]
        self.log("validation_mae_months", error.abs().mean(), prog_bar=True, batch_size=len(error), sync_dist=True)
        self.log("validation_bias_months", error.mean(), prog_bar=True, batch_size=len(error), sync_dist=True)

    def configure_optimizers(self) -> Any:
        """Return AdamW and its schedule."""
        return one_cycle(self, self.rate, WEIGHT_DECAY)


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
        return find_hands(self._examples, self._run / "hands.npz", self._options.models_dir)

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
        self._appearance = random_appearance(0.5 * strength, saturating=False)
        self._holes = random_holes(frame.rows, prob=0.1 * strength)
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
        pixels = _changed(self._pixels(hand), self._copy, rng)
        view = self._view(hand, pixels, *geometry)
        for transform in (self._appearance, self._holes):
            view = _changed(view, transform, rng)
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


def _changed(pixels: np.ndarray, transform: Compose | RandCoarseDropout, rng: np.random.Generator) -> np.ndarray:
    transform.set_random_state(int(rng.integers(2**31)))
    return as_array(transform(pixels[None]))[0]


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
    counts = np.zeros((2, MONTHS))
    np.add.at(counts, (male, ages), 1)
    frequency = gaussian_filter1d(counts, LABEL_SD_MONTHS, axis=1)[male, ages]
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

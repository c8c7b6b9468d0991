"""Training of the segmenter: a U-Net from scratch on upright hands with drawn outlines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from monai.losses import DiceCELoss
from monai.metrics import compute_dice
from torch.utils.data import DataLoader, Dataset

from boneage.errors import InvalidData
from boneage.frames import OUTLINE_FRAME
from boneage.geometry import frame_from_radiograph, move
from boneage.imaging import cut, stretched
from boneage.networks import build_segmenter
from boneage.training.augmentation import as_array, random_appearance, random_holes, random_jitter
from boneage.training.hands import MarkedHand, PixelStore, marked_hands
from boneage.training.loop import fit
from boneage.training.options import TrainOptions
from boneage.training.processes import keep_weights, training_loader
from boneage.training.rates import one_cycle
from boneage.weights import load_weights

EPOCHS = 8
REPEATS = 12  # of each outline in an epoch, differently augmented: there are few of them
BATCH = 12
RATE = 1.5e-3
WEIGHT_DECAY = 0.01


def train(options: TrainOptions) -> Path:
    """Train the segmenter and return the file of its weights.

    Raises:
        InvalidData: If the folder has no radiographs with outlines.
    """
    run = options.run_folder("hand_segmenter")
    L.seed_everything(options.seed, workers=True, verbose=False)
    module = SegmenterTraining(options.rate or RATE)
    if options.start is not None:
        load_weights(module.network, options.start)
    epochs = options.epochs or EPOCHS
    image_size = [OUTLINE_FRAME.rows, OUTLINE_FRAME.columns]
    options.keep_recipe(run, image_size=image_size, batch=BATCH, rate=module.rate, epochs=epochs, repeats=REPEATS)
    fit(module, Outlines(options), options, run, epochs)
    return keep_weights(module.network, run)


class SegmenterTraining(L.LightningModule):
    """The U-Net with Dice and cross-entropy loss."""

    def __init__(self, rate: float = RATE) -> None:
        super().__init__()
        self.rate = rate
        self.network = build_segmenter()
        self.loss = DiceCELoss(sigmoid=True)

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], _: int) -> torch.Tensor:
        """Return the loss of one batch of hands and masks, each (n, 1, rows, columns)."""
        hands, masks = batch
        loss = self.loss(self.network(hands), masks)
        self.log("train_loss", loss.detach(), prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], _: int) -> None:
        """Log the mean Dice in the upright frame."""
        hands, masks = batch
        dice = compute_dice((self.network(hands) > 0).float(), masks)
        self.log("validation_dice", dice.mean(), prog_bar=True, batch_size=len(hands), sync_dist=True)

    def configure_optimizers(self) -> Any:
        """Return AdamW and its schedule."""
        return one_cycle(self, self.rate, WEIGHT_DECAY)


class Outlines(L.LightningDataModule):
    """Upright hands with their masks."""

    def __init__(self, options: TrainOptions) -> None:
        super().__init__()
        self._options = options
        self._sets = {split: self._outlined(split) for split in ("train", "validation")}

    def _outlined(self, split: str) -> list[MarkedHand]:
        hands = [hand for hand in marked_hands(self._options.data, split) if hand.annotation.outline]
        if not hands:
            raise InvalidData(f"No radiograph of split {split} has an outline.", "See hand_outlines.json in README.md.")
        return hands[: self._options.limit]

    def train_dataloader(self) -> DataLoader:
        """Return this epoch's augmented hands."""
        epoch = self.trainer.current_epoch if self.trainer else 0
        hands = OutlinedHands(self._sets["train"], self._options.seed + epoch, REPEATS)
        return training_loader(hands, BATCH, self._options)

    def val_dataloader(self) -> DataLoader:
        """Return the validation hands, upright and unchanged."""
        return DataLoader(OutlinedHands(self._sets["validation"]), BATCH)


class OutlinedHands(Dataset):
    """Upright hands (1, rows, columns) and their masks, augmented where a seed is given."""

    def __init__(self, hands: list[MarkedHand], seed: int | None = None, repeats: int = 1) -> None:
        self._hands = hands
        self._seed = seed
        self._repeats = repeats
        self._store = PixelStore()
        self._appearance = random_appearance()
        self._holes = random_holes(OUTLINE_FRAME.rows)

    def __len__(self) -> int:
        return len(self._hands) * self._repeats

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        hand = self._hands[index % len(self._hands)]
        if self._seed is None:
            return self._upright(hand, None, 0.0, hand.example.pixel_aspect)
        rng = np.random.default_rng((self._seed, index))
        jitter = random_jitter(rng, degrees=18, scale=0.2, shear=0.08, shift=0.08, squash=(0.85, 1.15))
        aspect = hand.example.pixel_aspect if rng.random() < 0.6 else 1.0
        piece, mask = self._upright(hand, jitter, float(rng.choice([0.0, 0.0, rng.random(), 1.0])), aspect)
        for transform in (self._appearance, self._holes):
            transform.set_random_state(int(rng.integers(2**31)))
            piece = as_array(transform(piece))
        return stretched(piece[0])[None], mask

    def _upright(
        self, hand: MarkedHand, jitter: np.ndarray | None, fill: float, aspect: float
    ) -> tuple[np.ndarray, np.ndarray]:
        pixels = self._store(hand.example)
        transform = frame_from_radiograph(hand.pose(*pixels.shape), aspect, OUTLINE_FRAME, jitter)
        piece = cut(pixels, transform, OUTLINE_FRAME.rows, OUTLINE_FRAME.columns, fill)
        return stretched(piece)[None], draw_mask(hand, pixels.shape, transform)[None]


def draw_mask(
    hand: MarkedHand,
    shape: tuple[int, ...],
    transform: np.ndarray,
    rows: int = OUTLINE_FRAME.rows,
    columns: int = OUTLINE_FRAME.columns,
) -> np.ndarray:
    """Return (rows, columns) float32, 1 inside the drawn outline, on the grid that `transform` leads to."""
    import cv2

    mask = np.zeros((rows, columns), np.float32)
    for polygons, value in ((hand.annotation.outline, 1.0), (hand.annotation.holes, 0.0)):
        for polygon in polygons:
            points = move(polygon * (shape[1], shape[0]) - 0.5, transform)
            cv2.fillPoly(mask, [np.round(points).astype(np.int32)], value)
    return mask

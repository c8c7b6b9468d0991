"""Training of the hand detector: YOLO11n-pose from scratch on scenes made of marked hands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from boneage.networks import build_detector
from boneage.training.hands import PixelStore, marked_hands
from boneage.training.loop import fit
from boneage.training.options import TrainOptions
from boneage.training.processes import keep_weights, training_loader
from boneage.training.rates import one_cycle
from boneage.training.scenes import Scene, SceneMaker
from boneage.weights import load_weights

SIDE = 192
EPOCHS = 12
BATCH = 16
RATE = 2e-3
WEIGHT_DECAY = 0.01
# Of ultralytics' key point loss: how near, as a part of the hand, is near enough. It starts wide, since the loss is
# flat beyond it and a thumb taken for a little finger would never come back, and narrows for precision.
KEY_POINT_SIGMAS = (0.35, 0.05)


def train(options: TrainOptions) -> Path:
    """Train the detector and return the file of its weights.

    Raises:
        InvalidData: If the folder has no radiographs with key points.
    """
    run = options.run_folder("hand_detector")
    L.seed_everything(options.seed, workers=True, verbose=False)
    module = DetectorTraining(options.rate or RATE)
    if options.start is not None:
        load_weights(module.network, options.start)
    epochs = options.epochs or EPOCHS
    options.keep_recipe(run, image_size=[SIDE, SIDE], batch=BATCH, rate=module.rate, epochs=epochs)
    fit(module, Scenes(options), options, run, epochs)
    return keep_weights(module.network, run)


class DetectorTraining(L.LightningModule):
    """Ultralytics' pose network and loss in a Lightning loop."""

    def __init__(self, rate: float = RATE) -> None:
        super().__init__()
        self.rate = rate
        network: Any = build_detector()  # the first to import ultralytics: it undoes what that does to the process
        from ultralytics.cfg import get_cfg

        network.args = get_cfg()
        network.kpt_oks_sigmas = [KEY_POINT_SIGMAS[0]] * 3
        network.criterion = network.init_criterion()
        self.network = network

    def on_train_epoch_start(self) -> None:
        """Narrow the key point loss from epoch to epoch."""
        progress = self.current_epoch / max((self.trainer.max_epochs or 1) - 1, 1)
        wide, narrow = KEY_POINT_SIGMAS
        criterion: Any = self.network.criterion
        criterion.keypoint_loss.sigmas = torch.full((3,), wide * (narrow / wide) ** progress, device=self.device)

    def training_step(self, batch: dict[str, torch.Tensor], _: int) -> torch.Tensor:
        """Return the sum of ultralytics' losses per image."""
        losses, parts = self.network.loss(batch)
        loss = losses.sum() / len(batch["img"])
        self.log("train_loss", loss.detach(), prog_bar=True)
        self.log_dict({f"train_{name}": value for name, value in parts.items()})
        return loss

    def validation_step(self, batch: dict[str, torch.Tensor], _: int) -> None:
        """Log recall at IoU 0.5 and the key points' distance as a part of the hand's length."""
        found = self.network(batch["img"])[0]
        best = found[torch.arange(len(found)), :, found[:, 4].argmax(1)]
        side = batch["img"].shape[-1]
        true_boxes, true_points = batch["bboxes"] * side, batch["keypoints"] * side
        recall = (_iou(best[:, :4], true_boxes) > 0.5) & (best[:, 4] > 0.25)
        apart = (best[:, 5:].reshape(-1, 3, 2) - true_points).norm(dim=-1).mean(1)
        length = (true_points[:, 0] - true_points[:, 2]).norm(dim=-1)
        self.log("validation_recall", recall.float().mean(), prog_bar=True, batch_size=len(found), sync_dist=True)
        self.log(
            "validation_pose_error", (apart / length).median(), prog_bar=True, batch_size=len(found), sync_dist=True
        )

    def configure_optimizers(self) -> Any:
        """Return AdamW and its schedule."""
        return one_cycle(self, self.rate, WEIGHT_DECAY)


def _iou(found: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """Return the overlap of boxes given by centre and size, (n,)."""
    low = torch.maximum(found[:, :2] - found[:, 2:] / 2, true[:, :2] - true[:, 2:] / 2)
    high = torch.minimum(found[:, :2] + found[:, 2:] / 2, true[:, :2] + true[:, 2:] / 2)
    common = (high - low).clamp(min=0).prod(1)
    return common / (found[:, 2:].prod(1) + true[:, 2:].prod(1) - common)


class Scenes(L.LightningDataModule):
    """Random scenes for training, whole radiographs for validation."""

    def __init__(self, options: TrainOptions) -> None:
        super().__init__()
        self._options = options
        self._hands = {split: marked_hands(options.data, split, options.limit) for split in ("train", "validation")}
        self._stores = {split: PixelStore() for split in self._hands}

    def train_dataloader(self) -> DataLoader:
        """Return scenes of this epoch; another epoch draws others."""
        epoch = self.trainer.current_epoch if self.trainer else 0
        scenes = _SceneSet(self._maker("train"), len(self._hands["train"]), self._options.seed, epoch)
        return training_loader(scenes, BATCH, self._options, collate_fn=_collate)

    def val_dataloader(self) -> DataLoader:
        """Return the validation radiographs, unchanged."""
        scenes = _SceneSet(self._maker("validation"), len(self._hands["validation"]))
        return DataLoader(scenes, BATCH, collate_fn=_collate, num_workers=self._options.workers or 0)

    def _maker(self, split: str) -> SceneMaker:
        return SceneMaker(self._hands[split], SIDE, self._stores[split])


class _SceneSet(Dataset):
    """Scenes by number: random ones where a seed is given, plain ones otherwise."""

    def __init__(self, maker: SceneMaker, length: int, seed: int | None = None, epoch: int = 0) -> None:
        self._maker = maker
        self._length = length
        self._seed = seed
        self._epoch = epoch

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Scene:
        if self._seed is None:
            return self._maker.plain(index)
        return self._maker.random(index, np.random.default_rng((self._seed, self._epoch, index)))


def _collate(scenes: list[Scene]) -> dict[str, torch.Tensor]:
    """Return a batch as ultralytics expects it: boxes by centre and size, all in fractions of the side."""
    side = scenes[0].pixels.shape[0]
    boxes = np.concatenate([scene.boxes for scene in scenes]) / side
    centred = np.hstack([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]])
    numbers = np.concatenate([np.full(len(scene.boxes), i) for i, scene in enumerate(scenes)])
    return {
        "img": torch.from_numpy(np.stack([scene.pixels for scene in scenes])[:, None]),
        "cls": torch.zeros(len(boxes), 1),
        "bboxes": torch.from_numpy(centred).float(),
        "keypoints": torch.from_numpy(np.concatenate([scene.key_points for scene in scenes]) / side).float(),
        "batch_idx": torch.from_numpy(numbers).float(),
    }

"""What a user can set about a training."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from boneage.models import sha256_of

FAMILY = "tf_efficientnet_lite0"  # the trunk of a regressor if none is named: see `boneage.training.families`


@dataclass(frozen=True)
class TrainOptions:
    """Options of `boneage train`.

    Attributes:
        data: Folder in RSNA layout.
        run: Folder for checkpoints, metrics and plots; runs/MODEL if None.
        epochs: Passes over the data; the recipe's number if None.
        seed: Of weights, order and augmentation.
        devices: "auto" or a number of devices; under `torchrun`, which knows, it does not count.
        nodes: Number of machines; likewise.
        precision: "auto", "32" or "bf16".
        workers: Processes that prepare batches; if None, the training does so itself.
        resume: Go on from the run folder's last checkpoint if there is one.
        limit: Use only the first so many radiographs of each split (for trying out).
        rate: Highest learning rate; the recipe's if None.
        start: Weights to go on from (safetensors); from scratch if None. Also a trunk's state dict (.pth).
        rows: Height of the largest views of the regressor, in pixels; the recipe's if None.
        batch: Radiographs computed at a time, where memory does not hold a whole step's; the recipe's if None.
        larger: Train on the larger copies only.
        family: Of the regressor: see `boneage.training.families.network_of`.
        teacher: Family and weights of a network that teaches the regressor; None for the readers' ages alone.
        rounds: How often the regressor's training goes on from its weights and ends in their mean.
        models_dir: Where the models that find the hands are; None for the project's.
    """

    data: Path
    run: Path | None = None
    epochs: int | None = None
    seed: int = 2017
    devices: str = "auto"
    nodes: int = 1
    precision: str = "auto"
    workers: int | None = None
    resume: bool = True
    limit: int | None = None
    rate: float | None = None
    start: Path | None = None
    rows: int | None = None
    batch: int | None = None
    larger: bool = False
    family: str = FAMILY
    teacher: tuple[str, Path] | None = None
    rounds: int = 0
    models_dir: Path | None = None

    def run_folder(self, model: str) -> Path:
        """Return the run folder for `model`, made if need be."""
        folder = self.run or Path("runs") / model
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def keep_recipe(self, run: Path, **recipe: object) -> None:
        """Write the recipe of a training, and the sha256 of its data's table, to the run folder, for the model card."""
        if not is_first_process():
            return
        started = {"started_from": self.start.name} if self.start else {}
        table = self.data / "boneage-training-dataset.csv"
        data = {"data": sha256_of(table)} if table.exists() else {}
        (run / "training.json").write_text(json.dumps({"seed": self.seed, **started, **data, **recipe}, indent=2))


def is_first_process() -> bool:
    """Say whether this is the one of several processes of a training that speaks and writes."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "NODE_RANK"))

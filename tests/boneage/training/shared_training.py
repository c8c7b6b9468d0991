"""A small training for one process or, by torchrun, for several: `shared_training.py RUN EPOCHS [STOP_AT]`.

Its network has no batch normalisation, which a CPU cannot share, so that the weights must be those of one process.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import lightning as L
import torch
from torch.utils.data import DataLoader, TensorDataset

from boneage.training.loop import fit
from boneage.training.options import TrainOptions
from boneage.training.processes import keep_weights, training_loader
from boneage.training.rates import one_cycle

EXAMPLES, BATCH = 26, 8  # two are left over, in one process as in two


class Curve(L.LightningModule):
    """Learns a square, and writes down which examples made each step; may stop itself."""

    def __init__(self, run: Path, stop_at: int | None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.network = torch.nn.Sequential(torch.nn.Linear(1, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
        self._run, self._stop_at = run, stop_at

    def training_step(self, batch, _):
        if self.global_step == self._stop_at:
            raise RuntimeError("stopped by the test")
        with (self._run / f"seen-{os.environ.get('RANK', 0)}.txt").open("a") as file:
            file.write(f"{self.current_epoch} {self.global_step} {' '.join(str(int(i)) for i in batch[1])}\n")
        loss = ((self.network(batch[0]) - batch[0] ** 2) ** 2).mean()
        self.log("train_loss", loss.detach())
        return loss

    def validation_step(self, batch, _):
        error = (self.network(batch[0]) - batch[0] ** 2).abs().mean()
        self.log("validation_error", error, batch_size=len(batch[0]), sync_dist=True)

    def configure_optimizers(self):
        return one_cycle(self, 0.02, 0.01)


class Numbers(L.LightningDataModule):
    def __init__(self, options: TrainOptions) -> None:
        super().__init__()
        self._options = options
        self._numbers = TensorDataset(torch.linspace(-1, 1, EXAMPLES)[:, None], torch.arange(EXAMPLES))

    def prepare_data(self):
        with (self._options.run / "prepared.txt").open("a") as file:
            file.write("once\n")

    def train_dataloader(self):
        return training_loader(self._numbers, BATCH, self._options)

    def val_dataloader(self):
        return DataLoader(self._numbers, BATCH)


def train(run: Path, epochs: int, stop_at: int | None = None) -> Path:
    run.mkdir(parents=True, exist_ok=True)
    options = TrainOptions(run, run=run, precision="32", workers=0)
    module = Curve(run, stop_at)
    fit(module, Numbers(options), options, run, epochs)
    return keep_weights(module.network, run)


if __name__ == "__main__":
    train(Path(sys.argv[1]), *(int(word) for word in sys.argv[2:]))

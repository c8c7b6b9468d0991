"""The training loop that all three models share: Lightning, with averaged weights, one-cycle rate and resume."""

from __future__ import annotations

import csv
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint, TQDMProgressBar, WeightAveraging
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.plugins.environments import TorchElasticEnvironment

from boneage.errors import InvalidInput
from boneage.training.options import TrainOptions

EMA_DECAY = 0.998
CHECKPOINT_EVERY = timedelta(minutes=5)

log = logging.getLogger(__name__)


def fit(module: L.LightningModule, data: L.LightningDataModule, options: TrainOptions, run: Path, epochs: int) -> None:
    """Train `module`, going on from the run folder's last checkpoint; afterwards it holds the averaged weights."""
    trainer = _trainer(options, run, epochs)
    last = run / "checkpoints" / "last.ckpt"
    trainer.fit(module, datamodule=data, ckpt_path=str(last) if options.resume and last.exists() else None)
    if trainer.interrupted:
        raise InvalidInput(f"Stopped; the last checkpoint is {last}.", "The same command goes on from there.")
    if trainer.is_global_zero:
        plot_metrics(run)


def _trainer(options: TrainOptions, run: Path, epochs: int) -> L.Trainer:
    torch.set_num_threads(torch.get_num_threads() if torch.get_num_threads() > 1 else _cores())
    every_few_minutes = ModelCheckpoint(
        run / "checkpoints", filename="recent", train_time_interval=CHECKPOINT_EVERY, save_on_exception=True
    )
    every_epoch = ModelCheckpoint(run / "checkpoints", filename="last", enable_version_counter=False)
    return L.Trainer(
        max_epochs=epochs,
        devices=options.devices if options.devices == "auto" else int(options.devices),
        num_nodes=options.nodes,
        precision=_precision(options.precision),
        gradient_clip_val=5.0,
        logger=CSVLogger(run, name="", version="metrics"),
        callbacks=[
            WeightAveraging(avg_fn=_average),
            LearningRateMonitor("step"),
            TQDMProgressBar(refresh_rate=10),
            every_few_minutes,
            every_epoch,
        ],
        plugins=[TorchElasticEnvironment()] if TorchElasticEnvironment.detect() else None,
        num_sanity_val_steps=0,
        log_every_n_steps=20,
        reload_dataloaders_every_n_epochs=1,
        enable_model_summary=False,
    )


def _average(average: torch.Tensor, current: torch.Tensor, averaged: torch.Tensor) -> torch.Tensor:
    """Return the exponential average of the weights; in the first steps it forgets faster."""
    decay = torch.minimum((1 + averaged) / (10 + averaged), torch.tensor(EMA_DECAY))
    return torch.lerp(current, average, decay.to(current)) if current.is_floating_point() else current


def one_cycle(module: L.LightningModule, rate: float, weight_decay: float) -> dict[str, Any]:
    """Return AdamW with a one-cycle schedule over the whole training; biases and norms are not decayed."""
    decayed = [p for p in module.parameters() if p.ndim > 1 and p.requires_grad]
    plain = [p for p in module.parameters() if p.ndim <= 1 and p.requires_grad]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=rate)
    steps = int(module.trainer.estimated_stepping_batches)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps + 1, pct_start=0.15)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _precision(wanted: str) -> Any:
    """Return Lightning's name; "auto" is bf16 where the processor has matrix units for it, else 32 bit.

    Without such units (AMX) bf16 was measured slower than 32 bit on a CPU.
    """
    if wanted == "auto":
        fast = torch.cuda.is_bf16_supported() if torch.cuda.is_available() else torch.cpu._is_amx_tile_supported()
        wanted = "bf16" if fast else "32"
    return {"bf16": "bf16-mixed", "32": "32-true"}[wanted]


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def plot_metrics(run: Path) -> Path | None:
    """Draw every metric that the run logged over its epochs into metrics.png."""
    from matplotlib.figure import Figure

    table = run / "metrics" / "metrics.csv"
    if not table.exists():
        return None
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = [n for n in (rows[0] if rows else {}) if n not in ("epoch", "step") and any(row[n] for row in rows)]
    figure = Figure(figsize=(5 * max(len(names), 1), 4), layout="constrained")
    for column, name in enumerate(names):
        axes = figure.add_subplot(1, len(names), column + 1, title=name, xlabel="step")
        points = [(int(row["step"]), float(row[name])) for row in rows if row[name]]
        axes.plot(*zip(*points, strict=True))
    path = run / "metrics.png"
    figure.savefig(path, dpi=110)
    return path

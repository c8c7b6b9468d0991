"""The training loop that all three models share: Lightning, with averaged weights and resume."""

from __future__ import annotations

import csv
import logging
import os
import timeit
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning as L
import torch
from filelock import FileLock, Timeout
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint, TQDMProgressBar, WeightAveraging
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities import rank_zero_only

from boneage.errors import InvalidInput
from boneage.training.options import TrainOptions, is_first_process
from boneage.training.processes import devices_and_nodes, torchrun
from boneage.training.rates import schedule_steps
from boneage.training.status import Pace, read_status, write_status

EMA_DECAY = 0.998
CHECKPOINT_EVERY = timedelta(minutes=5)

log = logging.getLogger(__name__)


def fit(
    module: L.LightningModule,
    data: L.LightningDataModule,
    options: TrainOptions,
    run: Path,
    epochs: int,
    accumulate: int = 1,
) -> None:
    """Train `module`, going on from the run folder's newest checkpoint; afterwards it holds the averaged weights.

    Each step learns from `accumulate` batches.

    Raises:
        InvalidInput: If another training uses the run folder, or the checkpoint belongs to one of another length.
        KeyboardInterrupt: If the user stopped it; a checkpoint was written.
    """
    with _alone_in(run):
        _fit(module, data, options, run, epochs, accumulate)


def _fit(
    module: L.LightningModule,
    data: L.LightningDataModule,
    options: TrainOptions,
    run: Path,
    epochs: int,
    accumulate: int,
) -> None:
    if not options.resume:
        _forget_checkpoints(run)
    checkpoint = newest_checkpoint(run)
    trainer = _trainer(options, run, epochs, accumulate)
    if checkpoint is not None:
        log.info("Going on from %s.", checkpoint)
        _keep_metrics(run, trainer.logger, _step(checkpoint))
    try:
        trainer.fit(module, datamodule=data, ckpt_path=None if checkpoint is None else str(checkpoint))
    except SystemExit:  # what Lightning makes of Ctrl-C, after writing a checkpoint
        log.warning("Stopped; the checkpoint is %s. The same command goes on from there.", newest_checkpoint(run))
        raise KeyboardInterrupt from None
    if trainer.is_global_zero:
        plot_metrics(run)


@contextmanager
def _alone_in(run: Path) -> Iterator[None]:
    """Hold the run folder: two trainings at once would write into each other's metrics and checkpoints."""
    if not is_first_process():
        yield
        return
    try:
        with FileLock(run / ".training.lock", timeout=0):
            yield
    except Timeout:
        raise InvalidInput(
            f"Another training is at work in {run}.", "Wait for its end, or give another folder with --run."
        ) from None


def newest_checkpoint(run: Path) -> Path | None:
    """Return the checkpoint that saw most steps: that of the last epoch's end or that of a few minutes ago."""
    found = [run / "checkpoints" / name for name in ("last.ckpt", "recent.ckpt")]
    return max((path for path in found if path.exists()), key=_step, default=None)


def _step(checkpoint: Path) -> int:
    return int(torch.load(checkpoint, map_location="cpu", mmap=True, weights_only=True)["global_step"])


@rank_zero_only
def _forget_checkpoints(run: Path) -> None:
    for path in (run / "checkpoints").glob("*.ckpt"):
        path.unlink()


def _trainer(options: TrainOptions, run: Path, epochs: int, accumulate: int) -> L.Trainer:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or _cores()))  # importing ultralytics sets one
    devices, nodes = devices_and_nodes(options)
    every_few_minutes = ModelCheckpoint(
        run / "checkpoints",
        filename="recent",
        train_time_interval=CHECKPOINT_EVERY,
        save_on_exception=True,
        enable_version_counter=False,
    )
    every_epoch = ModelCheckpoint(run / "checkpoints", filename="last", enable_version_counter=False)
    return L.Trainer(
        max_epochs=epochs,
        devices=devices,
        num_nodes=nodes,
        precision=_precision(options.precision),
        gradient_clip_val=5.0,
        accumulate_grad_batches=accumulate,
        logger=CSVLogger(run, name="", version="metrics"),
        callbacks=[
            Averaging(avg_fn=_average),
            LearningRateMonitor("step"),
            EpochBar(refresh_rate=10),
            SameLength(),
            StatusFile(run),
            every_few_minutes,
            every_epoch,
        ],
        plugins=torchrun(),
        sync_batchnorm=torch.cuda.is_available(),  # one batch, however many share it; torch has it for GPUs only
        num_sanity_val_steps=0,
        log_every_n_steps=20,
        reload_dataloaders_every_n_epochs=1,
        enable_model_summary=False,
    )


class Averaging(WeightAveraging):
    """Averaged weights, for two cases that Lightning's own forgets.

    A checkpoint that is written when a validation is stopped must not take the average for the weights, and a run that
    was finished already must end with the average as well.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._swapped = False

    def _swap_models(self, pl_module: L.LightningModule) -> None:
        super()._swap_models(pl_module)
        self._swapped = not self._swapped

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Give the module its own weights back before the checkpoint is written."""
        if self._swapped:
            self._swap_models(pl_module)

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Leave the average in the module; `on_train_end` does so only if there was something left to train."""
        self._copy_average_to_current(pl_module)

    @property
    def state_key(self) -> str:
        return WeightAveraging.__qualname__


class EpochBar(TQDMProgressBar):
    """A progress bar that says how many epochs there are."""

    def on_train_epoch_start(self, trainer: L.Trainer, *_: Any) -> None:
        """Begin the bar of an epoch."""
        super().on_train_epoch_start(trainer)
        self.train_progress_bar.set_description(f"Epoch {trainer.current_epoch + 1} of {trainer.max_epochs}")


class StatusFile(L.Callback):
    """Writes epoch, loss, validation figures and the time left to the run's status file."""

    EVERY_STEPS = 10

    def __init__(self, run: Path) -> None:
        self._run = run
        self._pace = Pace()

    @rank_zero_only
    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        """Write how far the training is, now and then."""
        if trainer.global_step % self.EVERY_STEPS == 0:
            self._write(trainer)

    @rank_zero_only
    def on_validation_end(self, trainer: L.Trainer, *_: Any) -> None:
        """Write what the validation gave, beside what it gave after earlier epochs."""
        self._write(trainer)
        done = trainer.current_epoch + 1
        figures = {name: value for name, value in _figures(trainer).items() if name.startswith("validation_")}
        earlier = [one for one in read_status(self._run).get("history", []) if one["epoch"] < done]
        write_status(self._run, history=[*earlier, {"epoch": done, **figures}])

    def _write(self, trainer: L.Trainer) -> None:
        step, steps = trainer.global_step, int(trainer.estimated_stepping_batches)
        write_status(
            self._run,
            epoch=trainer.current_epoch + 1,
            epochs=trainer.max_epochs,
            progress=round(step / steps, 4),
            seconds_left=self._pace.seconds_left(step, steps),
            figures=_figures(trainer),
        )


def _figures(trainer: L.Trainer) -> dict[str, float]:
    figures = {name: round(float(value), 4) for name, value in trainer.callback_metrics.items()}
    return {name: value for name, value in figures.items() if name.startswith(("train_", "validation_"))}


class SameLength(L.Callback):
    """Refuses to go on with a training whose schedule was made for another number of steps."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Compare the schedule, which may come from a checkpoint, with the steps of this training."""
        schedule: Any = trainer.lr_scheduler_configs[0].scheduler
        planned, begun = schedule_steps(trainer), schedule.total_steps
        if begun != planned:
            raise InvalidInput(
                f"The run was begun with {begun} steps, now it would have {planned}.",
                "Go on with the same data, --epochs, --limit and --devices, or start anew with --fresh.",
            )


def _average(average: torch.Tensor, current: torch.Tensor, averaged: torch.Tensor) -> torch.Tensor:
    """Return the exponential average of the weights; in the first steps it forgets faster."""
    decay = torch.minimum((1 + averaged) / (10 + averaged), torch.tensor(EMA_DECAY))
    return torch.lerp(current, average, decay.to(current)) if current.is_floating_point() else current


def _precision(wanted: str) -> Any:
    """Return Lightning's name; "auto" is bf16 where the machine multiplies faster in it than in 32 bit.

    That is measured on a CPU: of two with AVX512-BF16, one needed half the time in bf16, the other more time.
    """
    if wanted == "auto":
        on_gpu = torch.cuda.is_available()
        fast = torch.cuda.is_bf16_supported() if on_gpu else _seconds(torch.bfloat16) < 0.8 * _seconds(torch.float32)
        wanted = "bf16" if fast else "32"
    return {"bf16": "bf16-mixed", "32": "32-true"}[wanted]


def _seconds(dtype: torch.dtype) -> float:
    """Return the time of a matrix product on the CPU, the best of some."""
    matrix = torch.ones((1024, 1024), dtype=dtype)
    return min(timeit.repeat(lambda: matrix @ matrix, number=1, repeat=5))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@rank_zero_only
def _keep_metrics(run: Path, logger: Any, steps: int) -> None:
    """Hand what a run logged up to its checkpoint to its new logger, which would write its file anew otherwise."""
    rows = [{name: value for name, value in row.items() if value} for row in read_metrics(run)]
    earlier = [row for row in rows if int(row["step"]) < steps]
    logger.experiment.metrics.extend(earlier)


def read_metrics(run: Path) -> list[dict[str, str]]:
    """Return the rows of a run's metrics.csv; values that were not logged at a step are empty."""
    table = run / "metrics" / "metrics.csv"
    if not table.exists():
        return []
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def plot_metrics(run: Path) -> Path | None:
    """Draw every metric that the run logged over its steps into metrics.png."""
    from matplotlib.figure import Figure

    rows = read_metrics(run)
    names = [n for n in (rows[0] if rows else {}) if n not in ("epoch", "step") and any(row[n] for row in rows)]
    if not names:
        return None
    figure = Figure(figsize=(5 * len(names), 4), layout="constrained")
    for column, name in enumerate(names):
        axes = figure.add_subplot(1, len(names), column + 1, title=name, xlabel="step")
        points = [(int(row["step"]), float(row[name])) for row in rows if row[name]]
        axes.plot(*zip(*points, strict=True), marker="." if len(points) == 1 else "")
    path = run / "metrics.png"
    figure.savefig(path, dpi=110)
    return path

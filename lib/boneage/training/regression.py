"""Training of the regressor on upright, masked hands, small pictures first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch.nn import functional

from boneage.networks import MONTHS, BoneAgeNet
from boneage.training.families import WHOLE_NETWORK, network_of
from boneage.training.hand_views import BATCH, Hands
from boneage.training.loop import fit
from boneage.training.options import FAMILY, TrainOptions
from boneage.training.processes import keep_weights
from boneage.training.rates import Cycle, several_cycles
from boneage.training.stages import RATE, Stages

WEIGHT_DECAY = 0.05
LABEL_SD_MONTHS = 6.0
MEAN_WEIGHT = 0.05  # of the error of the mean, in months, beside the cross-entropy
TAUGHT = 0.5  # part of what is learnt that a teacher says, who sees the same view; the rest are the readers' ages


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
    stages = Stages.of(options.epochs, goes_on).up_to(options.rows)
    data = Hands(options, run, stages)
    teacher = network_of(*options.teacher) if options.teacher else None
    cycles = stages.cycles(options.rate)
    module = RegressorTraining(cycles, network_of(options.family, options.start), teacher)
    taught = {"teacher": options.teacher[0]} if options.teacher else {}
    schedule = {"epochs": stages.epochs, "image_sizes": stages.sizes, "strengths": stages.strengths, "cycles": cycles}
    options.keep_recipe(run, family=options.family, batch=BATCH, rate=cycles[0].rate, **schedule, **taught)
    fit(module, data, options, run, stages.epochs, accumulate=max(BATCH // (options.batch or BATCH), 1))
    return keep_weights(module.network, run)


class RegressorTraining(L.LightningModule):
    """The network with cross-entropy against a Gaussian around the readers' age, and the error of the mean.

    A teacher's distribution of the same view takes part of the Gaussian's place (Beyer et al. 2022, "A good teacher is
    patient and consistent").
    """

    months: torch.Tensor

    def __init__(
        self,
        cycles: Sequence[Cycle] = (Cycle(1, RATE),),
        network: BoneAgeNet | None = None,
        teacher: BoneAgeNet | None = None,
    ) -> None:
        super().__init__()
        self.cycles = cycles
        self.network = (network or BoneAgeNet(FAMILY)).to(memory_format=torch.channels_last)
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
        return several_cycles(self, self.cycles, WEIGHT_DECAY)

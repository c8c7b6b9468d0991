"""How fast a network learns: AdamW with a rate that rises, falls to nothing, and rises again where a cycle begins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import lightning as L
import torch

RISES = 0.15  # of a cycle
BEGINS, ENDS = 1 / 25, 1 / 250_000  # of its highest rate


class Cycle(NamedTuple):
    """A stretch of a training that begins and ends with a low rate.

    Attributes:
        epochs: Its length.
        rate: Its highest rate.
    """

    epochs: int
    rate: float


def one_cycle(module: L.LightningModule, rate: float, weight_decay: float) -> dict[str, Any]:
    """Return AdamW with one cycle over the whole training; see `several_cycles`."""
    return several_cycles(module, (Cycle(1, rate),), weight_decay)


def several_cycles(module: L.LightningModule, cycles: Sequence[Cycle], weight_decay: float) -> dict[str, Any]:
    """Return AdamW with cycles that take their share of the whole training; biases and norms are not decayed.

    Within one the rate follows Smith and Topin 2019, "Super-convergence".
    """
    decayed = [p for p in module.parameters() if p.ndim > 1 and p.requires_grad]
    plain = [p for p in module.parameters() if p.ndim <= 1 and p.requires_grad]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
    # Lightning refuses to clip gradients of a fused optimizer in mixed precision.
    optimizer = torch.optim.AdamW(groups, lr=1.0, fused="mixed" not in str(module.trainer.precision))
    steps = schedule_steps(module.trainer)
    schedule: Any = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_at(step / steps, cycles))
    schedule.total_steps = steps  # is kept in checkpoints
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def rate_at(part: float, cycles: Sequence[Cycle]) -> float:
    """Return the rate when so much of a training of these cycles is done, 0..1."""
    epochs = part * sum(cycle.epochs for cycle in cycles)
    for cycle in cycles:
        if epochs < cycle.epochs:
            break
        epochs -= cycle.epochs
    else:
        return ENDS * cycles[-1].rate
    done = epochs / cycle.epochs
    if done < RISES:
        return cycle.rate * _eased(BEGINS, 1.0, done / RISES)
    return cycle.rate * _eased(1.0, ENDS, (done - RISES) / (1 - RISES))


def _eased(first: float, last: float, part: float) -> float:
    return first + (last - first) * (1 - math.cos(math.pi * part)) / 2


def schedule_steps(trainer: L.Trainer) -> int:
    """Return the length of the schedule: a step more than there are, since it is also asked after the last."""
    return int(trainer.estimated_stepping_batches) + 1

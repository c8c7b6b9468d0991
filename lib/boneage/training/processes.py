"""A training in several processes, on one machine or several: the same batches, steps and weights as in one."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from lightning.pytorch.plugins.environments import TorchElasticEnvironment
from monai.data import ThreadDataLoader
from torch import distributed, nn
from torch.utils.data import DataLoader, Dataset, DistributedSampler, default_collate

from boneage.training.options import TrainOptions, is_first_process
from boneage.weights import save_weights


def devices_and_nodes(options: TrainOptions) -> tuple[int | str, int]:
    """Return how many devices a machine and how many machines there are: as torchrun says, else as the options say."""
    if TorchElasticEnvironment.detect():
        return int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["GROUP_WORLD_SIZE"])
    return options.devices if options.devices == "auto" else int(options.devices), options.nodes


def torchrun() -> TorchElasticEnvironment | None:
    """Return Lightning's plugin for processes that torchrun started; None if it did not."""
    return TorchElasticEnvironment() if TorchElasticEnvironment.detect() else None


def training_loader(examples: Dataset, batch: int, options: TrainOptions, **arguments: Any) -> DataLoader:
    """Return shuffled batches of one size; fewer examples than a batch make one small batch.

    Several processes share each batch: the same examples make the same step, however many processes there are.
    A thread makes the next batch while the network learns from this one.
    """
    arguments.setdefault("collate_fn", default_collate)
    rank, processes = _rank_and_processes()
    enough = len(examples) >= batch  # type: ignore[arg-type]
    return ThreadDataLoader(
        examples,  # type: ignore[arg-type]
        batch_size=math.ceil(batch / processes),
        sampler=DistributedSampler(examples, processes, rank, seed=options.seed, drop_last=enough),
        drop_last=enough,
        num_workers=options.workers or 0,
        **arguments,
    )


def _rank_and_processes() -> tuple[int, int]:
    """Return which process this is of how many that share the examples."""
    together = distributed.is_available() and distributed.is_initialized()
    return (distributed.get_rank(), distributed.get_world_size()) if together else (0, 1)


def wait_for_all() -> None:
    """Wait until each of several processes has come so far; return at once where there is but one."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()


def keep_weights(network: nn.Module, run: Path) -> Path:
    """Write the weights to the run folder, in the first of several processes only, and return their file."""
    weights = run / "model.safetensors"
    return save_weights(network, weights) if is_first_process() else weights

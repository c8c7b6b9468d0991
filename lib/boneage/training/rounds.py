"""The regressor's training in rounds, which go on from what there is and end in the mean of its weights and theirs.

run/           the first training, by the recipe
run/round-1/   two epochs more from its weights; round-2 goes on from mean-1, and so on
run/mean-1/    the mean of round-1's weights and those that it began with: a run folder that can be published

The mean is often better than either, and keeps more of what the first was robust against (Wortsman et al. 2022, "Robust
fine-tuning of zero-shot models").
"""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path

import torch

from boneage.models import family_of
from boneage.training import regression
from boneage.training.families import network_of
from boneage.training.options import TrainOptions, is_first_process
from boneage.training.processes import keep_weights, wait_for_all
from boneage.training.publish import training_of
from boneage.training.upright import HANDS

log = logging.getLogger(__name__)


def train(options: TrainOptions) -> Path:
    """Train the regressor, then `options.rounds` times more; return the file of the last mean's weights.

    An interrupted one goes on where it stopped when it is called again with the same options.

    Raises:
        InvalidData: If the folder has no radiographs of the train split.
        InvalidInput: If a family is not known.
        ModelRefused: If weights are not those of their network.
    """
    run = options.run_folder("bone_age_regressor")
    weights = regression.train(options)
    for number in range(1, options.rounds + 1):
        log.info("Round %d of %d.", number, options.rounds)
        begun, ended = weights.parent, run / f"round-{number}"
        _hand_over(run / HANDS, ended)
        seed = options.seed + number  # another order than in the rounds before
        regression.train(replace(options, run=ended, start=weights, seed=seed, epochs=None, rate=None))
        weights = keep_mean(begun, ended, run / f"mean-{number}")
    return weights


def _hand_over(hands: Path, run: Path) -> None:
    """Copy the hands that were found, so that they need not be looked for again."""
    if is_first_process() and not (run / hands.name).exists():
        run.mkdir(exist_ok=True)
        shutil.copy(hands, run)
    wait_for_all()


def keep_mean(first: Path, second: Path, out: Path) -> Path:
    """Write the mean of two runs' weights into a run folder with the second's recipe; return the weights' file.

    Raises:
        InvalidInput: If the second's family is not known.
        ModelRefused: If the weights are of two families.
    """
    wait_for_all()
    if is_first_process():
        _write_mean(first, second, out)
    wait_for_all()
    return out / "model.safetensors"


def _write_mean(first: Path, second: Path, out: Path) -> None:
    recipe = training_of(second)
    mean, other = (network_of(family_of(recipe), run / "model.safetensors") for run in (first, second))
    with torch.no_grad():
        for value, more in zip(mean.state_dict().values(), other.state_dict().values(), strict=True):
            if value.is_floating_point():
                value.lerp_(more, 0.5)
    out.mkdir(parents=True, exist_ok=True)
    own = {key: told for key, told in recipe.items() if not key.startswith("validation_")}  # those are the second's
    (out / "training.json").write_text(json.dumps(own | {"mean_with": first.name}, indent=2))
    keep_weights(mean, out)

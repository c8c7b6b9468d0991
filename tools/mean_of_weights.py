"""The mean of the weights of two trainings of the regressor, of which one went on from the other's.

    .venv/bin/python tools/mean_of_weights.py runs/first runs/second --out runs/mean

The mean is often better than either, and keeps more of what the first was robust against (Wortsman et al., "Robust
fine-tuning of zero-shot models", CVPR 2022). What comes is a run folder with the second's recipe, to be published or
gone on from like another.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import torch

from boneage.models import family_of
from boneage.training.families import network_of
from boneage.training.processes import keep_weights
from boneage.training.publish import training_of

A_RUN = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("first", type=A_RUN)
@click.argument("second", type=A_RUN)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
def main(first: Path, second: Path, out: Path) -> None:
    """Write a run folder with the mean."""
    begun, ended = (training_of(run) for run in (first, second))
    family = family_of(ended)
    if family_of(begun) != family:
        raise click.BadParameter(f"expected two trainings of one family, got {family_of(begun)} and {family}")
    mean, other = (network_of(family, run / "model.safetensors") for run in (first, second))
    with torch.no_grad():
        for value, more in zip(mean.state_dict().values(), other.state_dict().values(), strict=True):
            if value.is_floating_point():
                value.lerp_(more, 0.5)
    out.mkdir(parents=True, exist_ok=True)
    recipe = {key: told for key, told in ended.items() if not key.startswith("validation_")}  # that is the second's own
    (out / "training.json").write_text(json.dumps(recipe | {"mean_with": first.name}, indent=2))
    print(f"Weights: {keep_weights(mean, out)}")


if __name__ == "__main__":
    main()

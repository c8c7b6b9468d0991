"""What limits the error in ages: how many radiographs there are, or the kind of network? Small trainings, side by side.

    .venv/bin/python tools/what_limits.py --data DATA --out runs/limits

Trains the ResNet50 from scratch on an eighth, a quarter, half and all of the train split, and another family on all of
it: the same recipe, the same number of steps, small views. Measures each on the held-out radiographs, prints a table in
Markdown and draws docs/limits.png. An interrupted run goes on with the same --out; `--family NAME=FILE` begins with the
weights of a file (a PyTorch state dict with timm's layers in their order) instead of random ones.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import lightning as L
import numpy as np
import torch
from torch.utils.data import DataLoader

from boneage.datasets import read_rsna
from boneage.models import RESNET50
from boneage.networks import MONTHS, BoneAgeNet
from boneage.training.families import network_of
from boneage.training.hand_views import BATCH, Hands, UprightHands
from boneage.training.hands import PixelStore
from boneage.training.loop import fit
from boneage.training.options import TrainOptions
from boneage.training.processes import keep_weights
from boneage.training.regression import RegressorTraining
from boneage.training.stages import Stage, Stages
from boneage.training.upright import FoundHand, find_hands
from boneage.weights import load_weights

ROOT = Path(__file__).parents[1]
PARTS = (0.125, 0.25, 0.5, 1.0)
FAMILIES = ("tf_efficientnet_lite0",)
STRENGTH = 0.4  # of augmentation
COLUMNS = ("family", "start", "radiographs", "passes", "mae_months", "bias_months", "training_mae_months")


@dataclass(frozen=True)
class Trial:
    """One training.

    Attributes:
        family: `RESNET50`, or timm's name of the trunk that takes its place.
        part: Of the radiographs of the train split.
        start: Weights of the trunk; None for random ones.
    """

    family: str
    part: float = 1.0
    start: Path | None = None

    @property
    def name(self) -> str:
        return f"{self.family}-{self.part:g}" + ("-pretrained" if self.start else "")


def of_family(_context: object, _option: object, given: Sequence[str]) -> list[Trial]:
    """Read NAME or NAME=FILE."""
    trials = []
    for one in given:
        name, _, file = one.partition("=")
        if file and not Path(file).is_file():
            raise click.BadParameter(f"There is no file {file}.")
        trials.append(Trial(name, start=Path(file) if file else None))
    return trials


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=ROOT / "runs" / "limits")
@click.option("--passes", type=click.IntRange(1), default=6, help="Over all radiographs; over a part, more.")
@click.option("--view", type=(int, int), default=(80, 64), help="Rows and columns.")
@click.option("--family", "families", multiple=True, default=FAMILIES, callback=of_family, metavar="NAME[=FILE]")
def main(data: Path, out: Path, passes: int, view: tuple[int, int], families: list[Trial]) -> None:
    """Train, measure, print and draw."""
    out.mkdir(parents=True, exist_ok=True)
    examples = read_rsna(data)
    hands = find_hands(examples, out / "hands.npz")
    tested = [hand for hand in hands if hand.example.split == "held-out"]
    train = sum(example.split == "train" for example in examples)
    rows = []
    for trial in [*(Trial(RESNET50, part) for part in PARTS), *families]:
        print(f"{trial.name}: {round(trial.part * train)} radiographs", flush=True)
        rows.append(measured(trial, TrainOptions(data, limit=round(trial.part * train)), out, passes, view, tested))
    with (out / "limits.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    print_table(rows)
    draw(rows, ROOT / "docs" / "limits.png")


def measured(
    trial: Trial, options: TrainOptions, out: Path, passes: int, view: tuple[int, int], tested: list[FoundHand]
) -> dict[str, str]:
    """Train, unless that was done, and return a row."""
    run = out / trial.name
    run.mkdir(exist_ok=True)
    stage = Stage(*view, epochs=round(passes / trial.part), strength=STRENGTH)
    stages = Stages((stage,) * stage.epochs)
    weights, network = run / "model.safetensors", network_of(trial.family, trial.start)
    if not weights.exists():
        shutil.copyfile(out / "hands.npz", run / "hands.npz")
        L.seed_everything(options.seed, workers=True, verbose=False)
        fit(RegressorTraining(stages.cycles(), network), Hands(options, run, stages), options, run, stages.epochs)
        keep_weights(network, run)
    load_weights(network, weights)
    errors = errors_of(network, tested, stages)
    seen = errors_of(network, trained_on(options, run, len(tested)), stages)
    return {
        "family": trial.family,
        "start": trial.start.name if trial.start else "random",
        "radiographs": str(options.limit),
        "passes": str(stages.epochs),
        "mae_months": f"{np.abs(errors).mean():.2f}",
        "bias_months": f"{errors.mean():+.2f}",
        "training_mae_months": f"{np.abs(seen).mean():.2f}",
    }


def trained_on(options: TrainOptions, run: Path, count: int) -> list[FoundHand]:
    """Return some of the hands of a training, of the standard copies."""
    train = [one for one in read_rsna(options.data) if one.split == "train"][: options.limit]
    return find_hands(train[:count], run / "hands.npz")


def errors_of(network: BoneAgeNet, hands: list[FoundHand], stages: Stages) -> np.ndarray:
    """Return the errors of the plain look at unchanged hands, in months."""
    views = UprightHands([[hand] for hand in hands], stages.frame(0), PixelStore())
    months = torch.arange(MONTHS, dtype=torch.float32)
    network.eval()
    with torch.inference_mode():
        errors = [
            network(one["hand"], one["male"]).exp() @ months - one["bone_age_months"]
            for one in DataLoader(views, 2 * BATCH)
        ]
    return torch.cat(errors).numpy()


def print_table(rows: list[dict[str, str]]) -> None:
    """Print the rows in Markdown."""
    print("| network | begun with | radiographs | passes | MAE held-out | bias | MAE on those trained on |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for row in rows:
        print("| " + " | ".join(row[column] for column in COLUMNS) + " |")


def draw(rows: list[dict[str, str]], path: Path) -> None:
    """Draw the errors over the number of radiographs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.add_subplot(xlabel="radiographs trained on", ylabel="MAE, months", xscale="log")
    curve = [row for row in rows if row["family"] == RESNET50]
    counts = [int(row["radiographs"]) for row in curve]
    for column, label in (("mae_months", "held-out"), ("training_mae_months", "those trained on")):
        axes.plot(counts, [float(row[column]) for row in curve], marker="o", label=f"{RESNET50}, {label}")
    for row in rows:
        if row["family"] != RESNET50:
            label = f"{row['family']} from {row['start']}, held-out"
            axes.plot(int(row["radiographs"]), float(row["mae_months"]), "D", label=label)
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()

"""`boneage train`: the training line's commands."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from boneage.frames import AGE_FRAME
from boneage.training.options import FAMILY, TrainOptions, is_first_process

_OPTIONS = (
    click.option(
        "--data",
        required=True,
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Folder in the RSNA layout.",
    ),
    click.option(
        "--run",
        type=click.Path(file_okay=False, path_type=Path),
        help="Where checkpoints, metrics and weights go; runs/MODEL by default.",
    ),
    click.option("--epochs", type=click.IntRange(min=1), help="Passes over the data; the recipe's number by default."),
    click.option(
        "--start",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Weights (.safetensors) to begin with instead of random ones; a checkpoint in the run folder comes first.",
    ),
    click.option(
        "--rate",
        type=click.FloatRange(0, min_open=True),
        help="Highest learning rate of the first cycle; the recipe's by default. Later cycles change with it.",
    ),
    click.option("--seed", type=click.IntRange(min=0), default=2017, show_default=True, help="Makes a run repeatable."),
    click.option(
        "--devices",
        default="auto",
        show_default=True,
        metavar="auto|N",
        help="GPUs, or processes where there is none; torchrun knows better.",
    ),
    click.option(
        "--nodes",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Machines; torchrun knows better.",
    ),
    click.option(
        "--precision",
        type=click.Choice(["auto", "32", "bf16"]),
        default="auto",
        show_default=True,
        help="Of arithmetic.",
    ),
    click.option(
        "--workers", type=click.IntRange(min=0), help="Further processes that prepare batches; none by default."
    ),
    click.option("--fresh", is_flag=True, help="Start anew instead of going on from the last checkpoint."),
    click.option(
        "--limit", type=click.IntRange(min=1), help="Use only so many radiographs of a split, to try things out."
    ),
)

_MODEL_OF = {"detection": "hand_detector", "segmentation": "hand_segmenter", "rounds": "bone_age_regressor"}


@click.group()
def train() -> None:
    """Train one of the three models.

    A run that was interrupted goes on where it stopped, unless --fresh is given.

    On several machines, start the same command on each (the -- keeps torchrun from reading our options):
    torchrun --nnodes 2 --nproc-per-node 4 --rdzv-endpoint HOST:29400 --rdzv-backend c10d -- "$(command -v boneage)"
    train regressor --data DIR
    """


def _train_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _teacher(_context: object, _option: object, given: str | None) -> tuple[str, Path] | None:
    """Read FAMILY=FILE."""
    if given is None:
        return None
    family, _, file = given.partition("=")
    if not Path(file).is_file():
        raise click.BadParameter(f"expected FAMILY=FILE with a file that exists; got '{given}'")
    return family, Path(file)


@train.command()
@_train_options
def detector(**options: Any) -> None:
    """Train the detector: where the hand is, and how it lies."""
    _run("detection", options)


@train.command()
@_train_options
def segmenter(**options: Any) -> None:
    """Train the segmenter: the outline of the hand."""
    _run("segmentation", options)


@train.command()
@_train_options
@click.option(
    "--rows",
    type=click.IntRange(min=64, max=1024),
    help=f"Height of the largest views in pixels, {AGE_FRAME.rows} by default; "
    "512 suits radiographs of 1,500 pixels and more.",
)
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    help="Radiographs computed at a time, where memory is short; a step learns from 32 all the same.",
)
@click.option("--larger", is_flag=True, help="Train on the copies in larger.csv only.")
@click.option(
    "--family",
    default=FAMILY,
    show_default=True,
    help="The trunk: ResNet50, as the paper has it, or a name of timm's. --start may be a trunk's state dict (.pth).",
)
@click.option(
    "--teacher",
    metavar="FAMILY=FILE",
    callback=_teacher,
    help="A trained network (.safetensors) from which this one learns beside the readers' ages.",
)
@click.option(
    "--rounds",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Then go on so often from the weights for two passes more, each time taking the mean of both.",
)
def regressor(**options: Any) -> None:
    """Train the regressor: the bone age."""
    _run("rounds", options)


def _run(room: str, options: dict[str, Any]) -> None:
    if options["devices"] != "auto" and not (options["devices"].isdigit() and int(options["devices"]) > 0):
        raise click.BadParameter(f"expected 'auto' or a number; got '{options['devices']}'", param_hint="--devices")
    options["resume"] = not options.pop("fresh")
    logging.basicConfig(format="%(message)s")
    logging.getLogger("boneage").setLevel(logging.INFO)
    # Read once, when torch is loaded: threads that wait must not spin, for the next batch is made on the same cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    weights = import_module(f"boneage.training.{room}").train(TrainOptions(**options))
    if is_first_process():
        click.echo(f"Weights: {weights}")
        click.echo(f"Next: boneage models publish {weights.parent} {_MODEL_OF[room]} --version X.Y.Z")

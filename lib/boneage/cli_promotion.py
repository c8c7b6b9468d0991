"""`boneage models promote|rollback|history`: which version of a model is live, by the gate or by a person."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

import click

from boneage import cli_options as options
from boneage.errors import ModelRefused
from boneage.local_calibration import NAME as LOCAL
from boneage.local_calibration import local_state, roll_back_local
from boneage.models import MODEL_NAMES, check_model, models_folder
from boneage.registry import Entry, history, roll_back

_NAME = click.Choice(MODEL_NAMES)
_NAME_OR_LOCAL = click.Choice([*MODEL_NAMES, LOCAL])


@click.command()
@click.argument("run", type=options.FOLDER, metavar="RUN_DIR")
@click.argument("name", type=_NAME, metavar="NAME")
@click.option("--version", "version_", required=True, metavar="X", help="Of the weights, as in 1.2.0.")
@click.option("--data", required=True, type=options.FOLDER, help="Folder in the RSNA layout; held-out ones count.")
@click.option("--not-hands", type=options.FOLDER, help="Folder of images without a hand.")
@options.limit
@options.started_by
@options.models
@options.workers
@click.pass_context
def promote(
    context: click.Context,
    run: Path,
    name: str,
    version_: str,
    data: Path,
    not_hands: Path | None,
    limit: int | None,
    started_by: str,
    models_dir: Path | None,
    workers: int | None,
) -> None:
    """Let the weights of a training go live if they are better than the live version.

    Both versions look at the held-out radiographs. The candidate must be significantly better (paired bootstrap), and
    not significantly worse for any sex and age, on turned, flipped, darker, brighter or resized copies, or on images
    without a hand. What was compared is kept in the models' registry. Exit status 1 if it is refused.
    """
    from boneage.promotion_measures import Ground
    from boneage.promotion_run import try_to_promote  # heavy

    logging.basicConfig(format="%(message)s")
    ground = Ground.of(data, limit, not_hands, workers)
    ruling, _ = try_to_promote(name, run, version_, ground, started_by, models_dir)
    for reason in ruling.reasons:
        click.echo(reason)
    click.echo(f"{name} {version_} is live." if ruling.goes_live else f"{name} {version_} does not go live.")
    _tell_of_local(models_folder(models_dir))
    context.exit(0 if ruling.goes_live else 1)


def _tell_of_local(home: Path) -> None:
    """Say if another regressor took a local calibration out of force."""
    with suppress(ModelRefused):  # what was asked for is done already; whoever loads the model will say so
        if reason := local_state(home, check_model("bone_age_regressor", home)).reason:
            click.echo(reason, err=True)


@click.command()
@click.argument("name", type=_NAME_OR_LOCAL, metavar="NAME")
@click.option("--because", default="", metavar="TEXT", help="The reason, for the history.")
@options.started_by
@options.models
def rollback(name: str, because: str, started_by: str, models_dir: Path | None) -> None:
    """Make the version of a model live again that was live before, or of the local calibration: `local_calibration`."""
    home = models_folder(models_dir)
    entry = roll_back_local(home, started_by, because) if name == LOCAL else roll_back(home, name, started_by, because)
    click.echo(f"{name} {entry.version} is live again.")
    _tell_of_local(home)


@click.command("history")
@options.models
def show_history(models_dir: Path | None) -> None:
    """List promotions, refusals and roll-backs, oldest first."""
    entries = history(models_folder(models_dir))
    for entry in entries:
        click.echo(_line(entry))
    if not entries:
        click.echo("Every model is the version that came with the program.")


def _line(entry: Entry) -> str:
    version = f"{entry.model} {entry.version} ({entry.sha256[:12]})"
    return (
        f"{entry.at}  {version} {entry.action.value} by {entry.started_by}{': ' if entry.reason else ''}{entry.reason}"
    )

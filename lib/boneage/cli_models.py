"""`boneage models`: what is in the models folder, and what goes into it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from boneage.cli_local import calibrate_locally
from boneage.cli_promotion import promote, rollback, show_history
from boneage.errors import ModelRefused
from boneage.local_calibration import local_state
from boneage.models import MODEL_NAMES, ModelFile, check_model, models_folder

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_HEADER = ("model", "version", "sha256", "state", "figures")
_FIGURES_SHOWN = 3

_models_option = click.option("--models", "models_dir", type=_FOLDER, help="Other models.")


@click.group()
def models() -> None:
    """List, check, compile, calibrate, publish and promote the models, and roll them back."""


for command in (promote, rollback, show_history, calibrate_locally):
    models.add_command(command)


@models.command("list")
@_models_option
@click.pass_context
def list_models(context: click.Context, models_dir: Path | None) -> None:
    """List the models with their version, sha256 and main figures.

    Exit status 1 if one is missing, damaged or not the one that its card describes.
    """
    found = list(_checked(models_dir))
    _echo_table([_HEADER, *(_row(name, outcome) for name, outcome in found)])
    _tell_of_local(found, models_folder(models_dir))
    _explain_refusals(found)
    context.exit(_status(found))


@models.command()
@_models_option
@click.pass_context
def check(context: click.Context, models_dir: Path | None) -> None:
    """Load every model and let it answer once.

    Exit status 1 if one is refused or gives no finite numbers.
    """
    found = [(name, _answering(outcome)) for name, outcome in _checked(models_dir)]
    _echo_table([(name, "OK" if isinstance(outcome, ModelFile) else "refused") for name, outcome in found])
    _explain_refusals(found)
    context.exit(_status(found))


@models.command("compile")
@_models_option
def compile_models(models_dir: Path | None) -> None:
    """Compile the models now, so that the first assessment is quick."""
    from boneage.runtime import Network, cache_folder

    for name in MODEL_NAMES:
        model = check_model(name, models_dir)
        click.echo(f"{name} {model.version} ...", nl=False)
        Network(model)
        click.echo(" compiled")
    click.echo(f"The compiled forms are in {cache_folder()}.", err=True)


@models.command()
@click.option("--data", required=True, type=_FOLDER, help="Folder in the RSNA layout.")
@_models_option
@click.option("--workers", type=click.IntRange(min=1), help="Radiographs at the same time; one a core by default.")
def calibrate(data: Path, models_dir: Path | None, workers: int | None) -> None:
    """Fit the regressor's spread, so that 90 % intervals hold 90 %, and write it into the regressor's card.

    Young ages, rare in the train split, are favoured, so that the youngest are drawn less to the middle.
    How wide intervals are as a whole is fitted on the validation split; how much wider at some ages than at others, for
    each sex, on a part of the train split.
    """
    from boneage.training import calibration  # heavy

    spread = calibration.calibrate(data, models_dir, workers)
    told = check_model("bone_age_regressor", models_dir).card["calibration"]
    click.echo(
        f"Temperature {spread.temperature:.3f}: the 90 % intervals hold {told['coverage_90']:.1%} of "
        f"{told['radiographs']} radiographs of the {told['split']} split "
        f"({told['coverage_90_before']:.1%} at temperature 1)."
    )
    for sex, added in spread.adjustments.items():
        click.echo(f"The rarest young age, {sex.value}: favoured {math.exp(max(added)):.1f} times.")
    for sex, factors in spread.stretches.items():
        click.echo(f"By age, {sex.value}: stretched by {min(factors):.2f} to {max(factors):.2f}.")


@models.command()
@click.argument("run", type=_FOLDER, metavar="RUN_DIR")
@click.argument("name", type=click.Choice(MODEL_NAMES), metavar="NAME")
@click.option("--version", "version_", required=True, metavar="X", help="Of the weights, as in 1.2.0.")
@click.option("--figures", type=_FILE, help="metrics.json of `evaluate` or rooms.json of `evaluate-rooms`.")
@click.option("--changes", default="", metavar="TEXT", help="What is new in this version.")
@click.option(
    "--models", "models_dir", type=click.Path(file_okay=False, path_type=Path), help="Where to; made if need be."
)
def publish(run: Path, name: str, version_: str, figures: Path | None, changes: str, models_dir: Path | None) -> None:
    """Put the weights of a training into the models folder, with their card.

    RUN_DIR is the run folder of the training, NAME one of hand_detector, hand_segmenter, bone_age_regressor. What was
    there before is replaced as a whole or not at all.
    """
    from boneage.training.card_figures import figures_from  # heavy
    from boneage.training.publish import publish as put
    from boneage.training.publish import training_of

    measured = figures_from(figures, name) if figures else {}
    bundle = put(name, run / "model.safetensors", version_, measured, training_of(run), models_dir, changes)
    click.echo(f"Published {name} {version_} in {bundle}.")
    live = check_model(name, models_dir)
    if live.weights.parents[1] != bundle:
        click.echo(f"Live stays {live.version}, which was promoted: boneage models rollback {name}", err=True)
    if name == "bone_age_regressor" and "calibration" not in check_model(name, models_dir).card:
        click.echo("Its spread is not calibrated yet: boneage models calibrate --data DIR", err=True)


_Checked = tuple[str, "ModelFile | ModelRefused"]


def _checked(models_dir: Path | None) -> Iterator[_Checked]:
    """Yield each model, or why it is refused; a models folder that is not there flies."""
    folder = models_folder(models_dir)
    for name in MODEL_NAMES:
        try:
            yield name, check_model(name, folder)
        except ModelRefused as refusal:
            yield name, refusal


def _answering(outcome: ModelFile | ModelRefused) -> ModelFile | ModelRefused:
    """Return a model that gives finite numbers for black pictures, else why it does not."""
    import numpy as np

    from boneage.runtime import Network, example_shapes

    if isinstance(outcome, ModelRefused):
        return outcome
    try:
        answer = Network(outcome)(*(np.zeros(shape, np.float32) for shape in example_shapes(outcome)))
    except ModelRefused as refusal:
        return refusal
    return outcome if np.isfinite(answer).all() else ModelRefused(f"{outcome.name} gives numbers that are not finite.")


def _row(name: str, outcome: ModelFile | ModelRefused) -> tuple[str, ...]:
    if isinstance(outcome, ModelRefused):
        return name, "-", "-", "refused", ""
    return name, outcome.version, outcome.sha256[:12], "OK", _main_figures(outcome.card.get("figures") or {})


def _main_figures(figures: dict[str, Any]) -> str:
    from boneage.training.model_readme import value_in_words

    told = [f"{name} {value_in_words(value)}" for name, value in figures.items() if name != "data"]
    return "; ".join(told[:_FIGURES_SHOWN]) or "not measured"


def _echo_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _tell_of_local(found: list[_Checked], home: Path) -> None:
    """Say whether a local calibration is in force; nothing where there is none."""
    regressor = dict(found)["bone_age_regressor"]
    if not isinstance(regressor, ModelFile):
        return
    state = local_state(home, regressor)
    if state.in_force is not None:
        click.echo(f"In force: {state.in_force}, version {state.in_force.version}.")
    elif state.reason:
        click.echo(state.reason)


def _explain_refusals(found: list[_Checked]) -> None:
    for _, outcome in found:
        if isinstance(outcome, ModelRefused):
            click.echo(str(outcome), err=True)


def _status(found: list[_Checked]) -> int:
    return int(any(isinstance(outcome, ModelRefused) for _, outcome in found))
